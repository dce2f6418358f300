import copy
import math

import pytest
import torch
from labml.configs import option
from torch import nn

from labnn.configs.device import MixedPrecision
from labnn.configs.loop import Listener, Stopped
from labnn.configs.optimizer import OptimizerConfigs
from labnn.configs.schedule import OTHERS, OWN, RunScheduler, ScheduleConfigs, check_change
from labnn.configs.scores import Scores
from labnn.configs.state import put_back, state_of
from labnn.configs.types import CommandLineText, ConfigError
from labnn.optimizers import SCHEDULES, make_rate
from labnn.optimizers.schedules import options_of
from tests.configs.tiny import Diary, Lines, Tiny, equal, make, weights
from tests.runs.test_resume import Stopping, check
from tests.runs.test_resume import here as here

# Updates of a run of Tiny: three epochs of seven batches, of which two make an update
SIZES = {"n_train": 7, "update_batches": 2, "epochs": 3}
TOTAL = 12
# Everything that has a memory: momentum, dropout, and a schedule
MEMORY = {"optimizer": "AdamW", "dropout_prob": 0.3, "optimizer.weight_decay": 0.1}
# A schedule with options of its own, and what it should be
CHOICES = {
    "cosine_annealing": ({"warmup": 3, "min_lr": 1e-4}, {"total": TOTAL}),
    "polynomial_hold_decay_annealing": (
        {"warmup_ratio": 0.25, "hold": 2, "power": 2.0, "is_cyclic": False},
        {"total": TOTAL},
    ),
    "tri_stage": ({"warmup": 2, "hold": 3, "final_scale": 0.1}, {"total": TOTAL}),
    "cosine": ({"period": 5, "t_mult": 2.0, "shrink": 0.5}, {}),
    "inverse_sqrt": ({"warmup": 3, "init_lr": 1e-4}, {}),
    "warmup_policy": ({"warmup": 3}, {}),
    "plateau": ({"warmup": 1, "factor": 0.5, "patience": 1, "threshold": 0.0}, {}),
}


def named(options, name=None):
    found = {f"optimizer.{key}": value for key, value in options.items()}
    return {**found, "optimizer.schedule": name} if name else found


def train(overrides, listener=None, cls=Tiny):
    conf = make(cls, {**SIZES, **overrides}, listener)
    lines = Lines()
    conf.run()
    return conf, lines


def refused(overrides, cls=Tiny):
    """The line that refuses options before data is read"""
    conf = make(cls, overrides)
    with pytest.raises(ConfigError) as e:
        conf.check()
    assert "train_loader" not in conf._Configs__cached and "model" not in conf._Configs__cached
    assert len(str(e.value).splitlines()) == 1
    return str(e.value)


def test_every_option_of_every_schedule_is_here_with_its_name():
    known = {name for schedule in SCHEDULES for name in options_of(schedule)}
    # Only the loss of the validation is observed, of which less is better.
    assert known == {*OWN, *OTHERS, "is_lower_better"}
    assert {*OWN, *OTHERS.values()} < {*ScheduleConfigs()._Configs__types}


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_makes_a_run(name):
    stages = {"tri_stage": {"warmup": 2, "hold": 2}, "inverse_sqrt": {"warmup": 2}}
    conf, lines = train(named(stages.get(name, {}), name))
    assert len(lines.column("lr")) == conf.scheduler.updates == TOTAL
    assert all(math.isfinite(rate) and rate >= 0 for rate in lines.column("lr"))


@pytest.mark.parametrize("name", CHOICES)
def test_the_rate_that_is_tracked_is_that_of_the_schedule(name):
    options, others = CHOICES[name]
    _, lines = train(named({"learning_rate": 0.01, **options}, name))
    rate = make_rate(name, lr=0.01, **options, **others)
    found = lines.column("lr")
    if name == "plateau":
        # What it has seen is looked at below.
        found = found[:4]
    assert found == pytest.approx([rate(t) for t in range(len(found))], rel=1e-12)
    # Rates change, or the test would see nothing.
    assert len(set(found)) > 1


def test_texts_of_the_command_line_are_numbers():
    words = ["schedule=cosine_annealing", "warmup=3", "min_lr=1e-4", "total_updates=20"]
    typed = {f"optimizer.{name}": CommandLineText(v) for name, v in (w.split("=") for w in words)}
    _, lines = train(typed)
    rate = make_rate("cosine_annealing", lr=1e-3, warmup=3, min_lr=1e-4, total=20)
    assert lines.column("lr") == pytest.approx([rate(t) for t in range(TOTAL)], rel=1e-12)


def test_a_schedule_is_taken_back_by_none():
    conf = make(Tiny, named({"warmup": 3}, "cosine_annealing"))
    conf._set_values({"optimizer.schedule": CommandLineText("none")})
    assert conf.scheduler is None and conf._nested("optimizer").warmup == 3


def test_without_a_schedule_there_is_none_and_the_rate_stays():
    conf, lines = train({})
    assert conf.scheduler is None and "scheduler" not in conf.state_parts()
    assert set(lines.column("lr")) == {1e-3}


def test_a_schedule_has_its_own_warm_up_until_one_is_given():
    def first_rate(**options):
        conf = make(Tiny, {**SIZES, **named(options, "warmup_policy")})
        conf.prepare()
        return conf.optimizer.param_groups[0]["lr"]

    assert first_rate() == 1e-3
    assert first_rate(warmup=3) == pytest.approx(1e-3 / 4)


def test_a_plateau_sees_the_validations():
    seen = []

    class Worse(Tiny):
        def validate(self):
            super().validate()
            seen.append((self.scheduler.rate.n_bad, self.scheduler.rate.lr))

    # A rate so low that no validation is better by that much
    options = {"learning_rate": 1e-6, "threshold": 0.5, "factor": 0.5, "patience": 0}
    _, lines = train(named(options, "plateau"), cls=Worse)
    assert [rate for _, rate in seen] == [1e-6, 5e-7, 2.5e-7]
    assert lines.column("lr") == [1e-6] * 4 + [1e-6] * 4 + [5e-7] * 4


def test_a_plateau_without_a_validation_is_refused():
    conf = make(Tiny, {"valid_loader": None, "optimizer.schedule": "plateau"})
    with pytest.raises(ConfigError, match="no valid_loader to judge by"):
        conf.prepare()


class Falling(Tiny):
    """The loss of some batches is not a number"""

    _bad = (2, 4)
    _n = 0

    def forward_loss(self, batch):
        scores = super().forward_loss(batch)
        if self.mode.is_train:
            self._n += 1
            if self._n in self._bad:
                return Scores(scores.loss * math.nan, scores.n_correct, scores.n_tokens)
        return scores


def test_a_skipped_update_is_the_same_update_again():
    sizes = {"n_train": 6, "update_batches": 1, "epochs": 1, "nan": "skip"}
    options = named({"warmup": 3, "total_updates": 9}, "cosine_annealing")
    conf, lines = train({**sizes, **options}, cls=Falling)
    rate = make_rate("cosine_annealing", lr=1e-3, warmup=3, total=9)
    assert conf.scheduler.updates == conf.position.updates == 4
    assert lines.column("lr") == pytest.approx([rate(t) for t in range(4)], rel=1e-12)


def test_a_step_that_half_precision_skips_does_not_count():
    torch.manual_seed(1)
    model = nn.Linear(3, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    rate = make_rate("warmup_policy", lr=0.1, warmup=4)
    scheduler = RunScheduler(optimizer, rate, name="warmup_policy")
    scaler = MixedPrecision("fp16", torch.device("cpu")).scaler
    for value, n_updates in ((1.0, 1), (math.inf, 1), (1.0, 2)):
        optimizer.zero_grad()
        scaler.scale((model(torch.ones(5, 3)) * value).sum()).backward()
        scaler.step(optimizer)
        scaler.update()
        assert scheduler.updates == n_updates
        assert optimizer.param_groups[0]["lr"] == pytest.approx(rate(n_updates - 1))


def test_a_step_of_ones_own_follows_the_schedule_as_well():
    class Own(Tiny):
        _rates = ()

        def step(self, batch, batch_idx):
            if not self.mode.is_train:
                return
            self.optimizer.zero_grad()
            scores = self.forward_loss(batch)
            scores.loss.backward()
            self.optimizer.step()
            self._rates = (*self._rates, self.optimizer.param_groups[0]["lr"])

        def validate(self):
            pass

    conf, _ = train(named({"warmup": 3, "total_updates": 21}, "warmup_policy"), cls=Own)
    assert conf._rates[:5] == pytest.approx([2.5e-4, 5e-4, 7.5e-4, 1e-3, 1e-3])


def state_at(place, overrides):
    """What is saved of a run that is stopped there, and the run that goes on with it"""
    diary = Diary(stop_at=place)
    conf = make(Tiny, {**SIZES, **MEMORY, **overrides}, diary)
    with pytest.raises(Stopped):
        conf.run()
    return state_of(conf.state_parts())


class Resuming(Listener):
    """Puts back what was saved"""

    def __init__(self, state):
        self.state = state

    def on_start(self, conf):
        # Some parts are made when the first batch comes.
        _ = conf.update
        put_back(conf.state_parts(), copy.deepcopy(self.state))


PLACES = [(0, 0, "train", 3), (1, 0, "train", 0), (1, 0, "valid", 1), (2, 0, "train", 6)]


@pytest.mark.parametrize("place", PLACES, ids=str)
@pytest.mark.parametrize("name", ["cosine_annealing", "plateau"])
def test_a_run_that_goes_on_has_the_rates_of_one_that_did_not_stop(name, place):
    overrides = named(CHOICES[name][0], name)
    whole, expected = train(MEMORY | overrides)
    found, lines = train(MEMORY | overrides, Resuming(state_at(place, overrides)))
    assert equal(weights(found.model), weights(whole.model))
    assert found.scheduler.state_dict() == whole.scheduler.state_dict()
    rates = lines.column("lr")
    assert 0 < len(rates) < TOTAL and rates == expected.column("lr")[-len(rates) :]
    assert (
        lines.column("loss.valid")
        == expected.column("loss.valid")[-len(lines.column("loss.valid")) :]
    )


@pytest.mark.slow
@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("name", ["cosine_annealing", "plateau"])
@pytest.mark.parametrize(
    "stops", [["train 1 2", "valid 1 1"], ["train 1 4", "sample 2 0"]], ids=str
)
def test_checkpoints_on_the_disk_have_the_schedule_as_well(name, stops):
    # The run is over in its third epoch.
    options = {"optimizer": "NovoGrad", "optimizer.weight_decay": 0.1, "max_updates": 13}
    check(Stopping, options | named({"warmup": 3, "min_lr": 1e-5}, name), stops)


def test_a_run_with_more_epochs_would_have_other_rates_and_is_refused():
    overrides = named({"warmup": 3}, "cosine_annealing")
    state = state_at((1, 0, "train", 0), overrides)
    more = MEMORY | overrides | {"epochs": 4}
    with pytest.raises(ConfigError, match=r"had 12 updates in all and has 16 now.*updates=16") as e:
        train(more, Resuming(state))
    assert "\n" not in str(e.value)
    # With the number it goes on.
    _, lines = train(more | {"optimizer.total_updates": 16}, Resuming(state))
    rate = make_rate("cosine_annealing", lr=1e-3, warmup=3, total=16)
    assert lines.column("lr") == pytest.approx([rate(t) for t in range(4, 16)], rel=1e-12)
    # With the old one four updates would be made at no rate.
    with pytest.raises(ConfigError, match="total_updates is 12 and the run has 16 updates"):
        train(more | {"optimizer.total_updates": 12}, Resuming(state))
    # A schedule goes on with it that has a lowest rate, and so does one that has no end.
    floored = named({"warmup": 3, "min_lr": 1e-4}, "polynomial_decay")
    state = state_at((1, 0, "train", 0), floored)
    old = {"epochs": 4, "optimizer.total_updates": 12}
    _, lines = train(MEMORY | floored | old, Resuming(state))
    rate = make_rate("polynomial_decay", lr=1e-3, warmup=3, min_lr=1e-4, total=12)
    assert lines.column("lr") == pytest.approx([rate(t) for t in range(4, 16)], rel=1e-12)
    assert lines.column("lr")[-4:] == [1e-4] * 4
    endless = named({"warmup": 3}, "inverse_sqrt")
    state = state_at((1, 0, "train", 0), endless)
    conf, _ = train(MEMORY | endless | {"epochs": 4}, Resuming(state))
    assert conf.scheduler.updates == 16


SHORT = {
    "square_annealing": {"total_updates": 9},
    "cosine_annealing": {"total_updates": 11},
    "warmup_policy": {"total_updates": 9},
    "inverse_square_root_annealing": {"total_updates": 9},
    "polynomial_decay": {"total_updates": 9},
    "cosine": {"total_updates": 9},
    "tri_stage": {"total_updates": 9, "warmup": 2, "hold": 2, "final_scale": 1e-7},
    "warmup_hold_policy": {"total_updates": 9},
}


@pytest.mark.parametrize("name", SHORT)
def test_a_schedule_that_ends_at_zero_before_the_run_does_is_refused(name):
    conf = make(Tiny, SIZES | named(SHORT[name], name))
    with pytest.raises(ConfigError) as e:
        conf.prepare()
    total, rate = SHORT[name]["total_updates"], "1e-10" if name == "tri_stage" else "0"
    assert str(e.value) == (
        f"optimizer.total_updates is {total} and the run has 12 updates, so {name} would make the "
        f"last of them at a rate of {rate}; give at least optimizer.total_updates=12, or end the "
        f"run with max_updates={total}"
    )
    # What the line says helps.
    make(Tiny, SIZES | named(SHORT[name], name) | {"max_updates": total}).prepare()
    make(Tiny, SIZES | named(SHORT[name], name) | {"optimizer.total_updates": 12}).prepare()


def test_a_hold_that_is_the_end_is_one_too_early_as_well():
    options = {"warmup": 2, "hold": 6}
    with pytest.raises(ConfigError) as e:
        make(Tiny, SIZES | named(options, "warmup_hold_policy")).prepare()
    assert str(e.value) == (
        "optimizer.hold is 6 and the run has 12 updates, so warmup_hold_policy would make the last "
        "of them at a rate of 0; give at least optimizer.hold=10, or end the run with max_updates=8"
    )
    for more in ({"hold": 10}, {"min_lr": 1e-4}, {"total_updates": 12}):
        make(Tiny, SIZES | named(options | more, "warmup_hold_policy")).prepare()
    make(Tiny, SIZES | {"max_updates": 8} | named(options, "warmup_hold_policy")).prepare()


def test_a_lowest_rate_that_ends_with_the_schedule_does_not_help():
    options = {"total_updates": 10, "min_lr": 1e-4}
    with pytest.raises(ConfigError, match="is 10 and the run has 12 updates.* at a rate of 0;"):
        make(Tiny, SIZES | named(options, "cosine_annealing")).prepare()
    # NeMo's have it for one update more.
    make(Tiny, SIZES | named(options | {"total_updates": 11}, "cosine_annealing")).prepare()


@pytest.mark.parametrize(
    "name, options",
    [
        ("cosine", {"min_lr": 1e-4}),
        ("polynomial_decay", {"min_lr": 1e-4}),
        ("polynomial_hold_decay_annealing", {"min_lr": 1e-4}),
        ("polynomial_decay_annealing", {"is_cyclic": True}),
        ("warmup_hold_policy", {"min_lr": 1e-4}),
        ("tri_stage", {"warmup": 2, "hold": 2}),
        # These do not end at the total, or not at all.
        ("tri_stage", {"warmup_ratio": 0.2, "hold": 2, "decay": 3, "final_scale": 1e-7}),
        ("cosine", {"period": 2, "warmup_ratio": 0.2}),
        ("inverse_sqrt", {"warmup_ratio": 0.2}),
        ("plateau", {"warmup_ratio": 0.2}),
    ],
)
def test_a_schedule_that_does_not_end_at_zero_may_be_shorter_than_the_run(name, options):
    _, lines = train(named({"total_updates": 8, **options}, name))
    assert len(lines.column("lr")) == TOTAL and lines.column("lr")[9] > 0


def test_a_length_that_was_given_may_be_another_one():
    # Whether it may is asked before, as for any other option.
    overrides = MEMORY | named({"warmup": 3, "total_updates": 12}, "cosine_annealing")
    state = state_at((1, 0, "train", 0), overrides)
    _, lines = train(overrides | {"optimizer.total_updates": 16}, Resuming(state))
    rate = make_rate("cosine_annealing", lr=1e-3, warmup=3, total=16)
    assert lines.column("lr") == pytest.approx([rate(t) for t in range(4, 12)], rel=1e-12)


def test_another_schedule_goes_on_at_the_same_update():
    state = state_at((1, 0, "train", 0), named({"warmup": 3}, "inverse_sqrt"))
    conf, lines = train(MEMORY | named({}, "plateau"), Resuming(state))
    assert conf.scheduler.updates == TOTAL and lines.column("lr")[0] == 1e-3


def test_another_optimizer_may_have_other_groups():
    overrides = named({"warmup": 3}, "inverse_sqrt")
    state = state_at((1, 0, "train", 0), overrides | {"optimizer.weight_decay": 0.0})
    # It is another one by what was allowed, and begins without a memory.
    state["optimizer"] = {}
    conf, lines = train(MEMORY | overrides | {"optimizer": "NovoGrad"}, Resuming(state))
    assert len(conf.optimizer.param_groups) == len(conf.scheduler.factors) == 2
    rate = make_rate("inverse_sqrt", lr=1e-3, warmup=3)
    assert lines.column("lr") == pytest.approx([rate(t) for t in range(4, TOTAL)], rel=1e-12)


@pytest.mark.parametrize("was, now", [(None, "cosine"), ("plateau", None)])
def test_a_schedule_that_comes_or_goes_is_refused_in_one_line(was, now):
    # The default of the warm-up hangs on it.
    changes = {"optimizer.schedule": (was, now), "optimizer.warmup": (2000, None)}
    with pytest.raises(ConfigError) as e:
        check_change("2026", changes)
    assert str(e.value) == (
        f"optimizer.schedule was {was or 'none'} in run 2026 and is {now or 'none'} now, and a run "
        "has a schedule from its first update on or not at all; take it back, or start a new run"
    )
    check_change("2026", {"optimizer.schedule": ("cosine", "plateau")})
    check_change("2026", {"optimizer.warmup": (2000, None)})


@pytest.mark.parametrize(
    "options, line",
    [
        (
            {"optimizer": "Noam", "optimizer.schedule": "cosine_annealing"},
            "optimizer.schedule is cosine_annealing, and Noam has a schedule of its own; choose "
            "another optimizer.optimizer, for example Adam",
        ),
        (
            named({"hold": 3}, "cosine_annealing"),
            "optimizer.hold is 3, and cosine_annealing has no such option; set it to none, or "
            "choose from warmup, warmup_ratio, min_lr",
        ),
        (
            named({"patience": 3}, "warmup_annealing"),
            "optimizer.patience is 3, and warmup_annealing has no such option; set it to none, or "
            "choose from warmup, warmup_ratio",
        ),
        (
            named({"warmup": 3, "warmup_ratio": 0.5}, "cosine_annealing"),
            "optimizer.schedule is cosine_annealing: warmup 3 and warmup_ratio 0.5 are both given: "
            "leave one out",
        ),
        (
            named({"min_lr": 0.5}, "cosine_annealing"),
            "optimizer.schedule is cosine_annealing: min_lr must be from 0 to "
            "optimizer.learning_rate, which is 0.001, not 0.5",
        ),
        (
            named({"warmup": 30, "total_updates": 20}, "cosine_annealing"),
            "optimizer.schedule is cosine_annealing: optimizer.total_updates must be more than the "
            "30 updates of the stages before, not 20",
        ),
        (
            {"optimizer": "Noam", "optimizer.warmup": None},
            "optimizer.warmup is none, and Noam needs a number of updates; for example 2000",
        ),
    ],
)
def test_what_does_not_go_together_is_refused_before_data_is_read(options, line):
    assert refused(options) == line


def test_a_schedule_that_is_none_is_refused_when_it_is_set():
    with pytest.raises(ConfigError, match="optimizer.schedule is 'cosin', it takes .*cosine"):
        make(Tiny, {"optimizer.schedule": "cosin"})


def test_a_warm_up_longer_than_the_run_is_refused_before_the_run_begins():
    conf = make(Tiny, {**SIZES, **named({"warmup": 12}, "cosine_annealing")})
    with pytest.raises(ConfigError, match="total_updates must be more than the 12 updates"):
        conf.prepare()


def test_a_schedule_that_needs_no_length_counts_no_batches():
    class Endless(OptimizerConfigs):
        pass

    conf = Endless()
    conf._set_values({"schedule": "warmup_policy", "parameters": [nn.Parameter(torch.ones(3))]})
    conf.set_default("total_updates", func=lambda: pytest.fail("counted"))
    conf.check()
    assert conf.make_scheduler(conf.optimizer).rate(5) == 1e-3


def test_options_that_nobody_reads_are_told():
    conf, _ = train({"optimizer.min_lr": 1e-4, "optimizer.warmup": 3})
    assert conf.unread_overrides() == ["optimizer.min_lr", "optimizer.warmup"]
    conf, _ = train(named({"min_lr": 1e-4, "warmup": 3}, "cosine_annealing"))
    assert conf.unread_overrides() == []


def test_an_optimizer_of_ones_own_has_no_schedule():
    class Own(Tiny):
        optimizer: torch.optim.Optimizer = "mine"

    @option(Own.optimizer)
    def mine(c: Own) -> torch.optim.SGD:
        return torch.optim.SGD(c.model.parameters(), lr=0.25)

    conf, lines = train({}, cls=Own)
    assert conf.scheduler is None and set(lines.column("lr")) == {0.25}
