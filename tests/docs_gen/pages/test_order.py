r"""
# Order

Pages come as their packages link them, each once, and whatever is not linked comes after.
"""

import pytest

from docs_gen.pages import order
from docs_gen.pages.order import Order
from docs_gen.parts import Source
from docs_gen.reading.parse import parse
from tests.docs_gen.modules import module, ours


def package(text, name):
    """The page of a package from its docstring"""
    path = name.replace(".", "/")
    source = Source(name, f"{path}/__init__.py", f"{path}/index.html", f'r"""\n# T\n{text}\n"""\n')
    return parse(source)


def names(modules):
    return [m and m.source.name for m in modules]


SITE = [
    package("[e](e.html) [deep](sub/x.html) [s](sub/index.html#T) [`K`] [gone](gone.html)", "p"),
    module("", "p.a"),
    module("class K: pass\ndef main(): pass\n", "p.c"),
    module("", "p.e"),
    package("[`y`] [`main`] [up](../a.html)", "p.sub"),
    module("def main(): pass\n", "p.sub.x"),
    module("", "p.sub.y"),
    module("def main(): pass\n", "p.sub.w"),
    package("", "q"),
    module("", "q.B"),
    module("", "q.a"),
]


def test_pages_come_as_they_are_linked_and_the_others_after_by_name():
    # `sub/x.html` is no page of `p` itself, so it says nothing about the place of `sub`; `main` is
    # defined twice, so it says nothing either.
    assert names(Order(SITE).reading) == [
        "p", "p.e", "p.sub", "p.sub.y", "p.sub.w", "p.sub.x", "p.c", "p.a", "q", "q.a", "q.B"
    ]  # fmt: skip


def test_topics_have_their_own_pages():
    topics = order.topics(SITE)
    assert [(t.folder, t.module.source.name) for t in topics] == [
        ("p", "p"), ("p/sub", "p.sub"), ("q", "q")
    ]  # fmt: skip
    assert names(topics[0].children) == ["p.e", "p.sub", "p.c", "p.a"]
    assert names(topics[1].children) == ["p.sub.y", "p.sub.w", "p.sub.x"]
    found = Order(SITE)
    assert found.topic(SITE[4]).folder == "p/sub" and found.topic(SITE[1]) is None


def test_roots_follow_each_other_as_they_were_given():
    turned = SITE[8:] + SITE[:8]
    assert names(Order(turned).reading)[:4] == ["q", "q.a", "q.B", "p"]


def test_neighbours_are_those_of_the_whole_site():
    around = Order(SITE).neighbours
    assert names(around["p/index.html"]) == [None, "p.e"]
    assert names(around["p/sub/y.html"]) == ["p.sub", "p.sub.w"]
    assert names(around["q/index.html"]) == ["p.a", "q.a"]
    assert names(around["q/B.html"]) == ["q.a", None]


def test_scripts_are_a_topic_for_each_folder():
    pages = [module("", n) for n in ("tools.b", "one", "tools.a", "Two")]
    topics = order.topics(pages)
    assert [(t.folder, t.module) for t in topics] == [("tools", None), ("", None)]
    assert [names(t.children) for t in topics] == [["tools.a", "tools.b"], ["one", "Two"]]
    assert names(Order(pages).reading) == ["tools.a", "tools.b", "one", "Two"]


def test_a_folder_without_a_page_of_its_own_belongs_to_the_package_around():
    pages = [package("", "p"), module("", "p.gap.x"), module("", "pp.x")]
    assert names(order.topics(pages)[0].children) == ["p.gap.x"]
    # `pp` only begins like `p`.
    assert order.topics(pages)[1].module is None


@pytest.mark.parametrize("link", ["[`p.c`]", "[`c`]", "[`p.c.K`]", "[`c.K`]", "[c](./c.html?a#b)"])
def test_many_ways_to_name_a_page(link):
    assert names(Order([package(link, "p"), *SITE[1:4]]).reading) == ["p", "p.c", "p.a", "p.e"]


def test_nothing_at_all():
    assert Order([]).reading == [] and order.topics([]) == []


def test_every_page_of_ours_comes_once():
    found = Order(ours())
    urls = [m.source.url for m in found.reading]
    assert sorted(urls) == sorted(m.source.url for m in ours())
    below = [m.source.url for topic in found.topics for m in topic.children]
    roots = {"labnn/index.html", "experiments/index.html", "docs_gen/index.html"}
    assert sorted([*below, *roots]) == sorted(urls)
    # As the docstring of labnn/transformers/__init__.py has them
    assert urls.index("labnn/transformers/masks.html") < urls.index("labnn/transformers/mha.html")
