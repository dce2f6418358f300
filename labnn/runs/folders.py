r"""
# Finding Runs

A run is a folder in `logs/<experiment>/`, and its name begins with the time. Every command takes
any beginning of a name that no other run has, or the path of the folder.

What a run says of itself is in two files that are read here without loading torch: `status.json`,
which is replaced as a whole whenever a round ends, and `metrics.jsonl`, whose last line is the
newest update.

| state | meaning |
|---|---|
| `running` | the [lock](lock.html) is held |
| `finished` | all epochs are done, or early stopping ended them |
| `stopped` | a signal came, and the run can go on |
| `failed` | an error ended it; `details` has its line |
| `killed` | it says that it runs, and no process holds its lock |
| `unknown` | its files cannot be read; `details` says why |

The [session](session.html) writes these files. [Contents](contents.html) reads the others.
"""

import contextlib
import json
import math
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from labnn.runs.lock import owner
from labnn.runs.reading import LARGEST, MOST, MOST_TOKENS, content, is_count, opened, parsed

LOGS = Path("logs")
# How much of the end of `metrics.jsonl` holds a whole line, at first and at most
TAIL, LONG_TAIL = 8192, 1 << 22
# The name that a run has from labnn; one from labml says nothing of the time.
STAMP = re.compile(r"\d{8}-\d{6}")
TIME = "%Y%m%d-%H%M%S"
OVER = ("finished", "stopped", "failed")
# The end of the time that is believed, some thousand years from now
LATEST = 1e11
# The longest text of a status that is kept whole
LONGEST = 2000


class RunError(ValueError):
    """
    ## RunError

    A run is not there, or cannot be used. The text is one line: what is wrong, and what to do.
    """


def all_runs(experiment: str | None = None) -> list[Path]:
    """The folders of the runs below the working directory, the oldest first"""
    found = []
    for parent in [str(LOGS / experiment)] if experiment else subfolders(str(LOGS)):
        for folder in subfolders(parent):
            # A time that no clock of this system can show is damage like any other.
            with contextlib.suppress(OSError, ValueError, OverflowError):
                found.append((made(folder), folder))
    return [Path(folder) for _, folder in sorted(found)]


def made(folder: str) -> str:
    """When a run was made, in the form of its name. Raises `OSError` if it is no run."""
    name = os.path.basename(folder)
    try:
        changed = os.stat(f"{folder}/run.yaml").st_mtime
    except PermissionError:
        # Whether it is a run cannot be seen, but it has the name of one.
        if not STAMP.match(name):
            raise
        changed = 0.0
    return name if STAMP.match(name) else time.strftime(TIME, time.localtime(changed))


def subfolders(parent: str) -> list[str]:
    """The folders in a folder, without hidden ones; none if there is no such folder"""
    try:
        names = [name for name in os.listdir(parent) if not name.startswith(".")]
    except OSError:
        return []
    return [path for name in names if os.path.isdir(path := f"{parent}/{name}")]


def find(name: str, experiment: str | None = None) -> Path:
    """
    The folder of a run. Raises `RunError`.

    * `name` is the name of a run or its beginning, a path, or `auto` for the newest run
    * `experiment` says whose runs are meant; all if `None`
    """
    if name and is_run(Path(name)):
        # `.` and `..` are no names.
        return Path(name) if Path(name).name not in ("", "..") else Path(name).resolve()
    if "/" in name and os.path.isdir(name) and is_missing(Path(name, "run.yaml")):
        raise RunError(f"{name} is the folder of no run: it has no run.yaml; labnn runs lists all")
    runs = all_runs(experiment)
    where = str(LOGS / experiment if experiment else LOGS)
    if not runs:
        raise RunError(f"there is no run {name!r}: {where} under {Path.cwd()} has no runs at all")
    if name == "auto":
        return runs[-1]
    # A path may be given as it is printed, `logs/mlm/20260101`, also for the beginning of a name.
    parent, _, start = name.rstrip("/").rpartition("/")
    places = (os.path.abspath(parent), os.path.abspath(LOGS / parent))
    same = [
        run
        for run in runs
        if start
        and run.name.startswith(start)
        and (not parent or os.path.abspath(run.parent) in places)
    ]
    exact = [run for run in same if run.name == start]
    if len(exact or same) == 1:
        return (exact or same)[0]
    if same:
        names = ", ".join(map(str, same[-3:]))
        raise RunError(f"{len(same)} runs begin with {name!r}, for instance {names}; name one")
    raise RunError(f"there is no run {name!r} in {where}; the nearest are {nearest(start, runs)}")


def is_run(folder: Path) -> bool:
    """Whether a folder is that of a run"""
    # Where a path is too long or not allowed, `Path.is_file` raises.
    return os.path.isfile(folder / "run.yaml")


def nearest(name: str, runs: list[Path]) -> str:
    """The runs whose names share most with a name, then the newest"""

    def shared(run: Path) -> int:
        """How many characters two names have in common from the start"""
        return len(os.path.commonprefix([run.name, name]))

    best = sorted(enumerate(runs), key=lambda pair: (shared(pair[1]), pair[0]))[-3:]
    return ", ".join(run.name for _, run in reversed(best))


def replace(path: Path, data: str | bytes) -> None:
    """
    Replace a file as a whole: who reads it sees the old one or the new one. Half of a character,
    which UTF-8 has not, becomes an escape.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        # What has this name was left behind by a process that is dead, or is a link to elsewhere.
        part.unlink(missing_ok=True)
        with open(part, "xb") as file:
            file.write(data.encode("utf-8", "backslashreplace") if isinstance(data, str) else data)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def write_json(path: Path, data: Any) -> None:
    """Strict JSON, as a whole"""
    replace(path, json.dumps(data, ensure_ascii=False, allow_nan=False))


def read_json(path: Path, most: int = MOST_TOKENS) -> dict:
    """An object from a file of at most `most` bytes. Raises `RunError` where there is none."""
    try:
        data = json.loads(str(content(path, most), "utf-8"))
    except OSError as e:
        raise RunError(f"{path}: {e.strerror or e}") from None
    except (ValueError, RecursionError) as e:
        raise RunError(f"{path} is damaged: {' '.join(str(e).split())}") from None
    if not isinstance(data, dict):
        raise RunError(f"{path} is damaged: it holds a {type(data).__name__}, no object")
    return data


def status(folder: Path) -> dict:
    """
    What a run says of itself: `state`, `details`, `update`, `step`, `last`, `best`, `started`,
    `changed`, `seconds`, and `owner`, the host and the process that hold its lock. Whatever its
    files hold, a value is of its own kind, and a number is finite.
    """
    found = {"state": "killed", "details": None, "update": 0, "step": 0, "last": {}, "best": None}
    told = {}
    try:
        told = read_json(folder / "status.json", MOST)
    except RunError as e:
        # A run that was killed while it began has told nothing yet.
        if not is_missing(folder / "status.json"):
            found.update(state="unknown", details=str(e))
    for name, kind in {"state": str, "details": str, "last": dict}.items():
        if isinstance(told.get(name), kind):
            found[name] = told[name] if name == "last" else told[name][:LONGEST]
    for name in ("update", "step"):
        found[name] = told[name] if is_count(told.get(name)) else 0
    times = {name: value for name, value in told.items() if is_time(value)}
    found["started"] = times["started"] if "started" in times else begun(folder)
    found["changed"] = times["changed"] if "changed" in times else modified(folder)
    found["seconds"] = times.get("seconds")
    found["best"], found["owner"] = best_of(told.get("best")), None
    # A run that is over holds no lock, and opening a file for each of many runs takes time.
    if found["state"] not in OVER:
        found["owner"] = owner(folder)
        if found["owner"] or found["state"] != "unknown":
            found["state"] = "running" if found["owner"] else "killed"
    add_metrics(folder / "metrics.jsonl", found)
    return found


def best_of(told: Any) -> dict | None:
    """The best value of a status, if it is one"""
    if not isinstance(told, dict) or not is_number(told.get("value")):
        return None
    metric, update = told.get("metric"), told.get("update")
    return {
        "metric": metric[:LONGEST] if isinstance(metric, str) else "",
        "value": told["value"],
        "update": update if is_count(update) else None,
    }


def add_metrics(path: Path, found: dict) -> None:
    """What `metrics.jsonl` has is newer than the status of a run that goes on or was killed."""
    known, newer, kinds = found["update"], {}, set()
    for line in newest(path):
        update, step = line.pop("update"), line.pop("step", 0)
        step = step if is_count(step) else 0
        if not kinds:
            found.update(update=update, step=step, changed=max(found["changed"], modified(path)))
        # An update and a validation say different things; the newest of both is wanted.
        kind = any(name.endswith(".valid") for name in line)
        if kind not in kinds:
            kinds.add(kind)
            newer = line | newer
        if len(kinds) == 2 or update < known:
            break
    found["last"] = {
        name: value for name, value in (found["last"] | newer).items() if is_number(value)
    }


def is_number(value: Any) -> bool:
    """Whether a value can be counted with; JSON has whole numbers beyond all floats."""
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < LARGEST


def is_time(value: Any) -> bool:
    """Whether a value can be a time, or for how long something went on"""
    return is_number(value) and 0 <= value < LATEST


def is_missing(path: Path) -> bool:
    """Whether there is no such file; one that may not be looked at is not missing."""
    try:
        os.lstat(path)
    except OSError as e:
        return isinstance(e, FileNotFoundError)
    return False


def begun(folder: Path) -> float | None:
    """When a run began, by its name; else when its first file was written"""
    try:
        return time.mktime(time.strptime(folder.name[:15], TIME))
    except (ValueError, OverflowError):
        return modified(folder / "run.yaml") or None


def modified(path: Path) -> float:
    """When a file was written, or 0"""
    with contextlib.suppress(OSError):
        return changed if is_time(changed := os.stat(path).st_mtime) else 0.0
    return 0.0


def last_lines(path: Path) -> list[dict]:
    """The whole objects at the end of a file, at most some kilobytes of them"""
    return [*newest(path)][::-1]


def newest(path: Path) -> Iterator[dict]:
    """The same from the last one back; a line that is very long is found all the same."""
    size, lines = TAIL, [b""]
    with contextlib.suppress(OSError), open(opened(path), "rb") as file:
        end = file.seek(0, os.SEEK_END)
        while True:
            start = file.seek(max(0, end - size))
            lines = file.read(size).split(b"\n")
            if not start or len(lines) > 2 or size >= LONG_TAIL:
                break
            size *= 8
        # What comes before the first line end may be half a line, what comes after the last also.
        lines = lines[bool(start) : -1]
    for text in reversed(lines):
        if (line := parsed(text)) is not None:
            yield line
