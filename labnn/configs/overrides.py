r"""
# Overrides

An override gives an option a value by name, `{"transformer.n_layers": 4}`. In code and on the
command line it is the same thing. All overrides are checked against the tree of options before
anything is computed, and every mistake is named at once:

* a key has to exist, at any depth: a misspelled one is answered with the nearest name
* a value has to fit the type and the range, a text has to name an option where there are options
* a text for a nested config chooses its primary option: `optimizer=Noam` is
  `optimizer.optimizer=Noam`; a dictionary gives several of its options

Values that are right and have no effect are found as well, after the first update: what was
overridden and never read (`unread`).

[Strict configs](base.html) call `resolve`; [the command line](command_line.html) makes the
dictionary.
"""

from collections.abc import Iterator
from typing import Any

from labml.configs import BaseConfigs

from labnn.configs.types import ConfigError, nearest


def nested_class(conf: BaseConfigs, key: str, chosen: Any = None) -> type | None:
    """
    The class of the config that stands behind a field, or `None`. It is known without computing
    anything, from the type of the field, its default, or what the chosen option says it returns.

    * `chosen` is the value that an override gives the field, if it gives one
    """
    types, defaults = conf._Configs__types, conf._Configs__defaults
    value = chosen if chosen is not None else given(conf, key)
    if isinstance(value, BaseConfigs):
        return type(value)
    if isinstance(types.get(key), type) and issubclass(types[key], BaseConfigs):
        return types[key]
    default = defaults.get(key)
    for name in (value, default):
        option = conf._Configs__options.get(key, {}).get(name) if isinstance(name, str) else None
        result = getattr(option.func, "__annotations__", {}).get("return") if option else None
        if isinstance(result, type) and issubclass(result, BaseConfigs):
            return result
    return type(default) if isinstance(default, BaseConfigs) else None


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
    below: dict[str, dict[str, Any]] = {}
    for key, value in values.items():
        if not isinstance(key, str) or not all(part.strip() for part in key.split(".")):
            problems.append(f"{where}{key} is no name of an option; write names joined by dots")
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
    for head, inner in below.items():
        template = _template(conf, head, values.get(head))
        if template is not None:
            _resolve(template, inner, f"{prefix}{head}.", f"{where}{head}.", clean, problems)
        elif conf._Configs__options.get(head) and not _is_plain(conf._Configs__types[head]):
            # Only the computed value tells whether this is a config: it checks the keys by then.
            for key, value in inner.items():
                _put(f"{prefix}{head}.{key}", value, where, clean, problems)
        else:
            first = next(iter(inner))
            problems.append(f"{where}{head} is a plain value, it has no option {first}")


def _take(conf, head, value, prefix, where, clean, problems, below) -> None:
    """One value for one field"""
    template = _template(conf, head, None)
    primary = getattr(template, "_primary", None)
    is_own = value in conf._Configs__options.get(head, {}) if isinstance(value, str) else True
    if primary and not is_own:
        _put(primary, value, f"{where}{head}.", below.setdefault(head, {}), problems)
        return
    try:
        value = conf._accept(head, value) if hasattr(conf, "_accept") else value
    except ConfigError as e:
        # Objects that only check values do not know what is around them.
        problems.append(str(e) if str(e).startswith(where) else where + str(e))
        return
    _put(f"{prefix}{head}", value, where.removesuffix(prefix), clean, problems)


def _put(key: str, value: Any, where: str, clean: dict, problems: list) -> None:
    """Two names for one option are one override, and two values for it are a mistake."""
    if key in clean and repr(clean[key]) != repr(value):
        problems.append(f"{where}{key} is given twice, as {clean[key]!r} and as {value!r}")
    clean[key] = value


def _template(conf: BaseConfigs, key: str, chosen: Any) -> BaseConfigs | None:
    """An object of the nested class, to look its fields up"""
    if key in conf._Configs__cached_configs:
        return conf._Configs__cached_configs[key]
    cls = nested_class(conf, key, chosen)
    return cls() if cls else None


def _is_plain(annotation: Any) -> bool:
    """A type that no config can stand for"""
    return annotation in (int, float, bool, str, list, dict, tuple) or hasattr(
        annotation, "__metadata__"
    )


def names(conf: BaseConfigs, prefix: str = "") -> Iterator[str]:
    """The full names of all options"""
    for key in conf._Configs__types:
        yield prefix + key
        template = _template(conf, key, None)
        if template is not None:
            yield from names(template, f"{prefix}{key}.")


def _unknown(conf: BaseConfigs, key: str, where: str) -> str:
    """The line for a key that does not exist"""
    known = list(names(conf))
    # A name from deeper down may have been typed without what stands before it.
    near = next((name for name in known if name.endswith(f".{key}")), None) or nearest(key, known)
    if near:
        hint = f"did you mean {where}{near}?"
    else:
        hint = f"it has {', '.join(known)}" if len(known) < 12 else "--help lists all options"
    return f"{where}{key} is no option of {type(conf).__name__}; {hint}"


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
