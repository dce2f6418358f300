r"""
# Types of Options

An annotation says what an option takes. labml never looks at it: `d_model='64'` and `flag='False'`
are kept as texts, and the second one counts as true. Here a value is held to its annotation, and a
text is turned into the number or the truth value that it spells, so that the command line and the
code mean the same.

The conversions are those of [OmegaConf](https://omegaconf.readthedocs.io): a number that would be
rounded is refused, `1e-3` is a number, `off` is false. On top of them there are ranges:

```python
batch_size: PositiveInt = 64
```

[Strict configs](base.html) use this page for defaults, overrides, assignments and results.
"""

import dataclasses
import difflib
import math
import types
import typing
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal, Union

import yaml
from omegaconf import BooleanNode, FloatNode, IntegerNode, OmegaConf
from omegaconf.errors import OmegaConfBaseException


class ConfigError(ValueError):
    """
    ## ConfigError

    Mistakes in the options: a line for each, with what is wrong, its value, and what would be right
    """


class CommandLineText(str):
    """
    ## CommandLineText

    What was typed. A shell hands over texts only: `text.path=1e5` has to stay `1e5` for an option
    that takes a text, and to become a number for one that takes a number. So the text is kept
    until the type is known.
    """


@dataclasses.dataclass(frozen=True)
class Range:
    """
    ## Range

    An interval of numbers
    """

    low: float = -math.inf
    high: float = math.inf
    # Whether the ends themselves are outside
    is_open: bool = False

    def __contains__(self, value: float) -> bool:
        """What is not a number, and what has no end, is in no range."""
        if not math.isfinite(value):
            return False
        if self.is_open:
            return self.low < value < self.high
        return self.low <= value <= self.high

    def __str__(self) -> str:
        """As it stands in a message"""
        above, below = ("above", "below") if self.is_open else ("at least", "at most")
        if -math.inf < self.low and self.high < math.inf and not self.is_open:
            return f"from {self.low} to {self.high}"
        ends = [f"{above} {self.low}"] if self.low > -math.inf else []
        return " and ".join([*ends, f"{below} {self.high}"] if self.high < math.inf else ends)


# What options take
PositiveInt = Annotated[int, Range(1)]
NonNegativeInt = Annotated[int, Range(0)]
PositiveFloat = Annotated[float, Range(0, is_open=True)]
NonNegativeFloat = Annotated[float, Range(0)]
Probability = Annotated[float, Range(0, 1)]
Fraction = Annotated[float, Range(0, 1, is_open=True)]

# Truth values are texts or `bool`: OmegaConf would also take 64 for true.
_NODES = {int: IntegerNode(), float: FloatNode(), bool: BooleanNode()}
# What a strange object raises that is asked for a number or an item. A tensor of several numbers
# raises `RuntimeError`.
_MISFITS = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
_MISFITS += (OmegaConfBaseException, yaml.YAMLError)
_NAMES = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}


def nearest(word: str, names: list[str]) -> str | None:
    """The name that was probably meant, whatever its capitals, or `None`."""
    lower = {name.lower(): name for name in names}
    near = difflib.get_close_matches(word.lower(), lower, 1)
    return lower[near[0]] if near else None


def did_you_mean(word: str, names: list[str], prefix: str = "") -> str:
    """The end of a message about a name that does not exist"""
    near = nearest(word, names)
    return f"; did you mean {prefix}{near}?" if near else ""


def describe(annotation: Any) -> str:
    """What an annotation asks for, in words."""
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        ranges = [str(a) for a in args[1:] if isinstance(a, Range)]
        return " ".join([describe(args[0]), *ranges])
    if origin is Literal:
        return "one of " + ", ".join(str(a) for a in args)
    if origin in (Union, types.UnionType):
        return " or ".join(describe(a) for a in args)
    if annotation in (None, type(None)):
        return "none"
    if annotation in _NAMES:
        return _NAMES[annotation]
    # `tuple[int, ...]` has one type for all items, `tuple[int, str]` one for each.
    if origin in (list, tuple) and args:
        inner = [describe(a) for a in args if a is not Ellipsis]
        if origin is tuple and Ellipsis not in args:
            return "a tuple of " + ", ".join(inner)
        return f"a {origin.__name__}, each {inner[0]}"
    if (kind := origin or annotation) in (list, tuple, dict):
        return "a dictionary" if kind is dict else f"a {kind.__name__}"
    if origin is Callable:
        return "a function"
    if annotation is Any:
        return "anything"
    if isinstance(annotation, type):
        return annotation.__name__
    return str(annotation).removeprefix("typing.").removeprefix("collections.abc.")


def convert(value: Any, annotation: Any) -> Any:
    """
    `value` as its annotation wants it. Raises `ConfigError` with the words "…, it takes …", which
    the caller puts behind the name of the option.
    """
    try:
        return _convert(value, annotation)
    except _MISFITS as e:
        raise ConfigError(f"is {short(value)}, it takes {describe(annotation)}") from e


def is_plain(annotation: Any) -> bool:
    """Whether a type can be typed and is no text: a number, a truth value, a list of such"""
    if typing.get_origin(annotation) is Annotated:
        annotation = typing.get_args(annotation)[0]
    return (typing.get_origin(annotation) or annotation) in (int, float, bool, list, tuple, dict)


def short(value: Any) -> str:
    """A value in one line of a message: a text in quotes, anything long cut off."""
    try:
        text = repr(str(value)) if isinstance(value, str) else repr(value)
    # An object of somebody else, or a number of more digits than Python prints
    except Exception:
        text = "a value that cannot be shown"
    text = " ".join(text.split())
    text = text if len(text) <= 80 else text[:77] + "..."
    is_known = isinstance(value, (str, int, float, type(None), type))
    return text if is_known else f"{text} ({type(value).__name__})"


def _convert(value: Any, annotation: Any) -> Any:
    """The work of `convert`, which raises whatever says that it does not fit."""
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation in (Any, None) or isinstance(annotation, (str, typing.TypeVar)):
        return _untyped(value) if isinstance(value, CommandLineText) else value
    if origin is Annotated:
        value = _convert(value, args[0])
        if any(isinstance(a, Range) and value not in a for a in args[1:]):
            raise ValueError("out of range")
        return value
    if origin is Literal:
        return _first(value, [type(choice) for choice in args], args)
    if origin in (Union, types.UnionType):
        return _first(value, args)
    if annotation is type(None):
        if value is None or is_none(value):
            return None
        raise ValueError("not none")
    if annotation in _NODES:
        return _scalar(value, annotation)
    # An empty text would be the working directory.
    if annotation is Path and isinstance(value, str) and value:
        return Path(value)
    if origin in (list, tuple, dict) or annotation in (list, tuple, dict):
        return _container(value, origin or annotation, args)
    if isinstance(value, CommandLineText):
        value = str(value)
    kind = origin or annotation
    if isinstance(kind, type) and not _is_one(value, kind):
        raise TypeError("another type")
    return value


def _is_one(value: Any, kind: type) -> bool:
    """Whether `value` is of a class. What Python cannot judge, some protocols, is let through."""
    # A text is a row of letters to Python, and nobody means that.
    if isinstance(value, str) and hasattr(kind, "__iter__"):
        return issubclass(kind, str)
    try:
        return isinstance(value, kind)
    except TypeError:
        return True


def _first(value: Any, annotations: Iterable, choices: tuple = ()) -> Any:
    """
    What the first of several types makes of `value`, after none and after one that leaves it as it
    is: `"5"` stays a text where texts are taken.

    * `choices` are the only results that count, if there are any
    """
    found = []
    for annotation in sorted(annotations, key=lambda a: a is not type(None)):
        with suppress(*_MISFITS):
            result = _convert(value, annotation)
            if not choices or any(type(result) is type(c) and result == c for c in choices):
                found.append(result)
    if not found:
        raise ValueError("none of the types")
    return next((f for f in found if type(f) is type(value)), found[0])


def is_none(value: Any) -> bool:
    """Whether somebody typed that there is nothing"""
    return isinstance(value, CommandLineText) and value in ("null", "none")


def _untyped(text: CommandLineText) -> Any:
    """A typed text where no type says what it means: what YAML reads, as in a file."""
    if is_none(text):
        return None
    with suppress(*_MISFITS):
        parsed = OmegaConf.from_dotlist([f"value={text}"])
        return OmegaConf.to_container(parsed, resolve=False)["value"]
    return str(text)


def _scalar(value: Any, kind: type) -> Any:
    """A number or a truth value, from itself or from a text that spells it."""
    # numpy and torch have numbers of their own.
    if getattr(value, "ndim", None) == 0:
        value = value.item()
    if value is None:
        raise TypeError("nothing")
    if isinstance(value, bool) and kind is not bool or kind is bool and _is_number(value):
        raise TypeError("numbers and truth values are not the same")
    # OmegaConf looks at the exact type, and a typed text is not exactly `str`.
    value = str(value) if isinstance(value, str) else value
    return _NODES[kind].validate_and_convert(value)


def _is_number(value: Any) -> bool:
    """Also a text of digits, which OmegaConf would take for true."""
    try:
        return not isinstance(value, bool) and float(value) is not None
    except (TypeError, ValueError):
        return False


def _container(value: Any, kind: type, args: tuple) -> Any:
    """A list, tuple or dictionary, its items held to their own type."""
    if isinstance(value, CommandLineText):
        value = _typed(yaml.load(value, Loader=yaml.BaseLoader)) if args else _untyped(value)
    # A tuple with names for its items keeps them.
    if not args and isinstance(value, kind):
        return value
    if not isinstance(value, dict if kind is dict else (list, tuple)):
        raise TypeError("not a container")
    if kind is dict:
        of_key, of_value = args or (Any, Any)
        return {_convert(k, of_key): _convert(v, of_value) for k, v in value.items()}
    if kind is list or not args or Ellipsis in args:
        args = (args or (Any,))[:1] * len(value)
    if len(args) != len(value):
        raise ValueError("another number of items")
    return kind(map(_convert, value, args))


def _typed(value: Any) -> Any:
    """The texts in what was typed: their types are known only item by item."""
    if isinstance(value, dict):
        return {_typed(k): _typed(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_typed(item) for item in value]
    return CommandLineText(value)
