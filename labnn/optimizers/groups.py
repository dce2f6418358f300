r"""
# Groups for Weight Decay

Weight decay pulls weights to zero, so that a model does not follow every turn of its training text.
That is meant for the matrices, whose size says how strongly features act on each other. A bias only
moves a feature, and the gain of a normalization is at rest at one: at zero its feature is gone. In
a table of embeddings a batch reaches the rows of its own tokens only. Decay would shrink all others
at every update, and the rare words most. So there are two groups, each with a factor of its own,

$$\lambda_i = \begin{cases}
\lambda & \text{where } \theta_i \text{ is in a matrix that features are multiplied by} \\
0 & \text{in biases, gains, and tables of tokens or positions}
\end{cases}$$

| symbol | code | meaning |
|---|---|---|
| $\theta_i$ | `param` | a weight |
| $\lambda$ | `weight_decay` | decay of the matrices |
| $\lambda_i$ | `group["weight_decay"]` | decay of the weight |

The division is that of
[minGPT](https://github.com/karpathy/minGPT/blob/bbbdac74fa9b2e55574d70056163ffbae42310c1/mingpt/model.py).
A table that is shared with the projection to the vocabulary is both a table and a matrix. It counts
as a table.

**Departure.** minGPT has a list of matrices and refuses what is on no list. Here what is of no
known kind goes by the number of its axes, so that convolutions and recurrent layers need no entry.

Any optimizer takes the groups in place of parameters:

```python
optimizer = AdamW(decay_groups(model, 0.1), lr=1e-3)
```

[AdamW](adam.html) says what decay does to an update.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

# What holds no matrix that features are multiplied by, whatever its shape is. The gain of a torch
# normalization has as many axes as it normalizes.
TABLES_AND_GAINS = (nn.Embedding, nn.EmbeddingBag, nn.LayerNorm, nn.RMSNorm)


def decay_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    r"""
    ## The two groups of a model

    * `weight_decay` is $\lambda$

    Returns first the group of what decays, then that of the rest. Either may be empty: a resumed
    training finds as many groups as it saved. Each parameter that wants a gradient is in exactly
    one of them, once, in the order of `model.parameters()`.
    """
    # A shared parameter is met in several places. One of them is enough to spare it.
    spared = {id(param) for module in model.modules() for param in without_decay(module)}

    # `parameters` gives shared ones once.
    params = [param for param in model.parameters() if param.requires_grad]
    if not params:
        raise ValueError(
            f"{type(model).__name__} has no parameter that requires a gradient, so there is "
            f"nothing to optimize: unfreeze some with requires_grad_()"
        )
    return [
        dict(params=[p for p in params if id(p) not in spared], weight_decay=weight_decay),
        dict(params=[p for p in params if id(p) in spared], weight_decay=0.0),
    ]


def without_decay(module: nn.Module) -> Iterator[torch.Tensor]:
    """
    ## Which parameters of a module do not decay

    Those of the modules inside of it are their own affair. Its kind decides, then its word, then
    the number of axes: biases and gains have one.

    A matrix has the shape of a table, so a module that keeps a table as a plain parameter has to
    say so, by an attribute `no_decay` with the names. The class of the
    [learned positions](../transformers/positional_encoding.html) has `no_decay = ("table",)`.
    """
    named = named_tables(module)
    for name, param in module.named_parameters(recurse=False, remove_duplicate=False):
        if isinstance(module, TABLES_AND_GAINS) or name in named or param.dim() < 2:
            yield param


def named_tables(module: nn.Module) -> tuple[str, ...]:
    """
    ## What a module says of its own parameters

    A name that is none of them is an error: the table that it was meant for would decay unseen.
    """
    names = getattr(module, "no_decay", ())
    kind = type(module).__name__
    # A text would be taken for a row of letters.
    if not isinstance(names, (tuple, list)):
        raise ValueError(
            f"no_decay of {kind} is {names!r}: give a tuple of the names of its parameters, such "
            f"as ('table',)"
        )
    own = [name for name, _ in module.named_parameters(recurse=False, remove_duplicate=False)]
    for name in names:
        # A parameter that was left out, as a bias may be, is `None` and has a name all the same.
        if name not in own and getattr(module, name, "") is not None:
            raise ValueError(
                f"no_decay of {kind} names {name!r}, which is no parameter of it: choose from "
                f"{', '.join(own) or 'none, since it has no parameters of its own'}"
            )
    return tuple(names)
