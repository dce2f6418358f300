"""Greedy decoding, by hand and against transformers."""

import pytest
import torch

from labnn.generation import decode, greedy, pad_left


def test_the_first_of_the_best_is_taken():
    logits = torch.tensor([[0.0, 2.0, 1.0, 2.0], [-1.0, -3.0, -2.0, -5.0]])
    assert greedy(logits).tolist() == [1, 0]


@pytest.mark.slow
@pytest.mark.parametrize("form", ["uncached", "cached"])
@pytest.mark.parametrize("stop_token", [None, 9, 11, 17])
@pytest.mark.parametrize("no_repeat", [None, 1, 2, 3])
def test_equals_transformers(gpt2, form, stop_token, no_repeat):
    # transformers takes padding for text when it looks for n-grams, so these prompts have none.
    make = torch.Generator().manual_seed(2)
    ids, lengths = torch.randint(1, 23, (5, 7), generator=make), torch.full((7,), 5)
    options = dict(stop_token=stop_token, no_repeat_ngram_size=no_repeat, n_new_tokens=13)
    step = gpt2.uncached() if form == "uncached" else gpt2.cached
    ours = torch.stack(list(decode(step, ids, greedy, **options)))
    theirs = gpt2.generate(
        ids,
        lengths,
        max_new_tokens=13,
        eos_token_id=stop_token,
        no_repeat_ngram_size=no_repeat or 0,
    )
    assert torch.equal(ours, theirs)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["uncached", "cached"])
def test_equals_transformers_with_prompts_of_different_lengths(gpt2, form):
    ids, lengths = pad_left([[5], [3, 9, 2, 22, 11], [7, 7, 19]], padding_token=0)
    step = gpt2.uncached() if form == "uncached" else gpt2.cached
    ours = torch.stack(list(decode(step, ids, greedy, lengths=lengths, n_new_tokens=17)))
    assert torch.equal(ours, gpt2.generate(ids, lengths, max_new_tokens=17))
