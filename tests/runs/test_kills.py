"""Runs that are killed without a warning, and go on as if they had not been"""

import random
import shutil
import signal
from pathlib import Path

import pytest

from labnn.runs import checkpoint, shelf
from labnn.runs.folders import status
from tests.runs.killing import (
    LONG,
    SAVING,
    SHORT,
    alike,
    begin,
    check_left,
    damage,
    differences,
    go_on,
    kill_often,
    story,
    the_run,
    whole,
)
from tests.runs.processes import folder, records

KILL = int(signal.SIGKILL)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """A short run that nobody kills"""
    return whole(tmp_path_factory.mktemp("undisturbed"), SHORT)


@pytest.mark.slow
def test_ten_kills_at_random_moments_change_nothing(tmp_path):
    expected = whole(tmp_path / "whole", LONG)
    notes = []
    runs = kill_often(tmp_path, LONG, 10, seed=1, notes=notes)
    for run in runs:
        alike(run, expected)
        # Nothing is left of what was begun and not ended.
        assert {path.name for path in (run / "checkpoints").iterdir()} == {
            *shelf.names(run / "checkpoints")
        }
        assert status(run)["state"] == "finished"
    assert len(notes) == 10 and len({kill.update for kill in notes}) > 3


@pytest.mark.slow
def test_kills_around_validations_in_the_middle_of_rounds_change_nothing(tmp_path):
    options = LONG | {"epochs": 10, "eval_interval": 4, "eval_at_start": True}
    expected = whole(tmp_path / "whole", options)
    updates = [line["update"] for line in story(expected)["metrics"] if "loss.valid" in line]
    assert updates == [0, 4, 8, 12, 16, 20, 24, 28, 30]
    for run in kill_often(tmp_path, options, 5, seed=2):
        alike(run, expected)


def rarely(values, *quick):
    """Parameters of which only some are tried in haste"""
    return [pytest.param(v, marks=[] if v in quick else pytest.mark.slow) for v in values]


@pytest.mark.slow
@pytest.mark.parametrize("place", rarely(SAVING, "in the data"))
def test_a_kill_inside_the_save_changes_nothing(tmp_path, undisturbed, place):
    cwd = folder(tmp_path / "here")
    assert begin(cwd, SHORT, at=f"{place}:5:{KILL}").wait().code == -KILL
    run = the_run(cwd)
    assert check_left(run) > 1
    assert status(run)["state"] == "killed"
    finished = go_on(cwd).wait()
    assert finished.code == 0 and finished.err == "", finished
    assert "resumed from checkpoint" in finished.out
    alike(run, undisturbed)


def test_a_run_that_was_killed_before_its_first_checkpoint_starts_over(tmp_path, undisturbed):
    cwd = folder(tmp_path / "here")
    assert begin(cwd, SHORT, at=f"before the name:1:{KILL}").wait().code == -KILL
    run = the_run(cwd)
    assert check_left(run) is None
    finished = go_on(cwd).wait()
    assert finished.code == 0 and finished.err == ""
    assert finished.out.splitlines()[0] == (
        f"warning: run {run.name} was killed before its first checkpoint, and starts over"
    )
    alike(run, undisturbed)


@pytest.mark.slow
def test_a_process_that_was_killed_while_it_read_its_data_leaves_no_run(tmp_path):
    cwd = folder(tmp_path / "here")
    assert begin(cwd, SHORT, at=f"data:1:{KILL}").wait().code == -KILL
    assert not (cwd / "logs").exists()
    code, out, err = go_on(cwd).wait()
    assert (code, out) == (2, "")
    assert err.startswith("error: there is no run 'auto'") and err.count("\n") == 1


@pytest.mark.slow
def test_lines_after_the_checkpoint_are_cut_and_made_again(tmp_path, undisturbed):
    cwd = folder(tmp_path / "here")
    options = SHORT | {"checkpoint.interval": 3}
    assert begin(cwd, options, at=f"train 1 2:1:{KILL}").wait().code == -KILL
    run = the_run(cwd)
    saved = check_left(run)
    assert saved < records(run / "metrics.jsonl")[-1]["update"]
    # A machine that goes down may leave a part of a line.
    with open(run / "metrics.jsonl", "ab") as file:
        file.write(b'{"update": 5, "ste')
    with open(run / "samples.jsonl", "ab") as file:
        file.write(b"\xf0\x9f")
    finished = go_on(cwd).wait()
    assert finished.code == 0 and finished.err == "", finished
    expected, found = story(undisturbed), story(run)
    assert not differences(expected["metrics"], found["metrics"])
    assert not differences(expected["samples"], found["samples"])
    updates = [line["update"] for line in found["metrics"] if "lr" in line]
    assert updates == [*range(1, 10)]


@pytest.mark.slow
def test_checkpoints_by_time_lose_the_best_one_to_a_kill_and_find_it_again(tmp_path):
    # Half a minute has not passed, so the first checkpoint is all that there is.
    options = SHORT | {"checkpoint.interval": 0}
    expected = whole(tmp_path / "whole", options)
    cwd = folder(tmp_path / "here")
    assert begin(cwd, options, at=f"train 2 1:1:{KILL}").wait().code == -KILL
    assert check_left(the_run(cwd)) == 0
    assert go_on(cwd).wait().code == 0
    alike(the_run(cwd), expected)
    assert story(expected)["best"] is not None


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """The folder in which a run was killed near its end"""
    cwd = folder(tmp_path_factory.mktemp("killed") / "here")
    assert begin(cwd, SHORT, at=f"train 2 1:1:{KILL}").wait().code == -KILL
    return cwd


@pytest.mark.slow
@pytest.mark.parametrize("how", range(6))
def test_a_damaged_newest_checkpoint_is_passed_over(tmp_path, killed, undisturbed, how):
    cwd = tmp_path / "here"
    shutil.copytree(killed, cwd)
    run = the_run(cwd)
    parent = run / "checkpoints"
    before, last = shelf.names(parent)[-2:]
    chance = random.Random(how)
    path = chance.choice(sorted(Path(parent / last).iterdir()))
    damage(path, how, chance)
    finished = go_on(cwd).wait()
    assert finished.code == 0 and finished.err == ""
    (line,) = [line for line in finished.out.splitlines() if line.startswith("warning: ")]
    assert line.startswith(f"warning: {path}"), line
    assert line.endswith("; taking the checkpoint before it")
    assert f"resumed from checkpoint {before}: " in finished.out
    alike(run, undisturbed)
    for name in shelf.names(parent):
        checkpoint.load(parent / name)


@pytest.mark.slow
def test_where_all_checkpoints_are_damaged_nothing_is_changed(tmp_path):
    cwd = folder(tmp_path / "here")
    assert begin(cwd, SHORT, at=f"train 1 1:1:{KILL}").wait().code == -KILL
    run = the_run(cwd)
    for folder_ in sorted((run / "checkpoints").iterdir()):
        damage(folder_ / "model.safetensors", 0, random.Random(0))
    before = {path: path.read_bytes() for path in sorted(run.rglob("*")) if path.is_file()}
    code, out, err = go_on(cwd).wait()
    after = {path: path.read_bytes() for path in sorted(run.rglob("*")) if path.is_file()}
    # The lock names whoever held it last.
    for files in (before, after):
        files.pop(run / "run.lock")
    assert code == 2 and out == "" and before == after
    lines = err.splitlines()
    assert lines[-1].startswith("error: no checkpoint in") and len(lines) == 1, lines
