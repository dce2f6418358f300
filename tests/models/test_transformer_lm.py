import copy
import itertools
import math
import pickle

import pytest
import safetensors.torch
import torch
from torch import nn
from torch.nn import functional as F

from labnn.generation import beam_search, decode, greedy, pad_left, without_cache
from labnn.layers.layer_norm import LayerNorm
from labnn.models.transformer_lm import TransformerLM
from labnn.runs import checkpoint
from labnn.transformers.embeddings import Embeddings
from labnn.transformers.encoder import Encoder, TransformerLayer
from labnn.transformers.feed_forward import FeedForward
from labnn.transformers.fused_encoder import FusedEncoder
from labnn.transformers.generator import Generator
from labnn.transformers.kv_cache import KeyValueCache, cached_step
from labnn.transformers.masks import causal_mask
from labnn.transformers.mha import MultiHeadAttention
from labnn.transformers.positional_encoding import SinusoidalPositionalEncoding
from tests.transformers.torch_twins import copy_encoder, randomize

SEQ_LEN, BATCH_SIZE, N_HEADS, D_K, D_FF, N_LAYERS, N_TOKENS = 7, 2, 3, 5, 17, 3, 13
D_MODEL, PADDING = N_HEADS * D_K, N_TOKENS - 1
TABLE, PROJECTION = "src_embed.token_embed.weight", "generator.projection.weight"


def model(
    *, is_tied=False, n_layers=N_LAYERS, n_tokens=N_TOKENS, is_pre_norm=True,
    padding_token=PADDING, d_model=D_MODEL,
) -> TransformerLM:  # fmt: skip
    def layer():
        return TransformerLayer(
            d_model,
            self_attn=MultiHeadAttention(d_model, n_heads=N_HEADS, dropout_prob=0.0),
            feed_forward=FeedForward(d_model, d_ff=D_FF, dropout_prob=0.0),
            dropout_prob=0.0,
            is_pre_norm=is_pre_norm,
        )

    embeddings = Embeddings(
        d_model, n_tokens=n_tokens, positional_encoding=SinusoidalPositionalEncoding(d_model)
    )
    weight = embeddings.token_embed.weight if is_tied else None
    norm = LayerNorm(d_model) if is_pre_norm else None
    return TransformerLM(
        encoder=Encoder(layer, n_layers=n_layers, norm=norm),
        src_embed=embeddings,
        generator=Generator(d_model, n_tokens, weight=weight),
        padding_token=padding_token,
    )


@pytest.fixture
def x():
    return torch.randint(PADDING, (SEQ_LEN, BATCH_SIZE))


def n_parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def step(lm, optimizer, x):
    """One step that predicts the next tokens"""
    optimizer.zero_grad()
    F.cross_entropy(lm(x[:-1])[0].flatten(0, 1), x[1:].flatten()).backward()
    optimizer.step()


@pytest.mark.parametrize("is_pre_norm", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_matches_torch(x, dtype, is_pre_norm):
    ours = randomize(model(is_pre_norm=is_pre_norm, is_tied=is_pre_norm)).to(dtype)
    layer = nn.TransformerEncoderLayer(D_MODEL, N_HEADS, D_FF, 0.0, norm_first=is_pre_norm)
    norm = nn.LayerNorm(D_MODEL) if is_pre_norm else None
    theirs = nn.TransformerEncoder(layer, N_LAYERS, norm, enable_nested_tensor=False).to(dtype)
    copy_encoder(theirs, ours.encoder)

    x[4:, 1] = PADDING
    table = ours.src_embed.positional_encoding.table[:SEQ_LEN, None]
    weight = ours.src_embed.token_embed.weight
    features = theirs(
        F.embedding(x, weight) * math.sqrt(D_MODEL) + table,
        mask=~causal_mask(SEQ_LEN).squeeze(-1),
        src_key_padding_mask=(x == PADDING).T,
    )
    projection = ours.generator.projection
    logits, state = ours(x)
    assert state is None
    torch.testing.assert_close(logits, F.linear(features, projection.weight, projection.bias))


def test_by_hand():
    # Attention that averages what it may read, between vectors of ones and zeros: the logits are
    # the shares of both tokens in the text so far.
    class Mean(nn.Module):
        def forward(self, x, mask):
            weights = mask / mask.sum(dim=1, keepdim=True)
            return torch.einsum("i j b, j b d -> i b d", weights, x)

    ones = nn.Embedding.from_pretrained(torch.eye(2))
    lm = TransformerLM(encoder=Mean(), src_embed=ones, generator=nn.Identity())
    logits, _ = lm(torch.tensor([[0], [1], [1], [1]]))
    shares = [[1, 0], [1 / 2, 1 / 2], [1 / 3, 2 / 3], [1 / 4, 3 / 4]]
    torch.testing.assert_close(logits.squeeze(1), torch.tensor(shares))


@pytest.mark.parametrize("is_pre_norm", [True, False])
def test_a_changed_token_changes_nothing_before_it(x, is_pre_norm):
    lm = randomize(model(is_pre_norm=is_pre_norm))
    logits, _ = lm(x)
    for place in range(SEQ_LEN):
        other = x.clone()
        other[place, 1] = (x[place, 1] + 1) % PADDING
        changed, _ = lm(other)
        # Bit for bit before it and in the other sequence, and everything else does change.
        assert torch.equal(logits[:place], changed[:place])
        assert torch.equal(logits[:, 0], changed[:, 0])
        assert (logits[place:, 1] != changed[place:, 1]).any(dim=-1).all()


def test_no_gradient_comes_from_the_future(x):
    lm, seen = randomize(model()), []
    lm.src_embed.register_forward_hook(lambda module, given, y: seen.append(y))
    logits, _ = lm(x)
    for place in range(SEQ_LEN):
        total = logits[place].square().sum()
        (grad,) = torch.autograd.grad(total, seen[0], retain_graph=True)
        is_read = grad.any(dim=-1)
        assert is_read[: place + 1].all() and not is_read[place + 1 :].any()


def test_a_longer_text_begins_with_the_logits_of_a_shorter_one(x):
    lm = randomize(model())
    logits, _ = lm(x)
    for length in range(1, SEQ_LEN):
        torch.testing.assert_close(lm(x[:length])[0], logits[:length])


def test_the_probabilities_of_all_texts_sum_to_one():
    # After the first token, there are 27 texts of three of three tokens.
    lm = randomize(model(n_tokens=3, padding_token=None))
    texts = torch.tensor([(1, *rest) for rest in itertools.product(range(3), repeat=3)]).T
    log_probs = lm(texts[:-1])[0].log_softmax(dim=-1)
    nll = F.nll_loss(log_probs.flatten(0, 1), texts[1:].flatten(), reduction="none")
    probs = (-nll.view(3, 27).sum(dim=0)).exp()
    assert probs.sum().item() == pytest.approx(1, abs=1e-6) and probs.std() > 1e-3


def test_the_causal_mask_is_made_once():
    lm, cpu = model(), torch.device("cpu")
    longest = lm.causal(7, cpu)
    assert torch.equal(longest, causal_mask(7))
    for length in (7, 3, 1):
        shorter = lm.causal(length, cpu)
        assert shorter.data_ptr() == longest.data_ptr()
        assert torch.equal(shorter, causal_mask(length))
    assert torch.equal(lm.causal(11, cpu), causal_mask(11))
    # On another device another one is needed.
    assert lm.causal(3, torch.device("meta")).device.type == "meta"
    assert lm.causal(3, cpu).device == cpu


def test_without_padding_the_mask_is_one_for_all_sequences(x):
    lm = model()
    assert lm.mask(x).shape == (SEQ_LEN, SEQ_LEN, 1)
    x[-1, 1] = PADDING
    assert lm.mask(x).shape == (SEQ_LEN, SEQ_LEN, BATCH_SIZE)
    assert model(padding_token=None).mask(x).shape == (SEQ_LEN, SEQ_LEN, 1)


def test_the_mask_is_that_of_the_equation(x):
    x[4:, 1] = PADDING
    mask = model().mask(x)
    for i, j, b in itertools.product(range(SEQ_LEN), range(SEQ_LEN), range(BATCH_SIZE)):
        assert mask[i, j, b] == (j <= i and x[j, b] != PADDING)


def test_a_model_that_predicted_in_inference_mode_can_be_trained(x):
    lm = model()
    with torch.inference_mode():
        lm(x)
    assert not lm.longest_causal.is_inference()
    lm(x)[0].sum().backward()


@pytest.mark.parametrize("is_front", [False, True])
def test_padding_changes_no_real_logit(x, is_front):
    # Positions are those of the batch, so text that comes later needs an encoding without any.
    lm = randomize(model())
    lm.src_embed.positional_encoding = nn.Identity()
    padding = torch.full((5, BATCH_SIZE), PADDING)
    parts = (padding, x) if is_front else (x, padding)
    logits, _ = lm(torch.cat(parts))
    real = logits[5:] if is_front else logits[:SEQ_LEN]
    torch.testing.assert_close(real, lm(x)[0])


def test_tied_tables_are_one_parameter():
    lm, free = model(is_tied=True), model()
    assert lm.generator.projection.weight is lm.src_embed.token_embed.weight
    names = dict(lm.named_parameters())
    assert TABLE in names and PROJECTION not in names
    assert n_parameters(free) - n_parameters(lm) == N_TOKENS * D_MODEL
    (group,) = torch.optim.Adam(lm.parameters()).param_groups
    assert sum(p is names[TABLE] for p in group["params"]) == 1
    # The offsets are no part of it.
    assert "generator.projection.bias" in names


def test_the_gradient_of_a_tied_table_is_the_sum_of_both_uses(x):
    tied, free = model(is_tied=True).double(), model().double()
    free.load_state_dict(tied.state_dict())
    for lm in (tied, free):
        F.cross_entropy(lm(x[:-1])[0].flatten(0, 1), x[1:].flatten()).backward()
    both = [free.get_parameter(name).grad for name in (TABLE, PROJECTION)]
    assert all(grad.abs().max() > 1e-3 for grad in both)
    torch.testing.assert_close(tied.get_parameter(TABLE).grad, sum(both))


def test_one_update_moves_a_tied_table_once(x):
    tied, free = model(is_tied=True).double(), model().double()
    free.load_state_dict(tied.state_dict())
    before = tied.get_parameter(TABLE).detach().clone()
    for lm in (tied, free):
        step(lm, torch.optim.SGD(lm.parameters(), lr=0.1), x)
    moved = tied.get_parameter(TABLE) - before
    parts = [free.get_parameter(name) - before for name in (TABLE, PROJECTION)]
    torch.testing.assert_close(moved, sum(parts))


@pytest.mark.parametrize(
    "change",
    [
        copy.deepcopy,
        lambda lm: lm.to(torch.float64),
        lambda lm: lm.half().float(),
        lambda lm: pickle.loads(pickle.dumps(lm)),
    ],
    ids=["deepcopy", "to float64", "half and back", "pickle"],
)
def test_tables_stay_tied(x, change):
    lm = model(is_tied=True)
    lm(x)
    changed = change(lm)
    assert changed.generator.projection.weight is changed.src_embed.token_embed.weight
    step(changed, torch.optim.SGD(changed.parameters(), lr=0.1), x)
    assert changed.generator.projection.weight is changed.src_embed.token_embed.weight


def test_a_state_dict_keeps_the_tie_and_the_values(x):
    lm, other = randomize(model(is_tied=True)), model(is_tied=True)
    other.load_state_dict(lm.state_dict())
    assert other.generator.projection.weight is other.src_embed.token_embed.weight
    assert torch.equal(lm(x)[0], other(x)[0])


def test_a_checkpoint_holds_the_tied_table_once_and_goes_on_bit_for_bit(x, tmp_path):
    lm = model(is_tied=True)
    optimizer = torch.optim.Adam(lm.parameters(), lr=0.01)
    step(lm, optimizer, x)
    files = checkpoint.packed({"model": lm.state_dict(), "optimizer": optimizer.state_dict()})
    stored = safetensors.torch.load(files["model.safetensors"])
    # Both names are in the state, and the file has the first.
    assert set(lm.state_dict()) - set(stored) == {PROJECTION} and TABLE in stored
    assert sum(tensor.numel() for tensor in stored.values()) == n_parameters(lm)

    found = checkpoint.load(checkpoint.save(tmp_path, "1", files, {"update": 1, "step": 12}))
    other = model(is_tied=True)
    resumed = torch.optim.Adam(other.parameters(), lr=0.01)
    other.load_state_dict(found["model"])
    resumed.load_state_dict(found["optimizer"])
    for one, its in ((lm, optimizer), (other, resumed)):
        step(one, its, x)
    assert other.generator.projection.weight is other.src_embed.token_embed.weight
    pairs = zip(lm.parameters(), other.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_a_tied_model_first_repeats_what_it_reads():
    sizes = {"d_model": 96, "n_tokens": 97, "padding_token": None}
    ids = torch.randint(97, (SEQ_LEN, 5))
    own = F.one_hot(ids, 97).bool()
    free, tied = (model(is_tied=is_tied, **sizes)(ids)[0] for is_tied in (False, True))
    assert (tied.argmax(dim=-1) == ids).float().mean() > 0.9
    assert abs(free[own].mean().item()) < 1 < tied[own].mean().item()


@pytest.mark.parametrize("is_tied", [False, True])
def test_every_parameter_learns(is_tied):
    lm = model(is_tied=is_tied)
    x = torch.arange(N_TOKENS - 1)[:, None].expand(-1, BATCH_SIZE)
    F.cross_entropy(lm(x)[0].flatten(0, 1), (x.flatten() + 1) % PADDING).backward()
    for name, parameter in lm.named_parameters():
        assert parameter.grad.isfinite().all()
        # An offset of all keys cancels in the softmax.
        assert name.endswith("to_key.bias") or parameter.grad.abs().max() > 1e-6, name


@pytest.mark.parametrize("is_tied", [False, True])
def test_it_can_fit_one_batch(is_tied):
    # A position alone does not tell the next token, and the tokens before it do.
    texts = torch.stack([torch.randperm(PADDING)[: SEQ_LEN + 1] for _ in range(11)], dim=1)
    lm = model(is_tied=is_tied, n_layers=2)
    optimizer = torch.optim.Adam(lm.parameters(), lr=0.02)
    losses = []
    for _ in range(89):
        # Texts may begin alike, so the first tokens are not asked for.
        loss = F.cross_entropy(lm(texts[:-1])[0][3:].flatten(0, 1), texts[4:].flatten())
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < 0.1 and (is_tied or abs(losses[0] - math.log(N_TOKENS)) < 0.7)


def kinds(lm: TransformerLM) -> dict:
    return {"plain": lm.eval(), "fused": lm.eval().fused()}


@pytest.mark.parametrize("is_pre_norm", [True, False])
@pytest.mark.parametrize("kind", ["plain", "fused"])
@torch.no_grad()
def test_a_cache_changes_no_logits(x, kind, is_pre_norm):
    lm, cache = randomize(model(is_pre_norm=is_pre_norm)), KeyValueCache()
    x[3, 1] = PADDING
    expected, state = lm.eval()(x)
    assert state is None
    found = []
    for block in x.split([4, 1, 1, 1]):
        logits, state = kinds(lm)[kind](block, cache=cache)
        found.append(logits)
        assert state is cache
    torch.testing.assert_close(torch.cat(found), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", ["plain", "fused"])
@torch.no_grad()
def test_texts_are_written_as_without_a_cache(kind):
    lm = randomize(model(padding_token=None)).eval()

    def alone(ids, lengths):
        """Each text by itself, without padding"""
        texts = [ids[len(ids) - n :, b : b + 1] for b, n in enumerate(lengths.tolist())]
        return torch.cat([lm(text)[0][-1] for text in texts])

    ids, lengths = pad_left([[3, 1, 4, 1, 5], [9, 2], [6, 5, 3]], padding_token=0)
    step, slow = cached_step(kinds(lm)[kind]), without_cache(alone)
    given = {"n_new_tokens": 13, "lengths": lengths}
    ours, theirs = ([*decode(s, ids, greedy, **given)] for s in (step, slow))
    assert torch.equal(torch.stack(ours), torch.stack(theirs))
    given = {**given, "n_beams": 3, "n_returned": 2, "stop_token": 8}
    (ours, scores), (theirs, others) = (beam_search(s, ids, **given) for s in (step, slow))
    assert torch.equal(ours, theirs)
    torch.testing.assert_close(scores, others, rtol=1e-4, atol=1e-4)


def test_a_fused_model_has_the_weights_of_the_moment_and_leaves_the_mode():
    lm = model().eval()
    fused = lm.fused()
    assert isinstance(fused.encoder, FusedEncoder) and fused.padding_token == PADDING
    assert fused.src_embed is lm.src_embed and not lm.src_embed.training
    lm.encoder = nn.Identity()
    assert lm.fused() is lm
