r"""
# Word Tokenizer

A word is a token. On the corpus that ships with labnn sequences are almost four times shorter than
with [characters](character.html), and no spelling has to be learnt. In exchange the vocabulary is
large, about half of its words occur once, and a word that the corpus lacks cannot be written.

Text is cut into three kinds of pieces, of which the first that fits is taken:

| piece | examples | rule |
|---|---|---|
| a word and its space | `" the"`, `"To"`, `" know't"` | letters, digits, inner apostrophes |
| a punctuation mark | `","`, `"-"`, `"("` | one character |
| white space | `"\n\n"`, `" "` before a bracket | as long as possible |

The space belongs to the word because it is nearly always there: as a piece of its own it would make
sequences half as long again. Nothing is thrown away, so that the pieces joined are the text again.

Most frequent words come first in the vocabulary, and equally frequent ones in the order of their
characters, so that the ids depend on the text alone. `[UNK]` comes last. It stands for every word
that occurred less than `min_count` times, or that `max_size` had no place for, and so it is seen in
training, in about the places where unknown words will stand later; a token that is never seen would
keep its random embedding.

Marks that combine with the letter before them belong to a word if they are of the common block
(U+0300 to U+036F). Scripts that write vowels as marks of other blocks are cut at them: without
loss, but not at words.
"""

import re
from collections import Counter

from labnn.tokenizers.tokenizer import Tokenizer

# The three rows of the table. White space comes twice: where a word follows, the last space is left
# to the word.
PIECE = re.compile(
    r" ?[\w\u0300-\u036f]+(?:['\u2019][\w\u0300-\u036f]+)*"
    r"|[^\w\s]"
    r"|\s+(?= [\w\u0300-\u036f])"
    r"|\s+"
)
UNKNOWN = "[UNK]"


def most_frequent(
    counts: Counter[str], *, min_count: int = 1, max_size: int | None = None, n_special: int = 1
) -> list[str]:
    """
    ## Which pieces become tokens

    Frequent ones first, equally frequent ones in the order of their characters.

    * `counts` says how often each piece occurs
    * `min_count` is how often a piece must occur to be a token
    * `max_size` is the largest number of tokens in all, by default without limit
    * `n_special` is how many of them are no pieces
    """
    if min_count < 1:
        raise ValueError(f"min_count={min_count}: a piece that is kept occurs at least once")
    if max_size is not None and max_size <= n_special:
        raise ValueError(
            f"max_size={max_size} has no room for a piece of text: {n_special} of the tokens are "
            f"special; set at least {n_special + 1}"
        )

    frequent = [piece for piece, count in counts.items() if count >= min_count]
    if not frequent:
        raise ValueError(f"no piece of the text occurs min_count={min_count} times")
    frequent.sort(key=lambda piece: (-counts[piece], piece))
    return frequent if max_size is None else frequent[: max_size - n_special]


class WordTokenizer(Tokenizer, type="word"):
    """
    ## WordTokenizer

    One token per word, punctuation mark or stretch of white space. No text can clash with `[UNK]`,
    since brackets are always cut off.
    """

    @classmethod
    def from_text(
        cls, *texts: str, min_count: int = 1, max_size: int | None = None
    ) -> "WordTokenizer":
        """
        * `texts` are counted together
        * `min_count` is how often a piece must occur to be a token of its own
        * `max_size` is the largest number of tokens, `[UNK]` included
        """
        counts = Counter(piece for text in texts for piece in PIECE.findall(text))
        frequent = most_frequent(counts, min_count=min_count, max_size=max_size)
        return cls([*frequent, UNKNOWN], unknown_token=len(frequent))

    def split(self, text: str) -> list[str]:
        """
        The words, punctuation marks and stretches of white space of `text`.
        """
        return PIECE.findall(text)
