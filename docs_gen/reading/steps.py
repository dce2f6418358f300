r"""
# Steps

What classes, assignments and comprehensions do to the names around them, and in which order: the
right side of `x = f(x)` means the old `x`. [Functions](functions.html) and [imports](imports.html)
have pages of their own, and everything else is [walked](walk.html) through as it is written.
"""

import ast

from docs_gen.reading import functions, imports
from docs_gen.reading.annotations import annotation
from docs_gen.reading.bindings import COMPREHENSIONS, locals_of
from docs_gen.reading.meanings import UNKNOWN, Meaning, Scope
from docs_gen.reading.walk import Walk


def name(walk: Walk, node: ast.Name, scope: Scope) -> None:
    """A name is used, or something is called so from now on."""
    if isinstance(node.ctx, ast.Store):
        scope.bind(node.id)
    elif (scope.look(node.id) or Meaning()).is_link:
        walk.refer_to(node, scope.meaning(node))


def attribute(walk: Walk, node: ast.Attribute, scope: Scope) -> None:
    """A member of something that is known"""
    walk.visit(node.value, scope)
    walk.refer_to(node, scope.meaning(node))


def assign(walk: Walk, node: ast.Assign, scope: Scope) -> None:
    """`Adam = adam.Adam` is an alias."""
    walk.visit(node.value, scope)
    original = scope.meaning(node.value)
    walk.fields(node, scope, "targets")
    for target in node.targets:
        alias(walk, target, original, scope)


def annotated(walk: Walk, node: ast.AnnAssign, scope: Scope) -> None:
    """`optimizer: Adam` is an object of that class, whether or not it gets a value."""
    annotation(walk, node.annotation, scope)
    kind = scope.kind_of(node.annotation)
    walk.fields(node, scope, "value target")
    # What is in quotes may be defined below.
    walk.later.append(
        lambda: alias(walk, node.target, kind or scope.kind_of(node.annotation), scope)
    )


def alias(walk: Walk, node: ast.expr, original: str, scope: Scope) -> None:
    """What is an alias of a class, or an object of it, has its members."""
    if original and isinstance(node, ast.Name) and scope.kind in ("module", "class"):
        walk.aliases.setdefault(f"{scope.path}.{node.id}", original)


def walrus(walk: Walk, node: ast.NamedExpr, scope: Scope) -> None:
    """`(x := 1)` in a comprehension is a name of the function around it."""
    walk.visit(node.value, scope)
    while scope.kind == "comprehension" and scope.outer:
        scope = scope.outer
    scope.bind(node.target.id)


def loop(walk: Walk, node: ast.For, scope: Scope) -> None:
    """`for x in x`: what is gone through is looked up before the variable is bound."""
    walk.fields(node, scope, "iter target body orelse")


def comprehension(walk: Walk, node: ast.AST, scope: Scope) -> None:
    """What the first `for` runs over is looked up outside, all else inside."""
    inner = Scope("comprehension", scope.path, scope)
    inner.bound = dict.fromkeys(locals_of([part.target for part in node.generators]), UNKNOWN)
    for number, part in enumerate(node.generators):
        walk.visit(part.iter, inner if number else scope)
        walk.visit(part.target, inner)
        walk.fields(part, inner, "ifs")
    walk.fields(node, inner, "key value" if isinstance(node, ast.DictComp) else "elt")


def captured(walk: Walk, node: ast.AST, scope: Scope) -> None:
    """What a clause calls the thing that it caught: `except E as x`, `case [*x]`, `case {**x}`"""
    if isinstance(node, ast.ExceptHandler) and node.type:
        walk.visit(node.type, scope)
    if bound := getattr(node, "rest" if isinstance(node, ast.MatchMapping) else "name", None):
        scope.bind(bound)
    for child in ast.iter_child_nodes(node):
        if child is not getattr(node, "type", None):
            walk.visit(child, scope)


def definition_of_class(walk: Walk, node: ast.ClassDef, scope: Scope) -> None:
    """The body of a class runs at once; only then there is the class."""
    walk.fields(node, scope, "decorator_list bases keywords")
    path = f"{scope.path}.{node.name}"
    # `Base[int]` has the members of `Base`.
    bases = (b.value if isinstance(b, ast.Subscript) else b for b in node.bases)
    walk.bases.setdefault(path, [m for m in map(scope.meaning, bases) if m])
    walk.fields(node, Scope("class", path, scope), "body")
    scope.bind(node.name, Meaning(path))


# Any other node binds nothing itself: what is in it is walked through.
STEPS = {
    ast.Name: name,
    ast.Attribute: attribute,
    ast.Assign: assign,
    ast.AnnAssign: annotated,
    ast.NamedExpr: walrus,
    ast.For: loop,
    ast.AsyncFor: loop,
    **dict.fromkeys(COMPREHENSIONS, comprehension),
    **dict.fromkeys((ast.ExceptHandler, ast.MatchAs, ast.MatchStar, ast.MatchMapping), captured),
    ast.ClassDef: definition_of_class,
    ast.FunctionDef: functions.named,
    ast.AsyncFunctionDef: functions.named,
    ast.Lambda: functions.anonymous,
    ast.Import: imports.plain,
    ast.ImportFrom: imports.members,
}
