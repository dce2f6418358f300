import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from labnn.layers.layer_norm import LayerNorm
from labnn.models.transformer_mlm import TransformerMLM
from labnn.transformers.embeddings import Embeddings
from labnn.transformers.encoder import Encoder, TransformerLayer
from labnn.transformers.feed_forward import FeedForward
from labnn.transformers.generator import Generator
from labnn.transformers.mha import MultiHeadAttention
from labnn.transformers.positional_encoding import (
    LearnedPositionalEncoding,
    SinusoidalPositionalEncoding,
)
from tests.transformers.torch_twins import copy_encoder, randomize

SEQ_LEN, BATCH_SIZE, N_HEADS, D_K, D_FF, N_LAYERS, N_TOKENS = 7, 2, 3, 5, 17, 3, 13
PADDING = N_TOKENS - 1


def model(
    *, d_model=N_HEADS * D_K, n_heads=N_HEADS, d_ff=D_FF, n_layers=N_LAYERS, n_tokens=N_TOKENS,
    dropout_prob=0.0, padding_token=PADDING, encoding=SinusoidalPositionalEncoding,
) -> TransformerMLM:  # fmt: skip
    def layer():
        return TransformerLayer(
            d_model,
            self_attn=MultiHeadAttention(d_model, n_heads=n_heads, dropout_prob=dropout_prob),
            feed_forward=FeedForward(d_model, d_ff=d_ff, dropout_prob=dropout_prob),
            dropout_prob=dropout_prob,
        )

    return TransformerMLM(
        encoder=Encoder(layer, n_layers=n_layers, norm=LayerNorm(d_model)),
        src_embed=Embeddings(d_model, n_tokens=n_tokens, positional_encoding=encoding(d_model)),
        generator=Generator(d_model, n_tokens),
        padding_token=padding_token,
    )


@pytest.fixture
def x():
    return torch.randint(PADDING, (SEQ_LEN, BATCH_SIZE))


def n_parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_matches_torch(x, dtype):
    ours, d_model = randomize(model()).to(dtype), N_HEADS * D_K
    layer = nn.TransformerEncoderLayer(d_model, N_HEADS, D_FF, 0.0, norm_first=True)
    norm = nn.LayerNorm(d_model)
    theirs = nn.TransformerEncoder(layer, N_LAYERS, norm, enable_nested_tensor=False).to(dtype)
    copy_encoder(theirs, ours.encoder)

    x[4:, 1] = PADDING
    table = ours.src_embed.positional_encoding.table[:SEQ_LEN, None]
    weight = ours.src_embed.token_embed.weight
    features = theirs(
        F.embedding(x, weight) * math.sqrt(d_model) + table, src_key_padding_mask=(x == PADDING).T
    )
    projection = ours.generator.projection
    logits, state = ours(x)
    assert state is None
    torch.testing.assert_close(logits, F.linear(features, projection.weight, projection.bias))


def test_the_number_of_parameters():
    # 67 tokens of 128 features, in and out (and 67 biases); six layers of four projections with
    # 128 * 128 + 128, a network with 2 * 128 * 256 + 256 + 128, and two norms of 256; one more.
    sizes = {"d_model": 128, "d_ff": 256, "n_heads": 8, "n_layers": 6, "n_tokens": 67}
    layer = 4 * (128 * 128 + 128) + (2 * 128 * 256 + 256 + 128) + 2 * 256
    assert 6 * layer + 256 + 2 * 67 * 128 + 67 == 812_355
    assert n_parameters(model(**sizes)) == 812_355


def test_positions_are_numbers_in_the_grid_of_ids(x):
    mlm = model()
    logits, _ = mlm(x)
    # Position 3 of sequence 1, then position 0 of sequence 0, then the first one again.
    chosen, state = mlm(x, positions=torch.tensor([3 * BATCH_SIZE + 1, 0, 3 * BATCH_SIZE + 1]))
    assert chosen.shape == (3, N_TOKENS) and state is None
    expected = torch.stack([logits[3, 1], logits[0, 0], logits[3, 1]])
    torch.testing.assert_close(chosen, expected)


def test_positions_of_a_mask_give_its_rows(x):
    mlm, selected = model(), torch.rand(SEQ_LEN, BATCH_SIZE) < 0.5
    positions = selected.flatten().nonzero().flatten()
    logits, chosen = mlm(x)[0], mlm(x, positions)[0]
    torch.testing.assert_close(chosen, logits[selected])
    assert mlm(x, positions.int())[0].shape == chosen.shape
    assert mlm(x, positions[:0])[0].shape == (0, N_TOKENS)


def test_the_gradient_of_chosen_positions_is_that_of_all(x):
    mlm, positions = model(), torch.tensor([1, 5, 8])
    targets = torch.tensor([2, 3, 5])
    F.cross_entropy(mlm(x, positions)[0], targets).backward()
    chosen = [p.grad.clone() for p in mlm.parameters()]
    mlm.zero_grad()
    F.cross_entropy(mlm(x)[0].flatten(0, 1)[positions], targets).backward()
    torch.testing.assert_close(chosen, [p.grad for p in mlm.parameters()])


@pytest.mark.parametrize(
    "positions",
    [torch.tensor([[0, 1]]), torch.tensor([0.0]), torch.tensor([True]), torch.tensor(1)],
)
def test_positions_that_are_no_list_of_indices_are_refused(x, positions):
    with pytest.raises(ValueError, match="positions has shape .* flat indices"):
        model()(x, positions)


@pytest.mark.parametrize("outside", [-1, SEQ_LEN * BATCH_SIZE])
def test_positions_outside_of_the_grid_are_refused(x, outside):
    with pytest.raises(IndexError):
        model()(x, torch.tensor([outside]))


def test_appended_padding_changes_no_real_logit(x):
    mlm = model()
    padded = torch.cat([x, torch.full((5, BATCH_SIZE), PADDING)])
    torch.testing.assert_close(mlm(padded)[0][:SEQ_LEN], mlm(x)[0])
    # A shorter text in the same batch, too.
    padded = x.clone()
    padded[4:, 1] = PADDING
    torch.testing.assert_close(mlm(padded)[0][:4, 1:], mlm(x[:4, 1:])[0])


def test_a_mask_that_forbids_nothing_is_left_out_and_changes_nothing(x):
    with_token, without = model(), model(padding_token=None)
    without.load_state_dict(with_token.state_dict())
    seen = []
    with_token.encoder.register_forward_pre_hook(lambda module, given: seen.append(given[1]))
    readable = torch.where(x == PADDING, (PADDING + 1) % N_TOKENS, x)
    assert torch.equal(with_token(readable)[0], without(readable)[0])
    with_token(torch.where(readable == readable[0, 0], PADDING, readable))
    assert seen[0] is None and seen[1] is not None


def test_without_a_padding_token_padding_is_read(x):
    mlm = model(padding_token=None)
    padded = torch.cat([x, torch.full((5, BATCH_SIZE), PADDING)])
    assert (mlm(padded)[0][:SEQ_LEN] - mlm(x)[0]).abs().max() > 1e-3


def test_padding_token_zero_is_a_token(x):
    mlm = model(padding_token=0)
    padded = torch.cat([x + 1, torch.zeros(5, BATCH_SIZE, dtype=torch.long)])
    torch.testing.assert_close(mlm(padded)[0][:SEQ_LEN], mlm(x + 1)[0])


def test_a_text_of_nothing_but_padding_is_finite(x):
    x[:, 1] = PADDING
    mlm = model()
    logits, _ = mlm(x)
    F.cross_entropy(logits[:, 0], x[:, 0]).backward()
    assert logits.isfinite().all() and all(p.grad.isfinite().all() for p in mlm.parameters())


def test_every_position_reads_both_sides(x):
    mlm, other = model(), x.clone()
    other[3, 1] = (x[3, 1] + 1) % PADDING
    changed = (mlm(x)[0] != mlm(other)[0]).any(dim=-1)
    assert changed[:, 1].all() and not changed[:, 0].any()


def test_the_ids_are_not_modified(x):
    before = x.clone()
    model()(x)
    assert torch.equal(x, before)


def test_layers_start_different():
    first, second, _ = model().encoder.layers
    weights = [(first.get_parameter(n), p) for n, p in second.named_parameters() if p.dim() > 1]
    assert len(weights) == 6 and not any(torch.equal(a, b) for a, b in weights)


def test_a_checkpoint_holds_the_parameters_and_nothing_else():
    mlm = model()
    stored = mlm.state_dict()
    assert set(stored) == {name for name, _ in mlm.named_parameters()}
    assert sum(tensor.numel() for tensor in stored.values()) == n_parameters(mlm)
    # Learned positions are parameters, so they are stored.
    learned = model(encoding=LearnedPositionalEncoding)
    assert "src_embed.positional_encoding.table" in learned.state_dict()


def test_dropout_is_off_in_evaluation(x):
    mlm = model(dropout_prob=0.3)
    assert not torch.equal(mlm(x)[0], mlm(x)[0])
    mlm.eval()
    assert torch.equal(mlm(x)[0], mlm(x)[0])


def test_a_seed_repeats_a_training_step(x):
    results = []
    for _ in range(2):
        torch.manual_seed(11)
        mlm = model(dropout_prob=0.3)
        F.cross_entropy(mlm(x)[0].flatten(0, 1), x.flatten()).backward()
        results.append([p.grad for p in mlm.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


def test_every_parameter_learns():
    mlm = model()
    x = torch.arange(N_TOKENS - 1)[:, None].expand(-1, BATCH_SIZE)
    F.cross_entropy(mlm(x)[0].flatten(0, 1), x.flatten()).backward()
    for name, parameter in mlm.named_parameters():
        assert parameter.grad.isfinite().all()
        # An offset of all keys cancels in the softmax.
        assert name.endswith("to_key.bias") or parameter.grad.abs().max() > 1e-6, name


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_near_float32(x, dtype):
    x[4:, 1] = PADDING
    mlm = model()
    expected, _ = mlm(x)
    logits, _ = mlm.to(dtype)(x)
    logits.float().square().sum().backward()
    assert logits.dtype == dtype and all(p.grad.isfinite().all() for p in mlm.parameters())
    torch.testing.assert_close(logits.float(), expected, rtol=0.1, atol=0.1)


def test_autocast_is_near_float32(x):
    x[4:, 1] = PADDING
    mlm = model(dropout_prob=0.0)
    with torch.autocast("cpu", torch.bfloat16):
        logits, _ = mlm(x)
        logits.float().square().sum().backward()
    assert logits.dtype == torch.bfloat16
    assert all(p.grad.isfinite().all() for p in mlm.parameters())
    torch.testing.assert_close(logits.float(), mlm(x)[0], rtol=0.1, atol=0.1)


def test_it_can_fit_one_batch():
    # Each text hides the token in its middle, which the model must learn by the others.
    texts, hidden_at = 19, 3
    x = torch.randint(PADDING - 1, (SEQ_LEN, texts))
    hidden, mlm = x.clone(), model(n_layers=2)
    hidden[hidden_at] = PADDING - 1
    positions = hidden_at * texts + torch.arange(texts)
    optimizer = torch.optim.Adam(mlm.parameters(), lr=0.02)
    losses = []
    for _ in range(60):
        loss = F.cross_entropy(mlm(hidden, positions)[0], x[hidden_at])
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    # It starts near a guess among all tokens.
    assert abs(losses[0] - math.log(N_TOKENS)) < 0.7 and losses[-1] < 0.1
