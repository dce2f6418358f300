r"""
# Looking at Runs

    labnn runs mlm
    labnn show 20261121

A list of runs, and everything about one. Both are made from what a run [says of
itself](folders.html) and from what it has [written](contents.html), and neither loads torch: a
thousand runs are listed in a fraction of a second. [Comparing](comparing.html) is about several.
"""

import time
from collections.abc import Callable
from pathlib import Path

from labnn.runs import contents
from labnn.runs.describing import best, description
from labnn.runs.folders import LOGS, RunError, all_runs, find, status
from labnn.runs.plain_text import (
    age,
    beginnings,
    fits,
    number,
    screen,
    shown,
    strict,
    table,
)

# Which columns a list has, from all to the least: the first that fits a terminal is taken.
COLUMNS = (
    "run experiment state age updates last best",
    "short experiment state age updates last best",
    "short experiment state age updates loss best_value",
    "short experiment state age loss best_value",
    "short experiment state age loss",
    "short state age",
)
RIGHT = ("age", "updates", "loss")


def runs(words: list[str], options: dict[str, str]) -> tuple[dict, str]:
    """The runs below the working directory, or those of one experiment"""
    # The shell completes the name of a folder.
    experiment = words[0].removeprefix(f"{LOGS}/").strip("/") if words else None
    found = [
        {"name": run.name, "experiment": run.parent.name, "path": str(run), **status(run)}
        for run in all_runs(experiment)
    ]
    text = "\n".join(listing(found, screen())) if found else nothing(experiment)
    return strict({"runs": found}), text


def nothing(experiment: str | None) -> str:
    """Where it was looked for runs"""
    where = f"no runs in {shown(str(LOGS / (experiment or '')))} under {shown(str(Path.cwd()))}"
    others = sorted({run.parent.name for run in all_runs()}) if experiment else []
    return f"{where}; there are runs of {shown(', '.join(others))}" if others else where


def listing(found: list[dict], width: int | None) -> list[str]:
    """
    The table.

    * `width` is that of the terminal, `None` for as wide as it gets
    """
    now = time.time()
    short = dict(
        zip((run["path"] for run in found), beginnings([run["name"] for run in found]), strict=True)
    )
    cells: dict[str, tuple[str, Callable[[dict], str]]] = {
        "run": ("run", lambda run: shown(run["name"])),
        "short": ("run", lambda run: shown(short[run["path"]])),
        "experiment": ("experiment", lambda run: shown(run["experiment"])),
        "state": ("state", lambda run: shown(run["state"])),
        "age": ("age", lambda run: age(now - run["started"] if run["started"] else None)),
        "updates": ("updates", lambda run: f"{run['update']:,}"),
        "last": ("last", lambda run: " ".join(last(run))),
        "loss": ("loss", lambda run: last(run)[-1]),
        "best": ("best", lambda run: best(run["best"])),
        "best_value": ("best", lambda run: best(run["best"]).partition(" at ")[0]),
    }
    for names in map(str.split, COLUMNS):
        rows = [[cells[name][0] for name in names]]
        rows += [[cells[name][1](run) for name in names] for run in found]
        lines = table(rows, [place for place, name in enumerate(names) if name in RIGHT])
        if fits(lines, width):
            break
    return lines


def last(run: dict) -> tuple[str, ...]:
    """The newest loss, with its name"""
    for name in ("loss.valid", "loss.train"):
        if name in run["last"]:
            return name, number(run["last"][name])
    return ("-",)


def show(words: list[str], options: dict[str, str]) -> tuple[dict, str]:
    """Everything about one run; what is damaged is told as well. Raises `RunError`."""
    folder = find(words[0])
    said = status(folder)
    damaged = [said["details"]] if said["state"] == "unknown" else []
    data, told = {}, contents.History()
    try:
        data, wrong = contents.readable_info(folder)
        damaged += wrong
    except RunError as e:
        damaged.append(str(e))
    try:
        told = contents.history(folder)
        damaged += told.complaints(said["state"] == "running")
    except RunError as e:
        damaged.append(str(e))
    checkpoints, wrong = contents.checkpoints(folder)
    run = {
        "name": folder.name,
        "experiment": folder.resolve().parent.name,
        "path": str(folder),
        **said,
        "entry": data.get("entry"),
        "resume": contents.resume_command(folder, data),
        "command": contents.command(data),
        "commit": {name: data.get(name) for name in ("commit", "commit_message", "is_dirty")},
        "environment": contents.part(data, "environment", dict),
        "data": contents.part(data, "data", dict),
        "resumed": contents.part(data, "resumed", list),
        "overrides": contents.part(data, "overrides", dict),
        "asked": contents.part(data, "asked", list),
        "metrics": {"last": told.last, "best": told.best, "tokens_per_s": told.tokens_per_s},
        "checkpoints": checkpoints,
        "files": contents.files(folder),
        "damaged": damaged + wrong,
    }
    run = strict(run)
    return run, "\n".join(description(run, screen()))
