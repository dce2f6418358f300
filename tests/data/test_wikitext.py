import pickle

import pytest

from labnn.data import CorpusError, wikitext_2
from labnn.data.wikitext import NAMINGS, find_parts, read_part
from labnn.tokenizers import WhitespaceTokenizer

TEXTS = {
    "train": " \n = Homarus = \n \n Homarus is a <unk> . \n",
    "valid": " \n = Tower = \n A tower . \n",
    "test": " \n = Boulter = \n He <unk> . \n",
}


def put(folder, names, texts=TEXTS):
    for name, text in zip(names, texts.values(), strict=False):
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def read_parts(path):
    return (*map(read_part, find_parts(path)),)


def complaint(path):
    with pytest.raises(CorpusError) as caught:
        read_parts(path)
    message = str(caught.value)
    assert "\n" not in message and message.startswith("text.path")
    return message


@pytest.mark.parametrize("names", NAMINGS)
def test_three_files_are_the_three_parts(tmp_path, names):
    corpus = wikitext_2(put(tmp_path, names))
    assert {"train": corpus.train, "valid": corpus.valid, "test": corpus.test} == TEXTS
    assert (corpus.name, corpus.source) == ("wikitext_2", str(tmp_path))


def test_the_names_are_the_common_ones():
    assert NAMINGS[0] == ["wiki.train.tokens", "wiki.valid.tokens", "wiki.test.tokens"]
    assert NAMINGS[-1] == ["train.txt", "valid.txt", "test.txt"]


def test_other_files_do_not_matter(tmp_path):
    for name in ("README.md", "vocab.txt", "wikitext-2-v1.zip", ".train.txt"):
        (tmp_path / name).write_text("x")
    assert read_parts(put(tmp_path, NAMINGS[0])) == (*TEXTS.values(),)
    assert read_parts(str(tmp_path)) == (*TEXTS.values(),)


def test_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    put(tmp_path, NAMINGS[0])
    assert read_parts("~") == (*TEXTS.values(),)


def test_the_test_part_is_read_when_somebody_asks_for_it(tmp_path):
    path = put(tmp_path, NAMINGS[0]) / NAMINGS[0][2]
    path.write_bytes(b"\xff")
    corpus = wikitext_2(tmp_path)
    assert corpus.train == TEXTS["train"] and "test" not in vars(corpus)
    with pytest.raises(CorpusError, match="is not utf-8") as caught:
        _ = corpus.test
    assert "wiki.test.tokens" in str(caught.value) and "\n" not in str(caught.value)
    path.write_text(TEXTS["test"])
    assert corpus.test == TEXTS["test"]
    # It is read once, and a copy for another process can read it as well.
    path.unlink()
    assert corpus.test == pickle.loads(pickle.dumps(corpus)).test == TEXTS["test"]


def test_every_line_has_its_end_and_blank_lines_are_lines(tmp_path):
    corpus = wikitext_2(put(tmp_path, NAMINGS[0]))
    tokenizer = WhitespaceTokenizer.from_text(corpus.train)
    # The lines are blank, a heading, blank, and a sentence with an unknown word.
    end, unknown = tokenizer.end_of_line_token, tokenizer.unknown_token
    ids = tokenizer.encode(corpus.train).tolist()
    assert [n for n, number in enumerate(ids) if number == end] == [0, 4, 5, 11]
    assert ids[9] == unknown and tokenizer.decode(ids[6:9]) == " Homarus is a"


def test_tokens_are_words_and_line_ends(tmp_path):
    # The equation of the page, on parts of which one lost the end of its last line
    texts = {**TEXTS, "test": TEXTS["test"].removesuffix("\n")}
    parts = read_parts(put(tmp_path, NAMINGS[2], texts))
    tokenizer = WhitespaceTokenizer.from_text(parts[0])
    # 2 + 6 words and four lines, 2 + 5 words and three lines, the same.
    assert [len(tokenizer.encode(part)) for part in parts] == [8 + 4, 6 + 3, 6 + 3]
    assert parts == (*TEXTS.values(),)


@pytest.mark.parametrize("names", NAMINGS)
@pytest.mark.parametrize("gone", [0, 1, 2])
def test_a_missing_part_is_named(tmp_path, names, gone):
    (put(tmp_path, names) / names[gone]).unlink()
    message = complaint(tmp_path)
    rest = [name for name in names if name != names[gone]]
    assert f"the folder has {rest[0]} and {rest[1]}, but not {names[gone]};" in message
    assert "Salesforce Research: wikitext-2-v1 in Salesforce/wikitext" in message


def test_two_missing_parts_are_named(tmp_path):
    (tmp_path / "valid.txt").write_text("x")
    assert "the folder has valid.txt, but not train.txt and not test.txt;" in complaint(tmp_path)


def test_a_folder_without_parts_says_what_was_looked_for(tmp_path):
    (tmp_path / "corpus.txt").write_text("x")
    message = complaint(tmp_path)
    assert message.startswith(f"text.path={str(tmp_path)!r}: no part is there; looked for ")
    assert all(name in message for names in NAMINGS for name in names)
    assert "Salesforce/wikitext on huggingface.co" in message


def test_the_folder_of_an_archive_is_found(tmp_path):
    (tmp_path / "wikitext-2").mkdir()
    put(tmp_path / "wikitext-2", NAMINGS[0])
    assert "in the folder 'wikitext-2' in it; name that one" in complaint(tmp_path)


def test_two_ways_of_naming_are_refused(tmp_path):
    put(tmp_path, NAMINGS[0])
    (tmp_path / "train.txt").write_text("x")
    message = complaint(tmp_path)
    assert ", ".join([*NAMINGS[0], "train.txt"]) in message and "named in 2 ways" in message


@pytest.mark.parametrize("path", [None, "", " "])
def test_no_folder_is_named(path):
    message = complaint(path)
    assert message.startswith("text.path is not set; set text.path=FOLDER, one with wiki.train")
    assert "Salesforce Research" in message


def test_what_is_no_folder_is_refused(tmp_path):
    put(tmp_path, NAMINGS[0])
    assert "no folder, and there are three files" in complaint(tmp_path / NAMINGS[0][0])
    missing = complaint(tmp_path / "no")
    # Where to get it, for somebody who has nothing yet
    assert "no such folder; nearest in" in missing and "Salesforce/wikitext" in missing
    assert "cannot be read" in complaint("a\0b")
    assert "cannot be read" in complaint("~nobody-of-this-name")
    (tmp_path / "loop").symlink_to("loop")
    assert "cannot be read" in complaint(tmp_path / "loop")


@pytest.mark.parametrize("data, says", [(b"", "the file is empty"), (b"\xff", "is not utf-8")])
def test_a_part_that_cannot_be_read_is_named(tmp_path, data, says):
    (put(tmp_path, NAMINGS[0]) / "wiki.valid.tokens").write_bytes(data)
    message = complaint(tmp_path)
    assert says in message and "wiki.valid.tokens" in message
