r"""
# Progress

How much of each page is translated. `complete.txt`, beside the [catalogs](catalogs.html) of a
language, lists the pages that somebody holds to be complete, by module and one a line: these alone
have to stay so, and all others may grow a block at a time.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from pathlib import Path

from docs_gen.parts import GeneratorError, Module, Problem
from docs_gen.translation.catalogs import Catalogs
from docs_gen.writing.notes import Unit, units

# Catalogs that belong to all pages
SHARED = {"common", "ui"}


@dataclass(frozen=True)
class Progress:
    """
    ## Progress of a page

    `stale` counts the blocks whose English has changed since somebody looked at the translation.
    """

    language: str
    page: str
    done: int
    stale: int
    missing: int
    # Does `complete.txt` list it?
    is_complete: bool = False

    @property
    def total(self) -> int:
        """All blocks that are to be translated"""
        return self.done + self.stale + self.missing

    @property
    def percent(self) -> int:
        """Rounded down, so that only all of them are 100"""
        return 100 * self.done // self.total if self.total else 100


def messages(module: Module) -> Iterator[tuple[Unit, int]]:
    """The blocks of a page that are to be translated, in order, with the lines they begin at"""
    for name in ("title", "summary"):
        if isinstance(told := module.front.get(name), str) and told.strip():
            yield Unit("paragraph", told.strip(), 0), 1
    for section in module.sections:
        for unit in units(section.note):
            if unit.is_prose:
                yield unit, module.line_of(section, unit.text)


def complete(folder: Path) -> dict[str, int]:
    """The pages that are listed as complete in a language's folder, and the lines of the list"""
    path = folder / "complete.txt"
    try:
        lines = path.read_text(encoding="utf-8").split("\n") if path.is_file() else []
    except (OSError, UnicodeDecodeError) as e:
        raise GeneratorError(f"{path} cannot be read: {e}") from None
    names = {line.partition("#")[0].strip(): number for number, line in enumerate(lines, 1)}
    return {name: number for name, number in names.items() if name}


def orphans(modules: Sequence[Module], folder: Path, code: str) -> list[Problem]:
    """Catalogs that belong to no page, since its module has another name now, or is gone"""
    names, found = {module.source.name for module in modules} | SHARED, []
    for path in sorted((folder / code).glob("*.po")):
        if path.stem not in names:
            near = get_close_matches(path.stem, names, 1)
            hint = f"; rename it if that is {near[0]} now" if near else ""
            what = f"there is no page {path.stem}{hint}"
            found.append(Problem(str(path), 0, what, "translation"))
    return found


def progress(modules: Sequence[Module], folder: Path, code: str) -> list[Progress]:
    """The progress of each page in a language, whose folder is in `folder`"""
    catalogs, listed = Catalogs(code, [folder]), complete(folder / code)
    found = []
    for module in modules:
        page, name = catalogs.page(module.source.name), module.source.name
        for unit, _ in messages(module):
            page.translate(unit)
        reasons = [reason for _, reason in page.missing]
        counts = page.n_done, reasons.count("stale"), reasons.count("missing")
        found.append(Progress(code, name, *counts, is_complete=name in listed))
    return found


def status(
    modules: Sequence[Module],
    folder: Path,
    languages: Sequence[str],
    minimum: int = 0,
    is_json: bool = False,
) -> tuple[str, list[Problem]]:
    """
    The progress of all pages as a table or as JSON, and which of those that are listed as complete
    have less than `minimum` percent or are no page
    """
    rows = [row for code in languages for row in progress(modules, folder, code)]
    problems = []
    # What somebody holds to be complete has to stay so.
    for code in languages:
        problems += orphans(modules, folder, code)
        percents = {row.page: row.percent for row in rows if row.language == code}
        for name, line in complete(folder / code).items():
            path = str(folder / code / "complete.txt")
            if name not in percents:
                problems.append(Problem(path, line, f"{name} is no page here", "translation"))
            elif percents[name] < minimum:
                what = f"{name} is translated to {percents[name]} %, not {minimum} %"
                problems.append(Problem(path, line, what, "translation"))
    return (as_json(rows) if is_json else table(rows)), problems


def as_json(rows: Sequence[Progress]) -> str:
    """The rows for a program"""
    told = [asdict(row) | {"total": row.total, "percent": row.percent} for row in rows]
    return json.dumps(told, ensure_ascii=False, indent=2)


def table(rows: Sequence[Progress]) -> str:
    """The rows for a person: pages that were begun, and how many were not; `*` is complete"""
    shown = [row for row in rows if row.done or row.stale or row.is_complete]
    width = max((len(row.page) for row in shown), default=4)
    head = f"{'language':8}  {'page':{width}}  {'done':>5} {'stale':>5} {'missing':>7} {'%':>4}"
    lines = [
        f"{row.language:8}  {row.page:{width}}  {row.done:5} {row.stale:5} {row.missing:7} "
        f"{row.percent:4}{' *' if row.is_complete else ''}"
        for row in shown
    ]
    n_others = len(rows) - len(shown)
    tail = [f"{n_others} pages have no translation"] if n_others else []
    return "\n".join([head, *lines, *tail])
