import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from labnn.layers.layer_norm import LayerNorm
from labnn.transformers.embeddings import Embeddings
from labnn.transformers.positional_encoding import (
    LearnedPositionalEncoding,
    SinusoidalPositionalEncoding,
)

SEQ_LEN, BATCH_SIZE, D_MODEL, N_TOKENS, MAX_LEN = 5, 3, 7, 13, 11
BOTH = [SinusoidalPositionalEncoding, LearnedPositionalEncoding]


def embeddings(encoding=SinusoidalPositionalEncoding, **others) -> Embeddings:
    positions = encoding(D_MODEL, max_len=MAX_LEN)
    return Embeddings(D_MODEL, n_tokens=N_TOKENS, positional_encoding=positions, **others)


@pytest.fixture
def x():
    return torch.randint(N_TOKENS, (SEQ_LEN, BATCH_SIZE))


@pytest.mark.parametrize("encoding", BOTH)
def test_matches_the_lookup_of_torch(encoding, x):
    embed = embeddings(encoding)
    table = embed.positional_encoding.table[:SEQ_LEN].unsqueeze(1)
    expected = F.embedding(x, embed.token_embed.weight) * math.sqrt(D_MODEL) + table
    torch.testing.assert_close(embed(x), expected)


def test_matches_a_product_with_ones_and_zeros(x):
    embed = Embeddings(D_MODEL, n_tokens=N_TOKENS, positional_encoding=nn.Identity())
    ones = F.one_hot(x, N_TOKENS).float()
    torch.testing.assert_close(embed(x), ones @ embed.token_embed.weight * math.sqrt(D_MODEL))


def test_by_hand():
    # With 4 features the factor is 2, and position 0 adds (0, 1, 0, 1).
    positions = SinusoidalPositionalEncoding(4, max_len=2)
    embed = Embeddings(4, n_tokens=2, positional_encoding=positions)
    embed.token_embed.weight.data = torch.tensor([[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]])
    assert embed(torch.tensor([[1]])).tolist() == [[[10.0, 13.0, 14.0, 17.0]]]


@pytest.mark.parametrize("encoding", BOTH)
def test_the_sum_is_normalized_as_in_torch(encoding, x):
    embed, plain = embeddings(encoding, norm=LayerNorm(D_MODEL)), embeddings(encoding)
    plain.load_state_dict(embed.state_dict(), strict=False)
    theirs = nn.LayerNorm(D_MODEL, eps=1e-5)
    theirs.weight.data = embed.norm.gain.data = torch.randn(D_MODEL)
    theirs.bias.data = embed.norm.bias.data = torch.randn(D_MODEL)
    torch.testing.assert_close(embed(x), theirs(plain(x)))


def test_normalized_vectors_have_one_spread_however_large_their_row_is(x):
    embed = embeddings(norm=LayerNorm(D_MODEL))
    embed.token_embed.weight.data[::2] *= 100
    y = embed(x)
    torch.testing.assert_close(y.mean(dim=-1), torch.zeros(SEQ_LEN, BATCH_SIZE))
    spread = y.var(dim=-1, correction=0)
    torch.testing.assert_close(spread, torch.ones(SEQ_LEN, BATCH_SIZE), rtol=0, atol=1e-3)


@pytest.mark.parametrize("encoding", BOTH)
def test_tokens_and_positions_start_equally_strong(encoding):
    width = 128
    positions = encoding(width, max_len=97)
    embed = Embeddings(width, n_tokens=67, positional_encoding=positions)
    tokens = embed.token_embed.weight * math.sqrt(width)
    # The squares of the waves have the mean 1/2, those of the tokens 1.
    assert abs(tokens.square().mean().item() - 1.0) < 0.1
    assert abs(positions.table.square().mean().item() - 0.5) < 0.05


def test_the_same_token_differs_by_position_and_not_by_sequence():
    y = embeddings()(torch.zeros(SEQ_LEN, BATCH_SIZE, dtype=torch.long))
    assert (y[0] != y[1]).any() and torch.equal(y[:, 0], y[:, 1])


def test_numbers_of_the_sum_are_dropped_in_training_only(x):
    positions = SinusoidalPositionalEncoding(D_MODEL, max_len=MAX_LEN)
    embed = Embeddings(D_MODEL, n_tokens=N_TOKENS, positional_encoding=positions, dropout_prob=0.25)
    many = x.repeat(1, 1009)
    y = embed(many)
    embed.eval()
    whole, is_dropped = embed(many), y == 0
    assert abs(is_dropped.float().mean().item() - 0.25) < 0.01
    # Tokens and positions go together, and what is left is scaled up by 4/3.
    torch.testing.assert_close(y[~is_dropped], whole[~is_dropped] / 0.75)
    assert not (whole == 0).all(dim=-1).any()


def test_numbers_are_dropped_after_they_are_normalized(x):
    embed = embeddings(norm=LayerNorm(D_MODEL), dropout_prob=0.25)
    y = embed(x)
    embed.eval()
    whole = embed(x)
    is_dropped = y == 0
    assert is_dropped.any() and not is_dropped.all()
    torch.testing.assert_close(y[~is_dropped], whole[~is_dropped] / 0.75)


def test_nothing_is_dropped_unless_it_is_asked_for(x):
    embed = embeddings()
    before = torch.get_rng_state()
    assert torch.equal(embed(x), embed(x)) and torch.equal(torch.get_rng_state(), before)


def test_dropout_is_no_weight():
    assert set(embeddings().state_dict()) == {"token_embed.weight"}


def test_a_normalization_is_stored_where_there_is_one():
    assert set(embeddings(norm=LayerNorm(D_MODEL)).state_dict()) == {
        "token_embed.weight",
        "norm.gain",
        "norm.bias",
    }


def test_only_tokens_that_occur_get_a_gradient(x):
    embed = embeddings()
    embed(x).square().sum().backward()
    touched = embed.token_embed.weight.grad.any(dim=-1).nonzero().flatten()
    assert touched.tolist() == x.unique().tolist()


@pytest.mark.parametrize("norm", [None, LayerNorm(D_MODEL)])
@pytest.mark.parametrize("encoding", BOTH)
def test_every_parameter_learns(encoding, norm):
    embed = embeddings(encoding, norm=norm)
    y = embed(torch.arange(N_TOKENS)[:MAX_LEN, None])
    (y * torch.randn_like(y)).sum().backward()
    assert all(p.grad.isfinite().all() and p.grad.any() for p in embed.parameters())


@pytest.mark.parametrize("wrong", [-1, N_TOKENS, 10_007])
def test_an_id_outside_of_the_vocabulary_is_refused(x, wrong):
    x[2, 1] = wrong
    with pytest.raises(ValueError, match=f"{wrong}.*n_tokens={N_TOKENS} they end at 12"):
        embeddings()(x)


def test_an_input_that_is_too_long_is_refused():
    with pytest.raises(ValueError, match="13 positions.*max_len=11"):
        embeddings()(torch.zeros(13, BATCH_SIZE, dtype=torch.long))


def test_an_empty_batch_is_fine():
    assert embeddings()(torch.zeros(0, BATCH_SIZE, dtype=torch.long)).shape == (0, 3, D_MODEL)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_types(x, dtype):
    embed = embeddings()
    expected = embed(x)
    y = embed.to(dtype)(x)
    assert y.dtype == dtype
    torch.testing.assert_close(y.float(), expected, rtol=0.05, atol=0.05)
