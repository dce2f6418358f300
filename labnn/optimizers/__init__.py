r"""
# Optimizers

From gradients to updates of the weights.

* [Adam and AdamW](adam.html) say how far a weight moves, and what weight decay does to it.
* [Noam](noam.html) adds the schedule of the transformer to that, a learning rate that warms up and
  then falls.
"""

from labnn.optimizers.adam import Adam as Adam
from labnn.optimizers.adam import AdamW as AdamW
from labnn.optimizers.noam import Noam as Noam
