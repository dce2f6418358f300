r"""
# Subword Training

Which parts of words are worth a token, a [subword tokenizer](subword.html) learns from text. The
text is cut into words, and no token reaches from one word into the next. There are two ways:

$$\begin{aligned}
\text{BPE:} \quad & V \leftarrow V \cup \{a b\} \quad \text{with} \quad
(a, b) = \operatorname{argmax}_{(x, y)} \operatorname{count}(x y) \\
\text{unigram:} \quad & x_1 \dots x_n = \operatorname{argmax}_{y_1 \dots y_m = w}
\sum_{i=1}^{m} \log p(y_i)
\end{aligned}$$

| symbol | code | meaning |
|---|---|---|
| $V$ | `"vocab"` | the tokens, at first the bytes |
| $\operatorname{count}(x y)$ | in the library | how often $x$ stands before $y$ in a word |
| $w$ | `words` | a word and the space before it, or a run of other signs |
| $\log p(y)$ | `scores` | how probable a token is |

**BPE** ([Neural Machine Translation of Rare Words with Subword
Units](https://arxiv.org/abs/1508.07909)) makes the most frequent pair of tokens a token, again and
again. A word is cut by making the same merges in the same order.

**Unigram** ([Subword Regularization](https://arxiv.org/abs/1804.10959)) starts with all parts that
occur often. It fits a probability to each, drops those that the text misses least, and fits again,
until `n_tokens` are left. A word is cut in the most probable way.

**Departure.** The papers start from characters, we from bytes: there are 256, and every text is
made of them.

**The same text gives the same tokens,** in each process. What the library leaves to chance is set
right [afterwards](#unigram).

Both ways are those of the package [tokenizers](https://huggingface.co/docs/tokenizers), which
nothing else in labnn needs. It uses no network here.
"""

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

# The library reads bytes as letters: those that are visible in Latin-1 as themselves, the others,
# in order, as the letters from 256 on.
VISIBLE = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
HIDDEN = [byte for byte in range(256) if byte not in VISIBLE]
LETTERS = {chr(byte): byte for byte in VISIBLE}
LETTERS |= {chr(256 + place): byte for place, byte in enumerate(HIDDEN)}

# Halves of surrogate pairs, which texts that were read with errors may hold, and UTF-8 may not
HALVES = re.compile("([\ud800-\udfff]+)")
# Where white space begins, another word begins, whatever stands before and after.
BOUNDARY = re.compile(r"(?<=\S)[ \n]")
# The library needs a hundred bytes a token while it cuts: long texts are cut part by part.
PART = 1_000_000
# Training takes a time that grows with the square of the longest word.
LONGEST = 256
# Two signs that no word has, since they are no letters of `LETTERS`
LINE_END, MARK = "\n", " "
# What both ways tell the library
OPTIONS = {"initial_alphabet": sorted(LETTERS), "special_tokens": [], "show_progress": False}


def library() -> Any:
    """
    ## The library

    It is imported late, so that the other tokenizers do without it. Raises `ImportError`.
    """
    # With threads the order of sums would depend on how many there are, and a process that forks
    # would lose them, of which the library warns on stderr. Somebody may have decided already.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        import tokenizers
    except ImportError:
        raise ImportError(
            "the subword tokenizer needs the package tokenizers, which is not installed: "
            "pip install 'labnn[subword]'"
        ) from None
    return tokenizers


def into_words() -> Any:
    """
    ## The cut into words

    That of GPT-2: a word has the space before it, and no token reaches from one word into the next.
    """
    return library().pre_tokenizers.ByteLevel(add_prefix_space=False)


def in_parts(text: str) -> Iterator[str]:
    """
    ## Parts of a long text

    They begin where a word begins, so that cutting them one by one is cutting the text.
    """
    start = 0
    while found := BOUNDARY.search(text, start + PART):
        yield text[start : found.start()]
        start = found.start()
    yield text[start:]


def count_words(*texts: str) -> Counter[str]:
    """
    ## The words of a text

    Each in the letters of the library, with how often it occurs. Nothing else is learnt from, so
    the order of texts does not matter.
    """
    cut, counts = into_words(), Counter()
    for text in texts:
        for part in in_parts(HALVES.sub(" ", text)):
            for word, _ in cut.pre_tokenize_str(part):
                counts.update(word[at : at + LONGEST] for at in range(0, len(word), LONGEST))
    return counts


def train(model: Any, trainer: Any, words: dict[str, int]) -> dict:
    """
    ## A trained tokenizer

    As the data that the library saves.

    * `model` and `trainer` are the library's
    * `words` says how often each word occurs
    """
    made = library().Tokenizer(model)
    made.pre_tokenizer = library().pre_tokenizers.CharDelimiterSplit(LINE_END)
    lines = (LINE_END.join([word] * words[word]) for word in sorted(words))
    made.train_from_iterator(lines, trainer)
    made.pre_tokenizer = into_words()
    return json.loads(made.to_str())


def bpe(words: Counter[str], n_tokens: int) -> dict:
    """
    ## BPE

    Of equally frequent pairs the library takes that with the lowest ids.

    * `words` says how often each word occurs
    * `n_tokens` is the largest number of tokens
    """
    # A pair that occurs once is left alone: as a token it could not be learnt.
    trainer = library().trainers.BpeTrainer(vocab_size=n_tokens, min_frequency=2, **OPTIONS)
    return train(library().models.BPE(), trainer, words)


def unigram(words: Counter[str], n_tokens: int) -> dict:
    """
    ## Unigram

    The most probable tokens come first.

    * `words` says how often each word occurs
    * `n_tokens` is the largest number of tokens
    """
    # The library takes a part for a possible token where different letters follow it, and so never
    # finds a word that no longer one begins with, not even " and". Once more with a mark behind it,
    # each word is found.
    marked = {word + MARK: 1 for word, count in words.items() if count > 1}
    trainer = library().trainers.UnigramTrainer(vocab_size=n_tokens + 1, **OPTIONS)
    saved = train(library().models.Unigram(), trainer, {**words, **marked})

    scores = {piece: score for piece, score in saved["model"]["vocab"] if MARK not in piece}
    # The library visits words in an order of chance. Two things tell of it: the last digits of the
    # scores, and bytes that it has no score for, which get the lowest one and steps of 0.0001.
    lowest = min(scores[letter] for letter in LETTERS)
    for piece, score in scores.items():
        is_step = piece in LETTERS and score < lowest + len(LETTERS) * 0.0001
        scores[piece] = round(lowest if is_step else score, 6)

    ranked = sorted(scores, key=lambda piece: (-scores[piece], piece))
    # All bytes are kept, or there would be text without tokens.
    kept = [piece for piece in ranked if piece not in LETTERS][: n_tokens - len(LETTERS)]
    kept = {*kept, *LETTERS}
    vocab = [[piece, scores[piece]] for piece in ranked if piece in kept]
    saved["model"]["vocab"] = vocab
    return saved


KINDS = {"bpe": bpe, "unigram": unigram}
