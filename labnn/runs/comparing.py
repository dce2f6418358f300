r"""
# Comparing Runs

What differs between runs, and what came of it, a column for each run:

```sh
labnn compare 20261121-09 20261121-10
```

Options that are the same everywhere say nothing and are left out. Every option is compared if all
runs have listed theirs. An older run names only what it changed from the defaults; then these are
compared, and a `-` stands for a default.
"""

import os
from pathlib import Path
from typing import Any

from labnn.runs import contents
from labnn.runs.describing import best, is_hash, told
from labnn.runs.folders import RunError, find, status
from labnn.runs.plain_text import (
    beginnings,
    cropped,
    duration,
    fits,
    number,
    screen,
    shown,
    strict,
    table,
)

# What numbers and speed depend on beside the options
ENVIRONMENT = ("torch", "device", "threads", "python")
# No value is wider than so many characters.
WIDEST = 60
# A value that was cut to less says nothing.
LEAST = 10


def compare(words: list[str], options: dict[str, str]) -> tuple[dict, str]:
    """Two runs or more, side by side. Raises `RunError`."""
    folders = [find(word) for word in words]
    # Two names may lead to one run, also through a link.
    seen: dict[str, str] = {}
    for word, folder in zip(words, folders, strict=True):
        path = os.path.realpath(folder)
        if path in seen:
            raise RunError(f"{seen[path]} and {word} are the same run, {folder}; name another one")
        seen[path] = word
    info = [contents.info(folder) for folder in folders]
    histories = [contents.history(folder) for folder in folders]
    said = [status(folder) for folder in folders]
    # What `--json` prints; the table says nothing else.
    data = {
        "runs": [
            {"name": folder.name, "experiment": place(folder), "path": str(folder), **run}
            for folder, run in zip(folders, said, strict=True)
        ],
        "options": differing([options_of(one, info) for one in info]),
        "environment": differing([environment(one) for one in info]),
        "metrics": measures(histories),
        "updates": [run["update"] for run in said],
        "seconds": [run["seconds"] for run in said],
        "tokens_per_s": [one.tokens_per_s for one in histories],
        "damaged": [
            line
            for one, run in zip(histories, said, strict=True)
            for line in [
                *([run["details"]] if run["state"] == "unknown" else []),
                *one.complaints(run["state"] == "running"),
            ]
        ],
    }
    data = strict(data)
    return data, "\n".join(side_by_side(data, screen()))


def place(folder: Path) -> str:
    """The experiment that a run is of"""
    return folder.resolve().parent.name


def options_of(one: dict, info: list[dict]) -> dict:
    """The options of a run, as far as they can be compared with those of the others"""
    has_all = all(isinstance(other.get("options"), dict) for other in info)
    return contents.part(one, "options" if has_all else "overrides", dict)


def environment(one: dict) -> dict:
    """What a result depends on beside the options"""
    had = contents.part(one, "environment", dict)
    found = {name: had[name] for name in ENVIRONMENT if name in had}
    found["commit"] = one.get("commit")
    if one.get("is_dirty"):
        found["commit"] = f"{one.get('commit')}, with changes"
    text = contents.part(one, "data", dict)
    return found | {f"data.{name}": text[name] for name in text if is_hash(name)}


def differing(runs: list[dict]) -> dict[str, list[dict]]:
    """
    The names whose values are not the same in all runs. A value is an object with `value`; it is
    an empty one if a run does not name it.
    """
    found, runs = {}, strict(runs)
    for name in sorted({name for run in runs for name in run}):
        values = [{"value": run[name]} if name in run else {} for run in runs]
        # For Python `True` is 1, for an option it is not.
        if any(typed(value) != typed(values[0]) for value in values):
            found[name] = values
    return found


def typed(value: Any) -> Any:
    """A value that is equal to another one only if both are bools, or none is"""
    if isinstance(value, dict):
        return {name: typed(item) for name, item in value.items()}
    if isinstance(value, list):
        return [typed(item) for item in value]
    return (isinstance(value, bool), value)


def measures(told: list[contents.History]) -> dict[str, dict[str, list]]:
    """The last and the best of each measure, for each run"""
    names = sorted({name for one in told for name in one.last})
    return {
        name: {
            "last": [one.last.get(name) for one in told],
            "best": [one.best.get(name) for one in told],
        }
        for name in names
    }


def side_by_side(data: dict, width: int | None) -> list[str]:
    """
    The table.

    * `width` is that of the terminal, `None` for as wide as it gets
    """
    names = [run["name"] for run in data["runs"]]
    # Runs of two experiments may have one name.
    if len({*names}) < len(names):
        names = [f"{run['experiment']}/{run['name']}" for run in data["runs"]]
    names = [*map(shown, names)]
    # A list of prompts would push the other runs out of sight; `--json` has all of it.
    rows = [[first, *(cropped(cell, WIDEST) for cell in row)] for first, *row in body(data)]
    lines = table([["", *names], *rows])
    # Where the terminal is too narrow, names are shortened first, then values.
    if not fits(lines, width):
        names = beginnings(names)
        lines = table([["", *names], *rows])
    if not fits(lines, width):
        # What is left beside the names of options, for each run
        room = (width - max(len(row[0]) for row in rows)) // len(names) - 2
        room = max(room, LEAST, *map(len, names))
        lines = table(
            [
                ["", *names],
                *([first, *(cropped(cell, room) for cell in row)] for first, *row in rows),
            ]
        )
    return lines + [f"damaged: {shown(line)}" for line in data["damaged"]]


def body(data: dict) -> list[list[str]]:
    """The rows below the names"""
    blank = [""] * len(data["runs"])
    rows = [["state", *(shown(run["state"]) for run in data["runs"])]]
    for title in ("options", "environment"):
        if data[title]:
            rows += [["", *blank], [title, *blank]]
        for name, values in data[title].items():
            cells = [told(name, value["value"]) if value else "-" for value in values]
            rows.append([f"  {shown(name)}", *cells])
    if not data["options"]:
        rows += [["", *blank], ["options: all the same", *blank]]
    rows += [["", *blank], ["measures", *blank]]
    for name, found in data["metrics"].items():
        rows.append([f"  {shown(name)}", *map(number, found["last"])])
        if any(found["best"]):
            rows.append(["    best", *map(best, found["best"])])
    rows.append(["  updates", *(f"{value:,}" for value in data["updates"])])
    took = [duration(value) if value is not None else "-" for value in data["seconds"]]
    speeds = [f"{value:,.0f}" if value is not None else "-" for value in data["tokens_per_s"]]
    return [*rows, ["  time", *took], ["  tokens/s, median", *speeds]]
