r"""
# Session

What surrounds a training while it goes on. The [loop](../configs/loop.html) says what happens; here
it becomes files in the [run folder](run.html), lines that are [told](telling.html),
[checkpoints](keeper.html), and an answer to [signals](interrupts.html). A run that
[goes on](resume.html) finds all of that as it was.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from labml import tracker

from labnn.configs.loop import Listener, Stopped
from labnn.configs.position import Position
from labnn.configs.state import put_back, state_of
from labnn.configs.types import ConfigError
from labnn.configs.update import TrainingError
from labnn.runs import growing, run, tensorboard
from labnn.runs.best import Best, untracked
from labnn.runs.how import in_code
from labnn.runs.interrupts import Interrupts
from labnn.runs.keeper import Keeper
from labnn.runs.lock import Lock
from labnn.runs.plain_text import strict
from labnn.runs.resume import Resumed
from labnn.runs.samples import Sample, append
from labnn.runs.telling import Teller
from labnn.runs.tracking import MetricsFile, TrackerState, add_writer, remove_writer


class Session(Listener):
    """
    ## Session

    One run: its folder, its files, its terminal.
    """

    def __init__(
        self,
        experiment: str | None,
        overrides: dict,
        asked: set[str] | None = None,
        *,
        resumed: Resumed | None = None,
        how: Callable[[Path], str] = in_code,
    ):
        """
        * `experiment` names the folder of a new run; with `None` labml has started one
        * `overrides` is what was changed from the defaults of the class
        * `asked` are the names among them that the person asked for, all if `None`
        * `resumed` is the run that goes on
        * `how` tells how one goes on with a run, by its folder
        """
        self.experiment, self.overrides = experiment, overrides
        self.asked = set(overrides) if asked is None else asked
        self.resumed, self.how = resumed, how
        self.folder: Path | None = resumed.folder if resumed else None
        self.lock: Lock | None = resumed.lock if resumed else None
        self.teller = Teller(self.asked)
        self.interrupts = Interrupts()
        self.conf: Any = None
        self.metrics: MetricsFile | None = None
        self.keeper: Keeper | None = None
        self.best: Best | None = None
        self.events: tensorboard.EventFiles | None = None
        # Whether the last validation was the best so far
        self.is_best = False
        # Whether the run that goes on is complete, and nothing will be done
        self.is_idle = False
        # When the run began, the seconds that it ran before, and since when there are more
        self.started, self.seconds, self.begun = time.time(), 0.0, time.monotonic()

    def open(self) -> None:
        """A signal may come while data is prepared."""
        self.interrupts.install()

    def on_start(self, conf: Any) -> None:
        """Open the files, and save the run or put back what was saved."""
        self.conf = conf
        self.interrupts.install(is_patient=True)
        self.best = Best.of(conf)
        if self.folder is None:
            self.folder = run.new_folder(self.experiment) if self.experiment else run.labml_folder()
            self.lock = Lock(self.folder)
        if "checkpoint.metric" in self.asked and (why := untracked(conf)):
            self.warn(why)
        saved = self.resumed and self.resumed.prepare(conf, self.overrides, self.warn)
        self.metrics = MetricsFile(self.folder / "metrics.jsonl", conf.position)
        self.keeper = Keeper(self.folder / "checkpoints", conf.checkpoint, self.capture, self.warn)
        add_writer(self.metrics)
        self.teller.begin(conf, self.folder)
        if saved is None:
            run.write_files(self.folder, conf, self.overrides, self.asked, self.how(self.folder))
        else:
            self._put_back(saved)
        self._open_events()
        self._tell_status("running")
        if saved is None:
            self.keeper.begin(conf.model)

    def _put_back(self, saved: dict) -> None:
        """All that the session has of its own, as it was"""
        own = saved["session"]
        put_back(self._parts(), own)
        self.started, self.seconds, self.is_best = own["started"], own["seconds"], own["is_best"]
        self.keeper.go_on(self.resumed.name, self.metrics.n_updates, self.resumed.best)
        # What has no effect was told when the run began, and what is read then is not read again.
        self.teller.is_told = True
        for line in self.resumed.story(self.metrics.n_updates, self.conf.position):
            self.teller.console.line(line)
        if not self.is_idle:
            run.add_to_run(
                self.folder,
                self.conf,
                self.resumed.made,
                self.asked,
                update=self.metrics.n_updates,
                changes=self.resumed.changes,
            )

    def _open_events(self) -> None:
        """TensorBoard gets what `metrics.jsonl` gets."""
        if not tensorboard.available():
            return
        first = self.metrics.n_updates + 1 if self.resumed else 0
        self.events = tensorboard.EventFiles(self.folder / "tensorboard", self.warn, first)
        self.events.hyper_parameters({name: run.plain(v) for name, v in self.overrides.items()})
        self.metrics.followers.append(self.events.scalars)

    def capture(self) -> tuple[dict, dict]:
        """Everything that the next step depends on, and what is to be known without reading it"""
        conf, n_updates = self.conf, self.metrics.n_updates
        for name, parameter in conf.model.named_parameters():
            if not parameter.isfinite().all():
                raise TrainingError(f"{name} is not finite after update {n_updates}: not saved")
        own = {
            **state_of(self._parts()),
            **{"started": self.started, "seconds": self._seconds(), "is_best": self.is_best},
            # What the files are cut to when the run goes on
            "sizes": growing.synced_sizes(self.folder),
        }
        info = {
            "update": n_updates,
            "step": int(tracker.get_global_step()),
            "metrics": {name: strict(value) for name, value in self.metrics.last.items()},
            "is_done": conf.position.phase == "done",
        }
        return {**state_of(conf.state_parts()), "session": own}, info

    def _parts(self) -> dict[str, Any]:
        """What has a state beside the training"""
        return {
            "metrics": self.metrics,
            "tracker": TrackerState(),
            "best": self.best,
            "teller": self.teller,
        }

    def _seconds(self) -> float:
        """How long the run has run, all its starts together"""
        return self.seconds + time.monotonic() - self.begun

    def _tell_status(self, state: str, details: str | None = None) -> None:
        """What other programs may know of the run by now"""
        run.write_status(
            self.folder,
            state=state,
            details=details,
            update=self.metrics.n_updates,
            step=int(tracker.get_global_step()),
            last={name: strict(value) for name, value in self.metrics.last.items()},
            best=self.best.to_dict(),
            started=self.started,
            seconds=self._seconds(),
        )

    def on_round(self, position: Position) -> None:
        """Between phases the best model is kept: a run that goes on from here trains on."""
        is_best, self.is_best = self.is_best, False
        if is_best:
            self.keeper.keep_best(self.metrics.n_updates)
        self._tell_status("running")

    def on_phase(self, position: Position, total: int) -> None:
        """The values of a validation are collected."""
        if position.phase == "valid":
            self.metrics.begin_collecting()

    def on_batch(self, position: Position, total: int) -> None:
        """Something to look at, and when it is time a checkpoint to go back to"""
        self.teller.progress(position, total, self.metrics.last)
        if self.keeper.is_due(self.metrics.n_updates):
            self.keeper.save()

    def on_phase_end(self, position: Position) -> None:
        """A validation becomes one line, and so does a round without one, if there are none."""
        if position.phase == "valid":
            self._judge(self.metrics.end_collecting(tracker.get_global_step()))
        if position.phase == ("valid" if self.conf.valid_loader is not None else "train"):
            self.teller.round_end(position, tracker.get_global_step(), self.metrics.last)

    def _judge(self, values: dict[str, float]) -> None:
        """Whether a validation is the best so far. Raises `ConfigError` for a metric it has not."""
        name = self.best.metric
        if name in values:
            self.is_best = self.best.add(values[name], self.metrics.n_updates)
        elif values and ("checkpoint.metric" in self.asked or self.best.patience):
            raise ConfigError(
                f"checkpoint.metric is {name}, and the validation tracked {', '.join(values)}; "
                "name one of these"
            )

    def on_gradients(self, model: Any) -> None:
        """Histograms for TensorBoard, after as many updates as were asked for"""
        every, number = self.conf.log_params_updates, self.metrics.n_updates + 1
        if every and number % every == 0 and self.events is not None:
            self.events.histograms(number, model)

    def on_update(self) -> None:
        """The loss counts for the mean of the round."""
        self.teller.update(self.metrics.last.get("loss.train", float("nan")))

    def on_sample(self, samples: list[Sample]) -> None:
        """Show and keep samples."""
        n_updates = self.metrics.n_updates
        self.teller.console.samples(samples, is_last=self.conf.is_last())
        append(self.folder / "samples.jsonl", n_updates, int(tracker.get_global_step()), samples)
        if self.events is not None:
            self.events.samples(n_updates, samples)

    def warn(self, text: str) -> None:
        """Each warning once"""
        self.teller.warn(text)

    def should_stop(self) -> bool:
        """Whether a signal came"""
        return self.interrupts.received is not None

    def should_end(self) -> bool:
        """Whether it got no better for too long"""
        return self.best.is_over

    def on_end(self, error: BaseException | None) -> None:
        """Save what can be saved, and close everything, whatever happened."""
        self.teller.console.close()
        if self.metrics is None:
            self.teller.end_early(error, self.how(self.folder) if self.resumed else "")
            return self.close()
        saved, failure = None, None
        is_whole = error is None or isinstance(error, Stopped) and error.is_whole
        try:
            if is_whole and not self.is_idle:
                saved = self.keeper.save(is_best=self.is_best, is_last=True)
        except BaseException as e:
            failure = e
        self._close_files(failure or error)
        kept = "" if self.keeper.last() is None else f"the last checkpoint is {self.keeper.last()}"
        self.teller.end(
            failure or error,
            self.folder,
            story=self.best.story() if self.best.is_over else "",
            kept=f"saved checkpoint {saved}" if saved else kept,
            how=self.how(self.folder),
        )
        if failure is not None:
            raise failure
        if isinstance(error, Stopped):
            raise self.interrupts.exception()

    def _close_files(self, error: BaseException | None) -> None:
        """What ended the run is more important than what cannot be written about it."""
        try:
            self.metrics.close()
            remove_writer(self.metrics)
            if self.events is not None:
                self.events.close()
            # Even a full disk has room for this, in the place of what was there.
            self._tell_status(run.state_after(error), run.details_of(error))
            run.save_batch(self.folder, self.conf.position, error)
            run.save_configs(self.folder, self.conf)
            if self.experiment is not None:
                run.write_run_log(self.folder, error)
        except OSError as e:
            reason = e.strerror or e
            self.teller.console.warn(f"{self.folder}: the last files are not written, {reason}")
        finally:
            self.close()

    def close(self) -> None:
        """Signals and the lock are others' again."""
        self.interrupts.restore()
        if self.lock is not None:
            self.lock.release()
