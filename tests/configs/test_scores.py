import math

import pytest
import torch
from torch.nn import functional as F

from labnn.configs.scores import Meter, Scores, score, with_counts
from labnn.losses.cross_entropy import cross_entropy

SEQ_LEN, BATCH_SIZE, N_TOKENS, PAD = 5, 3, 7, 0


@pytest.fixture
def batch():
    logits = torch.randn(SEQ_LEN, BATCH_SIZE, N_TOKENS)
    targets = torch.randint(N_TOKENS, (SEQ_LEN, BATCH_SIZE))
    targets[0, 0], targets[1, 1] = PAD, 2
    return logits, targets


def test_the_loss_is_torchs(batch):
    logits, targets = batch
    expected = F.cross_entropy(
        logits.double().permute(0, 2, 1), targets, ignore_index=PAD, reduction="sum"
    )
    found = score(logits, targets, ignore=PAD)
    torch.testing.assert_close(found.loss.double(), expected, rtol=1e-6, atol=0)
    assert found.n_tokens == (targets != PAD).sum()
    assert found.n_correct == ((logits.argmax(-1) == targets) & (targets != PAD)).sum()


def test_the_loss_is_that_of_the_page_about_it(batch):
    found, (loss, n_tokens) = score(*batch, ignore=PAD), cross_entropy(*batch, ignore=PAD)
    torch.testing.assert_close(found.loss, loss)
    assert found.n_tokens == n_tokens


def test_by_hand():
    # Four equal logits give each token a quarter; the other position has log-odds of log 3, so the
    # first of its two tokens has three quarters.
    logits = torch.full((2, 1, 4), -math.inf)
    logits[0] = 0.0
    logits[1, 0, :2] = torch.tensor([math.log(3.0), 0.0])
    found = score(logits, torch.tensor([[2], [0]]), ignore=3)
    assert found.loss.item() == pytest.approx(math.log(4) + math.log(4 / 3))
    assert (found.n_tokens.item(), found.n_correct.item()) == (2, 1)
    assert found.targets.tolist() == [1, 0, 1, 0]


def test_what_is_not_scored_changes_nothing_and_has_no_gradient(batch):
    logits, targets = batch
    logits.requires_grad_()
    first = score(logits, targets, ignore=PAD)
    first.loss.backward()
    is_scored = targets != PAD
    assert not logits.grad[~is_scored].any() and logits.grad[is_scored].any(dim=-1).all()

    moved = torch.where(is_scored.unsqueeze(-1), logits.detach(), torch.randn_like(logits))
    second = score(moved, targets, ignore=PAD)
    assert first.loss == second.loss and first.n_correct == second.n_correct
    assert torch.equal(first.targets, second.targets) and first.targets[PAD] == 0


def test_the_gradient_is_torchs(batch):
    ours, targets = batch[0].requires_grad_(), batch[1]
    theirs = ours.detach().clone().requires_grad_()
    score(ours, targets, ignore=PAD).loss.backward()
    F.cross_entropy(
        theirs.flatten(0, 1), targets.flatten(), ignore_index=PAD, reduction="sum"
    ).backward()
    torch.testing.assert_close(ours.grad, theirs.grad)


def test_the_token_that_is_ignored_is_never_a_hit():
    # The model says PAD everywhere, and PAD is what stands there.
    logits = F.one_hot(torch.zeros(SEQ_LEN, BATCH_SIZE, dtype=torch.long), N_TOKENS).float()
    found = score(logits, torch.zeros(SEQ_LEN, BATCH_SIZE, dtype=torch.long), ignore=PAD)
    assert (found.n_correct.item(), found.n_tokens.item()) == (0, 0)


def test_a_batch_without_a_scored_token_has_a_loss_of_zero_and_a_gradient(batch):
    logits = batch[0].requires_grad_()
    found = score(logits, torch.full((SEQ_LEN, BATCH_SIZE), PAD), ignore=PAD)
    found.loss.backward()
    assert found.loss == 0 and not logits.grad.any()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_does_not_spoil_the_sum(dtype):
    # The sum is above the largest number of half precision, 65,504.
    n = 40_009
    logits = torch.randn(n, 1, N_TOKENS).to(dtype)
    targets = torch.randint(N_TOKENS, (n, 1))
    found = score(logits, targets, ignore=-1)
    expected = F.cross_entropy(logits.double().flatten(0, 1), targets.flatten(), reduction="sum")
    assert found.loss.item() > 65_504
    assert found.loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_means_weigh_every_token_alike():
    # Of ten tokens nine have a loss of 1, which the mean of the two means would make 2.
    meter = Meter()
    meter.add(Scores(torch.tensor(9.0), torch.tensor(9), torch.tensor(9)))
    meter.add(Scores(torch.tensor(3.0), 0, 1))
    assert meter.means() == {"loss": 1.2, "accuracy": 0.9}


def test_batches_add_up_to_the_whole(batch):
    logits, targets = batch
    parts, whole = Meter(), Meter()
    for part in (slice(0, 1), slice(1, 4), slice(4, 5)):
        parts.add(score(logits[part], targets[part], ignore=PAD))
    whole.add(score(logits, targets, ignore=PAD))
    assert parts.means() == pytest.approx(whole.means())
    assert torch.equal(parts.targets, whole.targets) and parts.constant() == whole.constant()


def test_a_meter_without_a_scored_token_says_nothing():
    meter = Meter()
    assert meter.means() == {} and meter.constant() is None
    meter.add(score(torch.randn(2, 1, N_TOKENS), torch.full((2, 1), PAD), ignore=PAD))
    assert meter.means() == {} and meter.constant() is None


def test_a_meter_forgets():
    meter = Meter()
    meter.add(Scores(torch.tensor(3.0), 1, 2, torch.tensor([2, 0])))
    meter.reset()
    assert meter.means() == {} and meter.constant() is None
    meter.add(Scores(torch.tensor(1.0), 1, 1, torch.tensor([0, 1])))
    assert meter.means() == {"loss": 1.0, "accuracy": 1.0} and meter.constant() == (1, 1.0)


def test_the_best_constant_answer_by_hand():
    meter = Meter()
    for targets in ([1, 1, 2], [2, 3, 2]):
        meter.add(score(torch.randn(3, 1, 4), torch.tensor(targets).unsqueeze(1), ignore=0))
    # Token 2 is right three times out of six.
    assert meter.constant() == (2, 0.5)


def test_without_counted_targets_there_is_no_constant_answer():
    meter = Meter()
    meter.add(Scores(torch.tensor(3.0), 1, 2))
    assert meter.constant() is None


def test_a_meter_keeps_no_graph_and_adds_in_double_precision():
    # In single precision the small loss would be lost beside the large one.
    meter = Meter()
    large = torch.tensor(2.0**25, requires_grad=True)
    for loss in (large * 1.0, torch.tensor(1.0), torch.tensor(1.0)):
        meter.add(Scores(loss, 0, 1))
    assert type(meter.loss) is float and meter.loss == 2.0**25 + 2


def test_a_meter_goes_on_elsewhere(batch):
    logits, targets = batch
    whole, first, second = Meter(), Meter(), Meter()
    scored = score(logits, targets, ignore=PAD)
    for _ in range(2):
        whole.add(scored)
    first.add(scored)
    second.load_state_dict(first.state_dict())
    second.add(scored)
    assert second.means() == whole.means() and second.constant() == whole.constant()
    assert first.n_tokens == int(scored.n_tokens)


def test_a_loss_to_train_with_may_be_another_one_than_is_told(batch):
    logits, targets = batch
    plain = score(logits, targets, ignore=PAD)
    other = with_counts(plain.loss * 2, logits, targets, PAD, nll=plain.loss)
    assert other.loss == 2 * plain.loss and other.nll == plain.loss and plain.nll is None
    ours, theirs = Meter(), Meter()
    ours.add(other)
    theirs.add(plain)
    assert ours.means() == theirs.means() and ours.constant() == theirs.constant()


def test_the_perplexity_of_a_token():
    # Two tokens with log 8 and one with log 64: e to their mean, which is log 16
    meter = Meter()
    meter.add(Scores(torch.tensor(2 * math.log(8)), 1, 2))
    meter.add(Scores(torch.tensor(math.log(64)), 0, 1))
    assert meter.perplexity() == pytest.approx(16)
    meter.add(Scores(torch.tensor(9999.0), 0, 1))
    assert meter.perplexity() == math.inf
    # What is below zero is no cross-entropy.
    meter.reset()
    meter.add(Scores(torch.tensor(-3.0), 0, 2))
    assert math.isnan(meter.perplexity())
