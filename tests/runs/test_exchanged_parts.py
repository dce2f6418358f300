import pytest
import torch
from labml.configs import option
from torch import nn

from experiments import mlm
from labnn.configs.command_line import parse
from labnn.configs.transformer import TransformerConfigs
from labnn.configs.types import ConfigError
from labnn.runs.launch import prepared
from labnn.runs.options import config_text


class Configs(mlm.Configs):
    pass


class OwnFFN(nn.Module):
    def forward(self, x):
        return x


@option(Configs.optimizer)
def plain_sgd(c: Configs):
    return torch.optim.SGD(c.model.parameters(), lr=0.5)


class OwnTransformer(TransformerConfigs):
    pass


@option(OwnTransformer.ffn)
def own_ffn(c: OwnTransformer):
    return OwnFFN


@option(Configs.transformer)
def own_transformer(c: Configs) -> OwnTransformer:
    conf = OwnTransformer()
    conf.set_default(OwnTransformer.d_model, func=lambda: c.d_model)
    return conf


def values(cls, *layers):
    conf, found = prepared(cls, mlm.OVERRIDES, *layers)
    conf._set_values(found)
    return conf, found


def test_what_the_experiment_set_for_a_part_goes_with_it():
    conf, found = values(Configs, {"optimizer": "plain_sgd"})
    assert found["optimizer"] == "plain_sgd"
    assert not [name for name in found if name.startswith("optimizer.")]
    assert found["transformer.n_layers"] == 6


def test_the_rate_of_noam_is_not_that_of_another_optimizer():
    assert values(mlm.Configs, {})[0]._nested("optimizer").learning_rate == 1.0
    assert values(mlm.Configs, {"optimizer": "AdamW"})[0]._nested("optimizer").learning_rate == 1e-3
    same = values(mlm.Configs, {"optimizer": "Noam"})[0]
    assert same._nested("optimizer").learning_rate == 1.0


def test_what_a_person_set_stays():
    both = {"optimizer.learning_rate": 0.25}, {"optimizer": "AdamW"}
    assert values(mlm.Configs, *both)[1]["optimizer.learning_rate"] == 0.25
    assert values(mlm.Configs, {**both[0], **both[1]})[1]["optimizer.learning_rate"] == 0.25


def test_a_part_deep_inside_is_exchanged():
    _, found = values(Configs, {"transformer": "own_transformer", "transformer.ffn": "own_ffn"})
    assert found["transformer.ffn"] == "own_ffn" and "transformer.ffn.d_ff" not in found


def test_an_option_of_a_config_whose_class_is_not_known_yet():
    class Unsaid(mlm.Configs):
        extra: object = "unsaid"

    @option(Unsaid.extra)
    def unsaid(c: Unsaid):
        return OwnTransformer()

    conf, found = values(Unsaid, {"extra.n_heads": 3})
    assert found["extra.n_heads"] == 3 and conf.extra.n_heads == 3


def test_naming_the_part_that_is_there_changes_nothing():
    _, found = values(mlm.Configs, {"transformer.ffn": "feed_forward"})
    assert found["transformer.ffn.d_ff"] == 256


def test_an_option_below_a_part_that_has_none_is_still_a_mistake():
    with pytest.raises(ConfigError, match="optimizer"):
        _ = values(Configs, {"optimizer": "plain_sgd", "optimizer.learning_rate": 3})[0].optimizer


def test_a_short_name_that_is_typed_comes_after_the_full_name_in_a_file(tmp_path):
    path = tmp_path / "my.yaml"
    path.write_text(config_text(mlm.Configs, mlm.OVERRIDES))
    typed = ["--config", str(path), "optimizer=AdamW", "text=file", "text.path=t.txt"]
    _, found = values(mlm.Configs, *parse(typed)[1])
    assert found["optimizer.optimizer"] == "AdamW" and found["text.corpus"] == "file"


@pytest.mark.parametrize(
    "argument, value",
    [
        ("n_tokens=71", 71),
        ("padding_token=3", 3),
        ("no_mask_tokens=[1, 2]", [1, 2]),
        ("no_mask_tokens=[]", []),
        ("n_tokens=n_tokens_mlm", "n_tokens_mlm"),
    ],
)
def test_a_number_can_be_typed_where_there_are_options_too(argument, value):
    name = argument.partition("=")[0]
    typed = values(mlm.Configs, *parse([argument])[1])[1][name]
    assert typed == value == values(mlm.Configs, {name: value})[1][name]


@pytest.mark.parametrize(
    "argument, wrong",
    [
        ("n_tokens=n_tokens", "has no option"),
        ("n_tokens=0", "at least 1, or one of the options n_tokens_mlm"),
        ("trainer=3", "has no option"),
    ],
)
def test_what_is_neither_an_option_nor_a_number_is_refused(argument, wrong):
    with pytest.raises(ConfigError, match=wrong):
        values(mlm.Configs, *parse([argument])[1])
