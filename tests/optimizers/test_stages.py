"""
# Tests of the schedules in stages

Twins are torch's LambdaLR and CosineAnnealingWarmRestarts, and numbers by hand.
"""

import math

import pytest
import torch

from labnn.optimizers import stages
from labnn.optimizers.noam import noam_rate
from labnn.optimizers.stages import cosine, inverse_sqrt, tri_stage
from tests.optimizers.plotted import PLOTS, drawn
from tests.optimizers.test_annealing import torch_rates

ALL = [inverse_sqrt, tri_stage, cosine]


def test_inverse_sqrt_by_hand():
    # Up to 6 in 4 updates, and a half of it at 16
    rates = [inverse_sqrt(t, lr=6.0, warmup=4) for t in (0, 1, 2, 4, 16)]
    assert rates == [0.0, 1.5, 3.0, 6.0, 3.0]
    # From 2 on the line climbs by 1 an update.
    rates = [inverse_sqrt(t, lr=6.0, warmup=4, init_lr=2.0) for t in (0, 1, 4, 16)]
    assert rates == [2.0, 3.0, 6.0, 3.0]


def test_inverse_sqrt_is_noam_one_update_later():
    # Noam counts the update itself, and fairseq those before it.
    peak = (64 * 37) ** -0.5
    for t in (1, 2, 36, 37, 38, 1000):
        noam = noam_rate(t, factor=1.0, d_model=64, warmup=37)
        assert inverse_sqrt(t, lr=peak, warmup=37) == pytest.approx(noam, rel=1e-12)


def test_inverse_sqrt_warms_up_for_4000_updates_unless_told():
    assert inverse_sqrt(4000, lr=0.7) == 0.7 and inverse_sqrt(16000, lr=0.7) == 0.35
    assert inverse_sqrt(10, lr=0.7, warmup_ratio=0.1, total=100) == 0.7


def test_tri_stage_by_hand():
    # From 1 up by 49.5 to 100, two updates there, and then a tenth an update
    options = dict(lr=100.0, warmup=2, hold=2, decay=2)
    rates = [tri_stage(t, **options) for t in range(9)]
    assert rates == pytest.approx([1, 50.5, 100, 100, 100, 10, 1, 1, 1])
    options |= dict(init_scale=0.5, final_scale=0.25)
    rates = [tri_stage(t, **options) for t in range(8)]
    assert rates == pytest.approx([50, 75, 100, 100, 100, 50, 25, 25])


def test_tri_stage_has_the_lengths_of_fairseq_unless_told():
    at = (0, 4000, 23999, 24000, 54000, 84000, 10**6)
    rates = [tri_stage(t, lr=1.0) for t in at]
    assert rates == pytest.approx([0.01, 1, 1, 1, 0.1, 0.01, 0.01])


def test_the_decay_is_what_is_left_of_a_total():
    options = dict(lr=1.0, warmup_ratio=0.1, hold_ratio=0.4, total=1000)
    assert tri_stage(750, **options) == pytest.approx(0.1)
    assert tri_stage(750, lr=1.0, warmup=100, hold=400, decay=500) == pytest.approx(0.1)


def test_a_decay_without_length_is_over_at_once():
    assert [tri_stage(t, lr=1.0, warmup=0, hold=2, decay=0) for t in (1, 2, 3)] == [1, 0.01, 0.01]


@pytest.mark.parametrize("t_mult", [1, 2, 3])
def test_restarts_equal_torch(t_mult):
    wanted = torch_rates(
        lambda o: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(
            o, T_0=7, T_mult=t_mult, eta_min=0.03
        ),
        200,
        0.7,
    )
    options = dict(lr=0.7, min_lr=0.03, period=7, t_mult=t_mult, shrink=1.0)
    assert [cosine(t, **options) for t in range(200)] == pytest.approx(wanted, rel=1e-9)


def test_without_restarts_it_is_a_cosine():
    wanted = torch_rates(
        lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=97, eta_min=0.03), 97, 0.7
    )
    ours = [cosine(t + 5, lr=0.7, min_lr=0.03, total=102, warmup=5) for t in range(97)]
    assert ours == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("t_mult", [1, 2])
@pytest.mark.parametrize("min_lr", [0.0, 0.25])
def test_without_a_period_the_rate_stays_down_from_the_total_on(t_mult, min_lr):
    # Five updates of warm-up and eight of the fall. What is left is less at each, and then nothing.
    options = dict(lr=1.0, min_lr=min_lr, warmup=5, t_mult=t_mult, shrink=0.5)
    rates = [cosine(t, **options, total=13) for t in range(5, 60)]
    assert rates[0] == 1.0 and rates[:9] == sorted({*rates[:9]}, reverse=True)
    assert rates[7] > min_lr and set(rates[8:]) == {min_lr}
    # With a period of this length there is a restart.
    assert cosine(13, **options, period=8) == 0.5


def test_both_ends_of_the_cosine_shrink():
    options = dict(lr=8.0, min_lr=4.0, period=2, shrink=0.5)
    # 8, the middle 6, then a restart at 4 whose lowest rate is 2
    assert [cosine(t, **options) for t in range(6)] == pytest.approx([8, 6, 4, 3, 2, 1.5])
    # A period of 4 after that of 2: a quarter of half a turn is 0.8536 of the way up.
    quarter = 2 + 2 * 0.5 * (1 + math.sqrt(0.5))
    rates = [cosine(t, **options, t_mult=2) for t in range(7)]
    assert rates == pytest.approx([8, 6, 4, quarter, 3, 6 - quarter, 2])


def test_restarts_are_where_they_belong():
    # The logarithm to the base 3 of 243 is a little below 5 in floats, and the sixth period of
    # lengths 2, 6, 18 and so on begins at 3^5 - 1 = 242.
    rates = [cosine(t, lr=1.0, period=2, t_mult=3, shrink=0.5) for t in (241, 242)]
    assert math.floor(math.log(243, 3)) == 4
    assert rates[0] == pytest.approx(0, abs=1e-4) and rates[1] == 0.5**5


def test_the_warm_up_of_the_cosine_begins_at_the_lowest_rate():
    options = dict(lr=5.0, min_lr=1.0, warmup=4, total=100)
    assert [cosine(t, **options) for t in range(5)] == [1, 2, 3, 4, 5]
    assert cosine(1, **options, init_lr=3.0) == 3.5


@pytest.mark.parametrize("schedule", ALL)
def test_rates_are_never_negative_or_above_the_peak(schedule):
    options = dict(lr=0.7, warmup=13, total=101)
    options |= dict(hold=17) if schedule is tri_stage else {}
    rates = [schedule(t, **options) for t in range(300)]
    assert all(0 <= rate <= 0.7 for rate in rates) and max(rates) == pytest.approx(0.7)


@pytest.mark.parametrize("schedule, options, message", [
    (inverse_sqrt, dict(warmup=0), "warmup must be at least 1 for inverse_sqrt.* not 0"),
    (inverse_sqrt, dict(init_lr=2.0), "init_lr must be from 0 to lr, which is 1.0, not 2.0"),
    (inverse_sqrt, dict(warmup_ratio=0.1), "share of an unknown total"),
    (inverse_sqrt, dict(warmup=1, warmup_ratio=0.1, total=9), "both given"),
    (tri_stage, dict(decay=-1), "decay must be a number of updates from 0 up, not -1"),
    (tri_stage, dict(hold=1, hold_ratio=0.1, total=9), "hold 1 and hold_ratio 0.1 are both given"),
    (tri_stage, dict(warmup=5, hold=5, total=10), "total must be more than the 10 updates"),
    (tri_stage, dict(final_scale=0), "final_scale must be a share of lr above 0 and up to 1"),
    (tri_stage, dict(init_scale=1.5), "init_scale must be .* not 1.5"),
    (cosine, dict(), "cosine needs the length of its fall: give period or total"),
    (cosine, dict(period=0), "period must be a number of updates from 1 up, not 0"),
    (cosine, dict(period=5, t_mult=0.5), "t_mult must be a number from 1 up, not 0.5"),
    (cosine, dict(period=5, shrink=1.5), "shrink must be a share from 0 to 1, not 1.5"),
    (cosine, dict(warmup=9, total=9), "total must be more than the 9 updates"),
    (cosine, dict(warmup=9, period=5, init_lr=-1.0), "init_lr must be .* not -1.0"),
])  # fmt: skip
def test_what_cannot_be_is_refused_in_one_line(schedule, options, message):
    with pytest.raises(ValueError, match=message) as error:
        schedule(0, **{"lr": 1.0, **options})
    assert "\n" not in str(error.value)


def test_the_drawings_are_those_of_the_functions():
    curves = drawn("".join(schedule.__doc__ for schedule in ALL))
    assert set(curves) == {schedule.__name__ for schedule in ALL}
    for name, points in curves.items():
        options, updates = PLOTS[name]
        assert [update for update, _ in points] == updates
        for update, value in points:
            assert value == pytest.approx(getattr(stages, name)(update, **options), abs=5.1e-4)


def test_an_optimizer_moves_by_the_rate():
    param = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([param], lr=1.0)
    for update in range(7):
        optimizer.param_groups[0]["lr"] = inverse_sqrt(update, lr=1.0, warmup=3)
        param.grad = torch.ones_like(param)
        optimizer.step()
    wanted = 1 / 3 + 2 / 3 + sum(math.sqrt(3 / t) for t in range(3, 7))
    assert -param.item() == pytest.approx(wanted)
