"""
# Tests of Adam and AdamW

The trusted twin is torch's own, over 100 updates of the same parameters with the same gradients.
"""

import copy
import json
import math

import pytest
import torch

from labnn.optimizers import Adam, AdamW, adam

# Distinct primes
N_IN, N_OUT, N_UPDATES = 5, 3, 100
TWINS = [(Adam, torch.optim.Adam), (AdamW, torch.optim.AdamW)]
EXACT = dict(rtol=1e-12, atol=1e-12)


def make_params(dtype=torch.float64):
    """A matrix, a vector and a number."""
    generator = torch.Generator().manual_seed(3)
    shapes = [(N_IN, N_OUT), (N_OUT,), ()]
    params = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]
    return [param.to(dtype).requires_grad_() for param in params]


def run(optimizer, n_updates=N_UPDATES, first=0, skip=lambda update, index: False):
    """Gradients that are a function of update and index, with very different scales."""
    params = [param for group in optimizer.param_groups for param in group["params"]]
    for update in range(first, first + n_updates):
        for index, param in enumerate(params):
            generator = torch.Generator().manual_seed(1000 * update + index)
            grad = torch.randn(param.shape, generator=generator, dtype=torch.float64)
            param.grad = (grad * 10.0 ** (3 * index - 4)).to(param.dtype)
            if skip(update, index):
                param.grad = None
        optimizer.step()
    return params


def assert_same(ours, theirs, **tolerance):
    for one, two in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one.detach(), two.detach(), **tolerance)


@pytest.mark.parametrize("options", [
    dict(),
    dict(lr=0.1, weight_decay=0.3),
    dict(lr=0.01, betas=(0.5, 0.9), eps=1e-3, weight_decay=0.0),
    dict(lr=0.01, betas=(0.0, 0.0), eps=1e-2),
])  # fmt: skip
@pytest.mark.parametrize("ours, theirs", TWINS)
def test_equals_torch(ours, theirs, options):
    assert_same(run(ours(make_params(), **options)), run(theirs(make_params(), **options)), **EXACT)
    single = torch.float32
    assert_same(
        run(ours(make_params(single), **options)), run(theirs(make_params(single), **options)),
        rtol=1e-5, atol=1e-6,
    )  # fmt: skip


@pytest.mark.parametrize("ours, theirs", TWINS)
def test_the_defaults_are_those_of_torch(ours, theirs):
    mine, torchs = ours(make_params()).defaults, theirs(make_params()).defaults
    assert mine == {name: torchs[name] for name in mine}


@pytest.mark.parametrize("ours, theirs", TWINS)
def test_groups_have_options_of_their_own(ours, theirs):
    def groups():
        a, b, c = make_params()
        return [dict(params=[a], lr=0.1), dict(params=[b, c], weight_decay=0.5, betas=(0.8, 0.9))]

    assert_same(run(ours(groups(), lr=0.01)), run(theirs(groups(), lr=0.01)), **EXACT)


@pytest.mark.parametrize("ours, theirs", TWINS)
def test_a_parameter_without_gradient_is_skipped_and_does_not_age(ours, theirs):
    def skip(update, index):
        return index == 1 or (index == 0 and update % 3 == 0)

    before = make_params()
    mine = ours(make_params(), weight_decay=0.1)
    after = run(mine, skip=skip)
    assert_same(after, run(theirs(make_params(), weight_decay=0.1), skip=skip), **EXACT)
    assert torch.equal(after[1], before[1]) and after[1] not in mine.state
    assert [mine.state[p]["step"] for p in (after[0], after[2])] == [66, 100]


@pytest.mark.parametrize("ours, theirs", TWINS)
def test_a_schedule_changes_the_rate_and_the_decay(ours, theirs):
    def scheduled(make):
        optimizer = make(make_params(), lr=0.1, weight_decay=0.3)
        schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.9)
        for update in range(N_UPDATES):
            run(optimizer, 1, first=update)
            schedule.step()
        return run(optimizer, 1)

    assert_same(scheduled(ours), scheduled(theirs), **EXACT)


def test_by_hand():
    # $\theta = 1$, gradients 3 and then 1, $\alpha = 0.1$, $\beta_1 = 0.5$, $\beta_2 = 0.75$:
    # m = 1.5, v = 2.25, corrected 3 and 9, step 0.1 * 3 / 3 = 0.1
    # m = 1.25, v = 1.9375, corrected 1.25 / 0.75 and 1.9375 / 0.4375
    param = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    optimizer = Adam([param], lr=0.1, betas=(0.5, 0.75), eps=0.0)
    for grad, wanted in [(3.0, 0.9), (1.0, 0.9 - 0.1 * (5 / 3) / math.sqrt(31 / 7))]:
        param.grad = torch.tensor(grad, dtype=torch.float64)
        optimizer.step()
        assert param.item() == pytest.approx(wanted, rel=1e-14)


def test_equals_the_equation_written_out():
    # In the order of the page, with every correction made where it stands
    alpha, beta1, beta2, eps = 0.01, 0.8, 0.95, 1e-2
    (param, *_), theta = make_params(), make_params()[0].detach()
    optimizer = Adam([param], lr=alpha, betas=(beta1, beta2), eps=eps)
    m, v = torch.zeros_like(theta), torch.zeros_like(theta)
    for t in range(1, 30):
        run(optimizer, 1, first=t)
        g = param.grad
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
        theta = theta - alpha * (m / (1 - beta1**t)) / ((v / (1 - beta2**t)).sqrt() + eps)
    assert_same([param], [theta], **EXACT)


def test_the_first_step_is_the_rate_and_would_be_three_times_it():
    param = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    optimizer = Adam([param], lr=0.1, eps=0.0)
    param.grad = torch.tensor([1e-6, -2.0, 1e6], dtype=torch.float64)
    optimizer.step()
    assert_same([param], [torch.tensor([-0.1, 0.1, -0.1], dtype=torch.float64)], **EXACT)
    state = optimizer.state[param]
    uncorrected = state["exp_avg"] / state["exp_avg_sq"].sqrt()
    assert uncorrected.abs().tolist() == pytest.approx([math.sqrt(10)] * 3)


def test_the_scale_of_the_gradient_does_not_matter():
    def walk(scale):
        param = torch.zeros(N_IN, dtype=torch.float64, requires_grad=True)
        optimizer = Adam([param], eps=0.0)
        for update in range(20):
            generator = torch.Generator().manual_seed(update)
            param.grad = scale * torch.randn(N_IN, generator=generator, dtype=torch.float64)
            optimizer.step()
        return param

    assert_same([walk(1.0)], [walk(1e6)], **EXACT)


def shrink(make, scale):
    """Where a weight of 1 ends under gradients of `scale` that cancel each other out."""
    param = torch.ones((), dtype=torch.float64, requires_grad=True)
    optimizer = make([param], lr=0.01, weight_decay=0.1)
    for update in range(100):
        param.grad = torch.tensor(scale * (-1.0) ** update, dtype=torch.float64)
        optimizer.step()
    return param.item()


def test_decoupled_decay_shrinks_all_weights_alike():
    # Without a gradient nothing else happens: one factor a step.
    assert shrink(AdamW, 0.0) == pytest.approx((1 - 0.01 * 0.1) ** 100, rel=1e-12)
    assert shrink(AdamW, 1.0) == pytest.approx(shrink(AdamW, 1000.0), rel=1e-6)
    # The penalty shrinks a weight with large gradients hardly at all.
    assert shrink(Adam, 0.1) < 0.8 < 0.98 < shrink(Adam, 1000.0)


@pytest.mark.parametrize("make", [Adam, AdamW])
def test_a_saved_state_continues_bit_for_bit(make):
    through = run(make(make_params(torch.float32), lr=0.01, weight_decay=0.1), 23)

    first = make(make_params(torch.float32), lr=0.01, weight_decay=0.1)
    params = [param.detach().clone().requires_grad_() for param in run(first, 11)]
    saved = copy.deepcopy(first.state_dict())
    # The constructor says something else: what was saved counts.
    second = make(params, lr=0.5)
    second.load_state_dict(saved)
    continued = run(second, 12, first=11)
    assert all(torch.equal(one, two) for one, two in zip(through, continued, strict=True))


def test_all_state_but_the_tensors_is_json():
    optimizer = Adam(make_params())
    run(optimizer, 2)
    saved = optimizer.state_dict()
    for state in saved["state"].values():
        assert set(state) == {"step", "exp_avg", "exp_avg_sq"}
        assert type(state["step"]) is int
    rest = [
        {name: value for name, value in state.items() if not isinstance(value, torch.Tensor)}
        for state in saved["state"].values()
    ]
    assert json.loads(json.dumps(rest)) == [{"step": 2}] * 3
    # A tuple comes back from JSON as a list, and serves as well.
    groups = json.loads(json.dumps(saved["param_groups"]))
    optimizer.load_state_dict({**saved, "param_groups": groups})
    run(optimizer, 1)


def test_bfloat16_stays_near_torch():
    dtype = torch.bfloat16
    ours = run(Adam(make_params(dtype), lr=0.01))
    theirs = run(torch.optim.Adam(make_params(dtype), lr=0.01))
    assert all(param.dtype == dtype for param in ours)
    assert_same(ours, theirs, rtol=0.05, atol=0.05)


@pytest.mark.parametrize("make", [Adam, AdamW])
def test_it_solves_a_regression(make):
    x = torch.randn(31, N_IN)
    wanted = torch.randn(N_IN, N_OUT)
    weight = torch.zeros(N_IN, N_OUT, requires_grad=True)
    optimizer = make([weight], lr=0.1, weight_decay=0.0)
    for _ in range(300):
        loss = (x @ weight - x @ wanted).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    torch.testing.assert_close(weight.detach(), wanted, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("make", [Adam, AdamW])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_fused_update_and_the_equations_agree(make, dtype, monkeypatch):
    options = dict(lr=0.01, weight_decay=0.3)
    skip = lambda update, index: update % 3 == index  # noqa: E731
    fused = run(make(make_params(dtype), **options), skip=skip)
    monkeypatch.setattr(adam, "is_fusible", lambda param: False)
    plain = run(make(make_params(dtype), **options), skip=skip)
    tolerance = EXACT if dtype == torch.float64 else dict(rtol=1e-5, atol=1e-6)
    assert_same(fused, plain, **tolerance)


def test_the_usual_parameters_are_fused_and_others_are_not(monkeypatch):
    seen = []
    monkeypatch.setattr(Adam, "update", lambda self, param, group: seen.append(param))
    strided = torch.randn(3, 5).T.requires_grad_()
    strided.grad = torch.randn(3, 5).T
    params = [*make_params(torch.float32), strided, *make_params(torch.bfloat16)]
    for param in params:
        param.grad = torch.ones_like(param) if param.grad is None else param.grad
    Adam(params).step()
    assert [id(param) for param in seen] == [id(param) for param in params[3:]]


def test_parameters_of_different_ages_are_corrected_by_their_own():
    young, old = (torch.zeros(1, requires_grad=True) for _ in range(2))
    optimizer = Adam([young, old], lr=0.1)
    for update in range(4):
        young.grad, old.grad = torch.ones(1) if update == 3 else None, torch.ones(1)
        optimizer.step()
    # With one gradient again and again each step is the rate.
    assert young.item() == pytest.approx(-0.1) and old.item() == pytest.approx(-0.4)
