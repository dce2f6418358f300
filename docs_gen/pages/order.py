r"""
# Order

In which order pages are read. A package is a topic, and its pages come as its docstring
[links](../writing/leads.html) them; those that it does not link come after, by name. The whole site
is read depth first: a package, then each of its pages, those of an inner package before the next
page. Packages follow each other as they were given on the command line.

Scripts that belong to no package are a topic for each folder.
"""

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from docs_gen.parts import Module
from docs_gen.writing.leads import linked, url
from docs_gen.writing.leads import summary as summary
from docs_gen.writing.leads import title as title


@dataclass(frozen=True)
class Topic:
    """
    ## A topic

    Its pages in reading order. `module` is the page of the package, and `None` for loose scripts in
    a `folder`, which is empty at the root of the site.
    """

    folder: str
    module: Module | None
    children: tuple[Module, ...]


class Order:
    """
    ## The order of all pages

    Computed once: `topics`, `reading`, and `neighbours`, by address the pages before and after.
    """

    def __init__(self, modules: Sequence[Module]):
        """* `modules` are those of the site, a root before what is below it"""
        self.packages = {m.source.name: m for m in modules if m.source.is_package}
        self.below: dict[str, list[Module]] = {}
        # Roots and folders of scripts, in the order in which they were given
        tops: dict[str, Module | None] = {}
        for module in modules:
            package = self.parent(module)
            if package is not None:
                self.below.setdefault(package.source.url, []).append(module)
            elif module.source.is_package:
                tops[module.source.url] = module
            else:
                folder = posixpath.dirname(module.source.url)
                tops.setdefault(folder, None)
                self.below.setdefault(folder, []).append(module)

        # A package is gone through, and scripts of a folder are read by name.
        self.topics: list[Topic] = []
        self.reading: list[Module] = []
        for name, module in tops.items():
            if module is None:
                pages = sorted(self.below[name], key=by_name)
                self.topics.append(Topic(name, None, tuple(pages)))
                self.reading += pages
            else:
                self.reading += self.walk(module)
        # The first page has none before it, the last none after it.
        around = [None, *self.reading, None]
        beside = zip(around[:-2], around[2:], strict=True)
        self.neighbours = {m.source.url: pair for m, pair in zip(self.reading, beside, strict=True)}

    def parent(self, module: Module) -> Module | None:
        """The nearest package around a module; a folder between may have no `__init__.py`."""
        name = module.source.name
        while "." in name:
            name = name.rpartition(".")[0]
            if name in self.packages:
                return self.packages[name]
        return None

    def walk(self, package: Module) -> Iterator[Module]:
        """A package and what is below it, which is noted as topics on the way"""
        children = ordered(package, self.below.get(package.source.url, []))
        self.topics.append(Topic(posixpath.dirname(package.source.url), package, tuple(children)))
        yield package
        for child in children:
            if child.source.is_package:
                yield from self.walk(child)
            else:
                yield child

    def topic(self, module: Module) -> Topic | None:
        """The topic that a page is the first page of"""
        return next((topic for topic in self.topics if topic.module is module), None)


def topics(modules: Sequence[Module]) -> list[Topic]:
    """All topics in reading order"""
    return Order(modules).topics


def by_name(module: Module) -> tuple[str, str]:
    """The order of pages that nobody has put in order"""
    return module.source.name.lower(), module.source.url


def ordered(package: Module, children: Sequence[Module]) -> list[Module]:
    """The pages of a package: first those that its docstring links, then the others by name"""
    found: dict[str, Module] = {}
    for kind, target in linked(package):
        if kind == "page":
            meant = [child for child in children if child.source.url == url(package, target)]
        else:
            meant = [child for child in children if is_named(package, child, target)]
        # A name that several pages define says nothing about their order.
        if len(meant) == 1:
            found.setdefault(meant[0].source.url, meant[0])
    rest = [child for child in children if child.source.url not in found]
    return [*found.values(), *sorted(rest, key=by_name)]


def is_named(package: Module, child: Module, target: str) -> bool:
    """Does a name in brackets mean this page, or something that is defined on it?"""
    name = child.source.name
    for absolute in (target, f"{package.source.name}.{target}"):
        if absolute == name or absolute.removeprefix(f"{name}.") in child.definitions:
            return True
    return False
