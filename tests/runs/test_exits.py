import importlib
import os
import re
import subprocess
import sys

import pytest

from labnn.configs.types import ConfigError
from labnn.configs.update import TrainingError
from labnn.data import CorpusError
from labnn.runs.exits import FAILURES, MISTAKES, guarded, problem
from labnn.runs.folders import RunError
from labnn.runs.lock import Locked
from tests.runs.processes import environment


def raising(error):
    def work():
        raise error

    return work


@pytest.mark.parametrize(
    "error, code, says",
    [
        (None, 0, ""),
        (KeyboardInterrupt(), 130, ""),
        (SystemExit(143), 143, ""),
        (SystemExit("words"), 1, ""),
        (ConfigError("one\ntwo"), 2, "error: one\nerror: two\n"),
        (CorpusError("an empty text"), 2, "error: an empty text\n"),
        (RunError("there is no run 'x'"), 2, "error: there is no run 'x'\n"),
        (RunError("a\x1b[31m\r\u2028b"), 2, "error: a\\x1b[31m\\r\\u2028b\n"),
        (ConfigError("one\x85two\nthree"), 2, "error: one\\x85two\nerror: three\n"),
        (FileNotFoundError(2, "No such file", "\x1b[31m"), 1, "error: \\x1b[31m: No such file\n"),
        (Locked("run x is in use"), 2, "error: run x is in use\n"),
        (
            ValueError("in two\n   lines"),
            1,
            "error: ValueError: in two lines; LABNN_TRACEBACK=1 shows where\n",
        ),
        (TrainingError("no luck"), 1, "error: no luck\n"),
        (FileNotFoundError(2, "No such file", "x/y"), 1, "error: x/y: No such file\n"),
        (
            KeyError("a"),
            1,
            "error: KeyError: 'a'; LABNN_TRACEBACK=1 shows where\n",
        ),
        (
            RuntimeError("many\nlines"),
            1,
            "error: RuntimeError: many lines; LABNN_TRACEBACK=1 shows where\n",
        ),
    ],
)
def test_what_is_raised_becomes_lines_and_a_code(capsys, error, code, says):
    assert guarded(raising(error) if error else lambda: None) == code
    assert capsys.readouterr() == ("", says)


@pytest.mark.parametrize(
    "error, is_mistake",
    [
        (ConfigError("a"), True),
        (CorpusError("a"), True),
        (RunError("a"), True),
        (Locked("a"), True),
        (TrainingError("a"), False),
    ],
)
def test_a_problem_of_ours_has_its_own_words(error, is_mistake):
    assert problem(error) == (is_mistake, "a")


def test_each_page_of_an_error_is_the_right_one():
    for name, page in (MISTAKES | FAILURES).items():
        assert getattr(importlib.import_module(page), name).__module__ == page


def test_an_error_of_a_page_that_was_not_imported_is_of_another_kind(monkeypatch):
    monkeypatch.delitem(sys.modules, ConfigError.__module__)
    assert problem(ConfigError("a"))[1].startswith("ConfigError: a")


def test_a_traceback_is_shown_where_it_is_asked_for(capsys, monkeypatch):
    monkeypatch.setenv("LABNN_TRACEBACK", "1")
    assert guarded(raising(RunError("no run"))) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("Traceback (most recent call last)")
    assert re.search(r"raise error\n(.|\n)*error: no run\n$", err)


def ending(code, stdout):
    """Run code in an interpreter that has only `guarded`"""
    start = "import os, sys; from labnn.runs.exits import guarded; "
    return subprocess.run(
        [sys.executable, "-c", start + code],
        env=environment(),
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_reader_that_has_gone_is_no_error():
    reader, writer = os.pipe()
    os.close(reader)
    # What is printed stays in the buffer until the end.
    done = ending("sys.exit(guarded(lambda: print('x')))", writer)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


def test_a_mistake_with_a_run_is_told_without_torch():
    code = (
        "from labnn.runs.folders import find; "
        "assert guarded(lambda: find('/nowhere')) == 2; sys.exit('torch' in sys.modules)"
    )
    done = ending(code, subprocess.DEVNULL)
    assert done.returncode == 0 and done.stderr.startswith("error: there is no run '/nowhere'")
