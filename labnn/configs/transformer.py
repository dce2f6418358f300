r"""
# Transformer Configs

The parts of a transformer by name. Each part is computed when it is first read, so a model that has
no decoder builds none, and each can be exchanged alone:

```sh
python -m experiments.mlm transformer.encoder=post_norm transformer.ffn.is_gated=true
```

Attention and [feed-forward networks](feed_forward.html) are given as functions that make a new one:
the [encoder](../transformers/encoder.html) calls them once a layer, and every layer draws weights
of its own.
"""

from collections.abc import Callable
from typing import Literal

from labml.configs import option
from torch import nn

from labnn.configs.base import StrictConfigs
from labnn.configs.feed_forward import FeedForwardConfigs
from labnn.configs.types import ConfigError, PositiveInt, Probability
from labnn.layers.layer_norm import LayerNorm
from labnn.transformers.alibi import AlibiPositions
from labnn.transformers.embeddings import Embeddings
from labnn.transformers.encoder import Encoder, TransformerLayer
from labnn.transformers.generator import Generator
from labnn.transformers.mha import MultiHeadAttention
from labnn.transformers.positional_encoding import (
    LearnedPositionalEncoding,
    SinusoidalPositionalEncoding,
)
from labnn.transformers.rotary import RotaryPositions

# Positions that are added to the vectors of tokens; the others are part of attention
ADDED = {"sinusoidal": SinusoidalPositionalEncoding, "learned": LearnedPositionalEncoding}


class TransformerConfigs(StrictConfigs):
    """
    ## TransformerConfigs

    An encoder, with what stands before and after it
    """

    # The options of `self_attn` that read `positions`
    _with_positions = ("multi_head",)

    # Number of features of a token vector
    d_model: PositiveInt = 512
    # Number of attention heads, which share the features among them
    n_heads: PositiveInt = 8
    # Number of layers
    n_layers: PositiveInt = 6
    # Share of features that is dropped in training; other parts follow unless they are told
    dropout_prob: Probability = 0.1
    # Share of attention weights that is dropped in training
    attn_dropout_prob: Probability = "as_dropout_prob"
    # Share of the features of embeddings that is dropped in training
    embed_dropout_prob: Probability = 0.0
    # Whether the sum of token and position is normalized
    is_embed_norm: bool = False
    # How the model knows where a token stands
    positions: Literal["sinusoidal", "learned", "rotary", "alibi"] = "sinusoidal"
    # The longest sequence that sinusoidal and learned positions are known for
    max_len: PositiveInt = 5000
    # Number of tokens that can be read
    n_src_vocab: PositiveInt
    # Number of tokens that can be predicted
    n_tgt_vocab: PositiveInt

    # Makes the feed-forward network of one layer
    ffn: Callable[[], nn.Module] = "feed_forward"
    # Makes the attention of one layer
    self_attn: Callable[[], nn.Module] = "multi_head"
    # The stack of layers
    encoder: nn.Module = "pre_norm"
    # Ids to vectors; sinusoidal and learned are also names of their positions
    src_embed: nn.Module = "as_positions"
    # Vectors to logits
    generator: nn.Module = "linear"

    def _set_values(self, values: dict):
        """Who names the positions by `src_embed` alone need not name them twice."""
        super()._set_values(values)
        named = self.embedded_positions()
        if named and not self._is_computed("positions"):
            self.set_default(TransformerConfigs.positions, named)

    def __setattr__(self, key: str, value: object):
        """The same for an assignment"""
        super().__setattr__(key, value)
        if key == "src_embed":
            self._set_values({})

    def embedded_positions(self) -> str | None:
        """The positions that `src_embed` names, if it does"""
        chosen = self._chosen("src_embed")
        return chosen if chosen in ADDED else None

    def check(self):
        """Heads share the features evenly, and all parts have the same features and positions."""
        super().check()
        if self.d_model % self.n_heads:
            raise ConfigError(
                f"{self._path('n_heads')} is {self.n_heads}, which does not divide "
                f"{self._path('d_model')}, {self.d_model}; choose a divisor"
            )
        if self.positions == "rotary" and self.d_model // self.n_heads % 2:
            raise ConfigError(
                f"{self._path('d_model')} is {self.d_model} and {self._path('n_heads')} is "
                f"{self.n_heads}, an odd number of features a head, and rotary positions turn "
                "pairs; choose an even one"
            )
        if self.embedded_positions() not in (None, self.positions):
            raise ConfigError(
                f"{self._path('positions')} is {self.positions} and {self._path('src_embed')} is "
                f"{self.embedded_positions()}; leave the second out"
            )
        # Others would be built without positions, and learn all the same.
        attention = self._chosen("self_attn")
        if self.positions not in ADDED and attention not in self._with_positions:
            raise ConfigError(
                f"{self._path('positions')} is {self.positions}, which is part of attention, and "
                f"{self._path('self_attn')} is {attention}; set {self._path('self_attn')}="
                f"{self._with_positions[0]}, or name yours in _with_positions if it reads them"
            )
        # Only somebody who sets it by name can give this part another width.
        ffn = self._nested("ffn")
        if isinstance(ffn, FeedForwardConfigs) and ffn.d_model != self.d_model:
            raise ConfigError(
                f"{ffn._path('d_model')} is {ffn.d_model} and {self._path('d_model')} is "
                f"{self.d_model}; leave the first out, it follows the second"
            )

    def check_vocabulary(self, n_tokens: int):
        """Raises `ConfigError` for a table that is too small for the ids of the text."""
        for name in ("n_src_vocab", "n_tgt_vocab"):
            if (size := getattr(self, name)) < n_tokens:
                raise ConfigError(
                    f"{self._path(name)} is {size}, and there are {n_tokens} tokens; leave it out"
                )


@option(TransformerConfigs.ffn, "feed_forward")
def _ffn(c: TransformerConfigs) -> FeedForwardConfigs:
    """The options under `ffn`"""
    conf = FeedForwardConfigs()
    # Both follow the transformer until they are set themselves.
    conf.set_default(FeedForwardConfigs.d_model, func=lambda: c.d_model)
    conf.set_default(FeedForwardConfigs.dropout_prob, func=lambda: c.dropout_prob)
    return conf


@option(TransformerConfigs.attn_dropout_prob)
def as_dropout_prob(c: TransformerConfigs) -> float:
    """The same as of features"""
    return c.dropout_prob


@option(TransformerConfigs.self_attn)
def multi_head(c: TransformerConfigs) -> Callable[[], nn.Module]:
    """[Multi-head attention](../transformers/mha.html)"""
    # They have no weights, and all layers share what they have computed.
    positions = None
    if c.positions == "rotary":
        positions = RotaryPositions(c.d_model // c.n_heads)
    elif c.positions == "alibi":
        positions = AlibiPositions(c.n_heads)
    return lambda: MultiHeadAttention(
        c.d_model, n_heads=c.n_heads, dropout_prob=c.attn_dropout_prob, positions=positions
    )


def _encoder(c: TransformerConfigs, is_pre_norm: bool) -> Encoder:
    """The encoder with the normalization before or after each part"""

    def make_layer() -> TransformerLayer:
        """One layer, with weights of its own"""
        return TransformerLayer(
            c.d_model,
            self_attn=c.self_attn(),
            feed_forward=c.ffn(),
            dropout_prob=c.dropout_prob,
            is_pre_norm=is_pre_norm,
        )

    # With normalization before each part nothing normalizes their sum, so the end needs one more.
    norm = LayerNorm(c.d_model) if is_pre_norm else None
    return Encoder(make_layer, n_layers=c.n_layers, norm=norm)


@option(TransformerConfigs.encoder)
def pre_norm(c: TransformerConfigs) -> nn.Module:
    """Normalization before attention and feed-forward network, and at the end"""
    return _encoder(c, is_pre_norm=True)


@option(TransformerConfigs.encoder)
def post_norm(c: TransformerConfigs) -> nn.Module:
    """Normalization after each sum, as in the first transformer"""
    return _encoder(c, is_pre_norm=False)


def _embeddings(c: TransformerConfigs, positions: str) -> Embeddings:
    """Token vectors and one kind of positions, if they are added here"""
    added = ADDED[positions](c.d_model, max_len=c.max_len) if positions in ADDED else None
    return Embeddings(
        c.d_model,
        n_tokens=c.n_src_vocab,
        positional_encoding=added,
        norm=LayerNorm(c.d_model) if c.is_embed_norm else None,
        dropout_prob=c.embed_dropout_prob,
    )


@option(TransformerConfigs.src_embed)
def as_positions(c: TransformerConfigs) -> nn.Module:
    """Token vectors, and what `positions` adds to them"""
    return _embeddings(c, c.positions)


@option(TransformerConfigs.src_embed)
def sinusoidal(c: TransformerConfigs) -> nn.Module:
    """Token vectors and fixed waves for the positions"""
    return _embeddings(c, "sinusoidal")


@option(TransformerConfigs.src_embed)
def learned(c: TransformerConfigs) -> nn.Module:
    """Token vectors and learned vectors for the positions"""
    return _embeddings(c, "learned")


@option(TransformerConfigs.generator)
def linear(c: TransformerConfigs) -> nn.Module:
    """[A projection to logits](../transformers/generator.html)"""
    return Generator(c.d_model, c.n_tgt_vocab)


@option(TransformerConfigs.generator)
def tied(c: TransformerConfigs) -> nn.Module:
    """The same projection, whose matrix is the table of the embeddings"""
    embeddings = c.src_embed
    if not isinstance(embeddings, Embeddings):
        raise ConfigError(
            f"{c._path('generator')} is tied, and {c._path('src_embed')} is a "
            f"{type(embeddings).__name__} without a table to share; set "
            f"{c._path('generator')}=linear"
        )
    if c.n_src_vocab != c.n_tgt_vocab:
        raise ConfigError(
            f"{c._path('n_src_vocab')} is {c.n_src_vocab} and {c._path('n_tgt_vocab')} is "
            f"{c.n_tgt_vocab}, and a tied generator has the table of both; leave them out"
        )
    return Generator(c.d_model, c.n_tgt_vocab, weight=embeddings.token_embed.weight)
