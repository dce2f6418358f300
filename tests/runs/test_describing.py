import shlex
import subprocess

import pytest

from labnn.runs import describing as page
from labnn.runs.contents import size
from labnn.runs.describing import best, description, folded, folded_command, resumption
from labnn.runs.lock import Lock
from labnn.runs.looking import show
from labnn.runs.plain_text import n_bytes
from tests.runs.made_runs import NAME, STATUS, add_checkpoint, made


@pytest.fixture
def cwd(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "UTC")
    page.time.tzset()
    monkeypatch.setattr(page.time, "time", lambda: STATUS["started"] + 7300)
    yield tmp_path
    monkeypatch.undo()
    page.time.tzset()


def text(width=None):
    """What is said of the only run"""
    return description(show(["auto"], {})[0], width)


def test_all_of_it(cwd):
    change = {"time": 1795253450.0, "update": 2, "changes": {"epochs": [3, 5], "device": ["cpu"]}}
    run = made(cwd, info={"resumed": [change, {"time": 1795253460.0, "update": 3}]})
    add_checkpoint(run, "2", best="2")
    add_checkpoint(run, "4", best="2")
    kept = n_bytes(size(run / "checkpoints" / "2"))
    lines = text()
    assert (
        lines[: lines.index("files")]
        == f"""\
mlm {NAME}

path         logs/mlm/{NAME}
state        finished
updates      4 (88 tokens)
best         loss.valid 2.125 at 2
started      2026-11-21 09:30:00, 2 h ago
trained for  1:15
speed        400 tokens/s
resumed      2026-11-21 09:30:50 after update 2 with device cpu, epochs 3 -> 5
resumed      2026-11-21 09:31:00 after update 3
command      python -m experiments.mlm batch_size=3 'text.path=my text.txt'
commit       27c67cb2f0d5 An option, with changes that are in source.diff
environment  python 3.11.7, torch 2.13.0, numpy 2.4.6, labnn 0.1.0, cpu, 2 threads, Linux-x
data         name file, source my text.txt, train_sha256 0123456789ab

options that were asked for
  batch_size  3
  text.path   my text.txt

options that the experiment sets
  epochs  5

measures
                  last  best
  accuracy.train   0.3  -
  accuracy.valid   0.5  0.5 at 4
  loss.train       2.5  -
  loss.valid      2.25  2.125 at 2

checkpoints, by the updates before them
  2  {kept}  best
  4  {kept}  newest
""".split("\n")
    )
    names = [line.split()[-1] for line in lines[lines.index("files") + 1 :]]
    assert names == ["checkpoints/", "metrics.jsonl", "run.yaml", "status.json"]


@pytest.mark.parametrize("state", ["stopped", "killed"])
def test_how_to_go_on(cwd, state):
    run = made(cwd, state=state)
    line = f"go on with   python -m experiments.mlm --resume {NAME}"
    assert line in text()
    (run / "run.yaml").write_text("entry: null")
    assert not any(line.startswith("go on") for line in text())


def test_a_run_that_failed_goes_on_from_its_checkpoint(cwd):
    run = made(cwd, state="failed", details="the disk is full")
    line = f"go on with   python -m experiments.mlm --resume {NAME}"
    assert line not in text()
    add_checkpoint(run, "2")
    assert line in text()


def test_nothing_that_a_file_says_acts_on_the_terminal(cwd, monkeypatch):
    bad = "a\x1b[31m\n\u202eb"
    info = {"resume": bad, "command": [bad], "overrides": {bad: bad}, "asked": [bad]}
    info |= {"commit": "27c67cb2", "commit_message": bad, "environment": {"torch": bad}}
    info |= {"data": {bad: {bad: bad}}, "resumed": [{"time": bad, "changes": {bad: [bad, bad]}}]}
    metrics = [{"update": 1, f"loss.{bad}": 1.0, "loss.valid": 2.0}]
    best = {"metric": bad, "value": 1.0}
    run = made(cwd, bad.replace("\n", ""), info=info, metrics=metrics, state="stopped", best=best)
    (run / bad).write_text("")
    lines = text()
    assert all(line.isprintable() for line in lines)
    told = "a\\x1b[31m\\n\\u202eb"
    assert f"go on with   {told}" in lines and f"  loss.{told}     1  -" in lines


@pytest.mark.parametrize("state", ["finished", "failed"])
def test_a_run_that_is_over_is_not_gone_on_with(cwd, state):
    made(cwd, state=state, details="the loss is nan\nat epoch 3")
    assert f"state        {state}: the loss is nan\\nat epoch 3" in text()
    assert not any(line.startswith("go on") for line in text())


def test_a_run_that_goes_on_has_an_owner(cwd):
    lock = Lock(made(cwd, state="running"))
    data = show(["auto"], {})[0]["owner"]
    assert f"state        running: process {data['pid']} on {data['host']}" in text()
    lock.release()


def test_an_older_run_does_not_say_who_asked(cwd):
    made(cwd, info={"asked": None})
    assert "options other than the defaults" in text()


def test_nothing_is_said_of_what_is_not_known(cwd):
    run = made(cwd, "no time", state=None, metrics=None)
    (run / "run.yaml").write_text("commit: unknown")
    lines = text()
    assert [line.split()[0] for line in lines[2:6]] == ["path", "state", "updates", "started"]
    assert lines[6:8] == ["", "files"]


def test_a_long_value_is_cut_on_a_terminal_only(cwd):
    made(cwd, info={"overrides": {"prompt": ["x" * 300]}, "command": ["mlm.py", "y" * 300]})
    assert any("x" * 300 in line for line in text())
    narrow = [line for line in text(80) if "xxx" in line]
    assert len(narrow) == 1 and len(narrow[0]) == 80 and narrow[0].endswith('x"]')
    # A command is whole.
    assert any("y" * 300 in line for line in text(80))


@pytest.mark.parametrize("width", [30, 31, 47, 67, 200])
def test_a_folded_command_is_the_same_for_a_shell(width):
    words = ["python", "-m", "experiments.mlm", *(f"option.number_{n}={n}" for n in range(30))]
    words.append('prompt=["it\'s a text", "b"]')
    lines = folded_command(words, width)
    script = "\n".join(["tell() { printf '%s\\n' \"$@\"; }", "tell " + lines[0], *lines[1:]])
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == words
    assert max(map(len, lines)) <= width or width < 40
    assert folded_command(words, None) == [shlex.join(words)]


def test_a_folded_text_has_all_its_words():
    assert folded("a long-word text", 9) == ["a", "long-word", "text"]
    assert folded("a long", None) == ["a long"] and folded("", 5) == [""]


@pytest.mark.parametrize(
    "found", [None, {}, {"value": 10**400}, {"value": "x"}, {"value": None, "update": 3}]
)
def test_no_best_is_a_stroke(found):
    assert best(found) == "-"


@pytest.mark.parametrize(
    "resumed",
    [
        {},
        {"time": 10**400, "update": 10**400},
        {"time": 1e300, "changes": []},
        {"time": "x", "update": "y", "changes": {"a": 1}},
    ],
)
def test_an_odd_resumption_is_said_somehow(resumed):
    assert isinstance(resumption(resumed), str)
