r"""
# Subword Tokenizer

With [characters](character.html) sequences are long, and with [words](word.html) what was never
seen cannot be written. Subwords lie between: frequent words are one token, rare ones are put
together from parts. The [training](subword_training.html) learns the parts from text.

**The smallest parts are bytes.** Any text is bytes of UTF-8, so nothing is unknown, nothing has to
be normalized, and what is decoded is the text, each space and emoji of it.

But beyond ASCII a character is two to four bytes, and a token may begin or end inside one. A byte
alone has no text, and `tokens` shows it as `\xf0`. Pieces have to be text, and joined they have to
be the whole, so each piece has the characters that begin in its token:

$$\text{piece}_i = s_{n_{i-1}} \dots s_{n_i - 1}
\qquad
n_i = \sum_{j=1}^{i} \left| \{ c : c \text{ begins in } t_j \} \right|$$

| symbol | code | meaning |
|---|---|---|
| $s_k$ | `text` | a character, counted from 0 |
| $t_j$ | `look_up(text)` | the token at a place of the text |
| $n_i$ | `ends` | how many characters begin in the first $i$ tokens; $n_0 = 0$ |

A piece that continues a character is empty, and the emoji stands where it begins. For tokens of
whole characters, which in English are nearly all, piece and token show the same.

**Perplexities per token of two tokenizers cannot be compared.** The same text is fewer tokens for
the one, and each of them is harder to predict. Divide the summed loss of the text by its number of
words, which is the same for both.
"""

import json
from itertools import pairwise

import numpy as np

from labnn.tokenizers.subword_training import (
    HALVES,
    KINDS,
    LETTERS,
    count_words,
    in_parts,
    library,
)
from labnn.tokenizers.tokenizer import Tokenizer


class SubwordTokenizer(Tokenizer, type="subword"):
    """
    ## SubwordTokenizer

    Words, parts of words and bytes. There is no unknown token, since no text needs one.
    """

    def __init__(self, saved: dict):
        """
        * `saved` is what the library saves of a tokenizer, as plain data
        """
        read = library().Tokenizer.from_str
        try:
            self.cutter = read(json.dumps(saved))
            places = self.cutter.get_vocab()
            pieces = sorted(places, key=places.get)
            self.token_bytes = [bytes(LETTERS[letter] for letter in piece) for piece in pieces]
        # The library raises nothing more specific.
        except Exception as e:
            raise ValueError(
                f"this is no byte-level tokenizer of the package tokenizers: {e}; give the JSON "
                "that it saved"
            ) from None

        alone = [(token[0], at) for at, token in enumerate(self.token_bytes) if len(token) == 1]
        self.of_byte = dict(alone)
        if len(alone) < 256 or max(places.values()) >= len(pieces):
            raise ValueError(
                f"{len(pieces)} tokens, {len(alone)} of them bytes, have ids up to "
                f"{max(places.values())}; train a tokenizer with all 256 bytes and no gaps"
            )
        # How many characters begin in each token: in UTF-8 a byte that continues one has the bits
        # `10` in front.
        starts = [sum(byte & 0xC0 != 0x80 for byte in token) for token in self.token_bytes]
        self.n_starts = np.array(starts)

        # No text clashes with `\xf0`: the cut into words parts the backslash from the letter.
        super().__init__([token.decode("utf-8", "backslashreplace") for token in self.token_bytes])

    @classmethod
    def from_text(cls, *texts: str, kind: str = "bpe", n_tokens: int = 8192) -> "SubwordTokenizer":
        """
        * `texts` are counted together
        * `kind` is `bpe` or `unigram`
        * `n_tokens` is the largest number of tokens, bytes included; a short text gives fewer
        """
        if kind not in KINDS:
            raise ValueError(f"kind={kind!r} is no subword tokenizer: choose {' or '.join(KINDS)}")
        if n_tokens < len(LETTERS):
            raise ValueError(
                f"n_tokens={n_tokens} is too small: each of the 256 bytes is a token; give more"
            )
        words = count_words(*texts)
        if not words:
            raise ValueError("the text for the subword tokenizer is empty: there is nothing to cut")
        return cls(KINDS[kind](words, n_tokens))

    def look_up(self, text: str) -> np.ndarray:
        """
        * returns shape `[n_pieces]`
        """
        ids = []
        for part in HALVES.split(text):
            if HALVES.match(part):
                ids += [self.of_byte[byte] for byte in part.encode("utf-8", "surrogatepass")]
                continue
            for piece in in_parts(part):
                # A batch leaves out where each token stood, which takes as long as the cut.
                ids += self.cutter.encode_batch_fast([piece])[0].ids
        return np.array(ids, np.int64)

    def split(self, text: str) -> list[str]:
        """
        The pieces of `text`, as many as ids. Joined they are `text` again: a piece has the
        characters that begin in its token, so it may be empty.
        """
        ends = self.n_starts[self.look_up(text)].cumsum().tolist()
        return [text[start:end] for start, end in pairwise([0, *ends])]

    def unknown(self, text: str) -> list[tuple[int, str]]:
        """
        Nothing: every text is made of bytes.
        """
        return []

    def join(self, numbers: list[int]) -> str:
        """
        The text of some ids. Bytes that are no characters, for instance the first half of one,
        become the replacement character, U+FFFD.
        """
        data = b"".join([self.token_bytes[number] for number in numbers])
        try:
            return data.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            return data.decode("utf-8", "replace")

    def to_dict(self) -> dict:
        """
        The tokens for who looks, and in `library` all that the library needs.
        """
        return {**super().to_dict(), "library": json.loads(self.cutter.to_str())}

    @classmethod
    def restore(cls, data: dict) -> "SubwordTokenizer":
        """
        * `data` comes from `to_dict`
        """
        restored = cls(data.get("library"))
        if [*restored.tokens] != [*data["tokens"]]:
            raise ValueError("the saved tokens are not those of the saved library data")
        return restored
