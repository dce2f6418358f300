r"""
# Transformer Encoder

An encoder turns a sequence of vectors into as many vectors, each of which knows about the others.
It is a stack of layers, and a layer is two steps that each *add* something to the stream of vectors
that runs through the whole stack. For a step $f$, attention or the feed-forward network,

$$\begin{aligned}
\text{pre-norm:} \quad & x + \operatorname{drop}(f(\operatorname{LN}(x))) \\
\text{post-norm:} \quad & \operatorname{LN}(x + \operatorname{drop}(f(x)))
\end{aligned}$$

| symbol | code | meaning |
|---|---|---|
| $x$ | `x` | the stream, one vector per token |
| $f$ | `self_attn`, `feed_forward` | the two steps of a layer |
| $\operatorname{LN}$ | `norm_attn`, `norm_feed_forward` | layer normalization |
| $\operatorname{drop}$ | `dropout` | dropout |

[Attention Is All You Need](https://arxiv.org/abs/1706.03762) normalizes after the addition.
[On Layer Normalization in the Transformer Architecture](https://arxiv.org/abs/2002.04745) shows
that the gradients near the output are then large at the start, which is what a warm-up helps
against, and that they are well-behaved with the normalization inside. There the stream itself is
never squeezed, so the gradient has a straight way back; in exchange it grows with depth and wants
one normalization at the end.

The steps are [multi-head attention](mha.html) and a [feed-forward network](feed_forward.html);
between them stand [layer normalization](../layers/layer_norm.html) and
[dropout](../layers/dropout.html). For a text that grows token by token the layers have a
[cache](kv_cache.html).
"""

from collections.abc import Callable

import torch
from torch import nn

from labnn.layers.dropout import Dropout
from labnn.layers.layer_norm import LayerNorm
from labnn.transformers.chosen import Chosen, run_at, takes_positions
from labnn.transformers.compiled import as_written
from labnn.transformers.kv_cache import KeyValueCache, LayerCache


class TransformerLayer(nn.Module):
    r"""
    ## TransformerLayer

    The first step lets positions exchange information, the second one works on each by itself.
    Without positions in its input a layer treats a sequence as a set: permuted tokens give permuted
    results.
    """

    def __init__(
        self,
        d_model: int,
        *,
        self_attn: nn.Module,
        feed_forward: nn.Module,
        dropout_prob: float = 0.1,
        is_pre_norm: bool = True,
    ):
        r"""
        * `d_model` is the number of features of a token vector
        * `self_attn` is called with `query`, `key`, `value` and `mask`. One that has `positions` is
          told the `places` of chosen queries, and one for a text that grows takes a `cache`
        * `feed_forward` is called with the stream
        * `dropout_prob` is the probability that a number which is to be added is dropped
        * `is_pre_norm` tells whether each step normalizes its input or the sum
        """
        super().__init__()

        self.d_model = d_model
        self.is_pre_norm = is_pre_norm
        self.self_attn = self_attn
        self.feed_forward = feed_forward
        self.norm_attn = LayerNorm(d_model)
        self.norm_feed_forward = LayerNorm(d_model)
        self.dropout = Dropout(dropout_prob)

    def attend(
        self, query: torch.Tensor, x: torch.Tensor, mask: torch.Tensor | None, **others
    ) -> torch.Tensor:
        """
        In self-attention the same vectors ask, offer and answer, or some of them ask. `others` are
        told to attention as they are.
        """
        return self.dropout(self.self_attn(query=query, key=x, value=x, mask=mask, **others))

    def forward(
        self,
        x: torch.Tensor,
        mask: torch.Tensor | None = None,
        positions: torch.Tensor | None = None,
        *,
        cache: LayerCache | None = None,
    ) -> torch.Tensor:
        r"""
        * `x` has shape `[seq_len, batch_size, d_model]`
        * `mask[i, j, b]` is true where position `i` may attend to position `j`
        * `positions` are the [positions](chosen.html) to compute, in a list; `None` is all of them
        * `cache` is what this layer [keeps](kv_cache.html) of the text before `x`; it gets those of
          `x` as well. It is for all positions of `x`

        Returns the stream after the layer: in the shape of `x`, or one row for each of `positions`.
        """
        # Pre-norm normalizes what attention reads, and not the stream.
        read = self.norm_attn(x) if self.is_pre_norm else x

        if cache is not None:
            if positions is not None:
                raise ValueError(
                    "a layer with a cache computes all of its positions: choose among them behind "
                    "the last layer"
                )
            x = x + self.attend(read, read, mask, cache=cache)
        elif positions is None:
            x = x + self.attend(read, read, mask)
        else:
            # Chosen positions ask, and all positions answer.
            chosen = Chosen(positions, seq_len=len(x), batch_size=x.shape[1])
            # Row $i$ of the grid is not at position $i$, which matters to some.
            is_placed = getattr(self.self_attn, "positions", None) is not None
            places = {"places": chosen.grid} if is_placed else {}
            answer = self.attend(chosen.spread(read), read, chosen.spread_mask(mask), **places)
            x = chosen.collect(chosen.spread(x) + answer)

        # Pre-norm: the stream is only added to, and the additions are the gradient's way back.
        if self.is_pre_norm:
            return x + self.dropout(self.feed_forward(self.norm_feed_forward(x)))

        # Post-norm: each sum is brought back to one size before the next step sees it.
        x = self.norm_attn(x)
        return self.norm_feed_forward(x + self.dropout(self.feed_forward(x)))


class Encoder(nn.Module):
    r"""
    ## Encoder

    The layers come from a function that builds one at each call. Copies of one layer would start
    with equal weights, and each would have to find a task of its own from the same place.
    """

    def __init__(
        self, make_layer: Callable[[], nn.Module], *, n_layers: int, norm: nn.Module | None = None
    ):
        r"""
        * `make_layer` builds a new layer, for instance `lambda: TransformerLayer(...)`
        * `n_layers` is the number of layers
        * `norm` is applied at the end; pre-norm layers need a `LayerNorm`, `None` does nothing
        """
        super().__init__()

        if isinstance(make_layer, nn.Module):
            raise ValueError(
                f"make_layer is a {type(make_layer).__name__}, but it must build one at each call: "
                "give a function such as `lambda: TransformerLayer(...)`"
            )
        if n_layers < 1:
            raise ValueError(f"n_layers is {n_layers}, but an encoder needs at least one layer")

        self.n_layers = n_layers
        self.layers = nn.ModuleList(make_layer() for _ in range(n_layers))
        self.norm = nn.Identity() if norm is None else norm

        # A part that was built outside of `make_layer` ends up in every layer: what looks like
        # several layers would be trained as one.
        owned = [id(part) for layer in self.layers for part in (layer, *layer.parameters())]
        if len(set(owned)) < len(owned):
            raise ValueError(
                "make_layer gave layers that share weights: it must build a new layer, with all of "
                "its parts, at each call"
            )

    def compile(self, *args, **options) -> None:
        """
        [Compile](compiled.html) each layer by itself. The arguments are those of `torch.compile`.
        """
        for layer in self.layers:
            layer.compile(*args, **options)

    def forward(
        self,
        x: torch.Tensor,
        mask: torch.Tensor | None = None,
        positions: torch.Tensor | None = None,
        *,
        cache: KeyValueCache | None = None,
    ) -> torch.Tensor:
        r"""
        * `x` has shape `[seq_len, batch_size, d_model]`
        * `mask[i, j, b]` is true where position `i` may attend to position `j`; all layers use it
        * `positions` are the [positions](chosen.html) to return, in a list; `None` returns all
        * `cache` is what the layers [keep](kv_cache.html) of the text before `x`, and get of `x`

        Returns features in the shape of `x`, or one row for each of `positions`.
        """
        if cache is not None:
            for layer, kept in zip(self.layers, cache.of_layers(self.n_layers), strict=True):
                x = as_written(layer)(x, mask, cache=kept)
            return self.norm(x if positions is None else x.flatten(0, 1)[positions])

        # A layer gives what the next one takes, so any number of them fits. All positions are read
        # by those of the next layer, and only behind the last one some may not be needed.
        *before, last = self.layers
        for layer in before:
            x = layer(x, mask=mask)
        if positions is not None and takes_positions(last):
            # Their number changes from batch to batch.
            return self.norm(as_written(last)(x, mask, positions=positions))
        return self.norm(run_at(last, x, mask, positions))
