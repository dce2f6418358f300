import dataclasses
import gzip
import hashlib

import pytest

from labnn.data import (
    Corpus,
    CorpusError,
    corpora,
    shakespeare,
    text_file,
    tiny_shakespeare,
    wikitext_2,
)


def complaint(make, *arguments, **options):
    with pytest.raises(CorpusError) as caught:
        make(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("0123456789abcdefghi")
    return path


def test_by_hand(file):
    # Nine tenths of nineteen characters are 17.1, so seventeen.
    corpus = text_file(file)
    assert corpus == Corpus("file", "0123456789abcdefg", "hi", source=str(file))


def test_the_cut_of_tiny_shakespeare():
    train, valid = corpora.cut("x" * 1_115_394, "x")
    assert (len(train), len(valid)) == (1_003_854, 111_540)


@pytest.mark.parametrize("valid_fraction, n_valid", [(0.5, 10), (0.25, 5), (0.01, 1)])
def test_another_cut(file, valid_fraction, n_valid):
    corpus = text_file(file, valid_fraction=valid_fraction)
    assert len(corpus.valid) == n_valid and corpus.train + corpus.valid == file.read_text()


def test_a_corpus_does_not_change(file):
    with pytest.raises(dataclasses.FrozenInstanceError):
        text_file(file).train = "other"


def test_two_files(file, tmp_path):
    (tmp_path / "b.txt").write_bytes("\u00e9t\u00e9\r\n".encode("latin-1"))
    corpus = text_file(train=file, valid=tmp_path / "b.txt", encoding="latin-1")
    assert corpus.train == file.read_text() and corpus.valid == "\u00e9t\u00e9\n"
    assert str(file) in corpus.source and "b.txt" in corpus.source
    # The option that is wrong is named.
    assert complaint(text_file, train=file, valid="no.txt").startswith("text.valid='no.txt'")
    assert complaint(text_file, train="no.txt", valid=file).startswith("text.train='no.txt'")


def test_a_third_part_is_only_where_a_corpus_has_one(file, tmp_path):
    assert text_file(file).test == shakespeare().test == ""
    for part in ("train", "valid", "test"):
        (tmp_path / f"wiki.{part}.tokens").write_text(f" the {part} part \n")
    corpus = wikitext_2(tmp_path)
    parts = [f" the {part} part \n" for part in ("train", "valid", "test")]
    assert corpus == Corpus("wikitext_2", *parts[:2], source=str(tmp_path))
    assert corpus.test == parts[2]
    # None of it is printed.
    assert " part " not in repr(corpus) and "test" not in repr(corpus).replace(str(tmp_path), "")


def test_a_folder(file, tmp_path):
    (tmp_path / "b.txt").write_text("jkl")
    corpus = text_file(tmp_path)
    assert corpus.train + corpus.valid == "0123456789abcdefghi\n\n\njkl\n"


def test_combinations_that_mean_nothing(file):
    assert "set text.path=FILE_OR_FOLDER" in complaint(text_file)
    assert "text.valid is not; set both" in complaint(text_file, train=file)
    assert "text.train is not; set both" in complaint(text_file, valid=file)
    assert "not both" in complaint(text_file, file, valid=file)
    assert "not both" in complaint(text_file, file, train=file)
    for fraction in (0, 1, -0.1, 1.5, float("nan")):
        assert f"valid_fraction={fraction}" in complaint(text_file, file, valid_fraction=fraction)


def test_a_text_too_short_to_cut(tmp_path):
    (tmp_path / "a.txt").write_text("x")
    assert "1 characters are too few" in complaint(text_file, tmp_path / "a.txt")
    assert "1 characters are too few" in complaint(tiny_shakespeare, tmp_path / "a.txt")


def test_a_copy_of_tiny_shakespeare_is_used_as_it_is(file):
    corpus = tiny_shakespeare(file)
    assert corpus.name == "tiny_shakespeare" and corpus.source == str(file)
    assert corpus.train + corpus.valid == file.read_text()
    assert complaint(tiny_shakespeare, "no.txt").startswith("text.path='no.txt': no such file")


def test_tiny_shakespeare_that_cannot_be_had_says_what_to_do(tmp_path, monkeypatch):
    # A file of this machine stands in for the network: it is not the right one.
    (tmp_path / "input.txt").write_text("First Citizen:\n")
    url = (tmp_path / "input.txt").as_uri()
    message = complaint(tiny_shakespeare, cache_dir=tmp_path / "cache", url=url)
    assert "15 of 1,115,394 bytes" in message
    assert "set text.path to a copy of the file, or text=shakespeare" in message
    assert not (tmp_path / "cache").exists()

    # The cache is where the environment says, and what lies there is checked as well.
    monkeypatch.setenv("LABNN_CACHE", str(tmp_path / "own"))
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "tinyshakespeare.txt").write_text("First Citizen:\n")
    assert "1,115,394 bytes" in complaint(tiny_shakespeare, url=url)


def test_tiny_shakespeare_from_a_download(tmp_path, monkeypatch):
    # The same steps with another text, whose number of bytes and sha256 are put in place.
    data = b"First Citizen:\nBefore we proceed any further, hear me speak.\n"
    (tmp_path / "input.txt").write_bytes(data)
    monkeypatch.setattr(corpora, "TINY_SHAKESPEARE_BYTES", len(data))
    monkeypatch.setattr(corpora, "TINY_SHAKESPEARE_SHA256", hashlib.sha256(data).hexdigest())
    url = (tmp_path / "input.txt").as_uri()
    corpus = tiny_shakespeare(cache_dir=tmp_path / "cache", url=url)
    assert (corpus.train + corpus.valid).encode() == data and corpus.source == url
    # The second time the address is not needed.
    (tmp_path / "input.txt").unlink()
    assert tiny_shakespeare(cache_dir=tmp_path / "cache", url=url) == corpus


def test_the_address_is_the_one_of_char_rnn():
    assert corpora.TINY_SHAKESPEARE_URL.endswith("/data/tinyshakespeare/input.txt")
    assert "karpathy/char-rnn" in corpora.TINY_SHAKESPEARE_URL


def test_the_shipped_corpus_is_cut_like_the_others():
    corpus = shakespeare()
    n = len(corpus.train) + len(corpus.valid)
    assert corpus.name == "shakespeare" and len(corpus.train) == int(n * 0.9)
    assert corpus == shakespeare()


PACKED = gzip.compress(b"First Citizen:\n", mtime=0)


@pytest.mark.parametrize(
    "data",
    [
        None,
        b"",
        b"no gzip",
        PACKED[:20],
        PACKED[:-1],
        PACKED[:10] + b"\xff" * 20,
        PACKED[:-8] + bytes(8),
        gzip.compress(b"\xff", mtime=0),
    ],
)
def test_a_damaged_package_says_so(tmp_path, data):
    if data is not None:
        (tmp_path / "a.gz").write_bytes(data)
    assert "install labnn again" in complaint(corpora.unpack, tmp_path / "a.gz")
