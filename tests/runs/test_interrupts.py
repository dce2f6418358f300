import signal
import threading

import pytest

from labnn.runs.interrupts import SIGNALS, Interrupts, Terminated
from tests.runs.processes import (
    TELLING,
    TINY,
    WORDS,
    Terminal,
    folder,
    n_updates,
    only_run,
    records,
    telling,
    words,
)

# So long that no test sees their end
LONG, FOR_EVER = {"epochs": 100_000, "prompt": []}, 600


def is_whole(run):
    """All lines can be read, and no update is missing."""
    updates = [line["update"] for line in records(run / "metrics.jsonl") if "lr" in line]
    assert updates == [*range(1, len(updates) + 1)]
    return len(updates)


@pytest.fixture
def interrupts():
    before = [signal.getsignal(number) for number in SIGNALS]
    interrupts = Interrupts()
    interrupts.install()
    yield interrupts
    interrupts.restore()
    assert before == [signal.getsignal(number) for number in SIGNALS]


@pytest.mark.parametrize(
    "number, kind", [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)]
)
def test_the_first_signal_is_noted_and_the_second_one_raises(interrupts, number, kind):
    assert interrupts.received is None
    signal.raise_signal(number)
    assert interrupts.received == number
    with pytest.raises(kind):
        signal.raise_signal(signal.SIGINT)
    assert type(interrupts.exception()) is kind


def test_terminated_has_the_exit_code_of_the_signal():
    assert Terminated().code == 143 and isinstance(Terminated(), SystemExit)


def test_a_signal_that_was_ignored_is_heard_and_ignored_again():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        interrupts = Interrupts()
        interrupts.install()
        signal.raise_signal(signal.SIGINT)
        assert interrupts.received == signal.SIGINT
        interrupts.restore()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_in_a_thread_nothing_is_handled():
    found = []

    def work():
        interrupts = Interrupts()
        interrupts.install()
        found.append(dict(interrupts.before))
        interrupts.restore()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [{}]


@pytest.mark.parametrize(
    "number, is_ignoring, code",
    [
        (signal.SIGTERM, False, 143),
        (signal.SIGINT, False, 130),
        # A script that starts a run with `&` does that.
        (signal.SIGINT, True, 130),
    ],
)
def test_a_signal_ends_a_run_between_two_batches(tmp_path, number, is_ignoring, code):
    cwd = folder(tmp_path / "here")
    process = telling(cwd, LONG, is_ignoring_sigint=is_ignoring)
    process.until(lambda out: n_updates(out) > 4)
    process.send(number)
    finished = process.wait()
    run = only_run(cwd, "telling")
    assert finished.code == code and finished.err == ""
    # What was begun was ended.
    assert is_whole(run) == n_updates(finished.out)
    assert finished.out.splitlines()[-1] == f"stopped; run: {run}"
    (end,) = records(run / "run_log.jsonl")
    assert (end["status"], end["details"]) == ("interrupted", None)


def test_a_signal_ends_a_validation_as_well(tmp_path):
    cwd = folder(tmp_path / "here", WORDS * 20)
    process = telling(cwd, LONG | {"pause": 0.02, "text.valid_fraction": 0.96})
    process.until(lambda out: out.count("begin valid") > 2)
    process.send(signal.SIGTERM)
    finished = process.wait()
    assert finished.code == 143
    assert finished.out.count("begin valid") < 60
    lines = records(only_run(cwd, "telling") / "metrics.jsonl")
    assert not any("loss.valid" in line for line in lines)


def test_a_second_signal_ends_a_run_in_the_middle_of_a_batch(tmp_path):
    cwd = folder(tmp_path / "here")
    process = telling(cwd, LONG | {"pause": FOR_EVER})
    process.until(lambda out: "begin train" in out)
    process.send(signal.SIGTERM)
    process.send(signal.SIGINT)
    finished = process.wait()
    assert finished.code in (130, 143) and finished.err == ""
    (end,) = records(only_run(cwd, "telling") / "run_log.jsonl")
    assert end["status"] == "interrupted"


def test_ctrl_c_on_a_terminal(tmp_path):
    cwd = folder(tmp_path / "here")
    (cwd / "telling.py").write_text(TELLING)
    terminal = Terminal(cwd / "telling.py", *words(TINY | LONG), cwd=cwd)
    terminal.read(until=lambda drawn: drawn.count(b"update") > 4)
    terminal.type(b"\x03")
    code, drawn, err = terminal.wait()
    assert code == 130 and err == ""
    assert "Traceback" not in drawn
    assert drawn.endswith(f"stopped; run: {only_run(cwd, 'telling')}\r\n")
    # The cursor, which hides while the line is alive, is back.
    assert drawn.rindex("\x1b[?25h") > drawn.rindex("\x1b[?25l")
