r"""
# Arguments

What was typed behind the name of an experiment becomes [overrides](overrides.html).

An argument is `name=value` or one of a few flags; `--name=value` is taken as well, out of habit. A
shell hands over texts only, so values stay texts until the [type](types.html) of their option is
known.

[The command line of an experiment](../runs/command.html) says what each flag does.
"""

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from labnn.configs.types import CommandLineText, ConfigError

# Flags that stand alone
FLAGS = ("--help", "-h", "--print-config", "--dry-run")
# Flags with what comes after them
VALUED = {"--config": "FILE", "--resume": "RUN", "--allow-change": "OPTION"}


def parse(arguments: list[str]) -> tuple[dict[str, list[str]], list[dict]]:
    """
    The flags with their values, and the overrides in layers, of which the later ones count: a layer
    for each file in order, and one for what was typed. Raises `ConfigError`.
    """
    flags, layers, typed = {}, [], {}
    rest = iter(arguments)
    for argument in rest:
        flag, has_value, value = argument.partition("=")
        if argument in FLAGS:
            flags["--help" if argument == "-h" else argument] = []
        elif flag in VALUED:
            # `--config=FILE` and `--config FILE` are the same.
            value = value if has_value else next(rest, "")
            if not value or value.startswith("--"):
                raise ConfigError(
                    f"{flag} has no {VALUED[flag].lower()}; write {flag} {VALUED[flag]}"
                )
            if flag == "--config":
                layers.append(read_config(value))
            else:
                flags.setdefault(flag, []).append(value)
        elif "=" in argument and not argument.startswith("="):
            name, _, value = argument.removeprefix("--").partition("=")
            # Nobody could tell which of two values counts.
            if name in typed and typed[name] != value:
                raise ConfigError(f"{name} is given twice, as {typed[name]} and as {value}")
            typed[name] = CommandLineText(value)
        else:
            raise ConfigError(
                f"{argument} is no argument; write options as name=value, or one of "
                f"{', '.join([*FLAGS, *map(' '.join, VALUED.items())])}"
            )
    # A run that goes on is one run, and has the options that it had.
    if len(flags.get("--resume", [])) > 1:
        raise ConfigError(f"--resume takes one run, not {', '.join(flags['--resume'])}")
    for other in ("--dry-run", "--print-config"):
        if "--resume" in flags and other in flags:
            raise ConfigError(f"--resume goes on with a run, and {other} runs none; leave one out")
    if "--allow-change" in flags and "--resume" not in flags:
        raise ConfigError("--allow-change goes with --resume RUN")
    return flags, [*layers, typed]


def read_config(path: str) -> dict:
    """Options from a YAML file, by full names or nested. Raises `ConfigError`."""
    try:
        # What looks like an interpolation stays the text that it is, as everywhere else.
        loaded = OmegaConf.to_container(OmegaConf.load(path), resolve=False)
    except OSError as e:
        raise ConfigError(f"--config {path}: {e.strerror or e}") from e
    except (yaml.YAMLError, OmegaConfBaseException, UnicodeDecodeError) as e:
        raise ConfigError(f"--config {path} is no YAML: {' '.join(str(e).split())}") from e
    if not isinstance(loaded, dict):
        raise ConfigError(f"--config {path} holds a {type(loaded).__name__}; write name: value")
    return flatten(loaded)


def flatten(values: dict, prefix: str = "") -> dict:
    """`{"a": {"b": 1}}` as `{"a.b": 1}`, so that an option has one name in all files"""
    flat = {}
    for key, value in values.items():
        if isinstance(value, dict) and value:
            flat.update(flatten(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value
    return flat
