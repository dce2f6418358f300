"""
# Tests of annealing

The trusted twins are torch's CosineAnnealingLR, PolynomialLR and LambdaLR.
"""

import math

import pytest
import torch

from labnn.optimizers import annealing
from labnn.optimizers.annealing import (
    cosine_annealing,
    inverse_square_root_annealing,
    square_annealing,
    square_root_annealing,
    warmup_annealing,
)
from tests.optimizers.plotted import PLOTS, drawn

ALL = {
    name: getattr(annealing, name)
    for name in (
        "square_annealing",
        "square_root_annealing",
        "cosine_annealing",
        "warmup_annealing",
        "inverse_square_root_annealing",
    )
}
WITH_MIN = [square_annealing, square_root_annealing, cosine_annealing]


def torch_rates(make, n_updates, lr=1.0):
    """The rates in force under a scheduler of torch, from update 0 on"""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)
    scheduler = make(optimizer)
    rates = []
    for _ in range(n_updates):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.parametrize("name, values", [
    ("cosine_annealing", [0.019608, 0.980392, 1, 0.5, 0, 0]),
    ("square_annealing", [0.019608, 0.980392, 1, 0.25, 1e-5, 0]),
    ("square_root_annealing", [0.019608, 0.980392, 0.974679, 0.689202, 0, 0]),
    ("warmup_annealing", [0.019608, 0.980392, 1, 0.5, 0, 0]),
    ("inverse_square_root_annealing", [0.019608, 0.980392, 1, 0.311381, 0.225719, 0]),
])  # fmt: skip
def test_the_published_values(name, values):
    at = (0, 49, 50, 525, 1000, 1001)
    rates = [ALL[name](t, lr=1.0, total=1000, warmup=50) for t in at]
    assert [round(rate, 6) for rate in rates] == values
    by_share = [ALL[name](t, lr=1.0, total=1000, warmup_ratio=0.05) for t in at]
    assert by_share == rates
    assert [ALL[name](t, lr=2.0, total=1000, warmup=50) for t in at[:4]] == pytest.approx(
        [2 * rate for rate in rates[:4]]
    )


@pytest.mark.parametrize("min_lr", [0.0, 0.03])
def test_cosine_equals_torch(min_lr):
    wanted = torch_rates(
        lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=97, eta_min=min_lr), 98, 0.7
    )
    ours = [cosine_annealing(t, lr=0.7, total=97, min_lr=min_lr) for t in range(98)]
    assert ours == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("power, schedule", [(1, warmup_annealing), (2, square_annealing)])
def test_line_and_square_equal_torch(power, schedule):
    wanted = torch_rates(
        lambda o: torch.optim.lr_scheduler.PolynomialLR(o, total_iters=97, power=power), 97, 0.7
    )
    ours = [schedule(t, lr=0.7, total=97) for t in range(97)]
    assert ours == pytest.approx(wanted, abs=1e-5 if power == 2 else 1e-12)


def test_roots_equal_torch():
    wanted = torch_rates(
        lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda t: (1 + t) ** -0.5), 97, 0.7
    )
    ours = [inverse_square_root_annealing(t, lr=0.7) for t in range(97)]
    assert ours == pytest.approx(wanted, rel=1e-12)
    wanted = torch_rates(
        lambda o: torch.optim.lr_scheduler.PolynomialLR(o, total_iters=97, power=0.5), 97, 0.7
    )
    ours = [square_root_annealing(t, lr=0.7, total=97) for t in range(97)]
    assert ours == pytest.approx(wanted, abs=1e-9)


def test_by_hand():
    # After 2 of 10 updates of warm-up, update 6 is half of the way, and 4 of 10 updates are left.
    options = dict(lr=4.0, total=10, warmup=2)
    assert square_annealing(6, **options) == 1.0
    assert square_root_annealing(6, **options) == pytest.approx(4 * math.sqrt(0.4))
    assert cosine_annealing(6, **options) == pytest.approx(2.0)
    assert cosine_annealing(6, **options, min_lr=1.0) == pytest.approx(2.5)
    assert warmup_annealing(6, **options) == 2.0
    # 11 + 1 is four times 2 + 1.
    assert inverse_square_root_annealing(11, lr=4.0, warmup=2) == 2.0


@pytest.mark.parametrize("name", ALL)
def test_after_the_warm_up_no_rate_grows_and_none_within_the_training_is_zero(name):
    rates = [ALL[name](t, lr=0.7, total=211, warmup=13) for t in range(213)]
    assert rates[:13] == sorted(rates[:13])
    assert rates[13:] == sorted(rates[13:], reverse=True)
    assert all(0 < rate <= 0.7 for rate in rates[:211]) and rates[212] == 0


@pytest.mark.parametrize("schedule", WITH_MIN)
def test_the_lowest_rate_is_never_left(schedule):
    rates = [schedule(t, lr=0.7, total=211, warmup=13, min_lr=0.1) for t in range(13, 212)]
    assert min(rates) == pytest.approx(0.1) and rates[-1] == pytest.approx(0.1)


@pytest.mark.parametrize("lr", [1e-5, 3e-6, 0.0])
def test_the_lowest_rate_of_the_square_is_never_above_the_highest(lr):
    rates = [square_annealing(t, lr=lr, total=20, warmup=4) for t in range(22)]
    assert rates[4:21] == [lr] * 17 and rates[21] == 0
    assert rates[:4] == pytest.approx([lr * (t + 1) / 5 for t in range(4)])
    # Above that it is NeMo's.
    assert square_annealing(20, lr=1.1e-5, total=20) == 1e-5
    assert square_annealing(20, lr=3e-6, total=20, min_lr=0.0) == 0


def test_the_inverse_root_needs_no_total():
    assert inverse_square_root_annealing(4 * 10**8 - 1, lr=1.0) == pytest.approx(5e-5)
    assert inverse_square_root_annealing(101, lr=1.0, total=100) == 0


@pytest.mark.parametrize("schedule", ALL.values(), ids=ALL)
@pytest.mark.parametrize("options, message", [
    (dict(warmup=100), "total must be more than the 100 updates .* not 100"),
    (dict(warmup=5, warmup_ratio=0.1), "both given"),
    (dict(lr=-1.0), "lr must be"),
])  # fmt: skip
def test_what_cannot_be_is_refused(schedule, options, message):
    with pytest.raises(ValueError, match=message):
        schedule(0, **{"lr": 1.0, "total": 100, **options})


@pytest.mark.parametrize("schedule", WITH_MIN)
def test_a_lowest_rate_above_the_highest_is_refused(schedule):
    with pytest.raises(ValueError, match="min_lr must be from 0 to lr, which is 0.1, not 0.2"):
        schedule(0, lr=0.1, min_lr=0.2, total=100)


def test_the_drawings_are_those_of_the_functions():
    curves = drawn("".join(schedule.__doc__ for schedule in ALL.values()))
    assert set(curves) == set(ALL)
    for name, points in curves.items():
        options, updates = PLOTS[name]
        assert [update for update, _ in points] == updates
        for update, value in points:
            assert value == pytest.approx(ALL[name](update, **options), abs=5.1e-4)
