r"""
# Meanings

What a name means where it is used, by Python's rules: a function's own names hide those around it
from its first line on, what is in a class is not seen from its methods, a comprehension keeps its
variables to itself. The [walk](walk.html) through the code asks here.

A meaning is an absolute dotted name, `labnn.layers.dropout.Dropout`, of whatever is called so by
the last statement that ran. Nothing is imported, so a meaning may turn out to be no definition.
"""

import ast
from dataclasses import dataclass, field

# What `super()` gives stands in a meaning as if it were a member of the class.
SUPER = "super()"


@dataclass(frozen=True)
class Meaning:
    """
    ## What a name stands for

    `self` stands for an object of a class: its members have a meaning, but the name is no link.
    """

    target: str = ""
    is_link: bool = True


# A variable of which no more is known than that it hides the names around it
UNKNOWN = Meaning()


@dataclass
class Scope:
    """
    ## A scope

    `kind` is `module`, `class`, `function` or `comprehension`; `path` is what the names of
    definitions in it begin with, and `bound` what its names mean so far.
    """

    kind: str
    path: str
    outer: "Scope | None" = None
    bound: dict[str, Meaning] = field(default_factory=dict)
    # Names that a function shares with the scopes around it by `global` and `nonlocal`
    shared: dict[str, "Scope"] = field(default_factory=dict)
    # Does `from somewhere import *` bring names that the file does not tell?
    has_star: bool = False

    def look(self, name: str) -> Meaning | None:
        """What a name means here, or `None` if no statement of the file binds it"""
        scope: Scope | None = self
        while scope:
            if name in scope.shared:
                return scope.shared[name].look(name)
            if name in scope.bound and (scope is self or scope.kind != "class"):
                return scope.bound[name]
            scope = scope.outer
        return None

    def bind(self, name: str, meaning: Meaning | None = None) -> None:
        """From here on a name means something else; without `meaning`, an own variable."""
        home = self.shared.get(name, self)
        if home is not self:
            # Which function runs first is not known: what the file itself says stands.
            home.bound.setdefault(name, UNKNOWN)
        elif meaning is None and self.kind in ("module", "class"):
            self.bound[name] = Meaning(f"{self.path}.{name}")
        else:
            self.bound[name] = meaning or UNKNOWN

    def within(self, kind: str) -> "Scope":
        """The innermost scope of a kind, from this one outwards"""
        scope = self
        while scope.outer and scope.kind != kind:
            scope = scope.outer
        return scope

    def owner(self) -> str:
        """The class of the method that this scope is in, which `super()` is about"""
        scope = self
        while scope.outer and (scope.kind, scope.outer.kind) != ("function", "class"):
            scope = scope.outer
        return scope.outer.path if scope.outer else ""

    def meaning(self, node: ast.expr | None) -> str:
        """What a name, or an attribute of one, stands for; empty for any other expression"""
        if isinstance(node, ast.Name):
            if found := self.look(node.id):
                return found.target
            # A name that the file does not bind may come from a star.
            module = self.within("module")
            return f"{module.path}.{node.id}" if module.has_star else ""
        if isinstance(node, ast.Attribute):
            owner = self.meaning(node.value)
            return owner and f"{owner}.{node.attr}"
        is_super = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "super"
        if is_super and not self.look("super"):
            owner = self.meaning(node.args[0]) if node.args else self.owner()
            return owner and f"{owner}.{SUPER}"
        return ""

    def kind_of(self, annotation: ast.expr | None) -> str:
        """The class that an annotation says something is an object of, `A`, `"A"` or `A | None`"""
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            try:
                annotation = ast.parse(annotation.value, mode="eval").body
            except (SyntaxError, ValueError):
                return ""
        if isinstance(annotation, ast.BinOp) and isinstance(annotation.right, ast.Constant):
            annotation = annotation.left
        return self.meaning(annotation)
