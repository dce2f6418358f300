r"""
# No Repeated N-Grams

A model that is asked for its most probable text soon says the same again and again: what was said
once becomes more probable by having been said.
[A Deep Reinforced Model for Abstractive Summarization](https://arxiv.org/abs/1705.04304) observes
that good summaries hardly ever contain the same three words twice, and gives probability zero to a
token that would complete a trigram for the second time,

$$z_v = -\infty
\qquad \text{if} \quad
(x_{t - n + 1}, \dots, x_{t - 1}, v) = (x_i, \dots, x_{i + n - 1})
\quad \text{for some } i$$

| symbol | code | meaning |
|---|---|---|
| $n$ | `ngram_size` | length of what may occur only once |
| $x_0, \dots, x_{t - 1}$ | `ids` | the text so far, prompt included |
| $z_v$ | `logits` | the score of token $v$ as the next one |

It is a blunt rule: a name of three tokens can be said once. With characters as tokens, $n$ has to
be a good deal larger than with words.

**Departure.** The paper rules trigrams out in [beam search](beam.html) and looks at what was
written; here any length and any way to [decode](decoding.html) will do, and the prompt counts as
well, as in fairseq and transformers.
"""

import math

import torch

from labnn.generation.checks import check_counts


def no_repeat_ngrams(
    logits: torch.Tensor,
    ids: torch.Tensor,
    lengths: torch.Tensor | None = None,
    *,
    ngram_size: int | None,
) -> torch.Tensor:
    r"""
    ## Rule out what would complete an n-gram again

    With `ngram_size=2`, after the tokens 5 6 7 5 the next one cannot be 6, since 5 6 is there.

    * `logits` has shape `[batch_size, n_tokens]`
    * `ids` has shape `[seq_len, batch_size]`
    * `lengths` are those of the texts where they are padded on the left
    * `ngram_size` is $n$; `None` rules out nothing
    * returns shape `[batch_size, n_tokens]`
    """
    check_counts(ngram_size=ngram_size)
    if ngram_size is None or len(ids) < ngram_size:
        return logits

    # Every n-gram of the text, and the $n - 1$ tokens at its end, which wait for their last.
    #
    # `ngrams` has shape `[n_ngrams, batch_size, ngram_size]`
    ngrams = ids.unfold(0, ngram_size, 1)
    # `tail` has shape `[batch_size, n_before]`
    tail = ids[len(ids) - ngram_size + 1 :].T
    # With $n = 1$ there is nothing to compare, and all of nothing is true: no token comes twice.
    #
    # `is_same` has shape `[n_ngrams, batch_size]`
    is_same = (ngrams[..., :-1] == tail).all(dim=-1)
    if lengths is not None:
        # An n-gram that begins in the padding is none.
        first = torch.arange(len(ngrams), device=ids.device).unsqueeze(-1)
        is_same = is_same & (first >= len(ids) - lengths)

    # Which last tokens those are, in which sequence
    ngram, sequence = is_same.nonzero(as_tuple=True)
    banned = logits.clone()
    banned[sequence, ngrams[ngram, sequence, -1]] = -math.inf
    return banned
