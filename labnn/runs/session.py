r"""
# Session

What surrounds a training while it goes on. The [loop](../configs/loop.html) says what happens; here
it becomes files in the [run folder](run.html), lines on the [console](console.html), and an answer
to [signals](interrupts.html).
"""

import json
from pathlib import Path
from typing import Any

from labml import tracker

from labnn.configs.loop import Listener, Stopped
from labnn.configs.position import Position
from labnn.runs.console import Console
from labnn.runs.interrupts import Interrupts
from labnn.runs.run import labml_folder, new_folder, save_configs, write_files, write_status
from labnn.runs.samples import Sample
from labnn.runs.tracking import MetricsFile, add_writer, remove_writer


class Session(Listener):
    """
    ## Session

    One run: its folder, its files, its terminal.
    """

    def __init__(self, experiment: str | None, overrides: dict, asked: set[str] | None = None):
        """
        * `experiment` names the folder of a new run; with `None` labml has started one
        * `overrides` is what was changed from the defaults of the class
        * `asked` are the names among them that the person asked for, all if `None`
        """
        self.asked = set(overrides) if asked is None else asked
        self.experiment = experiment
        self.overrides = overrides
        self.folder: Path | None = None
        self.console = Console()
        self.interrupts = Interrupts()
        self.metrics: MetricsFile | None = None
        self.warned: set[str] = set()
        self.is_told = False
        self.conf: Any = None
        # Losses of the updates of this round, for the line at its end
        self.losses: list[float] = []

    def on_start(self, conf: Any) -> None:
        """Open the files"""
        self.conf = conf
        if self.experiment is None:
            self.folder = labml_folder()
        else:
            self.folder = new_folder(self.experiment)
        self.metrics = MetricsFile(self.folder / "metrics.jsonl")
        add_writer(self.metrics)
        conf.optimizer.register_step_post_hook(self._count)
        write_files(self.folder, conf, self.overrides)
        self.interrupts.install()
        n_parameters = sum(p.numel() for p in conf.model.parameters())
        self.console.line(
            f"{self.folder.parent.name} {self.folder.name}: {n_parameters:,} parameters, "
            f"{len(conf.train_loader):,} batches an epoch, on {conf.device} in "
            f"{conf.mixed_precision.name}"
        )

    def _count(self, *_: Any) -> None:
        """Any optimizer calls this after a step, whoever wrote the training step."""
        self.metrics.n_updates += 1

    def on_phase(self, position: Position, total: int) -> None:
        """The values of a validation are collected."""
        self.metrics.is_collecting = position.phase == "valid"

    def on_batch(self, position: Position, total: int) -> None:
        """Something to look at"""
        self.console.progress(position, total, self._share(position), self.metrics.last)

    def _share(self, position: Position) -> float:
        """How much of the whole run is done, counted in training batches"""
        total = len(self.conf.train_loader)
        done = position.batch
        if position.phase != "train":
            done = self.conf.trainer.bounds(position.round + (position.phase == "valid"))[0]
        return (position.epoch + done / total) / self.conf.epochs

    def on_phase_end(self, position: Position) -> None:
        """A validation becomes one line; a round ends with it, or with training without one."""
        if position.phase == "valid":
            self.metrics.end_collecting(tracker.get_global_step())
        if position.phase == ("valid" if self.conf.valid_loader is not None else "train"):
            place = position.epoch + 1, position.round + 1
            is_last = place == (self.conf.epochs, self.conf.inner_iterations)
            values = dict(self.metrics.last)
            if self.losses:
                values["loss.train"] = sum(self.losses) / len(self.losses)
            self.losses = []
            self.console.round_end(position, tracker.get_global_step(), values, is_last)
            # A step of a person's own does not tell of its updates.
            self._tell_unread()

    def on_update(self) -> None:
        """After the first update all that is ever read has been read."""
        self.losses.append(self.metrics.last.get("loss.train", float("nan")))
        self._tell_unread()

    def _tell_unread(self) -> None:
        """Options that were asked for and change nothing, once"""
        if self.is_told:
            return
        self.is_told = True
        if names := [name for name in self.conf.unread_overrides() if name in self.asked]:
            self.warn(f"nothing reads {', '.join(names)}: no effect in this run")

    def on_sample(self, samples: list[Sample]) -> None:
        """Show and keep samples."""
        position = self.conf.position
        self.console.samples(samples, is_last=position.epoch >= self.conf.epochs)
        line = {
            "update": self.metrics.n_updates,
            "step": int(tracker.get_global_step()),
            "samples": [sample.to_dict() for sample in samples],
        }
        # Half a character, which UTF-8 has not, becomes the escape that JSON has for it.
        path, errors = self.folder / "samples.jsonl", "backslashreplace"
        with open(path, "a", encoding="utf-8", errors=errors) as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def warn(self, text: str) -> None:
        """Each warning once"""
        if text not in self.warned:
            self.warned.add(text)
            self.console.warn(text)

    def should_stop(self) -> bool:
        """A signal came"""
        return self.interrupts.received is not None

    def on_end(self, error: BaseException | None) -> None:
        """Close everything, whatever happened."""
        self.console.close()
        if self.metrics is None:
            return
        self.interrupts.restore()
        self.metrics.close()
        remove_writer(self.metrics)
        try:
            save_configs(self.folder, self.conf)
            if self.experiment is not None:
                write_status(self.folder, error)
        except OSError as e:
            # What ended the run is more important than what could not be written about it.
            self.console.warn(f"{self.folder}: the last files are not written, {e.strerror}")
        if error is None and (summary := self.conf.summary()):
            self.console.line(summary)
        self.console.line(f"{'run' if error is None else 'stopped; run'}: {self.folder}")
        if isinstance(error, Stopped):
            raise self.interrupts.exception()
