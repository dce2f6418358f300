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
"""

import json
import platform
import sys
import time
from pathlib import Path
from typing import Any

import numpy
import torch
import yaml

from labnn import __version__
from labnn.configs.loop import Stopped
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
        "device": str(conf.device),
        "threads": torch.get_num_threads(),
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


def plain(value: Any) -> Any:
    """An override as YAML has it"""
    if isinstance(value, (bool, int, float, type(None))):
        return value
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    return str(value)


def write_files(folder: Path, conf: Any, overrides: dict) -> None:
    """What is known before the first update"""
    run = labml_run()
    info = {
        **run.to_dict(),
        "uuid": folder.name,
        "entry": entry(type(conf)),
        "overrides": {name: plain(value) for name, value in overrides.items()},
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "environment": environment(conf),
    }
    (folder / "run.yaml").write_text(yaml.safe_dump(plain(info), allow_unicode=True), "utf-8")
    if run.diff:
        (folder / "source.diff").write_text(run.diff, "utf-8")
    save_configs(folder, conf)
    tokenizer = getattr(conf, "tokenizer", None)
    if hasattr(tokenizer, "to_dict"):
        (folder / "tokenizer.json").write_text(json.dumps(tokenizer.to_dict()), "utf-8")


def save_configs(folder: Path, conf: Any) -> None:
    """The options as they are now; those that are read later are written at the end."""
    text = yaml.safe_dump(plain(conf._to_json()), allow_unicode=True)
    (folder / "configs.yaml").write_text(text, "utf-8", "backslashreplace")


def labml_folder() -> Path:
    """Where labml has started a run"""
    folder = Path(labml_run().run_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def write_status(folder: Path, error: BaseException | None) -> None:
    """labml's note of how a run ended"""
    status = "completed" if error is None else "crashed"
    if isinstance(error, (Stopped, KeyboardInterrupt, SystemExit)):
        status = "interrupted"
    details = f"{type(error).__name__}: {error}" if status == "crashed" else None
    line = {"status": status, "rank": 0, "details": details, "time": time.time()}
    with open(folder / "run_log.jsonl", "a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
