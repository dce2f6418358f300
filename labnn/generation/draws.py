r"""
# Draws

A text that was drawn at random should come out again when it is asked for again, and it should not
depend on which others are written beside it. One generator of random numbers for a whole batch
breaks the second: with one more prompt in the batch, every number goes to someone else. So each
sequence has a generator of its own and takes one number from it for each token. The number says how
far along the vocabulary to go,

$$\begin{aligned}
x &= \min \Big\{ v : \sum_{w \le v} p_w > u \Big\} \\
P(x = v) &= P\Big( \sum_{w < v} p_w \le u < \sum_{w \le v} p_w \Big) = p_v
\end{aligned}$$

| symbol | code | meaning |
|---|---|---|
| $p$ | `logits.softmax(-1)` | what the model says of each token |
| $u$ | `numbers` | one uniform number from $[0, 1)$ for each sequence |
| $x$ | the result | the token that is drawn |

The numbers belong to a seed and to the number of a sample, not to the place of a prompt: a prompt
gets the same continuations alone as in a batch of many. The other side of it is that a prompt which
stands twice in a batch is continued twice in the same way; ask for two samples instead.

[Sampling](sampling.html) changes the probabilities before.
"""

import hashlib
from collections.abc import Sequence

import torch


def make_generators(seed: int, *, n_prompts: int = 1, n_samples: int = 1) -> list[torch.Generator]:
    """
    ## One generator for each sequence

    * `seed` is any whole number
    * `n_prompts` is the size of the batch, and `n_samples` how often each prompt is continued

    Returns them in the order of [decoding](decoding.html): samples of a prompt side by side.
    """
    # Seeds that are added up would meet: sample 1 of seed 0 would be sample 0 of seed 1. A hash of
    # both is another number for each pair.
    numbers = [hashlib.sha256(f"{seed} {sample}".encode()).digest() for sample in range(n_samples)]
    return [
        torch.Generator().manual_seed(int.from_bytes(number[:8], "big"))
        for _ in range(n_prompts)
        for number in numbers
    ]


def draw(logits: torch.Tensor, generators: Sequence[torch.Generator]) -> torch.Tensor:
    r"""
    ## One token for each sequence

    A token with a logit of $-\infty$ is never drawn.

    * `logits` has shape `[batch_size, n_tokens]`
    * `generators` are those of the sequences, on the processor; the same numbers are then drawn for
      every device
    * returns shape `[batch_size]`
    """
    if len(generators) != len(logits):
        raise ValueError(
            f"there are {len(generators)} generators for {len(logits)} sequences: give one for each"
        )
    # Doubles: sums of many small probabilities in `float32` would shift the borders.
    numbers = torch.cat([torch.rand(1, generator=g, dtype=torch.float64) for g in generators])
    # Apple's GPU has no doubles.
    device = logits.device
    logits = logits.cpu() if device.type == "mps" else logits
    reached = logits.double().softmax(dim=-1).cumsum(dim=-1)
    # The sum of all is 1 only up to rounding, so $u$ is measured in it. $u$ is at most
    # $1 - 2^{-53}$, and the product below the sum: some token always reaches further.
    mark = numbers.to(logits.device).unsqueeze(-1) * reached[:, -1:]
    # As many tokens as do not reach beyond the mark come before the one that does.
    return (reached <= mark).sum(dim=-1).to(device)
