r"""
# Rotary Positions

What a token has to do with another one depends on how far apart they are, not on where the text
began. [RoFormer: Enhanced Transformer with Rotary Position
Embedding](https://arxiv.org/abs/2104.09864), section 3, adds nothing to the vectors of tokens. It
turns queries and keys by an angle that grows with the position; in their product the two angles
meet, and what is left of them is the difference,

$$\begin{aligned}
\operatorname{turn}(q, p)_{2c} &= q_{2c} \cos p \theta_c - q_{2c + 1} \sin p \theta_c \\
\operatorname{turn}(q, p)_{2c + 1} &= q_{2c} \sin p \theta_c + q_{2c + 1} \cos p \theta_c \\
\theta_c &= 10000^{-2c / d_k} \\
\operatorname{turn}(q, i) \cdot \operatorname{turn}(k, j) &= \operatorname{turn}(q, i - j) \cdot k
\end{aligned}$$

| symbol | code | meaning |
|---|---|---|
| $q$, $k$ | `x` | query or key of one head |
| $p$, $i$, $j$ | `places` | position in the sequence, from 0 |
| $2c$ | `pair` | number of a feature; the even ones count the pairs |
| $p \theta_c$ | `angle` | how far pair $c$ is turned |
| $d_k$ | `d_k` | features in one head |

Two features are the ends of a hand, as in the waves of [sinusoidal
positions](positional_encoding.html), and the hands have the same speeds. There the hands are added
and the network has to find distances in them; here it cannot help seeing them. A turn changes no
length, costs no parameter, and needs no longest sequence. That a network copes with distances which
it never met is promised by nobody.

**Departure.** Libraries that store a head with the first ends of all hands before the second ones
have other weights for the same function: row $2c$ of a head's projections is their row $c$, and row
$2c + 1$ is their row $d_k / 2 + c$.

[Multi-head attention](mha.html) has a place for this; [ALiBi](alibi.html) is another thing to put
there.
"""

import torch
from torch import nn


def angles(places: torch.Tensor, d_k: int, base: float) -> torch.Tensor:
    r"""
    ## The angles of all hands

    $p \theta_c$. In `float32` an angle near $10^6$ is off by some hundredths, so these have
    `float64`.

    * `places` holds positions in any axes; the result has one more, for the `d_k / 2` pairs
    """
    # Apple's GPU has no numbers of that size.
    places = places.cpu() if places.device.type == "mps" else places
    pair = torch.arange(0, d_k, 2, dtype=torch.float64, device=places.device)
    return places.unsqueeze(-1).double() * base ** (-pair / d_k)


class RotaryPositions(nn.Module):
    r"""
    ## RotaryPositions

    Scores do not change when all positions are moved by the same number. Values are not turned, so
    that a place is never part of what is said.
    """

    def __init__(self, d_k: int, *, base: float = 10000.0):
        r"""
        * `d_k` is the number of features of a head, which come in pairs
        * `base` is how many times slower the last hand is than the first one, almost
        """
        super().__init__()

        if d_k < 2 or d_k % 2:
            raise ValueError(
                f"d_k={d_k} features of a head cannot be paired: give an even number of them"
            )
        if not base > 0:
            raise ValueError(f"base is {base}, but speeds are powers of it: give one above 0")
        self.d_k = d_k
        self.base = base
        # The hands of the first positions, and those of the places that were asked for last: all
        # layers ask for the same. They are no buffers, since they can be computed again.
        self.first_hands: torch.Tensor | None = None
        self.last_hands: tuple[torch.Tensor, torch.Tensor] | None = None

    def hands(self, places: torch.Tensor) -> torch.Tensor:
        r"""
        Cosines and sines.

        * `places` has shape `[seq_len, batch_size]`
        * returns shape `[2, seq_len, batch_size, 1, n_pairs]`
        """
        angle = angles(places, self.d_k, self.base).unsqueeze(-2)
        return torch.stack([angle.cos(), angle.sin()]).to(places.device, torch.float32)

    def hands_of_the_first(self, seq_len: int, device: torch.device) -> torch.Tensor:
        r"""
        Those of positions 0, 1, ... , which are made once for many batches.

        * `device` is where queries and keys are
        * returns shape `[2, seq_len, 1, 1, n_pairs]`
        """
        hands = self.first_hands
        if hands is None or hands.shape[1] < seq_len or hands.device != device:
            # A tensor of inference mode could never be part of a training step later on.
            with torch.inference_mode(False):
                places = torch.arange(seq_len, device=device).unsqueeze(-1)
                hands = self.first_hands = self.hands(places)
        return hands[:, :seq_len]

    def hands_at(self, places: torch.Tensor) -> torch.Tensor:
        r"""
        Those of given places, kept for the next layer, which has the very same ones.

        * `places` has shape `[seq_len, batch_size]`
        * returns shape `[2, seq_len, batch_size, 1, n_pairs]`
        """
        if self.last_hands is None or self.last_hands[0] is not places:
            self.last_hands = places, self.hands(places)
        return self.last_hands[1]

    def turn(self, x: torch.Tensor, places: torch.Tensor | None = None) -> torch.Tensor:
        r"""
        Queries or keys, turned.

        * `x` has shape `[seq_len, batch_size, n_heads, d_k]`
        * `places` holds the position of each, `[seq_len, batch_size]`, where an axis may be one;
          `None` stands for 0, 1, ...
        * returns shape `[seq_len, batch_size, n_heads, d_k]`
        """
        if places is None:
            cos, sin = self.hands_of_the_first(len(x), x.device)
        else:
            cos, sin = self.hands_at(places)

        # Hands that are rounded to half precision would stretch what they turn, so this is done in
        # `float32` and rounded once.
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        first, second = wide[..., 0::2], wide[..., 1::2]
        turned = torch.stack([first * cos - second * sin, first * sin + second * cos], dim=-1)
        return turned.flatten(-2).to(x.dtype)

    def add_to(
        self,
        scores: torch.Tensor,
        places: torch.Tensor | None = None,
        key_places: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Scores of turned queries and keys know the distance, so nothing is added to them."""
        return scores

    def extra_repr(self) -> str:
        """What `print` shows between the parentheses."""
        return f"d_k={self.d_k}, base={self.base}"
