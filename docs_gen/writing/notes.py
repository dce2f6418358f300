r"""
# Notes

Notes are Markdown with maths. A note is cut into its blocks, since a block is what is translated,
and each block becomes HTML by itself, [written](markup.html) as a page needs it.

Beyond Markdown, a definition's name in square brackets, written as code, is a link to it, and
`<a id="name"></a>`, with which older sites mark a place, marks one. Other raw HTML is text.
"""

import re
from dataclasses import dataclass
from functools import cache
from html import escape

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.amsmath import amsmath_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin

from docs_gen.writing.markup import WRITERS, Tools, attempt

# Blocks that read the same in every language
UNTRANSLATED = {"math_block", "math_block_label", "amsmath", "fence", "code_block", "hr"}
MARK = re.compile(r'<a (?:id|name)="([^"<>\s\x00-\x1f\x7f-\x9f]+)">\s*</a>')


@dataclass(frozen=True)
class Unit:
    """
    ## A block

    Its kind as markdown-it calls it, its source, and its line within the note, from 0
    """

    kind: str
    text: str
    line: int

    @property
    def is_prose(self) -> bool:
        """Is it a message for the translator?"""
        return self.kind not in UNTRANSLATED


def marked_place(state, is_silent: bool) -> bool:
    """A rule of markdown-it for `<a id="name"></a>`"""
    found = MARK.match(state.src, state.pos)
    if found is None:
        return False
    if not is_silent:
        state.push("marked_place", "", 0).content = found[1]
    state.pos = found.end()
    return True


def reader() -> MarkdownIt:
    """Markdown by its specification, with tables and maths"""
    read = MarkdownIt("commonmark", {"html": False}).enable("table")
    # `$5 and $6` is money: no number stands right before or after an equation.
    read.use(dollarmath_plugin, allow_space=True, allow_digits=False, double_inline=True)
    read.use(amsmath_plugin).inline.ruler.before("html_inline", "marked_place", marked_place)
    return read


READ = reader()


@cache
def units(note: str) -> tuple[Unit, ...]:
    """The blocks of a note, in order; several stages ask for them."""
    lines, found, depth = note.split("\n"), [], 0
    for token in READ.parse(note):
        if depth == 0 and token.map and token.nesting >= 0:
            # The plugin ends the map of these one line early.
            is_early = token.type == "amsmath"
            text = token.content if is_early else "\n".join(lines[slice(*token.map)])
            text = text.strip("\n").rstrip()
            found.append(Unit(token.type.removesuffix("_open"), text, token.map[0]))
        depth += token.nesting
    return tuple(found)


def render(text: str, tools: Tools) -> str:
    """The HTML of one block, or of any Markdown"""
    tokens = READ.parse(text)
    for number, token in enumerate(tokens):
        if token.type == "heading_open":
            title = tokens[number + 1].content
            level, anchor = tools.heading(int(token.tag[1:]), title)
            token.attrSet("id", anchor)
            token.tag = tokens[number + 2].tag = f"h{level}"
        write(token, tools)
    return READ.renderer.render(tokens, READ.options, {})


def write(token: Token, tools: Tools) -> None:
    """Change a token and what is in it."""
    if token.type == "marked_place":
        token.type = "html_inline"
        token.content = f'<span id="{escape(tools.mark(token.content))}"></span>'
    elif writer := WRITERS.get(token.type):
        writer(token, tools)
    name_links(token.children or [], tools)
    for child in token.children or []:
        write(child, tools)


def name_links(children: list[Token], tools: Tools) -> None:
    """A definition's name in square brackets, without a target, becomes a link to it."""
    for before, name, after in zip(children, children[1:], children[2:], strict=False):
        if not (
            name.type == "code_inline"
            and before.type == after.type == "text"
            and before.content.endswith("[")
            and after.content.startswith("]")
        ):
            continue
        symbol = name.content
        href = attempt(lambda symbol=symbol: tools.symbol(symbol), tools, "symbol", symbol)
        if href is not None:
            before.content, after.content = before.content[:-1], after.content[1:]
            name.type = "html_inline"
            name.content = f'<a href="{escape(href)}"><code>{escape(symbol)}</code></a>'


def inline(text: str, tools: Tools) -> str:
    """The HTML of a text within a line, such as a title"""
    (token,) = READ.parseInline(text)
    write(token, tools)
    return READ.renderer.renderInline(token.children, READ.options, {})


def plain(text: str) -> str:
    """A title or a sentence without its marks, for places that take text alone"""
    (token,) = READ.parseInline(text)
    return "".join(words(token.children or []))


def words(children: list[Token]):
    """The texts of tokens and of what is in them"""
    for token in children:
        if token.type in ("softbreak", "hardbreak"):
            yield " "
        elif token.children and token.type == "image":
            yield from words(token.children)
        elif token.type.startswith("math"):
            yield token.content.strip()
        elif token.type in ("text", "code_inline"):
            yield token.content
