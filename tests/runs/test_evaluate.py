import json
import math
import os
import re
import shutil

import pytest
import yaml

from experiments import transformer_lm
from labnn.configs.types import ConfigError
from labnn.runs.evaluate import evaluate, scores
from labnn.runs.export import export
from labnn.runs.folders import RunError
from labnn.runs.load import load
from tests.runs.processes import TINY, WORDS, Finished, folder, only_run, records, run
from tests.runs.test_load import N_UPDATES, edit, put, trained

pytestmark = pytest.mark.slow

# 83 characters in 7 windows of 11, with a batch of two
TEXT = {"text.valid_fraction": 0.5}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("eval") / "here", TEXT)


@pytest.fixture
def here(made, monkeypatch):
    monkeypatch.chdir(made[0].parent.parent.parent)
    return made[0]


def files(path):
    """Every file with its content and its time"""
    found = [p for p in path.rglob("*") if p.is_file()]
    return {str(p): (p.read_bytes(), p.stat().st_mtime_ns) for p in found}


def test_the_loss_is_the_one_that_the_run_has_written(here):
    line = [line for line in records(here / "metrics.jsonl") if "loss.valid" in line][-1]
    data, text = evaluate([here.name], {})
    # To the last bit
    assert (data["loss"], data["accuracy"]) == (line["loss.valid"], line["accuracy.valid"])
    assert data["perplexity"] == math.exp(data["loss"])
    assert (data["checkpoint"], data["text"]) == (str(N_UPDATES), "text.txt, validation part")
    assert data["tokens"] > 1
    rows = dict(re.split("  +", line) for line in text.splitlines())
    per_token = ["loss, nats per token", "perplexity per token"]
    assert [*rows] == ["run", "text", *per_token, "accuracy", "tokens"]
    assert rows["run"].endswith(f"{here.name}, checkpoint {N_UPDATES}")
    assert [rows[name] for name in per_token] == [
        f"{data[name]:.4g}" for name in ("loss", "perplexity")
    ]
    assert rows["tokens"] == str(data["tokens"])


def test_nothing_is_written(here):
    cwd = here.parent.parent.parent
    before = files(cwd)
    evaluate([here.name], {})
    code, out, err = run("labnn.cli", "eval", here.name, cwd=cwd)
    assert (code, err) == (0, "") and "loss" in out
    assert files(cwd) == before


def test_another_text_is_read_as_a_whole(here, tmp_path):
    whole, _ = evaluate([here.name], {"text.path": "text.txt"})
    part, _ = evaluate([here.name], {})
    assert whole["text"] == "text.txt, all of it"
    assert whole == evaluate([here.name], {"text": "file", "text.path": "text.txt"})[0]
    # The last tenth alone would be too short for a window.
    (tmp_path / "own.txt").write_text(WORDS[-24:])
    data, _ = evaluate([here.name], {"text.path": str(tmp_path / "own.txt")})
    assert data["text"] == f"{tmp_path / 'own.txt'}, all of it"
    assert 0 < data["tokens"] <= 22 and whole["tokens"] > part["tokens"]


def test_a_text_gives_the_same_whatever_it_is_called(here, tmp_path):
    (tmp_path / "part.txt").write_text(WORDS[int(len(WORDS) * 0.5) :])
    data, _ = evaluate([here.name], {"text.path": str(tmp_path / "part.txt")})
    own, _ = evaluate([here.name], {})
    assert {**data, "text": ""} == {**own, "text": ""}


def test_a_text_that_was_changed_since_is_told(tmp_path, monkeypatch, capsys):
    path, conf = trained(tmp_path / "here", TEXT)
    monkeypatch.chdir(tmp_path / "here")
    edit(path, data=conf.fingerprint())
    (tmp_path / "model").mkdir()
    export([path.name, str(tmp_path / "model")], {})
    capsys.readouterr()
    for name in (path.name, str(tmp_path / "model")):
        (tmp_path / "here" / "text.txt").write_text(WORDS)
        evaluate([name], {})
        assert capsys.readouterr().err == ""
        (tmp_path / "here" / "text.txt").write_text(WORDS[::-1])
        evaluate([name], {})
        err = capsys.readouterr().err
        assert (
            err == "warning: text.txt was changed after the run: its scores are of another text\n"
        )
        # Whoever names a text knows that.
        evaluate([name], {"text.path": "text.txt"})
        assert capsys.readouterr().err == ""


def test_the_scores_are_sums_over_tokens(here, made):
    conf, _ = load(here)
    found = scores(conf)
    total, n_correct, n_tokens = 0.0, 0, 0
    conf.position.phase = "valid"
    for number, batch in enumerate(conf.valid_loader):
        conf.position.batch = number
        masked, labels = conf.mlm(batch[0], generator=conf.position.generator())
        logits = conf.model(masked)[0].detach().double()
        hidden = labels != conf.padding_token
        shares = logits.softmax(-1)[hidden].gather(-1, labels[hidden].unsqueeze(-1))
        total -= float(shares.log().sum())
        n_correct += int((logits.argmax(-1) == labels)[hidden].sum())
        n_tokens += int(hidden.sum())
    assert found["tokens"] == n_tokens > 0
    assert found["loss"] == pytest.approx(total / n_tokens, rel=1e-6)
    assert found["accuracy"] == n_correct / n_tokens
    assert found["perplexity"] == pytest.approx(math.exp(total / n_tokens), rel=1e-5)


def test_other_options_and_other_checkpoints(here, made):
    own, _ = evaluate([here.name], {})
    # Other masks, and windows that are cut elsewhere
    for options in ({"seed": "5"}, {"seq_len": "7"}, {"batch_size": "1"}, {"masking_prob": "0.5"}):
        data, _ = evaluate([here.name], options)
        assert data["loss"] != own["loss"], options
    more, _ = evaluate([here.name], {"masking_prob": "1.0"})
    assert more["tokens"] > own["tokens"]
    assert evaluate([here.name], {"device": "cpu"})[0]["loss"] == own["loss"]
    weights = {name: tensor * 2 for name, tensor in made[1].model.state_dict().items()}
    put(here, 7, weights, best=str(N_UPDATES))
    assert evaluate([here.name], {})[0] == own
    data, text = evaluate([here.name], {"checkpoint": "latest"})
    assert data["checkpoint"] == "7" and data["loss"] != own["loss"] and "checkpoint 7" in text


def test_the_command(here):
    cwd = here.parent.parent.parent
    code, out, err = run("labnn.cli", "eval", here.name, "checkpoint=3", "--json", cwd=cwd)
    assert (code, err, out.count("\n")) == (0, "", 1)
    data = json.loads(out)
    assert {*data} == {"loss", "accuracy", "perplexity", "tokens", "checkpoint", "text"}
    assert data == evaluate([here.name], {"checkpoint": "3"})[0]


@pytest.mark.parametrize(
    "words, says",
    [
        (["text.path=strange.txt"], "not in the vocabulary of 19 tokens: 'é' at 0"),
        (["text.path=missing.txt"], "text.path='missing.txt': no such file"),
        (["text.path=short.txt"], "too few for one window"),
        (["text.path=text.txt", "text.valid_fraction=0.5"], "and text.valid_fraction would choose"),
        (["text.path=text.txt", "text.valid=text.txt"], "and text.valid would choose"),
        (["text.path=text.txt", "text.encoding=utf-99"], "text.encoding='utf-99' is no text"),
        (["d_model=28"], "d_model was 14 and is 28"),
        (["transformer.n_layers=2"], "transformer.n_layers was 1 and is 2"),
        (["tokenizer=word"], "leave tokenizer out"),
        (["bach_size=2"], "did you mean batch_size?"),
        (["batch_size=0"], "batch_size is"),
        (["valid_loader=none"], "the run has no validation part; name a text"),
        (["checkpoint=9"], "no checkpoint '9'"),
        (["part=test"], "text.txt, the text file, has no test part; leave part=test out"),
        (["part=rest"], "part is 'rest'; it takes one of train, valid, test"),
        (["part="], "part is ''; it takes one of"),
        (["part=test", "tokenizer=word"], "leave tokenizer out"),
        (["part=test", "text.path=missing.txt"], "text.path='missing.txt': no such file"),
        (["device=cuda:6"], "cuda:6"),
    ],
)
def test_a_mistake_is_one_line(here, words, says):
    cwd = here.parent.parent.parent
    (cwd / "strange.txt").write_text("é" * 50, encoding="utf-8")
    (cwd / "short.txt").write_text("to be")
    code, out, err = run("labnn.cli", "eval", here.name, *words, cwd=cwd)
    assert (code, out) == (2, "")
    assert err.startswith("error: ") and says in err and err.count("\n") == 1


def test_a_file_may_have_an_encoding_of_its_own(here, tmp_path):
    (tmp_path / "own.txt").write_text(WORDS, encoding="utf-16")
    path = str(tmp_path / "own.txt")
    data, _ = evaluate([here.name], {"text.path": path, "text.encoding": "utf-16"})
    own, _ = evaluate([here.name], {"text.path": "text.txt"})
    assert data["loss"] == own["loss"]


def test_a_run_without_validation_can_read_another_text(tmp_path, monkeypatch):
    path, _ = trained(tmp_path / "here", {"valid_loader": None})
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(RunError, match="no validation part"):
        evaluate([path.name], {})
    assert evaluate([path.name], {"text.path": "text.txt"})[0]["tokens"] > 0


def parts(place, **texts):
    """A folder with the three parts of WikiText-2, under the names of plain files"""
    place.mkdir()
    for name, text in texts.items():
        (place / f"{name}.txt").write_text(text)


@pytest.fixture
def three(tmp_path, monkeypatch):
    """A run on a text in three parts"""
    parts(tmp_path / "wiki", train=WORDS, valid=WORDS[:40], test=WORDS[40:])
    options = {"text": "wikitext_2", "text.path": str(tmp_path / "wiki")}
    path, conf = trained(tmp_path / "here", options)
    edit(path, data=conf.fingerprint())
    monkeypatch.chdir(tmp_path / "here")
    return path


def test_the_test_part_is_scored_as_a_text_of_its_own_is(three, tmp_path, capsys):
    data, text = evaluate([three.name], {"part": "test"})
    assert data["text"] == f"{tmp_path / 'wiki'}, test part" and data["text"] in text
    # The corpus has ended each part with a line end.
    (tmp_path / "test.txt").write_text(WORDS[40:] + "\n")
    own, _ = evaluate([three.name], {"text.path": str(tmp_path / "test.txt")})
    assert {**data, "text": ""} == {**own, "text": ""}
    valid, _ = evaluate([three.name], {})
    assert valid == evaluate([three.name], {"part": "valid"})[0] and valid["loss"] != data["loss"]
    assert evaluate([three.name], {"part": "train"})[0]["tokens"] > data["tokens"]
    assert capsys.readouterr().err == ""


def test_a_part_may_lie_elsewhere_or_be_that_of_an_export(three, tmp_path):
    data, _ = evaluate([three.name], {"part": "test"})
    (tmp_path / "model").mkdir()
    export([three.name, str(tmp_path / "model")], {})
    assert evaluate([str(tmp_path / "model")], {"part": "test"})[0] == data
    shutil.move(tmp_path / "wiki", tmp_path / "moved")
    moved = {"text.path": str(tmp_path / "moved"), "part": "test"}
    found, _ = evaluate([three.name], moved)
    assert found == {**data, "text": f"{tmp_path / 'moved'}, test part"}
    with pytest.raises(ValueError, match="no such folder"):
        evaluate([three.name], {"part": "test"})


def test_a_part_of_a_text_that_was_changed_is_told(three, tmp_path, capsys):
    for name, part, is_told in (("valid", "train", False), ("valid", "test", True)):
        (tmp_path / "wiki" / f"{name}.txt").write_text(WORDS[::-1])
        evaluate([three.name], {"part": part})
        assert ("was changed after the run" in capsys.readouterr().err) == is_told


def test_a_run_without_validation_has_the_loader_of_its_class(tmp_path, monkeypatch):
    parts(tmp_path / "wiki", train=WORDS, valid=WORDS, test=WORDS[40:])
    options = {"text": "wikitext_2", "text.path": str(tmp_path / "wiki"), "valid_loader": None}
    path, _ = trained(tmp_path / "here", options)
    monkeypatch.chdir(tmp_path / "here")
    assert evaluate([path.name], {"part": "test"})[0]["tokens"] > 0


OWN = """
from experiments import mlm


class Configs(mlm.Configs):
    def step(self, batch, batch_idx):
        pass
"""


NEGATIVE = """
from experiments import mlm
from labnn.configs.scores import Scores


class Configs(mlm.Configs):
    def forward_loss(self, batch):
        return Scores(batch[0].sum() * 0.0 - 3.0, 0, 2)
"""


def test_a_loss_below_zero_has_no_perplexity(tmp_path, monkeypatch):
    path, _ = trained(tmp_path / "here")
    (tmp_path / "here" / "below.py").write_text(NEGATIVE)
    edit(path, entry="below:Configs")
    monkeypatch.chdir(tmp_path / "here")
    data, text = evaluate([path.name], {})
    assert (data["loss"], data["perplexity"]) == (-1.5, None)
    assert "perplexity per token  -" in text


LOST = """
from experiments import mlm
from labnn.configs.scores import Scores


class Configs(mlm.Configs):
    def forward_loss(self, batch):
        return Scores(batch[0].sum() * 0.0, 0, 0)
"""


@pytest.mark.parametrize(
    "code, says",
    [
        (OWN, "Configs has a step of its own that scores nothing; give it a forward_loss"),
        (LOST, "no token of the text was scored; give it a longer text, or another seed"),
    ],
)
def test_nothing_is_scored(tmp_path, code, says):
    path, _ = trained(tmp_path / "here")
    (tmp_path / "here" / "silent.py").write_text(code)
    edit(path, entry="silent:Configs")
    assert run("labnn.cli", "eval", path.name, cwd=tmp_path / "here") == Finished(
        2, "", f"error: {says}\n"
    )


def test_a_loss_that_is_no_number_is_null(here, made, capsys):
    weights = {name: tensor * math.nan for name, tensor in made[1].model.state_dict().items()}
    put(here, 9, weights)
    data, text = evaluate([here.name], {"checkpoint": "9"})
    assert data["loss"] is None and data["perplexity"] is None
    json.dumps(data, allow_nan=False)
    assert "loss, nats per token  -" in text


def test_options_of_the_run_stay(here):
    told = yaml.safe_load((here / "run.yaml").read_text())["overrides"]
    assert told["text.valid_fraction"] == 0.5
    with pytest.raises(ConfigError, match="valid_fraction"):
        evaluate([here.name], {"text.valid_fraction": "2"})
    assert os.getcwd() == str(here.parent.parent.parent)


@pytest.mark.parametrize(
    "schedule",
    [
        {"optimizer.schedule": "cosine_annealing", "optimizer.total_updates": N_UPDATES},
        {"optimizer.schedule": "warmup_policy", "optimizer.warmup": 2},
    ],
)
def test_a_schedule_of_the_run_says_nothing_of_other_texts(tmp_path, monkeypatch, schedule):
    path, _ = trained(tmp_path / "here", {"optimizer": "AdamW", **schedule})
    monkeypatch.chdir(tmp_path / "here")
    for name, text in (("long.txt", WORDS * 3), ("one.txt", WORDS[:13])):
        (tmp_path / name).write_text(text)
        data, _ = evaluate([path.name], {"text.path": str(tmp_path / name), "masking_prob": "1.0"})
        assert data["tokens"] > 0


def test_a_text_may_be_shorter_than_what_a_run_with_a_schedule_learns_from(tmp_path, monkeypatch):
    monkeypatch.chdir(folder(tmp_path / "here"))
    schedule = {"optimizer": "AdamW", "optimizer.schedule": "cosine_annealing"}
    transformer_lm.main(TINY | schedule | {"tokenizer": "character"})
    (tmp_path / "few.txt").write_text(WORDS[:7])
    name = only_run(tmp_path / "here", "transformer_lm").name
    # The window of the run is longer, and each letter but the first is scored.
    assert evaluate([name], {"text.path": str(tmp_path / "few.txt")})[0]["tokens"] == 6
