"""
# Tests of the groups for weight decay

Every model is divided by hand, and an optimizer shows what becomes of the weights.
"""

import json

import pytest
import torch
from torch import nn

from labnn.layers.layer_norm import LayerNorm
from labnn.optimizers import SGD, Adam, AdamW, Noam, NovoGrad, decay_groups
from labnn.transformers.embeddings import Embeddings
from labnn.transformers.feed_forward import FeedForward
from labnn.transformers.generator import Generator
from labnn.transformers.positional_encoding import (
    LearnedPositionalEncoding,
    SinusoidalPositionalEncoding,
)

# Distinct primes
D_MODEL, D_FF, N_TOKENS, MAX_LEN = 5, 7, 11, 13
DECAY = 0.3


class Model(nn.Module):
    """What every model has: tables, a matrix in the middle, a normalization and a projection"""

    def __init__(self, is_tied=False, is_learned=True):
        super().__init__()
        positions = LearnedPositionalEncoding if is_learned else SinusoidalPositionalEncoding
        self.embed = Embeddings(
            D_MODEL, n_tokens=N_TOKENS, positional_encoding=positions(D_MODEL, max_len=MAX_LEN)
        )
        self.ffn = FeedForward(D_MODEL, d_ff=D_FF, dropout_prob=0.0, activation=nn.ReLU())
        self.norm = LayerNorm(D_MODEL)
        self.generator = Generator(D_MODEL, N_TOKENS)
        if is_tied:
            self.generator.projection.weight = self.embed.token_embed.weight

    def forward(self, x):
        return self.generator(self.norm(self.ffn(self.embed(x))))


def divided(model, weight_decay=DECAY):
    """The names of both groups; a shared parameter has its first name"""
    groups = decay_groups(model, weight_decay)
    assert [group["weight_decay"] for group in groups] == [weight_decay, 0.0]
    names = {id(param): name for name, param in model.named_parameters()}
    return [[names[id(param)] for param in group["params"]] for group in groups]


def check_complete(model):
    """Everything that wants a gradient, once, in the model's own order"""
    wanted = [id(param) for param in model.parameters() if param.requires_grad]
    groups = [[id(param) for param in group["params"]] for group in decay_groups(model, DECAY)]
    assert sorted(sum(groups, [])) == sorted(wanted)
    for group in groups:
        assert group == [one for one in wanted if one in group]


MATRICES = ["ffn.expand.weight", "ffn.contract.weight"]
REST = [
    "embed.token_embed.weight", "embed.positional_encoding.table", "ffn.expand.bias",
    "ffn.contract.bias", "norm.gain", "norm.bias", "generator.projection.bias",
]  # fmt: skip


def test_matrices_decay_and_biases_gains_and_tables_do_not():
    model = Model()
    assert divided(model) == [[*MATRICES, "generator.projection.weight"], REST]
    check_complete(model)


def test_a_tied_table_appears_once_and_counts_as_a_table():
    model = Model(is_tied=True)
    assert divided(model) == [MATRICES, REST]
    check_complete(model)


def test_a_table_that_is_met_last_is_a_table_all_the_same():
    linear, embedding = nn.Linear(D_MODEL, N_TOKENS), nn.Embedding(N_TOKENS, D_MODEL)
    linear.weight = embedding.weight
    assert divided(nn.Sequential(linear, embedding)) == [[], ["0.weight", "0.bias"]]


def test_waves_are_no_parameters():
    assert divided(Model(is_learned=False))[1] == [n for n in REST if not n.endswith("table")]


@pytest.mark.parametrize("module, decays", [
    (nn.LayerNorm(D_MODEL), []),
    (nn.LayerNorm((D_FF, D_MODEL)), []),
    (nn.RMSNorm((D_FF, D_MODEL)), []),
    (nn.BatchNorm1d(D_MODEL), []),
    (nn.Embedding(N_TOKENS, D_MODEL), []),
    (nn.EmbeddingBag(N_TOKENS, D_MODEL), []),
    (nn.Linear(D_MODEL, D_FF), ["weight"]),
    (nn.Conv1d(D_MODEL, D_FF, 3), ["weight"]),
    (nn.LSTM(D_MODEL, D_FF), ["weight_ih_l0", "weight_hh_l0"]),
    (nn.MultiheadAttention(D_MODEL, 1), ["in_proj_weight", "out_proj.weight"]),
    (nn.ParameterList([torch.ones(3, 2), torch.ones(3)]), ["0"]),
])  # fmt: skip
def test_modules_of_torch_are_divided_as_well(module, decays):
    assert divided(module)[0] == decays
    check_complete(module)


def test_both_groups_are_there_when_one_is_empty():
    assert divided(nn.Linear(D_MODEL, D_FF, bias=False)) == [["weight"], []]
    for make in (AdamW, SGD):
        make(decay_groups(nn.Linear(D_MODEL, D_FF, bias=False), DECAY), lr=0.1).step()


def test_frozen_parameters_are_left_out():
    model = Model()
    model.embed.requires_grad_(False)
    model.ffn.expand.weight.requires_grad_(False)
    decays, rest = divided(model)
    assert decays == ["ffn.contract.weight", "generator.projection.weight"] and rest == REST[2:]
    check_complete(model)


def test_a_model_without_anything_to_train_is_refused():
    with pytest.raises(ValueError, match="Model has no parameter that requires a gradient"):
        decay_groups(Model().requires_grad_(False), DECAY)


class Positions(nn.Module):
    """Somebody's table of positions"""

    def __init__(self, no_decay=None):
        super().__init__()
        self.rows = nn.Parameter(torch.ones(MAX_LEN, D_MODEL))
        self.map = nn.Parameter(torch.ones(D_MODEL, D_MODEL))
        self.register_parameter("bias", None)
        if no_decay is not None:
            self.no_decay = no_decay


def test_a_plain_table_decays_until_its_module_says_no():
    assert divided(Positions()) == [["rows", "map"], []]
    assert divided(Positions(("rows",))) == [["map"], ["rows"]]
    assert divided(Positions(["map", "rows"])) == [[], ["rows", "map"]]
    # What a module says is about itself and not about what is in it.
    outer = nn.Sequential(Positions(("rows",)), Positions())
    assert divided(outer) == [["0.map", "1.rows", "1.map"], ["0.rows"]]


def test_a_parameter_that_was_left_out_may_be_named():
    assert divided(Positions(("rows", "bias"))) == [["map"], ["rows"]]


def test_a_parameter_with_two_names_may_be_named_by_either():
    module = Positions(("same",))
    module.same = module.rows
    assert divided(module) == [["map"], ["rows"]]


@pytest.mark.parametrize("no_decay, message", [
    (("row",), "no_decay of Positions names 'row', which is no parameter .* choose from rows, map"),
    (("training",), "names 'training', which is no parameter"),
    (("inner.rows",), "names 'inner.rows', which is no parameter"),
    ("rows", r"no_decay of Positions is 'rows': give a tuple .* such as \('table',\)"),
    (True, "no_decay of Positions is True: give a tuple"),
])  # fmt: skip
def test_names_of_nothing_are_refused_in_one_line(no_decay, message):
    with pytest.raises(ValueError, match=message) as error:
        decay_groups(nn.Sequential(Positions(no_decay)), DECAY)
    assert "\n" not in str(error.value)


def test_a_module_without_parameters_says_so():
    module = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    module[1].no_decay = ("table",)
    with pytest.raises(ValueError, match="no_decay of ReLU names 'table'.*it has no parameters"):
        decay_groups(module, DECAY)


@pytest.mark.parametrize("make", [
    Adam,
    AdamW,
    SGD,
    NovoGrad,
    lambda groups, lr: Noam(groups, d_model=D_MODEL, lr=lr),
])  # fmt: skip
def test_every_optimizer_takes_the_groups_and_a_resumed_one_finds_them(make):
    model = Model(is_tied=True)
    optimizer = make(decay_groups(model, DECAY), lr=0.1)
    model(torch.arange(6).reshape(3, 2)).square().mean().backward()
    optimizer.step()
    saved = optimizer.state_dict()
    groups = json.loads(json.dumps(saved["param_groups"]))
    assert [group["weight_decay"] for group in groups] == [DECAY, 0.0]
    # The numbers of the parameters follow from the model alone.
    again = make(decay_groups(Model(is_tied=True), DECAY), lr=0.1)
    again.load_state_dict(saved)
    assert [group["params"] for group in again.state_dict()["param_groups"]] == [
        group["params"] for group in groups
    ]


@pytest.mark.parametrize("is_divided", [True, False])
def test_rows_that_no_batch_reaches_keep_their_vectors(is_divided):
    model = Model(is_tied=False)
    params = decay_groups(model, DECAY) if is_divided else model.parameters()
    optimizer = AdamW(params, lr=0.1, weight_decay=DECAY)
    table = model.embed.token_embed.weight
    before, matrix = table.detach().clone(), model.ffn.expand.weight.detach().clone()
    for _ in range(3):
        optimizer.zero_grad()
        # Tokens 0 to 5 are read, and 6 to 10 are not.
        (model(torch.arange(6).reshape(3, 2)).sum() * 0.0).backward()
        optimizer.step()
    kept = 1.0 if is_divided else (1 - 0.1 * DECAY) ** 3
    torch.testing.assert_close(table[6:], before[6:] * kept)
    torch.testing.assert_close(model.ffn.expand.weight, matrix * (1 - 0.1 * DECAY) ** 3)
