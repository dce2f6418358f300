import json

import numpy as np
import pytest
import torch

from labnn.tokenizers import (
    CharacterTokenizer,
    Tokenizer,
    UnknownToken,
    WhitespaceTokenizer,
    WordTokenizer,
)

TEXT = "To be,\nor not to be:\n\nthat is the question - na\u00efve \u6f22 \U0001f600"


class LineTokenizer(Tokenizer, type="test-line"):
    """A tokenizer as a person would add it."""

    def split(self, text):
        return text.splitlines(keepends=True)


class UnnamedTokenizer(CharacterTokenizer):
    """Saved under its own name, not its parent's."""


class FirstLettersTokenizer(Tokenizer, type="test-first-letters"):
    """A tokenizer with a normal form, and with something more to save."""

    def __init__(self, tokens, unknown_token=None, n_letters=1):
        super().__init__(tokens, unknown_token)
        self.n_letters = n_letters

    def split(self, text):
        return [word[: self.n_letters] + "." for word in text.replace(".", " ").split()]

    def to_dict(self):
        return {**super().to_dict(), "n_letters": self.n_letters}

    @classmethod
    def restore(cls, data):
        return cls(data["tokens"], n_letters=data["n_letters"])


# Tokenizers that lose nothing, and all
BOTH = pytest.mark.parametrize("kind", [CharacterTokenizer, WordTokenizer])
ALL = pytest.mark.parametrize("kind", [CharacterTokenizer, WordTokenizer, WhitespaceTokenizer])


@ALL
def test_decoding_gives_the_normal_form(kind):
    for text in (TEXT, TEXT * 7, "  a\n\n\t b ", "be"):
        tokenizer = kind.from_text(text, TEXT)
        normal = "".join(tokenizer.split(text))
        assert tokenizer.decode(tokenizer.encode(text)) == normal
        # It is a normal form: what has it keeps it, and it has the same pieces as the text.
        assert tokenizer.split(normal) == tokenizer.split(text)
        assert tokenizer.decode(tokenizer.encode(normal)) == normal


@BOTH
@pytest.mark.parametrize(
    "text", ["", "\n", " ", "  \n\n ", TEXT, TEXT * 7, "be", "\u6f22\U0001f600"]
)
def test_decoding_undoes_encoding(kind, text):
    tokenizer = kind.from_text(text, TEXT)
    assert tokenizer.decode(tokenizer.encode(text)) == text
    assert "".join(tokenizer.split(text)) == text


@BOTH
def test_random_text_comes_back(kind):
    alphabet = list(
        "abcz 019_.,;'-(\n\t\r\u2028\u00a0\u0301\u00e9\u0939\u093f\u6f22\U0001f600\ud800\udc00\0"
    )
    random = np.random.default_rng(0)
    for _ in range(200):
        text = "".join(random.choice(alphabet, size=random.integers(0, 31)))
        tokenizer = kind.from_text(text, "a")
        assert tokenizer.decode(tokenizer.encode(text)) == text


@ALL
def test_an_id_is_the_place_of_its_piece_in_tokens(kind):
    tokenizer = kind.from_text(TEXT)
    ids = tokenizer.encode(TEXT)
    assert [tokenizer.tokens[i] for i in ids] == tokenizer.split(TEXT)
    assert tokenizer.n_tokens == len(tokenizer.tokens) == len(set(tokenizer.tokens))
    assert [tokenizer.ids[token] for token in tokenizer.tokens] == list(range(tokenizer.n_tokens))


@ALL
def test_torch_takes_the_ids_at_once(kind):
    tokenizer = kind.from_text(TEXT)
    ids = tokenizer.encode(TEXT)
    assert ids.dtype == np.int64 and ids.flags.writeable
    assert torch.from_numpy(ids).dtype == torch.long
    assert tokenizer.encode("").shape == (0,) and tokenizer.encode("").dtype == np.int64


@BOTH
def test_lists_arrays_and_tensors_are_decoded(kind):
    tokenizer = kind.from_text(TEXT)
    ids = tokenizer.encode(TEXT)
    for same in (ids, ids.tolist(), tuple(ids), torch.from_numpy(ids), iter(ids)):
        assert tokenizer.decode(same) == TEXT
    assert tokenizer.decode([]) == ""


@pytest.mark.parametrize("wrong", [-1, 3, 67])
def test_an_id_without_a_token_is_refused(wrong):
    # Python would take -1 for the last token.
    tokenizer = CharacterTokenizer.from_text("abc")
    with pytest.raises(ValueError, match=f"no token has the id {wrong}: there are 3 tokens"):
        tokenizer.decode([0, wrong, 1])


def test_a_batch_is_not_decoded_as_one_text():
    with pytest.raises(ValueError, match="2 axes"):
        CharacterTokenizer.from_text("abc").decode(torch.zeros(5, 3, dtype=torch.long))


def test_unknown_pieces_are_an_error_with_pieces_and_places():
    tokenizer = CharacterTokenizer.from_text("abc")
    with pytest.raises(UnknownToken) as caught:
        tokenizer.encode("a\u20acb\nxya")
    message = str(caught.value)
    assert isinstance(caught.value, ValueError) and "\n" not in message
    assert r"'€' at 1, '\n' at 3, 'x' at 4 and 1 more" in message and "3 tokens" in message
    assert caught.value.unknown == [(1, "\u20ac"), (3, "\n"), (4, "x"), (5, "y")]


def test_the_place_of_an_unknown_word_is_counted_in_characters():
    tokenizer = WordTokenizer.from_text("to be or not")
    assert tokenizer.unknown("to be and or, not") == [(5, " and"), (12, ",")]
    assert tokenizer.unknown("to be") == []


def test_unknown_pieces_get_the_id_that_the_caller_names():
    characters = CharacterTokenizer.from_text("abc")
    assert characters.encode("a\u20acb", unknown=17).tolist() == [0, 17, 1]
    words = WordTokenizer.from_text("to be")
    assert words.encode("to sleep").tolist() == [words.ids["to"], words.unknown_token]
    assert words.encode("to sleep", unknown=17).tolist() == [words.ids["to"], 17]
    # An id that is 0 is an id.
    assert characters.encode("\u20ac", unknown=0).tolist() == [0]


@ALL
def test_saved_data_gives_the_same_tokenizer(kind):
    tokenizer = kind.from_text(TEXT, "\ud800")
    again = Tokenizer.from_dict(json.loads(json.dumps(tokenizer.to_dict())))
    assert type(again) is kind and again.to_dict() == tokenizer.to_dict()
    assert again.encode(TEXT).tolist() == tokenizer.encode(TEXT).tolist()
    assert again.unknown_token == tokenizer.unknown_token


def test_a_tokenizer_of_ones_own_needs_only_a_cut():
    tokenizer = LineTokenizer(["to be\n", "or not\n"])
    assert tokenizer.encode("or not\nto be\n").tolist() == [1, 0]
    assert type(Tokenizer.from_dict(tokenizer.to_dict())) is LineTokenizer
    with pytest.raises(NotImplementedError, match="Tokenizer has to define split"):
        Tokenizer(["a"]).encode("a")


def test_a_tokenizer_of_ones_own_may_have_a_normal_form_and_save_more():
    tokenizer = FirstLettersTokenizer(["to.", "be."], n_letters=2)
    ids = tokenizer.encode("told  bees")
    assert ids.tolist() == [0, 1] and tokenizer.decode(ids) == "to.be."
    assert tokenizer.encode("to.be.").tolist() == [0, 1]
    again = Tokenizer.from_dict(json.loads(json.dumps(tokenizer.to_dict())))
    assert type(again) is FirstLettersTokenizer and again.n_letters == 2


def test_what_was_saved_before_is_read():
    data = {"type": "word", "tokens": ["to", " be", "[UNK]"], "unknown_token": 2}
    assert Tokenizer.from_dict(data).encode("to be or").tolist() == [0, 1, 2]
    assert WordTokenizer(data["tokens"], 2).to_dict().items() >= data.items()
    # Without the last entry there is no unknown token.
    assert Tokenizer.from_dict({"type": "character", "tokens": ["a"]}).unknown_token is None


def test_what_one_class_saved_is_not_read_by_its_parent():
    data = UnnamedTokenizer.from_text("abc").to_dict()
    assert data["type"] == f"{__name__}:UnnamedTokenizer"
    assert type(Tokenizer.from_dict(data)) is UnnamedTokenizer


@pytest.mark.parametrize(
    "data, wrong",
    [
        ({"type": "mystery", "tokens": ["a"]}, "'mystery': there are character, .*import"),
        ({"tokens": ["a"]}, "'type'. is missing"),
        ({"type": "character"}, "'tokens'. is missing"),
        ({"type": "character", "tokens": []}, "at least one token"),
        ({"type": "character", "tokens": ["a", "b", "a"]}, "'a' is there twice"),
        ({"type": "character", "tokens": ["ab"]}, "'ab' is not one character"),
        ({"type": "word", "tokens": ["a", "b"], "unknown_token": 2}, "unknown_token=2 is no id"),
    ],
)
def test_saved_data_that_is_no_tokenizer_is_refused(data, wrong):
    with pytest.raises(ValueError, match=wrong):
        Tokenizer.from_dict(data)


@ALL
def test_no_text_is_no_tokenizer(kind):
    for texts in ([], [""], ["", ""]):
        with pytest.raises(ValueError):
            kind.from_text(*texts)
