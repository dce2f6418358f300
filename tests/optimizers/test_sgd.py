"""
# Tests of stochastic gradient descent

The trusted twin is torch's own, after every one of 100 updates with the same gradients.
"""

import copy
import json

import pytest
import torch

from labnn.optimizers import SGD
from tests.optimizers.test_adam import EXACT, N_IN, N_OUT, N_UPDATES, assert_same, make_params, run

OPTIONS = [
    dict(lr=1e-3),
    dict(lr=1e-3, weight_decay=0.3),
    dict(lr=1e-3, momentum=0.9),
    dict(lr=1e-3, momentum=0.7, weight_decay=0.3),
    dict(lr=1e-3, momentum=0.9, is_nesterov=True),
    dict(lr=1e-3, momentum=0.7, weight_decay=0.3, is_nesterov=True),
]


def torchs(params, is_nesterov=False, **options):
    """Torch's optimizer under our names"""
    return torch.optim.SGD(params, nesterov=is_nesterov, **options)


def walk(optimizer, param, grads):
    """Where a number is after each of its gradients"""
    places = []
    for grad in grads:
        param.grad = torch.tensor(grad, dtype=param.dtype)
        optimizer.step()
        places.append(param.item())
    return places


def number(value):
    return torch.tensor(value, dtype=torch.float64, requires_grad=True)


@pytest.mark.parametrize("options", OPTIONS)
def test_equals_torch_at_every_update(options):
    ours, theirs = SGD(make_params(), **options), torchs(make_params(), **options)
    for update in range(N_UPDATES):
        assert_same(run(ours, 1, first=update), run(theirs, 1, first=update), **EXACT)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_other_types_stay_what_they_are_and_near_torch(dtype):
    ours = run(SGD(make_params(dtype), **OPTIONS[-1]), 11)
    assert all(param.dtype == dtype for param in ours)
    tolerance = 1e-5 if dtype == torch.float32 else 0.02
    theirs = run(torchs(make_params(dtype), **OPTIONS[-1]), 11)
    assert_same(ours, theirs, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("is_nesterov", [False, True])
def test_groups_have_options_of_their_own(is_nesterov):
    def groups():
        a, b, c = make_params()
        return [dict(params=[a], lr=0.1), dict(params=[b, c], weight_decay=0.5, momentum=0.3)]

    options = dict(lr=0.01, momentum=0.9, is_nesterov=is_nesterov)
    assert_same(run(SGD(groups(), **options)), run(torchs(groups(), **options)), **EXACT)


def test_a_parameter_without_gradient_is_skipped_and_its_sum_stays():
    def skip(update, index):
        return index == 1 or (index == 0 and update % 3 == 0)

    options = dict(lr=0.01, momentum=0.9, weight_decay=0.1)
    before, mine = make_params(), SGD(make_params(), **options)
    after = run(mine, skip=skip)
    assert_same(after, run(torchs(make_params(), **options), skip=skip), **EXACT)
    assert torch.equal(after[1], before[1]) and after[1] not in mine.state


def test_a_schedule_changes_the_rate_of_the_whole_sum():
    def scheduled(make):
        optimizer = make(make_params(), lr=0.1, momentum=0.9, weight_decay=0.3)
        schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.9)
        for update in range(N_UPDATES):
            run(optimizer, 1, first=update)
            schedule.step()
        return run(optimizer, 1)

    assert_same(scheduled(SGD), scheduled(torchs), **EXACT)
    # With a rate of zero nothing moves, though the ball had speed.
    param = number(1.0)
    optimizer = SGD([param], lr=0.1, momentum=0.5)
    (before,) = walk(optimizer, param, [3.0])
    optimizer.param_groups[0]["lr"] = 0.0
    assert walk(optimizer, param, [0.0]) == [before]


@pytest.mark.parametrize("options, wanted", [
    # 1 - 0.1 * 3, and less 0.1 * 1
    (dict(), [0.7, 0.6]),
    # m = 3, then 1.5 + 1 = 2.5
    (dict(momentum=0.5), [0.7, 0.45]),
    # d = 3 + 1 = 4, m = 4; then d = 1 + 0.6 = 1.6, m = 2 + 1.6 = 3.6
    (dict(momentum=0.5, weight_decay=1.0), [0.6, 0.24]),
    # 3 + 0.5 * 3 = 4.5; then 1 + 0.5 * 2.5 = 2.25
    (dict(momentum=0.5, is_nesterov=True), [0.55, 0.325]),
    # d = 4, m = 4, step 4 + 2 = 6; then d = 1.4, m = 3.4, step 1.4 + 1.7 = 3.1
    (dict(momentum=0.5, weight_decay=1.0, is_nesterov=True), [0.4, 0.09]),
])  # fmt: skip
def test_by_hand(options, wanted):
    # $\theta = 1$, gradients 3 and then 1, $\alpha = 0.1$
    param = number(1.0)
    assert walk(SGD([param], lr=0.1, **options), param, [3.0, 1.0]) == pytest.approx(wanted)


def test_nesterov_walks_where_the_look_ahead_of_the_paper_is():
    # On the slope $f(x) = x^2$: the gradient is taken ahead, at $\phi + \mu v$.
    alpha, mu = 0.1, 0.8
    param, phi, velocity = number(1.0), 1.0, 0.0
    optimizer = SGD([param], lr=alpha, momentum=mu, is_nesterov=True)
    for _ in range(30):
        velocity = mu * velocity - alpha * 2 * (phi + mu * velocity)
        phi += velocity
        ahead = phi + mu * velocity
        assert walk(optimizer, param, [2 * param.item()]) == pytest.approx([ahead], abs=1e-12)


def test_nesterov_brakes_earlier():
    def furthest(is_nesterov):
        param = number(1.0)
        optimizer = SGD([param], lr=0.1, momentum=0.9, is_nesterov=is_nesterov)
        return min(walk(optimizer, param, [2 * param.item()])[0] for _ in range(100))

    assert furthest(False) < -0.5 < furthest(True) < 0


def test_gradients_that_agree_add_up_and_others_cancel_out():
    param = number(0.0)
    places = walk(SGD([param], lr=0.1, momentum=0.9), param, [1.0] * 300)
    assert places[-2] - places[-1] == pytest.approx(0.1 / (1 - 0.9))
    param = number(0.0)
    places = walk(SGD([param], lr=0.1, momentum=0.9), param, [1.0, -1.0] * 150)
    assert abs(places[-1] - places[-2]) == pytest.approx(0.1 / 1.9)


def test_equals_the_sum_of_the_paper_at_a_constant_rate():
    param, place, velocity = number(1.0), 1.0, 0.0
    grads = torch.randn(20, dtype=torch.float64).tolist()
    ours = walk(SGD([param], lr=0.1, momentum=0.9), param, grads)
    for grad, our in zip(grads, ours, strict=True):
        velocity = 0.9 * velocity - 0.1 * grad
        place += velocity
        assert our == pytest.approx(place, abs=1e-12)


def test_plain_descent_costs_no_memory():
    optimizer = SGD(make_params(), lr=0.1, weight_decay=0.1)
    run(optimizer, 2)
    assert not optimizer.state and optimizer.state_dict()["state"] == {}


@pytest.mark.parametrize("options", OPTIONS[1::2])
def test_a_saved_state_continues_bit_for_bit(options):
    through = run(SGD(make_params(torch.float32), **options), 23)

    first = SGD(make_params(torch.float32), **options)
    params = [param.detach().clone().requires_grad_() for param in run(first, 11)]
    saved = copy.deepcopy(first.state_dict())
    # The constructor says something else: what was saved counts.
    second = SGD(params, lr=0.5, momentum=0.1)
    second.load_state_dict(saved)
    continued = run(second, 12, first=11)
    assert all(torch.equal(one, two) for one, two in zip(through, continued, strict=True))


def test_all_state_but_the_tensors_is_json():
    optimizer = SGD(make_params(), lr=0.1, momentum=0.9, is_nesterov=True)
    run(optimizer, 2)
    saved = optimizer.state_dict()
    for state in saved["state"].values():
        assert set(state) == {"momentum_buffer"} and type(state["momentum_buffer"]) is torch.Tensor
    groups = json.loads(json.dumps(saved["param_groups"]))
    assert groups == saved["param_groups"]
    optimizer.load_state_dict({**saved, "param_groups": groups})
    run(optimizer, 1)


@pytest.mark.parametrize("options", OPTIONS[2::2])
def test_it_solves_a_regression(options):
    x, wanted = torch.randn(31, N_IN), torch.randn(N_IN, N_OUT)
    weight = torch.zeros(N_IN, N_OUT, requires_grad=True)
    optimizer = SGD([weight], **{**options, "lr": 0.1})
    for _ in range(300):
        loss = (x @ weight - x @ wanted).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    torch.testing.assert_close(weight.detach(), wanted, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("options, message", [
    (dict(momentum=1.0), "momentum must be from 0 up and below 1, not 1.0"),
    (dict(momentum=-0.1), "momentum .* not -0.1"),
    (dict(momentum=float("nan")), "momentum .* not nan"),
    (dict(is_nesterov=True), "is_nesterov is set and momentum is 0: give a momentum"),
])  # fmt: skip
def test_bad_options_are_refused_in_one_line(options, message):
    with pytest.raises(ValueError, match=message) as error:
        SGD(make_params(), **{"lr": 0.1, **options})
    assert "\n" not in str(error.value)
    # In a group as well, and then the group is not added
    a, b, _ = make_params()
    optimizer = SGD([a], lr=0.1)
    with pytest.raises(ValueError, match=message):
        optimizer.add_param_group(dict(params=[b], **options))
    assert len(optimizer.param_groups) == 1
