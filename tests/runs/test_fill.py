import io
import json
import os
import sys

import pytest
import torch

from labnn.runs import fill as page
from labnn.runs.fill import cut, fill, in_words, predictions, probabilities
from labnn.runs.folders import RunError
from labnn.runs.load import load
from labnn.tokenizers import CharacterTokenizer, WhitespaceTokenizer, WordTokenizer
from tests.runs.processes import Terminal, run
from tests.runs.test_load import edit, put, trained

# Longer than the windows of TINY, which have 11 tokens
LONG = "to be or [MASK]ot to be, that [MASK]s the questio[MASK]"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run, with weights that say something else at each place"""
    path, conf = trained(tmp_path_factory.mktemp("fill") / "here")
    generator = torch.Generator().manual_seed(5)
    weights = {
        name: torch.randn(tensor.shape, generator=generator)
        for name, tensor in conf.model.state_dict().items()
    }
    put(path, 5, weights, best="5")
    return path


@pytest.fixture(scope="module")
def conf(made):
    return load(made)[0]


@pytest.fixture
def here(made, monkeypatch):
    monkeypatch.chdir(made.parent.parent.parent)
    return made


@pytest.fixture
def piped(monkeypatch):
    """Stdin with some bytes in it"""

    def pipe(data):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    return pipe


def by_hand(conf, text, place, start, end):
    """The probabilities at a place, from one window and the definition of the softmax"""
    ids = [
        conf.mask_token if piece == "?" else conf.tokenizer.ids[piece]
        for piece in text.replace("[MASK]", "?")
    ]
    assert ids[place] == conf.mask_token and end - start == min(conf.seq_len, len(ids))
    with torch.no_grad():
        logits, _ = conf.model(torch.tensor(ids[start:end]).unsqueeze(-1))
    powers = logits[place - start, 0].double().exp()
    return powers / powers.sum()


def test_probabilities_are_the_full_softmax(conf):
    text = "to be [MASK]"
    (answer,) = predictions(conf, [text], conf.tokenizer.n_tokens)
    (mask,) = answer["masks"]
    expected = by_hand(conf, text, 6, 0, 7)
    assert mask["position"] == 6 and len(mask["predictions"]) == conf.tokenizer.n_tokens
    for share in mask["predictions"]:
        token = conf.tokenizer.ids[share["token"]]
        assert share["probability"] == pytest.approx(float(expected[token]), rel=1e-5)
    found = [share["probability"] for share in mask["predictions"]]
    assert found == sorted(found, reverse=True)
    # What padding and the mask have is not shared out.
    special = float(expected[[conf.padding_token, conf.mask_token]].sum())
    assert special > 1e-9 and sum(found) == pytest.approx(1 - special, rel=1e-5)


def test_each_mask_has_as_much_around_it_as_fits(conf):
    answer = predictions(conf, [LONG])[0]
    n = len(LONG.replace("[MASK]", "?"))
    # In the middle, and moved inside at the end; the first one is at place 9, windows have 11.
    for mask, start in zip(answer["masks"], (4, 20, n - 11), strict=True):
        expected = by_hand(conf, LONG, mask["position"], start, start + 11)
        for share in mask["predictions"]:
            token = conf.tokenizer.ids[share["token"]]
            assert share["probability"] == pytest.approx(float(expected[token]), rel=1e-5)
    assert [mask["position"] for mask in answer["masks"]] == [9, 25, n - 1]
    # At the very beginning the window has all its length as well.
    (first,) = predictions(conf, ["[MASK]o be or not to be, that"])[0]["masks"]
    expected = by_hand(conf, "[MASK]o be or not to be, that", 0, 0, 11)
    token = conf.tokenizer.ids[first["predictions"][0]["token"]]
    assert first["predictions"][0]["probability"] == pytest.approx(float(expected[token]), rel=1e-5)


def test_many_masks_in_one_batch_are_each_as_alone(conf):
    ids = torch.tensor([conf.tokenizer.ids[c] for c in "to be or not to be, that is the question"])
    places = [0, 1, 6, 20, 21, 35, len(ids) - 1]
    ids[places] = conf.mask_token
    together = probabilities(conf, ids, places)
    for number, place in enumerate(places):
        assert torch.allclose(together[number], probabilities(conf, ids, [place])[0], rtol=1e-5)
    # More windows than the batch of two that the run has had
    assert len({max(0, min(place - 5, len(ids) - 11)) for place in places}) > conf.batch_size


def test_the_filled_text_has_the_best_predictions(conf):
    answers = predictions(conf, ["to [MASK]e [MASK]", LONG], 3)
    for answer, text in zip(answers, ("to [MASK]e [MASK]", LONG), strict=True):
        for mask in answer["masks"]:
            assert len(mask["predictions"]) == 3
            text = text.replace("[MASK]", mask["predictions"][0]["token"], 1)
        assert answer["text"] == text


def test_special_tokens_are_never_predicted(conf, monkeypatch):
    def sure_of(token):
        """A model that says one token alone"""
        logits = torch.zeros(conf.n_tokens)
        logits[token] = 9.0
        return lambda x: (logits.expand(*x.shape, -1), None)

    for token in (conf.padding_token, conf.mask_token):
        sure = Other(conf, model=sure_of(token))
        (mask,) = predictions(sure, ["[MASK]"], conf.tokenizer.n_tokens)[0]["masks"]
        shares = [share["probability"] for share in mask["predictions"]]
        assert shares == [pytest.approx(1 / (conf.n_tokens - 1 + torch.e**9), rel=1e-4)] * 19
        # Those that are equally probable stay in their order.
        assert [s["token"] for s in mask["predictions"]] == [*conf.tokenizer.tokens]


class Other:
    """Configs of which some values are others"""

    def __init__(self, conf, **others):
        self.__dict__.update(others, others=conf)

    def __getattr__(self, name):
        return getattr(self.others, name)


def test_a_model_that_has_diverged_says_so(conf):
    lost = Other(conf, model=lambda x: (torch.full((*x.shape, conf.n_tokens), torch.nan), None))
    with pytest.raises(RunError, match="predicts no numbers"):
        predictions(lost, ["[MASK]"])


def test_unknown_pieces_are_named_and_read_as_a_mask(conf, capsys):
    (answer,) = predictions(conf, ["to é[MASK] ñé"])
    err = capsys.readouterr().err
    assert err == "warning: not in the vocabulary: 'é', 'ñ'; the model reads [MASK] there\n"
    # They keep their place and are no mask.
    assert answer["text"].startswith("to é") and answer["text"].endswith(" ñé")
    assert [mask["position"] for mask in answer["masks"]] == [4]
    expected = by_hand(conf, "to ?? ??", 4, 0, 8)
    best = answer["masks"][0]["predictions"][0]
    assert best["probability"] == pytest.approx(float(expected.max()), rel=1e-5)
    assert best["token"] == conf.tokenizer.tokens[expected[:-2].argmax()]


def test_long_lists_of_unknown_pieces_are_cut_off(capsys):
    page.tell_unknown([chr(0x400 + number) for number in range(30)] * 2, "[MASK]")
    err = capsys.readouterr().err
    assert err.count("'") == 40 and "…;" in err


def test_a_text_is_cut_into_tokens():
    tokenizer = CharacterTokenizer("ab ")
    found = cut("[MASK]b [MASK][MASK]aé", tokenizer, 4)
    assert found.pieces == ["[MASK]", "b", " ", "[MASK]", "[MASK]", "a", "é"]
    assert found.ids.tolist() == [4, 1, 2, 4, 4, 0, 4]
    assert (found.positions, found.unknown) == ([0, 3, 4], ["é"])


def test_a_hidden_word_has_the_space_before_it():
    tokenizer = WordTokenizer.from_text("to be or not to be, that is")
    mask = tokenizer.n_tokens + 1
    found = cut("to be [MASK] not [MASK] [MASK] wing", tokenizer, mask)
    assert found.pieces == ["to", " be", "[MASK]", " not", "[MASK]", "[MASK]", " wing"]
    assert found.positions == [2, 4, 5] and found.unknown == [" wing"]
    # It has an id for words that it does not know.
    assert found.ids[-1] == tokenizer.unknown_token
    assert cut("to be[MASK]not", tokenizer, mask).pieces == ["to", " be", "[MASK]", "not"]


def test_a_line_end_before_a_hidden_word_stays():
    text, mask = "to be\n[MASK] or \n [MASK]\t[MASK] be\n", 97
    tokenizer = WhitespaceTokenizer.from_text("to be or\n")
    pieces = [" to", " be", "\n", "[MASK]", " or", "\n", "[MASK]", "[MASK]", " be", "\n"]
    found = cut(text, tokenizer, mask)
    assert found.pieces == pieces and found.positions == [3, 6, 7]
    assert found.ids.tolist() == [mask if p == "[MASK]" else tokenizer.ids[p] for p in pieces]
    # This one has white space among its tokens, of which the last space is the word's.
    tokenizer = WordTokenizer.from_text("to be or\n \t")
    found = cut(text, tokenizer, mask)
    assert "".join(found.pieces) == text.replace(" [MASK]", "[MASK]")


def test_words_are_filled_in(tmp_path):
    path, _ = trained(tmp_path / "here", {"tokenizer": "word", "seq_len": 3})
    conf, _ = load(path)
    (answer,) = predictions(conf, ["to be [MASK] not"], conf.tokenizer.n_tokens - 1)
    best = answer["masks"][0]["predictions"][0]["token"]
    assert answer["text"] == f"to be{best} not"
    assert "[UNK]" not in [share["token"] for share in answer["masks"][0]["predictions"]]


def test_white_space_shows_and_nothing_talks_to_the_terminal():
    shares = [("\n", 0.5), (" be", 0.25), ("\x1b", 0.0625)]
    predicted = [{"token": token, "probability": share} for token, share in shares]
    answer = {"text": "to\n be", "masks": [{"position": 2, "predictions": predicted}]}
    assert in_words(answer) == ("to⏎ be\n\ntoken 2\n  ⏎    50.00 %\n  ␣be  25.00 %\n  ␛     6.25 %")


@pytest.mark.slow
def test_the_command(here):
    cwd = here.parent.parent.parent
    code, out, err = run("labnn.cli", "fill", here.name, LONG, "top_k=2", cwd=cwd)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    places = [line for line in lines if line.startswith("token")]
    assert places == ["token 9", "token 25", "token 39"]
    assert sum(line.endswith(" %") for line in lines) == 6
    code, out, err = run("labnn.cli", "fill", here.name, LONG, "top_k=2", "--json", cwd=cwd)
    data = json.loads(out)
    assert (code, err, out.count("\n")) == (0, "", 1)
    assert {*data} == {"text", "masks"} and data["text"] == lines[0]
    assert data == predictions(load(here)[0], [LONG], 2)[0]
    # An older checkpoint says something else.
    code, out, err = run("labnn.cli", "fill", here.name, LONG, "checkpoint=3", "--json", cwd=cwd)
    assert (code, err) == (0, "") and json.loads(out)["masks"] != data["masks"]


def test_texts_from_stdin(here, tmp_path):
    cwd = here.parent.parent.parent
    (tmp_path / "in").write_bytes(b"to [MASK]\r\nbe [MASK]\n")
    for content, n in ((b"to [MASK]\r\nbe [MASK]\n", 2), (b"to [MASK]", 1)):
        (tmp_path / "in").write_bytes(content)
        stdin = os.open(tmp_path / "in", os.O_RDONLY)
        code, out, err = run("labnn.cli", "fill", here.name, "--json", cwd=cwd, stdin=stdin)
        os.close(stdin)
        assert (code, err) == (0, "")
        data = json.loads(out)
        answers = data["texts"] if n > 1 else [data]
        assert [answer["text"][:3] for answer in answers] == ["to ", "be "][:n]
        assert all({*answer} == {"text", "masks"} for answer in answers)


def test_nobody_waits_for_what_is_typed(here):
    terminal = Terminal("labnn.cli", "fill", here.name, cwd=here.parent.parent.parent)
    code, _, err = terminal.wait()
    assert code == 2 and "there is no text; write it behind the run" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "data, says",
    [
        (b"", "stdin is empty"),
        (b"\n", "stdin is empty"),
        (b"to [MASK]\n\nbe [MASK]", "line 2 of stdin is empty"),
        (b"to [MASK]\nbe", "line 2 of stdin has no [MASK]"),
        (b"\xff[MASK]", "byte 0 is not UTF-8"),
    ],
)
def test_what_stdin_may_not_be(here, piped, data, says):
    piped(data)
    with pytest.raises(RunError) as caught:
        fill([here.name], {})
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "words, options, says",
    [
        ([""], {}, "the text is empty"),
        ([" \n"], {}, "the text is empty"),
        (["to be"], {}, "the text has no [MASK]"),
        (["to [mask]"], {}, "the text has no [MASK]"),
        (["[MASK]"], {"top_k": "0"}, "top_k is '0'; it takes a whole number, at least 1"),
        (["[MASK]"], {"top_k": "-1"}, "top_k is '-1'"),
        (["[MASK]"], {"top_k": "abc"}, "top_k is 'abc'"),
        (["[MASK]"], {"top_k": "²"}, "top_k is '²'"),
        (["[MASK]"], {"top_k": "2.0"}, "top_k is '2.0'"),
        (["[MASK]"], {"top_k": ""}, "top_k is ''"),
        (["[MASK]"], {"top_k": "20"}, "top_k is 20, and the vocabulary has 19 tokens of text"),
        (["[MASK]"], {"checkpoint": "9"}, "no checkpoint '9'"),
    ],
)
def test_a_mistake_is_one_line(here, words, options, says):
    typed = [f"{name}={value}" for name, value in options.items()]
    cwd = here.parent.parent.parent
    code, out, err = run("labnn.cli", "fill", here.name, *words, *typed, cwd=cwd)
    assert (code, out) == (2, "")
    assert err.startswith("error: ") and says in err and err.count("\n") == 1


def test_a_model_without_masks_is_refused(here, tmp_path):
    path, conf = trained(tmp_path / "here")
    code = (
        "from labml.configs import option\n"
        "from torch import nn\n"
        "from labnn.configs.text import TextTrainingConfigs\n\n\n"
        "class Configs(TextTrainingConfigs):\n"
        "    model: nn.Module = 'linear'\n\n\n"
        "@option(Configs.model)\n"
        "def linear():\n"
        "    return nn.Linear(2, 3)\n"
    )
    cwd = path.parent.parent.parent
    (cwd / "reading_on.py").write_text(code)
    edit(path, entry="reading_on:Configs", overrides={"seq_len": 11})
    put(path, 4, torch.nn.Linear(2, 3).state_dict(), best="4")
    code, out, err = run("labnn.cli", "fill", path.name, "[MASK]", cwd=cwd)
    assert (code, out) == (2, "") and err.count("\n") == 1
    assert "Configs is no masked language model, it has no mask_token" in err


def test_bytes_that_are_no_characters_are_no_trouble(conf, capsys):
    (answer,) = predictions(conf, ["to \udcff[MASK]"])
    assert answer["text"].startswith("to \ufffd")
    assert "'\ufffd'" in capsys.readouterr().err
