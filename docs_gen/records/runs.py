r"""
# Runs on Pages

Which page shows which run, a [thumbnail](thumbnails.html) for it wherever that page is offered, and
a table of all runs that the repository keeps. A run whose [code has changed](provenance.html) is
marked in the table too.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from markupsafe import Markup

from docs_gen.parts import Module
from docs_gen.records import blocks, results
from docs_gen.records.curves import short
from docs_gen.records.provenance import command, duration, machine, progress
from docs_gen.records.shown import SIGNS, Say
from docs_gen.records.thumbnails import thumbnail


def shown_on(modules: Sequence[Module]) -> dict[str, list[Module]]:
    """The pages that show a run, by its name"""
    found: dict[str, list[Module]] = {}
    for module in modules:
        runs = [run for section in module.sections for run in blocks.named(section.note)]
        for run in dict.fromkeys(runs):
            found.setdefault(run, []).append(module)
    return found


def thumbnails(
    modules: Sequence[Module], records: Path | None, say: Say = str
) -> dict[str, Markup]:
    """
    For pages that show a run, by address, the drawing of the first of them

    * `records` is the folder of records, if there is one; what is wrong in it is told elsewhere
    """
    found: dict[str, Markup] = {}
    for run, pages in shown_on(modules).items() if records else ():
        try:
            drawn = Markup(thumbnail(blocks.find(records, run), say))
        except ValueError:
            continue
        for module in pages:
            if drawn and module.source.url not in found:
                found[module.source.url] = drawn
    return found


def rows(records: Path, root: Path, modules: Sequence[Module], say: Say = str) -> list[dict]:
    """
    All runs for the template, by name, without those whose record is damaged

    * `root` holds the modules that the records name
    """
    pages = shown_on(modules)
    found = []
    for run, record in blocks.kept(records)[0].items():
        found.append(
            facts(record, say)
            | {
                "run": run,
                "curve": Markup(thumbnail(record, say)),
                "modules": pages.get(run, []),
                "changed": results.changed(record, root),
            }
        )
    return found


def facts(record: Mapping, say: Say) -> dict[str, str]:
    """What one row says in words; no sign of them may turn the line around."""
    best = results.best(record)
    told = {
        "best": f"{best[0]} {short(best[1])}" if best else "",
        "progress": progress(record, say),
        "time": duration(record, say),
        "machine": machine(record, say),
        "date": record["date"] or "",
        "command": command(record),
    }
    return {name: text.translate(SIGNS) for name, text in told.items()}
