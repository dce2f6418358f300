r"""
# Warm-Up

The first gradients of a fresh model are large and agree on little, and a full step along them can
throw it where it does not come back from. So most schedules begin with a warm-up, in which the rate
grows in a straight line, whatever they do after it. This page has what the schedules of
[NVIDIA NeMo](https://github.com/NVIDIA/NeMo/blob/447de7de448e470ac116ef2f42540efe80d4b9b0/nemo/nemo/utils/lr_policies.py)
have in common:

$$\alpha_t = \begin{cases}
\alpha \, \frac{t + 1}{w + 1} & \text{for } t < w \\
\text{the schedule} & \text{for } w \le t \le T \\
0 & \text{for } t > T
\end{cases}$$

| symbol | code | meaning |
|---|---|---|
| $t$ | `update` | how many updates were made before, from 0 |
| $\alpha_t$ | the result | learning rate of the update |
| $\alpha$ | `lr` | the highest rate |
| $w$ | `warmup` | number of updates in the warm-up |
| $T$ | `total` | number of updates in the training; without one it has no end |

The line aims at $\alpha$ for update $w$, the first one after the warm-up, and its first rate is
above zero: no update is wasted. NeMo calls $t$ the step.

**Departure.** NeMo compares $t$ with a total of `None` and fails. Here a schedule that can do
without a total goes on forever.

**Departure.** A share of the total is rounded down, as in NeMo, but as a person would do it: 0.29
of 100 are 29 updates, while the product of floats is a little below, and NeMo's length 28.

[Annealing](annealing.html) is what follows on the warm-up, and [schedules](schedules.html) has all
of them by name.
"""

import math
from collections.abc import Callable

# More than what rounding takes from a product, and less than what a person would write
ROUNDING = 1e-9


def length(
    name: str,
    *,
    updates: int | None,
    ratio: float | None,
    total: int | None,
    default: int = 0,
) -> int:
    """
    ## The length of a stage

    It is a number of updates or a share of the total, and both at once would be a riddle.

    * `name` is that of the option, for errors
    * `updates` is the length, or `ratio` its share of `total`
    * `default` is the length if neither is given
    """
    if ratio is None:
        found = default if updates is None else updates
        if not 0 <= found < math.inf:
            raise ValueError(f"{name} must be a number of updates from 0 up, not {found}")
        return found
    if updates is not None:
        raise ValueError(f"{name} {updates} and {name}_ratio {ratio} are both given: leave one out")
    if not 0 <= ratio <= 1:
        raise ValueError(f"{name}_ratio must be a share from 0 to 1, not {ratio}")
    if total is None:
        raise ValueError(f"{name}_ratio {ratio} is a share of an unknown total: give total, too")
    return int(ratio * total + ROUNDING)


def check(*, lr: float, total: int | None, used: int = 0, min_lr: float = 0.0) -> None:
    """
    ## Schedules that cannot be are refused

    A rate that ends above where it begins, and a total that the stages fill to the last update.

    * `used` is the number of updates in the stages before the annealing
    """
    if not 0 <= lr < math.inf:
        raise ValueError(f"lr must be a finite number from 0 up, not {lr}")
    if not 0 <= min_lr <= lr:
        raise ValueError(f"min_lr must be from 0 to lr, which is {lr}, not {min_lr}")
    if total is not None and not used < total < math.inf:
        raise ValueError(
            f"total must be more than the {used} updates of the stages before, not {total}"
        )


def common(
    update: int,
    anneal: Callable[[int], float],
    *,
    lr: float,
    warmup: int | None,
    warmup_ratio: float | None,
    total: int | None,
    min_lr: float = 0.0,
    end: float | None = 0.0,
) -> float:
    r"""
    ## What the schedules have in common

    The three cases of the equation; a schedule gives the second one.

    * `anneal` computes the rate between warm-up and end from the length $w$ of the warm-up
    * `min_lr` is the lowest rate of the annealing, and `end` the rate after the total, or None
      for a schedule that goes on
    """
    w = length("warmup", updates=warmup, ratio=warmup_ratio, total=total)
    check(lr=lr, total=total, used=w, min_lr=min_lr)
    if update < w:
        return lr * (update + 1) / (w + 1)
    if total is not None and end is not None and update > total:
        return end
    return anneal(w)


def warmup_policy(
    update: int,
    *,
    lr: float,
    warmup: int | None = None,
    warmup_ratio: float | None = None,
    total: int | None = None,
) -> float:
    """
    ## A constant rate after the warm-up

    The options are those of all schedules: `lr`, a warm-up in updates or as a share, and `total`.
    With 1, 100 and 1,000 of them:

    ```curve
    show: lr
    update: 0 50 100 1000
    warmup_policy: .01 .505 1 1
    ```
    """
    options = dict(lr=lr, warmup=warmup, warmup_ratio=warmup_ratio, total=total)
    return common(update, lambda w: lr, **options)


def warmup_hold_policy(
    update: int,
    *,
    lr: float,
    warmup: int | None = None,
    warmup_ratio: float | None = None,
    hold: int | None = None,
    hold_ratio: float | None = None,
    total: int | None = None,
    min_lr: float = 0.0,
) -> float:
    """
    ## A constant rate that is held

    After its end the rate is `min_lr` instead of zero. Here with 100 updates of warm-up, a total of
    800 and a `min_lr` of 0.2:

    ```curve
    show: lr
    update: 0 50 100 800 801 1000
    warmup_hold_policy: .01 .505 1 1 .2 .2
    ```

    **Departure.** A hold changes nothing in NeMo, where the rate is held to the total in any case.
    Here `hold` updates after the warm-up are the end if there is no total.
    """
    w = length("warmup", updates=warmup, ratio=warmup_ratio, total=total)
    kept = length("hold", updates=hold, ratio=hold_ratio, total=total)
    if total is None and hold is not None:
        total = w + kept
    check(lr=lr, total=total, used=w + kept - 1, min_lr=min_lr)
    options = dict(lr=lr, warmup=w, warmup_ratio=None, min_lr=min_lr, end=min_lr)
    return common(update, lambda w: lr, **options, total=total)
