r"""
# Losses

How far the predictions of a model are from the text, as sums and counts that can be added.

* [Cross-entropy](cross_entropy.html) is how surprised a model is by the tokens that came.
* [Label smoothing](label_smoothing.html) keeps a model in training from being too sure of itself.
* [Perplexity](perplexity.html) turns the sum into numbers that can be compared.
"""

from labnn.losses.cross_entropy import cross_entropy as cross_entropy
from labnn.losses.cross_entropy import token_losses as token_losses
from labnn.losses.label_smoothing import smoothed_cross_entropy as smoothed_cross_entropy
from labnn.losses.perplexity import bits as bits
from labnn.losses.perplexity import per_word as per_word
from labnn.losses.perplexity import perplexity as perplexity
