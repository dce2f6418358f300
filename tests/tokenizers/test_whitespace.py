import sys

import numpy as np
import pytest

from labnn.runs.fill import cut as cut_with_masks
from labnn.runs.samples import filled
from labnn.tokenizers import WhitespaceTokenizer
from labnn.tokenizers.whitespace import MARKERS, WORD

# As in WikiText-2: a space at both ends of a line, and lines of one space
TEXT = (
    " \n = Homarus gammarus = \n \n Homarus gammarus , known as the <unk> lobster , is a lobster \n"
    " The lobsters 're the 1 @.@ 5 <unk> \n"
)


def read(text, **options):
    return WhitespaceTokenizer.from_text(text, **options)


@pytest.mark.parametrize(
    "text, pieces",
    [
        (" to be , \n", [" to", " be", " ,", "\n"]),
        ("to be", [" to", " be"]),
        ("\n \n\n", ["\n", "\n", "\n"]),
        ("a\n b \n\nc", [" a", "\n", " b", "\n", "\n", " c"]),
        ("a\r\nb\tc\u00a0d\u2028e\x85f", [" a", "\n", " b", " c", " d", " e", " f"]),
        ("<unk> [UNK] [unk] <UNK> x<unk>", [" [UNK]"] * 2 + [" [unk]", " <UNK>", " x<unk>"]),
        ("<eos> na\u00efve \u6f22\ud800", [" <eos>", " na\u00efve", " \u6f22\ud800"]),
        ("  ", []),
        ("", []),
    ],
)
def test_the_cut(text, pieces):
    assert WhitespaceTokenizer.cut(text) == pieces


def test_by_hand():
    # "a" occurs three times, "," twice, "b" and "c" once, and the unknown word once.
    tokenizer = read("c a , a\n<unk> , a b\n")
    assert tokenizer.tokens == (" [UNK]", "\n", " a", " ,", " b", " c")
    assert tokenizer.counts == (1, 2, 3, 2, 1, 1)
    assert (tokenizer.unknown_token, tokenizer.end_of_line_token) == (0, 1)
    assert tokenizer.encode("a d\n\nc <unk>").tolist() == [2, 0, 1, 1, 5, 0]
    assert tokenizer.decode([2, 0, 1, 1, 5, 0]) == " a [UNK]\n\n c [UNK]"


def test_there_is_a_token_for_each_word_and_each_line_end():
    # The equation of the page, with Python's own way to cut
    for text in (TEXT, TEXT[:-2], "", "\n", "a", TEXT * 3):
        assert len(read(TEXT).encode(text)) == len(text.split()) + text.count("\n")


def test_white_space_is_what_python_takes_for_it():
    text = "".join(f"a{chr(code)}b" for code in range(sys.maxunicode + 1))
    assert [word for word in WORD.findall(text) if word != "\n"] == text.split()


def test_words_lines_and_order_come_back():
    tokenizer = read(TEXT)
    again = tokenizer.decode(tokenizer.encode(TEXT))
    assert again.replace("[UNK]", "<unk>").split() == TEXT.split()
    lines = again.replace("[UNK]", "<unk>").split("\n")
    assert [line.split() for line in lines] == [line.split() for line in TEXT.split("\n")]
    assert again.startswith("\n = Homarus gammarus =\n\n Homarus gammarus , known")


@pytest.mark.parametrize("is_lower", [False, True])
def test_any_ids_come_back(is_lower):
    tokenizer = read(TEXT + "\u0130 \u03a3\u0391\u03a3 \u00df <UNK>", is_lower=is_lower)
    ids = np.random.default_rng(0).integers(0, tokenizer.n_tokens, size=1009)
    assert {0, 1} <= {*ids.tolist()}
    assert tokenizer.encode(tokenizer.decode(ids)).tolist() == ids.tolist()


def test_a_text_that_is_cut_between_words_has_the_tokens_of_its_parts():
    tokenizer = read(TEXT)
    for place in [n for n, character in enumerate(TEXT) if character.isspace()]:
        first, second = tokenizer.encode(TEXT[:place]), tokenizer.encode(TEXT[place:])
        assert [*first, *second] == tokenizer.encode(TEXT).tolist()
        assert tokenizer.decode(first) + tokenizer.decode(second) == tokenizer.decode(
            [*first, *second]
        )


def test_what_the_corpus_marks_as_unknown_is_the_unknown_token():
    tokenizer = read(TEXT)
    assert [tokenizer.encode(marker).tolist() for marker in MARKERS] == [[0], [0]]
    assert not {" <unk>", "<unk>"} & {*tokenizer.tokens}
    # Two preparations of one text are one text.
    other = TEXT.replace("<unk>", "[UNK]")
    assert read(other).to_dict() == tokenizer.to_dict()
    assert tokenizer.encode(other).tolist() == tokenizer.encode(TEXT).tolist()


@pytest.mark.parametrize(
    "text, options, wrong",
    [
        ("a b", {"max_size": 2}, "max_size=2 .* 2 of the tokens are special; set at least 3"),
        # Special tokens are no words, however often they are there.
        ("<unk> \n", {}, "no piece of the text"),
    ],
)
def test_a_vocabulary_without_words_is_refused(text, options, wrong):
    with pytest.raises(ValueError, match=wrong):
        read(text, **options)


def test_lower_case_is_for_text_as_well():
    tokenizer = read("The lobster the LOBSTER A\n <unk>", is_lower=True)
    assert tokenizer.tokens == (" [UNK]", "\n", " lobster", " the", " a")
    assert tokenizer.encode("THE Lobster").tolist() == tokenizer.encode("the lobster").tolist()
    # The markers are not lost by it, and one that was lowered before is one.
    assert tokenizer.encode("<unk> [UNK] [unk] <UNK>").tolist() == [0, 0, 0, 0]
    assert read("a [UNK] <UNK> <unk>", is_lower=True).tokens == (" [UNK]", "\n", " a")
    assert tokenizer.counts == (1, 1, 2, 2, 1)


def test_the_unknown_token_is_the_first_one():
    tokens = [" [UNK]", "\n", " a"]
    assert WhitespaceTokenizer(tokens).unknown_token == 0
    for wrong in (1, None):
        with pytest.raises(ValueError, match=f"is unknown_token={wrong}"):
            WhitespaceTokenizer(tokens, wrong)


@pytest.mark.parametrize(
    "tokens, wrong",
    [
        ([" a", " b"], r"begin with \[' a', ' b'\] and have to"),
        (["\n", " [UNK]", " a"], "have to begin with"),
        ([" [UNK]", "\n", " a b"], "' a b' is never met"),
        ([" [UNK]", "\n", "a"], "'a' is never met: in its place the cut has ' a'"),
        ([" [UNK]", "\n", " a "], "' a ' is never met"),
        ([" [UNK]", "\n", " a", ""], "'' is never met"),
        ([" [UNK]", "\n", " <unk>"], "' <unk>' is never met"),
        ([" [UNK]", "\n", " A"], "' A' is never met"),
    ],
)
def test_tokens_that_no_text_has_are_refused(tokens, wrong):
    with pytest.raises(ValueError, match=wrong):
        WhitespaceTokenizer(tokens, is_lower=True)


def test_the_place_of_an_unknown_word_is_that_in_the_text():
    tokenizer = read("to be", is_lower=True)
    text = "  \u0130 to\n<unk>\tBe  Wing"
    # The first letter becomes two when it is lowered.
    assert tokenizer.unknown(text) == [(2, " i\u0307"), (17, " wing")]
    assert tokenizer.unknown("to <unk> be\n") == []


def test_unknown_words_are_counted_without_line_ends():
    tokenizer = read("to be")
    found = tokenizer.unknown_words("to wing <unk> be\n wing <unk> <unk>\n\n")
    assert (found.n_words, found.n_unknown, found.n_marked) == (7, 5, 3)
    assert found.share == 5 / 7 and found.frequent == [(" wing", 2)]
    assert tokenizer.unknown_words("\n").n_words == 0


def test_samples_and_filled_texts_have_their_spaces():
    tokenizer = read("to be or not to be , \n that is it \n")
    pieces = tokenizer.split("to be <unk> zebra\n that")
    said = [tokenizer.ids[token] for token in (" to", " or", " [UNK]", " [UNK]", "\n", " that")]
    ids = tokenizer.look_up("to be <unk> zebra\n that")
    sample = filled(pieces, ids, [0, 1, 1, 1, 0, 1], said, tokenizer.tokens)
    assert sample.signs() == " to{ or≠ be}[ [UNK]]{ [UNK]≠ zebra}⏎[ that]"

    found = cut_with_masks("to be [MASK] wing , [MASK]\n", tokenizer, 97)
    assert found.pieces == [" to", " be", "[MASK]", " wing", " ,", "[MASK]", "\n"]
    assert found.ids.tolist()[2:] == [97, 0, tokenizer.ids[" ,"], 97, 1]
    assert found.unknown == [" wing"]
