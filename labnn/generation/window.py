r"""
# Texts Longer than a Window

A model has learnt from windows of so many tokens, and knows no place behind their end: a learned
position that no window had is a vector of random numbers. A text can go on all the same if the
model forgets how it began. When a window is full, its older half is dropped and the newer half is
read again as the beginning of a window,

$$z_t = \operatorname{model}(x_s, \dots, x_{t - 1})
\qquad
t - s \le L$$

| symbol | code | meaning |
|---|---|---|
| $z_t$ | `logits` | scores of the next token |
| $x_s, \dots, x_{t - 1}$ | `ids` | what is in the window |
| $L$ | `seq_len` | the length of a window |

The model thus sees half a window at least. A window that moved by one token for each would show
more, and all of it would have to be read again for each token: places are counted from its
beginning, so nothing of a [cache](../transformers/kv_cache.html) stays true. Read again at half
its length, every token is read twice.

**Departure.** In a batch of prompts that differ in length the rows are counted, padding included.
A short prompt beside a long one then forgets sooner than alone, and may go on in another way.

[Decoding](decoding.html) and [beam search](beam.html) take the step that `within` gives as any
other.
"""

from typing import Any

import torch

from labnn.generation.checks import check_counts
from labnn.generation.decoding import Step


def within(step: Step, *, seq_len: int) -> Step:
    r"""
    ## A model that forgets

    Returns a step that reads no more than `seq_len` tokens at a time, whose state are those of the
    model and the ids of the window. A prompt that is longer loses its beginning.

    * `step` is the model
    * `seq_len` is $L$
    """
    check_counts(seq_len=seq_len)

    def windowed(x: torch.Tensor, state: Any, lengths: torch.Tensor) -> tuple[torch.Tensor, Any]:
        r"""
        * `x` has shape `[n_new, batch_size]`
        * `lengths` has shape `[batch_size]`
        """
        inner, ids = (None, x) if state is None else (state[0], torch.cat([state[1], x]))
        if len(ids) > seq_len:
            # A prompt fills a window. Later on half of one makes room for as many tokens.
            ids = ids[-(seq_len if state is None else max(1, seq_len // 2)) :]
            x, inner = ids, None
        # What has left the window does not count, be it text or padding.
        logits, inner = step(x, inner, lengths.clamp(max=len(ids)))
        return logits, (inner, ids)

    return windowed
