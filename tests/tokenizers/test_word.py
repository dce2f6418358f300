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
    assert tokenizer.unknown_token == 4
    assert tokenizer.encode("b a c").tolist() == [3, 0, 4]
    assert tokenizer.decode([3, 0, 4]) == "b a[UNK]"


def test_rare_words_become_the_unknown_token():
    tokenizer = WordTokenizer.from_text("b a, a, a b", min_count=2)
    assert tokenizer.tokens == (" a", ",", "[UNK]")
    assert tokenizer.encode("b a, b").tolist() == [2, 0, 1, 2]
    # The texts are counted together.
    assert WordTokenizer.from_text("b a, a", ", a b", min_count=2).tokens == (" a", ",", "[UNK]")


def test_the_size_is_that_of_all_tokens():
    # The words that occur once are kept in the order of their characters.
    tokenizer = WordTokenizer.from_text("b a, a, a b", max_size=4)
    assert tokenizer.tokens == (" a", ",", " b", "[UNK]") and tokenizer.n_tokens == 4
    assert tokenizer.encode("b a c").tolist() == [3, 0, 3]
    assert WordTokenizer.from_text("b a, a, a b", max_size=997).n_tokens == 5
    assert WordTokenizer.from_text("b a, a, a b", max_size=4, min_count=2).n_tokens == 3
    for max_size in (1, 0, -1):
        with pytest.raises(ValueError, match=f"max_size={max_size} .* set at least 2"):
            WordTokenizer.from_text("a b", max_size=max_size)


def test_the_ids_do_not_depend_on_the_order_of_texts():
    texts = ["the cat, the dog", "a cat"]
    assert WordTokenizer.from_text(*texts).tokens == WordTokenizer.from_text(*texts[::-1]).tokens


@pytest.mark.parametrize("text, min_count", [("a b", 2), ("a b", 0), ("a b", -1)])
def test_a_vocabulary_without_words_is_refused(text, min_count):
    with pytest.raises(ValueError, match=f"min_count={min_count}"):
        WordTokenizer.from_text(text, min_count=min_count)


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
