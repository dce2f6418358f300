r"""
# How Long the Commands Take

    python benchmarks/commands.py

Each command is started five times as a person starts it, with the interpreter, in a folder of its
own; the table has the median. What it is measured for: 1,000 runs are listed within a second, a run
of 100,000 updates is reported within two, and help is there within two and a half.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
N_TRIES, N_RUNS, N_UPDATES, EPOCH = 5, 1000, 100_000, 500
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


def seconds(cwd: Path, *arguments: str) -> float:
    """The median time of a command from its start to its end"""
    times = []
    for _ in range(N_TRIES):
        begun = time.perf_counter()
        subprocess.run(
            [sys.executable, *arguments],
            cwd=cwd,
            env=ENVIRONMENT,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def many(cwd: Path) -> None:
    """Small runs, in all states but one that goes on"""
    line = {"update": 7, "step": 77, "loss.train": 2.5, "lr": 1e-3, "grad_norm": 0.5}
    for number in range(N_RUNS):
        folder = cwd / "logs" / "mlm" / f"20260101-{number:06}-0000"
        folder.mkdir(parents=True)
        (folder / "run.yaml").write_text("name: mlm\noverrides: {}\n")
        (folder / "metrics.jsonl").write_text((json.dumps(line) + "\n") * 50)
        status = {
            "state": ("finished", "stopped", "failed", "running")[number % 4],
            "update": 7,
            "last": {"loss.valid": 2.5},
            "best": {"metric": "loss.valid", "value": 2.5, "update": 7},
            "started": 1.7e9 + number,
            "changed": 1.7e9 + number,
        }
        (folder / "status.json").write_text(json.dumps(status))


def long(cwd: Path) -> str:
    """A run of many updates; returns its name."""
    folder = cwd / "logs" / "mlm" / "20270101-000000-0000"
    folder.mkdir(parents=True)
    (folder / "run.yaml").write_text("name: mlm\noverrides: {epochs: 200}\n")
    with open(folder / "metrics.jsonl", "w") as file:
        for update in range(1, N_UPDATES + 1):
            loss = 4 / update**0.1
            line = {"update": update, "step": 2048 * update, "loss.train": loss}
            line |= {"accuracy.train": 1 / loss, "lr": 1e-3, "grad_norm": loss, "tokens_per_s": 9e4}
            file.write(json.dumps(line) + "\n")
            if update % EPOCH == 0:
                line = {"update": update, "step": 2048 * update, "loss.valid": loss}
                file.write(json.dumps(line) + "\n")
    return folder.name


def main() -> None:
    """Print the table."""
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python", end=" ")
    print(f"{platform.python_version()}, {time.strftime('%Y-%m-%d')}\n")
    with tempfile.TemporaryDirectory() as place:
        cwd, labnn = Path(place), ("-m", "labnn.cli")
        many(cwd)
        name = long(cwd)
        rows = {
            "python -c pass": ("-c", "pass"),
            "import labnn": ("-c", "import labnn"),
            "import torch": ("-c", "import torch"),
            f"labnn runs, {N_RUNS:,} runs": (*labnn, "runs"),
            "labnn show": (*labnn, "show", name),
            f"labnn report, {N_UPDATES:,} updates": (*labnn, "report", name),
            f"labnn record, {N_UPDATES:,} updates": (*labnn, "record", name, "kept"),
            "python -m experiments.mlm --help": ("-m", "experiments.mlm", "--help"),
        }
        for told, arguments in rows.items():
            print(f"{told:40} {seconds(cwd, *arguments):6.2f} s", flush=True)


if __name__ == "__main__":
    main()
