import pytest
import torch
from torch import nn
from torch.nn import functional as F

from labnn.layers.layer_norm import LayerNorm
from labnn.transformers.encoder import Encoder, TransformerLayer
from labnn.transformers.feed_forward import FeedForward
from labnn.transformers.masks import causal_mask, combine_masks, padding_mask
from labnn.transformers.mha import MultiHeadAttention
from tests.transformers.torch_twins import copy_encoder, copy_layer, merged, randomize

SEQ_LEN, BATCH_SIZE, N_HEADS, D_K, D_FF, N_LAYERS = 7, 2, 3, 5, 17, 3
D_MODEL = N_HEADS * D_K


def layer(is_pre_norm: bool = True, dropout_prob: float = 0.0) -> TransformerLayer:
    return TransformerLayer(
        D_MODEL,
        self_attn=MultiHeadAttention(D_MODEL, n_heads=N_HEADS, dropout_prob=dropout_prob),
        feed_forward=FeedForward(D_MODEL, d_ff=D_FF, dropout_prob=dropout_prob),
        dropout_prob=dropout_prob,
        is_pre_norm=is_pre_norm,
    )


def encoder(is_pre_norm: bool = True, n_layers: int = N_LAYERS) -> Encoder:
    norm = LayerNorm(D_MODEL) if is_pre_norm else None
    return Encoder(lambda: layer(is_pre_norm), n_layers=n_layers, norm=norm)


def torch_layer(is_pre_norm: bool) -> nn.TransformerEncoderLayer:
    return nn.TransformerEncoderLayer(
        D_MODEL, N_HEADS, dim_feedforward=D_FF, dropout=0.0, norm_first=is_pre_norm
    )


@pytest.fixture
def x():
    return torch.randn(SEQ_LEN, BATCH_SIZE, D_MODEL)


PADDED = torch.ones(SEQ_LEN, BATCH_SIZE, dtype=torch.long)
PADDED[3:, 1] = 0
MASKS = {
    "none": None,
    "causal": causal_mask(SEQ_LEN),
    "padding": padding_mask(PADDED, 0),
    "both": combine_masks(causal_mask(SEQ_LEN), padding_mask(PADDED, 0)),
}


def for_torch(mask: torch.Tensor | None) -> torch.Tensor | None:
    return None if mask is None else merged(mask, N_HEADS, (SEQ_LEN, SEQ_LEN, BATCH_SIZE))


def compare(ours: nn.Module, theirs: nn.Module, x: torch.Tensor, name: str) -> None:
    """Same values, and the same gradient of the input."""
    mine, other = x.clone().requires_grad_(), x.clone().requires_grad_()
    y, z = ours(mine, MASKS[name]), theirs(other, for_torch(MASKS[name]))
    torch.testing.assert_close(y, z)
    weights = torch.randn_like(y)
    (y * weights).sum().backward()
    (z * weights).sum().backward()
    torch.testing.assert_close(mine.grad, other.grad)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("is_pre_norm", [True, False])
@pytest.mark.parametrize("name", MASKS)
def test_a_layer_matches_torch(x, name, is_pre_norm, dtype):
    ours, theirs = randomize(layer(is_pre_norm)), torch_layer(is_pre_norm)
    copy_layer(theirs, ours)
    compare(ours.to(dtype), theirs.to(dtype), x.to(dtype), name)


@pytest.mark.parametrize("is_pre_norm", [True, False])
def test_an_encoder_matches_torch(x, is_pre_norm):
    ours = randomize(encoder(is_pre_norm)).double()
    theirs = nn.TransformerEncoder(
        torch_layer(is_pre_norm),
        N_LAYERS,
        norm=nn.LayerNorm(D_MODEL) if is_pre_norm else None,
        enable_nested_tensor=False,
    ).double()
    copy_encoder(theirs, ours)
    compare(ours, theirs, x.double(), "both")


def test_by_hand():
    # Steps that multiply by 2 and by 3, and vectors (-a, a), which the norms turn into (-1, 1).
    # Pre-norm:  (-2, 2) + 2 (-1, 1) = (-4, 4), and (-4, 4) + 3 (-1, 1) = (-7, 7).
    # Post-norm: (-2, 2) + 2 (-2, 2) becomes (-1, 1), (-1, 1) + 3 (-1, 1) becomes (-1, 1).
    class Double(nn.Module):
        def forward(self, query, key, value, mask):
            return 2 * value

    class Triple(nn.Module):
        def forward(self, x):
            return 3 * x

    x = torch.tensor([[[-2.0, 2.0]]])
    for is_pre_norm, expected in ((True, [-7.0, 7.0]), (False, [-1.0, 1.0])):
        parts = {"self_attn": Double(), "feed_forward": Triple(), "dropout_prob": 0.0}
        y = TransformerLayer(2, **parts, is_pre_norm=is_pre_norm)(x)
        torch.testing.assert_close(y[0, 0], torch.tensor(expected), rtol=1e-4, atol=0)


@pytest.mark.parametrize("is_pre_norm", [True, False])
def test_nothing_before_a_token_changes_with_it(x, is_pre_norm):
    stack, other = encoder(is_pre_norm), x.clone()
    other[4, 1, 0] += 1.0
    mask = causal_mask(SEQ_LEN)
    changed = (stack(x, mask) != stack(other, mask)).any(dim=-1)
    assert not changed[:4].any() and not changed[:, 0].any() and changed[4:, 1].all()


def test_without_a_mask_every_position_changes_with_a_token(x):
    stack, other = encoder(), x.clone()
    other[4, 1, 0] += 1.0
    changed = (stack(x) != stack(other)).any(dim=-1)
    assert not changed[:, 0].any() and changed[:, 1].all()


def test_permuted_tokens_give_permuted_results(x):
    stack, order = encoder(), torch.randperm(SEQ_LEN)
    torch.testing.assert_close(stack(x)[order], stack(x[order]))


def test_layers_start_different():
    first, *others = encoder().layers
    for other in others:
        for name, parameter in first.named_parameters():
            if parameter.dim() > 1:
                assert not torch.equal(parameter, other.get_parameter(name)), name


def test_the_norm_comes_last(x):
    torch.manual_seed(0)
    plain = Encoder(layer, n_layers=2)
    torch.manual_seed(0)
    normed = Encoder(layer, n_layers=2, norm=LayerNorm(D_MODEL))
    torch.testing.assert_close(normed(x), F.layer_norm(plain(x), (D_MODEL,)))


def test_the_stream_of_pre_norm_grows_with_depth(x):
    stream, sizes = x, []
    for block in encoder(n_layers=11).layers:
        stream = block(stream)
        sizes.append(stream.std().item())
    assert sizes[-1] > 1.5 * sizes[0]


@pytest.mark.parametrize("is_pre_norm", [True, False])
def test_dropout_is_off_in_evaluation(x, is_pre_norm):
    block = layer(is_pre_norm, dropout_prob=0.3)
    assert not torch.equal(block(x), block(x))
    block.eval()
    assert torch.equal(block(x), block(x))


def test_what_is_dropped_adds_nothing(x):
    assert torch.equal(layer(dropout_prob=1.0)(x), x)


def test_nothing_is_modified(x):
    before, mask = x.clone(), MASKS["both"].clone()
    encoder()(x, mask)
    assert torch.equal(x, before) and torch.equal(mask, MASKS["both"])


@pytest.mark.parametrize("is_pre_norm", [True, False])
def test_every_parameter_learns(x, is_pre_norm):
    stack = encoder(is_pre_norm)
    (stack(x) * torch.randn_like(x)).sum().backward()
    for name, parameter in stack.named_parameters():
        assert parameter.grad.isfinite().all()
        # An offset of all keys cancels in the softmax.
        assert name.endswith("to_key.bias") or parameter.grad.abs().max() > 1e-4, name


def test_gradient(x):
    stack, x = encoder(n_layers=1).double(), x.double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: stack(x, MASKS["both"]), (x,), fast_mode=True)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("is_pre_norm", [True, False])
def test_half_precision_is_near_float32(x, is_pre_norm, dtype):
    stack = encoder(is_pre_norm)
    expected = stack(x, MASKS["both"])
    low = x.to(dtype).requires_grad_()
    y = stack.to(dtype)(low, MASKS["both"])
    y.float().square().sum().backward()
    assert y.dtype == dtype and low.grad.isfinite().all()
    torch.testing.assert_close(y.float(), expected, rtol=0.1, atol=0.1)


@pytest.mark.parametrize("is_pre_norm", [True, False])
def test_autocast_is_near_float32(x, is_pre_norm):
    stack = encoder(is_pre_norm)
    with torch.autocast("cpu", torch.bfloat16):
        y = stack(x, MASKS["both"])
    # The stream itself stays in `float32`.
    assert y.dtype == torch.float32
    torch.testing.assert_close(y, stack(x, MASKS["both"]), rtol=0.1, atol=0.1)


def test_layers_that_share_weights_are_refused():
    one, attention = layer(), MultiHeadAttention(D_MODEL, n_heads=N_HEADS)
    activation = nn.PReLU()

    def shared_attention():
        feed_forward = FeedForward(D_MODEL, d_ff=D_FF)
        return TransformerLayer(D_MODEL, self_attn=attention, feed_forward=feed_forward)

    def shared_activation():
        block = layer()
        block.feed_forward.activation = activation
        return block

    nothing = nn.Identity()
    for factory in (lambda: one, shared_attention, shared_activation, lambda: nothing):
        with pytest.raises(ValueError, match="share weights"):
            Encoder(factory, n_layers=2)
    # A single layer has nobody to share with.
    Encoder(lambda: one, n_layers=1)


def test_weights_that_a_layer_uses_twice_are_its_own_business(x):
    def tied():
        block = layer()
        block.self_attn.to_key.weight = block.self_attn.to_query.weight
        return block

    assert Encoder(tied, n_layers=2)(x).shape == x.shape


def test_a_layer_in_place_of_a_function_is_refused():
    with pytest.raises(ValueError, match="make_layer is a TransformerLayer.*lambda"):
        Encoder(layer(), n_layers=2)


@pytest.mark.parametrize("n_layers", [0, -1])
def test_an_encoder_without_layers_is_refused(n_layers):
    with pytest.raises(ValueError, match=f"n_layers is {n_layers}"):
        Encoder(layer, n_layers=n_layers)


def test_it_can_fit_one_batch(x):
    stack, target = encoder(n_layers=1), torch.randn(SEQ_LEN, BATCH_SIZE, D_MODEL)
    optimizer = torch.optim.Adam(stack.parameters(), lr=0.02)
    first = F.mse_loss(stack(x), target).item()
    for _ in range(60):
        loss = F.mse_loss(stack(x), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.05 * first
