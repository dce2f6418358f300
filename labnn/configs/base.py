r"""
# Strict Configs

labml's `BaseConfigs` computes options when they are first read, lets each be overridden by name,
and nests. It also accepts almost any mistake: a misspelled option name becomes the value, a
misspelled nested key is never reported, no type is looked at, the default of a subclass changes
its base class.

`StrictConfigs` is used in the same way, with those doors closed:

* every field with options names its default; a text given to it is always the name of an option
* values, defaults and results are held to the [annotation](types.html)
* [overrides](overrides.html) are checked as a whole, nested ones too, before anything is computed
* a class has its own copy of each field, so that nothing leaks into its base or its siblings
* an option that fails, gives nothing or needs itself says so with its full path

labml's engine has private names. This page, [the rules for class bodies](rules.html), overrides and
[what is written down](written_options.html) use them, and a test looks at each. The version is
[checked](guards.html) when labnn is imported: with another labml they could mean something else.

[Training configs](training.html) build on this page.
"""

import copy
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from labml.configs import BaseConfigs

from labnn.configs import rules
from labnn.configs.guards import LABML, check_versions
from labnn.configs.overrides import all_overrides, resolve
from labnn.configs.types import ConfigError, convert, did_you_mean, is_none, is_plain, short
from labnn.configs.written_options import complete, to_list

check_versions(LABML)

# The options that are being computed, outermost first: `id` of the config, field, full name
_computing: ContextVar[tuple] = ContextVar("computing", default=())

# Mistakes in the code of an option. What torch and the system raise keeps its kind.
_FAILURES = (ArithmeticError, AssertionError, AttributeError, LookupError, NameError)
_FAILURES += (NotImplementedError, RecursionError, StopIteration, TypeError, ValueError)


class StrictConfigs(BaseConfigs):
    """
    ## StrictConfigs

    Subclass it, annotate fields, add options with `labml.configs.option`. A method named `check`
    may raise [`ConfigError`] for values that do not go together; a run calls it before data is
    read.
    """

    def __init_subclass__(cls, **kwargs):
        """The body is checked before labml takes it apart; then the class gets its own fields."""
        rules.check_body(cls)
        super().__init_subclass__(**kwargs)
        rules.own_fields(cls)

    def __init__(self, *, _primary: str | None = None):
        """
        * `_primary` is the field that stands for the whole config when it is nested in another
        """
        self._choosing: list[str] = []
        super().__init__(_primary=_primary)
        rules.check_defaults(self)

    def check(self):
        """Refuse values that do not go together."""

    def _overrides(self) -> dict[str, Any]:
        """What was overridden, here and in nested configs, by full names"""
        return all_overrides(self)

    def _is_computed(self, item: str) -> bool:
        """Whether a field was read"""
        return item in self._Configs__cached

    def _path(self, item: str) -> str:
        """The full name of a field, such as `transformer.ffn.d_ff`"""
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
        super()._set_values(resolve(self, values))

    def __setattr__(self, key: str, value: Any) -> None:
        """An assignment is held to the same rules as an override, and does not replace one."""
        if key.startswith("_"):
            return super().__setattr__(key, value)
        if key not in self._Configs__types:
            raise AttributeError(self._unknown(key))
        self._check_unread(key)
        values = resolve(self, {key: value})
        # A text for a nested config becomes its primary option, which is no field of this one.
        if key not in values:
            names = ", ".join(self._path(name) for name in values) or "its options"
            raise ConfigError(f"{self._path(key)} stands for a config; override {names} instead")
        super().__setattr__(key, values[key])
        if self._Configs__update_callback is not None:
            self._Configs__update_callback()

    def set_default(self, item: Any, value: Any = None, func: Callable | None = None) -> None:
        """A default for this object only, as a value or as a function that gives it when needed."""
        key = getattr(item, "key", item)
        if not isinstance(key, str) or key not in self._Configs__types:
            raise ConfigError(self._unknown(str(key)))
        self._check_unread(key)
        if func is None:
            value = self._accept(key, value)
        super().set_default(rules.fields(type(self))[key], value, func)

    def _check_unread(self, key: str) -> None:
        """Raises `ConfigError` for a field that was read: whoever read it has the old value."""
        if key in self._Configs__cached:
            raise ConfigError(f"{self._path(key)} cannot be set any more: it was read already")

    def _accept(self, key: str, value: Any) -> Any:
        """A value for a field: the name of an option, a nested config, or what its type takes."""
        options = self._choices(key)
        # labml's mark for a field that a combination of options sets
        if isinstance(value, str) and value == "__aggregate__" and key in self._Configs__aggregates:
            return str(value)
        if isinstance(value, str) and value in options:
            return str(value)
        if isinstance(value, str) and options and not self._is_spelt(key, value):
            raise ConfigError(
                f"{self._path(key)} has no option {short(value)}, there is: {', '.join(options)}"
                + did_you_mean(value, options)
            )
        # The field that a config stands for is held to the type when it is computed.
        if isinstance(value, BaseConfigs) and value._primary:
            return value
        try:
            return convert(value, self._Configs__types[key])
        except ConfigError as e:
            names = f", or one of the options {', '.join(options)}" if options else ""
            raise ConfigError(f"{self._path(key)} {e}{names}") from e.__cause__

    def _is_spelt(self, key: str, text: str) -> bool:
        """Whether a text can only be a value: nothing, or a number where one is asked for"""
        begins_so = text[:1] in set("[+-.0123456789")
        return is_none(text) or begins_so and is_plain(self._Configs__types[key])

    def _choices(self, key: str) -> list[str]:
        """The names that a text may be: options, and those that set several fields at once."""
        names = [*self._Configs__options.get(key, {})]
        return names + sorted(self._Configs__aggregates_options.get(key, set()) - set(names))

    def _unknown(self, key: str) -> str:
        """The line that says that there is no such field."""
        hint = did_you_mean(key, [*self._Configs__types], self._path(""))
        return f"{self._path(key)} is no option of {type(self).__name__}{hint}"

    def _circle(self, what: str, paths: list[str]) -> ConfigError:
        """The error that names all options of a circle"""
        return ConfigError(f"these options {what}: {' → '.join(paths)}; give one of them a value")

    def _Configs__get_value(self, item: str) -> tuple[Any, bool]:
        """labml's order, without comparing an array with a text, and without its guess."""
        if item in self._Configs__cached:
            return self._Configs__cached[item], True
        is_combined = item in self._Configs__aggregates
        value, has = self._Configs__get_value_direct(item)
        if has and not (is_combined and isinstance(value, str) and value == "__aggregate__"):
            return value, True
        # A combination is looked for in other fields, which may be set by this one in turn.
        if item in self._choosing:
            circle = [*self._choosing[self._choosing.index(item) :], item]
            raise self._circle("set each other", [self._path(key) for key in circle])
        self._choosing.append(item)
        try:
            value, has = self._Configs__get_value_aggregate(item)
        finally:
            self._choosing.pop()
        if has:
            return value, True
        return self._Configs__defaults.get(item), item in self._Configs__defaults

    def _Configs__calculate(self, item: str) -> None:
        """Compute a field that is read for the first time."""
        if item not in self._Configs__types:
            raise AttributeError(self._unknown(item))
        frames, path = _computing.get(), self._path(item)
        places = [frame[:2] for frame in frames]
        # An option that is asked for while it is computed needs itself.
        if (id(self), item) in places:
            first = places.index((id(self), item))
            raise self._circle("need each other", [*(p for *_, p in frames[first:]), path])
        token = _computing.set((*frames, (id(self), item, path)))
        try:
            self._Configs__order[item] = self._Configs__n_calculated
            self._Configs__n_calculated += 1
            value, has = self._Configs__get_value(item)
            if not has:
                raise ConfigError(f"{path} has no value; set {path}=…")
            options = self._Configs__options.get(item, {})
            if isinstance(value, str) and value in options:
                self._compute(item, value, options[value])
            else:
                # What a function or a combination of options gave was not looked at before.
                self._Configs__set_calculated_value(item, self._accept(item, value))
        except ConfigError:
            raise
        # `hasattr` and `getattr` would take an `AttributeError` for a missing field.
        except _FAILURES as e:
            kind = "" if isinstance(e, ValueError) else f"{type(e).__name__}: "
            text = " ".join(str(e).split())
            # A message that names options of this config needs no path in front.
            where = "" if self._path("") and self._path("") in text else f"{path}: "
            raise ConfigError(f"{where}{kind}{text}".rstrip(": ")) from e
        finally:
            _computing.reset(token)

    def _nested(self, item: str) -> BaseConfigs | None:
        """The config behind a field, for a list of options; `None` where there is no config"""
        return to_list(self, item)

    def _compute(self, item: str, name: str, function: Callable) -> None:
        """Call an option and keep what it gives."""
        # labml hands the config to anything that takes one argument: `ReLU(inplace=conf)`.
        first, *others = function.params or [None]
        if first and not others and first.default is not first.empty and not function.pass_params:
            raise ConfigError(
                f"{self._path(item)}: labml would call option {name} with {first.name}=conf; "
                "register a function that makes what is wanted"
            )
        result, names = function(self), function.config_names
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
            value = self._held(key, f"the result of option {name}", value)
        self._Configs__set_calculated_value(key, value)

    def _held(self, key: str, what: str, value: Any) -> Any:
        """A value that was computed, as the type of its field wants it"""
        try:
            return convert(value, self._Configs__types[key])
        except ConfigError as e:
            raise ConfigError(f"{self._path(key)}: {what} {e}") from e

    def _Configs__set_calculated_value(self, item: str, value: Any) -> None:
        """A nested config tells the same listener, so that what is written down is never stale."""
        if not isinstance(value, BaseConfigs):
            if self._Configs__secondary_values.get(item):
                first = next(iter(self._Configs__secondary_values[item]))
                raise ConfigError(f"{self._path(item)} is no config, it has no option {first}")
            return super()._Configs__set_calculated_value(item, value)
        value._set_update_callback(self._Configs__update_callback)
        overrides = self._Configs__secondary_values.get(item, {})
        try:
            super()._Configs__set_calculated_value(item, value)
            # labml keeps what the config stands for, and has not looked at its type.
            result = self._Configs__cached.pop(item)
            what = f"what {type(value).__name__} stands for"
            self._Configs__cached[item] = self._held(item, what, result)
        except BaseException:
            # labml has taken the overrides out: whoever reads the field again must not miss them.
            self._Configs__cached_configs.pop(item, None)
            self._Configs__secondary_values[item] = overrides
            raise

    def _to_json(self) -> dict[str, dict]:
        """Every option for `configs.yaml`"""
        return complete(self, super()._to_json())

    def _set_update_callback(self, update_callback: Callable | None) -> None:
        """Who is told when a value was computed"""
        super()._set_update_callback(update_callback)
        for nested in self._Configs__cached_configs.values():
            nested._set_update_callback(update_callback)
