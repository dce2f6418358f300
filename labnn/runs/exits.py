r"""
# Exit Codes

What a program leaves behind when it ends: one line on stderr for an error, without signs that a
terminal would act on, and a number.

| code | meaning |
|---|---|
| 0 | done |
| 1 | a failure |
| 2 | a mistake of the user: an option, a text, a run that is not there |
| 130 | stopped by Ctrl-C |
| 143 | stopped by SIGTERM |

With `LABNN_TRACEBACK=1` in the environment an error also shows where it came from.
"""

import os
import sys
import traceback
from collections.abc import Callable

from labnn.runs.folders import RunError
from labnn.runs.lock import Locked
from labnn.runs.plain_text import printable

# Errors of ours on pages that need torch, each with its page
MISTAKES = {
    "ConfigError": "labnn.configs.types",
    "CorpusError": "labnn.data.text_files",
    "UnknownToken": "labnn.tokenizers.tokenizer",
}
FAILURES = {"TrainingError": "labnn.configs.update"}


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
        # What an error quotes may come from a file, and would act on the terminal.
        for line in text.split("\n"):
            print(f"error: {printable(line)}", file=sys.stderr)
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
    if isinstance(error, loaded(MISTAKES)):
        return True, str(error)
    if isinstance(error, loaded(FAILURES)):
        return False, str(error)
    text = " ".join(str(error).split())
    return False, f"{type(error).__name__}: {text}; LABNN_TRACEBACK=1 shows where"


def loaded(errors: dict[str, str]) -> tuple[type, ...]:
    """
    The errors whose pages were imported; no other can have been raised. A command that looks at
    files does without these pages.
    """
    pages = {name: sys.modules.get(page) for name, page in errors.items()}
    return tuple(getattr(page, name) for name, page in pages.items() if hasattr(page, name))
