import io
import json
import math
import os

import pytest
from rich.cells import cell_len

from labnn.runs import plain_text as page
from labnn.runs.plain_text import (
    age,
    beginnings,
    cropped,
    duration,
    fits,
    n_bytes,
    number,
    say,
    say_json,
    shown,
    strict,
    table,
)


def test_columns_stand_below_each_other():
    rows = [["run", "n", "x"], ["äöü-longer", "1,000", ""], ["試験", "7", "b"]]
    lines = table(rows, right=[1], indent=" ")
    assert lines == [
        " run             n  x",
        " äöü-longer  1,000",
        # Two letters that are two cells wide each
        " 試験            7  b",
    ]
    assert cell_len(lines[0]) == cell_len(lines[2])


def test_a_row_of_another_length_is_no_row():
    with pytest.raises(ValueError):
        table([["a", "b"], ["c"]])


def test_what_fits_is_counted_in_cells():
    assert fits(["試験"], 4) and not fits(["試験"], 3)
    assert fits(["x" * 999], None) and fits([], 0)


@pytest.mark.parametrize("text", ["abcdefghijklm", "試験試験試験試験", "a試b験c試d験e試"])
def test_the_middle_is_left_out(text):
    for width in range(9, 13):
        found = cropped(text, width)
        assert cell_len(found) <= width
        assert (found[0], found[-1]) == (text[0], text[-1])
        assert ("..." in found) == (found != text)
    assert cropped(text, 99) == text
    assert cropped("abcdefghijklm", 9) == "abc...klm"


def test_beginnings_are_the_shortest_that_tell_apart():
    names = ["20261121-093000-1a2b", "20261121-101500-00ff", "20261121-101500-0f00", "x"]
    assert beginnings(names) == ["20261121-0", "20261121-101500-00", "20261121-101500-0f", "x"]
    assert beginnings(names[:1]) == ["20261121"]
    # Of a name that is the beginning of another one all is needed.
    assert beginnings(["abcdefghij", "abcdefghijk"]) == ["abcdefghij", "abcdefghijk"]
    assert beginnings(["twice-twice", "twice-twice"]) == ["twice-tw"] * 2
    assert beginnings([]) == []


@pytest.mark.parametrize(
    "value, text",
    [
        ("to be: or", "to be: or"),
        ("", '""'),
        (None, "null"),
        (True, "true"),
        (1e-5, "1e-05"),
        (["Ä", 1, None], '["Ä", 1, null]'),
        ("two\nlines\x1b[31m", "two\\nlines\\x1b[31m"),
        ("half \udc80", "half \\udc80"),
    ],
)
def test_a_value_is_one_line(value, text):
    assert shown(value) == text


@pytest.mark.parametrize(
    "seconds, text",
    [
        (None, "-"),
        (-5.0, "now"),
        (0.9, "now"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h"),
        (86399, "23 h"),
        (400 * 86400, "400 d"),
    ],
)
def test_ages_are_short(seconds, text):
    assert age(seconds) == text


def test_numbers_durations_and_sizes():
    assert [number(value) for value in (2.34567, 1e-7, 0, None)] == ["2.346", "1e-07", "0", "-"]
    assert [duration(value) for value in (3.9, 123, 3723)] == ["0:03", "2:03", "1:02:03"]
    sizes = {0: "0 B", 999: "999 B", 1000: "1 kB", 1234: "1.2 kB", 99_600: "100 kB"}
    sizes |= {999_499: "999 kB", 999_600: "1 MB", 7.5e9: "7.5 GB", 2e15: "2000 TB", 56.4e6: "56 MB"}
    assert {size: n_bytes(size) for size in sizes} == sizes


def test_what_json_does_not_know_becomes_what_it_knows():
    import datetime

    given = {1: [math.nan, math.inf, 1.5, True], "d": datetime.date(2026, 11, 21), "t": (1, None)}
    assert strict(given) == {"1": [None, None, 1.5, True], "d": "2026-11-21", "t": [1, None]}
    json.dumps(strict(given), allow_nan=False)


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_any_stream_can_be_printed_on(monkeypatch, encoding):
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding=encoding))
    data = {"a": "Ä 試 \udc80"}
    say("Ä 試 \udc80")
    say_json(data)
    first, second = raw.getvalue().decode(encoding).splitlines()
    assert len(first) == 5 and first[-1] == "?"
    assert ("試" in first, "Ä" in first) == (encoding == "utf-8", encoding != "ascii")
    assert json.loads(second) == data


def test_a_stream_in_memory_has_no_width(monkeypatch):
    monkeypatch.setattr("sys.stdout", io.StringIO())
    assert page.screen() is None
    say("Ä")
    assert page.sys.stdout.getvalue() == "Ä\n"


def test_a_terminal_has_a_width(monkeypatch):
    main, other = os.openpty()
    with os.fdopen(other, "w") as stream:
        monkeypatch.setattr("sys.stdout", stream)
        monkeypatch.setenv("COLUMNS", "93")
        assert page.screen() == 93
    os.close(main)
