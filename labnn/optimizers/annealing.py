r"""
# Annealing

Large steps find a region where the loss is low, and cannot settle in it: they jump across. Small
ones settle, and would have taken forever to come there. A schedule has both, by letting the rate
fall from its peak after the [warm-up](warmup.html). These five differ in where most of the training
is spent, near the peak or near the end. With $p = (t - w) / (T - w)$, the share of the way that is
done,

$$\alpha_t = \alpha \begin{cases}
(1 - p)^2 & \text{square} \\
\sqrt{1 - t / T} & \text{square root} \\
\tfrac{1}{2} \left( 1 + \cos \pi p \right) & \text{cosine} \\
1 - p & \text{warm-up annealing} \\
\sqrt{(w + 1) / (t + 1)} & \text{inverse square root}
\end{cases}$$

| symbol | code | meaning |
|---|---|---|
| $t$ | `update` | how many updates were made before, from 0 |
| $\alpha$ | `lr` | the highest rate |
| $w$ | `w` | number of updates in the warm-up |
| $T$ | `total` | number of updates in the training |

Names and values are those of
[NVIDIA NeMo](https://github.com/NVIDIA/NeMo/blob/447de7de448e470ac116ef2f42540efe80d4b9b0/nemo/nemo/utils/lr_policies.py),
`min_lr` is where later versions have it. There are updates 0 to $T - 1$ in a training of $T$, and
none of them has a rate of zero; beyond $T$ all have, the inverse square root too where it is given
a total.

The cosine comes from [SGDR: Stochastic Gradient Descent with Warm
Restarts](https://arxiv.org/abs/1608.03983). The drawings have a peak of 1, and a warm-up of 100 in
1,000 updates. [Polynomials](polynomial.html) are a family of their own.
"""

import math

from labnn.optimizers.warmup import common


def square_annealing(
    update: int,
    *,
    lr: float,
    total: int,
    warmup: int | None = None,
    warmup_ratio: float | None = None,
    min_lr: float | None = None,
) -> float:
    """
    ## Square

    Most of the training is spent at small rates.

    ```curve
    show: lr
    update: 0 100 150 200 250 300 350 400 450 500 550 600 650 700 750 800 850 900 950 1000
    square_annealing: .01 1 .892 .79 .694 .605 .522 .444 .373 .309 .25 .198 .151 .111 .077 .049
      .028 .012 .003 0
    ```

    * `min_lr` is the lowest rate after the warm-up, also where the square is below it; 1e-5 if
      nothing is said

    **Departure.** In NeMo that is 1e-5 also where `lr` is less, and the rate ends above its peak.
    Here it is then `lr`, and the rate stays where it is.
    """
    min_lr = min(1e-5, lr) if min_lr is None else min_lr
    options = dict(lr=lr, warmup=warmup, warmup_ratio=warmup_ratio, total=total, min_lr=min_lr)
    return common(
        update, lambda w: max(lr * ((total - update) / (total - w)) ** 2, min_lr), **options
    )


def square_root_annealing(
    update: int,
    *,
    lr: float,
    total: int,
    warmup: int | None = None,
    warmup_ratio: float | None = None,
    min_lr: float = 0.0,
) -> float:
    """
    ## Square root

    The rate stays high for long and falls steeply at the end. The root is that of the whole
    training, and so the rate makes a small step down where the warm-up ends.

    ```curve
    show: lr
    update: 0 99 100 150 200 250 300 350 400 450 500 550 600 650 700 750 800 850 900 950 960 980
      990 996 1000
    square_root_annealing: .01 .99 .949 .922 .894 .866 .837 .806 .775 .742 .707 .671 .632 .592
      .548 .5 .447 .387 .316 .224 .2 .141 .1 .063 0
    ```
    """
    options = dict(lr=lr, warmup=warmup, warmup_ratio=warmup_ratio, total=total, min_lr=min_lr)
    return common(update, lambda w: max(lr * math.sqrt(1 - update / total), min_lr), **options)


def cosine_annealing(
    update: int,
    *,
    lr: float,
    total: int,
    warmup: int | None = None,
    warmup_ratio: float | None = None,
    min_lr: float = 0.0,
) -> float:
    """
    ## Cosine

    The rate leaves the peak gently and arrives gently. It is `min_lr` at the end, since the cosine
    goes down to that and not to zero.

    ```curve
    show: lr
    update: 0 100 150 200 250 300 350 400 450 500 550 600 650 700 750 800 850 900 950 1000
    cosine_annealing: .01 1 .992 .97 .933 .883 .821 .75 .671 .587 .5 .413 .329 .25 .179 .117
      .067 .03 .008 0
    ```
    """

    def anneal(w: int) -> float:
        """From the peak to the lowest rate in half a turn"""
        share = 0.5 * (1 + math.cos(math.pi * (update - w) / (total - w)))
        return min_lr + (lr - min_lr) * share

    options = dict(lr=lr, warmup=warmup, warmup_ratio=warmup_ratio, total=total, min_lr=min_lr)
    return common(update, anneal, **options)


def warmup_annealing(
    update: int,
    *,
    lr: float,
    total: int,
    warmup: int | None = None,
    warmup_ratio: float | None = None,
) -> float:
    """
    ## Warm-up annealing

    A straight line up is followed by one down to zero.

    ```curve
    show: lr
    update: 0 50 100 1000
    warmup_annealing: .01 .505 1 0
    ```
    """
    options = dict(lr=lr, warmup=warmup, warmup_ratio=warmup_ratio, total=total)
    return common(update, lambda w: lr * (total - update) / (total - w), **options)


def inverse_square_root_annealing(
    update: int,
    *,
    lr: float,
    warmup: int | None = None,
    warmup_ratio: float | None = None,
    total: int | None = None,
) -> float:
    """
    ## Inverse square root

    The rate does not depend on where the training ends. Without a total, one can go on for as long
    as it helps.
    Without a warm-up it falls to a half within four updates. [Noam](noam.html) and
    [`inverse_sqrt`](stages.html#inverse_sqrt) are the same curve with other beginnings.

    ```curve
    show: lr
    update: 0 100 120 150 180 220 260 334 408 482 556 630 704 778 852 926 1000
    inverse_square_root_annealing: .01 1 .914 .818 .747 .676 .622 .549 .497 .457 .426 .4 .379
      .36 .344 .33 .318
    ```
    """
    options = dict(lr=lr, warmup=warmup, warmup_ratio=warmup_ratio, total=total)
    return common(update, lambda w: lr / math.sqrt((update + 1) / (w + 1)), **options)
