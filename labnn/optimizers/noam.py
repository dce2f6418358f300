r"""
# Noam

The first updates of Adam rest on means over a handful of gradients, and full steps on so little
can throw a fresh transformer far off. Section 5.3 of
[Attention Is All You Need](https://arxiv.org/abs/1706.03762) begins with tiny ones: the learning
rate grows in a straight line for a number of updates, the warm-up, and then falls with the inverse
square root of the number of the update,

$$\alpha_t = f \, d^{-1/2} \min \left( t^{-1/2}, \; t \, w^{-3/2} \right)$$

| symbol | code | meaning |
|---|---|---|
| $\alpha_t$ | `group["lr"]` | learning rate of update $t$ |
| $t$ | `group["updates"]` | number of the update, from 1 |
| $f$ | `group["factor"]` | makes all rates larger or smaller |
| $d$ | `group["d_model"]` | features of the model: wide ones take smaller steps |
| $w$ | `group["warmup"]` | number of updates until the peak |

Both branches meet at $t = w$, where the rate peaks at $f / \sqrt{d \, w}$. With 128 features and
2,000 updates of warm-up that is 0.0019764. Without warm-up the first branch is all there is.

**Departure.** The paper has no factor, and sets $\beta_2 = 0.98$ and $\epsilon = 10^{-9}$ where we
keep the values of [Adam](adam.html).
"""

import math
from collections.abc import Iterable
from typing import Any

import torch

from labnn.optimizers.adam import AdamW
from labnn.optimizers.optimizer import Optimizer


def noam_rate(update: int, *, factor: float, d_model: int, warmup: int) -> float:
    r"""
    ## The rate of an update

    The equation of the page as a function, for a plot or a table of rates.

    * `update` is its number $t$, from 1
    * `factor` is $f$, `d_model` is $d$ and `warmup` is $w$
    """
    falling = update**-0.5
    # Without warm-up the straight line is infinitely steep, and never the smaller of the two.
    rising = update * warmup**-1.5 if warmup else math.inf
    return factor * d_model**-0.5 * min(falling, rising)


class Noam(AdamW):
    r"""
    ## Noam

    The rate in force is in `param_groups[i]["lr"]`: that which the latest update used, and before
    there is one, that of the first. Every update computes it anew, so what changes the rate of a
    training that runs is `factor`.

    One call of `step` is one update, whether or not a parameter has a gradient. The count is kept
    in the groups and saved with them: a training that goes on from a checkpoint goes on at the
    rate that it had. Weight decay is that of `AdamW`, by the scheduled rate.
    """

    # What a group counts, beside the options that were given to it.
    counters = ("updates",)

    def __init__(
        self,
        params: Iterable[torch.Tensor] | Iterable[dict[str, Any]],
        *,
        d_model: int,
        warmup: int = 2000,
        lr: float = 1.0,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ):
        r"""
        * `params` are parameters, or groups of them with options of their own
        * `d_model` is $d$
        * `warmup` is $w$, in updates of the optimizer; 0 begins at the highest rate
        * `lr` is the factor $f$, also in a group: the rate itself is computed
        * `betas`, `eps` and `weight_decay` are those of `AdamW`
        """
        options = dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)
        # We go past `AdamW`, whose constructor knows no schedule. What an optimizer keeps in its
        # groups is saved with them.
        Optimizer.__init__(self, params, dict(**options, d_model=d_model, warmup=warmup))

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """A group that joins later joins the schedule where it stands."""
        group = {**self.defaults, **param_group}
        check_schedule(group)
        group.setdefault("factor", group["lr"])
        group.setdefault("updates", self.param_groups[0]["updates"] if self.param_groups else 0)
        super().add_param_group(group)
        set_rate(group)

    def update_group(self, group: dict[str, Any], params: list[torch.Tensor]) -> None:
        """The rate is set before the update, so that decay and step both use it."""
        group["updates"] += 1
        set_rate(group)
        super().update_group(group, params)


def set_rate(group: dict[str, Any]) -> None:
    """
    ## The rate of a group

    It is put where everybody looks for it. Before the first update it is that of the first.
    """
    group["lr"] = noam_rate(
        max(group["updates"], 1),
        factor=group["factor"],
        d_model=group["d_model"],
        warmup=group["warmup"],
    )


def check_schedule(group: dict[str, Any]) -> None:
    """
    ## A schedule without a rate is refused

    Zero features would be divided by, and a warm-up without end would never leave zero.
    """
    if not group["d_model"] > 0:
        raise ValueError(f"d_model must be a number of features above 0, not {group['d_model']}")
    if not 0 <= group["warmup"] < math.inf:
        raise ValueError(f"warmup must be a number of updates from 0 up, not {group['warmup']}")
