"""
What labml refuses in words that do not help, and `StrictConfigs` in others
"""

from typing import Any, Optional

import numpy as np
import pytest
import torch
from labml import experiment
from labml.configs import BaseConfigs, option
from labml.internal.experiment import experiment_singleton
from labml_helpers.device import DeviceConfigs
from labml_helpers.train_valid import TrainValidConfigs
from torch import nn

from labnn.configs import guards, rules
from labnn.configs.base import StrictConfigs
from labnn.configs.overrides import unread
from labnn.configs.types import ConfigError, PositiveInt
from tests.configs.examples import BOTH, Strict, error, plain, refused

pytestmark = pytest.mark.usefixtures("silent")


def test_eight_mistakes_at_once_are_named_at_once():
    """What labml lets through together, all but one"""
    values = {
        "batch_sise": 3,
        "batch_size": "abc",
        "optimizer.lr": "1e-3x",
        "loader": "shufled",
        "tokenizer": "charcter",
        "transformer": "mak",
        "transformer.nheads": 2,
        "is_causal": "fals",
    }
    plain({key: value for key, value in values.items() if key != "batch_sise"})
    found = refused(values).split("\n")
    assert len(found) == 8
    for line, words in zip(
        found,
        ("batch_size?", "'abc'", "shuffled?", "character?", "make?", "'fals'", "1e-3x", "n_heads?"),
        strict=True,
    ):
        assert words in line, found


def test_options_that_need_each_other_are_named():
    """A circle, which labml answers with thousands of lines that name none of it"""
    for base in BOTH:

        class Circle(base):
            a: int = "from_b"
            b: int = "from_a"

        option(Circle.a, "from_b")(lambda c: c.b)
        option(Circle.b, "from_a")(lambda c: c.a)
        if base is BaseConfigs:
            with pytest.raises(RuntimeError, match="Impossible|recursion"):
                _ = Circle().a
    words = "these options need each other: a → b → a; give one of them a value"
    assert error(lambda: Circle().a) == words


def test_a_second_config_of_an_experiment_is_refused_with_words(lab_folder):
    """`experiment.configs` twice, at which labml asserts without a text"""
    experiment.create(name="twice", writers=set())
    experiment.configs(Strict())
    with pytest.raises(AssertionError, match="^$"):
        guards._labml_configs(experiment_singleton(), Strict(), {})
    words = "experiment.configs was called twice; call it once, or experiment.create before it"
    assert error(lambda: experiment.configs(Strict())) == words


def test_an_unknown_name_keeps_its_path_when_it_is_found_late():
    """A nested name that can be checked only when its config was computed"""
    for base in BOTH:

        class Inner(base):
            n_heads: int = 3

        class Outer(base):
            inner: Any = "make"

        option(Outer.inner, "make")(lambda: Inner())
        conf = Outer()
        conf._set_values({"inner.n_head": 3})
        if base is BaseConfigs:
            with pytest.raises(KeyError) as e:
                _ = conf.inner
            assert "inner" not in str(e.value)
    words = "inner.n_head is no option of Inner; did you mean inner.n_heads?"
    assert error(lambda: conf.inner) == words and unread(conf) == ["inner.n_head"]


UNHASHABLE = [[1], {"a": 1}, np.zeros(2), torch.zeros(2)]


@pytest.mark.parametrize("value", UNHASHABLE, ids=[type(v).__name__ for v in UNHASHABLE])
def test_a_container_or_an_array_is_a_value_or_is_refused(value):
    """Values that cannot be looked up among the names of options"""
    if not isinstance(value, torch.Tensor):
        with pytest.raises((TypeError, ValueError)):
            _ = plain({"loader": value}).loader
    conf = Strict()
    conf._set_values({"loader": value})
    assert conf.loader is value
    assert refused({"batch_size": value}).startswith("batch_size is ")
    conf = Strict()
    conf._set_values({"transformer": {"n_heads": 1}})
    assert conf.transformer.n_heads == 1


TYPES = [Optional[int], list, dict, set, int, nn.Linear]  # noqa: UP045


@pytest.mark.parametrize("annotation", TYPES, ids=map(str, TYPES))
def test_a_missing_value_says_where_to_set_it(annotation):
    """A field without a value, whatever its type; labml tries to call some of them"""
    body = {"__annotations__": {"prompt": annotation}}
    try:
        said = repr(type("Old", (BaseConfigs,), body)().prompt)
    except Exception as e:
        said = str(e)
    assert "set prompt" not in said
    assert error(lambda: type("New", (StrictConfigs,), body)().prompt) == (
        "prompt has no value; set prompt=…"
    )


def test_a_type_in_quotes_is_refused_where_it_is_written():
    """`from __future__ import annotations`, which labml finds out when it reads the field"""
    with pytest.raises(ConfigError, match="type of Quoted.x is the text 'int'; remove `from __f"):

        class Quoted(StrictConfigs):
            x: "int" = 3


def test_a_function_without_self_and_a_mixin_are_refused_with_words():
    """What labml refuses with an error about its own insides"""

    class Mixin:
        def helper(self):
            return 3

    with pytest.raises(RuntimeError, match="Can only have methods"):
        type("Old", (BaseConfigs,), {"x": lambda: 3})
    with pytest.raises(AttributeError, match="'function' object has no attribute 'has_value'"):
        type("Old", (BaseConfigs, Mixin), {})()
    assert "New.x is a function without `self`; write a method, or an option" in error(
        lambda: type("New", (StrictConfigs,), {"x": lambda: 3})
    )
    words = "New derives from Mixin, which is no config: labml would not find its methods; derive"
    assert error(lambda: type("New", (StrictConfigs, Mixin), {})).startswith(words)


def test_classes_of_labml_helpers_stay_as_they_are():
    """A subclass of ours that declares their fields again"""
    kept = (TrainValidConfigs, DeviceConfigs)
    before = [{k: vars(f).copy() for k, f in rules.fields(c).items()} for c in kept]
    options = [str(c()._Configs__options) for c in kept]

    class Training(StrictConfigs, TrainValidConfigs):
        epochs: PositiveInt = 3
        trainer: Any = "mine"
        validator: Any = "mine"
        state_modules: list = []
        loop_step: Any = None
        mode: Any = "mine"
        training_loop: Any = "mine"
        device: torch.device = DeviceConfigs()

    for item in (Training.trainer, Training.validator, Training.mode, Training.training_loop):
        option(item, "mine")(lambda: 5)
    conf = Training()
    conf._set_values({"epochs": 7, "device.use_cuda": False})
    assert (conf.trainer, conf.epochs, conf.device) == (5, 7, torch.device("cpu"))
    assert [{k: vars(f).copy() for k, f in rules.fields(c).items()} for c in kept] == before
    assert [str(c()._Configs__options) for c in kept] == options
    assert TrainValidConfigs().epochs == 10
