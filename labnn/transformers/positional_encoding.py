r"""
# Positional Encodings

Attention sees a set of vectors, not a sequence. Order has to be put into the vectors themselves, by
adding to each one a vector that depends on its position alone. In
[Attention Is All You Need](https://arxiv.org/abs/1706.03762), section 3.5, these are waves of
different lengths,

$$\begin{aligned}
P_{p, 2k} &= \sin \left( \frac{p}{10000^{2k / d}} \right) \\
P_{p, 2k + 1} &= \cos \left( \frac{p}{10000^{2k / d}} \right)
\end{aligned}$$

| symbol | code | meaning |
|---|---|---|
| $P$ | `table` | one row of $d$ numbers per position |
| $p$ | `position` | position in the sequence, from 0 |
| $2k$ | `feature` | number of a feature; the even ones count the waves |
| $d$ | `d_model` | number of features |

Each pair of features is the hand of a clock, whose turn takes from $2 \pi$ positions up to almost
$10000 \cdot 2 \pi$. A step by $n$ positions turns a hand by the same angle wherever it starts, so a
distance looks the same everywhere. The alternative is a table that is learned like any weight.

**Departure.** With an odd number of features the last wave has a sine and no cosine.

[Embeddings](embeddings.html) adds these positions to the tokens. [Rotary positions](rotary.html)
and [ALiBi](alibi.html) are two ways of telling positions inside attention instead.
"""

import torch
from einops import rearrange
from torch import nn


def sinusoidal_table(d_model: int, max_len: int) -> torch.Tensor:
    r"""
    ## The table of waves

    Row $p$ is $P_p$, with sines in the even columns and cosines in the odd ones.

    * returns shape `[max_len, d_model]`
    """
    # In `float32` an angle near $10^6$ is off by some hundredths, and so is its sine. We compute in
    # `float64` and round the result.
    position = torch.arange(max_len, dtype=torch.float64)
    feature = torch.arange(0, d_model, 2, dtype=torch.float64)
    angle = rearrange(position, "p -> p 1") / 10000 ** (feature / d_model)

    # Sine and cosine of one angle are neighbours, so the two run fastest along the last axis.
    waves = rearrange([angle.sin(), angle.cos()], "wave p k -> p (k wave)")
    return waves[:, :d_model].to(torch.get_default_dtype())


def add_positions(
    x: torch.Tensor, table: torch.Tensor, places: torch.Tensor | None = None
) -> torch.Tensor:
    r"""
    ## Add the first rows of a table to a sequence, or those of given places

    Both kinds of tables are used in this way.

    * `x` has shape `[seq_len, batch_size, d_model]`
    * `table` has shape `[max_len, d_model]`
    * `places` holds the position of each token, `[seq_len, batch_size]`, where an axis may be one;
      `None` stands for 0, 1, ...
    * returns shape `[seq_len, batch_size, d_model]`
    """
    n_places = len(x)
    # On a GPU the question would make the program wait for the device, once a token.
    if places is not None:
        is_asked = places.device.type == "cpu" and places.numel() > 0
        n_places = int(places.amax()) + 1 if is_asked else 0
    if n_places > len(table):
        raise ValueError(
            f"the input has {n_places} positions, but the positional encoding was made for "
            f"max_len={len(table)}: give a larger max_len or a shorter input"
        )
    if places is not None:
        return x + table[places]
    # All sequences of a batch have the same positions.
    return x + rearrange(table[: len(x)], "p d -> p 1 d")


class SinusoidalPositionalEncoding(nn.Module):
    r"""
    ## SinusoidalPositionalEncoding

    The waves cost no parameters and are not in checkpoints, so `max_len` can be changed after
    training. Nothing promises that the network copes with positions that it never met.
    """

    def __init__(self, d_model: int, *, max_len: int = 5000):
        r"""
        * `d_model` is the number of features $d$
        * `max_len` is the number of positions in the table
        """
        super().__init__()

        self.d_model = d_model
        self.max_len = max_len
        # A buffer moves with the module to its device and type. It can be computed again at any
        # time, so it need not be stored with the weights.
        self.register_buffer("table", sinusoidal_table(d_model, max_len), persistent=False)

    def forward(self, x: torch.Tensor, places: torch.Tensor | None = None) -> torch.Tensor:
        r"""
        * `x` has shape `[seq_len, batch_size, d_model]`
        * `places` are the positions of the tokens, as `add_positions` takes them
        * returns shape `[seq_len, batch_size, d_model]`
        """
        return add_positions(x, self.table, places)


class LearnedPositionalEncoding(nn.Module):
    r"""
    ## LearnedPositionalEncoding

    Every position has a vector of its own, as in [BERT](https://arxiv.org/abs/1810.04805). One that
    training never reached keeps the random vector that it started with.
    """

    # It has the shape of a matrix and is none, so weight decay has to be told.
    no_decay = ("table",)

    def __init__(self, d_model: int, *, max_len: int = 5000):
        r"""
        * `d_model` is the number of features $d$
        * `max_len` is the number of positions in the table
        """
        super().__init__()

        self.d_model = d_model
        self.max_len = max_len
        # As large as the waves, whose squares have the mean $1 / 2$: a model that cannot hear
        # positions at first takes long to find out that there are any.
        self.table = nn.Parameter(torch.randn(max_len, d_model) / 2**0.5)

    def forward(self, x: torch.Tensor, places: torch.Tensor | None = None) -> torch.Tensor:
        r"""
        * `x` has shape `[seq_len, batch_size, d_model]`
        * `places` are the positions of the tokens, as `add_positions` takes them
        * returns shape `[seq_len, batch_size, d_model]`
        """
        return add_positions(x, self.table, places)
