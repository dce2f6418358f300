import numpy as np
import pytest

from labnn.tokenizers import CharacterTokenizer, Tokenizer


def test_by_hand():
    # In the order of Unicode: newline, space, b, e, o, r, t.
    tokenizer = CharacterTokenizer.from_text("to be\nor")
    assert tokenizer.tokens == ("\n", " ", "b", "e", "o", "r", "t")
    assert tokenizer.n_tokens == 7 and tokenizer.unknown_token is None
    assert tokenizer.encode("be to\n").tolist() == [2, 3, 1, 6, 4, 0]


def test_the_bisection_is_a_look_up_of_each_character():
    text = "".join(map(chr, np.random.default_rng(0).integers(1, 0xD7FF, size=2003)))
    tokenizer = CharacterTokenizer.from_text(text[:997] + "\U0010ffff")
    plain = Tokenizer.look_up(tokenizer, text)
    assert (tokenizer.look_up(text) == plain).all()
    # Both ends of the table: less than the first character, more than the last.
    assert (plain < 0).any() and tokenizer.look_up("\0\U0010fffe").tolist() == [-1, -1]
    assert CharacterTokenizer.from_text("bcd").look_up("ae\U0010ffff").tolist() == [-1, -1, -1]


def test_the_order_of_the_text_does_not_matter():
    tokens = CharacterTokenizer.from_text("abc", "cd").tokens
    assert tokens == CharacterTokenizer.from_text("dcba").tokens == ("a", "b", "c", "d")


def test_ids_follow_the_given_order_of_tokens():
    tokenizer = CharacterTokenizer("zax")
    assert tokenizer.encode("axz").tolist() == [1, 2, 0] and tokenizer.decode([1, 2, 0]) == "axz"


def test_an_unknown_character_can_have_an_id_of_its_own():
    assert CharacterTokenizer("a?", unknown_token=1).encode("abba").tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize(
    "text", ["e\u0301", "\ud800", "\udfff\ud800", "\0", "\U0010ffff", "\ufeffa"]
)
def test_each_code_point_is_one_token(text):
    tokenizer = CharacterTokenizer.from_text(text)
    assert tokenizer.split(text) == list(text)
    assert len(tokenizer.encode(text)) == len(text)
    assert tokenizer.decode(tokenizer.encode(text)) == text
