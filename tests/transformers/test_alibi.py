import pytest
import torch

from labnn.transformers.alibi import AlibiPositions, slopes
from labnn.transformers.masks import causal_mask
from labnn.transformers.mha import MultiHeadAttention
from tests.transformers.torch_twins import randomize

SEQ_LEN, SEQ_LEN_K, BATCH_SIZE, N_HEADS, D_K = 7, 11, 2, 3, 5
D_MODEL = N_HEADS * D_K


def attention() -> MultiHeadAttention:
    return randomize(
        MultiHeadAttention(
            D_MODEL, n_heads=N_HEADS, dropout_prob=0.0, positions=AlibiPositions(N_HEADS)
        )
    )


def test_the_slopes_of_the_paper_for_8_heads():
    assert slopes(8) == [1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32, 1 / 64, 1 / 128, 1 / 256]


def test_the_slopes_for_16_heads_lie_between():
    found = slopes(16)
    assert found[1::2] == slopes(8)
    assert found[0] == pytest.approx(2**-0.5) and found[2] == pytest.approx(2**-1.5)


def test_12_heads_have_those_of_8_and_every_second_one_of_16():
    found = slopes(12)
    assert found[:8] == slopes(8)
    assert found[8:] == pytest.approx([2**-0.5, 2**-1.5, 2**-2.5, 2**-3.5])


@pytest.mark.parametrize("n_heads", range(1, 40))
def test_every_head_has_a_slope_of_its_own(n_heads):
    found = slopes(n_heads)
    assert len({*found}) == n_heads and all(2**-8 <= slope < 1 for slope in found)


@pytest.mark.parametrize("n_heads", [1, 2, 3, 8, 12, 16, 20])
def test_slopes_match_transformers(n_heads):
    bloom = pytest.importorskip("transformers.models.bloom.modeling_bloom")
    # For one key after the first their bias is a slope times one.
    theirs = bloom.build_alibi_tensor(torch.ones(1, 2), n_heads, torch.float32)[:, 0, 1]
    torch.testing.assert_close(torch.tensor(slopes(n_heads)), theirs)


def test_by_hand():
    # Two heads have the slopes 1/16 and 1/256; a query at 2 is 2, 1, 0 and 1 away from its keys.
    scores = AlibiPositions(2).add_to(torch.ones(1, 2, 3, 4))
    expected = torch.tensor([[2.0, 1, 0, 1]]) * -torch.tensor([[1 / 16], [1 / 256]])
    torch.testing.assert_close(scores[0, :, 2], 1 + expected)


def test_the_penalty_is_linear_in_the_distance():
    bias = AlibiPositions(N_HEADS).add_to(torch.zeros(1, N_HEADS, SEQ_LEN, SEQ_LEN_K))[0]
    for h, slope in enumerate(slopes(N_HEADS)):
        for i in range(SEQ_LEN):
            for j in range(SEQ_LEN_K):
                assert bias[h, i, j].item() == pytest.approx(-slope * abs(i - j))


def test_scores_do_not_change_when_all_positions_are_moved():
    alibi, scores = AlibiPositions(N_HEADS), torch.randn(BATCH_SIZE, N_HEADS, SEQ_LEN, SEQ_LEN)
    places = torch.arange(SEQ_LEN).unsqueeze(-1)
    assert torch.equal(alibi.add_to(scores), alibi.add_to(scores, places + 997, places + 997))


def test_places_may_differ_between_sequences():
    alibi, scores = AlibiPositions(N_HEADS), torch.randn(BATCH_SIZE, N_HEADS, SEQ_LEN, SEQ_LEN_K)
    places = torch.randint(97, (SEQ_LEN, BATCH_SIZE))
    key_places = torch.randint(97, (SEQ_LEN_K, BATCH_SIZE))
    found = alibi.add_to(scores, places, key_places)
    for b in range(BATCH_SIZE):
        rows = slice(b, b + 1)
        alone = AlibiPositions(N_HEADS).add_to(scores[rows], places[:, rows], key_places[:, rows])
        assert torch.equal(found[rows], alone)
    # Without places of their own all keys are where they stand.
    first = torch.arange(SEQ_LEN_K).unsqueeze(-1)
    assert torch.equal(alibi.add_to(scores, places), alibi.add_to(scores, places, first))


def test_a_masked_future_makes_it_that_of_the_paper():
    # There the bias is m times j, which differs by a number that all keys of a query share.
    attn, x = attention(), torch.randn(SEQ_LEN, BATCH_SIZE, D_MODEL)
    query, key, value = (
        attn.split_heads(p(x)) for p in (attn.to_query, attn.to_key, attn.to_value)
    )
    scores = torch.einsum("i b h d, j b h d -> b h i j", query, key) / D_K**0.5
    scores = scores + torch.tensor(slopes(N_HEADS)).view(-1, 1, 1) * torch.arange(SEQ_LEN)
    scores = scores.masked_fill(~causal_mask(SEQ_LEN).permute(2, 0, 1), -torch.inf)
    context = torch.einsum("b h i j, j b h d -> i b h d", scores.softmax(dim=-1), value)
    expected = attn.to_output(context.flatten(-2))
    torch.testing.assert_close(attn(x, x, x, causal_mask(SEQ_LEN)), expected)


def test_without_a_mask_a_text_reads_the_same_backwards():
    attn, x = attention(), torch.randn(SEQ_LEN, BATCH_SIZE, D_MODEL)
    back = x.flip(0)
    torch.testing.assert_close(attn(back, back, back), attn(x, x, x).flip(0))
    order = torch.randperm(SEQ_LEN)
    assert not torch.allclose(attn(x[order], x[order], x[order]), attn(x, x, x)[order])


def test_a_shorter_and_a_longer_text_follow_each_other():
    alibi = AlibiPositions(N_HEADS)
    for seq_len in (5, 17, 3):
        scores = torch.randn(BATCH_SIZE, N_HEADS, seq_len, seq_len)
        assert torch.equal(alibi.add_to(scores), AlibiPositions(N_HEADS).add_to(scores))


def test_a_bias_of_inference_mode_serves_a_training_step():
    attn, x = attention(), torch.randn(SEQ_LEN, BATCH_SIZE, D_MODEL)
    with torch.inference_mode():
        attn(x, x, x)
    attn(x, x, x).square().sum().backward()
    assert attn.to_query.weight.grad.isfinite().all()


def test_autocast_is_near_float32():
    attn, x = attention(), torch.randn(SEQ_LEN, BATCH_SIZE, D_MODEL)
    with torch.autocast("cpu", torch.bfloat16):
        y = attn(x, x, x)
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y.float(), attn(x, x, x), rtol=0.1, atol=0.1)
    low = attention().bfloat16()
    assert low(x.bfloat16(), x.bfloat16(), x.bfloat16()).dtype == torch.bfloat16


def test_gradient():
    attn = attention().double()
    x = torch.randn(SEQ_LEN, BATCH_SIZE, D_MODEL, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: attn(x, x, x), (x,), fast_mode=True)


def test_there_is_nothing_to_learn_or_to_store():
    alibi = AlibiPositions(N_HEADS)
    alibi.add_to(torch.zeros(1, N_HEADS, 2, 2))
    assert not alibi.state_dict() and "n_heads=3" in repr(alibi)


def test_no_heads_are_refused():
    with pytest.raises(ValueError, match="n_heads is 0"):
        AlibiPositions(0)
