import json
import os
import shutil

import pytest
import safetensors.torch
import torch
from torch import nn

from labnn import __version__
from labnn.runs import export as page
from labnn.runs.evaluate import evaluate
from labnn.runs.export import check_target, export, exported_files, write_folder
from labnn.runs.fill import fill
from labnn.runs.folders import RunError
from labnn.runs.load import load
from labnn.runs.manifest import CheckpointError
from tests.runs.processes import folder, run
from tests.runs.test_load import N_UPDATES, put, spoil, trained

pytestmark = pytest.mark.slow

METRICS = {"loss.valid": 2.5, "accuracy.valid": None}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    path, conf = trained(tmp_path_factory.mktemp("export") / "here")
    put(path, 7, conf.model.state_dict(), best="7", step=77, metrics=METRICS)
    return path


@pytest.fixture
def here(made, monkeypatch):
    monkeypatch.chdir(made.parent.parent.parent)
    return made


@pytest.fixture
def target(here, tmp_path):
    """An export"""
    export([here.name, str(tmp_path / "model")], {})
    return tmp_path / "model"


def config(target):
    """`config.json`, which is strict"""
    return json.loads((target / "config.json").read_text(), parse_constant=pytest.fail)


def test_what_an_export_has(target, here):
    assert {entry.name for entry in target.iterdir()} == {
        "model.safetensors",
        "config.json",
        "tokenizer.json",
    }
    told = config(target)
    assert told["run"] == here.name and told["checkpoint"] == "7"
    assert (told["update"], told["step"], told["metrics"]) == (7, 77, METRICS)
    assert (told["entry"], told["labnn"]) == ("experiments.mlm:Configs", __version__)
    assert told["n_tokens"] == 21
    special = {"padding_token": 19, "mask_token": 20, "unknown_token": None}
    assert told["special_tokens"] == special
    sizes = ("d_model", "seq_len", "transformer.n_layers", "transformer.ffn.d_ff")
    assert [told["options"][name] for name in sizes] == [14, 11, 1, 11]
    assert told["overrides"]["text.path"] == "text.txt"
    with safetensors.safe_open(target / "model.safetensors", "pt") as file:
        assert file.metadata() == {"format": "pt"}
    weights = safetensors.torch.load_file(target / "model.safetensors")
    own = load(here)[0].model.state_dict()
    assert {*weights} == {*own}
    assert all(torch.equal(weights[name], own[name]) for name in own)


def test_logits_are_the_same_bits_without_the_run(target, here, tmp_path, monkeypatch):
    first, _ = load(here)
    away = tmp_path / "away"
    away.mkdir()
    monkeypatch.chdir(away)
    shutil.move(target, away / "moved")
    second, name = load(away / "moved")
    ids = torch.randint(0, first.n_tokens, (11, 5))
    with torch.no_grad():
        assert torch.equal(first.model(ids)[0], second.model(ids)[0])
    assert name == "7" and not second.model.training


def test_it_is_used_as_a_run_is(target, here):
    cwd = here.parent.parent.parent
    text = "to be or n[MASK]t"
    assert fill([str(target), text], {}) == fill([here.name, text], {})
    data, words = evaluate([str(target)], {})
    assert data == evaluate([here.name], {})[0]
    assert str(target) in words
    # It can be named from another folder, and exported once more.
    os.chdir(target.parent)
    code, out, err = run("labnn.cli", "fill", "model", text, "--json", cwd=target.parent)
    assert (code, err) == (0, "") and json.loads(out)["masks"]
    export(["model", "again"], {})
    before, after = config(target), config(target.parent / "again")
    assert before == after
    os.chdir(cwd)


def test_the_command(here, tmp_path):
    cwd = here.parent.parent.parent
    words = ["export", here.name, str(tmp_path / "new" / "model"), "checkpoint=3"]
    code, out, err = run("labnn.cli", *words, "--json", cwd=cwd)
    assert (code, err) == (0, "")
    data = json.loads(out)
    assert data["checkpoint"] == str(N_UPDATES) and data["parameters"] == 1866
    assert data["files"] == ["config.json", "model.safetensors", "tokenizer.json"]
    code, out, err = run("labnn.cli", *words, cwd=cwd)
    assert (code, err) == (0, "") and "checkpoint 3 of" in out and "1,866 parameters" in out
    with pytest.raises(RunError, match="is an export of checkpoint 3, it has no '7'"):
        load(tmp_path / "new" / "model", checkpoint="7")


def test_an_earlier_export_is_replaced_and_nothing_else(target, here):
    export([here.name, str(target)], {"checkpoint": "3"})
    assert config(target)["checkpoint"] == "3"
    assert os.listdir(target.parent) == ["model"]
    (target / "README.md").write_text("mine")
    with pytest.raises(RunError, match="is not empty, and is no earlier export"):
        export([here.name, str(target)], {})
    assert (target / "README.md").read_text() == "mine"
    (target / "README.md").unlink()
    # The model of another program has files with the same names.
    (target / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(RunError, match="is no earlier export"):
        export([here.name, str(target)], {})


@pytest.mark.parametrize("name", ["file", "full", ".", "..", "/"])
def test_places_that_are_none(here, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("mine")
    folder(tmp_path / "full")
    with pytest.raises(RunError, match="name a new folder"):
        check_target(page.Path(name))
    (tmp_path / "empty").mkdir()
    check_target(page.Path("empty"))
    check_target(page.Path("none/yet"))


def test_a_folder_behind_a_link_is_the_one_that_is_meant(here, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    export([here.name, str(tmp_path / "link")], {})
    assert (tmp_path / "link").is_symlink() and config(tmp_path / "real")["checkpoint"] == "7"
    assert sorted(os.listdir(tmp_path)) == ["link", "real"]


@pytest.mark.parametrize("moment", ["write_file", "sync_folder", "rename"])
@pytest.mark.parametrize("is_there", [False, True])
def test_a_crash_leaves_no_half_export(tmp_path, monkeypatch, moment, is_there):
    target = tmp_path / "model"
    if is_there:
        write_folder(target, {"a": b"old", "b": b"old"})
    calls = []

    def fail(*arguments):
        """The second file is not written, or the folder gets no name."""
        calls.append(arguments)
        if len(calls) == {"write_file": 2, "sync_folder": 1, "rename": 1 + is_there}[moment]:
            raise OSError(28, "No space left on device", str(arguments[0]))
        return original(*arguments)

    owner = os if moment == "rename" else page
    original = getattr(owner, moment)
    monkeypatch.setattr(owner, moment, fail)
    with pytest.raises(OSError, match="No space left"):
        write_folder(target, {"a": b"new", "b": b"new"})
    monkeypatch.undo()
    assert os.listdir(tmp_path) == ["model"] * is_there
    if is_there:
        assert [(target / name).read_bytes() for name in "ab"] == [b"old", b"old"]
    # What a killed process has left does not stop the next one.
    folder(tmp_path / ".part-model")
    write_folder(target, {"a": b"new"})
    assert os.listdir(tmp_path) == ["model"] and os.listdir(target) == ["a"]


@pytest.mark.parametrize("file", ["model.safetensors", "tokenizer.json"])
def test_a_damaged_export_is_found(target, file):
    data = (target / file).read_bytes()
    # A space in a text of JSON is no damage that a parser would find.
    (target / file).write_bytes(data.replace(b'"d"', b'"x"'))
    if file == "model.safetensors":
        spoil(target)
    with pytest.raises(CheckpointError, match=f"{file} is damaged: its sum is another one"):
        load(target)
    (target / file).write_bytes(data[:-1])
    with pytest.raises(RunError, match=file):
        load(target)


@pytest.mark.parametrize(
    "change, says",
    [
        ({"format": "other"}, "is no 'labnn export 1'"),
        ({"files": {}}, "files is {}"),
        ({"files": {"../x": {}}}, "files is"),
        ({"tied": {"a": "b"}}, "a is tied to b, which is not there"),
        ({"entry": "os:system"}, "no class of labnn configs"),
        ({"overrides": {"wings": 2}}, "wings is no option"),
    ],
)
def test_a_config_that_is_wrong(target, change, says):
    (target / "config.json").write_text(json.dumps(config(target) | change))
    with pytest.raises(RunError, match=says):
        load(target)


def test_weights_with_two_places_are_written_once(tmp_path):
    path, _ = trained(tmp_path / "here", {"transformer.generator": "tied"})
    conf, name = load(path)
    files = exported_files(path, conf, name)
    told = json.loads(files["config.json"])
    tied = {"generator.projection.weight": "src_embed.token_embed.weight"}
    assert told["tied"] == tied or told["tied"] == {v: k for k, v in tied.items()}
    weights = safetensors.torch.load(files["model.safetensors"])
    assert len({*tied, *tied.values()} & {*weights}) == 1
    target = tmp_path / "tied"
    write_folder(target, files)
    again, _ = load(target)
    for name, tensor in conf.model.state_dict().items():
        assert torch.equal(again.model.state_dict()[name], tensor), name
    with pytest.raises(RunError, match="transformer.generator was 'tied' and is 'linear'"):
        load(target, overrides={"transformer.generator": "linear"})


def test_parts_of_one_memory_are_written_apart(here):
    conf, _ = load(here)

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            whole = torch.randn(4, 3)
            self.register_buffer("top", whole[:2])
            self.register_buffer("all", whole)

    conf.model.extra = Model()
    weights = safetensors.torch.load(exported_files(here, conf, "7")["model.safetensors"])
    assert torch.equal(weights["extra.top"], weights["extra.all"][:2])


class Counting(nn.Module):
    """A module with a state that is no tensor"""

    def get_extra_state(self):
        return {"n": 3}


def test_what_is_no_tensor_is_not_exported(here):
    conf, _ = load(here)
    conf.model.extra = Counting()
    with pytest.raises(RunError, match="extra._extra_state of the model is no tensor"):
        exported_files(here, conf, "7")
    conf.model.extra = nn.Linear(2, 3, device="meta")
    with pytest.raises(RunError, match="the model cannot be exported: .*extra.weight"):
        exported_files(here, conf, "7")
