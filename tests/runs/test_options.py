import importlib
import re
import textwrap

import pytest
import yaml
from labml.configs import option

from experiments import mlm
from labnn.configs.base import StrictConfigs
from labnn.configs.overrides import names, resolve
from labnn.configs.schedule import OWN
from labnn.configs.types import ConfigError, PositiveInt
from labnn.runs.options import (
    UNUSED,
    comments,
    config_of,
    config_text,
    first_line,
    help_text,
    list_options,
    shown,
    unlinked,
)
from tests.runs.processes import TINY, folder, run


class Inner(StrictConfigs):
    # How wide it is;
    # the default is [narrow](narrow.html)
    width: PositiveInt = 5
    # What stands for it
    thing: str = "made"

    def __init__(self):
        super().__init__(_primary="thing")


@option(Inner.thing)
def made():
    """Made of [nothing](nothing.html)

    and more that is not shown"""
    return "made"


class Outer(StrictConfigs):
    # A number
    number: float = 1e-8

    # The inner one
    inner: str = Inner()
    nothing_said: bool = False
    # A text that is too long to be shown in one line, so that something has to be left out of it
    text: str = "x" * 70
    # Found out late
    late: int = 0

    def __init__(self):
        super().__init__()
        self.set_default(Outer.late, func=lambda: 1 // 0)


class Derived(Outer):
    # Another number
    extra: int = 7
    number: float = 2.5


@pytest.fixture(scope="module")
def text():
    """What `--help` prints with the options of the experiment"""
    return help_text("python -m experiments.mlm", mlm.Configs, mlm.OVERRIDES, {})


def entries(text):
    """Each option in the help, with its value and the lines below"""
    found = re.findall(r"^  ([\w.]+)=(.*)\n((?: {6,}.*(?:\n|$))*)", text, flags=re.MULTILINE)
    return {name: (value, below) for name, value, below in found}


def test_the_help_lists_every_option(text):
    conf = mlm.Configs()
    every = {name for name in names(conf) if name.split(".")[-1] not in UNUSED}
    # A nested config stands there as its parts.
    parts = {name for name in every if not any(other.startswith(f"{name}.") for other in every)}
    listed = entries(text)
    assert listed.keys() == parts and len(parts) > 50
    # The first are those of the experiment itself.
    assert list(listed)[:3] == ["epochs", "d_model", "model"]


def test_every_option_has_a_type_a_default_and_a_text(text):
    assert "undocumented" not in text
    for name, (_, below) in entries(text).items():
        said = " ".join(below.split())
        assert re.match(r"[A-Z].{8,}\(.+\)", said), name
    values = {name: value for name, (value, _) in entries(text).items()}
    expected = {
        "batch_size": "64",
        "d_model": "128",
        "transformer.n_layers": "6",
        "transformer.ffn.d_ff": "256",
        "optimizer.optimizer": "Noam",
        "optimizer.learning_rate": "1.0",
        "optimizer.eps": "1e-08",
        "text.path": "",
        "masking_prob": "0.15",
        "transformer.n_src_vocab": "found out by the run",
    }
    assert {name: values[name] for name in expected} == expected
    assert values["prompt"].endswith("...")


def test_choices_are_listed_with_what_they_are(text):
    below = entries(text)["optimizer.optimizer"][1]
    choices = re.findall(r"^ {8}(\w+): (.+)$", below, flags=re.MULTILINE)
    assert [name for name, _ in choices] == ["Adam", "AdamW", "Noam", "NovoGrad", "SGD"]
    assert all(said[0].isupper() or said.startswith("torch") for _, said in choices)
    assert "character: A token for every character" in entries(text)["tokenizer"][1]


def test_the_help_fits_a_terminal_and_has_no_markup(text):
    assert all(len(line) <= 100 for line in text.splitlines())
    assert "](" not in text and "$" not in text
    assert text.startswith("usage: python -m experiments.mlm [name=value ...]")
    flags = ("--config FILE", "--print-config", "--dry-run", "--help")
    assert all(flag in text.partition("\n\n")[0] for flag in flags)
    # The first paragraph of the experiment's page
    assert "learns to fill it in" in text.split("\n\n")[1]


def test_the_help_shows_what_a_run_with_these_options_would_use(tmp_path):
    cwd = folder(tmp_path / "here")
    arguments = ["--help", "optimizer=AdamW", "transformer.ffn.d_ff=7"]
    code, out, err = run("experiments.mlm", *arguments, cwd=cwd)
    assert (code, err) == (0, "")
    values = {name: value for name, (value, _) in entries(out).items()}
    assert (values["optimizer.optimizer"], values["transformer.ffn.d_ff"]) == ("AdamW", "7")
    assert out.endswith("\n") and [path.name for path in cwd.iterdir()] == ["text.txt"]


def test_options_of_a_config_in_order():
    listed = {option.name: option for option in list_options(Derived())}
    order = ["extra", "number", "inner.width", "inner.thing", "nothing_said", "text", "late"]
    assert [*listed] == order
    assert listed["extra"].text == "Another number"
    # A field that is declared once more without a text keeps the one that it had.
    assert (listed["number"].text, listed["number"].value) == ("A number", 2.5)
    assert listed["inner.width"].text == "How wide it is; the default is narrow"
    assert listed["inner.width"].takes == "a whole number at least 1"
    assert listed["inner.thing"].choices == {"made": "Made of nothing"}
    assert (listed["late"].is_computed, listed["late"].value) == (True, None)
    assert not any(option.is_overridden for option in listed.values())
    assert listed["nothing_said"].text == ""


def test_an_override_shows():
    conf = config_of(Derived, {"number": 3}, {"inner.width": 11, "late": 5})
    listed = {option.name: option for option in list_options(conf)}
    assert (listed["number"].value, listed["inner.width"].value) == (3.0, 11)
    assert (listed["late"].value, listed["late"].is_computed) == (5, False)
    assert {name for name in listed if listed[name].is_overridden} == {
        "number",
        "inner.width",
        "late",
    }
    with pytest.raises(ConfigError, match="did you mean number?"):
        config_of(Derived, {}, {"numbr": 3})


def test_long_values_are_cut_and_texts_wrapped():
    assert shown("x" * 61) == "x" * 57 + "..."
    assert (shown("x" * 60), shown(None), shown([1, "a"])) == ("x" * 60, "", "[1, 'a']")
    text = help_text("program", Derived, {}, {})
    assert f"  text={'x' * 57}...\n" in text
    assert "late=found out by the run" in text and "nothing_said=False" in text
    assert "      undocumented (true or false)" in text
    said = textwrap.dedent(entries(text)["text"][1])
    assert said.splitlines()[0].startswith("A text that is too long") and said.count("\n") == 2


def test_printed_options_are_yaml_that_gives_them_back():
    printed = config_text(Derived, {}, {"inner.width": 3})
    values = yaml.safe_load(printed)
    assert values == {
        "extra": 7,
        "number": 2.5,
        "inner.width": 3,
        "inner.thing": "made",
        "nothing_said": False,
        "text": "x" * 70,
    }
    assert config_text(Derived, {}, values) == printed


def test_printed_options_of_the_experiment_are_complete_and_good():
    overrides = TINY | {"text.path": None, "text": "shakespeare", "n_tokens": 67}
    values = yaml.safe_load(config_text(mlm.Configs, mlm.OVERRIDES, overrides))
    listed = list_options(config_of(mlm.Configs, mlm.OVERRIDES, overrides))
    # What the run finds out follows the text; what has no value needs none.
    left_out = {o.name for o in listed} - values.keys()
    assert left_out == {
        "transformer.d_model",
        "transformer.n_src_vocab",
        "transformer.n_tgt_vocab",
        "transformer.ffn.d_model",
        "transformer.ffn.dropout_prob",
        "optimizer.parameters",
        "optimizer.d_model",
        "optimizer.total_updates",
        # The schedule, and what only a schedule has
        "optimizer.schedule",
        *(f"optimizer.{name}" for name in OWN if name != "warmup"),
        "max_size",
        "text.train",
        "text.valid",
    }
    # An override with the value "nothing" is printed.
    assert values["text.path"] is None and values["n_tokens"] == 67
    assert {"optimizer", "transformer", "text"} & values.keys() == set()
    assert resolve(mlm.Configs(), values).keys() == values.keys()


def test_links_and_details_are_left_out():
    assert unlinked("[a](b.html), [c d](e#f) and [g]") == "a, c d and [g]"
    assert first_line(made) == "Made of nothing"
    assert first_line(lambda: 0) == first_line(int) == ""


def test_code_without_a_source_has_no_comments():
    namespace = {"__name__": "nowhere"}
    exec("class Typed:\n    # A number\n    a: int = 5", namespace)
    assert comments(namespace["Typed"]) == {}


def test_the_page_of_an_experiment_need_not_say_anything():
    module = importlib.import_module(Derived.__module__)
    assert module.__doc__ is None
    assert help_text("program", Derived, {}, {}).startswith("usage: program ")
