r"""
# Exit Codes

What a program leaves behind when it ends: one line on stderr for an error, and a number.

| code | meaning |
|---|---|
| 0 | done |
| 1 | a failure |
| 2 | a mistake of the user: an option, a text, a run that is not there |
| 130, 143 | stopped by Ctrl-C, by SIGTERM |

`LABNN_TRACEBACK=1` shows where an error came from.
"""

import os
import sys
import traceback
from collections.abc import Callable

from labnn.runs.folders import RunError
from labnn.runs.lock import Locked


def guarded(work: Callable[[], object]) -> int:
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
        is_mistake, text = problem(e)
        for line in text.splitlines():
            print(f"error: {line}", file=sys.stderr)
        return 2 if is_mistake else 1


def problem(error: Exception) -> tuple[bool, str]:
    """
    Whether an exception is a mistake of the user, and what it says; anything unforeseen names its
    type as well.
    """
    if isinstance(error, (RunError, Locked)):
        return True, str(error)
    if isinstance(error, OSError) and error.strerror:
        return False, f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    # Where these were not loaded, none was raised. A command that looks at files does without
    # torch, which they need.
    if "labnn.configs.text" in sys.modules:
        from labnn.configs.text import MISTAKES
        from labnn.configs.update import TrainingError

        if isinstance(error, (*MISTAKES, TrainingError)):
            return isinstance(error, MISTAKES), str(error)
    text = " ".join(str(error).split())
    return False, f"{type(error).__name__}: {text}; LABNN_TRACEBACK=1 shows where"
