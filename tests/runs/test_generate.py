import io
import json
import os
import sys

import pytest
import torch
from torch import nn

from experiments import transformer_lm
from labnn import cli
from labnn.configs.generating import Writer, step_of
from labnn.runs.folders import RunError
from labnn.runs.generate import OPTIONS, generate, stop_token
from labnn.runs.load import load
from labnn.tokenizers import WordTokenizer
from tests.runs.processes import TINY, folder, only_run
from tests.runs.test_load import put, trained

PROMPT = "to be or"
LM = {name: value for name, value in TINY.items() if name != "prompt"} | {
    "prompt": [PROMPT],
    "tokenizer": "character",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run whose weights have an opinion"""
    cwd = folder(tmp_path_factory.mktemp("generate") / "here")
    before = os.getcwd()
    os.chdir(cwd)
    try:
        conf = transformer_lm.main(LM)
    finally:
        os.chdir(before)
    path = only_run(cwd, "transformer_lm")
    torch.manual_seed(5)
    for parameter in conf.model.parameters():
        nn.init.normal_(parameter)
    put(path, 7, conf.model.state_dict(), best="7")
    return path


@pytest.fixture(scope="module")
def conf(made):
    return load(made)[0]


@pytest.fixture
def here(made, monkeypatch):
    monkeypatch.chdir(made.parent.parent.parent)
    return made


def answered(words, **options):
    """The object and all pieces"""
    data, pieces = generate(words, {name: str(value) for name, value in options.items()})
    text = [*pieces]
    return data, text


def test_a_text_comes_token_by_token_and_the_object_in_the_end(here, conf):
    data, pieces = generate([here.name, PROMPT], {"n_tokens": "20", "seed": "3"})
    assert data == {}
    first, *rest = pieces
    assert first == PROMPT and len(rest) == 21
    (ids,) = Writer(n_tokens=20, seed=3).texts(step_of(conf), conf.context(PROMPT))
    tokens = [conf.tokenizer.tokens[number] for number in ids]
    assert data == {"prompt": PROMPT, "text": PROMPT + "".join(tokens), "tokens": tokens}
    assert "".join(rest).replace("␊", "\n") == "".join(tokens)


def test_several_texts_and_several_prompts_are_a_list(here):
    data, pieces = answered([here.name, PROMPT], n_tokens=5, n_samples=3)
    assert [text["prompt"] for text in data["texts"]] == [PROMPT] * 3
    assert len({text["text"] for text in data["texts"]}) == 3
    assert "".join(pieces) == "\n\n".join(text["text"] for text in data["texts"])
    one, _ = answered([here.name, PROMPT], n_tokens=5)
    assert one == data["texts"][0]


def test_a_search_gives_the_best_text_first(here, conf):
    data, _ = answered([here.name, PROMPT], n_tokens=6, n_beams=3, n_samples=2)
    texts = Writer(n_tokens=6, n_beams=3, n_samples=2).texts(step_of(conf), conf.context(PROMPT))
    assert [text["tokens"] for text in data["texts"]] == [
        [conf.tokenizer.tokens[number] for number in text] for text in texts
    ]


def test_prompts_may_come_from_stdin(here, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"to be\nor not\n")))
    data, pieces = answered([here.name], n_tokens=3, temperature=0)
    assert [text["prompt"] for text in data["texts"]] == ["to be", "or not"]
    assert "".join(pieces) == "\n\n".join(text["text"] for text in data["texts"])


def test_a_text_ends_at_its_stop_token(here):
    whole, _ = answered([here.name, PROMPT], n_tokens=30)
    token = whole["tokens"][9]
    first = whole["tokens"].index(token)
    data, _ = answered([here.name, PROMPT], n_tokens=30, stop=token)
    assert data["tokens"] == whole["tokens"][: first + 1]


@pytest.mark.parametrize("tokens", [("the", " the"), (" the", "the"), (" the",), ("the",)])
def test_a_word_stops_with_the_space_before_it_where_it_has_one(tokens):
    class Words:
        """What is asked of configs"""

        tokenizer = WordTokenizer((*tokens, "[UNK]"), unknown_token=len(tokens))

    best = " the" if " the" in tokens else "the"
    assert stop_token(Words, "the") == tokens.index(best)
    with pytest.raises(RunError, match=r"stop is '\[UNK\]', which the model never writes"):
        stop_token(Words, "[UNK]")


def test_what_the_vocabulary_lacks_is_told(here, capsys):
    answered([here.name, "to bé or"], n_tokens=2)
    assert "not in the vocabulary: 'é'; the model reads nothing there" in capsys.readouterr().err


def test_no_character_talks_to_the_terminal(here):
    _, pieces = answered([here.name, "to\x1b[2J be"], n_tokens=1)
    assert pieces[0] == "to␛[2J be"


@pytest.mark.parametrize(
    "words, options, told",
    [
        (["auto", "é"], {}, "the prompt 'é' has no token; write what is to be continued"),
        (["auto", PROMPT], {"n_tokens": "many"}, "n_tokens is 'many'; it takes a whole number"),
        (["auto", PROMPT], {"top_p": "a"}, "top_p is 'a'; it takes a number"),
        (["auto", PROMPT], {"top_p": "2"}, "top_p is 2"),
        (["auto", PROMPT], {"n_tokens": "0"}, "n_tokens is 0"),
        (["auto", PROMPT], {"n_beams": "2", "top_k": "3"}, "and top_k would draw one"),
        (["auto", PROMPT], {"length_penalty": "2"}, "add n_beams=4, or leave it out"),
        (["auto", PROMPT], {"temperature": "0", "seed": "1"}, "leave out top_k, top_p, seed"),
        (["auto", PROMPT], {"stop": "qq"}, "stop is 'qq', which the model never writes"),
        (["auto", PROMPT], {"n_beams": "2", "length_penalty": "nan"}, "length_penalty is nan"),
        (["auto", PROMPT], {"n_beams": "99", "n_tokens": "2", "n_samples": "100"}, "raise n_beams"),
    ],
)
def test_mistakes_are_one_line(here, words, options, told):
    with pytest.raises(RunError) as e:
        answered(words, **options)
    assert told in str(e.value) and "\n" not in str(e.value)


def test_another_kind_of_model_is_refused(tmp_path):
    path, _ = trained(tmp_path / "mlm")
    with pytest.raises(RunError, match="no language model that writes; name a run of one"):
        answered([str(path), PROMPT])


def test_weights_that_are_no_numbers_are_one_line(made, here):
    broken = load(made)[0].model
    for parameter in broken.parameters():
        nn.init.constant_(parameter, torch.nan)
    put(made, 6, broken.state_dict(), best="7")
    with pytest.raises(RunError, match="logit of sequence 0 is nan"):
        answered([made.name, PROMPT], checkpoint="6")


def test_the_command_knows_the_same_options():
    command = cli.COMMANDS["generate"]
    assert {*command.options} == {*OPTIONS}
    assert all(f"\n  {name}" in command.more or f", {name}" in command.more for name in OPTIONS)


def test_the_command_prints_a_text_or_an_object(here, capsys):
    assert cli.main(["generate", here.name, PROMPT, "n_tokens=4", "temperature=0"]) == 0
    text = capsys.readouterr().out
    assert cli.main(["generate", here.name, PROMPT, "n_tokens=4", "temperature=0", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert text == data["text"] + "\n" and len(data["tokens"]) == 4
