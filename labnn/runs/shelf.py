r"""
# The Shelf

Which checkpoints of a run there are, and which of them go. The name of a
[checkpoint](checkpoint.html) is the number of updates before it; `485.1` was saved after the same
update, at a later place. The newest ones are kept, or all if that is wanted, and the best that each
of them knows of: should the newest be damaged, the one before it still has its best.

Taking a folder away takes time, in which half of it is there. So it loses its name first, and what
is left then is no checkpoint, whatever happens to it: the next time that one is saved or taken
away it goes. Anything with a name of another kind belongs to somebody else and stays.

This page does without torch: whoever only looks at runs would wait for it.
"""

import contextlib
import os
import re
import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path

from labnn.runs.manifest import CheckpointError, read_manifest

NAME = re.compile(r"(0|[1-9][0-9]*)(?:\.([1-9][0-9]*))?")
LEFTOVER = re.compile(rf"\.(part|old)-{NAME.pattern}(~[0-9]+)?")


def names(parent: Path) -> list[str]:
    """
    The checkpoints in a folder by name, the oldest first; none where there is no folder. Raises
    `CheckpointError` where it cannot be seen: a run would begin anew over those that are there.
    """
    try:
        found = [name for name in os.listdir(parent) if NAME.fullmatch(name)]
    except OSError as e:
        # A link that leads nowhere was made for a disk that is away.
        if isinstance(e, FileNotFoundError) and not parent.is_symlink():
            return []
        raise CheckpointError(f"{parent} cannot be read: {e.strerror or e}") from None
    return sorted(found, key=order)


def order(name: str) -> tuple[int, int]:
    """What checkpoints are sorted by"""
    update, number = NAME.fullmatch(name).groups(default="0")
    return int(update), int(number)


def free_name(parent: Path, update: int) -> str:
    """A name for a checkpoint after an update"""
    same = []
    # What cannot be seen cannot be written to either, and saving says so.
    with contextlib.suppress(CheckpointError):
        same = [order(name)[1] for name in names(parent) if order(name)[0] == update]
    return f"{update}.{max(same) + 1}" if same else str(update)


def set_aside(parent: Path, after: str) -> None:
    """
    Checkpoints that are newer than the one that a run goes on from are damaged. Raises
    `CheckpointError` where they cannot lose their names: they would be the newest for ever.
    """
    for name in names(parent):
        if order(name) > order(after):
            try:
                hide(parent, name)
            except OSError as e:
                reason = e.strerror or e
                raise CheckpointError(f"{parent / name} cannot be renamed: {reason}") from None


def hide(parent: Path, name: str) -> None:
    """Take away the name, at once; what is left is no checkpoint, whatever happens to it."""
    # One that could not be taken away may still be in the place.
    places = (parent / f".old-{name}{f'~{n}' * (n > 0)}" for n in count())
    os.rename(parent / name, next(place for place in places if not os.path.lexists(place)))


def prune(parent: Path, keep: int, warn: Callable[[str], None], best: str | None = None) -> None:
    """
    Take away all but the newest checkpoints and the best of each of these.

    * `keep` is how many are the newest, and all stay if it is less than 0
    * `warn` is told of what cannot be taken away
    * `best` is the best of all, which needs no manifest to be known
    """
    problems = []
    try:
        found = names(parent)
    except CheckpointError as e:
        return warn(str(e))
    newest = found[-keep:] if keep >= 0 else found
    kept = {best, *newest}
    # A manifest that is damaged names no best.
    for name in newest if keep >= 0 else ():
        with contextlib.suppress(CheckpointError):
            kept.add(read_manifest(parent / name).get("best"))
    for name in found:
        if name not in kept:
            try:
                hide(parent, name)
            except OSError as e:
                problems.append(e)
    problems += sweep(parent)
    if problems:
        reason = problems[0].strerror or problems[0]
        warn(f"{len(problems)} old checkpoint(s) in {parent} cannot be taken away: {reason}")
    return None


def sweep(parent: Path) -> list[OSError]:
    """Take away what is left of checkpoints, as far as that can be done."""
    problems = []
    try:
        found = [name for name in os.listdir(parent) if LEFTOVER.fullmatch(name)]
    except OSError as e:
        return [e]
    for name in found:
        try:
            remove(parent / name)
        except OSError as e:
            problems.append(e)
    return problems


def remove(path: Path) -> None:
    """Take away a folder, or a file or a link in its place. Raises `OSError`."""
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
    else:
        shutil.rmtree(path)
