r"""
# Event Files

What a run tells [TensorBoard](https://www.tensorflow.org/tensorboard), for
`tensorboard --logdir logs`: curves, samples, histograms and options, in `tensorboard/` of the run
folder. They are written where the package `tensorboard` is installed. `metrics.jsonl` has all
values in any case.

An event file is a row of records, each with its length and a checksum. TensorBoard's own writer
hands records to a thread, which prints a traceback when the disk is full and does not survive a
fork. Here a record goes to the system at once: a killed process leaves a readable file, an error is
seen where it happens, and the end has nothing to wait for. Messages, checksums and the forms that
the plugins read are the package's. TensorFlow, which takes seconds and talks, is not loaded even
where it is installed.

| tab | tag | from |
|---|---|---|
| Scalars | `loss/train`, `loss/valid`, `lr` | `loss.train`, `loss.valid`, `lr` |
| Text | `samples` | prompts with predictions, `[right]` and `{said≠true}` |
| Histograms | `weights/<parameter>`, `gradients/<parameter>` | the model after an update |
| HParams | | options, beside the newest value of each scalar |

The x axis is the number of the update. The [session](session.html) calls this.
"""

import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import nn

from labnn.runs.samples import Sample, legend

# Intervals of a histogram; TensorBoard draws as many.
N_BUCKETS = 30
# The difference of two values within these bounds is a number in 32 bits.
LARGEST = 1e38
# The largest integers that TensorBoard does not round
EXACT = 2**53


def available() -> bool:
    """Whether the package is installed; it is not imported."""
    spec = find_spec("tensorboard")
    # A folder of this name in the working directory looks like a package, but has no source.
    return spec is not None and spec.origin is not None


def package() -> SimpleNamespace:
    """What is used of the package: messages, records and the forms of the plugins"""
    from tensorboard.compat.proto.event_pb2 import Event, SessionLog
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.histogram.metadata import create_summary_metadata
    from tensorboard.plugins.hparams.summary_v2 import hparams_pb
    from tensorboard.plugins.text.summary_v2 import text_pb
    from tensorboard.summary.writer.record_writer import RecordWriter
    from tensorboard.util.tensor_util import make_tensor_proto

    return SimpleNamespace(
        Event=Event,
        SessionLog=SessionLog,
        Summary=Summary,
        RecordWriter=RecordWriter,
        histogram_form=create_summary_metadata(display_name=None, description=None),
        hparams_pb=hparams_pb,
        text_pb=text_pb,
        make_tensor_proto=make_tensor_proto,
    )


class EventFiles:
    """
    ## Event files

    One file for each time that the run is started. What cannot be written ends it with one message,
    never the training: after that, and after `close`, every method does nothing.
    """

    def __init__(self, folder: Path, on_error: Callable[[str], None], purge_step: int = 0):
        """
        * `folder` is made if it is not there
        * `on_error` gets one line when no more can be written
        * `purge_step` is the first update that a resumed run makes again: TensorBoard hides what
          earlier files say of this update and of those after it
        """
        self.folder, self.on_error = folder, on_error
        self.file: Any = None
        try:
            # All imports are made here: none can fail after hours of training.
            self.package = package()
            folder.mkdir(parents=True, exist_ok=True)
            self.file = open(folder / new_name(folder), "xb")
        except Exception as error:
            # A package may be too old, or damaged, in many ways.
            self._give_up(error)
            return
        self.records = self.package.RecordWriter(self.file)
        self._write(0, file_version="brain.Event:2")
        # The first start that TensorBoard reads hides nothing, so a new run has one as well.
        start = self.package.SessionLog(status=self.package.SessionLog.START)
        self._write(purge_step, session_log=start)

    def scalars(self, step: int, values: dict[str, float | None]) -> None:
        """
        A value that is no finite number is written: TensorBoard draws a triangle where a loss
        became NaN, and a gap would hide it. `None` is no value, and is left out.
        """
        given = {name: value for name, value in values.items() if value is not None}
        if self.file is None or not given:
            return
        summary = self.package.Summary()
        for name, value in given.items():
            summary.value.add(tag=tag(name), simple_value=float(value))
        self._write(step, summary=summary)

    def samples(self, step: int, samples: list[Sample]) -> None:
        """
        Prompts with predictions. TensorBoard reads texts as Markdown, in which a prediction could
        be a link, or an image from anywhere. In a block of code, which is what four spaces make,
        nothing is markup.
        """
        if self.file is None:
            return
        text = "\n".join([legend(samples), "", *("    " + sample.signs() for sample in samples)])
        self._write(step, summary=self.package.text_pb("samples", encodable(text)))

    def histograms(self, step: int, model: nn.Module) -> None:
        """Weights and gradients of all parameters. A tensor without a finite value has none."""
        if self.file is None:
            return
        summary = self.package.Summary()
        for name, tensor in tensors(model):
            if rows := buckets(tensor):
                summary.value.add(
                    tag=encodable(name),
                    metadata=self.package.histogram_form,
                    tensor=self.package.make_tensor_proto(rows, dtype="float64"),
                )
        self._write(step, summary=summary)

    def hyper_parameters(self, options: dict[str, Any]) -> None:
        """
        Options of the run, for a table of all runs. A list of columns is not written: TensorBoard
        would take that of one run for all, and without it finds the options of every run, and all
        scalars. The name of the run keeps it apart: runs with equal options would become one row.
        """
        if self.file is None:
            return
        values = {encodable(name): plain(v) for name, v in options.items() if v is not None}
        name = encodable(self.folder.resolve().parent.name)
        self._write(0, summary=self.package.hparams_pb(values, trial_id=name))

    def flush(self) -> None:
        """
        What was written is with the system already. But a file that was removed takes everything
        without an error, so it is looked for.
        """
        if self.file is not None and not os.path.exists(self.file.name):
            self._give_up(FileNotFoundError(0, f"{Path(self.file.name).name} was removed"))

    def close(self) -> None:
        """The run is over."""
        self.flush()
        file, self.file = self.file, None
        if file is not None:
            try:
                file.close()
            except OSError as error:
                self._give_up(error)

    def _write(self, step: int, **content: Any) -> None:
        """A record, which is handed over as a whole: a fork has no part of it left to write."""
        if self.file is None:
            return
        event = self.package.Event(wall_time=time.time(), step=step, **content)
        try:
            self.records.write(event.SerializeToString())
            self.records.flush()
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        """Say it once. A file with half a record can not be continued."""
        file, self.file = self.file, None
        if file is not None:
            # Closing tries to write what is left, and fails as before.
            with suppress(OSError):
                file.close()
        text = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
        self.on_error(f"{self.folder}: {' '.join(text.split())}; no more goes to TensorBoard")


def new_name(folder: Path) -> str:
    """
    TensorBoard reads files in the order of their names, which say when they were begun. A second
    start within a second, or after a clock was set back, must still come after the files before.
    """
    numbers = [path.name.split(".")[3] for path in folder.glob("events.out.tfevents.*")]
    newest = max((int(number) for number in numbers if number.isdecimal()), default=0)
    return f"events.out.tfevents.{max(int(time.time()), newest + 1):010}"


def tag(name: str) -> str:
    """TensorBoard groups by what stands before the first `/`: `loss.train` is `loss/train`."""
    return encodable(name.replace(".", "/", 1))


def encodable(text: str) -> str:
    """Half a character, which a message cannot hold, becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")


def plain(value: Any) -> bool | float | str:
    """An option as TensorBoard holds it. What it would round, or not read, is a text."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) <= EXACT:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    return encodable(str(value))


def tensors(model: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """What histograms are made of, with its tags"""
    for name, parameter in model.named_parameters():
        yield f"weights/{name}", parameter
        if parameter.grad is not None:
            yield f"gradients/{name}", parameter.grad


def buckets(tensor: torch.Tensor) -> list[list[float]]:
    """
    How many finite elements there are in each of 30 intervals of equal width, as
    `[from, to, count]`; nothing if there are none
    """
    values = tensor.detach()
    if values.is_sparse:
        # What an embedding did not look up has no gradient.
        values = values.coalesce().values()
    values = values.float().flatten()
    # A comparison with NaN is false.
    values = values[values.abs() < LARGEST]
    if not len(values):
        return []
    low, high = (bound.item() for bound in values.aminmax())
    if low == high:
        return [[low, high, 0.0]] * (N_BUCKETS - 1) + [[low, high, float(len(values))]]
    counts = torch.histc(values, N_BUCKETS, low, high).tolist()
    edges = torch.linspace(low, high, N_BUCKETS + 1, dtype=torch.float64).tolist()
    return [list(row) for row in zip(edges[:-1], edges[1:], counts, strict=True)]
