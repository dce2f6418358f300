r"""
# Provenance

Where a result comes from, told under it: the command, how far it came, the day, the device, the
time and the commit. Results get old: a [record](results.html) has the checksums of the modules that
the run used, and if one of them is another file now, the page says so and names it. Nobody has to
remember that a figure was drawn before the last correction.
"""

import shlex
from pathlib import Path

from docs_gen.records import results
from docs_gen.records.shown import Say, dotted, text


def under(record: dict, root: Path, say: Say = str) -> str:
    """
    The lines below a result

    * `root` is the folder that holds the modules of the record
    """
    told = text(command(record))
    parts = [f'<code translate="no">{told}</code>'] if told else []
    facts = (progress(record, say), record["date"], machine(record, say), duration(record, say))
    parts += [text(fact) for fact in facts if fact]
    if record["commit"]:
        name = f'<code translate="no">{text(record["commit"][:7])}</code>'
        told = say("commit {name}, with changes") if record["is_dirty"] else say("commit {name}")
        parts.append(text(told).format(name=name))
    return f'<p class="run-source">{" · ".join(parts)}</p>\n{stale(record, root, say)}'


def stale(record: dict, root: Path, say: Say = str) -> str:
    """A mark with the modules that are not those of the run, or nothing"""
    names = results.changed(record, root)
    if not names:
        return ""
    listed = "".join(f"<li><code>{dotted(name)}</code></li>" for name in names)
    return (
        f'<details class="run-stale"><summary>{text(say("code changed since this run"))}</summary>'
        f'\n<ul translate="no">{listed}</ul>\n</details>'
    )


def command(record: dict) -> str:
    """What a person types to run it again; of a script a record keeps only the name"""
    if not record["command"]:
        return ""
    script, *words = record["command"]
    module = str(record["entry"] or "").partition(":")[0]
    names = (module.rpartition(".")[2] + ".py", "__main__.py")
    started = ["-m", module] if module and script in names else [script]
    return shlex.join(["python", *started, *words])


def progress(record: dict, say: Say = str) -> str:
    """How many updates it made, and how it ended if it did not come to its end"""
    told = say("{number} updates").format(number=f"{record['updates']:,}")
    ends = {"stopped": say("stopped"), "failed": say("failed"), "killed": say("killed")}
    state = record["state"]
    return told if state == "finished" else f"{told}, {ends.get(state, state)}"


def machine(record: dict, say: Say = str) -> str:
    """The device, and what of a processor was used"""
    had = record["environment"]
    device, threads, torch = (had.get(name) for name in ("device", "threads", "torch"))
    parts = [str(device)] if device else []
    if threads and not str(device).startswith("cuda"):
        parts.append(say("threads: {number}").format(number=threads))
    return ", ".join([*parts, *([f"torch {torch}"] if torch else [])])


def duration(record: dict, say: Say = str) -> str:
    """The time spent training in two units at most, or nothing where it is not known"""
    if record["seconds"] is None:
        return ""
    seconds = round(record["seconds"])
    minutes, hours = seconds // 60, seconds // 3600
    if hours >= 48:
        return say("{d} d {h} h").format(d=hours // 24, h=hours % 24)
    if hours:
        return say("{h} h {min} min").format(h=hours, min=minutes % 60)
    if minutes:
        return say("{min} min {s} s").format(min=minutes, s=seconds % 60)
    return say("{s} s").format(s=seconds)
