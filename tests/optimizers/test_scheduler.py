"""
# Tests of the scheduler

The trusted twin is torch's LambdaLR.
"""

import copy
import json

import pytest
import torch

from labnn.optimizers import AdamW, Noam, Plateau, Scheduler, make_rate
from labnn.optimizers.stages import inverse_sqrt

OPTIONS = dict(lr=0.3, total=61, warmup=7, min_lr=0.01)


def make_model():
    torch.manual_seed(5)
    return torch.nn.Linear(5, 3)


def make_optimizer(model, make=AdamW, lr=0.3):
    """Two groups, of which the second has a third of the rate"""
    return make([dict(params=[model.weight]), dict(params=[model.bias], lr=lr / 3)], lr=lr)


def update(model, optimizer, scheduler, n):
    """One update on data of its own; returns the rates that it used"""
    torch.manual_seed(100 + n)
    x = torch.randn(7, 5)
    optimizer.zero_grad()
    (model(x) - x[:, :3]).pow(2).mean().backward()
    scheduler.begin_update()
    rates = [group["lr"] for group in optimizer.param_groups]
    optimizer.step()
    scheduler.end_update()
    return rates


@pytest.mark.parametrize("make", [AdamW, torch.optim.AdamW, torch.optim.SGD])
def test_it_equals_torch(make):
    model, twin = make_model(), make_model()
    optimizer = make_optimizer(model, make)
    scheduler = Scheduler(optimizer, make_rate("inverse_sqrt", lr=0.3, warmup=7))
    theirs = make_optimizer(twin, make)
    torch_scheduler = torch.optim.lr_scheduler.LambdaLR(
        theirs, lambda t: inverse_sqrt(t, lr=1.0, warmup=7)
    )
    for n in range(23):
        rates = update(model, optimizer, scheduler, n)
        assert rates == pytest.approx([group["lr"] for group in theirs.param_groups])
        torch.manual_seed(100 + n)
        x = torch.randn(7, 5)
        theirs.zero_grad()
        (twin(x) - x[:, :3]).pow(2).mean().backward()
        theirs.step()
        torch_scheduler.step()
    torch.testing.assert_close(model.weight, twin.weight)
    torch.testing.assert_close(model.bias, twin.bias)


def test_the_rate_in_force_is_that_of_the_latest_update():
    optimizer = make_optimizer(make_model())
    rate = make_rate("cosine_annealing", **OPTIONS)
    scheduler = Scheduler(optimizer, rate)
    one, two = optimizer.param_groups
    # Before the first update, that of the first
    assert one["lr"] == rate(0)
    for n in range(5):
        scheduler.begin_update()
        assert one["lr"] == rate(n) and two["lr"] == pytest.approx(rate(n) / 3)
        scheduler.end_update()
        assert one["lr"] == rate(n) and scheduler.updates == n + 1


def test_an_update_that_is_skipped_is_not_counted():
    model = make_model()
    optimizer = make_optimizer(model)
    scheduler = Scheduler(optimizer, make_rate("cosine_annealing", **OPTIONS))
    first = update(model, optimizer, scheduler, 0)
    for _ in range(3):
        scheduler.begin_update()
    assert scheduler.updates == 1
    second = update(model, optimizer, scheduler, 1)
    assert [first[0], second[0]] == [scheduler.rate(0), scheduler.rate(1)]


def test_a_group_that_joins_later_has_its_part():
    model = make_model()
    optimizer = make_optimizer(model)
    scheduler = Scheduler(optimizer, lambda t: 0.6 / (t + 1))
    update(model, optimizer, scheduler, 0)
    optimizer.add_param_group(dict(params=[torch.zeros(1, requires_grad=True)], lr=0.6))
    scheduler.begin_update()
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([0.3, 0.1, 0.6])


@pytest.mark.parametrize("name", ["cosine_annealing", "plateau"])
@pytest.mark.parametrize("is_optimizer_first", [True, False])
@pytest.mark.parametrize("cut", [0, 1, 17])
def test_a_run_that_was_stopped_goes_on_exactly(name, is_optimizer_first, cut):
    def make():
        model = make_model()
        optimizer = make_optimizer(model)
        options = OPTIONS if name != "plateau" else dict(lr=0.3, factor=0.5, warmup=3)
        return model, optimizer, make_rate(name, **options)

    def train(model, optimizer, scheduler, first, last):
        rates = []
        for n in range(first, last):
            rates.append(update(model, optimizer, scheduler, n))
            if n % 4 == 3:
                scheduler.observe(5.0 - 0.3 * (n // 8))
        return rates

    model, optimizer, rate = make()
    scheduler = Scheduler(optimizer, rate)
    wanted = train(model, optimizer, scheduler, 0, 41)

    first, optimizer, rate = make()
    scheduler = Scheduler(optimizer, rate)
    rates = train(first, optimizer, scheduler, 0, cut)
    saved = json.loads(json.dumps(scheduler.state_dict(), allow_nan=False))
    weights, state = copy.deepcopy(first.state_dict()), copy.deepcopy(optimizer.state_dict())
    in_force = [group["lr"] for group in optimizer.param_groups]

    second, optimizer, rate = make()
    second.load_state_dict(weights)
    if is_optimizer_first:
        optimizer.load_state_dict(state)
    scheduler = Scheduler(optimizer, rate)
    scheduler.load_state_dict(saved)
    if not is_optimizer_first:
        optimizer.load_state_dict(state)
    assert [group["lr"] for group in optimizer.param_groups] == in_force
    rates += train(second, optimizer, scheduler, cut, 41)
    assert rates == wanted
    assert torch.equal(second.weight, model.weight) and torch.equal(second.bias, model.bias)


def test_a_plateau_is_told_what_was_observed():
    optimizer = make_optimizer(make_model())
    scheduler = Scheduler(optimizer, Plateau(lr=0.3, factor=0.5, warmup=1))
    scheduler.begin_update()
    # Before the end of the warm-up nothing is taken down.
    scheduler.observe(1.0)
    scheduler.end_update()
    for value in (3.0, 3.0):
        scheduler.observe(value)
    assert optimizer.param_groups[0]["lr"] == 0.15
    scheduler.begin_update()
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([0.15, 0.05])


def test_other_schedules_have_no_use_for_an_observation():
    scheduler = Scheduler(make_optimizer(make_model()), lambda t: 0.3)
    before = scheduler.state_dict()
    scheduler.observe(1.0)
    assert scheduler.state_dict() == before == {
        "updates": 0, "factors": [1.0, pytest.approx(1 / 3)], "rate": {}
    }  # fmt: skip


def test_a_state_of_another_optimizer_is_refused():
    state = Scheduler(make_optimizer(make_model()), lambda t: 0.3).state_dict()
    model = make_model()
    with pytest.raises(ValueError, match="saved for 2 groups and the optimizer has 1"):
        Scheduler(AdamW(model.parameters()), lambda t: 0.3).load_state_dict(state)


def test_an_optimizer_that_cannot_be_scheduled_is_refused():
    model = make_model()
    with pytest.raises(ValueError, match="Noam has a schedule of its own"):
        Scheduler(Noam(model.parameters(), d_model=5), lambda t: 0.3)
    with pytest.raises(ValueError, match="lr must be above 0 .* not 0.0"):
        Scheduler(AdamW(model.parameters(), lr=0.0), lambda t: 0.3)


def test_a_regression_is_solved():
    torch.manual_seed(1)
    x, wanted = torch.randn(31, 5), torch.randn(5, 3)
    weight = torch.zeros(5, 3, requires_grad=True)
    optimizer = AdamW([weight], lr=0.1, weight_decay=0.0)
    scheduler = Scheduler(optimizer, make_rate("cosine", lr=0.1, total=400, warmup_ratio=0.05))
    for _ in range(400):
        loss = (x @ weight - x @ wanted).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        scheduler.begin_update()
        optimizer.step()
        scheduler.end_update()
    torch.testing.assert_close(weight.detach(), wanted, rtol=1e-2, atol=1e-2)
