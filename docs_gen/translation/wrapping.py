r"""
# Wrapping

Where the lines of a paragraph break is the author's business: a note that was only wrapped again
has the same translation, and in Chinese, which has no space between words, the break must not show
as one. Both need a block with each of its paragraphs on one line. [Catalogs](catalogs.html) use it.
"""

import re
from collections.abc import Callable
from functools import cache

from docs_gen.writing.notes import READ

# Ideographs, signs of Chinese alone, and signs that other languages have too
HAN = "\u3005-\u3007\u3400-\u9fff\uf900-\ufaff"
SIGNS = "\u3001-\u3003\u3008-\u3011\u3014-\u301f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff65"
SHARED = "\u2014\u2018\u2019\u201c\u201d\u2026"
CLOSE = re.compile(f"[{SIGNS}].|.[{SIGNS}]|[{HAN}][{HAN}{SHARED}]|[{SHARED}][{HAN}]")
# Marks around words, which show as nothing
MARKS_BEFORE, MARKS_AFTER = re.compile(r"(?:\]\([^()]*\)|[*_])+$"), re.compile(r"^[*_\[]+")


def joined(text: str, glue: Callable[[str, str], str]) -> str:
    """
    Write each paragraph of a block on one line, those in lists and quotations too; `glue` says what
    comes between two lines. A paragraph that forces line breaks keeps its lines.
    """
    lines: list[str | None] = list(text.strip("\n").split("\n"))
    for token in READ.parse("\n".join(lines)) if len(lines) > 1 else ():
        parts = [part.strip() for part in token.content.split("\n")]
        if token.type != "inline" or len(parts) < 2:
            continue
        start, end = token.map[0], token.map[0] + len(parts)
        if any(child.type == "hardbreak" for child in token.children):
            # Blanks at the end of a line force a break too, but nobody sees them.
            lines[start:end] = [re.sub(" {2,}$", r"\\", line) for line in lines[start:end]]
        elif (whole := lines[start].rstrip()).endswith(parts[0]):
            for part in parts[1:]:
                whole += glue(whole, part) + part
            lines[start:end] = [whole, *[None] * (len(parts) - 1)]
    return "\n".join(line.rstrip() for line in lines if line is not None)


@cache
def key(text: str) -> str:
    """
    What a block is looked up by, the `msgid`: its source, where wrapping a paragraph otherwise
    changes nothing. Lists, tables and quotations keep one line an item, row or paragraph.
    """
    return joined(text, lambda before, after: " ")


def join_han(text: str) -> str:
    """
    Chinese has no space between words, so a line break within a sentence must not become one.
    """
    return joined(text, lambda before, after: "" if is_close(before, after) else " ")


def is_close(before: str, after: str) -> bool:
    """Does nothing come between two texts, by the last sign of one and the first of the other?"""
    before, after = MARKS_BEFORE.sub("", before), MARKS_AFTER.sub("", after)
    return CLOSE.match(before[-1:] + after[:1]) is not None
