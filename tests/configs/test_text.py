import re
import sys
from typing import Any

import pytest
import torch
from labml.configs import option
from torch import nn

from labnn.configs.scores import Scores, score
from labnn.configs.text import TextConfigs, TextTrainingConfigs
from labnn.configs.types import CommandLineText, ConfigError
from labnn.data.windows import Windows
from labnn.tokenizers import (
    CharacterTokenizer,
    SubwordTokenizer,
    Tokenizer,
    WhitespaceTokenizer,
    WordTokenizer,
)
from tests.configs.tiny import Diary, Lines, make

TEXT = "the cat sat on the mat and the dog sat on the log\n" * 23
SEQ_LEN, BATCH_SIZE = 7, 5
SIZES = {"seq_len": SEQ_LEN, "batch_size": BATCH_SIZE, "epochs": 1}


class Next(TextTrainingConfigs):
    """Predicts the next token from this one."""

    model: nn.Module = "bigram"

    def forward_loss(self, batch: Any) -> Scores:
        data, target = batch
        return score(self.model(data), target, ignore=-1)


@option(Next.model)
def bigram(c: Next) -> nn.Module:
    n_tokens = c.tokenizer.n_tokens
    return nn.Embedding(n_tokens, n_tokens).to(c.device)


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "my text.txt"
    file.write_text(TEXT)
    return file


def on(path, cls=Next, **overrides):
    overrides = {k.replace("__", "."): v for k, v in overrides.items()}
    return make(cls, {"text": "file", "text.path": path, **SIZES, **overrides})


def test_nothing_is_read_before_it_is_needed(tmp_path):
    conf = on(tmp_path / "nowhere.txt")
    conf.check()
    assert conf.seq_len == SEQ_LEN and "text" not in conf._Configs__cached


@pytest.mark.parametrize("kind", [str, CommandLineText])
def test_a_file_is_cut_into_two_parts(path, kind):
    corpus = on(kind(path)).text
    assert corpus.train + corpus.valid == TEXT
    assert len(corpus.train) == int(0.9 * len(TEXT))
    assert on(path, text__valid_fraction=0.5).text.train == TEXT[: len(TEXT) // 2]


def test_two_files_are_taken_as_they_are(tmp_path):
    parts = {"train": "abc" * 31, "valid": "cab" * 11}
    for name, text in parts.items():
        (tmp_path / name).write_text(text)
    conf = make(Next, {"text": "file", **{f"text.{n}": tmp_path / n for n in parts}, **SIZES})
    assert (conf.text.train, conf.text.valid) == (parts["train"], parts["valid"])


def test_a_folder_and_an_encoding(tmp_path):
    (tmp_path / "a.txt").write_bytes("Käse ".encode("latin-1") * 50)
    (tmp_path / "b.txt").write_bytes("und Brot ".encode("latin-1") * 50)
    corpus = on(tmp_path, text__encoding="latin-1").text
    assert corpus.train.startswith("Käse") and corpus.valid.endswith("Brot \n")


def test_the_text_that_comes_with_the_package_is_the_default():
    conf = make(Next, SIZES)
    assert conf.text.name == "shakespeare" and conf.tokenizer.n_tokens == 65


def test_tokenizers(path):
    assert isinstance(on(path).tokenizer, CharacterTokenizer)
    word = on(path, tokenizer="word").tokenizer
    assert isinstance(word, WordTokenizer) and " cat" in word.tokens
    assert word.decode(word.encode(TEXT)) == TEXT


def test_the_vocabulary_is_that_of_both_parts(tmp_path):
    (tmp_path / "train").write_text("abc" * 31)
    (tmp_path / "valid").write_text("abd" * 31)
    files = {"text.train": tmp_path / "train", "text.valid": tmp_path / "valid"}
    assert make(Next, {"text": "file", **files, **SIZES}).tokenizer.tokens == tuple("abcd")


def test_rare_words_are_unknown(path):
    path.write_text("to be or not to be to see " * 40 + "a zebra")
    tokens = on(path, tokenizer="word", min_count=2).tokenizer.tokens
    assert " zebra" not in tokens and " see" in tokens
    assert " zebra" in on(path, tokenizer="word", min_count=1).tokenizer.tokens


def test_loaders_are_the_windows_of_both_parts(path):
    conf = on(path, seed=3)
    for part, loader, is_shuffled in (
        ("train", conf.train_loader, True),
        ("valid", conf.valid_loader, False),
    ):
        twin = Windows(
            conf.tokenizer.encode(getattr(conf.text, part)),
            seq_len=SEQ_LEN,
            batch_size=BATCH_SIZE,
            seed=3,
            is_shuffled=is_shuffled,
        )
        assert len(loader) == len(twin)
        for epoch in range(2):
            for ours, theirs in zip(loader.batches(epoch), twin.batches(epoch), strict=True):
                assert torch.equal(ours[0], theirs[0]) and torch.equal(ours[1], theirs[1])


def test_windows_can_keep_the_order_of_the_text(path):
    conf = on(path, train_loader="sequential_train_windows")
    data, _ = next(conf.train_loader.batches(5))
    assert conf.tokenizer.decode(data[:, 0]) == TEXT[:SEQ_LEN]


def test_it_can_fit(path):
    conf = on(path, epochs=3, optimizer="Adam", optimizer__learning_rate=0.1)
    lines = Lines()
    conf.run()
    # A cat follows a space as often as a mat: it cannot be certain.
    losses = lines.column("loss.train")
    assert losses[-1] < 1.3 < 2.5 < losses[0]
    assert lines.column("loss.valid")[-1] < lines.column("loss.valid")[0]
    assert lines.column("accuracy.valid")[-1] > 0.5


def test_the_last_line_says_what_always_saying_one_token_gives(path):
    conf = on(path)
    assert conf.summary() == ""
    conf.run()
    # Spaces: 12 of 49 characters of a line and its end, but windows leave a few characters out.
    text = conf.summary()
    assert text.startswith("accuracy on ") and "always predicting ' ', the most frequent" in text
    valid = "".join(conf.tokenizer.decode(column) for _, t in conf.valid_loader for column in t.T)
    assert text.endswith(f": {valid.count(' ') / len(valid):.3f}")
    assert f"on {len(valid)} tokens" in text


def test_the_last_line_of_other_data_is_empty(path):
    conf = on(path, valid_loader=None)
    conf.run()
    assert conf.summary() == ""


@pytest.mark.parametrize(
    "content, overrides, wrong",
    [
        (b"", {}, "the file is empty"),
        (b" \n ", {}, "white space"),
        (b"a", {}, "too few for a training and a validation part"),
        (b"abcdefgh", {}, "train: 7 tokens are too few for one window of seq_len=7"),
        (b"abcdefghi" * 7, {}, "valid: 7 tokens are too few for one window of seq_len=7"),
        (b"abcdefghi" * 7, {"tokenizer": "word"}, "train: 1 tokens are too few"),
        ("é".encode("latin-1") * 99, {}, "byte 0xe9 at offset 0 is not utf-8; .*text.encoding="),
        ("text".encode("utf-16"), {}, "is not utf-8"),
        (b"abc" * 99, {"text__encoding": "utf-99"}, "'utf-99' is no text encoding"),
        (b"abc" * 99, {"tokenizer": "word", "min_count": 7}, "occurs min_count=7 times"),
        (None, {}, "no such file or folder; nearest in .*: my text.txt"),
        (None, {"text__path": None}, "no text is named; set text.path="),
        (None, {"text__path": None, "text__train": "a"}, "text.train is set and text.valid is not"),
        (b"abc", {"text__train": "a"}, "set it, or text.train and text.valid, not both"),
    ],
)
def test_a_text_that_cannot_be_used_is_one_line(tmp_path, content, overrides, wrong):
    name = "mytext.txt" if content is None else "my text.txt"
    (tmp_path / "my text.txt").write_bytes(b"abc" if content is None else content)
    diary = Diary()
    conf = on(tmp_path / name, **overrides)
    conf._listener = diary
    with pytest.raises(ConfigError, match=wrong) as caught:
        conf.run()
    assert "\n" not in str(caught.value)
    # Nothing has begun.
    assert diary.notes == [("end", "ConfigError")]


@pytest.mark.parametrize(
    "overrides, wrong",
    [
        ({"text": "shakespear"}, "did you mean shakespeare"),
        ({"text": "my.txt"}, "text.corpus has no option 'my.txt'"),
        ({"text.paht": "a"}, "did you mean text.path"),
        ({"text.valid_fraction": 2}, "above 0 and below 1"),
        ({"text.valid_fraction": 0}, "above 0 and below 1"),
        ({"text.valid_fraction": 1.0}, "above 0 and below 1"),
        ({"tokenizer": "charcter"}, "did you mean character"),
        ({"seq_len": 0}, "at least 1"),
        ({"min_count": 0}, "at least 1"),
        ({"train_loader": "windows"}, "train_windows"),
    ],
)
def test_mistakes_are_refused_when_they_are_set(overrides, wrong):
    with pytest.raises(ConfigError, match=wrong):
        make(Next, overrides)


def test_words_between_white_space_and_line_ends_are_those_of_the_training_part(path):
    path.write_text("The cat The sat\n" * 30 + "a zebra <unk> CAT")
    conf = on(path, tokenizer="whitespace")
    twin = WhitespaceTokenizer.from_text(conf.text.train)
    assert conf.tokenizer.to_dict() == twin.to_dict() and " zebra" not in twin.ids
    lowered = on(path, tokenizer="whitespace", is_lower=True, min_count=2, max_size=4).tokenizer
    assert lowered.tokens == (" [UNK]", "\n", " the", " cat") and lowered.is_lower
    # Lower case is a matter of text, not of the vocabulary alone.
    assert lowered.encode("The Cat sat").tolist() == [2, 3, 0]


def test_the_word_tokenizer_lowers_as_well(path):
    path.write_text("The cat, The sat\n" * 30)
    lowered = on(path, tokenizer="word", is_lower=True).tokenizer
    assert lowered.is_lower and " The" not in lowered.ids and lowered.counts[0] > 1
    assert lowered.unknown(" THE Cat") == []


def test_what_is_unknown_in_the_validation_part_is_told_before_the_run(tmp_path):
    (tmp_path / "train").write_text("the cat sat\n" * 30)
    (tmp_path / "valid").write_text("the zebra sat\nthe zebra <unk> and the cat\n" * 2)
    files = {"text": "file", **{f"text.{p}": tmp_path / p for p in ("train", "valid")}}

    def told(**overrides):
        return make(Next, files | SIZES | overrides).overview()

    assert told(tokenizer="whitespace") == (
        "unknown in the validation part: 8 of 18 words, 44.4%, 2 of them as the text marks it; "
        "most often ' zebra' 4, ' and' 2"
    )
    # These words are those of both parts, of which some are rare.
    found = told(tokenizer="word", min_count=3)
    assert re.fullmatch(r"unknown in the .*: 12 of \d+ tokens, \d+.\d%; most often .*", found)
    assert "' and' 2" in found and "zebra" not in found
    # Nothing is unknown, nothing can be, or nothing is judged.
    assert told(tokenizer="word") == told(tokenizer="character") == ""
    assert told(tokenizer="whitespace", valid_loader=None) == ""


def test_a_text_is_read_anew_and_nothing_is_kept_beside_it(path):
    # Ids in a file would be those of an older text, or of another tokenizer.
    for tokenizer, text in (("word", TEXT), ("whitespace", "a b\n" * 99), ("character", TEXT)):
        path.write_text(text)
        conf = on(path, tokenizer=tokenizer)
        twin = conf.tokenizer.encode(text[: int(0.9 * len(text))])
        assert conf.train_loader.ids.tolist() == twin.tolist()
    assert [*path.parent.iterdir()] == [path]


def test_words_have_a_largest_number(path):
    assert on(path, tokenizer="word", max_size=3).tokenizer.n_tokens == 3
    assert on(path, tokenizer="word").tokenizer.n_tokens > 3


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_subwords_are_those_of_the_training_part(path, kind):
    pytest.importorskip("tokenizers")
    conf = on(path, tokenizer="subword", subword__kind=kind, subword__size=270)
    twin = SubwordTokenizer.from_text(conf.text.train, kind=kind, n_tokens=270)
    assert conf.tokenizer.tokens == twin.tokens and conf.tokenizer.n_tokens <= 270
    assert conf.tokenizer.decode(conf.tokenizer.encode(TEXT)) == TEXT


def test_a_missing_package_is_a_line_that_says_what_to_install(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(ConfigError, match=r"pip install 'labnn\[subword\]'") as caught:
        on(path, tokenizer="subword").run()
    assert "\n" not in str(caught.value)


def test_a_folder_with_three_files(tmp_path):
    parts = {"train": "to be\n" * 31, "valid": "or not\n" * 11, "test": "to\n"}
    for name, text in parts.items():
        (tmp_path / f"wiki.{name}.tokens").write_text(text)
    corpus = on(tmp_path, text="wikitext_2").text
    assert (corpus.name, corpus.train, corpus.valid, corpus.test) == ("wikitext_2", *parts.values())
    (tmp_path / "wiki.valid.tokens").unlink()
    with pytest.raises(ConfigError, match="but not wiki.valid.tokens; all three .*Salesforce"):
        _ = on(tmp_path, text="wikitext_2").text


@pytest.mark.parametrize(
    "overrides, wrong",
    [
        ({"text.path": "a.txt"}, "text.path is 'a.txt', .*add text=file"),
        ({"text.train": "a", "text.valid": "b"}, "text.train is 'a', .*add text=file"),
        ({"text": "tiny_shakespeare", "text.valid": "b"}, "text.valid is 'b', .* text.valid out"),
        ({"text": "wikitext_2", "text.path": "a", "text.train": "b"}, "text.train is 'b'"),
    ],
)
def test_files_that_would_not_be_read_are_refused(overrides, wrong):
    conf = make(Next, SIZES | overrides)
    conf._listener = diary = Diary()
    with pytest.raises(ConfigError, match=wrong) as caught:
        conf.run()
    assert "\n" not in str(caught.value) and diary.notes == [("end", "ConfigError")]


@pytest.mark.parametrize("corpus", ["file", "tiny_shakespeare", "wikitext_2"])
def test_every_text_that_is_read_has_the_encoding_that_is_asked_for(tmp_path, corpus):
    # The error that a byte does not fit says to set it.
    for name in ("train", "valid", "test"):
        (tmp_path / f"{name}.txt").write_bytes("Käse\n".encode("latin-1") * 99)
    asked = {"text": corpus, "text.path": tmp_path, "text.encoding": "latin-1"}
    text = make(Next, SIZES | asked).text
    assert text.train.startswith("Käse\n") and "ä" in text.valid
    assert text.test == ("Käse\n" * 99 if corpus == "wikitext_2" else "")


def test_the_fingerprint_is_that_of_the_ids(path):
    path.write_text("the cat sat on the mat\n" * 30)

    def told(**overrides):
        found = on(path, **overrides).fingerprint()
        return {name: value for name, value in found.items() if name != "source"}

    # A character says all.
    assert "cut_sha256" not in told(tokenizer="character")
    # The tokens are the same, and other text would have other ids.
    for tokenizer in ("whitespace", "word"):
        one, other = told(tokenizer=tokenizer), told(tokenizer=tokenizer, is_lower=True)
        assert {name for name in one if one[name] != other[name]} == {"cut_sha256"}
    one = told(tokenizer="whitespace")
    assert told(tokenizer="whitespace", max_size=5) != one == told(tokenizer="whitespace")
    assert told(tokenizer="subword", subword__size=260) != told(tokenizer="subword")


def test_pieces_of_prompts_that_are_not_known_are_told_once_and_not_all(path):
    conf, diary = on(path), Diary()
    conf._listener = diary
    conf.tell_unknown([], "nothing")
    conf.tell_unknown(["é", "ÿ", "é"], "they are left out")
    conf.tell_unknown([*map(chr, range(0x400, 0x450))], "they are left out")
    first, second = diary.warnings
    assert first == "not in the vocabulary, but in the prompts: 'é', 'ÿ'; they are left out"
    assert "…; they are left out" in second and len(second) < 250


class LineTokenizer(Tokenizer, type="test-lines"):
    """A token is a line."""

    def split(self, text):
        return text.splitlines(keepends=True)


def test_a_subclass_with_its_own_tokenizer_and_model_works(path):
    class Mine(Next):
        width: int = 3
        tokenizer: Tokenizer = "lines"
        model: nn.Module = "narrow"

    @option(Mine.tokenizer)
    def lines(c: Mine) -> LineTokenizer:
        return LineTokenizer(sorted(set(c.text.train.splitlines(keepends=True)) | {""}))

    @option(Mine.model)
    def narrow(c: Mine) -> nn.Module:
        n_tokens = c.tokenizer.n_tokens
        return nn.Sequential(nn.Embedding(n_tokens, c.width), nn.Linear(c.width, n_tokens))

    path.write_text("to be\nor not\n" * 300)
    conf = on(path, Mine, width=5, tokenizer="lines")
    saved = Lines()
    conf.run()
    assert conf.model[0].weight.shape == (3, 5) and saved.column("loss.valid")
    # The class that it derives from knows nothing of it.
    assert on(path).tokenizer.n_tokens == 8 and "width" not in Next()._Configs__types


def test_only_a_text_needs_a_corpus():
    conf = TextConfigs()
    conf._set_values({"corpus": "file"})
    with pytest.raises(ConfigError, match="no text is named"):
        _ = conf.corpus
