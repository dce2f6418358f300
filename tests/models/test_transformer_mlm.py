import itertools
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
from labnn.transformers.positional_encoding import SinusoidalPositionalEncoding
from tests.transformers.torch_twins import copy_encoder, randomize

SEQ_LEN, BATCH_SIZE, N_HEADS, D_K, D_FF, N_LAYERS, N_TOKENS = 7, 2, 3, 5, 17, 3, 13
PADDING = N_TOKENS - 1


def model(
    *, d_model=N_HEADS * D_K, n_heads=N_HEADS, d_ff=D_FF, n_layers=N_LAYERS, n_tokens=N_TOKENS,
    padding_token=PADDING,
) -> TransformerMLM:  # fmt: skip
    def layer():
        return TransformerLayer(
            d_model,
            self_attn=MultiHeadAttention(d_model, n_heads=n_heads, dropout_prob=0.0),
            feed_forward=FeedForward(d_model, d_ff=d_ff, dropout_prob=0.0),
            dropout_prob=0.0,
        )

    return TransformerMLM(
        encoder=Encoder(layer, n_layers=n_layers, norm=LayerNorm(d_model)),
        src_embed=Embeddings(
            d_model, n_tokens=n_tokens, positional_encoding=SinusoidalPositionalEncoding(d_model)
        ),
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


def test_the_mask_is_that_of_the_equation(x):
    x[4:, 1] = PADDING
    mask = model().mask(x)
    assert mask.shape == (1, SEQ_LEN, BATCH_SIZE)
    for j, b in itertools.product(range(SEQ_LEN), range(BATCH_SIZE)):
        assert mask[0, j, b] == (x[j, b] != PADDING)


def test_without_a_padding_token_padding_is_read(x):
    mlm = model(padding_token=None)
    padded = torch.cat([x, torch.full((5, BATCH_SIZE), PADDING)])
    assert (mlm(padded)[0][:SEQ_LEN] - mlm(x)[0]).abs().max() > 1e-3


def test_every_position_reads_both_sides(x):
    mlm, other = model(), x.clone()
    other[3, 1] = (x[3, 1] + 1) % PADDING
    changed = (mlm(x)[0] != mlm(other)[0]).any(dim=-1)
    assert changed[:, 1].all() and not changed[:, 0].any()


def test_every_parameter_learns():
    mlm = model()
    x = torch.arange(N_TOKENS - 1)[:, None].expand(-1, BATCH_SIZE)
    F.cross_entropy(mlm(x)[0].flatten(0, 1), x.flatten()).backward()
    for name, parameter in mlm.named_parameters():
        assert parameter.grad.isfinite().all()
        # An offset of all keys cancels in the softmax.
        assert name.endswith("to_key.bias") or parameter.grad.abs().max() > 1e-6, name


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
