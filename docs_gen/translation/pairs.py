r"""
# Pairs

A translation changes words and nothing else. Code, maths, links, images, marked places and the
blocks themselves are compared with those of the English, as Markdown reads them: a translator, and
more so a machine, loses them easily, and a page would be wrong where nobody who wrote it can read.
"""

import re
from collections import Counter
from collections.abc import Iterator

from markdown_it.token import Token

from docs_gen.writing.notes import READ

# Stands for code and maths where only the words matter
HOLE = "\ue000"
# What a program fills in
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[a-z%]|\{\w*\}")
# What has to be on both sides, with what a person calls it
KEPT = {
    "code_inline": "code",
    "math_inline": "maths",
    "math_inline_double": "maths",
    "link_open": "link",
    "image": "image",
    "marked_place": "place",
}
MATHS = ("math_block", "math_block_label", "amsmath")


def walk(tokens: list[Token]) -> Iterator[Token]:
    """The tokens and those within them"""
    for token in tokens:
        yield token
        yield from walk(token.children or [])


def kept(tokens: list[Token]) -> Counter[tuple[str, str]]:
    """What a translation has to keep, as often as it is there"""
    found: Counter[tuple[str, str]] = Counter()
    for token in walk(tokens):
        target = token.attrs.get("href", token.attrs.get("src", token.content))
        if token.type in KEPT:
            found[KEPT[token.type], str(target).strip()] += 1
        elif token.type in ("fence", "code_block", *MATHS):
            found["block", token.content.strip()] += 1
    return found


def shape(tokens: list[Token]) -> list[str]:
    """The blocks, from the outside in: lists and their items, headings with their level, cells"""
    return [token.tag or token.type for token in tokens if token.nesting >= 0]


def faults(english: str, translated: str) -> list[str]:
    """What a translation of a block has lost, or has too much"""
    ours, theirs = READ.parse(english), READ.parse(translated)
    before, after = kept(ours), kept(theirs)
    found = [f"the {kind} {text} is lost" for kind, text in (before - after).elements()]
    found += [f"the {kind} {text} is not in the English" for kind, text in (after - before)]
    if shape(ours) != shape(theirs):
        found.append(f"blocks differ: {told(shape(ours))} became {told(shape(theirs))}")
    return found


def told(blocks: list[str]) -> str:
    """The blocks in a few words"""
    counts = Counter(block for block in blocks if block != "inline")
    return ", ".join(f"{n} {block}" for block, n in counts.items()) or "nothing"


def interface_faults(english: tuple[str, ...], translated: tuple[str, ...]) -> list[str]:
    """
    The same for a word of the interface, each in all its plural forms: a form may leave out what is
    in another, such as the number of one.
    """
    known = [Counter(PLACEHOLDER.findall(form)) for form in english]
    found = []
    for form in translated:
        if Counter(PLACEHOLDER.findall(form)) not in known:
            found.append(f"placeholders differ in {form}")
        if form.strip() != form and not any(e.strip() != e for e in english):
            found.append(f"a blank at the edge of {form}")
    return found


def prose(text: str) -> list[str]:
    """The words of a block, one text a paragraph or cell, with a hole for code and maths"""
    return [
        "".join(map(shown, token.children or []))
        for token in READ.parse(text)
        if token.type == "inline"
    ]


def shown(token: Token) -> str:
    """The words of a token within a line"""
    if token.type in ("softbreak", "hardbreak"):
        return " " if token.type == "softbreak" else "\n"
    if token.type == "image":
        return "".join(map(shown, token.children or []))
    is_hole = KEPT.get(token.type) in ("code", "maths")
    return HOLE if is_hole else token.content if token.type == "text" else ""
