r"""
# Places

Where a dotted name is defined, at last: `labnn.transformers.MLM` is imported by its package from
`labnn.transformers.mlm`, and a method may be that of a base class in another file. Modules know
each other only here, through what [scopes](../reading/scopes.html) has read in each.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from docs_gen.linking.inheritance import order
from docs_gen.linking.roots import Roots
from docs_gen.parts import Module
from docs_gen.reading.meanings import SUPER
from docs_gen.reading.scopes import Read, read


@dataclass(frozen=True)
class Place:
    """
    ## A place

    The module, and the qualified name of the definition in it; empty for the module itself.
    """

    module: str
    name: str = ""

    @property
    def dotted(self) -> str:
        """Module and definition in one name"""
        return f"{self.module}.{self.name}" if self.name else self.module


class Places:
    """
    ## Places

    All that is defined in some modules
    """

    def __init__(self, modules: Mapping[str, Module]):
        """* `modules` are by dotted name"""
        self.modules, self.roots = modules, Roots(modules)
        self.known: dict[str, Place | None] = {}

    def find(self, dotted: str, module: str = "") -> Place | None:
        """Where something is defined that `module` calls so; `None` if not in these modules"""
        for name in self.roots.readings(dotted, module):
            if name not in self.known:
                self.known[name] = Search(self).find(name)
            if place := self.known[name]:
                return place
        return None

    def read(self, module: str) -> Read:
        """What the code of a module says"""
        return read(self.modules[module].source)


class Search:
    """
    ## One search

    Files may import each other in a circle, and so each name is looked for once: where a search
    meets the question that it began with, there is no answer on this way.
    """

    def __init__(self, places: Places):
        """* `places` is where to look"""
        self.places = places
        self.found: dict[str, Place | None] = {}

    def find(self, dotted: str) -> Place | None:
        """Where something is defined"""
        if dotted in self.places.known:
            return self.places.known[dotted]
        if dotted not in self.found:
            # As long as it is looked for there is no answer, so that a circle ends.
            self.found[dotted] = None
            self.found[dotted] = self.step(dotted)
        return self.found[dotted]

    def seek(self, dotted: str, module: str) -> Place | None:
        """Where something is defined that a module calls so"""
        found = map(self.find, self.places.roots.readings(dotted, module))
        return next(filter(None, found), None)

    def step(self, dotted: str) -> Place | None:
        """A name is found in what it is a member of, and a module by its own name."""
        parent, _, last = dotted.rpartition(".")
        if parent.endswith(f".{SUPER}"):
            # What `super()` gives begins after the class itself.
            owner = self.find(parent.removesuffix(f".{SUPER}"))
            return self.inherited(self.line(owner)[1:], last) if owner else None
        # A package may have a member with the name of one of its modules.
        owners = [self.find(parent)] if parent else []
        owners += [Place(parent)] if parent in self.places.modules else []
        for owner in dict.fromkeys(filter(None, owners)):
            if place := self.member(owner, last):
                return place
        return Place(dotted) if dotted in self.places.modules else None

    def member(self, owner: Place, name: str) -> Place | None:
        """What something, or what it is an alias or an object of, has under a name"""
        real = self.real(owner)
        found = (self.own(place, name) for place in dict.fromkeys((owner, real)))
        return next(filter(None, found), None) or self.inherited(self.line(real), name)

    def own(self, owner: Place, name: str) -> Place | None:
        """What stands in a module or in a definition under a name"""
        module = self.places.modules[owner.module]
        if owner.name:
            qualified = f"{owner.name}.{name}"
            return Place(owner.module, qualified) if qualified in module.definitions else None
        # What an import has brought last, else what the file defines, else what a star brings.
        said = self.places.read(owner.module)
        place = self.seek(said.names[name], owner.module) if name in said.names else None
        if place is None and name in module.definitions:
            place = Place(owner.module, name)
        stars = () if name.startswith("_") else reversed(said.stars)
        found = (self.seek(f"{star}.{name}", owner.module) for star in stars)
        return place or next(filter(None, found), None)

    def inherited(self, line: list[Place], name: str) -> Place | None:
        """What the first of some classes that has it has under a name"""
        found = (self.own(kind, name) for kind in line)
        return next(filter(None, found), None)

    def real(self, place: Place) -> Place:
        """The class that an alias stands for, or that a variable is an object of"""
        passed: list[Place] = []
        while place not in passed:
            passed.append(place)
            original = self.places.read(place.module).aliases.get(place.dotted)
            place = (self.seek(original, place.module) if original else None) or place
        return place

    def line(self, kind: Place) -> list[Place]:
        """A class and those that it inherits from; nothing for anything else"""
        definition = self.places.modules[kind.module].definitions.get(kind.name)
        is_class = definition is not None and definition.kind == "class"
        return order(kind, self.bases) if is_class else []

    def bases(self, kind: Place) -> list[Place]:
        """The bases of a class, as far as they are in these modules"""
        targets = self.places.read(kind.module).bases.get(kind.dotted, ())
        found = (self.seek(target, kind.module) for target in targets)
        return [self.real(base) for base in found if base]
