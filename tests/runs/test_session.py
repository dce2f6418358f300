import json
import math
import signal
import threading
from statistics import fmean
from typing import Any

import pytest
import torch
import yaml
from labml import tracker
from labml.configs import option
from labml_helpers.metrics import StateModule

from experiments import mlm
from labnn.configs.scores import Meter
from labnn.configs.update import TrainingError
from labnn.runs.launch import launch
from tests.runs.processes import (
    TINY,
    folder,
    n_updates,
    only_run,
    records,
    telling,
)
from tests.runs.processes import mlm as run_mlm

N_UPDATES, N_VALID = 3, 1


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working directory"""
    cwd = folder(tmp_path / "here")
    monkeypatch.chdir(cwd)
    return cwd


def trained(cls, overrides=None, name="own"):
    return launch(name, cls, mlm.OVERRIDES, TINY | (overrides or {}))


def metrics(cwd, name="own"):
    return records(only_run(cwd, name) / "metrics.jsonl")


@pytest.mark.parametrize("moment", [1, 11, pytest.param(101, marks=pytest.mark.slow)])
def test_a_killed_run_loses_no_update(tmp_path, moment):
    cwd = folder(tmp_path / "here")
    process = telling(cwd, {"epochs": 100_000, "prompt": []})
    process.until(lambda out: n_updates(out) >= moment)
    process.send(signal.SIGKILL)
    finished = process.wait()
    assert finished.code == -signal.SIGKILL
    run = only_run(cwd, "telling")
    written = [line["update"] for line in records(run / "metrics.jsonl") if "lr" in line]
    assert len(written) >= n_updates(finished.out) >= moment
    assert written == [*range(1, len(written) + 1)]
    assert not (run / "run_log.jsonl").exists()
    # What was run is known all the same.
    assert yaml.safe_load((run / "run.yaml").read_text("utf-8"))["name"] == "telling"
    assert json.loads((run / "tokenizer.json").read_text("utf-8"))["tokens"]


def test_samples_are_stored_before_each_round_and_at_the_end(here, capsys):
    conf = trained(mlm.Configs, {"epochs": 2, "inner_iterations": 2})
    lines = records(only_run(here, "own") / "samples.jsonl")
    # Round by round one update, and two
    assert [line["update"] for line in lines] == [0, 1, 3, 4, 6]
    assert [line["step"] for line in lines] == [0, 22, 55, 77, 110]
    for line in lines:
        texts = [
            "".join(
                span["text"] if span["kind"] == "given" else span["truth"] for span in s["spans"]
            )
            for s in line["samples"]
        ]
        assert texts == conf.prompt == TINY["prompt"]
        kinds = {span["kind"] for sample in line["samples"] for span in sample["spans"]}
        assert "given" in kinds and kinds <= {"given", "right", "wrong"}
    assert lines[0]["samples"] != lines[1]["samples"]


def test_half_characters_are_stored_as_json_has_them(here, capsys):
    trained(mlm.Configs, {"prompt": ["to be \udc80 or not"], "masking_prob": 0.0})
    (first, _) = records(only_run(here, "own") / "samples.jsonl")
    spans = first["samples"][0]["spans"]
    assert "".join(s["truth"] or s["text"] for s in spans) == "to be \udc80 or not"
    assert " ? or " in capsys.readouterr().out


def rounds(out):
    """What the lines of the rounds say"""
    found = [line.split() for line in out.splitlines() if line.startswith("epoch ")]
    return [dict(zip(line[4:-1:2], map(float, line[5:-1:2]), strict=True)) for line in found]


@pytest.mark.slow
def test_a_round_tells_the_mean_loss_of_its_updates(tmp_path):
    cwd = folder(tmp_path / "here")
    finished = run_mlm(cwd, {"epochs": 2, "prompt": []})
    lines = records(only_run(cwd) / "metrics.jsonl")
    # The first line and the last one are due, whatever the pace.
    first, second = rounds(finished.out)
    for told, found in ((first, lines[: N_UPDATES + 1]), (second, lines[N_UPDATES + 1 :])):
        mean = fmean(line["loss.train"] for line in found[:-1])
        assert told["loss.train"] == pytest.approx(mean, rel=1e-3)
        assert told["loss.valid"] == pytest.approx(found[-1]["loss.valid"], rel=1e-3)


def test_only_the_last_round_of_all_is_told_whatever_the_pace(here, capsys):
    trained(mlm.Configs, {"inner_iterations": 3, "prompt": []})
    assert len(rounds(capsys.readouterr().out)) == 2
    assert sum("loss.valid" in line for line in metrics(here)) == 3


def test_validations_in_the_middle_of_a_round_are_lines_and_so_is_one_at_the_start(here, capsys):
    trained(mlm.Configs, {"eval_interval": 2, "eval_at_start": True, "epochs": 3})
    lines = metrics(here)
    scored = [line for line in lines if "loss.valid" in line]
    assert [line["update"] for line in scored] == [0, 2, 4, 6, 8, 9]
    assert lines[0] is scored[0] and lines[0]["step"] == 0
    assert not any("lr" in line for line in scored)
    # The first one has no loss of training, and the last one has the mean since the one before.
    out = capsys.readouterr().out
    first, last = rounds(out)
    # What is read after that validation is read all the same.
    assert "nothing reads" not in out
    assert [*first] == ["loss.valid", "accuracy.valid"]
    assert last["loss.train"] == pytest.approx(lines[-2]["loss.train"], rel=1e-3)
    best = json.loads((only_run(here, "own") / "status.json").read_text())["best"]
    assert best["value"] == min(line["loss.valid"] for line in scored)


def test_patience_ends_a_run_in_the_middle_of_an_epoch(here, capsys):
    options = {"eval_interval": 1, "eval_at_start": True, "early_stopping.patience": 2}
    rate = {"optimizer": "SGD", "optimizer.learning_rate": 1e-30}
    conf = trained(mlm.Configs, options | rate)
    # Nothing gets better without learning.
    assert [line["update"] for line in metrics(here) if "loss.valid" in line] == [0, 1, 2]
    assert (conf.position.updates, conf.position.left) == (2, 2)
    out = capsys.readouterr().out
    assert "was best after update 0" in out
    # The last round is told whatever the pace, and it is the last because of that.
    assert len(rounds(out)) == 2


def test_a_value_that_a_step_tracks_is_in_its_line(here, capsys):
    class Configs(mlm.Configs):
        def forward_loss(self, batch):
            tracker.add("width", batch[0].shape[1])
            tracker.add("broken.", math.nan)
            return super().forward_loss(batch)

    trained(Configs)
    *train, valid = metrics(here)
    assert [line["width"] for line in train] == [2, 2, 1]
    assert [line["broken.train"] for line in train] == [None] * 3
    assert (valid["width"], valid["broken.valid"]) == (1, None)


def test_the_validation_of_a_step_of_ones_own_is_one_line(tmp_path, here, capsys):
    class Configs(mlm.Configs):
        """Tracks each batch, as labml's experiments do"""

        def step(self, batch, batch_idx):
            data, _ = batch
            masked, labels = self.mlm(data)
            scores = mlm.score(self.model(masked)[0], labels, ignore=self.padding_token)
            if self.mode.is_train:
                tracker.add_global_step(data.numel())
            tracker.add("loss.", scores.loss / scores.n_tokens)
            tracker.add("batch.", batch_idx.idx)
            if self.mode.is_train:
                self.optimizer.zero_grad()
                scores.loss.backward()
                self.optimizer.step()
            tracker.save()

    folder(here, (here / "text.txt").read_text() * 3)
    trained(Configs, {"text.valid_fraction": 0.3, "optimizer.momentum": 0.3})
    lines = metrics(here)
    n_train = len(lines) - 1
    assert [line["update"] for line in lines] == [*range(1, n_train + 1), n_train]
    assert [line["batch.train"] for line in lines[:-1]] == [*range(n_train)]
    assert "loss.train" not in lines[-1] and lines[-1]["loss.valid"] > 0
    # The mean over the batches 0 to 2, whose values were saved one by one
    assert lines[-1]["batch.valid"] == 1
    # It does not say when it has made an update; the end of the round will do.
    out = capsys.readouterr().out
    assert out.count("warning: nothing reads optimizer.momentum: no effect in this run") == 1
    (told,) = rounds(out)
    assert told["loss.valid"] == pytest.approx(lines[-1]["loss.valid"], rel=1e-3)


class Counter(StateModule):
    """Counts windows, in the way of the metrics of labml_helpers"""

    def create_state(self):
        return {"n": 0}

    def set_state(self, state):
        self.state = state

    def on_epoch_start(self):
        self.state["n"] = 0

    def on_epoch_end(self):
        tracker.add("counted.", self.state["n"])


def test_metrics_of_labml_helpers_count_for_each_phase_and_epoch(here, capsys):
    class Configs(mlm.Configs):
        _counter = Counter()

        def init(self):
            self.state_modules = [self._counter]

        def step(self, batch, batch_idx):
            super().step(batch, batch_idx)
            self._counter.state["n"] += batch[0].shape[1]

    trained(Configs, {"epochs": 2, "inner_iterations": 2})
    lines = metrics(here)
    assert [line["counted.train"] for line in lines if "counted.train" in line] == [5, 5]
    assert [line["counted.valid"] for line in lines if "counted.valid" in line] == [1] * 4
    # They are in the line of the validation, and in one of their own after the training.
    assert all("loss.valid" in line for line in lines if "counted.valid" in line)


def test_what_is_read_late_is_told_once(here, capsys):
    class Configs(mlm.Configs):
        early: int = 0
        late: int = 0

        def validate(self):
            assert self.late == 3
            super().validate()

    trained(Configs, {"early": 3, "late": 3, "epochs": 2})
    out = capsys.readouterr().out
    assert out.count("nothing reads") == 1 and "early" in out


def test_without_validation_a_round_ends_with_training(here, capsys):
    class Configs(mlm.Configs):
        valid_loader: Any = None

    trained(Configs)
    lines = metrics(here)
    assert len(lines) == N_UPDATES and not any("loss.valid" in line for line in lines)
    out = capsys.readouterr().out
    (told,) = rounds(out)
    assert told.keys() == {"loss.train"}
    assert "accuracy on" not in out


def test_statistics_of_parameters_and_activations_at_the_last_batch_of_an_epoch(here, capsys):
    options = {"is_log_model_params_grads": True, "is_log_model_activations": True}
    conf = trained(mlm.Configs, options | {"epochs": 2, "inner_iterations": 2})
    lines = metrics(here)
    usual = {"update", "step", "loss.train", "accuracy.train", "lr", "grad_norm", "tokens_per_s"}
    usual |= {"loss.valid", "accuracy.valid"}
    rich = [line for line in lines if line.keys() - usual]
    assert [line["update"] for line in rich] == [N_UPDATES, 2 * N_UPDATES]
    for line in rich:
        assert all(line[key] is not None for key in line)
        for name, _ in conf.model.named_parameters():
            kinds = ("mean", "l1", "l2")
            expected = {f"{what}.model.{name}.{k}" for what in ("param", "grad") for k in kinds}
            assert expected <= line.keys()
        modules = {f"module.model.{name}.mean" for name, _ in conf.model.named_children()}
        assert modules <= line.keys()
    # The values are those of the weights before the last step, with clipped gradients.
    norms = [
        line[f"grad.model.{name}.l2"] ** 2 * parameter.numel()
        for line in rich[:1]
        for name, parameter in conf.model.named_parameters()
    ]
    assert math.sqrt(sum(norms)) == pytest.approx(min(1, rich[0]["grad_norm"]), rel=1e-3)
    assert "nothing reads" not in capsys.readouterr().out


def test_by_default_nothing_is_called_unread(here, capsys):
    trained(mlm.Configs)
    assert "warning" not in capsys.readouterr().out


def test_overrides_that_nothing_reads_are_named_once(here, capsys):
    overrides = {"optimizer": "Adam", "optimizer.learning_rate": 1e-3, "optimizer.momentum": 0.3}
    trained(mlm.Configs, overrides | {"min_count": 7, "epochs": 2})
    out = capsys.readouterr().out
    warning = "warning: nothing reads min_count, optimizer.momentum: no effect in this run"
    assert out.count(warning) == out.count("warning") == 1


def test_what_only_the_validation_reads_is_not_called_unread(here, capsys):
    class Configs(mlm.Configs):
        pass

    @option(Configs.meter)
    def own_meter():
        return Meter()

    trained(Configs, {"meter": "own_meter"})
    assert "warning" not in capsys.readouterr().out


def test_the_default_given_once_more_is_no_mistake(here, capsys):
    trained(mlm.Configs, {"optimizer.momentum": 0.5, "min_count": 1, "optimizer.warmup": 2000})
    assert "warning" not in capsys.readouterr().out


def test_unknown_pieces_of_prompts_are_told_once(here, capsys):
    prompts = ["to € be", "€ or ¥", "not"]
    trained(mlm.Configs, {"prompt": prompts, "epochs": 3})
    (warning,) = [
        line for line in capsys.readouterr().out.splitlines() if line.startswith("warning")
    ]
    assert "'€', '¥'" in warning and "[MASK]" in warning


def test_an_exception_in_the_middle_ends_everything_well(here, capsys):
    class Configs(mlm.Configs):
        def make_update(self, is_stored):
            if self._listener.metrics.n_updates == 2:
                raise ZeroDivisionError("two is too many")
            super().make_update(is_stored)

    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(ZeroDivisionError):
        trained(Configs)
    run = only_run(here, "own")
    assert [line["update"] for line in metrics(here)] == [1, 2]
    (end,) = records(run / "run_log.jsonl")
    assert (end["status"], end["details"]) == ("crashed", "ZeroDivisionError: two is too many")
    assert handlers == [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    *_, before, last = capsys.readouterr().out.splitlines()
    assert before == f"stopped; run: {run}"
    how = f"resume with: the same call and resume='{run.name}'"
    assert last == f"the last checkpoint is 0; {how}"
    # What the run after this one tracks does not go into this one's file.
    tracker.save("later", 1)
    assert len(metrics(here)) == 2 and torch.is_grad_enabled()


def test_a_loss_that_is_not_a_number_stops_the_run_before_the_update(here, capsys):
    class Configs(mlm.Configs):
        """Poisons a weight after the second update"""

        def make_update(self, is_stored):
            super().make_update(is_stored)
            if self._listener.metrics.n_updates == 2:
                next(self.model.parameters()).data[:] = math.nan

    with pytest.raises(TrainingError, match="the loss is nan at epoch 1, batch 3, step 55"):
        trained(Configs)
    assert [line["update"] for line in metrics(here)] == [1, 2]
    (end,) = records(only_run(here, "own") / "run_log.jsonl")
    assert end["status"] == "crashed" and "nan" in end["details"]


def test_a_run_in_a_thread(here, capsys):
    found = []
    thread = threading.Thread(target=lambda: found.append(trained(mlm.Configs)))
    thread.start()
    thread.join()
    assert isinstance(found[0], mlm.Configs)
    assert len(metrics(here)) == N_UPDATES + N_VALID
