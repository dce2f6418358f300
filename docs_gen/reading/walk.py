r"""
# Walk

Through the code of a file, in the order in which Python runs it, with the [scope](meanings.html) of
each place at hand. What a function does is looked at when the file has been read, since that is
when it may run at the earliest.

[Steps](steps.html) say what a statement does to the names around it.
"""

import ast
from collections.abc import Callable, Mapping, Sequence
from unicodedata import normalize

from docs_gen.reading.meanings import Scope
from docs_gen.reading.names import characters, end_of

# What to do at a kind of node, in the place of looking at what is in it
Step = Callable[["Walk", ast.AST, Scope], None]


class Walk:
    """
    ## Walk

    It leaves `references`, as line, column, length and target, what is bound in `module`, the
    targets of `aliases` and `bases`, and the `stars`, modules whose names are all imported.
    """

    def __init__(
        self, name: str, lines: Sequence[str], *, folders: Sequence[str], steps: Mapping[type, Step]
    ):
        """
        * `name` is that of the module
        * `lines` are those of its file
        * `folders` are those that it lies in, which its imports are relative to
        * `steps` are by kinds of nodes
        """
        self.lines, self.folders, self.steps = lines, folders, steps
        self.module = Scope("module", name)
        self.references: list[tuple[int, int, int, str]] = []
        self.aliases: dict[str, str] = {}
        self.bases: dict[str, list[str]] = {}
        self.stars: list[str] = []
        # What is to be looked at when the file has been read
        self.later: list[Callable[[], None]] = []
        # Do annotations wait as well, by `from __future__ import annotations`?
        self.is_lazy = False

    def file(self, tree: ast.Module) -> None:
        """Walk through all of it."""
        self.children(tree, self.module)
        # What waited may let more wait: the list grows while it is gone through.
        for step in self.later:
            step()

    def visit(self, node: ast.AST, scope: Scope) -> None:
        """One node, and what is in it"""
        step = self.steps.get(type(node))
        if step:
            step(self, node, scope)
        else:
            self.children(node, scope)

    def children(self, node: ast.AST, scope: Scope) -> None:
        """All that is in a node, in its order"""
        for child in ast.iter_child_nodes(node):
            self.visit(child, scope)

    def fields(self, node: ast.AST, scope: Scope, names: str) -> None:
        """What is in some fields of a node, in the order in which Python runs them"""
        for name in names.split():
            value = getattr(node, name)
            for child in value if isinstance(value, list) else [value]:
                # A keyword without a default has `None` in its place.
                if child is not None:
                    self.visit(child, scope)

    def refer(self, line: int, column: int, text: str, target: str) -> None:
        """Note a name that means something, if it is written as we think."""
        if target and self.lines[line - 1].startswith(text, column):
            self.references.append((line, column, len(text), target))

    def refer_to(self, node: ast.Name | ast.Attribute, target: str) -> None:
        """Note the last name of an expression."""
        line, column = end_of(node, self.lines)
        end = characters(self.lines, line, node.end_col_offset)
        text = self.lines[line - 1][column:end]
        # Python reads some letters as others, and old ones misplace what is in an f-string.
        name = node.id if isinstance(node, ast.Name) else node.attr
        if target and normalize("NFKC", text) == name:
            self.refer(line, column, text, target)
