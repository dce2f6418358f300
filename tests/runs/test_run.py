import importlib
import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
import torch
import yaml

from experiments import mlm
from labnn.configs.overrides import names
from labnn.runs.run import entry, new_folder, plain, write_run_log
from labnn.tokenizers import Tokenizer
from tests.runs.processes import (
    TINY,
    WORDS,
    folder,
    fresh,
    install,
    only_run,
    records,
    start,
    words,
)
from tests.runs.processes import mlm as run_mlm

FILES = {
    "checkpoints",
    "configs.yaml",
    "metrics.jsonl",
    "run.lock",
    "run.yaml",
    "run_log.jsonl",
    "samples.jsonl",
    "status.json",
    "tensorboard",
    "tokenizer.json",
}
# Notes what a process opens for writing, and lets it reach nobody.
WATCHED = """
import atexit, os, sys
written = []
def watch(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.bind") and isinstance(
        arguments[1], tuple
    ):
        raise RuntimeError(f"{event} {arguments[1]}")
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        raise RuntimeError(f"{event} {arguments}")
    if event == "open" and isinstance(arguments[2], int) and not isinstance(arguments[0], int):
        if arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            written.append(os.path.abspath(os.fsdecode(arguments[0])))
    if event in ("os.mkdir", "os.rename", "os.link", "os.symlink"):
        written.append(os.path.abspath(os.fsdecode(arguments[0])))
sys.addaudithook(watch)
def tell():
    with os.fdopen(os.dup(2), "w") as file:
        file.write("".join(f"WRITTEN {name}\\n" for name in written))
atexit.register(tell)
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """
    A run of labnn as it is installed: no checkout, no git, no home, no network, and a working
    directory with an odd name.
    """
    top = tmp_path_factory.mktemp("installed")
    install(top / "site")
    (top / "hook").mkdir()
    (top / "hook" / "sitecustomize.py").write_text(WATCHED)
    (top / "bin").mkdir()
    (top / "tmp").mkdir()
    before = sorted(p for p in (top / "site").rglob("*"))
    cwd = folder(top / "Übungen im März")
    options = words(TINY | {"epochs": 2, "text.path": "text.txt"})
    finished = fresh(
        *("-B", "-m", "experiments.mlm", *options),
        cwd=cwd,
        PYTHONPATH=os.pathsep.join([str(top / "hook"), str(top / "site")]),
        HOME=str(top / "no home"),
        PATH=str(top / "bin"),
        TMPDIR=str(top / "tmp"),
    )
    assert finished.code == 0, finished
    assert before == sorted(p for p in (top / "site").rglob("*"))
    return top, cwd, finished


def test_a_run_writes_its_folder_and_nothing_else(installed):
    top, cwd, (_, _, err) = installed
    run = only_run(cwd)
    assert {path.name for path in run.iterdir()} == FILES
    assert {path.name for path in cwd.iterdir()} == {"text.txt", "logs"}
    # torch tries whether it can write there, and leaves an empty folder.
    caches = {path for path in (top / "tmp").iterdir() if path.name.startswith("torchinductor_")}
    assert not [file for folder in caches for file in folder.iterdir()]
    assert {*(top / "tmp").iterdir()} == caches
    assert not (top / "no home").exists()
    lines = err.splitlines()
    assert len(lines) > len(FILES) and all(line.startswith("WRITTEN ") for line in lines)
    written = {Path(line.removeprefix("WRITTEN ")) for line in lines} - {Path(os.devnull)}
    above = {cwd / "logs", cwd / "logs" / "mlm", run}
    assert not [p for p in written if not {run, top / "tmp"} & {*p.parents} and p not in above]


def test_run_yaml_says_what_was_run(installed):
    top, cwd, _ = installed
    info = yaml.safe_load((only_run(cwd) / "run.yaml").read_text("utf-8"))
    assert info["uuid"] == only_run(cwd).name
    assert info["entry"] == "experiments.mlm:Configs"
    module, name = info["entry"].split(":")
    assert getattr(importlib.import_module(module), name) is mlm.Configs
    assert info["command"] == ["mlm.py", *words(TINY | {"epochs": 2})]
    assert info["overrides"]["epochs"] == 2
    assert info["overrides"]["text.corpus"] == "file"
    assert info["overrides"]["prompt"] == TINY["prompt"]
    # What the experiment itself changes is there as well.
    assert info["overrides"]["optimizer.optimizer"] == "Noam"
    assert info["environment"]["torch"] == torch.__version__
    assert {"python", "numpy", "labnn", "platform", "device", "threads"} < {*info["environment"]}
    # labml's own, so that its tools can read the file
    assert info["name"] == "mlm" and info["commit"] == "unknown" and info["start_step"] == 0
    assert info["python_file"] == str(top / "site" / "experiments" / "mlm.py")


def test_configs_yaml_has_every_option_and_what_was_computed(installed):
    rows = yaml.safe_load((only_run(installed[1]) / "configs.yaml").read_text("utf-8"))
    assert set(names(mlm.Configs())) <= set(rows)
    # In nested configs too, and as they are at the end
    n_characters = len(set(WORDS))
    computed = {
        "n_tokens": n_characters + 2,
        "mask_token": n_characters + 1,
        "transformer.d_model": 14,
        "transformer.ffn.d_model": 14,
        "transformer.n_src_vocab": n_characters + 2,
        "optimizer.d_model": 14,
        "text.path": "text.txt",
    }
    assert {name: rows[name]["computed"] for name in computed} == computed
    assert rows["transformer.ffn.d_ff"]["value"] == 11
    assert rows["optimizer.optimizer"]["value"] == "Noam"
    assert rows["transformer.encoder"]["options"] == ["pre_norm", "post_norm"]
    # Read by the validation only, long after the first time that the file was written
    assert rows["meter"]["computed"] is not None
    # The default of what was never read
    assert rows["optimizer.momentum"]["value"] == 0.5
    assert rows["optimizer.momentum"]["computed"] is None


def test_the_tokenizer_is_stored(installed):
    data = json.loads((only_run(installed[1]) / "tokenizer.json").read_text("utf-8"))
    tokenizer = Tokenizer.from_dict(data)
    assert tokenizer.decode(tokenizer.encode(WORDS)) == WORDS
    assert tokenizer.n_tokens == len(set(WORDS))


def test_the_end_of_a_run_is_noted_as_labml_does(installed):
    (line,) = records(only_run(installed[1]) / "run_log.jsonl")
    assert (line["status"], line["rank"], line["details"]) == ("completed", 0, None)
    assert 0 <= time.time() - line["time"] < 3600


@pytest.mark.parametrize(
    "error, status, details",
    [
        (None, "completed", None),
        (KeyboardInterrupt(), "interrupted", None),
        (SystemExit(143), "interrupted", None),
        (RuntimeError("no luck"), "crashed", "RuntimeError: no luck"),
    ],
)
def test_every_end_has_a_status(tmp_path, error, status, details):
    write_run_log(tmp_path, error)
    (line,) = records(tmp_path / "run_log.jsonl")
    assert (line["status"], line["details"]) == (status, details)


def test_names_sort_by_time_and_are_unique(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = [new_folder("many") for _ in range(97)]
    assert len(set(made)) == 97
    assert made == sorted(made)
    assert all(path.parent == tmp_path / "logs" / "many" for path in made)


def test_a_name_that_is_taken_is_left_to_the_other_run(tmp_path, monkeypatch):
    # A clock that stands still for a while
    moments = iter([1000.0, 1000.0, 1000.0, 1000.0, 1000.5])
    monkeypatch.setattr(time, "time", lambda: next(moments))
    monkeypatch.chdir(tmp_path)
    first, second = new_folder("a"), new_folder("a")
    assert (first.name[-4:], second.name[-4:]) == ("0000", "8000")


@pytest.mark.slow
def test_runs_that_start_at_once_have_a_folder_each(tmp_path):
    cwd = folder(tmp_path / "here")
    options = words(TINY | {"prompt": []})
    processes = [start("experiments.mlm", *options, f"seed={n}", cwd=cwd) for n in range(8)]
    assert [process.wait().code for process in processes] == [0] * 8
    runs = list((cwd / "logs" / "mlm").iterdir())
    seeds = [yaml.safe_load((run / "run.yaml").read_text())["overrides"]["seed"] for run in runs]
    assert sorted(seeds) == list(range(8))
    for run in runs:
        assert {path.name for path in run.iterdir()} == FILES
        assert len(records(run / "metrics.jsonl")) == 4


def git(cwd, *arguments):
    who = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    done = subprocess.run(
        ["git", *who, *arguments], cwd=cwd, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_a_repository_is_noted_with_and_without_commits(tmp_path):
    cwd = folder(tmp_path / "repository")
    git(cwd, "init", "-q")
    assert run_mlm(cwd).code == 0
    first = only_run(cwd)
    assert yaml.safe_load((first / "run.yaml").read_text())["commit"] == "unknown"
    assert {path.name for path in first.iterdir()} == FILES

    shutil.rmtree(cwd / "logs")
    git(cwd, "add", ".")
    git(cwd, "commit", "-qm", "Ärger mit Umlauten")
    folder(cwd, WORDS + "changed")
    assert run_mlm(cwd).code == 0
    second = only_run(cwd)
    info = yaml.safe_load((second / "run.yaml").read_text("utf-8"))
    assert info["commit"] == git(cwd, "rev-parse", "HEAD")
    assert info["commit_message"] == "Ärger mit Umlauten" and info["is_dirty"]
    assert f"+{WORDS}changed" in (second / "source.diff").read_text("utf-8")


def test_overrides_become_plain_yaml():
    values = {"a": [1, (2.5, None)], "b": {3: Path("x")}, "c": torch.device("cpu"), "d": True}
    assert plain(values) == {"a": [1, [2.5, None]], "b": {"3": "x"}, "c": "cpu", "d": True}
    assert yaml.safe_load(yaml.safe_dump(plain(values))) == plain(values)


def test_a_class_has_the_name_that_it_is_imported_by():
    assert entry(mlm.Configs) == "experiments.mlm:Configs"
    assert entry(Path) == f"{Path.__module__}:Path"
