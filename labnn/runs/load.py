r"""
# Loading a Run

A run can be used again without naming one option: its folder says which class it was, what was
changed from the defaults, what the vocabulary is, and has the weights.

```python
conf, name = load(Path("logs/mlm/20261121-093000-1a2b"))
conf.model(ids)
```

Every part of that is checked before it is used. The class is found by importing its module, and
**importing a module runs it**, as `python -m` does: what can be imported here should be as
well known as what is run here. Nothing else happens before it is known that the name stands for
configs of labnn; nothing is called, and no file holds code.

The vocabulary comes from `tokenizer.json`, so the text that the run has learned from may be gone.
The device is that of this machine.

An [export](export.html) is loaded in the same way.
"""

import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from labnn.configs.overrides import keys, resolve
from labnn.configs.position import restore, states
from labnn.configs.rounds import RoundsConfigs
from labnn.configs.types import ConfigError
from labnn.runs import checkpoint as checkpoints
from labnn.runs import contents
from labnn.runs.fitting import check_fit
from labnn.runs.folders import RunError, find, is_run, read_json
from labnn.runs.launch import asked, default, prepared
from labnn.runs.manifest import CheckpointError, checked, read_manifest
from labnn.runs.shelf import names
from labnn.tokenizers.tokenizer import Tokenizer

# `module:Class`, of names and dots alone
ENTRY = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")
# What an export calls itself
EXPORT = "labnn export 1"


def load(
    folder: Path,
    *,
    checkpoint: str = "best",
    overrides: dict[str, Any] | None = None,
    cls: type | None = None,
) -> tuple[Any, str]:
    """
    The configs of a run, with the weights of a checkpoint in the model and ready to predict, and
    the name of that checkpoint. Raises `RunError`, and `ConfigError` for a mistake in `overrides`.

    * `folder` is that of a run or of an export
    * `checkpoint` is the name of one, `best`, or `latest`
    * `overrides` are changed from what the run had
    * `cls` is the class of the configs, where it has no name to be imported by
    """
    conf, changes = rebuilt(folder, overrides or {}, cls)
    name, tensors = weights(folder, checkpoint)
    # The first weights are drawn in vain, and whoever calls this may be drawing numbers as well.
    kept = states()
    try:
        conf.check()
        model = conf.model
    finally:
        restore(kept)
    # What nothing has read so far cannot be why the model is another one.
    idle = {"seed", *conf.unread_overrides()}
    check_fit(name, model, tensors, {k: both for k, both in changes.items() if k not in idle})
    model.load_state_dict(tensors)
    model.eval()
    return conf, name


def locate(name: str) -> Path:
    """The folder of a run, by its name or path, or of an export, by its path"""
    folder = Path(name)
    return folder if (folder / "config.json").is_file() and not is_run(folder) else find(name)


def warn(text: str) -> None:
    """Something that the user should know; stdout is for the answer"""
    print(f"warning: {text}", file=sys.stderr)


def described(folder: Path) -> tuple[Path, dict[str, Any]]:
    """The file that says what a run was, and what is in it. Raises `RunError`."""
    if is_run(folder):
        return folder / "run.yaml", contents.info(folder)
    path = folder / "config.json"
    told = read_json(path)
    if told.get("format") != EXPORT:
        raise RunError(f"{path} is no {EXPORT!r}; name a run, or a folder of labnn export")
    return path, told


def rebuilt(
    folder: Path, overrides: dict[str, Any], cls: type | None = None
) -> tuple[Any, dict[str, tuple]]:
    """
    The configs of a run before anything is computed, and the options that `overrides` changes, each
    with the value of the run and the new one. Raises `RunError` and `ConfigError`.
    """
    path, told = described(folder)
    cls = cls or imported(told.get("entry"), path)
    values = contents.part(told, "overrides", dict)
    # What is not taken from the file, and what the file could not hold
    heads, objects = {"device"}, contents.part(told, "objects", list)
    tokenizer = read_tokenizer(folder, told) if "tokenizer" in keys(cls()) else None
    if tokenizer is not None:
        heads.add("tokenizer")
        if "tokenizer" in overrides:
            raise RunError("the model knows the tokens of its own tokenizer; leave tokenizer out")
    lost = [n for n in objects if n not in overrides and str(n).partition(".")[0] not in heads]
    if lost:
        raise RunError(
            f"{path}: {', '.join(map(str, lost))} had objects as values, which no file holds; load "
            "it in code, load(folder, overrides={...}) of labnn.runs.load, and give them"
        )
    values = {n: v for n, v in values.items() if str(n).partition(".")[0] not in heads}
    values = {n: v for n, v in values.items() if n not in objects}
    if tokenizer is not None:
        values["tokenizer"] = tokenizer
    try:
        resolve(cls(), values)
    except ConfigError as e:
        wrong = "; ".join(str(e).splitlines())
        raise RunError(
            f"{path} does not fit {told['entry']} any more: {wrong}; use the code of the run"
        ) from None
    # Without and with what is changed, to tell the values apart
    before, old = prepared(cls, values)
    conf, new = prepared(cls, values, overrides)
    conf._set_values(new)
    changed = [name for name in new if name in asked(cls, values, overrides)]
    return conf, {n: (old[n] if n in old else default(before, n), new[n]) for n in changed}


def imported(entry: Any, path: Path) -> type:
    """
    The class that `entry` names. Raises `RunError`.

    * `path` is the file that names it
    """
    if entry is None:
        raise RunError(
            f"{path} names no class: a program that is no module was run; start runs as "
            "python -m MODULE, so that they can be found again"
        )
    if not isinstance(entry, str) or not ENTRY.fullmatch(entry):
        raise RunError(f"{path}: entry is {entry!r:.80}; it should be module:Class")
    module, _, attributes = entry.partition(":")
    try:
        with working_directory():
            found: Any = importlib.import_module(module)
    # A program without a guard does its work when it is imported, and may leave with an exit code.
    except (Exception, SystemExit) as e:
        reason = " ".join(f"{type(e).__name__}: {e}".split())
        raise RunError(
            f"{path}: {module} cannot be imported ({reason}); go to the folder that it is in, or "
            "install it"
        ) from None
    for name in attributes.split("."):
        # A plain look-up could call code of whatever is there.
        found = inspect.getattr_static(found, name, None)
        if found is None:
            raise RunError(f"{path}: {module} has no {attributes}; use the code of the run")
    if not isinstance(found, type) or not issubclass(found, RoundsConfigs):
        raise RunError(f"{path}: {entry} is no class of labnn configs, and nothing of it was run")
    return found


@contextmanager
def working_directory() -> Iterator[None]:
    """
    Modules in the working directory are found, as with `python -m`, but after all others: a file
    there cannot take the place of what is installed.
    """
    here = str(Path.cwd())
    is_added = not {"", here} & {*sys.path}
    if is_added:
        sys.path.append(here)
    try:
        yield
    finally:
        if is_added and here in sys.path:
            sys.path.remove(here)


def read_tokenizer(folder: Path, told: dict) -> Tokenizer | None:
    """The tokenizer of a run; `None` if it has none in a file. Raises `RunError`."""
    path = folder / "tokenizer.json"
    if not path.exists():
        return None
    data = read_json(path)
    tokens = data.get("tokens")
    try:
        if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
            raise ValueError("its tokens are no list of texts")
        if not is_run(folder):
            checked(folder, "tokenizer.json", listed(folder, told))
        return Tokenizer.from_dict(data)
    except CheckpointError:
        raise
    except (KeyError, TypeError, ValueError) as e:
        raise RunError(f"{path} is damaged: {' '.join(str(e).split())}") from None


def listed(folder: Path, told: dict) -> dict:
    """Sizes and sums of the files of an export. Raises `RunError`."""
    files = contents.part(told, "files", dict)
    if not {"model.safetensors", "tokenizer.json"} >= {*files} or "model.safetensors" not in files:
        raise RunError(f"{folder / 'config.json'} is damaged: files is {files!r:.80}")
    return {"tokenizer.json": None, **files}


def weights(folder: Path, wanted: str) -> tuple[str, dict[str, torch.Tensor]]:
    """
    A checkpoint by name, and its weights, every byte of which was checked. Raises `RunError`.

    * `wanted` is the name of one, `best`, or `latest`
    """
    if not is_run(folder):
        return exported(folder, wanted)
    parent = folder / "checkpoints"
    found = names(parent)
    if not found:
        raise RunError(f"{folder} has no checkpoint; train it, or name another run")
    if wanted in found:
        return wanted, model_state(parent / wanted)
    if wanted not in ("best", "latest"):
        raise RunError(
            f"{folder} has no checkpoint {wanted!r}; it has {', '.join(found)}, and best and latest"
        )
    order = found[::-1]
    if wanted == "best":
        best = best_name(parent, order)
        if best in found:
            order = [best, *(name for name in order if name != best)]
        else:
            warn(f"{folder} has no best checkpoint; taking {order[0]}, the newest")
    # A damaged checkpoint makes way for the next one.
    for name, following in zip(order, [*order[1:], None], strict=True):
        try:
            return name, model_state(parent / name)
        except CheckpointError as e:
            if following is None:
                raise CheckpointError(f"no checkpoint of {folder} is whole: {e}") from None
            warn(f"{e}; taking checkpoint {following}")
    raise AssertionError("one of them was taken, or the last one raised")


def best_name(parent: Path, order: list[str]) -> str | None:
    """The best checkpoint, which the newest one knows that can be read"""
    for name in order:
        try:
            return read_manifest(parent / name).get("best")
        except CheckpointError:
            continue
    return None


def model_state(folder: Path) -> dict[str, torch.Tensor]:
    """The weights in a checkpoint. Raises `CheckpointError`."""
    state = checkpoints.load(folder, ("model",)).get("model")
    if not isinstance(state, dict):
        raise CheckpointError(f"{folder} holds no weights")
    return state


def exported(folder: Path, wanted: str) -> tuple[str, dict[str, torch.Tensor]]:
    """The one checkpoint in an export. Raises `RunError`."""
    path, told = described(folder)
    name = str(told.get("checkpoint"))
    if wanted not in (name, "best", "latest"):
        raise RunError(f"{folder} is an export of checkpoint {name}, it has no {wanted!r}")
    tensors = checkpoints.load_tensors(folder, "model", listed(folder, told))
    # A weight that has two places in the model is in the file once.
    for alias, kept in contents.part(told, "tied", dict).items():
        if kept not in tensors:
            raise RunError(f"{path} is damaged: {alias} is tied to {kept}, which is not there")
        tensors[alias] = tensors[kept]
    return name, tensors
