import math
from collections.abc import Iterable

import pytest
import torch
from labml.configs import option

from labnn import optimizers
from labnn.configs.base import StrictConfigs
from labnn.configs.optimizer import OptimizerConfigs
from labnn.configs.overrides import given
from labnn.configs.types import ConfigError
from labnn.runs.options import list_options
from tests.configs.tiny import D_MODEL, Tiny, equal, make

N_STEPS = 20
BETAS = dict(betas=(0.8, 0.95), eps=1e-6, weight_decay=0.03)
OPTIONS = {"beta1": 0.8, "beta2": 0.95, "eps": 1e-6, "weight_decay": 0.03, "learning_rate": 0.2}

# What each option gives, with all values set, and with the defaults
TWINS = {
    "Adam": (
        lambda p: optimizers.Adam(p, lr=0.2, **BETAS),
        lambda p: optimizers.Adam(p, lr=1e-3),
    ),
    "AdamW": (
        lambda p: optimizers.AdamW(p, lr=0.2, **BETAS),
        # One default of the decay for all of them
        lambda p: optimizers.AdamW(p, lr=1e-3, weight_decay=0.0),
    ),
    "Noam": (
        lambda p: optimizers.Noam(p, lr=0.2, d_model=5, warmup=7, **BETAS),
        lambda p: optimizers.Noam(p, lr=1e-3, d_model=5, warmup=2000),
    ),
    "NovoGrad": (
        lambda p: optimizers.NovoGrad(p, lr=0.2, **BETAS),
        lambda p: optimizers.NovoGrad(p, lr=1e-3),
    ),
    "SGD": (
        lambda p: optimizers.SGD(p, lr=0.2, momentum=0.7, weight_decay=0.03),
        lambda p: optimizers.SGD(p, lr=1e-3, momentum=0.5),
    ),
}


def parameters():
    torch.manual_seed(3)
    return [torch.nn.Parameter(torch.randn(3, 2)), torch.nn.Parameter(torch.randn(5))]


def follow(optimizer, params):
    """The parameters after some steps on losses that change"""
    for step in range(N_STEPS):
        optimizer.zero_grad()
        sum((p - step).pow(2).sum() * (i + 1) for i, p in enumerate(params)).backward()
        optimizer.step()
    return [p.detach() for p in params]


def chosen(params, **overrides):
    conf = OptimizerConfigs()
    conf._set_values({"parameters": params, "d_model": 5, **overrides})
    return conf.optimizer


def test_every_option_has_a_twin_here():
    assert set(OptimizerConfigs()._choices("optimizer")) == set(TWINS)


@pytest.mark.parametrize("name", TWINS)
def test_options_give_the_optimizer_that_is_made_by_hand(name):
    ours, theirs = parameters(), parameters()
    overrides = {**OPTIONS, "momentum": 0.7, "warmup": 7}
    optimizer, twin = chosen(ours, optimizer=name, **overrides), TWINS[name][0](theirs)
    assert type(optimizer) is type(twin)
    assert equal(follow(optimizer, ours), follow(twin, theirs))


@pytest.mark.parametrize("name", TWINS)
def test_the_defaults(name):
    ours, theirs = parameters(), parameters()
    optimizer, twin = chosen(ours, optimizer=name), TWINS[name][1](theirs)
    assert equal(follow(optimizer, ours), follow(twin, theirs))


def test_adam_is_the_default():
    assert type(chosen(parameters())) is optimizers.Adam


def test_reading_a_rate_builds_no_model():
    class Sad(StrictConfigs):
        optimizer: torch.optim.Optimizer = "nested"

    @option(Sad.optimizer)
    def nested(c: Sad) -> OptimizerConfigs:
        conf = OptimizerConfigs()
        conf.set_default(OptimizerConfigs.parameters, func=lambda: pytest.fail("built"))
        return conf

    conf = Sad()
    conf._set_values({"optimizer": "Noam", "optimizer.learning_rate": 3})
    assert conf._nested("optimizer").learning_rate == 3.0


@pytest.mark.parametrize("name", TWINS)
def test_a_training_hands_over_its_model_and_its_width(name):
    conf = make(Tiny, {"optimizer": name, "optimizer.learning_rate": 0.5})
    optimizer = conf.optimizer
    assert [id(p) for p in optimizer.param_groups[0]["params"]] == [
        id(p) for p in conf.model.parameters()
    ]
    if name == "Noam":
        rate = 0.5 * D_MODEL**-0.5 * 2000**-1.5
        assert optimizer.param_groups[0]["lr"] == pytest.approx(rate)
        assert optimizer.param_groups[0]["factor"] == 0.5


def test_a_subclass_adds_an_optimizer_in_a_few_lines():
    class Mine(OptimizerConfigs):
        optimizer: torch.optim.Optimizer = "Adagrad"
        parameters: Iterable

    @option(Mine.optimizer)
    def Adagrad(c: Mine) -> torch.optim.Adagrad:
        return torch.optim.Adagrad(c.parameters, lr=c.learning_rate)

    conf = Mine()
    conf._set_values({"parameters": parameters()})
    assert type(conf.optimizer) is torch.optim.Adagrad
    assert "Adagrad" not in OptimizerConfigs()._choices("optimizer")


@pytest.mark.parametrize("name", ["adam", "noam", "Sophia"])
def test_another_name_is_refused(name):
    with pytest.raises(ConfigError, match=f"no option '{name}'"):
        make(Tiny, {"optimizer": name})


@pytest.mark.parametrize(
    "key, value",
    [
        ("learning_rate", 0),
        ("learning_rate", -1e-3),
        ("learning_rate", math.nan),
        ("beta1", 1.5),
        ("beta2", -0.1),
        ("eps", -1e-8),
        ("weight_decay", -1),
        ("momentum", 2),
        ("warmup", -1),
        ("warmup", 1.5),
        ("d_model", 0),
    ],
)
def test_values_out_of_range_are_refused_when_they_are_set(key, value):
    with pytest.raises(ConfigError, match=rf"optimizer\.{key} is "):
        make(Tiny, {f"optimizer.{key}": value})


@pytest.mark.parametrize("key", ["beta1", "beta2"])
@pytest.mark.parametrize("name", ["Adam", "AdamW", "Noam"])
def test_a_mean_that_never_moves_is_refused_before_data_is_read(key, name):
    conf = make(Tiny, {"optimizer": name, f"optimizer.{key}": 1.0})
    with pytest.raises(ConfigError, match=rf"optimizer\.{key} is 1; it has to be below 1"):
        conf.check()
    assert "train_loader" not in conf._Configs__cached


def test_warmup_zero_works():
    ours, theirs = parameters(), parameters()
    twin = optimizers.Noam(theirs, lr=0.2, d_model=5, warmup=0)
    optimizer = chosen(ours, optimizer="Noam", warmup=0, learning_rate=0.2)
    assert equal(follow(optimizer, ours), follow(twin, theirs))


def test_novograd_has_means_of_its_own_that_can_be_changed():
    def betas(**overrides):
        return chosen(parameters(), **overrides).param_groups[0]["betas"]

    assert betas(optimizer="NovoGrad") == (0.95, 0.25)
    assert betas(optimizer="NovoGrad", beta2=0.5) == (0.95, 0.5)
    assert betas(optimizer="Adam") == (0.9, 0.999)


def test_what_hangs_on_the_optimizer_is_a_number_in_a_list_of_options():
    conf = make(Tiny, {"optimizer": "NovoGrad"})
    found = {o.name: o for o in list_options(conf)}
    assert (found["optimizer.beta1"].value, found["optimizer.beta2"].value) == (0.95, 0.25)
    assert not found["optimizer.beta1"].is_overridden and not found["optimizer.beta1"].is_computed
    assert found["optimizer.warmup"].value == 2000


def test_the_last_choice_of_an_optimizer_counts_for_its_defaults():
    conf = OptimizerConfigs()
    conf.optimizer = "NovoGrad"
    assert given(conf, "beta1") == 0.95
    conf._set_values({"optimizer": "AdamW"})
    assert (conf.beta1, conf.beta2) == (0.9, 0.999)


def test_defaults_that_somebody_set_stay():
    conf = OptimizerConfigs()
    conf.set_default(OptimizerConfigs.beta1, 0.7)
    conf.set_default(OptimizerConfigs.optimizer, "NovoGrad")
    assert (conf.beta1, conf.beta2) == (0.7, 0.25)

    class Mine(OptimizerConfigs):
        optimizer: torch.optim.Optimizer = "NovoGrad"
        beta2: float = 0.999

    assert (Mine().beta1, Mine().beta2) == (0.95, 0.999)


@pytest.mark.parametrize("name", TWINS)
def test_weights_decay_in_groups_and_without_decay_there_is_one(name):
    conf = make(Tiny, {"optimizer": name, "optimizer.weight_decay": 0.1})
    model, groups = conf.model, conf.optimizer.param_groups
    assert [group["weight_decay"] for group in groups] == [0.1, 0.0]
    assert [id(p) for p in groups[0]["params"]] == [id(model.linear.weight)]
    spared = [model.embedding.weight, model.linear.bias]
    assert [id(p) for p in groups[1]["params"]] == [id(p) for p in spared]
    for options in ({}, {"optimizer.weight_decay": 0.1, "optimizer.decay_groups": False}):
        conf = make(Tiny, {"optimizer": name, **options})
        (group,) = conf.optimizer.param_groups
        assert len(group["params"]) == 3
        assert group["weight_decay"] == options.get("optimizer.weight_decay", 0)


ONE, TWO = "one group", "two groups"
INSTEAD = (
    "let all weights decay with optimizer.decay_groups=false and --allow-change "
    "optimizer.decay_groups"
)


@pytest.mark.parametrize("name", TWINS)
@pytest.mark.parametrize("before, now, was, is_, instead", [
    ({}, {"weight_decay": 0.1}, "weight_decay was 0.0", "0.1", INSTEAD),
    ({"weight_decay": 0.1}, {}, "weight_decay was 0.1", "0.0", "start a new run"),
    (
        {"weight_decay": 0.1, "decay_groups": False}, {"weight_decay": 0.1},
        "decay_groups was False", "True", "start a new run",
    ),
    (
        {"weight_decay": 0.1}, {"weight_decay": 0.2, "decay_groups": False},
        "decay_groups was True", "False", "start a new run",
    ),
])  # fmt: skip
def test_a_memory_for_other_groups_is_refused_by_the_option(name, before, now, was, is_, instead):
    def built(options):
        found = {f"optimizer.{key}": value for key, value in options.items()}
        return make(Tiny, {"optimizer": name, **found}).optimizer

    saved = built(before).state_dict()
    with pytest.raises(ConfigError) as e:
        built(now).load_state_dict(saved)
    is_more = is_ in ("0.1", "True")
    assert str(e.value) == (
        f"optimizer.{was} in the run and is {is_} now, so the optimizer has "
        f"{TWO if is_more else ONE} of weights, and what it remembers is for "
        f"{ONE if is_more else TWO}; take it back, or {instead}"
    )
    built(before).load_state_dict(saved)
    # What the line says helps.
    if not before:
        built(now | {"decay_groups": False}).load_state_dict(saved)


def test_what_does_not_decay_stays_where_it_is_without_a_gradient():
    conf = make(Tiny, {"optimizer": "AdamW", "optimizer.weight_decay": 0.1})
    before = [p.detach().clone() for p in conf.model.parameters()]
    for p in conf.model.parameters():
        p.grad = torch.zeros_like(p)
    conf.optimizer.step()
    assert [torch.equal(a, b) for a, b in zip(before, conf.model.parameters(), strict=True)] == [
        True,
        False,
        True,
    ]


def test_nesterov_reaches_the_optimizer_and_needs_momentum():
    ours, theirs = parameters(), parameters()
    optimizer = chosen(ours, optimizer="SGD", is_nesterov=True, momentum=0.7)
    twin = torch.optim.SGD(theirs, lr=1e-3, momentum=0.7, nesterov=True)
    pairs = zip(follow(optimizer, ours), follow(twin, theirs), strict=True)
    assert all(torch.allclose(a, b) for a, b in pairs)
    conf = make(
        Tiny,
        {"optimizer": "SGD", "optimizer.is_nesterov": True, "optimizer.momentum": 0},
    )
    with pytest.raises(ConfigError, match="optimizer.momentum is 0; give a momentum"):
        conf.check()


def test_the_mean_of_novograd_may_be_one_of_gradients_of_their_size():
    assert chosen(parameters(), optimizer="NovoGrad", is_averaged=True).defaults["is_averaged"]
    assert not chosen(parameters(), optimizer="NovoGrad").defaults["is_averaged"]


def test_momentum_of_one_is_refused_where_it_is_read():
    conf = make(Tiny, {"optimizer": "SGD", "optimizer.momentum": 1})
    with pytest.raises(ConfigError, match=r"optimizer\.momentum is 1; it has to be below 1"):
        conf.check()
    conf = make(Tiny, {"optimizer": "Adam", "optimizer.momentum": 1})
    conf.check()
    assert "optimizer.momentum" in conf._overrides()


def test_what_torchs_descent_has_saved_can_be_loaded():
    ours, theirs = parameters(), parameters()
    before = torch.optim.SGD(theirs, lr=0.1, momentum=0.5)
    follow(before, theirs)
    optimizer = chosen(ours, optimizer="SGD", learning_rate=0.1)
    with torch.no_grad():
        for p, q in zip(ours, theirs, strict=True):
            p.copy_(q)
    optimizer.load_state_dict(before.state_dict())
    pairs = zip(follow(optimizer, ours), follow(before, theirs), strict=True)
    assert all(torch.allclose(a, b) for a, b in pairs)
