r"""
# Text Configs

From the name of a text to batches of ids. Reading a text is put off until something needs it, so
options can be listed and checked without any file.

[Training configs](training.html) with a text are what the experiments on language start from.
"""

import hashlib
import json
from pathlib import Path
from typing import Any, Literal

from labml.configs import option

from labnn.configs.base import StrictConfigs
from labnn.configs.training import TrainingConfigs
from labnn.configs.types import ConfigError, Fraction, PositiveInt
from labnn.data import CorpusError, corpora
from labnn.data.windows import Windows
from labnn.tokenizers import (
    CharacterTokenizer,
    SubwordTokenizer,
    Tokenizer,
    UnknownToken,
    WhitespaceTokenizer,
    WordTokenizer,
    WordVocabulary,
)

# What is wrong with options or texts, each in words of its own
MISTAKES = (ConfigError, CorpusError, UnknownToken)
# What every tokenizer saves
PLAIN = ("type", "tokens", "unknown_token")


class TextConfigs(StrictConfigs):
    """
    ## TextConfigs

    Which text, and how it is cut into two parts
    """

    # The text, cut into a training and a validation part
    corpus: corpora.Corpus = "shakespeare"
    # A file, or a folder of .txt files; for wikitext_2 the folder with its three files
    path: Path | None = None
    # The training part, where it is a file of its own
    train: Path | None = None
    # The validation part, where it is a file of its own
    valid: Path | None = None
    # How the characters are stored
    encoding: str = "utf-8"
    # Share of the text that is kept for validation
    valid_fraction: Fraction = 0.1

    def __init__(self):
        """The corpus stands for the whole config"""
        super().__init__(_primary="corpus")


def check_files(c: TextConfigs, *names: str) -> None:
    """Raises `ConfigError` for files that a corpus does not read: another text would be learnt."""
    for name in names:
        if getattr(c, name) is not None:
            raise ConfigError(
                f"text.{name} is {str(getattr(c, name))!r}, and the text that is chosen reads no "
                f"such file; add text=file, or leave text.{name} out"
            )


@option(TextConfigs.corpus)
def shakespeare(c: TextConfigs) -> corpora.Corpus:
    """Plays of Shakespeare, which come with labnn"""
    check_files(c, "path", "train", "valid")
    return corpora.shakespeare()


@option(TextConfigs.corpus)
def tiny_shakespeare(c: TextConfigs) -> corpora.Corpus:
    """The char-rnn file, from text.path or downloaded"""
    check_files(c, "train", "valid")
    return corpora.tiny_shakespeare(c.path, encoding=c.encoding)


@option(TextConfigs.corpus)
def wikitext_2(c: TextConfigs) -> corpora.Corpus:
    """The three files of WikiText-2, from the folder text.path"""
    check_files(c, "train", "valid")
    return corpora.wikitext_2(c.path, encoding=c.encoding)


@option(TextConfigs.corpus)
def file(c: TextConfigs) -> corpora.Corpus:
    """Text of your own: text.path, or text.train and text.valid"""
    return corpora.text_file(
        c.path,
        train=c.train,
        valid=c.valid,
        encoding=c.encoding,
        valid_fraction=c.valid_fraction,
    )


class SubwordConfigs(StrictConfigs):
    """
    ## SubwordConfigs

    How the subword tokenizer is trained
    """

    # Byte pairs that are joined, or a vocabulary that is thinned out
    kind: Literal["bpe", "unigram"] = "bpe"
    # Tokens, of which 256 are the bytes
    size: PositiveInt = 8192


class TextTrainingConfigs(TrainingConfigs):
    """
    ## TextTrainingConfigs

    What a training on text has beside the options of every training
    """

    # A text may lie somewhere else when a run goes on: it is known by its sum.
    _free = (*TrainingConfigs._free, "text.path", "text.train", "text.valid")

    # The text
    text: corpora.Corpus = TextConfigs()
    # Text to ids and back
    tokenizer: Tokenizer = "character"
    # Words that are rarer than this are unknown to the tokenizers of words
    min_count: PositiveInt = 1
    # The largest number of tokens that tokenizers of words have; none is without limit
    max_size: PositiveInt | None = None
    # Whether tokenizers of words lower text
    is_lower: bool = False
    # The subword tokenizer
    subword: SubwordConfigs = SubwordConfigs()
    # Tokens in a sequence
    seq_len: PositiveInt = 32
    # Batches to learn from
    train_loader: Any = "train_windows"
    # Batches to judge by; none skips validation
    valid_loader: Any = "valid_windows"

    # The parts of the text whose words the word tokenizer knows
    _word_parts = ("train", "valid")

    def fingerprint(self) -> dict[str, Any]:
        """Where the text is from, and the sum of what is in it"""
        parts = {"train": self.text.train, "valid": self.text.valid}
        # Where the cut depends on more than the tokens, the same ones may give other ids.
        told = self.tokenizer.to_dict()
        more = {name: told[name] for name in told if name not in PLAIN}
        return {
            "name": self.text.name,
            "source": self.text.source,
            **{f"{part}_characters": len(text) for part, text in parts.items()},
            **{f"{part}_sha256": text_sum(text) for part, text in parts.items()},
            "tokens": self.tokenizer.n_tokens,
            "tokens_sha256": text_sum(repr(self.tokenizer.tokens)),
            **({"cut_sha256": text_sum(json.dumps(more, sort_keys=True))} if more else {}),
            **super().fingerprint(),
        }

    def overview(self) -> str:
        """What is unknown in the validation part: the score leaves it open."""
        if not isinstance(self.tokenizer, WordVocabulary) or self.valid_loader is None:
            return ""
        found = self.tokenizer.unknown_words(self.text.valid)
        if not found.n_unknown:
            return ""
        marked = f", {found.n_marked:,} of them as the text marks it" if found.n_marked else ""
        named = ", ".join(f"{word[:20]!r} {n:,}" for word, n in found.frequent)
        return (
            f"unknown in the validation part: {found.n_unknown:,} of {found.n_words:,} "
            f"{self.tokenizer.unit}, {found.share:.1%}{marked}{named and '; most often ' + named}"
        )

    def summary(self) -> str:
        """What the accuracy is worth: the simplest thing without a model is to say one token."""
        constant, accuracy = self.meter.constant(), self.meter.means().get("accuracy")
        if constant is None or accuracy is None:
            return ""
        token, share = constant
        # Special tokens, such as the mask, are not the tokenizer's.
        name = self.tokenizer.tokens[token] if token < self.tokenizer.n_tokens else "*"
        return (
            f"accuracy on {self.meter.n_tokens:,} tokens of the validation part: {accuracy:.3f}; "
            f"always predicting {name!r}, the most frequent one: {share:.3f}"
        )

    def tell_unknown(self, pieces: list[str], reads: str):
        """
        Warn of pieces of prompts that the vocabulary lacks. It is that of the training text, and a
        person may well ask for more.

        * `reads` says what becomes of them
        """
        if pieces:
            self._listener.warn(
                f"not in the vocabulary, but in the prompts: {some(pieces)}; {reads}"
            )


def some(pieces: list[str], most: int = 20) -> str:
    """Pieces of a text for a line, each once"""
    shown = [*dict.fromkeys(map(repr, pieces))]
    shown[most:] = ["…"] if len(shown) > most else []
    return ", ".join(shown)


def text_sum(text: str) -> str:
    """The SHA-256 of a text, which may hold halves of surrogate pairs"""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@option(TextTrainingConfigs.tokenizer)
def character(c: TextTrainingConfigs) -> CharacterTokenizer:
    """A token for every character that occurs"""
    return CharacterTokenizer.from_text(c.text.train, c.text.valid)


@option(TextTrainingConfigs.tokenizer)
def word(c: TextTrainingConfigs) -> WordTokenizer:
    """A token for every word that occurs at least min_count times"""
    texts = [getattr(c.text, part) for part in c._word_parts]
    return WordTokenizer.from_text(
        *texts, min_count=c.min_count, max_size=c.max_size, is_lower=c.is_lower
    )


@option(TextTrainingConfigs.tokenizer)
def whitespace(c: TextTrainingConfigs) -> WhitespaceTokenizer:
    """A token for each word between white space, of the training part, and for line ends"""
    return WhitespaceTokenizer.from_text(
        c.text.train, min_count=c.min_count, max_size=c.max_size, is_lower=c.is_lower
    )


@option(TextTrainingConfigs.tokenizer)
def subword(c: TextTrainingConfigs) -> SubwordTokenizer:
    """Parts of words that are frequent in the training part, of any text"""
    try:
        return SubwordTokenizer.from_text(
            c.text.train, kind=c.subword.kind, n_tokens=c.subword.size
        )
    # The package is not part of every installation.
    except ImportError as e:
        raise ConfigError(str(e)) from e


def _windows(c: TextTrainingConfigs, part: str, is_shuffled: bool) -> Windows:
    """One part of the text as batches"""
    return Windows(
        c.tokenizer.encode(getattr(c.text, part)),
        seq_len=c.seq_len,
        batch_size=c.batch_size,
        seed=c.seed,
        is_shuffled=is_shuffled,
        name=part,
    )


@option(TextTrainingConfigs.train_loader)
def train_windows(c: TextTrainingConfigs) -> Windows:
    """Windows in a random order, each shifted at random, new in every epoch"""
    return _windows(c, "train", is_shuffled=True)


@option(TextTrainingConfigs.train_loader)
def sequential_train_windows(c: TextTrainingConfigs) -> Windows:
    """Windows in the order of the text"""
    return _windows(c, "train", is_shuffled=False)


@option(TextTrainingConfigs.valid_loader)
def valid_windows(c: TextTrainingConfigs) -> Windows:
    """Windows in the order of the text, the same every time"""
    return _windows(c, "valid", is_shuffled=False)
