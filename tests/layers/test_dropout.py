import math

import pytest
import torch

from labnn.layers.dropout import TOLERANCE, Dropout, coin_type, random_sides

SEQ_LEN, BATCH_SIZE, D_MODEL = 5, 3, 7
N = 1_000_003


def kept(dropout_prob: float, n: int = N) -> torch.Tensor:
    return Dropout(dropout_prob)(torch.ones(n)) != 0


def within(count: int, n: int, p: float) -> bool:
    """Whether a count is within five standard deviations of `n` coins that show 1 with `p`."""
    return abs(count - n * p) < 5 * math.sqrt(n * p * (1 - p))


@pytest.mark.parametrize("dropout_prob", [0.001, 0.01, 0.1, 0.25, 0.5, 0.9, 0.999])
def test_the_rate_is_that_of_torch_to_two_per_cent_and_the_scale_its_inverse(dropout_prob):
    x, dropout = torch.randn(N), Dropout(dropout_prob)
    y, theirs = dropout(x), torch.nn.Dropout(dropout_prob)(x)
    rounded = dropout.n_dropped / dropout.n_sides
    assert rounded == pytest.approx(dropout_prob, rel=TOLERANCE)
    assert 1 - rounded == pytest.approx(1 - dropout_prob, rel=TOLERANCE)
    assert within(int((y != 0).sum()), N, 1 - rounded)
    assert within(int((theirs != 0).sum()), N, 1 - dropout_prob)
    torch.testing.assert_close(y[y != 0], x[y != 0] / (1 - rounded), rtol=1e-6, atol=0)


@pytest.mark.parametrize(
    ("dropout_prob", "dtype"),
    [(0.5, torch.int8), (0.1, torch.int8), (0.3, torch.int8), (1 / 256, torch.int8)]
    + [(p, torch.int16) for p in (0.001, 0.01, 0.003, 0.999, 0.997)],
)
def test_a_coin_has_eight_bits_where_they_are_enough(dropout_prob, dtype):
    assert coin_type(dropout_prob) == Dropout(dropout_prob).coin_type == dtype


@pytest.mark.parametrize("dropout_prob", [0.0, 0.001, 1 / 3, 0.999, 1.0])
def test_the_expected_value_is_the_input(dropout_prob):
    dropout = Dropout(dropout_prob).double()
    y = dropout(torch.ones(100_003, dtype=torch.float64))
    share = (dropout.n_sides - dropout.n_dropped) / dropout.n_sides
    assert y.max().item() * share == pytest.approx(float(dropout_prob < 1), abs=1e-15)


def test_by_hand():
    # Half of the numbers are dropped, so the others count twice.
    y = Dropout(0.5)(torch.full((1000,), 3.0))
    assert y.unique().tolist() == [0.0, 6.0]


def test_the_scale_belongs_to_the_rounded_probability():
    # 0.1 is 25.6 sides of 256. With 26 of them the scale is exactly 256 / 230.
    y = Dropout(0.1).double()(torch.ones(1000, dtype=torch.float64))
    assert y.max().item() == 256 / 230
    # 0.001 would be no side at all. Of 65,536 it is 65.536.
    y = Dropout(0.001).double()(torch.ones(1000, dtype=torch.float64))
    assert y.max().item() == 65536 / 65470


@pytest.mark.parametrize(
    ("n_dropped", "n_sides"), [(1, 2**16), (3, 2**16), (655, 2**16), (65535, 2**16)]
    + [(1, 2**8), (26, 2**8), (77, 2**8), (255, 2**8)],
)  # fmt: skip
def test_exactly_so_many_sides_drop(n_dropped, n_sides):
    dtype = coin_type(n_dropped / n_sides)
    assert 2 ** (8 * dtype.itemsize) == n_sides
    torch.manual_seed(5)
    sides = random_sides(torch.empty(N), dtype).long() + n_sides // 2
    torch.manual_seed(5)
    assert torch.equal(kept(n_dropped / n_sides), sides >= n_dropped)
    # The side next to the limit did occur.
    assert (sides == n_dropped).any()


def test_all_sides_of_eight_bits_are_equally_likely_in_each_of_the_eight_parts():
    sides = random_sides(torch.empty(8, N).T.contiguous(), torch.int8).long() + 2**7
    assert sides.min() == 0 and sides.max() == 2**8 - 1
    for part in range(8):
        for count in torch.bincount(sides[:, part], minlength=2**8).tolist():
            assert within(count, N, 2**-8)


def test_all_sides_of_sixteen_bits_are_equally_likely_in_each_of_the_four_parts():
    sides = random_sides(torch.empty(4, N).T.contiguous(), torch.int16).long() + 2**15
    assert sides.min() >= 0 and sides.max() < 2**16
    for part in range(4):
        # 257 bins of 255 sides, and one for the last.
        counts = torch.bincount(sides[:, part] // 255, minlength=258)
        for number, count in enumerate(counts.tolist()):
            assert within(count, N, (255 if number < 257 else 1) / 2**16)


@pytest.mark.parametrize("distance", [1, 2, 3, 4, 5, 7, 8, 9, 128])
def test_elements_are_independent(distance):
    is_kept = kept(0.3)
    both = (is_kept[distance:] & is_kept[:-distance]).sum()
    assert within(int(both), N - distance, 0.7 * 0.7)


def test_calls_are_independent():
    dropout, x = Dropout(0.3), torch.ones(N)
    both = (dropout(x) != 0) & (dropout(x) != 0)
    assert within(int(both.sum()), N, 0.7 * 0.7)


def test_a_seed_repeats_the_coins():
    torch.manual_seed(7)
    first, second = kept(0.5), kept(0.5)
    torch.manual_seed(7)
    again = kept(0.5)
    assert torch.equal(first, again) and not torch.equal(first, second)


def test_a_restored_state_repeats_the_coins():
    kept(0.5, n=SEQ_LEN)
    state = torch.get_rng_state()
    first = kept(0.5)
    torch.set_rng_state(state)
    assert torch.equal(first, kept(0.5))


def test_gradient_uses_the_same_coins():
    x = torch.randn(SEQ_LEN, BATCH_SIZE, D_MODEL, requires_grad=True)
    y = Dropout(0.5)(x)
    upstream = torch.randn_like(y)
    y.backward(upstream)
    assert torch.equal(x.grad, torch.where(y != 0, upstream * 2, 0.0))
    assert (y == 0).any() and (y != 0).any()


@pytest.mark.parametrize("shape", [(), (0,), (1,), (2,), (3,), (4,), (5,), (2, 3, 7), (3, 0, 2)])
def test_any_shape(shape):
    x = torch.ones(shape)
    y = Dropout(0.5)(x)
    assert y.shape == x.shape and set(y.flatten().tolist()) <= {0.0, 2.0}


def test_the_last_elements_have_coins_of_their_own():
    results = {tuple(kept(0.5, n=7).tolist()) for _ in range(2000)}
    assert len(results) == 2**7


def test_axes_that_are_not_contiguous():
    x = torch.randn(D_MODEL, SEQ_LEN).T
    y = Dropout(0.5)(x)
    assert torch.equal(y, torch.where(y != 0, x * 2, 0.0))


def test_the_input_is_not_modified():
    x = torch.ones(N)
    Dropout(0.5)(x)
    assert (x == 1).all()


def test_evaluation_and_zero_return_the_input():
    x = torch.randn(SEQ_LEN)
    assert Dropout(0.9).eval()(x) is x
    assert Dropout(0.0)(x) is x
    assert Dropout(1.0).eval()(x) is x


@pytest.mark.parametrize("dropout_prob", [1, 1.0, 1 - 1e-9])
def test_one_drops_everything_and_keeps_a_gradient_of_zero(dropout_prob):
    x = torch.randn(SEQ_LEN, requires_grad=True)
    y = Dropout(dropout_prob)(x)
    y.sum().backward()
    assert (y == 0).all() and (x.grad == 0).all()


@pytest.mark.parametrize("dropout_prob", [-0.1, 1.1, 50, float("nan")])
def test_what_is_no_probability_is_refused(dropout_prob):
    with pytest.raises(ValueError, match=f"dropout_prob is {dropout_prob}.*from 0 to 1"):
        Dropout(dropout_prob)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_the_type_is_kept(dtype):
    x = torch.full((1000,), 3.0, dtype=dtype)
    y = Dropout(0.5)(x)
    assert y.dtype == dtype and y.unique().tolist() == [0.0, 6.0]
    with torch.autocast("cpu", torch.bfloat16):
        assert Dropout(0.5)(x).dtype == dtype


def test_print_shows_the_probability():
    assert str(Dropout(0.1)) == "Dropout(dropout_prob=0.1)"
