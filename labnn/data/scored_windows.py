r"""
# Scored Windows

How good a language model is should not depend on how its text is cut. In disjoint
[windows](windows.html) the first token of each is predicted from one token alone, and what fills no
window is never predicted. Here the windows overlap: each one goes on by $k$ tokens and only its
last $k$ targets are scored, as what comes before them was scored already and serves as context,

$$\begin{aligned}
n_{\text{windows}} &= 1 + \Big\lceil \frac{N - 1 - L}{k} \Big\rceil \\
\text{start}_i &= \min(i k, \; N - 1 - L) \\
\text{old}_i &= \begin{cases} 0 & i = 0 \\ L + (i - 1) k & \text{otherwise} \end{cases}
\end{aligned}$$

| symbol | code | meaning |
|---|---|---|
| $N$ | `len(self.ids)` | number of tokens, with the one before the text if there is one |
| $L$ | `self.seq_len` | length of a window |
| $k$ | `self.predict_last_k` | step from one window to the next |
| $\text{old}_i$ | `n_old` | number of targets that were scored before window $i$ |

The first window scores all of its targets. The last one is pushed back to where it fits, and
scores what is left. So **every target is scored exactly once**, and from no fewer than
$L - k + 1$ tokens, or from all that there are before it. With $k = L$ the windows are disjoint and
cheap; with $k = 1$ every token has the longest context there is, at the price of a window each.

The first token has nothing before it, so a text has $N - 1$ targets, unless it is told what comes
`before` it: a token such as the end of a line, from which the first one is predicted.

**Departure.** The tutorial of NVIDIA NeMo, which calls $k$ `predict_last_k`, makes
$\lfloor (N - L) / k \rfloor$ windows, which leave from $k - 1$ to $2k - 2$ targets at the end
unscored. Where $k > 1$, one or two windows more score them here.

Training wants [windows](windows.html) that are shuffled and do not repeat tokens.
"""

from collections.abc import Sequence

import numpy as np
import torch

from labnn.data.text_files import CorpusError
from labnn.data.windows import Windows, token_ids


class ScoredWindows(Windows):
    """
    ## ScoredWindows

    Targets that are not to be scored are replaced by an id that losses ignore. A model that takes
    positions need not compute logits for them.
    """

    def __init__(
        self,
        ids: Sequence[int] | np.ndarray | torch.Tensor,
        *,
        seq_len: int,
        batch_size: int,
        predict_last_k: int,
        ignore: int,
        before: int | None = None,
        name: str = "text",
    ):
        r"""
        * `ids` are the tokens of one text, which are copied
        * `seq_len` is the length $L$ of a window; a text that is shorter is one shorter window
        * `batch_size` is the number of windows in a batch
        * `predict_last_k` is the step $k$, from 1 to `seq_len`
        * `ignore` is the target of positions that are not scored, such as the padding token
        * `before` is an id to predict the first token from; `None` does not predict it
        * `name` is what errors call the text, for instance "valid"
        """
        tokens = token_ids(ids, name)
        if before is not None:
            tokens = torch.cat([torch.tensor([before]), tokens])
        # The last token is only ever a target.
        n_targets = len(tokens) - 1
        if n_targets < 1:
            raise CorpusError(
                f"{name}: {len(ids)} tokens are too few to predict one from another; give a longer "
                "text"
            )
        # A token that looks like what is ignored would be left out of the score in silence.
        if (tokens[1:] == ignore).any():
            raise ValueError(
                f"{name}: ignore={ignore} is a token of the text, which would not be scored; give "
                "an id that no text has"
            )
        super().__init__(
            tokens,
            seq_len=min(seq_len, n_targets),
            batch_size=batch_size,
            is_shuffled=False,
            name=name,
        )
        if not 1 <= predict_last_k <= seq_len:
            raise ValueError(
                f"predict_last_k={predict_last_k} has to be from 1 to seq_len={seq_len}"
            )
        self.predict_last_k = predict_last_k
        self.ignore = ignore
        # $n_{\text{windows}}$
        self.n_windows = 1 - (self.seq_len - n_targets) // predict_last_k

    def starts(self, epoch: int) -> torch.Tensor:
        """
        Where each window begins, in the order of the text and the same in every epoch.

        * returns shape `[n_windows]`
        """
        starts = torch.arange(self.n_windows) * self.predict_last_k
        return starts.clamp(max=len(self.ids) - 1 - self.seq_len)

    def batch(self, starts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """
        The windows that begin at `starts`, side by side.

        * `starts` has shape `[n_starts]`
        * `data` has shape `[seq_len, n_starts]`
        * `target` has shape `[seq_len, n_starts]`
        """
        data, target = super().batch(starts)
        # $i$ is the number of steps, rounded up: the last window may have made a shorter one.
        step = self.predict_last_k
        number = (starts + step - 1) // step
        n_old = torch.where(number == 0, 0, self.seq_len + (number - 1) * step)
        # Position $p$ of a window that begins at $s$ has target number $s + p$ of the text.
        #
        # `is_old` has shape `[seq_len, n_starts]`
        is_old = starts + torch.arange(self.seq_len).unsqueeze(-1) < n_old
        return data, target.masked_fill_(is_old, self.ignore)
