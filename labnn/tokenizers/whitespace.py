r"""
# Whitespace Tokenizer

Corpora that language models are compared on, such as WikiText-2, come cut up: punctuation marks
stand alone, `" , known as"`, and rare words were replaced by `<unk>`. Whoever cuts such a text in
another way counts other tokens, and a perplexity per token can no longer be compared. So here a
token is what stands between white space, and each line ends with a token of its own,

$$n_{\text{tokens}}(s) = n_{\text{words}}(s) + n_{\text{lines}}(s)$$

| symbol | code | meaning |
|---|---|---|
| $s$ | `text` | any text |
| $n_{\text{words}}$ | `len(text.split())` | stretches without white space |
| $n_{\text{lines}}$ | `text.count("\n")` | line ends, those of empty lines included |

A last line without a line end gets none, so that a prompt can be continued, and a text that is cut
between words has the tokens of its parts.

**Each word begins with the space before it.** The tokens are `" known"` and `"\n"`, as with the
[word tokenizer](word.html), but a word has its space at the start of a line as well, so that it is
one token wherever it stands. The [normal form](tokenizer.html) of a text has one space before each
word and none before a line end: what other white space there was is lost.

**Two special tokens** come first. `" [UNK]"`, 0, stands for every word that the vocabulary lacks.
What a corpus has in such places, `<unk>`, is no word but this token, and so is `[UNK]`, which some
preparations write instead; with two tokens for one thing a model would learn the one and meet the
other. The end of a line, 1, is a line end, which no word can clash with. Then come the words, the
most frequent ones first.

**Lower case.** With `is_lower` a text is lowered whenever it is cut, when words are counted and
when a prompt is read alike. A vocabulary of lowered words beside text that is not would lose every
capitalized word.

**Training text only** belongs into `from_text`. Words that occur only where the model is judged
must be unknown to it, or the score says nothing about other text.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from labnn.tokenizers.tokenizer import Tokenizer
from labnn.tokenizers.word import UNKNOWN, most_frequent

# What counts as white space is the same as for `str.split`.
WORD = re.compile(r"\n|\S+")
# How texts write the unknown word
MARKERS = ("<unk>", UNKNOWN)
END_OF_LINE = "\n"
SPECIAL = (f" {UNKNOWN}", END_OF_LINE)


def cut(text: str, *, is_lower: bool = False) -> list[str]:
    r"""
    ## The cut

    The words of `text`, each with a space before it, and its line ends.

    * `text` is any string
    * `is_lower` is true for a text in lower case
    """
    if is_lower:
        text = text.lower()
    # Lowering turns `[UNK]` into `[unk]`, which must not become a word. The markers go the way of
    # the text, so they are found after it as before.
    named = {marker.lower() if is_lower else marker: SPECIAL[0] for marker in MARKERS}
    named[END_OF_LINE] = END_OF_LINE
    return [named.get(word) or f" {word}" for word in WORD.findall(text)]


@dataclass(frozen=True)
class UnknownWords:
    """
    ## UnknownWords

    How much of a text the vocabulary lacks. Of `n_words` words `n_unknown` are read as the unknown
    token, and `n_marked` of these are so marked in the text itself. Line ends are no words.
    """

    n_words: int
    n_unknown: int
    n_marked: int

    @property
    def share(self) -> float:
        """
        The part of the words that is unknown, from 0 to 1; 0 for a text without words.
        """
        return self.n_unknown / max(self.n_words, 1)


class WhitespaceTokenizer(Tokenizer, type="whitespace"):
    """
    ## WhitespaceTokenizer

    One token per word and per line end, for text that is cut up already. `counts` says how often
    each token stands in the text that it was made from, unknown words and line ends included, so
    that the counts are those of the encoded text and their sum is its length.
    """

    def __init__(
        self, tokens: Sequence[str], *, counts: Sequence[int] | None = None, is_lower: bool = False
    ):
        """
        * `tokens` are the two special ones and the words; the place of each is its id
        * `counts` has a number for each token, or is left out where they are not known
        * `is_lower` is true where text has to be lowered
        """
        super().__init__(tokens, unknown_token=0)
        self.end_of_line_token = 1
        self.is_lower = is_lower
        self.counts = None if counts is None else tuple(counts)

        if self.tokens[:2] != SPECIAL:
            raise ValueError(
                f"the tokens begin with {list(self.tokens[:2])} and have to begin with "
                f"{list(SPECIAL)}"
            )
        # Tokens that are cut into themselves come back from any order of ids.
        again = self.split("".join(self.tokens))
        for token, piece in zip_longest(self.tokens, again):
            if token != piece:
                raise ValueError(
                    f"the token {token!r} is never met: in its place the cut has {piece!r}"
                )
        if self.counts is not None and len(self.counts) != self.n_tokens:
            raise ValueError(
                f"there are {len(self.counts)} counts for {self.n_tokens} tokens; give one for each"
            )

    @classmethod
    def from_text(
        cls, *texts: str, min_count: int = 1, max_size: int | None = None, is_lower: bool = False
    ) -> "WhitespaceTokenizer":
        """
        * `texts` are the training texts, counted together
        * `min_count` is how often a word must occur to be a token of its own
        * `max_size` is the largest number of tokens, the special ones included
        * `is_lower` is true for a tokenizer that lowers every text
        """
        occurring = Counter()
        for text in texts:
            occurring.update(cut(text, is_lower=is_lower))

        # The special tokens have their places, however frequent they are.
        words = Counter({word: n for word, n in occurring.items() if word not in SPECIAL})
        kept = most_frequent(words, min_count=min_count, max_size=max_size, n_special=len(SPECIAL))
        # What is not kept will be read as the unknown token, so it counts as that.
        counts = [occurring[END_OF_LINE], *(words[word] for word in kept)]
        n_unknown = occurring.total() - sum(counts)
        return cls([*SPECIAL, *kept], counts=[n_unknown, *counts], is_lower=is_lower)

    def split(self, text: str) -> list[str]:
        """
        The words of `text`, each with a space before it, and its line ends.
        """
        return cut(text, is_lower=self.is_lower)

    def unknown(self, text: str) -> list[tuple[int, str]]:
        """
        The words of `text` that have no id, each with its place in the text as it was given. Those
        that the text itself marks as unknown have one.
        """
        # Lengths change where white space is dropped, and in a few letters that are lowered.
        places = [match.start() for match in WORD.finditer(text)]
        pairs = zip(places, self.split(text), strict=True)
        return [(place, piece) for place, piece in pairs if piece not in self.ids]

    def unknown_words(self, text: str) -> UnknownWords:
        """
        How many words of `text` are unknown, to be told beside every score: an unknown word is
        easier to predict than the word that it stands for.
        """
        # The count goes over kinds of words, which are few.
        occurring = Counter(self.split(text))
        n_marked, n_lines = (occurring.pop(token, 0) for token in SPECIAL)
        n_missing = sum(n for piece, n in occurring.items() if piece not in self.ids)
        return UnknownWords(
            n_words=occurring.total() + n_marked,
            n_unknown=n_missing + n_marked,
            n_marked=n_marked,
        )

    def to_dict(self) -> dict:
        """
        Plain data for a JSON file, with the counts and whether text is lowered.
        """
        counts = None if self.counts is None else list(self.counts)
        return {**super().to_dict(), "counts": counts, "is_lower": self.is_lower}

    @classmethod
    def restore(cls, data: dict) -> "WhitespaceTokenizer":
        """
        The tokenizer that `to_dict` described.

        * `data` has the type and the tokens; counts that are not there are not known
        """
        return cls(data["tokens"], counts=data.get("counts"), is_lower=data.get("is_lower", False))
