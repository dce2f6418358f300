r"""
# Thumbnails

The shape of a curve in a kilobyte.
"""

import re
from pathlib import Path

import pytest

from docs_gen.records.results import read
from docs_gen.records.thumbnails import EDGE, HEIGHT, WIDTH, known, place, thumbnail
from tests.docs_gen.checked import checked

GOLDEN = Path(__file__).parents[2] / "golden/record"


@pytest.fixture
def record():
    return read(GOLDEN)


def drawn(svg, kind):
    """The places of a line"""
    (path,) = [a for a in checked(svg).named("path") if a["class"] == f"run-{kind}"]
    return [tuple(map(int, pair.split())) for pair in re.split("[ML]", path["d"])[1:]]


def test_the_golden_record_by_hand(record):
    svg = thumbnail(record)
    # Updates 4, 8, 12 of 12, and 3, 2.6, 2.2 between 2.2 and 3.3: 114 pixels across, 34 down.
    assert drawn(svg, "valid") == [(41, 12), (79, 25), (117, 37)]
    assert drawn(svg, "train")[0] == (round(3 + 114 / 12), 3)
    assert checked(svg).named("svg")[0]["aria-label"] == "validation loss: 3 to 2.2"
    dashed = [a["class"] for a in checked(svg).named("path") if "stroke-dasharray" in a]
    assert dashed == ["run-valid"] and len(svg) <= 1000


def test_without_validation_it_tells_of_training(record):
    record["validation"] = {"columns": ["update"], "rows": []}
    svg = thumbnail(record)
    assert checked(svg).named("svg")[0]["aria-label"] == "training loss: 3.3 to 2.2"


def test_what_cannot_be_drawn_is_nothing(record):
    assert thumbnail(record, name="perplexity") == ""
    record["metrics"]["rows"] = [[1, 1, None, 1, 1, 1, 1]]
    record["validation"]["rows"] = []
    assert thumbnail(record) == ""


def test_a_single_value_is_a_dot_and_one_that_stays_a_line_in_the_middle(record):
    record["validation"]["rows"] = []
    record["metrics"]["rows"] = [[0, 0, 2.5, 1, 1, 1, 1]]
    assert f'd="M{EDGE} {HEIGHT // 2}h0"' in thumbnail(record)
    record["metrics"]["rows"] = [[n, 0, 2.5, 1, 1, 1, 1] for n in (1, 2)]
    assert drawn(thumbnail(record), "train") == [(60, 20), (117, 20)]


def test_everything_is_within_the_edges_and_extremes_are_kept():
    points = [(n, float((n * 7919) % 1009)) for n in range(1, 1000)]
    points[500], points[700], points[10] = (501, 5000.0), (701, -5000.0), (11, None)
    kept = known(points)
    assert {points[0], points[500], points[700], points[-1]} <= {*kept} <= {*points}
    assert len(kept) <= 34 and (11, None) not in kept and known([]) == []
    for point in kept:
        x, y = place(point, 999, -5000.0, 5000.0)
        assert EDGE <= x <= WIDTH - EDGE and EDGE <= y <= HEIGHT - EDGE
