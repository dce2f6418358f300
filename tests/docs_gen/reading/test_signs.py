r"""
# Signs

What a page may hold is asked of a parser of HTML.
"""

import html5lib
import pytest

from docs_gen.reading.signs import visible
from docs_gen.writing import code
from tests.docs_gen.modules import module

# Each character that a file of Python can hold, and some of those around it
ALL = [chr(n) for n in (*range(1, 0x300), *range(0xFDC0, 0xFDFF), *range(0xFFF0, 0x10000), 0x1FFFE)]


def test_a_parser_of_html_takes_what_is_visible():
    text = "".join(filter(lambda c: c not in "<&\r", map(visible, ALL)))
    html5lib.HTMLParser(strict=True).parse(f"<!doctype html><title>x</title><p>{text}")


@pytest.mark.parametrize(
    "sign, shown",
    [("\x1b", "␛"), ("\0", "␀"), ("\x7f", "␡"), ("\f", "␌"), ("\r", "␍"), ("\x85", "\ufffd")],
)
def test_each_has_its_picture(sign, shown):
    assert visible(f"a{sign}b") == f"a{shown}b"


@pytest.mark.parametrize("text", ["", "a\tb\nc", "\xa0é大\u2028", "\u200b\ufeff"])
def test_other_signs_stay(text):
    assert visible(text) == text


def test_all_are_one_letter():
    assert all(len(visible(sign)) == 1 for sign in ALL)


def test_notes_have_none():
    found = module("'''a\x1bb'''\n# c\x07d\nx = 1\n")
    assert [section.note for section in found.sections] == ["a␛b", "c␇d"]
    # The file is what it was.
    assert found.lines[0] == "'''a\x1bb'''"


def test_code_shows_them():
    html = code.lines(["x = '\x1b\f'", "# \x07"], {})
    assert "'␛␌'" in html[1] and "# ␇" in html[2]


@pytest.mark.parametrize(
    "line, shown",
    [("\f", ""), ("\fx = 1", "x = 1"), ("  \f  x", "  x"), ("a = b\f+ c", "a = b + c")],
)
def test_a_form_feed_in_code_is_a_blank(line, shown):
    html = code.lines([line], {})[1]
    tree = html5lib.parse(f"<pre>{html}</pre>", namespaceHTMLElements=False)
    plain = "".join(tree.find("body").itertext())
    assert plain == shown
