import random

import numpy as np
import pytest
import torch
from torch import nn

from labnn.configs.state import Gradients, RandomState, put_back, state_of


def draws():
    """One number of each generator"""
    return torch.rand(3).tolist(), random.random(), np.random.rand()


def test_all_generators_go_on_where_they_were():
    draws()
    state = RandomState().state_dict()
    expected = draws(), draws()
    draws()
    RandomState().load_state_dict(state)
    assert (draws(), draws()) == expected


def test_what_was_drawn_in_between_can_be_made_good_again():
    state = RandomState()
    state.set_aside()
    # A phase that goes on began where it began.
    expected = draws()
    state.set_aside()
    kept, rest = state.state_dict(), draws()
    state.take_back()
    assert draws() == expected and "aside" not in state.state_dict()
    other = RandomState()
    other.load_state_dict(kept)
    assert draws() == rest
    other.take_back()
    assert draws() == expected


def test_a_state_is_a_copy():
    state = RandomState().state_dict()
    before = state["torch"].clone()
    draws()
    assert torch.equal(state["torch"], before)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_generators_of_gpus_go_on_as_well():
    state = RandomState().state_dict()
    expected = torch.rand(3, device="cuda")
    RandomState().load_state_dict(state)
    assert torch.equal(torch.rand(3, device="cuda"), expected)


def test_unfinished_gradients_are_put_back():
    model = nn.Linear(3, 2)
    model(torch.ones(5, 3)).sum().backward()
    # A part of the model that no batch has reached yet
    model.bias.grad = None
    kept = {name: g.clone() for name, g in Gradients(model).state_dict().items()}
    assert [*kept] == ["weight"]
    model.zero_grad()
    model(torch.ones(7, 3)).sum().backward()
    Gradients(model).load_state_dict(kept)
    # Five rows of ones by hand
    assert model.weight.grad.tolist() == [[5.0] * 3] * 2
    assert model.bias.grad is None
    # The next batch adds to it.
    model(torch.ones(2, 3)).sum().backward()
    assert model.weight.grad.tolist() == [[7.0] * 3] * 2


def test_after_an_update_there_are_none():
    model = nn.Linear(3, 2)
    assert Gradients(model).state_dict() == {}
    model(torch.ones(5, 3)).sum().backward()
    Gradients(model).load_state_dict({})
    assert model.weight.grad is None


class Part:
    def __init__(self, log, name, state):
        self.log, self.name, self.state = log, name, state

    def state_dict(self):
        return self.state

    def load_state_dict(self, state):
        self.log.append((self.name, state))


def test_parts_are_put_back_in_their_order_and_empty_ones_left_alone():
    log = []
    parts = {name: Part(log, name, state) for name, state in (("b", {1: 2}), ("a", {}), ("c", [3]))}
    state = state_of(parts)
    assert state == {"b": {1: 2}, "a": {}, "c": [3]}
    put_back(parts, state)
    assert log == [("b", {1: 2}), ("c", [3])]
