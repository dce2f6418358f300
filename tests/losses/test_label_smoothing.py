"""
# Tests of label smoothing

The trusted twins are torch's own loss for the mass on the whole vocabulary, and for the mass on the
others the two formulas that are in use.
"""

import math

import pytest
import torch
from torch.nn import functional as F

from labnn.losses import cross_entropy, perplexity, smoothed_cross_entropy
from tests.losses.test_cross_entropy import N_TOKENS, PAD, make_batch, of_torch

MASSES = ["vocabulary", "others"]


def distribution(targets, n_tokens, label_smoothing, mass, n_classes=None):
    """What a model should say, laid out token by token"""
    n_classes = n_tokens if n_classes is None else n_classes
    is_target = F.one_hot(targets, n_tokens).double()
    exists = (torch.arange(n_tokens) < n_classes).double()
    if mass == "vocabulary":
        return (1 - label_smoothing) * is_target + label_smoothing / n_classes * exists
    return torch.where(
        is_target.bool(), 1 - label_smoothing, label_smoothing / (n_classes - 1) * exists
    )


def by_distribution(logits, targets, is_scored, **options):
    q = distribution(targets, logits.shape[-1], **options)
    return -(q * logits.log_softmax(dim=-1)).sum(dim=-1)[is_scored].sum()


def by_nemo(logits, targets, is_scored, label_smoothing):
    """NeMo: one formula from the mean over the vocabulary"""
    n_tokens = logits.shape[-1]
    log_p = logits.log_softmax(dim=-1)
    smoothing = n_tokens * label_smoothing / (n_tokens - 1)
    at_target = log_p.gather(-1, targets.unsqueeze(-1)).squeeze(-1)
    losses = -((1 - smoothing) * at_target + smoothing * log_p.mean(dim=-1))
    return (losses * is_scored).sum()


def by_fairseq(logits, targets, is_scored, label_smoothing):
    """fairseq from 0.12 on: a sum over the vocabulary, in which the target comes twice"""
    log_p = logits.log_softmax(dim=-1)
    each = label_smoothing / (logits.shape[-1] - 1)
    at_target = log_p.gather(-1, targets.unsqueeze(-1)).squeeze(-1)
    losses = -(1 - label_smoothing - each) * at_target - each * log_p.sum(dim=-1)
    return (losses * is_scored).sum()


def assert_same_both_ways(logits, loss, expected, rtol=1e-12):
    """Two losses and their gradients; small parts of a gradient are compared with large ones."""
    ours, theirs = (torch.autograd.grad(x, logits)[0] for x in (loss, expected))
    torch.testing.assert_close(loss, expected, rtol=rtol, atol=0)
    torch.testing.assert_close(ours, theirs, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("label_smoothing", [0.1, 1.0])
@pytest.mark.parametrize("ignore", [None, PAD])
@pytest.mark.parametrize("dtype, rtol", [(torch.float64, 1e-12), (torch.float32, 2e-6)])
def test_the_vocabulary_is_torchs(dtype, rtol, ignore, label_smoothing):
    logits, targets = make_batch(dtype)
    loss, n = smoothed_cross_entropy(
        logits, targets, label_smoothing=label_smoothing, ignore=ignore
    )
    expected = of_torch(logits, targets, ignore, label_smoothing=label_smoothing)
    assert_same_both_ways(logits, loss, expected, rtol)
    assert n == targets.numel() - (0 if ignore is None else 2)


@pytest.mark.parametrize("label_smoothing", [0.1, 0.9])
@pytest.mark.parametrize("reference", [by_nemo, by_fairseq])
def test_the_others_are_those_of_nemo_and_fairseq(reference, label_smoothing):
    logits, targets = make_batch()
    loss, _ = smoothed_cross_entropy(
        logits, targets, label_smoothing=label_smoothing, mass="others", ignore=PAD
    )
    expected = reference(logits, targets, targets != PAD, label_smoothing)
    assert_same_both_ways(logits, loss, expected)


@pytest.mark.parametrize("mass", MASSES)
@pytest.mark.parametrize("n_classes", [None, 5])
def test_equals_a_distribution_that_is_laid_out(mass, n_classes):
    logits, targets = make_batch()
    targets.clamp_(max=4)
    options = dict(label_smoothing=0.3, mass=mass, n_classes=n_classes)
    loss, _ = smoothed_cross_entropy(logits, targets, ignore=PAD, **options)
    assert_same_both_ways(logits, loss, by_distribution(logits, targets, targets != PAD, **options))
    q = distribution(targets, N_TOKENS, **options)
    torch.testing.assert_close(q.sum(dim=-1), torch.ones_like(q[..., 0]))


def test_by_hand():
    # Probabilities 1/2, 1/4, 1/4 and the first is right. With 0.3 on all three it should have 0.8
    # and the others 0.1 each; with 0.3 on the others, 0.7 and 0.15 each.
    logits, targets = torch.tensor([[2.0, 1.0, 1.0]]).log(), torch.tensor([0])
    for mass, first, other in (("vocabulary", 0.8, 0.1), ("others", 0.7, 0.15)):
        loss, n = smoothed_cross_entropy(logits, targets, label_smoothing=0.3, mass=mass)
        assert loss.item() == pytest.approx(first * math.log(2) + 2 * other * math.log(4))
        assert n == 1


@pytest.mark.parametrize("mass", MASSES)
@pytest.mark.parametrize("n_classes", [None, N_TOKENS])
def test_no_smoothing_is_cross_entropy_to_the_bit(mass, n_classes):
    logits, targets = make_batch(torch.float32)
    # Not even an infinite mean comes through.
    with torch.no_grad():
        logits[..., PAD] = -math.inf
    loss, n = smoothed_cross_entropy(
        logits, targets, label_smoothing=0, mass=mass, ignore=PAD, n_classes=n_classes
    )
    expected, count = cross_entropy(logits, targets, ignore=PAD)
    assert loss == expected and n == count
    ours, theirs = (torch.autograd.grad(x, logits)[0] for x in (loss, expected))
    assert torch.equal(ours, theirs)


@pytest.mark.parametrize("n_classes", [N_TOKENS, 5])
def test_the_others_are_the_vocabulary_with_a_larger_share(n_classes):
    logits, targets = make_batch()
    targets.clamp_(max=4)
    options = dict(n_classes=n_classes, ignore=PAD)
    others, _ = smoothed_cross_entropy(
        logits, targets, label_smoothing=0.2, mass="others", **options
    )
    larger = 0.2 * n_classes / (n_classes - 1)
    vocabulary, _ = smoothed_cross_entropy(logits, targets, label_smoothing=larger, **options)
    smaller, _ = smoothed_cross_entropy(logits, targets, label_smoothing=0.2, **options)
    assert others == vocabulary and others != smaller


@pytest.mark.parametrize("mass", MASSES)
@pytest.mark.parametrize("n_classes", [None, 5])
def test_gradcheck(mass, n_classes):
    logits, targets = make_batch()
    targets.clamp_(max=4)

    def loss(z):
        options = dict(label_smoothing=0.3, mass=mass, n_classes=n_classes, ignore=PAD)
        return smoothed_cross_entropy(z, targets, **options)[0]

    assert torch.autograd.gradcheck(loss, [logits])


@pytest.mark.parametrize("mass", MASSES)
def test_the_least_value_is_the_entropy_and_lies_at_the_distribution(mass):
    _, targets = make_batch()
    q = distribution(targets, N_TOKENS, 0.1, mass)
    logits = q.log().requires_grad_()
    loss, n = smoothed_cross_entropy(logits, targets, label_smoothing=0.1, mass=mass)
    loss.backward()
    entropy = -(q * q.log()).sum()
    torch.testing.assert_close(loss, entropy, rtol=1e-12, atol=0)
    assert logits.grad.abs().max() < 1e-14
    # Its exponential is larger than the perplexity of these predictions.
    assert (loss.detach() / n).exp() > perplexity(*cross_entropy(logits, targets)) > 1


def test_descent_leads_to_a_finite_lead():
    # The best lead is log(q_y / q_v): of 0.9 + 0.1 / 4 over 0.1 / 4, which is 37.
    logits = torch.zeros(1, 4, requires_grad=True)
    optimizer = torch.optim.SGD([logits], lr=2.0)
    for _ in range(150):
        optimizer.zero_grad()
        loss, _ = smoothed_cross_entropy(logits, torch.tensor([1]), label_smoothing=0.1)
        loss.backward()
        optimizer.step()
    lead = logits[0, 1] - logits[0, [0, 2, 3]]
    torch.testing.assert_close(lead.detach(), torch.full((3,), math.log(37.0)))


def test_filler_rows_take_part_unless_told_otherwise():
    # Its mass pulls the logit of a filler row up. Without, its probability pushes it down.
    logits = torch.full((1, 8), 0.0)
    logits[0, 7] = -20.0
    logits.requires_grad_()
    for n_classes, sign in ((None, -1), (8, -1), (7, 1)):
        loss, _ = smoothed_cross_entropy(
            logits, torch.tensor([3]), label_smoothing=0.1, n_classes=n_classes
        )
        (grad,) = torch.autograd.grad(loss, logits)
        assert grad[0, 7].sign() == sign
        assert grad.sum().abs() < 1e-6


@pytest.mark.parametrize("mass", MASSES)
def test_a_token_that_is_ruled_out_costs_everything_unless_it_is_filler(mass):
    logits, targets = make_batch()
    targets.clamp_(max=N_TOKENS - 2)
    with torch.no_grad():
        logits[..., -1] = -math.inf
    for n_classes, is_finite in ((None, False), (N_TOKENS - 1, True)):
        loss, _ = smoothed_cross_entropy(
            logits, targets, label_smoothing=0.1, mass=mass, n_classes=n_classes
        )
        (grad,) = torch.autograd.grad(loss, logits)
        assert loss.isfinite() == is_finite and not loss.isnan()
        assert grad.isfinite().all()


@pytest.mark.parametrize("mass", MASSES)
def test_what_is_ignored_changes_nothing_and_has_no_gradient(mass):
    logits, targets = make_batch()
    options = dict(label_smoothing=0.1, mass=mass, ignore=-100)
    targets[targets == PAD] = -100
    is_scored = targets != -100
    loss, n = smoothed_cross_entropy(logits, targets, **options)
    loss.backward()
    assert n == is_scored.sum() and not logits.grad[~is_scored].any()
    # Infinite losses that are ignored are none.
    with torch.no_grad():
        logits[~is_scored] = -math.inf
        logits[~is_scored, 1] = 0.0
    assert smoothed_cross_entropy(logits, targets, **options)[0] == loss

    logits.grad = None
    loss, n = smoothed_cross_entropy(logits, torch.full_like(targets, -100), **options)
    loss.backward()
    assert loss == 0 and n == 0 and (logits.grad == 0).all()


@pytest.mark.parametrize("mass", MASSES)
def test_batches_add_up_to_the_whole(mass):
    logits, targets = make_batch()
    options = dict(label_smoothing=0.1, mass=mass, ignore=PAD)
    parts = [smoothed_cross_entropy(z, t, **options) for z, t in zip(logits, targets, strict=True)]
    loss, n = smoothed_cross_entropy(logits, targets, **options)
    torch.testing.assert_close(sum(part for part, _ in parts), loss, rtol=1e-13, atol=0)
    assert sum(count for _, count in parts) == n


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_added_in_single(dtype):
    logits, targets = make_batch(dtype)
    loss, _ = smoothed_cross_entropy(logits, targets, label_smoothing=0.1)
    loss.backward()
    expected = of_torch(logits.detach().float(), targets, label_smoothing=0.1)
    assert loss.dtype == torch.float32 and logits.grad.dtype == dtype
    torch.testing.assert_close(loss, expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize("options, message", [
    (dict(label_smoothing=-0.1), "label_smoothing is -0.1.*from 0 to 1"),
    (dict(label_smoothing=1.1), "label_smoothing is 1.1"),
    (dict(label_smoothing=math.nan), "label_smoothing is nan"),
    (dict(mass="all"), "mass is 'all', but it is one of 'vocabulary' and 'others'"),
    (dict(n_classes=0), "n_classes is 0, .* from 1 to 7"),
    (dict(n_classes=8), "n_classes is 8, .* from 1 to 7"),
    (dict(n_classes=1, mass="others"), "n_classes is 1, .* from 2 to 7"),
    # A filler row is no target, whether or not there is something to smooth.
    (dict(n_classes=5), "target 6 is not among the tokens 0 to 4"),
    (dict(n_classes=5, label_smoothing=0.0), "target 6 is not among the tokens 0 to 4"),
])  # fmt: skip
def test_bad_options_are_refused_in_one_line(options, message):
    logits, targets = make_batch()
    targets[1, 1] = 6
    with pytest.raises(ValueError, match=message) as error:
        smoothed_cross_entropy(logits, targets, **{"label_smoothing": 0.1, **options})
    assert "\n" not in str(error.value)


def test_scalars_are_refused():
    with pytest.raises(ValueError, match="targets have shape"):
        smoothed_cross_entropy(torch.zeros(()), torch.tensor(0), label_smoothing=0.1)
