r"""
# Layers

Small parts that every block uses.

* [Layer normalization](layer_norm.html) gives each token vector mean zero and spread one, even
  where the mean is a million times the spread.
* [Dropout](dropout.html) switches random numbers off while training, at a fraction of the usual
  cost on a processor.
"""

from labnn.layers.dropout import Dropout as Dropout
from labnn.layers.layer_norm import LayerNorm as LayerNorm
