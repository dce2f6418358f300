import pytest
import torch
from torch import nn
from torch.nn import functional as F

from labnn.layers.layer_norm import LayerNorm
from labnn.models.transformer import TransformerModel
from labnn.models.transformer_lm import TransformerLM
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
from tests.transformers.torch_twins import randomize

SEQ_LEN, BATCH_SIZE, N_HEADS, D_K, D_FF, N_LAYERS, N_TOKENS = 7, 2, 3, 5, 17, 3, 13
PADDING = N_TOKENS - 1


def model(
    cls, *, dropout_prob=0.0, padding_token=PADDING, encoding=SinusoidalPositionalEncoding
) -> TransformerModel:
    d_model = N_HEADS * D_K

    def layer():
        return TransformerLayer(
            d_model,
            self_attn=MultiHeadAttention(d_model, n_heads=N_HEADS, dropout_prob=dropout_prob),
            feed_forward=FeedForward(d_model, d_ff=D_FF, dropout_prob=dropout_prob),
            dropout_prob=dropout_prob,
        )

    return cls(
        encoder=Encoder(layer, n_layers=N_LAYERS, norm=LayerNorm(d_model)),
        src_embed=Embeddings(d_model, n_tokens=N_TOKENS, positional_encoding=encoding(d_model)),
        generator=Generator(d_model, N_TOKENS),
        padding_token=padding_token,
    )


@pytest.fixture(params=[TransformerLM, TransformerMLM])
def cls(request):
    return request.param


@pytest.fixture
def x():
    return torch.randint(PADDING, (SEQ_LEN, BATCH_SIZE))


def test_by_hand():
    # Each id is one feature, the encoder sums what the mask lets it read, and there are two scores.
    class Sum(nn.Module):
        def forward(self, x, mask):
            return torch.einsum("i j b, j b d -> i b d", mask.float(), x)

    class Neighbours(TransformerModel):
        def mask(self, x):
            place = torch.arange(len(x))
            return ((place - place[:, None]).abs() <= 1).unsqueeze(-1)

    embed = nn.Embedding.from_pretrained(torch.arange(5.0)[:, None])
    generator = nn.Linear(1, 2)
    generator.weight.data, generator.bias.data = torch.tensor([[1.0], [-2.0]]), torch.ones(2)
    neighbours = Neighbours(encoder=Sum(), src_embed=embed, generator=generator)
    logits, state = neighbours(torch.tensor([[4], [1], [2]]))
    # 4 + 1, 4 + 1 + 2 and 1 + 2
    assert logits.squeeze(1).tolist() == [[6, -9], [8, -13], [4, -5]] and state is None
    logits, _ = neighbours(torch.tensor([[4], [1], [2]]), torch.tensor([2, 0]))
    assert logits.tolist() == [[4, -5], [6, -9]]


def test_a_class_without_a_mask_is_told_so(x):
    with pytest.raises(NotImplementedError, match="TransformerModel has no mask: define"):
        model(TransformerModel)(x)


def test_both_tasks_have_the_same_network(x):
    lm, mlm = model(TransformerLM), model(TransformerMLM)
    mlm.load_state_dict(lm.state_dict())
    assert [*mlm.state_dict()] == [*lm.state_dict()]
    # The last position may read the whole text in both, but only if it is the only layer.
    lm.encoder.layers, mlm.encoder.layers = lm.encoder.layers[:1], mlm.encoder.layers[:1]
    torch.testing.assert_close(lm(x)[0][-1], mlm(x)[0][-1])
    assert (lm(x)[0][0] - mlm(x)[0][0]).abs().max() > 1e-4


def test_which_positions_are_text(cls, x):
    assert model(cls).text_mask(x) is None and model(cls, padding_token=None).text_mask(x) is None
    x[4:, 1] = PADDING
    assert torch.equal(model(cls).text_mask(x), (x != PADDING)[None])
    assert model(cls, padding_token=None).text_mask(x) is None
    # Elsewhere an answer would have to be waited for, so the mask is there.
    elsewhere = torch.zeros(3, 2, dtype=torch.int64, device="meta")
    assert model(cls).text_mask(elsewhere).shape == (1, 3, 2)


def test_positions_are_numbers_in_the_grid_of_ids(cls, x):
    transformer = model(cls)
    logits, _ = transformer(x)
    # Position 3 of sequence 1, then position 0 of sequence 0, then the first one again.
    asked = torch.tensor([3 * BATCH_SIZE + 1, 0, 3 * BATCH_SIZE + 1])
    chosen, state = transformer(x, positions=asked)
    assert chosen.shape == (3, N_TOKENS) and state is None
    torch.testing.assert_close(chosen, torch.stack([logits[3, 1], logits[0, 0], logits[3, 1]]))


def test_positions_of_a_mask_give_its_rows(cls, x):
    transformer, selected = model(cls), torch.rand(SEQ_LEN, BATCH_SIZE) < 0.5
    positions = selected.flatten().nonzero().flatten()
    logits, chosen = transformer(x)[0], transformer(x, positions)[0]
    torch.testing.assert_close(chosen, logits[selected])
    assert transformer(x, positions.int())[0].shape == chosen.shape
    assert transformer(x, positions[:0])[0].shape == (0, N_TOKENS)


def test_the_gradient_of_chosen_positions_is_that_of_all(cls, x):
    transformer, positions = model(cls), torch.tensor([1, 5, 8])
    targets = torch.tensor([2, 3, 5])
    F.cross_entropy(transformer(x, positions)[0], targets).backward()
    chosen = [p.grad.clone() for p in transformer.parameters()]
    transformer.zero_grad()
    F.cross_entropy(transformer(x)[0].flatten(0, 1)[positions], targets).backward()
    torch.testing.assert_close(chosen, [p.grad for p in transformer.parameters()])


@pytest.mark.parametrize(
    "positions",
    [torch.tensor([[0, 1]]), torch.tensor([0.0]), torch.tensor([True]), torch.tensor(1)],
)
def test_positions_that_are_no_list_of_indices_are_refused(cls, x, positions):
    with pytest.raises(ValueError, match="positions has shape .* flat indices"):
        model(cls)(x, positions)


@pytest.mark.parametrize("outside", [-1, SEQ_LEN * BATCH_SIZE])
def test_positions_outside_of_the_grid_are_refused(cls, x, outside):
    with pytest.raises(IndexError):
        model(cls)(x, torch.tensor([outside]))


def test_a_shorter_text_is_alone_as_it_is_in_a_batch(cls, x):
    transformer, padded = randomize(model(cls)), x.clone()
    padded[4:, 1] = PADDING
    logits, _ = transformer(padded)
    torch.testing.assert_close(logits[:4, 1:], transformer(x[:4, 1:])[0])
    torch.testing.assert_close(logits[:, :1], transformer(x[:, :1])[0])


def test_padding_token_zero_is_a_token(cls, x):
    # Padding in front moves the text, so it has to be without positions.
    transformer = randomize(model(cls, padding_token=0))
    transformer.src_embed.positional_encoding = nn.Identity()
    padded = torch.cat([torch.zeros(5, BATCH_SIZE, dtype=torch.long), x + 1])
    torch.testing.assert_close(transformer(padded)[0][5:], transformer(x + 1)[0])


def test_a_text_of_nothing_but_padding_is_finite(cls, x):
    x[:, 1] = PADDING
    transformer = model(cls)
    logits, _ = transformer(x)
    F.cross_entropy(logits[:, 0], x[:, 0]).backward()
    assert logits.isfinite().all()
    assert all(p.grad.isfinite().all() for p in transformer.parameters())


def test_the_ids_are_not_modified(cls, x):
    before = x.clone()
    model(cls)(x)
    assert torch.equal(x, before)


def test_layers_start_different(cls):
    first, second, _ = model(cls).encoder.layers
    weights = [(first.get_parameter(n), p) for n, p in second.named_parameters() if p.dim() > 1]
    assert len(weights) == 6 and not any(torch.equal(a, b) for a, b in weights)


def test_a_checkpoint_holds_the_parameters_and_nothing_else(cls, x):
    transformer = model(cls)
    transformer(x)
    assert set(transformer.state_dict()) == {name for name, _ in transformer.named_parameters()}
    # Learned positions are parameters, so they are stored.
    learned = model(cls, encoding=LearnedPositionalEncoding)
    assert "src_embed.positional_encoding.table" in learned.state_dict()


def test_dropout_is_off_in_evaluation(cls, x):
    transformer = model(cls, dropout_prob=0.3)
    assert not torch.equal(transformer(x)[0], transformer(x)[0])
    transformer.eval()
    assert torch.equal(transformer(x)[0], transformer(x)[0])


def test_a_seed_repeats_a_training_step(cls, x):
    results = []
    for _ in range(2):
        torch.manual_seed(11)
        transformer = model(cls, dropout_prob=0.3)
        F.cross_entropy(transformer(x)[0].flatten(0, 1), x.flatten()).backward()
        results.append([p.grad for p in transformer.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("is_autocast", [False, True])
def test_half_precision_is_near_float32(cls, x, dtype, is_autocast):
    x[4:, 1] = PADDING
    transformer = model(cls)
    expected, _ = transformer(x)
    with torch.autocast("cpu", dtype, enabled=is_autocast):
        logits, _ = (transformer if is_autocast else transformer.to(dtype))(x)
        logits.float().square().sum().backward()
    assert logits.dtype == dtype
    assert all(p.grad.isfinite().all() for p in transformer.parameters())
    torch.testing.assert_close(logits.float(), expected, rtol=0.1, atol=0.1)
