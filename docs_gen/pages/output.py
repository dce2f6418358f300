r"""
# Output

A [site](site.html) is written only when all of it is there, so that a fault leaves the last one as
it was. What an earlier build wrote is listed in `site.json`, and this list alone says what may be
removed: a folder with anything else in it, and no such list, is refused. A file that has not
changed is not written again, so its time stays.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from docs_gen.parts import GeneratorError

# The list of what a build wrote, and what marks it as one
LIST = "site.json"
FORMAT = "docs_gen site 1"


def written(out: Path) -> set[str]:
    """
    The files that earlier builds wrote. Raises `GeneratorError` for a folder that is not theirs.
    """
    if not out.exists():
        return set()
    if not out.is_dir():
        raise GeneratorError(f"{out} is a file; give a folder with -o")
    try:
        told = json.loads((out / LIST).read_text(encoding="utf-8"))
        if told["format"] == FORMAT:
            return {name for name in told["files"] if is_within(name)}
    except (OSError, ValueError, KeyError, TypeError):
        pass
    # Without a list all that is there is somebody's.
    if any(out.iterdir()):
        raise GeneratorError(f"{out} is not empty and holds no site; give another folder with -o")
    return set()


def is_within(name: str) -> bool:
    """A list that was tampered with must not lead out of the folder."""
    return not Path(name).is_absolute() and ".." not in Path(name).parts


def write(out: Path, files: Mapping[str, str | bytes]) -> int:
    """
    Make `out` hold these files, by path from there, in place of those of an earlier build; returns
    how many of them changed. Raises `GeneratorError` where that is refused or impossible.
    """
    old = written(out)
    listed = json.dumps({"format": FORMAT, "files": sorted(files)}, indent=0)
    n_changed = 0
    try:
        # Before the files: what a build that was stopped has left is still known as its own.
        both = json.dumps({"format": FORMAT, "files": sorted({*old, *files})}, indent=0)
        put(out / LIST, both.encode())
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            n_changed += put(out / name, data)
        for name in old - set(files):
            remove(out, out / name)
        put(out / LIST, listed.encode())
    except OSError as e:
        raise GeneratorError(f"{e.filename}: {e.strerror}, so the site is not whole") from None
    return n_changed


def put(path: Path, data: bytes) -> bool:
    """Write a file, unless it is so already; returns whether it was written."""
    if path.is_file() and path.read_bytes() == data:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return True


def remove(out: Path, path: Path) -> None:
    """Take a file away, and the folders that it leaves empty."""
    path.unlink(missing_ok=True)
    for folder in path.parents:
        if folder == out or not folder.is_dir() or any(folder.iterdir()):
            return
        folder.rmdir()
