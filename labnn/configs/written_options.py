r"""
# Options Written Down

What a run was made of has to be there when it is over.

labml writes `configs.yaml` whenever a value was computed, and leaves out defaults, long values, and
all of a nested config that was not computed yet: no run can be rebuilt from it. Here each option
has its value, as far as it is known without computing anything: this happens in the middle of
computing, and an option that was read for the file could not be set any more.

A run is rebuilt by giving the values back as [overrides](overrides.html).
[`--help`](../runs/options.html) lists the same options.
"""

from contextlib import suppress
from pathlib import PurePath
from typing import Any

from labml.configs import BaseConfigs

from labnn.configs.overrides import given, nested_class, template
from labnn.configs.types import short


def to_list(conf: BaseConfigs, key: str) -> BaseConfigs | None:
    """
    The config behind a field with its overrides and the defaults that its option sets, without
    computing what it stands for: asking for the rate of an optimizer builds no model. `None` where
    there is no config.
    """
    if key in conf._Configs__cached_configs:
        return conf._Configs__cached_configs[key]
    value, _ = conf._Configs__get_value(key)
    if isinstance(value, str) and nested_class(conf, key):
        option = conf._Configs__options.get(key, {}).get(value)
        value = option(conf) if option else value
    within = (*getattr(conf, "_within", ()), type(conf))
    # A list of a config that holds one of its own class would have no end.
    if not isinstance(value, BaseConfigs) or type(value) in within:
        return None
    value._within = within
    # It learns the names around it, and gets the overrides that wait for it.
    value._set_ancestry([*conf._Configs__ancestry, key])
    value._set_values(conf._Configs__secondary_values.get(key, {}))
    return value


def written(value: Any) -> Any:
    """A value as YAML has it. Raises `TypeError` for an object, which YAML cannot give back."""
    if isinstance(value, (list, tuple)):
        return [written(item) for item in value]
    if isinstance(value, dict):
        return {written(key): written(item) for key, item in value.items()}
    if isinstance(value, (str, PurePath)):
        return str(value)
    if type(value) in (bool, int, float, type(None)):
        return value
    raise TypeError(f"{type(value).__name__} is no plain value")


def is_written(value: Any) -> bool:
    """Whether YAML can give a value back"""
    try:
        written(value)
    except TypeError:
        return False
    return True


def plain(value: Any) -> Any:
    """An override as YAML has it; an object becomes its text."""
    if isinstance(value, (bool, int, float, type(None))):
        return value
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    return str(value)


def complete(conf: BaseConfigs, rows: dict[str, dict]) -> dict[str, dict]:
    """
    labml's description of the options, with all values that are known.

    * `rows` has a row for each field of `conf` and of the nested configs that were computed
    """
    for key in conf._Configs__types:
        # An object keeps labml's text if it was given, and has none if it is a default.
        with suppress(TypeError):
            rows[key]["value"] = written(given(conf, key))
        # A nested config that was not computed lists its own fields.
        nested = template(conf, key) if key not in conf._Configs__cached_configs else None
        if nested is not None and type(nested) not in getattr(nested, "_within", ()):
            for name, row in nested._to_json().items():
                # An option that makes a config may set defaults, and nobody knows them yet.
                known = {} if nested is given(conf, key) else {"value": None}
                rows[f"{key}.{name}"] = {**row, **known}
        # These overrides wait for a config that is not there yet.
        for name, value in conf._Configs__secondary_values.get(key, {}).items():
            row = {"name": name, **rows.get(f"{key}.{name}", dict.fromkeys(rows[key]))}
            row.update(value=short(value), is_explicitly_specified=True)
            with suppress(TypeError):
                row["value"] = written(value)
            rows[f"{key}.{name}"] = row
    return rows
