"""
The private names of labml that the pages on configs use. Each test would fail with an engine that
has lost one, or means something else by it.
"""

import re
from pathlib import Path

import pytest
from labml import experiment
from labml.configs import BaseConfigs, aggregate, option
from labml.internal.configs.base import RESERVED_CLASS, RESERVED_INSTANCE
from labml.internal.configs.config_item import ConfigItem
from labml.internal.experiment import Experiment, experiment_singleton, has_experiment

from labnn.configs import base, overrides, rules, written_options

pytestmark = pytest.mark.usefixtures("silent")


# What the pages use of labml's engine, and what a fresh object has there
PRIVATE = {
    "aggregates": {"size": {"variant": {"big": 5}}},
    "aggregates_options": {"variant": {"big"}},
    "ancestry": [],
    "cached": {},
    "cached_configs": {},
    "config_items": None,
    "default_overrides": {},
    "defaults": {"variant": None, "size": 3, "inner": None},
    "n_calculated": 0,
    "options": None,
    "order": {},
    "secondary_values": {},
    "types": {"variant": str, "size": int, "inner": BaseConfigs},
    "update_callback": None,
    "values": {},
    "values_override": {},
}
METHODS = {
    "calculate", "collect_config_items", "get_value", "get_value_aggregate", "get_value_direct",
    "set_calculated_value",
}  # fmt: skip


class Inner(BaseConfigs):
    depth: int = 3

    def __init__(self):
        super().__init__(_primary="depth")


class Plain(BaseConfigs):
    """A config of labml's own that notes which private methods it calls"""

    variant: str = None
    size: int = 3
    inner: BaseConfigs = None

    def __init__(self):
        self._calls = []
        super().__init__()


option(Plain.inner, "made")(lambda: Inner())
aggregate(Plain.variant, "big", (Plain.size, 5))


def noted(name):
    def method(self, *args):
        self._calls.append((name, *args))
        return getattr(super(Plain, self), f"_Configs__{name}")(*args)

    return method


for _name in METHODS:
    setattr(Plain, f"_Configs__{_name}", noted(_name))


def test_all_private_names_that_the_pages_use_are_looked_at_here():
    used = set()
    for page in (base, rules, overrides, written_options):
        used |= set(re.findall(r"_Configs__(\w+)", Path(page.__file__).read_text()))
    assert used == set(PRIVATE) | METHODS


@pytest.mark.parametrize("name", PRIVATE)
def test_the_engine_has_the_private_name_after_its_constructor(name):
    found = getattr(Plain(), f"_Configs__{name}")
    if PRIVATE[name] is not None:
        assert found == PRIVATE[name] and type(found) is type(PRIVATE[name])


def test_the_engine_calls_its_private_methods_as_the_pages_expect():
    conf = Plain()
    # The constructor collects the fields of all classes, the base classes first.
    (name, classes), *rest = conf._calls
    assert name == "collect_config_items" and rest == [] and classes[-1] is Plain
    assert isinstance(conf._Configs__config_items["size"], ConfigItem)
    function = conf._Configs__options["inner"]["made"]
    assert function.config_names == "inner" and isinstance(function(conf), Inner)

    # Overrides are kept by name, those of a nested config without what stands before them.
    conf._set_values({"inner": "made", "inner.depth": 7})
    assert conf._Configs__values_override == {"inner": "made"}
    assert conf._Configs__secondary_values == {"inner": {"depth": 7}}

    # Reading calculates, which asks for the value and keeps the result, and tells the listener.
    told = []
    conf._set_update_callback(lambda: told.append(1))
    conf._calls.clear()
    assert conf.inner == 7 and [call[0] for call in conf._calls] == [
        "calculate", "get_value", "get_value_direct", "set_calculated_value",
    ]  # fmt: skip
    nested = conf._Configs__cached_configs["inner"]
    assert nested._primary == "depth" and nested._Configs__ancestry == ["inner"]
    assert nested._Configs__values_override == {"depth": 7} and told == [1]
    assert (conf._Configs__order, conf._Configs__n_calculated) == ({"inner": 0}, 1)
    assert conf.inner == 7 and told == [1] and conf._Configs__cached == {"inner": 7}

    # A combination asks for the value of the field that chooses it, and computes that.
    conf.variant = "big"
    conf._calls.clear()
    assert conf.size == 5 and ("get_value_aggregate", "size") in conf._calls
    assert ("get_value", "variant") in conf._calls and "variant" in conf._Configs__cached


def test_the_engine_asks_for_values_in_the_order_that_the_pages_expect():
    conf = Plain()
    conf.set_default(Plain.size, 2)
    assert conf._Configs__default_overrides == {"size": (2, None)}
    assert conf._Configs__get_value_direct("size") == (2, True)
    conf.size = 4
    assert conf._Configs__values == {"size": 4}
    assert conf._Configs__get_value_direct("size") == (4, True)
    conf._set_values({"size": 6})
    assert conf._Configs__get_value_direct("size") == (6, True)
    assert conf._Configs__get_value_direct("variant") == (None, False)
    assert {"name", "value", "computed", "is_explicitly_specified"} < set(conf._to_json()["size"])


def test_the_engine_keeps_the_names_that_the_rules_refuse():
    assert {"list", "calc", "aggregate", "calc_wrap", "set_meta"} <= RESERVED_CLASS
    assert {"set_default", "_to_json", "_set_values", "_set_update_callback"} <= RESERVED_INSTANCE
    assert all(hasattr(BaseConfigs, name) for name in RESERVED_INSTANCE | {"_set_ancestry"})


def test_the_experiment_has_the_private_names_that_the_guards_use(lab_folder):
    assert Experiment.calc_configs.__module__ == "labnn.configs.guards"
    experiment.create(name="private", writers=set())
    assert has_experiment() and experiment_singleton().configs_processor is None
    conf = BaseConfigs()
    experiment.configs(conf)
    assert experiment_singleton().configs_processor.configs is conf
    assert experiment_singleton().is_started is False
    with experiment.start():
        assert experiment_singleton().is_started is True


def test_the_engine_describes_an_option_as_the_pages_expect():
    function = Plain()._Configs__options["inner"]["made"]
    assert callable(function.func) and function.params == [] and function.pass_params is None
    assert Plain.size.update and vars(ConfigItem(
        key="a", configs_class=Plain, has_annotation=False, annotation=None, has_value=True, value=3
    )) == {
        "key": "a", "configs_class": Plain, "has_annotation": False, "annotation": int,
        "has_value": True, "value": 3,
    }  # fmt: skip
