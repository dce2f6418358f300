r"""
# Models

Complete networks, from token ids to logits.

The ids have shape `[seq_len, batch_size]`. A model's `forward` returns `(logits, state)`, where the
state is `None` unless the model carries something from one call to the next.

* [Transformer model](transformer.html) puts the parts together, for any task.
* [Transformer for masked language modelling](transformer_mlm.html) predicts the tokens that were
  hidden in a text, from both sides.
* [Transformer language model](transformer_lm.html) predicts the next token from those before it.
"""

from labnn.models.transformer import TransformerModel as TransformerModel
from labnn.models.transformer_lm import TransformerLM as TransformerLM
from labnn.models.transformer_mlm import TransformerMLM as TransformerMLM
