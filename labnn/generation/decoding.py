r"""
# Decoding

A language model gives a score to every token that may come next. A text comes of that by a loop:
choose a token, append it, ask the model again,

$$\begin{aligned}
z_t &= \operatorname{model}(x_0, \dots, x_{t - 1}) \\
x_t &= \operatorname{choose}(z_t)
\end{aligned}$$

| symbol | code | meaning |
|---|---|---|
| $x_0, \dots, x_{t - 1}$ | `ids` | the prompt, and what was chosen since |
| $z_t$ | `logits` | one score per token of the vocabulary, for what comes next |
| $x_t$ | `tokens` | the token that is appended, one for each sequence |

How to choose is a page of its own: the [best token](greedy.html), or a
[random one](sampling.html). [Beam search](beam.html) looks ahead and has its own loop. In all of
them an [n-gram may be kept from coming twice](no_repeat.html).

## What a model is

The loops know a model by one call,

```python
logits, state = step(ids, state, lengths)
```

* `ids` are the tokens that are new, `[seq_len, batch_size]`: first the whole prompts, later one
  token for each sequence
* `state` is what the model keeps from one call to the next, and `None` at first. It may be
  anything that `select` below understands, such as the keys and values of attention. A model that
  keeps nothing goes through `without_cache`: its state is simply all ids so far
* `lengths` says how many tokens each sequence has by now, the new ones included, `[batch_size]`.
  That is less than the number of rows so far where a prompt is padded on its left
* `logits` are the scores of what follows the last row of `ids`, `[batch_size, n_tokens]`

Prompts of different lengths end in the same row, so padding stands before them: `pad_left` does it.
A model must not read padding, and must count positions from the first real token; `positions`
tells both from `lengths`, and does not ask which id the padding is. A sequence is then continued
in a batch as it is alone, up to the rounding of the logits.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence

from labnn.generation.checks import check_choice, check_counts, check_prompts
from labnn.generation.no_repeat import no_repeat_ngrams

Step = Callable[[torch.Tensor, Any, torch.Tensor], tuple[torch.Tensor, Any]]


def decode(
    step: Step,
    ids: torch.Tensor,
    choose: Callable[[torch.Tensor], torch.Tensor],
    *,
    n_new_tokens: int,
    lengths: torch.Tensor | None = None,
    n_samples: int = 1,
    stop_token: int | None = None,
    padding_token: int = 0,
    no_repeat_ngram_size: int | None = None,
) -> Iterator[torch.Tensor]:
    r"""
    ## Continue prompts, token by token

    * `step` is the model; its dropout is to be off already
    * `ids` has shape `[seq_len, batch_size]`
    * `choose` takes logits, one row for each sequence, and returns a token for each
    * `n_new_tokens` is how many tokens are appended at most
    * `lengths` are those of the prompts; `None` means that none is padded
    * `n_samples` is how often each prompt is continued
    * `stop_token` ends a sequence; it is the last token that counts
    * `padding_token` is what a sequence that has ended goes on with
    * `no_repeat_ngram_size` is the length of the n-grams that may occur only once

    Yields the tokens of one step as soon as they are chosen, so that a text can be shown while it
    grows: one for each sequence, and the samples of a prompt stand side by side. It ends when all
    sequences have. `torch.stack(list(...))` is the whole.

    Raises `ValueError` at once for numbers that make no sense, and on the way if the model gives
    logits that nothing can be chosen from.
    """
    lengths = check_prompts(ids, lengths)
    check_counts(
        n_new_tokens=n_new_tokens, n_samples=n_samples, no_repeat_ngram_size=no_repeat_ngram_size
    )
    # A generator runs nothing before its first token is asked for. The loop is a function of its
    # own, so that wrong numbers are refused here.
    return grow(
        step,
        ids,
        choose,
        n_new_tokens=n_new_tokens,
        lengths=lengths,
        n_samples=n_samples,
        stop_token=stop_token,
        padding_token=padding_token,
        no_repeat_ngram_size=no_repeat_ngram_size,
    )


@torch.no_grad()
def grow(
    step: Step,
    ids: torch.Tensor,
    choose: Callable[[torch.Tensor], torch.Tensor],
    *,
    n_new_tokens: int,
    lengths: torch.Tensor,
    n_samples: int,
    stop_token: int | None,
    padding_token: int,
    no_repeat_ngram_size: int | None,
) -> Iterator[torch.Tensor]:
    r"""
    ## The loop

    It has the arguments of `decode`. Each token costs one call of the model, and the last one is
    not shown to it.
    """
    new, state = ids, None
    is_ended = torch.zeros(ids.shape[1] * n_samples, dtype=torch.bool, device=ids.device)
    for n_done in range(n_new_tokens):
        logits, state = step(new, state, lengths)
        # The model reads a prompt once. From here on there is a sequence for each sample.
        if n_done == 0:
            logits, state, ids, lengths = repeat(n_samples, logits, state, ids, lengths)

        logits = no_repeat_ngrams(logits, ids, lengths, ngram_size=no_repeat_ngram_size)
        check_choice(logits, is_ended)
        # A sequence that has ended stays in the batch. What is chosen for it is thrown away, and
        # nobody reads what the model makes of its padding.
        tokens = choose(logits).masked_fill(is_ended, padding_token)
        yield tokens

        if stop_token is not None:
            is_ended = is_ended | (tokens == stop_token)
            if is_ended.all():
                return
        new, lengths = tokens.unsqueeze(0), lengths + 1
        ids = torch.cat([ids, new])


def without_cache(
    next_logits: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
) -> Step:
    r"""
    ## A model that reads everything again for each token

    * `next_logits` takes all ids so far and their lengths, and returns the logits of what follows

    Returns a `step` as above. It is the simplest form, and the slowest: $n$ tokens cost $n$ passes
    over a text that grows. A cache has to give the same, which makes this the one to test against.
    """

    def step(ids, state, lengths):
        """The state is the ids so far."""
        so_far = ids if state is None else torch.cat([state, ids])
        return next_logits(so_far, lengths), so_far

    return step


def select(state: Any, indices: torch.Tensor) -> Any:
    r"""
    ## The state of other sequences

    Beam search drops some sequences and continues others twice, and several samples begin with one
    prompt. Sequence `i` of the new batch is sequence `indices[i]` of the old one.

    * `state` is `None`, a tensor whose second axis is the batch, as in everything that is sequence
      first, a tuple of states, or an object with a method `select(indices)` that returns a state
    * `indices` are positions in the batch
    """
    if state is None:
        return None
    if isinstance(state, torch.Tensor):
        return state.index_select(1, indices)
    if isinstance(state, tuple):
        return tuple(select(part, indices) for part in state)
    return state.select(indices)


def repeat(
    n: int, logits: torch.Tensor, state: Any, ids: torch.Tensor, lengths: torch.Tensor
) -> tuple[torch.Tensor, Any, torch.Tensor, torch.Tensor]:
    r"""
    ## Each sequence of a batch several times

    Copies stand side by side: with three of each, sequence 1 becomes 3, 4 and 5.

    * `n` is how many there are to be of each
    * `logits` has shape `[batch_size, n_tokens]`
    * `ids` has shape `[seq_len, batch_size]`
    * `lengths` has shape `[batch_size]`
    """
    if n == 1:
        return logits, state, ids, lengths
    indices = torch.arange(len(lengths), device=ids.device).repeat_interleave(n)
    return logits[indices], select(state, indices), ids[:, indices], lengths[indices]


def pad_left(
    prompts: Sequence[Sequence[int]], *, padding_token: int
) -> tuple[torch.Tensor, torch.Tensor]:
    r"""
    ## Prompts of different lengths in one batch

    * `prompts` are lists of ids
    * `padding_token` fills up the short ones. It may occur in a prompt as well: the lengths say
      what is padding
    * `lengths` has shape `[batch_size]`

    Returns the ids, `[seq_len, batch_size]`, and the lengths.
    """
    columns = [torch.as_tensor(prompt, dtype=torch.long) for prompt in prompts]
    empty = next((i for i, column in enumerate(columns) if not len(column)), None)
    if empty is not None or not columns:
        what = "there are no prompts" if empty is None else f"prompt {empty} is empty"
        raise ValueError(f"{what}, but a model continues what it is given: give at least one token")
    ids = pad_sequence(columns, padding_value=padding_token, padding_side="left")
    lengths = torch.tensor([len(column) for column in columns])
    return ids, lengths


def positions(seq_len: int, lengths: torch.Tensor) -> torch.Tensor:
    r"""
    ## Where tokens stand in their own text

    The last row of a batch is the last token of each text, so the others are counted from there.
    Padding has negative positions.

    * `seq_len` is the number of rows asked for, up to and including the last
    * `lengths` has shape `[batch_size]`
    * returns shape `[seq_len, batch_size]`
    """
    rows = torch.arange(seq_len, device=lengths.device).unsqueeze(-1)
    return rows + lengths - seq_len
