"""The loop: what the model is called with, and what comes out."""

import itertools

import pytest
import torch

from labnn.generation import (
    Sampler,
    decode,
    greedy,
    make_generators,
    no_repeat_ngrams,
    pad_left,
    positions,
    select,
)
from labnn.generation.decoding import repeat
from tests.generation.models import Recurrent, bigram

N_TOKENS = 7
# Each token is followed by the next one.
COUNTING = bigram(torch.eye(N_TOKENS).roll(1, dims=1))


def write(step, ids, choose=greedy, **options):
    return torch.stack(list(decode(step, ids, choose, **options)))


def test_by_hand():
    ids = torch.tensor([[5, 0], [1, 3]])
    assert write(COUNTING, ids, n_new_tokens=4).T.tolist() == [[2, 3, 4, 5], [4, 5, 6, 0]]


def test_a_stop_token_ends_its_sequence_and_padding_follows():
    ids = torch.tensor([[1, 3, 5]])
    options = dict(n_new_tokens=6, stop_token=5, padding_token=2)
    written = write(COUNTING, ids, **options).T.tolist()
    # The second stops at once, the third goes round and meets it last.
    assert written == [[2, 3, 4, 5, 2, 2], [4, 5, 2, 2, 2, 2], [6, 0, 1, 2, 3, 4]]
    # When all have stopped, nothing follows.
    assert len(write(COUNTING, ids[:, :2], **options)) == 4
    # Stop token and padding may be one.
    options["padding_token"] = 5
    assert write(COUNTING, ids[:, :2], **options).T.tolist() == [[2, 3, 4, 5], [4, 5, 5, 5]]


@pytest.mark.parametrize("choose", ["greedy", "sampled"])
@pytest.mark.parametrize("n_samples", [1, 3])
@pytest.mark.parametrize("stop_token, no_repeat", [(None, None), (2, 3)])
def test_a_state_gives_what_reading_everything_again_gives(
    choose, n_samples, stop_token, no_repeat
):
    model = Recurrent()
    ids, lengths = pad_left([[1, 2], [3, 4, 5, 6, 1], [2]], padding_token=0)

    def sampler():
        return Sampler(make_generators(3, n_prompts=3, n_samples=n_samples), top_k=4)

    options = dict(
        lengths=lengths,
        n_new_tokens=17,
        n_samples=n_samples,
        stop_token=stop_token,
        no_repeat_ngram_size=no_repeat,
    )
    written = [
        write(step, ids, greedy if choose == "greedy" else sampler(), **options)
        for step in (model.step, model.uncached())
    ]
    assert torch.equal(*written)
    assert written[0].shape == (17, 3 * n_samples) or stop_token is not None


@pytest.mark.parametrize("no_repeat", [None, 2])
def test_prompts_of_different_lengths_give_what_each_gives_alone(no_repeat):
    # The padding is a real token of the first prompt as well.
    prompts = [[1, 1, 4], [3, 4, 5, 6, 1, 3, 2], [2]]
    model = Recurrent()
    options = dict(n_new_tokens=19, no_repeat_ngram_size=no_repeat)
    for padding_token in (0, 1):
        ids, lengths = pad_left(prompts, padding_token=padding_token)
        together = write(model.step, ids, lengths=lengths, **options)
        for i, prompt in enumerate(prompts):
            alone = write(model.step, torch.tensor(prompt).unsqueeze(-1), **options)
            assert torch.equal(together[:, i], alone[:, 0])
    # A model that is not told takes padding for text.
    assert not torch.equal(write(model.step, ids, **options), together)


def test_tokens_come_one_by_one_and_the_last_is_not_read():
    model = Recurrent()
    tokens = decode(model.step, torch.ones(5, 3, dtype=torch.long), greedy, n_new_tokens=4)
    assert model.calls == []
    assert next(tokens).shape == (3,)
    assert model.calls == [(5, 3)]
    assert len(list(tokens)) == 3
    assert model.calls == [(5, 3), (1, 3), (1, 3), (1, 3)]


def test_samples_share_one_reading_of_the_prompt():
    model = Recurrent()
    ids = torch.tensor([[1, 2], [3, 4], [5, 6]])
    written = write(model.step, ids, n_new_tokens=2, n_samples=3)
    assert model.calls == [(3, 2), (1, 6)]
    # Greedy samples are copies, side by side.
    assert torch.equal(written, write(model.step, ids, n_new_tokens=2).repeat_interleave(3, dim=1))


def test_lengths_count_what_was_written():
    seen = []

    def step(ids, state, lengths):
        seen.append((len(ids), lengths.tolist()))
        return torch.zeros(ids.shape[1], N_TOKENS), None

    ids, lengths = pad_left([[1, 2, 3], [4]], padding_token=0)
    write(step, ids, lengths=lengths, n_new_tokens=3)
    assert seen == [(3, [3, 1]), (1, [4, 2]), (1, [5, 3])]


def test_no_gradients_are_kept():
    table = torch.randn(N_TOKENS, N_TOKENS, requires_grad=True)
    seen = []

    def choose(logits):
        seen.append(logits.requires_grad)
        return greedy(logits)

    for _ in decode(bigram(table), torch.ones(1, 1, dtype=torch.long), choose, n_new_tokens=2):
        # The caller may go on with a training in between.
        assert torch.is_grad_enabled()
    assert seen == [False, False]


def test_ngrams_are_ruled_out_before_the_choice():
    seen = []

    def choose(logits):
        seen.append(logits)
        return greedy(logits)

    ids = torch.tensor([[1], [2], [1]])
    write(COUNTING, ids, choose, n_new_tokens=1, no_repeat_ngram_size=2)
    logits, _ = COUNTING(ids, None, torch.tensor([3]))
    assert torch.equal(seen[0], no_repeat_ngrams(logits, ids, ngram_size=2))
    assert seen[0][0, 2].isneginf()


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(n_new_tokens=0), "n_new_tokens is 0"),
        (dict(n_samples=0), "n_samples is 0"),
        (dict(no_repeat_ngram_size=0), "no_repeat_ngram_size is 0"),
        (dict(lengths=torch.tensor([3])), "a prompt has length 3, but the batch has 2 rows"),
    ],
)
def test_bad_numbers_are_refused_before_anything_is_asked_for(options, message):
    ids = torch.tensor([[1], [2]])
    with pytest.raises(ValueError, match=message) as error:
        decode(COUNTING, ids, greedy, **{"n_new_tokens": 3, **options})
    assert "\n" not in str(error.value)


def test_a_sequence_that_can_only_repeat_itself_is_named():
    # Three tokens, none of which may come twice: the fourth has none left.
    tokens = decode(
        bigram(torch.zeros(3, 3)),
        torch.tensor([[0]]),
        greedy,
        n_new_tokens=5,
        no_repeat_ngram_size=1,
    )
    assert [t.item() for t in itertools.islice(tokens, 2)] == [1, 2]
    with pytest.raises(ValueError, match="sequence 0 is -inf: every token is ruled out"):
        next(tokens)


def test_states_of_other_sequences():
    class State:
        def select(self, indices):
            return indices.tolist()

    indices = torch.tensor([2, 0, 0])
    x = torch.arange(15).view(5, 3)
    assert select(None, indices) is None
    assert torch.equal(select(x, indices), x[:, [2, 0, 0]])
    first, (second, third) = select((x, (None, State())), indices)
    assert torch.equal(first, x[:, [2, 0, 0]]) and second is None and third == [2, 0, 0]


def test_copies_stand_side_by_side():
    logits, ids, lengths = torch.randn(2, N_TOKENS), torch.tensor([[1, 2]]), torch.tensor([3, 5])
    found = repeat(3, logits, ids, ids, lengths)
    assert torch.equal(found[0], logits[[0, 0, 0, 1, 1, 1]])
    assert found[1].tolist() == found[2].tolist() == [[1, 1, 1, 2, 2, 2]]
    assert found[3].tolist() == [3, 3, 3, 5, 5, 5]


def test_padding_on_the_left_by_hand():
    ids, lengths = pad_left([[7], [4, 5, 6]], padding_token=9)
    assert ids.tolist() == [[9, 4], [9, 5], [7, 6]]
    assert lengths.tolist() == [1, 3]
    assert positions(3, lengths).tolist() == [[-2, 0], [-1, 1], [0, 2]]
    # After one more token, and for it alone
    assert positions(1, lengths + 1).tolist() == [[1, 3]]


@pytest.mark.parametrize(
    "prompts, message", [([], "there are no prompts"), ([[1], []], "prompt 1 is empty")]
)
def test_nothing_cannot_be_continued(prompts, message):
    with pytest.raises(ValueError, match=message):
        pad_left(prompts, padding_token=0)
