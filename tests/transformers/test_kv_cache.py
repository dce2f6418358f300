import pytest
import torch
from torch import nn

from labnn.layers.layer_norm import LayerNorm
from labnn.transformers.alibi import AlibiPositions
from labnn.transformers.embeddings import Embeddings
from labnn.transformers.encoder import Encoder, TransformerLayer
from labnn.transformers.feed_forward import FeedForward
from labnn.transformers.generator import Generator
from labnn.transformers.kv_cache import ROOM, KeyValueCache, cached_step
from labnn.transformers.masks import causal_mask, combine_masks, padding_mask
from labnn.transformers.mha import MultiHeadAttention
from labnn.transformers.positional_encoding import (
    LearnedPositionalEncoding,
    SinusoidalPositionalEncoding,
)
from labnn.transformers.rotary import RotaryPositions
from tests.transformers.torch_twins import randomize

SEQ_LEN, BATCH_SIZE, N_HEADS, D_K, D_FF, N_LAYERS, N_TOKENS, MAX_LEN = 11, 3, 5, 2, 17, 2, 13, 199
D_MODEL = N_HEADS * D_K
ADDED = {"sinusoidal": SinusoidalPositionalEncoding, "learned": LearnedPositionalEncoding}
POSITIONS = ["sinusoidal", "learned", "rotary", "alibi"]


class Model(nn.Module):
    """A language model of the parts of this package"""

    def __init__(self, positions: str = "sinusoidal", is_pre_norm: bool = True):
        super().__init__()
        inside = {"rotary": RotaryPositions(D_K), "alibi": AlibiPositions(N_HEADS)}.get(positions)
        added = ADDED[positions](D_MODEL, max_len=MAX_LEN) if positions in ADDED else None

        def layer():
            return TransformerLayer(
                D_MODEL,
                self_attn=MultiHeadAttention(D_MODEL, n_heads=N_HEADS, positions=inside),
                feed_forward=FeedForward(D_MODEL, d_ff=D_FF),
                is_pre_norm=is_pre_norm,
            )

        self.embed = Embeddings(D_MODEL, n_tokens=N_TOKENS, positional_encoding=added)
        norm = LayerNorm(D_MODEL) if is_pre_norm else None
        self.encoder = Encoder(layer, n_layers=N_LAYERS, norm=norm)
        self.generator = Generator(D_MODEL, N_TOKENS)
        randomize(self).eval()

    def forward(self, x, positions=None, *, cache=None, padding_token=None):
        if cache is None:
            text = None if padding_token is None else padding_mask(x, padding_token)
            mask = combine_masks(causal_mask(len(x)), text)
            return self.generator(self.encoder(self.embed(x), mask, positions)), None
        mask = cache.begin(x, padding_token)
        features = self.encoder(self.embed(x, cache.places), mask, positions, cache=cache)
        return self.generator(features), cache


@pytest.fixture(autouse=True)
def no_grad():
    with torch.no_grad():
        yield


@pytest.fixture
def x():
    return torch.randint(N_TOKENS, (SEQ_LEN, BATCH_SIZE))


def in_blocks(model, x, sizes, **kwargs):
    """The logits of a text that comes in blocks of these sizes"""
    cache = kwargs.pop("cache", None) or KeyValueCache()
    return torch.cat([model(block, cache=cache, **kwargs)[0] for block in x.split(sizes)])


def left_padded(prompts):
    """Prompts in one batch, and how much stands before each"""
    x = torch.full((max(map(len, prompts)), len(prompts)), 7)
    n_padding = torch.tensor([len(x) - len(prompt) for prompt in prompts])
    for b, prompt in enumerate(prompts):
        x[n_padding[b] :, b] = prompt
    return x, n_padding


BLOCKS = {"tokens": [1] * SEQ_LEN, "prompt": [7, 1, 1, 1, 1], "blocks": [2, 5, 1, 3]}


@pytest.mark.parametrize("sizes", BLOCKS.values(), ids=BLOCKS)
@pytest.mark.parametrize("is_pre_norm", [True, False])
@pytest.mark.parametrize("positions", POSITIONS)
def test_the_same_logits_as_without_it(x, positions, is_pre_norm, sizes):
    model = Model(positions, is_pre_norm)
    torch.testing.assert_close(in_blocks(model, x, sizes), model(x)[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("positions", POSITIONS)
def test_the_same_tokens_as_without_it(x, positions):
    model, step, state = Model(positions), None, None
    text, step = x[:2], cached_step(model)
    new, lengths = text, torch.full((BATCH_SIZE,), 2)
    for _ in range(71):
        logits, state = step(new, state, lengths)
        new, lengths = logits.argmax(dim=-1).unsqueeze(0), lengths + 1
        assert torch.equal(new[0], model(text)[0][-1].argmax(dim=-1))
        text = torch.cat([text, new])
    # It grew on the way.
    assert len(state.layers[0].keys) == 2 * ROOM and state.length == 72


@pytest.mark.parametrize("is_pre_norm", [True, False])
@pytest.mark.parametrize("positions", POSITIONS)
def test_each_text_of_a_batch_gets_what_it_gets_alone(positions, is_pre_norm):
    model = Model(positions, is_pre_norm)
    texts = [torch.randint(N_TOKENS, (n,)) for n in (11, 5, 8)]
    ids, n_padding = left_padded(texts)
    for sizes in ([11], [7, 1, 1, 1, 1], [2, 5, 1, 3]):
        logits = in_blocks(model, ids, sizes, cache=KeyValueCache(n_padding=n_padding))
        for b, text in enumerate(texts):
            alone = model(text.unsqueeze(-1))[0][:, 0]
            torch.testing.assert_close(logits[n_padding[b] :, b], alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("positions", POSITIONS)
def test_a_step_gives_what_follows_the_last_row(positions):
    model = Model(positions)
    texts = [torch.randint(N_TOKENS, (n,)) for n in (7, 3)]
    ids, n_padding = left_padded(texts)
    step = cached_step(model)
    logits, state = step(ids, None, 7 - n_padding)
    assert state.n_padding is not None and logits.shape == (2, N_TOKENS)
    new = torch.tensor([[4, 6]])
    logits, state = step(new, state, 8 - n_padding)
    for b, text in enumerate(texts):
        alone = model(torch.cat([text, new[:, b]]).unsqueeze(-1))[0][-1, 0]
        torch.testing.assert_close(logits[b], alone, rtol=1e-4, atol=1e-5)


def test_prompts_of_one_length_have_no_mask_for_a_token(x):
    _, state = cached_step(Model())(x, None, torch.full((BATCH_SIZE,), SEQ_LEN))
    assert state.n_padding is None and state.begin(x[:1], None) is None
    assert KeyValueCache().begin(x).shape == (SEQ_LEN, SEQ_LEN, 1)


@pytest.mark.parametrize("sizes", BLOCKS.values(), ids=BLOCKS)
def test_padding_inside_of_a_text_is_not_read(x, sizes):
    model = Model()
    x[x == 0], x[8, 1], x[3:5, 2] = 1, 0, 0
    expected = model(x, padding_token=0)[0]
    found = in_blocks(model, x, sizes, padding_token=0)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("indices", [[2, 0, 1], [1, 1], [0, 2, 2, 2, 1]])
@pytest.mark.parametrize("positions", POSITIONS)
def test_texts_are_selected_for_a_beam_search(positions, indices):
    model, indices = Model(positions), torch.tensor(indices)
    ids, n_padding = left_padded([torch.randint(N_TOKENS, (n,)) for n in (11, 5, 8)])
    cache = KeyValueCache(n_padding=n_padding)
    model(ids[:7], cache=cache)
    selected = cache.select(indices)
    logits = in_blocks(model, ids[7:, indices], [1, 3], cache=selected)
    # The other one stays as it was, and both go on by themselves.
    rest = in_blocks(model, ids[7:], [1, 3], cache=cache)
    torch.testing.assert_close(logits, rest[:, indices], rtol=1e-4, atol=1e-5)
    assert selected.n_texts == len(indices) and cache.n_texts == 3


def test_a_cache_can_be_selected_from_before_it_has_anything():
    cache = KeyValueCache(n_padding=torch.tensor([0, 2])).select(torch.tensor([1, 1, 0]))
    assert cache.n_padding.tolist() == [2, 2, 0] and cache.n_bytes == 0


def test_its_memory(x):
    cache = KeyValueCache()
    assert cache.n_bytes == 0
    Model()(x, cache=cache)
    assert cache.n_bytes == 2 * N_LAYERS * ROOM * BATCH_SIZE * D_MODEL * 4
    # The numbers of the page
    assert 2 * 12 * 768 * 4 == 72 * 1024


def test_a_long_prompt_takes_what_it_needs():
    cache = KeyValueCache()
    Model()(torch.zeros(ROOM + 3, 1, dtype=torch.long), cache=cache)
    assert len(cache.layers[0].keys) == ROOM + 3


def test_a_key_is_turned_once_and_never_written_again(x):
    model, cache = Model("rotary"), KeyValueCache()
    model(x[:7], cache=cache)
    before = cache.layers[1].keys[:7].clone()
    model(x[7:], cache=cache)
    assert torch.equal(cache.layers[1].keys[:7], before)


def test_a_cache_of_inference_mode_goes_on_without_it(x):
    model, cache = Model("rotary"), KeyValueCache()
    with torch.inference_mode():
        first = model(x[:7], cache=cache)[0]
    rest = model(x[7:], cache=cache.select(torch.arange(BATCH_SIZE)))[0]
    torch.testing.assert_close(torch.cat([first, rest]), model(x)[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("positions", POSITIONS)
def test_autocast_is_near_float32(x, positions):
    model = Model(positions)
    with torch.autocast("cpu", torch.bfloat16):
        cache = KeyValueCache()
        logits = in_blocks(model, x, [7, 1, 3], cache=cache)
        whole = model(x)[0]
    assert cache.layers[0].keys.dtype == torch.bfloat16
    torch.testing.assert_close(logits.float(), whole.float(), rtol=0.1, atol=0.2)


@pytest.mark.parametrize("positions", ["sinusoidal", "learned"])
def test_a_text_that_outgrows_its_positions_is_refused(positions):
    model, cache = Model(positions), KeyValueCache()
    model(torch.zeros(MAX_LEN, 1, dtype=torch.long), cache=cache)
    with pytest.raises(ValueError, match="the input has 200 positions, .*max_len=199"):
        model(torch.zeros(1, 1, dtype=torch.long), cache=cache)


@pytest.mark.parametrize("positions", ["rotary", "alibi"])
def test_other_positions_have_no_end(positions):
    model, x = Model(positions), torch.randint(N_TOKENS, (MAX_LEN + 2, 1))
    found = in_blocks(model, x, [MAX_LEN, 1, 1])
    torch.testing.assert_close(found, model(x)[0], rtol=1e-3, atol=1e-4)


def test_gradients_are_refused(x):
    with torch.enable_grad(), pytest.raises(ValueError, match="call the model under torch.no_grad"):
        Model()(x, cache=KeyValueCache())


def test_another_batch_is_refused(x):
    cache = KeyValueCache()
    Model()(x, cache=cache)
    with pytest.raises(ValueError, match="the ids have 2 sequences and the cache has 3"):
        Model()(x[:1, :2], cache=cache)
    with pytest.raises(ValueError, match="the ids have 3 sequences and the cache has 2"):
        Model()(x, cache=KeyValueCache(n_padding=torch.tensor([0, 1])))


def test_the_cache_of_another_model_is_refused():
    cache = KeyValueCache()
    cache.of_layers(3)
    with pytest.raises(ValueError, match="of a model with 3 layers, and this one has 2"):
        cache.of_layers(2)
