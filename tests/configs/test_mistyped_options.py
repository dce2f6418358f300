"""
Names and values that are wrong, for every option of the masked language model
"""

import fractions
import random
import string
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
import torch
from labml.configs import BaseConfigs
from torch import nn

from experiments.mlm import Configs
from labnn.configs.overrides import names, template
from labnn.configs.types import CommandLineText, ConfigError

SEED, WANTED_SHARE = 7, 0.95


def lines(conf, values) -> list[str]:
    """What is said about overrides that are refused, and nothing was computed or taken"""
    with pytest.raises(ConfigError) as e:
        conf._set_values(values)
    assert conf._Configs__cached == {} and conf._overrides() == {}
    return str(e.value).split("\n")


def typos(name: str, rng: random.Random):
    """One wrong name for each way to mistype"""
    at, letter = rng.randrange(len(name)), rng.choice(string.ascii_lowercase)
    swap = rng.randrange(len(name) - 1)
    yield name[:at] + name[at + 1 :]
    yield name[:at] + letter + name[at:]
    yield name[:at] + letter + name[at + 1 :]
    yield name[:swap] + name[swap + 1] + name[swap] + name[swap + 2 :]


def test_a_mistyped_name_is_answered_with_the_right_one():
    conf, rng = Configs(), random.Random(SEED)
    known, is_right = list(names(conf)), []
    for name in known:
        for typo in typos(name, rng):
            if typo not in known:
                (line,) = lines(conf, {typo: 1})
                is_right.append(line.endswith(f"did you mean {name}?"))
    assert len(known) > 70 and len(is_right) > 3 * len(known)
    assert sum(is_right) / len(is_right) >= WANTED_SHARE


def typed(conf: BaseConfigs, prefix: str = ""):
    """The options of all configs that a type says something about"""
    for key, annotation in conf._Configs__types.items():
        if annotation not in (Any, type(None)):
            yield prefix + key, annotation, conf
        if (nested := template(conf, key)) is not None:
            yield from typed(nested, f"{prefix}{key}.")


def test_a_wrong_type_is_refused_for_every_option_of_the_experiment():
    conf = Configs()
    n_tried = 0
    for name, annotation, owner in typed(conf):
        wrong = [object(), 1.5j]
        # Tensors, dictionaries and texts can be iterated over.
        if annotation is not Iterable:
            wrong += [torch.zeros(2), {"of": "no kind"}]
        # An empty text is no path either, and none of the options.
        if annotation is not str or owner._choices(name.rpartition(".")[2]):
            wrong.append("")
        for value in wrong:
            found = lines(conf, {name: value})
            assert all(line.startswith(name) for line in found), found
        n_tried += len(wrong)
    assert n_tried > 300


STRANGE = [
    True, -1, float("nan"), 10**400, 10**5000, "", "a.b", "[1", "${x}", "__aggregate__", "\ud800",
    "x" * 10**4, [], [[]], {}, {1: 2}, {"": 1}, {"a.b": {}}, (), set(), range(3), np.zeros(0),
    np.array(3), np.array("x"), torch.tensor(3), torch.zeros((), device="meta"), nn.ReLU, nn.ReLU(),
    torch.float32, len, type, iter([]), ..., NotImplemented, fractions.Fraction(1, 2), Configs,
    BaseConfigs(),
]  # fmt: skip


@pytest.mark.slow
def test_any_value_is_taken_or_refused_in_words():
    conf = Configs()
    for name in [*names(conf), "text", "transformer.ffn", "no.such.name", 5, None, ("a",)]:
        for value in [*STRANGE, *(CommandLineText(v) for v in STRANGE if isinstance(v, str))]:
            try:
                conf._set_values({name: value})
            except ConfigError as e:
                assert all(0 < len(line) < 600 for line in str(e).split("\n"))
                str(e).encode()
            else:
                conf = Configs()
