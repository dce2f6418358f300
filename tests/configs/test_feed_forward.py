import math

import pytest
import torch
from torch import nn

from labnn.configs.feed_forward import FeedForwardConfigs
from labnn.configs.types import ConfigError
from labnn.transformers.feed_forward import FeedForward

D_MODEL, D_FF = 7, 11
ACTIVATIONS = [nn.ReLU, nn.GELU, nn.SiLU, nn.Tanh, nn.Sigmoid, nn.Identity]


def make(**overrides):
    conf = FeedForwardConfigs()
    conf._set_values({"d_model": D_MODEL, "d_ff": D_FF, **overrides})
    return conf


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("is_gated", [False, True])
def test_it_makes_the_network_that_is_put_together_by_hand(activation, is_gated):
    conf = make(activation=activation.__name__, is_gated=is_gated, dropout_prob=0.3)
    ours = conf.make_ffn()
    theirs = FeedForward(
        D_MODEL, d_ff=D_FF, dropout_prob=0.3, activation=activation(), is_gated=is_gated
    )
    theirs.load_state_dict(ours.state_dict())
    x, found = torch.randn(5, 3, D_MODEL), []
    for ffn in (ours, theirs):
        torch.manual_seed(5)
        found.append(ffn(x))
    assert torch.equal(*found)


def test_each_call_makes_another_network():
    make_ffn = make().make_ffn
    first, second = make_ffn(), make_ffn()
    assert not torch.equal(first.expand.weight, second.expand.weight)


def test_every_activation_has_a_test():
    names = FeedForwardConfigs()._choices("activation")
    assert names == [*(activation.__name__ for activation in ACTIVATIONS), "GELUTanh"]


def test_the_gelu_of_gpt_2():
    x = torch.randn(5, 3, D_MODEL)
    # 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))
    inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
    found = make(activation="GELUTanh").activation(x)
    torch.testing.assert_close(found, 0.5 * x * (1 + inner.tanh()))
    assert not torch.equal(found, nn.GELU()(x))


@pytest.mark.parametrize(
    "name, value", [("d_ff", 0), ("dropout_prob", 1.5), ("activation", "relu"), ("is_gated", 3)]
)
def test_mistakes_are_refused(name, value):
    with pytest.raises(ConfigError, match=name):
        _ = make(**{name: value}).make_ffn
