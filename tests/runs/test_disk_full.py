"""Runs whose disk becomes full, and which go on when there is room"""

import os

import pytest

from labnn.runs import checkpoint, shelf
from labnn.runs.folders import status
from tests.runs.killing import SHORT, alike, begin, check_left, go_on, small_disk, the_run, whole
from tests.runs.processes import folder, records

pytestmark = pytest.mark.slow

# The weights do not fit below that, and everything else does.
LIMIT = "limit 7000"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """A short run that has room"""
    return whole(tmp_path_factory.mktemp("undisturbed"), SHORT)


@pytest.fixture
def disk(tmp_path):
    """A small file system of its own, with a text in it"""
    try:
        with small_disk(tmp_path / "disk") as place:
            yield folder(place)
    except OSError as e:
        pytest.skip(str(e))


def check_refused(finished, run):
    """One line with what is needed and what is there; what was saved before is whole."""
    assert finished.code == 1 and finished.err.count("\n") == 1, finished
    assert finished.err.startswith(f"error: {run / 'checkpoints'}{os.sep}")
    last = shelf.names(run / "checkpoints")[-1]
    assert finished.err.endswith(f" bytes are free; make room, checkpoint {last} is untouched\n")
    assert " is not saved: " in finished.err and ", it needs " in finished.err
    assert f"the last checkpoint is {last}; resume with: " in finished.out
    assert check_left(run) is not None
    # Nothing of what did not fit takes room.
    left = {path.name for path in (run / "checkpoints").iterdir()}
    assert left == {*shelf.names(run / "checkpoints")}


def check_goes_on(cwd, run, expected):
    """There is room again."""
    finished = go_on(cwd).wait()
    assert finished.code == 0 and finished.err == "", finished
    alike(run, expected)
    assert status(run)["state"] == "finished"


def test_files_that_cannot_grow_end_a_run_that_can_go_on(tmp_path, undisturbed):
    cwd = folder(tmp_path / "here")
    finished = begin(cwd, SHORT, at=f"train 0 1:1:{LIMIT}").wait()
    run = the_run(cwd)
    check_refused(finished, run)
    # How it ended may not fit either, which the lock tells.
    assert status(run)["state"] in ("failed", "killed")
    check_goes_on(cwd, run, undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("free", [4096, 8 * 4096, 11 * 4096])
def test_a_full_disk_ends_a_run_that_can_go_on(disk, undisturbed, free):
    finished = begin(disk, SHORT, at=f"train 1 1:1:fill {free}").wait()
    (disk / "filler").unlink()
    run = the_run(disk)
    check_refused(finished, run)
    check_goes_on(disk, run, undisturbed)


@pytest.mark.slow
def test_a_disk_that_is_full_to_the_last_byte_leaves_what_was_saved(disk, undisturbed):
    finished = begin(disk, SHORT, at="train 1 1:1:fill 0").wait()
    (disk / "filler").unlink()
    run = the_run(disk)
    check_refused(finished, run)
    assert "the last files are not written" in finished.out
    assert status(run)["state"] in ("failed", "killed")
    check_goes_on(disk, run, undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("is_mounted", [False, True])
def test_a_run_that_may_warn_trains_on_and_saves_later(request, tmp_path, undisturbed, is_mounted):
    cwd = request.getfixturevalue("disk") if is_mounted else folder(tmp_path / "here")
    full, room = ("fill 12288", "free") if is_mounted else (LIMIT, "limit -1")
    options = SHORT | {"checkpoint.on_error": "warn"}
    finished = begin(cwd, options, at=f"train 0 1:1:{full};train 2 0:1:{room}").wait()
    assert finished.code == 0 and finished.err == "", finished
    warned = [line for line in finished.out.splitlines() if line.startswith("warning: ")]
    assert warned and all(line.endswith(" is untouched") for line in warned), warned
    assert all(", it needs " in line and " is not saved: " in line for line in warned)
    run = the_run(cwd)
    alike(run, undisturbed)
    for name in shelf.names(run / "checkpoints"):
        checkpoint.load(run / "checkpoints" / name)


@pytest.mark.slow
def test_a_last_checkpoint_that_does_not_fit_is_no_warning(tmp_path, undisturbed):
    cwd = folder(tmp_path / "here")
    options = SHORT | {"checkpoint.on_error": "warn"}
    finished = begin(cwd, options, at=f"train 0 1:1:{LIMIT}").wait()
    run = the_run(cwd)
    check_refused(finished, run)
    assert records(run / "metrics.jsonl")[-1]["update"] == 9
    check_goes_on(cwd, run, undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("is_mounted", [False, True])
def test_metrics_that_do_not_fit_end_a_run_that_can_go_on(request, tmp_path, is_mounted):
    cwd = request.getfixturevalue("disk") if is_mounted else folder(tmp_path / "here")
    # No checkpoint is due before that, and nothing is said that would not fit.
    options = SHORT | {"epochs": 20, "checkpoint.interval": 0, "prompt": []}
    full = "fill 0" if is_mounted else "limit 3000"
    finished = begin(cwd, options, at=f"train 1 1:1:{full}").wait()
    (cwd / "filler").unlink(missing_ok=True)
    run = the_run(cwd)
    assert finished.code == 1, finished
    assert finished.err.startswith(f"error: {run / 'metrics.jsonl'}: "), finished
    assert finished.err.endswith("; make room and resume\n") and finished.err.count("\n") == 1
    check_goes_on(cwd, run, whole(tmp_path / "whole", options))


@pytest.mark.slow
def test_the_first_checkpoint_needs_room_before_anything_is_learned(tmp_path):
    cwd = folder(tmp_path / "here")
    finished = begin(cwd, SHORT, at=f"before the folder:1:{LIMIT}").wait()
    assert finished.code == 1 and finished.err.count("\n") == 1, finished
    assert "there is no checkpoint yet" in finished.err
    assert not records(the_run(cwd) / "metrics.jsonl")
    assert go_on(cwd).wait().code == 0
