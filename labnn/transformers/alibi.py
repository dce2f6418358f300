r"""
# ALiBi

A model that has met positions up to 512 has no idea of position 600. [Train Short, Test Long:
Attention with Linear Biases Enables Input Length Extrapolation](https://arxiv.org/abs/2108.12409)
gives tokens no positions at all. It lowers the score of a key by its distance, so that what is far
off counts less, and what is farther off than ever before still less,

$$\begin{aligned}
\text{score}_{hij} &= \frac{Q_{hi} \cdot K_{hj}}{\sqrt{d_k}} - m_h \, |i - j| \\
m_h &= 2^{-8 h / n}
\qquad h = 1, \dots, n
\end{aligned}$$

| symbol | code | meaning |
|---|---|---|
| $i$, $j$ | `places`, `key_places` | position of a query, position of a key |
| $m_h$ | `self.slopes` | what a step costs in head $h$; not learned |
| $n$ | `n_heads` | number of heads, a power of two |

With 8 heads the slopes run from $1 / 2$, where a key twenty tokens away is lost, to $1 / 256$,
where it hardly matters: heads differ in how far they see. For another number of heads the authors'
code takes the slopes for the largest power of two below it, and fills up with every second slope
for the power of two above it, the first, the third and so on; so it is here.

**Departure.** In the paper a query reads what came before it, and the distance is $i - j$. A model
that reads on both sides, such as one for masked tokens, takes the distance $|i - j|$ here. The two
are the same where the future is masked. A head then cannot tell left from right by the distance:
without a mask a text read backwards has the same features, backwards. A masked language model that
is to know the order needs positions of another kind.

[Multi-head attention](mha.html) adds this to its scores; [rotary positions](rotary.html) turn
queries and keys instead.
"""

import torch
from einops import rearrange
from torch import nn


def slopes(n_heads: int) -> list[float]:
    r"""
    ## What a step costs, for each head

    A geometric sequence that starts at its own ratio. For 12 heads: the 8 slopes for 8 heads, then
    the first, third, fifth and seventh of the slopes for 16.
    """
    n_regular = 2 ** (n_heads.bit_length() - 1)
    regular = [2 ** (-8 * h / n_regular) for h in range(1, n_regular + 1)]
    # Every second slope for twice as many heads lies between two that are there already.
    between = [2 ** (-4 * h / n_regular) for h in range(1, 2 * n_regular, 2)]
    return regular + between[: n_heads - n_regular]


class AlibiPositions(nn.Module):
    r"""
    ## AlibiPositions

    Only distances matter, so nothing changes when all positions are moved by the same number, and
    there is no longest sequence. The slopes are no parameters.
    """

    def __init__(self, n_heads: int):
        r"""
        * `n_heads` is the number of heads
        """
        super().__init__()

        if n_heads < 1:
            raise ValueError(f"n_heads is {n_heads}, but attention needs at least one head")
        self.slopes = slopes(n_heads)
        # The bias of the longest text so far, and the last one of a continued text: all layers ask
        # for the same. They are no buffers, since they can be computed again.
        self.longest_bias: torch.Tensor | None = None
        self.last_bias: tuple[torch.Tensor, torch.Tensor, torch.Tensor] | None = None

    def bias(self, places: torch.Tensor, key_places: torch.Tensor) -> torch.Tensor:
        r"""
        $-m_h |i - j|$ for queries and keys at given places, an axis of which may be one.

        * `places` has shape `[seq_len_q, batch_size_q]`
        * `key_places` has shape `[seq_len_k, batch_size_k]`
        * returns shape `[batch_size, n_heads, seq_len_q, seq_len_k]`
        """
        distance = rearrange(places, "i b -> b 1 i 1") - rearrange(key_places, "j b -> b 1 1 j")
        slope = torch.tensor(self.slopes, device=places.device)
        return distance.abs() * -rearrange(slope, "h -> h 1 1")

    def bias_of_the_first(
        self, seq_len_q: int, seq_len_k: int, device: torch.device
    ) -> torch.Tensor:
        r"""
        That of queries and keys at positions 0, 1, ... , which is made once for many batches: a
        shorter text has a corner of it.

        * `device` is where the scores are
        * returns shape `[1, n_heads, seq_len_q, seq_len_k]`
        """
        seq_len, bias = max(seq_len_q, seq_len_k), self.longest_bias
        if bias is None or bias.shape[-1] < seq_len or bias.device != device:
            # A tensor of inference mode could never be part of a training step later on.
            with torch.inference_mode(False):
                places = torch.arange(seq_len, device=device).unsqueeze(-1)
                bias = self.longest_bias = self.bias(places, places)
        return bias[..., :seq_len_q, :seq_len_k]

    def bias_at(self, places: torch.Tensor, key_places: torch.Tensor) -> torch.Tensor:
        r"""
        That of given places, kept for the next layer, which has the very same ones.

        * `places` has shape `[seq_len_q, batch_size_q]`
        * `key_places` has shape `[seq_len_k, batch_size_k]`
        * returns shape `[batch_size, n_heads, seq_len_q, seq_len_k]`
        """
        last = self.last_bias
        if last is None or last[0] is not places or last[1] is not key_places:
            last = self.last_bias = places, key_places, self.bias(places, key_places)
        return last[2]

    def turn(self, x: torch.Tensor, places: torch.Tensor | None = None) -> torch.Tensor:
        """Queries and keys stay as they are."""
        return x

    def add_to(
        self,
        scores: torch.Tensor,
        places: torch.Tensor | None = None,
        key_places: torch.Tensor | None = None,
    ) -> torch.Tensor:
        r"""
        Scores less what the distance costs.

        * `scores` has shape `[batch_size, n_heads, seq_len_q, seq_len_k]`
        * `places` holds the position of each query, `[seq_len_q, batch_size]`, where an axis may be
          one; `None` stands for 0, 1, ...
        * `key_places` holds those of the keys in the same way, if `places` is given
        * returns shape `[batch_size, n_heads, seq_len_q, seq_len_k]`
        """
        seq_len_q, seq_len_k = scores.shape[-2:]
        if places is None:
            bias = self.bias_of_the_first(seq_len_q, seq_len_k, scores.device)
        elif key_places is None:
            # Chosen queries differ from batch to batch, and all keys are there.
            bias = self.bias(places, torch.arange(seq_len_k, device=scores.device).unsqueeze(-1))
        else:
            bias = self.bias_at(places, key_places)
        # A sum has the wider of two types, and attention goes on in that of its scores.
        return scores + bias.to(scores.dtype)

    def extra_repr(self) -> str:
        """What `print` shows between the parentheses."""
        return f"n_heads={len(self.slopes)}"
