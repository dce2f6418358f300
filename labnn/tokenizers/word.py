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
that occurred less than `min_count` times, and so it is seen in training, in about the places where
unknown words will stand later; a token that is never seen would keep its random embedding.

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


class WordTokenizer(Tokenizer, type="word"):
    """
    ## WordTokenizer

    One token per word, punctuation mark or stretch of white space. No text can clash with `[UNK]`,
    since brackets are always cut off.
    """

    @classmethod
    def from_text(cls, *texts: str, min_count: int = 1) -> "WordTokenizer":
        """
        * `texts` are counted together
        * `min_count` is how often a piece must occur to be a token of its own
        """
        if min_count < 1:
            raise ValueError(f"min_count={min_count}: a piece that is kept occurs at least once")

        counts = Counter(piece for text in texts for piece in PIECE.findall(text))
        frequent = [piece for piece, count in counts.items() if count >= min_count]
        if not frequent:
            raise ValueError(f"no piece of the text occurs min_count={min_count} times")
        frequent.sort(key=lambda piece: (-counts[piece], piece))
        return cls([*frequent, UNKNOWN], unknown_token=len(frequent))

    def split(self, text: str) -> list[str]:
        """
        The words, punctuation marks and stretches of white space of `text`.
        """
        return PIECE.findall(text)
