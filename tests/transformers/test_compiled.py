import copy

import pytest
import torch
from torch import nn

from labnn.layers import Dropout, LayerNorm
from labnn.models.transformer_lm import TransformerLM
from labnn.models.transformer_mlm import TransformerMLM
from labnn.transformers import (
    Embeddings,
    Encoder,
    FeedForward,
    Generator,
    KeyValueCache,
    MultiHeadAttention,
    SinusoidalPositionalEncoding,
    TransformerLayer,
)
from labnn.transformers.compiled import as_written
from tests.programs import needs_program

# torch hides this warning of its own when it is shown, which is too late where it is an error.
pytestmark = pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")

SEQ_LEN, BATCH_SIZE, D_MODEL, D_FF, N_HEADS, N_LAYERS, N_TOKENS = 7, 5, 12, 20, 3, 4, 11


def make_model(cls=TransformerMLM, is_pre_norm=True):
    """All probabilities of dropout differ"""

    def layer():
        attn = MultiHeadAttention(D_MODEL, n_heads=N_HEADS, dropout_prob=0.25)
        ffn = FeedForward(D_MODEL, d_ff=D_FF, dropout_prob=0.5)
        return TransformerLayer(
            D_MODEL, self_attn=attn, feed_forward=ffn, dropout_prob=0.125, is_pre_norm=is_pre_norm
        )

    encoding = SinusoidalPositionalEncoding(D_MODEL, max_len=SEQ_LEN)
    return cls(
        encoder=Encoder(layer, n_layers=N_LAYERS, norm=LayerNorm(D_MODEL)),
        src_embed=Embeddings(D_MODEL, n_tokens=N_TOKENS, positional_encoding=encoding),
        generator=Generator(D_MODEL, N_TOKENS),
        padding_token=0,
    )


class Counting:
    """A compiler that changes nothing and counts what it was given"""

    def __init__(self):
        self.n_graphs = 0

    def __call__(self, graph, inputs):
        self.n_graphs += 1
        return graph.forward


@pytest.fixture(autouse=True)
def anew():
    """Nothing is known of what other tests have compiled"""
    torch._dynamo.reset()


def ids():
    return torch.randint(1, N_TOKENS, (SEQ_LEN, BATCH_SIZE))


def outcome(model, x, seed, positions=None):
    """Logits, and the gradients of all parameters, with dropout"""
    torch.manual_seed(seed)
    model.zero_grad()
    logits = model(x, positions=positions)[0]
    logits.sin().sum().backward()
    return logits.detach(), {name: p.grad.clone() for name, p in model.named_parameters()}


@pytest.mark.parametrize(
    ("cls", "is_pre_norm", "has_padding"),
    [
        (TransformerMLM, True, False),
        pytest.param(TransformerLM, False, False, marks=pytest.mark.slow),
        pytest.param(TransformerMLM, False, True, marks=pytest.mark.slow),
    ],
)
def test_a_compiled_model_is_the_same_function(cls, is_pre_norm, has_padding):
    # What torch does to a graph before a compiler gets it: it takes out what is there twice, and
    # divides it into the way there and the way back.
    model, x = make_model(cls, is_pre_norm), ids()
    if has_padding:
        x[4:, 2] = 0
    expected = [outcome(model, x, seed) for seed in (1, 2)]
    model.compile(backend="aot_eager", dynamic=False)
    found = [outcome(model, x, seed) for seed in (1, 2)]
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(found[0][0], found[1][0])
    with torch.no_grad():
        torch.testing.assert_close(model.eval()(x)[0], copy.deepcopy(model)(x)[0])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("is_bf16", [False, True])
def test_compiled_to_machine_code_it_is_the_same_function(is_bf16, tmp_path, monkeypatch):
    needs_program("g++", "clang++")
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    model, x, positions = make_model(), ids(), torch.tensor([1, 8, 30, 2])
    with torch.autocast("cpu", torch.bfloat16, enabled=is_bf16):
        expected = [outcome(model, x, seed, positions) for seed in (1, 2)]
        model.compile(dynamic=False, options={"fx_graph_cache": False})
        found = [outcome(model, x, seed, positions) for seed in (1, 2)]
    bounds = dict(rtol=0.05, atol=0.05) if is_bf16 else dict(rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found, expected, **bounds)


@pytest.mark.parametrize("is_pre_norm", [True, False])
def test_equal_layers_share_what_is_compiled(is_pre_norm):
    # All of a layer is one graph: nothing in it asks the data.
    model, compiler = make_model(is_pre_norm=is_pre_norm), Counting()
    model.compile(backend=compiler, dynamic=False)
    for _ in range(3):
        model(ids())
    assert compiler.n_graphs == 1
    with torch.no_grad():
        model.eval()(ids())
    assert compiler.n_graphs == 2


def test_a_changing_number_of_positions_compiles_nothing():
    model, compiler = make_model(), Counting()
    model.compile(backend=compiler, dynamic=False)
    x = ids()
    for n in (4, 9, 1, 13):
        model(x, positions=torch.randperm(SEQ_LEN * BATCH_SIZE)[:n])
    assert compiler.n_graphs == 1


def test_a_text_that_grows_compiles_nothing():
    model, compiler = make_model(TransformerLM).eval(), Counting()
    x = ids()
    expected = model(x)[0]
    model.compile(backend=compiler, dynamic=False)
    cache = KeyValueCache()
    with torch.no_grad():
        found = [model(x[i : i + 1], cache=cache)[0] for i in range(SEQ_LEN)]
    torch.testing.assert_close(torch.cat(found), expected)
    assert compiler.n_graphs == 0


def test_names_and_copies_stay_as_they_are():
    model = make_model()
    before = {name: p.clone() for name, p in model.state_dict().items()}
    model.compile(backend="eager")
    torch.testing.assert_close(dict(model.state_dict()), before, rtol=0, atol=0)
    twin, x = copy.deepcopy(model).eval(), ids()
    with torch.no_grad():
        expected = model.eval()(x)[0]
        for parameter in model.parameters():
            parameter.zero_()
    # A copy has weights of its own.
    torch.testing.assert_close(twin(x)[0], expected)


@pytest.mark.slow
def test_the_encoder_can_be_compiled_as_a_whole_too():
    # Chosen positions included: nothing may ask the data.
    encoder, x = make_model().encoder, torch.randn(SEQ_LEN, BATCH_SIZE, D_MODEL)
    positions = torch.tensor([3, 3, 0, 34])
    whole = torch.compile(encoder.forward, backend="aot_eager", fullgraph=True)
    # With dropout, which coins are drawn depends on how many rows the grid of positions has.
    encoder.eval()
    found = []
    for call in (encoder, whole):
        encoder.zero_grad()
        y = call(x, None, positions)
        y.sin().sum().backward()
        found.append((y, [p.grad.clone() for p in encoder.parameters()]))
    torch.testing.assert_close(found[1], found[0], rtol=1e-4, atol=1e-5)
    encoder.train()
    assert whole(x, None, positions).shape == (len(positions), D_MODEL)


def test_as_written():
    module, compiler, hooked = nn.Linear(2, 2), Counting(), []
    assert as_written(module) is module
    module.register_forward_hook(lambda *_: hooked.append(1))
    module.compile(backend=compiler)
    # Nothing is compiled, and hooks are called.
    as_written(module)(torch.ones(1, 2))
    assert compiler.n_graphs == 0 and hooked == [1]
    module(torch.ones(1, 2))
    assert compiler.n_graphs == 1


def test_each_call_of_dropout_has_coins_of_its_own():
    # A compiler takes equal calls for one.
    dropout, x = Dropout(0.5), torch.ones(100_000)
    twice = torch.compile(lambda x: (dropout(x), dropout(x)), backend="aot_eager")
    torch.manual_seed(1)
    first, second = twice(x)
    assert (first == second).float().mean() == pytest.approx(0.5, abs=0.01)
    torch.manual_seed(1)
    torch.testing.assert_close((first, second), (dropout(x), dropout(x)), rtol=0, atol=0)


@pytest.mark.parametrize("dropout_prob", [0.1, 0.001, 1.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_compiled_dropout_has_the_same_bits(dropout_prob, dtype):
    dropout, x = Dropout(dropout_prob), torch.randn(1003).to(dtype)
    torch.manual_seed(3)
    expected = dropout(x)
    torch.manual_seed(3)
    found = torch.compile(dropout, backend="aot_eager")(x)
    assert found.dtype == dtype and torch.equal(found, expected)


def test_compiled_normalization_is_exact_far_from_zero():
    norm, x = LayerNorm(64), torch.randn(10, 64) + 1e5
    expected = torch.nn.functional.layer_norm(x.double(), (64,))
    found = torch.compile(norm, backend="aot_eager", fullgraph=True)(x)
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-5)
