r"""
# NovoGrad

[Adam](adam.html) keeps two numbers beside every weight, and one of them only to undo the scale of
the gradient. The scale is mostly a matter of the layer.
[Stochastic Gradient Methods with Layer-wise Adaptive Moments for Training of Deep
Networks](https://arxiv.org/abs/1905.11286), Algorithm 1, measures it by one number for a whole
tensor, the length of its gradient, and lets [momentum](sgd.html) add up gradients that were divided
by it:

$$\begin{aligned}
v_t &= \beta_2 \, v_{t-1} + (1 - \beta_2) \, \lVert g_t \rVert^2
\qquad v_1 = \lVert g_1 \rVert^2 \\
m_t &= \beta_1 \, m_{t-1}
+ \gamma \left( \frac{g_t}{\sqrt{v_t} + \epsilon} + \lambda \, \theta_{t-1} \right) \\
\theta_t &= \theta_{t-1} - \alpha \, m_t
\end{aligned}$$

| symbol | code | meaning |
|---|---|---|
| $\theta$, $g$ | `param`, `grad` | what is learned, one tensor, and its gradient |
| $v$ | `norm_sq_avg` | running mean of the squared length of the gradient, one number |
| $m$ | `momentum_buffer` | sum of the divided gradients, from 0 |
| $\beta_1$, $\beta_2$ | `betas` | how much of the sum and of the mean survives an update |
| $\gamma$ | `weight` | 1, or $1 - \beta_1$ where the sum is to be a mean |
| $\lambda$ | `weight_decay` | how strongly weights are pulled to zero |
| $\alpha$ | `lr` | learning rate |
| $\epsilon$ | `eps` | keeps the division finite |

The mean of the lengths starts at the first one and not at zero, so it needs no correction. The
first step of a tensor has the length $\gamma \alpha$, however large the tensor or its gradient is.
Weight decay comes after the division, so the scale of the gradient does not change it either.

Gradients that all agree add up to $\gamma / (1 - \beta_1)$ steps, 20 with the usual values and
$\gamma = 1$. A rate that suits this form is 20 times too small for the mean.

**Departure.** A batch may miss a tensor, whose gradient is then zero. With $v_1 = 0$ the next mean
would be $1 - \beta_2$ of a squared length, and its step too long. We begin with the first length
that is not zero, as [NeMo](https://github.com/NVIDIA/NeMo/blob/a09a33f5e2eec648ab80e199a165010e4082b179/nemo/core/optim/novograd.py)
does.

**Departure.** The paper speaks of layers. Like NeMo, we take each tensor on its own: the bias of a
projection has another length than its matrix.
"""

from collections.abc import Iterable
from typing import Any

import torch

from labnn.optimizers.optimizer import Optimizer


class NovoGrad(Optimizer):
    r"""
    ## NovoGrad

    Momentum of the heavy ball on gradients without a scale: multiplying all gradients of a tensor
    by a constant changes nothing, up to $\epsilon$.

    The state of a parameter is one tensor of its size, where Adam has two, and one number. A
    parameter without a gradient is skipped and does not age.
    """

    def __init__(
        self,
        params: Iterable[torch.Tensor] | Iterable[dict[str, Any]],
        *,
        lr: float,
        betas: tuple[float, float] = (0.95, 0.25),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        is_averaged: bool = False,
    ):
        r"""
        * `params` are parameters, or groups of them with options of their own
        * `lr` is $\alpha$, `betas` are $\beta_1$ and $\beta_2$, and `eps` is $\epsilon$
        * `weight_decay` is $\lambda$
        * `is_averaged` says that $\gamma$ is $1 - \beta_1$
        """
        options = dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)
        super().__init__(params, dict(**options, is_averaged=is_averaged))

    def update(self, param: torch.Tensor, group: dict[str, Any]) -> None:
        """The equations of the page, for one parameter."""
        # Until the first gradient a parameter costs no memory.
        state = self.state[param]
        if not state:
            state["norm_sq_avg"] = param.new_zeros(())
            state["momentum_buffer"] = torch.zeros_like(param)
        norm_sq_avg, total = state["norm_sq_avg"], state["momentum_buffer"]
        beta1, beta2 = group["betas"]
        weight = 1 - beta1 if group["is_averaged"] else 1.0

        # $v_t$. A mean of zero has seen no length yet. That is decided where the tensors are: on a
        # GPU an `if` would make the program wait for the device, once a parameter.
        grad = param.grad
        norm_sq = torch.linalg.vector_norm(grad).square()
        mean = beta2 * norm_sq_avg + (1 - beta2) * norm_sq
        norm_sq_avg.copy_(torch.where(norm_sq_avg == 0, norm_sq, mean))

        # $m_t$. The division is part of the addition, and the gradient, which belongs to the
        # caller, stays as it is. Decay adds $\gamma \lambda \theta_{t-1}$, untouched by the scale.
        total.mul_(beta1).addcdiv_(grad, norm_sq_avg.sqrt().add_(group["eps"]), value=weight)
        if group["weight_decay"]:
            total.add_(param, alpha=weight * group["weight_decay"])

        param.add_(total, alpha=-group["lr"])
