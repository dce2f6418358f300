r"""
# Rules for Class Bodies

What the class body of a [strict config](base.html) may hold. labml takes whatever stands there for
the value of an option: the object of a `property`, a list that all objects share, a class that it
calls with the config as first argument. Each of these is refused where the class is written, with
the name of the class and of the field.
"""

import enum
import inspect
import types
import typing
from pathlib import PurePath
from typing import Annotated, Any, ForwardRef, Literal

from labml.configs import BaseConfigs
from labml.internal.configs.base import RESERVED_CLASS, RESERVED_INSTANCE
from labml.internal.configs.config_item import ConfigItem

from labnn.configs.types import ConfigError, convert, did_you_mean

# What may stand in a class body as it is. Containers and nested configs are copied for each object.
_PLAIN = (
    bool,
    int,
    float,
    complex,
    str,
    bytes,
    type(None),
    type,
    tuple,
    frozenset,
    PurePath,
    enum.Enum,
)
_COPIED = (list, dict, set, BaseConfigs)


class Field(ConfigItem):
    """
    ## Field

    A field of one class.

    labml writes the declarations of subclasses into the object of the base class through `update`.
    Each class has its own object here, so there is nothing to write.
    """

    # Whether the class only inherits it: then a declaration further on may come before it
    is_inherited = False

    def update(self, k: ConfigItem) -> None:
        """Nothing flows into another class."""


def is_field(key: str) -> bool:
    """Whether labml would take a name in a class body for an option."""
    return not (key.startswith("_") or key in RESERVED_CLASS or key in RESERVED_INSTANCE)


def check_body(cls: type) -> None:
    """Raises `ConfigError` for what cannot work, or would work by accident."""
    # labml reads the bodies of configs only.
    for base in cls.__mro__[1:]:
        if not issubclass(base, BaseConfigs) and base is not object and base not in _ENGINE:
            raise ConfigError(
                f"{cls.__name__} derives from {base.__name__}, which is no config: labml would not "
                "find its methods; derive it from StrictConfigs"
            )
    inherited, own = _methods(cls.__mro__[1:]), inspect.get_annotations(cls)
    # A type that is a text says nothing when a value is held to it.
    for key, annotation in own.items():
        if _is_text(annotation):
            raise ConfigError(
                f"the type of {cls.__name__}.{key} is the text {annotation!r}; remove "
                "`from __future__ import annotations` from the file, and quotes around types"
            )
    # labml calls these itself, and passes over fields of the same name.
    for key in [*(RESERVED_CLASS & cls.__dict__.keys()), *(_RESERVED & own.keys())]:
        raise ConfigError(f"{cls.__name__}.{key} is a name of labml's own; give it another name")
    # Whichever base class came first would hide what the other has.
    for key in sorted(inherited & nearest_fields(cls.__mro__[1:]).keys()):
        raise ConfigError(
            f"{cls.__name__}.{key} is a field in one base class and a method in another; give one "
            "of them another name"
        )
    for key, value in list(cls.__dict__.items()):
        if is_field(key) and (problem := _problem(key, value, inherited, cls)):
            raise ConfigError(f"{cls.__name__}.{key} {problem}")


def _is_text(annotation: Any) -> bool:
    """A type in quotes, or one that has such a type in it"""
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if isinstance(annotation, (str, ForwardRef)):
        return True
    # What stands in `Literal` are values, and in `Annotated` only the first is a type.
    args = {Literal: (), Annotated: args[:1]}.get(origin, args)
    return any(_is_text(inner) for inner in args)


# labml's own classes between `BaseConfigs` and `object`, and the names that it keeps for itself
_ENGINE = BaseConfigs.__mro__
_RESERVED = RESERVED_CLASS | RESERVED_INSTANCE


def _methods(classes: Any) -> set[str]:
    """Names of the methods that are inherited"""
    return {
        key
        for base in classes
        if base not in (*_ENGINE, object)
        for key, value in base.__dict__.items()
        if is_field(key) and isinstance(value, types.FunctionType)
    }


def _problem(key: str, value: Any, inherited: set[str], cls: type) -> str | None:
    """What is wrong with one entry of a class body"""
    if isinstance(value, (property, staticmethod, classmethod)):
        return f"is a {type(value).__name__}; write an option or a method"
    if isinstance(value, types.FunctionType):
        # A decorated method has the signature of the method in it.
        first = next(iter(inspect.signature(value).parameters.values()), None)
        if first is None or (first.name, first.kind) != ("self", first.POSITIONAL_OR_KEYWORD):
            return "is a function without `self`; write a method, or an option that gives it"
        if key in nearest_fields(cls.__mro__[1:]):
            return "is a method here and a field in a base class; give it another name"
        return None
    if key in inherited:
        return "is a field here and a method in a base class; give it another name"
    if isinstance(value, (*_PLAIN, *_COPIED)) or value is Ellipsis:
        return None
    return (
        f"has an object of {type(value).__name__} as default, which all configs would share; "
        "write an option that makes it"
    )


def nearest_fields(classes: Any) -> dict[str, ConfigItem]:
    """The nearest declaration of each field among `classes`, which come nearest first."""
    found: dict[str, ConfigItem] = {}
    # The farthest comes first, and what is nearer replaces it.
    for base in reversed([c for c in classes if issubclass(c, BaseConfigs)]):
        for key, item in base.__dict__.items():
            is_declared = isinstance(item, ConfigItem) and not getattr(item, "is_inherited", False)
            if is_field(key) and is_declared:
                found[key] = item
    return found


def fields(cls: type) -> dict[str, ConfigItem]:
    """The fields of a class, its own and those that it inherits."""
    return {key: cls.__dict__.get(key, item) for key, item in nearest_fields(cls.__mro__).items()}


def own_fields(cls: type) -> None:
    """
    Give a class its own object for every field. A declaration without a type or without a value
    keeps those of the class above it.
    """
    above = nearest_fields(cls.__mro__[1:])
    for key, item in fields(cls).items():
        old = above.get(key, item)
        is_typed, is_valued = item.has_annotation, item.has_value
        own = Field(
            key=key,
            configs_class=cls,
            has_annotation=is_typed or old.has_annotation,
            annotation=item.annotation if is_typed else old.annotation,
            has_value=is_valued or old.has_value,
            value=item.value if is_valued else old.value,
        )
        own.is_inherited = key not in cls.__dict__
        setattr(cls, key, own)


def check_defaults(conf: Any) -> None:
    """
    Hold the defaults of an object to its options and types. It is done for objects, not for
    classes, because options are registered after a class body has been read.
    """
    name = type(conf).__name__
    for key, field in fields(type(conf)).items():
        if not isinstance(field, Field):
            continue
        options = conf._choices(key)
        if not field.has_value:
            if options:
                raise ConfigError(
                    f"{name}.{key} has the options {', '.join(options)} and no default; declare "
                    f"`{key}: … = '{options[0]}'` in {name}"
                )
            continue
        value = field.value
        # Where there are options, a text is the name of one.
        if isinstance(value, str) and options and value not in options:
            raise ConfigError(
                f"the default of {name}.{key} is {value!r}, and it has only the options "
                f"{', '.join(options)}{did_you_mean(value, options)}"
            )
        if not (isinstance(value, str) and options) and not isinstance(value, BaseConfigs):
            try:
                convert(value, field.annotation)
            except ConfigError as e:
                so_far = ", and it has no options so far" if isinstance(value, str) else ""
                raise ConfigError(f"the default of {name}.{key} {e}{so_far}") from e
