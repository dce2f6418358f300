r"""
# Exporting

A folder with one model, that other programs can read and that does without the run:

```sh
labnn export 20261121 my-model
```

| file | what |
|---|---|
| `model.safetensors` | the weights, each once |
| `tokenizer.json` | the vocabulary, where there is one |
| `config.json` | class, options, size of the vocabulary, special tokens, scores, SHA-256 sums |

`labnn fill my-model "..."` and `labnn eval my-model` take its path as they take a run.

The folder is written under a hidden name and brought to the disk, and gets its own name at the end:
who sees it sees all of it.
"""

import contextlib
import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from labnn import __version__
from labnn.configs.overrides import keys
from labnn.configs.text import MISTAKES
from labnn.runs import contents
from labnn.runs.checkpoint import make_folder, sync_folder, write_file
from labnn.runs.folders import RunError, is_run, read_json
from labnn.runs.load import EXPORT, described, load, locate
from labnn.runs.manifest import read_manifest
from labnn.runs.options import UNUSED
from labnn.runs.packing import Packer, PackingError
from labnn.runs.plain_text import n_bytes, strict

# All that an export may have in it
FILES = {"model.safetensors", "config.json", "tokenizer.json"}
# What it says of its checkpoint
FACTS = ("update", "step", "metrics")


def export(words: list[str], options: dict[str, str]) -> tuple[dict, str]:
    """
    What the command answers. Raises `RunError`.

    * `words` are a run and a folder
    """
    source, target = locate(words[0]), Path(words[1]).expanduser()
    check_target(target)
    conf, name = load(source, checkpoint=options.get("checkpoint", "best"))
    files = exported_files(source, conf, name)
    # A link to a folder stays a link.
    write_folder(target.resolve(), files)
    n_parameters = sum(p.numel() for p in conf.model.parameters())
    size = sum(map(len, files.values()))
    data = {
        "folder": str(target),
        "checkpoint": name,
        "files": sorted(files),
        "parameters": n_parameters,
        "bytes": size,
    }
    return data, (
        f"{target}: checkpoint {name} of {source}, {n_parameters:,} parameters, {n_bytes(size)} in "
        f"{', '.join(sorted(files))}"
    )


def check_target(target: Path) -> None:
    """Raises `RunError` for a folder with anything in it that is not an earlier export."""
    if not target.name.strip("."):
        raise RunError(f"{target} is no name for an export; name a new folder")
    if not target.exists():
        return
    if not target.is_dir():
        raise RunError(f"{target} is a file; name a new folder")
    found = {entry.name for entry in target.iterdir()}
    config = {}
    with contextlib.suppress(RunError):
        config = read_json(target / "config.json")
    if found and (not found <= FILES or config.get("format") != EXPORT):
        raise RunError(f"{target} is not empty, and is no earlier export; name a new folder")


def exported_files(source: Path, conf: Any, name: str) -> dict[str, bytes]:
    """
    The files of an export. Raises `RunError` for a model that has other things than weights.

    * `source` is where `conf` was loaded from, with the checkpoint `name`
    """
    packer, state = Packer(), conf.model.state_dict()
    if others := [key for key, value in state.items() if not isinstance(value, torch.Tensor)]:
        raise RunError(f"{', '.join(others)} of the model is no tensor, and an export has no other")
    try:
        places = packer.pack(state)
    except PackingError as e:
        raise RunError(f"the model cannot be exported: {e}") from None
    files = {"model.safetensors": safetensors.torch.save(packer.tensors, {"format": "pt"})}
    if hasattr(tokenizer := computed(conf, "tokenizer"), "to_dict"):
        files["tokenizer.json"] = json.dumps(tokenizer.to_dict()).encode()
    _, told = described(source)
    # Where an export is exported again, it has the facts itself.
    facts = read_manifest(source / "checkpoints" / name) if is_run(source) else told
    config = {
        "format": EXPORT,
        "labnn": __version__,
        "run": source.resolve().name if is_run(source) else told.get("run"),
        "checkpoint": name,
        **{fact: facts.get(fact) for fact in FACTS},
        "entry": told["entry"],
        "overrides": contents.part(told, "overrides", dict),
        "objects": contents.part(told, "objects", list),
        "data": contents.part(told, "data", dict),
        "options": {**options_of(conf), **known(contents.part(told, "options", dict))},
        **sizes(conf),
        "tied": {key: place["name"] for key, place in places.items() if place["name"] != key},
        "files": {
            file: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for file, data in files.items()
        },
    }
    files["config.json"] = json.dumps(strict(config), indent=1, allow_nan=False).encode()
    return files


def computed(conf: Any, name: str) -> Any:
    """The value of an option; `None` where there is none, or where a text is needed and gone"""
    if name not in keys(conf):
        return None
    try:
        return getattr(conf, name)
    except MISTAKES:
        return None


def options_of(conf: Any) -> dict[str, Any]:
    """All options that are known and have plain values"""
    rows = conf._to_json()
    return known({name: rows[name].get("value") for name in sorted(rows) if name not in UNUSED})


def known(values: dict[str, Any]) -> dict[str, Any]:
    """Those that are not null: a run writes that of an option that it finds out later"""
    plain = (bool, int, float, str, list, dict)
    return {name: value for name, value in values.items() if isinstance(value, plain)}


def sizes(conf: Any) -> dict[str, Any]:
    """The size of the vocabulary, and what stands for no text, as far as they are known"""
    found = {name: computed(conf, name) for name in ("n_tokens", "padding_token", "mask_token")}
    found["unknown_token"] = getattr(computed(conf, "tokenizer"), "unknown_token", None)
    n_tokens = found.pop("n_tokens")
    return {"n_tokens": n_tokens, "special_tokens": found}


def write_folder(target: Path, files: dict[str, bytes]) -> None:
    """Write a folder, or replace it, as a whole."""
    make_folder(target.parent)
    part, old = (target.with_name(f".{kind}-{target.name}") for kind in ("part", "old"))
    shutil.rmtree(part, ignore_errors=True)
    try:
        make_folder(part)
        for file, data in files.items():
            write_file(part / file, data)
        sync_folder(part)
        # A folder with files in it cannot be replaced: it steps aside.
        if target.exists():
            shutil.rmtree(old, ignore_errors=True)
            os.rename(target, old)
        try:
            os.rename(part, target)
        except OSError:
            # What was there is worth more than nothing.
            if old.exists():
                os.rename(old, target)
            raise
        sync_folder(target.parent)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(part, ignore_errors=True)
