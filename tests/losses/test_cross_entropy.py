"""
# Tests of cross-entropy

The trusted twin is torch's own loss.
"""

import math

import pytest
import torch
from torch.nn import functional as F

from labnn.losses import cross_entropy, token_losses

SEQ_LEN, BATCH_SIZE, N_TOKENS, PAD = 5, 3, 7, 2


def make_batch(dtype=torch.float64, n_tokens=N_TOKENS):
    """Logits with a gradient, and targets of which two are padding and the others are not."""
    logits = (3 * torch.randn(SEQ_LEN, BATCH_SIZE, n_tokens, dtype=torch.float64)).to(dtype)
    targets = torch.randint(PAD + 1, n_tokens, (SEQ_LEN, BATCH_SIZE))
    targets[0, 0] = targets[4, 1] = PAD
    return logits.requires_grad_(), targets


def of_torch(logits, targets, ignore=None, **options):
    ignore = {} if ignore is None else dict(ignore_index=ignore)
    flat = logits.reshape(-1, logits.shape[-1])
    return F.cross_entropy(flat, targets.flatten(), reduction="sum", **ignore, **options)


@pytest.mark.parametrize("ignore", [None, PAD])
@pytest.mark.parametrize("dtype, rtol", [(torch.float64, 1e-13), (torch.float32, 1e-6)])
def test_equals_torch_both_ways(dtype, rtol, ignore):
    ours, targets = make_batch(dtype)
    theirs = ours.detach().clone().requires_grad_()
    loss, n = cross_entropy(ours, targets, ignore=ignore)
    expected = of_torch(theirs, targets, ignore)
    (3 * loss).backward()
    (3 * expected).backward()
    torch.testing.assert_close(loss, expected, rtol=rtol, atol=0)
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=10 * rtol, atol=rtol)
    assert n == SEQ_LEN * BATCH_SIZE - (0 if ignore is None else 2)


def test_the_fast_form_equals_the_plain_steps():
    logits, targets = make_batch()
    rows = logits.detach().flatten(0, 1).requires_grad_()
    losses = token_losses(rows, targets.flatten())
    losses.sum().backward()
    loss, _ = cross_entropy(logits, targets)
    loss.backward()
    torch.testing.assert_close(losses.sum(), loss, rtol=1e-13, atol=0)
    torch.testing.assert_close(rows.grad.view_as(logits), logits.grad, rtol=1e-12, atol=1e-14)
    # One by one, too
    each = F.cross_entropy(rows, targets.flatten(), reduction="none")
    torch.testing.assert_close(losses, each, rtol=1e-12, atol=1e-14)


def test_by_hand():
    # Four equal scores give each token a quarter. Scores of log 3 and 0 give 3/4 and 1/4.
    logits = torch.full((2, 4), -math.inf)
    logits[0] = 0.0
    logits[1, :2] = torch.tensor([math.log(3.0), 0.0])
    for loss in (token_losses(logits, torch.tensor([2, 0])).sum(),
                 cross_entropy(logits, torch.tensor([2, 0]))[0]):  # fmt: skip
        assert loss.item() == pytest.approx(math.log(4) + math.log(4 / 3))


def test_the_gradient_is_probability_less_one_at_the_target():
    logits, targets = make_batch()
    loss, _ = cross_entropy(logits, targets)
    loss.backward()
    expected = logits.detach().softmax(dim=-1) - F.one_hot(targets, N_TOKENS)
    torch.testing.assert_close(logits.grad, expected, rtol=1e-12, atol=1e-15)
    # What is pushed up is pushed down elsewhere.
    assert logits.grad.sum(dim=-1).abs().max() < 1e-14


def test_gradcheck_of_both_forms():
    logits, targets = make_batch()
    assert torch.autograd.gradcheck(lambda z: cross_entropy(z, targets, ignore=PAD)[0], [logits])
    rows = logits.detach().flatten(0, 1).requires_grad_()
    assert torch.autograd.gradcheck(lambda z: token_losses(z, targets.flatten()), [rows])


def test_only_the_plain_steps_have_a_second_derivative():
    logits, targets = make_batch()
    rows = logits.detach().flatten(0, 1).requires_grad_()
    assert torch.autograd.gradgradcheck(lambda z: token_losses(z, targets.flatten()), [rows])
    # The fast form says so, be it as a gradient that has no history or as an error.
    loss, _ = cross_entropy(logits, targets)
    (grad,) = torch.autograd.grad(loss, logits, create_graph=True)
    assert not grad.requires_grad
    (grad,) = torch.autograd.grad(
        cross_entropy(logits, targets)[0].square(), logits, create_graph=True
    )
    with pytest.raises(RuntimeError, match="once_differentiable"):
        grad.sum().backward()


def test_backward_twice_gives_the_same_again():
    logits, targets = make_batch()
    loss, _ = cross_entropy(logits, targets)
    (first,) = torch.autograd.grad(loss, logits, retain_graph=True)
    (second,) = torch.autograd.grad(loss, logits)
    assert torch.equal(first, second)


@pytest.mark.parametrize("shape", [(), (5,), (5, 3), (2, 5, 3), (0,), (5, 0)])
def test_any_axes_before_the_vocabulary(shape):
    logits = torch.randn(*shape, N_TOKENS, requires_grad=True)
    targets = torch.randint(N_TOKENS, shape)
    loss, n = cross_entropy(logits, targets)
    loss.backward()
    torch.testing.assert_close(loss, of_torch(logits, targets))
    assert loss.shape == n.shape == () and n == targets.numel()
    assert logits.grad.shape == logits.shape


def test_axes_that_are_not_contiguous():
    logits, targets = make_batch()
    turned, _ = cross_entropy(logits.transpose(0, 1), targets.T)
    torch.testing.assert_close(turned, cross_entropy(logits, targets)[0], rtol=1e-13, atol=0)


def test_batches_add_up_to_the_whole():
    logits, targets = make_batch()
    parts = [cross_entropy(z, t, ignore=PAD) for z, t in zip(logits, targets, strict=True)]
    loss, n = cross_entropy(logits, targets, ignore=PAD)
    torch.testing.assert_close(sum(part for part, _ in parts), loss, rtol=1e-13, atol=0)
    assert sum(count for _, count in parts) == n


@pytest.mark.parametrize("ignore", [PAD, -1, -100, 10_007])
def test_what_is_ignored_changes_nothing_and_has_no_gradient(ignore):
    logits, targets = make_batch()
    targets[targets == PAD] = ignore
    loss, n = cross_entropy(logits, targets, ignore=ignore)
    loss.backward()
    is_scored = targets != ignore
    assert n == is_scored.sum() == SEQ_LEN * BATCH_SIZE - 2
    assert not logits.grad[~is_scored].any() and logits.grad[is_scored].all()
    # An infinite loss that is ignored is none.
    with torch.no_grad():
        logits[~is_scored] = -math.inf
        logits[~is_scored, 1] = 0.0
    assert cross_entropy(logits, targets, ignore=ignore)[0] == loss


def test_a_batch_that_is_all_ignored_has_zeros_and_no_nan():
    logits, _ = make_batch()
    loss, n = cross_entropy(logits, torch.full((SEQ_LEN, BATCH_SIZE), PAD), ignore=PAD)
    loss.backward()
    assert loss == 0 and n == 0 and (logits.grad == 0).all()


def test_the_limits_that_the_page_names():
    assert torch.tensor(89.0).exp() == math.inf and torch.tensor(88.0).exp() < math.inf
    assert torch.tensor(-104.0).exp() == 0


@pytest.mark.parametrize("offset", [-1e6, -200.0, 200.0])
def test_a_constant_in_all_scores_changes_nothing(offset):
    # Whole numbers below 2^24 are exact in `float32`, so every digit of the loss can be asked for.
    logits = torch.randint(-7, 7, (SEQ_LEN, N_TOKENS)).float()
    targets = torch.randint(N_TOKENS, (SEQ_LEN,))
    expected = of_torch(logits.double(), targets).item()
    loss, _ = cross_entropy(logits + offset, targets)
    assert loss.item() == pytest.approx(expected, rel=1e-6)
    assert token_losses(logits + offset, targets).sum().item() == pytest.approx(expected, rel=1e-6)


def test_certainty_of_another_token_has_a_finite_loss_and_gradient():
    logits = torch.tensor([[1e4, -1e4]], requires_grad=True)
    loss, _ = cross_entropy(logits, torch.tensor([1]))
    loss.backward()
    assert loss == 2e4 and logits.grad.tolist() == [[1.0, -1.0]]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_added_in_single(dtype):
    # The sum is above the largest number of half precision, 65,504.
    n = 40_009
    logits = torch.randn(n, N_TOKENS).to(dtype).requires_grad_()
    targets = torch.randint(N_TOKENS, (n,))
    loss, _ = cross_entropy(logits, targets)
    loss.backward()
    expected = of_torch(logits.detach().double(), targets).item()
    assert loss.dtype == torch.float32 and loss.item() > 65_504
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    assert token_losses(logits, targets).dtype == torch.float32
    # The gradient is rounded once, at the end.
    wide = logits.detach().float().softmax(dim=-1) - F.one_hot(targets, N_TOKENS)
    torch.testing.assert_close(logits.grad, wide.to(dtype))


def test_autocast_changes_nothing():
    logits, targets = make_batch(torch.float32)
    expected, _ = cross_entropy(logits, targets)
    with torch.autocast("cpu", torch.bfloat16):
        loss, _ = cross_entropy(logits, targets)
    loss.backward()
    assert loss.dtype == torch.float32 and loss == expected and logits.grad.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32])
def test_small_integers_are_targets_too(dtype):
    logits, targets = make_batch()
    expected, _ = cross_entropy(logits, targets)
    assert cross_entropy(logits, targets.to(dtype))[0] == expected


def test_nothing_that_is_given_is_modified():
    logits, targets = make_batch()
    before = logits.detach().clone(), targets.clone()
    cross_entropy(logits, targets, ignore=PAD)[0].backward()
    assert torch.equal(logits, before[0]) and torch.equal(targets, before[1])


def test_guessing_costs_the_logarithm_of_the_vocabulary():
    loss, n = cross_entropy(torch.zeros(SEQ_LEN, N_TOKENS), torch.arange(SEQ_LEN))
    assert loss.item() / n.item() == pytest.approx(math.log(N_TOKENS))


def test_descent_leads_to_the_frequencies():
    # The best single distribution is that of the targets: 1/2, 1/3 and 1/6.
    targets = torch.tensor([0, 0, 0, 1, 1, 2])
    logits = torch.zeros(3, requires_grad=True)
    optimizer = torch.optim.SGD([logits], lr=1.0)
    for _ in range(100):
        optimizer.zero_grad()
        loss, n = cross_entropy(logits.expand(6, 3), targets)
        (loss / n).backward()
        optimizer.step()
    assert logits.softmax(dim=-1).tolist() == pytest.approx([1 / 2, 1 / 3, 1 / 6], abs=1e-4)


@pytest.mark.parametrize("target, ignore", [(N_TOKENS, None), (-1, None), (-100, None), (-100, -1)])
def test_targets_outside_the_vocabulary_are_refused(target, ignore):
    logits, targets = make_batch()
    targets[1, 1] = target
    with pytest.raises(ValueError, match=f"target {target} is not among .* 0 to 6.*ignore="):
        cross_entropy(logits, targets, ignore=ignore)


@pytest.mark.parametrize("logits, targets, message", [
    (torch.zeros(5, 7, dtype=torch.long), torch.zeros(5, dtype=torch.long), "logits are torch.int"),
    (torch.zeros(5, 7), torch.zeros(5), "targets are torch.float32.*targets.long"),
    (torch.zeros(5, 7), torch.zeros(5, dtype=torch.bool), "targets are torch.bool"),
    (torch.zeros(5, 3, 7), torch.zeros(3, 5, dtype=torch.long), r"\[3, 5\] and logits \[5, 3, 7\]"),
    (torch.zeros(5, 7), torch.zeros(5, 7, dtype=torch.long), r"\[5, 7\] and logits \[5, 7\]"),
    (torch.zeros(()), torch.zeros((), dtype=torch.long), r"\[\] and logits \[\]"),
])  # fmt: skip
def test_what_does_not_belong_together_is_refused_in_one_line(logits, targets, message):
    with pytest.raises(ValueError, match=message) as error:
        cross_entropy(logits, targets)
    assert "\n" not in str(error.value)
