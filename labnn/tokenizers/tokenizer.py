r"""
# Tokenizer

A model reads numbers. A tokenizer cuts text into pieces and numbers the kinds of pieces, so that a
text becomes a sequence of ids, and a sequence of ids becomes text again. The number of a piece is
its place in `tokens`.

Only the cutting differs from tokenizer to tokenizer, so a new one is a class with a method `split`.
The pieces, joined, are the normal form $N(s)$ of the text, and everything else relies on

$$\begin{aligned}
\operatorname{decode}(\operatorname{encode}(s)) &= N(s) \\
N(N(s)) &= N(s)
\end{aligned}$$

for every text $s$ whose pieces are all known.

| symbol | code | meaning |
|---|---|---|
| $s$ | `text` | any string, the empty one included |
| $N(s)$ | `"".join(split(text))` | what is kept of the text |
| $\operatorname{encode}(s)$ | `ids` | the place of each piece of $s$ in `tokens` |

**The normal form** is the text itself, $N(s) = s$, for a tokenizer that loses nothing, which is the
rule. One that sets white space or case aside says so on its page. A normal form is cut into the
same pieces as the text that it came from, so decoded text can be encoded again, and text that is
pieced together from tokens reads as the text does.

**Pieces that are not known** are never dropped: prompt and answer would no longer stand side by
side. They become the id of the tokenizer's own unknown token if it has one, or the id that the
caller names; without either they are an error that says what they are and where.

**Special tokens** such as `[PAD]` and `[MASK]` are no part of text, so no tokenizer has them. An
experiment that needs them appends ids from `n_tokens` on.

Four cuts follow: [characters](character.html), [words](word.html), for text that is cut up already
what stands [between white space](whitespace.html), and [parts of words](subword.html). The two that
give whole words have a [vocabulary](vocabulary.html) in common.
"""

from collections.abc import Iterable, Sequence

import numpy as np


class UnknownToken(ValueError):
    """
    ## UnknownToken

    Raised for text with pieces that the vocabulary does not have. `unknown` holds them all, each
    with the place of its first character in the text.
    """

    def __init__(self, unknown: list[tuple[int, str]], n_tokens: int):
        """
        * `unknown` is a list of places and pieces
        * `n_tokens` is the size of the vocabulary
        """
        self.unknown = unknown
        named = ", ".join(f"{piece[:20]!r} at {place}" for place, piece in unknown[:3])
        more = f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
        super().__init__(
            f"not in the vocabulary of {n_tokens} tokens: {named}{more}; take them out of the "
            "text, or give encode() an id for them, unknown=ID"
        )


class Tokenizer:
    """
    ## Tokenizer

    Everything but the cut. A subclass defines `split`. It may choose the name that it is saved
    under:

    ```python
    class Lines(Tokenizer, type="lines"):
        def split(self, text):
            return text.splitlines(True)
    ```

    Otherwise its module and class are the name, so that what one class saved is never read by
    another.
    """

    # Every subclass under its name, so that a saved tokenizer finds its class again.
    types: dict[str, type["Tokenizer"]] = {}
    type = ""

    def __init_subclass__(cls, type: str | None = "", **others):
        """
        Python calls this when a subclass is defined.

        * `type` is the name in saved data; `None` is for a class that others are made from
        """
        super().__init_subclass__(**others)
        if type is None:
            return
        cls.type = type or f"{cls.__module__}:{cls.__qualname__}"
        Tokenizer.types[cls.type] = cls

    def __init__(self, tokens: Sequence[str], unknown_token: int | None = None):
        """
        * `tokens` are the known pieces; the place of each is its id
        * `unknown_token` is the id that stands for all other pieces, if there is one
        """
        self.tokens = tuple(tokens)
        self.n_tokens = len(self.tokens)
        self.unknown_token = unknown_token
        self.ids = {token: number for number, token in enumerate(self.tokens)}

        if not self.tokens:
            raise ValueError("a tokenizer needs at least one token: the text has none, or is empty")
        if len(self.ids) < self.n_tokens:
            token = next(t for number, t in enumerate(self.tokens) if self.ids[t] != number)
            raise ValueError(f"the token {token!r} is there twice: every token needs its own id")
        if unknown_token is not None and not 0 <= unknown_token < self.n_tokens:
            raise ValueError(
                f"unknown_token={unknown_token} is no id: there are {self.n_tokens} tokens"
            )

    def split(self, text: str) -> list[str]:
        """
        The pieces of `text`, in order. Joined they are the normal form of `text`.
        """
        raise NotImplementedError(f"{type(self).__name__} has to define split")

    def look_up(self, text: str) -> np.ndarray:
        r"""
        The id of each piece, and $-1$ where there is none.

        * returns shape `[n_pieces]`
        """
        pieces = self.split(text)
        return np.fromiter((self.ids.get(piece, -1) for piece in pieces), np.int64, len(pieces))

    def unknown(self, text: str) -> list[tuple[int, str]]:
        """
        The pieces of `text` that have no id, each with the place of its first character. A
        tokenizer whose pieces are not as long as what they were cut from counts for itself.
        """
        found, place = [], 0
        for piece in self.split(text):
            if piece not in self.ids:
                found.append((place, piece))
            place += len(piece)
        return found

    def encode(self, text: str, *, unknown: int | None = None) -> np.ndarray:
        """
        From text to ids.

        * `text` is any string
        * `unknown` is an id for the pieces that are not known, instead of `unknown_token`
        * returns shape `[n_pieces]`
        """
        if unknown is None:
            unknown = self.unknown_token

        ids = self.look_up(text)
        missing = ids < 0
        if missing.any():
            if unknown is None:
                raise UnknownToken(self.unknown(text), self.n_tokens)
            ids[missing] = unknown
        return ids

    def decode(self, ids: Iterable[int]) -> str:
        """
        From ids to text.

        * `ids` is one sequence of ids: a list, an array or a tensor
        """
        if getattr(ids, "ndim", 1) != 1:
            raise ValueError(f"ids has {ids.ndim} axes: decode one sequence at a time")
        # The elements of a tensor are tensors, whose look-up would be slow.
        numbers = ids.tolist() if hasattr(ids, "tolist") else list(ids)
        # Python takes -1 for the last token, which would turn a mistake into text.
        for number in numbers and (min(numbers), max(numbers)):
            if not 0 <= number < self.n_tokens:
                raise ValueError(f"no token has the id {number}: there are {self.n_tokens} tokens")
        return self.join(numbers)

    def join(self, numbers: list[int]) -> str:
        """
        The text of ids that all have a token.
        """
        return "".join([self.tokens[number] for number in numbers])

    def to_dict(self) -> dict:
        """
        Plain data for a JSON file. Leave the escapes of `json.dump` on: text that was read with
        errors may hold half characters, which UTF-8 cannot. A subclass with more to save adds to
        it, and reads it in `restore`.
        """
        return {
            "type": self.type,
            "tokens": list(self.tokens),
            "unknown_token": self.unknown_token,
        }

    @staticmethod
    def from_dict(data: dict) -> "Tokenizer":
        """
        The tokenizer that `to_dict` described, of the class that it had.
        """
        missing = {"type", "tokens"} - data.keys()
        if missing:
            raise ValueError(f"no tokenizer: {sorted(missing)} is missing from the saved data")
        if data["type"] not in Tokenizer.types:
            raise ValueError(
                f"no tokenizer has the type {data['type']!r}: there are "
                f"{', '.join(sorted(Tokenizer.types))}; import the module that defines it first"
            )
        return Tokenizer.types[data["type"]].restore(data)

    @classmethod
    def restore(cls, data: dict) -> "Tokenizer":
        """
        The tokenizer of this class that `to_dict` described.

        * `data` has the type and the tokens; nothing else was looked at
        """
        return cls(data["tokens"], data.get("unknown_token"))
