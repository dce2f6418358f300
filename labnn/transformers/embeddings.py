r"""
# Embeddings

The ids of a text say nothing about what its tokens mean: 7 is not closer to 8 than to 60. The first
step of a model is therefore a table with one learned vector per token. As in
[Attention Is All You Need](https://arxiv.org/abs/1706.03762), section 3.4, the vectors are scaled
up before the positions are added; numbers of the sum are dropped while training (section 5.4),

$$h_{ib} = \operatorname{drop} \big( \operatorname{norm} \big(
\sqrt{d_{\text{model}}} \, E_{x_{ib}} + P_i \big) \big)$$

| symbol | code | meaning |
|---|---|---|
| $x_{ib}$ | `x[i, b]` | id at position $i$ of sequence $b$ |
| $E$ | `token_embed` | one row of numbers for each token of the vocabulary |
| $P$ | `positional_encoding` | adds one row for each position |
| $d_{\text{model}}$ | `self.d_model` | length of a row |
| $\operatorname{norm}$ | `self.norm` | [normalization](../layers/layer_norm.html), or nothing |
| $\operatorname{drop}$ | `self.dropout` | [dropout](../layers/dropout.html) |

The factor keeps the token audible beside its position. It also fits a table that is shared with
the [generator](generator.html), which wants small rows where the encoder wants large ones.

**Departure.** The paper does not say how $E$ starts. Torch starts it with a spread of one, which
the factor would raise to $\sqrt{d_{\text{model}}}$. Beside such tokens the waves of $P$ hardly
count, and hidden tokens, which differ by their places alone, all look the same to a model at first.
We start $E$ with a spread of $1 / \sqrt{d_{\text{model}}}$, and tokens and positions begin about
equally strong.

The paper has no normalization here. BERT's
[code](https://github.com/google-research/bert/blob/5ec9cc3c1cfa331c297b37d928484ef85133c1ee/modeling.py)
has one between the sum and the dropout. Every vector then enters the encoder with the same spread,
a common token as well as a rare one whose row has hardly moved. What is left of the factor is the
ratio of token and position.

The [positional encoding](positional_encoding.html) is passed in, so that any kind can be used, or
none where [attention](mha.html) tells positions by itself.
"""

import math

import torch
from torch import nn

from labnn.layers.dropout import Dropout


class Embeddings(nn.Module):
    r"""
    ## Embeddings

    Looking up row $x$ is the product of $E$ with a vector that is one at $x$ and zero elsewhere,
    without computing the zeros. So only the rows of tokens that occur in a batch get a gradient.
    """

    def __init__(
        self,
        d_model: int,
        *,
        n_tokens: int,
        positional_encoding: nn.Module | None,
        norm: nn.Module | None = None,
        dropout_prob: float = 0.0,
    ):
        r"""
        * `d_model` is the number of features of a token vector
        * `n_tokens` is the size of the vocabulary
        * `positional_encoding` adds positions to `[seq_len, batch_size, d_model]`; `None` adds none
        * `norm` normalizes the sum; `None` leaves it as it is
        * `dropout_prob` is the probability that a number of the sum is dropped; 0 drops none
        """
        super().__init__()

        self.d_model = d_model
        self.n_tokens = n_tokens
        # The table $E$.
        #
        # `self.token_embed.weight` has shape `[n_tokens, d_model]`
        self.token_embed = nn.Embedding(n_tokens, d_model)
        # The factor $\sqrt{d_{\text{model}}}$ will bring this spread to one.
        nn.init.normal_(self.token_embed.weight, std=1 / math.sqrt(d_model))
        self.positional_encoding = positional_encoding
        self.norm = norm
        self.dropout = Dropout(dropout_prob)

    def forward(self, x: torch.Tensor, places: torch.Tensor | None = None) -> torch.Tensor:
        r"""
        * `x` has shape `[seq_len, batch_size]`
        * `places` are the positions of the tokens in a [text that grows](kv_cache.html),
          `[seq_len, batch_size]`, where an axis may be one; `None` stands for 0, 1, ...
        * returns shape `[seq_len, batch_size, d_model]`
        """
        # On a GPU this question would make the program wait for the device, so there it is left to
        # the look-up itself.
        if x.device.type == "cpu" and x.numel() > 0:
            low, high = (int(bound) for bound in x.aminmax())
            if low < 0 or high >= self.n_tokens:
                raise ValueError(
                    f"the ids run from {low} to {high}, but with n_tokens={self.n_tokens} they end "
                    f"at {self.n_tokens - 1}: use the tokenizer that the model was made for"
                )

        # Only the tokens are scaled: the positions bring their own spread.
        features = self.token_embed(x) * math.sqrt(self.d_model)
        if self.positional_encoding is not None:
            told = () if places is None else (places,)
            features = self.positional_encoding(features, *told)
        # Normalized before, not after: what is dropped would count in mean and spread.
        return self.dropout(features if self.norm is None else self.norm(features))
