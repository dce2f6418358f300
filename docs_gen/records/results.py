r"""
# Results

The repository keeps of a run one small file, `record.json`, which `labnn record` writes. It is read
and checked here, [told in HTML](shown.html) and [drawn](curves.html) elsewhere. One file that was
tested on both sides holds the writer and the readers together.

| key | value; `null` where it is not known |
|---|---|
| `format` | `labnn record 1` |
| `experiment`, `run`, `entry` | its name, the name of the run, and `module:Class` or null |
| `state`, `details` | how it ended, and the line of its error or null |
| `date`, `seconds` | the day of its start, `2026-11-21`, and the time spent training |
| `updates`, `tokens` | how many it made, and has read |
| `tokens_per_s` | the median of the speed of all updates |
| `best` | `{"metric", "value", "update"}` |
| `commit`, `is_dirty` | of the code, and whether that had changes on top |
| `command` | list of words |
| `environment`, `data` | name to plain value, of versions and machine, and of the text or null |
| `options` | full name to plain value |
| `overrides`, `asked` | names: what differs from the class, and what a person set of it |
| `resumed` | list of `{"update", "changes": {name: [old, new]}}` |
| `modules` | module to `{"path", "sha256"}`, the path from the root of the repository |
| `metrics` | `{"columns", "rows"}`: names, `update` the first, and lists of numbers or null |
| `validation` | the same for validations |
| `samples` | list of `{"update", "step", "samples"}`, each sample `{"spans": [...]}` |
| a span | `{"kind", "text"}`: `given`, `predicted`, or hidden: `right`, or `wrong` with `truth` |
"""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

FORMAT = "labnn record 1"
TABLE = {"columns": ["text"], "rows": [["number?"]]}
SPAN = {"kind": "kind", "text": "text", "truth?": "text"}
# A word is a leaf, and `?` lets it be null; a list has items of one form; `*` is any name.
FORM = {
    **dict.fromkeys(("experiment", "run", "state"), "text"),
    **dict.fromkeys(("entry", "details", "date", "commit"), "text?"),
    **{"format": "format", "is_dirty": "flag", "updates": "number", "tokens": "number"},
    **{"seconds": "number?", "tokens_per_s": "number?", "best": "object?", "data": "object?"},
    **{"command": ["text"], "environment": {"*": "any"}, "options": {"*": "any"}},
    **{"overrides": ["text"], "asked": ["text"], "metrics": TABLE, "validation": TABLE},
    "resumed": [{"update": "number", "changes": {"*": ["any"]}}],
    "modules": {"*": {"path": "path", "sha256": "sha256"}},
    "samples": [{"update": "number", "step": "number", "samples": [{"spans": [SPAN]}]}],
}
# What a leaf is: a type, or a pattern of text
LEAVES: dict[str, Any] = {"text": str, "number": (int, float), "flag": bool, "any": object}
LEAVES |= {"object": dict, "format": FORMAT, "kind": "given|right|wrong|predicted"}
LEAVES |= {"path": r"[\w-]+(/[\w-]+)*\.py", "sha256": "[0-9a-f]{64}"}


def read(folder: Path) -> dict:
    """The record in a folder. Raises `ValueError`, one line, if it is damaged."""
    path = folder / "record.json"
    try:
        record = json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
        validate(record)
    except OSError as e:
        raise ValueError(f"{path} cannot be read: {e.strerror}") from None
    except (ValueError, RecursionError) as e:
        raise ValueError(f"{path} is damaged: {' '.join(str(e).split())}") from None
    return record


def refuse(constant: str) -> None:
    """`NaN` and its like are no JSON."""
    raise ValueError(f"{constant} is no number")


def validate(record: Any) -> None:
    """Raises `ValueError` for what is no record."""
    check(record, FORM, "record")
    for name in ("metrics", "validation"):
        columns, rows = record[name]["columns"], record[name]["rows"]
        updates = [row[0] if row else None for row in rows]
        if columns[:1] != ["update"] or any(len(row) != len(columns) for row in rows):
            raise ValueError(f"{name}: rows and columns do not fit, or update is not the first")
        if None in updates or updates != sorted(updates):
            raise ValueError(f"{name}: the updates are not in order")


def check(value: Any, form: Any, where: str) -> None:
    """Raises `ValueError` for a value that has not the form; `where` names it."""
    if isinstance(form, str):
        kind = LEAVES[form.rstrip("?")]
        if isinstance(kind, str):
            is_right = isinstance(value, str) and re.fullmatch(kind, value)
        else:
            is_right = isinstance(value, kind) and (kind is not LEAVES["number"] or finite(value))
        if not (is_right or (value is None and form.endswith("?"))):
            raise ValueError(f"{where} should be of the kind {form}, not {repr(value)[:60]}")
    elif not isinstance(value, type(form)):
        raise ValueError(f"{where} should be a {type(form).__name__}, not {repr(value)[:60]}")
    elif isinstance(form, list):
        for number, item in enumerate(value):
            check(item, form[0], f"{where}[{number}]")
    else:
        # An object has the names of its form, of which some may be missing, or any names at all.
        known = {name.rstrip("?"): form[name] for name in form} if "*" not in form else {}
        needed = {name for name in known if f"{name}?" not in form}
        if (wrong := needed - set(value)) or (known and (wrong := set(value) - set(known))):
            raise ValueError(f"{where}: {repr(min(wrong))[:60]} is missing or unknown")
        for name, item in value.items():
            check(item, known.get(name, form.get("*")), f"{where}.{name}"[:80])


def finite(value: Any) -> bool:
    """A number that can be drawn; truth values are numbers to Python only."""
    return not isinstance(value, bool) and -1e300 < value < 1e300


def changed(record: dict, root: Path) -> list[str]:
    """The modules whose files below `root` are not those that the run used, or are gone"""
    return [
        name for name, m in record["modules"].items() if digest(root / m["path"]) != m["sha256"]
    ]


def digest(path: Path) -> str | None:
    """SHA-256 of a file, whose line ends may be those of Windows, or `None`"""
    try:
        return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()
    except OSError:
        return None


def best(record: dict) -> tuple[str, float, int] | None:
    """The name of the best value, the value and its update, if all of that is known"""
    told = record["best"] or {}
    metric, value, update = (told.get(name) for name in ("metric", "value", "update"))
    for found, form in ((metric, "text"), (value, "number"), (update, "number")):
        try:
            check(found, form, "best")
        except ValueError:
            return None
    return metric, value, update


def points(record: dict, name: str) -> list[tuple[int, float | None]]:
    """A curve: the values of a column of metrics or validation with their updates, maybe none"""
    for table in (record["metrics"], record["validation"]):
        if name in table["columns"]:
            column = table["columns"].index(name)
            return [(row[0], row[column]) for row in table["rows"]]
    return []
