import math
import pickle
import random

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from labnn.data import CorpusError, ScoredWindows, Windows
from labnn.layers.layer_norm import LayerNorm
from labnn.models.transformer_lm import TransformerLM
from labnn.transformers.embeddings import Embeddings
from labnn.transformers.encoder import Encoder, TransformerLayer
from labnn.transformers.feed_forward import FeedForward
from labnn.transformers.generator import Generator
from labnn.transformers.mha import MultiHeadAttention
from labnn.transformers.positional_encoding import SinusoidalPositionalEncoding

IGNORE = 0
# 70 targets: 7 of the first window and 63 in steps of 3, so 22 windows in batches of 5
N_IDS, SEQ_LEN, STEP, BATCH_SIZE, N_WINDOWS, N_BATCHES = 71, 7, 3, 5, 22, 5


def make(n_ids=N_IDS, seq_len=SEQ_LEN, step=STEP, batch_size=BATCH_SIZE, **options):
    # Every token is different, so that a token tells its place.
    ids = torch.arange(n_ids) + 1000
    options = {"ignore": IGNORE, **options}
    return ScoredWindows(
        ids, seq_len=seq_len, batch_size=batch_size, predict_last_k=step, **options
    )


def scored(windows):
    """Each target that is scored, with the number of tokens that it is predicted from."""
    found = []
    for data, target in windows:
        assert data.shape == target.shape
        for row in target.T.tolist():
            found += [(token, n) for n, token in enumerate(row, 1) if token != windows.ignore]
    return found


def test_by_hand():
    # Eight tokens in windows of four: the first scores four targets, the second goes on by two,
    # and one target is left for the third, which is pushed back by one.
    windows = ScoredWindows(
        range(1, 9), seq_len=4, batch_size=3, predict_last_k=2, ignore=0, name="valid"
    )
    ((data, target),) = windows
    assert data.T.tolist() == [[1, 2, 3, 4], [3, 4, 5, 6], [4, 5, 6, 7]]
    assert target.T.tolist() == [[2, 3, 4, 5], [0, 0, 6, 7], [0, 0, 0, 8]]


def test_by_hand_with_a_token_before_the_text():
    windows = ScoredWindows(
        [1, 2, 3], seq_len=3, batch_size=1, predict_last_k=1, ignore=0, before=9
    )
    ((data, target),) = windows
    assert data.T.tolist() == [[9, 1, 2]] and target.T.tolist() == [[1, 2, 3]]


@pytest.mark.parametrize("before", [None, 5])
@pytest.mark.parametrize("seq_len", [1, 2, 3, 5, 8])
def test_every_target_is_scored_once_and_with_the_longest_context(seq_len, before):
    for n_ids in range(2, 31):
        for step in range(1, seq_len + 1):
            windows = make(n_ids, seq_len, step, batch_size=3, before=before)
            targets, contexts = zip(*scored(windows), strict=True)
            first = 1001 if before is None else 1000
            assert list(targets) == list(range(first, 1000 + n_ids)), (n_ids, step)
            # A step ends with the longest context, the others have at most a step less.
            for n_before, n_read in enumerate(contexts, 1):
                assert min(n_before, seq_len - step + 1) <= n_read <= min(n_before, seq_len)
            # Nothing is read that could have been left out.
            fewest = 1 + max(0, math.ceil((len(targets) - seq_len) / step))
            assert windows.n_windows == fewest


def test_a_step_of_one_gives_every_target_all_the_context_that_fits():
    contexts = [n_read for _, n_read in scored(make(step=1))]
    assert contexts == [min(place, SEQ_LEN) for place in range(1, N_IDS)]


def test_a_step_of_a_window_gives_disjoint_windows():
    # 70 targets fill 10 windows of 7, so there is no tail, and nothing is ignored.
    windows = make(step=SEQ_LEN)
    plain = Windows(windows.ids, seq_len=SEQ_LEN, batch_size=BATCH_SIZE, is_shuffled=False)
    for ours, theirs in zip(windows, plain, strict=True):
        assert torch.equal(ours[0], theirs[0]) and torch.equal(ours[1], theirs[1])


@pytest.mark.parametrize("n_ids", range(2, SEQ_LEN + 1))
def test_a_short_text_is_one_short_window(n_ids):
    windows = make(n_ids)
    ((data, target),) = windows
    assert data.tolist() == [[1000 + i] for i in range(n_ids - 1)]
    assert torch.equal(target, data + 1) and len(windows) == windows.n_windows == 1


def test_each_window_is_a_slice_of_the_text():
    for data, target in make():
        assert data.dtype == target.dtype == torch.long
        assert torch.equal(data, data[:1] + torch.arange(SEQ_LEN).unsqueeze(-1))
        assert ((target == data + 1) | (target == IGNORE)).all()


@pytest.mark.parametrize(
    "n_words, step, theirs, ours", [(2_051_910, 256, 8_014, 8_016), (213_886, 16, 13_351, 13_353)]
)
def test_the_numbers_of_windows_of_nemo(n_words, step, theirs, ours):
    # WikiText-2 in windows of 256: the floor leaves a full window and a tail, which is one more.
    assert (n_words - 256) // step == theirs
    windows = make(n_words, 256, step, batch_size=1024)
    assert windows.n_windows == ours and windows.starts(0)[-1] == n_words - 1 - 256


@pytest.mark.parametrize("step", [1, 2, 3, 7])
def test_the_windows_of_nemo_leave_targets_at_the_end_unscored(step):
    for n_ids in range(SEQ_LEN + step, SEQ_LEN + 5 * step):
        theirs = (n_ids - SEQ_LEN) // step
        unscored = n_ids - 1 - (SEQ_LEN + (theirs - 1) * step)
        assert step - 1 <= unscored <= 2 * step - 2
        assert make(n_ids, step=step).n_windows - theirs in ((0,) if step == 1 else (1, 2))


def test_the_batches_hold_all_windows_and_the_last_is_narrower():
    windows = make()
    assert not windows.is_shuffled and (windows.n_windows, len(windows)) == (N_WINDOWS, N_BATCHES)
    assert [data.shape[1] for data, _ in windows] == [5, 5, 5, 5, 2]


@pytest.mark.parametrize("first", range(N_BATCHES + 1))
def test_it_can_be_continued_at_any_batch(first):
    whole, rest = list(make().batches(3)), list(make().batches(7, first=first))
    assert len(rest) == N_BATCHES - first
    for (data, target), (same_data, same_target) in zip(whole[first:], rest, strict=True):
        assert torch.equal(data, same_data) and torch.equal(target, same_target)


def test_it_is_the_same_each_time_and_draws_nothing():
    windows = make()
    before = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()
    assert scored(windows) == scored(windows) == scored(pickle.loads(pickle.dumps(windows)))
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.random.get_state()[1].tolist() == before[1] and random.getstate() == before[2]


def test_the_text_and_the_ids_of_the_caller_stay_as_they_are():
    ids = torch.arange(N_IDS) + 1
    windows = ScoredWindows(ids, seq_len=5, batch_size=3, predict_last_k=2, ignore=0, before=97)
    for data, target in windows:
        data.fill_(-1)
        target.fill_(-1)
    assert ids.tolist() == list(range(1, N_IDS + 1)) and windows.ids[1:].equal(ids)
    ids.zero_()
    assert windows.ids.tolist() == [97, *range(1, N_IDS + 1)]


def language_model(n_tokens, d_model=6) -> TransformerLM:
    def layer():
        return TransformerLayer(
            d_model,
            self_attn=MultiHeadAttention(d_model, n_heads=2),
            feed_forward=FeedForward(d_model, d_ff=11),
        )

    positions = SinusoidalPositionalEncoding(d_model)
    # Larger weights than those of a start, so that the context counts.
    model = TransformerLM(
        encoder=Encoder(layer, n_layers=2, norm=LayerNorm(d_model)),
        src_embed=Embeddings(d_model, n_tokens=n_tokens, positional_encoding=positions),
        generator=Generator(d_model, n_tokens),
    )
    for parameter in model.parameters():
        nn.init.normal_(parameter)
    return model.double().eval()


def nll(model, windows) -> float:
    """The sum that a training would make"""
    return sum(
        F.cross_entropy(
            model(data)[0].flatten(0, 1), target.flatten(), ignore_index=IGNORE, reduction="sum"
        ).item()
        for data, target in windows
    )


@torch.no_grad()
def test_a_step_of_one_is_an_evaluation_token_by_token():
    n_tokens, text = 13, torch.randint(1, 13, (53,)).tolist()
    model, naive = language_model(n_tokens), 0.0
    for place in range(1, len(text)):
        context = torch.tensor(text[max(0, place - SEQ_LEN) : place]).unsqueeze(-1)
        naive -= model(context)[0][-1, 0].log_softmax(-1)[text[place]].item()
    options = {"seq_len": SEQ_LEN, "batch_size": BATCH_SIZE, "ignore": IGNORE}
    ours = nll(model, ScoredWindows(text, predict_last_k=1, **options))
    assert ours == pytest.approx(naive, rel=1e-12)
    # Fewer windows are another evaluation, and their number of tokens is the same.
    other = nll(model, ScoredWindows(text, predict_last_k=SEQ_LEN, **options))
    assert abs(other - naive) > 0.1


@torch.no_grad()
def test_only_the_positions_that_are_scored_need_logits():
    text, model = torch.randint(1, 13, (53,)), language_model(13)
    windows = ScoredWindows(text, seq_len=7, batch_size=5, predict_last_k=2, ignore=0, before=12)
    total = 0.0
    for data, target in windows:
        positions = (target != windows.ignore).flatten().nonzero().flatten()
        logits, _ = model(data, positions)
        total += F.cross_entropy(logits, target.flatten()[positions], reduction="sum").item()
    assert total == pytest.approx(nll(model, windows), rel=1e-12)


@pytest.mark.parametrize("n_ids, before", [(0, None), (1, None), (0, 5)])
def test_a_text_without_a_target_is_refused(n_ids, before):
    with pytest.raises(CorpusError) as caught:
        make(n_ids, before=before, name="valid")
    message = str(caught.value)
    assert message.startswith(f"valid: {n_ids} tokens are too few") and "\n" not in message


def test_one_token_and_one_before_it_are_enough():
    assert scored(make(1, before=5)) == [(1000, 1)]
    # Zero is an id as well.
    assert scored(make(1, before=0)) == [(1000, 1)]


@pytest.mark.parametrize(
    "options, wrong",
    [
        ({"step": 0}, "predict_last_k=0 has to be from 1 to seq_len=7"),
        ({"step": -1}, "predict_last_k=-1"),
        ({"step": 8}, "predict_last_k=8 has to be from 1 to seq_len=7"),
        ({"step": 8, "n_ids": 3}, "predict_last_k=8 has to be from 1 to seq_len=7"),
        ({"seq_len": 0}, "seq_len=0 has to be at least 1"),
        ({"batch_size": 0}, "batch_size=0 has to be at least 1"),
        ({"ignore": 1003, "name": "valid"}, "valid: ignore=1003 is a token of the text"),
        ({"ignore": 1000, "before": 5}, "ignore=1000 is a token of the text"),
    ],
)
def test_impossible_options_are_refused(options, wrong):
    with pytest.raises(ValueError, match=wrong):
        make(**options)


def test_a_token_that_is_never_a_target_may_be_ignored():
    assert len(scored(make(ignore=1000))) == N_IDS - 1
    assert len(scored(make(ignore=5, before=5))) == N_IDS


@pytest.mark.parametrize("ids", [torch.zeros(7, 3, dtype=torch.long), [0.5] * 89, torch.ones(89)])
def test_what_is_not_one_sequence_of_integers_is_refused(ids):
    with pytest.raises(ValueError, match="one sequence of integers"):
        ScoredWindows(ids, seq_len=5, batch_size=3, predict_last_k=2, ignore=-1)


@pytest.mark.parametrize("epoch, first", [(-1, 0), (0, -1), (0, N_BATCHES + 1)])
def test_a_place_outside_the_epoch_is_refused_at_the_call(epoch, first):
    with pytest.raises(ValueError, match=f"epoch={epoch}, first={first}"):
        make().batches(epoch, first=first)
