r"""
# Leads

What a page says of itself. Its docstring is the lead: the first heading is the title, the first
paragraph the summary, and nobody has to write them twice. YAML front matter, where a file has it,
goes before both. Everything here is Markdown as it was written; a `block` is the piece of it that
a translation is looked up by.

The docstring of a package is prose with links, and the order of the links is the
[order](../pages/order.html) of its pages. Of the first package a list below the heading "Start
here" is the path that the home page offers.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator

from markdown_it.token import Token

from docs_gen.linking.addresses import LinkError, target
from docs_gen.parts import Module
from docs_gen.writing.notes import READ, units

START = "start here"


def note(module: Module) -> str:
    """The docstring of a module, or nothing"""
    first = module.sections[0] if module.sections else None
    return first.note if first is not None and first.kind == "module" else ""


def title_block(module: Module) -> str:
    """The block that has the title, or nothing"""
    return block(module, "title", "heading")


def summary_block(module: Module) -> str:
    """The block that has the summary, or nothing"""
    return block(module, "summary", "paragraph")


def block(module: Module, name: str, kind: str) -> str:
    """What the front matter says, or the first block of a kind"""
    told = module.front.get(name)
    if isinstance(told, str) and told.strip():
        return told.strip()
    return next((unit.text for unit in units(note(module)) if unit.kind == kind), "")


def bare(heading: str) -> str:
    """A heading without the marks that make it one"""
    # One that is underlined has its words in the lines before.
    underlined = re.match(r"(.+)\n *(=+|-+) *$", heading.strip(), re.DOTALL)
    text = underlined[1] if underlined else re.sub(r"^ {0,3}#{1,6}\s+|\s+#+\s*$", "", heading)
    return " ".join(text.split())


def title(module: Module) -> str:
    """The title of a page, for want of one the last part of its name"""
    # Else Markdown would make bold letters of `__main__`.
    name = module.source.name.rpartition(".")[2].replace("_", "\\_")
    return bare(title_block(module)) or name


def closed(paragraph: str) -> str:
    """A paragraph whose last words lead to an equation or a list, which is not shown with it"""
    text = paragraph.rstrip()
    if re.search(r"[,;，；]$", text):
        sentences = re.match(r".*[.!?](?=\s)|.*[。！？]", text, re.DOTALL)
        text = sentences[0] if sentences else text[:-1] + "…"
    return re.sub(r"[:：]$", lambda colon: ".。"[colon[0] == "："], text)


def summary(module: Module) -> str:
    """The summary of a page, which may be empty"""
    return closed(summary_block(module))


def references(tokens: Iterable[Token]) -> Iterator[tuple[str, str]]:
    """What is linked, in order: `page` with an address, or `name` with a name in brackets"""
    for token in tokens:
        children = token.children or []
        for number, child in enumerate(children):
            if child.type == "link_open":
                yield "page", str(child.attrs["href"])
            elif child.type == "code_inline" and 0 < number < len(children) - 1:
                before, after = children[number - 1].content, children[number + 1].content
                if before.endswith("[") and after.startswith("]"):
                    yield "name", child.content


def linked(module: Module) -> Iterator[tuple[str, str]]:
    """What the docstring of a module links to"""
    return references(READ.parse(note(module)))


def start(module: Module) -> list[str]:
    """The addresses in the list below the heading "Start here", if there is one"""
    tokens, is_below = READ.parse(note(module)), False
    found = []
    for token, after in zip(tokens, tokens[1:], strict=False):
        if token.type == "heading_open":
            is_below = after.content.strip(" :").lower() == START
        elif is_below and token.type == "inline" and token.level > 1:
            pages = [target for kind, target in references([token]) if kind == "page"]
            found += [page for href in pages if (page := url(module, href))]
    return list(dict.fromkeys(found))


def url(module: Module, href: str) -> str:
    """The page that a link leads to, seen from the root of the edition; nothing if it is none"""
    try:
        found = None if href.startswith("#") else target(module.source.url, href.partition("?")[0])
    except LinkError:
        return ""
    return found[0] if found else ""


def link(here: str, there: str) -> str:
    """The address of a page, seen from another"""
    return posixpath.relpath(there, posixpath.dirname(here) or ".")
