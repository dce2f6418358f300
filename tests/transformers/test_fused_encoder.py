import pytest
import torch
from torch import nn

from labnn.layers.layer_norm import LayerNorm
from labnn.transformers.alibi import AlibiPositions
from labnn.transformers.encoder import Encoder, TransformerLayer
from labnn.transformers.feed_forward import FeedForward
from labnn.transformers.fused_encoder import FusedEncoder, Product, can_fuse
from labnn.transformers.kv_cache import KeyValueCache
from labnn.transformers.mha import MultiHeadAttention
from labnn.transformers.rotary import RotaryPositions
from tests.transformers.torch_twins import randomize

SEQ_LEN, BATCH_SIZE, N_HEADS, D_K, D_FF, N_LAYERS = 11, 3, 5, 2, 17, 2
D_MODEL = N_HEADS * D_K
POSITIONS = {
    "none": lambda: None,
    "rotary": lambda: RotaryPositions(D_K),
    "alibi": lambda: AlibiPositions(N_HEADS),
}
BLOCKS = {"tokens": [1] * SEQ_LEN, "prompt": [7, 1, 1, 1, 1], "blocks": [2, 5, 1, 3]}


def encoder(positions="none", *, is_pre_norm=True, is_gated=False, has_bias=True, is_shared=True):
    shared = POSITIONS[positions]()

    def layer():
        return TransformerLayer(
            D_MODEL,
            self_attn=MultiHeadAttention(
                D_MODEL,
                n_heads=N_HEADS,
                has_bias=has_bias,
                positions=shared if is_shared else POSITIONS[positions](),
            ),
            feed_forward=FeedForward(
                D_MODEL, d_ff=D_FF, activation=nn.GELU(), is_gated=is_gated, has_bias=has_bias
            ),
            is_pre_norm=is_pre_norm,
        )

    norm = LayerNorm(D_MODEL) if is_pre_norm else None
    return randomize(Encoder(layer, n_layers=N_LAYERS, norm=norm)).eval()


@pytest.fixture(autouse=True)
def no_grad():
    with torch.no_grad():
        yield


@pytest.fixture
def x():
    return torch.randn(SEQ_LEN, BATCH_SIZE, D_MODEL)


def in_blocks(module, x, sizes, n_padding=None):
    cache, found = KeyValueCache(n_padding=n_padding), []
    for block in x.split(sizes):
        mask = cache.begin(torch.ones(block.shape[:2], dtype=torch.long))
        found.append(module(block, mask, cache=cache))
    return torch.cat(found)


@pytest.mark.parametrize("sizes", BLOCKS.values(), ids=BLOCKS)
@pytest.mark.parametrize("n_padding", [None, [0, 4, 2]])
@pytest.mark.parametrize("is_pre_norm", [True, False])
@pytest.mark.parametrize("positions", POSITIONS)
def test_it_is_the_encoder(x, positions, is_pre_norm, n_padding, sizes):
    plain = encoder(positions, is_pre_norm=is_pre_norm)
    n_padding = None if n_padding is None else torch.tensor(n_padding)
    found = in_blocks(FusedEncoder(plain), x, sizes, n_padding)
    expected = in_blocks(plain, x, sizes, n_padding)
    # Nobody reads what is made of padding, but it must not be what spoils the rest.
    assert found.isfinite().all()
    is_text = torch.ones(SEQ_LEN, BATCH_SIZE, dtype=torch.bool)
    if n_padding is not None:
        is_text = torch.arange(SEQ_LEN).unsqueeze(-1) >= n_padding
    torch.testing.assert_close(found[is_text], expected[is_text], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("is_gated", [True, False])
@pytest.mark.parametrize("has_bias", [True, False])
def test_gates_and_offsets(x, is_gated, has_bias):
    plain = encoder(is_gated=is_gated, has_bias=has_bias)
    sizes = BLOCKS["prompt"]
    torch.testing.assert_close(
        in_blocks(FusedEncoder(plain), x, sizes), in_blocks(plain, x, sizes), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("positions", ["rotary", "alibi"])
def test_layers_need_not_share_their_positions(x, positions):
    plain = encoder(positions, is_shared=False)
    sizes = BLOCKS["blocks"]
    torch.testing.assert_close(
        in_blocks(FusedEncoder(plain), x, sizes), in_blocks(plain, x, sizes), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("positions", POSITIONS)
def test_in_float64_and_in_half_precision(x, positions):
    sizes = BLOCKS["prompt"]
    for dtype, tolerance in ((torch.float64, 1e-6), (torch.bfloat16, 0.3)):
        plain = encoder(positions).to(dtype)
        found = in_blocks(FusedEncoder(plain), x.to(dtype), sizes)
        assert found.dtype == dtype
        expected = in_blocks(plain, x.to(dtype), sizes)
        torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("positions", POSITIONS)
def test_under_autocast(x, positions):
    plain = encoder(positions)
    expected = in_blocks(plain, x, BLOCKS["prompt"])
    with torch.autocast("cpu", torch.bfloat16):
        found = in_blocks(FusedEncoder(plain), x, BLOCKS["prompt"])
    torch.testing.assert_close(found.float(), expected, rtol=0.1, atol=0.3)


def test_positions_that_are_asked_for(x):
    plain, positions = encoder(), torch.tensor([32, 0, 7])
    for module in (plain, FusedEncoder(plain)):
        whole, some = KeyValueCache(), KeyValueCache()
        ids = torch.ones(SEQ_LEN, BATCH_SIZE, dtype=torch.long)
        every = module(x, whole.begin(ids), cache=whole)
        found = module(x, some.begin(ids), positions, cache=some)
        assert torch.equal(found, every.flatten(0, 1)[positions])


def test_several_projections_are_one_product():
    linears = [nn.Linear(7, n) for n in (3, 5)]
    x = torch.randn(11, 7)
    product = Product(*linears)
    torch.testing.assert_close(product(x), torch.cat([linear(x) for linear in linears], dim=-1))
    assert product.weight.is_contiguous() and product.weight.shape == (7, 8)


def test_it_has_no_weights_of_its_own_to_train_or_to_store():
    fused = FusedEncoder(encoder(is_pre_norm=False))
    assert not fused.state_dict() and not [*fused.parameters()]


class Mine(FeedForward):
    """It may do anything."""


def test_an_encoder_of_other_parts_is_told_from_ours():
    plain = encoder()
    assert can_fuse(plain) and not can_fuse(nn.Identity())
    plain.layers[1].feed_forward = Mine(D_MODEL, d_ff=D_FF)
    assert not can_fuse(plain)
    with pytest.raises(ValueError, match="encoder is a Encoder with parts that are not of this"):
        FusedEncoder(plain)
