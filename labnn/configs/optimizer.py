r"""
# Optimizer Configs

The optimizer of a run by name, and its options below it:

```sh
python -m experiments.mlm optimizer=Noam optimizer.learning_rate=1
```

The names are those of the [optimizers](../optimizers/index.html). The parameters come from outside,
and only when the optimizer is made: reading a rate does not build a model. A training hands over
the [groups](../optimizers/groups.html) of its model, so that weight decay, where there is any,
leaves biases, gains and embeddings alone.

The rate may follow a [schedule](schedule.html). Noam has its own.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from labml.configs import option
from torch import nn

from labnn import optimizers
from labnn.configs import rules
from labnn.configs.overrides import given
from labnn.configs.schedule import ScheduleConfigs
from labnn.configs.types import (
    ConfigError,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    Probability,
)
from labnn.optimizers import SGD as SGDOptimizer
from labnn.optimizers import Adam as AdamOptimizer
from labnn.optimizers import AdamW as AdamWOptimizer
from labnn.optimizers import Noam as NoamOptimizer
from labnn.optimizers import NovoGrad as NovoGradOptimizer

# Defaults of its own that an optimizer has
DEFAULTS = {"NovoGrad": {"beta1": 0.95, "beta2": 0.25}}

# How many groups of weights there can be
WORDS = {1: "one group", 2: "two groups"}


class OptimizerConfigs(ScheduleConfigs):
    """
    ## OptimizerConfigs

    Each optimizer reads those that it has; a run warns of what was set and is not read.
    """

    # The optimizer
    optimizer: torch.optim.Optimizer = "Adam"
    # The parameters that it changes
    parameters: Iterable

    # The step size; for Noam the factor before its schedule, for others the peak of theirs
    learning_rate: PositiveFloat = 1e-3
    # How much of the mean of the gradients is kept in each update; NovoGrad begins with 0.95
    beta1: Probability = 0.9
    # How much of the mean of their squares is kept in each update; NovoGrad begins with 0.25
    beta2: Probability = 0.999
    # Keeps the division finite where gradients vanish
    eps: NonNegativeFloat = 1e-8
    # How strongly weights are pulled to zero
    weight_decay: NonNegativeFloat = 0.0
    # Whether it leaves biases, gains and embeddings alone
    decay_groups: bool = True
    # SGD: how much of the last step goes into the next one
    momentum: Probability = 0.5
    # SGD: whether the momentum looks ahead
    is_nesterov: bool = False
    # NovoGrad: whether a gradient goes into the mean with the weight that leaves its size as it is
    is_averaged: bool = False
    # Updates during which the rate rises; none with a schedule is the default of the schedule
    warmup: NonNegativeInt | None = 2000
    # Noam: the width of the model
    d_model: PositiveInt

    # What was set as a default for this object only
    _told = frozenset()

    def __init__(self):
        """The optimizer stands for the whole config"""
        super().__init__(_primary="optimizer")
        self._follow()

    def check(self):
        """A mean that keeps all of what was before it never moves."""
        super().check()
        name = self._chosen("optimizer")
        means = {"SGD": ("momentum",)}.get(name, ("beta1", "beta2"))
        for mean in means:
            if getattr(self, mean) == 1:
                raise ConfigError(f"{self._path(mean)} is 1; it has to be below 1, for example 0.9")
        if name == "SGD" and self.is_nesterov and not self.momentum:
            raise ConfigError(
                f"{self._path('is_nesterov')} looks ahead by the momentum, and "
                f"{self._path('momentum')} is 0; give a momentum, for example 0.9"
            )
        if name == "Noam" and self.schedule is not None:
            raise ConfigError(
                f"{self._path('schedule')} is {self.schedule}, and Noam has a schedule of its own; "
                f"choose another {self._path('optimizer')}, for example Adam"
            )
        if name == "Noam" and self.warmup is None:
            raise ConfigError(
                f"{self._path('warmup')} is none, and Noam needs a number of updates; for example "
                "2000"
            )

    def groups(self, model: nn.Module) -> list:
        """The parameters of a model, in two groups where some of them decay and others do not"""
        if self.decay_groups and self.weight_decay:
            return optimizers.decay_groups(model, self.weight_decay)
        # One group, as there was before there were two: its state can be loaded.
        return list(model.parameters())

    def of_means(self) -> dict[str, Any]:
        """The options of optimizers that keep running means of gradients and of their squares"""
        return {
            "lr": self.learning_rate,
            "betas": (self.beta1, self.beta2),
            "eps": self.eps,
            "weight_decay": self.weight_decay,
        }

    def guarded(self, optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
        """An optimizer that says by our options why what was saved does not fit"""

        def check(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
            """Raises `ConfigError` where the state has another number of groups."""
            n_saved, n_groups = len(state["param_groups"]), len(optimizer.param_groups)
            if {n_saved, n_groups} != {*WORDS}:
                return
            # Either there was no decay on one side, or the groups were not wanted there.
            name, was = "weight_decay", state["param_groups"][0].get("weight_decay", 0.0)
            if bool(was) == bool(self.weight_decay):
                name, was = "decay_groups", not self.decay_groups
            instead, path = "start a new run", self._path("decay_groups")
            if name == "weight_decay" and not was:
                instead = f"let all weights decay with {path}=false and --allow-change {path}"
            raise ConfigError(
                f"{self._path(name)} was {was} in the run and is {getattr(self, name)} now, so the "
                f"optimizer has {WORDS[n_groups]} of weights, and what it remembers is for "
                f"{WORDS[n_saved]}; take it back, or {instead}"
            )

        optimizer.register_load_state_dict_pre_hook(check)
        return optimizer

    def _set_values(self, values: dict[str, Any]) -> None:
        """Overrides may choose what other defaults hang on."""
        super()._set_values(values)
        self._follow()

    def __setattr__(self, key: str, value: Any) -> None:
        """So may an assignment."""
        super().__setattr__(key, value)
        if key in ("optimizer", "schedule"):
            self._follow()

    def set_default(self, item: Any, value: Any = None, func: Callable | None = None) -> None:
        """So may a default, and one that is set here is no other option's affair."""
        super().set_default(item, value, func)
        self._told |= {getattr(item, "key", item)}
        self._follow()

    def _follow(self) -> None:
        """
        Defaults that hang on what was chosen. They are values and not options, so that a list of
        all options has the numbers.
        """
        nearest = rules.nearest_fields(type(self).__mro__)
        wanted = dict(DEFAULTS.get(self._chosen("optimizer"), {}))
        # A schedule knows how long its own warm-up is.
        if given(self, "schedule") is not None:
            wanted["warmup"] = None
        for key in ("beta1", "beta2", "warmup"):
            # A class of a person's own has said what it wants.
            is_ours = nearest[key] is OptimizerConfigs.__dict__[key]
            if is_ours and key not in self._told and not self._is_computed(key):
                super().set_default(key, wanted.get(key, nearest[key].value))


@option(OptimizerConfigs.optimizer)
def Adam(c: OptimizerConfigs) -> AdamOptimizer:
    """[Adam](../optimizers/adam.html#Adam), weight decay as a term of the loss"""
    return c.guarded(AdamOptimizer(c.parameters, **c.of_means()))


@option(OptimizerConfigs.optimizer)
def AdamW(c: OptimizerConfigs) -> AdamWOptimizer:
    """[Adam](../optimizers/adam.html#AdamW), weight decay beside the gradient"""
    return c.guarded(AdamWOptimizer(c.parameters, **c.of_means()))


@option(OptimizerConfigs.optimizer)
def Noam(c: OptimizerConfigs) -> NoamOptimizer:
    """[Adam with a warm-up and an inverse square root after it](../optimizers/noam.html)"""
    optimizer = NoamOptimizer(
        c.parameters,
        d_model=c.d_model,
        warmup=c.warmup,
        **c.of_means(),
    )
    return c.guarded(optimizer)


@option(OptimizerConfigs.optimizer)
def NovoGrad(c: OptimizerConfigs) -> NovoGradOptimizer:
    """[A gradient over its length, one number for a whole tensor](../optimizers/novograd.html)"""
    return c.guarded(NovoGradOptimizer(c.parameters, **c.of_means(), is_averaged=c.is_averaged))


@option(OptimizerConfigs.optimizer)
def SGD(c: OptimizerConfigs) -> SGDOptimizer:
    """[Stochastic gradient descent](../optimizers/sgd.html), with momentum or without"""
    optimizer = SGDOptimizer(
        c.parameters,
        lr=c.learning_rate,
        momentum=c.momentum,
        weight_decay=c.weight_decay,
        is_nesterov=c.is_nesterov,
    )
    optimizer.register_load_state_dict_pre_hook(renamed)
    return c.guarded(optimizer)


def renamed(optimizer: SGDOptimizer, state: dict[str, Any]) -> dict[str, Any]:
    """What runs have saved that had torch's SGD, by the names of ours; the numbers are the same."""
    groups = [
        {"is_nesterov": group.get("nesterov", False), **group} for group in state["param_groups"]
    ]
    return {**state, "param_groups": groups}
