r"""
# What Is Around the Model

    python benchmarks/around.py [n_steps=20] [n_rounds=15] [is_bf16=0]

What is measured: how much of a step of the main experiment is neither the model's forward pass with
its loss, nor its backward pass, nor the optimizer with clipping, but data, masking, metrics,
tracking, terminal and checkpoints, all as shipped. Against what: the step itself. Two runs take
[turns](_sides.html): one writes to a log file, the other to a pseudo-terminal that is read as fast
as it is written.

**How it is measured.** By the clock on the wall, around the functions of the table `PARTS`. On a
processor torch's operations are done when they return, so a clock around them misses nothing. The
clock has one owner at a time: a function that calls another one of the table hands it over and gets
it back, so no time counts twice, and what nobody owned is the *rest*. Parts and rest add up to the
step, which is measured by itself at the gate. A change of owner costs about a microsecond, of which
there are some dozens in a step; they are counted as around the model. So is freeing the graph of
the gradients, which happens when `step` returns.

What such a clock cannot see is that work around the model leaves the caches cold for the model. So
there is a second number. After each turn of whole steps the same process does as many *bare* steps,
forward, loss, backward, clipping and optimizer, over and over with the tensors of the last one, and
the difference to the whole steps is printed as well. It has the noise of two large numbers, so the
first one is the better measure and the second one its witness.

A checkpoint is too rare to be met in a short run: one is written on purpose while the clock stands,
and its share follows from the distance that the run would keep between two.
"""

import fcntl
import functools
import importlib
import os
import pty
import shutil
import statistics
import struct
import sys
import tempfile
import termios
import threading
import time
from pathlib import Path
from typing import Any

from _sides import Gate, Side, header, options, take_turns
from main_experiment import enter, gated

# What belongs to the model, and what is around it
MODEL = ("forward", "backward", "optimizer")
PARTS = [
    ("labnn.models.transformer_mlm", "TransformerMLM.forward", "forward"),
    ("torch.nn.functional", "cross_entropy", "forward"),
    ("torch", "Tensor.backward", "backward"),
    ("torch.nn.utils", "get_total_norm", "optimizer"),
    ("torch.nn.utils", "clip_grads_with_norm_", "optimizer"),
    # With what torch does around every optimizer's step, which is in a bare one as well
    ("torch.amp", "GradScaler.step", "optimizer"),
    ("labnn.configs.rounds", "RoundsConfigs._count", "tracking"),
    ("labnn.optimizers.scheduler", "Scheduler.begin_update", "tracking"),
    ("labnn.optimizers.scheduler", "Scheduler.end_update", "tracking"),
    ("torch.optim", "Optimizer.zero_grad", "optimizer"),
    ("labnn.data.windows", "Windows.batch", "data"),
    ("labnn.configs.position", "Position.generator", "masking"),
    ("labnn.transformers.mlm", "MLM.__call__", "masking"),
    ("experiments.mlm", "score", "metrics"),
    ("labnn.configs.scores", "Meter.add", "metrics"),
    ("labml.tracker", "add", "tracking"),
    ("labml.tracker", "save", "tracking"),
    ("labnn.runs.tensorboard", "EventFiles.scalars", "TensorBoard"),
    ("labnn.runs.session", "Session.on_batch", "terminal"),
    ("labnn.runs.session", "Session.on_update", "terminal"),
    ("labnn.runs.keeper", "Keeper.save", "checkpoint"),
]


class Parts:
    """
    ## A clock with one owner at a time
    """

    def __init__(self):
        """Nobody has it."""
        self.seconds: dict[str, float] = {}
        self.owners = ["rest"]
        self.since = time.perf_counter()
        # What the model and its loss were called with last, by the name of the function
        self.calls: dict[str, tuple] = {}

    def hand(self) -> None:
        """The time since the last change goes to the owner."""
        now = time.perf_counter()
        owner = self.owners[-1]
        self.seconds[owner] = self.seconds.get(owner, 0.0) + now - self.since
        self.since = now

    def watch(self, module: str, path: str, part: str) -> None:
        """Put the clock around a function."""
        owner: Any = importlib.import_module(module)
        *classes, name = path.split(".")
        for class_ in classes:
            owner = getattr(owner, class_)
        work = getattr(owner, name)

        # The model is asked whether it takes positions, by what its `forward` says of itself.
        @functools.wraps(work)
        def watched(*words: Any, **named: Any) -> Any:
            """The function, with the clock in its hand"""
            self.hand()
            self.owners.append(part)
            if part == "forward":
                self.calls[name] = words, named
            try:
                return work(*words, **named)
            finally:
                self.hand()
                self.owners.pop()

        setattr(owner, name, watched)

    def taken(self) -> dict[str, float]:
        """What was counted, and begin anew"""
        seconds, self.seconds = self.seconds, {}
        return seconds


def bare_steps(conf: Any, calls: dict[str, tuple], n_steps: int) -> float:
    """Seconds of steps that have the model, its loss and the optimizer, and nothing else"""
    import torch
    from torch.nn import functional as F

    (_, *words), named = calls["forward"]
    (_, *targets), how = calls["cross_entropy"]
    parameters = [p for group in conf.optimizer.param_groups for p in group["params"]]
    begun = time.perf_counter()
    for _ in range(n_steps):
        with conf.mixed_precision.autocast():
            logits, _ = conf.model(*words, **named)
            loss = F.cross_entropy(logits.flatten(0, -2).float(), *targets, **how)
        # Only the gradient's direction counts for Adam; a sum would be clipped all the more.
        (loss / 300).backward()
        torch.nn.utils.clip_grad_norm_(parameters, conf.grad_norm_clip)
        conf.optimizer.step()
        conf.optimizer.zero_grad(set_to_none=True)
    return time.perf_counter() - begun


def run(connection: Any, place: str, screen: str, is_bf16: bool, n_steps: int) -> None:
    """
    A side: the main experiment with clocks in it.

    * `screen` is the file that it prints to, or a terminal
    """
    enter(place)
    os.environ["TERM"] = "xterm-256color"
    os.dup2(os.open(screen, os.O_WRONLY | os.O_CREAT | os.O_NOCTTY), 1)
    from experiments import mlm
    from labnn.runs.keeper import LEAST_SECONDS, SHARE
    from labnn.runs.launch import launch

    parts, found = Parts(), {}
    for module, path, part in PARTS:
        parts.watch(module, path, part)

    def told() -> dict:
        """Parts of the turn, bare steps, and what a checkpoint takes"""
        parts.hand()
        counted, conf = parts.taken(), found["conf"]
        keeper = conf._listener.keeper
        if "cost" not in found:
            keeper.save()
            found["cost"] = keeper.cost / max(SHARE * keeper.cost, LEAST_SECONDS)
        bare = bare_steps(conf, parts.calls, n_steps)
        parts.taken()
        return {"parts": counted, "bare": bare, "checkpoint": found["cost"]}

    gate = Gate(connection, told)

    def is_counted(conf: Any) -> bool:
        """A step of training; remembers the configs"""
        found["conf"] = conf
        return conf.mode.is_train

    def passed() -> None:
        """Waiting belongs to nobody."""
        gate()
        if gate.left == n_steps - 1:
            parts.since, parts.seconds = time.perf_counter(), {}

    gated(mlm.Configs, "step", passed, is_counted)
    launch("mlm", mlm.Configs, mlm.OVERRIDES, {"precision": "bf16" if is_bf16 else "fp32"})


def terminal() -> str:
    """The name of a terminal that somebody reads"""
    reader, writer = pty.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 120, 0, 0))

    def read() -> None:
        """Until the end of this process"""
        while os.read(reader, 65536):
            pass

    threading.Thread(target=read, daemon=True).start()
    return os.ttyname(writer)


def told_of(side: Side, reports: list[dict], n_steps: int) -> str:
    """The table of one side, in milliseconds of a step"""

    def middle(of: Any) -> float:
        """The median of all turns"""
        return statistics.median(of(report) for report in reports) / n_steps * 1e3

    whole = middle(lambda r: r["seconds"])
    names = [*MODEL, *dict.fromkeys(part for *_, part in PARTS if part not in MODEL)]
    rows = {name: middle(lambda r, name=name: r["parts"].get(name, 0.0)) for name in names}
    rows["rest"] = middle(lambda r: r["seconds"] - sum(r["parts"].get(name, 0.0) for name in names))
    around = middle(lambda r: r["seconds"] - sum(r["parts"].get(name, 0.0) for name in MODEL))
    bare = middle(lambda r: r["bare"])
    lines = [f"{side.name}: {whole:.1f} ms a step"]
    lines += [f"  {name:20}{ms:8.2f} ms{ms / whole:8.2%}" for name, ms in rows.items()]
    lines += [
        f"  {'around the model':20}{around:8.2f} ms{around / whole:8.2%}",
        f"  {'whole less bare':20}{whole - bare:8.2f} ms{(whole - bare) / whole:8.2%}",
        f"  {'checkpoints add':20}{'':11}{reports[-1]['checkpoint']:8.2%}",
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure both, and print a table for each."""
    asked = options(sys.argv[1:], n_steps=20, n_rounds=15, is_bf16=0)
    print(header("labnn"), flush=True)
    n_steps, place, sides = asked["n_steps"], Path(tempfile.mkdtemp()), []
    try:
        for name, screen in (("log", str(place / "log.txt")), ("terminal", terminal())):
            (place / name).mkdir()
            given = (str(place / name), screen, bool(asked["is_bf16"]), n_steps)
            sides.append(Side(f"with a {name}", run, *given))
        reports: dict[str, list[dict]] = {side.name: [] for side in sides}
        take_turns(sides, asked["n_rounds"], n_steps, reports)
        for side in sides:
            print(told_of(side, reports[side.name], n_steps), "\n")
    finally:
        for side in sides:
            side.close()
        shutil.rmtree(place)


if __name__ == "__main__":
    main()
