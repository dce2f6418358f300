r"""
# Dropout

A network that can rely on every one of its features learns combinations that hold for the training
data only. [Improving neural networks by preventing co-adaptation of feature
detectors](https://arxiv.org/abs/1207.0580) switches each number off at random while training, so
that no feature can count on another one being there,

$$y_i = \frac{m_i}{1 - p} \, x_i
\qquad
m_i = \begin{cases} 0 & \text{with probability } p \\ 1 & \text{otherwise} \end{cases}$$

| symbol | code | meaning |
|---|---|---|
| $p$ | `dropout_prob` | probability that a number is dropped |
| $m_i$ | `is_kept` | one independent coin per number |
| $1 / (1 - p)$ | `scale` | keeps the expected value of $y_i$ at $x_i$ |

**Departure.** The paper scales the weights down after training. We scale up while training, so that
evaluation has nothing to do.

**Departure.** On a processor it is the coins that cost time: torch draws one random number for each
element, one after the other. Sixteen random bits decide a coin well enough, so we draw 64 bits at
once and cut them into four. $p$ is thereby rounded to a multiple of $2^{-16}$, and the scale uses
the rounded value.

[LayerNorm](layer_norm.html) is the other layer that every block uses.
"""

import torch
from torch import nn

# A coin is 16 bits, so it has this many sides, all of them equally likely.
N_SIDES = 2**16


def random_sides(x: torch.Tensor) -> torch.Tensor:
    r"""
    ## The coins

    One random integer of 16 bits for each element of `x`, in the shape of `x`. The bits come from
    torch's own generator of the device, so `torch.manual_seed` repeats them.
    """
    # Four elements share one integer, the last one may serve fewer. Without its bounds `random_`
    # would give 63 bits, and every fourth coin would always be non-negative.
    words = torch.empty((x.numel() + 3) // 4, dtype=torch.int64, device=x.device)
    words.random_(-(2**63), None)
    return words.view(torch.int16)[: x.numel()].view(x.shape)


class Dropout(nn.Module):
    r"""
    ## Dropout

    The gradient passes through the same coins: $\partial y_i / \partial x_i$ is the scale where the
    number was kept, and zero where it was dropped. In evaluation the module returns its input.
    """

    def __init__(self, dropout_prob: float):
        r"""
        * `dropout_prob` is $p$; at 1 everything is dropped
        """
        super().__init__()

        if not 0 <= dropout_prob <= 1:
            raise ValueError(
                f"dropout_prob is {dropout_prob}, but it is a probability: give a number from 0 "
                "to 1"
            )
        self.dropout_prob = dropout_prob
        # The number of sides that drop: $p$ in units of $2^{-16}$.
        self.n_dropped = round(dropout_prob * N_SIDES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        r"""
        `x` may have any shape; the result has the same.
        """
        if not self.training or self.n_dropped == 0:
            return x
        # No scale can make up for everything being dropped. A product keeps the way back, so that
        # the gradient is there and zero.
        if self.n_dropped == N_SIDES:
            return x * 0.0

        # $m$ as integers, in place: sixteen bits are compared faster than they are turned into a
        # truth value. The sides are signed, so they start at $-2^{15}$.
        is_kept = random_sides(x).ge_(self.n_dropped - N_SIDES // 2)

        # $1 / (1 - p)$ with the $p$ that these coins have. It goes with the coins, so that `x`
        # is touched once here and once on the way back, and in place they need no second piece of
        # memory.
        scale = N_SIDES / (N_SIDES - self.n_dropped)
        return x * is_kept.to(x.dtype).mul_(scale)

    def extra_repr(self) -> str:
        """What `print` shows between the parentheses."""
        return f"dropout_prob={self.dropout_prob}"
