import re
import sys

import pytest
import torch
import yaml
from labml import experiment, tracker
from labml.configs import option
from torch import nn

from experiments import mlm
from labnn.configs.types import ConfigError
from labnn.runs.launch import asked, attach, launch, prepared
from labnn.runs.tracking import quiet
from tests.runs.processes import ROOT, TINY, folder, fresh, only_run, records, run, words
from tests.runs.processes import mlm as run_mlm

OWN_FORM = ROOT / "tests" / "experiments" / "own_form.py"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working directory"""
    cwd = folder(tmp_path / "here")
    monkeypatch.chdir(cwd)
    return cwd


def losses(run):
    """Everything that does not depend on the time"""
    lines = records(run / "metrics.jsonl")
    return [{k: v for k, v in line.items() if k != "tokens_per_s"} for line in lines]


def runs(cwd, experiment="mlm"):
    """The folders of all runs, the first one first"""
    return sorted((cwd / "logs" / experiment).iterdir())


def test_it_returns_the_configs_when_they_are_finished(here, capsys):
    conf = mlm.main(TINY)
    assert type(conf) is mlm.Configs
    assert (conf.position.epoch, conf.epochs) == (1, 1)
    assert conf.transformer.n_layers == 1 and len(conf.model.encoder.layers) == 1
    assert conf.model.encoder.layers[0] is not None
    # Ready to be used
    logits, _ = conf.model(torch.zeros(3, 2, dtype=torch.long))
    assert logits.shape == (3, 2, conf.n_tokens)


@pytest.mark.parametrize(
    "wrong, error, says",
    [
        ({"bach_size": 3}, ConfigError, "did you mean batch_size?"),
        ({"transformer.n_layer": 3}, ConfigError, "did you mean transformer.n_layers?"),
        ({"batch_size": 0}, ConfigError, "batch_size is 0"),
        ({"transformer.n_heads": 3}, ConfigError, "transformer.n_heads is 3"),
        ({"seq_len": 5001}, ConfigError, "transformer.max_len"),
        ({"randomize_prob": 0.7, "no_change_prob": 0.7}, ConfigError, "at most 1"),
        ({"text.path": "missing.txt"}, ConfigError, "missing.txt"),
        ({"seq_len": 1000}, ConfigError, "too few"),
    ],
)
def test_a_mistake_is_an_error_before_anything_is_made(here, capsys, wrong, error, says):
    with pytest.raises(error, match=re.escape(says)):
        mlm.main(TINY | wrong)
    assert not (here / "logs").exists()
    assert capsys.readouterr().out == ""


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bits_here_and_elsewhere(tmp_path, here, capsys):
    options = TINY | {"epochs": 2}
    before = dict(mlm.OVERRIDES), torch.get_rng_state()
    mlm.main(options)
    # Something else in between, which must leave no trace
    torch.manual_seed(11)
    mlm.main(options | {"batch_size": 3, "seed": 5, "d_model": 6, "optimizer": "AdamW"})
    mlm.main(options)
    elsewhere = folder(tmp_path / "elsewhere")
    assert run_mlm(elsewhere, {"epochs": 2}).code == 0
    assert run_mlm(elsewhere, {"epochs": 2}).code == 0
    first, other, second = runs(here)
    there, again = runs(elsewhere)
    assert losses(there) == losses(again)
    assert losses(first) == losses(second) == losses(there)
    assert losses(first)[0]["loss.train"] != losses(other)[0]["loss.train"]
    # Steps begin anew, and options are those of the run.
    assert losses(second)[0]["step"] == 22
    rows = [yaml.safe_load((run / "configs.yaml").read_text()) for run in (first, second)]
    # Objects are shown with their addresses.
    values = [{k: re.sub("0x[0-9a-f]+", "", str(row)) for k, row in r.items()} for r in rows]
    assert values[0] == values[1]
    assert rows[0]["optimizer.optimizer"]["value"] == "Noam"
    assert before[0] == mlm.OVERRIDES
    assert (first / "samples.jsonl").read_text() == (there / "samples.jsonl").read_text()


@pytest.mark.slow
def test_a_run_after_one_that_failed_is_like_any_other(here, capsys):
    class Broken(mlm.Configs):
        def forward_loss(self, batch):
            tracker.add("left.", 1)
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        launch("broken", Broken, mlm.OVERRIDES, TINY)
    mlm.main(TINY)
    *train, valid = losses(only_run(here))
    assert [line["update"] for line in train] == [1, 2, 3]
    assert not any("left" in name for line in train for name in line)


@pytest.mark.slow
def test_a_subclass_with_another_model_and_another_tokenizer(here, capsys):
    class BiLSTM(nn.Module):
        def __init__(self, n_tokens, d_model):
            super().__init__()
            self.embed = nn.Embedding(n_tokens, d_model)
            self.lstm = nn.LSTM(d_model, d_model // 2, bidirectional=True)
            self.out = nn.Linear(d_model, n_tokens)

        def forward(self, x):
            return self.out(self.lstm(self.embed(x))[0]), None

    class Configs(mlm.Configs):
        pass

    @option(Configs.model)
    def bilstm(c: Configs):
        return BiLSTM(c.n_tokens, c.d_model).to(c.device)

    options = TINY | {"tokenizer": "word", "seq_len": 3, "model": "bilstm"}
    unused = {name: options.pop(name) for name in TINY if name.startswith("transformer.")}
    conf = launch("bilstm", Configs, mlm.OVERRIDES, options)
    assert isinstance(conf.model, BiLSTM)
    out = capsys.readouterr().out
    # The experiment's own options for the transformer are nobody's mistake.
    assert "nothing reads" not in out
    assert records(only_run(here, "bilstm") / "metrics.jsonl")
    launch("again", Configs, mlm.OVERRIDES, options | unused)
    named = ", ".join(sorted(unused))
    assert f"warning: nothing reads {named}: no effect" in capsys.readouterr().out
    # The class that it derives from has no such option.
    with pytest.raises(ConfigError, match="bilstm"):
        mlm.main(TINY | {"model": "bilstm"})


def test_what_was_asked_for_is_what_differs_from_the_defaults():
    overrides = {
        "batch_size": 64,
        "seed": 0,
        "transformer.ffn.d_ff": 256,
        "transformer.ffn.is_gated": False,
        "transformer.n_heads": 4,
        "optimizer": "Noam",
        "optimizer.momentum": 0.25,
        "text": "file",
    }
    expected = {"transformer.n_heads", "optimizer.momentum", "text.corpus"}
    assert asked(mlm.Configs, mlm.OVERRIDES, overrides) == expected
    assert asked(mlm.Configs, mlm.OVERRIDES, None) == set()


def test_overrides_stand_before_those_of_the_experiment():
    _, values = prepared(mlm.Configs, mlm.OVERRIDES, {"batch_size": 3, "optimizer": "Adam"})
    assert (values["batch_size"], values["optimizer.optimizer"]) == (3, "Adam")
    assert values["seq_len"] == mlm.OVERRIDES["seq_len"]


# What a notebook does: code without a file, in a namespace of its own
CELLS = """
from experiments import mlm
from labnn.runs.launch import launch

class Configs(mlm.Configs):
    # Only a number
    extra: int = 5

for n in range(2):
    conf = launch("cells", Configs, mlm.OVERRIDES, options)
print("done", conf.extra, conf.n_tokens)
"""


@pytest.mark.slow
def test_code_without_a_file(tmp_path):
    cwd = folder(tmp_path / "here")
    code = f"exec({CELLS!r}, dict(__name__='__main__', options={TINY}))"
    finished = fresh("-c", code, cwd=cwd)
    assert finished.code == 0 and finished.err == ""
    assert "done 5 " in finished.out
    first, second = runs(cwd, "cells")
    assert losses(first) == losses(second)
    info = yaml.safe_load((first / "run.yaml").read_text())
    # No module has this class, and nothing pretends that one does.
    assert (info["entry"], info["python_file"]) == (None, "")


@pytest.fixture(scope="module")
def own_form(tmp_path_factory):
    """What `own_form.py` leaves, run as a person would"""
    top = tmp_path_factory.mktemp("own")
    cwd = folder(top / "here")
    (cwd / ".labml.yaml").write_text("check_repo_dirty: false\n")
    (cwd / "own_form.py").write_text(OWN_FORM.read_text())
    finished = run(cwd / "own_form.py", "text.txt", cwd=cwd, HOME=str(folder(top / "home")))
    assert finished.code == 0 and finished.err == "", finished
    return only_run(cwd, "own"), finished.out


def test_labmls_own_form_with_a_step_of_ones_own(own_form):
    run, out = own_form
    lines = records(run / "metrics.jsonl")
    train = [line for line in lines if "loss.train" in line]
    valid = [line for line in lines if "loss.valid" in line]
    sampled = [line for line in lines if "certainty" in line]
    assert [line["update"] for line in train] == [1, 2, 3, 4, 5, 6]
    assert [line["step"] for line in train] == [22, 44, 55, 77, 99, 110]
    assert [line["step"] for line in valid] == [55, 110]
    assert [line["step"] for line in sampled] == [0, 55, 110]
    # The accuracy is counted from the beginning of an epoch, and told once more at its end.
    ends = [line for line in lines if "loss.train" not in line and "accuracy.train" in line]
    assert [line["accuracy.train"] for line in ends] == [train[n]["accuracy.train"] for n in (2, 5)]
    assert len(lines) == 6 + 2 + 3 + 2
    assert all(0 <= line["accuracy.valid"] <= 1 for line in valid)
    assert out.count(" hidden\n") == 3
    # Its step neither clips nor samples prompts.
    (warning,) = [line for line in out.splitlines() if line.startswith("warning")]
    assert warning == "warning: nothing reads grad_norm_clip: no effect in this run"


def test_labmls_own_form_keeps_the_files_of_labml(own_form):
    run, _ = own_form
    names = {path.name for path in run.iterdir()}
    assert names >= {"run.yaml", "configs.yaml", "metrics.jsonl", "tokenizer.json", "run.pid"}
    info = yaml.safe_load((run / "run.yaml").read_text())
    assert info["uuid"] == run.name and info["overrides"]["text.corpus"] == "file"
    rows = yaml.safe_load((run / "configs.yaml").read_text())
    assert rows["transformer.ffn.d_ff"]["computed"] == 11
    (end,) = records(run / "run_log.jsonl")
    assert end["status"] == "completed"


@pytest.mark.slow
def test_labmls_own_form_goes_on_bit_by_bit(own_form, tmp_path):
    whole, _ = own_form
    cwd = folder(tmp_path / "here")
    (cwd / ".labml.yaml").write_text("check_repo_dirty: false\n")
    (cwd / "own_form.py").write_text(OWN_FORM.read_text())
    home = str(folder(cwd / "home"))
    stopped = run(cwd / "own_form.py", "text.txt", cwd=cwd, HOME=home, STOP_AT="1 1")
    assert stopped.code == 143, stopped
    name = only_run(cwd, "own").name
    last = stopped.out.splitlines()[-1]
    assert last == f"saved checkpoint 5; resume with: attach(conf, resume='{name}')"
    again = run(cwd / "own_form.py", "text.txt", name, cwd=cwd, HOME=home)
    assert again.code == 0 and again.err == "", again
    # In the same folder, of which labml has made no second one
    parts = only_run(cwd, "own")
    assert records(parts / "metrics.jsonl") == records(whole / "metrics.jsonl")
    info = yaml.safe_load((parts / "run.yaml").read_text())
    assert info["overrides"]["d_model"] == 14 and len(info["resumed"]) == 1
    ends = [line["status"] for line in records(parts / "run_log.jsonl")]
    # For labml whatever is no Ctrl-C is a crash.
    assert ends == ["crashed", "completed"]


def test_attach_refuses_configs_that_the_experiment_does_not_have(here, monkeypatch):
    monkeypatch.setenv("HOME", str(here))
    with quiet():
        experiment.create(name="other", writers=set())
        experiment.configs({"a": 1})
        with experiment.start(), pytest.raises(ConfigError, match="experiment.configs"):
            attach(mlm.Configs())


def blocks():
    """The Python of the README that runs something"""
    text = (ROOT / "README.md").read_text("utf-8")
    found = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    return [block for block in found if '"epochs"' in block]


@pytest.mark.slow
def test_what_the_readme_shows_works(tmp_path):
    assert any("attach(conf)" in block for block in blocks())
    assert any("@option" in block for block in blocks())
    tiny = {name: value for name, value in TINY.items() if name != "epochs"}
    for number, block in enumerate(blocks()):
        cwd = folder(tmp_path / str(number))
        (cwd / ".labml.yaml").write_text("check_repo_dirty: false\n")
        options = tiny
        if "word" in block:
            options = {name: v for name, v in (tiny | {"seq_len": 3}).items() if "." not in name}
            options |= {name: v for name, v in tiny.items() if name.startswith("text.")}
        # The same on a text that takes a moment; what the block sets itself comes last.
        code = block.replace('{"epochs": 2', f'{{**{options}, "epochs": 1')
        assert code != block
        (cwd / "shown.py").write_text(code, "utf-8")
        finished = run(cwd / "shown.py", cwd=cwd, HOME=str(folder(cwd / "home")))
        assert finished.code == 0 and finished.err == "", finished
        (metrics,) = cwd.glob("logs/*/*/metrics.jsonl")
        assert any("loss.valid" in line for line in records(metrics))


@pytest.mark.slow
def test_the_command_line_and_the_code_do_the_same(tmp_path, here, capsys):
    mlm.main(TINY)
    elsewhere = folder(tmp_path / "elsewhere")
    arguments = [*words(TINY)]
    assert run("experiments.mlm", *arguments, cwd=elsewhere).code == 0
    assert losses(only_run(here)) == losses(only_run(elsewhere))
    overrides = [
        yaml.safe_load((only_run(cwd) / "run.yaml").read_text())["overrides"]
        for cwd in (here, elsewhere)
    ]
    assert overrides[0] == overrides[1]
    assert sys.modules["experiments.mlm"] is mlm
