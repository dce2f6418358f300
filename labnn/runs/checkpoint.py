r"""
# Checkpoints

Everything that the next step depends on, on disk, such that it is there whole or not at all.

| in `checkpoints/485/`, after 485 updates | what |
|---|---|
| `model.safetensors`, `optimizer.safetensors`, `rest.safetensors` | tensors |
| `state.json` | everything else |
| `manifest.json` | sizes and sums of the others |

A checkpoint is written into a folder with a hidden name, each file is brought to the disk, then
the manifest, then the folder; at last the folder gets its name, and that too is brought to the
disk. A name can only be given at once: who sees `485` sees all of it. Old checkpoints are taken
away after that and never before, and they too lose their name first.

[Packing](packing.html) says how state becomes files, the [manifest](manifest.html) how damage is
found, the [shelf](shelf.html) what is kept, and the [keeper](keeper.html) when to save.
"""

import contextlib
import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from labnn.configs.update import TrainingError
from labnn.runs.manifest import (
    GROUPS,
    CheckpointError,
    OtherVersion,
    checked,
    line,
    manifest,
    parse,
    read_manifest,
)
from labnn.runs.packing import Packer, PackingError, unpack
from labnn.runs.shelf import names, remove, sweep

# A disk that is filled to the last byte stops everything else as well.
MARGIN = 1.2
# Errors for which more room is the remedy
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# Errors of a file system that cannot bring a folder to the disk
UNABLE = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS)


class SaveError(TrainingError):
    """
    ## SaveError

    A checkpoint could not be written. Those before it are untouched.
    """


def packed(state: dict[str, Any]) -> dict[str, bytes]:
    """
    The files of a state, without the manifest. Raises `SaveError`.

    * `state` has `model`, `optimizer`, and anything else
    """
    # The names in a file are those that its part of the state has, which others know as well.
    packers = {group: Packer(group) for group in GROUPS}
    try:
        tree = {
            key: packers[key if key in GROUPS else "rest"].pack(value, key)
            for key, value in state.items()
        }
    except PackingError as e:
        raise SaveError(f"the run cannot be saved: {e}") from None
    files = {
        f"{group}.safetensors": safetensors.torch.save(packer.tensors, {"format": "pt"})
        for group, packer in packers.items()
    }
    return {**files, "state.json": json.dumps(tree, allow_nan=False).encode()}


def save(parent: Path, name: str, files: dict[str, bytes], info: dict) -> Path:
    """
    Write a checkpoint. Raises `SaveError`, and leaves nothing behind then.

    * `files` is what `packed` gives
    * `info` goes into the manifest
    """
    needed = sum(map(len, files.values()))
    # Names that begin with a dot are no checkpoints.
    part, folder = parent / f".part-{name}", parent / name
    is_named = False
    try:
        make_folder(parent)
        # What a process that was killed has left takes space, and may have this name.
        sweep(parent)
        check_space(parent, needed)
        part.mkdir()
        for file, data in files.items():
            write_file(part / file, data)
        write_file(part / "manifest.json", manifest(files, info))
        sync_folder(part)
        # Now it is there, whole.
        os.rename(part, folder)
        is_named = True
        sync_folder(parent)
    except OSError as e:
        with contextlib.suppress(OSError):
            # A name that may not be on the disk is taken back.
            if is_named:
                os.rename(folder, part)
            remove(part)
        raise SaveError(unsaved(parent, name, e, needed)) from None
    except BaseException:
        with contextlib.suppress(OSError):
            remove(part)
        raise
    return folder


def check_space(parent: Path, needed: int) -> None:
    """Raises `OSError` where there is too little room, before anything is written."""
    usage = shutil.disk_usage(parent)
    # Some file systems do not say how large they are.
    if usage.total and usage.free < MARGIN * needed:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def unsaved(parent: Path, name: str, error: OSError, needed: int) -> str:
    """What to tell of a checkpoint that could not be written"""
    safe = "there is no checkpoint yet"
    with contextlib.suppress(CheckpointError):
        safe = "".join(f"checkpoint {last} is untouched" for last in names(parent)[-1:]) or safe
    what = f"{parent / name} is not saved: {error.strerror or error}"
    if error.errno not in FULL:
        return f"{what}; {safe}"
    free = ""
    with contextlib.suppress(OSError):
        free = f", {shutil.disk_usage(parent).free:,} bytes are free"
    return f"{what}, it needs {int(MARGIN * needed):,} bytes{free}; make room, {safe}"


def make_folder(folder: Path) -> None:
    """A folder that is there after a power cut as well, with all those that it is in"""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir()
        sync_folder(folder.parent)


def write_file(path: Path, data: bytes) -> None:
    """A file that is on the disk when this returns"""
    with open(path, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    except OSError as e:
        # Some file systems, on networks above all, do this for files only.
        if e.errno not in UNABLE:
            raise
    finally:
        os.close(number)


def load(folder: Path, keys: tuple[str, ...] | None = None) -> dict[str, Any]:
    """
    The state in a checkpoint. Every byte of the files that it is in is checked. Raises
    `CheckpointError`.

    * `keys` are the parts that are wanted; all if `None`
    """
    listed = read_manifest(folder)["files"]

    def damaged(reason: str) -> CheckpointError:
        """The error for this file"""
        return CheckpointError(f"{folder / 'state.json'} is damaged: {reason}")

    # Everything but tensors, and the names of those
    tree = parse(checked(folder, "state.json", listed), damaged)
    if not isinstance(tree, dict):
        raise damaged("it holds no object")
    wanted = {key: tree[key] for key in tree if keys is None or key in keys}
    # A file of which nothing is wanted is not read.
    needed = {key if key in GROUPS else "rest" for key in wanted}
    tensors = {
        group: {} if group not in needed else load_tensors(folder, group, listed)
        for group in GROUPS
    }
    try:
        return {
            key: unpack(value, tensors[key if key in GROUPS else "rest"])
            for key, value in wanted.items()
        }
    except PackingError as e:
        raise damaged(str(e)) from None


def load_tensors(folder: Path, group: str, listed: dict) -> dict[str, torch.Tensor]:
    """The tensors of a file, each in memory of its own, as a fresh one would be"""
    data = checked(folder, f"{group}.safetensors", listed)

    def damaged(reason: str) -> CheckpointError:
        """The error for this file"""
        return CheckpointError(f"{folder / group}.safetensors is damaged: {line(reason)}")

    # The library looks at everything else, and takes the last of two entries with one name.
    header = parse(data[8 : 8 + int.from_bytes(data[:8], "little")], damaged)
    if not isinstance(header, dict):
        raise damaged("its header is no object")
    try:
        found = safetensors.torch.load(data)
        # Rows of numbers begin at other addresses there than in a tensor that torch has made.
        return {name: tensor.clone() for name, tensor in found.items()}
    except MemoryError:
        raise
    except Exception as e:
        # What it raises for a file that is none of its own is not written down.
        raise damaged(f"{type(e).__name__}: {e}") from None


def newest(parent: Path, warn: Callable[[str], None]) -> tuple[str, dict[str, Any]] | None:
    """
    The newest checkpoint that is whole, by name and state; `None` where none was ever made. Raises
    `CheckpointError` if there are some and none is whole.

    * `warn` is told of each that is passed over
    """
    found = names(parent)
    for place, name in enumerate(reversed(found)):
        try:
            return name, load(parent / name)
        except OtherVersion:
            raise
        except CheckpointError as e:
            if place + 1 == len(found):
                raise CheckpointError(
                    f"no checkpoint in {parent} is whole: {e}; start anew or bring a copy back"
                ) from None
            warn(f"{e}; taking the checkpoint before it")
    return None
