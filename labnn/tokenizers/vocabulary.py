r"""
# Vocabulary of Words

Two tokenizers have words as tokens: the [word tokenizer](word.html) cuts any text, the
[whitespace tokenizer](whitespace.html) reads text that is cut up already. They cut in their own
ways, and everything behind the cut is the same and is here. A vocabulary $V$ are the pieces that
occur often enough in the training text, and as many of them as there is room for,

$$V = S \cup \operatorname{top}_{m - |S|} \{ w : c(w) \ge c_{\min} \}$$

| symbol | code | meaning |
|---|---|---|
| $c(w)$ | `counts` | how often the piece $w$ occurs in the training text |
| $c_{\min}$ | `min_count` | how often a piece has to occur |
| $m$ | `max_size` | the largest number of tokens, the special ones included |
| $S$ | `before`, `behind` | the special tokens, the unknown one among them |

**The order** is that of frequency, and of the characters where frequencies are equal, so that the
ids depend on the text alone, and not on the order that words were met in.

**One set of special tokens.** `[UNK]` stands for each piece that is not kept, and there is no
second token for the same thing. Since rare words are read as `[UNK]` in training, it is seen there
in about the places where unknown words will stand later; a token that is never seen would keep its
random embedding.

**Counts** are kept with the tokens. They are those of the training text as it is encoded, unknown
pieces included, so that their sum is its length: whoever wants frequencies, for a unigram model or
a loss that samples, need not count again.

**Lower case.** With `is_lower` a text is lowered whenever it is cut, when pieces are counted and
when a prompt is read alike. A vocabulary of lowered words beside text that is not would lose every
capitalized word. The normal form of a text is then in lower case.

**Training text only** belongs into `from_text`. Words that occur only where the model is judged
must be unknown to it, or the score says nothing about other text. How many they are is told by
[`unknown_words`](#WordVocabulary.unknown_words), since a score leaves it open: what was replaced by
`[UNK]` is easier to predict than the words that stood there.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from labnn.tokenizers.tokenizer import Tokenizer

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


@dataclass(frozen=True)
class UnknownWords:
    """
    ## UnknownWords

    How much of a text the vocabulary lacks. Of `n_words` words `n_unknown` are read as the unknown
    token, and `n_marked` of these are so marked in the text itself; `frequent` has the others, each
    with its count, the most frequent ones first. Line ends that are tokens are no words.
    """

    n_words: int
    n_unknown: int
    n_marked: int = 0
    frequent: list[tuple[str, int]] = field(default_factory=list)

    @property
    def share(self) -> float:
        """
        The part of the words that is unknown, from 0 to 1; 0 for a text without words.
        """
        return self.n_unknown / max(self.n_words, 1)


class WordVocabulary(Tokenizer, type=None):
    """
    ## WordVocabulary

    Everything but the cut. A subclass has a `pattern` that finds the pieces of a text, and says
    which special tokens stand before and behind the words. Runs keep the ids that they had, so each
    has the places that it always had.
    """

    pattern: re.Pattern
    before: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()
    # The one of them that stands for unknown pieces
    unknown_piece = UNKNOWN
    # What pieces are called where they are counted
    unit = "tokens"

    def __init__(
        self,
        tokens: Sequence[str],
        unknown_token: int | None = None,
        *,
        counts: Sequence[int] | None = None,
        is_lower: bool = False,
    ):
        """
        * `tokens` are the words and the special tokens; the place of each is its id
        * `unknown_token` is the id of the token for unknown pieces
        * `counts` has a number for each token, or is left out where they are not known
        * `is_lower` is true where text has to be lowered
        """
        super().__init__(tokens, unknown_token)
        self.is_lower = is_lower
        self.counts = None if counts is None else tuple(counts)

        if is_lower not in (True, False):
            raise ValueError(f"is_lower={is_lower!r} has to be true or false")
        special = {*self.before, *self.behind}
        for number, token in enumerate(self.tokens):
            if number == unknown_token or token in special:
                continue
            # For instance a word with a capital letter, where text is lowered
            if (again := self.split(token)) != [token]:
                there = ", ".join(map(repr, again)) or "nothing"
                raise ValueError(
                    f"the token {token!r} is never met: in its place the cut has {there}"
                )
        if self.counts is not None and len(self.counts) != self.n_tokens:
            raise ValueError(
                f"there are {len(self.counts)} counts for {self.n_tokens} tokens; give one for each"
            )
        for count in self.counts or ():
            if not isinstance(count, int) or count < 0:
                raise ValueError(f"the count {count!r} is no whole number from 0 on")

    @classmethod
    def cut(cls, text: str, *, is_lower: bool = False) -> list[str]:
        """
        The pieces of any text, without a vocabulary.

        * `text` is any string
        * `is_lower` is true for a text in lower case
        """
        return cls.pattern.findall(text.lower() if is_lower else text)

    @classmethod
    def from_text(
        cls, *texts: str, min_count: int = 1, max_size: int | None = None, is_lower: bool = False
    ) -> "WordVocabulary":
        """
        * `texts` are the training texts, counted together
        * `min_count` is how often a piece must occur to be a token of its own
        * `max_size` is the largest number of tokens, the special ones included
        * `is_lower` is true for a tokenizer that lowers every text
        """
        occurring = Counter()
        for text in texts:
            occurring.update(cls.cut(text, is_lower=is_lower))

        # The special tokens have their places, however frequent they are.
        special = (*cls.before, *cls.behind)
        words = Counter({word: n for word, n in occurring.items() if word not in special})
        kept = most_frequent(words, min_count=min_count, max_size=max_size, n_special=len(special))
        tokens = (*cls.before, *kept, *cls.behind)
        # What is not kept will be read as the unknown token, so it counts as that.
        counts = [occurring[token] for token in tokens]
        unknown = tokens.index(cls.unknown_piece)
        counts[unknown] += occurring.total() - sum(counts)
        return cls(tokens, unknown, counts=counts, is_lower=is_lower)

    def split(self, text: str) -> list[str]:
        """
        The pieces of `text`, lowered if this tokenizer lowers.
        """
        return self.cut(text, is_lower=self.is_lower)

    def unknown(self, text: str) -> list[tuple[int, str]]:
        """
        The pieces of `text` that have no id, each with its place in the text as it was given. Those
        that the text itself marks as unknown have one.
        """
        # Lengths change where white space is dropped, and in a letter that is two when lowered, but
        # the cut is at the same places.
        places = [match.start() for match in self.pattern.finditer(text)]
        pairs = zip(places, self.split(text), strict=True)
        return [(place, piece) for place, piece in pairs if piece not in self.ids]

    def unknown_words(self, text: str, n_frequent: int = 5) -> UnknownWords:
        """
        How many words of `text` are unknown, and which of them most often.

        * `n_frequent` is the largest number of words that are named
        """
        # The count goes over kinds of words, which are few.
        occurring = Counter(self.split(text))
        special = {piece: occurring.pop(piece, 0) for piece in (*self.before, *self.behind)}
        n_marked = special.get(self.unknown_piece, 0)
        missing = Counter({word: n for word, n in occurring.items() if word not in self.ids})
        named = sorted(missing.items(), key=lambda pair: (-pair[1], pair[0]))
        return UnknownWords(
            n_words=occurring.total() + n_marked,
            n_unknown=missing.total() + n_marked,
            n_marked=n_marked,
            frequent=named[:n_frequent],
        )

    def to_dict(self) -> dict:
        """
        Plain data for a JSON file, with the counts and whether text is lowered.
        """
        counts = None if self.counts is None else list(self.counts)
        return {**super().to_dict(), "counts": counts, "is_lower": self.is_lower}

    @classmethod
    def restore(cls, data: dict) -> "WordVocabulary":
        """
        The tokenizer that `to_dict` described.

        * `data` has the type and the tokens; counts that are not there are not known, and text was
          not lowered before there was a choice
        """
        options = ("unknown_token", "counts", "is_lower")
        return cls(data["tokens"], **{name: data[name] for name in options if name in data})
