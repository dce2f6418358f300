r"""
# Checks

What [decoding](decoding.html) and [beam search](beam.html) are asked for is looked at before the
model is called, since its first pass over a long prompt may take a while. Its scores are looked at
as they come. A token can be chosen only where the best score is a number,

$$-\infty < \max_v z_v < \infty$$

| symbol | code | meaning |
|---|---|---|
| $z_v$ | `logits` | the score of token $v$ |

A score of $-\infty$ rules a token out, which is fine as long as another one is left. A NaN would
win every comparison, and nothing can be drawn from a distribution with one.
"""

import math

import torch


def check_prompts(ids: torch.Tensor, lengths: torch.Tensor | None) -> torch.Tensor:
    r"""
    ## Prompts are ids, and lengths fit them

    * `ids` are the prompts, `[seq_len, batch_size]`
    * `lengths` are theirs; `None` stands for prompts without padding

    Returns the lengths, `[batch_size]`.
    """
    if ids.dim() != 2 or ids.is_floating_point() or not ids.numel():
        raise ValueError(
            f"the prompts have shape {list(ids.shape)} and dtype {ids.dtype}: give integers of "
            "shape [seq_len, batch_size], at least one token of one prompt"
        )
    seq_len, batch_size = ids.shape
    if lengths is None:
        return torch.full((batch_size,), seq_len, device=ids.device)
    if lengths.shape != (batch_size,):
        raise ValueError(
            f"lengths have shape {list(lengths.shape)}, but there are {batch_size} prompts: give "
            "one length for each"
        )
    wrong = (lengths < 1) | (lengths > seq_len)
    if wrong.any():
        raise ValueError(
            f"a prompt has length {int(lengths[wrong][0])}, but the batch has {seq_len} rows: "
            f"lengths are from 1 to {seq_len}"
        )
    return lengths.to(ids.device)


def check_counts(**counts: int | None) -> None:
    """
    ## Counts are whole numbers from 1 up

    `None` stands for an option that is not used.
    """
    for name, count in counts.items():
        if count is None:
            continue
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise ValueError(
                f"{name} is {count!r}, but it is a count: give a whole number from 1 up"
            )


def check_positive(name: str, value: float) -> None:
    """
    ## A number above 0

    A NaN fails every comparison, so it is refused as well.
    """
    if not 0 < value < math.inf:
        raise ValueError(f"{name} is {value}, but it must be above 0 and finite")


def check_choice(logits: torch.Tensor, is_ended: torch.Tensor | None = None) -> None:
    r"""
    ## There is something to choose

    * `logits` has shape `[batch_size, n_tokens]`
    * `is_ended` has shape `[batch_size]`; those sequences choose nothing any more
    """
    best = logits.amax(dim=-1)
    wrong = ~best.isfinite()
    if is_ended is not None:
        wrong = wrong & ~is_ended
    if wrong.any():
        row = int(wrong.nonzero()[0])
        value = float(best[row])
        why = (
            "every token is ruled out: allow more of them"
            if value == -math.inf
            else "its numbers overflow or its weights are broken: look at both"
        )
        raise ValueError(f"the best logit of sequence {row} is {value}: {why}")
