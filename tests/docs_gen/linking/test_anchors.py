r"""
# Anchors

What is promised, and that a promise is missed, in maps small enough to check by hand.
"""

import json

import pytest

from docs_gen.linking.anchors import gone, kept, read
from docs_gen.parts import GeneratorError

NOW = {
    "index.html": [],
    "nn/mha.html": ["MultiHeadAttention", "MultiHeadAttention.forward", "h-heads", "s-1a2b3c"],
    "nn/ffn.html": ["FeedForward", "clone"],
}


def without(url, *anchors):
    """What is there now less some anchors, or less a page"""
    rest = {name: [a for a in NOW[name] if name != url or a not in anchors] for name in NOW}
    return rest if anchors else {name: rest[name] for name in rest if name != url}


def test_the_map_is_sorted_and_compact_and_has_no_lines_and_no_ids_of_the_theme():
    pages = {
        "nn/b.html": {"L1", "L203", "B.forward", "B", "LSTM", "L2norm", "h-b", "h-a-b"},
        "nn/a.html": ["page-content", "search-hits", "s-1a2b3c-2", "hits-h-1", "变量", "run-1-t"],
    }
    assert kept(pages) == (
        '{"nn/a.html":["s-1a2b3c-2","变量"],'
        '"nn/b.html":["B","B.forward","L2norm","LSTM","h-a-b","h-b"]}\n'
    )


def test_the_map_does_not_depend_on_the_order_and_comes_back():
    backwards = {url: list(reversed(NOW[url])) * 2 for url in reversed(NOW)}
    assert kept(backwards) == kept(NOW)
    assert read(kept(NOW)) == {url: sorted(NOW[url]) for url in NOW}


def test_nothing_is_gone_from_the_same_site_or_a_larger_one():
    assert gone(NOW, NOW, {}) == gone(kept(NOW), NOW, {}) == []
    assert gone(without("nn/ffn.html"), NOW, {}) == gone({}, NOW, {}) == gone({}, {}, {}) == []


@pytest.mark.parametrize(
    "url, anchor, line",
    [
        (
            "nn/mha.html",
            "MultiHeadAttention.forward",
            "nn/mha.html#MultiHeadAttention.forward is gone and has no alias; "
            "the nearest is nn/mha.html#MultiHeadAttention",
        ),
        ("nn/mha.html", "h-heads", "nn/mha.html#h-heads is gone and has no alias"),
        ("nn/ffn.html", "clone", "nn/ffn.html#clone is gone and has no alias"),
    ],
)
def test_an_anchor_that_is_gone_is_told_once_with_the_nearest(url, anchor, line):
    assert gone(NOW, without(url, anchor), {}) == [line]
    assert gone(kept(NOW), without(url, anchor), {}) == [line]


def test_what_went_to_another_page_is_found_there():
    now = without("nn/ffn.html", "clone") | {"nn/clone.html": ["clone", "clones"]}
    line = "nn/ffn.html#clone is gone and has no alias; the nearest is nn/clone.html#clone"
    assert gone(NOW, now, {}) == [line]


def test_a_page_that_is_gone_is_told_once_and_not_for_each_anchor():
    line = "nn/mha.html is gone and has no alias"
    assert gone(NOW, {"x": []}, {"index.html": "x", "nn/ffn.html": "x"}) == [line]
    now = without("nn/mha.html") | {"nn/heads/mha.html": []}
    assert gone(NOW, now, {}) == [f"{line}; the nearest is nn/heads/mha.html"]


def test_an_alias_keeps_a_promise_if_the_page_has_it():
    now = without("nn/mha.html", "MultiHeadAttention")
    moved = {"nn/mha.html#MultiHeadAttention": "nn/mha.html#h-heads"}
    # It is the page that counts, not what is written about it.
    assert len(gone(NOW, now, moved)) == 1
    now["nn/mha.html"] = [*now["nn/mha.html"], "MultiHeadAttention"]
    assert gone(NOW, now, moved) == []


def test_a_page_that_moved_takes_its_anchors_along():
    now = without("nn/mha.html") | {"nn/attention.html": ["Attention"]}
    assert gone(NOW, now, {"nn/mha.html": "nn/attention.html"}) == []
    assert len(gone(NOW, now, {"nn/mha.html": "nn/none.html"})) == 1
    # A small page that sends on is there, without the anchors.
    now["nn/mha.html"] = []
    assert gone(NOW, now, {"nn/mha.html": "nn/attention.html"}) == []


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "5", "null", '{"a": 5}', '{"a": [5]}', '{"a": "b"}', '{"a": [], "a": []}']
    + ["[" * 100_000, '{"a": NaN}', '{"a": {"b": []}}'],
)
def test_a_damaged_map_is_one_line_with_its_name(text):
    with pytest.raises(GeneratorError, match=r"^old\.json is damaged: [^\n]{1,280}$"):
        read(text, "old.json")
    with pytest.raises(GeneratorError, match="^anchors.json is damaged"):
        gone(text, NOW, {})


def test_what_json_can_hold_is_kept():
    odd = {"nn/名 前.html": ['a"b', "\u2028", "变量"]}
    assert read(kept(odd)) == {"nn/名 前.html": sorted(odd["nn/名 前.html"])}
    assert json.loads(kept(odd)) == read(kept(odd))
