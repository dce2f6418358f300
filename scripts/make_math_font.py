r"""
# The font of the equations

Makes `docs_gen/theme/math.woff2` and its licence from a release of
[STIX Two Math](https://github.com/stipub/stixfonts), cut down to the signs that
`docs_gen/theme/repertoire.txt` lists:

    npm pack @fontsource/stix-two-math@5.3.0
    pip install fonttools brotli
    python scripts/make_math_font.py fontsource-stix-two-math-5.3.0.tgz

A font file is taken as well, `STIXTwoMath-Regular.otf`, with its licence after it.

What doubles the file goes: layout features (larger strokes in small superscripts) and instructions
for coarse screens. What browsers do not draw well is changed. They leave as much room beside a sign
that stretches as its widest form needs, so the wide forms of brackets go, where pieces can be
joined instead, and large roots become narrower. They draw a mark such as the arrow of a vector
where it stands in the font, left of its place, so it is moved. Pieces of a bar or a root show where
they are joined, so these get longer forms in one piece.

The Open Font License asks that a changed font has another name; this one is "labnn math".
"""

import argparse
import copy
import io
import tarfile
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

from docs_gen.writing import glyphs

THEME = Path(__file__).resolve().parent.parent / "docs_gen" / "theme"
FAMILY = "labnn math"
# Numbers of names in a font: what it is called, and what is kept of the original's
CALLED = {1: FAMILY, 2: "Regular", 3: f"{FAMILY} Regular", 4: FAMILY, 6: "labnnmath-Regular"}
COPYRIGHT, VERSION, DESCRIPTION, LICENCE_TEXT, LICENCE_URL = 0, 5, 10, 13, 14

ROOT, ROOT_SCALE = "√", 0.82
# Forms may be this much wider than the pieces that are joined instead.
SPARE = 40
BARS = (1.28, 1.54, 1.8, 2.06, 2.32, 2.58, 3.1, 3.6)
LONGER = {"|": BARS, "‖": BARS, ROOT: (1.12, 1.24, 1.4)}


def release(tarball: Path) -> tuple[bytes, str]:
    """The font and the licence of a release as npm packs it"""
    with tarfile.open(tarball, "r:gz") as tar:
        (name,) = [n for n in tar.getnames() if n.endswith("-normal.woff2")]
        licence = tar.extractfile("package/LICENSE").read().decode()
        return tar.extractfile(name).read(), licence


def rename(font: TTFont) -> None:
    """Give the font its own name, and say what it was made from."""
    names = font["name"]
    origin = f"A subset of {names.getDebugName(4)}, {names.getDebugName(VERSION)}"
    kept = {n: names.getDebugName(n) for n in (COPYRIGHT, VERSION, LICENCE_TEXT, LICENCE_URL)}
    names.names = []
    for number, text in sorted({**CALLED, **kept, DESCRIPTION: origin}.items()):
        if text:
            names.setName(text, number, 3, 1, 0x409)


def moved(font: TTFont, name: str, width: float, scale: tuple[float, float], shift: float) -> None:
    """Give a glyph another form: its points are scaled and shifted, and it takes another width."""
    glyph = font["glyf"][name]
    if glyph.isComposite():
        glyph.coordinates, glyph.endPtsOfContours, glyph.flags = glyph.getCoordinates(font["glyf"])
        glyph.numberOfContours = len(glyph.endPtsOfContours)
    glyph.coordinates.scale(scale)
    glyph.coordinates.translate((shift, 0))
    glyph.coordinates.toInt()
    glyph.recalcBounds(font["glyf"])
    font["hmtx"][name] = round(width), glyph.xMin


def constructions(font: TTFont, is_vertical: bool) -> dict:
    """How glyphs stretch, by the glyph"""
    variants = font["MATH"].table.MathVariants
    way = "Vert" if is_vertical else "Horiz"
    covered = getattr(variants, f"{way}GlyphCoverage").glyphs
    return dict(zip(covered, getattr(variants, f"{way}GlyphConstruction"), strict=True))


def narrow(font: TTFont) -> None:
    """Drop forms of brackets that are wider than their pieces, and make large roots narrower."""
    for glyph, how in constructions(font, True).items():
        parts = how.GlyphAssembly.PartRecords if how.GlyphAssembly else []
        pieces = {part.glyph for part in parts}
        forms = how.MathGlyphVariantRecord
        if glyph == font.getBestCmap()[ord(ROOT)]:
            for name in {form.VariantGlyph for form in forms[1:]} | pieces:
                width = font["hmtx"][name][0]
                moved(font, name, width * ROOT_SCALE, (ROOT_SCALE, 1), 0)
        elif pieces:
            widest = SPARE + max(font["hmtx"][name][0] for name in pieces)
            kept = [form for form in forms if font["hmtx"][form.VariantGlyph][0] <= widest]
            how.MathGlyphVariantRecord = kept
            how.VariantCount = len(kept)


def place_marks(font: TTFont) -> None:
    """A mark without width begins at its left edge, and is as wide as it looks."""
    for glyph in constructions(font, False):
        width, left = font["hmtx"][glyph]
        if width == 0:
            shape = font["glyf"][glyph]
            moved(font, glyph, shape.xMax - shape.xMin, (1, 1), -left)


def add_forms(font: TTFont) -> None:
    """Longer forms in one piece, for heights that equations have"""
    for sign, scales in LONGER.items():
        how = constructions(font, True)[font.getBestCmap()[ord(sign)]]
        longest = how.MathGlyphVariantRecord[-1]
        for number, scale in enumerate(scales):
            form = copy.copy(longest)
            form.VariantGlyph = f"{longest.VariantGlyph}.{number}"
            form.AdvanceMeasurement = round(longest.AdvanceMeasurement * scale)
            width = font["hmtx"][longest.VariantGlyph][0]
            font["glyf"][form.VariantGlyph] = copy.deepcopy(font["glyf"][longest.VariantGlyph])
            moved(font, form.VariantGlyph, width, (1, scale), 0)
            how.MathGlyphVariantRecord.append(form)
        how.VariantCount = len(how.MathGlyphVariantRecord)
    # The font counts its glyphs anew.
    font.setGlyphOrder(list(font.getGlyphOrder()))


def cut(data: bytes, signs: set[str]) -> bytes:
    """The part of a font that is needed for some signs, packed; the same bytes each time"""
    font = TTFont(io.BytesIO(data), recalcTimestamp=False)
    if absent := sorted(sign for sign in signs if ord(sign) not in font.getBestCmap()):
        raise SystemExit(f"the font lacks {' '.join(map(glyphs.shown, absent))}")
    options = subset.Options(
        layout_features=[], bidi_closure=False, hinting=False, name_IDs=["*"], notdef_outline=True
    )
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=map(ord, signs))
    for change in (narrow, place_marks, add_forms):
        change(font)
    subsetter.subset(font)
    rename(font)
    font.flavor = "woff2"
    out = io.BytesIO()
    font.save(out)
    return out.getvalue()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Make the font of the equations.")
    parser.add_argument("source", type=Path, help="a release as npm packs it, or a font file")
    parser.add_argument("licence", type=Path, nargs="?", help="the licence of a font file")
    given = parser.parse_args()
    if given.source.suffix == ".tgz":
        data, licence = release(given.source)
    elif given.licence:
        data, licence = given.source.read_bytes(), given.licence.read_text(encoding="utf-8")
    else:
        raise SystemExit("give the licence of the font after it")
    if "SIL OPEN FONT LICENSE Version 1.1" not in licence:
        raise SystemExit("this is not the Open Font License, under which the font is shipped")
    data = cut(data, glyphs.repertoire())
    (THEME / "math.woff2").write_bytes(data)
    (THEME / "math.LICENSE.txt").write_text(licence.strip() + "\n", encoding="utf-8")
    print(f"math.woff2: {len(glyphs.repertoire())} signs, {len(data):,} bytes")
