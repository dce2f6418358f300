r"""
# Lookup

A name in square brackets is written as briefly as it can be understood: `forward` in the note of a
class, `MultiHeadAttention` where it is imported, `mha` among its neighbours, and anywhere, if there
is only one. What stands nearest to the note counts.
"""

from collections.abc import Iterator
from functools import cached_property

from docs_gen.linking.addresses import LinkError
from docs_gen.linking.nearest import N_SHOWN, listed, suggestion
from docs_gen.linking.places import Place, Places
from docs_gen.linking.roots import outwards
from docs_gen.parts import Module


class Lookup:
    """
    ## Lookup

    Names as people write them, among all places
    """

    def __init__(self, places: Places):
        """
        * `places` are what names can stand for
        """
        self.places = places

    def find(self, module: Module, section_name: str, symbol: str) -> Place:
        """What a name stands for in a note; `section_name` is the definition that it is about."""
        name = symbol.strip().removesuffix("()")
        if not all(part.isidentifier() for part in name.split(".")):
            raise LinkError(f"{symbol} is not a name")
        for dotted in readings(module, section_name, name):
            if place := self.places.find(dotted):
                return place
        # Nothing near is called so. One that is far will do, if it is the only one.
        found = self.anywhere(name)
        if len(found) > 1:
            names = [place.dotted for place in found[:N_SHOWN]]
            names += [f"{len(found) - N_SHOWN} others"] if len(found) > N_SHOWN else []
            raise LinkError(f"{symbol} may be {listed(names)}: write which one")
        if not found:
            known = (
                short(place.dotted, module) for some in self.by_last.values() for place in some
            )
            raise LinkError(f"there is no {symbol}{suggestion(name, known)}")
        return found[0]

    def anywhere(self, name: str) -> list[Place]:
        """All that may be called so: definitions of a file, else files, else members"""
        found: dict[int, list[Place]] = {}
        for place in self.by_last.get(name.rpartition(".")[2], ()):
            if f".{place.dotted}".endswith(f".{name}"):
                rank = 2 if "." in place.name else 0 if place.name else 1
                found.setdefault(rank, []).append(place)
        return found[min(found)] if found else []

    @cached_property
    def by_last(self) -> dict[str, list[Place]]:
        """All places, by the last parts of their names"""
        found: dict[str, list[Place]] = {}
        for name, module in self.places.modules.items():
            for place in (Place(name), *(Place(name, inner) for inner in module.definitions)):
                found.setdefault(place.dotted.rpartition(".")[2], []).append(place)
        return found


def readings(module: Module, section_name: str, name: str) -> Iterator[str]:
    """The absolute names that a name may be short for, the nearest first"""
    own, first = module.source.name, name.partition(".")[0]
    # What the definition holds, and those around it
    for outer in outwards(section_name):
        yield f"{own}.{outer}.{name}"
        if first in ("self", "cls"):
            yield f"{own}.{outer}.{name[len(first) + 1 :]}"
    # What the page defines or imports
    yield f"{own}.{name}"
    # An absolute name, then one in the packages around the page
    yield name
    for outer in outwards(own):
        if outer != own or module.source.is_package:
            yield f"{outer}.{name}"


def short(dotted: str, module: Module) -> str:
    """A name as it can be written on a page"""
    return dotted.removeprefix(f"{module.source.name}.")
