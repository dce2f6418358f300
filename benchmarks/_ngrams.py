r"""
# Counting Trigrams

The models of [the baselines](ngrams.html). Each is made from the trigrams of a training text, and
called with other trigrams gives the probability of each last token after the two before it.

* The *unigram* is the share of a token in the training text.
* The *add-k trigram* has $(c(hw) + k) / (c(h) + k V)$.
* *Kneser-Ney* takes a discount $D$ off each count and gives it to a shorter history,

$$p(w \mid h) = \frac{\max(c(hw) - D, 0)}{c(h)} + \frac{D \, t(h)}{c(h)} \, p(w \mid h')$$

| symbol | code | meaning |
|---|---|---|
| $V$ | `n_tokens` | size of the vocabulary |
| $h$, $h'$ | `key // n_tokens` | the history, and the same without its first token |
| $c(hw)$ | `counts` | how often it occurs; below the trigram, after how many different tokens |
| $c(h)$ | `totals` | the sum of $c(hw)$ over all $w$; where it is zero, $p(w \mid h')$ is taken |
| $t(h)$ | | the number of different tokens that follow $h$ |
| $D$ | `taken` | $n_1 / (n_1 + 2 n_2)$, of the numbers $n_c$ of grams with the count $c$ |

Each order has a discount of its own. Below the unigram stands the uniform distribution over the
vocabulary, so that no token of it has probability zero. The *modified* form, from [An empirical
study of smoothing techniques for language modeling](https://doi.org/10.1006/csla.1999.0128), has
three discounts an order, $c - (c + 1) D n_{c+1} / n_c$ for counts $c$ of 1, 2, and 3 or more.
"""

from collections.abc import Callable

import numpy as np

# Ids of the first two tokens of a vocabulary: unknown words, and the end of a line
UNKNOWN_TOKEN, END_TOKEN = 0, 1
# What may be added to each count
KS = np.logspace(-5, 0, 51)


def trigrams(ids: np.ndarray, n_tokens: int) -> np.ndarray:
    """
    One number for each token and the two before it, whose digits to the base `n_tokens` they are

    Two ends of lines stand before the text, so that its first token has a history too.
    """
    stream = np.concatenate([[END_TOKEN, END_TOKEN], ids])
    return (stream[:-2] * n_tokens + stream[1:-1]) * n_tokens + stream[2:]


def look_up(keys: np.ndarray, values: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """The values of sorted keys, and zero for keys that are not there"""
    place = np.searchsorted(keys, asked).clip(max=len(keys) - 1)
    return np.where(keys[place] == asked, values[place], 0)


class Unigram:
    """What ignores the history"""

    def __init__(self, keys: np.ndarray, n_tokens: int):
        """Count the trigrams of the training text."""
        self.n_tokens = n_tokens
        self.shares = np.bincount(keys % n_tokens, minlength=n_tokens) / len(keys)

    def __call__(self, asked: np.ndarray) -> np.ndarray:
        """The share of the last token"""
        return self.shares[asked % self.n_tokens]


class AddK:
    """As if each token had been seen another k times after each history"""

    def __init__(self, keys: np.ndarray, n_tokens: int, k: float):
        """Count the trigrams of the training text."""
        self.n_tokens, self.k = n_tokens, k
        self.grams = np.unique(keys, return_counts=True)
        self.histories = np.unique(keys // n_tokens, return_counts=True)

    def __call__(self, asked: np.ndarray) -> np.ndarray:
        """The share of the last token after its history"""
        count = look_up(*self.grams, asked)
        total = look_up(*self.histories, asked // self.n_tokens)
        return (count + self.k) / (total + self.k * self.n_tokens)


def best_k(keys: np.ndarray, n_tokens: int) -> float:
    """That of the counts of nine tenths of the training text for the last tenth"""
    cut = len(keys) * 9 // 10
    scores = [perplexity(AddK(keys[:cut], n_tokens, k)(keys[cut:])) for k in KS]
    return float(KS[np.argmin(scores)])


def discounts(counts: np.ndarray, is_modified: bool) -> np.ndarray:
    """What is taken off counts of 0, 1, 2, and 3 or more"""
    n = [int((counts == count).sum()) for count in (1, 2, 3, 4)]
    # Where a text is so small, or so regular, that it does not tell: half of a count.
    one = n[0] / (n[0] + 2 * n[1]) if n[0] and n[1] else 0.5
    if not is_modified or not all(n):
        return np.array([0, one, one, one])
    three = [count - (count + 1) * one * n[count] / n[count - 1] for count in (1, 2, 3)]
    # Nobody can give more than there is.
    return np.array([0, *np.clip(three, 0, (1, 2, 3))])


class KneserNey:
    """The equation of the page, from short histories to long ones"""

    def __init__(self, keys: np.ndarray, n_tokens: int, is_modified: bool = False):
        """Count the trigrams of the training text."""
        self.n_tokens, self.orders = n_tokens, []
        grams, counts = np.unique(keys, return_counts=True)
        for size in (n_tokens**2, n_tokens, 1):
            taken = discounts(counts, is_modified)[counts.clip(max=3)]
            histories, owner = np.unique(grams // n_tokens, return_inverse=True)
            totals, given = np.bincount(owner, counts), np.bincount(owner, taken)
            self.orders.insert(0, (grams, counts - taken, histories, totals, given / totals))
            # A shorter gram counts once for each different token before it: how often it occurs
            # says less about where it fits in than how many places it has fitted into.
            grams, counts = np.unique(grams % size, return_counts=True)

    def __call__(self, asked: np.ndarray) -> np.ndarray:
        """Each order corrects the one below it."""
        p = np.full(asked.shape, 1 / self.n_tokens)
        for order, (grams, left, histories, totals, shares) in enumerate(self.orders, 1):
            key = asked % self.n_tokens**order
            total = look_up(histories, totals, key // self.n_tokens)
            share = look_up(histories, shares, key // self.n_tokens)
            longer = look_up(grams, left, key) / total.clip(min=1) + share * p
            p = np.where(total > 0, longer, p)
        return p


def perplexity(p: np.ndarray) -> float:
    """Of the probabilities of all tokens"""
    with np.errstate(divide="ignore"):
        return float(np.exp(-np.log(p, dtype=np.float64).mean()))


def off_one(model: Callable, histories: np.ndarray, n_tokens: int) -> float:
    """How far the sum of the probabilities after a history is from one, at worst"""
    sums = model(histories[:, None] * n_tokens + np.arange(n_tokens)).sum(axis=1)
    return float(np.abs(sums - 1).max())
