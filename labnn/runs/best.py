r"""
# The Best So Far

After each validation one number is compared with the best before it.

The model is worth keeping where it is better; where it was not better for `patience` validations in
a row, the run is over. A value that is not a number is never better.

[Options](../configs/saving.html) name the metric, and the [keeper](keeper.html) saves the model.
"""

import math
from typing import Any


class Best:
    """
    ## Best

    The best value so far, and since when. It is part of a checkpoint: a run that goes on has waited
    as long as one that never stopped.
    """

    def __init__(self, metric: str, *, is_highest: bool, patience: int):
        """
        * `metric` is its name
        * `is_highest` says whether more is better
        * `patience` is how many validations without a better value end the run; 0 never ends it
        """
        self.metric, self.is_highest, self.patience = metric, is_highest, patience
        self.value: float | None = None
        self.update = 0
        self.n_worse = 0

    @classmethod
    def of(cls, conf: Any) -> "Best":
        """What the options of a run ask for"""
        options = conf.checkpoint
        patience = conf.early_stopping.patience
        return cls(options.metric, is_highest=options.is_highest(), patience=patience)

    def add(self, value: float, update: int) -> bool:
        """Note the value of a validation after an update, and say whether it is the best so far."""
        if math.isnan(value) or self.value is not None and not self._is_better(value):
            self.n_worse += 1
            return False
        self.value, self.update, self.n_worse = value, update, 0
        return True

    def _is_better(self, value: float) -> bool:
        """An equal value is no better: the earlier model has learned as much."""
        return value > self.value if self.is_highest else value < self.value

    @property
    def is_over(self) -> bool:
        """Whether patience has come to its end"""
        return 0 < self.patience <= self.n_worse

    def story(self) -> str:
        """Why the run is over"""
        value = "never a number" if self.value is None else f"best after update {self.update}"
        value += "" if self.value is None else f", {self.value:.4g}"
        return (
            f"early stopping: {self.metric} was {value}, and not better {self.n_worse} times since"
        )

    def to_dict(self) -> dict | None:
        """For `status.json`; `None` where nothing was scored"""
        if self.value is None:
            return None
        # JSON has no infinity.
        value = self.value if math.isfinite(self.value) else None
        return {"metric": self.metric, "value": value, "update": self.update}

    def state_dict(self) -> dict:
        """What was best, of which metric, and how long ago"""
        names = ("metric", "value", "update", "n_worse")
        return {name: getattr(self, name) for name in names}

    def load_state_dict(self, state: dict) -> None:
        """Go on from there. The best value of another metric says nothing of this one."""
        if state["metric"] == self.metric:
            vars(self).update(state)


def untracked(conf: Any) -> str:
    """
    What to warn of before an epoch has passed: a metric that nobody tracks, as far as that is
    known.
    """
    name, known = conf.checkpoint.metric, ", ".join(conf._tracked)
    if conf.valid_loader is None:
        return f"checkpoint.metric is {name}, and there is no validation: no best model is kept"
    if known and name not in conf._tracked:
        return f"checkpoint.metric is {name}, and a validation tracks {known} by itself"
    return ""
