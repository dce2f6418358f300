r"""
# Schedule Configs

How the learning rate changes during a run:

```sh
python -m experiments.mlm optimizer=AdamW optimizer.learning_rate=1e-3 \
    optimizer.schedule=cosine_annealing optimizer.warmup_ratio=0.05
```

The names are those of the [schedules](../optimizers/schedules.html), and the options are theirs. An
option that the schedule does not have is refused before data is read, because a run that was meant
to hold its rate and does not shows that only in its curve.

Many schedules fall to the end of the run, so they have to know where it is. It is counted from the
batches, and can be given as `optimizer.total_updates`. A run that is longer than that would be
spent at a rate of zero from there on, and is refused, unless the schedule has a lowest rate that it
keeps. With more epochs than before, a run that goes on would have another rate in every update,
also in those that it made already. That is refused as well, and so is a schedule that comes or goes
on the way.

These options are among those of the [optimizer](optimizer.html).
"""

import re
from collections.abc import Callable
from typing import Any, Literal

from torch.optim import Optimizer

from labnn.configs.base import StrictConfigs
from labnn.configs.overrides import given, look
from labnn.configs.types import (
    ConfigError,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    Probability,
)
from labnn.optimizers import SCHEDULES, Scheduler, make_rate
from labnn.optimizers.schedules import options_of

# Options that are handed to the schedule as they are, if they are given
OWN = (
    *("warmup", "warmup_ratio", "hold", "hold_ratio", "decay", "period"),
    *("min_lr", "init_lr", "init_scale", "final_scale"),
    *("power", "is_cyclic", "t_mult", "shrink"),
    *("factor", "patience", "threshold"),
)
# What else a schedule is told, by the names that the options have here
OTHERS = {"lr": "learning_rate", "total": "total_updates"}
# These schedules have a stage that takes what is left of the total, if its length is not given.
STAGES = {"cosine": "period", "tri_stage": "decay"}
# A share of the peak at which nothing is learned
NOTHING = 1e-6
# More updates than any run has: what is wrong with them is wrong with every length.
LONG = 2**40


class ScheduleConfigs(StrictConfigs):
    """
    ## ScheduleConfigs

    Where an option is none, the schedule has its own default.
    """

    # How the rate changes from update to update; none keeps it
    schedule: Literal[tuple(SCHEDULES)] | None = None
    # The rate at its peak
    learning_rate: PositiveFloat = 1e-3
    # Updates of the whole run, at which a schedule ends
    total_updates: PositiveInt

    # Updates during which the rate rises
    warmup: NonNegativeInt | None = None
    # The same as a share of total_updates
    warmup_ratio: Probability | None = None
    # Updates during which the rate stays at its peak
    hold: NonNegativeInt | None = None
    # The same as a share of total_updates
    hold_ratio: Probability | None = None
    # Updates during which the rate falls
    decay: PositiveInt | None = None
    # Updates of the first fall, before a schedule starts anew
    period: PositiveInt | None = None
    # The lowest rate
    min_lr: NonNegativeFloat | None = None
    # The rate before the warm-up
    init_lr: NonNegativeFloat | None = None
    # The rate before the warm-up, as a share of the peak
    init_scale: PositiveFloat | None = None
    # The rate at the end, as a share of the peak
    final_scale: PositiveFloat | None = None
    # The exponent of a polynomial
    power: PositiveFloat | None = None
    # Whether a polynomial starts anew at the end of its fall
    is_cyclic: bool | None = None
    # What the length of a period is multiplied by at each start
    t_mult: PositiveFloat | None = None
    # What the peak is multiplied by at each start
    shrink: Probability | None = None
    # What the rate is multiplied by at a plateau
    factor: PositiveFloat | None = None
    # Validations in a row that may be no better before that
    patience: NonNegativeInt | None = None
    # The share by which a validation has to be better than the best one
    threshold: NonNegativeFloat | None = None

    def check(self):
        """What is wrong whatever the length of the run is, before that is known"""
        super().check()
        if self.schedule is not None:
            self._rate(self._told_total() or LONG)

    def make_scheduler(
        self, optimizer: Optimizer, count: Callable[[], int] | None = None
    ) -> "RunScheduler | None":
        """
        The scheduler of an optimizer; `None` where the rate stays as it is. Raises `ConfigError`.

        * `optimizer` is the one that these options have made
        * `count` says how many updates the run has, where that can be known
        """
        if self.schedule is None:
            return None
        told = self._told_total()
        # To count the updates takes data, which not every schedule needs.
        total = self.total_updates if told or self._needs_total() else None
        rate = self._rate(total)
        if count is not None and (end := self._end()) is not None:
            self._check_end(*end, rate=rate, n_updates=count())
        counted = None if told else total
        return RunScheduler(optimizer, rate, name=self.schedule, counted=counted)

    def _end(self) -> tuple[str, int] | None:
        """The option by which a person lets the schedule end, and the updates before its stage"""
        options = self._options()
        # With stages of its own a schedule does not end at the total.
        if self._told_total():
            return ("total_updates", 0) if STAGES.get(self.schedule) not in options else None
        is_held = self.schedule == "warmup_hold_policy" and "hold" in options
        return ("hold", options.get("warmup", 0)) if is_held and not self._needs_total() else None

    def _check_end(
        self, name: str, before: int, *, rate: Callable[[int], float], n_updates: int
    ) -> None:
        """
        Raises `ConfigError` where a run would go on at no rate.

        * `name` and `before` are what `_end` says, and `n_updates` is where the run ends
        """
        length, path = getattr(self, name), self._path(name)
        end = before + length
        # Update `end` may still be in the fall, and the one after it is beyond.
        last = rate(min(end + 1, n_updates - 1))
        if end < n_updates and last <= NOTHING * self.learning_rate:
            raise ConfigError(
                f"{path} is {length} and the run has {n_updates} updates, so {self.schedule} would "
                f"make the last of them at a rate of {last:g}; give at least "
                f"{path}={n_updates - before}, or end the run with max_updates={end}"
            )

    def _told_total(self) -> int | None:
        """The length that a person has given, `None` where the run counts it"""
        is_counted = look(self, "total_updates").is_late
        return None if is_counted else given(self, "total_updates")

    def _options(self) -> dict[str, Any]:
        """What was given for the schedule. Raises `ConfigError` for what it does not have."""
        found = {name: value for name in OWN if (value := getattr(self, name)) is not None}
        known = [name for name in OWN if name in options_of(self.schedule)]
        for name, value in found.items():
            if name not in known:
                raise ConfigError(
                    f"{self._path(name)} is {value}, and {self.schedule} has no such option; set "
                    f"it to none, or choose from {', '.join(known)}"
                )
        return found

    def _needs_total(self) -> bool:
        """Whether the schedule cannot do without the length of the run"""
        options = self._options()
        is_share = any(name.endswith("_ratio") for name in options)
        is_rest = self.schedule in STAGES and STAGES[self.schedule] not in options
        return options_of(self.schedule)["total"] or is_share or is_rest

    def _rate(self, total: int | None) -> Callable[[int], float]:
        """
        The schedule with its options. Raises `ConfigError` for what it refuses.

        * `total` is the length of the run, if there is a schedule that wants it
        """
        # A length that nobody gave is kept from schedules that would hold something against it.
        if total == LONG and not self._needs_total():
            total = None
        try:
            return make_rate(self.schedule, lr=self.learning_rate, total=total, **self._options())
        except ConfigError:
            raise
        except ValueError as e:
            # It knows these by shorter names.
            text = str(e)
            for name, ours in OTHERS.items():
                text = re.sub(rf"(?<![\w.]){name}\b", self._path(ours), text)
            raise ConfigError(f"{self._path('schedule')} is {self.schedule}: {text}") from e


class RunScheduler(Scheduler):
    """
    ## RunScheduler

    A scheduler that the optimizer calls by itself, so that whoever wrote the step of a training has
    it too. A step that is skipped calls nothing.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        rate: Callable[[int], float],
        *,
        name: str,
        counted: int | None = None,
    ):
        """
        * `optimizer` and `rate` are those of a `Scheduler`
        * `name` is the name of the schedule
        * `counted` is the length of the run, if the rate hangs on it and nobody has given it
        """
        super().__init__(optimizer, rate)
        self.name, self.counted = name, counted
        optimizer.register_step_pre_hook(lambda *_: self.begin_update())
        optimizer.register_step_post_hook(lambda *_: self.end_update())

    def state_dict(self) -> dict[str, Any]:
        """Beside the updates: what they were made by"""
        return {**super().state_dict(), "schedule": self.name, "counted": self.counted}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on. Raises `ConfigError` where the rate would be another one without being asked."""
        # What one schedule remembers is nothing to another one, which was allowed by name.
        if state["schedule"] != self.name:
            state = {**state, "rate": self.state_dict()["rate"]}
        elif None not in (was := state["counted"], self.counted) and was != self.counted:
            raise ConfigError(
                f"the run had {was} updates in all and has {self.counted} now, so {self.name} "
                "would give other rates than before; add --allow-change optimizer.total_updates "
                f"and take them with optimizer.total_updates={self.counted}, or the old ones with "
                f"optimizer.total_updates={was}, if they do not end at 0"
            )
        # Another optimizer, which was allowed by name, may have groups of its own. Where it is the
        # same one, its state was put back before.
        if len(state["factors"]) != len(self.factors):
            state = {**state, "factors": self.factors}
        super().load_state_dict(state)


def check_change(run: str, changes: dict[str, tuple]) -> None:
    """
    ## Where a schedule comes or goes on the way

    Raises `ConfigError`: there is nothing to go on with where no update was counted. That defaults
    of other options hang on the schedule is no mistake of their own.

    * `run` is the name of the run
    * `changes` has the options that differ, with the value of the run and the value now
    """
    was, now = changes.get("optimizer.schedule", ("", ""))
    if None in (was, now):
        raise ConfigError(
            f"optimizer.schedule was {was or 'none'} in run {run} and is {now or 'none'} now, and "
            "a run has a schedule from its first update on or not at all; take it back, or start a "
            "new run"
        )
