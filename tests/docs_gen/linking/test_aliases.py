r"""
# Aliases

Where things went, and the pages and ids that keep their old addresses.
"""

import json

import pytest

from docs_gen.linking.aliases import aliases_of, astray, read, stubs
from docs_gen.pages.rendered import broken, skips, strays
from docs_gen.parts import GeneratorError

MOVED = {
    "nn/mha.html#Heads": "nn/mha.html#Multi",
    "nn/mha.html#Multi": "nn/mha.html#MultiHead",
    "nn/mha.html#h-old": "nn/mha.html#h-new",
    "nn/ffn.html#Heads": "nn/ffn.html#FFN",
    "old/deep/mha.html": "old/mha.html",
    "old/mha.html": "nn/mha.html",
    "变 量.html": "nn/名 前.html",
}


@pytest.fixture
def moved():
    return read(json.dumps(MOVED))


def test_what_moved_twice_leads_to_one_place(moved):
    assert moved["nn/mha.html#Heads"] == moved["nn/mha.html#Multi"] == "nn/mha.html#MultiHead"
    assert moved["old/deep/mha.html"] == moved["old/mha.html"] == "nn/mha.html"
    assert list(moved) == list(MOVED) and read("{}") == {}


def test_rows_get_the_old_anchors_of_their_page(moved):
    assert aliases_of(moved, "nn/mha.html") == {"MultiHead": ["Heads", "Multi"], "h-new": ["h-old"]}
    assert aliases_of(moved, "nn/ffn.html") == {"FFN": ["Heads"]}
    assert aliases_of(moved, "old/mha.html") == aliases_of({}, "nn/mha.html") == {}


def test_pages_that_moved_send_their_visitors_on(moved):
    pages = stubs(moved)
    assert list(pages) == ["old/deep/mha.html", "old/mha.html", "变 量.html"]
    assert 'content="0; url=../../nn/mha.html"' in pages["old/deep/mha.html"]
    assert '<a href="../nn/mha.html">nn/mha.html</a>' in pages["old/mha.html"]
    assert 'href="nn/%E5%90%8D%20%E5%89%8D.html"' in pages["变 量.html"]


def test_the_small_pages_are_pages_like_others(moved):
    pages = stubs(moved)
    assert broken(pages, {"nn/mha.html", "nn/名 前.html"}) == []
    # Both the link and the way on are checked, so one that leads nowhere is found.
    assert {page for page, _, _ in broken(pages, set())} == set(pages)
    for html in pages.values():
        assert skips(html) == strays(html) == []
        assert "default-src 'none'" in html and '<html lang="en">' in html


def test_the_small_pages_have_a_language(moved):
    html = stubs(moved, say={"This page has moved": "已移动 <"}.get, tag="zh-CN")["old/mha.html"]
    assert '<html lang="zh-CN">' in html and html.count("已移动 &lt;") == 2
    assert "moved" not in html


def test_markup_in_a_name_stays_text():
    html = stubs(read('{"a.html": "<b>&\\".html"}'))["a.html"]
    assert "<b>" not in html and "&lt;b&gt;&amp;&quot;.html" in html
    assert broken({"a.html": html}, {'<b>&".html'}) == []


@pytest.mark.parametrize("old", ["old/mha.html", "nn/mha.html#Heads"])
def test_nothing_takes_the_place_of_a_page_that_is_there(moved, old):
    with pytest.raises(GeneratorError, match=f"^{old} has an alias, and is there"):
        stubs(moved, {old})


def test_an_alias_that_leads_to_nothing_is_told_once(moved):
    now = {"nn/mha.html": {"MultiHead", "h-new"}, "nn/ffn.html": {"FFN"}, "nn/名 前.html": []}
    assert astray(moved, now) == []
    assert astray(moved, now | {"nn/ffn.html": ()}) == [
        "the alias of nn/ffn.html#Heads leads to nn/ffn.html#FFN, which is not there"
    ]
    del now["nn/名 前.html"]
    assert astray(moved, now) == [
        "the alias of 变 量.html leads to nn/名 前.html, which is not there"
    ]


@pytest.mark.parametrize(
    "text, what",
    [
        *((text, "") for text in ("", "{", "[]", "null", '"a.html"', "[" * 100_000)),
        ('{"a.html": "b.html", "a.html": "c.html"}', "'a.html' is there twice"),
        ('{"a.html": 5}', "5 is no page"),
        ('{"a.html": ["b.html"]}', "is no page"),
        ('{"a": "b.html"}', "'a' is no page"),
        ('{"/a.html": "b.html"}', "'/a.html' is no page"),
        ('{"../a.html": "b.html"}', "'../a.html' is no page"),
        ('{"x/../../a.html": "b.html"}', "'x/../../a.html' is no page"),
        ('{"./a.html": "b.html"}', "'./a.html' is no page"),
        ('{"x//a.html": "b.html"}', "'x//a.html' is no page"),
        ('{"x\\\\a.html": "b.html"}', "is no page"),
        ('{"a.html\\n": "b.html"}', "is no page"),
        ('{"a.html": "https://example.org/b.html"}', "is no page"),
        ('{"a.html": "javascript:x.html"}', "is no page"),
        ('{"a.html": "b.html?c"}', "is no page"),
        ('{"a.html#": "a.html#b"}', "'a.html#' is no page"),
        ('{"a\\ud800.html": "b.html"}', "is no page"),
        ('{"a.html#b": "a.html"}', "can go from page to page"),
        ('{"a.html": "b.html#c"}', "can go from page to page"),
        ('{"a.html#b": "c.html#b"}', "can go from page to page"),
        ('{"a.html": "a.html"}', "'a.html' comes back to itself"),
        ('{"a.html#b": "a.html#c", "a.html#c": "a.html#b"}', "comes back to itself"),
    ],
)
def test_a_damaged_file_is_one_line_with_its_name(text, what):
    with pytest.raises(GeneratorError, match=r"^moved\.json is damaged: [^\n]+$") as raised:
        read(text, "moved.json")
    assert what in str(raised.value)
