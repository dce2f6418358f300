r"""
# Listing Options

Every option of an experiment, with nested ones, for `--help` and `--print-config`. What is said
about an option stands in the source already: the comment above the field, the first line of the
docstring of each choice. It is read from there, so that it is written once.

Values are those that a run would start with. Options that hang on the text, such as the size of the
vocabulary, are computed by the run and are left out of `--print-config`: read back, they would no
longer follow the text.
"""

import ast
import inspect
import re
import sys
import textwrap
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from io import StringIO
from typing import Any

import yaml
from labml.configs import BaseConfigs

from labnn.configs.overrides import given, keys, look, nested_class
from labnn.configs.types import describe
from labnn.configs.written_options import plain

# Fields of labml_helpers that its own loop reads, and ours does not, or that only code can set
UNUSED = {
    "loop_count",
    "loop_step",
    "is_save_models",
    "log_new_line_interval",
    "log_write_interval",
    "save_models_interval",
    "is_loop_on_interrupt",
    "is_track_time",
    "state_modules",
}


@dataclass
class Option:
    """
    ## An option

    `takes` says in words what it can be, and `text` what it is for.
    """

    name: str
    takes: str
    value: Any
    # Names of the choices with what each is
    choices: dict[str, str]
    text: str
    is_overridden: bool
    # Whether the value is found out by the run
    is_computed: bool


@cache
def comments(cls: type) -> dict[str, str]:
    """The comment above each field in the body of a class, without the links of its page"""
    try:
        source = textwrap.dedent(inspect.getsource(cls))
    except (OSError, TypeError):
        return {}
    lines = {
        token.start[0]: token.string.lstrip("# ")
        for token in tokenize.generate_tokens(StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    found = {}
    for node in ast.parse(source).body[0].body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            above, number = [], node.lineno - 1
            while number in lines:
                above.insert(0, lines[number])
                number -= 1
            found[node.target.id] = unlinked(" ".join(above))
    return found


def unlinked(text: str) -> str:
    """Markdown as it reads on a terminal"""
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)


def first_line(function: Any) -> str:
    """What a choice says about itself"""
    doc = inspect.getdoc(function) or ""
    return unlinked(doc.strip().split("\n")[0]) if not inspect.isclass(function) else ""


def list_options(conf: BaseConfigs, prefix: str = "") -> Iterator[Option]:
    """The options of a config and of those in it, in the order of the classes, base classes last"""
    texts: dict[str, str] = {}
    # The class that is nearest to the experiment has the last word.
    for cls in reversed(type(conf).__mro__):
        texts.update({key: text for key, text in comments(cls).items() if text})
    own = [k for k in type(conf).__dict__.get("__annotations__", {}) if not k.startswith("_")]
    others = [key for key in keys(conf) if key not in own]
    for key in [*own, *others]:
        if key in UNUSED:
            continue
        nested = conf._nested(key) if nested_class(conf, key) else None
        if nested is None:
            yield _option(conf, key, prefix, texts.get(key, ""))
        else:
            yield from list_options(nested, f"{prefix}{key}.")


def _option(conf: BaseConfigs, key: str, prefix: str, text: str) -> Option:
    """One option that is no config"""
    known = look(conf, key)
    return Option(
        name=prefix + key,
        takes=describe(known.annotation),
        value=None if known.is_late else given(conf, key),
        # labml_helpers' own parts do not go with this loop.
        choices={
            name: first_line(function)
            for name, function in known.functions.items()
            if not name.startswith("_")
        },
        text=text,
        is_overridden=known.is_overridden,
        is_computed=known.is_late,
    )


def config_of(cls: type, options: dict, *overrides: dict) -> BaseConfigs:
    """The configs of an experiment with their values. Raises `ConfigError`."""
    from labnn.runs.launch import prepared

    conf, values = prepared(cls, options, *overrides)
    conf._set_values(values)
    return conf


def help_text(program: str, cls: type, options: dict, *overrides: dict) -> str:
    """What `--help` prints"""
    lines = [
        f"usage: {program} [name=value ...] [--config FILE]",
        "       [--resume RUN [--allow-change NAME]] [--print-config] [--dry-run] [--help]",
        "",
        *textwrap.dedent(inspect.getmodule(cls).__doc__ or "").strip().split("\n\n")[1:2],
        "",
        "--resume goes on with a run, by its name, any beginning of it, or auto for the newest.",
        "Its options are those that it had; --allow-change lets one of them be another.",
        "",
    ]
    for option in list_options(config_of(cls, options, *overrides)):
        value = "found out by the run" if option.is_computed else shown(option.value)
        lines.append(f"  {option.name}={value}")
        lines += wrapped(f"{option.text or 'undocumented'} ({option.takes})")
        for name, text in option.choices.items():
            lines += wrapped(f"{name}: {text}" if text else name, indent=8)
    return "\n".join(lines)


def known_options(cls: type, values: dict) -> dict[str, Any]:
    """
    Every option with its value, as a run starts with it; null where the run computes it.

    * `values` are the overrides
    """
    found = list_options(config_of(cls, values))
    return {option.name: None if option.is_computed else plain(option.value) for option in found}


def wrapped(text: str, indent: int = 6) -> list[str]:
    """Lines of at most 100 characters"""
    return textwrap.wrap(
        text, 100, initial_indent=" " * indent, subsequent_indent=" " * (indent + 2)
    )


def shown(value: Any) -> str:
    """A default in one short line"""
    text = "" if value is None else str(plain(value))
    return text if len(text) <= 60 else text[:57] + "..."


def config_text(cls: type, options: dict, *overrides: dict) -> str:
    """What `--print-config` prints: full names, one a line, as they are typed."""
    found = {}
    for option in list_options(config_of(cls, options, *overrides)):
        value = plain(option.value)
        if option.value is not None or option.is_overridden:
            found[option.name] = value
    # The file is read back as UTF-8. A stream of another encoding gets escapes.
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    is_utf8 = encoding.lower().replace("-", "") == "utf8"
    return yaml.dump(found, Dumper=Dumper, sort_keys=False, allow_unicode=is_utf8, width=100)


class Dumper(yaml.SafeDumper):
    """
    ## YAML that both readers of YAML read alike

    `1e5` is a text for PyYAML, which writes, and a number for OmegaConf, which reads.
    """


def quoted(dumper: Dumper, text: str) -> yaml.Node:
    """A text, in quotes if it begins like a number"""
    style = "'" if re.match(r"[-+.\d]", text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


Dumper.add_representer(str, quoted)
