r"""
# All Names

What the site defines, from A to Z, on one page that needs no script: classes, functions and
methods, the constants of a module, and the attributes in the body of a class, which are the options
of an experiment. Left out are names that begin with `_`, what is defined within a function, and
attributes of a single object, which the page of the class has.
What a class holds stands in its line.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from docs_gen.parts import Definition, Module
from docs_gen.writing.leads import link

# The section of names that begin with no Latin letter
OTHER = "…"


@dataclass(frozen=True)
class Symbol:
    """
    ## A name

    `kind` is `class`, `function` or `constant`, for members `method` or `attribute`; `page` is the
    name of the module.
    """

    name: str
    kind: str
    page: str
    href: str
    members: tuple["Symbol", ...] = ()


def symbols(modules: Sequence[Module], here: str) -> list[Symbol]:
    """
    All names in order

    * `here` is the address of the page that links to them
    """
    found = []
    for module in modules:
        page = link(here, module.source.url)
        members: dict[str, list[Symbol]] = {}
        # Members first, so that a class finds its own.
        for definition in sorted(module.definitions.values(), key=lambda d: -d.name.count(".")):
            if word := kind(module, definition):
                outer, _, name = definition.name.rpartition(".")
                href = f"{page}#{module.anchor(definition.name)}"
                own = sorted(members.get(definition.name, []), key=by_name)
                is_member = word in ("method", "attribute")
                shown = name if is_member else definition.name
                symbol = Symbol(shown, word, module.source.name, href, tuple(own))
                (members.setdefault(outer, []) if is_member else found).append(symbol)
    return sorted(found, key=by_name)


def by_name(symbol: Symbol) -> tuple[bool, str, str, str]:
    """The order of names, those of other scripts last"""
    return letter(symbol) == OTHER, symbol.name.lower(), symbol.name, symbol.page


def kind(module: Module, definition: Definition) -> str:
    """What a definition is to a reader, or nothing if it is left out"""
    outer, _, _ = definition.name.rpartition(".")
    if any(part.startswith("_") for part in definition.name.split(".")):
        return ""
    around = module.definitions.get(outer)
    if outer and (around is None or around.kind != "class"):
        return ""
    if definition.kind != "variable":
        return "method" if outer and definition.kind == "function" else definition.kind
    # `self.d_model = d_model` gives an attribute to one object.
    is_of_object = module.lines[definition.line - 1][: definition.column].rstrip().endswith(".")
    return "" if is_of_object else "attribute" if outer else "constant"


def letter(symbol: Symbol) -> str:
    """The section that a name belongs to; names of other scripts come last, together."""
    first = symbol.name[0]
    return first.upper() if first.isascii() else OTHER


def letters(modules: Sequence[Module], here: str) -> list[dict]:
    """Sections for the template: `letter`, `anchor` and `symbols`"""
    found = []
    for name, group in groupby(symbols(modules, here), letter):
        anchor = f"letter-{'other' if name == OTHER else name}"
        found.append({"letter": name, "anchor": anchor, "symbols": [*group]})
    return found
