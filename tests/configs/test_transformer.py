import math

import pytest
import torch
from labml.configs import option
from torch import nn

from labnn.configs.base import StrictConfigs
from labnn.configs.transformer import TransformerConfigs
from labnn.configs.types import ConfigError
from labnn.layers.layer_norm import LayerNorm
from labnn.transformers.alibi import AlibiPositions
from labnn.transformers.embeddings import Embeddings
from labnn.transformers.encoder import Encoder, TransformerLayer
from labnn.transformers.feed_forward import FeedForward
from labnn.transformers.generator import Generator
from labnn.transformers.mha import MultiHeadAttention
from labnn.transformers.positional_encoding import (
    LearnedPositionalEncoding,
    SinusoidalPositionalEncoding,
)
from labnn.transformers.rotary import RotaryPositions

SEQ_LEN, BATCH_SIZE, D_MODEL, N_HEADS, D_FF, N_LAYERS = 5, 3, 14, 7, 11, 2
N_SRC, N_TGT, MAX_LEN, DROPOUT = 13, 17, 19, 0.3
SIZES = {
    "d_model": D_MODEL,
    "n_heads": N_HEADS,
    "n_layers": N_LAYERS,
    "max_len": MAX_LEN,
    "dropout_prob": DROPOUT,
    "n_src_vocab": N_SRC,
    "n_tgt_vocab": N_TGT,
    "ffn.d_ff": D_FF,
}
ACTIVATIONS = [nn.ReLU, nn.GELU, nn.SiLU, nn.Tanh, nn.Sigmoid, nn.Identity]


def make(**overrides):
    conf = TransformerConfigs()
    conf._set_values({**SIZES, **{k.replace("__", "."): v for k, v in overrides.items()}})
    return conf


def encoder(*, is_pre_norm=True, activation=nn.ReLU, is_gated=False, dropout_prob=DROPOUT):
    """The encoder that is put together by hand"""

    def layer():
        return TransformerLayer(
            D_MODEL,
            self_attn=MultiHeadAttention(D_MODEL, n_heads=N_HEADS, dropout_prob=dropout_prob),
            feed_forward=FeedForward(
                D_MODEL,
                d_ff=D_FF,
                activation=activation(),
                is_gated=is_gated,
                dropout_prob=dropout_prob,
            ),
            dropout_prob=dropout_prob,
            is_pre_norm=is_pre_norm,
        )

    norm = LayerNorm(D_MODEL) if is_pre_norm else None
    return Encoder(layer, n_layers=N_LAYERS, norm=norm)


def assert_twins(ours, theirs, x):
    """Both compute the same with the same weights, with and without dropout."""
    ours.load_state_dict(theirs.state_dict())
    for is_train in (False, True):
        found = []
        for module in (ours, theirs):
            torch.manual_seed(5)
            found.append(module.train(is_train)(x))
        assert torch.equal(*found)


@pytest.fixture
def x():
    return torch.randn(SEQ_LEN, BATCH_SIZE, D_MODEL)


@pytest.mark.parametrize("name, is_pre_norm", [("pre_norm", True), ("post_norm", False)])
def test_encoders(x, name, is_pre_norm):
    assert_twins(make(encoder=name).encoder, encoder(is_pre_norm=is_pre_norm), x)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("is_gated", [False, True])
def test_feed_forward_networks(x, activation, is_gated):
    conf = make(ffn__activation=activation.__name__, ffn__is_gated=is_gated)
    assert_twins(conf.encoder, encoder(activation=activation, is_gated=is_gated), x)


@pytest.mark.parametrize(
    "name, positions",
    [("sinusoidal", SinusoidalPositionalEncoding), ("learned", LearnedPositionalEncoding)],
)
def test_embeddings(name, positions):
    ids = torch.randint(N_SRC, (SEQ_LEN, BATCH_SIZE))
    for is_normed in (False, True):
        twin = Embeddings(
            D_MODEL,
            n_tokens=N_SRC,
            positional_encoding=positions(D_MODEL, max_len=MAX_LEN),
            norm=LayerNorm(D_MODEL) if is_normed else None,
        )
        ours = make(src_embed=name, is_embed_norm=is_normed).src_embed
        assert [*ours.state_dict()] == [*twin.state_dict()]
        assert_twins(ours, twin, ids)


def test_embeddings_are_not_normalized_unless_it_is_asked_for():
    assert make().src_embed.norm is None
    assert [*make().src_embed.state_dict()] == ["token_embed.weight"]


def test_the_generator(x):
    assert_twins(make().generator, Generator(D_MODEL, N_TGT), x)


@pytest.mark.parametrize("is_normed", [False, True])
@pytest.mark.parametrize("name", ["sinusoidal", "learned"])
def test_a_tied_generator_has_the_table_of_the_embeddings(x, name, is_normed):
    conf = make(src_embed=name, generator="tied", n_tgt_vocab=N_SRC, is_embed_norm=is_normed)
    table = conf.src_embed.token_embed.weight
    assert conf.generator.projection.weight is table
    torch.testing.assert_close(conf.generator(x), x @ table.T + conf.generator.projection.bias)


def test_a_tied_generator_needs_one_table():
    with pytest.raises(ConfigError, match="n_src_vocab is 13 and n_tgt_vocab is 17, and a tied"):
        _ = make(generator="tied").generator
    with pytest.raises(ConfigError, match="src_embed is a Identity without a table to share; set"):
        _ = make(generator="tied", src_embed=nn.Identity()).generator


def test_dropouts_are_separate():
    def probabilities(**overrides):
        conf = make(**overrides)
        layer = conf.encoder.layers[0]
        parts = (layer, layer.self_attn, layer.feed_forward, conf.src_embed)
        return [round(part.dropout.dropout_prob, 6) for part in parts]

    # The embeddings of older runs had none.
    assert probabilities() == [0.3, 0.3, 0.3, 0.0]
    assert probabilities(attn_dropout_prob=0.0) == [0.3, 0.0, 0.3, 0.0]
    assert probabilities(embed_dropout_prob=0.5, ffn__dropout_prob=0.25) == [0.3, 0.3, 0.25, 0.5]
    assert probabilities(dropout_prob=0.0, attn_dropout_prob=0.5) == [0.0, 0.5, 0.0, 0.0]


def test_the_same_seed_draws_the_weights_that_are_drawn_by_hand(x):
    torch.manual_seed(1)
    ours = make().encoder.eval()
    torch.manual_seed(1)
    theirs = encoder().eval()
    assert torch.equal(ours(x), theirs(x))


def test_every_layer_draws_its_own_weights():
    layers = make().encoder.layers
    for ours, theirs in zip(layers[0].parameters(), layers[1].parameters(), strict=True):
        # Biases and normalizations start alike.
        assert ours.dim() == 1 or not torch.equal(ours, theirs)


@pytest.mark.parametrize("overrides", [{}, {"ffn__dropout_prob": 0.0}])
def test_the_feed_forward_network_follows_unless_it_is_told_otherwise(overrides):
    conf = make(dropout_prob=0.5, **overrides)
    assert conf._nested("ffn").d_model == D_MODEL
    assert conf._nested("ffn").dropout_prob == overrides.get("ffn__dropout_prob", 0.5)
    conf.check()


def test_a_part_is_computed_when_it_is_read():
    conf = make()
    _ = conf.encoder
    assert not {"src_embed", "generator", "n_src_vocab"} & set(conf._Configs__cached)


def test_sizes_that_are_not_known_are_asked_for():
    conf = TransformerConfigs()
    with pytest.raises(ConfigError, match="n_tgt_vocab has no value; set n_tgt_vocab="):
        _ = conf.generator


@pytest.mark.parametrize("d_model, n_heads", [(14, 4), (7, 8), (1, 2)])
def test_heads_that_do_not_divide_the_features_are_refused(d_model, n_heads):
    conf = make(d_model=d_model, n_heads=n_heads)
    with pytest.raises(
        ConfigError, match=f"n_heads is {n_heads}, which does not divide d_model, {d_model}"
    ):
        conf.check()


def test_a_feed_forward_network_of_other_features_is_refused():
    with pytest.raises(ConfigError, match=r"ffn\.d_model is 3 and d_model is 14"):
        make(ffn__d_model=3).check()
    make(ffn__d_model=D_MODEL).check()


@pytest.mark.parametrize("name", ["sinusoidal", "learned", "rotary", "alibi"])
def test_positions_are_added_to_tokens_or_told_to_attention(name):
    conf = make(positions=name)
    conf.check()
    added = {"sinusoidal": SinusoidalPositionalEncoding, "learned": LearnedPositionalEncoding}
    told = {"rotary": RotaryPositions, "alibi": AlibiPositions}
    assert type(conf.src_embed.positional_encoding) is added.get(name, type(None))
    found = [layer.self_attn.positions for layer in conf.encoder.layers]
    assert all(type(part) is told.get(name, type(None)) for part in found)
    # Layers share what they have computed.
    assert len({id(part) for part in found}) == 1
    # Those of attention have no longest text.
    if name in told:
        ids = torch.zeros(MAX_LEN + 1, BATCH_SIZE, dtype=torch.long)
        assert conf.encoder(conf.src_embed(ids)).isfinite().all()


@pytest.mark.parametrize("name", ["sinusoidal", "learned"])
@pytest.mark.parametrize("others", [{}, {"positions": "itself"}])
def test_the_name_of_the_embeddings_names_the_positions_as_well(name, others):
    conf = make(src_embed=name, **{key: name for key in others})
    conf.check()
    assert conf.positions == name
    assigned = make()
    assigned.src_embed = name
    assert assigned.positions == name
    assert conf.encoder.layers[0].self_attn.positions is None


@pytest.mark.parametrize(
    "positions, src_embed",
    [("rotary", "learned"), ("alibi", "sinusoidal"), ("learned", "sinusoidal")],
)
def test_two_kinds_of_positions_are_refused(positions, src_embed):
    with pytest.raises(
        ConfigError,
        match=f"^positions is {positions} and src_embed is {src_embed}; leave the second out$",
    ):
        make(positions=positions, src_embed=src_embed).check()


def test_embeddings_of_ones_own_go_with_any_positions():
    conf = make(positions="rotary", src_embed=nn.Identity())
    conf.check()
    assert isinstance(conf.encoder.layers[0].self_attn.positions, RotaryPositions)


def test_rotary_positions_need_pairs_of_features():
    with pytest.raises(ConfigError, match="d_model is 21 and n_heads is 7, an odd number"):
        make(positions="rotary", d_model=21).check()
    make(positions="alibi", d_model=21).check()


@pytest.mark.parametrize("seq_len", [MAX_LEN, MAX_LEN + 1])
@pytest.mark.parametrize("name", ["sinusoidal", "learned"])
def test_positions_end_at_max_len(name, seq_len):
    embed = make(src_embed=name).src_embed
    ids = torch.zeros(seq_len, BATCH_SIZE, dtype=torch.long)
    if seq_len <= MAX_LEN:
        assert embed(ids).isfinite().all()
    else:
        with pytest.raises(ValueError, match=f"max_len={MAX_LEN}"):
            embed(ids)


@pytest.mark.parametrize(
    "key, value, wrong",
    [
        ("encoder", "prenorm", "did you mean pre_norm"),
        ("src_embed", "rotary", "there is: as_positions, sinusoidal, learned"),
        ("positions", "rotatory", "takes one of sinusoidal, learned, rotary, alibi"),
        ("n_layers", 0, "at least 1"),
        ("n_heads", 2.5, "a whole number"),
        ("dropout_prob", 1.5, "from 0 to 1"),
        ("dropout_prob", math.nan, "from 0 to 1"),
        ("ffn__activation", "relu", "did you mean .*ReLU"),
        ("ffn__d_ff", -3, "at least 1"),
        ("ffn__dff", 3, "did you mean .*d_ff"),
        ("n_layer", 3, "did you mean n_layers"),
    ],
)
def test_mistakes_are_refused_when_they_are_set(key, value, wrong):
    with pytest.raises(ConfigError, match=wrong):
        make(**{key: value})


def test_it_nests_with_full_names():
    class Outer(StrictConfigs):
        transformer: TransformerConfigs = "inner"

    @option(Outer.transformer)
    def inner(c: Outer) -> TransformerConfigs:
        return TransformerConfigs()

    conf = Outer()
    conf._set_values({"transformer.n_heads": 3, "transformer.ffn.is_gated": True})
    assert conf.transformer._nested("ffn").is_gated is True
    with pytest.raises(ConfigError, match=r"transformer\.n_heads is 3, .*transformer\.d_model"):
        conf.transformer.check()


def test_an_encoder_of_ones_own_is_an_option():
    class Mine(TransformerConfigs):
        encoder: nn.Module = "nothing"

    @option(Mine.encoder)
    def nothing(c: Mine) -> nn.Module:
        return nn.Identity()

    assert isinstance(Mine().encoder, nn.Identity)
    assert "nothing" not in TransformerConfigs()._choices("encoder")


@pytest.mark.parametrize("positions", ["rotary", "alibi"])
def test_attention_of_ones_own_has_to_know_of_positions_that_are_its_part(positions):
    class Mine(TransformerConfigs):
        self_attn = "plain"

    @option(Mine.self_attn)
    def plain(c: Mine):
        return nn.Identity

    conf = Mine()
    conf._set_values({"positions": positions, "d_model": D_MODEL, "n_heads": 7})
    with pytest.raises(ConfigError, match=f"positions is {positions}, which .*self_attn is plain"):
        conf.check()
    Mine._with_positions = ("plain",)
    conf.check()
    plainly = Mine()
    plainly._set_values({"positions": "learned", "d_model": D_MODEL, "n_heads": 7})
    plainly.check()
