r"""
# Colours

What is taken out of an equation and what is left of it. How the colours look is a matter of the
style sheet, and tested with [maths](test_maths.py).
"""

import pytest

from docs_gen.writing import colours, maths


@pytest.mark.parametrize(
    "tex, left",
    [
        (r"\textcolor{lightgreen}{p_\theta}(x)", "{p_\\theta}(x)"),
        (r"x^\textcolor{red}{2}", "x^{2}"),
        (r"{\color {pink} x} + \color[HTML]{ff0000} y", "{x} + y"),
        (r"\alpha\color{pink}x", r"\alpha x"),
        (r"\textcolor{ query }{Q} \textcolor{blue}{K}", r"\textcolor{ query }{Q} {K}"),
    ],
)
def test_only_a_colour_of_ours_stays(tex, left):
    assert "".join(colours.without(tex).split()) == "".join(left.split())
    # What is left can be shown, and means what it says.
    shown = maths.mathml(colours.without(tex), False).partition("<annotation")[0]
    assert shown == maths.mathml(left, False).partition("<annotation")[0]


def test_the_first_foreign_colour_is_found():
    found = colours.foreign(r"\textcolor{key}{K} \color{ pink } x \color{red} y")
    assert (found[2], found.start()) == ("pink", 19)
    assert colours.foreign(r"\textcolor{key}{K}") is None
    assert colours.foreign("pink") is None


def test_names_come_back_as_they_went():
    tex = "".join(rf"\textcolor{{{name}}}{{x}}" for name in colours.COLOURS)
    assert colours.theirs(tex) != tex
    assert colours.ours(colours.theirs(tex)) == tex


def test_each_colour_is_told_apart_by_the_converter():
    written = {colours.written(known) for known in colours.COLOURS.values()}
    assert len(written) == len(colours.COLOURS)
    assert all(declaration.startswith("color:") for declaration in written)
