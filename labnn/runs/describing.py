r"""
# Describing a Run

What `labnn show` says of a run, from the object that it prints with `--json`: first how it is
doing and what it was, then the options, the measures, the checkpoints and the files as tables.

On a terminal long texts go on below their beginning. A command stays one that can be copied: its
lines end with the sign by which a shell knows that another one follows.
"""

import shlex
import textwrap
import time
from collections.abc import Iterator
from typing import Any

from labnn.runs.folders import is_number, is_time
from labnn.runs.plain_text import age, cropped, duration, n_bytes, number, shown, table
from labnn.runs.reading import is_count

# How far to the right everything stands but the labels
LABEL = 13
# A text is not folded into less, however narrow the terminal is.
LEAST = 30


def description(run: dict, width: int | None) -> list[str]:
    """
    The lines that `labnn show` prints.

    * `width` is that of the terminal, `None` for as wide as it gets
    """
    room = None if width is None else max(width - LABEL, LEAST)
    lines = [shown(f"{run['experiment']} {run['name']}"), ""]
    for label, text in facts(run):
        lines += labelled(label, folded(text, room))
    if run["command"]:
        lines += labelled("command", folded_command(run["command"], room))
    for label, text in surroundings(run):
        lines += labelled(label, folded(text, room))
    for title, rows, right in tables(run):
        # An option may be a long list, of which the beginning has to do.
        if room and title.startswith("options"):
            longest = max(len(name) for name, _ in rows)
            rows = [
                [name, cropped(value, max(room + LABEL - 4 - longest, 20))] for name, value in rows
            ]
        lines += ["", title, *table(rows, right, indent="  ")]
    return lines


def facts(run: dict) -> Iterator[tuple[str, str]]:
    """How the run is doing, as labels with texts"""
    yield "path", shown(run["path"])
    yield "state", state(run)
    # An error may have its reason elsewhere: a disk is full, another rate is needed.
    is_open = run["state"] in ("stopped", "killed")
    if run["resume"] and (is_open or (run["state"] == "failed" and run["checkpoints"])):
        yield "go on with", shown(run["resume"])
    for line in run["damaged"]:
        yield "damaged", shown(line)
    yield "updates", f"{run['update']:,} ({run['step']:,} tokens)"
    if run["best"]:
        yield "best", best(run["best"])
    if run["started"] is not None:
        ago = age(time.time() - run["started"])
        yield "started", f"{moment(run['started'])}, {ago} ago".replace(", now ago", ", now")
    if run["seconds"] is not None:
        yield "trained for", duration(run["seconds"])
    if run["metrics"]["tokens_per_s"] is not None:
        yield "speed", f"{run['metrics']['tokens_per_s']:,.0f} tokens/s"
    for resumed in run["resumed"]:
        yield "resumed", shown(resumption(resumed))


def state(run: dict) -> str:
    """The state, and who or what is behind it"""
    text = run["state"]
    if run["owner"]:
        text += f": process {run['owner']['pid']} on {run['owner']['host']}"
    # Why nothing is known of it is said where damage is.
    elif run["details"] and text != "unknown":
        text += f": {run['details']}"
    return shown(text)


def moment(seconds: float) -> str:
    """A time as clocks show it here"""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def resumption(resumed: dict) -> str:
    """When a run was resumed, and what was changed"""
    when = resumed.get("time")
    text = moment(when) if is_time(when) else str(when)
    if is_count(resumed.get("update")):
        text += f" after update {resumed['update']:,}"
    changes = resumed.get("changes")
    if isinstance(changes, dict) and changes:
        listed = []
        for name, change in changes.items():
            values = change if isinstance(change, list) else [change]
            listed.append(f"{name} " + " -> ".join(shown(value) for value in values))
        text += " with " + ", ".join(listed)
    return text


def surroundings(run: dict) -> Iterator[tuple[str, str]]:
    """What a result depends on beside the options, as labels with texts"""
    commit = run["commit"]
    if isinstance(commit["commit"], str) and commit["commit"] not in ("", "unknown"):
        changed = ", with changes that are in source.diff" if commit["is_dirty"] else ""
        message = str(commit["commit_message"] or "").partition("\n")[0]
        yield "commit", shown(f"{commit['commit'][:12]} {message}".strip() + changed)
    had, texts = run["environment"], []
    for name in ("python", "torch", "numpy", "labnn"):
        if name in had:
            texts.append(f"{name} {had[name]}")
    for form, name in (("{}", "device"), ("{} threads", "threads"), ("{}", "platform")):
        if name in had:
            texts.append(form.format(had[name]))
    if texts:
        yield "environment", shown(", ".join(texts).replace(", 1 threads", ", 1 thread"))
    if run["data"]:
        order = sorted(run["data"], key=lambda name: name not in ("name", "source"))
        yield "data", ", ".join(f"{shown(name)} {told(name, run['data'][name])}" for name in order)


def is_hash(name: str) -> bool:
    """Whether a name is that of a SHA-256 sum"""
    return str(name).endswith("sha256")


def told(name: str, value: Any) -> str:
    """A value in one line. The beginning of a sum is enough to tell it from others."""
    return shown(value)[:12] if is_hash(name) else shown(value)


def tables(run: dict) -> Iterator[tuple[str, list[list[str]], tuple[int, ...]]]:
    """Title, rows, and the columns of numbers"""
    options = [[shown(name), shown(value)] for name, value in sorted(run["overrides"].items())]
    asked = [row for row in options if row[0] in run["asked"]]
    own = [row for row in options if row[0] not in run["asked"]]
    if asked:
        yield "options that were asked for", asked, ()
    if own:
        # Older runs do not say who set an option.
        title = "options that the experiment sets" if asked else "options other than the defaults"
        yield title, own, ()
    measures = [
        [shown(name), number(value), best(run["metrics"]["best"].get(name))]
        for name, value in sorted(run["metrics"]["last"].items())
    ]
    if measures:
        yield "measures", [["", "last", "best"], *measures], (1,)
    kinds = {"is_newest": "newest", "is_best": "best"}
    kept = [
        [
            checkpoint["name"],
            n_bytes(checkpoint["bytes"]),
            ", ".join(text for kind, text in kinds.items() if checkpoint[kind]),
        ]
        for checkpoint in run["checkpoints"]
    ]
    if kept:
        yield "checkpoints, by the updates before them", kept, (0, 1)
    listed = [[n_bytes(file["bytes"]), shown(file["name"])] for file in run["files"]]
    if listed:
        yield "files", listed, (0,)


def best(found: dict | None) -> str:
    """A best value, with its name if it has one, and its update"""
    found = found or {}
    value, update = found.get("value"), found.get("update")
    if not is_number(value):
        return "-"
    place = f" at {update:,}" if is_count(update) else ""
    return shown(f"{found.get('metric', '')} {number(value)}{place}".strip())


def labelled(label: str, lines: list[str]) -> list[str]:
    """Lines beside a label"""
    first, *others = lines
    return [f"{label:{LABEL}}{first}".rstrip(), *(" " * LABEL + line for line in others)]


def folded(text: str, width: int | None) -> list[str]:
    """A text in lines"""
    if width is None:
        return [text]
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False) or [""]


def folded_command(words: list[str], width: int | None) -> list[str]:
    """A command in lines that a shell takes for one"""
    lines = [""]
    for word in map(shlex.quote, map(shown, words)):
        if width is not None and lines[-1] and len(lines[-1]) + len(word) + 3 > width:
            lines.append("")
        lines[-1] += " " * bool(lines[-1]) + word
    return [*(f"{line} \\" for line in lines[:-1]), lines[-1]]
