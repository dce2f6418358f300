r"""
# Transformers

Blocks of the transformer family, each by itself.

Tensors are sequence-first: `[seq_len, batch_size]` for ids, `[seq_len, batch_size, d_model]` for
features. In reading order:

* [Masks](masks.html) say which query may attend to which key.
* [Multi-head attention](mha.html) moves information between positions.
* [Feed-forward network](feed_forward.html) works on each position by itself.
* [Positional encodings](positional_encoding.html) tell positions apart.
* [Rotary positions](rotary.html) turn queries and keys by their positions instead.
* [ALiBi](alibi.html) lowers the scores of what is far off.
* [Embeddings](embeddings.html) turn ids into features.
* [Encoder](encoder.html) stacks layers of attention and feed-forward networks.
* [Chosen positions](chosen.html) spare the last layer what nobody reads.
* [Cache of keys and values](kv_cache.html) spares a text that grows being read again.
* [Fused encoder](fused_encoder.html) does that in as few steps as it takes.
* [Compiled layers](compiled.html) walk through memory less often.
* [Generator](generator.html) turns features into logits.
* [Masked language modelling](mlm.html) hides tokens for a model to predict.
"""

from labnn.transformers.alibi import AlibiPositions as AlibiPositions
from labnn.transformers.embeddings import Embeddings as Embeddings
from labnn.transformers.encoder import Encoder as Encoder
from labnn.transformers.encoder import TransformerLayer as TransformerLayer
from labnn.transformers.feed_forward import FeedForward as FeedForward
from labnn.transformers.fused_encoder import FusedEncoder as FusedEncoder
from labnn.transformers.fused_encoder import can_fuse as can_fuse
from labnn.transformers.generator import Generator as Generator
from labnn.transformers.kv_cache import KeyValueCache as KeyValueCache
from labnn.transformers.kv_cache import cached_step as cached_step
from labnn.transformers.masks import causal_mask as causal_mask
from labnn.transformers.masks import combine_masks as combine_masks
from labnn.transformers.masks import padding_mask as padding_mask
from labnn.transformers.mha import MultiHeadAttention as MultiHeadAttention
from labnn.transformers.mlm import MLM as MLM
from labnn.transformers.positional_encoding import (
    LearnedPositionalEncoding as LearnedPositionalEncoding,
)
from labnn.transformers.positional_encoding import (
    SinusoidalPositionalEncoding as SinusoidalPositionalEncoding,
)
from labnn.transformers.rotary import RotaryPositions as RotaryPositions
