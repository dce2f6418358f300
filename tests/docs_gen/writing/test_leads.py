r"""
# Leads

What a page says of itself is found where it is written, and nowhere else.
"""

import dataclasses

import pytest

from docs_gen.parts import Module
from docs_gen.writing import leads, notes
from tests.docs_gen.modules import module, ours

PAGE = '''r"""
# The *Adam* `optimizer` #

> A quotation is no summary.

From gradients
to updates, for $x_1$:

A second paragraph.
"""
'''


def test_the_first_heading_and_the_first_paragraph():
    page = module(PAGE)
    assert leads.title_block(page) == "# The *Adam* `optimizer` #"
    assert leads.title(page) == "The *Adam* `optimizer`"
    assert leads.summary_block(page) == "From gradients\nto updates, for $x_1$:"
    # Nothing follows the colon where a page is told.
    assert leads.summary(page) == "From gradients\nto updates, for $x_1$."


def test_the_colon_of_another_language_ends_as_it_does_there():
    assert leads.closed("如下：") == "如下。" and leads.closed("a: b") == "a: b"
    assert leads.closed("One. Two may be read,") == "One." and leads.closed("一。二，") == "一。"
    assert leads.closed("It is 1.5 of\nthat,") == "It is 1.5 of\nthat…"


def test_front_matter_goes_before():
    page = dataclasses.replace(module(PAGE), front={"title": " Other ", "summary": "Said:"})
    assert (leads.title(page), leads.summary(page)) == ("Other", "Said.")
    page = dataclasses.replace(module(PAGE), front={"title": 5, "summary": " "})
    assert leads.title(page) == "The *Adam* `optimizer`"


@pytest.mark.parametrize("text", ["", "a = 1\n", "# A comment\na = 1\n", '""""""\n'])
def test_a_page_that_says_nothing_has_its_name(text):
    page = module(text, "toy.deep.page")
    assert leads.title(page) == "page" and leads.summary(page) == ""


@pytest.mark.parametrize("name", ["__main__", "_private", "two_words_here"])
def test_a_name_is_no_markdown(name):
    assert notes.plain(leads.title(module("", f"toy.{name}"))) == name


def test_a_comment_is_no_lead():
    page = module("# # A title?\n#\n# A paragraph\na = 1\n")
    assert leads.title(page) == "page" and leads.note(page) == ""


@pytest.mark.parametrize(
    "heading, words",
    [
        ("# A", "A"),
        ("## A b ##", "A b"),
        ("A\nb\n===", "A b"),
        ("A - b\n---", "A - b"),
        ("C#", "C#"),
        ("# C#", "C#"),
        ("", ""),
    ],
)
def test_marks_of_a_heading(heading, words):
    assert leads.bare(heading) == words


def test_what_is_linked_comes_in_order():
    page = module(
        'r"""\n# A\n[b](b.html) and [`c.D`], [`e`](f.html), `g` and\n* [h *i*](h.html#x)\n\nAnd\n\n'
        "    [code](no.html)\n\n`[no](no.html)` ![no](no.png)\n"
        '"""\n'
    )
    assert [*leads.linked(page)] == [
        ("page", "b.html"), ("name", "c.D"), ("page", "f.html"), ("page", "h.html#x")
    ]  # fmt: skip


START = '''r"""
# A

* [no](no.html)

## {}

Not [this](this.html).

{} [b](b.html#x), see [c](../c/)
{} [b](b.html) again
{} [away](https://example.org/a.html)

## Then

* [no](no.html)
"""
'''


@pytest.mark.parametrize("heading", ["Start here", "Start Here:", "start here"])
@pytest.mark.parametrize("marks", ["***", "123"])
def test_the_path_to_begin_with(heading, marks):
    marks = [mark if mark == "*" else f"{mark}." for mark in marks]
    page = module(START.format(heading, *marks), "toy.page")
    assert leads.start(page) == ["toy/b.html", "c/index.html"]
    assert leads.start(module(START.format("Elsewhere", *marks))) == []


@pytest.mark.parametrize("text", ["", "a = 1\n", '"""# Start here"""\n'])
def test_a_page_without_a_list_offers_no_path(text):
    assert leads.start(module(text)) == []


@pytest.mark.parametrize(
    "href, url",
    [
        ("x.html", "a/b/x.html"),
        ("../x.html#y", "a/x.html"),
        ("sub/?q", "a/b/sub/index.html"),
        ("#here", ""),
        ("https://example.org/x.html", ""),
        ("mailto:a", ""),
        ("/x.html", ""),
        ("//host/x.html", ""),
    ],
)
def test_where_a_link_leads(href, url):
    assert leads.url(module("", "a.b.page"), href) == url


def test_a_link_leads_back_to_where_it_was_made_for():
    urls = [page.source.url for page in ours()[::7]]
    for here in urls:
        for there in urls:
            at = Module(dataclasses.replace(module("").source, url=here), (), (), {})
            assert leads.url(at, leads.link(here, there)) == there


def test_all_our_pages_have_a_title_and_a_summary():
    for page in ours():
        assert leads.title_block(page).startswith("# "), page.source.path
        assert leads.summary(page), page.source.path
