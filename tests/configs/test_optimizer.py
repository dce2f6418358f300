import math
from collections.abc import Iterable

import pytest
import torch
from labml.configs import option

from labnn import optimizers
from labnn.configs.base import StrictConfigs
from labnn.configs.optimizer import OptimizerConfigs
from labnn.configs.types import ConfigError
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
    "SGD": (
        lambda p: torch.optim.SGD(p, lr=0.2, momentum=0.7, weight_decay=0.03),
        lambda p: torch.optim.SGD(p, lr=1e-3, momentum=0.5),
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
