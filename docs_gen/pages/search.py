r"""
# Search

Full-text search without a server. The index is a script, since a page on `file://` may fetch
nothing; the browser builds the search from it when somebody begins to type (`theme/search.js`).
An entry is a section, or the part of a note below a heading. It is found by its
[words](texts.html), and by the names that its code defines, whether or not a note mentions them.

The index is to stay small. Of a long text only the beginning is kept to be shown, and of the rest
each word once that is new, unless it is a common one, which tells little; the browser asks for
those with less rigour.
"""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from docs_gen.pages.texts import plain, shortened, tokens
from docs_gen.parts import Module

HEADING = re.compile(r'<h[1-6] id="([^"]*)"[^>]*>(.*?)</h[1-6]>', re.DOTALL)
# A word is common that is in more texts than a list of hits has room for.
N_COMMON = 12


@dataclass(frozen=True)
class Entry:
    """
    ## What a search can find

    `anchor` is its place on the page and `symbol` the definition there. `names` are others that its
    code defines; each is its own anchor.
    """

    anchor: str
    symbol: str = ""
    heading: str = ""
    text: str = ""
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Page:
    """
    ## A page of the index

    The higher its weight, the earlier what is found on it comes.
    """

    url: str
    title: str
    entries: tuple[Entry, ...]
    weight: float = 1.0


def entries(module: Module, rows: Iterable[Mapping]) -> tuple[Entry, ...]:
    """The entries of a page from its rows: `anchor`, `name`, and `note` as HTML"""
    lines = {section.anchor: set(section.code_lines) for section in module.sections}
    defined, found = module.definitions.values(), []
    for number, row in enumerate(rows):
        here = lines.get(row["anchor"], ())
        names = tuple(d.name for d in defined if d.line in here and d.name != row["name"])
        # A page is found by its import name, too.
        symbol = row["name"] if number else row["name"] or module.source.name
        first, *rest = parts(row["anchor"], str(row["note"]))
        found += [Entry(first.anchor, symbol, first.heading, first.text, names), *rest]
    return tuple(e for e in found if e.symbol or e.names or e.heading or e.text)


def parts(anchor: str, html: str) -> list[Entry]:
    """A note, cut before each heading but one that it begins with"""
    starts = [match.start() for match in HEADING.finditer(html)]
    # What a note begins with is the heading of the section itself.
    if starts and not plain(html[: starts[0]]):
        starts.pop(0)
    bounds, found = [0, *starts, len(html)], []
    for start, end in zip(bounds, bounds[1:], strict=False):
        part = html[start:end]
        heading = HEADING.search(part)
        words = plain(heading[2]) if heading else ""
        place = heading[1] if start else anchor
        found.append(Entry(place, "", words, plain(HEADING.sub("", part))))
    return found


def index(pages: Iterable[Page]) -> str:
    """The script that holds the index: pages, common words, then each field of all entries"""
    pages = list(pages)
    table = [[page.url, title(page), round(page.weight, 3), len(page.entries)] for page in pages]
    every = [entry for page in pages for entry in page.entries]
    words = common(every)
    fields = zip(*(packed(entry, words) for entry in every), strict=True)
    text = json.dumps([table, words, *fields], ensure_ascii=False, separators=(",", ":"))
    # None of these may end a script or a line of it, wherever it is put.
    text = re.sub("[<\u2028\u2029]", lambda sign: f"\\u{ord(sign[0]):04x}", text)
    return f"window.DOCS_INDEX={text};\n"


def title(page: Page) -> str:
    """Nothing where it is what the first heading says"""
    return "" if page.entries and page.entries[0].heading == page.title else page.title


def common(every: Collection[Entry]) -> list[str]:
    """The tokens that are in so many texts that they tell little"""
    counts = Counter(token for entry in every for token in set(tokens(entry.text)))
    return sorted(token for token, count in counts.items() if count > N_COMMON)


def packed(entry: Entry, words: Collection[str]) -> tuple[str, ...]:
    """The fields of an entry, without an anchor that is the symbol"""
    anchor = "" if entry.anchor == entry.symbol else entry.anchor
    names = " ".join(entry.names)
    # What the other fields say need not be said again.
    known = {*words, *tokens(f"{entry.symbol} {entry.heading} {names}")}
    return anchor, entry.symbol, entry.heading, *shortened(entry.text, known), names
