import shutil
import time

import pytest
import torch
from torch import nn

from labnn.configs.saving import CheckpointConfigs
from labnn.runs import checkpoint, keeper, shelf
from labnn.runs.checkpoint import SaveError
from labnn.runs.keeper import LEAST_SECONDS, SHARE, Keeper
from labnn.runs.manifest import read_manifest


class Clock:
    """Time that passes when it is told to"""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now


class Run:
    """A state that changes with every update"""

    def __init__(self, parent, **options):
        conf = CheckpointConfigs()
        conf._set_values(options)
        self.parent, self.update, self.warnings = parent, 0, []
        self.seconds, self.clock = 0.0, None
        self.keeper = Keeper(parent, conf, self.capture, self.warnings.append)

    def capture(self):
        if self.clock is not None:
            self.clock.now += self.seconds
        state = {"model": {"weight": torch.full((5,), float(self.update))}, "optimizer": {}}
        return state, {"update": self.update, "step": 7 * self.update}

    def names(self):
        return shelf.names(self.parent)

    def best(self):
        """The best checkpoint as the newest tells it, and its weight"""
        name = read_manifest(self.parent / self.names()[-1])["best"]
        if name is None:
            return None, None
        return name, checkpoint.load(self.parent / name)["model"]["weight"][0].item()


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(keeper, "time", clock)
    return clock


def test_all_may_be_kept(tmp_path):
    run = Run(tmp_path / "c", interval=1, keep=-1)
    run.keeper.begin(torch.nn.Linear(3, 5))
    for run.update in range(1, 6):
        run.keeper.save(is_best=run.update == 2)
    assert run.names() == ["0", "1", "2", "3", "4", "5"] and run.best() == ("2", 2.0)
    assert run.warnings == []


def test_an_interval_is_a_number_of_updates(tmp_path):
    run = Run(tmp_path / "c", interval=5, keep=99)
    run.keeper.save()
    for update in range(1, 17):
        run.update = update
        # Several batches of one update ask as well.
        for _ in range(2):
            if run.keeper.is_due(update):
                run.keeper.save()
    assert run.names() == ["0", "5", "10", "15"]


def test_saving_takes_a_hundredth_of_the_time_at_most(tmp_path, clock):
    run = Run(tmp_path / "c", keep=2)
    # A save takes two seconds.
    run.clock, run.seconds, saving = clock, 2.0, 0.0
    run.keeper.save()
    begun = clock.now
    for update in range(1, 3000):
        run.update = update
        clock.now += 1.0
        if run.keeper.is_due(update):
            run.keeper.save()
            saving += run.seconds
    assert saving >= 10 * run.seconds
    assert saving / (clock.now - begun) <= 1 / SHARE
    assert run.keeper.total == saving + run.seconds


def test_quick_saves_are_half_a_minute_apart(tmp_path, clock):
    run = Run(tmp_path / "c")
    run.keeper.save()
    clock.now += LEAST_SECONDS - 1
    assert not run.keeper.is_due(100)
    clock.now += 1
    assert run.keeper.is_due(100)


def test_the_newest_and_the_best_are_kept(tmp_path):
    run = Run(tmp_path / "c", interval=1, keep=2)
    run.keeper.save()
    assert run.best() == (None, None)
    for update in range(1, 8):
        run.update = update
        if update == 3:
            run.keeper.keep_best(update)
        else:
            run.keeper.save()
    assert run.names() == ["3", "6", "7"]
    assert run.best() == ("3", 3.0)
    # Nothing was done since the last checkpoint: the best is written with the next one.
    run.keeper.keep_best(7)
    assert run.names() == ["3", "6", "7"]
    run.update = 8
    run.keeper.save()
    assert run.names() == ["7.1", "8"] and run.best() == ("7.1", 7.0)


def test_the_best_model_waits_for_the_next_checkpoint(tmp_path, clock):
    run = Run(tmp_path / "c", keep=2)
    run.keeper.save()
    run.update = 3
    run.keeper.keep_best(3)
    assert run.names() == ["0"]
    run.update = 9
    run.keeper.save()
    # Its weights are those of update 3, though it was written after update 9.
    assert run.names() == ["3", "9"] and run.best() == ("3", 3.0)
    assert checkpoint.load(run.parent / "9")["model"]["weight"][0] == 9


def test_a_best_model_that_waits_gives_way_to_a_better_one(tmp_path, clock):
    run = Run(tmp_path / "c", keep=2)
    run.keeper.save()
    for update in (3, 5):
        run.update = update
        run.keeper.keep_best(update)
    run.update = 9
    run.keeper.save()
    assert run.names() == ["5", "9"] and run.best() == ("5", 5.0)


def test_the_end_of_a_run_is_no_second_copy_of_its_best(tmp_path, clock):
    run = Run(tmp_path / "c", keep=2)
    run.keeper.save()
    run.update = 3
    run.keeper.keep_best(3)
    run.keeper.save(is_last=True)
    assert run.names() == ["0", "3"] and run.best() == ("3", 3.0)


def test_where_it_is_time_the_best_is_written_at_once(tmp_path, clock):
    run = Run(tmp_path / "c", keep=2)
    run.keeper.save()
    clock.now += LEAST_SECONDS
    run.update = 3
    run.keeper.keep_best(3)
    assert run.names() == ["0", "3"] and run.best() == ("3", 3.0)


def full(monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(1000, 1000, 0))


def test_a_full_disk_stops_the_run_and_leaves_what_was_there(tmp_path, monkeypatch):
    run = Run(tmp_path / "c", interval=1)
    run.keeper.save()
    full(monkeypatch)
    run.update = 1
    with pytest.raises(SaveError, match="0 bytes are free.*checkpoint 0 is untouched"):
        run.keeper.save()
    assert run.names() == ["0"] and checkpoint.load(run.parent / "0")["model"]["weight"][0] == 0


def test_a_run_may_go_on_without_a_checkpoint_and_try_again(tmp_path, monkeypatch):
    run = Run(tmp_path / "c", interval=2, on_error="warn")
    run.keeper.save()
    with monkeypatch.context() as patch:
        full(patch)
        run.update = 2
        assert run.keeper.save() is None
        assert len(run.warnings) == 1 and "0 bytes are free" in run.warnings[0]
        # It does not try with every batch.
        assert not run.keeper.is_due(3)
        # At the end there is no other occasion.
        with pytest.raises(SaveError):
            run.keeper.save(is_last=True)
    assert run.keeper.is_due(4)
    assert run.keeper.save() == "2"


def test_a_best_model_that_could_not_be_written_is_still_there(tmp_path, clock, monkeypatch):
    run = Run(tmp_path / "c", on_error="warn")
    run.keeper.save()
    run.update = 3
    run.keeper.keep_best(3)
    run.update = 9
    with monkeypatch.context() as patch:
        full(patch)
        assert run.keeper.save() is None
    assert run.keeper.save() == "9"
    assert run.names() == ["3", "9"] and run.best() == ("3", 3.0)


def test_a_best_model_that_was_to_be_written_at_once_waits_then(tmp_path, monkeypatch):
    run = Run(tmp_path / "c", interval=1, on_error="warn")
    run.keeper.save()
    run.update = 3
    with monkeypatch.context() as patch:
        full(patch)
        run.keeper.keep_best(3)
    run.update = 4
    run.keeper.save()
    assert run.names() == ["3", "4"] and run.best() == ("3", 3.0)


def test_a_run_that_goes_on_knows_its_best_and_drops_what_is_damaged(tmp_path):
    run = Run(tmp_path / "c", interval=1, keep=3)
    for update in range(4):
        run.update = update
        run.keeper.save(is_best=update == 1)
    again = Run(tmp_path / "c", interval=1, keep=3)
    # Checkpoint 3 was damaged.
    again.keeper.go_on("2", 2, "1")
    again.update = 3
    assert again.names() == ["1", "2"] and again.keeper.is_due(3)
    again.keeper.save()
    assert again.names() == ["1", "2", "3"] and again.best() == ("1", 1.0)
    assert not [*tmp_path.glob("c/.*")]


def test_a_best_checkpoint_that_is_gone_is_not_named(tmp_path):
    run = Run(tmp_path / "c", interval=1)
    run.keeper.save()
    run.keeper.go_on("0", 0, "5")
    run.update = 1
    run.keeper.save()
    assert run.best() == (None, None)


def test_it_warns_before_the_first_update_where_there_will_be_no_room(tmp_path, monkeypatch):
    model = nn.Linear(100, 100)
    run = Run(tmp_path / "c")
    run.keeper.begin(model)
    assert run.names() == ["0"] and not run.warnings
    free = 100_000
    usage = shutil._ntuple_diskusage(free, 0, free)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    other = Run(tmp_path / "d")
    other.keeper.begin(model)
    (warning,) = other.warnings
    # Weights and twice as much for the optimizer, for two checkpoints, the best, and a new one
    assert f"{3 * 10_100 * 4 * 4:,} bytes, and 100,000 bytes are free" in warning


def test_the_time_that_it_takes_is_counted(tmp_path):
    run = Run(tmp_path / "c")
    before = time.monotonic()
    run.keeper.save()
    run.keeper.save()
    assert 0 < run.keeper.cost < run.keeper.total <= time.monotonic() - before
