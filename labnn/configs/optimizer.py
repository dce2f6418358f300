r"""
# Optimizer Configs

The optimizer of a run by name, and its options below it:

```sh
python -m experiments.mlm optimizer=Noam optimizer.learning_rate=1
```

The names are those of the [optimizers](../optimizers/index.html). The parameters come from outside,
and only when the optimizer is made: reading a rate does not build a model.
"""

from collections.abc import Iterable

import torch
from labml.configs import option

from labnn.configs.base import StrictConfigs
from labnn.configs.types import (
    ConfigError,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    Probability,
)
from labnn.optimizers import Adam as AdamOptimizer
from labnn.optimizers import AdamW as AdamWOptimizer
from labnn.optimizers import Noam as NoamOptimizer


class OptimizerConfigs(StrictConfigs):
    """
    ## OptimizerConfigs

    Each optimizer reads those that it has; a run warns of what was set and is not read.
    """

    # The optimizer
    optimizer: torch.optim.Optimizer = "Adam"
    # The parameters that it changes
    parameters: Iterable

    # The step size; for Noam the factor before its schedule
    learning_rate: PositiveFloat = 1e-3
    # How much of the mean of the gradients is kept in each update
    beta1: Probability = 0.9
    # How much of the mean of their squares is kept in each update
    beta2: Probability = 0.999
    # Keeps the division finite where gradients vanish
    eps: NonNegativeFloat = 1e-8
    # How strongly weights are pulled to zero
    weight_decay: NonNegativeFloat = 0.0
    # SGD: how much of the last step goes into the next one
    momentum: Probability = 0.5
    # Noam: the updates during which the rate rises
    warmup: NonNegativeInt = 2000
    # Noam: the width of the model
    d_model: PositiveInt

    def __init__(self):
        """The optimizer stands for the whole config"""
        super().__init__(_primary="optimizer")

    def check(self):
        """A mean that keeps all of what was before it never moves."""
        for name, value in (("beta1", self.beta1), ("beta2", self.beta2)):
            if value == 1:
                raise ConfigError(f"{self._path(name)} is 1; it has to be below 1, for example 0.9")


@option(OptimizerConfigs.optimizer)
def Adam(c: OptimizerConfigs) -> AdamOptimizer:
    """[Adam](../optimizers/adam.html#Adam), weight decay as a term of the loss"""
    return AdamOptimizer(
        c.parameters,
        lr=c.learning_rate,
        betas=(c.beta1, c.beta2),
        eps=c.eps,
        weight_decay=c.weight_decay,
    )


@option(OptimizerConfigs.optimizer)
def AdamW(c: OptimizerConfigs) -> AdamWOptimizer:
    """[Adam](../optimizers/adam.html#AdamW), weight decay beside the gradient"""
    return AdamWOptimizer(
        c.parameters,
        lr=c.learning_rate,
        betas=(c.beta1, c.beta2),
        eps=c.eps,
        weight_decay=c.weight_decay,
    )


@option(OptimizerConfigs.optimizer)
def Noam(c: OptimizerConfigs) -> NoamOptimizer:
    """[Adam with a warm-up and an inverse square root after it](../optimizers/noam.html)"""
    return NoamOptimizer(
        c.parameters,
        d_model=c.d_model,
        warmup=c.warmup,
        lr=c.learning_rate,
        betas=(c.beta1, c.beta2),
        eps=c.eps,
        weight_decay=c.weight_decay,
    )


@option(OptimizerConfigs.optimizer)
def SGD(c: OptimizerConfigs) -> torch.optim.SGD:
    """torch's stochastic gradient descent with momentum"""
    return torch.optim.SGD(
        c.parameters, lr=c.learning_rate, momentum=c.momentum, weight_decay=c.weight_decay
    )
