import json

import pytest
import torch

from labnn.runs import samples as page
from labnn.runs.samples import GOES_ON, LEGEND, Sample, Span, legend
from labnn.tokenizers import SubwordTokenizer

TOKENS = ("a", "b", " ", "\n")
PADDING, MASK = 4, 5


def filled(pieces, is_hidden, predicted, tokens):
    """The sample, with the ids that the pieces have by their texts"""
    ids = [tokens.index(piece) if piece in tokens else -1 for piece in pieces]
    return page.filled(pieces, ids, is_hidden, predicted, tokens)


def test_by_hand():
    # Of "ab ba" the second and the last two were hidden; the last was to be "a", and b was said.
    sample = filled("ab ba", [False, True, False, True, True], [9, 1, 9, 1, 1], TOKENS)
    assert sample.spans == [
        Span("given", "a"),
        Span("right", "b", "b"),
        Span("given", " "),
        Span("right", "b", "b"),
        Span("wrong", "b", "a"),
    ]
    assert sample.signs() == "a[b] [b]{b≠a}"
    assert sample.signs(unequal="!=") == "a[b] [b]{b!=a}"


def test_given_pieces_are_joined_and_hidden_ones_are_not():
    sample = filled(list("abab"), [False] * 4, [0] * 4, TOKENS)
    assert sample.spans == [Span("given", "abab")]
    sample = filled(list("abab"), [True] * 4, [0] * 4, TOKENS)
    assert [span.kind for span in sample.spans] == ["right", "wrong"] * 2
    assert filled([], [], [], TOKENS).spans == []


def test_pieces_may_be_words_and_predictions_tensors():
    sample = filled(["a", "b"], torch.tensor([True, False]), torch.tensor([1, 0]), ("bee", "a"))
    assert sample.spans == [Span("right", "a", "a"), Span("given", "b")]


def test_ids_are_compared_and_not_texts():
    # Four bytes that were never joined: only the first one begins a character.
    tokenizer = SubwordTokenizer.from_text("to be", n_tokens=256)
    text = "\U0001f600"
    pieces, ids = tokenizer.split(text), tokenizer.look_up(text)
    assert pieces == [text, "", "", ""]
    kinds = [s.kind for s in page.filled(pieces, ids, [1] * 4, ids, tokenizer.tokens).spans]
    assert kinds == ["right"] * 4
    kinds = [s.kind for s in page.filled(pieces, ids, [1] * 4, ids[::-1], tokenizer.tokens).spans]
    assert kinds == ["wrong"] * 4


def test_a_piece_that_the_vocabulary_lacks_is_never_right():
    tokens = ("[UNK]", "a")
    sample = page.filled(["zebra", "[UNK]"], [-1, 0], [True, True], [0, 0], tokens)
    assert [span.kind for span in sample.spans] == ["wrong", "right"]


def test_what_is_predicted_of_a_text_that_hides_nothing():
    sample = Sample([Span("given", "to be"), Span("predicted", " or not\n")])
    assert sample.signs() == "to be→ or not⏎"
    styles = {"given": "G", "predicted": "P"}
    assert sample.styled(styles) == [("to be", "G"), (" or not⏎", "P")]
    assert legend([sample]) == GOES_ON
    hidden = Sample([Span("right", "a", "a")])
    for samples in ([], [hidden], [hidden, sample], [Sample([Span("given", "a")])]):
        assert legend(samples) == LEGEND


@pytest.mark.parametrize("special", [PADDING, MASK])
def test_a_special_token_is_shown_as_a_star(special):
    sample = filled("ab", [True, True], [special, 1], TOKENS)
    assert sample.signs() == "{*≠a}[b]"
    # A star in the text does not make it right.
    assert filled("*", [True], [special], TOKENS).spans[0].kind == "wrong"


def test_white_space_neither_vanishes_nor_breaks_the_line():
    sample = filled("a\n \n", [False, False, True, True], [9, 9, 2, 2], TOKENS)
    assert sample.signs() == "a⏎[ ]{ ≠⏎}"
    styles = {"given": "G", "right": "R", "wrong": "W"}
    assert sample.styled(styles) == [("a⏎", "G"), ("␣", "R"), ("␣", "W")]
    # Spaces that were given have nothing to show.
    assert filled("a b", [False] * 3, [0] * 3, TOKENS).styled(styles) == [("a b", "G")]


def test_nothing_in_a_text_talks_to_the_terminal():
    text = "a\r\t\x1b[31m\x00\x7f\x9b\u2028b"
    sample = filled(text, [False] * len(text), [9] * len(text), TOKENS)
    assert sample.signs() == "a␍␉␛[31m␀���b"
    assert sample.styled({"given": ""}) == [("a␍␉␛[31m␀���b", "")]
    # What is stored is the text itself.
    assert sample.to_dict()["spans"][0]["text"] == text


def test_lengths_that_differ_are_an_error():
    for ids, hidden in (([0, 1], [True]), ([0], [True, True])):
        with pytest.raises(ValueError):
            page.filled("ab", ids, hidden, [0, 1], TOKENS)


def test_a_sample_is_plain_data():
    sample = filled("ab", [True, False], [1, 0], TOKENS)
    data = json.loads(json.dumps(sample.to_dict()))
    assert data == {
        "spans": [
            {"kind": "wrong", "text": "b", "truth": "a"},
            {"kind": "given", "text": "b", "truth": ""},
        ]
    }
    assert Sample([Span(**span) for span in data["spans"]]) == sample
