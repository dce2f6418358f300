r"""
# Index pages

What they lead to, and that their templates show it.
"""

import html5lib
import pytest
from markupsafe import Markup, escape

from docs_gen.pages import indexes, symbols, theme
from docs_gen.pages.order import Order
from docs_gen.translation.glossary import Term
from docs_gen.writing import leads
from tests.docs_gen.modules import module, ours
from tests.docs_gen.pages.test_order import SITE, package

CURVE = Markup('<svg class="run-thumbnail"></svg>')


def tell(here="index.html", curves=None):
    return indexes.Tell(
        here,
        lambda m: escape(leads.title(m)),
        lambda m: escape(leads.summary(m)),
        curves or {},
    )


def rendered(name, **context):
    """A page by its template, in which html5lib finds nothing wrong"""
    env = theme.environment(str, lambda one, many, n: one if n == 1 else many)
    edition = {"code": "en", "tag": "en", "name": "English"}
    frame = {
        "edition": edition, "editions": [edition | {"href": ""}], "title": "T", "summary": "",
        "site_name": "toy", "root": "", "static": "../static/", "crumbs": [], "generator": "",
        "canonical": "", "indexes": {"symbols.html"},
    }  # fmt: skip
    html = env.get_template(name).render(frame | context)
    return html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(html), html


def links(tree):
    """Addresses of the main part"""
    return [a.get("href") for a in tree.find(".//main").iter("a")]


def test_home_begins_with_the_first_package_and_its_first_pages():
    found = indexes.home(Order(SITE), tell())
    assert found["lead"]["href"] == "p/index.html" and found["n_pages"] == 11
    # No list is given, so the path has the first five pages that are no package.
    assert [card["href"] for card in found["start"]] == [
        "p/e.html", "p/sub/y.html", "p/sub/w.html", "p/sub/x.html", "p/c.html"
    ]  # fmt: skip
    assert [(t["name"], t["more"]) for t in found["topics"]] == [("p.sub", 0), ("q", 0)]
    assert [page["href"] for page in found["topics"][1]["pages"]] == ["q/a.html", "q/B.html"]


def test_private_pages_are_not_what_somebody_begins_with():
    names = ("_functions", "__main__", "table", "_codes", "text")
    pages = [package("", "p"), *(module("x = 1", f"p.{name}") for name in names)]
    found = indexes.home(Order(pages), tell())
    assert [card["href"] for card in found["start"]] == ["p/table.html", "p/text.html"]
    # Unless there is nothing else.
    found = indexes.home(Order(pages[:2]), tell())
    assert [card["href"] for card in found["start"]] == ["p/_functions.html"]


def test_a_list_in_the_first_package_is_the_path():
    first = package("## Start here\n\n1. [b](sub/w.html)\n2. [x](../q/a.html) [y](gone.html)", "p")
    found = indexes.home(Order([first, *SITE[1:]]), tell())
    assert [card["href"] for card in found["start"]] == ["p/sub/w.html", "q/a.html"]


def test_a_topic_has_the_curve_of_a_page_and_lists_some_pages():
    pages = [package("", "p"), package("", "q"), *(module("", f"q.m{n:02}") for n in range(20))]
    found = indexes.home(Order(pages), tell(curves={"q/m03.html": CURVE, "q/m05.html": "no"}))
    (topic,) = found["topics"]
    assert topic["curve"] == CURVE and len(topic["pages"]) == 8 and topic["more"] == 12


def test_scripts_are_a_topic_that_lists_all_of_them():
    pages = [module("", f"tools.m{n:02}") for n in range(20)]
    found = indexes.home(Order(pages), tell())
    assert found["lead"]["title"] == "" and len(found["start"]) == 5
    (topic,) = found["topics"]
    assert (topic["title"], topic["href"], topic["more"]) == ("tools", "", 0)
    assert len(topic["pages"]) == 20
    tree, _ = rendered("home.html", **found)
    assert tree.find(".//h1").text == "toy"


def test_cards_of_a_package_are_seen_from_its_page():
    found = indexes.cards(Order(SITE), SITE[4], tell(SITE[4].source.url, {"p/sub/w.html": CURVE}))
    assert [(c["href"], c["curve"]) for c in found] == [
        ("y.html", ""), ("w.html", CURVE), ("x.html", "")
    ]  # fmt: skip
    assert indexes.cards(Order(SITE), SITE[1], tell()) == []


def test_home_of_ours():
    found = indexes.home(Order(ours()), tell(curves={"experiments/mlm.html": CURVE}))
    tree, html = rendered("home.html", **found)
    urls = {m.source.url for m in ours()} | {"symbols.html"}
    assert {*links(tree)} <= urls
    assert {"labnn/index.html", "labnn/transformers/index.html", "experiments/mlm.html"} <= {
        *links(tree)
    }
    assert [h.text for h in tree.iter("h2")] == ["Start here", "Topics"]
    assert html.count(CURVE) >= 1
    assert tree.find(".//h1").text == "labnn" and "written from scratch" in html


@pytest.mark.parametrize("modules", [[], SITE, SITE[1:2]])
def test_home_of_any_site(modules):
    tree, _ = rendered("home.html", **indexes.home(Order(modules), tell()))
    assert {*links(tree)} <= {m.source.url for m in modules} | {"symbols.html"}


def test_all_names_on_a_page():
    text = "class Layer:\n    width = 1\n\n\ndef build():\n    pass\n\n\nß = 1\n"
    tree, _ = rendered("symbols.html", letters=symbols.letters([module(text, "a.b")], "x.html"))
    assert links(tree) == [
        "#letter-B", "#letter-L", "#letter-other",
        "a/b.html#build", "a/b.html#Layer", "a/b.html#ß",
    ]  # fmt: skip
    texts = ["".join(p.itertext()) for p in tree.iter("p") if "list-symbols" in p.get("class")]
    # A line each, and no empty one
    assert texts == ["build function, a.b\n", "Layer class, a.b: width\n", "ß constant, a.b\n"]
    ids = {e.get("id") for e in tree.iter() if e.get("id")}
    assert {href[1:] for href in links(tree) if href.startswith("#")} <= ids
    rendered("symbols.html", letters=[])


def test_the_glossary_is_in_order_of_the_english():
    terms = [
        Term(("token", "tokens"), ("词元",), "词元（token）", ("代币", "令牌")),
        Term((), (), "", ("传销",)),
        Term(("Adam <b>",), ("Adam",)),
    ]
    found = indexes.glossary(terms)
    assert [t.english[0] for t in found["terms"]] == ["Adam <b>", "token"]
    assert found["never"] == ["传销"]
    tree, _ = rendered("glossary.html", glossaries=[{"tag": "zh-CN", "name": "中文", **found}])
    rows = [["".join(c.itertext()) for c in row] for row in tree.find(".//tbody")]
    assert rows == [
        ["Adam <b>", "Adam", "", ""],
        ["token, tokens", "词元", "词元（token）", "代币 · 令牌"],
    ]
    assert "传销" in "".join(tree.find(".//main").itertext())


ROW = {
    "run": "mlm <b>", "curve": CURVE, "best": "loss.valid 2.2", "progress": "12 updates",
    "time": "1 s", "machine": "cpu", "date": "2026-11-21", "command": "python -m a", "changed": [],
}  # fmt: skip


def test_the_table_of_results():
    rows = [ROW | {"modules": SITE[1:3]}, ROW | {"modules": [], "changed": ["p.a", "p.b"]}]
    found = indexes.results(rows, tell())
    assert [p["href"] for p in found["rows"][0]["pages"]] == ["p/a.html", "p/c.html"]
    tree, html = rendered("results.html", **found)
    assert links(tree) == ["p/a.html", "p/c.html"] and html.count(CURVE) == 2
    first, second = tree.find(".//tbody")
    assert "as it was" in "".join(first.itertext()) and "mlm <b>" in "".join(first.itertext())
    assert "code changed since this run" in "".join(second.itertext())
    rendered("results.html", rows=[])


def test_the_state_of_the_translation():
    pages = [
        {"title": "A", "href": "a.html", "done": 3, "stale": 1, "missing": 0},
        {"title": "B", "href": "b.html", "done": 0, "stale": 0, "missing": 0},
    ]
    found = indexes.status(pages)
    assert [row["total"] for row in found["rows"]] == [4, 0]
    assert found["all"] == {"done": 3, "stale": 1, "missing": 0, "total": 4}
    tree, html = rendered("status.html", languages=[{"tag": "zh-CN", "name": "中文", **found}])
    assert links(tree) == ["a.html", "b.html"] and "3 of 4 notes are translated" in html
    (bar,) = tree.iter("progress")
    assert (bar.get("value"), bar.get("max")) == ("3", "4")
    rendered("status.html", languages=[])
