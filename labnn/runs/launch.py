r"""
# Launch

An experiment is run by `launch`, which takes the class of its configs and what it changes from the
defaults, and returns the finished configs. A new experiment needs no change here.

labml's own form works as well,

    experiment.create(name="mine", writers=set())
    conf = Configs()
    experiment.configs(conf, {"batch_size": 32})
    attach(conf)
    with experiment.start():
        conf.run()

where `attach` stands where `experiment.add_pytorch_models` stood in older versions of labml.
"""

import inspect
from pathlib import Path
from typing import Any

from labml import experiment, lab

from labnn.configs.guards import check_registered
from labnn.configs.loop import Listener
from labnn.configs.overrides import given, resolve, template
from labnn.runs.session import Session
from labnn.runs.tracking import Plain, quiet, reset_tracker


def prepared(cls: type, options: dict, overrides: dict | None = None) -> tuple[Any, dict]:
    """
    The configs of an experiment before they get their values, and the values. Raises `ConfigError`.
    """
    conf = cls()
    return conf, {**resolve(conf, options), **resolve(conf, overrides or {})}


def launch(name: str, cls: type, options: dict, overrides: dict | None = None) -> Any:
    """
    Run an experiment and return its configs. Raises `ConfigError` for a mistake in the options or
    in the text, before a folder is made.

    * `name` is the folder of its runs
    * `cls` is the class of its configs
    * `options` is what the experiment changes from the defaults of the class
    * `overrides` is what this run changes from that
    """
    return start(name, cls, options, overrides, None)


def start(
    name: str, cls: type, options: dict, overrides: dict | None, listener: Listener | None
) -> Any:
    """
    What `launch` and `dry_run` share.

    * `listener` surrounds the training; a `Session` if `None`
    """
    conf, values = prepared(cls, options, overrides)
    with quiet():
        lab.configure({"path": str(Path.cwd()), "check_repo_dirty": False})
        reset_tracker()
        experiment.create(uuid="unnamed", name=name, writers=set(), python_file=source_file(cls))
        experiment.configs(conf, values)
    conf._listener = listener or Session(name, values, asked(cls, options, overrides))
    with quiet(Plain()):
        conf.run()
    return conf


def source_file(cls: type) -> str:
    """Where a class is written; nowhere if it was typed at a prompt"""
    try:
        return inspect.getfile(cls)
    except (OSError, TypeError):
        return ""


def asked(cls: type, options: dict, overrides: dict | None) -> set[str]:
    """The options that a person gave another value than they have by themselves"""
    conf, before = prepared(cls, options)
    return {
        name
        for name, value in resolve(conf, overrides or {}).items()
        if repr(value) != repr(before[name] if name in before else default(conf, name))
    }


def default(conf: Any, name: str) -> Any:
    """The value of an option that was not given one, as far as it is known before the run"""
    head, _, rest = name.partition(".")
    nested = template(conf, head) if rest else None
    return given(conf, head) if nested is None else default(nested, rest)


def attach(conf: Any) -> None:
    """
    Track and show a run in labml's own form. It stands between `experiment.configs` and
    `experiment.start`, and the files go to labml's folder.
    """
    check_registered(conf)
    reset_tracker()
    conf._listener = Session(None, conf._overrides())
