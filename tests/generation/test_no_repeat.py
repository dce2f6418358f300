"""N-grams that may occur only once."""

import math

import pytest
import torch

from labnn.generation import decode, greedy, no_repeat_ngrams
from tests.generation.models import Recurrent

N_TOKENS = 7


def banned(text, ngram_size, padding=0):
    """Which tokens may not follow a text, with some padding before it"""
    ids = torch.tensor([3] * padding + text).unsqueeze(-1)
    lengths = torch.tensor([len(text)])
    logits = no_repeat_ngrams(torch.zeros(1, N_TOKENS), ids, lengths, ngram_size=ngram_size)
    return set(logits[0].isneginf().nonzero().flatten().tolist())


def slowly(text, ngram_size):
    """The same by the definition: append each token, and look for an n-gram that is there twice."""
    found = set()
    for token in range(N_TOKENS):
        longer = text + [token]
        ngrams = [tuple(longer[i : i + ngram_size]) for i in range(len(longer) - ngram_size + 1)]
        if ngrams and ngrams[-1] in ngrams[:-1]:
            found.add(token)
    return found


@pytest.mark.parametrize(
    "text, ngram_size, expected",
    [
        # 5 6 is there, and 5 stands at the end.
        ([5, 6, 2, 5], 2, {6}),
        # 1 2 was followed by 3 and by 4.
        ([1, 2, 3, 1, 2, 4, 1, 2], 3, {3, 4}),
        # One token after itself
        ([2, 2], 2, {2}),
        # No token may come twice.
        ([4, 0, 4], 1, {4, 0}),
        # Too short for any
        ([4, 4], 3, set()),
        ([4], 5, set()),
    ],
)
def test_by_hand(text, ngram_size, expected):
    assert banned(text, ngram_size) == expected == slowly(text, ngram_size)


@pytest.mark.parametrize("ngram_size", [1, 2, 3, 5])
@pytest.mark.parametrize("padding", [0, 1, 4])
def test_equals_the_definition_whatever_padding_stands_before_it(ngram_size, padding):
    for length in range(1, 23):
        # Few different tokens, the padding among them, so that much comes twice
        text = torch.randint(2, 5, (length,)).tolist()
        assert banned(text, ngram_size, padding) == slowly(text, ngram_size)


def test_other_logits_and_the_argument_stay():
    logits = torch.randn(1, N_TOKENS)
    before = logits.clone()
    after = no_repeat_ngrams(logits, torch.tensor([[5], [6], [5]]), ngram_size=2)
    assert after[0, 6] == -math.inf and torch.equal(logits, before)
    assert torch.equal(after[0, :6], before[0, :6])
    assert no_repeat_ngrams(logits, torch.tensor([[5]]), ngram_size=None) is logits


def test_a_size_below_1_is_refused():
    with pytest.raises(ValueError, match="ngram_size is 0"):
        no_repeat_ngrams(torch.zeros(1, 2), torch.tensor([[1]]), ngram_size=0)


def test_what_is_written_has_no_ngram_twice():
    ids = torch.tensor([[1, 2], [3, 5]])
    options = dict(n_new_tokens=31)
    model = Recurrent()
    # Without the rule it goes round in circles.
    for ngram_size, is_free in ((None, False), (2, True)):
        new = list(decode(model.step, ids, greedy, no_repeat_ngram_size=ngram_size, **options))
        for text in torch.cat([ids, torch.stack(new)]).T.tolist():
            pairs = list(zip(text, text[1:], strict=False))
            assert (len(set(pairs)) == len(pairs)) == is_free


@pytest.mark.slow
@pytest.mark.parametrize("ngram_size", [1, 2, 3])
def test_equals_transformers(transformers, ngram_size):
    rule = transformers.NoRepeatNGramLogitsProcessor(ngram_size)
    for length in range(1, 17):
        ids = torch.randint(0, 3, (length, 5))
        logits = torch.randn(5, N_TOKENS)
        ours = no_repeat_ngrams(logits, ids, ngram_size=ngram_size)
        assert torch.equal(ours, rule(ids.T, logits.clone()))
