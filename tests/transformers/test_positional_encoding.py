import cmath
import math

import pytest
import torch

from labnn.transformers.positional_encoding import (
    LearnedPositionalEncoding,
    SinusoidalPositionalEncoding,
    sinusoidal_table,
)

SEQ_LEN, BATCH_SIZE, D_MODEL, MAX_LEN = 5, 3, 14, 11
BOTH = [SinusoidalPositionalEncoding, LearnedPositionalEncoding]


@pytest.fixture
def x():
    return torch.randn(SEQ_LEN, BATCH_SIZE, D_MODEL)


@pytest.mark.parametrize("d_model", [1, 2, 7, D_MODEL])
def test_matches_the_formula(d_model):
    table = sinusoidal_table(d_model, MAX_LEN)
    assert table.dtype == torch.float32
    for position in range(MAX_LEN):
        for feature in range(d_model):
            wave = math.cos if feature % 2 else math.sin
            expected = wave(position / 10000 ** (feature // 2 * 2 / d_model))
            assert table[position, feature].item() == pytest.approx(expected, abs=1e-7)


def test_by_hand():
    # Position 0 is sin 0, cos 0; with 4 features the second wave is 100 times slower.
    table = sinusoidal_table(4, 2)
    expected = [[0, 1, 0, 1], [math.sin(1), math.cos(1), math.sin(0.01), math.cos(0.01)]]
    torch.testing.assert_close(table, torch.tensor(expected, dtype=torch.float32))


def test_large_positions_are_exact():
    n, d_model = 1_000_003, 4
    table = sinusoidal_table(d_model, n)
    for position in (5003, 99_991, 1_000_002):
        for wave in range(2):
            # Sine and cosine of an angle reduced to one turn.
            angle = math.fmod(position / 100.0**wave, 2 * math.pi)
            hand = complex(table[position, 2 * wave + 1], table[position, 2 * wave])
            assert abs(hand - cmath.exp(1j * angle)) < 1e-7
    narrow = torch.arange(n, dtype=torch.float32) / torch.tensor(10000.0) ** (2 / 6)
    exact = torch.arange(n, dtype=torch.float64) / 10000 ** (2 / 6)
    assert (narrow - exact)[-1000:].abs().max() > 1e-3


def test_a_step_turns_every_hand_by_the_same_angle_wherever_it_starts():
    table = sinusoidal_table(D_MODEL, 1009).double()
    hands = torch.complex(table[:, 1::2], table[:, 0::2])
    turn = hands[7:] * hands[:-7].conj()
    torch.testing.assert_close(turn, turn[:1].expand_as(turn), rtol=0, atol=1e-6)


def test_a_turn_takes_from_six_to_almost_63000_positions():
    slowest = 10000 ** (126 / 128)
    assert 2 * math.pi < 6.3 and 50_000 < 2 * math.pi * slowest < 62_832
    table = sinusoidal_table(128, 5000)
    # The slowest hand has not reached a quarter of its turn at position 5,000.
    assert (table[:, -1] > 0).all() and (table[:, 0] < 0).any()


@pytest.mark.parametrize("encoding", BOTH)
def test_the_first_rows_are_added_to_every_sequence(encoding, x):
    positions = encoding(D_MODEL, max_len=MAX_LEN)
    before = x.clone()
    y = positions(x)
    for b in range(BATCH_SIZE):
        torch.testing.assert_close(y[:, b], x[:, b] + positions.table[:SEQ_LEN])
    assert torch.equal(x, before)
    # The whole table may be used, and no part of it.
    assert positions(torch.zeros(MAX_LEN, 1, D_MODEL)).shape == (MAX_LEN, 1, D_MODEL)
    assert positions(torch.zeros(0, 1, D_MODEL)).shape == (0, 1, D_MODEL)


@pytest.mark.parametrize("encoding", BOTH)
def test_places_say_which_rows_are_added(encoding, x):
    positions = encoding(D_MODEL, max_len=MAX_LEN)
    places = torch.randint(MAX_LEN, (SEQ_LEN, BATCH_SIZE))
    y = positions(x, places)
    for i in range(SEQ_LEN):
        for b in range(BATCH_SIZE):
            assert torch.equal(y[i, b], x[i, b] + positions.table[places[i, b]])
    assert torch.equal(positions(x, torch.arange(SEQ_LEN).unsqueeze(-1)), positions(x))
    with pytest.raises(ValueError, match="has 12 positions.*max_len=11"):
        positions(x[:1], torch.tensor([[3, 11, 0]]))


@pytest.mark.parametrize("encoding", BOTH)
def test_a_longer_input_is_refused(encoding):
    positions = encoding(D_MODEL, max_len=MAX_LEN)
    with pytest.raises(ValueError, match="has 13 positions.*max_len=11.*give a larger max_len"):
        positions(torch.zeros(13, BATCH_SIZE, D_MODEL))


def test_the_waves_are_no_weights_and_not_in_checkpoints():
    positions = SinusoidalPositionalEncoding(D_MODEL)
    assert positions.table.shape == (5000, D_MODEL)
    assert not positions.state_dict() and not list(positions.parameters())
    # So a checkpoint fits a model with another length.
    SinusoidalPositionalEncoding(D_MODEL, max_len=MAX_LEN).load_state_dict(positions.state_dict())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("encoding", BOTH)
def test_the_table_follows_the_type_of_the_module(encoding, dtype, x):
    positions = encoding(D_MODEL, max_len=MAX_LEN).to(dtype)
    y = positions(x.to(dtype))
    assert y.dtype == dtype
    expected = x.double() + positions.table[:SEQ_LEN, None].double()
    torch.testing.assert_close(y.double(), expected, rtol=0.01, atol=0.01)


def test_a_double_default_gives_a_double_table():
    torch.set_default_dtype(torch.float64)
    try:
        table = sinusoidal_table(D_MODEL, MAX_LEN)
    finally:
        torch.set_default_dtype(torch.float32)
    assert table.dtype == torch.float64 and table[10, 0].item() == math.sin(10)


def test_learned_positions_learn_where_they_are_used(x):
    positions = LearnedPositionalEncoding(D_MODEL, max_len=MAX_LEN)
    assert list(positions.state_dict()) == ["table"]
    assert 0.5 < positions.table.std() < 0.9
    positions(x).square().sum().backward()
    used = positions.table.grad.any(dim=-1)
    assert used[:SEQ_LEN].all() and not used[SEQ_LEN:].any()
    # Every sequence of the batch adds to the gradient.
    expected = 2 * (x + positions.table[:SEQ_LEN, None]).sum(dim=1)
    torch.testing.assert_close(positions.table.grad[:SEQ_LEN], expected.detach())
