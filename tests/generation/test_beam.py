"""Beam search, by hand, against all texts, and against transformers."""

import itertools
import math

import pytest
import torch

from labnn.generation import beam_search, decode, greedy, pad_left
from tests.generation.models import Recurrent, bigram

PADDING = 22


def best_texts(model, prompt, *, n_tokens, n_new, length_penalty, stop_token):
    """Scores of all texts, from the model's probabilities of each, the best first"""
    found = []
    for length in range(1, n_new + 1):
        for text in itertools.product(range(n_tokens), repeat=length):
            is_whole = length == n_new or text[-1] == stop_token
            if stop_token in text[:-1] or not is_whole:
                continue
            total, so_far = 0.0, list(prompt)
            for token in text:
                ids = torch.tensor(so_far).unsqueeze(-1)
                logits, _ = model.step(ids, None, torch.tensor([len(so_far)]))
                total += logits[0].log_softmax(dim=-1)[token].item()
                so_far.append(token)
            found.append((total / length**length_penalty, list(text)))
    return sorted(found, reverse=True)


# The good first token leads nowhere: 0.6 and then 0.5, against 0.4 and then 0.9.
#
# Token 1 or 2 follows 0, 1 is followed by 1 or 2 alike, 2 by 1.
TRAP = torch.tensor([[0.0, 0.6, 0.4], [0.0, 0.5, 0.5], [0.0, 0.9, 0.1]]).log()


def test_by_hand():
    ids = torch.tensor([[0]])
    tokens, scores = beam_search(bigram(TRAP), ids, n_beams=2, n_new_tokens=2, length_penalty=0.0)
    assert tokens.flatten().tolist() == [2, 1]
    assert scores.item() == pytest.approx(math.log(0.4 * 0.9))
    # One beam walks into the trap, as greedy decoding does.
    tokens, scores = beam_search(bigram(TRAP), ids, n_beams=1, n_new_tokens=2, length_penalty=0.0)
    assert tokens.flatten().tolist() == [1, 1]
    assert scores.item() == pytest.approx(math.log(0.6 * 0.5))


def test_the_length_penalty_by_hand():
    # Token 2 stops, with 0.4 at once, or after token 1, which repeats itself with 0.6.
    table = torch.tensor([[0.0, 0.6, 0.4]] * 3).log()
    for length_penalty, expected, score in (
        (0.0, [2], math.log(0.4)),
        (1.0, [1, 1, 1], math.log(0.6)),
        # 0.6 * 0.6 * 0.6 over the square root of 3
        (0.5, [1, 1, 1], 3 * math.log(0.6) / math.sqrt(3)),
    ):
        tokens, scores = beam_search(
            bigram(table),
            torch.tensor([[0]]),
            n_beams=2,
            n_new_tokens=3,
            stop_token=2,
            length_penalty=length_penalty,
        )
        assert tokens.flatten().tolist() == expected
        assert scores.item() == pytest.approx(score)


def test_a_search_ends_when_what_it_has_looks_no_better_than_what_is_finished():
    # After 0, token 2 stops with 0.6. The other beginning has 0.4, so the search is over, although
    # the mean over twenty tokens would be better: each further one has 0.99.
    table = torch.tensor([[0.0, 0.4, 0.6], [0.0, 0.99, 0.01], [0.0, 0.0, 1.0]]).log()
    options = dict(n_beams=1, n_new_tokens=20, stop_token=2)
    # The other prompt goes on, which is nothing to the first.
    tokens, scores = beam_search(bigram(table), torch.tensor([[0, 1]]), **options)
    assert tokens.T.tolist() == [[2] + [0] * 19, [1] * 20]
    torch.testing.assert_close(scores, torch.tensor([0.6, 0.99]).log())


def test_a_text_that_stops_has_to_be_among_the_best():
    # Stopping at once is second best, and there is one beam. That it would have been the better
    # text in the end (0.4 against 0.6 * 0.5) does not help.
    table = torch.tensor([[0.0, 0.6, 0.4], [0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]).log()
    options = dict(n_new_tokens=2, stop_token=2, length_penalty=0.0)
    tokens, _ = beam_search(bigram(table), torch.tensor([[0]]), n_beams=1, **options)
    assert tokens.flatten().tolist() == [1, 0]
    tokens, _ = beam_search(bigram(table), torch.tensor([[0]]), n_beams=2, **options)
    assert tokens.flatten().tolist() == [2]


@pytest.mark.parametrize("length_penalty", [0.0, 1.0])
def test_enough_beams_find_the_best_of_all_texts(length_penalty):
    n_tokens, n_new = 3, 3
    options = dict(length_penalty=length_penalty, stop_token=None)
    model = Recurrent(n_tokens=n_tokens)
    prompts = [[1, 0, 2], [2]]
    ids, lengths = pad_left(prompts, padding_token=0)
    # With as many beams as texts nothing is lost.
    tokens, scores = beam_search(
        model.step,
        ids,
        lengths=lengths,
        n_beams=n_tokens**n_new,
        n_new_tokens=n_new,
        n_returned=5,
        **options,
    )
    for i, prompt in enumerate(prompts):
        expected = best_texts(model, prompt, n_tokens=n_tokens, n_new=n_new, **options)[:5]
        assert tokens[:, 5 * i : 5 * i + 5].T.tolist() == [text for _, text in expected]
        torch.testing.assert_close(
            scores[5 * i : 5 * i + 5], torch.tensor([s for s, _ in expected]).double()
        )


def test_without_penalty_enough_beams_find_the_best_of_texts_that_stop():
    options = dict(length_penalty=0.0, stop_token=1)
    model = Recurrent(n_tokens=3)
    ids = torch.tensor([[2], [0]])
    tokens, scores = beam_search(
        model.step, ids, n_beams=27, n_new_tokens=4, n_returned=7, padding_token=2, **options
    )
    expected = best_texts(model, [2, 0], n_tokens=3, n_new=4, **options)[:7]
    for column, (_, text) in zip(tokens.T.tolist(), expected, strict=True):
        assert column == text + [2] * (len(column) - len(text))
    torch.testing.assert_close(scores, torch.tensor([s for s, _ in expected]).double())
    # No row is padding for all.
    assert len(tokens) == max(len(text) for _, text in expected)


@pytest.mark.parametrize("stop_token", [None, 2, 4])
def test_one_beam_is_greedy(stop_token):
    model = Recurrent()
    ids, lengths = pad_left([[1, 2], [3, 4, 5, 6, 1], [2]], padding_token=0)
    options = dict(lengths=lengths, n_new_tokens=13, no_repeat_ngram_size=3, stop_token=stop_token)
    tokens, scores = beam_search(model.step, ids, n_beams=1, **options)
    assert torch.equal(tokens, torch.stack(list(decode(model.step, ids, greedy, **options))))
    assert scores.shape == (3,)


@pytest.mark.parametrize("stop_token", [None, 2])
def test_prompts_give_alone_what_they_give_together_and_a_state_changes_nothing(stop_token):
    model = Recurrent()
    prompts = [[1, 1, 4], [3, 4, 5, 6, 1, 3], [2]]
    ids, lengths = pad_left(prompts, padding_token=0)
    options = dict(n_beams=3, n_returned=2, n_new_tokens=11, stop_token=stop_token)
    together, scores = beam_search(model.step, ids, lengths=lengths, **options)
    again, _ = beam_search(model.uncached(), ids, lengths=lengths, **options)
    assert torch.equal(together, again)
    for i, prompt in enumerate(prompts):
        alone, own = beam_search(model.step, torch.tensor(prompt).unsqueeze(-1), **options)
        mine = slice(2 * i, 2 * i + 2)
        assert torch.equal(together[: len(alone), mine], alone)
        assert not together[len(alone) :, mine].any()
        torch.testing.assert_close(scores[mine], own)


def test_a_model_is_not_asked_for_more_than_is_needed():
    # Token 1 stops and is nearly certain, so two texts are soon finished.
    table = torch.tensor([[0.02, 0.97, 0.01]] * 3).log()
    calls = []

    def step(ids, state, lengths):
        calls.append(tuple(ids.shape))
        return table[ids[-1]], ids

    beam_search(step, torch.tensor([[0], [2]]), n_beams=2, n_new_tokens=50, stop_token=1)
    assert calls[0] == (2, 1) and set(calls[1:]) == {(1, 2)} and len(calls) < 6


def test_no_ngram_comes_twice():
    ids = torch.tensor([[1], [2]])
    tokens, _ = beam_search(
        Recurrent().step, ids, n_beams=3, n_returned=3, n_new_tokens=23, no_repeat_ngram_size=2
    )
    for text in tokens.T.tolist():
        pairs = list(zip([1, 2] + text, [2] + text, strict=False))
        assert len(set(pairs)) == len(pairs)


def test_fewer_texts_than_asked_for_are_refused():
    options = dict(n_beams=5, n_new_tokens=1)
    tokens, _ = beam_search(bigram(TRAP), torch.tensor([[1]]), n_returned=2, **options)
    assert sorted(tokens[0].tolist()) == [1, 2]
    with pytest.raises(ValueError, match="fewer than 3 different texts"):
        beam_search(bigram(TRAP), torch.tensor([[1]]), n_returned=3, **options)


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(n_beams=0), "n_beams is 0"),
        (dict(n_new_tokens=0), "n_new_tokens is 0"),
        (dict(n_returned=0), "n_returned is 0"),
        (dict(n_returned=3), "n_returned is 3, but 2 beams"),
        (dict(no_repeat_ngram_size=-1), "no_repeat_ngram_size is -1"),
        (dict(length_penalty=math.nan), "length_penalty is nan"),
        (dict(length_penalty=math.inf), "length_penalty is inf"),
        (dict(length_penalty=-500.0), "length_penalty is -500"),
    ],
)
def test_bad_numbers_are_refused_in_one_line(options, message):
    options = {"n_beams": 2, "n_new_tokens": 3, **options}
    with pytest.raises(ValueError, match=message) as error:
        beam_search(bigram(TRAP), torch.tensor([[0]]), **options)
    assert "\n" not in str(error.value)


def test_broken_logits_are_refused():
    with pytest.raises(ValueError, match="sequence 0 is nan"):
        beam_search(bigram(TRAP * math.nan), torch.tensor([[0]]), n_beams=2, n_new_tokens=2)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["uncached", "cached"])
@pytest.mark.parametrize("length_penalty", [-1.0, 0.0, 0.6, 1.0, 2.0])
@pytest.mark.parametrize(
    "stop_token, n_beams, n_returned, no_repeat",
    [(None, 3, 1, 0), (4, 2, 2, 0), (13, 5, 3, 0), (17, 3, 3, 2), (9, 1, 1, 0), (11, 3, 2, 0)],
)
def test_equals_transformers(
    gpt2, form, length_penalty, stop_token, n_beams, n_returned, no_repeat
):
    make = torch.Generator().manual_seed(2)
    ids, lengths = torch.randint(1, 23, (5, 7), generator=make), torch.full((7,), 5)
    if not no_repeat:
        # transformers takes padding for text when it looks for n-grams.
        lengths[::2] = 3
    theirs = gpt2.generate(
        ids,
        lengths,
        max_new_tokens=13,
        eos_token_id=stop_token,
        # It fills up with the stop token where padding is token 0.
        pad_token_id=PADDING,
        num_beams=n_beams,
        num_return_sequences=n_returned,
        no_repeat_ngram_size=no_repeat,
        length_penalty=length_penalty,
        early_stopping=False,
    )
    ours, _ = beam_search(
        gpt2.uncached() if form == "uncached" else gpt2.cached,
        ids,
        lengths=lengths,
        n_new_tokens=13,
        stop_token=stop_token,
        padding_token=PADDING,
        n_beams=n_beams,
        n_returned=n_returned,
        no_repeat_ngram_size=no_repeat or None,
        length_penalty=length_penalty,
    )
    assert torch.equal(ours, theirs)


@pytest.mark.slow
def test_scores_equal_those_of_transformers(gpt2):
    ids = torch.tensor([[3, 5], [9, 11]])
    theirs = gpt2.model.generate(
        ids.T,
        attention_mask=torch.ones(2, 2),
        do_sample=False,
        max_new_tokens=11,
        num_beams=3,
        num_return_sequences=3,
        length_penalty=0.7,
        eos_token_id=8,
        pad_token_id=0,
        return_dict_in_generate=True,
        output_scores=True,
    )
    _, scores = beam_search(
        gpt2.cached, ids, n_beams=3, n_returned=3, n_new_tokens=11, length_penalty=0.7, stop_token=8
    )
    torch.testing.assert_close(scores, theirs.sequences_scores)
