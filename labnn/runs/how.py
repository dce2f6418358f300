r"""
# How to Go On

A run that was stopped tells the person what goes on with it, as they started it: a command that can
be pasted, or a call. Whoever reads the last line of a log needs nothing else.

[Going on](resume.html) is done elsewhere.
"""

import shlex
import sys
from pathlib import Path

from labnn.runs.folders import LOGS


def reference(folder: Path) -> str:
    """What a run is called from the working directory: its name, or where it is found by none"""
    is_found = folder.absolute().parent.parent == LOGS.absolute()
    return folder.name if is_found else str(folder)


def in_code(folder: Path) -> str:
    """How a person goes on with a run in code"""
    return f"the same call and resume={reference(folder)!r}"


def in_own_form(folder: Path) -> str:
    """The same in labml's own form"""
    return f"attach(conf, resume={reference(folder)!r})"


def on_command_line(folder: Path) -> str:
    """The command that goes on with a run: as this process was started, without its arguments"""
    start = sys.orig_argv[: len(sys.orig_argv) - len(sys.argv) + 1]
    return shlex.join([*start, "--resume", reference(folder)])
