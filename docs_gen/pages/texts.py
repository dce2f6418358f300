r"""
# Texts

What a text is found by. Index and query are cut into tokens by one rule, here and in the browser
(`theme/search.js`). There are no spaces in Chinese, and a dictionary would cut a sentence and a
query differently, so Chinese becomes pairs of signs. A name is found whole and by its parts:

    MultiHeadAttention  ->  multiheadattention multi head attention
    掩码语言模型        ->  掩码 码语 语言 言模 模型

[Search](search.html) makes the index.
"""

import re
from collections.abc import Collection
from unicodedata import normalize

from selectolax.lexbor import LexborHTMLParser

HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
PIECE = re.compile(rf"[{HAN}]+|[^\W{HAN}]+")
HAN_BREAK = re.compile(rf"(?<=[{HAN}])\n(?=[{HAN}])")
# Where a name has its parts: `d_model`, `MultiHead`, `HTMLParser`
JOINT = re.compile(r"_+|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

# What says nothing when it is read as a line of text
SILENT = 'annotation, math[display="block"], .eq, svg, script, style, figure table'
# Elements that end the word before them
BLOCKS = "p, li, dt, dd, td, th, tr, div, pre, br, h1, h2, h3, h4, h5, h6, figcaption, summary"
# Characters of a text that are kept as they are; of what follows only the words are.
N_SHOWN = 30


def tokens(text: str) -> list[str]:
    """What a text is found by; `tokens` of `theme/search.js` gives the same."""
    return [token for piece in PIECE.findall(normalize("NFKC", text)) for token in cut(piece)]


def cut(piece: str) -> list[str]:
    """A run of Chinese as pairs of signs; a word of another script whole, then its parts"""
    if re.match(f"[{HAN}]", piece):
        return [piece[n : n + 2] for n in range(max(len(piece) - 1, 1))]
    parts = [part for part in JOINT.split(piece) if part]
    return [word.lower() for word in (parts if parts in ([], [piece]) else [piece, *parts])]


def plain(html: str) -> str:
    """The text of a note in one line, without equations that stand alone"""
    # No space belongs between two Chinese signs that stand on two lines.
    tree = LexborHTMLParser(HAN_BREAK.sub("", html))
    for node in tree.css(SILENT):
        node.decompose()
    for node in tree.css(BLOCKS):
        node.insert_before(" ")
        node.insert_after(" ")
    return " ".join(tree.body.text().split()) if tree.body else ""


def shortened(text: str, known: Collection[str] = ()) -> tuple[str, str]:
    """The beginning, which is shown, and words of the rest that are neither there nor known"""
    if len(text) <= N_SHOWN:
        return text, ""
    end = text.rfind(" ", N_SHOWN - 20, N_SHOWN)
    shown, words = text[: end if end > 0 else N_SHOWN], []
    seen = {*tokens(shown), *known}
    for word in re.findall(r"\w+", normalize("NFKC", text)):
        if not seen.issuperset(new := tokens(word)):
            seen.update(new)
            # Only a word of several parts is still to be cut.
            words.append(word if new[1:] else new[0])
    # What is alike and stands together is packed better.
    return f"{shown}…", " ".join(sorted(words))
