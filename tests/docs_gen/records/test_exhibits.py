r"""
# Exhibits

Each word of a result block shows what the golden record says, and says so where there is nothing.
"""

import copy
import re
from pathlib import Path

import pytest

from docs_gen.records.exhibits import WORDS, exhibit
from docs_gen.records.results import points, read
from tests.docs_gen.checked import checked

GOLDEN = Path(__file__).parents[2] / "golden/record"


@pytest.fixture
def record():
    return read(GOLDEN)


def test_a_curve_has_training_and_validation(record):
    page = checked(exhibit("loss", record, [], "x-loss"))
    assert page.text("figcaption") == "Loss"
    assert "training 2.2" in page.text("svg") and "validation 2.2" in page.text("svg")
    page = checked(exhibit("lr", record, [], "x-lr"))
    assert page.text("figcaption") == "Learning rate" and not page.named("path", class_="run-valid")
    assert points(record, "lr")[0][0] == 1


def test_accuracy_and_rate_are_drawn_from_zero_and_loss_is_not(record):
    for word, is_from_zero in (("loss", False), ("accuracy", True), ("lr", True)):
        html = exhibit(word, record, [], "x")
        # Numbers at the left end where the axis is
        marks = re.findall(r'text-anchor="end">([^<]+)<', html)
        assert ("0" in marks) is is_from_zero and len(marks) > 1


def rounds(html):
    """Title and state of each round"""
    page = checked(html)
    titles = [text for around, text in page.texts if around[-1] == "summary"]
    return list(zip(titles, ["open" in a for a in page.named("details")], strict=True))


def test_all_rounds_are_there_and_the_first_and_the_last_are_open(record):
    between = [record["samples"][0] | {"update": n} for n in (4, 8)]
    record["samples"][1:1] = between
    assert rounds(exhibit("samples", record, [], "x")) == [
        ("at the start", True),
        ("after 4 updates", False),
        ("after 8 updates", False),
        ("after 12 updates", True),
    ]


def test_rounds_that_were_asked_for_are_open_in_that_order(record):
    record["samples"][1:1] = [record["samples"][0] | {"update": n} for n in (4, 8)]
    assert rounds(exhibit("samples", record, [12, 4, 12, 0], "x")) == [
        ("after 12 updates", True), ("after 4 updates", True), ("at the start", True)
    ]  # fmt: skip


def test_samples_say_what_their_lines_mean(record):
    page = checked(exhibit("samples", record, [12], "x"))
    assert len(page.named("p", class_="run-legend")) == 1
    assert "Hidden and predicted right, or wrong with the truth above." in page.text("p")
    assert [a["class"] for a in page.named("mark")] == ["run-right", "run-wrong", "run-right"]


def test_right_and_wrong_are_explained_where_there_are_any(record):
    spans = [{"kind": "given", "text": "to be"}, {"kind": "predicted", "text": " → ' or'"}]
    record["samples"] = [{"update": 0, "step": 0, "samples": [{"spans": spans}]}]
    page = checked(exhibit("samples", record, [], "x"))
    assert not page.named("p", class_="run-legend") and "to be → ' or'" in page.text("p")


def test_a_table_of_validations(record):
    page = checked(exhibit("table", record, [], "x"))
    cells = [text for around, text in page.texts if around[-1] in ("th", "td")]
    assert cells == [
        "update", "Accuracy", "Loss",
        "4", "0.09756", "3",
        "8", "0.1951", "2.6",
        "12", "0.2927", "2.2",
    ]  # fmt: skip


def test_a_table_of_many_validations_is_short(record):
    record["validation"]["rows"] = [[n, n, None, n / 7] for n in range(1, 1001)]
    page = checked(exhibit("table", record, [], "x"))
    assert len(page.named("tr")) == 13 and "–" in page.text("td") and "142.9" in page.text("td")


def test_facts_are_the_options_that_were_changed_and_the_machine(record):
    page = checked(exhibit("facts", record, [], "x"))
    text = page.text()
    assert "Options that were changed" in text and "torch" in text and "2.13.0" in text
    # Not changed, and a package
    assert "mask_token" not in text and "packages" not in text
    record |= {"overrides": [], "data": None, "environment": {}}
    assert "Options" not in checked(exhibit("facts", record, [], "x")).text()


@pytest.mark.parametrize("word", [word for word in WORDS if word != "facts"])
def test_what_a_run_has_nothing_of(record, word):
    empty = copy.deepcopy(record) | {"samples": []}
    empty |= {name: {"columns": ["update"], "rows": []} for name in ("metrics", "validation")}
    with pytest.raises(ValueError, match=f"^nothing to show for {word}$"):
        exhibit(word, empty, [], "x")
