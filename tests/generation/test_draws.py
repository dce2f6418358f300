"""Draws: their distribution, and that they come again."""

import math

import pytest
import torch

from labnn.generation import draw, make_generators

# The value that chi-square with 5 degrees of freedom exceeds once in 10,000 times
FIVE_DEGREES = 25.7


def chi_square(counts, expected):
    return float(((counts - expected) ** 2 / expected).sum())


def test_by_hand():
    # Halves, quarters: a number below 1/2 draws token 0, below 3/4 token 2, and token 1 never.
    logits = torch.tensor([[0.5, 0.0, 0.25, 0.25]]).log()
    for seed in range(23):
        (u,) = torch.rand(1, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        expected = 0 if u < 0.5 else 2 if u < 0.75 else 3
        assert draw(logits, [torch.Generator().manual_seed(seed)]).item() == expected


def test_the_distribution_is_that_of_the_softmax():
    logits = torch.tensor([0.3, -1.0, 1.5, -math.inf, 0.0, -2.5, 0.7])
    n = 20011
    (generator,) = make_generators(5)
    tokens = draw(logits.expand(n, -1), [generator] * n)
    counts = tokens.bincount(minlength=7)
    assert counts[3] == 0
    possible = [0, 1, 2, 4, 5, 6]
    expected = n * logits.softmax(dim=-1)
    assert chi_square(counts[possible], expected[possible]) < FIVE_DEGREES
    # With a wrong temperature it would be noticed.
    assert chi_square(counts[possible], (n * (logits / 1.1).softmax(-1))[possible]) > FIVE_DEGREES


def test_first_numbers_of_many_seeds_are_uniform():
    # Every seed begins a sequence of its own, so the first numbers have to be random as well.
    n = 6007
    generators = [make_generators(seed)[0] for seed in range(n)]
    counts = draw(torch.zeros(n, 6), generators).bincount(minlength=6)
    assert chi_square(counts, torch.full((6,), n / 6)) < FIVE_DEGREES


def test_the_ends_of_the_vocabulary_are_reached_and_not_passed(monkeypatch):
    logits = torch.randn(1, 30011) * 3
    for u, expected in ((0.0, 0), (1 - 2.0**-53, 30010)):
        monkeypatch.setattr(
            torch, "rand", lambda *_, u=u, **__: torch.tensor([u], dtype=torch.float64)
        )
        assert draw(torch.zeros(1, 30011), [None]).item() == expected
        assert 0 <= draw(logits, [None]).item() <= 30010
        # At both ends there are tokens that are ruled out.
        inner = logits.clone()
        inner[:, :7] = inner[:, -7:] = -math.inf
        assert 7 <= draw(inner, [None]).item() < 30011 - 7


def test_seeds_and_samples_have_numbers_of_their_own():
    numbers = [
        torch.rand(3, generator=g).tolist()
        for seed in (-1, 0, 1, 2**70)
        for g in make_generators(seed, n_samples=3)
    ]
    assert len({tuple(n) for n in numbers}) == 12


def test_a_prompt_has_the_same_generators_wherever_it_stands():
    alone = make_generators(3, n_samples=2)
    batch = make_generators(3, n_prompts=5, n_samples=2)
    expected = [torch.rand(1, generator=g).item() for g in alone]
    assert [torch.rand(1, generator=g).item() for g in batch] == expected * 5


def test_each_sequence_needs_its_generator():
    with pytest.raises(ValueError, match="there are 2 generators for 3 sequences"):
        draw(torch.zeros(3, 5), make_generators(0, n_samples=2))
