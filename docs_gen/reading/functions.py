r"""
# Functions

A function is met twice: its head when it is made, its body when it is called, which we take for the
end of the file. What the head says about the arguments, and what the body [binds](bindings.html),
is then known.
"""

import ast

from docs_gen.reading.annotations import annotation
from docs_gen.reading.bindings import locals_of, own_meanings, shared_with
from docs_gen.reading.meanings import UNKNOWN, Meaning, Scope
from docs_gen.reading.walk import Walk


def named(walk: Walk, node: ast.AST, scope: Scope) -> None:
    """Decorators, defaults and annotations are looked at when the function is made."""
    walk.fields(node, scope, "decorator_list")
    head(walk, node, scope)
    annotation(walk, node.returns, scope)
    path = f"{scope.path}.{node.name}"
    scope.bind(node.name, Meaning(path))
    walk.later.append(lambda: body(walk, node, scope, path))


def anonymous(walk: Walk, node: ast.Lambda, scope: Scope) -> None:
    """`lambda`: nothing is decorated, annotated or given a name."""
    head(walk, node, scope)
    walk.later.append(lambda: body(walk, node, scope, scope.path))


def head(walk: Walk, node: ast.AST, scope: Scope) -> None:
    """The arguments of a function, as those who call it see them"""
    for part in ast.iter_child_nodes(node.args):
        if isinstance(part, ast.arg):
            annotation(walk, part.annotation, scope)
        else:
            walk.visit(part, scope)


def body(walk: Walk, node: ast.AST, scope: Scope, path: str) -> None:
    """What is in a function: each name that it binds is its own from the beginning."""
    inside = node.body if isinstance(node.body, list) else [node.body]
    shared = shared_with(inside, scope)
    own = dict.fromkeys(locals_of([*inside, *getattr(node, "type_params", ())]), UNKNOWN)
    bound = own_meanings(node, scope) | own
    inner = Scope("function", path, scope, shared=shared)
    inner.bound = {name: meaning for name, meaning in bound.items() if name not in shared}
    for child in inside:
        walk.visit(child, inner)
