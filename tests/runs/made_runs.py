r"""
# Made Runs

Run folders that are written by hand, so that each file of them can be as a test wants it.
"""

import json
import os
from pathlib import Path

import pytest
import yaml

from labnn.runs.manifest import FILES, manifest

NAME = "20261121-093000-1a2b"
STATUS = {
    "state": "finished",
    "details": None,
    "update": 4,
    "step": 88,
    "last": {"loss.train": 2.5, "loss.valid": 2.25},
    "best": {"metric": "loss.valid", "value": 2.125, "update": 2},
    "started": 1795253400.5,
    "changed": 1795253500.5,
    "seconds": 75.0,
}
INFO = {
    "name": "mlm",
    "uuid": NAME,
    "commit": "27c67cb2f0d54e9a",
    "commit_message": "An option\n\nand more",
    "is_dirty": True,
    "entry": "experiments.mlm:Configs",
    "overrides": {"batch_size": 3, "epochs": 5, "text.path": "my text.txt"},
    "asked": ["batch_size", "text.path"],
    "options": {"batch_size": 3, "epochs": 5, "seq_len": 11, "text.path": "my text.txt"},
    "command": ["mlm.py", "batch_size=3", "text.path=my text.txt"],
    "environment": {
        "python": "3.11.7",
        "torch": "2.13.0",
        "numpy": "2.4.6",
        "labnn": "0.1.0",
        "platform": "Linux-x",
        "device": "cpu",
        "threads": 2,
        "packages": {"labml": "0.5.3"},
    },
    "data": {"name": "file", "source": "my text.txt", "train_sha256": "0123456789abcdef"},
}
METRICS = [
    {"update": 1, "step": 22, "loss.train": 3.5, "accuracy.train": 0.1, "tokens_per_s": 100.0},
    {"update": 2, "step": 44, "loss.train": 3.0, "accuracy.train": 0.2, "tokens_per_s": 900.0},
    {"update": 2, "step": 44, "loss.valid": 2.125, "accuracy.valid": 0.25},
    {"update": 3, "step": 66, "loss.train": 2.75, "accuracy.train": 0.4, "tokens_per_s": 300.0},
    {"update": 4, "step": 88, "loss.train": 2.5, "accuracy.train": 0.3, "tokens_per_s": 500.0},
    {"update": 4, "step": 88, "loss.valid": 2.25, "accuracy.valid": 0.5},
]


def made(cwd, name=NAME, experiment="mlm", info=None, metrics=METRICS, **status):
    """A run folder below `cwd`. `state=None` leaves out `status.json`."""
    folder = Path(cwd) / "logs" / experiment / name
    folder.mkdir(parents=True)
    (folder / "run.yaml").write_text(yaml.safe_dump(INFO | (info or {})), "utf-8")
    if status.get("state", "") is not None:
        (folder / "status.json").write_text(json.dumps(STATUS | status), "utf-8")
    if metrics is not None:
        lines = "".join(json.dumps(line) + "\n" for line in metrics)
        (folder / "metrics.jsonl").write_text(lines, "utf-8")
    return folder


def add_checkpoint(folder, name, best=None, n_bytes=1000):
    """A checkpoint that has files of zeros and a manifest"""
    path = folder / "checkpoints" / name
    path.mkdir(parents=True)
    files = {file: bytes(n_bytes) for file in FILES}
    for file, data in files.items():
        (path / file).write_bytes(data)
    (path / "manifest.json").write_bytes(manifest(files, {"best": best}))
    return path


@pytest.fixture
def forbidden(tmp_path, monkeypatch):
    """A run whose folder may not be looked into, by somebody for whom there is such a thing"""
    monkeypatch.chdir(tmp_path)
    run = made(tmp_path)
    for folder in (tmp_path, tmp_path / "logs", run.parent):
        folder.chmod(0o755)
    run.chmod(0)
    is_root = os.geteuid() == 0
    if is_root:
        # The user `nobody`; the working directory stays open to it.
        os.seteuid(65534)
    yield run
    if is_root:
        os.seteuid(0)
    run.chmod(0o755)
