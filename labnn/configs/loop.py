r"""
# The Training Loop

labml_helpers' loop counts epochs and hands out batches; it cannot say where it is nor start
anywhere else. This one keeps its [position](position.html), so that a run can go on.

There are epochs, in each of them rounds, in each round the phases sample, train and valid, of which
the last two are made of batches. A round may be left in its middle for a validation, and goes on
after it; its [extent](extent.html) says when. Between two batches the loop asks whether to stop.
Whoever surrounds the training, the [`Listener`], answers that, and hears of every phase, batch and
update.

[Training configs](training.html) make these parts by options, as labml_helpers does.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

import torch
from labml import tracker
from labml_helpers.train_valid import BatchIndex

from labnn.configs.position import Position, restore, seed_cpu, states
from labnn.configs.types import ConfigError


class Stopped(Exception):
    """
    ## Stopped

    The run was asked to stop. It ends between two batches, and its position says where.
    """

    # Whether what there is now can be saved
    is_whole = True


class Torn(Stopped):
    """
    ## Torn

    The run was asked to stop, and a batch was left in its middle. It goes on from what was saved.
    """

    is_whole = False


class Listener:
    """
    ## Listener

    What surrounds the training, which says what happens. Everything about folders, files and
    terminals is behind these methods; the ones here do nothing.
    """

    def open(self) -> None:
        """Before anything is built"""

    def close(self) -> None:
        """After all the rest, whatever happened"""

    def on_start(self, conf: Any) -> None:
        """Everything is built, and nothing was updated yet."""

    def on_phase(self, position: Position, total: int) -> None:
        """A phase of `total` batches begins."""

    def on_round(self, position: Position) -> None:
        """A round begins or goes on, or the last one is over; the position is between phases."""

    def on_batch(self, position: Position, total: int) -> None:
        """A batch is done; `position.batch` is the next one."""

    def on_phase_end(self, position: Position) -> None:
        """A phase is over, and what it gave is in the tracker."""

    def on_gradients(self, model: Any) -> None:
        """The gradients of an update are complete, and the step is not made yet."""

    def on_update(self) -> None:
        """The optimizer made a step, and what belongs to it was saved in the tracker."""

    def on_sample(self, samples: list) -> None:
        """Samples of what the model predicts"""

    def warn(self, text: str) -> None:
        """Something that the user should know"""

    def on_end(self, error: BaseException | None) -> None:
        """The run is over, because of `error` if that is not `None`."""

    def should_stop(self) -> bool:
        """Whether to leave before the next batch"""
        return False

    def should_end(self) -> bool:
        """Whether the run is complete before all epochs are"""
        return False


def check_loader(name: str, loader: Any) -> None:
    """Raises `ConfigError` for a loader that the loop could not count, or that has no batches."""
    try:
        n_batches = len(loader)
    except TypeError:
        raise ConfigError(
            f"{name} is a {type(loader).__name__} without a length; give a list or a DataLoader"
        ) from None
    if not n_batches:
        raise ConfigError(f"{name} has no batches; give it more data or a smaller batch_size")


def batches(loader: Iterable, position: Position) -> Iterator:
    """
    The batches of an epoch from the position on. A loader of labnn starts anywhere; of any other
    the batches before are read and dropped.
    """
    if hasattr(loader, "batches"):
        return iter(loader.batches(position.epoch, position.batch))
    # A generator that only this loader draws from would be where the last epoch has left it, and a
    # run that goes on has not seen that epoch.
    for generator in own_generators(loader):
        generator.manual_seed(position.order_seed())
    return islice(drawn_apart(loader, position.order_seed()), position.batch, None)


def own_generators(loader: Any) -> Iterator[torch.Generator]:
    """The generators of a loader of torch, and of the samplers that it is made of"""
    if isinstance(generator := getattr(loader, "generator", None), torch.Generator):
        yield generator
    for name in ("sampler", "batch_sampler"):
        if (inner := getattr(loader, name, None)) is not None:
            yield from own_generators(inner)


def drawn_apart(loader: Iterable, seed: int) -> Iterator:
    """
    The batches of any loader. torch's draws its order from the global generator, and so would move
    the dropout of the model. The generators have a state of their own while a batch is fetched.
    """
    rest, own = None, None
    while True:
        # What the model draws goes on as if nothing had been drawn here.
        others = states()
        try:
            if rest is None:
                seed_cpu(seed)
                rest = iter(loader)
            else:
                restore(own)
            batch = next(rest)
        except StopIteration:
            return
        finally:
            own = states()
            restore(others)
        yield batch


class Phase:
    """
    ## Phase

    One pass over batches: the trainer and the validator of a run
    """

    def __init__(
        self,
        conf: Any,
        loader: Iterable,
        *,
        n_rounds: int,
        modules: Iterable = (),
        is_leaving: Callable[[], bool] = lambda: False,
    ):
        """
        * `conf` has the step
        * `loader` has the batches
        * `n_rounds` is the number of parts that a pass over all batches is cut into
        * `modules` are metrics of labml_helpers, which count in each phase for itself
        * `is_leaving` says whether to leave the phase before its end
        """
        self.conf = conf
        self.loader = loader
        self.n_rounds = n_rounds
        self.is_leaving = is_leaving
        # What is left of an epoch, and the epoch and batch where that begins
        self.rest: Iterator = iter(())
        self.place: tuple[int, int] | None = None
        self.modules = [*modules]
        self.states = [module.create_state() for module in self.modules]

    def bounds(self, round_: int) -> tuple[int, int]:
        """The first batch of a round, and the one after its last; the last round ends the epoch."""
        total = len(self.loader)
        return round_ * total // self.n_rounds, (round_ + 1) * total // self.n_rounds

    def state_dict(self) -> dict:
        """What metrics of labml_helpers have counted in this phase"""
        return {"states": [dict(vars(s)) if hasattr(s, "__dict__") else s for s in self.states]}

    def load_state_dict(self, state: dict) -> None:
        """Go on counting."""
        for number, kept in enumerate(state["states"]):
            if hasattr(self.states[number], "__dict__"):
                vars(self.states[number]).update(kept)
            else:
                self.states[number] = kept

    def __call__(self) -> None:
        """Do the rest of the phase, from the position on."""
        position, listener = self.conf.position, self.conf._listener
        end = self.bounds(position.round if self.n_rounds > 1 else 0)[1]
        # The index tells the step which batch is the last one of an update, or of the epoch.
        index = BatchIndex(len(self.loader), self.n_rounds)
        index.reset(len(self.loader), self.n_rounds)
        index.idx = position.batch
        listener.on_phase(position, end)
        # Metrics of labml_helpers have a state, which is another one in each phase.
        for module, state in zip(self.modules, self.states, strict=True):
            module.set_state(state)
            if not position.batch:
                module.on_epoch_start()
        # A round goes on where the one before ended, without reading what came before once more.
        if self.place != (position.epoch, position.batch):
            self.rest = batches(self.loader, position)
        self.place = None
        # With larger batches than before, a run that goes on may be beyond the end.
        n_left = 0 if self.is_leaving() else max(end - position.batch, 0)
        for batch in islice(self.rest, n_left):
            if listener.should_stop():
                # Workers of a loader wait for whoever has its iterator.
                self.rest, self.place = iter(()), None
                raise Stopped
            self.conf.step(batch, index)
            index.step()
            position.batch = index.idx
            listener.on_batch(position, end)
            if self.is_leaving():
                break
        # The next round of this epoch goes on here.
        self.place = position.epoch, position.batch
        # What is left for a validation is not over.
        is_left = self.is_leaving() and position.batch < end
        if end == len(self.loader) and self.modules and not is_left:
            for module in self.modules:
                module.on_epoch_end()
            tracker.save()


class Loop:
    """
    ## Loop

    All rounds of a run. Each iteration is one round, or a part of one, and the position says which.
    """

    def __init__(self, position: Position, *, epochs: int, n_rounds: int):
        """
        * `position` is where to begin, and is kept up to date
        * `epochs` and `n_rounds` say where to end
        """
        self.position = position
        self.epochs = epochs
        self.n_rounds = n_rounds

    def __len__(self) -> int:
        """Rounds of the whole run"""
        return self.epochs * self.n_rounds

    def __iter__(self) -> Iterator[Position]:
        """The rounds that are left"""
        position = self.position
        while position.epoch < self.epochs:
            yield position
            position.phase, position.batch = "sample", 0
            # A round that was left before its end, or validated before its beginning, comes once
            # more, if the run goes on.
            if position.left:
                continue
            position.round += 1
            if position.round == self.n_rounds:
                position.epoch, position.round = position.epoch + 1, 0
