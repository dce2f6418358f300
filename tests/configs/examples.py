"""
The same class bodies on labml's `BaseConfigs` and on `StrictConfigs`, so that tests notice if labml
changes as well.
"""

from typing import Any

import pytest
from labml.configs import BaseConfigs, option

from labnn.configs.base import StrictConfigs
from labnn.configs.types import ConfigError, PositiveInt

BOTH = (BaseConfigs, StrictConfigs)


def example(base):
    """An experiment with a nested optimizer and a nested transformer"""

    class Optimizer(base):
        optimizer: Any = "Adam"
        lr: float = 0.5
        momentum: float = 0.25

        def __init__(self):
            super().__init__(_primary="optimizer")

    option(Optimizer.optimizer, "Adam")(lambda c: ("Adam", c.lr))
    option(Optimizer.optimizer, "Noam")(lambda c: ("Noam", c.lr))

    class FeedForward(base):
        d_ff: int = 2

    class Transformer(base):
        n_heads: int = 3
        d_model: int = 4
        ffn: FeedForward = FeedForward()

    class Configs(base):
        batch_size: PositiveInt = 5
        d_model: int = 7
        is_causal: bool = True
        name: str = "free text"
        tokenizer: Any = "character"
        loader: Any = "sequential"
        optimizer: Any = "from_model"
        transformer: Transformer = "make"

    option(Configs.tokenizer, "character")(lambda: list)
    option(Configs.loader, "sequential")(lambda: [1, 2])
    option(Configs.loader, "shuffled")(lambda: [2, 1])

    @option(Configs.optimizer, "from_model")
    def from_model(c) -> Optimizer:
        return Optimizer()

    @option(Configs.transformer, "make")
    def make(c) -> Transformer:
        conf = Transformer()
        conf.set_default(Transformer.d_model, func=lambda: c.d_model)
        return conf

    return Configs


Plain, Strict = map(example, BOTH)


def plain(values):
    """What labml does with overrides"""
    conf = Plain()
    conf._set_values(values)
    return conf


def refused(values, cls=Strict) -> str:
    """The line that refuses overrides, before anything is computed"""
    conf = cls()
    with pytest.raises(ConfigError) as e:
        conf._set_values(values)
    assert conf._Configs__cached == {} and conf._overrides() == {}
    return str(e.value)


def error(work) -> str:
    with pytest.raises(ConfigError) as e:
        work()
    assert len(str(e.value).splitlines()) == 1
    return str(e.value)
