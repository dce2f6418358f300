import pickle
import random

import numpy as np
import pytest
import torch

from labnn.data import CorpusError, Windows

# 17 windows of 5 tokens, of which 4 are left over, in batches of 3
N_IDS, SEQ_LEN, BATCH_SIZE, N_WINDOWS, N_BATCHES = 89, 5, 3, 17, 6


def make(is_shuffled=True, seed=0, seq_len=SEQ_LEN, batch_size=BATCH_SIZE, n_ids=N_IDS):
    # Every token is different, so that a token tells its place.
    ids = torch.arange(n_ids) + 1000
    return Windows(ids, seq_len=seq_len, batch_size=batch_size, seed=seed, is_shuffled=is_shuffled)


def join(batches):
    """All windows of some batches, one a row."""
    return torch.cat([data.T for data, _ in batches])


def test_by_hand():
    # Seven tokens hold two windows of three, and the token behind the second.
    windows = Windows([1, 2, 3, 4, 5, 6, 7], seq_len=3, batch_size=2, is_shuffled=False)
    assert (windows.n_windows, len(windows)) == (2, 1)
    ((data, target),) = windows
    assert data.tolist() == [[1, 4], [2, 5], [3, 6]]
    assert target.tolist() == [[2, 5], [3, 6], [4, 7]]


@pytest.mark.parametrize(
    "n_ids, n_windows, n_batches", [(1_003_854, 31_370, 491), (111_540, 3_485, 55)]
)
def test_the_counts_of_tiny_shakespeare(n_ids, n_windows, n_batches):
    windows = make(n_ids=n_ids, seq_len=32, batch_size=64)
    assert (windows.n_windows, len(windows)) == (n_windows, n_batches)
    widths = [data.shape[1] for data, _ in windows.batches(0)]
    assert widths == [64] * (n_batches - 1) + [n_windows - 64 * (n_batches - 1)]


@pytest.mark.parametrize("is_shuffled", [True, False])
def test_each_window_is_a_slice_of_the_text(is_shuffled):
    windows = make(is_shuffled)
    for epoch in range(7):
        for data, target in windows.batches(epoch):
            assert data.dtype == target.dtype == torch.long
            assert torch.equal(data, data[:1] + torch.arange(SEQ_LEN).unsqueeze(-1))
            assert torch.equal(target, data + 1)
            assert data.min() >= 1000 and target.max() < 1000 + N_IDS


def test_in_order_every_token_is_read_once():
    windows = make(is_shuffled=False)
    assert join(windows.batches(0)).flatten().tolist() == list(range(1000, 1000 + 85))
    assert torch.equal(join(windows.batches(0)), join(windows.batches(11)))


@pytest.mark.parametrize("n_ids", [6, 7, 9, 10, 11, 12, 16])
def test_at_most_a_window_is_left_out_at_the_end(n_ids):
    windows = make(is_shuffled=False, n_ids=n_ids)
    n_read = join(windows).numel()
    assert n_read == windows.n_windows * SEQ_LEN and 1 <= n_ids - n_read <= SEQ_LEN


def test_the_last_batch_is_narrower():
    widths = [data.shape[1] for data, _ in make().batches(0)]
    assert widths == [3, 3, 3, 3, 3, 2] and len(make()) == N_BATCHES


def test_a_shuffled_epoch_has_each_window_once_and_shifted_by_less_than_a_window():
    windows = make()
    seen = torch.zeros(SEQ_LEN, dtype=torch.bool)
    for epoch in range(41):
        starts = windows.starts(epoch).sort().values
        # The last window has four tokens behind it, so its shift may be cut.
        shifts = starts - torch.arange(N_WINDOWS) * SEQ_LEN
        assert shifts.min() >= 0 and shifts.max() < SEQ_LEN
        assert starts.max() <= N_IDS - 1 - SEQ_LEN
        seen[shifts] = True
    assert seen.all()


def test_a_shift_never_leaves_the_text():
    # One window and one token behind it: there is no room to move.
    windows = make(n_ids=SEQ_LEN + 1)
    for epoch in range(7):
        ((data, target),) = windows.batches(epoch)
        assert data[0].item() == 1000 and target[-1].item() == 1000 + SEQ_LEN


def test_the_order_is_a_function_of_seed_and_epoch():
    # A second object gives the same; no pair of seed and epoch gives what another pair does, also
    # where the sums or the digits of both agree.
    pairs = [(s, e) for s in (0, 1, 2, 3, 10, 2**32, 2**64 - 1) for e in (0, 1, 2, 3, 10, 2**32)]
    orders = {pair: tuple(make(seed=pair[0]).starts(pair[1]).tolist()) for pair in pairs}
    assert len(set(orders.values())) == len(pairs)
    for seed, epoch in pairs:
        assert orders[seed, epoch] == tuple(make(seed=seed).starts(epoch).tolist())


def test_every_window_can_come_first():
    first = {make().starts(epoch)[0].item() // SEQ_LEN for epoch in range(211)}
    assert first == set(range(N_WINDOWS))


@pytest.mark.parametrize("is_shuffled", [True, False])
@pytest.mark.parametrize("first", range(N_BATCHES + 1))
def test_an_epoch_can_be_continued_at_any_batch(is_shuffled, first):
    whole = list(make(is_shuffled).batches(3))
    rest = list(make(is_shuffled).batches(3, first=first))
    assert len(rest) == N_BATCHES - first
    for (data, target), (same_data, same_target) in zip(whole[first:], rest, strict=True):
        assert torch.equal(data, same_data) and torch.equal(target, same_target)


def test_nobody_elses_random_numbers_are_touched_or_used():
    before = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()
    expected = join(make().batches(2))
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.random.get_state()[1].tolist() == before[1] and random.getstate() == before[2]
    torch.manual_seed(97)
    np.random.seed(97)
    assert torch.equal(join(make().batches(2)), expected)


def test_plain_iteration_is_epoch_zero_each_time():
    windows = make()
    assert torch.equal(join(windows), join(windows))
    assert torch.equal(join(windows), join(windows.batches(0)))


def test_a_batch_can_be_masked_in_place():
    windows = make(is_shuffled=False)
    data, target = next(iter(windows))
    kept = target.clone()
    data.fill_(-1)
    assert torch.equal(target, kept)
    assert torch.equal(join(windows), join(make(is_shuffled=False)))


def test_the_ids_are_a_copy():
    for ids in (np.arange(N_IDS), torch.arange(N_IDS)):
        windows = Windows(ids, seq_len=SEQ_LEN, batch_size=BATCH_SIZE)
        ids[:] = -1
        assert windows.ids.tolist() == list(range(N_IDS))


@pytest.mark.parametrize("kind", [list, tuple, np.asarray, torch.as_tensor])
def test_any_sequence_of_integers_will_do(kind):
    windows = Windows(kind(range(N_IDS)), seq_len=SEQ_LEN, batch_size=BATCH_SIZE)
    assert windows.ids.dtype == torch.long and windows.n_windows == N_WINDOWS
    small = Windows(np.arange(N_IDS, dtype=np.uint16), seq_len=SEQ_LEN, batch_size=BATCH_SIZE)
    assert torch.equal(join(small), join(windows))


def test_a_frozen_array_will_do():
    ids = np.arange(N_IDS)
    ids.flags.writeable = False
    assert Windows(ids, seq_len=SEQ_LEN, batch_size=BATCH_SIZE).n_windows == N_WINDOWS


def test_it_can_be_pickled():
    windows = make(seed=7)
    assert torch.equal(
        join(pickle.loads(pickle.dumps(windows)).batches(5)), join(windows.batches(5))
    )


@pytest.mark.parametrize("n_ids", [0, 1, SEQ_LEN])
@pytest.mark.parametrize("name", ["train", "valid"])
def test_a_text_without_a_window_is_refused(n_ids, name):
    with pytest.raises(CorpusError) as caught:
        Windows(list(range(n_ids)), seq_len=SEQ_LEN, batch_size=BATCH_SIZE, name=name)
    message = str(caught.value)
    assert message.startswith(f"{name}: {n_ids} tokens") and "seq_len=5" in message
    assert "smaller seq_len" in message and "\n" not in message


@pytest.mark.parametrize(
    "options, wrong",
    [
        ({"seq_len": 0}, "seq_len=0 has to be at least 1"),
        ({"seq_len": -5}, "seq_len=-5"),
        ({"batch_size": 0}, "batch_size=0 has to be at least 1"),
        ({"batch_size": -1}, "batch_size=-1"),
        ({"seed": -1}, "seed=-1 has to be at least 0"),
    ],
)
def test_impossible_sizes_are_refused(options, wrong):
    with pytest.raises(ValueError, match=wrong):
        make(**options)


@pytest.mark.parametrize("ids", [torch.zeros(7, 3, dtype=torch.long), [0.5] * 89, torch.ones(89)])
def test_what_is_not_one_sequence_of_integers_is_refused(ids):
    with pytest.raises(ValueError, match="one sequence of integers"):
        Windows(ids, seq_len=SEQ_LEN, batch_size=BATCH_SIZE)


@pytest.mark.parametrize("epoch, first", [(-1, 0), (0, -1), (0, N_BATCHES + 1)])
def test_a_place_outside_the_epoch_is_refused_at_the_call(epoch, first):
    with pytest.raises(ValueError, match=f"epoch={epoch}, first={first}"):
        make().batches(epoch, first=first)
