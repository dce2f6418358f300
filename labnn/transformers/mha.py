r"""
# Multi-Head Attention

A position needs to collect information from other positions without knowing beforehand where it
stands. In [Attention Is All You Need](https://arxiv.org/abs/1706.03762), section 3.2, each position
asks with a *query* vector, each position offers a *key*, and the answer is an average of *value*
vectors, weighted by how well the keys fit the query,

$$\operatorname{Attention}(Q, K, V)_i = \sum_j
  \operatorname*{softmax}_j \left( \frac{Q_i \cdot K_j}{\sqrt{d_k}} \right) V_j$$

| symbol | code | meaning |
|---|---|---|
| $Q$, $K$, $V$ | `query`, `key`, `value` | three linear projections of the features |
| $i$, $j$ | `i`, `j` in einsum | position of a query, position of a key |
| $d_k$ | `self.d_k` | features in one head, $d_{\text{model}} / n_{\text{heads}}$ |

One average blends everything into one answer, so the features are cut into `n_heads` heads, each of
which attends by itself. If the components of $Q_i$ and $K_j$ are independent with variance one,
their product has variance $d_k$; the root brings it back to one, where the softmax still has a
gradient.

**Departure.** A query that may attend to nothing (all keys are padding) has no weights that sum to
one: $0 / 0$. Its answer is defined as zero here.

The [masks](masks.html) say which keys a query may attend to. [Rotary positions](rotary.html) and
[ALiBi](alibi.html) tell the scores how far a key is, and a [cache](kv_cache.html) keeps the keys
and values of a text that grows.
"""

import math

import torch
from einops import rearrange
from torch import nn

from labnn.layers.dropout import Dropout
from labnn.transformers.kv_cache import LayerCache
from labnn.transformers.masks import check_mask


def mask_to_bias(mask: torch.Tensor, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    r"""
    ## From a mask to what is added to the scores

    The bias is 0 where attention is allowed and $-\infty$ where it is not, since
    $e^{-\infty} = 0$. An addition costs nothing on the way back. Returns the bias, with its axes in
    the order of the scores, and which queries have at least one key.

    * `mask` has shape `[seq_len_q, seq_len_k, batch_size]`, any of which may be one
    * `bias` has shape `[batch_size, 1, seq_len_q, seq_len_k]`
    * `has_key` has shape `[seq_len_q, 1, batch_size]`
    """
    has_key = mask.any(dim=1, keepdim=True)
    # A row of nothing but $-\infty$ would make the softmax and its gradient NaN. Such a row is left
    # open here, and its outcome is erased after the average.
    is_hidden = has_key & ~mask
    bias = torch.zeros(is_hidden.shape, dtype=dtype, device=mask.device)
    bias = rearrange(bias.masked_fill(is_hidden, -math.inf), "i j b -> b 1 i j")
    return bias, has_key


def rounded(x: torch.Tensor) -> torch.Tensor:
    r"""
    ## Features in the precision of the products

    Under autocast each projection would round its input by itself, and convert its gradient by
    itself, three times the same in self-attention. Rounded before, that is done once. Together with
    [chosen positions](chosen.html) it spares 12 % of a step of the main experiment in `bfloat16`.
    Without autocast this returns `x`.
    """
    device = x.device.type
    if not torch.is_autocast_enabled(device) or x.dtype == torch.float64:
        return x
    return x.to(torch.get_autocast_dtype(device))


class MultiHeadAttention(nn.Module):
    r"""
    ## MultiHeadAttention

    Attention has no sense of order: when keys and values are permuted together, the result stays
    the same. Order comes from the [positional encoding](positional_encoding.html), from a mask, or
    from positions that attention itself is given.
    """

    def __init__(
        self,
        d_model: int,
        *,
        n_heads: int,
        dropout_prob: float = 0.1,
        has_bias: bool = True,
        positions: nn.Module | None = None,
    ):
        r"""
        * `d_model` is the number of features of a token vector
        * `n_heads` is the number of heads, a divisor of `d_model`
        * `dropout_prob` is the probability that an attention weight is dropped
        * `has_bias` tells whether the four projections have an offset
        * `positions` turns queries and keys and adds to scores, by their places, as
          [rotary positions](rotary.html) and [ALiBi](alibi.html) do; layers may share one. `None`
          does nothing
        """
        super().__init__()

        if n_heads < 1 or d_model % n_heads != 0:
            raise ValueError(
                f"d_model={d_model} cannot be cut into n_heads={n_heads} equal heads: choose "
                "n_heads among the divisors of d_model"
            )
        self.d_model = d_model
        self.n_heads = n_heads
        self.d_k = d_model // n_heads

        self.to_query = nn.Linear(d_model, d_model, bias=has_bias)
        self.to_key = nn.Linear(d_model, d_model, bias=has_bias)
        self.to_value = nn.Linear(d_model, d_model, bias=has_bias)
        self.to_output = nn.Linear(d_model, d_model, bias=has_bias)
        self.dropout = Dropout(dropout_prob)
        self.positions = positions

    def split_heads(self, x: torch.Tensor) -> torch.Tensor:
        r"""
        Head after head lies in the features of a position, so a cut is all that it takes.

        * `x` has shape `[seq_len, batch_size, d_model]`
        * returns shape `[seq_len, batch_size, n_heads, d_k]`
        """
        return rearrange(x, "i b (h d) -> i b h d", h=self.n_heads)

    def project(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        r"""
        $Q$, $K$ and $V$, cut into heads. Queries are divided by $\sqrt{d_k}$ here.

        * `query` has shape `[seq_len_q, batch_size, d_model]`
        * `key` has shape `[seq_len_k, batch_size, d_model]`
        * `value` has shape `[seq_len_k, batch_size, d_model]`
        """
        # What is given twice is rounded once.
        narrow = rounded(query)
        narrow_key = narrow if key is query else rounded(key)
        value = narrow_key if value is key else rounded(value)
        query, key = narrow, narrow_key

        # There are fewer queries than scores, so it is the queries that we divide; in half
        # precision it also keeps the products in range.
        query = self.to_query(query) * (1 / math.sqrt(self.d_k))
        return (
            self.split_heads(query),
            self.split_heads(self.to_key(key)),
            self.split_heads(self.to_value(value)),
        )

    def turned(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        places: torch.Tensor | None,
        cache: LayerCache | None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        r"""
        Queries and keys at their places. Keys are kept as they are then, so each is turned once.

        * `query` has shape `[seq_len_q, batch_size, n_heads, d_k]`
        * `key` has shape `[seq_len_k, batch_size, n_heads, d_k]`
        * `places` and `cache` are those of `forward`
        """
        # Chosen queries read all keys. With a cache the new keys stand where the queries do.
        key_places = None if cache is None else places
        return self.positions.turn(query, places), self.positions.turn(key, key_places)

    def forward(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        mask: torch.Tensor | None = None,
        *,
        places: torch.Tensor | None = None,
        cache: LayerCache | None = None,
    ) -> torch.Tensor:
        r"""
        * `query` has shape `[seq_len_q, batch_size, d_model]`
        * `key` has shape `[seq_len_k, batch_size, d_model]`
        * `value` has shape `[seq_len_k, batch_size, d_model]`
        * `mask[i, j, b]` is true where query `i` may attend to key `j`; `None` allows everything.
          Axes of size one are broadcast
        * `places` are the positions of the queries, `[seq_len_q, batch_size]`; `None` is 0, 1, ...
        * `cache` has keys and values from before, and gets these; the mask is then about all keys
        * returns shape `[seq_len_q, batch_size, d_model]`
        """
        seq_len_q, batch_size, _ = query.shape
        if mask is not None:
            n_keys = len(key) if cache is None else cache.text.length
            check_mask(mask, seq_len_q, n_keys, batch_size)

        # In a text that grows these are queries, keys and values of its new part.
        query, key, value = self.project(query, key, value)
        key_places = None
        if cache is not None:
            places, key_places = cache.text.places, cache.text.key_places
        if self.positions is not None:
            query, key = self.turned(query, key, places, cache)
        if cache is not None:
            key, value = cache.extend(key, value)

        # $Q_i \cdot K_j / \sqrt{d_k}$ for all pairs. With the sequence first, batch and head
        # are neighbours in memory, so this is one batched matrix product without a copy.
        #
        # `scores` has shape `[batch_size, n_heads, seq_len_q, n_keys]`
        scores = torch.einsum("i b h d, j b h d -> b h i j", query, key)
        if self.positions is not None:
            scores = self.positions.add_to(scores, places, key_places)
        if mask is not None:
            bias, has_key = mask_to_bias(mask, scores.dtype)
            scores = scores + bias

        # The weights of one query sum to one, before some of them are dropped and the others scaled
        # up. The keys are the last axis, which is the one that a softmax walks along fastest.
        #
        # `attn` has shape `[batch_size, n_heads, seq_len_q, n_keys]`
        attn = self.dropout(scores.softmax(dim=-1))

        # The sum over $j$ of weight times $V_j$. Queries that had no key get zeros.
        #
        # `context` has shape `[seq_len_q, batch_size, n_heads, d_k]`
        context = torch.einsum("b h i j, j b h d -> i b h d", attn, value)
        if mask is not None:
            context = context.masked_fill(~rearrange(has_key, "i 1 b -> i b 1 1"), 0.0)

        # The heads are joined, and mixed by the last projection.
        return self.to_output(rearrange(context, "i b h d -> i b (h d)"))
