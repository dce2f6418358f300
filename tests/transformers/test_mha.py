import math

import pytest
import torch
from torch.nn import functional as F

from labnn.transformers.masks import causal_mask, combine_masks, padding_mask
from labnn.transformers.mha import MultiHeadAttention, mask_to_bias, rounded
from tests.transformers.torch_twins import copy_attention, merged, randomize

SEQ_LEN, SEQ_LEN_K, BATCH_SIZE, N_HEADS, D_K = 7, 11, 2, 3, 5
D_MODEL = N_HEADS * D_K
LOW = [torch.float16, torch.bfloat16]


def attention(**kwargs) -> MultiHeadAttention:
    kwargs = {"n_heads": N_HEADS, "dropout_prob": 0.0, **kwargs}
    return randomize(MultiHeadAttention(D_MODEL, **kwargs))


def features(seq_len: int = SEQ_LEN, dtype=torch.float32) -> torch.Tensor:
    return torch.randn(seq_len, BATCH_SIZE, D_MODEL, dtype=dtype, requires_grad=True)


def attend(attn: MultiHeadAttention, x: torch.Tensor, mask=None) -> torch.Tensor:
    return attn(query=x, key=x, value=x, mask=mask)


def identity(d_model: int, n_heads: int) -> MultiHeadAttention:
    """Attention whose projections do nothing."""
    attn = MultiHeadAttention(d_model, n_heads=n_heads, dropout_prob=0.0, has_bias=False)
    for parameter in attn.parameters():
        parameter.data = torch.eye(d_model)
    return attn


# Three real tokens in the second sequence, seven in the first.
PADDED = torch.ones(SEQ_LEN, BATCH_SIZE, dtype=torch.long)
PADDED[3:, 1] = 0
MASKS = {
    "none": None,
    "causal": causal_mask(SEQ_LEN),
    "padding": padding_mask(PADDED, 0),
    "both": combine_masks(causal_mask(SEQ_LEN), padding_mask(PADDED, 0)),
}
# A query without a key: position 2 of the first sequence, and all of the second one.
EMPTY = torch.ones(SEQ_LEN, SEQ_LEN, BATCH_SIZE, dtype=torch.bool)
EMPTY[2, :, 0] = False
EMPTY[:, :, 1] = False


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("has_bias", [True, False])
@pytest.mark.parametrize("name", MASKS)
def test_matches_torch_with_its_gradients(name, has_bias, dtype):
    ours = attention(has_bias=has_bias).to(dtype)
    theirs = torch.nn.MultiheadAttention(D_MODEL, N_HEADS, bias=has_bias).to(dtype)
    copy_attention(theirs, ours)
    x, mask = features(dtype=dtype), MASKS[name]
    other = x.detach().clone().requires_grad_()
    sizes = (SEQ_LEN, SEQ_LEN, BATCH_SIZE)
    forbidden = None if mask is None else merged(mask, N_HEADS, sizes)

    y = attend(ours, x, mask)
    z, _ = theirs(other, other, other, attn_mask=forbidden, need_weights=False)
    torch.testing.assert_close(y, z)

    weights = torch.randn_like(y)
    (y * weights).sum().backward()
    (z * weights).sum().backward()
    torch.testing.assert_close(x.grad, other.grad)
    projections = (ours.to_query, ours.to_key, ours.to_value)
    gradient = torch.cat([p.weight.grad for p in projections])
    torch.testing.assert_close(gradient, theirs.in_proj_weight.grad)
    torch.testing.assert_close(ours.to_output.weight.grad, theirs.out_proj.weight.grad)


def test_matches_torch_across_two_sequences():
    ours, theirs = attention(), torch.nn.MultiheadAttention(D_MODEL, N_HEADS)
    copy_attention(theirs, ours)
    query, key, value = features(), features(SEQ_LEN_K), features(SEQ_LEN_K)
    sizes = (SEQ_LEN, SEQ_LEN_K, BATCH_SIZE)
    mask = torch.rand(sizes) < 0.5
    mask[:, 0] = True
    z, _ = theirs(query, key, value, attn_mask=merged(mask, N_HEADS, sizes), need_weights=False)
    torch.testing.assert_close(ours(query=query, key=key, value=value, mask=mask), z)


def test_matches_the_fused_operation_of_torch():
    x = features().detach()
    # Torch wants `[batch_size, n_heads, seq_len, d_k]`.
    heads = x.unflatten(-1, (N_HEADS, D_K)).permute(1, 2, 0, 3)
    fused = F.scaled_dot_product_attention(heads, heads, heads, is_causal=True)
    y = attend(identity(D_MODEL, N_HEADS), x, causal_mask(SEQ_LEN))
    torch.testing.assert_close(y, fused.permute(2, 0, 1, 3).flatten(-2))


def test_by_hand():
    # One head with one feature. The products with the keys (ln 3, 0) are (ln 3, 0), so the weights
    # are (3/4, 1/4); the values (8, 4) average to 7.
    attn = identity(1, 1)
    query = torch.ones(1, 1, 1)
    key = torch.tensor([math.log(3.0), 0.0]).view(2, 1, 1)
    value = torch.tensor([8.0, 4.0]).view(2, 1, 1)
    torch.testing.assert_close(attn(query=query, key=key, value=value).item(), 7.0)


def test_the_root_brings_the_variance_of_the_scores_back_to_one():
    query, key = torch.randn(2, 10_000, 31)
    variance = ((query * key).sum(dim=-1) / math.sqrt(31)).var()
    assert 0.9 < variance < 1.1


def test_order_does_not_matter():
    attn, query, memory = attention(), features(), features(SEQ_LEN_K)
    permuted = memory[torch.randperm(SEQ_LEN_K)]
    torch.testing.assert_close(
        attn(query=query, key=memory, value=memory), attn(query=query, key=permuted, value=permuted)
    )


def test_an_offset_of_all_keys_changes_nothing():
    attn, x = attention(), features()
    before = attend(attn, x)
    attn.to_key.bias.data += 1.0
    torch.testing.assert_close(before, attend(attn, x))


def test_nothing_before_a_token_changes_with_it():
    attn, x = attention(), features().detach()
    other = x.clone()
    other[4, 1] += 1.0
    mask = causal_mask(SEQ_LEN)
    changed = (attend(attn, x, mask) != attend(attn, other, mask)).any(dim=-1)
    assert not changed[:4].any() and not changed[:, 0].any() and changed[4:, 1].all()


def test_padding_changes_nothing_real():
    attn, x = attention(), features().detach()
    pads = torch.full((4, BATCH_SIZE, D_MODEL), 100.0)
    ids = torch.cat([torch.ones(SEQ_LEN, BATCH_SIZE), torch.zeros(4, BATCH_SIZE)])
    y = attend(attn, torch.cat([x, pads]), padding_mask(ids, 0))
    torch.testing.assert_close(y[:SEQ_LEN], attend(attn, x))


def test_a_query_without_a_key_gets_zero():
    attn, x = attention(), features()
    y = attend(attn, x, EMPTY)
    # Zero, through the last projection, is its bias.
    bias = attn.to_output.bias
    torch.testing.assert_close(y[2, 0], bias)
    torch.testing.assert_close(y[:, 1], bias.expand(SEQ_LEN, D_MODEL))
    others = [0, 1, 3, 4, 5, 6]
    torch.testing.assert_close(y[others, 0], attend(attn, x)[others, 0])
    # The same where the mask does not depend on the key.
    y = attend(attn, x, EMPTY.any(dim=1, keepdim=True))
    torch.testing.assert_close(y[2, 0], bias)
    torch.testing.assert_close(y[others, 0], attend(attn, x)[others, 0])


@pytest.mark.parametrize("dtype", [torch.float32, *LOW])
@pytest.mark.parametrize("is_autocast", [False, True])
def test_a_query_without_a_key_is_finite_both_ways(dtype, is_autocast):
    attn = attention() if is_autocast else attention().to(dtype)
    x = features(dtype=torch.float32 if is_autocast else dtype)
    with torch.autocast("cpu", torch.bfloat16, enabled=is_autocast):
        y = attend(attn, x, EMPTY)
        y.float().square().sum().backward()
    assert y.isfinite().all() and x.grad.isfinite().all()
    assert (x.grad[:, 1] == 0).all() and (x.grad[:, 0] != 0).any()
    assert all(p.grad.isfinite().all() for p in attn.parameters())


def test_a_hidden_key_has_no_influence_however_large_it_is():
    x = features().detach()
    mask = torch.ones(1, SEQ_LEN, 1, dtype=torch.bool)
    mask[0, 3] = False
    other = x.clone()
    other[3] = 1000.0
    attn, rest = attention(), [0, 1, 2, 4, 5, 6]
    torch.testing.assert_close(attend(attn, x, mask)[rest], attend(attn, other, mask)[rest])


def test_the_bias_of_a_mask():
    bias, has_key = mask_to_bias(EMPTY, torch.float16)
    assert bias.dtype == torch.float16 and (bias == 0).all()
    assert not has_key[2, 0, 0] and has_key[0, 0, 0] and not has_key[:, 0, 1].any()
    bias, has_key = mask_to_bias(MASKS["causal"], torch.float32)
    expected = torch.full((SEQ_LEN, SEQ_LEN), -math.inf).triu(1)
    assert has_key.all() and torch.equal(bias[0, 0], expected)


def test_nothing_is_modified_and_nothing_is_kept():
    attn, x, mask = attention(dropout_prob=0.5), features().detach(), EMPTY.clone()
    before, kept = x.clone(), set(vars(attn))
    attend(attn, x, mask)
    assert torch.equal(x, before) and torch.equal(mask, EMPTY)
    assert set(vars(attn)) == kept
    assert not any(isinstance(value, torch.Tensor) for value in vars(attn).values())
    assert not list(attn.buffers())


def test_weights_are_dropped_in_training_only():
    attn, x = attention(dropout_prob=1.0), features()
    torch.testing.assert_close(attend(attn, x), attn.to_output.bias.expand_as(x))
    plain = attention(dropout_prob=0.0)
    plain.load_state_dict(attn.state_dict())
    assert torch.equal(attend(attn.eval(), x), attend(plain, x))


def test_dropped_weights_are_made_up_for():
    # With equal scores and values of one, the sum of the kept and scaled weights is one on average.
    attn = identity(1, 1)
    attn.dropout = MultiHeadAttention(1, n_heads=1, dropout_prob=0.5).dropout
    value = torch.ones(1009, 1, 1)
    y = attn(query=torch.zeros(1009, 1, 1), key=value, value=value)
    assert abs(y.mean().item() - 1.0) < 0.01 and 0.02 < y.std().item() < 0.05


@pytest.mark.parametrize("dtype", LOW)
def test_half_precision_is_near_float32(dtype):
    attn, x = attention(), features().detach()
    low = attention()
    low.load_state_dict(attn.state_dict())
    y = attend(low.to(dtype), x.to(dtype), MASKS["both"])
    assert y.dtype == dtype
    torch.testing.assert_close(y.float(), attend(attn, x, MASKS["both"]), rtol=0.1, atol=0.1)


def test_half_precision_does_not_overflow():
    # Query times key is 90,000, and half precision ends at 65,504. With the query divided by
    # sqrt(5) beforehand it is 40,249.
    x = torch.full((SEQ_LEN, 1, D_K), math.sqrt(90_000 / D_K)).half()
    attn = identity(D_K, 1).half()
    torch.testing.assert_close(attend(attn, x), x)


def test_autocast_is_near_float32():
    attn, x = attention(), features()
    with torch.autocast("cpu", torch.bfloat16):
        y = attend(attn, x, MASKS["both"])
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y.float(), attend(attn, x, MASKS["both"]), rtol=0.1, atol=0.1)


def test_under_autocast_features_that_are_given_twice_are_rounded_once():
    x, other = torch.randn(2, 3, D_MODEL), torch.randn(2, 3, D_MODEL, dtype=torch.float64)
    assert rounded(x) is x
    attn, seen = attention(), []
    for part in (attn.to_query, attn.to_key, attn.to_value):
        part.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    with torch.autocast("cpu", torch.bfloat16):
        assert rounded(x).dtype == torch.bfloat16 and rounded(other) is other
        attn(x, x, x)
    assert seen[0].dtype == torch.bfloat16 and seen[0] is seen[1] is seen[2]


def test_gradient():
    attn = attention().double()
    x = features(dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: attend(attn, x, EMPTY), (x,), fast_mode=True)


def test_every_parameter_learns():
    attn = attention()
    attend(attn, features()).square().sum().backward()
    for name, parameter in attn.named_parameters():
        assert parameter.grad.isfinite().all()
        # An offset of all keys cancels in the softmax, so its gradient is rounding noise.
        assert name == "to_key.bias" or parameter.grad.abs().max() > 1e-3, name


@pytest.mark.parametrize("d_model, n_heads", [(128, 3), (5, 7), (8, 0), (8, -2)])
def test_heads_must_divide_the_features(d_model, n_heads):
    with pytest.raises(ValueError, match=f"d_model={d_model} .* n_heads={n_heads} "):
        MultiHeadAttention(d_model, n_heads=n_heads)


@pytest.mark.parametrize(
    "mask", [torch.ones(SEQ_LEN, SEQ_LEN, 1), torch.ones(SEQ_LEN, SEQ_LEN, dtype=torch.bool)]
)
def test_a_wrong_mask_is_refused(mask):
    with pytest.raises(ValueError, match="the mask has"):
        attend(attention(), features(), mask)


def test_without_bias_there_is_none():
    names = [name for name, _ in attention(has_bias=False).named_parameters()]
    assert len(names) == 4 and not any("bias" in name for name in names)
