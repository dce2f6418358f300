import pytest
import torch
from torch.nn import functional as F

from labnn.layers.layer_norm import FAR, LayerNorm, is_far, normalize

SEQ_LEN, BATCH_SIZE, D_MODEL = 5, 3, 7
# Rounding errors show in long vectors only.
WIDE = 127


@pytest.fixture
def x():
    return torch.randn(SEQ_LEN, BATCH_SIZE, D_MODEL)


def randomized(d_model: int = D_MODEL, eps: float = 1e-5) -> LayerNorm:
    norm = LayerNorm(d_model, eps)
    torch.nn.init.normal_(norm.gain)
    torch.nn.init.normal_(norm.bias)
    return norm


def twin(norm: LayerNorm) -> torch.nn.LayerNorm:
    theirs = torch.nn.LayerNorm(norm.d_model, norm.eps)
    theirs.load_state_dict({"weight": norm.gain.detach(), "bias": norm.bias.detach()})
    return theirs


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_matches_torch_with_its_gradients(x, dtype):
    ours = randomized().to(dtype)
    theirs = twin(ours).to(dtype)
    mine, other = (x.to(dtype).requires_grad_() for _ in range(2))
    y, z = ours(mine), theirs(other)
    torch.testing.assert_close(y, z)
    weights = torch.randn_like(y)
    (y * weights).sum().backward()
    (z * weights).sum().backward()
    torch.testing.assert_close(mine.grad, other.grad)
    torch.testing.assert_close(ours.gain.grad, theirs.weight.grad)
    torch.testing.assert_close(ours.bias.grad, theirs.bias.grad)


def test_the_formula_and_the_fused_operation_agree(x):
    norm = LayerNorm(D_MODEL).double()
    plain, fused = (x.double().requires_grad_() for _ in range(2))
    weights = torch.randn(D_MODEL, dtype=torch.float64)
    y, z = normalize(plain, norm.eps), norm(fused)
    torch.testing.assert_close(y, z)
    (y * weights).sum().backward()
    (z * weights).sum().backward()
    torch.testing.assert_close(plain.grad, fused.grad)


def test_by_hand():
    # (3, 7) has mean 5 and variance 4: it becomes (-1, 1), then times (2, 3) plus (1, 1).
    norm = LayerNorm(2, eps=0.0)
    norm.gain.data, norm.bias.data = torch.tensor([2.0, 3.0]), torch.tensor([1.0, 1.0])
    torch.testing.assert_close(norm(torch.tensor([[[3.0, 7.0]]])), torch.tensor([[[-1.0, 4.0]]]))


@pytest.mark.parametrize("mean", [1e2, 1e4, 1e6, -1e6])
def test_large_means_cost_no_accuracy(mean):
    x = (torch.randn(SEQ_LEN, BATCH_SIZE, WIDE) + mean).requires_grad_()
    norm = LayerNorm(WIDE)
    exact = x.detach().double().requires_grad_()
    expected = F.layer_norm(exact, (WIDE,), eps=norm.eps)
    weights = torch.randn(WIDE)
    (expected * weights).sum().backward()
    y = norm(x)
    (y * weights).sum().backward()
    for got, want in ((y, expected), (normalize(x, norm.eps), expected), (x.grad, exact.grad)):
        torch.testing.assert_close(got.double(), want, rtol=1e-4, atol=1e-4)


def test_one_pass_loses_every_digit():
    x = torch.randn(1000, WIDE) + 1e4
    one_pass = x.square().mean(dim=-1) - x.mean(dim=-1).square()
    error = (one_pass - x.double().var(dim=-1, correction=0)).abs()
    assert (error > 1).any() and (one_pass < 0).any()


def test_shift_and_scale_do_not_matter(x):
    norm = LayerNorm(D_MODEL, eps=0.0).double()
    x = x.double()
    torch.testing.assert_close(norm(x), norm(1000.0 * x - 5.0))


def test_tokens_do_not_mix(x):
    norm, other = randomized(), x.clone()
    other[2, 1, 0] += 1.0
    changed = (norm(x) != norm(other)).any(dim=-1)
    assert changed.nonzero().tolist() == [[2, 1]]


def test_equal_features_give_the_bias_with_finite_gradients():
    norm = randomized()
    x = torch.full((1, 1, D_MODEL), 3.0, requires_grad=True)
    y = norm(x)
    y.sum().backward()
    torch.testing.assert_close(y[0, 0], norm.bias)
    assert x.grad.isfinite().all() and norm.gain.grad.isfinite().all()


def test_gradient(x):
    # Away from its initial values, or the gain could be missing.
    norm = randomized().double()
    inputs = (x.double().requires_grad_(), norm.gain, norm.bias)
    assert torch.autograd.gradcheck(lambda x, gain, bias: norm(x), inputs)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_rounds_once(x, dtype):
    norm = randomized(D_MODEL).to(dtype)
    for scale in (1.0, 1000.0):
        y = norm((x * scale).to(dtype))
        exact = F.layer_norm(
            (x * scale).to(dtype).double(), (D_MODEL,), norm.gain.double(), norm.bias.double()
        )
        assert y.dtype == dtype
        torch.testing.assert_close(y, exact.to(dtype))


def test_half_precision_with_a_large_mean_is_exact():
    # At $10^4$ half precision counts in steps of 8.
    x = (torch.randn(SEQ_LEN, BATCH_SIZE, WIDE) * 100 + 1e4).half()
    y = LayerNorm(WIDE).half()(x)
    torch.testing.assert_close(y, F.layer_norm(x.double(), (WIDE,)).half())


def test_autocast_leaves_float32_alone(x):
    norm = randomized()
    with torch.autocast("cpu", torch.bfloat16):
        y = norm(x)
    assert y.dtype == torch.float32
    torch.testing.assert_close(y, norm(x))


def test_a_mean_counts_as_large_from_sixteen_spreads_on():
    for mean, expected in ((0.9 * FAR, False), (1.1 * FAR, True), (-1.1 * FAR, True)):
        assert is_far(torch.tensor([[0.0], [2 * mean]]), torch.full((2, 1), 0.5)) == expected
    assert not is_far(torch.zeros(0, 1), torch.zeros(0, 1))


@pytest.mark.parametrize("mean", [0.9 * FAR, 1.1 * FAR])
def test_both_ways_are_exact_where_they_meet(mean):
    norm = randomized(WIDE)
    x = torch.randn(SEQ_LEN, BATCH_SIZE, WIDE) + mean
    expected = norm.double()(x.double())
    torch.testing.assert_close(norm.float()(x).double(), expected, rtol=1e-5, atol=1e-5)


def test_any_axes_may_come_before_the_features():
    norm, x = randomized(), torch.randn(SEQ_LEN, BATCH_SIZE, D_MODEL)
    torch.testing.assert_close(norm(x).flatten(0, 1), norm(x.flatten(0, 1)))
    assert norm(torch.zeros(0, D_MODEL)).shape == (0, D_MODEL)
