r"""
# The Command Line of an Experiment

An experiment is a module that is run with its options behind it:

```sh
python -m experiments.mlm batch_size=32 transformer.n_layers=4
```

An argument `name=value` is an [override](../configs/overrides.html), the same as in code. The rest
are few:

| argument | what it does |
|---|---|
| `--help` | lists every option with its type, default, choices and text |
| `--print-config` | prints the options as YAML, which `--config` reads back |
| `--config FILE` | takes options from a file; those of the command line come after it |
| `--dry-run` | builds everything, makes one update, and says what a run needs |
| `--resume RUN` | [goes on](resume.html) with a run, by its name, the beginning of it, or `auto` |
| `--allow-change NAME` | lets a run go on with another value of an option that matters to it |

A mistake is one line and an [exit code](exits.html) of 2, a failure one line and 1.
"""

import signal
import sys
import threading
from typing import NoReturn

from labnn.configs.command_line import parse
from labnn.runs.exits import guarded


def command(name: str, cls: type, options: dict, arguments: list[str] | None = None) -> NoReturn:
    """
    Run an experiment from the command line, and leave with its exit code.

    * `name`, `cls` and `options` are those of [`launch`](launch.html#launch)
    * `arguments` are those of the process if `None`
    """
    # Until here Ctrl-C may have been left to the system, which ends a process without a word.
    is_main = threading.current_thread() is threading.main_thread()
    if is_main and signal.getsignal(signal.SIGINT) == signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(guarded(lambda: run(name, cls, options, arguments)))


def run(name: str, cls: type, options: dict, arguments: list[str] | None) -> None:
    """Do what was asked for on the command line."""
    # Whatever goes wrong while these pages are imported becomes a line and an exit code as well.
    from labnn.runs import options as listing
    from labnn.runs.dry_run import dry_run
    from labnn.runs.how import on_command_line
    from labnn.runs.launch import launch
    from labnn.runs.plain_text import say

    flags, layers = parse(sys.argv[1:] if arguments is None else arguments)
    if "--help" in flags:
        say(listing.help_text(f"python -m experiments.{name}", cls, options, *layers))
    elif "--print-config" in flags:
        print(listing.config_text(cls, options, *layers), end="")
    elif "--dry-run" in flags:
        dry_run(name, cls, options, *layers)
    else:
        # `parse` lets one run through at most.
        (resume,) = flags.get("--resume", [None])
        allow = tuple(flags.get("--allow-change", ()))
        launch(name, cls, options, *layers, resume=resume, allow_change=allow, how=on_command_line)
