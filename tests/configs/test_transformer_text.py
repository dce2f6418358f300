import pytest
from labml.configs import option
from torch import nn

from labnn.configs.scores import score
from labnn.configs.transformer import TransformerConfigs
from labnn.configs.transformer_text import TransformerTextConfigs
from labnn.configs.types import ConfigError
from tests.configs.tiny import make

TEXT = "the cat sat on the mat and the dog sat on the log\n" * 11
SIZES = {"d_model": 14, "transformer.n_heads": 7, "seq_len": 5, "batch_size": 3, "epochs": 1}
SMALL = {"transformer.n_layers": 1, "transformer.ffn.d_ff": 11, "transformer.max_len": 13}


class Other(TransformerTextConfigs):
    """Reads each token by itself"""

    _of_transformer = ("parts",)
    n_tokens: int = "of_text"
    model: nn.Module = "parts"

    def forward_loss(self, batch):
        return score(self.model(batch[0]), batch[1], ignore=-1)


@option(Other.n_tokens)
def of_text(c: Other) -> int:
    return c.tokenizer.n_tokens


@option(Other.model)
def parts(c: Other) -> nn.Module:
    return nn.Sequential(c.transformer.src_embed, c.transformer.generator)


@option(Other.model)
def bigram(c: Other) -> nn.Module:
    return nn.Embedding(c.n_tokens, c.n_tokens)


@pytest.fixture
def path(tmp_path):
    (tmp_path / "text.txt").write_text(TEXT)
    return tmp_path / "text.txt"


def on(path, **overrides):
    overrides = {k.replace("__", "."): v for k, v in overrides.items()}
    return make(Other, {"text": "file", "text.path": path, **SIZES, **SMALL, **overrides})


def test_sizes_follow_the_experiment_and_the_text(path):
    conf = on(path)
    conf.check()
    # Nothing was read for that.
    assert "text" not in conf._Configs__cached
    assert isinstance(conf.transformer, TransformerConfigs) and conf.transformer.d_model == 14
    assert conf.transformer.n_src_vocab == conf.transformer.n_tgt_vocab == len(set(TEXT))
    conf.run()
    assert conf.meter.n_tokens


@pytest.mark.parametrize(
    "overrides, wrong",
    [
        ({"transformer__n_heads": 4}, "transformer.n_heads is 4, which does not divide"),
        ({"transformer__d_model": 28}, "transformer.d_model is 28 and d_model is 14; set d_model"),
        ({"seq_len": 17}, "seq_len is 17, above transformer.max_len, 13"),
    ],
)
def test_sizes_that_do_not_go_together_are_refused_for_such_a_model_only(path, overrides, wrong):
    with pytest.raises(ConfigError, match=wrong):
        on(path, **overrides).check()
    on(path, model="bigram", **overrides).check()
    on(path, model=nn.Identity(), **overrides).check()


@pytest.mark.parametrize("name", ["n_src_vocab", "n_tgt_vocab"])
def test_a_vocabulary_that_is_too_small_is_refused_before_the_first_update(path, name):
    conf = on(path, **{f"transformer__{name}": 5})
    conf.check()
    with pytest.raises(ConfigError, match=f"transformer.{name} is 5, and there are 14 tokens"):
        conf.prepare()


@pytest.mark.parametrize("name", ["sinusoidal", "learned", "rotary", "alibi"])
def test_only_positions_in_a_table_have_a_longest_text(path, name):
    conf = on(path, seq_len=17, transformer__positions=name)
    if name in ("rotary", "alibi"):
        conf.check()
    else:
        with pytest.raises(ConfigError, match="seq_len is 17, above transformer.max_len, 13"):
            conf.check()


@pytest.mark.parametrize(
    "overrides, expected",
    [
        ({}, "learned"),
        ({"transformer__positions": "rotary"}, "rotary"),
        ({"transformer__src_embed": "sinusoidal"}, "sinusoidal"),
    ],
)
def test_an_experiment_may_have_positions_of_its_own(path, monkeypatch, overrides, expected):
    monkeypatch.setattr(Other, "_positions", "learned")
    conf = on(path, **overrides)
    conf.check()
    assert conf.transformer.positions == expected
