import pytest
import torch

from labnn.transformers.generator import Generator

SEQ_LEN, BATCH_SIZE, D_MODEL, N_TOKENS = 5, 3, 7, 13


@pytest.fixture
def x():
    return torch.randn(SEQ_LEN, BATCH_SIZE, D_MODEL)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_matches_torch(x, dtype):
    ours, theirs = (m(D_MODEL, N_TOKENS).to(dtype) for m in (Generator, torch.nn.Linear))
    theirs.load_state_dict(ours.projection.state_dict())
    x = x.to(dtype)
    assert ours(x).shape == (SEQ_LEN, BATCH_SIZE, N_TOKENS)
    torch.testing.assert_close(ours(x), theirs(x))


def test_by_hand():
    # (1, 2) with the directions (3, 4) and (5, 6): 3 + 8 + 1 = 12 and 5 + 12 - 1 = 16.
    generator = Generator(2, 2)
    generator.projection.weight.data = torch.tensor([[3.0, 4.0], [5.0, 6.0]])
    generator.projection.bias.data = torch.tensor([1.0, -1.0])
    assert generator(torch.tensor([1.0, 2.0])).tolist() == [12.0, 16.0]


def test_the_softmax_of_the_logits_is_the_distribution(x):
    logits = Generator(D_MODEL, N_TOKENS)(x)
    powers = logits.exp()
    torch.testing.assert_close(logits.softmax(dim=-1), powers / powers.sum(dim=-1, keepdim=True))
    torch.testing.assert_close(logits.softmax(dim=-1), (logits + 3.0).softmax(dim=-1))


def test_any_axes_may_come_first(x):
    generator = Generator(D_MODEL, N_TOKENS)
    chosen = x.flatten(0, 1)[[4, 2]]
    torch.testing.assert_close(generator(chosen), generator(x).flatten(0, 1)[[4, 2]])


def test_every_parameter_learns(x):
    generator = Generator(D_MODEL, N_TOKENS)
    generator(x).square().sum().backward()
    assert all(p.grad.isfinite().all() and p.grad.any() for p in generator.parameters())


def test_a_shared_table_is_the_same_object_and_the_offsets_are_its_own(x):
    table = torch.nn.Embedding(N_TOKENS, D_MODEL)
    generator = Generator(D_MODEL, N_TOKENS, weight=table.weight)
    assert generator.projection.weight is table.weight
    assert generator.projection.bias.shape == (N_TOKENS,)
    expected = x @ table.weight.T + generator.projection.bias
    torch.testing.assert_close(generator(x), expected)


def test_a_shared_table_learns_from_both_ends(x):
    table = torch.nn.Embedding(N_TOKENS, D_MODEL)
    generator = Generator(D_MODEL, N_TOKENS, weight=table.weight)
    ids = torch.tensor([2, 3])
    # By hand: the sum of z = h W + b is linear in W, and so is the row that is looked up.
    (generator(x).sum() + table(ids).sum()).backward()
    expected = x.sum(dim=(0, 1)).repeat(N_TOKENS, 1)
    expected[ids] += 1
    torch.testing.assert_close(table.weight.grad, expected)


@pytest.mark.parametrize(
    "weight, wrong",
    [
        (torch.nn.Parameter(torch.zeros(D_MODEL, N_TOKENS)), r"Parameter of shape \[7, 13\]"),
        (torch.nn.Parameter(torch.zeros(N_TOKENS + 1, D_MODEL)), r"Parameter of shape \[14, 7\]"),
        (torch.zeros(N_TOKENS, D_MODEL), r"Tensor of shape \[13, 7\]"),
        (torch.nn.Embedding(N_TOKENS, D_MODEL), r"Embedding of shape \[\]"),
    ],
)
def test_what_is_no_table_of_these_sizes_is_refused(weight, wrong):
    with pytest.raises(ValueError, match=wrong + r".*\[13, 7\], \[n_tokens, d_model\]"):
        Generator(D_MODEL, N_TOKENS, weight=weight)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision(x, dtype):
    generator = Generator(D_MODEL, N_TOKENS)
    expected = generator(x)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(generator(x).float(), expected, rtol=0.05, atol=0.05)
    y = generator.to(dtype)(x.to(dtype))
    assert y.dtype == dtype
    torch.testing.assert_close(y.float(), expected, rtol=0.05, atol=0.05)
