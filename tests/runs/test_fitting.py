import pytest
import torch
from torch import nn

from experiments import mlm
from labnn.runs.fitting import check_fit, shared
from labnn.runs.folders import RunError
from labnn.runs.launch import prepared
from labnn.tokenizers import CharacterTokenizer

IN, OUT, MORE = 3, 5, 7
SMALL = {
    "tokenizer": CharacterTokenizer("abcdefg"),
    "d_model": 10,
    "transformer.n_layers": 2,
    "transformer.n_heads": 2,
    "transformer.ffn.d_ff": 11,
    "transformer.max_len": 13,
    "transformer.src_embed": "learned",
    "device": "cpu",
}


def model(**others):
    """The network of the experiment, with other options"""
    conf, values = prepared(mlm.Configs, mlm.OVERRIDES, {**SMALL, **others})
    conf._set_values(values)
    return conf.model


@pytest.fixture(scope="module")
def own():
    return model()


def complaint(network, saved, changes=None):
    """The line about a checkpoint that does not fit"""
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with pytest.raises(RunError) as caught:
        check_fit("485", network, saved, changes or {})
    after = network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    text = str(caught.value)
    assert "\n" not in text and text.startswith("checkpoint 485 does not fit the model: ")
    return text


def test_weights_that_fit(own):
    check_fit("485", own, own.state_dict(), {})
    # What differs and leaves the weights as they are is no matter here.
    check_fit("485", own, model().state_dict(), {"batch_size": (2, 3)})
    with torch.no_grad():
        check_fit("485", nn.Linear(IN, OUT), nn.Linear(IN, OUT).state_dict(), {})


@pytest.mark.parametrize(
    "option, old, new, evidence",
    [
        ("d_model", 10, 20, "is [10, 10] of float32 in it and [20, 20] of float32"),
        ("transformer.n_layers", 2, 3, "it has no encoder.layers.2.self_attn.to_query.weight"),
        ("transformer.n_layers", 2, 1, "it has encoder.layers.1.self_attn.to_query.weight, which"),
        ("transformer.ffn.d_ff", 11, 13, "feed_forward.expand.weight is [11, 10]"),
        ("transformer.max_len", 13, 17, "is [13, 10] of float32 in it and [17, 10]"),
        ("transformer.ffn.is_gated", False, True, "it has no encoder.layers.0.feed_forward"),
        ("transformer.src_embed", "learned", "sinusoidal", "it has src_embed.position"),
        ("n_tokens", 9, 11, "token_embed.weight is [9, 10] of float32 in it and [11, 10]"),
    ],
)
def test_both_values_of_the_option_are_named(own, option, old, new, evidence):
    text = complaint(model(**{option: new}), own.state_dict(), {option: (old, new)})
    assert f"{option} was {old!r} and is {new!r} (" in text and evidence in text
    assert text.endswith(f"; leave {option} as it was")


def test_another_vocabulary(own):
    larger = model(tokenizer=CharacterTokenizer("abcdefgh"))
    text = complaint(larger, own.state_dict(), {"tokenizer": ("7 tokens", "8 tokens")})
    assert "tokenizer was '7 tokens' and is '8 tokens' (" in text
    # Without a word about options there are still the tensors.
    text = complaint(larger, own.state_dict())
    assert "src_embed.token_embed.weight is [9, 10] of float32 in it and [10, 10]" in text
    assert "run.yaml names the commit" in text


def test_the_number_of_misfits_is_told():
    one, other = nn.Linear(IN, OUT), nn.Linear(IN, MORE)
    assert "weight is [5, 3] of float32 in it and [7, 3] of float32 in the model, and 1 more" in (
        complaint(other, one.state_dict())
    )
    assert "more" not in complaint(nn.Linear(IN, OUT, bias=False), one.state_dict())


def test_a_key_too_few_and_a_key_too_many():
    network = nn.Linear(IN, OUT)
    weight = {"weight": network.weight.detach()}
    assert "it has no bias, which the model has" in complaint(network, weight)
    extra = {**network.state_dict(), "wing": torch.ones(2)}
    assert "it has wing, which the model has not" in complaint(network, extra)
    assert "it has no weight, which the model has, and 1 more" in complaint(network, {})


def test_nothing_is_rounded_or_repeated_in_silence():
    network = nn.Linear(IN, OUT)
    halves = {name: tensor.half() for name, tensor in network.state_dict().items()}
    assert "float16 in it and [5, 3] of float32" in complaint(network, halves)
    # torch would repeat it.
    flat = {**network.state_dict(), "bias": torch.ones(())}
    assert "bias is [] of float32 in it and [5] of float32" in complaint(network, flat)
    none = {**network.state_dict(), "bias": "ones"}
    assert "bias is a str in it and [5]" in complaint(network, none)


@pytest.mark.parametrize("now, was", [("linear", "tied"), ("tied", "linear")])
def test_a_table_of_both_ends_is_not_two_tables(now, was):
    names = ("transformer.generator", "transformer.src_embed")
    saved = model(**{names[0]: was}).state_dict()
    network, change = model(**{names[0]: now}), {names[0]: (was, now)}
    # Names and shapes are the same.
    assert {n: t.shape for n, t in saved.items()} == {
        n: t.shape for n, t in network.state_dict().items()
    }
    one, other = ("it", "the model") if was == "tied" else ("the model", "it")
    text = complaint(network, saved, change)
    assert text.endswith(
        f"{names[0]} was {was!r} and is {now!r} (generator.projection.weight and "
        f"src_embed.token_embed.weight are one tensor in {one} and not in {other}); leave "
        f"{names[0]} as it was"
    )
    assert "run.yaml names the commit" in complaint(network, saved)
    check_fit("485", network, model(**{names[0]: now}).state_dict(), change)


def test_what_is_no_parameter_may_share_memory():
    class Network(nn.Module):
        def __init__(self, is_shared):
            super().__init__()
            one, other = torch.ones(IN), torch.ones(IN)
            self.register_buffer("one", one)
            self.register_buffer("other", one if is_shared else other)

    for is_shared in (False, True):
        check_fit("485", Network(is_shared), Network(not is_shared).state_dict(), {})


def test_names_for_one_tensor():
    one, square = torch.ones(IN), torch.ones(OUT, OUT)
    tensors = {"a": one, "b": one.detach(), "c": one.clone(), "d": one[:2], "e": one.view(1, IN)}
    assert shared(tensors) == {frozenset("ab")}
    assert shared({"a": square, "b": square.T, "c": square.view(OUT, OUT)}) == {frozenset("ac")}
    # What is empty has no memory, whatever it is called, and a text has none either.
    nothing = torch.ones(0, IN)
    assert shared({"a": nothing, "b": nothing, "c": "x", "d": "x"}) == set()


def test_several_options_are_all_named(own):
    changes = {"d_model": (10, 20), "transformer.n_layers": (2, 1)}
    text = complaint(model(d_model=20, **{"transformer.n_layers": 1}), own.state_dict(), changes)
    assert "d_model was 10 and is 20, transformer.n_layers was 2 and is 1 (" in text
    assert text.endswith("leave d_model and transformer.n_layers as it was")
