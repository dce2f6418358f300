r"""
# Project

What is the same in every language: the files that were found and parsed, the links between them,
and their code as HTML. Everything that is asked of a build is in its [`Options`].
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from docs_gen.linking import aliases
from docs_gen.linking.links import Links
from docs_gen.pages.order import Order
from docs_gen.parts import GeneratorError, Module, Problem
from docs_gen.reading import source
from docs_gen.reading.commits import Commits
from docs_gen.reading.parse import parse
from docs_gen.reading.scopes import references
from docs_gen.records import blocks
from docs_gen.translation.progress import Progress, progress
from docs_gen.writing import code
from docs_gen.writing.code import Mark
from docs_gen.writing.images import Images

# A module with this line is run as a program, and its page says how.
MAIN = re.compile(r"""if __name__ == ["']__main__["']:""")


@dataclass(frozen=True)
class Options:
    """
    ## What is asked of a build
    """

    paths: Sequence[Path]
    exclude: Sequence[str] = ()
    # Folder of translations, a language each
    locale: Path | None = None
    # Folder of records of runs
    results: Path | None = None
    # JSON of anchors that moved
    aliases: Path | None = None
    # What the site is called, and where it will stand
    name: str = ""
    base_url: str = ""


class Project:
    """
    ## Project

    Everything is read once, for all languages; `modules` are in the order of their files.
    """

    def __init__(self, options: Options):
        """* `options` say what is read"""
        self.options = options
        if options.base_url and not re.match("https?://", options.base_url):
            raise GeneratorError(f"{options.base_url} is no address; begin it with https://")
        if options.results and not options.results.is_dir():
            raise GeneratorError(f"{options.results} is no folder of records")
        self.modules = [parse(found) for found in source.find(options.paths, options.exclude)]
        self.links = Links({module.source.name: module for module in self.modules})
        self.images = Images()
        self.counted: dict[str, list[Progress]] = {}

    @cached_property
    def code(self) -> dict[str, dict[int, str]]:
        """The lines of each file, as HTML, by the file's name"""
        return {m.source.name: code.lines(m.lines, self.marks(m)) for m in self.modules}

    def marks(self, module: Module) -> dict[int, list[Mark]]:
        """
        What lines are marked with: a use of a name that some page defines is a link to there, and a
        variable's own line has its name for an anchor. Classes and functions have a section.
        """
        found: dict[int, list[Mark]] = {}
        for reference in references(module):
            if href := self.links.code(module, reference):
                end = reference.column + reference.length
                mark = (reference.column, end, f'<a href="{href}">')
                found.setdefault(reference.line, []).append(mark)
        for definition in module.definitions.values():
            if definition.kind == "variable":
                end = definition.column + len(definition.name.rpartition(".")[2])
                mark = (definition.column, end, f'<span id="{module.anchor(definition.name)}">')
                found.setdefault(definition.line, []).append(mark)
        return found

    def problems(self) -> list[Problem]:
        """What is wrong with the files that were read, before any page is made"""
        found = [problem for module in self.modules for problem in module.problems]
        records = self.options.results
        damaged = blocks.kept(records)[1] if records else []
        return found + [Problem(str(records), 0, what, "result") for what in damaged]

    @cached_property
    def order(self) -> Order:
        """In which order pages are read"""
        return Order(self.modules)

    @cached_property
    def name(self) -> str:
        """What the site is called: as was asked, else as the first package or folder"""
        return self.options.name or self.order.reading[0].source.url.partition("/")[0]

    @property
    def root(self) -> Path:
        """The folder that the first package is in; paths in records begin there."""
        first = self.modules[0].source
        return Path(first.path).parents[first.url.count("/")]

    @cached_property
    def moved(self) -> dict[str, str]:
        """Where anchors and pages went that were here once"""
        path = self.options.aliases
        try:
            return aliases.read(path.read_text(encoding="utf-8"), str(path)) if path else {}
        except (OSError, UnicodeDecodeError) as e:
            raise GeneratorError(f"{path} cannot be read: {e}") from None

    def run(self, module: Module) -> str:
        """How a module is run, if it is meant to be"""
        is_run = any(MAIN.match(line) for line in module.lines)
        return f"python -m {module.source.name.removesuffix('.__main__')}" if is_run else ""

    def progress(self, code: str) -> list[Progress]:
        """How much of each page is translated, in the order of reading; each edition shows it."""
        if code not in self.counted:
            self.counted[code] = progress(self.order.reading, self.options.locale, code)
        return self.counted[code]

    @cached_property
    def commits(self) -> Commits:
        """The commit that the first package is at"""
        folder = self.options.paths[0].resolve()
        return Commits(folder if folder.is_dir() else folder.parent)
