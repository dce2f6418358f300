from typing import Any, Optional

import pytest
import torch
from labml.configs import BaseConfigs, aggregate, calculate, option
from torch import nn

from labnn.configs.base import StrictConfigs
from labnn.configs.types import CommandLineText, PositiveInt
from tests.configs.examples import error


class Part(StrictConfigs):
    kind: nn.Module = "relu"
    width: PositiveInt = 3
    depth: PositiveInt = 5

    def __init__(self):
        super().__init__(_primary="kind")


option(Part.kind, "relu")(lambda: nn.ReLU())
option(Part.kind, "linear")(lambda c: nn.Linear(c.width, c.depth))


class Net(nn.Module):
    """A class that may be an option, since it needs no argument"""

    def __init__(self):
        super().__init__()


class Whole(StrictConfigs):
    width: PositiveInt = 7
    n_tokens: int = "counted"
    text: str = "abc"
    # One config is made by an option, the other stands in the class body.
    part: nn.Module = "made"
    other: nn.Module = Part()


@option(Whole.n_tokens)
def counted(c: Whole) -> int:
    return len(c.text)


@option(Whole.part)
def made(c: Whole) -> Part:
    conf = Part()
    conf.set_default(Part.width, func=lambda: c.width)
    return conf


def computed(conf) -> set:
    return set(conf._Configs__cached)


def test_options_are_computed_when_they_are_first_read_and_only_once():
    calls = []

    class Counting(StrictConfigs):
        first: int = "three"
        second: int = "twice"

    option(Counting.first, "three")(lambda: calls.append("first") or 3)
    option(Counting.second, "twice")(lambda c: calls.append("second") or 2 * c.first)
    conf = Counting()
    assert calls == []
    assert (conf.second, conf.first, conf.second) == (6, 3, 6)
    assert calls == ["second", "first"]


def test_an_override_goes_before_all_and_a_class_default_behind_all():
    class Layers(StrictConfigs):
        variant: Optional[str] = None  # noqa: UP045
        size: int = 1

    aggregate(Layers.variant, "big", (Layers.size, 2))
    # From the lowest to the highest, each on top of those before it
    steps = [
        lambda c: None,
        lambda c: c._set_values({"variant": "big"}),
        lambda c: c.set_default(Layers.size, func=lambda: 3),
        lambda c: setattr(c, "size", 4),
        lambda c: c._set_values({"size": 5}),
    ]
    for last in range(len(steps)):
        for order in (1, -1):
            conf = Layers()
            for step in steps[: last + 1][::order]:
                step(conf)
            assert conf.size == last + 1


def test_a_combination_of_options_is_held_to_names_and_types():
    class Gated(StrictConfigs):
        variant: Optional[str] = None  # noqa: UP045
        is_gated: bool = False
        activation: Any = "relu"

    option(Gated.activation, "relu")(lambda: "a relu")
    option(Gated.activation, "gelu")(lambda: "a gelu")
    aggregate(Gated.variant, "good", (Gated.is_gated, "true"), (Gated.activation, "gelu"))
    aggregate(Gated.variant, "misspelled", (Gated.activation, "gellu"))
    aggregate(Gated.variant, "mistyped", (Gated.is_gated, 1))

    def variant(name):
        conf = Gated()
        conf.variant = name
        return conf

    assert (variant("good").is_gated, variant("good").activation) == (True, "a gelu")
    assert "did you mean gelu?" in error(lambda: variant("misspelled").activation)
    assert error(lambda: variant("mistyped").is_gated) == "is_gated is 1, it takes true or false"
    # An override of one part stays, and can ask for the rest of the combination.
    conf = variant("good")
    conf._set_values({"activation": "relu", "is_gated": "__aggregate__"})
    assert (conf.is_gated, conf.activation) == (True, "a relu")
    assert "no option '__aggregate__'" in error(lambda: setattr(Whole(), "part", "__aggregate__"))
    conf = Whole()
    conf.text = "__aggregate__"
    assert conf.text == "__aggregate__"


def test_a_combination_may_stand_beside_options_of_the_same_field():
    class Mixed(StrictConfigs):
        kind: str = "small"
        size: int = 3

    option(Mixed.kind, "small")(lambda: "a small one")
    aggregate(Mixed.kind, "big", (Mixed.size, 5))
    conf = Mixed()
    conf.kind = "big"
    assert (conf.size, conf.kind, Mixed().kind) == (5, "big", "a small one")
    assert "there is: small, big; did you mean big?" in error(
        lambda: setattr(Mixed(), "kind", "bug")
    )


def test_a_typed_text_is_the_name_of_an_option_or_none():
    class Loader(StrictConfigs):
        valid: Any = "windows"
        train: list = "windows"

    option(Loader.valid, "windows")(lambda: [3])
    option(Loader.train, "windows")(lambda: [5])
    conf = Loader()
    conf._set_values({"valid": CommandLineText("none"), "train": CommandLineText("windows")})
    assert type(conf._Configs__values_override["train"]) is str
    assert conf.valid is None and conf.train == [5]
    words = "train is 'none', it takes a list, or one of the options windows"
    assert error(lambda: Loader()._set_values({"train": CommandLineText("none")})) == words
    assert "valid has no option 'none'" in error(lambda: Loader()._set_values({"valid": "none"}))


def test_a_listener_hears_of_nested_configs_that_were_computed_before_it_came():
    told = []
    conf = Whole()
    assert isinstance(conf.part, nn.ReLU)
    conf._set_update_callback(lambda: told.append(1))
    assert conf._Configs__cached_configs["part"].depth == 5 and told == [1]


def test_a_config_is_replaced_by_the_field_that_stands_for_it():
    conf = Whole()
    conf._set_values({"part": "linear", "part.depth": 2, "other.kind": "linear"})
    assert (conf.part.in_features, conf.part.out_features) == (7, 2)
    assert (conf.other.in_features, conf.other.out_features) == (3, 5)
    # Another object may stand there instead, of the right type.
    conf = Whole()
    conf._set_values({"part": nn.Tanh(), "other": Part()})
    assert isinstance(conf.part, nn.Tanh) and isinstance(conf.other, nn.ReLU)


def test_a_config_of_another_kind_is_refused():
    class Holder(StrictConfigs):
        whole: Whole = Whole()
        count: int = 3

    assert "it takes Whole" in error(lambda: Holder()._set_values({"whole": Holder()}))
    assert "count is <" in error(lambda: Holder()._set_values({"count": Whole()}))
    # What the config stands for is known only when it is computed.
    conf = Holder()
    conf._set_values({"count": Part()})
    words = "count: what Part stands for is ReLU() (ReLU), it takes a whole number"
    assert error(lambda: conf.count) == words


def test_several_results_of_one_option_keep_what_was_chosen_for_each():
    class Pair(StrictConfigs):
        left: int = "both"
        right: PositiveInt = "both"
        third: int = "both"

    option([Pair.left, Pair.right, Pair.third], "both")(lambda: (1, 2, 3))
    option(Pair.third, "alone")(lambda: 5)
    conf = Pair()
    conf._set_values({"left": 99, "third": "alone"})
    assert (conf.right, conf.left, conf.third) == (2, 99, 5)
    assert (Pair().third, Pair().left) == (3, 1)
    option([Pair.left, Pair.right], "short")(lambda: (1,))
    option([Pair.left, Pair.right], "wrong")(lambda: (1, 0))
    for name, words in (("short", "left: option short has to give 2 values"), ("wrong", None)):
        conf = Pair()
        conf._set_values({"left": name, "right": name})
        words = (
            words or "right: the result of option wrong is 0, it takes a whole number at least 1"
        )
        assert error(lambda conf=conf: conf.left) == words


def test_options_may_be_registered_in_all_ways_of_labml():
    class Ways(StrictConfigs):
        size: int = 3
        area: int = "square"
        net: nn.Module = "Net"

    calculate(Ways.area, "square", [Ways.size], lambda size: size * size)
    calculate(Ways.net, Net)
    assert Ways().area == 9 and isinstance(Ways().net, Net)


def test_a_class_that_would_take_the_config_for_something_else_is_no_option():
    class Plain(BaseConfigs):
        act: nn.Module = "ReLU"

    class Strict(StrictConfigs):
        act: nn.Module = "ReLU"

    for cls in (Plain, Strict):
        option(cls.act)(nn.ReLU)
    plain = Plain()
    assert plain.act.inplace is plain
    words = "act: labml would call option ReLU with inplace=conf; register a function that makes"
    assert error(lambda: Strict().act).startswith(words)


def test_what_was_read_cannot_be_set_any_more():
    conf = Whole()
    assert conf.width == 7 and isinstance(conf.part, nn.ReLU)
    words = "width cannot be set any more: it was read already"
    again = Whole()
    again._set_values({"width": 5})
    assert again.width == 5 and error(lambda: setattr(again, "width", 5)) == words
    assert error(lambda: setattr(conf, "width", 5)) == words
    assert error(lambda: conf._set_values({"text": "a", "width": 5})) == words
    assert error(lambda: conf.set_default(Whole.width, 5)) == words
    assert error(lambda: conf._set_values({"part": "linear"})).startswith("part.kind cannot be set")
    # None of the overrides was taken, and the other fields can still be set.
    assert conf.text == "abc"
    conf._set_values({"part.depth": 2})
    assert conf._overrides() == {"part.depth": 2}


def test_an_assignment_is_held_to_the_rules_of_overrides():
    conf = Whole()
    conf.width = CommandLineText("11")
    assert conf.width == 11
    with pytest.raises(AttributeError, match="widht is no option of Whole; did you mean width?"):
        conf.widht = 5
    words = "part stands for a config; override part.kind instead"
    assert error(lambda: setattr(conf, "part", "linear")) == words
    assert "did you mean linear?" in error(lambda: setattr(conf, "part", "lineer"))
    assert error(lambda: setattr(conf, "other", {"width": 0})).startswith("other.width is 0, it")


def test_a_default_of_one_object_is_held_to_the_rules():
    conf = Whole()
    conf.set_default(Whole.n_tokens, 5)
    conf.set_default("text", "de")
    assert (conf.n_tokens, conf.text, Whole().n_tokens) == (5, "de", 3)
    for key in ("widht", 5, None, ("width",), ["width"]):
        assert "is no option of Whole" in error(lambda key=key: conf.set_default(key, 5))
    assert "width is 0, it takes" in error(lambda: conf.set_default(Whole.width, 0))
    conf.set_default(Whole.width, func=lambda: None)
    assert error(lambda: conf.width) == "width is None, it takes a whole number at least 1"


def test_listing_a_nested_config_does_not_compute_what_it_stands_for():
    conf = Whole()
    conf._set_values({"part.depth": 2})
    assert conf._nested("width") is None and conf._nested("text") is None
    assert (conf._nested("part").depth, conf._nested("part").width) == (2, 7)
    assert conf._nested("part")._path("depth") == "part.depth"
    assert computed(conf) == {"width"}
    # What was looked at is not what is used later.
    conf._set_values({"part.depth": 11, "part.kind": "linear"})
    assert conf.part.out_features == 11
    assert conf._nested("part") is conf._Configs__cached_configs["part"]


def test_a_value_on_a_device_or_of_any_type_may_be_a_result():
    class Anything(StrictConfigs):
        device: torch.device = "cpu"
        nothing: Any = "none_at_all"

    option(Anything.device, "cpu")(lambda: torch.device("cpu"))
    option(Anything.nothing, "none_at_all")(lambda: None)
    conf = Anything()
    assert conf.device == torch.device("cpu") and conf.nothing is None
    assert conf._Configs__cached.keys() == {"device", "nothing"}
