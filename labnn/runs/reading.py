r"""
# Reading What Others Wrote

The folder of a run may have been copied from anywhere, so its files are opened with care. Who opens
a pipe waits for its other end, a device may have no end, a file may be larger than the memory, and
a few lines of YAML that refer to each other unfold to billions of values.

What is opened here is a regular file, what is read has a bound, and what is parsed is a tree that
is no deeper and no larger than its text. [Folders](folders.html) and [contents](contents.html) say
which file is meant and what should be in it.
"""

import errno
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# In bytes: what a run says of itself is a hundredth of it, a large vocabulary a tenth of the other.
MOST, MOST_TOKENS = 1 << 22, 1 << 26
# How many lists and objects may be within each other, and how many values, where a run has some
# hundreds, nested twice or thrice.
DEEPEST, MOST_VALUES = 64, 200_000
# Counts and times beyond it are damage. They fit every format that knows 64 bits.
LARGEST = 1 << 63


def opened(path: Path, flags: int = os.O_RDONLY) -> int:
    """
    The number of a file, which the caller closes. Raises `OSError` where there is none, or where it
    is no regular file.

    * `flags` are those of `os.open`; with `O_NOFOLLOW` a link is refused as well
    """
    try:
        # Nobody is waited for, and a terminal does not become that of the process.
        number = os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY, 0o644)
    except OSError as e:
        if e.errno == errno.ELOOP and os.path.islink(path):
            raise OSError(errno.ELOOP, "it is a link; put a file there", str(path)) from None
        raise
    # Asked of what was opened: the path may lead to something else by now.
    try:
        mode = os.fstat(number).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "it is no regular file", str(path))
    except OSError:
        os.close(number)
        raise
    return number


def content(path: Path, most: int = MOST) -> bytes:
    """
    All of a file. Raises `OSError`, and `ValueError` if it has more than `most` bytes.
    """
    with open(opened(path), "rb") as file:
        # The size that a file says to have may be any.
        data = file.read(most + 1)
    if len(data) > most:
        raise ValueError(f"it has more than {most:,} bytes")
    return data


class Lines:
    """
    ## The whole objects of a file of lines

    Each has the number of its `update`. A line that is not like that is counted and passed over,
    and half a line at the end is what a kill leaves.
    """

    def __init__(self, path: Path):
        """
        * `path` is that of `metrics.jsonl` or `samples.jsonl`
        """
        self.path = path
        self.n_damaged = 0
        # Whether it ends in the middle of a line, as it may while it is written
        self.is_cut = False

    def __iter__(self) -> Iterator[dict]:
        """Nothing where there is no file. Raises `OSError` for one that cannot be read."""
        try:
            number = opened(self.path)
        except FileNotFoundError:
            return
        with open(number, "rb") as file:
            while text := file.readline(MOST):
                if not text.endswith(b"\n"):
                    # Nothing that a run writes is so long, and there may be no end of it.
                    self.n_damaged += len(text) >= MOST
                    self.is_cut = len(text) < MOST
                    return
                line = parsed(text)
                if line is None:
                    self.n_damaged += 1
                else:
                    yield line

    def complaints(self, is_running: bool) -> Iterator[str]:
        """What is wrong with the file, in words"""
        if self.n_damaged:
            lines = "1 line is" if self.n_damaged == 1 else f"{self.n_damaged:,} lines are"
            yield f"{self.path} is damaged: {lines} not as a run writes them, and left out"
        if self.is_cut and not is_running:
            yield f"{self.path} ends in the middle of a line, which is left out"


def parsed(text: bytes) -> dict | None:
    """A line, or `None` if it is no object with an update"""
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return line if isinstance(line, dict) and is_count(line.get("update")) else None


def is_count(value: Any) -> bool:
    """Whether a value is a number of updates or the like; in Python `True` is 1."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < LARGEST


def tree(text: str) -> Any:
    """YAML in which each value stands where it is. Raises `ValueError`."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    depth = 0
    try:
        # The events come one after the other, before anything is built of them.
        for n, event in enumerate(yaml.parse(text, loader)):
            if n > MOST_VALUES:
                raise ValueError(f"it has more than {MOST_VALUES:,} values")
            if isinstance(event, yaml.AliasEvent):
                line = event.start_mark.line + 1
                raise ValueError(f"*{event.anchor} in line {line} is an alias; write the value")
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST:
                raise ValueError(f"it is nested deeper than {DEEPEST} times")
        data = yaml.load(text, loader)
    # What looks like a date and is none raises errors of its own.
    except (yaml.YAMLError, ArithmeticError, LookupError, AttributeError, TypeError) as e:
        raise ValueError(str(e) or type(e).__name__) from None
    check_numbers(data)
    return data


def check_numbers(value: Any) -> None:
    """Raises `ValueError` for a number with more digits than Python would print."""
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, (list, tuple, set)):
        for item in value:
            check_numbers(item)
    elif isinstance(value, int) and value.bit_length() > 1024:
        raise ValueError(f"it has a number of {value.bit_length():,} bits")
