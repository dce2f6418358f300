r"""
# Dry Run

What a run would need, found out by doing a little of it:

```sh
python -m experiments.mlm --dry-run
```

Data and model are built, one update is made, and nothing is written. Every mistake that a run would
stop at before its first update shows.
"""

import json
import math
import os
import resource
import sys
from pathlib import Path
from typing import Any

import torch

from labnn.configs.loop import Listener, Stopped
from labnn.configs.saving import KEEP_ALL
from labnn.runs.launch import asked, prepared, start
from labnn.runs.plain_text import say
from labnn.runs.tracking import MetricsFile, add_writer, remove_writer


class DryRun(Listener):
    """
    ## DryRun

    A run of one update. It leaves no trace and says what the whole run would need.
    """

    def __init__(self, asked: set[str]):
        """
        * `asked` are the options that a person set
        """
        self.asked = asked
        self.conf: Any = None
        self.is_done = False
        # Bytes of one line of metrics, and of one of samples
        self.n_bytes = self.n_sample_bytes = 0

    def on_start(self, conf: Any) -> None:
        """Note what is run; what a run writes is written nowhere, and counted."""
        self.conf = conf
        self.metrics = MetricsFile(Path(os.devnull), conf.position)
        add_writer(self.metrics)
        # A validation before the first update would take long, and tell nothing of the needs.
        conf.position.left = -1

    def on_sample(self, samples: list) -> None:
        """As large as a line of samples is"""
        self.n_sample_bytes = len(json.dumps([sample.to_dict() for sample in samples]))

    def on_end(self, error: BaseException | None) -> None:
        """The file that is none is closed as well."""
        if self.conf is not None:
            remove_writer(self.metrics)
            self.metrics.close()

    def on_update(self) -> None:
        """One is enough."""
        self.is_done = True
        # In the file a line has these two names as well.
        self.n_bytes = len(json.dumps(self.metrics.last)) + len('"update": 1, "step": 1000, ')
        if names := [name for name in self.conf.unread_overrides() if name in self.asked]:
            self.warn(f"nothing reads {', '.join(names)}: no effect in a run")

    def should_stop(self) -> bool:
        """After the first update"""
        return self.is_done

    def warn(self, text: str) -> None:
        """What a real run would warn of"""
        say(f"warning: {text}")

    def report(self) -> str:
        """Parameters, memory and disk, as lines"""
        conf = self.conf
        parameters = list(conf.model.parameters())
        states = [t for s in conf.optimizer.state.values() for t in s.values() if is_tensor(t)]
        weights, moments = n_bytes(parameters), n_bytes(states)
        updates = conf.count_updates()
        rounds = n_rounds(conf, updates)
        lines = updates + n_validations(conf, updates, rounds)
        kept = n_checkpoints(conf, updates, rounds) * (weights + moments)
        kinds = "checkpoints"
        if conf.checkpoint.keep == KEEP_ALL and not conf.checkpoint.interval:
            kinds = "each checkpoint, of which all are kept"
        # On a GPU it is not the process that runs out of memory.
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * RSS_UNIT
        if conf.device.type == "cuda":
            peak = torch.cuda.max_memory_allocated(conf.device)
        return "\n".join(
            [
                f"parameters  {sum(p.numel() for p in parameters):,}",
                f"batches     {len(conf.train_loader):,} an epoch, {updates:,} updates in all",
                f"device      {conf.device} in {conf.mixed_precision.name}",
                f"memory      {size(peak)} at its peak, of which weights {size(weights)}, "
                f"gradients {size(weights)}, optimizer {size(moments)}",
                f"disk        {size(lines * self.n_bytes)} for metrics, "
                # The last samples are those of the complete run.
                f"{size((rounds + 1) * self.n_sample_bytes)} for samples, {size(kept)} for {kinds}",
            ]
        )


# Bytes of the unit in which the system counts memory
RSS_UNIT = 1 if sys.platform == "darwin" else 1024


def n_rounds(conf: Any, updates: int) -> int:
    """Rounds that a run of so many updates begins"""
    epochs, rest = divmod(updates, math.ceil(len(conf.train_loader) / conf.update_batches))
    # The epoch in which the run ends
    last = range(conf.inner_iterations if rest else 0)
    begun = sum(conf.trainer.bounds(r)[0] < rest * conf.update_batches for r in last)
    return epochs * conf.inner_iterations + begun


def n_validations(conf: Any, updates: int, rounds: int) -> int:
    """Validations of a run of so many updates and rounds"""
    if conf.valid_loader is None:
        return 0
    # The last one is that of the complete run.
    every = conf.eval_interval
    return conf.eval_at_start + (math.ceil(updates / every) if every else rounds)


def n_checkpoints(conf: Any, updates: int, rounds: int) -> int:
    """Checkpoints on the disk, at most; one where nobody knows how many that will be"""
    keep, every = conf.checkpoint.keep, conf.checkpoint.interval
    if keep == KEEP_ALL:
        # The first and the last one, and one for each validation that was the best so far
        return updates // every + 2 + n_validations(conf, updates, rounds) if every else 1
    # Those that are kept, the best one, and one that is being written
    return keep + 2


def is_tensor(value: Any) -> bool:
    """Whether a state of the optimizer is a tensor, and not a count"""
    return isinstance(value, torch.Tensor)


def n_bytes(tensors: list[torch.Tensor]) -> int:
    """The bytes that tensors take"""
    return sum(t.numel() * t.element_size() for t in tensors)


def size(n: float) -> str:
    """Bytes as a person reads them, such as 12.3 MB"""
    for unit in ("B", "kB", "MB", "GB"):
        if n < 1000:
            return f"{n:.1f} {unit}" if unit != "B" else f"{int(n)} B"
        n /= 1000
    return f"{n:.1f} TB"


def dry_run(name: str, cls: type, options: dict, *overrides: dict | None) -> Any:
    """Build everything, make one update, print what a run needs, and write nothing."""
    listener = DryRun(asked(cls, options, *overrides))
    try:
        conf = start(name, cls, *prepared(cls, options, *overrides), listener)
    except Stopped:
        conf = listener.conf
    print(listener.report())
    return conf
