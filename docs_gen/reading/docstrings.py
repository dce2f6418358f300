r"""
# Docstrings

The docstring of a class or a function is the note of its header: of its decorators and its
signature. It is taken as it is written, since Python would make `\b` and `\f` of `\beta` and
`\frac`, which destroys formulas, and [other dialects](foreign.html) become Markdown.

A docstring is a note if it is one plain string with its lines to itself. With anything else on
them, as in `def f(): "text"`, it stays code.
"""

import ast
import re
import tokenize
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from inspect import cleandoc
from tokenize import TokenInfo

from docs_gen.reading.foreign import markdown
from docs_gen.reading.signs import visible

DEFINITIONS = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
# Tokens between statements
BETWEEN = {tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT}
# A plain string; one with values in it, or of bytes, is none that Python takes for a docstring.
STRING = re.compile(r"([rRuU]?)(\"\"\"|'''|\"|')(.*)\2", re.DOTALL)


@dataclass(frozen=True)
class Docstring:
    """
    ## A docstring that is a note

    `escape` is the first line with a backslash that Python takes for an escape, or 0.
    """

    lines: range
    text: str
    escape: int


@dataclass(frozen=True)
class Header:
    """
    ## What a docstring may belong to

    A class, a function or, with an empty `name`, the module. `first` is the line of its first
    decorator, `line` that of `class` or `def` and `last` that where its code ends. `is_open` says
    that others can use it, and `is_told` that it has a docstring, though that may be one that stays
    code.
    """

    name: str
    first: int
    line: int
    last: int
    is_open: bool
    is_told: bool
    docstring: Docstring | None


def headers(tree: ast.Module, tokens: Sequence[TokenInfo]) -> list[Header]:
    """The module and all definitions in it, in the order of the file"""
    begins, strings = statements(tokens)
    found = []
    for node, name, is_open in nodes(tree):
        told = ast.get_docstring(node, clean=False) is not None
        docstring = strings.get(node.body[0].lineno) if told else None
        line = first = getattr(node, "lineno", 1)
        if decorators := getattr(node, "decorator_list", ()):
            # The `@` may stand above what follows it.
            first = begins[bisect_right(begins, decorators[0].lineno) - 1]
        last = getattr(node, "end_lineno", first)
        found.append(Header(name, first, line, last, is_open, told, docstring))
    return sorted(found, key=lambda header: header.first)


def nodes(tree: ast.Module) -> Iterator[tuple[ast.AST, str, bool]]:
    """The module and each definition, its qualified name, and whether others can use it"""
    # A stack, since a long `elif` is deeper than Python calls functions
    waiting: list[tuple[ast.AST, str, bool]] = [(tree, "", True)]
    while waiting:
        node, name, is_open = waiting.pop()
        if isinstance(node, (ast.Module, *DEFINITIONS)):
            yield node, name, is_open
            is_open = is_open and isinstance(node, ast.Module | ast.ClassDef)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, DEFINITIONS):
                is_public = is_open and not child.name.startswith("_")
                waiting.append((child, f"{name}.{child.name}" if name else child.name, is_public))
            elif isinstance(child, ast.stmt | ast.excepthandler | ast.match_case):
                waiting.append((child, name, is_open))


def statements(tokens: Sequence[TokenInfo]) -> tuple[list[int], dict[int, Docstring]]:
    """The first lines of all statements, and by them the strings that are one"""
    begins, strings = [], {}
    is_between = True
    for token, after in zip(tokens, tokens[1:], strict=False):
        if token.type in BETWEEN:
            continue
        if is_between:
            begins.append(token.start[0])
            is_whole = after.type == tokenize.NEWLINE and after.start[0] == token.end[0]
            if token.type == tokenize.STRING and is_whole and STRING.fullmatch(token.string):
                strings[token.start[0]] = docstring(token)
        is_between = token.type == tokenize.NEWLINE
    return begins, strings


def docstring(token: TokenInfo) -> Docstring:
    """What is between the quotes of a string"""
    prefix, _, raw = STRING.fullmatch(token.string).groups()
    first, last = token.start[0], token.end[0]
    escape = 0
    if prefix not in ("r", "R"):
        # A backslash after the opening quotes only joins lines.
        raw = re.sub(r"\A\\\n", "\n", raw)
        before, backslash, _ = raw.partition("\\")
        escape = first + before.count("\n") if backslash else 0
    return Docstring(range(first, last + 1), markdown(visible(cleandoc(raw))), escape)
