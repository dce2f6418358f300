from typing import Any

import numpy as np
import pytest
import torch
from labml.configs import BaseConfigs, option
from torch import nn

from labnn.configs.base import StrictConfigs
from labnn.configs.overrides import (
    given,
    names,
    nested_class,
    resolve,
    result_class,
    template,
    unread,
)
from labnn.configs.types import CommandLineText, ConfigError, PositiveInt


class Net(StrictConfigs):
    act: nn.Module = "relu"
    width: PositiveInt = 3
    table: dict = {}

    def __init__(self):
        super().__init__(_primary="act")


option(Net.act, "relu")(lambda: nn.ReLU())
option(Net.act, "tanh")(lambda: nn.Tanh())


class Base(StrictConfigs):
    size: int = 3


class Exact(Base):
    more: int = 5


class Wide(Net):
    factor: int = 2


class Parts(StrictConfigs):
    size: PositiveInt = 5
    # Made by options that say what they give, by one that does not, and standing in the class body
    net: nn.Module = "make_net"
    vague: Any = "make_vague"
    open: Any = "make_nothing"
    exact: Base = "make_exact"
    called: nn.Module = "Net"
    plain: nn.Module = Net()
    word: str = "a"


option(Parts.open, "make_nothing")(lambda: 3)
option(Parts.called)(Net)


@option(Parts.exact)
def make_exact(c) -> Exact:
    return Exact()


@option(Parts.net)
def make_net(c) -> Net:
    return Net()


@option(Parts.net)
def make_wide(c) -> Wide:
    return Wide()


@option(Parts.net)
def make_module(c) -> nn.Module:
    return nn.Identity()


@option(Parts.vague)
def make_vague(c):
    return Wide()


class Whole(StrictConfigs):
    width: PositiveInt = 3
    anything: Any = None
    parts: Parts = Parts()


def lines(conf, values) -> list[str]:
    """What is said about overrides that are refused, and nothing was computed or taken"""
    with pytest.raises(ConfigError) as e:
        conf._set_values(values)
    assert conf._Configs__cached == {} and conf._overrides() == {}
    return str(e.value).split("\n")


def refused(values) -> str:
    (line,) = lines(Whole(), values)
    return line


def test_names_are_joined_by_dots_at_any_depth():
    values = {"width": "11", "parts.size": 7, "parts.net.width": CommandLineText("13")}
    assert resolve(Whole(), values) == {"width": 11, "parts.size": 7, "parts.net.width": 13}
    conf = Whole()
    conf._set_values(values)
    assert conf._overrides() == {"width": 11, "parts.size": 7, "parts.net.width": 13}
    assert (conf.width, conf.parts.size) == (11, 7)


def test_a_dictionary_gives_several_options_of_a_nested_config():
    values = {"parts": {"size": 7, "net": {"width": 11, "act": "tanh"}, "plain.width": 13}}
    wanted = {"parts.size": 7, "parts.net.width": 11, "parts.net.act": "tanh"}
    assert resolve(Whole(), values) == {**wanted, "parts.plain.width": 13}
    # Where a dictionary is a value, it stays one.
    assert resolve(Whole(), {"anything": {"a": 1}}) == {"anything": {"a": 1}}
    table = {"parts.plain.table": {"a": 1}}
    assert resolve(Whole(), table) == table
    assert resolve(Whole(), {"parts": {}}) == {}


def test_a_text_for_a_nested_config_chooses_its_primary_option():
    assert resolve(Whole(), {"parts.net": "tanh"}) == {"parts.net.act": "tanh"}
    assert resolve(Whole(), {"parts": {"plain": "tanh"}}) == {"parts.plain.act": "tanh"}
    # A name of its own goes before.
    both = {"parts.net": "make_wide", "parts.net.factor": 3}
    assert resolve(Whole(), both) == both
    assert refused({"parts.net": "Tanh"}) == (
        "parts.net.act has no option 'Tanh', there is: relu, tanh; did you mean tanh?"
    )


def test_two_values_for_one_option_are_a_mistake_and_two_names_are_not():
    same = {"parts": {"size": 7}, "parts.size": 7}
    assert resolve(Whole(), same) == {"parts.size": 7}
    assert refused({"parts": {"size": 7}, "parts.size": 11}) == (
        "parts.size is given twice, as 7 and as 11"
    )
    assert refused({"parts.net": "tanh", "parts.net.act": "relu"}) == (
        "parts.net.act is given twice, as 'tanh' and as 'relu'"
    )
    big = {"parts": {"net": torch.zeros(2, 2)}, "parts.net": torch.ones(2, 2)}
    assert all(len(line) < 250 for line in lines(Whole(), big))


def test_every_mistake_has_its_line():
    found = lines(
        Whole(),
        {
            "width": 0,
            "widht": 3,
            "parts.siez": 3,
            "parts": {"size": "x", "net": "rely", 5: 1},
            "parts.net.width.deep": 3,
            "parts.word": None,
        },
    )
    assert found == [
        "width is 0, it takes a whole number at least 1",
        "widht is no option of Whole; did you mean width?",
        "parts.siez is no option of Parts; did you mean parts.size?",
        "parts.size is 'x', it takes a whole number at least 1",
        "parts.5 is no name of an option; write names joined by dots",
        "parts.word is None, it takes a text",
        "parts.net.act has no option 'rely', there is: relu, tanh; did you mean relu?",
        "parts.net.width is a plain value, it has no option deep",
    ]


KEYS = [
    ("", "'' is no name of an option; write names joined by dots"),
    (".", ". is no name of an option; write names joined by dots"),
    ("parts.", "parts. is no name of an option; write names joined by dots"),
    ("parts..size", "parts..size is no name of an option; write names joined by dots"),
    (5, "5 is no name of an option; write names joined by dots"),
    (None, "None is no name of an option; write names joined by dots"),
    (("a", "b"), "('a', 'b') (tuple) is no name of an option; write names joined by dots"),
    (b"width", "b'width' (bytes) is no name of an option; write names joined by dots"),
    ("width.x", "width is a plain value, it has no option x"),
    ("width.a.b.c", "width is a plain value, it has no option a.b.c"),
    ("parts.word.x", "parts.word is a plain value, it has no option x"),
    ("Width", "Width is no option of Whole; did you mean width?"),
    (" width", " width is no option of Whole; did you mean width?"),
    ("size", "size is no option of Whole; did you mean parts.size?"),
    ("parst.size", "parst.size is no option of Whole; did you mean parts.size?"),
    ("parts.act", "parts.act is no option of Parts; did you mean parts.net.act?"),
    ("check", "check is no option of Whole; --help lists all options"),
    ("_primary", "_primary is no option of Whole; --help lists all options"),
    ("ü", "ü is no option of Whole; --help lists all options"),
    ("a\nb", "'a\\nb' is no option of Whole; --help lists all options"),
    ("\x1b[31m", "'\\x1b[31m' is no option of Whole; --help lists all options"),
    ("\udcff", "'\\udcff' is no option of Whole; --help lists all options"),
    ("parts.net.zzzzz", "parts.net.zzzzz is no option of Net; it has act, width, table"),
]


@pytest.mark.parametrize("key, words", KEYS, ids=range(len(KEYS)))
def test_a_name_that_does_not_exist_is_refused(key, words):
    assert refused({key: 3}) == words


def test_a_long_name_is_cut_off():
    assert len(refused({"x" * 10**5: 3})) < 200
    assert len(refused({"width." + "x" * 10**5: 3})) < 200


STRANGE = [np.zeros(2), torch.zeros(2, 2), None, object(), int, len, {"a": {"b": 1}}, b"a"]


@pytest.mark.parametrize("value", STRANGE, ids=[type(v).__name__ for v in STRANGE])
@pytest.mark.parametrize("key", ["width", "parts", "parts.net", "parts.word", "parts.net.act"])
def test_a_value_of_a_strange_type_is_refused_in_one_line(key, value):
    assert refused({key: value}).startswith(key)


def test_an_option_that_does_not_say_what_it_gives_is_asked_when_it_is_computed():
    conf = Whole()
    conf._set_values({"parts.vague.factor": 3, "parts.vague.width": 7})
    assert isinstance(conf.parts.vague, nn.ReLU)
    assert conf.parts._Configs__cached_configs["vague"].factor == 3
    conf = Whole()
    conf._set_values({"parts.vague.fator": 3})
    with pytest.raises(ConfigError, match="^parts.vague.fator is no option of Wide; did you"):
        _ = conf.parts.vague
    conf = Whole()
    conf._set_values({"parts.open.width": 3})
    words = "parts.open is no config, it has no option width"
    for _ in range(2):
        with pytest.raises(ConfigError, match=words):
            _ = conf.parts.open
    # What says that it gives no config is known to have no options.
    words = "parts.net is a plain value, it has no option width"
    assert refused({"parts.net": "make_module", "parts.net.width": 3}) == words
    assert refused({"parts.net": nn.ReLU(), "parts.net.width": 3}) == words


def test_the_class_of_a_nested_config_is_known_without_computing_it():
    parts = Parts()
    assert nested_class(parts, "net") is Net and nested_class(parts, "plain") is Net
    assert nested_class(parts, "net", "make_wide") is Wide
    assert nested_class(parts, "net", "tanh") is Net and nested_class(parts, "net", Wide()) is Wide
    assert nested_class(parts, "net", "make_module") is None
    assert nested_class(parts, "net", nn.ReLU()) is None
    assert nested_class(parts, "plain", "tanh") is Net and nested_class(parts, "called") is Net
    assert nested_class(parts, "exact") is Exact
    assert nested_class(parts, "vague") is None and nested_class(parts, "size") is None
    assert result_class(parts, "vague", "make_vague") is object
    assert result_class(parts, "net", "make_module") is nn.Module
    assert result_class(parts, "net", "tanh") is None and result_class(parts, "size", 5) is None
    assert isinstance(template(parts, "net"), Net) and template(parts, "size") is None
    assert parts._Configs__cached == {}


def test_what_was_overridden_before_is_known_by_the_next_overrides():
    conf = Parts()
    conf._set_values({"net": "make_wide"})
    conf._set_values({"net.factor": 3})
    assert isinstance(conf.net, nn.ReLU) and conf._Configs__cached_configs["net"].factor == 3
    # If the class changes afterwards, the name is looked at again when it is used.
    conf = Parts()
    conf._set_values({"net": "make_wide", "net.factor": 3})
    conf._set_values({"net": "make_net"})
    with pytest.raises(ConfigError, match="^net.factor is no option of Net"):
        _ = conf.net


def test_a_value_is_known_as_far_as_nothing_has_to_be_computed():
    conf = Parts()
    assert given(conf, "size") == 5
    conf.set_default(Parts.size, 7)
    assert given(conf, "size") == 7
    conf.set_default(Parts.size, func=lambda: 9)
    assert given(conf, "size") is None
    assert conf.size == 9 and given(conf, "size") == 9
    conf.word = "b"
    assert given(conf, "word") == "b"
    conf._set_values({"word": "c"})
    assert given(conf, "word") == "c"


def test_a_config_whose_constructor_wants_arguments_is_looked_at_later():
    class Sized(StrictConfigs):
        size: int = 1

        def __init__(self, size):
            super().__init__()
            self.size = size

    class Holder(StrictConfigs):
        sized: Sized = "make"
        ready: Sized = Sized(3)

    @option(Holder.sized, "make")
    def make(c) -> Sized:
        return Sized(5)

    conf = Holder()
    conf._set_values({"sized.size": 7, "ready.size": 11})
    assert (conf.sized.size, conf.ready.size) == (7, 11)
    assert list(names(Holder())) == ["sized", "ready", "ready.size"]


def test_a_config_may_hold_one_of_its_own_class():
    class Node(StrictConfigs):
        value: int = 3
        child: Any = "more"

    @option(Node.child, "more")
    def more(c) -> Node:
        return Node()

    assert list(names(Node())) == ["value", "child"] and Node()._nested("child") is None
    assert lines(Node(), {"vlaue": 3}) == ["vlaue is no option of Node; did you mean value?"]
    conf = Node()
    conf._set_values({"child.child.child.value": 7})
    assert conf.child.child.child.value == 7 and conf.child.value == 3
    deep = lines(Node(), {"child.child.vlaue": 3})
    assert deep == ["child.child.vlaue is no option of Node; did you mean child.child.value?"]
    assert "child.child.child.value" in conf._to_json()


def test_a_config_of_labml_may_be_nested():
    class Old(BaseConfigs):
        size: int = 3
        is_wide: bool = False
        kind: str = "a"

    class New(StrictConfigs):
        old: Old = Old()

    conf = New()
    conf._set_values({"old.size": 5})
    assert conf.old.size == 5
    assert list(names(New())) == ["old", "old.size", "old.is_wide", "old.kind"]
    # Its values are held to their types as well; an option of its own is its own business.
    option(Old.kind, "a")(lambda: "made")
    conf = New()
    conf._set_values({"old.is_wide": CommandLineText("false"), "old.kind": CommandLineText("b")})
    assert conf.old.is_wide is False and type(conf.old.kind) is str and conf.old.kind == "b"
    assert lines(New(), {"old.is_wide": "maybe"}) == [
        "old.is_wide is 'maybe', it takes true or false"
    ]
    assert lines(New(), {"old.siez": 5}) == ["old.siez is no option of Old; did you mean old.size?"]


def test_overrides_that_nothing_has_read_are_listed():
    conf = Whole()
    assert unread(conf) == []
    values = {"width": 7, "parts.size": 7, "parts.net.act": "tanh", "parts.net.width": 2}
    conf._set_values(values)
    assert unread(conf) == sorted(values)
    # Writing the options down reads nothing.
    conf._to_json()
    assert unread(conf) == sorted(values)
    assert conf.width == 7 and unread(conf) == ["parts.net.act", "parts.net.width", "parts.size"]
    assert isinstance(conf.parts.net, nn.Tanh) and unread(conf) == ["parts.net.width", "parts.size"]
