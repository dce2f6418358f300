r"""
# Rendered

A site of some pages in two languages that is right, and the same with one fault at a time: each is
found, once, and with its reason.
"""

import html as html_library
import re

import pytest

from docs_gen.pages.rendered import broken, duplicates, ids, skips, strays, targets

PAGE = '<!doctype html><html><head><title>x</title></head><body><h1 id="h-x">x</h1>{}</body></html>'
SITE = {
    "index.html": PAGE.format('<a href="en/index.html">x</a>'),
    "en/index.html": PAGE.format('<a href="nn/a.html#A.forward">x</a><a href="">x</a>'),
    "en/nn/a.html": PAGE.format('<p id="A.forward">x</p><p id="L1">x</p>'),
    "en/nn/名 前.html": PAGE.format('<p id="变量">x</p><p id="50%">x</p>'),
    "zh/nn/a.html": PAGE.format('<p id="A.forward">x</p><a href="../../en/nn/a.html#h-x">x</a>'),
}
FILES = {"static/site.css", "static/images/a b.svg"}


def found(link, attribute="href"):
    """What is broken in the site with one link more, in a page that is two folders deep"""
    target = html_library.escape(link)
    more = f'<p><a {attribute}="{target}">x</a><img {attribute}="{target}"></p></body>'
    changed = SITE["en/nn/a.html"].replace("</body>", more)
    return broken(SITE | {"en/nn/a.html": changed}, FILES | set(SITE))


def test_a_site_without_faults():
    assert broken(SITE, FILES) == broken(SITE, FILES | set(SITE)) == []
    assert broken({}, set()) == []


@pytest.mark.parametrize(
    "link",
    [
        *("", "#", "#top", "#TOP", "#L1", "#A.forward", "?q=1#L1", "a.html", "./a.html#h-x"),
        *("../index.html", "../../zh/nn/a.html#A.forward", "../nn/../nn/a.html", " a.html "),
        *("名 前.html#变量", "%E5%90%8D%20%E5%89%8D.html#%E5%8F%98%E9%87%8F", "名 前.html#50%25"),
        *("名 前.html#50%", "../../static/site.css#anything", "../../static/images/a%20b.svg"),
        *("https://example.org/no.html#no", "mailto:a@b.org", "data:,x", "//example.org/"),
    ],
)
def test_links_that_lead_somewhere(link):
    assert found(link) == []


@pytest.mark.parametrize(
    "link, why",
    [
        ("#B", "there is no 'B' on en/nn/a.html"),
        ("#a.forward", "there is no 'a.forward' on en/nn/a.html"),
        ("?q=1#B", "there is no 'B' on en/nn/a.html"),
        ("../index.html#B", "there is no 'B' on en/index.html"),
        ("../../zh/nn/a.html#L1", "there is no 'L1' on zh/nn/a.html"),
        ("名 前.html#%E5%8F%98", "there is no '变' on en/nn/名 前.html"),
        ("b.html", "there is no en/nn/b.html"),
        ("A.html", "there is no en/nn/A.html"),
        ("../../static/none.css", "there is no static/none.css"),
        ("a.html/", "there is no en/nn/a.html/"),
        ("../../en", "en is a folder, without index.html"),
        ("../", "en/ is a folder, without index.html"),
        ("../..", ". is a folder, without index.html"),
        ("/en/nn/a.html", "it begins at the root of the host, which is another place in a folder"),
        ("../../../en/nn/a.html", "it leads out of the site"),
        ("%2e%2e/../../../a.html", "it leads out of the site"),
        ("http://[", "this is no address"),
    ],
)
def test_links_that_lead_nowhere_are_told_once_with_the_reason(link, why):
    assert found(link) == [("en/nn/a.html", link, why)]
    assert found(link, "src") == [("en/nn/a.html", link, why)]


def test_each_page_with_a_broken_link_is_told():
    pages = {name: PAGE.format('<a href="#no">x</a>') for name in ("b.html", "a.html")}
    assert [page for page, _, _ in broken(pages, set())] == ["b.html", "a.html"]


def test_ids_and_targets():
    assert ids(SITE["en/nn/a.html"]) == {"h-x", "A.forward", "L1"}
    assert targets(SITE["en/index.html"]) == ["nn/a.html#A.forward", ""]


def test_an_id_that_is_there_more_than_once():
    assert duplicates('<p id="a"><p id="b"><p id="a"><svg><g id="a"/></svg><p id="A">') == ["a"]
    assert duplicates(SITE["en/nn/a.html"]) == []


@pytest.mark.parametrize(
    "levels, told",
    [
        ("1", []),
        ("1223", []),
        ("12342345612", ["2 headings of level 1"]),
        ("123422", []),
        ("", ["0 headings of level 1"]),
        ("2", ["0 headings of level 1"]),
        ("21", []),
        ("13", ["h3 'x1' comes after h1"]),
        ("12412", ["2 headings of level 1", "h4 'x2' comes after h2"]),
        ("1242", ["h4 'x2' comes after h2"]),
    ],
)
def test_headings_are_an_outline(levels, told):
    html = "".join(f"<h{level}>x{n}</h{level}>" for n, level in enumerate(levels))
    assert skips(html) == told


def test_strays_are_those_of_the_page():
    assert strays(PAGE.format("<p onclick=a>x</p>")) == ['<p onclick="a">']
    assert all(strays(html) == [] for html in SITE.values())


def test_links_agree_with_a_plain_reading_of_the_page():
    # The same pages, read by patterns and resolved by hand, since all links are of one form
    names = [f"{a}/{b}.html" for a in "pq" for b in "xyz"]
    pages = {}
    for number, name in enumerate(names):
        links = [f"../{other}#i{k}" for k, other in enumerate([*names, "r/x.html"])]
        body = "".join(f'<a href="{link}">x</a>' for link in links)
        pages[name] = PAGE.format(body + "".join(f'<p id="i{k}">' for k in range(number % 4)))
    expected = set()
    for name, html in pages.items():
        for other, anchor in re.findall(r'href="\.\./(.*?)#(.*?)"', html):
            if f'id="{anchor}"' not in pages.get(other, ""):
                expected.add((name, f"../{other}#{anchor}"))
    assert {(page, link) for page, link, _ in broken(pages, set())} == expected
    assert {f"../r/x.html#i{len(names)}", "../p/x.html#i0"} <= {link for _, link in expected}
    assert not {"../p/y.html#i0", "../q/x.html#i0"} & {link for _, link in expected}
