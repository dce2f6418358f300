r"""
# Adam and AdamW

The steps of plain gradient descent are proportional to the gradient, so one learning rate has to
suit weights on steep slopes and on flat ones.
[Adam: A Method for Stochastic Optimization](https://arxiv.org/abs/1412.6980), Algorithm 1, divides
a running mean of the gradient by the root of a running mean of its square. Each weight then moves
by about the learning rate, whatever the scale of its gradient:

$$\begin{aligned}
m_t &= \beta_1 \, m_{t-1} + (1 - \beta_1) \, g_t \\
v_t &= \beta_2 \, v_{t-1} + (1 - \beta_2) \, g_t^2 \\
\theta_t &= \theta_{t-1} - \alpha \,
\frac{m_t / (1 - \beta_1^t)}{\sqrt{v_t / (1 - \beta_2^t)} + \epsilon}
\end{aligned}$$

| symbol | code | meaning |
|---|---|---|
| $\theta$, $g$ | `param`, `grad` | what is learned and its gradient |
| $t$ | `step` | number of this update of the parameter, from 1 |
| $m$, $v$ | `exp_avg`, `exp_avg_sq` | running means, from 0 |
| $\alpha$ | `lr` | learning rate |
| $\epsilon$ | `eps` | keeps the division finite |
| $\beta_1$, $\beta_2$ | `betas` | how much of the running means survives an update |

The means start at zero and are too small at first; the divisors $1 - \beta^t$ correct that. The
first step would be three times too long without them.

[Noam](noam.html) is AdamW with a learning rate that warms up.
"""

import math
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import torch

from labnn.optimizers.optimizer import Optimizer


class Adam(Optimizer):
    r"""
    ## Adam

    Weight decay $\lambda$ is a penalty on the squares of the weights: $\lambda \theta$ is added
    to the gradient, so it is divided by $\sqrt{v}$ like the rest.

    The state of a parameter is two tensors and `step`, a plain integer, so that a checkpoint can
    be tensors in one file and JSON in another. A parameter without a gradient is skipped and does
    not age.
    """

    # The equations in one operation
    fused = staticmethod(torch._fused_adam_)

    def __init__(
        self,
        params: Iterable[torch.Tensor] | Iterable[dict[str, Any]],
        *,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ):
        r"""
        * `params` are parameters, or groups of them with options of their own
        * `lr` is $\alpha$, `betas` are $\beta_1$ and $\beta_2$, and `eps` is $\epsilon$
        * `weight_decay` is $\lambda$
        """
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay))

    def update_group(self, group: dict[str, Any], params: list[torch.Tensor]) -> None:
        """Most parameters are updated together, and the others one by one."""
        for param in params:
            self.begin_state(param)
        for param in params:
            if not is_fusible(param):
                self.update(param, group)
        self.update_fused([param for param in params if is_fusible(param)], group)

    def decay(self, param: torch.Tensor, group: dict[str, Any]) -> torch.Tensor:
        r"""The gradient of the loss with the penalty $\lambda \theta^2 / 2$."""
        # Out of place: the gradient belongs to the caller.
        return param.grad.add(param, alpha=group["weight_decay"])

    def begin_state(self, param: torch.Tensor) -> None:
        r"""$m_0$ and $v_0$ come with the first gradient: until then they cost no memory."""
        state = self.state[param]
        if not state:
            state["step"] = 0
            state["exp_avg"] = torch.zeros_like(param)
            state["exp_avg_sq"] = torch.zeros_like(param)
        state["step"] += 1

    def update_fused(self, params: list[torch.Tensor], group: dict[str, Any]) -> None:
        """
        The same for many parameters at once, by an operation of torch that reads each number once:
        less than half the time, which is 4 % of a step of the main experiment.
        """
        beta1, beta2 = group["betas"]
        # Parameters that had no gradient at times are younger than others, and an operation is for
        # one device and one type.
        alike = defaultdict(list)
        for param in params:
            alike[self.state[param]["step"], param.device, param.dtype].append(param)
        for (step, device, _), some in alike.items():
            states = [self.state[param] for param in some]
            self.fused(
                some,
                [param.grad for param in some],
                [state["exp_avg"] for state in states],
                [state["exp_avg_sq"] for state in states],
                [],
                [torch.tensor(float(step), device=device)] * len(some),
                lr=group["lr"],
                beta1=beta1,
                beta2=beta2,
                weight_decay=group["weight_decay"],
                eps=group["eps"],
                amsgrad=False,
                maximize=False,
            )

    def update(self, param: torch.Tensor, group: dict[str, Any]) -> None:
        """The equations of the page, step by step, for one parameter."""
        state = self.state[param]
        step, exp_avg, exp_avg_sq = state["step"], state["exp_avg"], state["exp_avg_sq"]
        beta1, beta2 = group["betas"]

        # $g_t$. Without weight decay it is not touched, and nothing is copied.
        grad = self.decay(param, group) if group["weight_decay"] else param.grad

        # $m_t$ goes $1 - \beta_1$ of the way from $m_{t-1}$ to $g_t$, in one pass. $v_t$ is
        # computed as its equation says.
        exp_avg.lerp_(grad, 1 - beta1)
        exp_avg_sq.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)

        # The corrections are numbers, so we multiply the fraction by $\sqrt{1 - \beta_2^t}$ above
        # and below: a pass over the parameter less, as the end of the paper's section 2 proposes.
        # Its $\hat{\epsilon}$ is then $\epsilon \sqrt{1 - \beta_2^t}$.
        root = math.sqrt(1 - beta2**step)
        step_size = group["lr"] * root / (1 - beta1**step)
        param.addcdiv_(exp_avg, exp_avg_sq.sqrt().add_(group["eps"] * root), value=-step_size)


class AdamW(Adam):
    r"""
    ## AdamW

    A penalty that is divided by $\sqrt{v}$ hardly shrinks the weights with large gradients.
    [Decoupled Weight Decay Regularization](https://arxiv.org/abs/1711.05101) keeps it out of the
    running means and shrinks all weights by one factor before the step,
    $\theta \leftarrow (1 - \alpha \lambda) \, \theta$.

    **Departure.** The paper multiplies $\lambda$ by the schedule alone. Like torch, we multiply it
    by the learning rate, which is what a schedule changes.
    """

    fused = staticmethod(torch._fused_adamw_)

    def __init__(
        self,
        params: Iterable[torch.Tensor] | Iterable[dict[str, Any]],
        *,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
    ):
        """The arguments are those of `Adam`; a little decay is the default, as it is in torch."""
        super().__init__(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def decay(self, param: torch.Tensor, group: dict[str, Any]) -> torch.Tensor:
        """Shrink the parameter and leave its gradient as it is."""
        param.mul_(1 - group["lr"] * group["weight_decay"])
        return param.grad


def is_fusible(param: torch.Tensor) -> bool:
    """
    ## Where one operation does it all

    It reads the numbers in the order in which they lie in memory, which has to be the same for all.
    """
    return (
        param.device.type in ("cpu", "cuda")
        and param.dtype in (torch.float32, torch.float64)
        and param.is_contiguous()
        and param.grad.is_contiguous()
        and param.grad.dtype == param.dtype
    )
