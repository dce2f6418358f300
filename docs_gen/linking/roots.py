r"""
# Roots

What an import may mean that does not begin in the folder of the whole package. A script finds the
modules that lie beside it, `import utils`, and a folder without an `__init__.py` may be imported by
its own name, `from tools.make import run`. So a name has several readings, and the first of them
that is defined [somewhere](places.html) is what it means.

A module's path here is that of its [address](../reading/source.html) with dots, `tools.make`. Its
name is what the other modules know it by, which for a loose script may be `make` alone.
"""

from collections.abc import Iterator, Mapping

from docs_gen.parts import Module, Source


class Roots:
    """
    ## Roots

    The folders that imports may begin in
    """

    def __init__(self, modules: Mapping[str, Module]):
        """
        * `modules` are by dotted name
        """
        self.sources = {name: module.source for name, module in modules.items()}
        self.names = {path(source): name for name, source in self.sources.items()}
        self.packages = {path(source) for source in self.sources.values() if source.is_package}
        # All that a path begins with: modules and the folders around them
        self.known = {outer for name in self.names for outer in outwards(name)}

    def readings(self, dotted: str, module: str = "") -> Iterator[str]:
        """What an absolute name in the code of a module may stand for, the nearest first"""
        here, first = self.sources.get(module), dotted.partition(".")[0]
        for folder in outwards(folder_of(here)) if here and here.folder else ():
            # A package is imported as a whole, and its modules find each other by its name.
            if folder not in self.packages and f"{folder}.{first}" in self.known:
                yield self.named(f"{folder}.{dotted}")
        yield from dict.fromkeys((dotted, self.named(dotted)))

    def named(self, dotted: str) -> str:
        """A path, or that of something in a module, by the name of the module"""
        outer = next((outer for outer in outwards(dotted) if outer in self.names), "")
        return self.names[outer] + dotted[len(outer) :] if outer else dotted


def path(source: Source) -> str:
    """Where a module lies"""
    folder, stem = folder_of(source), source.path.rpartition("/")[2].removesuffix(".py")
    return folder if source.is_package else f"{folder}.{stem}" if folder else stem


def folder_of(source: Source) -> str:
    """The folder of a module"""
    return source.url.rpartition("/")[0].replace("/", ".")


def outwards(dotted: str) -> Iterator[str]:
    """A dotted name and those around it: `a.b.c`, `a.b`, `a`"""
    while dotted:
        yield dotted
        dotted = dotted.rpartition(".")[0]
