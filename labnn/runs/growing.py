r"""
# Files That Only Grow

`metrics.jsonl` and `samples.jsonl` get a line now and then, and no line is ever changed. A
[checkpoint](checkpoint.html) notes how long they were: a run that goes on from it cuts off what was
written after it, because the same lines come again.

They stand in a folder that may have been copied from anywhere. A link in place of a file is not
followed: it may lead to a file that is none of ours.
"""

import os
from collections.abc import Callable
from pathlib import Path

from labnn.runs.folders import RunError

NAMES = ("metrics.jsonl", "samples.jsonl")


def no_links(path: str, flags: int) -> int:
    """Open a file for `open`. Raises `OSError` for a link."""
    return os.open(path, flags | os.O_NOFOLLOW, 0o666)


def is_begun(folder: Path) -> bool:
    """Whether a run has written a line"""
    return any((folder / name).exists() and (folder / name).stat().st_size for name in NAMES)


def synced_sizes(folder: Path) -> dict[str, int]:
    """The bytes of each file, after they were brought to the disk"""
    sizes = dict.fromkeys(NAMES, 0)
    for name in NAMES:
        if (folder / name).exists():
            with open(folder / name, "rb", opener=no_links) as file:
                os.fsync(file.fileno())
                sizes[name] = os.fstat(file.fileno()).st_size
    return sizes


def cut(folder: Path, sizes: dict[str, int], warn: Callable[[str], None]) -> None:
    """
    Make the files as long as they were. Raises `RunError` for what is no file.

    * `sizes` is what `synced_sizes` gave; an empty one removes the files
    * `warn` is told of files that are shorter now
    """
    for name in NAMES:
        path, size = folder / name, sizes.get(name, 0)
        if path.is_symlink() or path.exists() and not path.is_file():
            raise RunError(f"{path} is a link, or no file; put the file itself there")
        found = path.stat().st_size if path.exists() else 0
        if found < size:
            warn(f"{path} has {found:,} bytes, and had {size:,}: lines of it are lost")
        # What had no line had no file either.
        elif not size:
            path.unlink(missing_ok=True)
        elif found:
            os.truncate(path, size)
