"""
# Tests of NovoGrad

Torch has no twin. The rule is worked out by hand for three updates, and written out in plain
numbers for many.
"""

import copy
import json
import math

import pytest
import torch

from labnn.optimizers import SGD, NovoGrad
from tests.optimizers.test_adam import EXACT, N_IN, N_OUT, assert_same, make_params, run

OPTIONS = [
    dict(lr=0.01),
    dict(lr=0.01, weight_decay=0.3),
    dict(lr=0.01, betas=(0.8, 0.98), eps=1e-2, weight_decay=0.3),
    dict(lr=0.1, weight_decay=0.3, is_averaged=True),
    dict(lr=0.1, betas=(0.0, 0.0)),
]


def walk(optimizer, param, grads):
    """Where a vector is after each of its gradients"""
    places = []
    for grad in grads:
        param.grad = torch.tensor(grad, dtype=param.dtype)
        optimizer.step()
        places.append(param.tolist())
    return places


def vector(*values):
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


# Lengths 4, sqrt(128) and 10: with $\beta_2 = 0.25$ the means are 16, 4 + 96 = 100 and
# 25 + 75 = 100, so the divisors are 4, 10 and 10.
GRADS = [(4.0, 0.0), (8.0, 8.0), (6.0, -8.0)]


@pytest.mark.parametrize("options, wanted", [
    # m = (1, 0), (0.5, 0) + (0.8, 0.8), (0.65, 0.4) + (0.6, -0.8)
    (dict(), [(1.9, -1.0), (1.77, -1.08), (1.645, -1.04)]),
    # m = (1, 0) + (1, -0.5) = (2, -0.5)
    # m = (1, -0.25) + (0.8, 0.8) + (0.9, -0.475) = (2.7, 0.075)
    # m = (1.35, 0.0375) + (0.6, -0.8) + (0.765, -0.47875) = (2.715, -1.24125)
    (dict(weight_decay=0.5), [(1.8, -0.95), (1.53, -0.9575), (1.2585, -0.833375)]),
    # m = half of (2, -0.5), then (0.5, -0.125) + half of (0.8 + 0.95, 0.8 - 0.4875)
    # = (1.375, 0.03125), then (0.6875, 0.015625) + half of (0.6 + 0.88125, -0.8 - 0.4890625)
    # = (1.428125, -0.62890625)
    (
        dict(weight_decay=0.5, is_averaged=True),
        [(1.9, -0.975), (1.7625, -0.978125), (1.6196875, -0.915234375)],
    ),
])  # fmt: skip
def test_by_hand(options, wanted):
    # $\theta = (2, -1)$, $\alpha = 0.1$, $\beta_1 = 0.5$
    param = vector(2.0, -1.0)
    optimizer = NovoGrad([param], lr=0.1, betas=(0.5, 0.25), eps=0.0, **options)
    for place, right in zip(walk(optimizer, param, GRADS), wanted, strict=True):
        assert place == pytest.approx(right, rel=1e-12)
    assert optimizer.state[param]["norm_sq_avg"].item() == pytest.approx(100.0)


@pytest.mark.parametrize("options", OPTIONS)
def test_equals_the_equation_written_out(options):
    conf = {**dict(betas=(0.95, 0.25), eps=1e-8, weight_decay=0.0, is_averaged=False), **options}
    (beta1, beta2), decay = conf["betas"], conf["weight_decay"]
    gamma = 1 - beta1 if conf["is_averaged"] else 1.0
    params = make_params()
    optimizer = NovoGrad(params, **options)
    thetas = [param.detach().flatten().tolist() for param in params]
    means, sums = [None] * 3, [[0.0] * len(theta) for theta in thetas]
    for t in range(30):
        run(optimizer, 1, first=t)
        for index, param in enumerate(params):
            g = param.grad.flatten().tolist()
            norm_sq = math.fsum(x * x for x in g)
            v = norm_sq if t == 0 else beta2 * means[index] + (1 - beta2) * norm_sq
            m = [
                beta1 * old + gamma * (x / (math.sqrt(v) + conf["eps"]) + decay * w)
                for old, x, w in zip(sums[index], g, thetas[index], strict=True)
            ]
            means[index], sums[index] = v, m
            thetas[index] = [
                w - conf["lr"] * x for w, x in zip(thetas[index], m, strict=True)
            ]  # fmt: skip
    for param, theta in zip(params, thetas, strict=True):
        assert param.detach().flatten().tolist() == pytest.approx(theta, rel=1e-11, abs=1e-12)


def test_the_usual_values_are_the_defaults():
    (group,) = NovoGrad(make_params(), lr=0.1).param_groups
    del group["params"]
    assert group == dict(
        lr=0.1, betas=(0.95, 0.25), eps=1e-8, weight_decay=0.0, is_averaged=False
    )  # fmt: skip


def test_it_is_momentum_on_gradients_of_length_one():
    # With $\beta_2 = 0$ every gradient is divided by its own length.
    ours, theirs = make_params(), make_params()
    novograd = NovoGrad(ours, lr=0.01, betas=(0.9, 0.0), eps=0.0)
    sgd = SGD(theirs, lr=0.01, momentum=0.9)
    for update in range(30):
        run(novograd, 1, first=update)
        for one, two in zip(ours, theirs, strict=True):
            two.grad = one.grad / one.grad.norm()
        sgd.step()
    assert_same(ours, theirs, **EXACT)


@pytest.mark.parametrize("is_averaged, length", [(False, 0.1), (True, 0.1 * 0.05)])
def test_the_first_step_has_one_length_for_every_tensor(is_averaged, length):
    before = make_params()
    optimizer = NovoGrad(make_params(), lr=0.1, eps=0.0, is_averaged=is_averaged)
    # The gradients of the three differ in scale by a factor of a million.
    for old, new in zip(before, run(optimizer, 1), strict=True):
        assert (new - old).norm().item() == pytest.approx(length)


@pytest.mark.parametrize("is_averaged, steps", [(False, 20), (True, 1)])
def test_gradients_that_agree_add_up_to_20_steps_or_to_one(is_averaged, steps):
    param = vector(0.0, 0.0)
    places = walk(
        NovoGrad([param], lr=0.1, is_averaged=is_averaged), param, [(3.0, 4.0)] * 500
    )  # fmt: skip
    assert math.dist(places[-1], places[-2]) == pytest.approx(0.1 * steps, rel=1e-6)


def test_the_mean_is_the_sum_at_a_rate_20_times_smaller():
    def end(**options):
        # Decay is in the sum, so it is scaled with it.
        return run(NovoGrad(make_params(), weight_decay=0.3, **options), 30)

    assert_same(end(lr=0.01), end(lr=0.2, is_averaged=True), **EXACT)


@pytest.mark.parametrize("options", [dict(), dict(weight_decay=0.3)])
def test_the_scale_of_the_gradient_does_not_matter(options):
    def end(scale):
        param = vector(1.0, 2.0, 3.0)
        generator = torch.Generator().manual_seed(3)
        grads = torch.randn(20, 3, generator=generator, dtype=torch.float64) * scale
        return walk(NovoGrad([param], lr=0.01, eps=0.0, **options), param, grads.tolist())[-1]

    assert end(1.0) == pytest.approx(end(1e6), rel=1e-12)


def test_a_first_gradient_of_zeros_does_not_lengthen_the_second_step():
    param = vector(1.0, 1.0)
    optimizer = NovoGrad([param], lr=0.1, betas=(0.5, 0.98))
    places = walk(optimizer, param, [(0.0, 0.0), (0.0, 0.0), (3.0, 4.0)])
    assert places[0] == places[1] == [1.0, 1.0]
    # From a mean of zero the divisor would be $\sqrt{0.02 \cdot 25}$, and the step 7 times this.
    assert places[2] == pytest.approx([1 - 0.06, 1 - 0.08])
    assert optimizer.state[param]["norm_sq_avg"].item() == pytest.approx(25.0)


def test_tensors_of_a_layer_have_lengths_of_their_own():
    layer = torch.nn.Linear(N_IN, N_OUT).double()
    optimizer = NovoGrad(layer.parameters(), lr=0.1)
    layer.weight.grad = torch.full_like(layer.weight, 100.0)
    layer.bias.grad = torch.full_like(layer.bias, 0.01)
    optimizer.step()
    means = [optimizer.state[param]["norm_sq_avg"].item() for param in layer.parameters()]
    assert means == pytest.approx([15 * 1e4, 3 * 1e-4])


def test_it_keeps_half_of_what_adam_keeps():
    optimizer = NovoGrad(make_params(), lr=0.1)
    for param in run(optimizer, 2):
        shapes = {name: value.shape for name, value in optimizer.state[param].items()}
        assert shapes == {"norm_sq_avg": torch.Size([]), "momentum_buffer": param.shape}


def test_groups_have_options_of_their_own():
    a, b, _ = make_params()
    mixed = NovoGrad([dict(params=[a], lr=0.1), dict(params=[b], weight_decay=0.5)], lr=0.01)
    run(mixed, 7)
    alone = make_params()
    first = run(NovoGrad([alone[0]], lr=0.1), 7)[0]
    assert torch.equal(a, first)
    # The second parameter has gradients of its own in `run`, so it is followed beside another.
    second = NovoGrad([dict(params=[alone[2]]), dict(params=[alone[1]])], lr=0.01, weight_decay=0.5)
    run(second, 7)
    assert torch.equal(b, alone[1])


def test_a_parameter_without_gradient_is_skipped_and_does_not_age():
    before = make_params()
    optimizer = NovoGrad(make_params(), lr=0.1, weight_decay=0.5)
    after = run(optimizer, 7, skip=lambda update, index: index == 1)
    assert torch.equal(after[1], before[1]) and after[1] not in optimizer.state

    # Two gradients with a pause between them are two gradients.
    def walked(skipped):
        param = vector(2.0, -1.0)
        optimizer = NovoGrad([param], lr=0.1, weight_decay=0.5)
        walk(optimizer, param, GRADS[:1])
        if skipped:
            param.grad = None
            optimizer.step()
        return walk(optimizer, param, GRADS[1:])

    assert walked(True) == walked(False)


def test_a_schedule_changes_the_rate_of_the_whole_sum():
    param = vector(2.0, -1.0)
    optimizer = NovoGrad([param], lr=0.1, weight_decay=0.5)
    (before,) = walk(optimizer, param, GRADS[:1])
    optimizer.param_groups[0]["lr"] = 0.0
    assert walk(optimizer, param, GRADS[1:2]) == [before]


@pytest.mark.parametrize("options", OPTIONS[2:4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_saved_state_continues_bit_for_bit(dtype, options):
    through = run(NovoGrad(make_params(dtype), **options), 23)

    first = NovoGrad(make_params(dtype), **options)
    params = [param.detach().clone().requires_grad_() for param in run(first, 11)]
    saved = copy.deepcopy(first.state_dict())
    # The constructor says something else: what was saved counts.
    second = NovoGrad(params, lr=0.5, betas=(0.1, 0.2))
    second.load_state_dict(saved)
    continued = run(second, 12, first=11)
    assert all(torch.equal(one, two) for one, two in zip(through, continued, strict=True))


def test_all_state_but_the_tensors_is_json():
    optimizer = NovoGrad(make_params(), lr=0.1)
    run(optimizer, 2)
    saved = optimizer.state_dict()
    for state in saved["state"].values():
        assert all(type(value) is torch.Tensor for value in state.values())
    # A tuple comes back from JSON as a list, and serves as well.
    groups = json.loads(json.dumps(saved["param_groups"]))
    optimizer.load_state_dict({**saved, "param_groups": groups})
    run(optimizer, 1)


@pytest.mark.parametrize("is_averaged, rate", [(False, 0.05), (True, 1.0)])
def test_it_solves_a_regression(is_averaged, rate):
    x, wanted = torch.randn(31, N_IN), torch.randn(N_IN, N_OUT)
    weight = torch.zeros(N_IN, N_OUT, requires_grad=True)
    optimizer = NovoGrad([weight], lr=rate, is_averaged=is_averaged)
    # Steps do not shrink with the gradient, so the rate has to.
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.97)
    for _ in range(300):
        loss = (x @ weight - x @ wanted).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    torch.testing.assert_close(weight.detach(), wanted, rtol=1e-2, atol=1e-2)
