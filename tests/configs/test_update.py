import copy
import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from labnn.configs.device import MixedPrecision
from labnn.configs.scores import Scores
from labnn.configs.update import MAX_SKIPPED, TrainingError, Update
from tests.configs.tiny import equal, weights

N_IN, N_OUT, CLIP = 5, 3, 0.7
# Batches with different numbers of scored tokens; some have none
SIZES = [(7,), (2, 11, 5), (13, 1), (0, 5, 3), (0, 0, 7), (3, 0, 0)]


def scores(model, x, y):
    """Summed squares in the precision of the model; the last row is not scored, like padding"""
    n = len(x) - 1
    is_scored = (torch.arange(len(x)) < n).unsqueeze(-1)
    return Scores(((model(x) - y).pow(2) * is_scored).sum(), n // 2, n)


def data(sizes, dtype=torch.float64):
    shapes = [(n + 1, width) for n in sizes for width in (N_IN, N_OUT)]
    found = [torch.randn(shape, dtype=dtype) for shape in shapes]
    return list(zip(found[::2], found[1::2], strict=True))


def scored(parts):
    """The rows of all batches that are scored"""
    return (torch.cat([row[:-1] for row in rows]) for rows in zip(*parts, strict=True))


def make(clip=0.0, precision="fp32", dtype=torch.float64, lr=0.1, **others):
    torch.manual_seed(1)
    model = nn.Linear(N_IN, N_OUT).to(dtype)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.5)
    mixed = MixedPrecision(precision, torch.device("cpu"))
    return model, Update(model, optimizer=optimizer, precision=mixed, grad_norm_clip=clip, **others)


def by_hand(model, parts, clip=0.0):
    """One update over all parts at once, with torch alone"""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.5)
    x, y = scored(parts)
    loss = (model(x) - y).pow(2).sum() / max(len(x), 1)
    loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), clip or math.inf)
    optimizer.step()
    return loss.item(), norm.item()


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("clip", [0.0, CLIP])
def test_several_batches_are_one_large_one(sizes, clip):
    model, update = make(clip)
    twin = copy.deepcopy(model)
    parts = data(sizes)
    for part in parts:
        update.backward(scores(model, *part))
    values = update.step("here")

    loss, norm = by_hand(twin, parts, clip)
    for ours, theirs in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-14)
    assert values["loss"] == pytest.approx(loss, rel=1e-12)
    assert values["grad_norm"] == pytest.approx(norm, rel=1e-9)


def test_batches_do_not_weigh_alike():
    # With a token each the mean of the two means is the mean; with 1 and 3 tokens it is not.
    model, update = make(lr=1.0)
    with torch.no_grad():
        model.weight.zero_(), model.bias.zero_()
    for n, y in ((1, 4.0), (3, 0.0)):
        x = torch.zeros(n + 1, N_IN, dtype=torch.float64)
        update.backward(scores(model, x, torch.full((n + 1, N_OUT), y).double()))
    update.step("here")
    # The gradient of the bias is the mean of -2 y over four tokens: -2.
    torch.testing.assert_close(model.bias.detach(), torch.full((N_OUT,), 2.0).double())


def test_updates_follow_each_other():
    model, update = make()
    twin = copy.deepcopy(model)
    optimizer = torch.optim.SGD(twin.parameters(), lr=0.1, momentum=0.5)
    # Fewer tokens each time, and more
    for sizes in ((13, 1), (7,), (3, 0, 0), (2, 11, 5)):
        parts = data(sizes)
        for part in parts:
            update.backward(scores(model, *part))
        values = update.step("here")
        assert all(p.grad is None for p in model.parameters())
        assert values["accuracy"] == sum(n // 2 for n in sizes) / sum(sizes)

        optimizer.zero_grad()
        x, y = scored(parts)
        ((twin(x) - y).pow(2).sum() / len(x)).backward()
        optimizer.step()
    for ours, theirs in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-14)


def test_a_single_batch_has_the_bits_of_a_plain_step():
    model, update = make(dtype=torch.float32)
    twin = copy.deepcopy(model)
    parts = data([7], torch.float32)
    update.backward(scores(model, *parts[0]))
    update.step("here")
    by_hand(twin, parts)
    assert equal(weights(model), weights(twin))


@pytest.mark.parametrize("clip, is_clipped", [(0.0, False), (1e9, False), (CLIP, True)])
def test_clipping(clip, is_clipped):
    model, update = make(clip)
    found = {}

    def look():
        found["norm"] = torch.cat([p.grad.flatten() for p in model.parameters()]).norm().item()

    update.backward(scores(model, *data([7])[0]))
    values = update.step("here", look)
    # What is tracked is the norm before clipping.
    assert values["grad_norm"] > CLIP
    expected = clip if is_clipped else values["grad_norm"]
    assert found["norm"] == pytest.approx(expected, rel=1e-5)


def test_a_batch_without_a_scored_token_moves_nothing():
    model, update = make()
    before = weights(model)
    update.backward(scores(model, *data([0])[0]))
    values = update.step("here")
    assert values == {"grad_norm": 0.0} and equal(weights(model), before)


def test_before_the_step_gradients_are_final_and_weights_are_old():
    model, update = make(CLIP)
    before, seen = weights(model), []

    def look():
        assert equal(weights(model), before)
        seen.append([p.grad.clone() for p in model.parameters()])

    for part in data([2, 11]):
        update.backward(scores(model, *part))
    update.step("here", look)
    # The first step of SGD is the rate times the gradient.
    moved = [(b - a) / 0.1 for b, a in zip(before, weights(model), strict=True)]
    for ours, theirs in zip(seen[0], moved, strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("n_before", [0, 1])
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_a_loss_that_is_no_number_stops_before_the_update(bad, n_before, precision):
    model, update = make(precision=precision, dtype=torch.float32)
    for _ in range(n_before):
        update.backward(scores(model, *data([7], torch.float32)[0]))
        update.step("epoch 1, batch 1")
    before = weights(model)
    state = copy.deepcopy(update.optimizer.state_dict())
    # The second of two batches is bad.
    for factor in (1.0, bad):
        good = scores(model, *data([7], torch.float32)[0])
        update.backward(Scores(good.loss * factor, good.n_correct, good.n_tokens))
    with pytest.raises(TrainingError) as caught:
        update.step("epoch 1, batch 2", lambda: pytest.fail("too far"))
    message = str(caught.value)
    assert message.startswith(f"the loss is {bad} at epoch 1, batch 2, after ")
    assert "learning_rate" in message and "\n" not in message
    assert equal(weights(model), before)
    after = update.optimizer.state_dict()
    assert repr(after) == repr(state)


def test_the_message_says_what_the_loss_was_before():
    model, update = make()
    update.backward(scores(model, *data([7])[0]))
    loss = update.step("here")["loss"]
    update.backward(Scores(next(model.parameters()).sum() * math.nan, 0, 1))
    with pytest.raises(TrainingError, match=f"after {loss:.4g}, at a learning rate of 0.1;"):
        update.step("there")


class Root(nn.Module):
    """The root of a square has no gradient at zero, though its value is finite."""

    def __init__(self):
        super().__init__()
        self.first = nn.Parameter(torch.tensor([1.0, 2.0]))
        self.second = nn.Parameter(torch.tensor([0.0, 3.0]))

    def forward(self):
        return self.first.sum() + self.second.pow(2).sqrt().sum()


@pytest.mark.parametrize("clip", [0.0, CLIP])
def test_a_gradient_that_is_no_number_stops_and_is_named(clip):
    model = Root()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    mixed = MixedPrecision("fp32", torch.device("cpu"))
    update = Update(model, optimizer=optimizer, precision=mixed, grad_norm_clip=clip)
    before = weights(model)
    update.backward(Scores(model(), 0, 2))
    with pytest.raises(TrainingError) as caught:
        update.step("epoch 3, batch 5", lambda: pytest.fail("too far"))
    message = str(caught.value)
    assert "the gradient of second is not finite at epoch 3, batch 5" in message
    assert "a loss of 3" in message and "\n" not in message
    assert equal(weights(model), before)


def test_an_infinite_gradient_stops_as_well():
    model, update = make(CLIP)
    before = weights(model)
    update.backward(scores(model, *data([7])[0]))
    model.bias.grad[1] = math.inf
    with pytest.raises(TrainingError, match="the gradient of bias is not finite"):
        update.step("here")
    assert equal(weights(model), before)


def test_the_scale_of_half_precision_cancels_out():
    model, update = make(CLIP, precision="fp16", dtype=torch.float32)
    twin = copy.deepcopy(model)
    parts = data([2, 11, 5], torch.float32)
    for part in parts:
        update.backward(scores(model, *part))
    values = update.step("here")
    loss, norm = by_hand(twin, parts, CLIP)
    for ours, theirs in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)
    assert (values["loss"], values["grad_norm"]) == pytest.approx((loss, norm))


def test_an_overflow_of_half_precision_skips_a_step_and_lowers_the_scale():
    model, update = make(precision="fp16", dtype=torch.float32)
    update.backward(scores(model, *data([7], torch.float32)[0]))
    model.weight.grad[0, 0] = math.inf
    before, scale = weights(model), update.precision.scaler.get_scale()
    # There is nothing to track.
    assert update.step("here") == {}
    assert equal(weights(model), before)
    assert update.precision.scaler.get_scale() == scale / 2
    # The next one counts.
    update.backward(scores(model, *data([7], torch.float32)[0]))
    update.step("here")
    assert not equal(weights(model), before)


def test_half_precision_that_overflows_at_any_scale_stops():
    model, update = make(precision="fp16", dtype=torch.float32)
    before = weights(model)
    with pytest.raises(TrainingError, match="not finite at batch 17, however small") as caught:
        for batch in range(1, 31):
            update.backward(scores(model, *data([7], torch.float32)[0]))
            model.weight.grad[0, 0] = math.nan
            update.step(f"batch {batch}")
    # From a scale of 2 to the 16th to one below 1
    assert "try precision=fp32" in str(caught.value) and equal(weights(model), before)


def test_frozen_parameters_stay():
    model, update = make()
    model.weight.requires_grad_(False)
    before = weights(model)
    update.backward(scores(model, *data([7])[0]))
    update.step("here")
    assert torch.equal(model.weight, before[0]) and not torch.equal(model.bias, before[1])


@pytest.mark.parametrize("value", [100.0, math.nan])
def test_what_the_optimizer_does_not_change_does_not_count(value):
    # It keeps its gradient from update to update, so it would count more each time.
    model, update = make(CLIP)
    update.optimizer.param_groups[0]["params"].remove(model.weight)
    twin = copy.deepcopy(model)
    twin.weight.requires_grad_(False)
    model.weight.grad = torch.full_like(model.weight, value)
    part = data([7])[0]
    update.backward(scores(model, *part))
    values = update.step("here")
    optimizer = torch.optim.SGD([twin.bias], lr=0.1, momentum=0.5)
    (scores(twin, *part).loss / 7).backward()
    norm = nn.utils.clip_grad_norm_([twin.bias], CLIP)
    optimizer.step()
    assert values["grad_norm"] == pytest.approx(norm.item(), rel=1e-9)
    torch.testing.assert_close(model.bias, twin.bias)


def test_it_can_fit():
    model, update = make(1.0)
    x = torch.randn(7, N_IN, dtype=torch.float64)
    y = F.linear(x, torch.randn(N_OUT, N_IN, dtype=torch.float64))
    losses = []
    for _ in range(200):
        for part in (slice(0, 3), slice(2, 7)):
            update.backward(scores(model, x[part], y[part]))
        losses.append(update.step("here")["loss"])
    assert losses[-1] < losses[0] / 100


def bad_scores(model, kind):
    """A loss, or only a gradient, that is not finite"""
    if kind == "loss":
        return Scores(next(model.parameters()).sum() * math.nan, 0, 1)
    weight = next(model.parameters())
    return Scores((weight * 0).sum().sqrt(), 0, 1)


@pytest.mark.parametrize("kind", ["loss", "gradient"])
def test_an_update_that_is_not_finite_may_be_skipped(kind):
    model, update = make(is_skipping=True)
    # What was added before it in the same update goes as well.
    update.backward(scores(model, *data([7])[0]))
    update.backward(bad_scores(model, kind))
    before = weights(model)
    assert update.step("here", lambda: pytest.fail("too far")) == {}
    assert "not finite are skipped" in update.skipped
    assert equal(weights(model), before) and update.unit == 0 and update.n_skipped == 1
    assert all(p.grad is None for p in model.parameters())
    # The next update is as if there had been none.
    twin, other = make()
    (batch,) = data([5])
    for one, its in ((model, update), (twin, other)):
        its.backward(scores(one, *batch))
        its.step("there")
    assert equal(weights(model), weights(twin))


def test_ten_in_a_row_are_no_accident():
    model, update = make(is_skipping=True)
    for _ in range(MAX_SKIPPED - 1):
        update.backward(bad_scores(model, "loss"))
        assert update.step("here") == {}
    # One that is finite begins the row anew.
    update.backward(scores(model, *data([7])[0]))
    assert update.step("here")
    for _ in range(MAX_SKIPPED):
        update.backward(bad_scores(model, "loss"))
        assert update.step("here") == {}
    update.backward(bad_scores(model, "loss"))
    with pytest.raises(TrainingError, match=f"{MAX_SKIPPED} updates before it were skipped"):
        update.step("here")
    assert update.n_skipped == 2 * MAX_SKIPPED - 1


def test_an_update_that_is_not_finished_goes_on_elsewhere():
    first, second = data([7, 3])
    model, update = make()
    update.backward(scores(model, *first))
    state = copy.deepcopy(update.state_dict())
    twin, other = make()
    for name, parameter in twin.named_parameters():
        parameter.grad = dict(model.named_parameters())[name].grad.clone()
    other.load_state_dict(state)
    values = []
    for one, its in ((model, update), (twin, other)):
        its.backward(scores(one, *second))
        values.append(its.step("here"))
    assert values[0] == values[1] and equal(weights(model), weights(twin))
    assert update.last_loss == other.last_loss
