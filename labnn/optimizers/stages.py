r"""
# Stages

Schedules of
[fairseq](https://github.com/facebookresearch/fairseq/tree/00bc279894ab6ed3641b0f791acc578ac2083584/fairseq/optim/lr_scheduler)
are made of stages: a warm-up from `init_lr`, which often is zero, and then a fall by a root, after
a time at the peak, or in waves of a [cosine](annealing.html#cosine_annealing):

$$\begin{aligned}
\alpha_t &= \alpha_0 + (\alpha - \alpha_0) \, \frac{t}{w} && \text{warm-up, } t < w \\
\alpha_t &= \alpha \sqrt{w / t} && \text{inverse square root} \\
\alpha_t &= \alpha \, f^{(t - w - h) / D} && \text{tri-stage, } t \ge w + h
\end{aligned}$$

| symbol | code | meaning |
|---|---|---|
| $t$ | `update` | how many updates were made before, from 0 |
| $\alpha$, $\alpha_0$ | `lr`, `init_lr` | rates at the peak and at the very beginning |
| $w$, $h$, $D$ | `w`, `h`, `d` | numbers of updates in warm-up, hold and decay |
| $f$ | `final_scale` | the lowest rate as a share of the peak |

**What fairseq counts.** Its $n$ is the number of updates made, and the rate for $n$ is in force
while update $n + 1$ is made: it is our $t$. With a warm-up from zero the first update therefore
changes nothing. The [warm-up of NeMo](warmup.html) is one update ahead.

[Polynomial decay](polynomial.html#polynomial_decay) has a page with others of its kind, and
[plateau](plateau.html) asks how the training goes.
"""

import math

from labnn.optimizers.warmup import check, length


def inverse_sqrt(
    update: int,
    *,
    lr: float,
    warmup: int | None = None,
    warmup_ratio: float | None = None,
    total: int | None = None,
    init_lr: float = 0.0,
) -> float:
    """
    ## Inverse square root

    Line and root meet at the peak, so that the warm-up also says how slowly the rate falls: at four
    times its length a half is left. Here with a warm-up of 100 updates:

    ```curve
    show: lr
    update: 0 100 120 150 180 220 260 334 408 482 556 630 704 778 852 926 1000
    inverse_sqrt: 0 1 .913 .816 .745 .674 .62 .547 .495 .455 .424 .398 .377 .359 .343 .329 .316
    ```

    * `warmup` is 4,000 if nothing is said
    * `total` is for `warmup_ratio` alone: the curve has no end
    """
    w = length("warmup", updates=warmup, ratio=warmup_ratio, total=total, default=4000)
    check(lr=lr, total=total)
    if w < 1:
        raise ValueError(f"warmup must be at least 1 for inverse_sqrt, whose peak it is, not {w}")
    if update < w:
        return climbed(update, w=w, lr=lr, init_lr=init_lr)
    return lr * math.sqrt(w / update)


def tri_stage(
    update: int,
    *,
    lr: float,
    warmup: int | None = None,
    warmup_ratio: float | None = None,
    hold: int | None = None,
    hold_ratio: float | None = None,
    decay: int | None = None,
    total: int | None = None,
    init_scale: float = 0.01,
    final_scale: float = 0.01,
) -> float:
    """
    ## Three stages

    Up, along and down, as for the speech models of [SpecAugment](https://arxiv.org/abs/1904.08779).
    Each update of the decay takes the same share of the rate. Then the rate stays where it is. Here
    with stages of 100, 300 and 600 updates:

    ```curve
    show: lr
    update: 0 100 400 440 480 520 560 600 640 680 720 760 800 840 880 920 960 1000 1100
    tri_stage: .01 1 1 .736 .541 .398 .293 .215 .158 .117 .086 .063 .046 .034 .025 .018 .014 .01
      .01
    ```

    * `warmup`, `hold` and `decay` are 4,000, 20,000 and 60,000 if nothing is said; with a total the
      decay is what the other two leave of it
    * `init_scale` and `final_scale` are the first and the last rate as shares of `lr`
    """
    w = length("warmup", updates=warmup, ratio=warmup_ratio, total=total, default=4000)
    h = length("hold", updates=hold, ratio=hold_ratio, total=total, default=20000)
    if decay is None:
        decay = 60000 if total is None else max(total - w - h, 0)
    d = length("decay", updates=decay, ratio=None, total=None)
    check(lr=lr, total=total, used=w + h)
    for name, scale in (("init_scale", init_scale), ("final_scale", final_scale)):
        if not 0 < scale <= 1:
            raise ValueError(f"{name} must be a share of lr above 0 and up to 1, not {scale}")
    if update < w:
        return climbed(update, w=w, lr=lr, init_lr=init_scale * lr)
    if update < w + h:
        return lr
    # A decay without length is over when it begins.
    share = min((update - w - h) / d, 1.0) if d else 1.0
    return lr * final_scale**share


def cosine(
    update: int,
    *,
    lr: float,
    warmup: int | None = None,
    warmup_ratio: float | None = None,
    total: int | None = None,
    min_lr: float = 0.0,
    init_lr: float | None = None,
    period: int | None = None,
    t_mult: float = 1.0,
    shrink: float = 0.1,
) -> float:
    """
    ## Cosine with restarts

    The rate falls along half a cosine and starts anew from a lower peak, as in
    [SGDR](https://arxiv.org/abs/1608.03983). Here with a warm-up of 100 updates, a period of 300
    that doubles, and a `shrink` of 0.5:

    ```curve
    show: lr
    update: 0 100 125 150 175 200 225 250 275 300 325 350 375 399 400 450 500 550 600 650 700
      750 800 850 900 950 999
    cosine: 0 1 .983 .933 .854 .75 .629 .5 .371 .25 .146 .067 .017 0 .5 .491 .467 .427 .375 .315
      .25 .185 .125 .073 .033 .009 0
    ```

    * `init_lr` is where the warm-up begins, `min_lr` if it is not given
    * `period` is the length of the first fall. If it is not given, there is one fall without a
      restart. It takes all that the warm-up leaves of the total, and the rate stays at its end
    * `t_mult` makes each period longer than the one before
    * `shrink` multiplies both ends of the fall at each restart

    **Departure.** Without a period fairseq's curve jumps up at the total as well. Nobody sees it
    there, since that is where the training ends. Here a training may be longer than its schedule.

    **Departure.** `lr` is the peak, as in all schedules here. In fairseq 0.9 `lr` is the lowest
    rate, and the peak is called `max-lr`.
    """
    w = length("warmup", updates=warmup, ratio=warmup_ratio, total=total)
    check(lr=lr, total=total, used=w, min_lr=min_lr)
    check_waves(period=period, total=total, t_mult=t_mult, shrink=shrink)
    if update < w:
        return climbed(update, w=w, lr=lr, init_lr=min_lr if init_lr is None else init_lr)

    if period is None:
        restarts, done, span = 0, min(update, total) - w, total - w
    else:
        restarts, done, span = wave(update - w, period=period, t_mult=t_mult)
    share = 0.5 * (1 + math.cos(math.pi * done / span))
    return shrink**restarts * (min_lr + (lr - min_lr) * share)


def wave(done: float, *, period: int, t_mult: float) -> tuple[int, float, float]:
    """
    ## Where in which wave

    fairseq takes a logarithm to find it. We walk: logarithms are rounded, and one that is a little
    too small would put a restart off.

    * `done` is the number of updates since the warm-up

    Returns the number of restarts, the updates since the last one, and the length of this wave.
    """
    if t_mult == 1:
        return *divmod(done, period), period
    restarts, span = 0, period
    while done >= span:
        done, restarts, span = done - span, restarts + 1, span * t_mult
    return restarts, done, span


def climbed(update: int, *, w: int, lr: float, init_lr: float) -> float:
    """
    ## The warm-up of fairseq

    A straight line from `init_lr` at update 0 to `lr` at update `w`
    """
    if not 0 <= init_lr <= lr:
        raise ValueError(f"init_lr must be from 0 to lr, which is {lr}, not {init_lr}")
    return init_lr + (lr - init_lr) * update / w


def check_waves(*, period: int | None, total: int | None, t_mult: float, shrink: float) -> None:
    """
    ## Waves that are refused

    Periods that become shorter would crowd together before an update that they never pass.
    """
    if period is None and total is None:
        raise ValueError("cosine needs the length of its fall: give period or total")
    if period is not None and not 1 <= period < math.inf:
        raise ValueError(f"period must be a number of updates from 1 up, not {period}")
    if not 1 <= t_mult < math.inf:
        raise ValueError(f"t_mult must be a number from 1 up, not {t_mult}")
    if not 0 <= shrink <= 1:
        raise ValueError(f"shrink must be a share from 0 to 1, not {shrink}")
