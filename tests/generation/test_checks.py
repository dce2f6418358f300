"""What is refused before the model is called, and of what it says."""

import math

import pytest
import torch

from labnn.generation.checks import check_choice, check_counts, check_positive, check_prompts


def refused(check, *arguments, **named):
    with pytest.raises(ValueError) as error:
        check(*arguments, **named)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("count", [0, -1, 1.0, 2.5, True, math.nan, "3"])
def test_counts_are_whole_numbers_from_1_up(count):
    assert f"n_beams is {count!r}" in refused(check_counts, top_k=2, n_beams=count)
    check_counts(top_k=None, n_beams=1)


@pytest.mark.parametrize("value", [0, -0.5, math.nan, math.inf])
def test_positive_numbers_are_above_0_and_finite(value):
    assert f"temperature is {value}" in refused(check_positive, "temperature", value)
    check_positive("temperature", 1e-3)


@pytest.mark.parametrize(
    "ids",
    [
        torch.zeros(3, dtype=torch.long),
        torch.zeros(3, 2),
        torch.zeros(0, 2, dtype=torch.long),
        torch.zeros(2, 0, dtype=torch.long),
    ],
)
def test_prompts_are_integers_with_two_axes_and_not_empty(ids):
    assert "[seq_len, batch_size]" in refused(check_prompts, ids, None)


def test_prompts_without_lengths_have_no_padding():
    assert check_prompts(torch.ones(5, 3, dtype=torch.long), None).tolist() == [5, 5, 5]


@pytest.mark.parametrize(
    "lengths, message",
    [
        ([5, 5], "lengths have shape \\[2\\], but there are 3 prompts"),
        ([5, 0, 5], "length 0, but the batch has 5 rows"),
        ([5, 4, 6], "length 6, but the batch has 5 rows"),
    ],
)
def test_lengths_fit_the_prompts(lengths, message):
    with pytest.raises(ValueError, match=message):
        check_prompts(torch.ones(5, 3, dtype=torch.long), torch.tensor(lengths))


@pytest.mark.parametrize(
    "row, message",
    [
        ([-math.inf, -math.inf], "sequence 1 is -inf: every token is ruled out"),
        ([0.0, math.nan], "sequence 1 is nan: its numbers overflow"),
        ([0.0, math.inf], "sequence 1 is inf: its numbers overflow"),
    ],
)
def test_logits_that_nothing_can_be_chosen_from_are_refused(row, message):
    logits = torch.tensor([[0.0, -math.inf], row])
    assert message in refused(check_choice, logits)
    # Unless it is no longer asked
    check_choice(logits, torch.tensor([False, True]))
    assert message in refused(check_choice, logits, torch.tensor([True, False]))
