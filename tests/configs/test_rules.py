import enum
import functools
from abc import ABC
from pathlib import Path
from typing import Annotated, Any, Literal, Optional  # noqa: UP035

import pytest
import torch
from labml.configs import BaseConfigs, aggregate, option
from labml.internal.configs.config_item import ConfigItem

from labnn.configs import rules
from labnn.configs.base import StrictConfigs
from labnn.configs.types import ConfigError, PositiveInt


class Size(enum.Enum):
    SMALL = 1


class Shared:
    """Whatever a class body could make once for all"""


class Base(StrictConfigs):
    size: int = 3
    name: str = "base"

    def double(self):
        """A method"""
        return 2 * self.size


def make(body, *bases, annotations=None):
    """The class with this body, so that a test is one line for each mistake"""
    return type("Made", bases or (StrictConfigs,), {**body, "__annotations__": annotations or {}})


def refused(body, *bases, annotations=None) -> str:
    with pytest.raises(ConfigError) as e:
        make(body, *bases, annotations=annotations)()
    assert len(str(e.value).splitlines()) == 1
    return str(e.value)


BODIES = [
    (property(lambda self: 3), "is a property; write an option or a method"),
    (staticmethod(len), "is a staticmethod; write an option or a method"),
    (classmethod(len), "is a classmethod; write an option or a method"),
    (lambda: 3, "is a function without `self`"),
    (lambda c: 3, "is a function without `self`"),
    (lambda *self: 3, "is a function without `self`"),
    (lambda *, self: 3, "is a function without `self`"),
    (Shared(), "has an object of Shared as default, which all configs would share"),
    (torch.zeros(2), "has an object of Tensor as default"),
    (torch.nn.ReLU(), "has an object of ReLU as default"),
    (functools.partial(len), "has an object of partial as default"),
    (functools.cached_property(len), "has an object of cached_property as default"),
]


@pytest.mark.parametrize("value, words", BODIES, ids=range(len(BODIES)))
def test_what_labml_would_take_for_a_value_is_refused(value, words):
    assert refused({"x": value}).startswith(f"Made.x {words}")
    assert refused({"x": value}, annotations={"x": Any}).startswith(f"Made.x {words}")


PLAIN = [3, 0.5, "a", b"a", None, (1, 2), [1], {"a": 1}, {1}, int, Path("a"), Size.SMALL]


@pytest.mark.parametrize("value", PLAIN, ids=map(repr, PLAIN))
def test_a_plain_value_may_be_a_default(value):
    assert make({"x": value}, annotations={"x": Any})().x == value
    assert make({"x": value})().x == value


def test_lists_dictionaries_and_configs_are_made_anew_for_every_object():
    class Outer(StrictConfigs):
        items: list = [[1]]
        table: dict = {"a": [1]}
        base: Base = Base()

    first, second = Outer(), Outer()
    first.items[0].append(2)
    first.table["a"].append(2)
    first.base.size = 7
    assert second.items == [[1]] and second.table == {"a": [1]} and second.base.size == 3
    assert Outer().items == [[1]]


TEXTS = ["int", Optional["int"], list["int"], dict[str, Optional["Base"]], Annotated["int", 3]]


@pytest.mark.parametrize("annotation", TEXTS, ids=map(str, TEXTS))
def test_a_type_in_quotes_is_refused_since_nothing_could_be_held_to_it(annotation):
    message = refused({"x": 3}, annotations={"x": annotation})
    assert "type of Made.x is the text" in message and "quotes around types" in message


def test_texts_that_are_no_types_may_stand_in_a_type():
    class Both(StrictConfigs):
        x: Literal["int"] = "int"
        y: Annotated[int, "of something"] = 3

    assert Both().x == "int" and Both().y == 3


@pytest.mark.parametrize("name", ["list", "calc", "aggregate", "set_default", "_to_json"])
def test_names_that_labml_keeps_for_itself_are_refused(name):
    # labml passes over these without a word, and the field does not exist.
    class Plain(BaseConfigs):
        list: int = 3

    with pytest.raises(AttributeError):
        _ = Plain().list
    words = f"Made.{name} is a name of labml's own; give it another name"
    assert refused({name: 3}, annotations={name: int}) == words


def test_a_method_may_not_hide_what_labml_calls_on_the_class():
    assert "Made.aggregate is a name of labml's own" in refused({"aggregate": lambda self: 3})

    class Louder(Base):
        def set_default(self, item, value=None, func=None):
            super().set_default(item, 2 * value, func)

    conf = Louder()
    conf.set_default(Louder.size, 5)
    assert conf.size == 10


def test_a_decorated_method_is_a_method():
    class Sampler(Base):
        @torch.no_grad()
        def sample(self):
            return self.size, torch.is_grad_enabled()

    assert Sampler().sample() == (3, False)


def test_a_name_is_a_field_or_a_method_and_not_both():
    assert refused({"size": lambda self: 3}, Base) == (
        "Made.size is a method here and a field in a base class; give it another name"
    )
    assert refused({"double": 3}, Base) == (
        "Made.double is a field here and a method in a base class; give it another name"
    )
    assert "Made.check is a field here and a method" in refused({"check": True})

    class Other(StrictConfigs):
        double: int = 3

    for bases in ((Other, Base), (Base, Other)):
        assert refused({}, *bases) == (
            "Made.double is a field in one base class and a method in another; give one of them "
            "another name"
        )


@pytest.mark.parametrize("mixin", [Shared, ABC])
def test_a_base_class_that_is_no_config_is_refused(mixin):
    for bases in ((Base, mixin), (mixin, Base)):
        try:
            message = refused({}, *bases)
        except TypeError:
            # Python itself refuses to mix the metaclass of an abstract class.
            continue
        assert message.startswith(f"Made derives from {mixin.__name__}, which is no config")


def test_a_class_of_labml_may_be_a_base_class_and_stays_as_it_is():
    class Plain(BaseConfigs):
        size: int = 5
        other: int = 7

        def triple(self):
            return 3 * self.size

    items = {key: vars(item).copy() for key, item in rules.fields(Plain).items()}

    class Strict(StrictConfigs, Plain):
        size: PositiveInt = 11

    class Turned(Plain, StrictConfigs):
        size: PositiveInt = 13

    assert Strict().triple() == 33 and Turned().triple() == 39 and Strict().other == 7
    assert Plain().size == 5 and Plain().triple() == 15
    assert {key: vars(item) for key, item in rules.fields(Plain).items()} == items
    with pytest.raises(ConfigError, match="size is 0, it takes"):
        Turned().size = 0


def test_a_class_has_its_own_object_for_every_field():
    class Sub(Base):
        pass

    assert Sub.size is not Base.size and Sub.size.configs_class is Sub
    assert isinstance(Sub.size, rules.Field) and isinstance(Sub.size, ConfigItem)
    Base.size.update(Sub.size)
    assert Base.size.configs_class is Base and set(rules.fields(Sub)) == {"size", "name"}


def test_the_nearest_declaration_wins_in_the_order_of_python():
    class Left(Base):
        size: int = 5

    class Right(Base):
        size: int = 7
        name: str = "right"

    class Both(Left, Right):
        pass

    assert (Both().size, Both().name) == (5, "right")
    assert (Base().size, Left().name, Right().size) == (3, "base", 7)


def test_a_declaration_keeps_the_type_or_the_value_that_it_does_not_give():
    class Value(Base):
        size = 5

    class Type(Base):
        size: PositiveInt

    assert Value().size == 5 and Value.size.annotation is int
    assert Type().size == 3 and Type.size.annotation is PositiveInt
    with pytest.raises(ConfigError, match="size is 0, it takes a whole number at least 1"):
        Type().size = 0
    with pytest.raises(ConfigError, match="default of Made.size is 'x', it takes a whole number"):
        make({"size": "x"}, Base)()


DEFAULTS = [
    ("x", int, "the default of Made.x is 'x', it takes a whole number, and it has no options"),
    (0, PositiveInt, "the default of Made.x is 0, it takes a whole number at least 1"),
    (None, int, "the default of Made.x is None, it takes a whole number"),
    (..., int, "the default of Made.x is Ellipsis (ellipsis), it takes a whole number"),
    ([1, "a"], list[int], "the default of Made.x is [1, 'a'] (list), it takes a list, each"),
]


@pytest.mark.parametrize("value, annotation, words", DEFAULTS)
def test_a_default_is_held_to_its_type_when_an_object_is_made(value, annotation, words):
    assert refused({"x": value}, annotations={"x": annotation}).startswith(words)


def test_a_default_is_converted_like_any_other_value():
    class Defaults(StrictConfigs):
        rate: float = 1
        path: Path = "a/b"
        sizes: tuple[int, ...] = [1, 2]

    conf = Defaults()
    assert type(conf.rate) is float and conf.path == Path("a/b") and conf.sizes == (1, 2)


def test_a_default_has_to_be_an_option_where_there_are_options():
    class Wrong(StrictConfigs):
        kind: Any = "shufled"

    option(Wrong.kind, "shuffled")(lambda: 3)
    with pytest.raises(ConfigError, match="Wrong.kind is 'shufled'.*did you mean shuffled?"):
        Wrong()

    class Missing(StrictConfigs):
        kind: int

    option(Missing.kind, "first")(lambda: 3)
    with pytest.raises(ConfigError, match="the options first and no default; declare `kind: … = "):
        Missing()


def test_a_name_of_a_combination_may_be_the_default():
    class Combined(StrictConfigs):
        variant: str = "big"
        size: int = 3

    aggregate(Combined.variant, "big", (Combined.size, 5))
    assert Combined().size == 5 and Combined().variant == "big"
