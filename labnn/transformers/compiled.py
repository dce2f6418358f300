r"""
# Compiled Layers

Between two matrix products a layer adds, drops and normalizes. Written with tensors each of these
reads all numbers from memory and writes them back.
[PyTorch 2](https://doi.org/10.1145/3620665.3640366) compiles the code as it stands into loops that
do several of them in one walk. Weights, their names and the draws of dropout stay the same, and the
results are the same but for rounding.

`model.compile()` compiles each layer of the [encoder](encoder.html) by itself. Equal layers share
what was compiled, so six of them take as long as one. Everything between them stays Python, which
may ask the data: whether there is padding, how many tokens are hidden, how long a text has grown.
The last layer is not called compiled where it is asked for [chosen positions](chosen.html), as in a
masked language model: their number changes from batch to batch.

[Dropout](../layers/dropout.html) and [normalization](../layers/layer_norm.html) have a form for
compilers, where the one that is fastest without would be slow or end the compiled code.
"""

from collections.abc import Callable

from torch import nn


def as_written(module: nn.Module) -> Callable:
    """
    ## A module as it is written

    For calls with another shape each time, such as a text that grows: a compiled module would be
    compiled anew for each. One that is not compiled is returned.
    """
    # `nn.Module.compile` keeps the compiled call beside the one that it was made of, with hooks.
    return module if module._compiled_call_impl is None else module._call_impl
