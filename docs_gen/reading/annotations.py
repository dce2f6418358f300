r"""
# Annotations

An annotation is code, and so is what stands in quotes in it, `"Scope | None"`. Python reads that
when somebody asks, which may be after names were given that the file does not know yet.
"""

import ast

from docs_gen.reading.meanings import Scope
from docs_gen.reading.names import characters
from docs_gen.reading.walk import Walk

# In these, what is in quotes is a text and names nothing.
TEXTS = {"Literal", "Annotated"}


def annotation(walk: Walk, node: ast.expr | None, scope: Scope) -> None:
    """The names in an annotation, those in quotes included"""
    if node is None:
        return
    # `from __future__ import annotations` makes every annotation wait.
    if walk.is_lazy:
        walk.later.append(lambda: walk.visit(node, scope))
    else:
        walk.visit(node, scope)
    # What is in quotes always waits, wherever in the annotation it stands.
    waiting: list[ast.AST] = [node]
    while waiting:
        part = waiting.pop()
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            walk.later.append(lambda part=part: quoted(walk, part, scope))
        elif not (isinstance(part, ast.Subscript) and last_name(part.value) in TEXTS):
            waiting += ast.iter_child_nodes(part)


def last_name(node: ast.expr) -> str:
    """The last part of a name, `c` of `a.b.c`"""
    return getattr(node, "attr", "") or getattr(node, "id", "")


def quoted(walk: Walk, node: ast.Constant, scope: Scope) -> None:
    """What stands in quotes, if it is written on one line and as it is read"""
    line = walk.lines[node.lineno - 1]
    column = characters(walk.lines, node.lineno, node.col_offset)
    if node.end_lineno != node.lineno or not line.startswith(node.value + line[column], column + 1):
        return
    try:
        inner = ast.parse(node.value, mode="eval").body
    except SyntaxError:
        return
    # It was read as a file of its own, and is moved to where it stands in this one.
    for part in ast.walk(inner):
        if isinstance(part, ast.expr):
            part.lineno = part.end_lineno = node.lineno
            part.col_offset += node.col_offset + 1
            part.end_col_offset += node.col_offset + 1
    walk.visit(inner, scope)
