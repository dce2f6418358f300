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
other. The end of a line, 1, is a line end, which no word can clash with. Then come the words of the
[vocabulary](vocabulary.html), the most frequent ones first. Each token has its count in the
training text, and the text may be lowered.
"""

import re
from collections.abc import Sequence

from labnn.tokenizers.vocabulary import UNKNOWN, WordVocabulary

# What counts as white space is the same as for `str.split`.
WORD = re.compile(r"\n|\S+")
# How texts write the unknown word
MARKERS = ("<unk>", UNKNOWN)
END_OF_LINE = "\n"
SPECIAL = (f" {UNKNOWN}", END_OF_LINE)
# What is no word. Lowering turns `[UNK]` into `[unk]`, which must not become a word: the markers go
# the way of the text, so they are found after it as before.
NAMED = {END_OF_LINE: END_OF_LINE, **dict.fromkeys(MARKERS, SPECIAL[0])}
NAMED_LOWER = {piece.lower(): token for piece, token in NAMED.items()}


class WhitespaceTokenizer(WordVocabulary, type="whitespace"):
    """
    ## WhitespaceTokenizer

    One token per word and per line end, for text that is cut up already.
    """

    pattern = WORD
    before = SPECIAL
    unknown_piece = SPECIAL[0]
    unit = "words"

    def __init__(
        self,
        tokens: Sequence[str],
        unknown_token: int | None = 0,
        *,
        counts: Sequence[int] | None = None,
        is_lower: bool = False,
    ):
        """
        * `tokens` are the two special ones and the words; the place of each is its id
        * `unknown_token` is 0, which no file needs to say
        * `counts` has a number for each token, or is left out where they are not known
        * `is_lower` is true where text has to be lowered
        """
        super().__init__(tokens, unknown_token, counts=counts, is_lower=is_lower)
        self.end_of_line_token = 1
        if self.tokens[:2] != SPECIAL or unknown_token != 0:
            raise ValueError(
                f"the tokens begin with {list(self.tokens[:2])} and have to begin with "
                f"{list(SPECIAL)}, of which the first, 0, is unknown_token={unknown_token}"
            )

    @classmethod
    def cut(cls, text: str, *, is_lower: bool = False) -> list[str]:
        """
        The words of `text`, each with a space before it, and its line ends.

        * `text` is any string
        * `is_lower` is true for a text in lower case
        """
        named = NAMED_LOWER if is_lower else NAMED
        return [named.get(word) or f" {word}" for word in super().cut(text, is_lower=is_lower)]
