r"""
# Overrides

An override gives an option a value by name, `{"transformer.n_layers": 4}`, in code and on the
command line alike.

All overrides are checked against the tree of options before anything is computed, and every mistake
is named at once:

* a key has to exist, at any depth: a misspelled one is answered with the nearest name
* a value has to fit the type and the range, a text has to name an option where there are options
* a text for a nested config chooses its primary option: `optimizer=Noam` is
  `optimizer.optimizer=Noam`; a dictionary gives several of its options

Values that are right and have no effect are found as well, after the first update: what was
overridden and never read ([`unread`]).

[Strict configs](base.html) call [`resolve`]; [the command line](command_line.html) makes the
dictionary.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from labml.configs import BaseConfigs

from labnn.configs.types import ConfigError, convert, nearest, short


def nested_class(conf: BaseConfigs, key: str, chosen: Any = None) -> type | None:
    """
    The class of the config that stands behind a field, or `None`. It is known without computing
    anything, from the type of the field, its default, or what the chosen option says it returns.

    * `chosen` is the value that an override gives the field, if it gives one
    """
    value = given(conf, key) if chosen is None or isinstance(chosen, dict) else chosen
    default = conf._Configs__defaults.get(key)
    if isinstance(value, BaseConfigs):
        return type(value)
    # An object that is no config stands in the place of one.
    if value is not None and not isinstance(value, str):
        return None
    # A text that is no option here is meant for the config that the default makes.
    result = result_class(conf, key, value) or result_class(conf, key, default)
    for cls in (result, conf._Configs__types.get(key), type(default)):
        if isinstance(cls, type) and issubclass(cls, BaseConfigs):
            return cls
    return None


def result_class(conf: BaseConfigs, key: str, name: Any) -> type | None:
    """
    The class that an option says it gives, `object` if it says nothing, `None` if there is no such
    option
    """
    options = conf._Configs__options.get(key, {})
    if not isinstance(name, str) or name not in options:
        return None
    function = options[name].func
    if isinstance(function, type):
        return function
    result = getattr(function, "__annotations__", {}).get("return")
    return result if isinstance(result, type) else object


def given(conf: BaseConfigs, key: str) -> Any:
    """
    The value of a field as far as it is known without computing anything. labml would call a
    function that was set as default.
    """
    for values in (conf._Configs__values_override, conf._Configs__values):
        if key in values:
            return values[key]
    if key in conf._Configs__default_overrides:
        value, function = conf._Configs__default_overrides[key]
        return value if function is None else conf._Configs__cached.get(key)
    return conf._Configs__defaults.get(key)


@dataclass(frozen=True)
class Known:
    """
    ## Known

    What is known of a field before it is computed
    """

    # What it takes
    annotation: Any
    # Its options by name
    functions: dict[str, Callable]
    is_overridden: bool
    # Whether its value is a function that the run calls
    is_late: bool


def keys(conf: BaseConfigs) -> list[str]:
    """The names of the fields of a config, in the order of their declarations"""
    return [*conf._Configs__types]


def look(conf: BaseConfigs, key: str) -> Known:
    """What a list of options says of a field"""
    functions = conf._Configs__options.get(key, {})
    is_overridden = key in conf._Configs__values_override
    late = conf._Configs__default_overrides.get(key, (None, None))[1]
    return Known(
        annotation=conf._Configs__types[key],
        functions={name: function.func for name, function in functions.items()},
        is_overridden=is_overridden,
        is_late=late is not None and not is_overridden,
    )


def resolve(conf: BaseConfigs, values: dict[str, Any]) -> dict[str, Any]:
    """
    The overrides with full names and converted values. Raises `ConfigError` with a line for each
    mistake.
    """
    clean: dict[str, Any] = {}
    problems: list[str] = []
    _resolve(conf, values, "", conf._path(""), clean, problems)
    if problems:
        raise ConfigError("\n".join(problems))
    return clean


def _resolve(
    conf: BaseConfigs, values: dict, prefix: str, where: str, clean: dict, problems: list
) -> None:
    """
    One level of the tree.

    * `prefix` is what stands before the keys of `values` in the result, `where` in messages
    """
    # What is meant for nested configs, by their names: `a.b` and `b` within `a` are the same.
    below: dict[str, dict[str, Any]] = {}
    for key, value in values.items():
        if not isinstance(key, str) or not all(part.strip() for part in key.split(".")):
            problems.append(
                f"{where}{_shown(key)} is no name of an option; write names joined by dots"
            )
            continue
        head, _, rest = key.partition(".")
        if head not in conf._Configs__types:
            problems.append(_unknown(conf, key, where))
        elif rest:
            _put(rest, value, f"{where}{head}.", below.setdefault(head, {}), problems)
        elif isinstance(value, dict) and nested_class(conf, head):
            for name, inner in value.items():
                _put(name, inner, f"{where}{head}.", below.setdefault(head, {}), problems)
        else:
            _take(conf, head, value, prefix, where, clean, problems, below)
    # Each nested config looks at its own part.
    for head, inner in below.items():
        nested = template(conf, head, values.get(head))
        if nested is not None:
            _resolve(nested, inner, f"{prefix}{head}.", f"{where}{head}.", clean, problems)
        elif _may_be_config(conf, head, values.get(head)):
            # Only the computed value tells whether this is a config: it checks the keys by then.
            for key, value in inner.items():
                _put(f"{prefix}{head}.{key}", value, where, clean, problems)
        else:
            first = _shown(next(iter(inner)))
            problems.append(f"{where}{head} is a plain value, it has no option {first}")


def _take(conf, head, value, prefix, where, clean, problems, below) -> None:
    """One value for one field"""
    # A text that is no option of this field is meant for the config behind it.
    primary = getattr(template(conf, head), "_primary", None)
    is_own = value in conf._Configs__options.get(head, {}) if isinstance(value, str) else True
    if primary and not is_own:
        _put(primary, value, f"{where}{head}.", below.setdefault(head, {}), problems)
        return
    try:
        value = conf._accept(head, value) if hasattr(conf, "_accept") else _old(conf, head, value)
    except ConfigError as e:
        # A config that was made to look things up may not know what is around it.
        problems.append(str(e) if str(e).startswith(where) else where + str(e))
        return
    # The value that it was read with may be given once more.
    if head in conf._Configs__cached:
        overrides = conf._Configs__values_override
        if head not in overrides or repr(overrides[head]) != repr(value):
            problems.append(f"{where}{head} cannot be set any more: it was read already")
        return
    _put(f"{prefix}{head}", value, where.removesuffix(prefix), clean, problems)


def _old(conf: BaseConfigs, key: str, value: Any) -> Any:
    """A value for a config of labml's own, which keeps texts that spell a number as they are"""
    if isinstance(value, BaseConfigs) or conf._Configs__options.get(key):
        return str(value) if isinstance(value, str) else value
    try:
        return convert(value, conf._Configs__types[key])
    except ConfigError as e:
        raise ConfigError(f"{key} {e}") from e


def _put(key: str, value: Any, where: str, clean: dict, problems: list) -> None:
    """Two names for one option are one override, and two values for it are a mistake."""
    if key in clean and repr(clean[key]) != repr(value):
        both = f"as {short(clean[key])} and as {short(value)}"
        problems.append(f"{where}{_shown(key)} is given twice, {both}")
    clean[key] = value


def _shown(key: Any) -> str:
    """A name as it was typed, if it can be shown in one line"""
    is_short = isinstance(key, str) and key.strip() and key.isprintable() and len(key) <= 80
    return key if is_short else short(key)


def template(conf: BaseConfigs, key: str, chosen: Any = None) -> BaseConfigs | None:
    """An object of the nested class, to look its fields up; `None` if there is no such class."""
    for value in (conf._Configs__cached_configs.get(key), chosen, given(conf, key)):
        if isinstance(value, BaseConfigs):
            return value
    cls = nested_class(conf, key, chosen)
    try:
        nested = cls() if cls else None
    # A class whose constructor wants arguments is looked at when its option has made it.
    except TypeError:
        return None
    if nested is not None:
        # A config may hold one of its own class, and that one the next, without end.
        nested._within = (*getattr(conf, "_within", ()), type(conf))
    return nested


def _may_be_config(conf: BaseConfigs, key: str, chosen: Any) -> bool:
    """Whether an option may still give a config, though it does not say so"""
    annotation = conf._Configs__types[key]
    if hasattr(annotation, "__metadata__") or annotation in (int, float, bool, str):
        return False
    name = chosen if isinstance(chosen, str) else given(conf, key)
    result = result_class(conf, key, name)
    return result is object or nested_class(conf, key, chosen) is not None


def names(conf: BaseConfigs, prefix: str = "") -> Iterator[str]:
    """The full names of all options"""
    for key in conf._Configs__types:
        yield prefix + key
        nested = template(conf, key)
        if nested is not None and type(nested) not in getattr(nested, "_within", ()):
            yield from names(nested, f"{prefix}{key}.")


def _unknown(conf: BaseConfigs, key: str, where: str) -> str:
    """The line for a key that does not exist"""
    known = list(names(conf))
    # A name from deeper down may have been typed without what stands before it.
    near = next((name for name in known if name.endswith(f".{key}")), None) or nearest(key, known)
    if near:
        hint = f"did you mean {where}{near}?"
    else:
        hint = f"it has {', '.join(known)}" if len(known) < 12 else "--help lists all options"
    return f"{where}{_shown(key)} is no option of {type(conf).__name__}; {hint}"


def all_overrides(conf: BaseConfigs) -> dict[str, Any]:
    """What was overridden, in `conf` and in nested configs, by full names"""
    found = dict(conf._Configs__values_override)
    inner = {key: all_overrides(nested) for key, nested in conf._Configs__cached_configs.items()}
    # Overrides wait here for a nested config that was not computed yet.
    for key, values in [*inner.items(), *conf._Configs__secondary_values.items()]:
        found.update((f"{key}.{name}", value) for name, value in values.items())
    return found


def unread(conf: BaseConfigs, prefix: str = "") -> list[str]:
    """The overrides that nothing has read so far"""
    found = [
        prefix + key for key in conf._Configs__values_override if key not in conf._Configs__cached
    ]
    for key, nested in conf._Configs__cached_configs.items():
        found += unread(nested, f"{prefix}{key}.")
    for key, values in conf._Configs__secondary_values.items():
        found += [f"{prefix}{key}.{rest}" for rest in values]
    return sorted(found)
