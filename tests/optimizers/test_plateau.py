"""
# Tests of plateau

The trusted twin is torch's ReduceLROnPlateau.
"""

import json
import math
import random

import pytest
import torch

from labnn.optimizers import Plateau, plateau
from tests.optimizers.plotted import drawn


def observed(values, **options):
    """The rate after each value"""
    rate = Plateau(**options)
    found = []
    for update, value in enumerate(values):
        rate.observe(value, update)
        found.append(rate(update))
    return found


def noisy(seed, n=211):
    """A loss that falls and then does not"""
    draw = random.Random(seed)
    return [2 + 3 / (1 + i / 20) + draw.gauss(0, 0.05) for i in range(n)]


@pytest.mark.parametrize("is_lower_better", [True, False])
@pytest.mark.parametrize("patience", [0, 2, 5])
@pytest.mark.parametrize("threshold", [0.0, 1e-4, 0.03])
def test_it_equals_torch(patience, threshold, is_lower_better):
    values = [v if is_lower_better else 7 - v for v in noisy(patience)]
    options = dict(factor=0.7, patience=patience, threshold=threshold, min_lr=0.001)
    ours = observed(values, lr=0.9, is_lower_better=is_lower_better, **options)

    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.9)
    mode = "min" if is_lower_better else "max"
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode, eps=0, **options)
    theirs = []
    for value in values:
        scheduler.step(value)
        theirs.append(optimizer.param_groups[0]["lr"])
    # We multiply the factors first and torch the rates, which may differ in the last digit.
    assert ours == pytest.approx(theirs, rel=1e-14)
    assert ours[-1] < 0.9


def test_by_hand():
    # The first value is the best there is; 4.6 is not 10 % below 5, and 4.4 is.
    values = [5.0, 4.6, 4.4, 9.0, 9.0, 3.0]
    rates = observed(values, lr=8.0, factor=0.5, threshold=0.1)
    assert rates == [8.0, 4.0, 4.0, 2.0, 1.0, 1.0]
    # One that is no better is borne with, the second in a row is not.
    rates = observed(values, lr=8.0, factor=0.5, threshold=0.1, patience=1)
    assert rates == [8.0, 8.0, 8.0, 8.0, 4.0, 4.0]


def test_the_patience_begins_anew_after_a_fall():
    rates = observed([1.0] * 8, lr=8.0, factor=0.5, patience=2)
    assert rates == [8.0, 8.0, 8.0, 4.0, 4.0, 4.0, 2.0, 2.0]


def test_the_rate_does_not_fall_below_the_lowest():
    assert observed([1.0] * 5, lr=8.0, factor=0.1, min_lr=0.5) == [8.0, 0.8, 0.5, 0.5, 0.5]


def test_worse_values_below_zero_are_not_better():
    # 1 % of 10 is 0.1. Torch would take all above -9.9 for better, since (1 - 0.01) * -10 is -9.9.
    assert observed([-10.0, -9.95], lr=8.0, factor=0.5, threshold=0.01) == [8.0, 4.0]
    assert observed([-10.0, -10.05], lr=8.0, factor=0.5, threshold=0.01) == [8.0, 4.0]
    assert observed([-10.0, -10.2], lr=8.0, factor=0.5, threshold=0.01) == [8.0, 8.0]


def test_a_value_that_is_not_finite_is_never_the_best():
    rates = observed([math.nan, 3.0, math.nan, 2.0], lr=8.0, factor=0.5)
    assert rates == [4.0, 4.0, 2.0, 2.0]
    assert observed([math.inf, 3.0, math.inf], lr=8.0, factor=0.5) == [4.0, 4.0, 2.0]
    rates = observed([3.0, math.inf, 2.0], lr=8.0, factor=0.5, is_lower_better=False)
    assert rates == [8.0, 4.0, 2.0]


def test_what_is_seen_in_the_warm_up_does_not_count():
    rate = Plateau(lr=8.0, factor=0.5, warmup=3)
    assert [rate(t) for t in range(5)] == [2.0, 4.0, 6.0, 8.0, 8.0]
    for update in (1, 2):
        rate.observe(1.0 + update, update)
    assert rate.state_dict() == {"scale": 1.0, "best": None, "n_bad": 0}
    for update in (3, 4):
        rate.observe(5.0, update)
    assert rate(4) == 4.0
    assert Plateau(lr=8.0, warmup_ratio=0.3, total=10)(0) == 2.0


def test_asking_changes_nothing():
    rate = Plateau(lr=8.0)
    rate.observe(1.0, 0)
    before = rate.state_dict()
    assert [rate(t) for t in (9, 2, 2)] == [8.0, 8.0, 8.0] and rate.state_dict() == before


@pytest.mark.parametrize("cut", [0, 1, 7, 100])
def test_a_saved_state_goes_on_exactly(cut):
    values, options = noisy(3), dict(lr=0.3, factor=0.7, patience=1)
    through = observed(values, **options)
    first = Plateau(**options)
    for update, value in enumerate(values[:cut]):
        first.observe(value, update)
    second = Plateau(**options)
    second.load_state_dict(json.loads(json.dumps(first.state_dict(), allow_nan=False)))
    rates = []
    for update, value in enumerate(values[cut:], cut):
        second.observe(value, update)
        rates.append(second(update))
    assert rates == through[cut:]


def test_another_rate_goes_on_with_the_factors_that_were_seen():
    first = Plateau(lr=8.0, factor=0.5)
    for update in range(3):
        first.observe(1.0, update)
    second = Plateau(lr=2.0, factor=0.5)
    second.load_state_dict(first.state_dict())
    assert first(3) == 2.0 and second(3) == 0.5


def test_a_tensor_may_be_observed():
    rate = Plateau(lr=8.0)
    rate.observe(torch.tensor(2.5), 0)
    assert json.dumps(rate.state_dict()) == '{"scale": 1.0, "best": 2.5, "n_bad": 0}'


@pytest.mark.parametrize("options, message", [
    (dict(factor=1.0), "factor must be above 0 and below 1, not 1.0"),
    (dict(factor=float("nan")), "factor .* not nan"),
    (dict(patience=-1), "patience must be a number of observations from 0 up, not -1"),
    (dict(threshold=-0.1), "threshold must be a share from 0 up, not -0.1"),
    (dict(min_lr=2.0), "min_lr must be from 0 to lr, which is 1.0, not 2.0"),
    (dict(warmup=1, warmup_ratio=0.1, total=9), "both given"),
    (dict(warmup_ratio=0.1), "share of an unknown total"),
    (dict(lr=-1.0), "lr must be"),
])  # fmt: skip
def test_bad_options_are_refused_in_one_line(options, message):
    with pytest.raises(ValueError, match=message) as error:
        Plateau(**{"lr": 1.0, **options})
    assert "\n" not in str(error.value)


def test_the_drawing_is_what_the_page_says():
    (points,) = drawn(plateau.__doc__).values()
    rate = Plateau(lr=1.0, factor=0.5)
    rate.observe(5.0, 0)
    shown = {}
    for update in range(1001):
        shown[update] = rate(update)
        if update in (300, 400, 800):
            rate.observe(5.0, update + 1)
    for update, value in points:
        assert value == pytest.approx(shown[update])
