r"""
# How Long and How Often

When a run ends, and when it is validated.

A run has `epochs`, in each of them rounds. A round begins with samples and ends with a validation,
which is often enough where an epoch is short. An epoch of a large text is not, and validations are
wanted every $n$ updates, wherever these fall:

```sh
python -m experiments.mlm eval_interval=1000 eval_at_start=true max_updates=50000
```

With $u$ updates made, and $s$ when the last validation was, the next one is due when

$$u \equiv 0 \pmod n \quad\text{and}\quad u \ne s$$

| symbol | code | meaning |
|---|---|---|
| $n$ | `eval_interval` | updates between validations |
| $u$ | `position.updates` | updates so far |
| $s$ | `position.scored` | updates before the last validation |

The second condition is needed because not every batch makes an update. The round is left there, and
goes on after the validation with the next batch. Each validation counts for the best
[checkpoint](saving.html) and for early stopping, and there is one at the end of the run.

A validation changes nothing in training: losses are the same whatever the interval is. Only a
schedule that asks for its results, plateau, gives other rates. It is not told of a validation that
only the end of the run has caused, so that a run that goes on is as if it had not ended there.

The [rounds](rounds.html) do what is said here.
"""

from typing import Any

from labml.configs import option

from labnn.configs.base import StrictConfigs
from labnn.configs.loop import Listener
from labnn.configs.position import UNSHOWN, Position
from labnn.configs.saving import EarlyStoppingConfigs
from labnn.configs.types import ConfigError, NonNegativeInt, PositiveInt


class ExtentConfigs(StrictConfigs):
    """
    ## ExtentConfigs

    The options that count epochs, rounds and updates
    """

    # Where all random numbers come from
    seed: NonNegativeInt = 0
    # Passes over the training part
    epochs: PositiveInt = 10
    # Updates after which the run ends, in the middle of an epoch if need be; 0 leaves it to epochs
    max_updates: NonNegativeInt = 0
    # Rounds of sampling, training and validation in an epoch; with eval_interval a round has no
    # validation of its own
    inner_iterations: PositiveInt = 1
    # Updates between validations, wherever they fall in an epoch; 0 validates after each round
    eval_interval: NonNegativeInt = 0
    # Validate before the first update as well
    eval_at_start: bool = False
    # When the run ends before all epochs are done
    early_stopping: EarlyStoppingConfigs = EarlyStoppingConfigs()

    # Batches to judge by; none skips validation
    valid_loader: Any = None
    # Epoch, round, phase and batch
    position: Position = "start"

    # Who surrounds the training; names with an underscore are not options.
    _listener = Listener()

    def check_judge(self) -> None:
        """Raises `ConfigError` for options that need a validation where there is none."""
        asked = {
            "early_stopping.patience": self.early_stopping.patience,
            "eval_interval": self.eval_interval,
            "eval_at_start": self.eval_at_start,
        }
        for name, value in asked.items():
            if value and self.valid_loader is None:
                raise ConfigError(
                    f"{name} is {value}, and there is no valid_loader to judge by; take one of "
                    "them back"
                )

    def is_enough(self) -> bool:
        """Whether all updates are made that there may be"""
        return 0 < self.max_updates <= self.position.updates

    def is_due(self) -> bool:
        """Whether it is time for a validation, by the updates alone"""
        # This is asked after each batch.
        if not (every := self.eval_interval):
            return False
        position = self.position
        return position.updates % every == 0 and position.updates != position.scored

    def is_leaving(self) -> bool:
        """Whether training stops here, in the middle of a round if need be"""
        return self.is_enough() or self.is_due()

    def is_first(self) -> bool:
        """Whether the run begins with a validation, and has not done so"""
        place = self.position
        return self.eval_at_start and (place.epoch, place.round, place.left) == (0, 0, 0)

    def is_judged(self) -> bool:
        """When training was left: whether a validation follows"""
        position = self.position
        if self.valid_loader is None:
            return False
        if not self.eval_interval or self.is_due():
            return True
        # What is complete is validated once.
        return self.is_last() and position.updates != position.scored

    def is_last(self) -> bool:
        """After a phase, or in samples: whether the run trains no more"""
        place = self.position
        if self.is_enough() or self._listener.should_end():
            return True
        # Between rounds the place is that of the next one.
        if place.phase in ("sample", "done"):
            return place.epoch >= self.epochs
        last = self.epochs, self.inner_iterations, 0
        return (place.epoch + 1, place.round + 1, place.left) == last

    def is_regular(self) -> bool:
        """In a validation: whether it would come here as well if the run went on"""
        left = self.position.left
        if left == UNSHOWN or self.is_due():
            return True
        # A round that came to its end has one of its own.
        return not self.eval_interval and left == 0


@option(ExtentConfigs.position)
def start(c: ExtentConfigs) -> Position:
    """The beginning"""
    return Position(c.seed)
