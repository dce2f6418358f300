r"""
# Stochastic Gradient Descent

The gradient of one batch points downhill only roughly. It is noisy, and in a long narrow valley it
points across rather than along. Momentum adds up the gradients of many batches and forgets the old
ones slowly: what changes its sign at every step cancels out, and what stays grows. In
[On the importance of initialization and momentum in deep
learning](https://proceedings.mlr.press/v28/sutskever13.html) both forms of it train deep networks,

$$\begin{aligned}
d_t &= g_t + \lambda \, \theta_{t-1} \\
m_t &= \mu \, m_{t-1} + d_t \\
\theta_t &= \theta_{t-1} - \alpha
\begin{cases} m_t & \text{heavy ball} \\ d_t + \mu \, m_t & \text{Nesterov} \end{cases}
\end{aligned}$$

| symbol | code | meaning |
|---|---|---|
| $\theta$, $g$ | `param`, `param.grad` | what is learned and its gradient |
| $\lambda$ | `weight_decay` | how strongly weights are pulled to zero |
| $d$ | `grad` | gradient of the loss with the penalty $\lambda \theta^2 / 2$ |
| $m$ | `momentum_buffer` | sum of the gradients, from 0 |
| $\mu$ | `momentum` | how much of the sum survives an update; 0 is plain descent |
| $\alpha$ | `lr` | learning rate |

Gradients that all agree add up to $1 / (1 - \mu)$ of them. With $\mu = 0.9$ a ball on a plane
becomes ten times as fast as plain descent, so it wants a rate that is smaller by as much.

Nesterov's form takes the gradient where the momentum is about to carry the weights, and so brakes
earlier. Here $\theta$ is that place ahead, which saves walking there and back in every update.

**Departure.** The paper multiplies each gradient by its rate before it enters the sum; like torch,
we multiply the sum. With a constant rate both are the same. Where a schedule lowers the rate, ours
slows down at once, and the paper's only as the sum forgets.

[Adam](adam.html) gives every weight a step size of its own, and [NovoGrad](novograd.html) every
tensor.
"""

from collections.abc import Iterable
from typing import Any

import torch

from labnn.optimizers.optimizer import Optimizer


class SGD(Optimizer):
    r"""
    ## SGD

    It equals torch's optimizer of this name without dampening. The state of a parameter is its sum
    of gradients, and without momentum there is none. A parameter without a gradient is skipped, and
    its sum forgets nothing meanwhile.
    """

    # Nothing is divided by.
    is_for_float16 = True

    def __init__(
        self,
        params: Iterable[torch.Tensor] | Iterable[dict[str, Any]],
        *,
        lr: float,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        is_nesterov: bool = False,
    ):
        r"""
        * `params` are parameters, or groups of them with options of their own
        * `lr` is $\alpha$, `momentum` is $\mu$ and `weight_decay` is $\lambda$
        * `is_nesterov` chooses the lower of the two cases; it needs momentum
        """
        options = dict(lr=lr, momentum=momentum, weight_decay=weight_decay, is_nesterov=is_nesterov)
        super().__init__(params, options)

    def check_group(self, group: dict[str, Any]) -> None:
        """A sum that forgets nothing would grow without end."""
        super().check_group(group)
        if not 0.0 <= group["momentum"] < 1.0:
            raise ValueError(f"momentum must be from 0 up and below 1, not {group['momentum']}")
        # Both cases would be the same. Whoever asks for one of them has forgotten the number.
        if group["is_nesterov"] and not group["momentum"]:
            raise ValueError(
                "is_nesterov is set and momentum is 0: give a momentum such as 0.9, or leave "
                "is_nesterov out"
            )

    def update(self, param: torch.Tensor, group: dict[str, Any]) -> None:
        """The equations of the page, for one parameter."""
        momentum = group["momentum"]

        # $d_t$, out of place: the gradient belongs to the caller. Without weight decay nothing is
        # copied.
        grad = param.grad
        if group["weight_decay"]:
            grad = grad.add(param, alpha=group["weight_decay"])

        # $m_0$ comes with the first gradient, and with $\mu = 0$ it never does: plain descent costs
        # no memory.
        if momentum:
            state = self.state[param]
            if not state:
                state["momentum_buffer"] = torch.zeros_like(param)
            total = state["momentum_buffer"]
            total.mul_(momentum).add_(grad)
            # In Nesterov's form the gradient counts $\mu$ times more, and what was before it less.
            grad = grad.add(total, alpha=momentum) if group["is_nesterov"] else total

        param.add_(grad, alpha=-group["lr"])
