import os
import signal
import subprocess
import threading

import pytest

from labnn.runs.interrupts import SIGNALS, Interrupts, Terminated
from tests.runs.killing import LONG as MANY
from tests.runs.killing import SHORT, alike, begin, go_on, pasted, resume_command, script, whole
from tests.runs.processes import (
    TELLING,
    TINY,
    WORDS,
    Terminal,
    environment,
    folder,
    n_updates,
    only_run,
    records,
    start,
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
    interrupts.install(is_patient=True)
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


def test_where_nothing_is_to_be_finished_the_first_signal_raises(interrupts):
    interrupts.is_patient = False
    with pytest.raises(Terminated):
        signal.raise_signal(signal.SIGTERM)
    assert interrupts.received == signal.SIGTERM


def test_terminated_has_the_exit_code_of_the_signal():
    assert Terminated().code == 143 and isinstance(Terminated(), SystemExit)


def test_a_signal_that_was_ignored_is_heard_and_ignored_again():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        interrupts = Interrupts()
        interrupts.install(is_patient=True)
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


@pytest.mark.slow
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
    *_, told, last = finished.out.splitlines()
    assert told == f"stopped; run: {run}"
    assert last.startswith(f"saved checkpoint {n_updates(finished.out)}; resume with: ")
    assert last.endswith(f"{cwd / 'telling.py'} --resume {run.name}")
    (end,) = records(run / "run_log.jsonl")
    assert (end["status"], end["details"]) == ("interrupted", None)


@pytest.mark.slow
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
    *_, told, last = drawn.split("\r\n")[:-1]
    run = only_run(cwd, "telling")
    assert told.endswith(f"stopped; run: {run}")
    assert last.startswith("saved checkpoint ") and last.endswith(f" --resume {run.name}")
    # The cursor, which hides while the line is alive, is back.
    assert drawn.rindex("\x1b[?25h") > drawn.rindex("\x1b[?25l")


# Gradients of three batches make an update, so that a round and its validation end inside of one.
SUMS = SHORT | {"update_batches": 3}
# The name of the place, and what is saved there: the number of updates
PLACES = {
    "train 0 0": 0,
    "train 1 1": 1,
    "train 1 2": 2,
    "valid 1 0": 1,
    "sample 0 0": 0,
    "sample 1 1": 1,
}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """A short run that nobody stops"""
    return whole(tmp_path_factory.mktemp("undisturbed"), SUMS)


@pytest.mark.slow
@pytest.mark.parametrize(
    "place, number, code",
    [
        *((place, signal.SIGTERM, 143) for place in PLACES),
        ("train 1 1", signal.SIGINT, 130),
        ("sample 1 1", signal.SIGINT, 130),
    ],
)
def test_the_command_of_the_last_line_goes_on_as_if_nothing_had_been(
    tmp_path, undisturbed, place, number, code
):
    cwd = folder(tmp_path / "here")
    finished = begin(cwd, SUMS, at=f"{place}:1:{int(number)}").wait()
    assert finished.code == code and finished.err == "", finished
    kind, _, _ = finished.out.splitlines()[-1].partition("; resume with: ")
    assert kind.partition(".")[0] == f"saved checkpoint {PLACES[place]}"
    again = pasted(resume_command(finished.out), cwd)
    assert again.code == 0 and again.err == "", again
    assert f"resumed from {kind.removeprefix('saved ')}: " in again.out
    alike(only_run(cwd, "killed"), undisturbed)


@pytest.mark.slow
def test_a_signal_in_the_very_last_samples_finds_nothing_left_to_stop(tmp_path, undisturbed):
    cwd = folder(tmp_path / "here")
    assert begin(cwd, SUMS, at="sample 3 0:1:15").wait().code == 0
    alike(only_run(cwd, "killed"), undisturbed)


@pytest.mark.parametrize("number, code", [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_where_data_is_prepared_there_is_nothing_to_save(tmp_path, number, code):
    cwd = folder(tmp_path / "here")
    finished = begin(cwd, SUMS, at=f"data:1:{int(number)}").wait()
    assert finished == finished.__class__(
        code, "stopped while data was prepared: there was nothing to save\n", ""
    )
    assert not (cwd / "logs").exists()


@pytest.mark.slow
def test_a_run_that_goes_on_may_be_stopped_while_it_prepares(tmp_path, undisturbed):
    cwd = folder(tmp_path / "here")
    assert begin(cwd, SUMS, at=f"train 1 2:1:{int(signal.SIGTERM)}").wait().code == 143
    run = only_run(cwd, "killed")
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    assert go_on(cwd, at=f"data:1:{int(signal.SIGINT)}").wait().code == 130
    assert before == {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    assert go_on(cwd).wait().code == 0
    alike(run, undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("stopped", ["train 1 1:1:15,15", "valid 1 0:1:2,2", "sample 3 0:1:15,2"])
def test_a_second_signal_loses_what_came_after_the_last_checkpoint(tmp_path, undisturbed, stopped):
    cwd = folder(tmp_path / "here")
    finished = begin(cwd, SUMS, at=stopped).wait()
    assert finished.code in (130, 143) and finished.err == ""
    assert finished.out.splitlines()[-1].startswith("the last checkpoint is ")
    assert pasted(resume_command(finished.out), cwd).code == 0
    alike(only_run(cwd, "killed"), undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("place", ["before the folder", "in the data", "before the name"])
def test_a_second_signal_during_the_last_save_leaves_no_half_of_it(tmp_path, undisturbed, place):
    cwd = folder(tmp_path / "here")
    # The first save is that of the beginning.
    options = SUMS | {"checkpoint.interval": 0}
    finished = begin(cwd, options, at=f"train 1 1:1:15;{place}:2:15").wait()
    assert finished.code == 143 and finished.err == "", finished
    run = only_run(cwd, "killed")
    assert [path.name for path in (run / "checkpoints").iterdir()] == ["0"]
    assert go_on(cwd).wait().code == 0
    alike(run, undisturbed)


@pytest.mark.slow
def test_a_typed_ctrl_c_leaves_a_command_that_goes_on(tmp_path):
    expected = whole(tmp_path / "whole", MANY)
    cwd = folder(tmp_path / "here")
    terminal = Terminal(script(cwd), *words(MANY), cwd=cwd)
    terminal.read(until=lambda drawn: drawn.count(b"begin valid") > 6)
    terminal.type(b"\x03")
    code, drawn, err = terminal.wait()
    assert code == 130 and err == "" and "Traceback" not in drawn
    again = pasted(resume_command(drawn.replace("\r\n", "\n")), cwd)
    assert again.code == 0, again
    alike(only_run(cwd, "killed"), expected)


def shell(command, cwd):
    """A command as it is pasted into a shell"""
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=cwd,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.slow
def test_the_command_can_be_pasted_wherever_the_run_is(tmp_path, undisturbed):
    cwd = folder(tmp_path / """Übung 'eins' und "zwei" & {more} `ls`; #3""")
    text = "ein 'Text' & {mehr} $x.txt"
    os.rename(cwd / "text.txt", cwd / text)
    finished = begin(cwd, SUMS | {"text.path": text}, at="train 1 1:1:2").wait()
    assert finished.code == 130, finished
    command = resume_command(finished.out)
    code, out, err = shell(command, cwd)
    assert (code, err) == (0, ""), (command, out, err)
    alike(only_run(cwd, "killed"), undisturbed)


@pytest.mark.slow
def test_a_run_that_was_named_by_its_path_is_named_by_a_path_again(tmp_path, undisturbed):
    cwd, other = folder(tmp_path / "here"), folder(tmp_path / "other place")
    assert begin(cwd, SUMS, at="train 1 1:1:15").wait().code == 143
    run = only_run(cwd, "killed")
    finished = start(script(cwd), "--resume", run, cwd=other, AT="train 1 2:1:15").wait()
    assert finished.code == 143, finished
    again = pasted(resume_command(finished.out), other)
    assert again.code == 0, (resume_command(finished.out), again)
    alike(run, undisturbed)
