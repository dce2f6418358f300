import math

import pytest
import torch

from labnn.transformers.mha import MultiHeadAttention
from labnn.transformers.rotary import RotaryPositions, angles
from tests.transformers.torch_twins import randomize

SEQ_LEN, BATCH_SIZE, N_HEADS, D_K = 11, 2, 3, 10
D_MODEL = N_HEADS * D_K


def heads(seq_len: int = SEQ_LEN, dtype=torch.float32) -> torch.Tensor:
    return torch.randn(seq_len, BATCH_SIZE, N_HEADS, D_K, dtype=dtype)


def scores(rotary: RotaryPositions, query, key, shift: int = 0) -> torch.Tensor:
    places = torch.arange(shift, shift + SEQ_LEN).unsqueeze(-1)
    query, key = rotary.turn(query, places), rotary.turn(key, places)
    return torch.einsum("i b h d, j b h d -> b h i j", query, key)


def test_by_hand():
    # With two features the one hand turns by a radian a step: (1, 0) becomes (cos 3, sin 3) at
    # position 3, and (0, 2) becomes (-2 sin 3, 2 cos 3).
    x = torch.tensor([[1.0, 0.0], [0.0, 2.0]]).view(1, 2, 1, 2)
    y = RotaryPositions(2).turn(x, torch.tensor([[3]])).view(2, 2)
    expected = [[math.cos(3), math.sin(3)], [-2 * math.sin(3), 2 * math.cos(3)]]
    torch.testing.assert_close(y, torch.tensor(expected))


def test_a_turn_is_a_product_of_complex_numbers():
    x = heads(dtype=torch.float64)
    turned = torch.view_as_complex(RotaryPositions(D_K).turn(x).unflatten(-1, (-1, 2)))
    for p in range(SEQ_LEN):
        for pair in range(D_K // 2):
            angle = p * 10000 ** (-2 * pair / D_K)
            hand = complex(math.cos(angle), math.sin(angle))
            first, second = x[p, ..., 2 * pair], x[p, ..., 2 * pair + 1]
            expected = torch.complex(first, second) * hand
            torch.testing.assert_close(turned[p, ..., pair], expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("shift", [1, 13, 4999])
def test_scores_depend_on_distance_only(shift):
    rotary, query, key = RotaryPositions(D_K), heads(), heads()
    here, there = scores(rotary, query, key), scores(rotary, query, key, shift)
    torch.testing.assert_close(here, there, rtol=1e-4, atol=1e-4)
    # And they do depend on it.
    assert not torch.allclose(here, torch.einsum("i b h d, j b h d -> b h i j", query, key))


def test_the_score_of_a_pair_is_that_of_the_query_turned_by_their_distance():
    rotary, query, key = RotaryPositions(D_K), heads(), heads()
    found = scores(rotary, query, key)[1, 2, 7, 3]
    alone = rotary.turn(query[7:8], torch.tensor([[7 - 3]]))[0, 1, 2] @ key[3, 1, 2]
    torch.testing.assert_close(found, alone)


def test_a_turn_keeps_lengths_and_position_0():
    x = heads()
    y = RotaryPositions(D_K).turn(x)
    torch.testing.assert_close(y.norm(dim=-1), x.norm(dim=-1))
    assert torch.equal(y[0], x[0])


def test_matches_transformers():
    llama = pytest.importorskip("transformers.models.llama.modeling_llama")
    query, key = heads(), heads()
    angle = angles(torch.arange(SEQ_LEN), D_K, 10000.0).float()
    # They hold the first ends of all hands before the second ones, and the batch before heads.
    order = torch.cat([torch.arange(0, D_K, 2), torch.arange(1, D_K, 2)])
    theirs = [x[..., order].permute(1, 2, 0, 3) for x in (query, key)]
    cos, sin = (torch.cat([wave, wave], dim=-1).unsqueeze(0) for wave in (angle.cos(), angle.sin()))
    turned = llama.apply_rotary_pos_emb(*theirs, cos, sin)
    for ours, other in zip((query, key), turned, strict=True):
        y = RotaryPositions(D_K).turn(ours)
        torch.testing.assert_close(y[..., order].permute(1, 2, 0, 3), other)


def test_attention_with_permuted_rows_is_that_of_other_libraries():
    # The departure of the page: rows of a head in their order, turned as they turn, give the same.
    attn = MultiHeadAttention(D_MODEL, n_heads=N_HEADS, dropout_prob=0.0)
    x, order = torch.randn(SEQ_LEN, BATCH_SIZE, D_MODEL), torch.arange(D_K).view(-1, 2).T.flatten()
    cos, sin = RotaryPositions(D_K).hands_of_the_first(SEQ_LEN, x.device)
    found = []
    for weight in (attn.to_query.weight, attn.to_key.weight):
        rows = weight.unflatten(0, (N_HEADS, D_K))[:, order].flatten(0, 1)
        first, second = (x @ rows.T).unflatten(-1, (N_HEADS, 2, D_K // 2)).unbind(-2)
        found.append(torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1))
    there = torch.einsum("i b h d, j b h d -> b h i j", *found)
    ours = [attn.split_heads(x @ w.T) for w in (attn.to_query.weight, attn.to_key.weight)]
    here = scores(RotaryPositions(D_K), *ours)
    torch.testing.assert_close(here, there, rtol=1e-4, atol=1e-4)


def test_places_may_differ_between_sequences():
    rotary, x = RotaryPositions(D_K), heads()
    places = torch.randint(97, (SEQ_LEN, BATCH_SIZE))
    y = rotary.turn(x, places)
    for b in range(BATCH_SIZE):
        alone = rotary.turn(x[:, b : b + 1], places[:, b : b + 1])
        assert torch.equal(y[:, b : b + 1], alone)
    assert torch.equal(rotary.turn(x), rotary.turn(x, torch.arange(SEQ_LEN).unsqueeze(-1)))


def test_a_shorter_and_a_longer_text_follow_each_other():
    rotary = RotaryPositions(D_K)
    for seq_len in (5, 17, 3):
        x = heads(seq_len)
        assert torch.equal(rotary.turn(x), RotaryPositions(D_K).turn(x))


def test_hands_of_inference_mode_serve_a_training_step():
    rotary = RotaryPositions(D_K)
    with torch.inference_mode():
        rotary.turn(heads())
    x = heads().requires_grad_()
    rotary.turn(x).square().sum().backward()
    torch.testing.assert_close(x.grad, 2 * x.detach())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_rounded_once(dtype):
    x, places = heads().to(dtype), torch.arange(3001, 3001 + SEQ_LEN).unsqueeze(-1)
    y = RotaryPositions(D_K).turn(x, places)
    assert y.dtype == dtype
    assert torch.equal(y, RotaryPositions(D_K).turn(x.float(), places).to(dtype))


def test_far_positions_are_exact():
    place = 1_000_003
    y = RotaryPositions(2).turn(torch.tensor([1.0, 0.0]).view(1, 1, 1, 2), torch.tensor([[place]]))
    angle = math.fmod(place, 2 * math.pi)
    expected = torch.tensor([math.cos(angle), math.sin(angle)])
    torch.testing.assert_close(y.flatten(), expected, rtol=0, atol=1e-6)


def test_attention_is_moved_by_nothing_but_distance():
    attn = randomize(
        MultiHeadAttention(
            D_MODEL, n_heads=N_HEADS, dropout_prob=0.0, positions=RotaryPositions(D_K)
        )
    )
    x = torch.randn(SEQ_LEN, BATCH_SIZE, D_MODEL)
    # What stands in front is hidden, and the rest is moved by four.
    pads = torch.randn(4, BATCH_SIZE, D_MODEL)
    mask = (torch.arange(SEQ_LEN + 4) >= 4).view(1, -1, 1)
    moved = torch.cat([pads, x])
    torch.testing.assert_close(
        attn(moved, moved, moved, mask)[4:], attn(x, x, x), rtol=1e-4, atol=1e-4
    )
    # Permuted tokens do not give permuted results any more.
    order = torch.randperm(SEQ_LEN)
    assert not torch.allclose(attn(x[order], x[order], x[order]), attn(x, x, x)[order])


def test_gradient():
    attn = MultiHeadAttention(
        D_MODEL, n_heads=N_HEADS, dropout_prob=0.0, positions=RotaryPositions(D_K)
    ).double()
    x = torch.randn(5, BATCH_SIZE, D_MODEL, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: attn(x, x, x), (x,), fast_mode=True)


def test_there_is_nothing_to_learn_or_to_store():
    rotary = RotaryPositions(D_K)
    rotary.turn(heads())
    assert not rotary.state_dict() and "d_k=10, base=10000.0" in repr(rotary)


@pytest.mark.parametrize("d_k", [0, 1, 5])
def test_features_that_cannot_be_paired_are_refused(d_k):
    with pytest.raises(ValueError, match=f"d_k={d_k} features of a head cannot be paired"):
        RotaryPositions(d_k)


def test_a_base_that_is_not_positive_is_refused():
    with pytest.raises(ValueError, match="base is -1"):
        RotaryPositions(4, base=-1)
