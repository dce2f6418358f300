r"""
# Layer Normalization

The numbers that leave a layer drift in size while the network learns, and whatever comes next has
to follow. [Layer Normalization](https://arxiv.org/abs/1607.06450) gives each token vector mean zero
and spread one, then lets the network choose its own scale and offset,

$$\begin{aligned}
\operatorname{LN}(x)_i &= \frac{x_i - \mu}{\sqrt{\sigma^2 + \epsilon}} \, g_i + b_i \\
\mu &= \frac{1}{d} \sum_{j=1}^{d} x_j \\
\sigma^2 &= \frac{1}{d} \sum_{j=1}^{d} (x_j - \mu)^2
\end{aligned}$$

| symbol | code | meaning |
|---|---|---|
| $d$ | `d_model` | number of features in a token vector |
| $\mu$, $\sigma^2$ | `mean`, `variance` | mean and variance of one token vector |
| $g$, $b$ | `self.gain`, `self.bias` | learned scale and offset, one per feature |
| $\epsilon$ | `self.eps` | keeps the division finite when all $x_i$ are equal |

**Departure.** The variance is often computed in one pass, as the mean of $x_j^2$ less $\mu^2$. That
is the difference of two large numbers: at $\mu = 10^4$ it loses every digit in `float32`, may turn
negative, and then the root is not a number. We subtract the mean first, and more than once.

The page gives the formula in plain steps and as torch's fused operation, with tests that both
agree. [Dropout](dropout.html) is the other layer that every block uses.
"""

import torch
from torch import nn
from torch.nn import functional as F


def normalize(x: torch.Tensor, eps: float) -> torch.Tensor:
    r"""
    ## The formula, step by step

    This is the equation before gain and bias, written to be read and to check the fused form
    against. Each step walks through memory once, and again on the way back.

    * `x` has shape `[seq_len, batch_size, d_model]`
    * returns shape `[seq_len, batch_size, d_model]`
    """
    # $\mu$, one number per token. The last axis stays, so that it broadcasts over the features.
    #
    # `mean` has shape `[seq_len, batch_size, 1]`
    mean = x.mean(dim=-1, keepdim=True)
    centred = x - mean

    # `mean` is itself rounded: near $10^6$ neighbours in `float32` are 0.06 apart. What is left of
    # it is small and therefore exact, so a second subtraction removes it.
    centred = centred - centred.mean(dim=-1, keepdim=True)

    # $\sigma^2$ from the centred values, so that nothing large has to cancel.
    #
    # `variance` has shape `[seq_len, batch_size, 1]`
    variance = centred.square().mean(dim=-1, keepdim=True)
    return centred * torch.rsqrt(variance + eps)


class LayerNorm(nn.Module):
    r"""
    ## LayerNorm

    Each token vector is normalized on its own: no statistic crosses the sequence or the batch, so
    training and evaluation compute the same thing.

    The output does not change when a constant is added to all features of the input, or when they
    are multiplied by a positive constant (up to $\epsilon$).
    """

    def __init__(self, d_model: int, eps: float = 1e-5):
        r"""
        * `d_model` is the number of features $d$
        * `eps` is $\epsilon$
        """
        super().__init__()

        self.d_model = d_model
        self.eps = eps
        # A fresh layer only normalizes.
        self.gain = nn.Parameter(torch.ones(d_model))
        self.bias = nn.Parameter(torch.zeros(d_model))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        r"""
        * `x` has shape `[seq_len, batch_size, d_model]`
        * returns shape `[seq_len, batch_size, d_model]`
        """
        # Half precision ends at 65,504, so squares overflow from $|x_i| = 256$. We compute in
        # `float32`, or in `float64` when the input already is, and round once at the end.
        wide = x.to(torch.promote_types(x.dtype, torch.float32))

        # The fused operation subtracts the mean once, which is not enough for large means. Our own
        # subtraction comes first. Adding a constant to $x$ changes nothing, so $\mu$ needs no
        # gradient here: `detach` spares the way back.
        #
        # `mean` has shape `[seq_len, batch_size, 1]`
        mean = wide.detach().mean(dim=-1, keepdim=True)

        # What is left of $\mu$, then $\sigma^2$, $g$ and $b$, all in one walk through memory.
        gain, bias = self.gain.to(wide.dtype), self.bias.to(wide.dtype)
        return F.layer_norm(wide - mean, (self.d_model,), gain, bias, self.eps).to(x.dtype)
