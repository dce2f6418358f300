# ruff: noqa: UP006, UP035, UP045 (the old spellings of types are taken as well)
import collections
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Dict, List, Literal, Optional, Protocol, Tuple

import numpy as np
import pytest
import torch
from torch import nn

from labnn.configs.types import CommandLineText as Typed
from labnn.configs.types import (
    ConfigError,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    Probability,
    Range,
    convert,
    describe,
    did_you_mean,
    nearest,
    short,
)

NAN, INFINITE = float("nan"), float("inf")


class Unfriendly:
    """Nothing can be asked of it."""

    __hash__ = None
    ndim = 0

    def __eq__(self, other):
        raise RuntimeError("no comparison")

    def __repr__(self):
        raise RuntimeError("no text")


TAKEN = [
    # numbers, and texts that spell them
    (64, int, 64),
    ("64", int, 64),
    ("1_000", int, 1000),
    (np.int64(64), int, 64),
    (np.array(64), int, 64),
    (torch.tensor(64), int, 64),
    (1, float, 1.0),
    ("1e-3", float, 0.001),
    (np.float64(0.5), float, 0.5),
    (np.float32(0.5), float, 0.5),
    (torch.tensor(0.5), float, 0.5),
    (Typed("64"), PositiveInt, 64),
    # truth values
    (True, bool, True),
    ("off", bool, False),
    ("False", bool, False),
    ("yes", bool, True),
    (np.True_, bool, True),
    # texts, and what was typed for them
    ("64", str, "64"),
    ("", str, ""),
    (Typed("1e5"), str, "1e5"),
    (Typed("none"), str, "none"),
    # one of several
    (None, Optional[int], None),
    ("5", Optional[int], 5),
    (Typed("none"), Optional[int], None),
    (Typed("null"), Optional[str], None),
    ("none", Optional[str], "none"),
    ("5", int | str, "5"),
    (Typed("5"), int | str, 5),
    (1, float | int, 1),
    (1.0, int | float, 1.0),
    (None, type(None), None),
    # choices
    ("fp16", Literal["auto", "fp16"], "fp16"),
    (Typed("2"), Literal[1, 2], 2),
    (Typed("none"), Literal["a", None], None),
    # files
    ("a/b", Path, Path("a/b")),
    (Path("a"), Path, Path("a")),
    (Typed("a"), Optional[Path], Path("a")),
    # lists and the like, and what was typed for them
    ([1, "2"], list[int], [1, 2]),
    ((1, 2), list[int], [1, 2]),
    ([1, 2], tuple[int, ...], (1, 2)),
    ([1, "a"], tuple[int, str], (1, "a")),
    ({"a": "1"}, dict[str, int], {"a": 1}),
    ([1], List[int], [1]),
    ([1], List, [1]),
    ([1, "a"], Tuple, (1, "a")),
    (Typed("[1, 2]"), list[int], [1, 2]),
    (Typed("[To be, 2]"), list[str], ["To be", "2"]),
    (Typed("[null, 1]"), list[Optional[int]], [None, 1]),
    (Typed("[1, a]"), list, [1, "a"]),
    (Typed("[0.9, 0.99]"), tuple[float, float], (0.9, 0.99)),
    (Typed("{a: 1, b: [2]}"), dict, {"a": 1, "b": [2]}),
    # anything: what a file would give
    ("5", Any, "5"),
    (Typed("5"), Any, 5),
    (Typed("none"), Any, None),
    (Typed("a b"), Any, "a b"),
    (Typed("["), Any, "["),
    # what cannot be judged is let through
    (len, Callable[[int], str], len),
    ([1], Iterable, [1]),
    (nn.ReLU, type[nn.Module], nn.ReLU),
]


@pytest.mark.parametrize("value, annotation, wanted", TAKEN)
def test_a_value_becomes_what_its_annotation_wants(value, annotation, wanted):
    result = convert(value, annotation)
    assert result == wanted and type(result) is type(wanted)
    # What was converted fits, and is not changed by a second look.
    again = convert(result, annotation)
    assert again == wanted and type(again) is type(wanted)


REFUSED = [
    (1.5, int, "is 1.5, it takes a whole number"),
    (64.0, int, "is 64.0, it takes a whole number"),
    ("64.0", int, "is '64.0', it takes a whole number"),
    (Typed("1e3"), int, "is '1e3', it takes a whole number"),
    (True, int, "is True, it takes a whole number"),
    (True, float, "is True, it takes a number"),
    (None, int, "is None, it takes a whole number"),
    ("", int, "is '', it takes a whole number"),
    ([1], int, "is [1] (list), it takes a whole number"),
    ({}, float, "is {} (dict), it takes a number"),
    (np.array([1, 2]), int, "is array([1, 2]) (ndarray), it takes a whole number"),
    (torch.tensor([1, 2]), bool, "is tensor([1, 2]) (Tensor), it takes true or false"),
    (int, int, "is <class 'int'>, it takes a whole number"),
    ("${oc.env:HOME}", int, "is '${oc.env:HOME}', it takes a whole number"),
    ("???", float, "is '???', it takes a number"),
    (1, bool, "is 1, it takes true or false"),
    ("0", bool, "is '0', it takes true or false"),
    ("maybe", bool, "is 'maybe', it takes true or false"),
    (None, bool, "is None, it takes true or false"),
    (5, str, "is 5, it takes a text"),
    (b"a", str, "is b'a' (bytes), it takes a text"),
    ("x", Optional[int], "is 'x', it takes a whole number or none"),
    (1.5, int | str, "is 1.5, it takes a whole number or a text"),
    (5, type(None), "is 5, it takes none"),
    ("fp64", Literal["auto", "fp16"], "is 'fp64', it takes one of auto, fp16"),
    (True, Literal[1, 2], "is True, it takes one of 1, 2"),
    (torch.tensor([1, 2]), Literal[1, 2], "is tensor([1, 2]) (Tensor), it takes one of 1, 2"),
    ("", Path, "is '', it takes Path"),
    (5, Path, "is 5, it takes Path"),
    ("abc", list[str], "is 'abc', it takes a list, each a text"),
    (Typed("a, b"), list[str], "is 'a, b', it takes a list, each a text"),
    (Typed("[["), list[str], "is '[[', it takes a list, each a text"),
    (Typed("&a [*a]"), list[int], "is '&a [*a]', it takes a list, each a whole number"),
    ([1, None], list[int], "is [1, None] (list), it takes a list, each a whole number"),
    ({1, 2}, list, "is {1, 2} (set), it takes a list"),
    ([1, 2, 3], tuple[int, int], "it takes a tuple of a whole number, a whole number"),
    (["a"], tuple[int, ...], "it takes a tuple, each a whole number"),
    ([1], dict, "is [1] (list), it takes a dictionary"),
    ({"a": "b"}, Dict[str, int], "it takes a dictionary"),
    ("abc", Iterable, "is 'abc', it takes Iterable"),
    ("abc", Sequence[str], "it takes Sequence[str]"),
    (5, Callable[[int], str], "is 5, it takes a function"),
    (nn.ReLU, nn.Module, "it takes Module"),
    (Unfriendly(), nn.Module, "is a value that cannot be shown (Unfriendly), it takes Module"),
    (Unfriendly(), Literal["a"], "it takes one of a"),
    (Unfriendly(), int, "it takes a whole number"),
    (10**5000, float, "is a value that cannot be shown, it takes a number"),
]


@pytest.mark.parametrize("value, annotation, words", REFUSED, ids=range(len(REFUSED)))
def test_a_value_that_does_not_fit_is_refused_in_one_line(value, annotation, words):
    with pytest.raises(ConfigError) as e:
        convert(value, annotation)
    assert words in str(e.value) and len(str(e.value).splitlines()) == 1


RANGES = [
    (PositiveInt, [1, 10**9], [0, -1], "a whole number at least 1"),
    (NonNegativeInt, [0, 1], [-1], "a whole number at least 0"),
    (PositiveFloat, [1e-9, 1], [0, -1], "a number above 0"),
    (NonNegativeFloat, [0, 1], [-1e-9], "a number at least 0"),
    (Probability, [0, 0.5, 1], [-0.1, 1.1, INFINITE], "a number from 0 to 1"),
    (Annotated[float, Range(high=3)], [3, -5], [3.1], "a number at most 3"),
    (Annotated[float, Range(0, 2, is_open=True)], [0.1], [0, 2], "a number above 0 and below 2"),
    (Annotated[int, "seconds", Range(3)], [3], [2], "a whole number at least 3"),
]


@pytest.mark.parametrize("annotation, inside, outside, words", RANGES)
def test_a_number_outside_of_its_range_is_refused(annotation, inside, outside, words):
    assert [convert(value, annotation) for value in inside] == inside
    assert [convert(str(value), annotation) for value in inside] == inside
    for value in [*outside, NAN, "nan", None]:
        with pytest.raises(ConfigError, match=f"takes {words}$"):
            convert(value, annotation)


def test_no_range_holds_a_number_that_is_none():
    assert not any(NAN in r for r in (Range(), Range(0), Range(high=1), Range(0, 1)))
    assert 0 in Range() and INFINITE not in Range(0)


def test_named_items_of_a_tuple_keep_their_names():
    pair = collections.namedtuple("Pair", "first second")(1, 2)
    assert convert(pair, tuple) is pair


def test_a_protocol_that_python_cannot_judge_is_let_through():
    class Speaks(Protocol):
        def speak(self): ...

    value = object()
    assert convert(value, Speaks) is value


def test_every_annotation_can_be_described():
    for _, annotation, *_ in TAKEN + REFUSED:
        assert len(describe(annotation).splitlines()) == 1
    assert describe(torch.device) == "device"
    assert describe(Optional[list[int]]) == "a list, each a whole number or none"
    assert describe(Any) == "anything"


def test_a_long_value_is_cut_off():
    for value in ("x" * 10**5, "x\n" * 100, list(range(10**4)), torch.zeros(99, 99), 10**500):
        text = short(value)
        assert len(text) < 100 and "..." in text and "\n" not in text


def test_a_name_is_guessed_whatever_its_capitals():
    names = ["Adam", "AdamW", "Noam", "SGD"]
    assert nearest("adam", names) == "Adam"
    assert nearest("noaM", names) == "Noam"
    assert nearest("zzz", names) is None
    assert did_you_mean("sgd", names, "optimizer.") == "; did you mean optimizer.SGD?"
    assert did_you_mean("zzz", names) == ""


def test_the_cause_of_a_refusal_is_kept():
    with pytest.raises(ConfigError) as e:
        convert("x", int)
    assert isinstance(e.value, ValueError) and e.value.__cause__ is not None
