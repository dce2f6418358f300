import json
import os
import subprocess
import sys
from collections import Counter
from itertools import pairwise

import pytest

from labnn.data import shakespeare
from labnn.tokenizers import subword_training
from labnn.tokenizers.subword_training import (
    KINDS,
    LETTERS,
    MARK,
    bpe,
    count_words,
    in_parts,
    into_words,
    library,
    unigram,
)

TEXT = shakespeare().train[:30_011]
WORDS = count_words(TEXT)
BOTH = pytest.mark.parametrize("kind", KINDS)


def vocab(saved):
    """The tokens of both kinds, as they are saved"""
    return [entry if isinstance(entry, str) else entry[0] for entry in saved["model"]["vocab"]]


def pieces(saved, word):
    made = library().Tokenizer.from_str(json.dumps(saved))
    made.pre_tokenizer = library().pre_tokenizers.CharDelimiterSplit("\n")
    return made.encode(word).tokens


def test_the_letters_are_those_of_the_library():
    assert sorted(LETTERS) == sorted(library().pre_tokenizers.ByteLevel.alphabet())
    assert sorted(LETTERS.values()) == [*range(256)]
    # Each character of one byte, and bytes of longer ones
    for text in [*map(chr, range(128)), "\u00a0\u00ad\u00e9\u6f22\U0001f600\uffff"]:
        written = "".join(word for word, _ in into_words().pre_tokenize_str(text))
        assert bytes(LETTERS[letter] for letter in written) == text.encode()


def test_words_by_hand():
    # A space is the letter 288, a line end 266, and the two bytes of an e with an accent are
    # written as those of Latin-1.
    words = count_words("the cat, the caf\u00e9\n", "the")
    written = {"the": 2, "Ġcat": 1, ",": 1, "Ġthe": 1, "Ġcaf\u00c3\u00a9": 1, "Ċ": 1}
    assert words == Counter(written)


def test_a_word_that_takes_long_is_counted_in_parts():
    assert count_words("a" * 601) == Counter({"a" * 256: 2, "a" * 89: 1})


def test_parts_begin_where_words_begin(monkeypatch):
    spaces = "a  b   c\n\n\nd !\x1c! \n c\n\nd\u00a0e\x1cf \u3000g\u2028 h"
    text = spaces + ", i\n'll k--l 3 m 4\r\n n\t o" + TEXT[:2003] + spaces
    cut = into_words().pre_tokenize_str
    whole = [word for word, _ in cut(text)]
    for size in (1, 2, 3, 7, 101):
        monkeypatch.setattr(subword_training, "PART", size)
        parts = [*in_parts(text)]
        assert len(parts) > 3 and "".join(parts) == text
        assert [word for part in parts for word, _ in cut(part)] == whole
    # Halves of characters are not counted, and do no harm.
    assert count_words("a \ud800 b") == count_words("a   b")
    assert [*in_parts("")] == [""]


def test_bpe_by_hand():
    # l-o stands five times in a word, lo-w four times, then nothing more than once.
    saved = bpe(count_words("low low low lower slot"), 300)
    found = [[*merge] for merge in saved["model"]["merges"]]
    assert found[:2] == [["l", "o"], ["lo", "w"]]
    assert vocab(saved)[:256] == sorted(LETTERS)
    assert pieces(saved, "slow") == ["s", "low"]
    assert len(vocab(bpe(count_words("low"), 300))) == 256


def test_bpe_merges_the_most_frequent_pair():
    # Plainly: all pairs are counted anew before each merge.
    words = count_words(TEXT[:5003])
    cut = {word: [*word] for word in words}
    ids = {letter: number for number, letter in enumerate(sorted(LETTERS))}
    merges = []
    for _ in range(83):
        counts = Counter()
        for word, tokens in cut.items():
            for pair in pairwise(tokens):
                counts[pair] += words[word]
        best = min(counts, key=lambda pair: (-counts[pair], ids[pair[0]], ids[pair[1]]))
        merges.append([*best])
        ids["".join(best)] = len(ids)
        for tokens in cut.values():
            at = 0
            while at < len(tokens) - 1:
                if (tokens[at], tokens[at + 1]) == best:
                    tokens[at : at + 2] = ["".join(best)]
                at += 1

    saved = bpe(words, 256 + 83)
    assert [[*merge] for merge in saved["model"]["merges"]] == merges
    for word in [*words][:211]:
        assert pieces(saved, word) == cut[word]


def test_unigram_cuts_in_the_most_probable_way():
    # Plainly: all cuts of a word are tried.
    saved = unigram(WORDS, 499)
    scores = dict(saved["model"]["vocab"])

    def cuts(word):
        if not word:
            yield 0.0
        for end in range(1, len(word) + 1):
            if word[:end] in scores:
                yield from (scores[word[:end]] + rest for rest in cuts(word[end:]))

    short = [word for word in WORDS if len(word) < 11][:307]
    assert sum(len(pieces(saved, word)) > 1 for word in short) > 53
    for word in short:
        found = pieces(saved, word)
        assert "".join(found) == word
        assert sum(scores[piece] for piece in found) == pytest.approx(max(cuts(word)))


def test_unigram_finds_words_that_no_longer_word_begins_with():
    often = {word for word, count in WORDS.items() if count > 23 and len(word) > 1}
    assert len(often) > 31
    saved = unigram(WORDS, 997)
    assert not often - {*vocab(saved)}
    assert not any(MARK in piece for piece in vocab(saved))


def test_the_most_probable_tokens_come_first():
    found = [score for _, score in unigram(WORDS, 499)["model"]["vocab"]]
    assert found == sorted(found, reverse=True) and found[0] < 0


@BOTH
def test_there_are_n_tokens_and_all_bytes(kind):
    for n_tokens in (256, 257, 263, 409, 1009):
        tokens = vocab(KINDS[kind](WORDS, n_tokens))
        assert len({*tokens}) == len(tokens) == n_tokens
        assert {*LETTERS} < {*tokens} if n_tokens > 256 else {*LETTERS} == {*tokens}


@BOTH
@pytest.mark.parametrize("text", ["a", "ab", "aaaa", "\n", "to be", "\ud800", "\u6f22"])
def test_a_short_text_gives_fewer_tokens(kind, text):
    tokens = vocab(KINDS[kind](count_words(text), 1009))
    assert {*LETTERS} <= {*tokens} and len(tokens) < 263


@BOTH
def test_no_token_reaches_into_the_next_word(kind):
    tokens = vocab(KINDS[kind](WORDS, 1009))
    for token in tokens:
        assert "Ġ" not in token[1:] or {*token} == {"Ġ"}, token


@BOTH
def test_each_training_gives_the_same(kind):
    # The library seeds its hash tables anew for each of them.
    first = KINDS[kind](WORDS, 601)
    assert all(KINDS[kind](WORDS, 601) == first for _ in range(3))
    # The order of the texts has no part in it.
    at = TEXT.index("\n\n", 9973)
    assert KINDS[kind](count_words(TEXT[at:], TEXT[:at]), 601) == first


@BOTH
def test_all_processes_give_the_same(kind):
    script = (
        "import hashlib, sys; from labnn.tokenizers.subword_training import KINDS, count_words;"
        f"saved = KINDS[{kind!r}](count_words(sys.stdin.read()), 601);"
        "print(hashlib.sha256(repr(saved).encode()).hexdigest())"
    )
    found = set()
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"}
        command = [sys.executable, "-c", script]
        done = subprocess.run(
            command, input=TEXT, env=environment, capture_output=True, encoding="utf-8"
        )
        assert done.returncode == 0 and not done.stderr, done.stderr
        found.add(done.stdout)
    assert len(found) == 1


FORK = """
import os
from labnn.tokenizers import SubwordTokenizer
text = "to be or not to be " * 101
for kind in ("bpe", "unigram"):
    tokenizer = SubwordTokenizer.from_text(text, kind=kind)
    tokenizer.cutter.encode_batch([text] * 11)
    child = os.fork()
    if not child:
        os._exit(tokenizer.decode(tokenizer.encode(text)) != text)
    print(os.waitpid(child, 0)[1])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_process_that_forks_hears_nothing():
    environment = {k: v for k, v in os.environ.items() if k != "TOKENIZERS_PARALLELISM"}
    done = subprocess.run(
        [sys.executable, "-c", FORK], env=environment, capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("0\n0\n", "")


def test_there_are_no_threads_unless_somebody_wants_them(monkeypatch):
    for before, after in (("", "false"), ("true", "true")):
        monkeypatch.setenv("TOKENIZERS_PARALLELISM", before)
        if not before:
            monkeypatch.delenv("TOKENIZERS_PARALLELISM")
        library()
        assert os.environ["TOKENIZERS_PARALLELISM"] == after


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(ImportError, match=r"tokenizers, .*not installed: pip install 'labnn\[subw"):
        count_words("a")


def test_the_package_is_imported_when_it_is_needed_and_no_sooner():
    script = "import sys, labnn.tokenizers; print('tokenizers' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "False\n", done.stderr
