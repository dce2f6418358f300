r"""
# When to Save

A run that is killed has to repeat what came after its last checkpoint, and does so bit by bit as it
was. How often to save is therefore a question of time alone.

By default the keeper measures what saving takes, and waits a hundred times as long until the next
time, but at least half a minute: saving then takes less than a hundredth of the time.

The best model is there only until the next update. It is packed at once, which takes the memory of
its weights and of the optimizer, and written with the next checkpoint. Should the run be killed in
between, the validation that found it is repeated.

[Checkpoints](checkpoint.html) say how it is written, the [session](session.html) what.
"""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import nn

from labnn.configs.saving import CheckpointConfigs
from labnn.runs.checkpoint import SaveError, packed, save
from labnn.runs.shelf import free_name, names, prune, set_aside

# Saving takes at most one part in so many
SHARE = 100
# Seconds between two checkpoints, at least
LEAST_SECONDS = 30.0


class Keeper:
    """
    ## Keeper

    It has the checkpoints of one run.
    """

    def __init__(
        self,
        parent: Path,
        options: CheckpointConfigs,
        capture: Callable[[], tuple[dict[str, Any], dict[str, Any]]],
        warn: Callable[[str], None],
    ):
        """
        * `parent` is the folder of the checkpoints
        * `options` say how often, how many, and what to do about errors
        * `capture` gives the state, and what goes into the manifest beside it
        * `warn` is told of what does not stop the run
        """
        self.parent, self.capture, self.warn = parent, capture, warn
        self.interval, self.keep = options.interval, options.keep
        self.is_strict = options.on_error == "stop"
        # The best checkpoint by name, and one that is packed and not written yet
        self.best: str | None = None
        self.waiting: tuple[dict[str, bytes], dict[str, Any]] | None = None
        # Updates at the last save, when it ended, and seconds of it and of all
        self.update = 0
        self.ended = time.monotonic()
        self.cost = self.total = 0.0
        self.n_bytes = 0

    def begin(self, model: nn.Module) -> None:
        """Checkpoint 0, and a warning where there is no room for those that will come."""
        self.save()
        # Most optimizers keep two numbers for a weight.
        weights = sum(p.numel() * p.element_size() for p in model.parameters())
        # Where all are kept nobody knows how many that will be.
        needed = 3 * weights * (max(self.keep, 2) + 2)
        usage = shutil.disk_usage(self.parent)
        # Some file systems do not say how large they are.
        if usage.total and usage.free < needed:
            free = f"{usage.free:,} bytes are free"
            self.warn(f"checkpoints will take about {needed:,} bytes, and {free}")

    def go_on(self, name: str, update: int, best: str | None) -> None:
        """
        Begin with the checkpoints that a run has.

        * `name` is the checkpoint from which the run goes on; there is none after it
        * `update` is the number of updates before it
        * `best` is the best checkpoint until then
        """
        set_aside(self.parent, name)
        self.update = update
        self.best = best if best in names(self.parent) else None

    def is_due(self, update: int) -> bool:
        """
        Whether it is time to save.

        * `update` is the number of updates so far
        """
        if self.interval:
            return update // self.interval > self.update // self.interval
        return time.monotonic() - self.ended >= max(SHARE * self.cost, LEAST_SECONDS)

    def keep_best(self, update: int) -> None:
        """The state of this moment is the best so far."""
        if self.is_due(update):
            self.save(is_best=True)
            return
        begun = time.monotonic()
        state, info = self.capture()
        self.waiting = packed(state), info
        # The next checkpoint makes up for this as well.
        self.cost += time.monotonic() - begun
        self.total += time.monotonic() - begun

    def save(self, *, is_best: bool = False, is_last: bool = False) -> str | None:
        """
        Write the state of this moment, and what waits. Returns the name; `None` if that failed and
        the run goes on. Raises `SaveError`.

        * `is_best` says that the state is the best so far
        * `is_last` says that there will be no other occasion
        """
        begun = time.monotonic()
        state, info = self.capture()
        files = packed(state)
        self.update = info["update"]
        try:
            # Without an update in between it is the same model.
            if self.waiting is not None and self.waiting[1]["update"] == info["update"]:
                is_best = True
            elif self.waiting is not None:
                self._write(*self.waiting, is_best=True)
            self.waiting = None
            name = self._write(files, info, is_best=is_best)
            prune(self.parent, self.keep, self.warn, self.best)
            return name
        except SaveError as e:
            if self.is_strict or is_last:
                raise
            if is_best:
                self.waiting = files, info
            self.warn(str(e))
            return None
        finally:
            self.ended = time.monotonic()
            self.cost = self.ended - begun
            self.total += self.cost

    def _write(self, files: dict[str, bytes], info: dict[str, Any], *, is_best: bool) -> str:
        """Write one checkpoint, and in it the name of the best one."""
        name = free_name(self.parent, info["update"])
        best = name if is_best else self.best
        save(self.parent, name, files, {**info, "best": best})
        self.best = best
        self.n_bytes = sum(map(len, files.values()))
        return name

    def last(self) -> str | None:
        """The newest checkpoint on the disk"""
        return (names(self.parent) or [None])[-1]
