r"""
# Windows

A text is one long sequence of ids, and a model reads `seq_len` of them at a time. The sequence is
laid out in windows, and a batch puts `batch_size` of them side by side, sequence first. The target
of each position is the next token, so the last position of a window needs one token behind it:

$$\begin{aligned}
n_{\text{windows}} &= \Big\lfloor \frac{N - 1}{L} \Big\rfloor \\
\text{start}_i &= \min(i L + r_i, \; N - 1 - L)
\end{aligned}$$

| symbol | code | meaning |
|---|---|---|
| $N$ | `len(self.ids)` | number of tokens |
| $L$ | `self.seq_len` | length of a window |
| $r_i$ | `offsets` | shift of window $i$, drawn from $0$ to $L - 1$ |

In training the windows come in a random order and each is shifted by $r_i$, so that a model does
not always meet the same token at the same position. In validation $r_i = 0$ and the order is that
of the text: every token is read exactly once, but for at most `seq_len` at the end.

**Order and shifts are a function of seed and epoch alone.** They come from a generator that is made
for the epoch and thrown away after it, so nothing that the program draws elsewhere changes them,
and they change nothing. Any batch of any epoch can be had without the batches before it, which is
what a run needs that continues in the middle.

[Scored windows](scored_windows.html) overlap, for an evaluation in which every token has a long
context. [Prompts](prompts.html) are laid out in the same way, from texts that do not fill a window.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from labnn.data.text_files import CorpusError


def token_ids(ids: Sequence[int] | np.ndarray | torch.Tensor, name: str) -> torch.Tensor:
    """
    ## The tokens of a text

    They are copied, so that they stay what they are if the caller's array changes.

    * `ids` are integers in any kind of sequence
    * `name` is what errors call the text
    * returns shape `[n_ids]`
    """
    array = ids.detach().cpu().numpy() if isinstance(ids, torch.Tensor) else np.asarray(ids)
    # Fractions would be cut off in silence. An empty list has no type yet.
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise ValueError(
            f"{name}: ids has {array.ndim} axes of {array.dtype} and has to be one sequence of "
            "integers"
        )
    return torch.from_numpy(array.astype(np.int64))


class Windows:
    """
    ## Windows

    `len(windows)` counts batches. The last batch is narrower if the windows do not fill it: it is
    kept, since a validation without it would leave text out.
    """

    def __init__(
        self,
        ids: Sequence[int] | np.ndarray | torch.Tensor,
        *,
        seq_len: int,
        batch_size: int,
        seed: int = 0,
        is_shuffled: bool = True,
        name: str = "text",
    ):
        r"""
        * `ids` are the tokens of one text, which are copied
        * `seq_len` is the length $L$ of a window
        * `batch_size` is the number of windows in a batch
        * `seed` chooses the orders and shifts of all epochs
        * `is_shuffled` is false for the order of the text without shifts
        * `name` is what errors call the text, for instance "valid"
        """
        for option, value, least in (
            ("seq_len", seq_len, 1),
            ("batch_size", batch_size, 1),
            ("seed", seed, 0),
        ):
            if value < least:
                raise ValueError(f"{option}={value} has to be at least {least}")

        self.ids = token_ids(ids, name)
        self.seq_len = seq_len
        self.batch_size = batch_size
        self.seed = seed
        self.is_shuffled = is_shuffled

        # The last token is only ever a target, and what is left over at the end fills no window.
        self.n_windows = (len(self.ids) - 1) // seq_len
        if self.n_windows < 1:
            raise CorpusError(
                f"{name}: {len(self.ids)} tokens are too few for one window of seq_len={seq_len} "
                "and the token after it; give a longer text or a smaller seq_len"
            )

    def __len__(self) -> int:
        """
        The number of batches in an epoch, rounded up.
        """
        return -(-self.n_windows // self.batch_size)

    def starts(self, epoch: int) -> torch.Tensor:
        """
        Where each window of an epoch begins, in the order of the batches.

        * returns shape `[n_windows]`
        """
        starts = torch.arange(self.n_windows) * self.seq_len
        if not self.is_shuffled:
            return starts

        # A sum of seed and epoch would let seed 1 begin with what seed 0 does next. As a seed and a
        # spawn key, the two stay apart whatever their sizes.
        mixed = np.random.SeedSequence(self.seed, spawn_key=(epoch,)).generate_state(1, np.uint64)
        generator = torch.Generator().manual_seed(int(mixed[0]))
        order = torch.randperm(self.n_windows, generator=generator)
        offsets = torch.randint(self.seq_len, (self.n_windows,), generator=generator)
        # $\text{start}_i$, where the shift must not push the last windows over the end.
        return (starts + offsets).clamp(max=len(self.ids) - 1 - self.seq_len)[order]

    def batch(self, starts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """
        The windows that begin at `starts`, side by side.

        * `starts` has shape `[n_starts]`
        * `data` has shape `[seq_len, n_starts]`
        * `target` has shape `[seq_len, n_starts]`
        """
        # Row by row the windows advance together.
        #
        # `index` has shape `[seq_len, n_starts]`
        index = starts + torch.arange(self.seq_len).unsqueeze(-1)
        # Both are copies, so that masking a batch in place spoils neither the other nor the text.
        data, target = self.ids[index], self.ids[index + 1]
        return data, target

    def batches(self, epoch: int, first: int = 0) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """
        Pairs of data and target, where the last pair may be narrower.

        * `epoch` counts from zero
        * `first` is the number of the batch to begin with; those before it are not made
        """
        if epoch < 0 or not 0 <= first <= len(self):
            raise ValueError(
                f"epoch={epoch}, first={first}: epochs count from 0, and batches to {len(self)}"
            )
        # The checks above are made at the call, not when the first batch is asked for.
        left = self.starts(epoch)[first * self.batch_size :].split(self.batch_size)
        return (self.batch(starts) for starts in left if len(starts))

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """
        The batches of epoch 0, which are the same each time: what validation wants. Training asks
        for `batches(epoch)`.
        """
        return self.batches(0)
