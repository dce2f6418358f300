import pytest
import torch

from labnn.generation.decoding import decode, without_cache
from labnn.generation.greedy import greedy
from labnn.generation.window import within

N_TOKENS = 13


def recording(seen: list):
    """A model that counts up by one, and notes what it reads"""

    def next_logits(ids, lengths):
        seen.append((ids.T.tolist(), lengths.tolist()))
        return torch.nn.functional.one_hot((ids[-1] + 1) % N_TOKENS, N_TOKENS).float()

    return without_cache(next_logits)


def run(prompt, n_new_tokens, seq_len):
    seen = []
    ids = torch.tensor(prompt).T
    step = within(recording(seen), seq_len=seq_len)
    tokens = torch.stack(list(decode(step, ids, greedy, n_new_tokens=n_new_tokens)))
    return tokens.T.tolist(), seen


def test_a_full_window_is_read_again_from_its_newer_half():
    tokens, seen = run([[1, 2]], 6, seq_len=4)
    assert tokens == [[3, 4, 5, 6, 7, 8]]
    assert [ids for ids, _ in seen] == [
        [[1, 2]],
        [[1, 2, 3]],
        [[1, 2, 3, 4]],
        [[4, 5]],
        [[4, 5, 6]],
        [[4, 5, 6, 7]],
    ]
    assert [lengths for _, lengths in seen] == [[2], [3], [4], [2], [3], [4]]


def test_a_long_prompt_loses_its_beginning():
    tokens, seen = run([[1, 2, 3, 4, 5, 6, 7]], 3, seq_len=5)
    assert tokens == [[8, 9, 10]]
    assert [ids for ids, _ in seen] == [[[3, 4, 5, 6, 7]], [[7, 8]], [[7, 8, 9]]]


@pytest.mark.parametrize("seq_len", [1, 2, 3])
def test_the_smallest_windows_work(seq_len):
    tokens, seen = run([[1, 2]], 5, seq_len=seq_len)
    assert tokens == [[3, 4, 5, 6, 7]]
    assert all(len(ids[0]) <= seq_len for ids, _ in seen)


def test_nothing_changes_within_a_window():
    seen, ids = [], torch.tensor([[1, 2]]).T
    plain = torch.stack(list(decode(recording(seen), ids, greedy, n_new_tokens=5)))
    tokens, within_seen = run([[1, 2]], 5, seq_len=7)
    assert plain.T.tolist() == tokens and seen == within_seen


def test_padding_leaves_the_window_with_what_is_old():
    seen = []
    step = within(recording(seen), seq_len=4)
    ids, lengths = torch.tensor([[1, 2, 3], [0, 0, 7]]).T, torch.tensor([3, 1])
    tokens = torch.stack(list(decode(step, ids, greedy, n_new_tokens=4, lengths=lengths)))
    assert tokens.T.tolist() == [[4, 5, 6, 7], [8, 9, 10, 11]]
    assert [lengths for _, lengths in seen] == [[3, 1], [4, 2], [2, 2], [3, 3]]
    assert seen[2][0] == [[4, 5], [8, 9]]


def test_a_state_is_selected_with_its_window():
    seen = []
    ids = torch.tensor([[1, 2, 3], [5, 6, 7]]).T
    step = within(recording(seen), seq_len=4)
    tokens = torch.stack(list(decode(step, ids, greedy, n_new_tokens=3, n_samples=2)))
    assert tokens.T.tolist() == [[4, 5, 6]] * 2 + [[8, 9, 10]] * 2
    assert seen[-1][0] == [[4, 5]] * 2 + [[8, 9]] * 2


@pytest.mark.parametrize("seq_len", [0, -1, 2.5, True])
def test_a_window_without_tokens_is_refused(seq_len):
    with pytest.raises(ValueError, match="seq_len is .*whole number from 1 up"):
        within(recording([]), seq_len=seq_len)
