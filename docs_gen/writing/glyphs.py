r"""
# Glyphs

The font of the [equations](maths.html) is cut down to the signs of a list, `theme/repertoire.txt`.
A sign that it lacks comes from whatever font a reader's system has: it looks foreign, or is an
empty box. So each equation is asked which signs it needs.

That is not the text of its MathML. A browser shows the single letter of `<mi>x</mi>` as U+1D465,
the italic x of mathematics, which is another sign than x.
"""

import re
import unicodedata
from functools import cache
from html import unescape
from pathlib import Path

REPERTOIRE = Path(__file__).parents[1] / "theme" / "repertoire.txt"

ANNOTATION = re.compile(r"<annotation\b.*?</annotation>", re.DOTALL)
TOKEN = re.compile(r"<(mi|mn|mo|ms|mtext)\b([^>]*)>(.*?)</\1>", re.DOTALL)
TAG = re.compile(r"<[^>]*>")
# A root draws this, though nobody wrote it.
ROOT = re.compile(r"<m(?:sqrt|root)\b")
RADICAL = "√"

# The letters that have an italic form, and the first of each row of forms
ITALIC_ROWS = (
    ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", 0x1D434),
    ("ıȷ", 0x1D6A4),
    ("ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡϴΣΤΥΦΧΨΩ∇αβγδεζηθικλμνξοπρςστυφχψω∂ϵϑϰϕϱϖ", 0x1D6E2),
)
# One form was there before the others, as the constant of Planck.
ITALIC = {
    letter: chr(first + place)
    for letters, first in ITALIC_ROWS
    for place, letter in enumerate(letters)
} | {"h": "ℎ"}


@cache
def repertoire() -> frozenset[str]:
    """The signs of the font, read from its list"""
    signs = set()
    for line in REPERTOIRE.read_text(encoding="utf-8").splitlines():
        if line.startswith("U+"):
            signs |= {chr(int(number[2:], 16)) for number in line.split()}
        elif not line.startswith("# "):
            signs |= set(line)
    return frozenset(signs)


def needed(mathml: str) -> set[str]:
    """The signs that a browser draws for an equation"""
    mathml = ANNOTATION.sub("", mathml)
    signs = {RADICAL} if ROOT.search(mathml) else set()
    for name, attributes, inner in TOKEN.findall(mathml):
        text = unescape(TAG.sub("", inner))
        if name == "mi" and len(text.strip()) == 1 and "mathvariant" not in attributes:
            text = ITALIC.get(text.strip(), text)
        # Words may be in any language: their letters come from the font of the text.
        signs |= {s for s in text if name != "mtext" or not is_of_words(s)}
    return signs


def is_of_words(sign: str) -> bool:
    """Does the font of the text have it: a letter, a quotation mark, or punctuation of Chinese?"""
    category, width = unicodedata.category(sign), unicodedata.east_asian_width(sign)
    return category[0] in "LM" or category in ("Pi", "Pf") or width in "FW"


def shown(sign: str) -> str:
    """A sign and its number, since it may be one that looks like another or like nothing"""
    return f"{sign} (U+{ord(sign):04X})"


def missing(mathml: str) -> list[str]:
    """The signs of an equation that the font lacks, as a person reads them"""
    return [shown(s) for s in sorted(needed(mathml) - repertoire()) if not s.isspace()]
