r"""
# Strict Configs

labml's `BaseConfigs` computes options when they are first read, lets each be overridden by name,
and nests. It also accepts almost any mistake: a misspelled option name becomes the value, a
misspelled nested key is kept and never reported, a type is never looked at, the default of a
subclass changes its base class. `StrictConfigs` is the same thing with those doors closed.

It is used like `BaseConfigs`. What differs:

* every field with options names its default; a text given to it is always the name of an option
* values, defaults and results are held to the [annotation](types.html)
* [overrides](overrides.html) are checked as a whole, nested ones too, before anything is computed
* a class has its own copy of each field, so that nothing leaks into its base or its siblings
* an option that fails, gives nothing or needs itself says so with its full path

labml's engine has private names, and this page and [the rules for class bodies](rules.html) are
the only places that use those of its configs. They are checked when labnn is imported: with another
labml they could mean something else.

[Training configs](training.html) build on this page.
"""

import copy
from collections.abc import Callable
from typing import Any

from labml.configs import BaseConfigs
from labml.internal.configs.utils import Value

from labnn.configs import rules
from labnn.configs.guards import LABML, check_versions
from labnn.configs.overrides import given, nested_class, resolve
from labnn.configs.types import ConfigError, convert, did_you_mean

check_versions(LABML)

# The options that are being computed, outermost first, as (config, field, path)
_computing: list[tuple[int, str, str]] = []


class StrictConfigs(BaseConfigs):
    """
    ## Strict configs

    Subclass it, annotate fields, add options with `labml.configs.option`. A method named `check`
    may raise `ConfigError` for values that do not go together; a run calls it before data is read.
    """

    def __init_subclass__(cls, **kwargs):
        """
        The class body is read before labml takes it apart. Then the class gets its own copy of
        every field that it inherits, so that an option registered for it stays with it.
        """
        rules.check_body(cls)
        super().__init_subclass__(**kwargs)
        rules.own_fields(cls)

    def __init__(self, *, _primary: str | None = None):
        """
        * `_primary` is the field that stands for the whole config when it is nested in another
        """
        self._prepared: dict[str, BaseConfigs] = {}
        super().__init__(_primary=_primary)
        rules.check_defaults(self)

    def check(self):
        """Refuse values that do not go together."""

    def _overrides(self) -> dict[str, Any]:
        """What was overridden, here and in nested configs, by full names"""
        found = dict(self._Configs__values_override)
        for key, nested in self._Configs__cached_configs.items():
            inner = getattr(nested, "_overrides", dict)()
            found.update((f"{key}.{name}", value) for name, value in inner.items())
        for key, values in self._Configs__secondary_values.items():
            found.update((f"{key}.{name}", value) for name, value in values.items())
        return found

    def _path(self, item: str) -> str:
        """A field with the names of the configs around it."""
        return ".".join([*self._Configs__ancestry, item])

    def _Configs__collect_config_items(self, classes: list) -> None:
        """
        labml merges the fields of all base classes into the objects of the first one that declares
        them, and so changes that class. Here the nearest declaration wins and nothing is written.
        Lists, dictionaries and nested configs are copied: a class body makes them only once.
        """
        for key, field in rules.fields(type(self)).items():
            self._Configs__config_items[key] = field
            self._Configs__types[key] = field.annotation
            if field.has_value:
                self._Configs__defaults[key] = copy.deepcopy(field.value)

    def _set_values(self, values: dict[str, Any]) -> None:
        """Take overrides: all of them are good, or none is taken and every mistake is named."""
        values = resolve(self, values)
        for key in values:
            if key in self._Configs__cached:
                raise ConfigError(f"{self._path(key)} cannot be set any more: it was read already")
        super()._set_values(values)

    def __setattr__(self, key: str, value: Any) -> None:
        """An assignment is held to the same rules as an override."""
        if not key.startswith("_"):
            if key not in self._Configs__types:
                raise AttributeError(self._unknown(key))
            if key in self._Configs__cached:
                raise ConfigError(f"{self._path(key)} cannot be set any more: it was read already")
            value = self._accept(key, value)
        super().__setattr__(key, value)
        if not key.startswith("_") and self._Configs__update_callback is not None:
            self._Configs__update_callback()

    def set_default(self, item: Any, value: Any = None, func: Callable | None = None) -> None:
        """A default for this object only, as a value or as a function that gives it when needed."""
        key = getattr(item, "key", item)
        if key not in self._Configs__types:
            raise ConfigError(self._unknown(key))
        if func is None:
            value = self._accept(key, value)
        super().set_default(rules.fields(type(self))[key], value, func)

    def _accept(self, key: str, value: Any) -> Any:
        """A value for a field: the name of an option, a nested config, or what its type takes."""
        options = self._choices(key)
        if isinstance(value, str) and options:
            if value in options or value == "__aggregate__":
                return value
            raise ConfigError(
                f"{self._path(key)} has no option {value!r}, there is: {', '.join(options)}"
                + did_you_mean(value, options)
            )
        if isinstance(value, BaseConfigs):
            return value
        try:
            return convert(value, self._Configs__types[key])
        except ConfigError as e:
            names = f", or one of the options {', '.join(options)}" if options else ""
            raise ConfigError(f"{self._path(key)} {e}{names}") from e.__cause__

    def _choices(self, key: str) -> list[str]:
        """The names that a text may be: options, and those that set several fields at once."""
        names = [*self._Configs__options.get(key, {})]
        return names + sorted(self._Configs__aggregates_options.get(key, set()) - set(names))

    def _unknown(self, key: str) -> str:
        """The line that says that there is no such field."""
        hint = did_you_mean(key, [*self._Configs__types], self._path(""))
        return f"{self._path(key)} is no option of {type(self).__name__}{hint}"

    def _Configs__get_value(self, item: str) -> tuple[Any, bool]:
        """labml's order, without comparing an array with a text, and without its guess."""
        if item in self._Configs__cached:
            return self._Configs__cached[item], True
        value, has = self._Configs__get_value_direct(item)
        if has and not (isinstance(value, str) and value == "__aggregate__"):
            return value, True
        value, has = self._Configs__get_value_aggregate(item)
        if has:
            return value, True
        return self._Configs__defaults.get(item), item in self._Configs__defaults

    def _Configs__calculate(self, item: str) -> None:
        """Compute a field that is read for the first time."""
        if item not in self._Configs__types:
            raise AttributeError(self._unknown(item))
        frame = (id(self), item, self._path(item))
        if any(frame[:2] == other[:2] for other in _computing):
            first = next(i for i, other in enumerate(_computing) if frame[:2] == other[:2])
            cycle = " → ".join(path for *_, path in [*_computing[first:], frame])
            raise ConfigError(f"these options need each other: {cycle}; give one of them a value")
        _computing.append(frame)
        try:
            self._Configs__order[item] = self._Configs__n_calculated
            self._Configs__n_calculated += 1
            value, has = self._Configs__get_value(item)
            if not has:
                raise ConfigError(f"{frame[2]} has no value; set {frame[2]}=…")
            if item in self._prepared:
                return self._Configs__set_calculated_value(item, self._prepared[item])
            options = self._Configs__options.get(item, {})
            if isinstance(value, str) and value in options:
                self._compute(item, value, options[value])
            else:
                self._Configs__set_calculated_value(item, self._accept_text(item, value))
        finally:
            _computing.pop()

    def _nested(self, item: str) -> BaseConfigs | None:
        """
        The config behind a field, without computing what it stands for: asking for the rate of an
        optimizer builds no model. `None` where there is no config.
        """
        if item in self._Configs__cached_configs:
            return self._Configs__cached_configs[item]
        if item not in self._prepared:
            value, _ = self._Configs__get_value(item)
            option = (
                self._Configs__options.get(item, {}).get(value, None)
                if isinstance(value, str)
                else None
            )
            value = option(self) if option and nested_class(self, item) else value
            if not isinstance(value, BaseConfigs):
                return None
            value._set_ancestry([*self._Configs__ancestry, item])
            value._set_values(self._Configs__secondary_values.pop(item, {}))
            self._prepared[item] = value
        return self._prepared[item]

    def _accept_text(self, item: str, value: Any) -> Any:
        """The value of a combination of options may be a wrong name as well."""
        return self._accept(item, value) if isinstance(value, str) else value

    def _compute(self, item: str, name: str, function: Callable) -> None:
        """
        Call an option and keep what it gives. An `AttributeError` must not leave as one: `hasattr`
        and `getattr` would take it for a missing field.
        """
        try:
            result = function(self)
        except ConfigError:
            raise
        except (AttributeError, ValueError) as e:
            kind = "" if isinstance(e, ValueError) else f"{type(e).__name__}: "
            # A message that names options of this config needs no path in front.
            where = "" if self._path("") and self._path("") in str(e) else f"{self._path(item)}: "
            raise ConfigError(f"{where}{kind}{e}") from e
        names = function.config_names
        if not isinstance(names, list) or len(names) == 1:
            return self._keep(item, name, result)
        if not isinstance(result, (list, tuple)) or len(result) != len(names):
            raise ConfigError(f"{self._path(item)}: option {name} has to give {len(names)} values")
        for key, part in zip(names, result, strict=True):
            # A field that was overridden, or read before, keeps what it has.
            if key == item or key not in self._Configs__cached and self._chosen(key) == name:
                self._keep(key, name, part)

    def _chosen(self, key: str) -> str | None:
        """The name of the option that a field would use now"""
        value, _ = self._Configs__get_value(key)
        return value if isinstance(value, str) else None

    def _keep(self, key: str, name: str, value: Any) -> None:
        """Hold the result of an option to the type of its field."""
        if not isinstance(value, BaseConfigs):
            try:
                value = convert(value, self._Configs__types[key])
            except ConfigError as e:
                raise ConfigError(f"{self._path(key)}: the result of option {name} {e}") from e
        self._Configs__set_calculated_value(key, value)

    def _Configs__set_calculated_value(self, item: str, value: Any) -> None:
        """A nested config tells the same listener, so that what is written down is never stale."""
        if isinstance(value, BaseConfigs):
            value._set_update_callback(self._Configs__update_callback)
        elif self._Configs__secondary_values.get(item):
            first = next(iter(self._Configs__secondary_values[item]))
            raise ConfigError(f"{self._path(item)} is no config, it has no option {first}")
        super()._Configs__set_calculated_value(item, value)

    def _to_json(self) -> dict[str, dict]:
        """
        Every option for `configs.yaml`: labml leaves out what was not computed and all defaults, so
        that no run can be rebuilt from it.
        """
        rows = super()._to_json()
        for key in self._Configs__types:
            if rows[key]["value"] is None:
                rows[key]["value"] = Value.to_yaml_truncated(given(self, key))
            nested = self._nested(key) if nested_class(self, key) else None
            if nested is not None and key not in self._Configs__cached_configs:
                rows[key]["value"] = rows[key]["value"] or Value.to_yaml_truncated(nested)
                rows.update((f"{key}.{name}", row) for name, row in nested._to_json().items())
        return rows

    def _set_update_callback(self, update_callback: Callable | None) -> None:
        """Who is told when a value was computed"""
        super()._set_update_callback(update_callback)
        for nested in self._Configs__cached_configs.values():
            nested._set_update_callback(update_callback)
