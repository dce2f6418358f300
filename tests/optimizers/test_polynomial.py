"""
# Tests of polynomial decay

The trusted twin is torch's PolynomialLR.
"""

import pytest
import torch

from labnn.optimizers import polynomial
from labnn.optimizers.polynomial import (
    decayed,
    polynomial_decay,
    polynomial_decay_annealing,
    polynomial_hold_decay_annealing,
)
from tests.optimizers.plotted import PLOTS, drawn
from tests.optimizers.test_annealing import torch_rates

ALL = [polynomial_decay_annealing, polynomial_hold_decay_annealing, polynomial_decay]


def test_the_published_values():
    at = (0, 49, 50, 525, 1000, 1001)
    rates = [polynomial_decay_annealing(t, lr=1.0, total=1000, warmup=50) for t in at]
    assert [round(rate, 6) for rate in rates] == [0.019608, 0.980392, 1, 0.5, 0, 0]


@pytest.mark.parametrize("schedule", ALL)
@pytest.mark.parametrize("power", [0.5, 1.0, 2.0, 3.0])
def test_it_equals_torch(schedule, power):
    wanted = torch_rates(
        lambda o: torch.optim.lr_scheduler.PolynomialLR(o, total_iters=97, power=power), 97, 0.7
    )
    ours = [schedule(t, lr=0.7, total=97, power=power) for t in range(97)]
    assert ours == pytest.approx(wanted, rel=1e-9)


def test_by_hand():
    # Update 6 of 10 after 2 of warm-up: half is left, its cube is 1/8, of the way from 9 to 1.
    options = dict(lr=9.0, min_lr=1.0, total=10, warmup=2, power=3)
    assert polynomial_decay_annealing(6, **options) == 2.0
    assert polynomial_hold_decay_annealing(6, **options) == 2.0
    assert polynomial_decay(6, **options) == 2.0
    # Two updates of hold, and the decay from 4 to 10 is half done at 7.
    assert polynomial_hold_decay_annealing(7, **options, hold=2) == 2.0


def test_a_hold_stays_at_the_peak_and_falls_from_there():
    options = dict(lr=3.0, total=12, warmup=2, hold=4)
    rates = [polynomial_hold_decay_annealing(t, **options) for t in range(14)]
    assert rates == pytest.approx([1, 2, 3, 3, 3, 3, 3, 2.5, 2, 1.5, 1, 0.5, 0, 0])
    by_share = dict(lr=3.0, total=12, warmup=2, hold_ratio=4 / 12)
    assert [polynomial_hold_decay_annealing(t, **by_share) for t in range(14)] == rates


@pytest.mark.parametrize("hold", [None, 0])
def test_without_a_hold_the_decay_begins_at_the_peak(hold):
    # NeMo begins it as if at update 0: then update 50 would have 1 - 50 / 950.
    options = dict(lr=1.0, total=1000, warmup=50, power=2, min_lr=0.1)
    for t in (0, 49, 50, 51, 525, 1000):
        assert polynomial_hold_decay_annealing(
            t, **options, hold=hold
        ) == polynomial_decay_annealing(t, **options)
    assert polynomial_hold_decay_annealing(50, **options, hold=hold) == 1.0


def test_only_a_hold_keeps_the_lowest_rate_after_the_total():
    options = dict(lr=1.0, total=100, min_lr=0.1)
    assert polynomial_decay_annealing(101, **options) == 0
    assert polynomial_hold_decay_annealing(101, **options) == 0.1
    assert polynomial_decay(101, **options) == 0.1


@pytest.mark.parametrize("schedule", [polynomial_decay_annealing, polynomial_hold_decay_annealing])
def test_cycles_become_longer_and_lower(schedule):
    # Three updates down to 0.1. Then the way is six updates, of which three are done: half of the
    # way is left, and so on. The peaks are 1, then a half after one more update and so on.
    options = dict(lr=1.0, total=5, warmup=2, is_cyclic=True)
    rates = [schedule(t, **options) for t in range(2, 13)]
    wanted = [1, 2 / 3, 1 / 3, 0, 1 - 4 / 6, 1 - 5 / 6, 0, 1 - 7 / 9, 1 - 8 / 9, 0, 1 - 10 / 12]
    assert rates == pytest.approx(wanted)


def test_a_cycle_ends_exactly_at_its_length():
    for decay in (3, 7, 49, 10**15 + 37):
        assert decayed(decay * 3, decay=decay, lr=1.0, min_lr=0.0, power=1, is_cyclic=True) == 0
        after = decayed(decay * 3 + 1, decay=decay, lr=1.0, min_lr=0.0, power=1, is_cyclic=True)
        assert after == pytest.approx(0.25, abs=0.25 / decay + 1e-12)


def test_the_warm_up_of_fairseq_begins_at_zero():
    rates = [polynomial_decay(t, lr=4.0, total=8, warmup=4) for t in range(10)]
    assert rates == [0, 1, 2, 3, 4, 3, 2, 1, 0, 0]
    assert polynomial_decay(0, lr=4.0, total=8) == 4.0
    by_share = [polynomial_decay(t, lr=4.0, total=8, warmup_ratio=0.5) for t in range(10)]
    assert by_share == rates


@pytest.mark.parametrize("schedule", ALL)
@pytest.mark.parametrize("options, message", [
    (dict(power=0), "power must be a number above 0, not 0"),
    (dict(power=float("nan")), "power must be .* not nan"),
    (dict(warmup=100), "total must be more than the 100 updates"),
    (dict(min_lr=2.0), "min_lr must be from 0 to lr, which is 1.0, not 2.0"),
    (dict(warmup=5, warmup_ratio=0.1), "both given"),
])  # fmt: skip
def test_what_cannot_be_is_refused(schedule, options, message):
    with pytest.raises(ValueError, match=message):
        schedule(0, **{"lr": 1.0, "total": 100, **options})


def test_a_hold_without_room_is_refused():
    with pytest.raises(ValueError, match="total must be more than the 100 updates"):
        polynomial_hold_decay_annealing(0, lr=1.0, total=100, warmup=40, hold=60)
    with pytest.raises(ValueError, match="hold 1 and hold_ratio 0.1 are both given"):
        polynomial_hold_decay_annealing(0, lr=1.0, total=100, hold=1, hold_ratio=0.1)


def test_the_drawings_are_those_of_the_functions():
    curves = drawn("".join(schedule.__doc__ for schedule in ALL))
    assert set(curves) == {schedule.__name__ for schedule in ALL}
    for name, points in curves.items():
        options, updates = PLOTS[name]
        assert [update for update, _ in points] == updates
        for update, value in points:
            assert value == pytest.approx(getattr(polynomial, name)(update, **options), abs=5.1e-4)


def test_a_network_learns_under_it():
    x, wanted = torch.randn(31, 5), torch.randn(5, 3)
    weight = torch.zeros(5, 3, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=1.0)
    for update in range(200):
        optimizer.param_groups[0]["lr"] = polynomial_decay(update, lr=1.0, total=200, warmup=11)
        loss = (x @ weight - x @ wanted).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    torch.testing.assert_close(weight.detach(), wanted, rtol=1e-2, atol=1e-2)
