r"""
# Experiments

Each experiment runs with its own options, of which a few are made small, and every name of an
option exists. A new experiment adds a line to `TINY`.
"""

import importlib
import math
import re
from pathlib import Path

import pytest
import torch

from labnn.configs.overrides import names, template
from labnn.runs.launch import prepared
from labnn.runs.options import list_options
from tests.runs.processes import ROOT, folder, only_run, records

# Two batches to learn from
TINY = {
    "mlm": {
        "text": "file",
        "text.path": "text.txt",
        "text.valid_fraction": 0.2,
        "d_model": 14,
        "transformer.n_heads": 2,
        "transformer.n_layers": 2,
        "transformer.ffn.d_ff": 11,
        "seq_len": 11,
        "batch_size": 3,
        "epochs": 1,
        "prompt": ["to be"],
    },
    "transformer_lm": {
        "text": "file",
        "text.path": "text.txt",
        "text.valid_fraction": 0.2,
        "tokenizer": "character",
        "d_model": 14,
        "transformer.n_heads": 2,
        "transformer.n_layers": 2,
        "transformer.max_len": 11,
        "transformer.ffn.d_ff": 11,
        "seq_len": 11,
        "batch_size": 3,
        "epochs": 1,
        "prompt": ["to be"],
    },
}
EXPERIMENTS = sorted(
    path.stem for path in (ROOT / "experiments").glob("*.py") if path.stem != "__init__"
)
# What is not here, or needs options of its own
DEVICES = re.compile(r"device\.device=(mps|cuda.*)")


def load(name):
    return importlib.import_module(f"experiments.{name}")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working directory with a text in it"""
    cwd = folder(tmp_path / "here")
    monkeypatch.chdir(cwd)
    return cwd


def configs(name, overrides=None):
    """The configs of a run that has not begun"""
    module = load(name)
    conf, values = prepared(module.Configs, module.OVERRIDES, TINY[name] | (overrides or {}))
    conf._set_values(values)
    return conf


def test_every_experiment_has_a_tiny_form():
    assert set(EXPERIMENTS) == set(TINY)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_two_updates_touch_every_parameter(name, here, capsys):
    conf = load(name).main(TINY[name])
    lines = records(only_run(here, name) / "metrics.jsonl")
    assert [line["update"] for line in lines] == [1, 2, 2]
    for line in lines:
        values = [value for key, value in line.items() if key.startswith("loss.")]
        assert values and all(value is not None and math.isfinite(value) for value in values)
    # The same seed gives the weights of the beginning once more.
    for (where, before), after in zip(
        configs(name).model.named_parameters(), conf.model.parameters(), strict=True
    ):
        assert after.isfinite().all() and not torch.equal(before, after), where


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_option_of_every_config_exists(name):
    def check(conf):
        for key, value in conf._Configs__defaults.items():
            options = conf._Configs__options.get(key, {})
            assert not options or not isinstance(value, str) or value in options, key
            nested = template(conf, key)
            if nested is not None:
                check(nested)

    check(load(name).Configs())
    assert {*load(name).OVERRIDES} <= {*names(load(name).Configs())}


def choices(name):
    """Everything that can be chosen by name, beside what is chosen anyway"""
    for option in list_options(configs(name)):
        if len(option.choices) > 1:
            for choice in option.choices:
                if choice != option.value and not DEVICES.match(f"{option.name}={choice}"):
                    yield name, option.name, choice


CHOICES = [each for name in EXPERIMENTS for each in choices(name) if each[1] != "text.corpus"]


@pytest.mark.parametrize("name, key, choice", CHOICES)
def test_every_choice_can_be_built(name, key, choice, here):
    conf = configs(name, {key: choice, "seq_len": 3})
    conf.check()
    conf.prepare()
    assert conf._to_json()[key]["computed"]
    # What reads the model's parts can be computed with it.
    (data, _), *_ = conf.train_loader
    logits, _ = conf.model(data)
    assert logits.shape == (3, data.shape[1], conf.n_tokens)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_page_says_how_to_run_it(name):
    text = Path(load(name).__file__).read_text("utf-8")
    assert f"python -m experiments.{name}" in text
    assert f'command("{name}", Configs, OVERRIDES)' in text and f'launch("{name}", ' in text
