import json
import os
import re
import shutil
import sys
import types

import pytest
import torch
import yaml
from torch import nn

from experiments import mlm
from labnn.configs.position import restore, states
from labnn.configs.types import ConfigError
from labnn.runs.checkpoint import packed, save
from labnn.runs.folders import RunError
from labnn.runs.load import imported, load, locate
from labnn.runs.manifest import CheckpointError
from labnn.tokenizers import CharacterTokenizer
from tests.runs.processes import TINY, folder, only_run, records, run
from tests.runs.processes import mlm as run_mlm

# Updates of an epoch of TINY
N_UPDATES = 3


def put(path, name, weights, best=None, **info):
    """A checkpoint of a run"""
    told = {"update": int(name), "step": 11, "best": best, "metrics": {}, "is_done": False}
    save(path / "checkpoints", str(name), packed({"model": weights}), told | info)


def trained(cwd, options=None, **others):
    """A finished run in a new working directory with one checkpoint, and its configs"""
    folder(cwd, **others)
    before = os.getcwd()
    os.chdir(cwd)
    try:
        conf = mlm.main(TINY | (options or {}))
    finally:
        os.chdir(before)
    path = only_run(cwd)
    shutil.rmtree(path / "checkpoints", ignore_errors=True)
    put(path, N_UPDATES, conf.model.state_dict(), best=str(N_UPDATES))
    return path, conf


def edit(path, **changes):
    """Write into `run.yaml`."""
    told = yaml.safe_load((path / "run.yaml").read_text())
    (path / "run.yaml").write_text(yaml.safe_dump(told | changes))
    return told


def spoil(path, file="model.safetensors"):
    """Flip the last bit of a file."""
    data = bytearray((path / file).read_bytes())
    data[-1] ^= 1
    (path / file).write_bytes(data)


def scaled(conf, factor):
    """Weights that can be told from those of the model"""
    return {name: tensor * factor for name, tensor in conf.model.state_dict().items()}


def factor(model, conf):
    """By how much the weights differ from those of the run"""
    one, other = model.state_dict(), conf.model.state_dict()
    name = "generator.projection.weight"
    return round(float((one[name] / other[name]).mean()), 3)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """One run for all tests of this file, which take copies"""
    return trained(tmp_path_factory.mktemp("run") / "here")


@pytest.fixture
def made(kept, tmp_path, monkeypatch):
    """A copy of that run in a working directory of its own, and the configs that trained it"""
    path, conf = kept
    here = tmp_path / "here"
    shutil.copytree(path.parent.parent.parent, here)
    monkeypatch.chdir(here)
    return only_run(here), conf


def test_a_run_comes_back_without_naming_its_options(made):
    path, trained = made
    conf, name = load(path)
    assert (name, type(conf)) == ("3", mlm.Configs)
    assert (conf.seq_len, conf.transformer.n_layers, conf.d_model) == (11, 1, 14)
    assert conf.tokenizer.tokens == trained.tokenizer.tokens
    assert factor(conf.model, trained) == 1
    assert not any(module.training for module in conf.model.modules())
    ids = torch.randint(0, conf.n_tokens, (7, 3))
    trained.model.eval()
    with torch.no_grad():
        assert torch.equal(conf.model(ids)[0], trained.model(ids)[0])


def test_the_text_may_be_gone(made):
    path, _ = made
    (path.parent.parent.parent / "text.txt").unlink()
    conf, _ = load(path)
    assert conf.model(torch.zeros(3, 2, dtype=torch.long))[0].shape == (3, 2, conf.n_tokens)
    with pytest.raises(ValueError, match="text.path='text.txt': no such file"):
        _ = conf.valid_loader


def test_the_run_is_found_by_its_name_and_an_export_by_its_path(made, tmp_path):
    path, _ = made
    assert locate(path.name[:10]).samefile(path) and locate(str(path)) == path
    (tmp_path / "exported").mkdir()
    (tmp_path / "exported" / "config.json").write_text("{}")
    assert locate(str(tmp_path / "exported")) == tmp_path / "exported"
    with pytest.raises(RunError, match="is no 'labnn export 1'"):
        load(tmp_path / "exported")
    with pytest.raises(RunError, match="there is no run 'nothing'"):
        locate("nothing")


@pytest.mark.slow
def test_best_latest_or_one_by_name(made, capsys):
    path, trained = made
    put(path, 4, scaled(trained, 4), best="4")
    put(path, 5, scaled(trained, 5), best="4")
    for wanted, name in (("best", "4"), ("latest", "5"), ("3", "3"), ("5", "5")):
        conf, found = load(path, checkpoint=wanted)
        assert found == name
        assert factor(conf.model, trained) == (1 if name == "3" else int(name))
    assert load(path)[1] == "4"
    assert capsys.readouterr().err == ""
    with pytest.raises(RunError, match="no checkpoint '7'; it has 3, 4, 5, and best and latest"):
        load(path, checkpoint="7")


@pytest.mark.parametrize("what", ["missing", "damaged", "never"])
def test_without_a_best_checkpoint_the_newest_is_taken_with_a_warning(made, capsys, what):
    path, trained = made
    put(path, 4, scaled(trained, 4), best={"missing": "2", "damaged": "3", "never": None}[what])
    if what == "damaged":
        spoil(path / "checkpoints" / "3")
    conf, name = load(path)
    assert name == "4" and factor(conf.model, trained) == 4
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and err.startswith("warning: ")
    assert "4" in err.split("taking")[1]


def test_a_damaged_newest_checkpoint_is_passed_over(made, capsys):
    path, trained = made
    put(path, 4, scaled(trained, 4), best="3")
    put(path, 5, scaled(trained, 5), best="5")
    spoil(path / "checkpoints" / "5", "manifest.json")
    assert load(path, checkpoint="latest")[1] == "4"
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "5/manifest.json is damaged" in err
    # The manifest before it knows a best one.
    assert load(path)[1] == "3"
    assert capsys.readouterr().err == ""
    # One that was asked for by name is not exchanged for another.
    with pytest.raises(CheckpointError, match="manifest.json is damaged"):
        load(path, checkpoint="5")


def test_where_no_checkpoint_is_whole_nothing_is_loaded(made):
    path, _ = made
    spoil(path / "checkpoints" / "3")
    with pytest.raises(RunError, match="no checkpoint of .* is whole: .*its sum is another one"):
        load(path)
    shutil.rmtree(path / "checkpoints")
    with pytest.raises(RunError, match="has no checkpoint; train it"):
        load(path)


def test_a_checkpoint_without_weights_is_damaged(made):
    path, _ = made
    info = {"update": 4, "step": 0, "best": "4", "metrics": {}, "is_done": False}
    save(path / "checkpoints", "4", packed({"model": [], "rest": 1}), info)
    with pytest.raises(CheckpointError, match="4 holds no weights"):
        load(path, checkpoint="4")


def test_options_that_make_another_model_are_named_with_both_values(made):
    path, _ = made
    with pytest.raises(RunError) as caught:
        load(path, overrides={"d_model": 28, "batch_size": 3, "seed": 5})
    text = str(caught.value)
    assert "d_model was 14 and is 28 (" in text and "\n" not in text
    # Those that have nothing to do with it are not.
    assert "batch_size" not in text and "seed" not in text


def test_other_options_may_be_changed(made):
    path, _ = made
    conf, _ = load(path, overrides={"batch_size": 5, "seq_len": 7, "seed": 3})
    assert (conf.batch_size, conf.seq_len, conf.seed) == (5, 7, 3)
    with pytest.raises(ConfigError, match="did you mean batch_size"):
        load(path, overrides={"bach_size": 5})
    with pytest.raises(RunError, match="leave tokenizer out"):
        load(path, overrides={"tokenizer": "word"})


def test_the_device_is_that_of_this_machine(made):
    path, _ = made
    told = yaml.safe_load((path / "run.yaml").read_text())
    edit(path, overrides=told["overrides"] | {"device.device": "cuda:7"})
    conf, _ = load(path)
    assert conf.device == mlm.Configs().device
    conf, _ = load(path, overrides={"device": "cpu"})
    assert next(conf.model.parameters()).device == torch.device("cpu")


def test_objects_have_to_be_given_again(made):
    path, trained = made
    edit(path, objects=["transformer.ffn.activation", "device", "tokenizer"])
    with pytest.raises(RunError, match="transformer.ffn.activation had objects as values"):
        load(path)
    conf, _ = load(path, overrides={"transformer.ffn.activation": nn.Tanh()})
    kinds = {type(module) for module in conf.model.modules()}
    assert nn.Tanh in kinds and nn.ReLU not in kinds


def test_what_is_no_option_any_more_is_one_line(made):
    path, _ = made
    told = yaml.safe_load((path / "run.yaml").read_text())
    edit(path, overrides=told["overrides"] | {"n_wings": 2, "seq_len": "long"})
    with pytest.raises(RunError, match="does not fit experiments.mlm:Configs any more: ") as caught:
        load(path)
    assert "n_wings" in str(caught.value) and "seq_len" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content, says",
    [
        ("{", "is damaged"),
        ("[]", "it holds a list"),
        ('{"type": "character"}', "tokens are no list"),
        ('{"type": "character", "tokens": [1]}', "tokens are no list"),
        ('{"type": "runes", "tokens": ["a"]}', "no tokenizer has the type 'runes'"),
        ('{"type": "character", "tokens": ["a", "a"]}', "is there twice"),
        ('{"type": ["character"], "tokens": ["a"]}', "is damaged"),
    ],
)
def test_a_vocabulary_that_is_none(made, content, says):
    path, _ = made
    (path / "tokenizer.json").write_text(content)
    with pytest.raises(RunError, match=says):
        load(path)


def test_another_vocabulary_does_not_fit(made):
    path, trained = made
    tokenizer = CharacterTokenizer([*trained.tokenizer.tokens, "é"])
    (path / "tokenizer.json").write_text(json.dumps(tokenizer.to_dict()))
    with pytest.raises(RunError, match=r"embed.weight is \[21, 14\] .* in it and \[22, 14\]"):
        load(path)


def test_random_numbers_of_the_caller_stay_as_they_are(made):
    path, _ = made
    before = states()
    first = torch.rand(3)
    restore(before)
    load(path)
    assert torch.equal(torch.rand(3), first)


class Trap:
    """An object that tells when it is touched"""

    touched: list = []

    def __init__(self, *arguments, **others):
        self.touched.append(arguments)

    def __getattr__(self, name):
        self.touched.append(name)
        raise AttributeError(name)

    @property
    def door(self):
        self.touched.append("door")


def test_nothing_but_an_import_happens_before_the_class_is_known(made, monkeypatch):
    path, _ = made
    trap = Trap()
    module = types.ModuleType("trap")
    module.trap = trap
    monkeypatch.setitem(sys.modules, "trap", module)
    monkeypatch.setattr("os.system", Trap)
    monkeypatch.setattr("subprocess.Popen", Trap)
    Trap.touched.clear()
    for entry in ("os:system", "subprocess:Popen", "trap:trap", "trap:trap.door", "trap:trap.x"):
        edit(path, entry=entry)
        with pytest.raises(RunError, match="is no class of labnn configs|has no trap"):
            load(path)
    assert Trap.touched == []


@pytest.mark.parametrize(
    "entry, says",
    [
        (None, "names no class: a program that is no module"),
        (5, "entry is 5; it should be module:Class"),
        ("experiments.mlm", "it should be module:Class"),
        ("../evil:Configs", "it should be module:Class"),
        ("os:system('x')", "it should be module:Class"),
        (".mlm:Configs", "it should be module:Class"),
        ("no_such_module:Configs", "no_such_module cannot be imported"),
        ("experiments.mlm:Nothing", "experiments.mlm has no Nothing"),
        ("experiments.mlm:Configs.check", "no class of labnn configs"),
        ("labnn.configs.text:TextConfigs", "no class of labnn configs"),
        ("torch.nn:Linear", "no class of labnn configs"),
        ("builtins:exec", "no class of labnn configs"),
    ],
)
def test_an_entry_that_is_no_class_of_configs(tmp_path, entry, says):
    with pytest.raises(RunError, match=re.escape(says)) as caught:
        imported(entry, tmp_path / "run.yaml")
    assert "\n" not in str(caught.value) and str(tmp_path / "run.yaml") in str(caught.value)


@pytest.mark.parametrize(
    "code, says",
    [
        ("raise KeyError('wings')", "KeyError: 'wings'"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("def", "SyntaxError"),
        ("import no_such_module_2", "no_such_module_2"),
    ],
)
def test_a_module_that_cannot_be_imported_is_one_line(tmp_path, monkeypatch, code, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken_experiment.py").write_text(code)
    with pytest.raises(RunError, match=re.escape(says)) as caught:
        imported("broken_experiment:Configs", tmp_path / "run.yaml")
    assert "\n" not in str(caught.value)


def test_an_experiment_of_a_persons_own_is_found_in_the_working_directory(made, monkeypatch):
    path, _ = made
    name = "own_experiment_of_a_test"
    code = "from experiments import mlm\n\n\nclass Configs(mlm.Configs):\n    wings: int = 2\n"
    (path.parent.parent.parent / f"{name}.py").write_text(code)
    edit(path, entry=f"{name}:Configs")
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p not in ("", os.getcwd())])
    before = [*sys.path]
    conf, _ = load(path)
    monkeypatch.delitem(sys.modules, name)
    assert conf.wings == 2 and sys.path == before


def test_yaml_makes_no_objects(made):
    path, _ = made
    (path / "run.yaml").write_text('entry: !!python/object/apply:os.system ["touch made_by_yaml"]')
    with pytest.raises(RunError, match="run.yaml is damaged"):
        load(path)
    assert not list(path.parent.parent.parent.rglob("made_by_yaml"))


@pytest.mark.slow
def test_a_run_of_a_real_process(tmp_path):
    cwd = folder(tmp_path / "here")
    assert run_mlm(cwd).code == 0
    path = only_run(cwd)
    words = ["fill", path.name, "to be or n[MASK]t", "--json"]
    code, out, err = run("labnn.cli", *words, cwd=cwd)
    assert (code, err) == (0, "") and len(json.loads(out)["masks"]) == 1
    code, out, err = run("labnn.cli", "eval", "auto", "checkpoint=latest", "--json", cwd=cwd)
    assert (code, err) == (0, "")
    line = [line for line in records(path / "metrics.jsonl") if "loss.valid" in line][-1]
    assert json.loads(out)["loss"] == line["loss.valid"]


def test_an_error_is_one_line_on_the_command_line(made):
    path, _ = made
    cwd = path.parent.parent.parent
    edit(path, entry="os:system")
    code, out, err = run("labnn.cli", "fill", path.name, "[MASK]", cwd=cwd)
    assert (code, out) == (2, "")
    assert err.startswith("error: ") and err.count("\n") == 1 and "os:system" in err
