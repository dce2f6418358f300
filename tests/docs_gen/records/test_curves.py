import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from docs_gen.records import curves
from docs_gen.records.axes import BOTTOM, LEFT, RIGHT, TOP, Frame, bounds
from docs_gen.records.curves import Curve, evenly, figure
from docs_gen.records.results import points, read
from tests.docs_gen.checked import checked

GOLDEN = Path(__file__).parents[2] / "golden/record"
SVG = "{http://www.w3.org/2000/svg}"


def svg(html):
    """The drawing, as XML"""
    return ElementTree.fromstring(re.search(r"<svg.*?</svg>", html, re.DOTALL)[0])


def drawn(html, kind):
    """The places of a curve, a list for each piece between two gaps"""
    paths = [p.get("d") for p in svg(html).iter(f"{SVG}path") if p.get("class") == f"run-{kind}"]
    # The first is that of the legend.
    pieces = paths[1].split("M")[1:]
    return [[tuple(map(float, place.split())) for place in piece.split("L")] for piece in pieces]


def dots(html, kind):
    """The places of the dots of a curve"""
    found = [p.get("d") for p in svg(html).iter(f"{SVG}path") if p.get("class") == f"run-{kind}"]
    return re.findall(r"M(\d+) ([\d.]+)h0", "".join(found[2:]))


@pytest.fixture
def loss():
    record = read(GOLDEN)
    return [
        Curve("training", "train", points(record, "loss.train")),
        Curve("validation", "valid", points(record, "loss.valid")),
    ]


def test_the_curve_goes_where_the_data_says(loss):
    html = figure("loss", "Loss", loss)
    low, high = bounds([3.3, 2.2], False)

    def place(update, value):
        share = (value - low) / (high - low)
        return (
            pytest.approx(LEFT + (RIGHT - LEFT) * update / 12, abs=0.51),
            pytest.approx(BOTTOM - (BOTTOM - TOP) * share, abs=0.06),
        )

    assert drawn(html, "valid") == [[place(4, 3), place(8, 2.6), place(12, 2.2)]]
    # The missing value of update 5 is a gap.
    before, after = drawn(html, "train")
    assert before == [place(n, 3.4 - n / 10) for n in range(1, 5)]
    assert after == [place(n, 3.4 - n / 10) for n in range(6, 13)]


def test_a_lower_loss_is_drawn_lower_and_a_later_update_more_to_the_right(loss):
    (places,) = drawn(figure("loss", "Loss", loss), "valid")
    assert places == sorted(places) and [y for _, y in places] == sorted(y for _, y in places)


def test_training_is_solid_and_validation_dashed(loss):
    lines = [p for p in svg(figure("loss", "Loss", loss)).iter(f"{SVG}path")]
    for kind, is_dashed in (("train", False), ("valid", True)):
        drawings = [p for p in lines if p.get("class") == f"run-{kind}" and p.get("fill") == "none"]
        assert len(drawings) == 2
        assert all(("stroke-dasharray" in p.attrib) is is_dashed for p in drawings)


def test_it_has_a_title_a_description_and_a_legend_with_the_last_values(loss):
    html = figure("loss", "Loss <1>", loss)
    drawing = svg(html)
    assert drawing.find(f"{SVG}title").text == "Loss <1>"
    told = drawing.find(f"{SVG}desc").text
    assert "training: first 3.3 at 1, lowest 2.2 at 12, highest 3.3 at 1, last 2.2 at 12." in told
    assert "validation: first 3 at 4" in told
    ids = drawing.get("aria-labelledby").split()
    assert ids == [drawing.find(f"{SVG}title").get("id"), drawing.find(f"{SVG}desc").get("id")]
    texts = [t.text for t in drawing.iter(f"{SVG}text")]
    assert {"training 2.2", "validation 2.2", "update", "2.5", "3.0", "5", "10"} <= set(texts)


def test_the_values_are_a_table(loss):
    page = checked(figure("loss", "Loss", loss))
    rows = [names for names, _ in page.texts if names[-1] == "th" and "tbody" in names]
    assert len(rows) == 11
    assert page.text("caption") == "Loss: values" and page.named("details")
    assert "2.6" in page.text("td")


def test_a_long_curve_has_a_short_table_and_few_bytes():
    train = [(n * 331, 5 - n / 100 + n % 7 / 50) for n in range(300)]
    valid = [(n * 3310, 5 - n / 10) for n in range(30)]
    html = figure("loss", "Loss", [Curve("a", "train", train), Curve("b", "valid", valid)])
    assert len(re.findall(r"<tr>", html)) <= 25
    drawing = re.search(r"<svg.*</svg>", html, re.DOTALL)[0]
    assert len(drawing.encode()) <= 6_000
    assert len(dots(html, "valid")) == 30 and dots(html, "train") == []


def test_many_validations_have_no_dots():
    html = figure("a", "A", [Curve("b", "valid", [(n, n) for n in range(200)])])
    assert dots(html, "valid") == [] and len(drawn(html, "valid")[0]) == 200


@pytest.mark.parametrize("value", [0, 0.0, 1e-300, -3, 1e299, 12345])
def test_one_value_is_a_dot(value):
    html = figure("a", "A", [Curve("loss", "train", [(1, value)])])
    checked(html)
    assert len(dots(html, "train")) == 1


def test_a_value_between_two_gaps_is_a_dot():
    values = [(1, 1.0), (2, 2.0), (3, None), (4, 2.0), (5, None), (6, 1.0), (7, 1.5)]
    html = figure("a", "A", [Curve("loss", "train", values)])
    assert dots(html, "train") == [(str(Frame(7, 0, 1).x(4)), "49.5")]
    assert [len(piece) for piece in drawn(html, "train")] == [2, 1, 2]


def test_without_a_value_there_is_no_figure():
    assert figure("a", "A", []) == ""
    assert figure("a", "A", [Curve("b", "train", []), Curve("c", "valid", [(1, None)])]) == ""


def test_a_run_without_validation_has_one_curve():
    html = figure("a", "A", [Curve("b", "train", [(0, 1), (5, 2)]), Curve("c", "valid", [])])
    assert "run-train" in html and "run-valid" not in html


def test_hostile_text_stays_text():
    hostile = "<script>'\"&</svg>\x1b"
    html = figure("a", hostile, [Curve(hostile, "train", [(1, 1), (2, 3)])])
    page = checked(html)
    assert "<script>'\"&</svg>" in page.text("title")
    assert svg(html).find(f"{SVG}title").text == "<script>'\"&</svg>␛"


def test_a_page_may_have_several(loss):
    page = checked(figure("loss", "Loss", loss) + figure("other", "Other", loss))
    assert page.ids == {"loss-title", "loss-desc", "other-title", "other-desc"}


def test_it_can_be_coloured_by_class_and_has_colours_without(loss):
    html = figure("loss", "Loss", loss)
    assert "style=" not in html and 'fill="currentColor"' in html
    for kind, colour in curves.COLOURS.items():
        assert f'class="run-{kind}"' in html and f'stroke="{colour}"' in html
        assert f".run-{kind} {{ stroke: var(--run-{kind}, {colour}) }}" in curves.STYLE


def test_evenly_keeps_both_ends():
    assert evenly(range(100), 5) == [0, 25, 50, 74, 99]
    assert evenly([1, 2], 5) == [1, 2] and evenly([], 5) == []


def test_a_figure_speaks_the_language_of_its_page(loss):
    words = {
        "update": "更新", "Values": "数值", "{title}: values": "{title}：数值",
        "{value} at {update}": "第 {update} 次 {value}",
        "{label}: first {first}, lowest {lowest}, highest {highest}, last {last}.":
            "{label}：首 {first}，低 {lowest}，高 {highest}，末 {last}。",
    }  # fmt: skip
    html = figure("x", "损失", loss, say=words.__getitem__)
    page = checked(html)
    assert "training：首 第 1 次 3.3，低 第 12 次 2.2" in page.text("desc")
    assert page.text("summary") == "数值" and page.text("caption") == "损失：数值"
    assert "更新" in page.text("svg") and "update" not in page.text()
