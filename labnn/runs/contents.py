r"""
# What a Run Has Written

A run may have been killed at any moment, and its files copied by half, or edited. Here each of them
is read such that the rest can still be looked at: what cannot be read is one line that says so, and
what has another type than it should is left out. Who needs all of `run.yaml`, to go on with a run
or to load it, gets the line as an error.

This page does without torch. [Folders](folders.html) reads the two files that say how a run is
doing, and [reading](reading.html) opens and parses.
"""

import os
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labnn.runs.folders import LOGS, RunError, is_number
from labnn.runs.manifest import read_manifest
from labnn.runs.reading import Lines, content, is_count, tree
from labnn.runs.shelf import names, order

# What is measured of a model, and whether more of it is better
MEASURES = {"loss": False, "perplexity": False, "accuracy": True}
# The keys of `run.yaml`, for a text, a list of texts, or an object whose names are texts. Each may
# be absent or null.
TEXTS = ("entry", "resume", "python_file")
LISTS = ("command", "asked", "objects")
OBJECTS = ("overrides", "options", "environment", "data")


def info(folder: Path) -> dict:
    """All of `run.yaml`. Raises `RunError`, also for a key that is not of its kind."""
    data, wrong = readable_info(folder)
    if wrong:
        raise RunError(wrong[0])
    return data


def readable_info(folder: Path) -> tuple[dict, list[str]]:
    """What is right in `run.yaml`, and a line for each key that is not. Raises `RunError`."""
    path = folder / "run.yaml"
    try:
        data = tree(str(content(path), "utf-8"))
    except OSError as e:
        raise RunError(f"{path}: {e.strerror or e}") from None
    except (ValueError, RecursionError) as e:
        raise RunError(f"{path} is damaged: {' '.join(str(e).split())}") from None
    if not isinstance(data, dict):
        raise RunError(f"{path} is damaged: it holds a {type(data).__name__}, no options")
    wrong = []
    for key in (*TEXTS, *LISTS, *OBJECTS, "resumed"):
        if data.get(key) is None:
            data.pop(key, None)
        elif should := misfit(key, data[key]):
            wrong.append(f"{path} is damaged: {key} should be {should}")
            del data[key]
    return data, wrong


def misfit(key: str, value: Any) -> str:
    """What the value of a key of `run.yaml` should be; nothing if it is that"""
    if key in TEXTS:
        return "" if isinstance(value, str) else "a text"
    if key in OBJECTS:
        return "" if is_object(value) else "an object whose names are texts"
    if not isinstance(value, list):
        return "a list"
    if key in LISTS:
        return "" if all(isinstance(item, str) for item in value) else "a list of texts"
    return "" if all(map(is_resumption, value)) else "a list of objects with an update and changes"


def is_object(value: Any) -> bool:
    """Whether all keys are texts, as in JSON"""
    return isinstance(value, dict) and all(isinstance(key, str) for key in value)


def is_resumption(value: Any) -> bool:
    """Whether something says when a run was resumed, and what was changed then"""
    if not isinstance(value, dict) or not is_count(value.get("update", 0)):
        return False
    changes = value.get("changes") or {}
    return is_object(changes) and all(isinstance(change, list) for change in changes.values())


def part(data: dict, name: str, kind: type) -> Any:
    """A value of a type, or an empty one"""
    value = data.get(name)
    return value if isinstance(value, kind) else kind()


@dataclass
class History:
    """
    ## History

    What `metrics.jsonl` says from the first line to the last.
    """

    # The newest value of each measure; `None` if it was no finite number
    last: dict[str, float | None] = field(default_factory=dict)
    # The best value of each measure of the validation, and the update when it was reached
    best: dict[str, dict] = field(default_factory=dict)
    # The median, which a pause or the start does not move
    tokens_per_s: float | None = None
    # The file, which knows what is wrong with it
    lines: Lines | None = None

    def add(self, line: dict) -> None:
        """Take one more line of the file."""
        for name, value in line.items():
            measure, _, phase = name.partition(".")
            if measure not in MEASURES or not phase:
                continue
            self.last[name] = value if is_number(value) else None
            if phase == "valid" and is_number(value):
                best = self.best.get(name)
                sign = 1 if MEASURES[measure] else -1
                if best is None or sign * value > sign * best["value"]:
                    self.best[name] = {"value": value, "update": line.get("update")}

    def complaints(self, is_running: bool) -> list[str]:
        """What is wrong with the file, in words"""
        return [*self.lines.complaints(is_running)] if self.lines else []


def objects(lines: Lines) -> Iterator[dict]:
    """The objects of a file of lines; none if it is absent. Raises `RunError`."""
    try:
        yield from lines
    except OSError as e:
        raise RunError(f"{lines.path}: {e.strerror or e}") from None


def history(folder: Path) -> History:
    """All of `metrics.jsonl`; nothing if there is none. Raises `RunError`."""
    found, speeds = History(lines=Lines(folder / "metrics.jsonl")), []
    for line in objects(found.lines):
        found.add(line)
        if is_number(line.get("tokens_per_s")):
            speeds.append(line["tokens_per_s"])
    if speeds:
        from statistics import median

        found.tokens_per_s = median(speeds)
    return found


def checkpoints(folder: Path) -> tuple[list[dict], list[str]]:
    """The checkpoints, the oldest first, and what is wrong with them"""
    parent = folder / "checkpoints"
    found, wrong, best = [], [], None
    try:
        kept = names(parent)
    except RunError as e:
        return [], [str(e)]
    for name in kept:
        try:
            # The newest one that can be read knows best.
            best = read_manifest(parent / name).get("best")
        except RunError as e:
            wrong.append(str(e))
        found.append({"name": name, "update": order(name)[0], "bytes": size(parent / name)})
    for checkpoint in found:
        checkpoint["is_newest"] = checkpoint is found[-1]
        checkpoint["is_best"] = checkpoint["name"] == best
    return found, wrong


def files(folder: Path) -> list[dict]:
    """What is in the folder, with sizes; a folder counts with all that is in it."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return []
    return [
        {"name": e.name + "/" * os.path.isdir(e.path), "bytes": size(Path(e.path))}
        for e in entries
        if not e.name.startswith(".")
    ]


def size(path: Path) -> int:
    """The bytes of a file, or of all files in a folder, as far as it can be looked at"""
    try:
        if path.is_symlink() or not path.is_dir():
            return os.lstat(path).st_size
        return sum(size(Path(entry.path)) for entry in os.scandir(path))
    except OSError:
        return 0


def module(data: dict) -> str | None:
    """What `python -m` runs the experiment with, if that is known"""
    name, is_known, _ = part(data, "entry", str).partition(":")
    return name if is_known and name else None


def resume_command(folder: Path, data: dict) -> str | None:
    """How to go on with a run, if that is known: as it was started, or by the name of its class"""
    if folder.parent.parent == LOGS and (told := part(data, "resume", str)):
        return told
    name = module(data)
    # Where it is not found by its name, its path says where it is.
    place = folder.name if folder.parent.parent == LOGS else str(folder)
    return name and f"python -m {name} --resume {shlex.quote(place)}"


def command(data: dict) -> list[str]:
    """The words that a run was started with"""
    words = [str(word) for word in part(data, "command", list)]
    name = module(data)
    # `python -m` leaves only the name of the file.
    if words and name and words[0] == name.rpartition(".")[2] + ".py":
        return ["python", "-m", name, *words[1:]]
    return words
