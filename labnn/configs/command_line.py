r"""
# Arguments

From what was typed to [overrides](overrides.html). An argument is `name=value` or one of a few
flags; `--name=value` is taken as well, out of habit. Values stay texts until the
[type](types.html) of their option is known.
"""

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from labnn.configs.types import CommandLineText, ConfigError

FLAGS = ("--help", "-h", "--print-config", "--dry-run")


def parse(arguments: list[str]) -> tuple[set[str], list[dict]]:
    """
    The flags, and the overrides in layers, of which the later ones count: a layer for each file in
    order, and one for what was typed. Raises `ConfigError`.
    """
    flags, layers, typed = set(), [], {}
    rest = iter(arguments)
    for argument in rest:
        if argument in FLAGS:
            flags.add("--help" if argument == "-h" else argument)
        elif argument == "--config" or argument.startswith("--config="):
            path = argument.partition("=")[2] if "=" in argument else next(rest, "")
            layers.append(read_config(path))
        elif "=" in argument and not argument.startswith("="):
            name, _, value = argument.removeprefix("--").partition("=")
            if name in typed and typed[name] != value:
                raise ConfigError(f"{name} is given twice, as {typed[name]} and as {value}")
            typed[name] = CommandLineText(value)
        else:
            raise ConfigError(
                f"{argument} is no argument; write options as name=value, or one of "
                f"{', '.join(FLAGS)}, --config FILE"
            )
    return flags, [*layers, typed]


def read_config(path: str) -> dict:
    """Options from a YAML file, by full names or nested. Raises `ConfigError`."""
    if not path:
        raise ConfigError("--config has no file; write --config FILE")
    try:
        loaded = OmegaConf.to_container(OmegaConf.load(path), resolve=False)
    except OSError as e:
        raise ConfigError(f"--config {path}: {e.strerror or e}") from e
    except (yaml.YAMLError, OmegaConfBaseException, UnicodeDecodeError) as e:
        raise ConfigError(f"--config {path} is no YAML: {' '.join(str(e).split())}") from e
    if not isinstance(loaded, dict):
        raise ConfigError(f"--config {path} holds a {type(loaded).__name__}; write name: value")
    return flatten(loaded)


def flatten(values: dict, prefix: str = "") -> dict:
    """`{"a": {"b": 1}}` as `{"a.b": 1}`: two files that name one option differently are one."""
    flat = {}
    for key, value in values.items():
        if isinstance(value, dict) and value:
            flat.update(flatten(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value
    return flat
