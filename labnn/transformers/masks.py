r"""
# Masks

Attention lets every position read every other one. Two things must not be read: the future, where
the model is to predict it, and padding, which only fills up a batch. A mask is a boolean tensor
that says what may be read,

$$\begin{aligned}
M^{\text{causal}}_{ijb} &= (j \le i) \\
M^{\text{padding}}_{ijb} &= (x_{jb} \ne \text{padding})
\end{aligned}$$

| symbol | code | meaning |
|---|---|---|
| $M_{ijb}$ | `mask[i, j, b]` | true where query $i$ may attend to key $j$ in sequence $b$ |
| $x_{jb}$ | `x[j, b]` | the id at position $j$ of sequence $b$ |
| $\text{padding}$ | `padding_token` | the id that fills up a batch |

An axis on which a mask does not depend has size one and is broadcast: the causal mask is the same
for all sequences, the padding mask for all queries. Masks that must all hold are joined by a
logical *and*, which broadcasts them as well. This is how it looks for three positions, the last of
which is padding, with a row for each query and a column for each key:

```text
causal   padding   both
1 0 0    1 1 0     1 0 0
1 1 0    1 1 0     1 1 0
1 1 1    1 1 0     1 1 0
```

[Multi-head attention](mha.html) takes these masks.
"""

import torch
from einops import rearrange


def causal_mask(
    seq_len: int, device: torch.device | None = None, *, n_before: int = 0
) -> torch.Tensor:
    r"""
    ## No position reads the future

    A position may attend to itself and to what came before it.

    * `seq_len` is the number of queries, which are the last positions
    * `n_before` is the number of keys before the first query, in a [continued text](kv_cache.html)
    * returns shape `[seq_len, seq_len_k, 1]`
    """
    position = torch.arange(n_before + seq_len, device=device)
    # $j \le i$: queries run along the first axis, keys along the second.
    return rearrange(position, "j -> 1 j 1") <= rearrange(position[n_before:], "i -> i 1 1")


def padding_mask(x: torch.Tensor, padding_token: int) -> torch.Tensor:
    r"""
    ## No position reads padding

    It is about keys only. A query at a padded position attends like any other; nobody reads the
    outcome.

    * `x` has shape `[seq_len, batch_size]`
    * returns shape `[1, seq_len, batch_size]`
    """
    return rearrange(x != padding_token, "j b -> 1 j b")


def combine_masks(*masks: torch.Tensor | None) -> torch.Tensor | None:
    r"""
    ## Allowed where all masks allow it

    `None` stands for a mask that allows everything, and is the result where nothing is forbidden.
    """
    combined = None
    for mask in masks:
        if mask is not None:
            combined = mask if combined is None else combined & mask
    return combined


def check_mask(mask: torch.Tensor, seq_len_q: int, seq_len_k: int, batch_size: int) -> None:
    r"""
    ## A wrong mask is refused

    Other libraries use masks of numbers, masks that are true where attention is forbidden, and
    masks with the batch first. Type and shape give away the first and most of the last; a mask that
    is merely inverted cannot be told from ours.
    """
    if mask.dtype != torch.bool:
        raise ValueError(
            f"the mask has dtype {mask.dtype}, but a mask is boolean, true where a query may "
            "attend to a key: compare it first, as in `mask != 0`"
        )
    sizes = (seq_len_q, seq_len_k, batch_size)
    if mask.dim() != 3 or any(
        m not in (1, size) for m, size in zip(mask.shape, sizes, strict=True)
    ):
        raise ValueError(
            f"the mask has shape {list(mask.shape)}, but [seq_len_q, seq_len_k, batch_size] is "
            f"{list(sizes)}: give each axis its size, or size one to broadcast it"
        )
