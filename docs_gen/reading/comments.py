r"""
# Comments

Comments that have their lines to themselves are notes, of the code [below](sections.html) them.
What follows code on its line stays code, and so does what speaks to a tool: `# noqa`,
`# type: ignore`, `#!` and the like.
"""

import re
import tokenize
from collections.abc import Sequence
from dataclasses import dataclass
from tokenize import TokenInfo

from docs_gen.reading.signs import visible

# What is said to a tool, and not to a reader
DIRECTIVE = re.compile(
    r"""
    \#!                                                # the program that runs a script
    | \#:                                              # Sphinx' note of an attribute
    | \#\s*(noqa|nosec|nopep8|NOSONAR|NOLINT)\b
    | \#\s*(type|fmt|ruff|pylint|mypy|isort|pyright|flake8|yapf|black|pragma|cython|doctest):
    | \#\s*(-\*-|vim?:|(en)?coding[:=]|pragma[ ]?no)   # editors, encodings, coverage
    | \#\s*%%                                          # a cell of a notebook
    | \#\s*(region|endregion)\b                        # what an editor folds
    """,
    re.VERBOSE | re.IGNORECASE,
)
# A line that is drawn, which Markdown would take for a rule or for the mark of a heading
RULER = re.compile(r"#[ \t]*([-=#*_+])\1{3,}[ \t]*#?")
# Strings that are several tokens, within which there may be comments
OPENING, CLOSING = {"FSTRING_START", "TSTRING_START"}, {"FSTRING_END", "TSTRING_END"}


@dataclass(frozen=True)
class Block:
    """
    ## A block of comments

    Lines that follow each other at one indent, and what they say
    """

    lines: range
    indent: str
    text: str


def blocks(tokens: Sequence[TokenInfo]) -> list[Block]:
    """All blocks of a file, in order"""
    groups: list[list[TokenInfo]] = []
    for token in alone(tokens):
        last = groups[-1][-1] if groups else None
        follows = last is not None and token.start[0] == last.start[0] + 1
        if follows and indent(token) == indent(last):
            groups[-1].append(token)
        else:
            groups.append([token])
    return [
        Block(range(g[0].start[0], g[-1].start[0] + 1), indent(g[0]), text([t.string for t in g]))
        for g in groups
    ]


def alone(tokens: Sequence[TokenInfo]) -> list[TokenInfo]:
    """The comments that are notes"""
    found, depth = [], 0
    for token, after in zip(tokens, tokens[1:], strict=False):
        kind = tokenize.tok_name[token.type]
        depth += (kind in OPENING) - (kind in CLOSING)
        # After a backslash a comment is at the end of code that began above.
        is_alone = not indent(token).strip() and after.type == tokenize.NL
        is_note = kind == "COMMENT" and not DIRECTIVE.match(token.string)
        if is_note and is_alone and not depth:
            found.append(token)
    return found


def indent(token: TokenInfo) -> str:
    """What stands before a comment on its line"""
    return token.line[: token.start[1]]


def text(comments: Sequence[str]) -> str:
    """
    The Markdown of a block: a number sign and one space are taken from each line.

    A lone `## Title` is a heading, but some mark each line with two signs or more.
    """
    is_doubled = len(comments) > 1 and all(c.startswith("##") for c in comments)
    sign = r"#+[ \t]?" if is_doubled else r"#[ \t]?"
    lines = ("" if RULER.fullmatch(c.rstrip()) else re.sub(sign, "", c, count=1) for c in comments)
    return visible("\n".join(line.rstrip() for line in lines).strip("\n"))
