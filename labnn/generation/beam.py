r"""
# Beam Search

The best token now may lead to a worse text later. Beam search keeps the $n$ best beginnings instead
of one, continues each of them with every token, and keeps the $n$ best of what comes out. A text
that has come to its stop token is set aside with its score,

$$s(x) = \frac{1}{|x|^\alpha}
\sum_{t = 1}^{|x|} \log p(x_t \mid \text{prompt}, x_1, \dots, x_{t - 1})$$

| symbol | code | meaning |
|---|---|---|
| $x$ | `tokens` | what is written after the prompt, the stop token included |
| $\lvert x \rvert$ | `length` | number of its tokens |
| $\alpha$ | `length_penalty` | 0 compares sums, 1 means per token, above 1 favours long texts |
| $n$ | `n_beams` | how many beginnings are kept |
| $s$ | `scores` | what finished texts are ranked by |

Every further token makes a sum of logarithms smaller, so without $\alpha$ short texts win.
[Google's Neural Machine Translation System](https://arxiv.org/abs/1609.08144) divides by a power of
the length to make up for it.

**Departure.** The paper's divisor is $(5 + |x|)^\alpha / (5 + 1)^\alpha$. Ours is the plain power
of transformers and NeMo, so that numbers from there mean the same here.

The search for a prompt ends when its best beginning, divided by the power of its present length, is
no better than the worst of $n$ finished texts. With $\alpha \le 0$ nothing better can come any
more. With $\alpha > 0$ a beginning may still improve by growing, so this is a rule of thumb: that
of transformers with its default `early_stopping=False`. The results are the same as there.

With one beam it is [greedy decoding](greedy.html). With more, what looks best changes until the
end, so nothing can be shown on the way as [decoding](decoding.html) does it.
"""

import math

import torch

from labnn.generation.checks import check_choice, check_counts, check_prompts
from labnn.generation.decoding import Step, repeat, select
from labnn.generation.no_repeat import no_repeat_ngrams


class Finished:
    """
    ## Finished

    The best finished texts of each prompt, as many as there are beams. A place that is still free
    has a score of minus infinity.
    """

    def __init__(self, scores: torch.Tensor, *, padding_token: int):
        r"""
        * `scores` has shape `[batch_size, n_beams]`; they give size, type and device
        * `padding_token` fills up short texts
        """
        self.padding_token = padding_token
        self.scores = torch.full_like(scores, -math.inf)
        self.lengths = torch.zeros_like(scores, dtype=torch.long)
        self.tokens = self.lengths.new_empty(0, *scores.shape)

    def add(self, tokens: torch.Tensor, scores: torch.Tensor) -> None:
        r"""
        Keep the best of the old and the new.

        * `tokens` has shape `[length, batch_size, n_candidates]`
        * `scores` has shape `[batch_size, n_candidates]`, minus infinity for what is not finished
        """
        n_beams, length = self.scores.shape[1], len(tokens)
        rows = self.tokens.new_full(
            (length - len(self.tokens), *self.scores.shape), self.padding_token
        )
        every = torch.cat([torch.cat([self.tokens, rows]), tokens], dim=-1)
        lengths = torch.cat(
            [self.lengths, torch.full_like(scores, length, dtype=torch.long)], dim=-1
        )

        self.scores, best = torch.cat([self.scores, scores], dim=-1).topk(n_beams)
        self.lengths = lengths.gather(-1, best)
        self.tokens = every.gather(-1, best.expand(length, -1, -1))

    def worst(self) -> torch.Tensor:
        """
        The score that a new text has to beat; anything beats a free place.

        Returns shape `[batch_size, 1]`.
        """
        return self.scores[:, -1:]

    def best(self, n: int) -> tuple[torch.Tensor, torch.Tensor]:
        r"""
        The `n` best of each prompt side by side, the best first: tokens and scores.
        """
        if self.scores[:, :n].isneginf().any():
            raise ValueError(
                f"fewer than {n} different texts can be written: lower n_returned, or allow more "
                "tokens"
            )
        n_rows = int(self.lengths[:, :n].max())
        return self.tokens[:n_rows, :, :n].flatten(1), self.scores[:, :n].flatten()


def check_length_penalty(length_penalty: float, n_new_tokens: int) -> None:
    """
    ## A power that single precision can hold
    """
    # It can hold $e^{80}$, and not much more.
    if not abs(length_penalty) * math.log(n_new_tokens) <= 80:
        raise ValueError(
            f"length_penalty is {length_penalty}, but {n_new_tokens} to the power of it must be a "
            "number: 0 to 2 are usual"
        )


def beam_search(
    step: Step,
    ids: torch.Tensor,
    *,
    n_beams: int,
    n_new_tokens: int,
    lengths: torch.Tensor | None = None,
    length_penalty: float = 1.0,
    n_returned: int = 1,
    stop_token: int | None = None,
    padding_token: int = 0,
    no_repeat_ngram_size: int | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    r"""
    ## The best continuations

    * `step`, `ids`, `n_new_tokens`, `lengths`, `stop_token`, `padding_token` and
      `no_repeat_ngram_size` are those of [decoding](decoding.html)
    * `n_beams` is $n$
    * `length_penalty` is $\alpha$, any number
    * `n_returned` is how many texts there are to be of each prompt, at most `n_beams`

    Returns the tokens, `[n_rows, batch_size * n_returned]`, and the scores of the texts. Those of a
    prompt stand side by side, the best first. A text that runs to the last token allowed counts as
    finished there. Raises `ValueError` for numbers that make no sense.
    """
    lengths = check_prompts(ids, lengths)
    check_counts(
        n_beams=n_beams,
        n_new_tokens=n_new_tokens,
        n_returned=n_returned,
        no_repeat_ngram_size=no_repeat_ngram_size,
    )
    if n_returned > n_beams:
        raise ValueError(
            f"n_returned is {n_returned}, but {n_beams} beams find that many texts: raise n_beams"
        )
    check_length_penalty(length_penalty, n_new_tokens)
    return search(
        step,
        ids,
        lengths,
        n_beams=n_beams,
        n_new_tokens=n_new_tokens,
        length_penalty=length_penalty,
        stop_token=stop_token,
        padding_token=padding_token,
        no_repeat_ngram_size=no_repeat_ngram_size,
    ).best(n_returned)


@torch.no_grad()
def search(
    step: Step,
    ids: torch.Tensor,
    lengths: torch.Tensor,
    *,
    n_beams: int,
    n_new_tokens: int,
    length_penalty: float,
    stop_token: int | None,
    padding_token: int,
    no_repeat_ngram_size: int | None,
) -> Finished:
    r"""
    ## The loop

    It has the arguments of `beam_search`. In the batch that the model sees, the beams of a prompt
    stand side by side.
    """
    n_given, batch_size = ids.shape
    new, state = ids, None
    for length in range(1, n_new_tokens + 1):
        logits, state = step(new, state, lengths)
        check_choice(logits)
        if length == 1:
            logits, state, ids, lengths = repeat(n_beams, logits, state, ids, lengths)
            scores = first_scores(logits, batch_size)
            finished = Finished(scores, padding_token=padding_token)
            is_open = torch.ones_like(scores[:, :1], dtype=torch.bool)

        # A token that is ruled out makes its text impossible; the others keep their probabilities.
        log_p = logits.to(scores.dtype).log_softmax(dim=-1)
        log_p = no_repeat_ngrams(log_p, ids, lengths, ngram_size=no_repeat_ngram_size)
        best, beam, token = candidates(scores, log_p)
        tokens = torch.cat([ids[n_given:, beam], token.unsqueeze(0)])

        # The last token allowed ends every text. Of the candidates only the first $n$ may finish;
        # the others are there to take the place of those.
        is_last = length == n_new_tokens
        ends = torch.full_like(token, is_last, dtype=torch.bool)
        if stop_token is not None:
            ends = ends | (token == stop_token)
        counts = ends & is_open
        counts[:, n_beams:] = False
        finished.add(tokens, (best / length**length_penalty).masked_fill(~counts, -math.inf))
        if is_last:
            break

        scores, order = best.masked_fill(ends, -math.inf).topk(n_beams)
        is_open = is_open & (scores[:, :1] / length**length_penalty > finished.worst())
        if not is_open.any():
            break
        kept = beam.gather(-1, order).flatten()
        new = token.gather(-1, order).flatten().unsqueeze(0)
        ids, lengths, state = torch.cat([ids[:, kept], new]), lengths + 1, select(state, kept)
    return finished


def first_scores(logits: torch.Tensor, batch_size: int) -> torch.Tensor:
    r"""
    ## All beams begin as one

    They are copies of the prompt. If all took part, each continuation would be found $n$ times, so
    only the first does, and the others begin as impossible.

    * `logits` has one row for each beam, and gives type and device

    Returns the scores of the beams, `[batch_size, n_beams]`.
    """
    dtype = torch.promote_types(logits.dtype, torch.float32)
    scores = torch.zeros(len(logits), dtype=dtype, device=logits.device).unflatten(
        0, (batch_size, -1)
    )
    scores[:, 1:] = -math.inf
    return scores


def candidates(
    scores: torch.Tensor, log_p: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    r"""
    ## The best continuations of all beams of a prompt

    There are two for each beam. A beam has one continuation that ends, so at least half of them
    go on, which is as many as there are beams.

    * `scores` has shape `[batch_size, n_beams]`
    * `log_p` has shape `[n_sequences, n_tokens]`, a row for each beam of each prompt

    Returns their scores, the places of their beams in the batch, and their last tokens, each
    `[batch_size, n_candidates]`, the best first.
    """
    batch_size, n_beams = scores.shape
    n_tokens = log_p.shape[-1]
    sums = scores.unsqueeze(-1) + log_p.unflatten(0, (batch_size, n_beams))
    best, index = sums.flatten(1).topk(min(2 * n_beams, n_beams * n_tokens))
    first = torch.arange(batch_size, device=index.device).unsqueeze(-1) * n_beams
    return best, first + index // n_tokens, index % n_tokens
