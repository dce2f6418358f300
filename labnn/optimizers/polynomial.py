r"""
# Polynomial Decay

Between a line and a steep fall there is a family with one number, the power of what is left of the
way. With a power of 1 the rate falls in a straight line, a higher one brings it down early, and one
below 1 late:

$$\alpha_t = \alpha_{\min} + (\alpha - \alpha_{\min}) \, (1 - p)^k
\qquad
p = \frac{\min(t - s, \; D)}{D}$$

| symbol | code | meaning |
|---|---|---|
| $t$ | `update` | how many updates were made before, from 0 |
| $\alpha$, $\alpha_{\min}$ | `lr`, `min_lr` | rates at the beginning and at the end |
| $k$ | `power` | 1 is a straight line |
| $s$ | `update - done` | where the decay begins: after warm-up and hold |
| $D$ | `decay` | number of updates in the decay, $T - s$ |
| $p$ | `share` | how much of the decay is done |

The first two schedules are those of NVIDIA NeMo, with its [warm-up](warmup.html), and the third is
that of
[fairseq](https://github.com/facebookresearch/fairseq/tree/00bc279894ab6ed3641b0f791acc578ac2083584/fairseq/optim/lr_scheduler),
with a warm-up from zero. The drawings have a peak of 1, and a warm-up of 100 in 1,000 updates.

[Annealing](annealing.html) has other ways down, and [stages](stages.html) the other schedules of
fairseq.
"""

from labnn.optimizers.warmup import check, common, length


def decayed(
    done: int,
    *,
    decay: int,
    lr: float,
    min_lr: float,
    power: float,
    is_cyclic: bool = False,
) -> float:
    """
    ## The polynomial

    * `done` is the number of updates since the decay began, and `decay` its length
    * `is_cyclic` makes the decay twice as long when it is over, three times after that, and so on:
      the rate jumps up and falls again, each time from a lower peak and more slowly
    """
    if is_cyclic and done > 0:
        # A quotient of whole numbers, rounded up without a float in between
        decay *= -(-done // decay)
    share = min(done, decay) / decay
    return min_lr + (lr - min_lr) * (1 - share) ** power


def polynomial_decay_annealing(
    update: int,
    *,
    lr: float,
    total: int,
    warmup: int | None = None,
    warmup_ratio: float | None = None,
    min_lr: float = 0.0,
    power: float = 1.0,
    is_cyclic: bool = False,
) -> float:
    """
    ## Polynomial decay after a warm-up

    Here with a power of 2, which is the square of [annealing](annealing.html) but for its end:

    ```curve
    show: lr
    update: 0 100 150 200 250 300 350 400 450 500 550 600 650 700 750 800 850 900 950 1000
    polynomial_decay_annealing: .01 1 .892 .79 .694 .605 .522 .444 .373 .309 .25 .198 .151 .111
      .077 .049 .028 .012 .003 0
    ```

    * `is_cyclic` is NeMo's `cycle`

    **Departure.** In NeMo the rate is zero after the total, and before it no cycle can begin: the
    option changes nothing. Here a cyclic decay has no end, and the total is the length of the first
    cycle.
    """
    check_power(power)

    def anneal(w: int) -> float:
        """The decay begins where the warm-up ends."""
        return decayed(
            update - w,
            decay=total - w,
            lr=lr,
            min_lr=min_lr,
            power=power,
            is_cyclic=is_cyclic,
        )

    options = dict(lr=lr, warmup=warmup, warmup_ratio=warmup_ratio, total=total, min_lr=min_lr)
    return common(update, anneal, **options, end=None if is_cyclic else 0.0)


def polynomial_hold_decay_annealing(
    update: int,
    *,
    lr: float,
    total: int,
    warmup: int | None = None,
    warmup_ratio: float | None = None,
    hold: int | None = None,
    hold_ratio: float | None = None,
    min_lr: float = 0.0,
    power: float = 1.0,
    is_cyclic: bool = False,
) -> float:
    """
    ## Warm-up, hold and polynomial decay

    The rate stays at its peak for `hold` updates, or a share of the total, before it falls. After
    the total it is `min_lr`. Here with a hold of 300:

    ```curve
    show: lr
    update: 0 50 100 400 700 1000
    polynomial_hold_decay_annealing: .01 .505 1 1 .5 0
    ```

    **Departure.** NeMo counts the end of the hold from update 0 where there is a hold, and as 0
    where there is none. Without a hold its decay therefore has part of its way behind it when the
    warm-up ends, and the rate jumps down. Here the decay begins at the peak, with a hold or without
    one.
    """
    check_power(power)
    kept = length("hold", updates=hold, ratio=hold_ratio, total=total)
    w = length("warmup", updates=warmup, ratio=warmup_ratio, total=total)
    check(lr=lr, total=total, used=w + kept, min_lr=min_lr)

    def anneal(w: int) -> float:
        """Before the hold is over, nothing of the decay is done."""
        return decayed(
            max(update - w - kept, 0),
            decay=total - w - kept,
            lr=lr,
            min_lr=min_lr,
            power=power,
            is_cyclic=is_cyclic,
        )

    options = dict(lr=lr, warmup=w, warmup_ratio=None, total=total, min_lr=min_lr)
    return common(update, anneal, **options, end=None if is_cyclic else min_lr)


def polynomial_decay(
    update: int,
    *,
    lr: float,
    total: int,
    warmup: int | None = None,
    warmup_ratio: float | None = None,
    min_lr: float = 0.0,
    power: float = 1.0,
) -> float:
    r"""
    ## Polynomial decay of fairseq

    $\alpha \, t / w$ up to update $w$, where it meets the decay, and `min_lr` from the total on.
    The options are fairseq's `warmup-updates`, `total-num-update`, `end-learning-rate` and `power`.

    ```curve
    show: lr
    update: 0 50 100 1000
    polynomial_decay: 0 .5 1 0
    ```

    **Departure.** In fairseq the total is a million unless it is given. Nobody trains that long by
    chance, so that here it has to be given.
    """
    check_power(power)
    w = length("warmup", updates=warmup, ratio=warmup_ratio, total=total)
    check(lr=lr, total=total, used=w, min_lr=min_lr)
    if update < w:
        return lr * update / w
    return decayed(update - w, decay=total - w, lr=lr, min_lr=min_lr, power=power)


def check_power(power: float) -> None:
    """
    ## A power that lets nothing fall is refused

    With 0 the rate would stay at its peak and fall at the end, and below it would grow.
    """
    if not 0 < power < float("inf"):
        raise ValueError(f"power must be a number above 0, not {power}")
