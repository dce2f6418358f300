r"""
# The Command Line of an Experiment

    python -m experiments.mlm batch_size=32 transformer.n_layers=4

An argument `name=value` is an override, the same as in code. The rest are few:

| argument | what it does |
|---|---|
| `--help` | lists every option with its type, default, choices and text |
| `--print-config` | prints the options as YAML, which `--config` reads back |
| `--config FILE` | takes options from a file; those of the command line come after it |
| `--dry-run` | builds everything, makes one update, and says what a run needs |

A mistake is one line and exit code 2, a failure one line and 1. `LABNN_TRACEBACK=1` shows where it
came from.
"""

import os
import sys
import traceback
from typing import NoReturn

from labnn.configs.command_line import parse
from labnn.configs.text import MISTAKES
from labnn.configs.update import TrainingError


def command(name: str, cls: type, options: dict, arguments: list[str] | None = None) -> NoReturn:
    """
    Run an experiment from the command line, and leave with its exit code.

    * `name`, `cls` and `options` are those of `launch`
    * `arguments` are those of the process if `None`
    """
    sys.exit(guarded(lambda: run(name, cls, options, arguments)))


def run(name: str, cls: type, options: dict, arguments: list[str] | None) -> None:
    """What was asked for on the command line"""
    from labnn.runs import options as listing
    from labnn.runs.console import say
    from labnn.runs.dry_run import dry_run
    from labnn.runs.launch import launch

    flags, layers = parse(sys.argv[1:] if arguments is None else arguments)
    if "--help" in flags:
        say(listing.help_text(f"python -m experiments.{name}", cls, options, *layers))
    elif "--print-config" in flags:
        print(listing.config_text(cls, options, *layers), end="")
    elif "--dry-run" in flags:
        dry_run(name, cls, options, *layers)
    else:
        launch(name, cls, options, *layers)


def guarded(work) -> int:
    """Do `work`, turn what it raises into lines on stderr, and return an exit code."""
    try:
        work()
        # What is still to be written can fail as well.
        sys.stdout.flush()
        return 0
    except KeyboardInterrupt:
        return 130
    except SystemExit as e:
        return e.code if isinstance(e.code, int) else 1
    except BrokenPipeError:
        # Whoever read our output has gone, and there is nobody to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as e:
        if os.environ.get("LABNN_TRACEBACK") == "1":
            traceback.print_exc()
        for line in problem(e).splitlines():
            print(f"error: {line}", file=sys.stderr)
        return 2 if isinstance(e, MISTAKES) else 1


def problem(error: Exception) -> str:
    """An exception in words; a mistake of the user has its own, anything else its type as well."""
    if isinstance(error, (*MISTAKES, TrainingError)):
        return str(error)
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}; LABNN_TRACEBACK=1 shows where"
