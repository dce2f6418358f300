r"""
# Does It Fit?

The weights of a checkpoint fit one model only: the one that the options of the run make. torch
tells of weights that do not fit with a line for each of them and no word of the options. Here it
is one line: which options differ and both of their values, the first tensor that shows it, and what
to do.

**One tensor with two names** is what a [tied generator](../transformers/generator.html) makes.
There torch tells of nothing, since names and shapes are those of a model with two tables. Two that
are loaded into one would overwrite each other, and one that is loaded into two would go on as
another model. So what is one parameter has to be one on both sides.

[Loading](load.html) asks before it touches the model.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from labnn.configs.types import short
from labnn.runs.folders import RunError


def check_fit(
    name: str,
    model: nn.Module,
    saved: dict[str, torch.Tensor],
    changes: dict[str, tuple[Any, Any]],
) -> None:
    """
    Raises `RunError` where the weights are not those of the model, which is left as it is.

    * `name` is that of the checkpoint
    * `saved` are its weights
    * `changes` has the options that differ, with the value of the run and the value now
    """
    # A parameter is held to its copies; what a buffer shares is for the model to say.
    own = dict(model.named_parameters(remove_duplicate=False))
    found = [
        *misfits(model.state_dict(), saved),
        *mistied(own, {name: saved[name] for name in own if name in saved}),
    ]
    if not found:
        return
    more = f", and {len(found) - 1} more like it" if len(found) > 1 else ""
    what = f"checkpoint {name} does not fit the model: "
    # With the same options the code must have changed.
    if not changes:
        raise RunError(
            f"{what}{found[0]}{more}; code or defaults are not those of the run, whose run.yaml "
            "names the commit and the version"
        )
    told = (f"{key} was {short(old)} and is {short(new)}" for key, (old, new) in changes.items())
    raise RunError(
        f"{what}{', '.join(told)} ({found[0]}{more}); leave {' and '.join(changes)} as it was"
    )


def misfits(own: dict[str, Any], saved: dict[str, Any]) -> Iterator[str]:
    """
    A line for each weight that is on one side only, or that is another kind of tensor there.

    * `own` is the state of the model
    """
    for name in own:
        if name not in saved:
            yield f"it has no {name}, which the model has"
    for name in saved:
        if name not in own:
            yield f"it has {name}, which the model has not"
    for name, tensor in own.items():
        if name in saved and kind(saved[name]) != kind(tensor):
            yield f"{name} is {kind(saved[name])} in it and {kind(tensor)} in the model"


def mistied(own: dict[str, Any], saved: dict[str, Any]) -> Iterator[str]:
    """
    A line for each tensor with several names on one side that are several tensors on the other.

    * `own` are the parameters of the model, `saved` those of them that were saved
    """
    ours, theirs = shared(own), shared(saved)
    for names in sorted(map(sorted, ours ^ theirs)):
        one, other = ("the model", "it") if frozenset(names) in ours else ("it", "the model")
        yield f"{' and '.join(names)} are one tensor in {one} and not in {other}"


def shared(tensors: dict[str, Any]) -> set[frozenset[str]]:
    """The names that stand for one tensor, as far as there are several of them"""
    places: dict[tuple, set[str]] = {}
    for name, tensor in tensors.items():
        # What is empty has no memory to share.
        if isinstance(tensor, torch.Tensor) and tensor.numel():
            memory = (tensor.device, tensor.data_ptr(), tensor.shape, tensor.stride())
            places.setdefault(memory, set()).add(name)
    return {frozenset(names) for names in places.values() if len(names) > 1}


def kind(value: Any) -> str:
    """
    Shape and type of a tensor. A weight that is copied to another type is rounded without a word,
    and a vector that is copied to a matrix is repeated.
    """
    if not isinstance(value, torch.Tensor):
        return f"a {type(value).__name__}"
    return f"{list(value.shape)} of {str(value.dtype).removeprefix('torch.')}"
