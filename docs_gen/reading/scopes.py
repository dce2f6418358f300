r"""
# Scopes

Which names in the code a reader may follow, and to what. A [walk](walk.html) through the code has
the scope of each place at hand, in which a name has a [meaning](meanings.html).

What other files define is not known here. A target is a name, which
[places](../linking/places.html) follows through the imports, base classes and aliases that are
gathered on the way.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache

from docs_gen.parts import Module, Source
from docs_gen.reading.names import tree
from docs_gen.reading.steps import STEPS
from docs_gen.reading.walk import Walk


@dataclass(frozen=True, order=True)
class Reference:
    """
    ## A name that means something

    It is `length` characters from `line` and `column`; `target` is absolute and dotted.
    """

    line: int
    column: int
    length: int
    target: str


@dataclass
class Read:
    """
    ## What the code of a file says

    Qualified names lead to targets: `names` of the file at its end, `aliases` such as `Adam =
    adam.Adam`, the `bases` of its classes; `stars` are the modules whose names are all imported.
    """

    references: list[Reference] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    bases: dict[str, list[str]] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)


def references(module: Module) -> list[Reference]:
    """The names in the code of a module, in order, those where something is defined left out"""
    own = {(d.line, d.column) for d in module.definitions.values()}
    return [r for r in read(module.source).references if (r.line, r.column) not in own]


@lru_cache(maxsize=1024)
def read(source: Source) -> Read:
    """All that can be known of a file by itself; nothing, if it is no Python"""
    lines = re.split(r"\r\n|\r|\n", source.text)
    walk = Walk(source.name, lines, folders=source.url.split("/")[:-1], steps=STEPS)
    try:
        walk.file(tree(source.text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Read()
    found = sorted({Reference(*reference) for reference in walk.references})
    names = {name: meaning.target for name, meaning in walk.module.bound.items()}
    return Read(found, names, walk.aliases, walk.bases, walk.stars)
