r"""
# Code

A file is read by Pygments as a whole, so that a string which runs over a note is seen for what it
is, and written line by line. Each line has an anchor, each token the class that colours it, and
each name that is [defined](../reading/names.html) on one of the pages a link to there. Plain names
and punctuation, which are most of the tokens, have no element of their own: that halves the weight
of a page.

The number of a line is an attribute, which the style sheet shows: what a reader copies has none.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from html import escape
from itertools import groupby, pairwise
from operator import itemgetter

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.lexers.python import PythonLexer
from pygments.token import STANDARD_TYPES
from pygments.util import ClassNotFound

from docs_gen.reading.signs import visible

# Pygments' short names of what needs no colour: names, punctuation, blanks
PLAIN = {"", "n", "p", "w", "x"}

# A form feed at the beginning of a line
FEED = re.compile(r"\A[ \t\f]*\f")

# A link or an anchor on part of a line: its first and last column, and its opening tag
Mark = tuple[int, int, str]


def tokens(text: str, lexer: Lexer) -> Iterator[tuple[int, str, str]]:
    """The pieces of a text that do not cross lines, each with its line from 0 and its class"""
    line = 0
    for kind, value in lexer.get_tokens(text):
        name = STANDARD_TYPES.get(kind) or ""
        for number, piece in enumerate(value.split("\n")):
            line += number > 0
            if piece:
                yield line, "" if name in PLAIN else name, piece


def span(name: str, piece: str) -> str:
    """A piece of a line in its colour"""
    # Between names a form feed is a blank, which a reader can copy as one.
    shown = visible(piece) if name else "\f".join(map(visible, piece.split("\f")))
    text = escape(shown, quote=False)
    return f'<span class="t-{name}">{text}</span>' if name else text


def cut(pieces: Sequence[tuple[str, str]], marks: Sequence[Mark]) -> str:
    """The pieces of a line, with its marks, which lie side by side, around parts of them"""
    width = sum(len(piece) for _, piece in pieces)
    # One that is not on the line would be opened and never closed.
    marks = [mark for mark in marks if 0 <= mark[0] < mark[1] <= width]
    opened = {first: tag for first, _, tag in marks}
    closed = {last: "</" + re.match(r"<(\w+)", tag)[1] + ">" for _, last, tag in marks}
    html, column = [], 0
    for name, piece in pieces:
        end = column + len(piece)
        # A mark may begin or end within a piece, which is then cut there.
        edges = {column, end, *(e for e in (*opened, *closed) if column < e < end)}
        for first, last in pairwise(sorted(edges)):
            part = span(name, piece[first - column : last - column])
            html.append(opened.get(first, "") + part + closed.get(last, ""))
        column = end
    return "".join(html)


def lines(source: Sequence[str], marks: Mapping[int, Sequence[Mark]]) -> dict[int, str]:
    """The HTML of each line by its number, from 1; `marks` are those of a line, by its number."""
    pieces: dict[int, list[tuple[str, str]]] = {}
    # What stands side by side in one colour, such as a string and its quotes, is one element.
    for (line, name), some in groupby(tokens("\n".join(source), python()), itemgetter(0, 1)):
        pieces.setdefault(line + 1, []).append((name, "".join(piece for *_, piece in some)))
    found = {n: cut(pieces.get(n, ()), marks.get(n, ())) for n in range(1, len(source) + 1)}
    # Python forgets the blanks before a form feed.
    return {n: FEED.sub("", html).replace("\f", " ") for n, html in found.items()}


def listing(numbers: Sequence[int], html: Mapping[int, str]) -> str:
    """
    Some lines as they stand on a page, without blank ones around them, or where a note was cut out
    """
    shown: list[int] = []
    for n in numbers:
        if html[n].strip() or (shown and shown[-1] == n - 1):
            shown.append(n)
    while shown and not html[shown[-1]].strip():
        shown.pop()
    return "".join(
        f'<span class="c-line" id="L{n}"><a class="c-no" href="#L{n}" aria-hidden="true" '
        f'tabindex="-1" data-n="{n}"></a>{html[n]}\n</span>'
        for n in shown
    )


def coloured(text: str, language: str = "") -> str:
    """A piece of code within a note; a language that nobody knows has no colours."""
    html: list[str] = []
    at = 0
    for line, name, piece in tokens(text, by_name(language)):
        html.append("\n" * (line - at) + span(name, piece))
        at = line
    return "".join(html) + "\n"


@cache
def python() -> Lexer:
    """Blank lines stay where they are, and tabs are tabs."""
    return PythonLexer(stripnl=False, ensurenl=False)


@cache
def by_name(language: str) -> Lexer:
    """The lexer of a language by one of its names; words of a command line only look like Bash."""
    language = "text" if language in ("", "sh", "bash", "shell") else language
    try:
        return get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return get_lexer_by_name("text", stripnl=False, ensurenl=False)
