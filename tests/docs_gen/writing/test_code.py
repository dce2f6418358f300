r"""
# Code

Lines are compared with the file that they came from: whatever is marked or coloured, the text that
a reader copies is the text of the file.
"""

import re
from html import unescape
from pathlib import Path

import pytest

from docs_gen.writing import code

ROOT = Path(__file__).parents[3]


def text_of(html):
    return unescape(re.sub(r"<[^>]*>", "", html))


@pytest.mark.slow
def test_text_is_that_of_the_file():
    for path in sorted((ROOT / "labnn").rglob("*.py")):
        lines = path.read_text().split("\n")
        html = code.lines(lines, {})
        assert [text_of(html[n]) for n in range(1, len(lines) + 1)] == lines, path


@pytest.mark.parametrize(
    "line",
    ["", "\t", "s = '<b> & \"'", "名字 = 'é'", "$ ?", "x = 'open", '"""'],
)
def test_strange_lines_stay_as_they_are(line):
    lines = ["first = 1", line, "last = 2"]
    html = code.lines(lines, {})
    assert [text_of(html[n]) for n in (1, 2, 3)] == lines


def test_a_string_over_many_lines_is_one():
    html = code.lines(['x = """', "def f(): # no", '"""'], {})
    assert html[2] == '<span class="t-s2">def f(): # no</span>'


def test_names_and_punctuation_have_no_element():
    assert code.lines(["a.b(c)[d]"], {})[1].count("<") == code.lines(["a"], {})[1].count("<") + 2


def test_a_mark_is_put_around_part_of_a_line():
    marks = {1: [(5, 8, '<a href="q">')]}
    by_hand = '<span class="t-kn">from</span> <a href="q"><span class="t-nn">a.b</span></a> '
    assert code.lines(["from a.b import c"], marks)[1].startswith(by_hand)


def test_marks_cut_a_token_and_join_several():
    pieces = [("k", "abc"), ("", "def")]
    marks = [(1, 2, "<b>"), (2, 5, '<span id="i">')]
    assert code.cut(pieces, marks) == (
        '<span class="t-k">a</span><b><span class="t-k">b</span></b>'
        '<span id="i"><span class="t-k">c</span>de</span>f'
    )


def test_a_mark_beyond_the_line_is_left_out():
    assert code.cut([("", "ab")], [(1, 3, "<b>"), (1, 1, "<b>"), (-1, 1, "<b>")]) == "ab"


def test_a_listing_has_anchors_and_no_blank_lines_around():
    html = code.listing((3, 4, 5, 6), {3: "", 4: "a", 5: "", 6: "  "})
    assert html == (
        '<span class="c-line" id="L4"><a class="c-no" href="#L4" aria-hidden="true" tabindex="-1" '
        'data-n="4"></a>a\n</span>'
    )
    assert code.listing((1, 2), {1: "", 2: " "}) == ""


def test_where_a_note_was_cut_out_no_blank_line_is_left():
    html = {1: "a", 2: "", 3: "b", 7: "", 8: "", 9: "c", 10: "", 11: "d"}
    lines = re.findall(r'id="L(\d+)"', code.listing((1, 2, 3, 7, 8, 9, 10, 11), html))
    assert lines == ["1", "2", "3", "9", "10", "11"]


def test_the_number_is_no_text():
    assert text_of(code.listing((7,), {7: "x"})) == "x\n"


def test_code_of_a_note_has_the_colours_of_its_language():
    assert code.coloured("def f(): pass\n", "python").startswith('<span class="t-k">def</span>')
    assert code.coloured("export 20261121-09 a=b", "sh") == "export 20261121-09 a=b\n"
    assert code.coloured("a < b\n\nc", "no such language") == "a &lt; b\n\nc\n"
