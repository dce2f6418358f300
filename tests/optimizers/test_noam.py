"""
# Tests of Noam

The trusted twin is torch's AdamW under torch's LambdaLR.
"""

import copy
import json
import pickle

import pytest
import torch

from labnn.optimizers import Noam
from labnn.optimizers.noam import noam_rate
from tests.optimizers.test_adam import EXACT, N_UPDATES, assert_same, make_params, run

# Distinct primes, with the peak in the middle of a run
D_MODEL, WARMUP = 13, 37


def run_torch(params, factor, warmup=WARMUP, twin=torch.optim.AdamW, **options):
    """Torch's optimizer with torch's schedule, whose count starts at 0."""
    optimizer = twin(params, lr=factor, **options)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda count: D_MODEL**-0.5 * (
            min((count + 1) ** -0.5, (count + 1) * warmup**-1.5) if warmup else (count + 1) ** -0.5
        ),
    )  # fmt: skip
    rates = []
    for update in range(N_UPDATES):
        rates.append(optimizer.param_groups[0]["lr"])
        run(optimizer, 1, first=update)
        schedule.step()
    return params, rates


def run_ours(optimizer):
    rates = []
    for update in range(N_UPDATES):
        run(optimizer, 1, first=update)
        rates.append(optimizer.param_groups[0]["lr"])
    return [param for group in optimizer.param_groups for param in group["params"]], rates


@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
@pytest.mark.parametrize("warmup", [WARMUP, 1, 0])
def test_equals_torch_under_a_schedule(warmup, weight_decay):
    noam = Noam(make_params(), d_model=D_MODEL, warmup=warmup, lr=0.7, weight_decay=weight_decay)
    ours, our_rates = run_ours(noam)
    theirs, their_rates = run_torch(make_params(), 0.7, warmup, weight_decay=weight_decay)
    assert_same(ours, theirs, **EXACT)
    assert our_rates == pytest.approx(their_rates, rel=1e-14)


def test_without_decay_it_is_adam():
    ours, _ = run_ours(Noam(make_params(), d_model=D_MODEL, warmup=WARMUP))
    assert_same(ours, run_torch(make_params(), 1.0, twin=torch.optim.Adam)[0], **EXACT)


def test_the_published_setting_peaks_at_update_2000():
    rates = [noam_rate(t, factor=1.0, d_model=128, warmup=2000) for t in range(1, 6001)]
    assert max(rates) == rates[1999] == pytest.approx(0.0019764, abs=5e-8)
    assert rates[1999] == pytest.approx((128 * 2000) ** -0.5)
    # A straight line up, and half of the peak at four times its update
    assert rates[999] == pytest.approx(rates[1999] / 2)
    assert rates[0] == pytest.approx(rates[1999] / 2000)
    assert noam_rate(8000, factor=1.0, d_model=128, warmup=2000) == pytest.approx(rates[1999] / 2)


def test_by_hand():
    # 2 * 4^-0.5 is 1. Line: t * 4^-1.5 = t / 8. Root: 4^-0.5 = 1/2, 16^-0.5 = 1/4.
    rates = [noam_rate(t, factor=2.0, d_model=4, warmup=4) for t in (1, 2, 4, 16)]
    assert rates == [0.125, 0.25, 0.5, 0.25]
    assert [noam_rate(t, factor=2.0, d_model=4, warmup=0) for t in (1, 4)] == [1.0, 0.5]


def test_the_rate_in_force_is_in_the_groups():
    noam = Noam(make_params(), d_model=D_MODEL, warmup=WARMUP, lr=0.7)
    known = dict(factor=0.7, d_model=D_MODEL, warmup=WARMUP)
    # Before the first update, that of the first update
    assert noam.param_groups[0]["lr"] == noam_rate(1, **known)
    for t in range(1, 5):
        run(noam, 1)
        assert noam.param_groups[0]["lr"] == noam_rate(t, **known)
    assert noam.param_groups[0]["factor"] == 0.7


def test_decay_uses_the_scheduled_rate():
    # Gradients of zero leave the decay alone: a factor of 1 - rate * decay an update.
    param = torch.ones((), dtype=torch.float64, requires_grad=True)
    noam = Noam([param], d_model=D_MODEL, warmup=WARMUP, weight_decay=0.01)
    wanted = 1.0
    for t in range(1, 6):
        param.grad = torch.zeros_like(param)
        noam.step()
        wanted *= 1 - 0.01 * noam_rate(t, factor=1.0, d_model=D_MODEL, warmup=WARMUP)
    assert param.item() == pytest.approx(wanted, rel=1e-14)


def test_a_parameter_without_gradient_does_not_shift_the_schedule():
    noam = Noam(make_params(), d_model=D_MODEL, warmup=WARMUP)
    params = run(noam, 10, skip=lambda update, index: index == 0 and update < 9 or index == 1)
    assert noam.param_groups[0]["updates"] == 10
    assert noam.param_groups[0]["lr"] == noam_rate(10, factor=1.0, d_model=D_MODEL, warmup=WARMUP)
    # It begins with the rate of update 10 and with running means of its own.
    assert noam.state[params[0]]["step"] == 1
    assert params[1] not in noam.state


def test_groups_share_the_count_and_have_factors_of_their_own():
    a, b, c = make_params()
    noam = Noam([dict(params=[a], lr=3.0), dict(params=[b])], d_model=D_MODEL, warmup=WARMUP)
    run(noam, 5)
    one, two = noam.param_groups
    assert one["lr"] == pytest.approx(3.0 * two["lr"])
    # A group that comes later stands where the others stand.
    given = dict(params=[c])
    noam.add_param_group(given)
    assert noam.param_groups[2]["lr"] == two["lr"]
    run(noam, 1)
    assert [group["updates"] for group in noam.param_groups] == [6, 6, 6]
    assert set(given) == {"params"}


def test_the_factor_can_be_changed_on_the_way():
    noam = Noam(make_params(), d_model=D_MODEL, warmup=WARMUP)
    run(noam, 3)
    noam.param_groups[0]["factor"] = 0.5
    run(noam, 1)
    assert noam.param_groups[0]["lr"] == noam_rate(4, factor=0.5, d_model=D_MODEL, warmup=WARMUP)


@pytest.mark.parametrize("is_pickled", [False, True])
def test_a_saved_state_continues_bit_for_bit(is_pickled):
    options = dict(d_model=D_MODEL, warmup=WARMUP, lr=0.7, weight_decay=0.1)
    through = run(Noam(make_params(torch.float32), **options), 61)

    first = Noam(make_params(torch.float32), **options)
    params = [param.detach().clone().requires_grad_() for param in run(first, 30)]
    if is_pickled:
        second = pickle.loads(pickle.dumps(first))
    else:
        # What was saved counts, not what this constructor says.
        second = Noam(params, d_model=5, warmup=3, lr=9.0)
        second.load_state_dict(copy.deepcopy(first.state_dict()))
    assert second.param_groups[0]["lr"] == first.param_groups[0]["lr"]
    continued = run(second, 31, first=30)
    assert all(torch.equal(one, two) for one, two in zip(through, continued, strict=True))


def test_the_groups_are_json():
    noam = Noam(make_params(), d_model=D_MODEL, warmup=WARMUP)
    run(noam, 3)
    (group,) = json.loads(json.dumps(noam.state_dict()["param_groups"]))
    assert group["updates"] == 3 and group["factor"] == 1.0


def test_it_solves_a_regression():
    x, wanted = torch.randn(31, 5), torch.randn(5, 3)
    weight = torch.zeros(5, 3, requires_grad=True)
    noam = Noam([weight], d_model=D_MODEL, warmup=WARMUP)
    for _ in range(400):
        loss = (x @ weight - x @ wanted).pow(2).mean()
        noam.zero_grad()
        loss.backward()
        noam.step()
    torch.testing.assert_close(weight.detach(), wanted, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("options, message", [
    (dict(d_model=0), "d_model must be a number of features above 0, not 0"),
    (dict(d_model=-3), "d_model .* not -3"),
    (dict(d_model=float("nan")), "d_model .* not nan"),
    (dict(warmup=-1), "warmup must be a number of updates from 0 up, not -1"),
    (dict(warmup=float("nan")), "warmup .* not nan"),
    (dict(warmup=float("inf")), "warmup .* not inf"),
])  # fmt: skip
def test_bad_options_are_refused_in_one_line(options, message):
    with pytest.raises(ValueError, match=message) as error:
        Noam(make_params(), **{"d_model": D_MODEL, **options})
    assert "\n" not in str(error.value)
