"""What may be another one when a run goes on, and what may not"""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from labml import tracker
from labml.configs import option
from torch import nn

from experiments import mlm
from labnn.configs.rounds import RoundsConfigs
from labnn.configs.types import ConfigError
from labnn.runs.folders import RunError
from labnn.runs.interrupts import Terminated
from labnn.runs.launch import launch
from tests.runs.processes import TINY, WORDS, folder, only_run, records

pytestmark = pytest.mark.slow


class Stopping(mlm.Configs):
    """Is stopped in its second epoch, once"""

    stop_at: str = "train 1 1"

    def step(self, batch, batch_idx):
        p = self.position
        if self.stop_at == f"{p.phase} {p.epoch} {p.batch}":
            os.kill(os.getpid(), signal.SIGTERM)
        super().step(batch, batch_idx)


# A run that is not stopped any more
GO_ON = {"stop_at": "never"}


def go(cls=Stopping, overrides=None, **others):
    return launch("run", cls, mlm.OVERRIDES, overrides or {}, **others)


@pytest.fixture
def stopped(tmp_path, monkeypatch, capsys):
    """The folder of a run that was stopped"""
    monkeypatch.chdir(folder(tmp_path / "here"))
    with pytest.raises(Terminated):
        go(overrides=TINY | {"epochs": 2})
    capsys.readouterr()
    return only_run(tmp_path / "here", "run")


def on(overrides=None, allow=()):
    return go(overrides=GO_ON | (overrides or {}), resume="auto", allow_change=["stop_at", *allow])


def test_the_run_goes_on_by_itself(stopped):
    conf = on()
    assert conf.position.epoch == 2
    assert [line["update"] for line in records(stopped / "metrics.jsonl")] == [
        1,
        2,
        3,
        3,
        4,
        5,
        6,
        6,
    ]


def test_other_letters_with_the_same_number_of_tokens_are_refused(stopped):
    """The ids would mean other letters, and nothing would fail."""
    text = WORDS.replace("q", "z")
    assert len({*text}) == len({*WORDS}) and text != WORDS
    Path("text.txt").write_text(text)
    with pytest.raises(RunError, match="train_sha256 of the data was .* --allow-change text"):
        on()
    with pytest.raises(RunError, match="tokens_sha256 of the data .* --allow-change tokenizer"):
        on(allow=["text"])
    before = json.loads((stopped / "tokenizer.json").read_text())
    on(allow=["text", "tokenizer"])
    after = json.loads((stopped / "tokenizer.json").read_text())
    assert "q" in before["tokens"] and "z" in after["tokens"] and "q" not in after["tokens"]


def test_more_tokens_do_not_fit_and_both_numbers_are_named(stopped):
    text = WORDS.replace("question", "qüestiön")
    Path("text.txt").write_text(text, "utf-8")
    counts = f"was {len({*WORDS})} and is {len({*text})}"
    message = f"tokenizer, the number of its tokens, {counts}"
    with pytest.raises(RunError, match=message) as e:
        on(allow=["text", "tokenizer"])
    assert "\n" not in str(e.value)


def test_the_same_text_may_lie_elsewhere(stopped, capsys):
    os.rename("text.txt", "moved.txt")
    on({"text.path": "moved.txt"})
    assert "changed: text.path 'text.txt' → 'moved.txt'" in capsys.readouterr().out


def test_what_was_asked_for_on_the_way_is_noted_as_such(stopped):
    on({"log_params_updates": 2, "epochs": 3})
    info = yaml.safe_load((stopped / "run.yaml").read_text())
    assert {"log_params_updates", "epochs", "d_model"} <= {*info["asked"]}
    (resumed,) = info["resumed"]
    assert resumed["changes"]["epochs"] == [2, 3] and resumed["update"] == 5


def test_one_name_may_be_a_text(stopped):
    go(overrides=GO_ON, resume="auto", allow_change="stop_at")


@pytest.mark.parametrize("n", [1, 3])
def test_rounds_can_change_between_epochs_only(tmp_path, monkeypatch, n):
    monkeypatch.chdir(folder(tmp_path / "here"))
    with pytest.raises(Terminated):
        go(overrides=TINY | {"epochs": 2, "inner_iterations": 2})
    with pytest.raises(ConfigError, match="inner_iterations can change between two epochs only"):
        on({"inner_iterations": n}, allow=["inner_iterations"])
    on()


def test_a_link_in_place_of_the_metrics_is_not_followed(stopped, tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("gold")
    (stopped / "metrics.jsonl").unlink()
    (stopped / "metrics.jsonl").symlink_to(precious)
    with pytest.raises(RunError, match="metrics.jsonl is a link"):
        on()
    assert precious.read_text() == "gold"


def test_a_batch_that_ended_a_run_is_forgotten_when_it_goes_on(stopped):
    (stopped / "bad_batch.json").write_text("{}")
    on()
    assert not (stopped / "bad_batch.json").exists()


def test_a_schedule_cannot_come_and_decay_needs_the_groups_that_there_were(stopped):
    later = {"optimizer": "AdamW", "optimizer.schedule": "cosine_annealing"}
    for allow in ([], ["optimizer"]):
        with pytest.raises(ConfigError, match="schedule was none in run .*, or start a new") as e:
            on(later, allow)
        assert "\n" not in str(e.value)
    decay = {"optimizer.weight_decay": 0.1}
    with pytest.raises(ConfigError, match="optimizer has two groups of weights, and what") as e:
        on(decay, ["optimizer.weight_decay"])
    assert "\n" not in str(e.value)
    # What the line says helps.
    whole = {"optimizer.decay_groups": False}
    conf = on(decay | whole, ["optimizer.weight_decay", "optimizer.decay_groups"])
    assert [group["weight_decay"] for group in conf.optimizer.param_groups] == [0.1]


class Bare(RoundsConfigs):
    """Rounds alone, with a step of one's own: no device, no precision"""

    epochs: int = 2
    model: nn.Module = "line"
    optimizer: torch.optim.Optimizer = "plain"
    train_loader: Any = "numbers"

    def step(self, batch, batch_idx):
        loss = self.model(batch).square().sum()
        if self.mode.is_train:
            loss.backward()
            self.optimizer.step()
            self.optimizer.zero_grad()
        tracker.save({"loss.train": loss})

    def sample(self):
        pass


@option(Bare.model)
def line():
    return nn.Linear(3, 1)


@option(Bare.optimizer)
def plain(c: Bare):
    return torch.optim.SGD(c.model.parameters(), lr=0.1)


@option(Bare.train_loader)
def numbers():
    return [torch.ones(2, 3) * n for n in range(1, 4)]


def test_rounds_alone_are_saved_as_well(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    conf = launch("bare", Bare, {})
    assert "bare" in capsys.readouterr().out.splitlines()[0]
    again = launch("bare", Bare, {}, {"epochs": 3}, resume="auto")
    assert not torch.equal(conf.model.weight, again.model.weight)
    updates = [line["update"] for line in records(only_run(tmp_path, "bare") / "metrics.jsonl")]
    assert updates == [*range(1, 10)]


class More(Stopping):
    """Has a part of its own that survives"""

    def state_parts(self):
        return {**super().state_parts(), "more": nn.Linear(2, 2)}


def test_a_part_that_is_on_one_side_only_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(folder(tmp_path / "here"))
    with pytest.raises(Terminated):
        go(More, TINY | {"epochs": 2})
    More.state_parts = Stopping.state_parts
    with pytest.raises(RunError, match="more is on one side only"):
        go(More, GO_ON, resume="auto", allow_change=["stop_at"])
