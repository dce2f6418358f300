r"""
# Nearest Names

What is suggested for mistakes that people make, and for none.
"""

import pytest

from docs_gen.linking.nearest import last, listed, nearest, suggestion

PAGES = [
    "labnn/index.html",
    "labnn/layers/dropout.html",
    "labnn/layers/index.html",
    "labnn/transformers/index.html",
    "labnn/transformers/encoder.html",
    "labnn/transformers/mha.html",
    "labnn/transformers/mlm.html",
    "experiments/mlm.html",
]
NAMES = [
    "labnn.layers.dropout.Dropout",
    "labnn.layers.dropout.Dropout.forward",
    "labnn.transformers.encoder.Encoder",
    "labnn.transformers.encoder.Encoder.forward",
    "labnn.transformers.mha.MultiHeadAttention",
    "labnn.transformers.mha.MultiHeadAttention.forward",
]


@pytest.mark.parametrize(
    "wrong, first",
    [
        ("labnn/layers/droput.html", "labnn/layers/dropout.html"),
        ("labnn/layer/dropout.html", "labnn/layers/dropout.html"),
        ("labnn/layers/mha.html", "labnn/transformers/mha.html"),
        ("labnn/transformers/mla.html", "labnn/transformers/mha.html"),
        ("labnn/layers/mlm.html", "labnn/transformers/mlm.html"),
        ("labnn/transformer/index.html", "labnn/transformers/index.html"),
        ("labnn/Encoder.html", "labnn/transformers/encoder.html"),
    ],
)
def test_the_page_that_was_meant_comes_first(wrong, first):
    assert nearest(wrong, PAGES)[0] == first


@pytest.mark.parametrize(
    "wrong, first",
    [
        ("Droput", NAMES[0]),
        ("MultiheadAttention", NAMES[4]),
        ("Encoder.foward", NAMES[3]),
        ("MultiHeadAttention.frward", NAMES[5]),
        ("labnn.transformers.encoder.Encoders", NAMES[2]),
    ],
)
def test_the_name_that_was_meant_comes_first(wrong, first):
    assert nearest(wrong, NAMES)[0] == first


def test_there_are_three_at_most_and_none_where_nothing_is_near():
    assert len(nearest("forwrd", NAMES)) == 3
    assert nearest("xyz", NAMES) == nearest("forward", []) == nearest("", NAMES) == []


def test_the_end_of_a_message():
    assert suggestion("xyz", NAMES) == ""
    assert suggestion("mlm", ["mlm1"], str.upper) == "; did you mean MLM1?"
    assert [listed(list(x)) for x in ("a", "ab", "abc")] == ["a", "a or b", "a, b or c"]


def test_the_last_part():
    found = [last(name) for name in ("a.B", "a/b.html", "a/b/index.html", "a/b.py", "x")]
    assert found == ["b", "b", "b", "py", "x"]
