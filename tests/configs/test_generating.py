import itertools

import pytest
import torch
from labml.configs import option
from torch import nn

from labnn.configs.generating import Growing, Writer, plain_step, step_of
from labnn.configs.language_model import CausalTextConfigs
from labnn.layers import LayerNorm
from labnn.models import TransformerLM
from labnn.tokenizers import CharacterTokenizer, WhitespaceTokenizer
from labnn.transformers import (
    Embeddings,
    Encoder,
    FeedForward,
    Generator,
    LearnedPositionalEncoding,
    MultiHeadAttention,
    TransformerLayer,
)
from tests.configs.tiny import make

TEXT = "the cat sat on the mat\nthe dog sat on the log\n" * 5
SEQ_LEN, D_MODEL = 7, 6


class Writing(CausalTextConfigs):
    """A language model with the weights that it began with"""

    model: nn.Module = "transformer"


@option(Writing.model)
def transformer(c: Writing) -> nn.Module:
    def make_layer() -> TransformerLayer:
        return TransformerLayer(
            D_MODEL,
            self_attn=MultiHeadAttention(D_MODEL, n_heads=2),
            feed_forward=FeedForward(D_MODEL, d_ff=11),
        )

    # A place behind the window would have no vector.
    places = LearnedPositionalEncoding(D_MODEL, max_len=SEQ_LEN)
    return TransformerLM(
        encoder=Encoder(make_layer, n_layers=2, norm=LayerNorm(D_MODEL)),
        src_embed=Embeddings(D_MODEL, n_tokens=c.n_tokens, positional_encoding=places),
        generator=Generator(D_MODEL, c.n_tokens),
    )


@option(Writing.model)
def bigram(c: Writing) -> nn.Module:
    class Bigram(nn.Module):
        """Knows no cache, and no positions"""

        def __init__(self):
            super().__init__()
            self.table = nn.Embedding(c.n_tokens, c.n_tokens)

        def forward(self, x):
            return self.table(x), None

    return Bigram()


@pytest.fixture
def files(tmp_path):
    (tmp_path / "text").write_text(TEXT)
    return {"text": "file", "text.path": tmp_path / "text", "seq_len": SEQ_LEN}


def on(files, tokenizer="character", model="transformer"):
    torch.manual_seed(3)
    conf = make(Writing, files | {"tokenizer": tokenizer, "model": model})
    for parameter in conf.model.parameters():
        nn.init.normal_(parameter, std=0.7)
    conf.model.eval()
    return conf


def prompt(conf, text="the cat"):
    return conf.context(text)


def by_hand(conf, ids, n_tokens):
    """The best token each time, from a window that is read as a whole"""
    window, found = ids.tolist()[-SEQ_LEN:], []
    for _ in range(n_tokens):
        with torch.no_grad():
            logits = conf.model(torch.tensor(window).unsqueeze(-1))[0][-1, 0]
        logits[conf.tokenizer.n_tokens :] = -torch.inf
        if conf.tokenizer.unknown_token is not None:
            logits[conf.tokenizer.unknown_token] = -torch.inf
        found.append(int(logits.argmax()))
        window.append(found[-1])
        if len(window) > SEQ_LEN:
            window = window[-(SEQ_LEN // 2) :]
    return found


@option(Writing.model)
def plain(c: Writing) -> nn.Module:
    """The transformer with a stack of layers that knows of no cache"""

    class Plain(Encoder):
        def forward(self, x, mask=None):
            return super().forward(x, mask)

    model = transformer(c)
    model.encoder.__class__ = Plain
    return model


@pytest.mark.parametrize("model", ["transformer", "bigram", "plain"])
@pytest.mark.parametrize("tokenizer", ["character", "whitespace"])
def test_the_best_tokens_are_those_of_windows_read_as_a_whole(files, tokenizer, model):
    conf = on(files, tokenizer, model)
    writer = Writer(n_tokens=19, temperature=0)
    ids = prompt(conf, "the cat sat on the")
    assert writer.texts(step_of(conf), ids) == [by_hand(conf, ids, 19)]


def test_what_is_no_text_is_never_written(files):
    conf = on(files, "whitespace")
    conf.model.generator.projection.bias.data[conf.tokenizer.unknown_token] = 1e4
    conf.model.generator.projection.bias.data[conf.tokenizer.n_tokens :] = 1e4
    assert conf.n_tokens > conf.tokenizer.n_tokens
    written = itertools.chain(*Writer(n_tokens=50, n_samples=5).texts(step_of(conf), prompt(conf)))
    text = {*range(conf.tokenizer.n_tokens)} - {conf.tokenizer.unknown_token}
    assert {*written} <= text


def test_a_seed_writes_the_same_text_again_alone_and_beside_others(files):
    conf = on(files)
    ids = prompt(conf)
    one = Writer(n_tokens=23, seed=4)
    assert one.texts(step_of(conf), ids) == one.texts(step_of(conf), ids)
    many = Writer(n_tokens=23, seed=4, n_samples=3).texts(step_of(conf), ids)
    assert many[0] == one.texts(step_of(conf), ids)[0] and len({*map(tuple, many)}) == 3
    assert Writer(n_tokens=23, seed=5).texts(step_of(conf), ids) != one.texts(step_of(conf), ids)


def test_writing_draws_nothing_from_what_training_draws_from(files):
    conf = on(files)
    before = torch.get_rng_state()
    Writer(n_tokens=5).texts(step_of(conf), prompt(conf))
    assert torch.equal(torch.get_rng_state(), before)


def test_a_text_ends_with_its_stop_token(files):
    conf = on(files)
    stop = conf.tokenizer.ids["e"]
    texts = Writer(n_tokens=300, n_samples=4).texts(step_of(conf), prompt(conf), stop)
    assert all(text.index(stop) == len(text) - 1 for text in texts)
    assert len({*map(len, texts)}) > 1


def test_a_search_finds_a_text_that_is_at_least_as_probable(files):
    conf = on(files)
    ids = prompt(conf, "th")

    def log_probability(text):
        whole = torch.tensor([*ids.tolist(), *text])
        with torch.no_grad():
            logits = conf.model(whole[:-1].unsqueeze(-1))[0][:, 0]
        logits[:, conf.tokenizer.n_tokens :] = -torch.inf
        rows = logits.log_softmax(-1)[len(ids) - 1 :]
        return float(rows.gather(-1, whole[len(ids) :].unsqueeze(-1)).sum())

    (best, second) = Writer(n_tokens=4, n_beams=50, n_samples=2).texts(step_of(conf), ids)
    (greedy,) = Writer(n_tokens=4, temperature=0).texts(step_of(conf), ids)
    assert log_probability(best) >= max(log_probability(second), log_probability(greedy))


def test_no_row_of_tokens_comes_twice_if_it_may_not(files):
    conf = on(files)
    (text,) = Writer(n_tokens=40, temperature=0, no_repeat=2).texts(
        step_of(conf), prompt(conf, "t")
    )
    whole = [*prompt(conf, "t").tolist(), *text]
    pairs = [*itertools.pairwise(whole)]
    assert len({*pairs}) == len(pairs)


def test_tokens_come_one_by_one(files):
    conf = on(files)
    writer = Writer(n_tokens=5, temperature=0)
    assert writer.is_streaming and not Writer(n_samples=2).is_streaming
    assert not Writer(n_beams=1).is_streaming
    tokens = writer.tokens(step_of(conf), prompt(conf))
    assert int(next(tokens)) == writer.texts(step_of(conf), prompt(conf))[0][0]


@pytest.mark.parametrize(
    "wrong, told",
    [
        ({"n_tokens": 0}, "n_tokens is 0"),
        ({"n_samples": 0}, "n_samples is 0"),
        ({"no_repeat": -1}, "no_repeat is -1"),
        ({"top_k": 0}, "top_k is 0"),
        ({"top_p": 1.5}, "top_p is 1.5"),
        ({"temperature": -1.0}, "temperature is -1.0"),
        ({"temperature": float("nan")}, "temperature is nan"),
        ({"n_beams": 2, "length_penalty": float("nan")}, "length_penalty is nan"),
        ({"n_beams": 2, "n_samples": 3}, "2 beams find 2 texts: raise n_beams"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(wrong, told):
    with pytest.raises(ValueError, match=told):
        Writer(**wrong)


def test_a_model_that_knows_of_a_cache_gets_one(files):
    conf = on(files)
    ids, lengths = torch.tensor([[1], [2]]), torch.tensor([2])
    with torch.no_grad():
        _, state = plain_step(conf.model)(ids, None, lengths)
        _, plain = plain_step(on(files, model="bigram").model)(ids, None, lengths)
    assert state.length == 2 and torch.equal(plain, ids)


def test_the_step_gives_single_precision(files):
    conf = on(files)
    with torch.no_grad():
        logits, _ = step_of(conf)(prompt(conf).unsqueeze(-1), None, torch.tensor([7]))
    assert logits.dtype == torch.float32 and logits.shape == (1, conf.n_tokens)
    assert logits[0, conf.tokenizer.n_tokens :].isneginf().all()


def test_a_growing_text_is_what_comes_behind_the_prompt():
    tokenizer = CharacterTokenizer("abc ")
    growing = Growing(tokenizer, torch.tensor(tokenizer.encode("ab")))
    assert [growing.add(n) for n in tokenizer.encode("c a").tolist()] == ["c", " ", "a"]
    assert growing.text == "c a" and growing.rest() == ""


def test_half_a_character_waits_for_the_other_half():
    class Bytes(CharacterTokenizer, type=None):
        """Tokens are the bytes of UTF-8."""

        def join(self, ids):
            return bytes(ids).decode("utf-8", "replace")

    tokenizer = Bytes("".join(map(chr, range(256))))
    growing = Growing(tokenizer, torch.tensor([*b"a"]))
    assert [growing.add(n) for n in "é!".encode()] == ["", "é", "!"]
    assert growing.add("é".encode()[0]) == "" and growing.rest() == "\ufffd"


def test_words_keep_their_spaces():
    tokenizer = WhitespaceTokenizer.from_text(TEXT)
    growing = Growing(tokenizer, torch.tensor(tokenizer.encode("the cat")))
    added = [growing.add(n) for n in tokenizer.encode(" sat on\nthe").tolist()]
    assert "".join(added) == growing.text == " sat on\n the"
