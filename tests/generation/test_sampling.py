"""Temperature, top-k and top-p, by hand and against transformers."""

import math
from collections import Counter

import pytest
import torch

from labnn.generation import (
    Sampler,
    decode,
    greedy,
    keep_top_k,
    keep_top_p,
    make_generators,
    pad_left,
    with_temperature,
)
from tests.generation.models import GPT2, Recurrent

N_TOKENS, BATCH = 29, 11


def kept(logits):
    return logits[0].isfinite().nonzero().flatten().tolist()


def test_temperature_by_hand():
    # Odds of 1 to 9: at temperature 2 their roots, at 1/2 their squares.
    logits = torch.tensor([[1.0, 9.0]]).log()
    for temperature, odds in ((2, 3.0), (0.5, 81.0), (1, 9.0)):
        p = with_temperature(logits, temperature=temperature).softmax(dim=-1)
        torch.testing.assert_close(p[0, 1] / p[0, 0], torch.tensor(odds))


@pytest.mark.parametrize(
    "top_k, expected", [(1, [2]), (2, [0, 2]), (3, [0, 2, 3, 4]), (9, range(5))]
)
def test_top_k_by_hand(top_k, expected):
    # Tokens 3 and 4 are third alike, so both stay.
    logits = torch.tensor([[2.0, -1.0, 3.0, 1.0, 1.0]])
    assert kept(keep_top_k(logits, top_k=top_k)) == list(expected)


@pytest.mark.parametrize(
    "top_p, expected",
    # Of two that are alike the first stays.
    [(0.3, [1]), (0.5, [1]), (0.6, [1, 3]), (0.75, [1, 3]), (0.8, [0, 1, 3]), (1, [0, 1, 2, 3])],
)
def test_top_p_by_hand(top_p, expected):
    # Powers of two, so that sums are exact: 1/2 is enough for 0.5 and not for 0.6.
    logits = torch.tensor([[0.125, 0.5, 0.125, 0.25]]).log()
    assert kept(keep_top_p(logits, top_p=top_p)) == expected


def test_top_p_keeps_the_fewest_tokens_that_have_enough():
    logits = torch.randn(1, N_TOKENS, dtype=torch.float64) * 3
    p = logits.softmax(dim=-1)[0]
    for top_p in (1e-9, 0.1, 0.5, 0.9, 0.99):
        inside = kept(keep_top_p(logits, top_p=top_p))
        assert p[inside].sum() >= top_p
        assert p[inside].sum() - p[inside].min() < top_p
        # They are the best ones.
        assert sorted(p.topk(len(inside)).indices.tolist()) == inside


def test_values_that_stay_are_untouched_and_the_argument_too():
    logits = torch.randn(BATCH, N_TOKENS)
    before = logits.clone()
    for after in (keep_top_k(logits, top_k=5), keep_top_p(logits, top_p=0.7)):
        assert torch.equal(after[after.isfinite()], before[after.isfinite()])
    assert torch.equal(logits, before)


def test_one_token_or_a_low_temperature_is_greedy():
    logits = torch.randn(BATCH, N_TOKENS)
    # In single precision one minus a tiny number is one, and yet a token stays.
    assert torch.equal(keep_top_p(logits, top_p=1e-9), keep_top_k(logits, top_k=1))
    # Nor is the choice among the best another one.
    tied = logits.round()
    assert torch.equal(keep_top_p(tied, top_p=1e-6).argmax(dim=-1), greedy(tied))
    for options in (dict(top_k=1), dict(top_p=1e-6), dict(temperature=1e-4)):
        sampler = Sampler(make_generators(0, n_prompts=BATCH), **options)
        assert torch.equal(sampler(logits), greedy(logits))


def test_half_precision_is_widened():
    logits = torch.zeros(1, 70000, dtype=torch.float16)
    sampler = Sampler(make_generators(0), top_p=0.5)
    assert sampler.filtered(logits).dtype == torch.float32
    assert abs(len(kept(sampler.filtered(logits))) - 35000) < 5


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(temperature=0), "temperature is 0, but it must be above 0"),
        (dict(temperature=-1.0), "temperature is -1.0"),
        (dict(temperature=math.nan), "temperature is nan"),
        (dict(top_k=0), "top_k is 0"),
        (dict(top_k=1.5), "top_k is 1.5"),
        (dict(top_p=0.0), "top_p is 0.0, but it is a share"),
        (dict(top_p=1.1), "top_p is 1.1"),
        (dict(top_p=math.nan), "top_p is nan"),
    ],
)
def test_bad_numbers_are_refused_in_one_line(options, message):
    with pytest.raises(ValueError, match=message) as error:
        Sampler(make_generators(0), **options)
    assert "\n" not in str(error.value)


def test_a_seed_repeats_in_any_batch():
    prompts = [[1], [2, 3, 4], [5, 6]]
    ids, lengths = pad_left(prompts, padding_token=0)

    def write(ids, lengths, n_samples, seed=7):
        generators = make_generators(seed, n_prompts=ids.shape[1], n_samples=n_samples)
        options = dict(n_new_tokens=13, lengths=lengths, n_samples=n_samples, stop_token=6)
        sampler = Sampler(generators, top_p=0.95)
        return torch.stack(
            list(decode(Recurrent(scale=0.7).step, ids, sampler, **options))
        ).T.tolist()

    together = write(ids, lengths, 3)
    assert together == write(ids, lengths, 3) != write(ids, lengths, 3, seed=8)
    # Samples differ from each other, and each is what a prompt gets alone, or with fewer samples.
    assert len({tuple(text) for text in together}) > 6
    for i, prompt in enumerate(prompts):
        alone = write(*pad_left([prompt], padding_token=0), 2)
        for one, other in zip(alone, together[3 * i :], strict=False):
            assert one == other[: len(one)] and not any(other[len(one) :])


@pytest.mark.slow
@pytest.mark.parametrize("temperature", [0.3, 1.0, 1.7])
@pytest.mark.parametrize("top_k", [None, 1, 5, 40])
@pytest.mark.parametrize("top_p", [0.01, 0.5, 0.9, 1.0])
def test_filtered_logits_equal_those_of_transformers(transformers, temperature, top_k, top_p):
    # Rounded logits have many ties. Which of equal tokens stay, transformers leaves to its sorting.
    for logits, is_tied in (
        (torch.randn(BATCH, N_TOKENS) * 3, False),
        (torch.randn(BATCH, N_TOKENS).round(), True),
    ):
        theirs = transformers.TemperatureLogitsWarper(temperature)(None, logits)
        if top_k is not None:
            theirs = transformers.TopKLogitsWarper(top_k)(None, theirs)
        if top_p < 1:
            theirs = transformers.TopPLogitsWarper(top_p)(None, theirs)
        ours = Sampler((), temperature=temperature, top_k=top_k, top_p=top_p).filtered(logits)
        assert torch.equal(ours.sort().values, theirs.sort().values)
        assert is_tied or torch.equal(ours, theirs)


@pytest.mark.slow
def test_texts_are_distributed_as_those_of_transformers(transformers):
    # Texts of two tokens from a vocabulary of five, drawn by both
    gpt2 = GPT2(transformers, n_tokens=5)
    ids, lengths = torch.tensor([[2], [4], [1]]), torch.tensor([3])
    n, options = 4001, dict(temperature=0.9, top_k=4, top_p=0.97)
    theirs = gpt2.generate(
        ids, lengths, do_sample=True, max_new_tokens=2, num_return_sequences=n, **options
    )
    sampler = Sampler(make_generators(1, n_samples=n), **options)
    ours = torch.stack(list(decode(gpt2.cached, ids, sampler, n_new_tokens=2, n_samples=n)))

    ours, theirs = (Counter(map(tuple, x.T.tolist())) for x in (ours, theirs))
    often = [text for text in ours | theirs if ours[text] + theirs[text] >= 10]
    statistic = sum((ours[t] - theirs[t]) ** 2 / (ours[t] + theirs[t]) for t in often)
    # With $d$ degrees of freedom its mean is $d$ and its deviation the root of $2 d$.
    degrees = len(often) - 1
    assert degrees >= 7
    assert statistic < degrees + 4 * math.sqrt(2 * degrees)
