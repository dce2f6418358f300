r"""
# Character Tokenizer

Every character is a token. The vocabulary is as small as an alphabet and a model has to learn how
words are spelt before it learns anything else, which makes characters a good first task: hardly any
token is rare, so nearly all are seen often enough to be learnt.

Characters here are Unicode code points. The id of a character is its rank among those that occur,

$$\operatorname{id}(c) = |\{c' \in V : c' < c\}|$$

so that the same set of characters gives the same ids whatever order it was met in.

| symbol | code | meaning |
|---|---|---|
| $c$ | `codes` | a character, as the number that Unicode gives it |
| $V$ | `self.codes` | the characters of the vocabulary, in order |

A rank is found by bisection in all characters of a text at once, without a loop in Python.

A letter and an accent that are two code points, as in decomposed text, are two tokens. Nothing is
normalized, because the text could not be restored then.

There is no unknown token: a character that the corpus lacks is a mistake in the prompt far more
often than a wish, so [encode](tokenizer.html#Tokenizer.encode) reports it.
"""

from collections.abc import Sequence

import numpy as np

from labnn.tokenizers.tokenizer import Tokenizer


class CharacterTokenizer(Tokenizer, type="character"):
    """
    ## CharacterTokenizer

    One token per character. There are sixty-five in Tiny Shakespeare, and as many in the corpus
    that ships with labnn.
    """

    def __init__(self, tokens: Sequence[str], unknown_token: int | None = None):
        """
        * `tokens` are the characters; the place of each is its id
        * `unknown_token` is the id of a character that stands for all others, by default of none
        """
        super().__init__(tokens, unknown_token)
        for token in self.tokens:
            if len(token) != 1:
                raise ValueError(f"the token {token!r} is not one character")

        # Sorted once for the bisection; `order` leads back to the ids, should they be in another
        # order than the characters.
        codes = np.array([ord(token) for token in self.tokens])
        self.order = np.argsort(codes)
        self.codes = codes[self.order]

    @classmethod
    def from_text(cls, *texts: str) -> "CharacterTokenizer":
        """
        The tokenizer for all characters that occur in `texts`.
        """
        return cls(sorted(set().union(*texts)))

    def split(self, text: str) -> list[str]:
        """
        The characters of `text`.
        """
        return list(text)

    def look_up(self, text: str) -> np.ndarray:
        """
        The same ids as a look-up of each character by itself, without a loop.

        * returns shape `[n_pieces]`
        """
        # In UTF-32 each character takes four bytes, so that the bytes are the array. Half
        # characters (lone surrogates) have a code as well and may pass.
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")

        # $\operatorname{id}(c)$ if $c$ is in $V$. Otherwise it is the place where $c$ would have to
        # be inserted, which holds a greater character or lies behind the end.
        places = np.searchsorted(self.codes, codes)
        places = np.minimum(places, self.n_tokens - 1)
        return np.where(self.codes[places] == codes, self.order[places], -1)
