import numpy as np
import pytest

from labnn.data import shakespeare
from labnn.tokenizers import WordTokenizer

SPLIT = WordTokenizer(["a"]).split


@pytest.mark.parametrize(
    "text, pieces",
    [
        ("To be, or not", ["To", " be", ",", " or", " not"]),
        ("know't ne'er-do-well", ["know't", " ne'er", "-", "do", "-", "well"]),
        ("'Tis, 'tis the lords'", ["'", "Tis", ",", " ", "'", "tis", " the", " lords", "'"]),
        ("it\u2019s", ["it\u2019s"]),
        ("a--b (c)", ["a", "-", "-", "b", " ", "(", "c", ")"]),
        ("ALL:\nSpeak.\n\nA", ["ALL", ":", "\n", "Speak", ".", "\n\n", "A"]),
        ("a  b\n c", ["a", " ", " b", "\n", " c"]),
        (" a ", [" a", " "]),
        ("\r\n\t x", ["\r\n\t", " x"]),
        ("x_1 22", ["x_1", " 22"]),
        ("[UNK]", ["[", "UNK", "]"]),
        ("nai\u0308ve", ["nai\u0308ve"]),
        ("\ud800a", ["\ud800", "a"]),
        ("", []),
    ],
)
def test_the_cut(text, pieces):
    assert SPLIT(text) == pieces


def test_by_hand():
    # " a" occurs three times, "b" and " b" once, "," twice.
    tokenizer = WordTokenizer.from_text("b a, a, a b")
    assert tokenizer.tokens == (" a", ",", " b", "b", "[UNK]")
    assert tokenizer.unknown_token == 4 and tokenizer.counts == (3, 2, 1, 1, 0)
    assert tokenizer.encode("b a c").tolist() == [3, 0, 4]
    assert tokenizer.decode([3, 0, 4]) == "b a[UNK]"


def test_lower_case_loses_nothing_but_the_case():
    text = "To be,\n\nOR not (\u0130, \u03a3\u0391\u03a3) <UNK> [UNK]"
    tokenizer = WordTokenizer.from_text(text, is_lower=True)
    assert tokenizer.decode(tokenizer.encode(text)) == text.lower()
    # In brackets a lowered text has no special token either.
    assert tokenizer.unknown_token not in tokenizer.encode(text)
    ids = np.random.default_rng(0).integers(0, tokenizer.n_tokens - 1, size=7)
    assert tokenizer.split(tokenizer.decode(ids)) == WordTokenizer.cut(tokenizer.decode(ids))


def test_a_long_stretch_of_white_space_takes_no_long_time():
    # Without bound, a search that tries every pair of ends would take hours here.
    text = "\n" * 1_000_003 + "," + " " * 1_000_003 + "a"
    assert [len(piece) for piece in SPLIT(text)] == [1_000_003, 1, 1_000_002, 2]


def test_what_the_page_says_of_the_shipped_corpus():
    corpus = shakespeare()
    text = corpus.train + corpus.valid
    tokenizer = WordTokenizer.from_text(text)
    assert tokenizer.decode(tokenizer.encode(text)) == text

    pieces = SPLIT(text)
    assert 3.7 < len(text) / len(pieces) < 4
    spaced = sum(piece[0] == " " and len(piece) > 1 for piece in pieces)
    assert 1.5 < (len(pieces) + spaced) / len(pieces) < 1.6
    often = WordTokenizer.from_text(text, min_count=2)
    assert 0.48 < often.n_tokens / tokenizer.n_tokens < 0.52
