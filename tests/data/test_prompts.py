import pytest
import torch

from labnn.data.prompts import prompt_batch
from labnn.tokenizers import CharacterTokenizer, WordTokenizer

SEQ_LEN, PAD, MASK = 5, 90, 91
LETTERS = CharacterTokenizer("abcdefghijklmnopqrstuvwxyz ")
WORDS = WordTokenizer.from_text("to be or not to be")


def batch(*texts, tokenizer=LETTERS, seq_len=SEQ_LEN):
    return prompt_batch(tokenizer, texts, seq_len=seq_len, padding_token=PAD, mask_token=MASK)


def test_by_hand():
    prompts = batch("abcdefg", "hi")
    # The first one goes into two columns, and three places of the second are padding.
    assert prompts.ids.T.tolist() == [[0, 1, 2, 3, 4], [5, 6, PAD, PAD, PAD], [7, 8, PAD, PAD, PAD]]
    assert prompts.columns == [range(0, 2), range(2, 3)]
    assert prompts.pieces == [list("abcdefg"), list("hi")] and prompts.unknown == []
    assert prompts.ids.dtype == torch.long


@pytest.mark.parametrize("length", [0, 1, SEQ_LEN - 1, SEQ_LEN, SEQ_LEN + 1, 3 * SEQ_LEN, 47])
def test_nothing_is_cut_off(length):
    text = ("the quick brown fox jumps over the lazy dog" * 2)[:length]
    prompts = batch("before", text, "after")
    n_columns = max(1, -(-length // SEQ_LEN))
    assert [len(c) for c in prompts.columns] == [2, n_columns, 1]
    assert [c.start for c in prompts.columns] == [0, 2, 2 + n_columns]
    assert prompts.ids.shape == (SEQ_LEN, 3 + n_columns)
    # Padding is only where a text ends.
    assert (prompts.ids != PAD).sum() == length + len("before") + len("after")
    assert LETTERS.decode(prompts.rows(prompts.ids)[1]) == text


def test_rows_say_what_a_tensor_says_about_each_piece():
    prompts = batch("abcdefg", "", "hi", "jklmn")
    places = torch.arange(prompts.ids.numel()).view(prompts.ids.shape)
    rows = prompts.rows(places)
    n = prompts.ids.shape[1]
    # A step down a column is a row of the grid further.
    assert [row.tolist() for row in rows] == [
        [0, n, 2 * n, 3 * n, 4 * n, 1, n + 1],
        [],
        [3, n + 3],
        [4, n + 4, 2 * n + 4, 3 * n + 4, 4 * n + 4],
    ]
    is_padding = prompts.rows(prompts.ids == PAD)
    assert not any(row.any() for row in is_padding)


def test_an_empty_prompt_has_a_column_of_padding():
    prompts = batch("")
    assert prompts.ids.tolist() == [[PAD]] * SEQ_LEN
    assert prompts.columns == [range(0, 1)] and prompts.pieces == [[]]
    assert [row.tolist() for row in prompts.rows(prompts.ids)] == [[]]


def test_no_prompts():
    prompts = batch()
    assert prompts.ids.shape == (SEQ_LEN, 0) and prompts.rows(prompts.ids) == []


def test_what_has_no_id_is_listed_and_hidden_from_the_model():
    prompts = batch("ok", "añb€", "x")
    assert prompts.unknown == [(1, 1, "ñ"), (1, 3, "€")]
    assert prompts.ids[:, 1].tolist() == [0, MASK, 1, MASK, PAD]
    # It is shown as it is.
    assert prompts.pieces[1] == ["a", "ñ", "b", "€"]


def test_an_unknown_word_has_the_token_of_the_tokenizer():
    prompts = batch("to zebra be", tokenizer=WORDS)
    assert prompts.pieces == [["to", " zebra", " be"]]
    assert prompts.unknown == [(0, 2, " zebra")]
    assert prompts.ids[1, 0] == WORDS.unknown_token != MASK


def test_long_prompts_of_words_go_into_windows():
    text = "to be or not to be, to be or not"
    prompts = batch(text, tokenizer=WORDS, seq_len=3)
    assert "".join(prompts.pieces[0]) == text
    assert prompts.ids.shape == (3, -(-len(prompts.pieces[0]) // 3))
    assert len(prompts.rows(prompts.ids)[0]) == len(prompts.pieces[0])


@pytest.mark.parametrize("text", ["ab\ncd", "\t", "a" * 500, "é" * 7, "🎭ab", "\u0301a"])
def test_any_text_has_a_piece_for_every_id(text):
    prompts = batch(text, seq_len=7)
    row = prompts.rows(prompts.ids)[0]
    assert len(row) == len(prompts.pieces[0]) and "".join(prompts.pieces[0]) == text
    assert (row == MASK).sum() == len(prompts.unknown)
