r"""
# Bindings

The names that the code of a function gives a [meaning](meanings.html) to. Python knows them before
it runs the function: a variable that gets its value in the last line hides a name of the file in
the first one already.
"""

import ast
from collections.abc import Iterator, Sequence

from docs_gen.reading.meanings import UNKNOWN, Meaning, Scope
from docs_gen.reading.names import FUNCTIONS, SCOPES

COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def locals_of(body: Sequence[ast.AST]) -> Iterator[str]:
    """The names that some code binds, wherever in it, without those of the scopes in it"""
    waiting = list(body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name):
            if not isinstance(node.ctx, ast.Load):
                yield node.id
        elif isinstance(node, SCOPES):
            yield node.name
        elif isinstance(node, ast.alias):
            yield node.asname or node.name.partition(".")[0]
        elif isinstance(node, COMPREHENSIONS):
            # It keeps its variables to itself; only `:=` reaches out of it.
            inner = (n.target.id for n in ast.walk(node) if isinstance(n, ast.NamedExpr))
            yield from inner
        elif not isinstance(node, ast.Lambda):
            if isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
                yield node.name
            elif isinstance(node, ast.MatchMapping) and node.rest:
                yield node.rest
            waiting += ast.iter_child_nodes(node)


def shared_with(body: Sequence[ast.AST], scope: Scope) -> dict[str, Scope]:
    """The names that `global` and `nonlocal` lend to a function in a scope"""
    found: dict[str, Scope] = {}
    waiting = list(body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Global):
            found |= dict.fromkeys(node.names, scope.within("module"))
        elif isinstance(node, ast.Nonlocal):
            found |= dict.fromkeys(node.names, scope.within("function"))
        elif not isinstance(node, (*SCOPES, ast.expr)):
            waiting += ast.iter_child_nodes(node)
    return found


def own_meanings(node: ast.AST, scope: Scope) -> dict[str, Meaning]:
    """
    ## What the arguments of a function mean in it

    `self`, and an argument whose annotation is a class, are objects with its members, as long as
    the name is never given to anything else.
    """
    rest = [argument.arg for argument in (node.args.vararg, node.args.kwarg) if argument]
    found = dict.fromkeys(rest, UNKNOWN)
    named = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    for argument in named:
        found[argument.arg] = Meaning(scope.kind_of(argument.annotation), False)
    # The first argument of a method is its object, whatever it is called.
    decorators = getattr(node, "decorator_list", ())
    is_free = any(getattr(d, "id", "") == "staticmethod" for d in decorators)
    if scope.kind == "class" and isinstance(node, FUNCTIONS) and named[:1] and not is_free:
        found[named[0].arg] = Meaning(scope.path, False)
    return found
