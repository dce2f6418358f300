r"""
# Models

Complete networks, from token ids `[seq_len, batch_size]` to logits. A model's `forward` returns
`(logits, state)`, where the state is `None` unless the model carries something from one call to the
next.

* [Transformer for masked language modelling](transformer_mlm.html) predicts the tokens that were
  hidden in a text, from both sides.
"""

from labnn.models.transformer_mlm import TransformerMLM as TransformerMLM
