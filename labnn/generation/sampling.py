r"""
# Sampling

To write as the model thinks that people write, draw the next token with the probabilities that it
gives. Tokens that are hopeless one by one have some weight together, though, and one of them in
every twenty is enough to spoil a text. Three ways to trust the model's favourites more are used
alone or one after the other, in this order:

$$\begin{aligned}
\text{temperature:} \quad p_v &= \operatorname{softmax}_v(z / T) \\
\text{top-k:} \quad V &= \text{the } k \text{ tokens with the largest } p_v \\
\text{top-p:} \quad V &= \text{the fewest tokens with} \sum_{v \in V} p_v \ge p
\end{aligned}$$

| symbol | code | meaning |
|---|---|---|
| $z$ | `logits` | scores of the next token |
| $T$ | `temperature` | below 1 the probable becomes more probable, above 1 less |
| $k$ | `top_k` | how many tokens stay |
| $p$ | `top_p` | how much probability stays at least |
| $V$ | the finite logits of the result | tokens that stay; the others get $-\infty$ |

[Hierarchical Neural Story Generation](https://arxiv.org/abs/1805.04833) draws from the $k$ best.
But a fixed number is too many where the model is sure and too few where much is possible.
[The Curious Case of Neural Text Degeneration](https://arxiv.org/abs/1904.09751) keeps the nucleus
instead, the fewest tokens that have most of the probability, so that their number follows the
model. What is left is scaled up to a whole by the softmax of the [draw](draws.html).

As $T$ goes to 0, or with $k = 1$, sampling becomes [greedy](greedy.html), but for tokens that are
equally good. The definitions and their order are those of transformers, so the same options mean
the same there. Of equal tokens at the border top-k keeps all, as there. Top-p keeps the first ones
in the vocabulary, where transformers leaves the choice to its sorting.
"""

import math
from collections.abc import Sequence

import torch

from labnn.generation.checks import check_counts, check_positive
from labnn.generation.draws import draw


def with_temperature(logits: torch.Tensor, *, temperature: float) -> torch.Tensor:
    r"""
    ## Temperature

    * `logits` has shape `[batch_size, n_tokens]`
    * `temperature` is $T$, above 0
    * returns shape `[batch_size, n_tokens]`
    """
    check_positive("temperature", temperature)
    return logits / temperature


def keep_top_k(logits: torch.Tensor, *, top_k: int) -> torch.Tensor:
    r"""
    ## Top-k

    * `logits` has shape `[batch_size, n_tokens]`
    * `top_k` is $k$, from 1 up; more than there are keeps all
    * returns shape `[batch_size, n_tokens]`
    """
    check_counts(top_k=top_k)
    # Tokens that are exactly as good as the last one stay, so there may be more than $k$.
    last = logits.topk(min(top_k, logits.shape[-1]), dim=-1).values[:, -1:]
    return logits.masked_fill(logits < last, -math.inf)


def keep_top_p(logits: torch.Tensor, *, top_p: float) -> torch.Tensor:
    r"""
    ## Top-p, the nucleus

    * `logits` has shape `[batch_size, n_tokens]`
    * `top_p` is $p$, above 0 and at most 1; 1 keeps all
    * returns shape `[batch_size, n_tokens]`
    """
    if not 0 < top_p <= 1:
        raise ValueError(f"top_p is {top_p}, but it is a share: give a number above 0 and up to 1")
    if top_p == 1:
        return logits
    # From the worst token to the best. Of equal ones the first in the vocabulary counts as better,
    # as in greedy decoding.
    order = logits.argsort(dim=-1, descending=True, stable=True).flip(-1)
    # The definition the other way round: of the worst, as many go as have $1 - p$ together. Adding
    # the small numbers first loses less of them.
    is_out = logits.gather(-1, order).softmax(dim=-1).cumsum(dim=-1) <= 1 - top_p
    # The best token stays, however the sum is rounded.
    is_out[:, -1] = False
    return logits.masked_fill(is_out.scatter(-1, order, is_out), -math.inf)


class Sampler:
    """
    ## Sampler

    The three steps and the draw, as what [decoding](decoding.html) chooses with. Its generators
    move on with each call, so a sampler is used once; two with the same seed write the same.
    """

    def __init__(
        self,
        generators: Sequence[torch.Generator],
        *,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float = 1.0,
    ):
        """
        * `generators` are those of the sequences, as [draws](draws.html) makes them from a seed
        * `temperature`, `top_k` and `top_p` are those of the functions above; without a `top_k` all
          tokens stay
        """
        # Numbers that are wrong are refused here, not with the first token.
        check_positive("temperature", temperature)
        check_counts(top_k=top_k)
        keep_top_p(torch.zeros(1, 1), top_p=top_p)

        self.generators = generators
        self.temperature = temperature
        self.top_k = top_k
        self.top_p = top_p

    def filtered(self, logits: torch.Tensor) -> torch.Tensor:
        r"""
        The logits that are drawn from.

        * `logits` has shape `[batch_size, n_tokens]`
        * returns shape `[batch_size, n_tokens]`
        """
        # Half precision has three digits, too few to add up a vocabulary.
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        logits = with_temperature(logits, temperature=self.temperature)
        if self.top_k is not None:
            logits = keep_top_k(logits, top_k=self.top_k)
        return keep_top_p(logits, top_p=self.top_p)

    def __call__(self, logits: torch.Tensor) -> torch.Tensor:
        r"""
        * `logits` has shape `[batch_size, n_tokens]`
        * returns shape `[batch_size]`
        """
        return draw(self.filtered(logits), self.generators)
