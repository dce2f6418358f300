r"""
# Going On

A run that was stopped goes on in its own folder, bit by bit as if it had not been stopped:

    python -m experiments.mlm --resume 20261121

Its options come from `run.yaml`. What would [change](changes.html) what is learned is refused,
unless it is allowed by name: with another rate it is another run, and its curve would not say so.
The text is held to its sum, and every tensor to its size, before anything is put back.

The newest [checkpoint](checkpoint.html) that is whole is taken. What was tracked after it is cut
off, because it is made again: `metrics.jsonl` has each update once. A run that was killed before
its first checkpoint has lost nothing, and starts over.

A run that is stopped says [how](how.html) to go on with it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labnn.configs.overrides import keys
from labnn.configs.position import Position
from labnn.configs.schedule import check_change
from labnn.configs.state import put_back
from labnn.configs.types import ConfigError, did_you_mean, short
from labnn.runs import contents, growing
from labnn.runs.changes import free, is_between_epochs, is_within, n_begun, permit, refused
from labnn.runs.checkpoint import newest
from labnn.runs.fitting import check_fit
from labnn.runs.folders import RunError, find
from labnn.runs.how import reference
from labnn.runs.lock import Lock
from labnn.runs.manifest import read_manifest
from labnn.runs.options import known_options
from labnn.runs.run import entry, made_of

# What has an influence on the last bits of a result
MACHINE = ("torch", "numpy", "device", "threads", "platform")
# Options that the batches are made by
FROM_TEXT = ("text", "batch_size", "seq_len")


@dataclass
class Resumed:
    """
    ## A run that goes on

    `state` is what was saved in the checkpoint `name`; both are `None` for a run that starts over.
    """

    folder: Path
    lock: Lock
    # What `run.yaml` says
    info: dict[str, Any]
    name: str | None = None
    state: dict[str, Any] | None = None
    best: str | None = None
    # Options with their values before and now
    changes: dict[str, tuple] = field(default_factory=dict)
    allowed: tuple[str, ...] = ()
    # All options now, and with them what else `run.yaml` says that the run is made of
    now: dict[str, Any] = field(default_factory=dict)
    made: dict[str, Any] = field(default_factory=dict)
    # What was noticed before there was a session to tell it
    notes: list[str] = field(default_factory=list)

    @property
    def objects(self) -> list[str]:
        """Options whose values no file holds"""
        return contents.part(self.info, "objects", list)

    def overrides(self, given: tuple[dict | None, ...]) -> dict[str, Any]:
        """
        What was changed from the defaults of the class. Raises `RunError` for values that no file
        holds, if they are not given again.

        * `given` are overrides of this start
        """
        values = contents.part(self.info, "overrides", dict)
        again = {name for layer in given for name in layer or {}}
        if lost := [name for name in self.objects if name not in again]:
            raise RunError(
                f"{', '.join(lost)} of run {self.folder.name} had objects as values, which no file "
                f"holds; give them again in code, with resume={reference(self.folder)!r}"
            )
        return {name: value for name, value in values.items() if name not in self.objects}

    def compare(self, cls: type, values: dict) -> None:
        """
        Find what differs from the options of the run. Raises `ConfigError` for what would change
        the training, and was not allowed.
        """
        before = self.info.get("options") or {}
        self.now = now = known_options(cls, values)
        for name in self.allowed:
            if not any(is_within(other, [name]) for other in now):
                raise ConfigError(f"--allow-change {name} is no option{did_you_mean(name, [*now])}")
        self.changes = {
            name: (before[name], now[name])
            for name in now
            if name in before and before[name] != now[name]
        }
        check_change(self.folder.name, self.changes)
        may = {*free(cls, now), *self.allowed}
        wrong = refused(self.changes, self.folder.name, may)
        place = self.state["position"] if self.state is not None else None
        if "inner_iterations" in self.changes and not is_between_epochs(place) and not wrong:
            wrong.append(
                "inner_iterations can change between two epochs only, and run "
                f"{self.folder.name} is in the middle of one; go on with it as it was first"
            )
        if place is not None and now["epochs"] < (begun := n_begun(place)):
            wrong.append(
                f"epochs is {now['epochs']}, and run {self.folder.name} has begun epoch {begun}; "
                f"give at least epochs={begun}"
            )
        if wrong:
            raise ConfigError("\n".join(wrong))

    def is_complete(self) -> str:
        """What to say if nothing is left to do, else an empty text"""
        if self.state is None or self.state["position"]["phase"] != "done":
            return ""
        session, place = self.state["session"], self.state["position"]
        n_updates, epochs = place["updates"], place["epoch"]
        told = f"run {self.folder.name} is complete: {n_updates:,} updates, epochs={epochs}"
        if epochs >= self.now["epochs"]:
            return f"{told}; it goes on with more of them, for instance epochs={epochs + 1}"
        if 0 < self.now.get("max_updates", 0) <= n_updates:
            return f"{told}, ended by max_updates; a larger one goes on"
        if 0 < self.now["early_stopping.patience"] <= session["best"]["n_worse"]:
            return f"{told}, ended by early stopping; a larger early_stopping.patience goes on"
        return ""

    def prepare(self, conf: Any, overrides: dict, warn: Callable[[str], None]) -> dict | None:
        """
        Look whether all is as it was, cut the files, and put back the state of the training.
        Returns the whole state; `None` for a run that starts over.
        """
        for note in self.notes:
            warn(note)
        if self.state is None:
            growing.cut(self.folder, {}, warn)
            return None
        self.made = made_of(conf, overrides)
        self._check_data()
        self._check_machine(warn)
        for name in [name for name in self.state if name in keys(conf)]:
            # Some parts are made when the first batch comes.
            getattr(conf, name)
        parts = conf.state_parts()
        if other := {*parts, "session"} ^ {*self.state}:
            raise RunError(
                f"checkpoint {self.name} of run {self.folder.name} has the parts "
                f"{', '.join(self.state)}, and {type(conf).__name__} has not the same: "
                f"{', '.join(sorted(other))} is on one side only; use the class of the run"
            )
        # What nothing has read so far cannot be why the model is another one.
        idle = {"seed", *conf.unread_overrides()}
        changes = {name: both for name, both in self.changes.items() if name not in idle}
        check_fit(self.name, conf.model, self.state["model"], changes)
        self._put_back(conf, parts, warn)
        growing.cut(self.folder, self.state["session"]["sizes"], warn)
        return self.state

    def _check_data(self) -> None:
        """Raises `RunError` where the text, or what came of it, is another one."""
        before, now = contents.part(self.info, "data", dict), self.made["data"]
        for name, value in now.items():
            if name == "source" or before.get(name, value) == value:
                continue
            # Another text may do for the same model, other tokens are other words to it.
            options = ("tokenizer",) if name.startswith("tokens") else FROM_TEXT
            if not any(option.startswith(options) for option in self.allowed):
                raise RunError(
                    f"{name} of the data was {short(before[name])} in run {self.folder.name} and "
                    f"is {short(value)} now: the text is another one; bring it back, or "
                    f"{permit(options[0])}"
                )
            if name == "tokens":
                self.changes["tokenizer, the number of its tokens,"] = (before[name], value)

    def _check_machine(self, warn: Callable[[str], None]) -> None:
        """Another machine computes other last bits, and so does compiled code."""
        before, now = self.info.get("environment") or {}, self.made["environment"]
        other = [
            f"{name} was {before[name]} and is {now[name]}"
            for name in MACHINE
            if name in before and before[name] != now[name]
        ]
        # Runs from before there was this option were not compiled.
        was = (self.info.get("options") or {}).get("compile", False)
        if was != (is_ := self.now.get("compile", False)):
            other.append(f"compile was {was} and is {is_}")
        if other:
            warn(f"{', '.join(other)}: results may differ in the last bits")

    def _put_back(self, conf: Any, parts: dict, warn: Callable[[str], None]) -> None:
        """The state of the training; an optimizer with other options keeps these."""
        state = dict(self.state)
        changed = [name for name in self.changes if name.startswith("optimizer.")]
        if "optimizer.optimizer" in changed:
            warn("the optimizer is another one, and begins without a memory of the gradients")
            state["optimizer"] = {}
        fresh = [dict(group) for group in conf.optimizer.param_groups]
        put_back(parts, state)
        # Larger batches are fewer, and the place may be beyond the last one.
        place, n_train = conf.position, len(conf.train_loader)
        n_batches = len(conf.valid_loader) if place.phase == "valid" else n_train
        place.batch, place.left = min(place.batch, n_batches), min(place.left, n_train)
        if changed and state["optimizer"]:
            # What an optimizer counts goes on, everything else is as it was asked for.
            counted = {"params", "param_names", *getattr(conf.optimizer, "counters", ())}
            for group, new in zip(conf.optimizer.param_groups, fresh, strict=True):
                group.update({key: new[key] for key in new if key not in counted})

    def story(self, n_updates: int, position: Position) -> list[str]:
        """What the person is told when the run goes on"""
        batch = f", batch {position.batch}" if position.phase in ("train", "valid") else ""
        place = f"epoch {position.epoch + 1}, {position.phase}{batch}"
        both = self.changes.items()
        return [
            f"resumed from checkpoint {self.name}: {n_updates:,} updates, {place}",
            *(f"changed: {name} {short(was)} → {short(is_)}" for name, (was, is_) in both),
        ]


def reopen(run: str, experiment: str | None, cls: type, allowed: Iterable[str] = ()) -> Resumed:
    """
    A run that is to go on, with its lock. Raises `RunError`.

    * `run` is its name, the beginning of it, a path, or `auto`
    * `experiment` and `cls` are what it should be a run of, `allowed` options that may change
    """
    folder = find(run, experiment).absolute()
    info, ours = contents.info(folder), entry(cls)
    if info.get("entry") and ours and info["entry"] != ours:
        module = info["entry"].partition(":")[0]
        raise RunError(
            f"run {folder.name} is of {info['entry']}, and this is {ours}; resume it with python "
            f"-m {module} --resume {folder.name}"
        )
    # One name is a text, and would be taken for many of one letter.
    allowed = (allowed,) if isinstance(allowed, str) else tuple(allowed)
    resumed = Resumed(folder, Lock(folder), info, allowed=allowed)
    try:
        parent = folder / "checkpoints"
        found = newest(parent, resumed.notes.append)
        if found is not None:
            resumed.name, resumed.state = found
            resumed.state["position"]["updates"] = updates_in(*found, folder)
            resumed.best = read_manifest(parent / resumed.name).get("best")
        elif growing.is_begun(folder):
            raise RunError(f"run {folder.name} has no checkpoint in {parent}: start a new run")
        else:
            resumed.notes.append(
                f"run {folder.name} was killed before its first checkpoint, and starts over"
            )
    except BaseException:
        resumed.lock.release()
        raise
    return resumed


def updates_in(name: str, state: dict[str, Any], folder: Path) -> int:
    """
    The updates before a checkpoint. Raises `RunError` for one that does not say.

    An older form counts all of them beside the training, and in the position, if there, only those
    since a start.
    """
    counted = state["session"]["metrics"].pop("n_updates", state["position"].get("updates"))
    if counted is None:
        raise RunError(
            f"checkpoint {name} of run {folder.name} does not say how many updates were made: go "
            "on from another one, or start a new run"
        )
    return counted
