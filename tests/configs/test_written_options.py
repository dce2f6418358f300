"""
What labml writes down of the options and reads back: incomplete and out of date, without a word
"""

from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from labml import experiment
from labml.configs import option
from labml.internal.experiment import experiment_singleton
from torch import nn

from labnn.configs.base import StrictConfigs
from labnn.configs.guards import check_registered
from labnn.configs.types import CommandLineText, ConfigError
from labnn.configs.written_options import written
from tests.configs.examples import Plain, Strict, error

pytestmark = pytest.mark.usefixtures("silent")


def test_options_that_reach_nobody_are_refused(lab_folder):
    """A plain dictionary for `experiment.configs`"""
    experiment.create(name="dictionary", writers=set())
    experiment.configs({"batch_sise": 3, "anything": "goes"})
    with experiment.start():
        words = "the experiment has other options than this Configs; call experiment.configs(conf"
        assert error(lambda: check_registered(Strict())).startswith(words)


@contextmanager
def started(conf, values):
    """The rows of `configs.yaml`, as they are at any time after the start of an experiment"""
    experiment.create(name="written", writers=set())
    experiment.configs(conf, values)
    path = experiment_singleton().run.configs_path
    with experiment.start():
        yield lambda: yaml.safe_load(path.read_text())


def kept() -> dict:
    """What labml gives back of the experiment before, in full"""
    uuid = experiment_singleton().run.uuid
    return experiment.load_configs(uuid, is_only_hyperparam=False)


def test_an_assignment_after_the_start_is_written_down(lab_folder):
    """An attribute that is set after the start and not read"""
    for cls, wanted in ((Plain, None), (Strict, 11)):
        conf = cls()
        with started(conf, {}) as rows:
            conf.d_model = 11
            assert rows()["d_model"]["value"] == wanted


def test_what_is_written_down_is_complete_and_current(lab_folder):
    """Nested values that were computed, and nested overrides that were not"""
    values = {"transformer.ffn.d_ff": 11, "optimizer": "Noam", "optimizer.lr": 0.125}
    conf = Plain()
    with started(conf, {key: value for key, value in values.items() if "." in key}) as rows:
        assert conf.transformer.d_model == 7 and rows()["transformer.d_model"]["computed"] is None
        assert "transformer.ffn.d_ff" not in rows() and "optimizer.lr" not in rows()
        assert rows()["batch_size"]["value"] is None
    conf = Strict()
    with started(conf, values) as rows:
        # Before anything is computed
        assert rows()["transformer.ffn.d_ff"]["value"] == 11 and rows()["batch_size"]["value"] == 5
        assert rows()["optimizer.optimizer"]["value"] == "Noam"
        assert rows()["optimizer.lr"]["is_explicitly_specified"]
        # After a nested value was
        assert conf.transformer.d_model == 7 and rows()["transformer.d_model"]["computed"] == 7
        conf.transformer.n_heads = 1
        assert rows()["transformer.n_heads"]["value"] == 1
        assert conf._Configs__cached.keys() == {"transformer", "d_model"}


def test_a_run_can_be_rebuilt_from_what_is_written_down(lab_folder):
    """Values of defaults, which labml leaves out, and long ones, which it cuts"""
    values = {"transformer.ffn.d_ff": 11, "name": "long " * 2000}
    for cls in (Plain, Strict):
        conf = cls()
        with started(conf, values):
            conf.d_model = 13
            assert conf.optimizer == ("Adam", 0.5)
        again = cls()
        again._set_values({name: value for name, value in kept().items() if value is not None})
        if cls is Plain:
            assert kept()["batch_size"] is None and kept()["name"].endswith("[[...]]")
            assert again.transformer.ffn.d_ff == 2
    assert (again.name, again.d_model, again.transformer.ffn.d_ff) == (values["name"], 13, 11)
    assert again.optimizer == ("Adam", 0.5) and conf.transformer.ffn.d_ff == 11
    # The same values are written of both.
    rows = {name: row["value"] for name, row in again._to_json().items()}
    assert rows == {name: row["value"] for name, row in conf._to_json().items()}


def test_what_is_no_plain_value_is_not_rebuilt_as_another(lab_folder):
    """An object that was given: its text is refused when it is read back"""
    conf = Strict()
    with started(conf, {"loader": [3, object()], "tokenizer": len}):
        pass
    assert kept()["loader"] is not None
    with pytest.raises(ConfigError, match="tokenizer has no option '<built-in function len>'"):
        Strict()._set_values({"tokenizer": kept()["tokenizer"]})


def test_writing_the_options_down_computes_none_of_them():
    """A nested config that reads other options, in the middle of computing those"""

    class Inner(StrictConfigs):
        n_tokens: int = 0

    class Outer(StrictConfigs):
        text: str = "abc"
        tokens: list = "split"
        n_tokens: int = "count"
        inner: Inner = "eager"

    option(Outer.tokens, "split")(lambda c: list(c.text))
    option(Outer.n_tokens, "count")(lambda c: len(c.tokens))

    @option(Outer.inner, "eager")
    def eager(c) -> Inner:
        conf = Inner()
        conf.n_tokens = c.n_tokens
        return conf

    conf = Outer()
    conf._set_update_callback(conf._to_json)
    conf.text = "abcde"
    assert conf._Configs__cached == {} and conf.tokens == list("abcde")
    assert conf.inner.n_tokens == 5


def test_a_nested_config_is_written_as_far_as_it_is_known():
    class Inner(StrictConfigs):
        size: int = 3
        net: nn.Module = "relu"

    option(Inner.net, "relu")(lambda: nn.ReLU())

    class Outer(StrictConfigs):
        ready: Inner = Inner()
        made: Inner = "make"

    @option(Outer.made, "make")
    def make(c) -> Inner:
        conf = Inner()
        conf.set_default(Inner.size, 5)
        return conf

    conf = Outer()
    conf._set_values({"made.net": nn.Tanh()})
    rows = conf._to_json()
    assert rows["ready"]["value"] is None and rows["ready.size"]["value"] == 3
    # The option has not said yet that it changes the default.
    assert rows["made"]["value"] == "make" and rows["made.size"]["value"] is None
    assert rows["made.net"]["value"] == "Tanh() (Tanh)"
    assert conf.made.size == 5
    rows = conf._to_json()
    assert rows["made.size"]["value"] == 5 and rows["made.net"]["value"] == "Tanh()"


def test_plain_values_are_written_and_objects_are_not():
    value = {"a": [1, (2.5, None)], "b": Path("c/d"), "e": CommandLineText("f"), "g": True}
    wanted = {"a": [1, [2.5, None]], "b": "c/d", "e": "f", "g": True}
    assert written(value) == wanted and type(written(value)["e"]) is str
    for thing in (object(), nn.ReLU(), [torch.zeros(1)], {"a": int}, np.float64(1), {1, 2}):
        with pytest.raises(TypeError, match="is no plain value"):
            written(thing)
