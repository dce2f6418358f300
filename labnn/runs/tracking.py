r"""
# Tracking

Code tracks a value with labml's `tracker.add` and `tracker.save`. What becomes of it is decided
here: each `save` is a line of `metrics.jsonl`, written at once.

labml's own writers hold back up to a minute of values, write `NaN`, which is not JSON, and draw
escape codes into files. Its state belongs to the process, and a second run would start with the
steps and the values of the first. What `runs` needs of labml's insides is on this page alone.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from labml.internal.experiment import experiment_singleton
from labml.internal.logger import logger_singleton
from labml.internal.logger.destinations import Destination
from labml.internal.monitor import monitor_singleton
from labml.internal.tracker import tracker_singleton
from labml.internal.tracker.indicators.numeric import Scalar
from labml.internal.tracker.writers import Writer

from labnn.configs.position import Position
from labnn.runs.growing import no_links
from labnn.runs.plain_text import say, strict


class Plain(Destination):
    """
    ## What code says with labml's logger

    The text alone: labml would draw escape codes and carriage returns, into files as well.
    """

    def log(self, parts: list, *, is_new_line: bool, is_reset: bool) -> None:
        """labml calls this for each `logger.log`."""
        text = "".join(part if isinstance(part, str) else part[0] for part in parts)
        say(text, end="\n" if is_new_line else "")


@contextmanager
def quiet(*destinations: Destination) -> Iterator[None]:
    """
    labml says nothing on the screen.

    * `destinations` get what other code says with labml's logger
    """
    logger, monitor = logger_singleton(), monitor_singleton()
    kept, logger._Logger__destinations = logger._Logger__destinations, [*destinations]
    was_silent = monitor._Monitor__is_silent
    monitor.silent()
    try:
        yield
    finally:
        logger._Logger__destinations = kept
        monitor.silent(was_silent)


def reset_tracker() -> None:
    """Forget values, steps and names of a run before; labml's own reset fails the second time."""
    tracker = tracker_singleton()
    tracker.indicators = {}
    tracker.namespaces = []
    tracker.dot_indicators = {"*": Scalar("*", True)}
    tracker.reset_writers()
    tracker._Tracker__indicators_file = None
    tracker._Tracker__set_looping_indicators = None
    tracker.set_start_global_step(None)
    tracker.set_global_step(0)


def labml_run() -> Any:
    """What labml knows of the run that was created: its folder, the commit, what was changed"""
    return experiment_singleton().run


def go_on_in(folder: Path) -> None:
    """
    labml starts no folder of its own but goes on in that of a run. It would write `run.yaml` and
    `source.diff` anew, and it refuses a folder in which the number of a process is left.
    """
    run = labml_run()
    old = Path(run.run_path)
    for name, path in list(vars(run).items()):
        if isinstance(path, Path) and path.is_relative_to(old):
            setattr(run, name, folder / path.relative_to(old))
    run.uuid, run.info_path, run.diff = folder.name, folder / "labml.yaml", None
    run.pid_path.unlink(missing_ok=True)


def add_writer(writer: Writer) -> None:
    """Hand a writer every `tracker.save` from now on."""
    tracker_singleton().add_writer(writer)


def remove_writer(writer: Writer) -> None:
    """Hand it no more. labml may have forgotten it at the start of another run."""
    writers = tracker_singleton()._Tracker__writers
    if writer in writers:
        writers.remove(writer)


class TrackerState:
    """
    ## labml's tracker

    The step, and values that were added and not saved yet.
    """

    def state_dict(self) -> dict:
        """The step, and by full names what was added"""
        tracker = tracker_singleton()
        added = {name: list(found._values) for name, found in tracker.indicators.items()}
        return {
            "step": int(tracker.global_step),
            "added": {name: values for name, values in added.items() if values},
        }

    def load_state_dict(self, state: dict) -> None:
        """Add them again."""
        tracker = tracker_singleton()
        tracker.set_global_step(state["step"])
        for name, values in state["added"].items():
            for value in values:
                tracker.store(name, value)


class MetricsFile(Writer):
    """
    ## metrics.jsonl

    One JSON object for each `tracker.save`, each on disk as soon as it is whole. During validation
    the values of all saves are kept, and their mean is one object at the end.
    """

    def __init__(self, path: Path, position: Position):
        """
        * `path` is the file, which is appended to
        * `position` counts the updates
        """
        self.path, self.position = path, position
        # Without a buffer each line is handed to the system at once: a killed process loses none.
        self.file = open(path, "ab", buffering=0, opener=no_links)
        self.is_collecting = False
        self.collected: dict[str, list[float]] = {}
        self.last: dict[str, float] = {}
        # Called with the number of updates and the values of each line
        self.followers: list[Callable[[int, dict[str, float]], None]] = []

    @property
    def n_updates(self) -> int:
        """Updates of the run so far"""
        return self.position.updates

    def begin_collecting(self) -> None:
        """What training has added and not saved is a line of its own, before the validation."""
        if not self.is_collecting:
            tracker_singleton().write()
        self.is_collecting = True

    def state_dict(self) -> dict:
        """What a validation has collected so far, and what was tracked last"""
        names = ("is_collecting", "collected", "last")
        return {name: getattr(self, name) for name in names}

    def load_state_dict(self, state: dict) -> None:
        """Go on with that."""
        vars(self).update(state)

    def write(self, *, global_step: int, indicators: dict) -> None:
        """labml calls this for each `tracker.save`."""
        values = {
            indicator.mean_key: indicator.get_mean()
            for indicator in indicators.values()
            if not indicator.is_empty()
        }
        self.last.update(values)
        if self.is_collecting:
            for name, value in values.items():
                self.collected.setdefault(name, []).append(value)
        elif values:
            self._line(global_step, values)

    def end_collecting(self, global_step: int) -> dict[str, float]:
        """Write the means of what was collected, and return them."""
        # `math.fsum` would not add infinities of both signs.
        values = {name: sum(all_) / len(all_) for name, all_ in self.collected.items()}
        self.is_collecting, self.collected = False, {}
        if values:
            self.last.update(values)
            self._line(global_step, values)
        return values

    def _line(self, global_step: int, values: dict[str, float]) -> None:
        """One object, its numbers in full precision"""
        line = {"update": self.n_updates, "step": int(global_step)}
        line.update((name, strict(value)) for name, value in values.items())
        rest = json.dumps(line, allow_nan=False).encode() + b"\n"
        try:
            # A disk that is nearly full takes a part, and says so only when asked again.
            while rest:
                rest = rest[self.file.write(rest) :]
        except OSError as e:
            raise OSError(e.errno, f"{e.strerror}; make room and resume", str(self.path)) from None
        for follower in self.followers:
            follower(self.n_updates, values)

    def finish(self) -> None:
        """labml calls this at the end of a loop, and may save after it: the file stays open."""

    def close(self) -> None:
        """The run is over."""
        self.file.close()
