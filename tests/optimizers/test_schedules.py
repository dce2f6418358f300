"""
# Tests of schedules by name
"""

import inspect
import json
import pickle

import pytest

from labnn.optimizers import SCHEDULES, Plateau, make_rate
from labnn.optimizers.schedules import nearest, options_of
from tests.optimizers.plotted import PLOTS

NEMO = {
    "WarmupPolicy", "WarmupHoldPolicy", "SquareAnnealing", "SquareRootAnnealing",
    "CosineAnnealing", "WarmupAnnealing", "InverseSquareRootAnnealing",
    "PolynomialDecayAnnealing", "PolynomialHoldDecayAnnealing",
}  # fmt: skip
FAIRSEQ = {"inverse_sqrt", "tri_stage", "polynomial_decay", "cosine"}
PURE = [name for name in SCHEDULES if name != "plateau"]


def test_every_schedule_has_its_name():
    named = {name.replace("_", "") for name in SCHEDULES}
    assert named == {name.lower().replace("_", "") for name in NEMO | FAIRSEQ | {"plateau"}}
    for name in PURE:
        assert SCHEDULES[name].__name__ == name
    assert SCHEDULES["plateau"] is Plateau


@pytest.mark.parametrize("name", PURE)
def test_each_name_makes_the_rate_of_its_function(name):
    options, updates = PLOTS[name]
    rate = make_rate(name, **options)
    assert [rate(t) for t in updates] == [SCHEDULES[name](t, **options) for t in updates]
    # Each name can be made, so that none is that of a base class.
    assert 0 <= rate(0) <= 1


@pytest.mark.parametrize("name", PURE)
def test_a_rate_depends_on_the_update_alone(name):
    options, updates = PLOTS[name]
    rate = make_rate(name, **options)
    there = {t: rate(t) for t in updates}
    assert {t: rate(t) for t in reversed(updates)} == {t: there[t] for t in reversed(updates)}
    again = pickle.loads(pickle.dumps(rate))
    assert [again(t) for t in updates] == list(there.values())


@pytest.mark.parametrize("name", SCHEDULES)
def test_all_options_are_named_and_all_rates_have_a_warm_up(name):
    first, *others = inspect.signature(SCHEDULES[name]).parameters.values()
    named = others if name != "plateau" else [first, *others]
    assert all(p.kind is p.KEYWORD_ONLY for p in named)
    assert {"lr", "warmup", "warmup_ratio", "total"} <= options_of(name).keys()


@pytest.mark.parametrize("name", SCHEDULES)
def test_both_lengths_of_a_warm_up_at_once_are_refused(name):
    with pytest.raises(ValueError, match="warmup 5 and warmup_ratio 0.1 are both given"):
        make_rate(name, lr=1.0, warmup=5, warmup_ratio=0.1, total=100_000)


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_share_of_nothing_is_refused(name):
    with pytest.raises(ValueError, match="total"):
        make_rate(name, lr=1.0, warmup_ratio=0.1)


def test_a_schedule_that_needs_no_total_does_without():
    free = {name for name in SCHEDULES if not options_of(name)["total"]}
    assert free == {
        "warmup_policy", "warmup_hold_policy", "inverse_square_root_annealing",
        "inverse_sqrt", "tri_stage", "cosine", "plateau",
    }  # fmt: skip
    for name in free:
        rate = make_rate(
            name, lr=0.7, warmup=3, total=None, **({"period": 5} if name == "cosine" else {})
        )
        assert 0 <= rate(10**7) <= 0.7
    for name in SCHEDULES.keys() - free:
        with pytest.raises(ValueError, match=f"{name} needs total, which is not given"):
            make_rate(name, lr=0.7, total=None)


def test_a_plateau_is_an_object_of_its_own():
    one, two = (make_rate("plateau", lr=1.0) for _ in range(2))
    for value in (1.0, 2.0):
        one.observe(value, 0)
    assert one(0) == pytest.approx(0.1) and two(0) == 1.0
    assert json.dumps(one.state_dict())


@pytest.mark.parametrize("wrong, right", [
    ("cosin", "cosine"),
    ("CosineAnnealing", "cosine_annealing"),
    ("InverseSquareRootAnnealing", "inverse_square_root_annealing"),
    ("tristage", "tri_stage"),
    ("reduce_lr_on_plateau", "plateau"),
])  # fmt: skip
def test_an_unknown_name_is_answered_with_the_nearest(wrong, right):
    with pytest.raises(ValueError) as error:
        make_rate(wrong, lr=1.0)
    told = str(error.value)
    assert told.startswith(f"there is no schedule {wrong}: did you mean {right}? There is ")
    assert all(name in told for name in SCHEDULES) and "\n" not in told


def test_an_option_that_a_schedule_does_not_have_is_refused():
    with pytest.raises(ValueError) as error:
        make_rate("cosine", lr=1.0, total=10, t_mul=2)
    assert str(error.value).startswith("cosine has no option t_mul: did you mean t_mult? There is")
    with pytest.raises(
        ValueError, match="warmup_annealing has no option power: There is lr, total"
    ):
        make_rate("warmup_annealing", lr=1.0, total=10, power=2)
    # The number of the update is no option.
    with pytest.raises(ValueError, match="has no option update"):
        make_rate("cosine", lr=1.0, total=10, update=3)


def test_a_name_that_is_like_no_other_is_answered_with_all():
    assert nearest("xyzzy", {"cosine": 1, "plateau": 2}) == ": There is cosine, plateau"


def test_bad_options_are_told_before_the_first_update():
    with pytest.raises(ValueError, match="lr must be"):
        make_rate("cosine", lr=-1.0, total=10)
    with pytest.raises(ValueError, match="needs lr"):
        make_rate("plateau")
