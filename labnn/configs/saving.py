r"""
# Saving and Stopping

When a run is saved, which checkpoints are kept, and what "best" means.

The best model is the one with the best value of a metric of the validation; whether that is the
lowest or the highest follows from the name of the metric, because a run that keeps the model with
the highest loss is found out when it is over.

Early stopping ends a run when that metric has not become better for a number of validations.

The [keeper](../runs/keeper.html) does the saving, and [best](../runs/best.html) compares values.
"""

import re
from typing import Literal

from labnn.configs.base import StrictConfigs
from labnn.configs.types import ConfigError, NonNegativeInt, did_you_mean

# Words in the name of a metric that say which of its values are best
LOWEST = ("loss", "perplexity", "ppl", "nll", "error", "bits", "bpc", "wer", "cer")
HIGHEST = ("accuracy", "bleu", "f1", "precision", "recall", "auc", "mcc")
# What stands for the number of checkpoints where all of them are kept
KEEP_ALL = -1
# What the tracker adds to the names of a validation
ENDING = ".valid"


class CheckpointConfigs(StrictConfigs):
    """
    ## CheckpointConfigs

    When checkpoints are written, and which of them stay
    """

    # Updates between checkpoints; 0 finds the distance at which saving takes less than 1 % of the
    # time
    interval: NonNegativeInt = 0
    # How many of the newest checkpoints are kept, -1 for all; a damaged one needs another before it
    keep: int = 2
    # What the best model is chosen by, and early stopping
    metric: str = "loss.valid"
    # Which values of the metric are better; auto knows losses, accuracies and the like
    direction: Literal["auto", "lowest", "highest"] = "auto"
    # What to do where a checkpoint cannot be written: stop the run, or warn and try again later
    on_error: Literal["stop", "warn"] = "stop"

    def check(self):
        """One checkpoint is none while the next is written, and no loss is to be maximized."""
        if self.keep < 2 and self.keep != KEEP_ALL:
            raise ConfigError(
                f"{self._path('keep')} is {self.keep}, it takes at least 2: the newest checkpoint "
                f"may turn out to be damaged; {KEEP_ALL} keeps all"
            )
        self.is_highest()

    def is_highest(self) -> bool:
        """Whether more of the metric is better. Raises `ConfigError` where that is not known."""
        name, told = self._path("metric"), self.direction
        if not self.metric.endswith(ENDING):
            raise ConfigError(
                f"{name} is {self.metric!r}; it takes a metric of the validation, which ends in "
                f"{ENDING!r}, for instance 'loss.valid'"
            )
        known = direction_of(self.metric)
        # A name without one of the words could mean either.
        if known is None and told == "auto":
            first = self.metric.removesuffix(ENDING)
            hint = did_you_mean(first, [*LOWEST, *HIGHEST])
            raise ConfigError(
                f"{name} is {self.metric!r}, and nothing in it says which values are better{hint}"
                f"; or set {self._path('direction')} to lowest or highest"
            )
        # Nobody wants the highest loss: such a direction is a slip.
        if known is not None and told not in ("auto", known):
            raise ConfigError(
                f"{self._path('direction')} is {told}, and {name} is {self.metric!r}, of which the "
                f"{known} is best; leave it at auto"
            )
        return (told if known is None else known) == "highest"


class EarlyStoppingConfigs(StrictConfigs):
    """
    ## EarlyStoppingConfigs

    When a run has nothing more to learn
    """

    # Validations without a better value of checkpoint.metric after which the run ends; 0 never ends
    # it
    patience: NonNegativeInt = 0


def direction_of(metric: str) -> str | None:
    """`lowest` or `highest`, by the words in the name; `None` where there is none that is known"""
    words = re.split(r"[^a-z0-9]+", metric.lower())
    for direction, known in (("lowest", LOWEST), ("highest", HIGHEST)):
        if any(word in known for word in words):
            return direction
    return None
