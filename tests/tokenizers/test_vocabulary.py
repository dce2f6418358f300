import json
import sys
from collections import Counter

import numpy as np
import pytest

from labnn.tokenizers import (
    Tokenizer,
    UnknownWords,
    WhitespaceTokenizer,
    WordTokenizer,
    WordVocabulary,
)
from labnn.tokenizers.vocabulary import most_frequent

# With capitals, empty lines, and words that occur once
TEXT = (
    " \n = Homarus gammarus = \n \n Homarus gammarus , known as the lobster , is a lobster \n"
    " The lobsters 're the 1 @.@ 5 Lobsters \n"
)
BOTH = pytest.mark.parametrize("kind", [WordTokenizer, WhitespaceTokenizer])
LOWER = pytest.mark.parametrize("is_lower", [False, True])
OPTIONS = pytest.mark.parametrize(
    "options", [{}, {"min_count": 2}, {"max_size": 5}, {"is_lower": True}]
)


def words(tokenizer):
    """The tokens that are not special, without their spaces"""
    special = {*tokenizer.before, *tokenizer.behind}
    return [token.strip() for token in tokenizer.tokens if token not in special]


def test_which_pieces_become_tokens():
    counts = Counter({"c": 3, "b": 2, "a": 2, "d": 1})
    assert most_frequent(counts) == ["c", "a", "b", "d"]
    assert most_frequent(counts, min_count=2) == ["c", "a", "b"]
    # One place is for the unknown token, or two are special.
    assert most_frequent(counts, max_size=3) == ["c", "a"]
    assert most_frequent(counts, max_size=3, n_special=2) == ["c"]


@BOTH
def test_by_hand(kind):
    tokenizer = kind.from_text(" b c a a b c a d", min_count=2)
    assert words(tokenizer) == ["a", "b", "c"]
    unknown, n_special = tokenizer.unknown_token, tokenizer.n_tokens - 3
    assert tokenizer.encode(" d a e").tolist() == [unknown, tokenizer.ids[" a"], unknown]
    counted = dict(zip(tokenizer.tokens, tokenizer.counts, strict=True))
    assert (counted[" a"], counted[" b"], counted[" c"]) == (3, 2, 2)
    assert tokenizer.counts[unknown] == 1 and len(tokenizer.counts) == 3 + n_special


@BOTH
@OPTIONS
def test_the_counts_are_those_of_the_encoded_text(kind, options):
    tokenizer = kind.from_text(TEXT, **options)
    ids = tokenizer.encode(TEXT)
    counts = np.bincount(ids, minlength=tokenizer.n_tokens)
    assert counts.tolist() == [*tokenizer.counts] and sum(tokenizer.counts) == len(ids)
    # Words are in the order of their counts.
    places = slice(len(kind.before), tokenizer.n_tokens - len(kind.behind))
    assert [*tokenizer.counts[places]] == sorted(tokenizer.counts[places], reverse=True)


@BOTH
@OPTIONS
def test_there_is_one_unknown_token(kind, options):
    # What is rare, what has no room, and what training never met
    tokenizer = kind.from_text(TEXT, **options)
    assert sum("unk" in token.lower() for token in tokenizer.tokens) == 1
    assert "[UNK]" in tokenizer.tokens[tokenizer.unknown_token]
    assert {*tokenizer.encode(" zebra Wing Q").tolist()} == {tokenizer.unknown_token}
    assert tokenizer.encode(TEXT).min() >= 0 and tokenizer.encode(TEXT).max() < tokenizer.n_tokens


@BOTH
def test_the_texts_are_counted_together(kind):
    assert words(kind.from_text(" a b", " a", min_count=2)) == ["a"]


@BOTH
def test_the_size_is_that_of_all_tokens(kind):
    # Of the three words that occur once, the first ones in the order of characters are kept.
    n_special = len(kind.before) + len(kind.behind)
    tokenizer = kind.from_text(" d c b a a", max_size=3 + n_special)
    assert words(tokenizer) == ["a", "b", "c"] and tokenizer.n_tokens == 3 + n_special
    assert kind.from_text(" d c b a a", max_size=997).n_tokens == 4 + n_special
    assert kind.from_text(" d c b a a", max_size=997, min_count=2).n_tokens == 1 + n_special


@BOTH
@LOWER
def test_the_vocabulary_does_not_depend_on_the_order_of_texts(kind, is_lower):
    texts = [TEXT, " b a\n", " a c"]
    saved = [kind.from_text(*t, is_lower=is_lower).to_dict() for t in (texts, texts[::-1])]
    assert saved[0] == saved[1]


@BOTH
@pytest.mark.parametrize(
    "text, options, wrong",
    [
        ("a b", {"min_count": 2}, "min_count=2 times"),
        ("a b", {"min_count": 0}, "min_count=0"),
        ("a b", {"min_count": -1}, "min_count=-1"),
        ("a b", {"max_size": 0}, "max_size=0 has no room"),
        ("a b", {"max_size": 1}, "of the tokens are special; set at least"),
        ("", {}, "no piece of the text"),
    ],
)
def test_a_vocabulary_without_words_is_refused(kind, text, options, wrong):
    with pytest.raises(ValueError, match=wrong) as caught:
        kind.from_text(text, **options)
    assert "\n" not in str(caught.value)


@BOTH
def test_lower_case_is_for_text_as_well_as_for_the_vocabulary(kind):
    tokenizer = kind.from_text(" The lobster the LOBSTER A", is_lower=True)
    assert words(tokenizer) == ["lobster", "the", "a"]
    # A vocabulary alone that was lowered would lose all of these.
    assert tokenizer.unknown(" THE Lobster A") == []
    assert tokenizer.encode(" THE Lobster").tolist() == tokenizer.encode(" the lobster").tolist()
    assert tokenizer.decode(tokenizer.encode(" THE Lobster")) == " the lobster"
    # Without it they are other words.
    other = kind.from_text(" The the")
    assert other.encode(" THE the").tolist() == [other.unknown_token, other.ids[" the"]]


def test_lowering_twice_is_lowering_once():
    # Otherwise decoded text would be cut into other tokens.
    characters = [chr(code) for code in range(sys.maxunicode + 1)]
    assert [c for c in characters if c.lower().lower() != c.lower()] == []


@BOTH
def test_lowering_moves_no_cut(kind):
    # Otherwise an unknown word would be looked for at the place of another one.
    characters = [c for c in map(chr, range(sys.maxunicode + 1)) if c.lower() != c]
    texts = [f"a{c} {c}b,{c} ,{c},\n{c}" for c in characters]
    assert len(texts) > 1000
    moved = [t for t in texts if len(kind.cut(t)) != len(kind.cut(t, is_lower=True))]
    assert moved == []


@BOTH
def test_the_place_of_an_unknown_word_is_that_in_the_text(kind):
    tokenizer = kind.from_text(" to be", is_lower=True)
    # The letter becomes two when it is lowered.
    text = " \u0130x To Wing"
    assert [text[place:].split()[0] for place, _ in tokenizer.unknown(text)] == ["\u0130x", "Wing"]
    assert [piece.strip() for _, piece in tokenizer.unknown(text)] == ["i\u0307x", "wing"]


@BOTH
@LOWER
def test_saved_data_has_counts_and_case(kind, is_lower):
    tokenizer = kind.from_text(TEXT + "\ud800", is_lower=is_lower)
    data = json.loads(json.dumps(tokenizer.to_dict()))
    again = Tokenizer.from_dict(data)
    assert type(again) is kind and again.to_dict() == tokenizer.to_dict()
    assert again.counts == tokenizer.counts and again.is_lower is is_lower
    assert again.encode(TEXT).tolist() == tokenizer.encode(TEXT).tolist()


@pytest.mark.parametrize(
    "data",
    [
        {"type": "word", "tokens": ["to", " be", "[UNK]"], "unknown_token": 2},
        {"type": "whitespace", "tokens": [" [UNK]", "\n", " to", " be"], "unknown_token": 0},
        {"type": "whitespace", "tokens": [" [UNK]", "\n", " to", " be"]},
    ],
)
def test_what_was_saved_without_counts_and_case_is_read(data):
    tokenizer = Tokenizer.from_dict(data)
    assert (tokenizer.counts, tokenizer.is_lower) == (None, False)
    unknown = tokenizer.unknown_token
    assert tokenizer.encode("to be To").tolist()[1:] == [tokenizer.ids[" be"], unknown]
    assert Tokenizer.from_dict(tokenizer.to_dict()).to_dict() == tokenizer.to_dict()


@BOTH
@pytest.mark.parametrize(
    "change, wrong",
    [
        ({"counts": [1, 2]}, "2 counts for . tokens; give one for each"),
        ({"counts": [-1] * 5}, "the count -1 is no whole number"),
        ({"counts": ["x"] * 5}, "the count 'x' is no whole number"),
        ({"counts": [0.5] * 5}, "the count 0.5 is no whole number"),
        ({"is_lower": None}, "is_lower=None has to be true or false"),
        # The case of the text and that of the vocabulary have to be the same.
        ({"is_lower": True}, "the token ' A' is never met: in its place the cut has ' a'"),
    ],
)
def test_saved_data_that_is_damaged_is_refused(kind, change, wrong):
    data = kind.from_text(" b A c d", max_size=5).to_dict()
    assert " A" in data["tokens"]
    with pytest.raises(ValueError, match=wrong) as caught:
        Tokenizer.from_dict(data | change)
    assert "\n" not in str(caught.value)


def test_the_vocabulary_itself_is_no_tokenizer_that_can_be_saved():
    assert WordVocabulary not in Tokenizer.types.values()


@BOTH
@LOWER
def test_unknown_words_are_counted(kind, is_lower):
    tokenizer = kind.from_text(" to be to", is_lower=is_lower)
    found = tokenizer.unknown_words(" to wing and wing be zebra")
    assert (found.n_words, found.n_unknown, found.n_marked) == (6, 4, 0)
    assert found.share == 4 / 6
    # The most frequent ones first, the others in the order of their characters
    assert found.frequent == [(" wing", 2), (" and", 1), (" zebra", 1)]
    assert tokenizer.unknown_words(" to wing and wing", 1).frequent == [(" wing", 2)]
    assert tokenizer.unknown_words("") == UnknownWords(0, 0) and UnknownWords(0, 0).share == 0


@BOTH
@OPTIONS
def test_unknown_words_are_what_a_model_reads_as_unknown(kind, options):
    tokenizer = kind.from_text(TEXT, **options)
    for text in (TEXT, TEXT.upper() + " zebra\n"):
        n = (tokenizer.encode(text) == tokenizer.unknown_token).sum()
        assert tokenizer.unknown_words(text).n_unknown == n
    assert tokenizer.unknown_words(TEXT).n_unknown == tokenizer.counts[tokenizer.unknown_token]
