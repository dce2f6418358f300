r"""
# Imports

The names that a statement brings from other files, and where it says so: the path of a module is
one reference, `labnn.data.corpora`, and each name that is taken from it another.
"""

import ast
import re

from docs_gen.reading.meanings import Meaning, Scope
from docs_gen.reading.names import characters
from docs_gen.reading.walk import Walk

FROM = re.compile(r"from[ \t]+([\w.]+)[ \t]+import\b")


def plain(walk: Walk, node: ast.Import, scope: Scope) -> None:
    """`import a.b` binds `a`, and `import a.b as c` binds `c` to the inner one."""
    for alias in node.names:
        name = alias.asname or alias.name.partition(".")[0]
        scope.bind(name, Meaning(alias.name if alias.asname else name))
        walk.refer(alias.lineno, column_of(walk, alias), alias.name, alias.name)


def members(walk: Walk, node: ast.ImportFrom, scope: Scope) -> None:
    """`from a import b as c` binds `c` to a member of `a`."""
    origin = absolute(walk, node)
    column = column_of(walk, node)
    path = FROM.match(walk.lines[node.lineno - 1], column)
    # A sole dot is too small to be a link.
    if path and path[1].strip("."):
        walk.refer(node.lineno, path.start(1), path[1], origin)
    walk.is_lazy |= origin == "__future__"
    for alias in node.names:
        # Which names a star brings is known to the other file alone.
        if alias.name == "*":
            walk.stars.append(origin)
            walk.module.has_star = True
            continue
        target = f"{origin}.{alias.name}" if origin else ""
        scope.bind(alias.asname or alias.name, Meaning(target))
        walk.refer(alias.lineno, column_of(walk, alias), alias.name, target)


def absolute(walk: Walk, node: ast.ImportFrom) -> str:
    """The module that `from ..data.windows import x` is about, empty beyond the outermost one"""
    if not node.level:
        return node.module or ""
    n_kept = len(walk.folders) - node.level + 1
    return ".".join([*walk.folders[:n_kept], *filter(None, [node.module])]) if n_kept > 0 else ""


def column_of(walk: Walk, node: ast.AST) -> int:
    """Where a statement or a name in it begins"""
    return characters(walk.lines, node.lineno, node.col_offset)
