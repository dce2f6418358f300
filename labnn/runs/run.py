r"""
# Run Folder

Where a run leaves its traces: `logs/<experiment>/<run>/` under the working directory. The name is
the time, its last four digits being a fraction of a second, and it is made by one run only: names
sort by time and never meet, however many runs start at once.

| file | what |
|---|---|
| `run.yaml` | what was run: class, overrides, commit, environment; labml's file with more in it |
| `configs.yaml` | every option with its value, labml's file |
| `tokenizer.json` | the vocabulary |
| `metrics.jsonl` | what was [tracked](tracking.html), a line for each update and validation |
| `samples.jsonl` | predictions for the prompts, a line for each round |
| `source.diff` | what the code had on top of the commit |
| `run_log.jsonl` | how the run ended, labml's form |
| `status.json` | how it goes, for [those who look](folders.html) |
| `run.lock` | held by the process that [runs it](lock.html) |
| `checkpoints/` | what to [go on from](checkpoint.html) |
| `tensorboard/` | [curves](tensorboard.html) for another program |
| `bad_batch.json` | what the model read when the loss was no number |
"""

import json
import platform
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy
import torch
import yaml

from labnn import __version__
from labnn.configs.loop import Stopped
from labnn.configs.position import Position
from labnn.configs.update import TrainingError
from labnn.configs.written_options import is_written, plain
from labnn.runs import contents
from labnn.runs.folders import replace, write_json
from labnn.runs.growing import no_links
from labnn.runs.options import known_options
from labnn.runs.tracking import labml_run


def new_folder(experiment: str) -> Path:
    """A new folder for a run of an experiment. Raises `OSError` where none can be made."""
    parent = Path.cwd() / "logs" / experiment
    while True:
        now = time.time()
        name = time.strftime("%Y%m%d-%H%M%S", time.localtime(now)) + f"-{int(now % 1 * 65536):04x}"
        try:
            (parent / name).mkdir(parents=True)
        except FileExistsError:
            continue
        return parent / name


def environment(conf: Any) -> dict:
    """What a result depends on beside the options"""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "labnn": __version__,
        "platform": platform.platform(),
        "device": str(getattr(conf, "device", "cpu")),
        "threads": torch.get_num_threads(),
        "packages": dict(sorted((d.name, d.version) for d in metadata.distributions() if d.name)),
    }


def entry(cls: type) -> str | None:
    """
    The name that a class can be imported by, also if its module is the program that runs. A script
    is no module, and what it defines has none; `python_file` says where it is.
    """
    module = cls.__module__
    if module == "__main__":
        spec = getattr(sys.modules["__main__"], "__spec__", None)
        module = spec.name if spec else None
    return f"{module}:{cls.__qualname__}" if module else None


def write_files(folder: Path, conf: Any, overrides: dict, asked: set[str], how: str) -> None:
    """
    What is known before the first update.

    * `asked` are the overrides that the person set
    * `how` is the command that goes on with the run
    """
    run = labml_run()
    info = {
        **run.to_dict(),
        "uuid": folder.name,
        "entry": entry(type(conf)),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "asked": sorted(asked),
        "resume": how,
        "resumed": [],
        **made_of(conf, overrides),
    }
    write_yaml(folder / "run.yaml", info)
    if run.diff:
        (folder / "source.diff").write_text(run.diff, "utf-8")
    save_configs(folder, conf)
    save_tokenizer(folder, conf)


def made_of(conf: Any, overrides: dict) -> dict:
    """What a run is made of; one that goes on may have other options."""
    return {
        "overrides": {name: plain(value) for name, value in overrides.items()},
        # Objects cannot be read back from a file.
        "objects": sorted(name for name, value in overrides.items() if not is_written(value)),
        "options": known_options(type(conf), overrides),
        "environment": environment(conf),
        "data": conf.fingerprint(),
    }


def add_to_run(
    folder: Path, conf: Any, made: dict, asked: set[str], *, update: int, changes: dict
) -> None:
    """
    A run goes on.

    * `made` is what `made_of` gave
    * `asked` are the overrides that the person set, now or before
    * `update` is the number of updates before
    * `changes` are options with their values before and now
    """
    (folder / "bad_batch.json").unlink(missing_ok=True)
    save_tokenizer(folder, conf)
    info = contents.info(folder)
    resumed = {
        "time": time.time(),
        "update": update,
        "changes": {name: list(values) for name, values in changes.items()},
    }
    info.update(made, asked=sorted(asked), resumed=[*info.get("resumed", []), resumed])
    write_yaml(folder / "run.yaml", info)


def write_yaml(path: Path, data: Any) -> None:
    """Plain data, which are written as a whole or not at all"""
    replace(path, yaml.safe_dump(plain(data), allow_unicode=True))


def save_configs(folder: Path, conf: Any) -> None:
    """The options as they are now; those that are read later are written at the end."""
    write_yaml(folder / "configs.yaml", conf._to_json())


def save_tokenizer(folder: Path, conf: Any) -> None:
    """The vocabulary, if there is one"""
    tokenizer = getattr(conf, "tokenizer", None)
    if hasattr(tokenizer, "to_dict"):
        replace(folder / "tokenizer.json", json.dumps(tokenizer.to_dict()))


def labml_folder() -> Path:
    """Where labml has started a run"""
    folder = Path(labml_run().run_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def state_after(error: BaseException | None) -> str:
    """How a run ended, as `status.json` has it"""
    if error is None:
        return "finished"
    is_stopped = isinstance(error, (Stopped, KeyboardInterrupt, SystemExit))
    return "stopped" if is_stopped else "failed"


def details_of(error: BaseException | None) -> str | None:
    """The line of an error that ended a run"""
    if state_after(error) != "failed":
        return None
    return " ".join(f"{type(error).__name__}: {error}".split())


def write_run_log(folder: Path, error: BaseException | None) -> None:
    """labml's note of how a run ended"""
    names = {"finished": "completed", "stopped": "interrupted", "failed": "crashed"}
    line = {
        "status": names[state_after(error)],
        "rank": 0,
        "details": details_of(error),
        "time": time.time(),
    }
    with open(folder / "run_log.jsonl", "a", encoding="utf-8", opener=no_links) as file:
        file.write(json.dumps(line) + "\n")


def write_status(folder: Path, **values: Any) -> None:
    """How a run goes, as a whole; `changed` is now."""
    data = {**values, "changed": time.time()}
    try:
        write_json(folder / "status.json", data)
    except OSError:
        # A full disk has no room for a second file, but the old one has its place.
        with open(folder / "status.json", "r+", encoding="utf-8", opener=no_links) as file:
            file.write(json.dumps(data, allow_nan=False))
            file.truncate()


def save_batch(folder: Path, position: Position, error: BaseException | None) -> None:
    """What the model read when the loss was no number, and where that was"""
    if isinstance(error, TrainingError) and error.batch is not None:
        found = {"position": position.state_dict(), "seed": position.seed}
        write_json(folder / "bad_batch.json", {**found, "batch": lists(error.batch)})


def lists(batch: Any) -> Any:
    """The tensors of a batch as lists"""
    if isinstance(batch, torch.Tensor):
        # JSON has no number for what may be the reason.
        return plain(batch.tolist()) if not batch.is_floating_point() else str(batch.tolist())
    if isinstance(batch, dict):
        return {str(name): lists(part) for name, part in batch.items()}
    if isinstance(batch, (list, tuple)):
        return [lists(part) for part in batch]
    return str(batch)
