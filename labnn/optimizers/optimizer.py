r"""
# Optimizer

An optimizer is a rule for one parameter. Around the rule every one of them does the same: it keeps
options for groups of parameters, it looks whether gradients and numbers are such that the rule
holds, and it goes through all parameters that have a gradient. What is left for a page is $u$,

$$\theta_i \leftarrow u \left( \theta_i, \; g_i, \; s_i, \; o_{k(i)} \right)
\qquad \text{for all } i \text{ with a gradient}$$

| symbol | code | meaning |
|---|---|---|
| $\theta_i$, $g_i$ | `param`, `param.grad` | a parameter and its gradient |
| $s_i$ | `self.state[param]` | what the rule remembers of it |
| $k(i)$, $o_k$ | `group` | the group of a parameter, and the options of a group |
| $u$ | `update` | the rule |

Groups, state, saving and loading are those of `torch.optim.Optimizer`.

[Gradient descent](sgd.html) is the simplest rule. [Adam](adam.html) takes many parameters at once,
and [Noam](noam.html) a rate that changes.
"""

import math
from collections.abc import Callable
from typing import Any

import torch


class Optimizer(torch.optim.Optimizer):
    """
    ## Optimizer

    One call of `step` is one update. A parameter without a gradient is skipped. The gradients are
    left as they are, since they belong to the caller, who may want to log them.
    """

    # Whether the rule has no numbers that are too small for half precision
    is_for_float16 = False

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Every group comes through here, those given to the constructor included."""
        self.check_group({**self.defaults, **param_group})
        super().add_param_group(param_group)

    @torch.no_grad()
    def step(self, closure: Callable[[], torch.Tensor] | None = None) -> torch.Tensor | None:
        """
        One update of every parameter that has a gradient.

        * `closure` computes the loss anew, and its gradients; the loss is returned
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()

        # All are looked at before the first is changed, so that an error leaves the weights whole.
        ready = []
        for group in self.param_groups:
            params = [param for param in group["params"] if param.grad is not None]
            for param in params:
                self.check_param(param)
            ready.append((group, params))
        for group, params in ready:
            self.update_group(group, params)

        return loss

    def update_group(self, group: dict[str, Any], params: list[torch.Tensor]) -> None:
        """
        All parameters of a group that have a gradient

        * `params` may be empty: a group counts the update all the same, if it counts
        """
        for param in params:
            self.update(param, group)

    def update(self, param: torch.Tensor, group: dict[str, Any]) -> None:
        """The rule, for one parameter"""
        raise NotImplementedError(f"{type(self).__name__} needs update(param, group)")

    def check_group(self, group: dict[str, Any]) -> None:
        """
        Numbers that no update can be made with are refused, as far as a group has them. A NaN fails
        every comparison, so it is refused as well.
        """
        for name in ("lr", "eps", "weight_decay"):
            if not 0.0 <= group.get(name, 0.0) < math.inf:
                raise ValueError(f"{name} must be a finite number from 0 up, not {group[name]}")
        betas = tuple(group.get("betas", (0.0, 0.0)))
        if len(betas) != 2 or not all(0.0 <= beta < 1.0 for beta in betas):
            raise ValueError(f"betas must be two numbers from 0 up and below 1, not {betas}")

    def check_param(self, param: torch.Tensor) -> None:
        r"""
        Parameters that the rule does not hold for are refused: they would be computed wrongly, or
        not at all.

        In half precision numbers below $3 \cdot 10^{-8}$ are zero: the usual $\epsilon$, and
        squares of small gradients. Where a rule divides by their sum, a gradient of zero would
        give $0 / 0$.
        """
        name, what = type(self).__name__, f"the parameter of shape {list(param.shape)}"
        if param.grad.is_sparse:
            raise ValueError(
                f"{name} needs dense gradients and {what} has a sparse one: use sparse=False there"
            )
        if param.is_complex():
            raise ValueError(
                f"{name} needs real numbers and {what} is {param.dtype}: keep its real and "
                "imaginary parts as two parameters"
            )
        if param.dtype == torch.float16 and not self.is_for_float16:
            raise ValueError(
                f"{name} cannot update float16 and {what} is: keep it in float32 and compute in "
                "float16 under torch.autocast"
            )
