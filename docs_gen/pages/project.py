r"""
# Project

What is the same in every language: the files that were found and parsed, the links between them,
and their code as HTML. Everything that is asked of a build is in its `Options`.
"""

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from docs_gen.linking import aliases
from docs_gen.linking.links import Links
from docs_gen.pages.order import Order
from docs_gen.parts import GeneratorError, Module
from docs_gen.reading import source
from docs_gen.reading.parse import parse
from docs_gen.reading.scopes import references
from docs_gen.writing import code
from docs_gen.writing.code import Mark
from docs_gen.writing.images import Images

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
    name: str = ""
    base_url: str = ""


class Project:
    """
    ## Project

    `modules` are in the order of their files.
    """

    def __init__(self, options: Options):
        """* `options` say what is read"""
        self.options = options
        self.modules = [parse(found) for found in source.find(options.paths, options.exclude)]
        self.links = Links({module.source.name: module for module in self.modules})
        self.images = Images()

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
            # A line has such an anchor already.
            is_line = re.fullmatch(r"L\d+", definition.name)
            if definition.kind == "variable" and not is_line:
                end = definition.column + len(definition.name.rpartition(".")[2])
                mark = (definition.column, end, f'<span id="{definition.name}">')
                found.setdefault(definition.line, []).append(mark)
        return found

    @cached_property
    def order(self) -> Order:
        """In which order pages are read"""
        return Order(self.modules)

    @cached_property
    def name(self) -> str:
        """What the site is called: as was asked, else the first package or file"""
        return self.options.name or self.order.reading[0].source.name.partition(".")[0]

    @property
    def root(self) -> Path:
        """The folder that the first package is in, to which records give paths"""
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

    @cached_property
    def commit(self) -> str:
        """The commit that the first path is at, or empty where there is none"""
        folder = self.options.paths[0].resolve()
        where = folder if folder.is_dir() else folder.parent
        command = ["git", "-C", str(where), "describe", "--always", "--dirty", "--abbrev=12"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError:
            return ""
        return done.stdout.strip()
