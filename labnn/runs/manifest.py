r"""
# Manifests

A disk may lose or change what it was given, and neither torch nor safetensors would notice: a
flipped bit is a weight like any other. The manifest of a [checkpoint](checkpoint.html) has the size
and the SHA-256 sum of every file, and the sum of itself. It can be written in one way only, so that
each of its bytes counts as well.

Beside the sums it says what there is to know without the tensors:

| key | meaning |
|---|---|
| `update`, `step` | updates and tokens at that time |
| `best` | the name of the best checkpoint until then, or null |
| `metrics` | the values that were tracked last; null for one that is not finite |
| `is_done` | whether the run was complete |

The sums find damage, not malice: who can write the files can write their sums. So what is read here
is held to its kind as well. This page does without torch: whoever only looks at runs would wait for
it.
"""

import errno
import hashlib
import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from labnn.runs.folders import RunError
from labnn.runs.reading import opened

VERSION = 1
GROUPS = ("model", "optimizer", "rest")
FILES = (*(f"{group}.safetensors" for group in GROUPS), "state.json")
# What the manifest has beside the files; a part may be absent.
KINDS = {"update": int, "step": int, "best": (str, type(None)), "metrics": dict, "is_done": bool}
# In bytes; thousands of metrics need a hundredth of it.
MAX_MANIFEST = 1 << 24


class CheckpointError(RunError):
    """
    ## A checkpoint that cannot be used

    Its text names the file, and what is wrong with it.
    """


class OtherVersion(CheckpointError):
    """
    ## A checkpoint of another labnn

    It is whole, and to take an older one instead would throw it away.
    """


def manifest(files: dict[str, bytes], info: dict) -> bytes:
    """Sizes and sums of the files, what else is to be known, and the sum of all that"""
    listed = {
        file: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for file, data in files.items()
    }
    content = {**finite(info), "version": VERSION, "files": listed}
    # Nothing that there is to know may take the place of the sum.
    content.pop("sha256", None)
    return signed(content)


def finite(value: Any) -> Any:
    """
    What JSON gives back as it was. It has no number for a loss that is none, and no keys but texts;
    a checkpoint is not given up for that.
    """
    if isinstance(value, dict):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def signed(content: dict) -> bytes:
    """A manifest has one form only, so that each of its bytes counts."""
    text = json.dumps(content, sort_keys=True, allow_nan=False)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return json.dumps({**content, "sha256": digest}, sort_keys=True, indent=1).encode() + b"\n"


def read_manifest(folder: Path) -> dict:
    """The manifest of a checkpoint. Raises `CheckpointError`."""
    path = folder / "manifest.json"

    def damaged(reason: str) -> CheckpointError:
        """An error that names the file, in one line"""
        return CheckpointError(f"{path} is damaged: {reason}")

    # What comes first is whether the bytes are those that were written, and then what they say.
    data = read(path)
    content = parse(data, damaged)
    if not isinstance(content, dict) or content.pop("sha256", None) is None:
        raise damaged("it has no sum")
    try:
        is_same = signed(content) == data
    except RecursionError:
        raise damaged("it is nested too deep") from None
    if not is_same:
        raise damaged("its sum is another one")
    version = content.get("version")
    # In Python `True` is 1.
    if version != VERSION or isinstance(version, bool):
        raise OtherVersion(
            f"{path} has version {version!r:.40}, this labnn reads {VERSION}; use the labnn that "
            "wrote it"
        )
    listed = content.get("files")
    if not isinstance(listed, dict) or {*listed} != {*FILES}:
        raise damaged(f"it should list {', '.join(FILES)}")
    for file in FILES:
        size_and_sum(listed, file, path)
    for key, kind in KINDS.items():
        if key in content and not isinstance(content[key], kind):
            raise damaged(f"{key} is a {type(content[key]).__name__}")
    return content


def read(path: Path, size: int | None = None) -> bytes:
    """
    A file. Raises `CheckpointError` where there is none.

    * `size` is how many bytes it should have; as many as a manifest may have if `None`
    """
    try:
        with open(opened(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            # Before it is read: a file may be huge and take no space at all.
            found = os.fstat(file.fileno()).st_size
            if size is not None and found != size:
                raise CheckpointError(f"{path} has {found:,} bytes, not {size:,}")
            if found > MAX_MANIFEST and size is None:
                raise CheckpointError(f"{path} has {found:,} bytes, which is no manifest")
            return file.read()
    except FileNotFoundError:
        raise CheckpointError(f"{path} is missing") from None
    except OSError as e:
        if e.errno in (errno.EISDIR, errno.EINVAL):
            raise CheckpointError(f"{path} is no file") from None
        reason = "it is a link" if e.errno == errno.ELOOP else e.strerror or e
        raise CheckpointError(f"{path} cannot be read: {reason}") from None


def checked(folder: Path, file: str, listed: dict) -> bytes:
    """A file that is what the manifest says. Raises `CheckpointError`."""
    path = folder / file
    size, digest = size_and_sum(listed, file, folder)
    data = read(path, size)
    if hashlib.sha256(data).hexdigest() != digest:
        raise CheckpointError(f"{path} is damaged: its sum is another one")
    return data


def size_and_sum(listed: dict, file: str, path: Path) -> tuple[int, str]:
    """What is listed for a file at `path`. Raises `CheckpointError`."""
    entry = listed.get(file)
    if isinstance(entry, dict):
        size, digest = entry.get("bytes"), entry.get("sha256")
        if type(size) is int and 0 <= size < 1 << 63 and isinstance(digest, str):
            return size, digest
    raise CheckpointError(f"{path} is damaged: it has no size and sum of {file}")


def parse(text: bytes, error: Callable[[str], Exception]) -> Any:
    """
    Strict JSON.

    * `error` makes what is raised from words
    """

    def once(pairs: list[tuple[str, Any]]) -> dict:
        """A key that is there twice hides a value."""
        found = dict(pairs)
        if len(found) < len(pairs):
            raise ValueError("a key is there twice")
        return found

    def refuse(constant: str) -> None:
        """Python would take `NaN` and `Infinity`."""
        raise ValueError(f"{constant} is not JSON")

    def number(digits: str) -> float:
        """Python would take 1e999 for infinity."""
        value = float(digits)
        if not math.isfinite(value):
            raise ValueError("a number is too large")
        return value

    # Of bytes Python would guess the encoding.
    try:
        return json.loads(
            str(text, "utf-8"), object_pairs_hook=once, parse_constant=refuse, parse_float=number
        )
    except (ValueError, RecursionError) as e:
        raise error(line(str(e))) from None


def line(text: str) -> str:
    """What others say of a file, in one short line without signs that a terminal would act on"""
    text = " ".join(text.split())
    return "".join(sign if sign.isprintable() else "?" for sign in text[:200])
