import math
import re

import pytest
import torch
from labml.configs import option
from torch import nn
from torch.nn import functional as F

from labnn.configs.language_model import IGNORED, CausalTextConfigs, LanguageMeter
from labnn.configs.loop import Listener
from labnn.configs.scores import Meter, Scores
from labnn.configs.types import ConfigError
from labnn.data.scored_windows import ScoredWindows
from labnn.data.windows import Windows
from labnn.runs.best import untracked
from tests.configs.tiny import Lines, begin, make

TRAIN = "the cat sat on the mat\nthe dog sat on the log\n" * 17
VALID = "the cat sat on the sofa\nthe dog sat\n" * 3
SEQ_LEN, BATCH_SIZE = 5, 3


class Next(CausalTextConfigs):
    """Predicts the next token from this one."""

    model: nn.Module = "bigram"

    def forward_loss(self, batch):
        data, target = batch
        target, positions = self.asked(target)
        logits = self.model(data)
        return self.score(logits if positions is None else logits.flatten(0, 1)[positions], target)


@option(Next.model)
def bigram(c: Next) -> nn.Module:
    return nn.Embedding(c.n_tokens, c.n_tokens)


@pytest.fixture
def files(tmp_path):
    (tmp_path / "train").write_text(TRAIN)
    (tmp_path / "valid").write_text(VALID)
    return {
        "text": "file",
        "text.train": tmp_path / "train",
        "text.valid": tmp_path / "valid",
        "tokenizer": "whitespace",
        "seq_len": SEQ_LEN,
        "batch_size": BATCH_SIZE,
        "epochs": 1,
    }


def on(files, **overrides):
    return make(Next, files | {k.replace("__", "."): v for k, v in overrides.items()})


def some(*losses):
    """Scores of one batch each"""
    return [Scores(torch.tensor(loss), n // 2, n) for loss, n in losses]


def test_perplexity_by_hand():
    # Two tokens with log 8 and three with log 4 each: exp((2 log 8 + 3 log 4) / 5) = 2^(12 / 5),
    # which is 12 bits over five tokens, and 2^4 for each of three words.
    meter = LanguageMeter(n_words=3, has_bits=True)
    for scores in some((2 * math.log(8), 2), (3 * math.log(4), 3)):
        meter.add(scores)
    found = meter.means()
    assert found["perplexity"] == pytest.approx(2**2.4)
    assert found["perplexity_per_word"] == pytest.approx(16)
    assert found["bits"] == pytest.approx(2.4) and found["accuracy"] == 0.4
    assert [*found] == meter.names()


def test_the_perplexity_is_that_of_the_loss_beside_it():
    meter = LanguageMeter()
    for scores in some((7.0, 3), (0.5, 11)):
        meter.add(scores)
    found = meter.means()
    assert found["perplexity"] == math.exp(found["loss"])
    assert [*found] == meter.names() == ["loss", "accuracy", "perplexity"]


def test_nothing_scored_has_no_perplexity_and_a_huge_loss_an_infinite_one():
    meter = LanguageMeter(n_words=3, has_bits=True)
    assert meter.means() == {}
    meter.add(*some((9999.0, 2)))
    assert meter.means()["perplexity"] == math.inf


def test_a_meter_goes_on_elsewhere_and_tells_what_it_is_asked():
    first, second = LanguageMeter(n_words=3), LanguageMeter(has_bits=True)
    first.add(*some((2.0, 3)))
    second.load_state_dict(first.state_dict())
    assert second.names() == ["loss", "accuracy", "perplexity", "bits"]
    assert second.means()["loss"] == first.means()["loss"]
    # The state is that of any meter.
    assert first.state_dict().keys() == Meter().state_dict().keys()


def test_the_vocabulary_is_that_of_the_training_part_rounded_up(files):
    for tokenizer, word in (("whitespace", " sofa"), ("word", " sofa")):
        conf = on(files, tokenizer=tokenizer)
        assert word not in conf.tokenizer.ids and " mat" in conf.tokenizer.ids
        assert conf.n_tokens % 8 == 0 <= conf.n_tokens - conf.tokenizer.n_tokens < 8
    # Characters have no unknown token, so there all are known.
    assert "f" in on(files, tokenizer="character").tokenizer.ids


def test_loaders(files):
    conf = on(files, seed=3)
    train, valid = conf.train_loader, conf.valid_loader
    assert type(train) is Windows and train.is_shuffled and train.seed == 3
    assert type(valid) is ScoredWindows and valid.predict_last_k == SEQ_LEN
    # The first word follows a line end.
    data, target = next(iter(valid))
    assert data[0, 0] == conf.tokenizer.end_of_line_token and target[0, 0] == data[1, 0]
    assert on(files, predict_last_k=2).valid_loader.predict_last_k == 2
    # Without a token for the line end nothing comes before the first one.
    (files["text.train"]).write_text("to be or not " * 9)
    (files["text.valid"]).write_text("to be or not " * 3)
    conf = on(files, tokenizer="character")
    assert len(conf.valid_loader.ids) == len(conf.text.valid)


@pytest.mark.parametrize("last", [0, 1, 2, 5])
@pytest.mark.parametrize("tokenizer", ["whitespace", "character", "subword"])
def test_each_token_is_scored_once(files, tokenizer, last):
    conf = begin(on(files, tokenizer=tokenizer, predict_last_k=last), "valid")
    ids = conf.tokenizer.encode(VALID)
    scored = []
    for _, target in conf.valid_loader:
        wanted, positions = conf.asked(target)
        assert torch.equal(target.flatten()[positions], wanted)
        # What fills the list up comes last, and is scored by nobody.
        n_scored = int((target != IGNORED).sum())
        assert (wanted[:n_scored] != IGNORED).all() and (wanted[n_scored:] == IGNORED).all()
        assert (positions[:n_scored].diff() > 0).all()
        scored += target.T[target.T != IGNORED].tolist()
    assert scored == ids.tolist()


def test_the_loss_of_a_validation_is_plain_and_that_of_training_smoothed(files):
    conf = begin(on(files, label_smoothing=0.2))
    n_real, n_tokens = conf.tokenizer.n_tokens, conf.n_tokens
    assert n_real < n_tokens
    logits = torch.randn(7, 2, n_tokens, requires_grad=True)
    target = torch.randint(n_real, (7, 2))
    target[0, 0] = IGNORED
    plain = F.cross_entropy(
        logits.flatten(0, 1), target.flatten(), ignore_index=IGNORED, reduction="sum"
    )
    # The mean over the tokens that exist, at positions that are scored
    log_p = logits.log_softmax(-1)[target != IGNORED]
    smoothed = 0.8 * plain - 0.2 * log_p[:, :n_real].mean(-1).sum()
    with conf.mode.update(is_train=True):
        found = conf.score(logits, target)
    torch.testing.assert_close(found.loss, smoothed)
    torch.testing.assert_close(found.nll, plain.detach())
    assert not found.nll.requires_grad and int(found.n_tokens) == 13
    with conf.mode.update(is_train=False):
        found = conf.score(logits, target)
    torch.testing.assert_close(found.loss, plain)
    assert found.nll is None


@pytest.mark.parametrize("mass, at_target", [("vocabulary", 0.8 + 0.2 / 9), ("others", 0.8)])
def test_both_conventions_of_smoothing(files, mass, at_target):
    conf = begin(on(files, label_smoothing=0.2, label_smoothing_mass=mass))
    assert conf.tokenizer.n_tokens == 9
    logits = torch.zeros(1, 1, conf.n_tokens, requires_grad=True)
    with conf.mode.update(is_train=True):
        conf.score(logits, torch.tensor([[2]])).loss.backward()
    # The gradient is what the model says less what it should say.
    assert logits.grad[0, 0, 2].item() == pytest.approx(1 / conf.n_tokens - at_target)
    assert logits.grad[0, 0, -1].item() == pytest.approx(1 / conf.n_tokens)


def test_training_tells_the_plain_loss(files):
    shown = {}
    for smoothing in (0.0, 0.3):
        conf = on(files, label_smoothing=smoothing)
        lines = Lines()
        conf.run()
        shown[smoothing] = lines.column("loss.train")[0], lines.column("loss.valid")[-1]
    # The first update of both has the same weights.
    assert shown[0.0][0] == pytest.approx(shown[0.3][0], rel=1e-6)
    assert shown[0.0][1] != shown[0.3][1]


def test_what_is_tracked_is_known_before(files):
    conf = begin(on(files))
    assert conf._tracked == ("loss.valid", "accuracy.valid", "perplexity.valid")
    conf = begin(on(files, is_log_bits=True, is_log_per_word=True, checkpoint__metric="bits.valid"))
    assert conf._tracked[3:] == ("perplexity_per_word.valid", "bits.valid")
    assert untracked(conf) == ""
    lines = Lines()
    conf.run()
    assert {*conf._tracked} == {name for name in lines.lines[-1] if name.endswith(".valid")}


def test_a_word_level_tokenizer_has_one_perplexity(files):
    conf = on(files, is_log_per_word=True)
    conf.run()
    means = conf.meter.means()
    assert means["perplexity_per_word"] == means["perplexity"]
    # Other windows leave tokens out, and nobody knows of how many words.
    conf = on(files, is_log_per_word=True, valid_loader="valid_windows")
    conf.run()
    assert "perplexity_per_word" not in conf.meter.means()
    # A model of pieces is told so by itself.
    assert "perplexity_per_word" in begin(on(files, tokenizer="subword")).meter.names()
    assert len(begin(on(files, tokenizer="character")).meter.names()) == 3


def test_the_context_of_a_prompt(files):
    conf = on(files)
    ids = conf.tokenizer.encode("the cat").tolist()
    assert conf.context("the cat").tolist() == [1, *ids] and conf.context("").tolist() == [1]
    assert conf.context("zebra").tolist() == [1, conf.tokenizer.unknown_token]
    assert (
        conf.context("the cat sat on the mat").tolist()
        == conf.tokenizer.encode("cat sat on the mat").tolist()
    )
    conf = on(files, tokenizer="character")
    assert conf.context("cqa").tolist() == conf.tokenizer.encode("\nca").tolist()


def test_the_last_line_says_unit_and_count_and_what_is_unknown(files):
    conf = on(files, is_log_bits=True)
    assert conf.summary() == ""
    conf.run()
    means, text = conf.meter.means(), conf.summary()
    assert "\n" not in text
    # Nine words and two line ends, three times; one word is unknown.
    found = re.match(
        r"perplexity ([\d.]+) per token of the whitespace tokenizer, ([\d.]+) bits per token, "
        r"over 33 tokens of the validation part; 3 of the 27 words are unknown, 11.1%; accuracy on",
        text,
    )
    assert float(found[1]) == pytest.approx(means["perplexity"], abs=0.06)
    assert float(found[2]) == pytest.approx(means["loss"] / math.log(2), abs=1e-3)
    assert " tokens are unknown, " in self_summary(on(files, tokenizer="word"))
    assert "unknown" not in self_summary(on(files, tokenizer="character"))
    assert " per word or line end, over" in self_summary(on(files, tokenizer="subword"))


def self_summary(conf):
    conf.run()
    return conf.summary()


@pytest.mark.parametrize(
    "overrides, wrong",
    [
        ({"predict_last_k": 6}, "predict_last_k is 6, above seq_len, 5"),
        ({"label_smoothing": -0.1}, "from 0 to 1"),
        ({"label_smoothing_mass": "rest"}, "one of vocabulary, others"),
        ({"n_tokens": 8}, "n_tokens is 8, and the text has 9 tokens; leave it out"),
    ],
)
def test_mistakes_are_one_line(files, overrides, wrong):
    with pytest.raises(ConfigError, match=wrong) as caught:
        conf = on(files, **overrides)
        conf.check()
        conf.prepare()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("mark", ["<unk>", "[UNK]"])
@pytest.mark.parametrize("tokenizer", ["whitespace", "word", "character"])
def test_marks_of_unknown_words_are_told_where_they_are_taken_for_text(files, tokenizer, mark):
    files["text.train"].write_text(TRAIN + f"the {mark} sat\n")
    conf, said = on(files, tokenizer=tokenizer), []
    conf._listener = Listener()
    conf._listener.warn = said.append
    conf.prepare()
    assert len([text for text in said if mark in text]) == (tokenizer != "whitespace")
