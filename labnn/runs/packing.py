r"""
# Packing State

The state of a training is dictionaries in lists in dictionaries, with tensors at their ends. Here
it is taken apart into tensors, for a [safetensors](https://github.com/huggingface/safetensors)
file, and a tree of plain values, for JSON, and is put together again. Neither of the two can hold
code, which is what a pickle is.

JSON has no tuples, no keys but texts, and no infinities. These stand in the tree as an object with
`$`, the kind, so that what comes back is equal in type as well: optimizers number their parameters,
and a Python generator takes its state as tuples only.

| `$` | stands for |
|---|---|
| `tensor`, `array` | an entry of the tensor file, for torch and for numpy |
| `tuple` | a tuple |
| `dict` | a dictionary whose keys are not all texts |
| `float` | a number that is infinite or none |

A tensor in two places, which tied weights are, is one again. What is a special kind of something
(an ordered dictionary, a named tuple, a number of numpy, a parameter) comes back as the plain kind,
equal in value and order; tensors come back in the memory of the processor, without strides.
"""

import math
from typing import Any

import numpy as np
import torch

KIND = "$"
# Where each kind has what it stands for
FIELDS = {"tensor": "name", "array": "name", "tuple": "items", "dict": "items", "float": "value"}
# No state is that deep, and the depth of a tree that was tampered with has no limit.
MAX_DEPTH = 60
# Python refuses to write integers that are longer than a limit, which may be set as low as that.
MAX_BITS = 2000
# What safetensors writes and reads again; it lacks some complex numbers and the smallest floats.
NUMBERS = "bool uint8 uint16 uint32 uint64 int8 int16 int32 int64 float16 bfloat16 float32 float64"
DTYPES = {
    getattr(torch, name) for name in (*NUMBERS.split(), "complex64", "float8_e4m3fn", "float8_e5m2")
}


class PackingError(ValueError):
    """
    ## Something that cannot be packed, or put together again
    """


class Packer:
    """
    ## Packer

    It collects the tensors of one file while it walks through a state.
    """

    def __init__(self, group: str = ""):
        """
        * `group` is the place of all that it packs; names in the file do without it
        """
        self.prefix = f"{group}."
        self.tensors: dict[str, torch.Tensor] = {}
        # Names by memory: tied weights are one tensor with two places.
        self.names: dict[tuple, str] = {}
        # An address stands for a tensor as long as no other one can get it.
        self.seen: list[torch.Tensor] = []
        self.storages: set[int] = set()

    def pack(self, value: Any, place: str = "", depth: int = 0) -> Any:
        """
        The tree of a value. Raises `PackingError`.

        * `place` says where it stands
        """
        if depth > MAX_DEPTH:
            raise PackingError(f"{told(place)} is nested more than {MAX_DEPTH} deep")
        if isinstance(value, torch.Tensor):
            return {KIND: "tensor", "name": self._keep(value, place)}
        if isinstance(value, np.ndarray):
            return {KIND: "array", "name": self._keep(from_array(value, place), place)}
        if isinstance(value, dict):
            return self._pack_dict(value, place, depth)
        if isinstance(value, (list, tuple)):
            items = [
                self.pack(item, join(place, number), depth + 1) for number, item in enumerate(value)
            ]
            return items if isinstance(value, list) else {KIND: "tuple", "items": items}
        return plain(value, place)

    def _pack_dict(self, value: dict, place: str, depth: int) -> dict:
        """The tree of a dictionary"""
        for key in value:
            # A tensor would be a key by its identity, which nothing brings back.
            if not isinstance(key, (str, float, tuple, np.generic, int, type(None))):
                raise PackingError(f"{told(place)} has a key that is a {type(key).__name__}")
        items = {key: self.pack(item, join(place, key), depth + 1) for key, item in value.items()}
        if all(type(key) is str and key != KIND and is_unicode(key) for key in items):
            return items
        # Keys of other kinds are packed like values.
        pairs = [[self.pack(key, join(place, key), depth + 1), item] for key, item in items.items()]
        return {KIND: "dict", "items": pairs}

    def _keep(self, tensor: torch.Tensor, place: str) -> str:
        """Put a tensor into the file, once, and return its name there."""
        if tensor.layout != torch.strided or tensor.is_nested:
            raise PackingError(f"{told(place)} is a sparse or nested tensor; give a dense one")
        if tensor.dtype not in DTYPES:
            raise PackingError(
                f"{told(place)} is a tensor of {tensor.dtype}, which safetensors does not have"
            )
        try:
            tensor = tensor.detach()
            # A conjugate shares the memory of its tensor, and is another one.
            marks = (tensor.dtype, tensor.is_conj(), tensor.is_neg())
            memory = (tensor.device, tensor.data_ptr(), tensor.shape, tensor.stride(), *marks)
            if tensor.numel() and memory in self.names:
                return self.names[memory]
            content = tensor.resolve_conj().resolve_neg().cpu().contiguous()
            # The file has no place for parts of one tensor that overlap.
            if content.untyped_storage().data_ptr() in self.storages:
                content = content.clone()
        except (RuntimeError, NotImplementedError, ValueError) as e:
            reason = " ".join(str(e).split())
            raise PackingError(f"{told(place)} is a tensor without values: {reason:.100}") from None
        # Names are UTF-8, and one of them means something else in the file.
        name = place.removeprefix(self.prefix).encode("utf-8", "backslashreplace").decode()
        while name in self.tensors or name in ("", "__metadata__"):
            name += "'" if name else "value"
        self.seen.append(tensor)
        self.storages.add(content.untyped_storage().data_ptr())
        self.names[memory] = name
        self.tensors[name] = content
        return name


def plain(value: Any, place: str) -> Any:
    """The tree of something that has no parts"""
    if value is None or isinstance(value, (bool, np.bool_)):
        return None if value is None else bool(value)
    # Half of a pair of code units would come back as something else.
    if isinstance(value, str) and is_unicode(value):
        return str(value)
    if isinstance(value, (int, np.integer)) and int(value).bit_length() <= MAX_BITS:
        return int(value)
    if isinstance(value, (float, np.float16, np.float32)):
        number = float(value)
        return number if math.isfinite(number) else {KIND: "float", "value": repr(number)}
    what = f"a {type(value).__name__}"
    if isinstance(value, (int, str)):
        what += " that is not Unicode" if isinstance(value, str) else " of too many digits"
    raise PackingError(
        f"{told(place)} is {what}; a checkpoint holds tensors, numbers, texts, lists, tuples and "
        "dictionaries"
    )


def from_array(array: np.ndarray, place: str) -> torch.Tensor:
    """A copy, because torch takes no array that is read-only or runs backwards."""
    try:
        return torch.from_numpy(np.array(array, order="C", subok=False))
    except (TypeError, ValueError):
        raise PackingError(
            f"{told(place)} is an array of {array.dtype}, which torch does not have"
        ) from None


def is_unicode(text: str) -> bool:
    """Whether a text can be written at all"""
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:
        return False


def join(place: str, key: Any) -> str:
    """The place of an item"""
    return f"{place}.{key}" if place else str(key)


def told(place: str) -> str:
    """A place in an error, which is one line"""
    return " ".join(place.split())[:200] or "the state"


def unpack(tree: Any, tensors: dict[str, torch.Tensor], depth: int = 0) -> Any:
    """
    The value of a tree. Raises `PackingError` for a tree that `pack` does not make.

    * `tensors` are those of the file
    """
    if depth > MAX_DEPTH:
        raise PackingError(f"it is nested more than {MAX_DEPTH} deep")
    if isinstance(tree, list):
        return [unpack(item, tensors, depth + 1) for item in tree]
    if not isinstance(tree, dict):
        return tree
    # Without the mark it is a dictionary whose keys are texts.
    if KIND not in tree:
        return {key: unpack(item, tensors, depth + 1) for key, item in tree.items()}
    kind = tree[KIND]
    if not isinstance(kind, str) or {*tree} != {KIND, FIELDS.get(kind)}:
        raise PackingError(f"it has a {kind!r:.40}, which is no kind of value")
    given = tree[FIELDS[kind]]
    if kind in ("tensor", "array"):
        if not isinstance(given, str) or given not in tensors:
            raise PackingError(f"it names the tensor {given!r:.60}, which is not there")
        return tensors[given] if kind == "tensor" else to_array(tensors[given])
    if kind == "float":
        if given not in ("nan", "inf", "-inf"):
            raise PackingError(f"it has the number {given!r:.40}, which should be nan or inf")
        return float(given)
    if not isinstance(given, list):
        raise PackingError(f"it has a {kind} without a list")
    if kind == "tuple":
        return tuple(unpack(item, tensors, depth + 1) for item in given)
    return unpack_dict(given, tensors, depth)


def unpack_dict(pairs: list, tensors: dict[str, torch.Tensor], depth: int) -> dict:
    """A dictionary from its pairs, each key once"""
    found = {}
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) != 2:
            raise PackingError("it has a dict that is not made of pairs")
        key, item = (unpack(part, tensors, depth + 1) for part in pair)
        try:
            is_twice = key in found
        except TypeError:
            raise PackingError(f"it has a {type(key).__name__} as a key") from None
        if is_twice or isinstance(key, torch.Tensor):
            raise PackingError("it has a dict with a key that is there twice or is a tensor")
        found[key] = item
    return found


def to_array(tensor: torch.Tensor) -> np.ndarray:
    """The array with the memory of a tensor"""
    try:
        return tensor.numpy()
    except (TypeError, ValueError):
        raise PackingError(f"it has an array of {tensor.dtype}, which numpy has not") from None
