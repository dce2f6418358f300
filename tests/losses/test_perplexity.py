import math

import pytest
import torch

from labnn.losses import bits, cross_entropy, per_word, perplexity

SEQ_LEN, N_TOKENS = 11, 7


def test_by_hand():
    # A text of three tokens with probabilities 1/2, 1/4 and 1/8: six bits, two a token.
    nll = -math.log(1 / 2) - math.log(1 / 4) - math.log(1 / 8)
    assert bits(nll, 3) == pytest.approx(2)
    assert perplexity(nll, 3) == pytest.approx(4)
    # If the three tokens are one word, it has a probability of 1/64.
    assert per_word(nll, 1) == pytest.approx(64)


@pytest.mark.parametrize("nll, n", [(0.0, 1), (0.3, 7), (1234.5, 217), (5e6, 1_003_003)])
def test_both_bases_give_the_same_perplexity(nll, n):
    assert 2 ** bits(nll, n) == pytest.approx(perplexity(nll, n), rel=1e-12)
    assert perplexity(nll, n) == pytest.approx(math.exp(nll / n), rel=1e-15)


def test_guessing_among_the_vocabulary():
    loss, n = cross_entropy(torch.zeros(SEQ_LEN, N_TOKENS), torch.arange(SEQ_LEN) % N_TOKENS)
    assert perplexity(loss, n) == pytest.approx(N_TOKENS, rel=1e-6)
    assert bits(loss, n) == pytest.approx(math.log2(N_TOKENS), rel=1e-6)


def test_certainty_is_one_choice():
    assert perplexity(0.0, 5) == 1 and bits(0.0, 5) == 0
    # The probability of a certain token is rounded.
    assert perplexity(-1e-7, 5) == pytest.approx(1)


def test_perplexity_is_the_geometric_mean_of_one_over_p():
    p = torch.rand(SEQ_LEN, dtype=torch.float64) + 0.1
    expected = (1 / p).prod() ** (1 / SEQ_LEN)
    assert perplexity(-p.log().sum(), SEQ_LEN) == pytest.approx(expected.item())


def test_a_mean_of_means_is_another_number():
    # A full batch and a last one with a single, hard token
    batches = [(97 * 2.0, 97), (1 * 8.0, 1)]
    right = perplexity(sum(nll for nll, _ in batches), sum(n for _, n in batches))
    assert right == pytest.approx(math.exp((97 * 2 + 8) / 98))

    of_means = math.exp(sum(nll / n for nll, n in batches) / len(batches))
    assert of_means == pytest.approx(math.exp(5)) and of_means > 18 * right
    # And so is a mean of perplexities, even one that weighs them by the tokens.
    of_perplexities = sum(n * perplexity(nll, n) for nll, n in batches) / 98
    assert of_perplexities > 4 * right


def test_batches_of_any_size_have_the_perplexity_of_the_text():
    logits, targets = torch.randn(SEQ_LEN, N_TOKENS).double(), torch.randint(N_TOKENS, (SEQ_LEN,))
    whole = perplexity(*cross_entropy(logits, targets))
    for size in (1, 3, 5, SEQ_LEN):
        parts = [
            cross_entropy(z, t)
            for z, t in zip(logits.split(size), targets.split(size), strict=True)
        ]
        nll, n = (sum(part) for part in zip(*parts, strict=True))
        assert perplexity(nll, n) == pytest.approx(whole, rel=1e-13)


def test_a_word_is_the_product_of_its_pieces():
    # 23 words of 1 to 3 pieces: the same text, the same sum
    n_words, n = 23, 41
    nll = 123.4
    assert per_word(nll, n_words) == pytest.approx(perplexity(nll, n) ** (n / n_words))
    assert per_word(nll, n_words) > perplexity(nll, n)
    # Words that are not cut have one perplexity.
    assert per_word(nll, n) == perplexity(nll, n)
    # The example of the page
    assert per_word(2 * 7 * math.log(10), 7) == pytest.approx(100)


def test_tensors_and_numbers_give_floats():
    nll, n = torch.tensor(6.0, requires_grad=True), torch.tensor(3)
    for function in (perplexity, bits, per_word):
        assert type(function(nll, n)) is float and function(nll, n) == function(6.0, 3)


def test_what_is_too_large_is_infinite():
    assert perplexity(1e6, 1) == per_word(1e6, 1) == perplexity(math.inf, 1) == math.inf
    assert bits(1e6, 1) == pytest.approx(1e6 / math.log(2)) and bits(math.inf, 1) == math.inf
    assert math.isnan(perplexity(math.nan, 1))
    # The largest float is about e to the 709.78.
    assert perplexity(709, 1) < math.inf


@pytest.mark.parametrize("function", [perplexity, bits, per_word])
def test_what_has_no_mean_is_refused_in_one_line(function):
    for nll, n, message in (
        (0.0, 0, "over 0 tokens or words"),
        (torch.tensor(0.0), torch.tensor(0), "over 0 tokens"),
        (1.0, -3, "over -3 tokens"),
        (1.0, math.nan, "over nan tokens"),
        (1.0, math.inf, "over inf tokens"),
        (-12.5, 5, "sum of -log p is -12.5, but it is never below zero"),
    ):
        with pytest.raises(ValueError, match=message) as error:
            function(nll, n)
        assert "\n" not in str(error.value)
