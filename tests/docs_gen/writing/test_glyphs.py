r"""
# Glyphs

The list of signs against the font itself, the italic letters against the names that Unicode gives
them, and every equation at hand against the list.
"""

import unicodedata

import pytest
from fontTools.ttLib import TTFont

from docs_gen.pages.theme import FOLDER
from docs_gen.writing import glyphs, maths
from tests.docs_gen.equations import LISTED, written

FONT = FOLDER / "math.woff2"


@pytest.fixture(scope="module")
def font():
    return TTFont(FONT)


def test_the_list_is_what_the_font_has(font):
    assert {ord(sign) for sign in glyphs.repertoire()} == set(font.getBestCmap())


def test_the_font_is_small():
    assert FONT.stat().st_size <= 64_000


def test_the_font_has_a_name_of_its_own(font):
    names = font["name"]
    assert names.getDebugName(1) == names.getDebugName(4) == "labnn math"
    assert not [n for n in (1, 2, 3, 4, 6) if "stix" in names.getDebugName(n).lower()]
    assert "STIX Two Math" in names.getDebugName(10)
    assert '"labnn math"' in (FOLDER / "math.css").read_text(encoding="utf-8")


def test_the_licence_is_beside_the_font(font):
    licence = (FOLDER / "math.LICENSE.txt").read_text(encoding="utf-8")
    assert "SIL OPEN FONT LICENSE Version 1.1" in licence
    assert licence.startswith(font["name"].getDebugName(0))


def forms(font, sign):
    """The widths of the forms that a sign stretches to, in thousandths"""
    variants = font["MATH"].table.MathVariants
    glyph = font.getBestCmap()[ord(sign)]
    how = variants.VertGlyphConstruction[variants.VertGlyphCoverage.glyphs.index(glyph)]
    names = [form.VariantGlyph for form in how.MathGlyphVariantRecord]
    names += [part.glyph for part in how.GlyphAssembly.PartRecords]
    return [1000 * font["hmtx"][name][0] / font["head"].unitsPerEm for name in names]


@pytest.mark.parametrize("sign", "()[]{}√|")
def test_a_sign_that_stretches_does_not_become_much_wider(font, sign):
    widths = forms(font, sign)
    assert len(widths) > 5
    assert max(widths) - widths[0] < 280


def test_an_arrow_over_a_letter_stands_on_its_place(font):
    width, left = font["hmtx"][font.getBestCmap()[ord("\N{COMBINING RIGHT ARROW ABOVE}")]]
    assert width > 200 and left == 0


@pytest.mark.parametrize("letter", glyphs.ITALIC)
def test_an_italic_letter_is_the_letter_in_italics(letter):
    italic = glyphs.ITALIC[letter]
    assert unicodedata.normalize("NFKC", italic) == unicodedata.normalize("NFKC", letter)
    name = unicodedata.name(italic)
    assert name == "PLANCK CONSTANT" or name.startswith("MATHEMATICAL ITALIC")


def test_all_letters_have_an_italic_form():
    letters = {chr(c) for c in range(0x41, 0x7B) if chr(c).isalpha()}
    greek = {chr(c) for c in (*range(0x391, 0x3AA), *range(0x3B1, 0x3CA)) if chr(c).isalpha()}
    assert letters | greek <= set(glyphs.ITALIC)


@pytest.mark.parametrize(
    "mathml, signs",
    [
        ("<mi>x</mi>", "𝑥"),
        ("<mi>h</mi><mi>θ</mi>", "ℎ𝜃"),
        ("<mi> x </mi>", "𝑥"),
        ('<mi mathvariant="normal">x</mi>', "x"),
        ("<mi>sin</mi>", "sin"),
        ("<mn>1</mn><mo>x</mo>", "1x"),
        ("<mo>&lt;</mo><mo>&sum;</mo>", "<∑"),
        ("<msqrt><mn>2</mn></msqrt>", "2√"),
        ("<mroot><mn>2</mn><mn>3</mn></mroot>", "23√"),
        ("<mtext>中文，é a→</mtext>", " →"),
        ("<mtext>“don’t”…</mtext><mo>’</mo>", "…’"),
        ("<mtext><b>1</b></mtext>", "1"),
        ('<mn>1</mn><annotation encoding="application/x-tex"><mi>x</mi></annotation>', "1"),
        ('<mspace width="1em"/><mrow>y</mrow>', ""),
    ],
)
def test_what_an_equation_needs(mathml, signs):
    assert glyphs.needed(mathml) == set(signs)


def test_a_sign_that_is_not_there_is_told_with_its_number():
    assert glyphs.missing("<mo>+</mo><mo>☃</mo>") == ["☃ (U+2603)"]
    assert glyphs.missing("<mi>ж</mi><mi>中</mi>") == ["ж (U+0436)", "中 (U+4E2D)"]
    assert glyphs.missing(maths.mathml(r"a \gtreqqless b", False)) == ["⪌ (U+2A8C)"]


def test_an_italic_letter_that_is_not_there_is_told(monkeypatch):
    monkeypatch.setattr(glyphs, "repertoire", lambda: frozenset("x"))
    assert glyphs.missing("<mi>x</mi>") == ["𝑥 (U+1D465)"]


@pytest.mark.slow
def test_the_font_has_all_that_the_equations_need():
    equations = [(tex, is_display) for _, tex, is_display in LISTED] + written()
    needed = set().union(*(glyphs.needed(maths.mathml(*equation)) for equation in equations))
    assert {"𝑥", "𝜃", "√", "ℎ"} <= needed
    assert needed <= glyphs.repertoire()
