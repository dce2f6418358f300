r"""
# Plateau

A schedule that is fixed beforehand knows nothing of the training. This one looks at it: when the
validation loss has not become better for a while, the rate is divided by ten, and training goes on
with smaller steps. A value counts as better if it is below the best one by a share of it,

$$x < x_{\text{best}} - \theta \, |x_{\text{best}}|$$

| symbol | code | meaning |
|---|---|---|
| $x$ | `value` | what was observed, such as the validation loss |
| $x_{\text{best}}$ | `self.best` | the best value so far |
| $\theta$ | `self.threshold` | the share by which a value has to be better |

Here the rate is 1, the factor is a half, and observations at updates 300, 400 and 800 were no
better:

```curve
show: lr
update: 0 300 301 400 401 800 801 1000
plateau: 1 1 .5 .5 .25 .25 .125 .125
```

fairseq calls this `reduce_lr_on_plateau`, and torch `ReduceLROnPlateau`. It equals torch's but for
what follows.

**Departure.** Torch multiplies the best value by $1 - \theta$. Below zero that is above the best,
and worse values count as better. The absolute value makes it the same on both sides. Torch also
leaves the rate alone where it would change by less than $10^{-8}$.

**Departure.** Observations during the [warm-up](warmup.html) are not counted, as in fairseq: a rate
that still grows has settled nowhere.

Other [schedules](schedules.html) are functions of the update alone. What this one remembers is
saved with the [scheduler](scheduler.html).
"""

import math
from typing import Any

from labnn.optimizers.warmup import check, length


class Plateau:
    """
    ## Plateau

    Called with the number of an update, it says the rate, like any other schedule; calls change
    nothing. Observations do.
    """

    def __init__(
        self,
        *,
        lr: float,
        factor: float = 0.1,
        patience: int = 0,
        threshold: float = 1e-4,
        min_lr: float = 0.0,
        is_lower_better: bool = True,
        warmup: int | None = None,
        warmup_ratio: float | None = None,
        total: int | None = None,
    ):
        r"""
        * `lr` is the rate to begin with
        * `factor` multiplies it when a plateau is seen
        * `patience` is how many observations in a row may be no better before that
        * `threshold` is $\theta$
        * `min_lr` is the lowest rate
        * `is_lower_better` is false for an accuracy
        * `warmup`, or `warmup_ratio` of `total`, is the length of the warm-up
        """
        check(lr=lr, total=total, min_lr=min_lr)
        if not 0 < factor < 1:
            raise ValueError(f"factor must be above 0 and below 1, not {factor}")
        if not 0 <= patience < math.inf:
            raise ValueError(f"patience must be a number of observations from 0 up, not {patience}")
        if not 0 <= threshold < math.inf:
            raise ValueError(f"threshold must be a share from 0 up, not {threshold}")
        self.factor, self.patience, self.threshold = factor, patience, threshold
        self.min_lr, self.is_lower_better = min_lr, is_lower_better
        self.warmup = length("warmup", updates=warmup, ratio=warmup_ratio, total=total)
        # The rate before any plateau, and the product of the factors since
        self.peak, self.scale = lr, 1.0
        # The best value, and how many since were no better
        self.best, self.n_bad = None, 0

    @property
    def lr(self) -> float:
        """The rate after the warm-up"""
        return max(self.peak * self.scale, self.min_lr)

    def __call__(self, update: int) -> float:
        """The rate of an update, counted from 0"""
        if update < self.warmup:
            return self.lr * (update + 1) / (self.warmup + 1)
        return self.lr

    def observe(self, value: float, update: int) -> None:
        """
        Look at a value, and lower the rate if it shows a plateau.

        * `value` was measured after `update` updates
        """
        if update < self.warmup:
            return
        if self.is_better(value):
            self.best, self.n_bad = float(value), 0
            return
        self.n_bad += 1
        if self.n_bad > self.patience:
            self.scale, self.n_bad = self.scale * self.factor, 0

    def is_better(self, value: float) -> bool:
        """A value that is not finite is never better, not even the first."""
        if self.best is None or not math.isfinite(value):
            return math.isfinite(value)
        gain = self.best - value if self.is_lower_better else value - self.best
        return gain > self.threshold * abs(self.best)

    def state_dict(self) -> dict[str, Any]:
        """What was seen so far, as plain numbers that JSON can hold"""
        return {"scale": self.scale, "best": self.best, "n_bad": self.n_bad}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what was seen. The options stay those of this object, the rate included."""
        self.scale, self.best, self.n_bad = state["scale"], state["best"], state["n_bad"]
