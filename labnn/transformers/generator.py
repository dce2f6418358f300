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
| $W$, $b$ | `self.projection` | weights and offsets of the projection, one row per token |
| $z$ | the result | logits, one per token $v$ of the vocabulary |

The softmax is not taken here. A loss computes its logarithm more accurately from the logits, and
sampling wants to divide them by a temperature first.

**One table for both ends.** $W$ has a vector for each token, and so has the table $E$ of the
[embeddings](embeddings.html). [Using the Output Embedding to Improve Language
Models](https://arxiv.org/abs/1608.05859) recommends that both be one matrix. With a large
vocabulary the two are most of a model. A rare token, whose row of $E$ is seldom looked up, then
learns from every prediction that was not about it as well: the gradient is the sum of both uses.
The offsets $b$ stay separate.

Such a model starts worse than a guess. The features still resemble the row of the token that was
just read, and no row fits them as well as that one, so it predicts each token once more. The first
updates undo that.

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

    def __init__(self, d_model: int, n_tokens: int, *, weight: nn.Parameter | None = None):
        r"""
        * `d_model` is the number of features of a token vector
        * `n_tokens` is the size of the vocabulary
        * `weight` is a table to share as $W$, such as `token_embed.weight` of the embeddings;
          `None` makes one
        """
        super().__init__()

        # $W$ has a row for each token, in the order of the ids.
        #
        # `self.projection.weight` has shape `[n_tokens, d_model]`
        self.projection = nn.Linear(d_model, n_tokens)
        if weight is not None:
            shape = list(getattr(weight, "shape", []))
            if not isinstance(weight, nn.Parameter) or shape != [n_tokens, d_model]:
                raise ValueError(
                    f"weight is a {type(weight).__name__} of shape {shape}, but a table to share "
                    f"is a Parameter of shape {[n_tokens, d_model]}, [n_tokens, d_model]: give the "
                    "weight of an embedding with these sizes"
                )
            # The very same object, and not its values or its memory: a second parameter would have
            # a gradient, an optimizer state and a step of its own, and both would pull at one
            # matrix.
            self.projection.weight = weight

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        r"""
        `x` holds features along its last axis and may have any axes before it, such as the sequence
        and the batch, or a list of chosen positions. The result has logits in their place.
        """
        return self.projection(x)
