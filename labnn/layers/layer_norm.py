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
negative, and then the root is not a number. In plain steps we subtract the mean first. The fused
operation does so last, which is as good while the mean is not large; where the mean of any token
is, it is subtracted from all of them before.

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


# In units of the spread; beyond it more than four of the 24 bits of a `float32` are lost.
FAR = 16


def is_far(mean: torch.Tensor, rstd: torch.Tensor) -> bool:
    r"""
    ## Which means are large

    The fused operation multiplies $x$ and $\mu$ by $1 / \sqrt{\sigma^2 + \epsilon}$ and subtracts
    afterwards. Both products are rounded, and the difference inherits it: a mean of 16 spreads
    costs four bits. On another device we do not ask, since the processor would have to wait, and
    neither does compiled code, which would end there.

    * `mean` is $\mu$ and `rstd` is $1 / \sqrt{\sigma^2 + \epsilon}$, one number per token each
    """
    if mean.device.type != "cpu" or torch.compiler.is_compiling():
        return True
    return mean.numel() > 0 and bool((mean * rstd).abs_().amax() > FAR)


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
        `x` has features along its last axis and may have any axes before it, such as the sequence
        and the batch, or a list of chosen positions. The result has the shape of `x`.
        """
        # Half precision ends at 65,504, so squares overflow from $|x_i| = 256$. We compute in
        # `float32`, or in `float64` when the input already is, and round once at the end.
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        gain, bias = self.gain.to(wide.dtype), self.bias.to(wide.dtype)

        # $\mu$, $\sigma^2$, $g$ and $b$, all in one walk through memory. The mean
        # and the inverse of the spread come with it, one each per token.
        normed, mean, rstd = torch.native_layer_norm(wide, (self.d_model,), gain, bias, self.eps)

        # Features of a trained model lie around zero, so nearly always this is all. Otherwise our
        # own subtraction comes first: adding a constant to $x$ changes nothing, so it needs no
        # gradient, and `detach` spares the way back. To ask costs a hundredth of what subtracting
        # in each call did, 5 % of a step of the main experiment on one thread.
        if is_far(mean, rstd):
            wide = wide - wide.detach().mean(dim=-1, keepdim=True)
            normed = F.layer_norm(wide, (self.d_model,), gain, bias, self.eps)
        return normed.to(x.dtype)
