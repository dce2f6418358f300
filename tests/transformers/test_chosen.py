import pytest
import torch
from torch import nn

from labnn.layers.layer_norm import LayerNorm
from labnn.transformers.alibi import AlibiPositions
from labnn.transformers.chosen import (
    MULTIPLE,
    Chosen,
    check_positions,
    labelled,
    last_positions,
    logits_at,
    run_at,
)
from labnn.transformers.encoder import Encoder, TransformerLayer
from labnn.transformers.feed_forward import FeedForward
from labnn.transformers.masks import causal_mask, combine_masks, padding_mask
from labnn.transformers.mha import MultiHeadAttention
from labnn.transformers.rotary import RotaryPositions
from tests.transformers.torch_twins import randomize

SEQ_LEN, BATCH_SIZE, N_HEADS, D_MODEL, D_FF, N_LAYERS = 11, 5, 3, 21, 17, 2
N = SEQ_LEN * BATCH_SIZE


def layer(is_pre_norm: bool = True, dropout_prob: float = 0.0) -> TransformerLayer:
    return TransformerLayer(
        D_MODEL,
        self_attn=MultiHeadAttention(D_MODEL, n_heads=N_HEADS, dropout_prob=dropout_prob),
        feed_forward=FeedForward(D_MODEL, d_ff=D_FF, dropout_prob=dropout_prob),
        dropout_prob=dropout_prob,
        is_pre_norm=is_pre_norm,
    )


def encoder(is_pre_norm: bool = True) -> Encoder:
    norm = LayerNorm(D_MODEL) if is_pre_norm else None
    return randomize(Encoder(lambda: layer(is_pre_norm), n_layers=N_LAYERS, norm=norm))


def masks() -> dict:
    ids = torch.ones(SEQ_LEN, BATCH_SIZE, dtype=torch.int64)
    ids[7:, 2] = 0
    padding, causal = padding_mask(ids, 0), causal_mask(SEQ_LEN)
    return {
        "none": None,
        "padding": padding,
        "causal": causal,
        "both": combine_masks(padding, causal),
        "all queries": padding.expand(SEQ_LEN, -1, -1),
    }


CHOICES = {
    "some": [3, 17, 4, 54, 0, 30],
    "all": list(range(N)),
    "one": [12],
    "none": [],
    "one sequence": [b * BATCH_SIZE + 2 for b in range(SEQ_LEN)],
    "twice": [7, 7, 12, 7],
}


@pytest.fixture
def x():
    return torch.randn(SEQ_LEN, BATCH_SIZE, D_MODEL)


@pytest.mark.parametrize("choice", CHOICES.values(), ids=CHOICES)
@pytest.mark.parametrize("name", masks())
@pytest.mark.parametrize("is_pre_norm", [True, False])
def test_chosen_positions_are_rows_of_the_whole(x, is_pre_norm, name, choice):
    model, positions = encoder(is_pre_norm), torch.tensor(choice, dtype=torch.int64)
    whole = model(x, masks()[name]).flatten(0, 1)
    chosen = model(x, masks()[name], positions=positions)
    assert chosen.shape == (len(choice), D_MODEL)
    torch.testing.assert_close(chosen, whole[positions])


@pytest.mark.parametrize("is_pre_norm", [True, False])
def test_their_gradient_is_that_of_rows_of_the_whole(x, is_pre_norm):
    model, positions = encoder(is_pre_norm), torch.tensor(CHOICES["some"] + [17])
    upstream = torch.randn(len(positions), D_MODEL)
    gradients = []
    for rows in (
        lambda x: model(x, masks()["both"], positions=positions),
        lambda x: model(x, masks()["both"]).flatten(0, 1)[positions],
    ):
        model.zero_grad()
        leaf = x.clone().requires_grad_()
        rows(leaf).backward(upstream)
        gradients.append([leaf.grad, *(p.grad.clone() for p in model.parameters())])
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_by_hand():
    # The example of the page: places 0 and 1 of the first sequence, 1 and 2 of the second.
    chosen = Chosen(torch.tensor([0, 2, 3, 5]), seq_len=3, batch_size=2)
    assert chosen.grid.tolist() == [[0, 1], [1, 2]]
    assert Chosen(torch.tensor([0, 2, 3]), seq_len=3, batch_size=2).grid.tolist() == [
        [0, 1],
        [1, 0],
    ]


def test_the_grid_has_as_many_rows_as_the_longest_column():
    chosen = Chosen(torch.tensor([0, 5, 10, 11, 54]), seq_len=SEQ_LEN, batch_size=BATCH_SIZE)
    assert chosen.grid.shape == (3, BATCH_SIZE)


def test_a_list_that_is_spread_and_collected_keeps_its_order(x):
    positions = torch.randperm(N)[:23]
    chosen = Chosen(positions, seq_len=SEQ_LEN, batch_size=BATCH_SIZE)
    assert torch.equal(chosen.collect(chosen.spread(x)), x.flatten(0, 1)[positions])


def test_the_last_layer_is_computed_at_the_grid_alone(x):
    model, seen = encoder(), []
    for part in model.layers:
        part.self_attn.to_query.register_forward_hook(lambda *given: seen.append(given[1][0].shape))
        part.feed_forward.register_forward_hook(lambda *given: seen.append(given[1][0].shape))
    model(x, positions=torch.tensor([0, 5, 10, 11]))
    assert seen[:-2] == [(SEQ_LEN, BATCH_SIZE, D_MODEL)] * 2 * (N_LAYERS - 1)
    assert seen[-2:] == [(3, BATCH_SIZE, D_MODEL), (4, D_MODEL)]


def test_a_position_reads_all_keys_whether_they_are_chosen_or_not(x):
    model, positions = encoder(), torch.tensor([12])
    before = model(x, positions=positions)
    x[9, 2] = torch.randn(D_MODEL)
    assert not torch.allclose(before, model(x, positions=positions))


class Doubled(nn.Module):
    """A layer that knows nothing of positions"""

    def forward(self, x, mask=None):
        return 2 * x


def test_a_layer_that_does_not_know_positions_is_computed_everywhere(x):
    positions = torch.tensor(CHOICES["some"])
    model = Encoder(Doubled, n_layers=2)
    assert torch.equal(model(x, positions=positions), 4 * x.flatten(0, 1)[positions])
    assert torch.equal(run_at(Doubled(), x, None, positions), 2 * x.flatten(0, 1)[positions])
    assert torch.equal(run_at(Doubled(), x, None, None), 2 * x)


@pytest.mark.parametrize("is_asked", [True, False])
def test_logits_of_any_model_can_be_had_at_positions(x, is_asked):
    class All(nn.Module):
        def forward(self, x):
            return 2 * x, None

    class Some(nn.Module):
        def forward(self, x, positions=None):
            return 2 * x.flatten(0, 1)[positions], None

    positions = torch.tensor(CHOICES["some"])
    model, ids = Some() if is_asked else All(), torch.randint(13, (SEQ_LEN, BATCH_SIZE, 13))
    expected = 2 * ids.flatten(0, 1)[positions]
    assert torch.equal(logits_at(model, ids, positions), expected)
    if not is_asked:
        assert torch.equal(logits_at(model, ids, None), 2 * ids)


@pytest.mark.parametrize("outside", [-1, N, -N])
def test_a_position_that_does_not_exist_is_refused(outside):
    with pytest.raises((IndexError, RuntimeError)):
        Chosen(torch.tensor([0, outside]), seq_len=SEQ_LEN, batch_size=BATCH_SIZE)


@pytest.mark.parametrize("n_labels", [0, 1, MULTIPLE - 1, MULTIPLE, MULTIPLE + 1, 199, 200])
def test_labelled_positions_come_first_and_are_filled_up(n_labels):
    labels = torch.full((40, 5), -1)
    where = torch.randperm(200)[:n_labels]
    labels.view(-1)[where] = torch.randint(13, (n_labels,))
    positions = labelled(labels, ignore=-1)
    assert positions[:n_labels].tolist() == sorted(where.tolist())
    assert (labels.flatten()[positions[n_labels:]] == -1).all()
    assert len(positions) == min(-(-n_labels // MULTIPLE) * MULTIPLE, 200)
    assert len(set(positions.tolist())) == len(positions)


def test_a_loss_over_labelled_positions_is_that_over_all():
    logits, labels = torch.randn(40, 5, 13), torch.full((40, 5), 12)
    labels[::3] = torch.randint(12, labels[::3].shape)
    positions = labelled(labels, ignore=12)
    loss = nn.CrossEntropyLoss(ignore_index=12, reduction="sum")
    some = loss(logits.flatten(0, 1)[positions], labels.flatten()[positions])
    torch.testing.assert_close(some, loss(logits.flatten(0, 1), labels.flatten()))


@pytest.mark.parametrize(
    "positions", [torch.zeros(2, 3, dtype=torch.int64), torch.zeros(3), torch.ones(3).bool()]
)
def test_what_is_no_list_of_indices_is_refused(positions):
    with pytest.raises(ValueError, match="list of flat indices"):
        check_positions(positions)
    check_positions(None)
    check_positions(torch.zeros(0, dtype=torch.int32))


@pytest.mark.parametrize("name", ["none", "both"])
@pytest.mark.parametrize("positions", [RotaryPositions(D_MODEL // N_HEADS + 1), AlibiPositions(3)])
def test_chosen_queries_stand_where_they_stood(positions, name):
    # Row i of the grid is not at position i, and attention has to know.
    d_model = N_HEADS * (D_MODEL // N_HEADS + 1)

    def make_layer():
        attn = MultiHeadAttention(d_model, n_heads=N_HEADS, dropout_prob=0.0, positions=positions)
        feed_forward = FeedForward(d_model, d_ff=D_FF, dropout_prob=0.0)
        return TransformerLayer(
            d_model, self_attn=attn, feed_forward=feed_forward, dropout_prob=0.0
        )

    model = randomize(Encoder(make_layer, n_layers=N_LAYERS))
    x = torch.randn(SEQ_LEN, BATCH_SIZE, d_model)
    whole = model(x, masks()[name]).flatten(0, 1)
    for choice in CHOICES.values():
        chosen = torch.tensor(choice, dtype=torch.int64)
        found = model(x, masks()[name], positions=chosen)
        torch.testing.assert_close(found, whole[chosen], rtol=1e-4, atol=1e-5)


def test_the_last_positions_are_the_last_row():
    x = torch.arange(5 * 3).view(5, 3)
    assert torch.equal(x.flatten()[last_positions(x)], x[-1])
