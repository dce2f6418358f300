r"""
# Seen

Small pieces of HTML, each with one thing that a page may or may not have.
"""

import pytest

from docs_gen.pages.seen import look

PAGE = """<!doctype html>
<html lang="en"><head><title>A page</title>
<meta http-equiv="Refresh" content="0; URL=moved.html">
<link rel="canonical" href="https://example.org/a.html">
<link rel="stylesheet" href=" ../static/site.css ">
<link rel="icon" href="data:image/svg+xml,%3Csvg/%3E">
<script src="../static/site.js" defer></script></head>
<body><form action="symbols.html"></form>
<h1 id="h-a">A <em>first</em>
heading</h1><h2>Same</h2><h2>Same</h2>
<p id="Configs.d_model"><a href="b.html?x=1&amp;y=2#B">b</a> <a href="b.html?x=1&amp;y=2#B">b</a>
<a href="https://example.org/">elsewhere</a> <a href="#L1">1</a> <a>none</a></p>
<img src="a.png" srcset="a.png 1x, b.png 2x" alt="">
<svg><title id="t-1">x</title><a xlink:href="#h-a"><text>x</text></a></svg>
<template><p id="in-template"></p></template><p id=""></p>
</body></html>"""


def test_a_page_is_seen_in_order():
    seen = look(PAGE)
    assert seen.ids == ("h-a", "Configs.d_model", "t-1")
    assert seen.headings == ((1, "A first heading"), (2, "Same"), (2, "Same"))
    assert seen.targets == (
        "moved.html",
        "https://example.org/a.html",
        "../static/site.css",
        "data:image/svg+xml,%3Csvg/%3E",
        "../static/site.js",
        "symbols.html",
        "b.html?x=1&y=2#B",
        "https://example.org/",
        "#L1",
        "a.png",
        "b.png",
        "#h-a",
    )
    assert seen.strays == ()


@pytest.mark.parametrize(
    "html, stray",
    [
        ('<p style="color: red">x</p>', '<p style="color: red">'),
        ("<svg><path STYLE='fill: red'/></svg>", '<path style="fill: red">'),
        ("<p onclick=run()>x</p>", '<p onclick="run()">'),
        ("<style>p { color: red }</style>", "<style> on the page itself"),
        ("<svg><style>p {}</style></svg>", "<style> on the page itself"),
        ("<script>run()</script>", "<script> on the page itself"),
        ("<iframe></iframe>", "<iframe> on the page itself"),
        ('<base href="x/">', "<base> on the page itself"),
        ('<a href="b.html" ping="c">x</a>', '<a ping="c">'),
        ('<a href="java\tscript:run()">x</a>', "<a> asks for java\tscript:run()"),
        ('<script src="https://a.org/b.js"></script>', "<script> asks for https://a.org/b.js"),
        ('<script src="data:,run()"></script>', "<script> asks for data:,run()"),
        ('<img src="//a.org/b.png">', "<img> asks for //a.org/b.png"),
        ('<img src="\\\\a.org/b.png">', "<img> asks for \\\\a.org/b.png"),
        ('<img srcset="b.png 1x,http://a.org/b.png 2x">', "<img> asks for http://a.org/b.png"),
        ('<link rel="stylesheet" href="http://a.org/">', "<link> asks for http://a.org/"),
        ('<link rel="alternate stylesheet" href="http://a.org/">', "<link> asks for http://a.org/"),
        ('<link href="http://a.org/">', "<link> asks for http://a.org/"),
        ('<svg><image href="https://a.org/"/></svg>', "<image> asks for https://a.org/"),
        ('<svg><use xlink:href="https://a.org/#b"/></svg>', "<use> asks for https://a.org/#b"),
        ('<form action="https://a.org/"></form>', "<form> asks for https://a.org/"),
        (
            '<meta http-equiv="refresh" content="0;url=https://a.org/">',
            "<meta> asks for https://a.org/",
        ),
    ],
)
def test_what_no_page_may_have_is_told_once(html, stray):
    assert look(f"<!doctype html><title>x</title>{html}{html}").strays == (stray,)


@pytest.mark.parametrize("html", ["", "<", "</p>", "\0", "<a href='http://['>x", "<p id>x"])
def test_damaged_html_is_no_reason_to_stop(html):
    assert look(html).ids == look(html).strays == ()


def test_a_page_that_stays_the_same_is_read_once():
    assert look("<p id=a>") is look("".join(["<p ", "id=a>"]))
