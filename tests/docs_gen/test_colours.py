"""
Colours of the theme, by the formula of WCAG 2.1: all that is read has 4.5 : 1 on all that is below
it, in both themes.
"""

import re

import pytest

from docs_gen.pages.theme import FOLDER

CSS = (FOLDER / "site.css").read_text(encoding="utf-8")
PAIRS = {
    name: (light, dark)
    for name, light, dark in re.findall(
        r"--([\w-]+): light-dark\((#[0-9a-f]{3,8}), (#[0-9a-f]{3,8})\)", CSS
    )
}
TOKENS = [name for name in PAIRS if name.startswith("t-")]
# What stands on what
ON = {
    **{name: ("tint", "mark") for name in TOKENS},
    "ink": ("paper", "tint", "mark", "here", "same"),
    "muted": ("paper", "tint", "here"),
    "accent": ("paper", "tint", "here", "mark"),
    "run-right": ("paper", "tint"),
    "run-wrong": ("paper", "tint", "mark"),
}


def luminance(colour):
    digits = colour[1:] if len(colour) > 4 else "".join(c * 2 for c in colour[1:])
    parts = [int(digits[n : n + 2], 16) / 255 for n in (0, 2, 4)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_the_formula_gives_the_known_values():
    assert contrast("#000", "#fff") == pytest.approx(21)
    # The lightest grey that WCAG's own examples give as enough on white
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)


def test_the_colours_are_found():
    assert {*ON, "paper", "tint", "mark", "here", "same", "edge"} <= set(PAIRS) and len(TOKENS) > 5


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_all_that_is_read_has_enough_contrast(theme):
    poor = {
        f"{ink} on {below}": round(ratio, 2)
        for ink, belows in ON.items()
        for below in belows
        if (ratio := contrast(PAIRS[ink][theme], PAIRS[below][theme])) < 4.5
    }
    assert not poor


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_edges_of_what_can_be_used_and_lines_of_curves_can_be_seen(theme):
    for name in ("edge", "run-train", "run-valid", "accent"):
        assert contrast(PAIRS[name][theme], PAIRS["paper"][theme]) >= 3, name


def test_a_color_token_has_a_rule_and_a_rule_its_colour():
    used = set(re.findall(r"var\(--([\w-]+)\)", CSS))
    defined = set(re.findall(r"--([\w-]+):", CSS))
    assert used <= defined
    assert set(TOKENS) <= used
