r"""
# Baselines That Count

    python benchmarks/ngrams.py train=FILE valid=FILE [out=FILE.npz] [min_count=2] [blank_lines=1]
    python benchmarks/ngrams.py mix ngrams=FILE.npz model=FILE.npz
    python benchmarks/ngrams.py check

What a word-level language model has to beat: a unigram, an add-k trigram, and interpolated
Kneser-Ney trigrams, plain (one discount an order) and modified (three). [The models](_ngrams.html)
are on a page of their own.

**How fairness is kept.** They have the vocabulary and the tokens of the neural model: words between
white space and one end-of-line token a line, blank lines too unless `blank_lines=0`; words that
occur less than `min_count` times in the training text, and the text's own `<unk>`, are one unknown
token, which is scored as any other. The text is one stream, so a history reaches over the ends of
lines, as it does in the windows of a neural model. Perplexity is $e$ to the sum of $-\log p$ by the
number of tokens, line ends and unknown ones included. The last tenth of the training text chooses
$k$ for the counts of the rest; then all of it is counted. Nothing is chosen on the validation text.

`out` keeps `tokens`, the ids of the validation text, the `vocabulary`, and the probability of each
token by each model under its name: `unigram`, `add_k`, `kneser_ney`, `modified_kneser_ney`.

`mix` reads such a file and one of another model, with its `probabilities` of the same tokens in the
same order, and `tokens` in whatever numbering, to be compared. It mixes

$$\lambda \, p_{\text{model}} + (1 - \lambda) \, p_{\text{Kneser-Ney}}$$

and no weight is judged by what chose it: EM finds a $\lambda$ for each half of the text, and each
half is scored with that of the other. `check` compares with small cases that were worked out by
hand.
"""

import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from _ngrams import (
    END_TOKEN,
    UNKNOWN_TOKEN,
    AddK,
    KneserNey,
    Unigram,
    best_k,
    discounts,
    off_one,
    perplexity,
    trigrams,
)
from _sides import check_out, leave

# No word has a line feed in it, so no word can clash with the end of a line. The others are how
# texts write the unknown word.
END, UNKNOWN = "\n", ("<unk>", "[UNK]")
N_EM, N_HISTORIES = 300, 20
FILES = ("train", "valid", "ngrams", "model")


# Text


def words(path: str, has_blank: int) -> list[str]:
    """The words of a file, and its ends of lines"""
    with open(path, encoding="utf-8") as file:
        lines = (line for line in file if has_blank or line.strip())
        return [word for line in lines for word in re.findall(r"\n|\S+", line)]


def vocabulary_of(text: list[str], min_count: int) -> list[str]:
    """The unknown word, the end of a line, and frequent words first"""
    counts = Counter(text)
    frequent = [word for word, count in counts.items() if count >= min_count]
    frequent.sort(key=lambda word: (-counts[word], word))
    special = [UNKNOWN[0], END]
    return special + [word for word in frequent if word not in (END, *UNKNOWN)]


def encoded(text: list[str], vocabulary: list[str]) -> np.ndarray:
    """Ids of words"""
    ids = {word: number for number, word in enumerate(vocabulary)}
    return np.array([ids.get(word, UNKNOWN_TOKEN) for word in text], dtype=np.int64)


# Mixtures


def best_weight(p: np.ndarray, q: np.ndarray) -> float:
    """The share of `p` that makes a text most likely, by EM; there is only one maximum."""
    weight = 0.5
    for _ in range(N_EM):
        mine = weight * p
        weight = float((mine / (mine + (1 - weight) * q)).mean())
    return weight


def mixed(p: np.ndarray, q: np.ndarray) -> tuple[np.ndarray, list[float]]:
    """Each half with the weight of the other, and the weights that they were scored with"""
    middle = len(p) // 2
    halves = (slice(None, middle), slice(middle, None))
    weights = [best_weight(p[half], q[half]) for half in reversed(halves)]
    parts = [
        weight * p[half] + (1 - weight) * q[half]
        for half, weight in zip(halves, weights, strict=True)
    ]
    return np.concatenate(parts), weights


def is_same_text(ids: np.ndarray, others: np.ndarray) -> bool:
    """Whether two texts are the same but for the numbering of their tokens"""
    pairs = np.unique(np.stack([ids, others]), axis=1).shape[1]
    return pairs == len(np.unique(ids)) == len(np.unique(others))


def opened(path: str, *names: str) -> dict[str, np.ndarray]:
    """The arrays of a file, which has to have some"""
    try:
        found = dict(np.load(path))
    except (ValueError, TypeError, OSError, EOFError):
        leave(f"{path} cannot be read as a file of numpy's savez")
    for name in names:
        if name not in found:
            leave(f"{path} has no array {name!r}, only {', '.join(found)}")
    return found


def aligned(asked: dict[str, Any]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The probabilities of the model, and those of the counts for the same tokens"""
    counted = opened(asked["ngrams"], "tokens", "kneser_ney", "modified_kneser_ney")
    model = opened(asked["model"], "probabilities")
    tokens, p = counted["tokens"], model["probabilities"].astype(np.float64).ravel()
    # Nothing stands before the first token, and a model may not have been asked for it.
    if len(tokens) - len(p) not in (0, 1):
        leave(f"{asked['model']} has {len(p):,} probabilities for {len(tokens):,} tokens")
    if not (p.min() >= 0 and p.max() <= 1):
        leave(f"{asked['model']}: its probabilities run from {p.min()} to {p.max()}")
    tokens = tokens[-len(p) :]
    others = model.get("tokens", tokens).ravel()[-len(p) :]
    if "tokens" not in model:
        print(f"{asked['model']} has no tokens, so nobody knows whether they are the same")
    if len(others) < len(p) or not is_same_text(tokens, others):
        leave(f"the tokens of {asked['model']} are not those of {asked['ngrams']}")
    return p, {name: counted[name][-len(p) :] for name in ("kneser_ney", "modified_kneser_ney")}


# Modes


def settings(given: list[str], **defaults: Any) -> dict[str, Any]:
    """The words `name=value`, each as what its default is"""
    found = dict(defaults)
    for word in given:
        name, _, value = word.partition("=")
        is_number = isinstance(defaults.get(name), int)
        if name not in defaults or not value or (is_number and not value.isdigit()):
            leave(f"{word!r} is not understood; the options are {' '.join(defaults)}")
        found[name] = int(value) if is_number else value
    for name in FILES:
        if found.get(name) == "":
            leave(f"this needs a text or an array of yours: give {name}=FILE")
        if name in found and not Path(found[name]).is_file():
            leave(f"{name}={found[name]} is no file")
    return found


def count(asked: dict[str, Any]) -> None:
    """Print the table, and keep what each model says about each token."""
    if asked["out"]:
        check_out(asked["out"])
    train, valid = (words(asked[name], asked["blank_lines"]) for name in ("train", "valid"))
    vocabulary = vocabulary_of(train, asked["min_count"])
    n_tokens = len(vocabulary)
    tokens = encoded(valid, vocabulary)
    keys, judged = trigrams(encoded(train, vocabulary), n_tokens), trigrams(tokens, n_tokens)
    k = best_k(keys, n_tokens)
    models = {
        "unigram": Unigram(keys, n_tokens),
        "add_k": AddK(keys, n_tokens, k),
        "kneser_ney": KneserNey(keys, n_tokens),
        "modified_kneser_ney": KneserNey(keys, n_tokens, is_modified=True),
    }
    print(f"{len(train):,} tokens counted, {len(valid):,} scored, {n_tokens:,} in the vocabulary")
    unknown, ends = ((tokens == token).mean() for token in (UNKNOWN_TOKEN, END_TOKEN))
    print(f"scored: {unknown:.1%} unknown, {ends:.1%} ends of lines; k is {k:.4g}\n")
    histories, found = judged[:: len(judged) // N_HISTORIES + 1] // n_tokens, {}
    for name, model in models.items():
        found[name] = model(judged)
        print(f"{name.replace('_', ' '):24}{perplexity(found[name]):10.2f}", flush=True)
    worst = max(off_one(model, histories, n_tokens) for model in models.values())
    print(f"\nafter {len(histories)} histories the sums of all tokens are 1 within {worst:.0e}")
    if asked["out"]:
        np.savez_compressed(asked["out"], tokens=tokens, vocabulary=vocabulary, **found)


def mix(asked: dict[str, Any]) -> None:
    """Print what a model and the counts are worth alone and together."""
    p, counted = aligned(asked)
    print(f"{f'{len(p):,} tokens':34}{'first half':>12}{'second half':>13}{'all':>10}")

    def row(name: str, scored: np.ndarray) -> None:
        """Perplexities of the halves and of all"""
        middle = len(scored) // 2
        one, two = perplexity(scored[:middle]), perplexity(scored[middle:])
        print(f"{name:34}{one:12.2f}{two:13.2f}{perplexity(scored):10.2f}")

    row("model", p)
    for name, q in counted.items():
        both, weights = mixed(p, q)
        row(name.replace("_", " "), q)
        row("  and the model", both)
        print(f"{'  share of the model there':34}{weights[0]:12.3f}{weights[1]:13.3f}")


def check() -> None:
    """Compare with cases worked out by hand; an assertion tells the first that fails."""
    # The lines `a b`, `a b`, `a a`. With e for the end of a line, and e e before the text:
    #
    # eab, abe, bea twice, eea, eaa, aae once: D = 3/9. After different tokens: ea twice, ab, be,
    # aa, ae once: D = 4/6. And these: a, e twice, b once: D = 1/5, and 3/25 for all four tokens.
    # p(b) = (1 - 1/5)/5 + 3/25/4 = 19/100, p(b|a) = (1 - 2/3)/3 + 2/3 19/100 = 107/450,
    # p(b|ea) = (2 - 1/3)/3 + 2/9 107/450. The unknown has p = 3/100, after b 2/3 of it.
    u, e, a, b = UNKNOWN_TOKEN, END_TOKEN, 2, 3
    keys = trigrams(np.array([a, b, e, a, b, e, a, a, e]), 4)
    assert keys[:2].tolist() == [(e * 4 + e) * 4 + a, (e * 4 + a) * 4 + b]
    asked = np.array([(e * 4 + a) * 4 + b, (b * 4 + b) * 4 + u])
    assert np.allclose(KneserNey(keys, 4)(asked), [1232 / 2025, 1 / 50], rtol=1e-14)
    assert np.allclose(AddK(keys, 4, 0.5)(asked), [2.5 / 5, 0.5 / 2], rtol=1e-14)
    assert np.allclose(Unigram(keys, 4)(asked), [2 / 9, 0], rtol=1e-14)
    # Four counts of 1, two of 2, one of 3, one of 4. D = 4/8, and 1 - 2/4, 2 - 3/4, 3 - 4/2.
    assert discounts(np.array([1, 1, 1, 1, 2, 2, 3, 4]), True).tolist() == [0, 0.5, 1.25, 1]

    # All histories of 30 tokens, of which two never occur
    ids = np.random.default_rng(0).zipf(1.5, 2000).clip(max=27)
    keys, histories = trigrams(ids, 30), np.arange(30**2)
    for model in (KneserNey(keys, 30), KneserNey(keys, 30, is_modified=True), AddK(keys, 30, 0.01)):
        assert off_one(model, histories, 30) < 1e-12
        assert model(histories * 30 + 29).min() > 0
    counts = np.unique(keys, return_counts=True)[1]
    _, left, *_ = KneserNey(keys, 30, is_modified=True).orders[-1]
    for discount, chosen in enumerate((counts == 1, counts == 2, counts == counts.max()), 1):
        assert np.allclose((counts - left)[chosen], discounts(counts, True)[discount])

    # $2 \log((1 + x) / 2) + \log(1 - x)$ is largest at a third.
    assert abs(best_weight(np.array([1, 1, 0]), np.array([0.5, 0.5, 1])) - 1 / 3) < 1e-9
    assert abs(perplexity(np.array([1 / 2, 1 / 8])) - 4) < 1e-12
    # With weights of their own both halves would be at 1.
    both, weights = mixed(np.array([1, 0.5]), np.array([0.5, 1]))
    assert weights[0] < 0.01 and weights[1] > 0.99 and np.allclose(both, 0.5, atol=0.01)
    assert is_same_text(np.array([5, 5, 7]), np.array([0, 0, 2]))
    assert not is_same_text(np.array([5, 5, 7]), np.array([0, 1, 2]))
    assert not is_same_text(np.array([5, 6, 7]), np.array([0, 0, 2]))
    print("all as worked out by hand")


def main() -> None:
    """Do what the first word asks for."""
    given = sys.argv[1:]
    mode = given.pop(0) if given and "=" not in given[0] else "count"
    if mode == "count":
        count(settings(given, train="", valid="", out="", min_count=2, blank_lines=1))
    elif mode == "mix":
        mix(settings(given, ngrams="", model=""))
    elif mode == "check" and not given:
        check()
    else:
        leave(f"{' '.join([mode, *given])!r} is not understood; it is mix, check or name=value")


if __name__ == "__main__":
    main()
