"""A training that takes a moment, for the tests of its parts"""

from typing import Any

import torch
from labml.configs import option
from labml.internal.tracker import tracker_singleton
from labml.internal.tracker.writers import Writer
from torch import nn

from labnn.configs.loop import Listener
from labnn.configs.position import Position
from labnn.configs.scores import Scores, score
from labnn.configs.training import TrainingConfigs
from labnn.configs.types import PositiveInt, Probability
from labnn.runs.tracking import add_writer, reset_tracker

N_TOKENS, D_MODEL, SEQ_LEN, PAD = 11, 7, 5, 0


class Reader(nn.Module):
    """Logits of each position from the token there"""

    def __init__(self, dropout_prob: float = 0.0):
        super().__init__()
        self.embedding = nn.Embedding(N_TOKENS, D_MODEL)
        self.dropout = nn.Dropout(dropout_prob)
        self.linear = nn.Linear(D_MODEL, N_TOKENS)

    def forward(self, x):
        return self.linear(self.dropout(self.embedding(x))), None


class Tiny(TrainingConfigs):
    """Some batches in a list"""

    n_train: PositiveInt = 6
    n_valid: PositiveInt = 3
    dropout_prob: Probability = 0.0
    d_model: PositiveInt = D_MODEL
    epochs: PositiveInt = 1
    model: nn.Module = "reader"
    train_loader: Any = "train_list"
    valid_loader: Any = "valid_list"

    def forward_loss(self, batch: Any) -> Scores:
        data, target = batch
        logits, _ = self.model(data)
        return score(logits, target, ignore=PAD)


@option(Tiny.model)
def reader(c: Tiny) -> nn.Module:
    return Reader(c.dropout_prob).to(c.device)


@option(Tiny.train_loader)
def train_list(c: Tiny) -> list:
    return unequal_batches(c.n_train, seed=1)


@option(Tiny.valid_loader)
def valid_list(c: Tiny) -> list:
    return unequal_batches(c.n_valid, seed=2)


def unequal_batches(n: int, seed: int) -> list:
    """Batches of different widths, in which different numbers of targets are to be predicted"""
    generator = torch.Generator().manual_seed(seed)
    found = []
    for i in range(n):
        shape = (SEQ_LEN, 1 + i % 3)
        data = torch.randint(1, N_TOKENS, shape, generator=generator)
        is_scored = torch.rand(shape, generator=generator) < (i + 1) / (n + 1)
        # At least one
        is_scored[i % SEQ_LEN, 0] = True
        found.append((data, torch.where(is_scored, (3 * data + 1) % (N_TOKENS - 1) + 1, PAD)))
    return found


def make(cls: type = Tiny, overrides: dict | None = None, listener: Listener | None = None) -> Any:
    """Configs with overrides, on a tracker that knows nothing"""
    reset_tracker()
    conf = cls()
    conf._set_values(overrides or {})
    if listener is not None:
        conf._listener = listener
    return conf


def begin(conf: Any, phase: str = "train") -> Any:
    """Configs in front of a phase, for tests that call the step"""
    conf.prepare()
    conf.position.phase = phase
    return conf


class Lines(Writer):
    """What `tracker.save` saves"""

    def __init__(self):
        self.lines: list[dict] = []
        add_writer(self)

    def write(self, *, global_step: int, indicators: dict):
        values = {i.mean_key: i.get_mean() for i in indicators.values() if not i.is_empty()}
        self.lines.append({"step": global_step, **values})

    def column(self, name: str) -> list:
        return [line[name] for line in self.lines if name in line]


class Diary(Listener):
    """Notes every call, and may ask to stop at one"""

    def __init__(self, stop_at: tuple | None = None):
        self.notes: list[tuple] = []
        self.stop_at = stop_at
        self.conf: Any = None
        self.samples: list = []
        self.warnings: list[str] = []

    def on_start(self, conf):
        self.conf = conf
        self.notes.append(("start",))

    def on_phase(self, position: Position, total: int):
        self.notes.append((position.phase, position.epoch, position.round, position.batch, total))

    def on_batch(self, position: Position, total: int):
        self.notes.append(("batch", position.batch))

    def on_phase_end(self, position: Position):
        self.notes.append(("end of phase", position.phase))

    def on_update(self):
        self.notes.append(("update",))

    def on_sample(self, samples: list):
        self.samples.append(samples)

    def warn(self, text: str):
        self.warnings.append(text)

    def on_end(self, error):
        self.notes.append(("end", type(error).__name__))

    def should_stop(self) -> bool:
        position = self.conf.position
        return self.stop_at == (position.epoch, position.round, position.phase, position.batch)


def weights(model: nn.Module) -> list[torch.Tensor]:
    """A copy of all parameters"""
    return [p.detach().clone() for p in model.parameters()]


def equal(ours: list, theirs: list) -> bool:
    """Whether tensors have the same bits"""
    return all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


def steps() -> int:
    """Tokens so far, as the tracker counts them"""
    return tracker_singleton().global_step
