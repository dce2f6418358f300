"""
What labml's `BaseConfigs` does without a word, and `StrictConfigs` refuses. What is written down is
in `test_written_options.py`, what labml refuses in words that do not help in
`test_unclear_errors.py`.
"""

import warnings
from typing import Optional

import pytest
from labml.configs import BaseConfigs, aggregate, option
from torch import nn

from labnn.configs.base import StrictConfigs
from labnn.configs.overrides import unread
from labnn.configs.types import ConfigError
from tests.configs.examples import BOTH, Plain, Strict, error, plain, refused

pytestmark = pytest.mark.usefixtures("silent")


def test_a_misspelled_option_does_not_become_the_value():
    """A wrong name of an option, also one that differs in its capitals"""
    assert plain({"loader": "shufled"}).loader == "shufled"
    assert plain({"optimizer.optimizer": "adam"}).optimizer == "adam"
    assert refused({"loader": "shufled"}) == (
        "loader has no option 'shufled', there is: sequential, shuffled; did you mean shuffled?"
    )
    assert refused({"optimizer.optimizer": "adam"}) == (
        "optimizer.optimizer has no option 'adam', there is: Adam, Noam; did you mean Adam?"
    )


def test_a_text_for_a_nested_config_chooses_its_primary_option():
    """The name of the nested config without the name of its field"""
    values = {"optimizer": "Noam", "optimizer.lr": 1}
    assert plain(values).optimizer == "Noam"
    conf = Strict()
    conf._set_values(values)
    assert conf.optimizer == ("Noam", 1.0)
    assert "optimizer.optimizer has no option 'Nom'" in refused({"optimizer": "Nom"})


def test_an_unknown_nested_name_is_refused_though_nothing_computes_it():
    """A misspelled name in a nested config, and in one that is two levels down"""
    plain({"transformer.n_head": 3, "transformer.ffn.dff": 3})
    assert refused({"transformer.n_head": 3}) == (
        "transformer.n_head is no option of Transformer; did you mean transformer.n_heads?"
    )
    assert refused({"transformer.ffn.dff": 3}) == (
        "transformer.ffn.dff is no option of FeedForward; did you mean transformer.ffn.d_ff?"
    )


def test_a_name_under_a_plain_value_is_refused():
    """A dot after an option that is no config, and dots with nothing between them"""
    plain({"batch_size.foo": 3, "transformer.": 3, "transformer..n_heads": 3})
    words = "batch_size is a plain value, it has no option foo"
    assert refused({"batch_size.foo": 3}) == words
    for key in ("transformer.", "transformer..n_heads"):
        assert refused({key: 3}) == f"{key} is no name of an option; write names joined by dots"


def test_an_override_that_nothing_reads_is_listed():
    """An override that is right and has no effect, such as a momentum for Adam"""
    conf = Strict()
    conf._set_values({"batch_size": 3, "optimizer.momentum": 0.1, "transformer.ffn.d_ff": 3})
    assert unread(conf) == ["batch_size", "optimizer.momentum", "transformer.ffn.d_ff"]
    assert conf.batch_size == 3 and conf.optimizer == ("Adam", 0.5)
    conf._to_json()
    assert unread(conf) == ["optimizer.momentum", "transformer.ffn.d_ff"]


WRONG_TYPES = [
    ("d_model", "x", "d_model is 'x', it takes a whole number"),
    ("d_model", 1.5, "d_model is 1.5, it takes a whole number"),
    ("d_model", True, "d_model is True, it takes a whole number"),
    ("d_model", None, "d_model is None, it takes a whole number"),
    ("batch_size", 0, "batch_size is 0, it takes a whole number at least 1"),
    ("is_causal", 1, "is_causal is 1, it takes true or false"),
    ("transformer.n_heads", "x", "transformer.n_heads is 'x', it takes a whole number"),
]


@pytest.mark.parametrize("key, value, words", WRONG_TYPES)
def test_a_value_of_a_wrong_type_is_refused(key, value, words):
    """Annotations that labml never looks at; it keeps the value as it is"""
    if "." not in key:
        assert getattr(plain({key: value}), key) is value
    assert refused({key: value}) == words


def test_a_text_that_spells_a_value_becomes_that_value():
    """Texts for numbers and truth values: labml takes 'False' for true"""
    values = {"d_model": "64", "is_causal": "False"}
    assert (plain(values).d_model, bool(plain(values).is_causal)) == ("64", True)
    conf = Strict()
    conf._set_values(values)
    assert (conf.d_model, conf.is_causal) == (64, False)


def test_a_text_is_never_the_name_of_an_option_by_accident():
    """A field that takes any text and has an option of that name"""
    for base in BOTH:

        class Tagged(base):
            tag: str = "mine"

        option(Tagged.tag, "auto")(lambda: "made by an option")
        if base is BaseConfigs:
            conf = Tagged()
            conf._set_values({"tag": "auto"})
            assert conf.tag == "made by an option"
        else:
            words = "the default of Tagged.tag is 'mine', and it has only the options auto"
            assert error(Tagged) == words


def test_an_option_of_a_subclass_stays_in_the_subclass():
    """An option that is registered for an inherited field without declaring it again"""
    for base, has_leaked in zip(BOTH, (True, False), strict=True):

        class Parent(base):
            y: int = "first"

        class Child(Parent):
            pass

        option(Parent.y, "first")(lambda: 1)
        option(Child.y, "second")(lambda: 2)
        assert ("second" in Parent()._Configs__options["y"]) == has_leaked
        conf = Child()
        conf._set_values({"y": "second"})
        assert conf.y == 2 and Child().y == 1
    assert refused({"y": "second"}, Parent) == "y has no option 'second', there is: first"


def test_a_subclass_changes_no_default_and_no_type_of_its_base_class():
    """A default and a type that are declared again in a subclass"""
    for base in BOTH:

        class Parent(base):
            x: int = 1
            model: int = 3

        class Child(Parent):
            x: int = 2
            model: str = "text"

        # labml takes the type of the base class once, and writes into that class meanwhile.
        is_mixed = Child()._Configs__types["model"] is int
        assert is_mixed == (Parent()._Configs__types["model"] is str) == (base is BaseConfigs)
        assert Child().x == 2 and Parent().x == (2 if base is BaseConfigs else 1)
    assert Parent()._Configs__types["model"] is int and Child().model == "text"
    words = "model is 'text', it takes a whole number"
    assert refused({"model": "text"}, Parent) == words


@pytest.mark.parametrize("kind", [property, staticmethod, classmethod])
def test_a_property_is_no_value(kind):
    """Descriptors in a class body: labml takes the object for the value"""

    class Taken(BaseConfigs):
        x = kind(lambda *_: 3)

    assert isinstance(Taken().x, kind)
    with pytest.raises(ConfigError, match=f"Refused.x is a {kind.__name__}; write an option or a"):

        class Refused(StrictConfigs):
            x = kind(lambda *_: 3)


def test_no_object_is_shared_between_configs():
    """A mutable default, and an object that is made in the class body"""
    for base in BOTH:

        class Lists(base):
            a: list = []

        Lists().a.append(3)
        assert Lists().a == ([3] if base is BaseConfigs else [])
    with pytest.raises(ConfigError, match="Refused.loss has an object of CrossEntropyLoss as"):

        class Refused(StrictConfigs):
            loss: nn.Module = nn.CrossEntropyLoss()


def test_a_misspelled_default_of_an_object_is_refused():
    """A name that does not exist in `set_default`"""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Plain().set_default("batch_sise", 3)
    words = "batch_sise is no option of Configs; did you mean batch_size?"
    assert error(lambda: Strict().set_default("batch_sise", 3)) == words


def test_an_option_that_gives_nothing_is_refused():
    """An option that forgets to return"""
    for base in BOTH:

        class Forgets(base):
            model: nn.Module = "forget"
            maybe: Optional[int] = "forget"  # noqa: UP045

        option(Forgets.model, "forget")(lambda: None)
        option(Forgets.maybe, "forget")(lambda: None)
        assert Forgets().maybe is None
        if base is BaseConfigs:
            assert Forgets().model is None
    words = "model: the result of option forget is None, it takes Module"
    assert error(lambda: Forgets().model) == words


def test_an_error_in_an_option_is_not_hidden():
    """An `AttributeError` in an option, which `hasattr` and `getattr` take for a missing field"""
    for base in BOTH:

        class Fails(base):
            t: int = "fail"

        option(Fails.t, "fail")(lambda c: c.no_such_field)
        if base is BaseConfigs:
            assert getattr(Fails(), "t", "fallback") == "fallback" and not hasattr(Fails(), "t")
    words = "t: AttributeError: no_such_field is no option of Fails"
    assert error(lambda: getattr(Fails(), "t", "fallback")) == words
    assert error(lambda: hasattr(Fails(), "t")) == words


def test_a_misspelled_combination_is_refused():
    """A value that no `aggregate` knows"""
    for base in BOTH:

        class Gated(base):
            variant: str = "GLU"
            is_gated: bool = False

        aggregate(Gated.variant, "GLU", (Gated.is_gated, True))
        assert Gated().is_gated
        if base is BaseConfigs:
            conf = Gated()
            conf._set_values({"variant": "GLX"})
            assert conf.variant == "GLX" and not conf.is_gated
    words = "variant has no option 'GLX', there is: GLU; did you mean GLU?"
    assert refused({"variant": "GLX"}, Gated) == words


def test_an_override_survives_an_option_with_several_results():
    """Two fields from one option, of which one was overridden"""
    for base, wanted in zip(BOTH, ((1, 2), (99, 2)), strict=True):

        class Pair(base):
            a: int = "both"
            b: int = "both"

        option([Pair.a, Pair.b], "both")(lambda: (1, 2))
        conf = Pair()
        conf._set_values({"a": 99})
        assert (conf.b, conf.a)[::-1] == wanted


def test_no_field_depends_on_the_order_of_imports():
    """A field with options and without a default"""
    for base in BOTH:

        class Open(base):
            size: int

        option(Open.size, "one")(lambda: 1)
        option(Open.size, "two")(lambda: 2)
        if base is BaseConfigs:
            assert Open().size == 1
    words = "Open.size has the options one, two and no default; declare `size: … = 'one'` in Open"
    assert error(Open) == words


def test_a_class_is_not_called_with_the_config_as_its_argument():
    """A field whose type is a class, with neither default nor option"""
    for base in BOTH:

        class Activated(base):
            act: nn.ReLU
            size: dict

        if base is BaseConfigs:
            conf = Activated()
            assert conf.act.inplace is conf
    assert error(lambda: Activated().act) == "act has no value; set act=…"
    assert error(lambda: Activated().size) == "size has no value; set size=…"
