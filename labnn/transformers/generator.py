r"""
# Generator

The last features of a model are not yet a prediction. One linear projection gives each token of the
vocabulary a score, its *logit*; the softmax of the logits is the distribution that is predicted,

$$z = W h + b
\qquad
p(v \mid h) = \frac{e^{z_v}}{\sum_w e^{z_w}}$$

| symbol | code | meaning |
|---|---|---|
| $h$ | `x` | features of one position |
| $W$, $b$ | `self.projection` | weights and offsets of the projection |
| $z$ | the result | logits, one per token $v$ of the vocabulary |

The softmax is not taken here. A loss computes its logarithm more accurately from the logits, and
sampling wants to divide them by a temperature first.

The features come from the [encoder](encoder.html).
"""

import torch
from torch import nn


class Generator(nn.Module):
    r"""
    ## Generator

    Row $v$ of the weights is the direction in which the features must point for token $v$. Adding a
    constant to all logits of a position changes nothing in the distribution.
    """

    def __init__(self, d_model: int, n_tokens: int):
        r"""
        * `d_model` is the number of features of a token vector
        * `n_tokens` is the size of the vocabulary
        """
        super().__init__()

        # $W$ has a row for each token, in the order of the ids.
        #
        # `self.projection.weight` has shape `[n_tokens, d_model]`
        self.projection = nn.Linear(d_model, n_tokens)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        r"""
        `x` holds features along its last axis and may have any axes before it, such as the sequence
        and the batch, or a list of chosen positions. The result has logits in their place.
        """
        return self.projection(x)
