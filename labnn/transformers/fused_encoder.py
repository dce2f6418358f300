r"""
# Fused Encoder

A text is written token by token, and for a single token the products of a small model take less
time than calling them. This is the [encoder](encoder.html) with as few calls as it takes: the same
layers, the same weights, no gradient. In place of three products there is one,

$$\begin{aligned}
(q, k, v) &= x \, (W_Q, W_K, W_V) + (b_Q, b_K, b_V) \\
y &= x + \operatorname{Attention}\big(q, \; (K, k), \; (V, v)\big) \, W_O + b_O
\end{aligned}$$

| symbol | code | meaning |
|---|---|---|
| $W_Q$, $W_K$, $W_V$ | `to_heads` | the projections of attention, side by side |
| $W_O$ | `to_output` | the projection of what attention has read |
| $K$, $V$ | `cache` | [keys and values](kv_cache.html) of the text so far |

Attention itself is the operation that torch has for it. A matrix lies in memory with the features
of the result along its rows, which is faster for a few rows of $x$ than the other way round.

**Departure.** [Layer normalization](../layers/layer_norm.html) is torch's alone. It does not look
whether a mean is far from zero, where a few bits more are lost.

The weights are copies, so what is trained later is not in them, and they take as much memory again
as those of the encoder. The plain layers are what this is tested against.
"""

import torch
from torch import nn
from torch.nn import functional as F

from labnn.layers.layer_norm import LayerNorm
from labnn.transformers.alibi import AlibiPositions
from labnn.transformers.encoder import Encoder, TransformerLayer
from labnn.transformers.feed_forward import FeedForward
from labnn.transformers.kv_cache import KeyValueCache, LayerCache
from labnn.transformers.mha import MultiHeadAttention
from labnn.transformers.rotary import RotaryPositions


class Product:
    """
    ## Product

    A linear projection, or several of the same features side by side
    """

    def __init__(self, *linears: nn.Linear):
        """
        * `linears` are modules with as many features to read; all of them have offsets, or none
        """
        weights = torch.cat([linear.weight.detach() for linear in linears])
        self.weight = weights.t().contiguous()
        biases = [linear.bias for linear in linears]
        self.bias = None if biases[0] is None else torch.cat(biases).detach()

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        r"""
        * `x` has shape `[n, n_features]`
        """
        return x @ self.weight if self.bias is None else torch.addmm(self.bias, x, self.weight)


class FusedLayer:
    """
    ## FusedLayer

    One layer
    """

    def __init__(self, layer: TransformerLayer):
        """
        * `layer` is a layer of our own parts
        """
        attn, ffn = layer.self_attn, layer.feed_forward
        self.is_pre_norm = layer.is_pre_norm
        self.n_heads, self.positions = attn.n_heads, attn.positions
        self.to_heads = Product(attn.to_query, attn.to_key, attn.to_value)
        self.to_output = Product(attn.to_output)
        self.expand, self.contract = Product(ffn.expand), Product(ffn.contract)
        self.expand_linear = None if ffn.expand_linear is None else Product(ffn.expand_linear)
        self.activation = ffn.activation
        self.norms = [
            ((norm.d_model,), norm.gain.detach(), norm.bias.detach(), norm.eps)
            for norm in (layer.norm_attn, layer.norm_feed_forward)
        ]

    def attend(
        self, x: torch.Tensor, mask: torch.Tensor | None, cache: LayerCache, batch_size: int
    ) -> torch.Tensor:
        r"""
        What a position reads, of all there is so far.

        * `x` has shape `[n, d_model]`
        * `mask` is what torch's operation adds to scores, or true where they count
        """
        d_k = x.shape[-1] // self.n_heads
        heads = self.to_heads(x).view(-1, batch_size, 3 * self.n_heads, d_k)
        query, key, value = heads.chunk(3, dim=2)
        if self.positions is not None:
            # Queries and keys of a place turn by the same angles.
            query_and_key = heads[:, :, : 2 * self.n_heads]
            query, key = self.positions.turn(query_and_key, cache.text.places).chunk(2, dim=2)
        key, value = cache.extend(key, value)
        # The operation wants the sequence behind the heads. That is another view, and no copy.
        query, key, value = (part.permute(1, 2, 0, 3) for part in (query, key, value))
        context = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        return self.to_output(context.permute(2, 0, 1, 3).reshape(x.shape))

    def feed(self, x: torch.Tensor) -> torch.Tensor:
        r"""
        The feed-forward network.

        * `x` has shape `[n, d_model]`
        """
        hidden = self.activation(self.expand(x))
        if self.expand_linear is not None:
            hidden = hidden * self.expand_linear(x)
        return self.contract(hidden)

    def __call__(
        self, x: torch.Tensor, mask: torch.Tensor | None, cache: LayerCache, batch_size: int
    ) -> torch.Tensor:
        r"""
        The stream after the layer.

        * `x` has shape `[n, d_model]`
        """
        norm_attn, norm_feed_forward = self.norms
        if self.is_pre_norm:
            x = x + self.attend(F.layer_norm(x, *norm_attn), mask, cache, batch_size)
            return x + self.feed(F.layer_norm(x, *norm_feed_forward))
        x = F.layer_norm(x + self.attend(x, mask, cache, batch_size), *norm_attn)
        return F.layer_norm(x + self.feed(x), *norm_feed_forward)


def can_fuse(encoder: nn.Module) -> bool:
    """
    ## Whether an encoder is made of our own parts

    Of others, and of classes derived from ours, nobody knows here what they do.
    """
    return type(encoder) is Encoder and all(
        type(layer) is TransformerLayer
        and type(layer.self_attn) is MultiHeadAttention
        and type(layer.self_attn.positions) in (RotaryPositions, AlibiPositions, type(None))
        and type(layer.feed_forward) is FeedForward
        and {type(layer.norm_attn), type(layer.norm_feed_forward)} == {LayerNorm}
        for layer in encoder.layers
    )


class FusedEncoder(nn.Module):
    r"""
    ## FusedEncoder

    It is for generation alone, with a cache, in place of the encoder that it was made of.
    """

    def __init__(self, encoder: Encoder):
        r"""
        * `encoder` is of our own parts, as `can_fuse` tells
        """
        super().__init__()

        if not can_fuse(encoder):
            raise ValueError(
                f"encoder is a {type(encoder).__name__} with parts that are not of this package: "
                "use it as it is"
            )
        # These are no modules: a copy of weights is nothing to train or to store.
        self.fused = [FusedLayer(layer) for layer in encoder.layers]
        self.norm = encoder.norm

    def bias(
        self, positions: nn.Module | None, mask: torch.Tensor | None, cache: KeyValueCache
    ) -> torch.Tensor | None:
        r"""
        What is done to the scores before the softmax, in the axes that torch's operation has.

        * `mask` has shape `[seq_len_q, seq_len_k, batch_size]`, any of which may be one
        """
        if mask is not None:
            mask = mask.permute(2, 0, 1).unsqueeze(1)
        if not isinstance(positions, AlibiPositions):
            return mask
        bias = positions.bias_at(cache.places, cache.key_places)
        return bias if mask is None else bias.masked_fill(~mask, -torch.inf)

    def forward(
        self,
        x: torch.Tensor,
        mask: torch.Tensor | None = None,
        positions: torch.Tensor | None = None,
        *,
        cache: KeyValueCache,
    ) -> torch.Tensor:
        r"""
        * `x` has shape `[seq_len, batch_size, d_model]`
        * `mask[i, j, b]` is true where position `i` may attend to position `j`
        * `positions` are the [positions](chosen.html) to return, in a list; `None` returns all
        * `cache` is what the layers keep of the text before `x`, and get of `x`

        Returns features in the shape of `x`, or one row for each of `positions`.
        """
        stream, batch_size = x.flatten(0, 1), x.shape[1]
        told = {}
        for layer, kept in zip(self.fused, cache.of_layers(len(self.fused)), strict=True):
            # Layers that share their positions share this as well.
            if layer.positions not in told:
                bias = self.bias(layer.positions, mask, cache)
                is_number = bias is not None and bias.dtype != torch.bool
                told[layer.positions] = bias.to(layer.to_heads.weight.dtype) if is_number else bias
            stream = layer(stream, told[layer.positions], kept, batch_size)
        if positions is None:
            return self.norm(stream).view(x.shape)
        return self.norm(stream[positions])
