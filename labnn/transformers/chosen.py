r"""
# Chosen Positions

A masked language model is asked about one token in seven. What the last layer makes of the other
positions is read by nobody: in the layers below they are keys and values for all, here they are for
the few that are asked. The last layer therefore needs a query, a sum and a feed-forward network at
the chosen positions only,

$$\operatorname{layer}(x)_p = h_p + f(h_p)
\qquad
h_p = x_p + \operatorname{Attention}(x_p, x, x)$$

| symbol | code | meaning |
|---|---|---|
| $x$ | `x` | features of all positions |
| $p$ | `positions` | position $i$ of sequence $b$ is number `i * batch_size + b` |
| $f$ | `feed_forward` | what a layer does with each position by itself |

Attention wants as many queries in each sequence, and more positions may be chosen in one than in
another. They are put in a *grid* with a column for each sequence. Columns are filled up to the
longest with position 0, and what attention answers there is not read. Here are four positions of
two sequences, at places 0 and 1 of the first and 1 and 2 of the second; without the last one the
grid would hold a 0 in its place:

```text
chosen   grid
1 0      0 1
1 1      1 2
0 1
```

In the main experiment, where one of six layers shrinks in this way, a step takes 8 % less time in
`float32` on two cores, and 12 % less in `bfloat16` where [attention](mha.html) also rounds its
features once.

The [encoder](encoder.html) uses this in its last layer, and the models ask it to.
"""

import inspect
from collections.abc import Callable
from functools import lru_cache

import torch
from torch import nn

# The numbers of positions that are asked for are multiples of this.
MULTIPLE = 64


def labelled(labels: torch.Tensor, *, ignore: int) -> torch.Tensor:
    r"""
    ## The positions with a label

    Their number is filled up to a multiple of 64, or to all there are, with positions whose label
    is `ignore`: a loss that ignores them is the same. Libraries for half precision prepare each
    product anew for each number of rows, which took ten times as long as the product itself, and a
    gigabyte of memory after a while. Few different numbers are prepared once.

    * `labels` has shape `[seq_len, batch_size]`
    * returns shape `[n_positions]`
    """
    is_ignored = (labels == ignore).flatten()
    n_labels = len(is_ignored) - int(is_ignored.sum())
    n_positions = min(-(-n_labels // MULTIPLE) * MULTIPLE, len(is_ignored))
    # A stable order keeps both kinds in that of the text.
    return is_ignored.byte().argsort(stable=True)[:n_positions]


def check_positions(positions: torch.Tensor | None) -> None:
    """
    ## What is no list of indices is refused

    A mask of positions, for instance, would be taken for the first two of them.
    """
    if positions is not None and (
        positions.dim() != 1 or positions.dtype not in (torch.int32, torch.int64)
    ):
        raise ValueError(
            f"positions has shape {list(positions.shape)} and dtype {positions.dtype}, but it "
            "is a list of flat indices: give one axis of integers"
        )


def takes_positions(module: nn.Module) -> bool:
    """
    ## Whether a module can be asked about some positions
    """
    # A method is made anew each time that it is read, its function is that of the class.
    function = getattr(module.forward, "__func__", None)
    # `torch.compile` asks once, and warns of answers that are kept.
    if function is None or torch.compiler.is_compiling():
        return has_positions.__wrapped__(module.forward)
    return has_positions(function)


@lru_cache(maxsize=64)
def has_positions(forward: Callable) -> bool:
    """
    ## Whether a function has an argument `positions`

    To read what it says of itself takes 0.1 ms within a step, so the answer is kept.
    """
    return "positions" in inspect.signature(forward).parameters


def run_at(
    module: nn.Module,
    x: torch.Tensor,
    mask: torch.Tensor | None,
    positions: torch.Tensor | None,
) -> torch.Tensor:
    r"""
    ## A layer or an encoder at chosen positions

    One whose `forward` has no argument `positions` computes everything, and the positions are taken
    from that.

    * `module` is called with `x` and `mask`
    * `x` has shape `[seq_len, batch_size, d_model]`
    * `positions` are those to return, in a list; `None` returns everything in the shape of `x`
    """
    if positions is None:
        return module(x, mask)
    if takes_positions(module):
        return module(x, mask, positions=positions)
    return module(x, mask).flatten(0, 1).index_select(0, positions)


def last_positions(x: torch.Tensor) -> torch.Tensor:
    r"""
    ## The last position of each sequence of a batch, as a list

    * `x` has shape `[seq_len, batch_size]`
    * returns shape `[batch_size]`
    """
    seq_len, batch_size = x.shape
    return torch.arange(batch_size, device=x.device) + (seq_len - 1) * batch_size


def logits_at(model: nn.Module, x: torch.Tensor, positions: torch.Tensor | None) -> torch.Tensor:
    r"""
    ## The logits of a model at chosen positions

    Also of a model that computes all of them whatever it is asked.

    * `model` is called with `x`, the ids, and returns logits and a state
    * `positions` are those to return, in a list; `None` returns all in the axes of `x`
    """
    if positions is None:
        return model(x)[0]
    if takes_positions(model):
        return model(x, positions=positions)[0]
    return model(x)[0].flatten(0, 1).index_select(0, positions)


class Chosen:
    r"""
    ## Chosen

    A list of positions as a grid, and the way back to the list.
    """

    def __init__(self, positions: torch.Tensor, *, seq_len: int, batch_size: int):
        r"""
        * `positions` has shape `[n_positions]`, in any order; one may occur twice
        * `seq_len` and `batch_size` are the sizes of what they are positions of
        """
        # A choice among all positions finds those that do not exist, negative ones included.
        number = torch.arange(seq_len * batch_size, device=positions.device)
        number = number.index_select(0, positions)
        place, self.column = number // batch_size, number % batch_size

        # The number of chosen positions of a sequence up to each place is the row that it gets.
        #
        # `is_chosen` has shape `[seq_len, batch_size]`
        is_chosen = torch.zeros(seq_len, batch_size, dtype=torch.bool, device=positions.device)
        is_chosen[place, self.column] = True
        n_so_far = is_chosen.cumsum(dim=0)
        self.row = n_so_far[place, self.column] - 1

        # Code that is compiled as a whole would end at a question to the data. Rows that nobody
        # reads do no harm.
        n_rows = seq_len
        if not torch.compiler.is_compiling():
            n_rows = int(n_so_far[-1].max()) if len(positions) else 0
        # `grid` has shape `[n_rows, batch_size]`
        grid = torch.zeros(n_rows, batch_size, dtype=torch.int64, device=positions.device)
        grid[self.row, self.column] = place
        self.grid = grid

    def spread(self, x: torch.Tensor) -> torch.Tensor:
        r"""
        From all positions to the grid.

        * `x` has shape `[seq_len, batch_size, d_model]`
        * returns shape `[n_rows, batch_size, d_model]`
        """
        return x.gather(0, self.grid.unsqueeze(-1).expand(-1, -1, x.shape[-1]))

    def spread_mask(self, mask: torch.Tensor | None) -> torch.Tensor | None:
        r"""
        The rows of a mask that belong to the queries of the grid. A mask that is the same for all
        queries stays as it is.

        * `mask` has shape `[seq_len_q, seq_len_k, batch_size]`, any of which may be one
        """
        if mask is None or len(mask) == 1:
            return mask
        # The causal mask is one for all sequences, and here each has queries of its own.
        mask = mask.expand(-1, -1, self.grid.shape[1])
        return mask.gather(0, self.grid.unsqueeze(1).expand(-1, mask.shape[1], -1))

    def collect(self, y: torch.Tensor) -> torch.Tensor:
        r"""
        From the grid to the list, in the order in which the positions were given.

        * `y` has shape `[n_rows, batch_size, d_model]`
        * returns shape `[n_positions, d_model]`
        """
        return y.flatten(0, 1).index_select(0, self.row * y.shape[1] + self.column)
