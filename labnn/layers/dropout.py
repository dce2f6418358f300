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
element, one after the other. Eight random bits decide most coins well enough, so we draw 64 bits at
once and cut them into eight. $p$ is thereby rounded to a multiple of $2^{-8}$, which turns 0.1 into
0.1016, and the scale uses the rounded value. Where rounding would move $p$ or $1 - p$ by more than
two per cent of itself, a coin gets sixteen bits.

[LayerNorm](layer_norm.html) is the other layer that every block uses.
"""

import torch
from torch import nn

# How far, in parts of the rarer side, rounding may move the probability of a coin
TOLERANCE = 0.02


def coin_type(dropout_prob: float) -> torch.dtype:
    r"""
    ## How many bits a coin needs

    The type of integers that has as many sides as it takes.
    """
    # Half the bits are drawn in half the time: 3 % of a step of the main experiment on one thread,
    # and 4 % in `bfloat16`.
    error = abs(round(dropout_prob * 2**8) / 2**8 - dropout_prob)
    is_near = error <= TOLERANCE * min(dropout_prob, 1 - dropout_prob)
    return torch.int8 if is_near else torch.int16


def random_sides(x: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    r"""
    ## The coins

    One random integer of type `dtype` for each element of `x`, in the shape of `x`. The bits come
    from torch's own generator of the device, so `torch.manual_seed` repeats them.
    """
    # A compiler takes equal calls for one and the same, but no two empty tensors. Without one in
    # each call, two dropouts of one shape in what is compiled would drop the same features.
    empty = torch.empty(x.shape, dtype=dtype, device=x.device)
    return (compiled_sides if torch.compiler.is_compiling() else sides_like)(empty)


def sides_like(empty: torch.Tensor) -> torch.Tensor:
    r"""
    Random integers in the shape and type of `empty`, which is not read.
    """
    # Several elements share one integer of 64 bits, the last one may serve fewer. Without its
    # bounds `random_` would give 63 bits, and the last coin of each would never be negative.
    n_coins = torch.int64.itemsize // empty.dtype.itemsize
    words = torch.empty(-(-empty.numel() // n_coins), dtype=torch.int64, device=empty.device)
    words.random_(-(2**63), None)
    return words.view(empty.dtype)[: empty.numel()].view(empty.shape)


# `torch.compile` stops at a `random_` over all integers, so the draws are one operation to it.
compiled_sides = torch.library.custom_op(
    "labnn::sides_like", sides_like, mutates_args=(), tags=torch.Tag.nondeterministic_seeded
)
compiled_sides.register_fake(torch.empty_like)


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
        # The sides of a coin are equally likely, and $p$ of them drop.
        self.coin_type = coin_type(dropout_prob)
        self.n_sides = 2 ** (8 * self.coin_type.itemsize)
        self.n_dropped = round(dropout_prob * self.n_sides)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        r"""
        `x` may have any shape; the result has the same.
        """
        if not self.is_dropping:
            return x
        return x * self.factors(x)

    @property
    def is_dropping(self) -> bool:
        """Whether the module does anything to its input now"""
        return self.training and self.n_dropped > 0

    def factors(self, x: torch.Tensor) -> torch.Tensor:
        r"""
        $m / (1 - p)$, one for each element of `x`, in its shape and type. This is for a layer that
        has another factor to join them with.
        """
        # No scale can make up for everything being dropped.
        if self.n_dropped == self.n_sides:
            return torch.zeros_like(x)

        # $1 / (1 - p)$ with the $p$ that these coins have. It goes with the coins, so that `x`
        # is touched once here and once on the way back.
        scale = self.n_sides / (self.n_sides - self.n_dropped)
        # The sides are signed, so they start at minus one half of their number.
        sides = random_sides(x, self.coin_type)
        least = self.n_dropped - self.n_sides // 2
        if torch.compiler.is_compiling():
            # The same, compared in 32 bits, for which a compiler makes a loop over many at once.
            return torch.where(sides.to(torch.float32) >= least, torch.full_like(x, scale), 0.0)

        # $m$ as integers, in place: they are compared faster than they are turned into a truth
        # value. In place the factors need no second piece of memory either.
        return sides.ge_(least).to(x.dtype).mul_(scale)

    def extra_repr(self) -> str:
        """What `print` shows between the parentheses."""
        return f"dropout_prob={self.dropout_prob}"
