r"""
# Names

What a file defines: the names that a page has anchors for and that the code of other pages can link
to. [Scopes](scopes.html) tells which of them a name in the code means.

A name is qualified as Python does it, `MultiHeadAttention.forward`, without `<locals>` between a
function and what is in it. Local variables are no definitions: nothing else can mean them.
"""

import ast
import re
import warnings
from collections.abc import Iterator, Sequence

from docs_gen.parts import Definition

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
SCOPES = (*FUNCTIONS, ast.ClassDef)
# `type X = ...` is known from Python 3.12 on.
ASSIGNMENTS = (ast.Assign, ast.AnnAssign, *filter(None, [getattr(ast, "TypeAlias", None)]))
# What stands before the name of a definition
HEADER = re.compile(r"(?:async[\s\\]+)?(?:class|def)[\s\\]+")
STUB = re.compile(r"\s*@\s*(?:\w+\.)*overload\s*(?:#.*)?")


def tree(text: str) -> ast.Module:
    """The syntax tree of a file; what Python finds odd in its strings is none of our business."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


def definitions(tree: ast.Module, lines: Sequence[str]) -> dict[str, Definition]:
    """
    ## What a file defines

    By qualified name and in the order of the file. Of two definitions of a name the first counts,
    which for a property is its getter; what `overload` decorates only counts if nothing else does.
    """
    found: dict[str, Definition] = {}
    known = _within(tree.body, "", lines)
    for definition in sorted(known, key=lambda d: is_stub(lines, d.first, d.line)):
        found.setdefault(definition.name, definition)
    return dict(sorted(found.items(), key=lambda pair: (pair[1].line, pair[1].column)))


def is_stub(lines: Sequence[str], first: int, line: int) -> bool:
    """Does a definition between these lines tell a type alone, for another of its name?"""
    return any(map(STUB.fullmatch, lines[first - 1 : line]))


def characters(lines: Sequence[str], line: int, offset: int) -> int:
    """Python counts columns in bytes of UTF-8, an editor in characters."""
    text = lines[line - 1]
    return offset if text.isascii() else len(text.encode()[:offset].decode(errors="ignore"))


def end_of(node: ast.expr, lines: Sequence[str]) -> tuple[int, int]:
    """Where the last name of `a.b.name` begins: normalized, it may be longer than it is written"""
    end = characters(lines, node.end_lineno, node.end_col_offset)
    return node.end_lineno, re.search(r"\w*$", lines[node.end_lineno - 1][:end]).start()


def targets(statement: ast.stmt) -> Iterator[ast.expr]:
    """The single targets of an assignment, of `a, (b, *c) = d = ...` too"""
    waiting = list(getattr(statement, "targets", ()))
    # An annotated one has `target`, and `type X = ...` has `name`.
    waiting += [getattr(statement, n) for n in ("target", "name") if hasattr(statement, n)]
    while waiting:
        target = waiting.pop(0)
        if isinstance(target, ast.Tuple | ast.List):
            waiting[:0] = target.elts
        elif isinstance(target, ast.Starred):
            waiting.insert(0, target.value)
        else:
            yield target


def statements(body: Sequence[ast.AST]) -> Iterator[ast.stmt]:
    """The statements of a scope, those in `if`, `try`, `with`, `for` and `match` included"""
    for node in body:
        if isinstance(node, ast.stmt):
            yield node
        if not isinstance(node, SCOPES):
            for field in ("body", "handlers", "orelse", "finalbody", "cases"):
                yield from statements(getattr(node, field, ()))


def _within(body: Sequence[ast.AST], prefix: str, lines: Sequence[str]) -> Iterator[Definition]:
    """The definitions of a module or of a class"""
    for node in statements(body):
        if isinstance(node, SCOPES):
            yield from _scope(node, prefix, lines)
        elif isinstance(node, ASSIGNMENTS):
            for target in targets(node):
                # A lone underscore is what nobody wants to find again.
                if isinstance(target, ast.Name) and target.id.strip("_"):
                    column = characters(lines, target.lineno, target.col_offset)
                    line = target.lineno
                    yield Definition(prefix + target.id, "variable", line, column, line)


def _scope(node: ast.AST, prefix: str, lines: Sequence[str]) -> Iterator[Definition]:
    """A class or a function, and what is defined in it"""
    name = prefix + node.name
    kind = "class" if isinstance(node, ast.ClassDef) else "function"
    yield Definition(name, kind, *_written(node, lines), _first(node, lines))
    if kind == "class":
        yield from _within(node.body, f"{name}.", lines)
        # Last, so that a method goes before an attribute of its name.
        yield from _attributes(node, f"{name}.", lines)
    else:
        for inner in statements(node.body):
            if isinstance(inner, SCOPES):
                yield from _scope(inner, f"{name}.", lines)


def _attributes(node: ast.ClassDef, prefix: str, lines: Sequence[str]) -> Iterator[Definition]:
    """What `__init__` assigns to its first argument, `self`"""
    for method in statements(node.body):
        if not isinstance(method, FUNCTIONS) or method.name != "__init__":
            continue
        own = [argument.arg for argument in (*method.args.posonlyargs, *method.args.args)][:1]
        for statement in statements(method.body):
            for target in targets(statement) if isinstance(statement, ASSIGNMENTS) else ():
                if isinstance(target, ast.Attribute) and getattr(target.value, "id", None) in own:
                    line, column = end_of(target, lines)
                    yield Definition(prefix + target.attr, "variable", line, column, line)


def _written(node: ast.AST, lines: Sequence[str]) -> tuple[int, int]:
    """Where the name after `class` or `def` stands, on a later line after a backslash"""
    start = characters(lines, node.lineno, node.col_offset)
    text = "\n".join(lines[node.lineno - 1 : node.lineno + 7])
    at = HEADER.match(text, start).end()
    return node.lineno + text.count("\n", 0, at), at - text.rfind("\n", 0, at) - 1


def _first(node: ast.AST, lines: Sequence[str]) -> int:
    """The line of the first decorator, whose sign may stand above its expression"""
    first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
    while node.decorator_list and first > 1 and not lines[first - 1].lstrip().startswith("@"):
        first -= 1
    return first
