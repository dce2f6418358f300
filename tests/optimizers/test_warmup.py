"""
# Tests of the warm-up
"""

import inspect

import pytest

from labnn.optimizers import warmup
from labnn.optimizers.warmup import common, length, warmup_hold_policy, warmup_policy
from tests.optimizers.plotted import PLOTS, drawn


def test_the_warm_up_aims_at_the_peak():
    # (t + 1) / (w + 1) for w = 3 is 1/4, 2/4, 3/4, and update 3 is at the peak.
    rates = [warmup_policy(t, lr=8.0, warmup=3) for t in range(6)]
    assert rates == [2.0, 4.0, 6.0, 8.0, 8.0, 8.0]


def test_the_published_values():
    rates = [warmup_policy(t, lr=1.0, warmup=50, total=1000) for t in (0, 49, 50, 1000, 1001)]
    assert rates == pytest.approx([1 / 51, 50 / 51, 1, 1, 0])
    assert [round(rate, 6) for rate in rates[:2]] == [0.019608, 0.980392]


def test_without_a_total_it_has_no_end():
    assert warmup_policy(10**9, lr=0.3, warmup=5) == 0.3
    assert warmup_hold_policy(10**9, lr=0.3, warmup=5, min_lr=0.1) == 0.3


def test_without_a_warm_up_it_begins_at_the_peak():
    assert warmup_policy(0, lr=0.3) == 0.3 == warmup_policy(0, lr=0.3, warmup=0)


def test_a_ratio_is_a_share_of_the_total():
    for t in (0, 3, 6, 7, 99, 101):
        by_share = warmup_policy(t, lr=1.0, warmup_ratio=0.07, total=100)
        assert by_share == warmup_policy(t, lr=1.0, warmup=7, total=100)


def test_a_share_is_rounded_as_a_person_would():
    # The product of the floats is a little too small.
    assert int(0.29 * 100) == 28
    for n in range(101):
        for total in (100, 1_000_003):
            found = length("warmup", updates=None, ratio=n / 100, total=total)
            assert found == n * total // 100


def test_a_hold_ends_at_the_lowest_rate():
    rates = [warmup_hold_policy(t, lr=1.0, total=100, min_lr=0.25) for t in (0, 100, 101)]
    assert rates == [1.0, 1.0, 0.25]
    # Two updates of warm-up and three of hold make an end where there is no total.
    rates = [warmup_hold_policy(t, lr=3.0, warmup=2, hold=3, min_lr=0.5) for t in range(8)]
    assert rates == [1.0, 2.0, 3.0, 3.0, 3.0, 3.0, 0.5, 0.5]
    # With a total a hold changes nothing.
    assert warmup_hold_policy(90, lr=1.0, hold_ratio=0.2, total=100) == 1.0


def test_what_comes_after_the_warm_up_is_told_its_length():
    told = []
    options = dict(lr=1.0, warmup=None, warmup_ratio=0.3, total=10)
    assert common(3, lambda w: told.append(w) or 0.7, **options) == 0.7
    assert told == [3]


@pytest.mark.parametrize("policy", [warmup_policy, warmup_hold_policy])
@pytest.mark.parametrize("options, message", [
    (dict(warmup=5, warmup_ratio=0.1, total=100), "warmup 5 and warmup_ratio 0.1 are both given"),
    (dict(warmup=0, warmup_ratio=0.1, total=100), "both given"),
    (dict(warmup_ratio=0.1), "warmup_ratio 0.1 is a share of an unknown total: give total"),
    (dict(warmup_ratio=1.1, total=100), "warmup_ratio must be a share from 0 to 1, not 1.1"),
    (dict(warmup_ratio=float("nan"), total=100), "not nan"),
    (dict(warmup=-1), "warmup must be a number of updates from 0 up, not -1"),
    (dict(warmup=100, total=100), "total must be more than the 100 updates .* not 100"),
    (dict(total=0), "total must be more than the 0 updates .* not 0"),
    (dict(lr=-1.0), "lr must be a finite number from 0 up, not -1.0"),
    (dict(lr=float("inf")), "lr must be .* not inf"),
])  # fmt: skip
def test_what_cannot_be_is_refused_in_one_line(policy, options, message):
    with pytest.raises(ValueError, match=message) as error:
        policy(0, **{"lr": 1.0, **options})
    assert "\n" not in str(error.value)


def test_a_hold_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="hold_ratio 0.1 is a share of an unknown total"):
        warmup_hold_policy(0, lr=1.0, hold_ratio=0.1)
    with pytest.raises(ValueError, match="hold 1 and hold_ratio 0.1 are both given"):
        warmup_hold_policy(0, lr=1.0, hold=1, hold_ratio=0.1, total=10)
    with pytest.raises(ValueError, match="min_lr must be from 0 to lr, which is 1.0, not 2.0"):
        warmup_hold_policy(0, lr=1.0, min_lr=2.0)
    with pytest.raises(ValueError, match="total must be more"):
        warmup_hold_policy(0, lr=1.0, warmup=5, hold=7, total=11)


def test_the_drawings_are_those_of_the_functions():
    curves = drawn("".join(f.__doc__ for f in (warmup_policy, warmup_hold_policy)))
    assert set(curves) == {"warmup_policy", "warmup_hold_policy"}
    for name, points in curves.items():
        options, updates = PLOTS[name]
        assert [update for update, _ in points] == updates
        for update, value in points:
            assert value == pytest.approx(getattr(warmup, name)(update, **options), abs=5.1e-4)


def test_options_are_named():
    for policy in (warmup_policy, warmup_hold_policy):
        first, *others = inspect.signature(policy).parameters.values()
        assert first.name == "update" and all(p.kind is p.KEYWORD_ONLY for p in others)
