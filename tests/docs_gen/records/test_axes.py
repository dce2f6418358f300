import re

import pytest

from docs_gen.records.axes import BOTTOM, LEFT, RIGHT, TOP, Frame, bounds, ticks, written


@pytest.mark.parametrize(
    "low, high, shown",
    [
        (0, 970, ["0", "200", "400", "600", "800"]),
        (0, 1, ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (1.3, 4.6, ["2", "3", "4"]),
        (0, 20_000, ["0", "5k", "10k", "15k", "20k"]),
        (0, 1_500_000, ["0", "0.5M", "1.0M", "1.5M"]),
        (0, 1e-3, ["0", "0.0002", "0.0004", "0.0006", "0.0008", "0.0010"]),
        (0, 4e-6, ["0", "1e-6", "2e-6", "3e-6", "4e-6"]),
        (-1, 1, ["-1.0", "-0.5", "0", "0.5", "1.0"]),
        (12_345.1, 12_345.4, ["12345.1", "12345.2", "12345.3", "12345.4"]),
        (0, 5e12, ["0", "1e12", "2e12", "3e12", "4e12", "5e12"]),
    ],
)
def test_ticks_are_round_and_written_alike(low, high, shown):
    found = ticks(low, high, 5)
    assert [text for _, text in found] == shown
    room = (high - low) * 1e-6
    assert all(low - room <= value <= high + room for value, _ in found)


@pytest.mark.parametrize("low", [0, -3e-7, 1.7, 5e8])
@pytest.mark.parametrize("size", [1e-6, 0.37, 1, 99, 8e6, 1e299])
def test_there_are_few_ticks_and_more_than_one_and_no_two_are_written_alike(low, size):
    found = ticks(low, low + size, 5)
    assert 2 <= len(found) <= 6
    if size > 1e-6 * low:
        assert len({text for _, text in found}) == len(found)


def test_a_small_value_beside_a_large_one_has_its_unit():
    assert written(5000, 5000, 20_000) == "5k" and written(5000, 1000, 9000) == "5000"


@pytest.mark.parametrize("is_from_zero", [False, True])
@pytest.mark.parametrize("values", [[0.0], [3.0], [-2.0], [1e-300], [1e300, -1e300], [2.5, 2.5, 4]])
def test_every_value_is_within_the_frame(values, is_from_zero):
    low, high = bounds(values, is_from_zero)
    assert low < high
    frame = Frame(7, low, high)
    for value in values:
        assert TOP <= float(frame.y(value)) <= BOTTOM
    assert not is_from_zero or low <= 0 <= high


def test_an_axis_from_zero_begins_there():
    assert bounds([1.0, 2.0], True) == (0, pytest.approx(2.1))
    assert bounds([1.0, 2.0], False) == (pytest.approx(0.95), pytest.approx(2.05))
    assert bounds([-2.0, -1.0], True) == (pytest.approx(-2.1), 0)


def test_places_by_hand():
    frame = Frame(10, 1.0, 3.0)
    assert (frame.x(0), frame.x(10), frame.x(5)) == (LEFT, RIGHT, (LEFT + RIGHT) / 2)
    assert float(frame.y(1.0)) == BOTTOM and float(frame.y(3.0)) == TOP
    assert float(frame.y(2.0)) == (TOP + BOTTOM) / 2


@pytest.mark.parametrize("last, shown", [(1, "01"), (3, "0123"), (4, "01234"), (9, "02468")])
def test_an_axis_of_updates_has_whole_numbers_only(last, shown):
    found = re.findall(r'text-anchor="middle">([^<]+)<', Frame(last, 0.0, 1.0).axes())
    assert found == [*shown, "update"]
