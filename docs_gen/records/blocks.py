r"""
# Result Blocks

A note shows what a run has done by a fence that names its [record](results.html), and nothing is
shown without one:

    ```result
    run: mlm
    show: loss, samples
    at: 0, 12
    ```

`show` has one or several words, each of which is an [exhibit](exhibits.html); `at` are the updates
whose samples are shown, otherwise all of them. Below stands where it [comes from](provenance.html).
"""

import difflib
from contextlib import suppress
from pathlib import Path

import yaml

from docs_gen.records import results
from docs_gen.records.exhibits import WORDS, exhibit
from docs_gen.records.provenance import under
from docs_gen.records.shown import Say, text
from docs_gen.records.thumbnails import thumbnail as thumbnail
from docs_gen.writing.notes import READ


def result(fence: str, records: Path, root: Path, prefix: str = "run", say: Say = str) -> str:
    """
    The HTML of a fence. Raises `ValueError`, one line, for what cannot be shown.

    * `records` holds a folder for each record, and `root` the modules that they name
    * `prefix` begins the ids, and no other block of the page may have it
    * `say` translates the words of the interface
    """
    asked = read(fence)
    run = asked["run"]
    record = find(records, run)
    try:
        parts = [exhibit(w, record, asked["at"], f"{prefix}-{w}", say) for w in asked["show"]]
    except ValueError as e:
        raise ValueError(f"run {run} has {e}") from None
    label = text(say("Results of {run}").format(run=run))
    body = "\n".join([*parts, under(record, root, say)])
    return f'<div class="run-block" role="group" aria-label="{label}">\n{body}</div>'


def read(fence: str) -> dict:
    """The words of a fence: `run`, and the lists `show` and `at`. Raises `ValueError`."""
    try:
        # All values are texts to this loader.
        told = yaml.load(fence, Loader=yaml.BaseLoader)
    except (yaml.YAMLError, RecursionError) as e:
        raise ValueError(f"a result block is no YAML: {' '.join(str(e).split())}") from None
    if not isinstance(told, dict) or not isinstance(told.get("run"), str) or not told["run"]:
        raise ValueError("a result block names its run, for instance run: mlm")
    for name in told:
        known(str(name), ("run", "show", "at"), "no word of a result block")
    show, at = (listed(told.get(name, "")) for name in ("show", "at"))
    for word in show:
        known(word, WORDS, "nothing that can be shown")
    for word in at:
        if not word.isdecimal():
            raise ValueError(f"at: {word} is no number of an update")
    # Twice the same would have the same ids.
    return {"run": told["run"], "show": [*dict.fromkeys(show or ["loss"])], "at": [*map(int, at)]}


def listed(value: object) -> list[str]:
    """A list as YAML has it, or words between commas"""
    words = value if isinstance(value, list) else str(value).split(",")
    return [word.strip() for word in map(str, words) if word.strip()]


def known(name: str, names: tuple[str, ...] | list[str], what: str) -> None:
    """Raises `ValueError` with the nearest names for one that is not there."""
    if name not in names:
        near = difflib.get_close_matches(name, names, 3, 0.4) or names[:3]
        raise ValueError(f"{name} is {what}; there is {', '.join(near) or 'none'}")


def runs(records: Path) -> list[str]:
    """The names of all records"""
    return sorted(path.parent.name for path in records.glob("*/record.json"))


def find(records: Path, run: str) -> dict:
    """The record of a run. Raises `ValueError`."""
    known(run, runs(records), f"no run in {records.name}")
    return results.read(records / run)


def named(note: str) -> list[str]:
    """The runs that a note shows, as far as its fences can be read"""
    found = []
    # Most notes have none, and need not be read as Markdown.
    for token in READ.parse(note) if "result" in note else ():
        if token.type == "fence" and token.info.split()[:1] == ["result"]:
            with suppress(ValueError):
                found.append(read(token.content)["run"])
    return found


def kept(records: Path) -> tuple[dict[str, dict], list[str]]:
    """The records of all runs, by name, and a line for each that is damaged"""
    found, damaged = {}, []
    for run in runs(records):
        try:
            found[run] = find(records, run)
        except ValueError as e:
            damaged.append(str(e))
    return found, damaged


def stale(records: Path, root: Path) -> list[tuple[str, list[str]]]:
    """The runs whose code has changed since, with the modules"""
    changes = ((run, results.changed(record, root)) for run, record in kept(records)[0].items())
    return [(run, modules) for run, modules in changes if modules]
