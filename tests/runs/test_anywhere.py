"""Runs in places of all kinds, and many at once, leave the same things and nothing elsewhere"""

import json
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from labnn.runs.folders import status
from labnn.runs.lock import owner
from tests.runs.killing import differences, story
from tests.runs.processes import (
    ROOT,
    TINY,
    folder,
    fresh,
    install,
    only_run,
    records,
    run,
    start,
    words,
)
from tests.runs.test_run import WATCHED

pytestmark = pytest.mark.slow

ODD = """Übung 'eins' & "zwei" für {alle}"""
OPTIONS = TINY | {"epochs": 2, "transformer.dropout_prob": 0.2}
# What every command says of a folder in which nothing was run
LOOKING = {
    "show": ("auto",),
    "compare": ("auto", "2026"),
    "report": ("auto",),
    "record": ("auto", "kept"),
    "fill": ("auto", "to [MASK]e"),
    "eval": ("auto",),
    "export": ("auto", "kept"),
}


def is_whole(found):
    """A run that is over: every update once, a checkpoint of the end, nobody who holds it"""
    lines = records(found / "metrics.jsonl")
    updates = [line["update"] for line in lines if "lr" in line]
    assert updates == [*range(1, 7)] and len(lines) == 8
    assert status(found)["state"] == "finished" and owner(found) is None
    return (found / "checkpoints" / "6").is_dir()


@pytest.fixture(scope="module")
def eight(tmp_path_factory):
    """Eight runs that were started at once, two with each seed, in a folder with an odd name"""
    cwd = folder(tmp_path_factory.mktemp("eight") / ODD)
    processes = [
        start("experiments.mlm", *words(OPTIONS | {"seed": n // 2}), cwd=cwd) for n in range(8)
    ]
    for process in processes:
        finished = process.wait()
        assert finished.code == 0 and finished.err == "", finished
        # It is no terminal.
        assert "\x1b" not in finished.out and "\r" not in finished.out
    return cwd


def by_seed(cwd):
    """The runs of each seed"""
    found = {}
    for one in sorted((cwd / "logs" / "mlm").iterdir()):
        text = (one / "run.yaml").read_text("utf-8")
        seed = next(line for line in text.splitlines() if line.startswith("  seed: "))
        found.setdefault(seed, []).append(one)
    return found


@pytest.mark.slow
def test_eight_runs_at_once_are_all_whole(eight):
    assert {path.name for path in eight.iterdir()} == {"text.txt", "logs"}
    runs = list((eight / "logs" / "mlm").iterdir())
    assert len(runs) == 8 and all(map(is_whole, runs))


@pytest.mark.slow
def test_the_same_seed_gives_the_same_run_bit_by_bit(eight):
    pairs = by_seed(eight)
    assert len(pairs) == 4
    for first, second in pairs.values():
        assert not differences(story(first), story(second))
    firsts = [records(first / "metrics.jsonl")[0]["loss.train"] for first, _ in pairs.values()]
    assert len({*firsts}) == 4


@pytest.mark.slow
def test_the_command_finds_all_of_them(eight):
    code, out, err = run("labnn.cli", "runs", "--json", cwd=eight)
    assert (code, err) == (0, "")
    names = {path.name for path in (eight / "logs" / "mlm").iterdir()}
    assert {found["name"] for found in json.loads(out)["runs"]} == names
    for name in sorted(names)[:2]:
        code, out, err = run("labnn.cli", "show", name, cwd=eight)
        assert (code, err) == (0, "") and "finished" in out
        code, out, err = run("labnn.cli", "fill", name, "to be or [MASK]ot", cwd=eight)
        assert (code, err) == (0, "") and out.count("\n") > 3


@pytest.mark.slow
@pytest.mark.parametrize("home", [None, "/proc"], ids=["none", "not to be written"])
def test_no_home_is_needed(tmp_path, eight, home):
    cwd = folder(tmp_path / "here")
    finished = run(
        "experiments.mlm", *words(OPTIONS), cwd=cwd, HOME=home, USER=None, PATH=str(tmp_path)
    )
    assert finished.code == 0 and finished.err == "", finished
    assert is_whole(only_run(cwd))
    assert {path.name for path in cwd.iterdir()} == {"text.txt", "logs"}
    assert not differences(story(by_seed(eight)["  seed: 0"][0]), story(only_run(cwd)))


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """labnn as it is installed, and a program that notes all files which are written"""
    top = tmp_path_factory.mktemp("installed")
    install(top / "site")
    (top / "hook").mkdir()
    (top / "hook" / "sitecustomize.py").write_text(WATCHED)
    for name in ("no programs", "tmp"):
        (top / name).mkdir()
    return top


def written(err):
    """Where a process has written"""
    lines = [line for line in err.splitlines() if line != f"WRITTEN {os.devnull}"]
    assert all(line.startswith("WRITTEN ") for line in lines), err
    return [Path(line.removeprefix("WRITTEN ")) for line in lines]


@pytest.mark.slow
def test_a_run_from_a_checkout_goes_on_where_labnn_is_installed(tmp_path, installed, eight):
    cwd = folder(tmp_path / ODD)
    others = {"cwd": cwd, "PATH": str(installed / "no programs"), "TMPDIR": str(installed / "tmp")}

    def started(site, home, *arguments):
        """What a process wrote to, and said"""
        path = os.pathsep.join([str(installed / "hook"), str(site)])
        done = fresh("-B", "-m", *arguments, **others, PYTHONPATH=path, HOME=home)
        assert done.code == 0, done
        return [p for p in written(done.err) if installed / "tmp" not in p.parents], done.out

    first, _ = started(ROOT, None, "experiments.mlm", *words(OPTIONS | {"epochs": 1}))
    site, found = installed / "site", only_run(cwd)
    again, out = started(site, "/proc", "experiments.mlm", "--resume", "auto", "epochs=2")
    assert "resumed from checkpoint 3: " in out and is_whole(found)
    above = {found, cwd / "logs", cwd / "logs" / "mlm"}
    for paths in (first, again):
        assert len(paths) > 9
        assert not [path for path in paths if found not in path.parents and path not in above]
    expected = by_seed(eight)["  seed: 0"][0]
    assert not differences(story(expected)["metrics"], story(found)["metrics"])
    # Whoever looks only writes nothing at all.
    for arguments in (("runs",), ("show", "auto"), ("fill", "auto", "to be or [MASK]ot")):
        paths, out = started(site, "/proc", "labnn.cli", *arguments)
        assert not paths and (found.name in out or arguments[0] == "fill"), out
    assert {path.name for path in cwd.iterdir()} == {"text.txt", "logs"}


@pytest.mark.slow
@pytest.mark.parametrize("command", LOOKING)
def test_in_a_folder_without_logs_a_command_says_so(tmp_path, command):
    code, out, err = run("labnn.cli", command, *LOOKING[command], cwd=tmp_path)
    assert (code, out) == (2, "")
    assert err.startswith("error: there is no run ") and err.count("\n") == 1
    assert str(tmp_path) in err and not [*tmp_path.iterdir()]


# The rights of a folder count for all but root.
AS_NOBODY = """
import codecs
import importlib
import os
import sys

from labnn import cli
from experiments import mlm

for command in cli.COMMANDS.values():
    importlib.import_module(command.entry.partition(":")[0])
# What is imported late may be in a folder of root.
for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"):
    codecs.lookup(encoding)
os.chmod(sys.argv[1], int(sys.argv[2], 8))
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
if sys.argv[3] == "mlm":
    from labnn.runs.command import command

    command("mlm", mlm.Configs, mlm.OVERRIDES, sys.argv[4:])
sys.exit(cli.main(sys.argv[3:]))
"""


@pytest.fixture
def open_to_all():
    """A folder that everybody reaches, as those of pytest are not"""
    place = Path(tempfile.mkdtemp())
    try:
        place.chmod(0o755)
        yield place
    finally:
        for path in [place, *place.rglob("*")]:
            if path.is_dir():
                path.chmod(0o755)
        shutil.rmtree(place)


@pytest.mark.slow
@pytest.mark.parametrize("command", ["runs", *LOOKING])
def test_logs_that_may_not_be_read_are_told_of_in_one_line(tmp_path, open_to_all, command):
    (tmp_path / "nobody.py").write_text(AS_NOBODY)
    logs = open_to_all / "logs"
    (logs / "mlm" / "20260101-000000-0000").mkdir(parents=True)
    arguments = (logs, "000", command, *LOOKING.get(command, ()))
    code, out, err = start(tmp_path / "nobody.py", *arguments, cwd=open_to_all).wait()
    # A list without runs is no error.
    assert (code == 0) == (command == "runs") == (err == ""), (code, out, err)
    assert (out + err).count("\n") == 1 and str(open_to_all) in out + err


def test_a_folder_that_may_not_be_written_to_is_told_of_in_one_line(tmp_path, open_to_all):
    (tmp_path / "nobody.py").write_text(AS_NOBODY)
    folder(open_to_all)
    arguments = (open_to_all, "555", "mlm", *words(TINY))
    code, _, err = start(tmp_path / "nobody.py", *arguments, cwd=open_to_all).wait()
    assert code == 1 and err.count("\n") == 1, err
    assert err.startswith(f"error: {open_to_all / 'logs'}") and "ermission denied" in err
