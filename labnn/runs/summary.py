r"""
# Summary of a Run

What a run was and how it went, small enough to be kept or shown: the form of a
[record](../../docs_gen/records/results.html), taken from the files in the folder of the run.

* Of the updates about 300 stay, evenly chosen: the first, the last, and the lowest and highest
  value of each curve are always among them. Half as many validations stay, in the same way, which
  is all of them in most runs. Numbers have five digits.
* Of the samples four rounds stay, of a hundred epochs those before the first and after 1, 10 and
  100: a model learns fastest at first. They have as many prompts as a fixed size has room for.
* A path keeps its last part if it was absolute: whose machine it was is nobody's business.
* A damaged line of a file is left out, and counted. Options that are damaged are an error, because
  nothing would say what was run.
"""

import datetime
import json
import re
from collections.abc import Iterable
from itertools import accumulate
from pathlib import Path
from statistics import median
from typing import Any

from docs_gen.records import results
from docs_gen.records.curves import evenly
from labnn.runs import contents, folders
from labnn.runs.folders import RunError
from labnn.runs.reading import Lines

CURVES = ("loss.train", "accuracy.train", "lr", "grad_norm", "tokens_per_s")
SAMPLES = results.FORM["samples"][0]["samples"]
# Curves of a validation, at most
N_VALID = 6
# The longest text and list that are kept whole
LONGEST = 1000, 40
# What an absolute path begins with: a home, a drive, or the root
START = r"(?:file:/*|~[\w.-]*|[A-Za-z]:)?[/\\]"
# A path may have spaces in it if it is all there is, or all that is in quotes.
WHOLE = re.compile(rf"((?:--)?[\w.-]+=)?({START}.*|~.*)")
QUOTED = re.compile(rf"(?<=[\"'])({START}[^\"'\n]*)(?=[\"'])")
INSIDE = re.compile(rf"(?<![\w.~/\\…])(?!(?<=:)//)({START}[^\s\"'<>|,;]*)")


def summary(
    folder: Path, n_rows: int = 300, n_rounds: int = 4, n_bytes: int = 16000
) -> tuple[dict, list[str]]:
    """
    What a record has, but for the modules, and what was left out, in words. Raises `RunError`.

    * `n_rows` is how many updates are kept, and validations
    * `n_rounds` and `n_bytes` are how many rounds of samples, and how much of them
    """
    info, status = contents.info(folder), folders.status(folder)
    measured, sampled = Lines(folder / "metrics.jsonl"), Lines(folder / "samples.jsonl")
    train, valid = metrics(measured)
    speeds = [v for row in train if (v := number(row.get("tokens_per_s"))) is not None]
    names = {name for row in valid for name in row if name.endswith(".valid")}
    overrides = cleaned(contents.part(info, "overrides", dict))
    options = {**cleaned(contents.part(info, "options", dict)), **overrides}
    commit = info.get("commit")
    resumed = [
        {"update": again.get("update", 0), "changes": cleaned(again.get("changes") or {})}
        for again in contents.part(info, "resumed", list)
    ]
    # What each key means is told with the [check](../../docs_gen/records/results.html) of a record.
    data = {
        "format": results.FORMAT,
        "experiment": str(info.get("name") or folder.parent.name),
        "run": folder.resolve().name,
        "entry": info.get("entry"),
        "state": status["state"],
        "details": cleaned(status["details"]),
        "date": day(info, status if (folder / "status.json").exists() else {}),
        "seconds": status.get("seconds"),
        "updates": status["update"],
        "tokens": status["step"],
        "tokens_per_s": rounded(median(speeds)) if speeds else None,
        "best": cleaned(status["best"] or best(valid)),
        "commit": commit if re.fullmatch("[0-9a-f]{7,64}", str(commit)) else None,
        "is_dirty": bool(info.get("is_dirty")),
        "command": cleaned(contents.part(info, "command", list)),
        "environment": dict(sorted(cleaned(contents.part(info, "environment", dict)).items())),
        "data": cleaned(info.get("data")),
        "options": dict(sorted(options.items())),
        "overrides": sorted(overrides),
        "asked": sorted(contents.part(info, "asked", list)),
        "resumed": resumed,
        "modules": {},
        "metrics": table(train, CURVES, n_rows),
        "validation": table(valid, sorted(names)[:N_VALID], n_rows // 2),
        "samples": rounds(sampled, n_rounds, n_bytes),
    }
    # What is not as readers expect it would be found out only by them.
    try:
        results.validate(data)
    except ValueError as e:
        raise RunError(f"{folder} is damaged: {e}") from None
    is_running = status["state"] == "running"
    return data, [line for file in (measured, sampled) for line in file.complaints(is_running)]


def best(valid: list[dict]) -> dict | None:
    """The lowest loss of the validations, for an older run, which does not name its best"""
    known = [(number(row.get("loss.valid")), row["update"]) for row in valid]
    value, update = min(((v, u) for v, u in known if v is not None), default=(None, None))
    return None if value is None else {"metric": "loss.valid", "value": value, "update": update}


def day(info: dict, told: dict) -> str | None:
    """The day on which a run began, as far as it has told"""
    started = told.get("started")
    if number(started) is not None and 0 < started < 1e11:
        return datetime.datetime.fromtimestamp(started, datetime.timezone.utc).date().isoformat()
    return str(info["trial_date"]) if info.get("trial_date") else None


def metrics(lines: Lines) -> tuple[list[dict], list[dict]]:
    """The lines of updates and those of validations. Raises `RunError`."""
    train: list[dict] = []
    valid: list[dict] = []
    for line in contents.objects(lines):
        for rows in (train, valid):
            # What came after a checkpoint is done again if the run was resumed there.
            while rows and rows[-1]["update"] > line["update"]:
                rows.pop()
        if any(name in line for name in CURVES):
            add(train, line)
        if any(name.endswith(".valid") for name in line):
            add(valid, line)
    return train, valid


def add(rows: list[dict], line: dict) -> None:
    """What was saved in several lines of one update is one row."""
    if rows and rows[-1]["update"] == line["update"]:
        line = {**rows.pop(), **line}
    rows.append(line)


def table(rows: list[dict], names: Iterable[str], most: int) -> dict:
    """A table of at most about `most` rows, with the columns that the rows have"""
    present = {name for row in rows for name in row}
    columns = [name for name in names if name in present]
    # The ends and the extremes are kept, and as many between as there is room for.
    kept = {0, len(rows) - 1} if rows else set()
    for name in columns:
        known = [
            (value, n) for n, row in enumerate(rows) if (value := number(row.get(name))) is not None
        ]
        kept |= {min(known)[1], max(known)[1]} if known else set()
    kept |= set(evenly(range(len(rows)), max(2, most - len(kept))))
    return {
        "columns": ["update", "step", *columns],
        "rows": [
            [
                rows[n]["update"],
                number(rows[n].get("step")),
                *(rounded(rows[n].get(c)) for c in columns),
            ]
            for n in sorted(kept)
        ],
    }


def number(value: Any) -> float | None:
    """A finite number, or nothing"""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value if is_number and results.finite(value) else None


def rounded(value: Any) -> float | None:
    """A number in five digits, without a point where it is whole"""
    if number(value) is None:
        return None
    short = float(f"{value:.5g}")
    return int(short) if short.is_integer() and abs(short) < 1e15 else short


def rounds(lines: Lines, most: int, n_bytes: int) -> list[dict]:
    """
    Rounds of samples, `early` ones, each with the same prompts, as many as have room. May raise
    `RunError`.
    """
    found: list[dict] = []
    for line in contents.objects(lines):
        if not is_round(line):
            lines.n_damaged += 1
            continue
        # Those after a checkpoint are drawn again if the run was resumed there.
        while found and found[-1]["update"] >= line["update"]:
            found.pop()
        found.append(line)
    taken = early(found, most)
    room = n_bytes // max(1, len(taken))
    told = [[[short_span(s) for s in one["spans"]] for one in line["samples"]] for line in taken]
    n = min((fitting(prompts, room) for prompts in told), default=0)
    return [
        {
            "update": line["update"],
            "step": number(line.get("step")) or 0,
            "samples": [{"spans": cut(spans, room)} for spans in prompts[:n]],
        }
        for line, prompts in zip(taken, told, strict=True)
    ]


def early(items: list, most: int) -> list:
    """
    At most `most` of the items, three or more: the first two, the last, and each of the others a
    fixed factor behind the one before it
    """
    if len(items) <= most:
        return items
    places = [0]
    for n in range(most - 1):
        places.append(max(places[-1] + 1, round((len(items) - 1) ** (n / (most - 2)))))
    return [items[place] for place in places]


def is_round(line: dict) -> bool:
    """Whether a line has samples that can be shown"""
    try:
        results.check(line.get("samples"), SAMPLES, "samples")
    except ValueError:
        return False
    return all(
        "truth" in s for one in line["samples"] for s in one["spans"] if s["kind"] == "wrong"
    )


def short_span(span: dict) -> dict:
    """Only what the model has wrong needs the truth."""
    names = ("kind", "text", "truth") if span["kind"] == "wrong" else ("kind", "text")
    return {name: span[name] for name in names}


def fitting(prompts: list[list[dict]], room: int) -> int:
    """How many prompts have room, at least one"""
    sizes = accumulate(size(spans) for spans in prompts)
    return max(1, sum(total <= room for total in sizes))


def size(spans: list[dict]) -> int:
    """Bytes of a prompt in the file"""
    return len(written(spans, 7).encode("utf-8", "replace"))


def cut(spans: list[dict], room: int) -> list[dict]:
    """The beginning of a prompt that is longer than the room for all"""
    if size(spans) <= room:
        return spans
    end = {"kind": "given", "text": " …"}
    n = sum(total <= room - 100 for total in accumulate(size([span]) for span in spans))
    # Even one piece may be too long.
    head = spans[:n] or [{name: text[: room // 8] for name, text in spans[0].items()}]
    return [*head, end]


def cleaned(value: Any) -> Any:
    """Plain data without the folders of absolute paths and without passwords, not too long"""
    if isinstance(value, dict):
        return {str(name)[:200]: cleaned(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [*map(cleaned, value[: LONGEST[1]]), *(["…"] if len(value) > LONGEST[1] else [])]
    if isinstance(value, (bool, type(None))) or number(value) is not None:
        return value
    # An address may have a password in it.
    text = re.sub(r"://[^/@\s]*@", "://", str(value))
    if match := WHOLE.fullmatch(text):
        text = (match[1] or "") + tail(match[2])
    else:
        for pattern in (QUOTED, INSIDE):
            text = pattern.sub(lambda found: tail(found[1]), text)
    return text if len(text) <= LONGEST[0] else text[: LONGEST[0]] + "…"


def tail(path: str) -> str:
    """The last part of a path, with a sign for what was before it"""
    parts = re.split(r"[/\\]+", path.rstrip("/\\"))
    return "…/" + parts[-1] if len(parts) > 1 else "…"


def written(value: Any, depth: int = 0) -> str:
    """JSON of which each line is short enough to compare: what fits on a line is on one."""
    flat = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if not isinstance(value, (dict, list)) or not value or (depth and len(flat) + depth <= 120):
        return flat
    if isinstance(value, dict):
        items = [
            f"{json.dumps(n, ensure_ascii=False)}: {written(v, depth + 1)}"
            for n, v in value.items()
        ]
    else:
        items = [written(item, depth + 1) for item in value]
    ends = "{}" if isinstance(value, dict) else "[]"
    inner = ",\n".join(" " * (depth + 1) + item for item in items)
    return f"{ends[0]}\n{inner}\n{' ' * depth}{ends[1]}"
