r"""
# Markup

What a page needs otherwise than Markdown writes it: maths as MathML, links that were looked up,
images of the tree, code with colours, tables in a box that scrolls. One function a kind of token,
each of which changes the token in place. What is needed from outside is asked of [`Tools`]; where
they refuse, the fault is told to them and the source is shown, so that a page can still be read.
"""

import re
from collections.abc import Callable
from html import escape
from typing import Protocol

from markdown_it.token import Token

from docs_gen.writing import code

TAG = re.compile(r"</?[a-z][a-z0-9]*(\s[^<>]*)?/?>", re.IGNORECASE)


class Tools(Protocol):
    """
    ## What a block may ask for

    Each returns what a page shows, or raises `ValueError` with one line that says what is wrong.
    """

    def link(self, href: str) -> str:
        """Where a link of the note leads"""

    def symbol(self, name: str) -> str:
        """Where a definition stands that is named in square brackets"""

    def image(self, src: str) -> dict[str, str]:
        """`src`, `width` and `height` of an image of the tree"""

    def maths(self, tex: str, is_display: bool) -> str:
        """An equation as MathML"""

    def drawing(self, kind: str, text: str) -> str:
        """The block of a run's results, or numbers of the note as a curve"""

    def heading(self, level: int, title: str) -> tuple[int, str]:
        """The level that the outline has room for, and the anchor"""

    def mark(self, name: str) -> str:
        """The anchor of a place that a note marks by itself"""

    def fault(self, what: str, kind: str, source: str) -> None:
        """Something is wrong near the place where `source` is written."""

    def say(self, text: str) -> str:
        """A word of the interface in the language of the page"""


def attempt(ask: Callable, tools: Tools, kind: str, source: str):
    """What was asked for, or `None` after telling what is wrong"""
    try:
        return ask()
    except ValueError as e:
        tools.fault(str(e), kind, source)
        return None


def box(name: str, label: str, html: str) -> str:
    """A box that may scroll has to be reached by keyboard, and needs a name."""
    return (
        f'<div class="{name}" tabindex="0" role="group" aria-label="{escape(label)}">{html}</div>'
    )


def equation(token: Token, tools: Tools) -> None:
    """Maths within a line or on lines of its own"""
    is_display = token.type != "math_inline"
    is_block = token.type in ("math_block", "math_block_label", "amsmath")
    html = attempt(lambda: tools.maths(token.content, is_display), tools, "maths", token.content)
    if html is None:
        html = f'<code class="fault">{escape(token.content)}</code>'
    token.type = "html_block" if is_block else "html_inline"
    token.content = box("eq", tools.say("Equation"), html) if is_block else html


def link(token: Token, tools: Tools) -> None:
    """A link that leads nowhere keeps its words."""
    href = str(token.attrs["href"])
    found = attempt(lambda: tools.link(href), tools, "link", href)
    if found is None:
        token.attrs = {"class": "fault"}
        return
    token.attrs["href"] = found
    if ":" in found:
        token.attrs["class"] = "external"


def image(token: Token, tools: Tools) -> None:
    """An image has words for who cannot see it, and a size, so that nothing moves when it comes."""
    src = str(token.attrs["src"])
    if not token.content.strip():
        tools.fault(f"the image {src} has no words for who cannot see it", "image", src)
    found = attempt(lambda: tools.image(src), tools, "image", src)
    if found is None:
        token.type, token.content = "html_inline", f"<em>{escape(token.content or src)}</em>"
    else:
        token.attrs |= found


def fence(token: Token, tools: Tools) -> None:
    """Code within a note, or what is drawn instead"""
    kind = (token.info.split() or [""])[0]
    html = None
    if kind in ("result", "curve"):
        html = attempt(lambda: tools.drawing(kind, token.content), tools, kind, token.content)
    if html is None:
        shown = code.coloured(token.content, kind)
        html = f'<pre translate="no"><code>{shown}</code></pre>'
        html = box("note-code", tools.say("Code"), html)
    token.type, token.content = "html_block", html + "\n"


def table(token: Token, tools: Tools) -> None:
    """The box around a table, opened and closed"""
    html = "</table></div>\n"
    if token.nesting > 0:
        html = box("note-table", tools.say("Table"), "<table>").removesuffix("</div>")
    token.type, token.content, token.nesting = "html_block", html, 0


def cell(token: Token, tools: Tools) -> None:
    """The policy of the site refuses a style that is written on an element."""
    if style := token.attrs.pop("style", None):
        token.attrs["class"] = str(style).replace("text-align:", "align-")


def text(token: Token, tools: Tools) -> None:
    """Raw HTML shows as text, which its author did not mean."""
    if tag := TAG.search(token.content):
        tools.fault(f"{tag[0]} is raw HTML, which is shown as text", "html", tag[0])


# Tokens of other kinds stay as Markdown writes them.
WRITERS = {
    **dict.fromkeys(("math_inline", "math_inline_double", "math_block"), equation),
    **dict.fromkeys(("math_block_label", "amsmath"), equation),
    **dict.fromkeys(("fence", "code_block"), fence),
    **dict.fromkeys(("table_open", "table_close"), table),
    **dict.fromkeys(("th_open", "td_open"), cell),
    **{"link_open": link, "image": image, "text": text},
}
