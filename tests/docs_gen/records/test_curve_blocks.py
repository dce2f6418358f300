"""
# Curve blocks
"""

import re

import pytest

from docs_gen.records.axes import Frame, bounds
from docs_gen.records.curve_blocks import curve, read
from docs_gen.records.exhibits import CURVES
from docs_gen.translation.catalogs import Catalogs
from docs_gen.writing.notes import units
from tests.docs_gen.checked import checked
from tests.docs_gen.records.test_curves import drawn

FENCE = """show: lr
update: 0 50
  100 150
cosine: 1 .75
  .25 0
line: 1 .5 0 0
"""


def test_the_numbers_of_a_fence_may_go_over_several_lines():
    show, updates, values = read(FENCE)
    assert (show, updates) == ("lr", [0, 50, 100, 150])
    assert values == {"cosine": [1, 0.75, 0.25, 0], "line": [1, 0.5, 0, 0]}


def test_the_curves_go_where_the_numbers_say():
    html = curve(FENCE)
    frame = Frame(150, *bounds([0, 1], True))
    for kind, values in (("train", [1, 0.75, 0.25, 0]), ("valid", [1, 0.5, 0, 0])):
        places = [(frame.x(50 * n), float(frame.y(v))) for n, v in enumerate(values)]
        assert drawn(html, kind) == [places]


def test_a_drawing_has_a_name_a_legend_and_a_table_and_asks_for_nothing():
    # `checked` refuses style attributes, scripts and addresses.
    page = checked(curve(FENCE))
    assert page.text("figcaption") == "Learning rate"
    assert "cosine: first 1 at 0" in page.text("desc")
    assert page.text("caption") == "Learning rate: values" and "0.75" in page.text("td")


def test_ids_begin_with_what_is_given():
    assert checked(curve(FENCE) + curve(FENCE, "other")).ids == {
        "curve-title", "curve-desc", "other-title", "other-desc"
    }  # fmt: skip


def test_every_curve_of_a_run_can_be_drawn_in_both_languages():
    for show in CURVES:
        assert checked(curve(f"show: {show}\nupdate: 1 2\na: 3 4")).named("svg")
    chinese = curve(FENCE, say=Catalogs("zh", []).ui.gettext)
    page = checked(chinese)
    assert page.text("figcaption") == "学习率" and "update" not in page.text("svg")


def test_hostile_names_stay_text():
    html = curve('show: lr\nupdate: 0 1\n"<script>&": 1 2')
    assert "<script>" not in html and "<script>&" in checked(html).text("svg")


def test_a_drawing_is_small():
    updates = " ".join(str(100_000 + n * 50_000) for n in range(50))
    values = " ".join(f"{n / 1000:.3f}" for n in range(50))
    html = curve(f"show: lr\nupdate: {updates}\npolynomial_hold_decay: {values}\nother: {values}")
    assert len(re.search(r"<svg.*</svg>", html, re.DOTALL)[0].encode()) <= 6_000


def test_a_fence_is_no_message_for_translators():
    assert [unit.is_prose for unit in units(f"```curve\n{FENCE}```")] == [False]


@pytest.mark.parametrize("fence, message", [
    ("", "a curve block says what it shows and where"),
    ("show: lr", "a curve block says what it shows and where"),
    ("- show", "a curve block says what it shows and where"),
    ("show: [", "a curve block is no YAML"),
    ("show: lrr\nupdate: 0\na: 1", "lrr is no curve that can be shown; there is lr"),
    ("show: lr\nupdate: 0 1", "a curve block has 1 to 2 curves, and this 0"),
    ("show: lr\nupdate: 0\na: 1\nb: 1\nc: 1", "has 1 to 2 curves, and this 3"),
    ("show: lr\nupdate: 0 1\na: 1", "a: 1 values for 2 updates"),
    ("show: lr\nupdate: 0 1\na: [1, 2]", "a: 0 values for 2 updates"),
    ("show: lr\nupdate: 1 0\na: 1 2", "update: the numbers of updates have to grow"),
    ("show: lr\nupdate: 1 1\na: 1 2", "update: the numbers of updates have to grow"),
    ("show: lr\nupdate:\na: 1", "update: the numbers of updates have to grow"),
    ("show: lr\nupdate: 0 1.5\na: 1 2", "update: 1.5 is no number of an update"),
    ("show: lr\nupdate: -1 1\na: 1 2", "update: -1 is no number of an update"),
    ("show: lr\nupdate: 0 1\na: 1 x", "a: x is no number that can be drawn"),
    ("show: lr\nupdate: 0 1\na: 1 nan", "a: nan is no number that can be drawn"),
    ("show: lr\nupdate: 0 1\na: 1 inf", "a: inf is no number that can be drawn"),
])  # fmt: skip
def test_what_cannot_be_drawn_is_told_in_one_line(fence, message):
    with pytest.raises(ValueError, match=re.escape(message)) as error:
        curve(fence)
    assert "\n" not in str(error.value)
