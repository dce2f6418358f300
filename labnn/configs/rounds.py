r"""
# Rounds of Training

The outer half of a training: epochs, in them rounds, in each round samples, training and
validation. [How long and how often](extent.html) says when a round is left in its middle for a
validation, and what ends a run.

It stands on `TrainValidConfigs` of labml_helpers and keeps its fields and its form: a
subclass may have `init`, `step` and `sample` of its own, and `run` calls them in the same order.
The [loop](loop.html) itself is ours, because labml_helpers' cannot say where it is.

[Training configs](training.html) add the step.
"""

from typing import Any

import torch
from labml import tracker
from labml.configs import option
from labml_helpers.train_valid import ModeState, TrainValidConfigs
from torch import nn

from labnn.configs.extent import ExtentConfigs
from labnn.configs.guards import check_registered
from labnn.configs.loop import Loop, Phase, Stopped, check_loader
from labnn.configs.overrides import unread
from labnn.configs.position import UNBEGUN, UNSHOWN, seed_all
from labnn.configs.saving import CheckpointConfigs
from labnn.configs.state import Gradients, RandomState


class RoundsConfigs(ExtentConfigs, TrainValidConfigs):
    """
    ## RoundsConfigs

    The parts of the rounds, and the order in which a run does everything
    """

    # The network, called with a batch of ids
    model: nn.Module
    # What changes the parameters
    optimizer: torch.optim.Optimizer
    # Batches to learn from
    train_loader: Any

    # Which phase the run is in
    mode: ModeState = "mode_state"
    # All rounds, one after the other
    training_loop: Any = "rounds"
    # Trains for a round
    trainer: Any = "train_phase"
    # Validates
    validator: Any = "valid_phase"

    # When the run is saved
    checkpoint: CheckpointConfigs = CheckpointConfigs()

    # Metrics of labml_helpers that `init` made
    state_modules: list = []
    # Fields of labml_helpers that its own loop reads, and this one does not
    loop_count: Any = 0
    loop_step: Any = None

    # What a validation is known to track, as far as that is known before it
    _tracked = ()
    # Options that leave every step as it is, but for rounding: a run that goes on may have others.
    _free = (
        "epochs",
        "max_updates",
        "eval_interval",
        "eval_at_start",
        "checkpoint",
        "early_stopping",
        "prompt",
        "device",
        "compile",
        "is_log_model_params_grads",
        "is_log_model_activations",
        "log_params_updates",
    )

    def __init__(self, *, _primary: str | None = None):
        """
        * `_primary` is that of [all configs](base.html)
        """
        super().__init__(_primary=_primary)
        # The global generators, and what training left in them when a validation began
        self._random = RandomState()

    def run(self):
        """
        ### The whole run

        The listener hears of a start when everything is built, and of the end whatever happens.
        """
        check_registered(self)
        try:
            self.check()
            self.prepare()
            self._listener.on_start(self)
            for _ in self.training_loop:
                if self.is_over():
                    break
                self.run_step()
            # What the last round has taught shows only after it, once.
            if self.position.phase != "done":
                self.is_over()
                self.phase("sample")
                self.position.phase = "done"
        except BaseException as error:
            self._listener.on_end(error)
            raise
        self._listener.on_end(None)

    def prepare(self):
        """
        ### Build everything

        What is wrong with the data shows here, before the run has left a trace.
        """
        # Data that is made up, and modules that are made in `init`, belong to the seed as well.
        seed_all(self.seed)
        self.init()
        # Each option is computed now, so that none fails in the middle of the run.
        for part in ("train_loader", "valid_loader", "model", "optimizer", "trainer", "validator"):
            getattr(self, part)
        check_loader("train_loader", self.train_loader)
        if self.valid_loader is not None:
            check_loader("valid_loader", self.valid_loader)
        self.check_judge()
        self.optimizer.register_step_post_hook(self._count)
        # Dropout is the same whatever was drawn to build the model.
        seed_all(self.seed)

    def _count(self, *_: Any) -> None:
        """Any optimizer calls this after a step, whoever wrote the training step."""
        self.position.updates += 1

    def is_over(self) -> bool:
        """Between rounds: whether the run ends early. Raises `Stopped` after a signal."""
        listener = self._listener
        listener.on_round(self.position)
        if listener.should_stop():
            raise Stopped
        # A run that goes on may be between the last update and the end of its validation: what it
        # is in the middle of comes to its end.
        is_between = self.position.phase in ("sample", "done")
        return is_between and (listener.should_end() or self.is_enough())

    def check(self):
        """What is saved, and when a run ends, is known before it begins."""
        super().check()
        self.checkpoint.check()

    def state_parts(self) -> dict[str, Any]:
        """
        ### Everything that has to survive

        Each has `state_dict` and `load_state_dict`, and they are put back in this order. A subclass
        with more of it adds its own.
        """
        return {
            "model": self.model,
            "optimizer": self.optimizer,
            "gradients": Gradients(self.model),
            "trainer": self.trainer,
            "validator": self.validator,
            "position": self.position,
            "random": self._random,
        }

    def fingerprint(self) -> dict[str, Any]:
        """What the data came to: a run that goes on must find it as it was."""
        valid = [] if self.valid_loader is None else self.valid_loader
        return {"train_batches": len(self.train_loader), "valid_batches": len(valid)}

    def run_step(self):
        """
        ### One round, or the rest of it

        A complete run to which more epochs are given has shown its samples already, and so has a
        round that goes on after a validation in its middle.
        """
        position = self.position
        # A run that goes on begins in the phase that it stopped in.
        if position.phase == "sample" and self.is_first():
            position.phase, position.left = "valid", UNSHOWN
        elif position.phase == "sample" and position.left in (0, UNSHOWN):
            self.phase("sample")
        if position.phase in ("sample", "done"):
            # A round that was left before its end goes on there.
            first = max(position.left, self.trainer.bounds(position.round)[0])
            position.phase, position.batch, position.left = "train", first, 0
        if position.phase == "train":
            with self.mode.update(is_train=True):
                self.phase("train")
            if self.is_leaving() and position.batch < self.trainer.bounds(position.round)[1]:
                position.left = position.batch or UNBEGUN
            if self.is_judged():
                position.phase, position.batch = "valid", 0
        if position.phase == "valid" and self.valid_loader is not None:
            self.phase("valid")
            position.scored = position.updates

    def phase(self, name: str):
        """
        ### One phase

        Its name is in the tracker, and only training keeps what gradients need and has dropout,
        whoever wrote `step` and `sample`. What a validation draws is not missing in training.
        """
        # What is not called is not built: a validation alone has nothing to learn from.
        work = {"sample": "show", "train": "trainer", "valid": "validate"}[name]
        is_aside = name == "valid"
        with tracker.namespace(name), torch.set_grad_enabled(name == "train"):
            self.model.train(name == "train")
            if is_aside:
                self._random.set_aside()
            try:
                getattr(self, work)()
            except Stopped:
                # The rest of it comes when the run goes on, and draws what it would have drawn.
                is_aside = False
                raise
            finally:
                if is_aside:
                    self._random.take_back()
            self._listener.on_phase_end(self.position)

    def show(self):
        """Sampling"""
        self._listener.on_phase(self.position, 0)
        self.sample()

    def validate(self):
        """All of the validation part"""
        self.validator()

    def overview(self) -> str:
        """A line for the beginning of a run; an empty one is not shown"""
        return ""

    def summary(self) -> str:
        """A line for the end of a run"""
        return ""

    def unread_overrides(self) -> list[str]:
        """Options that were given and have had no effect"""
        return unread(self)

    def _compute(self, item: str, name: str, function) -> None:
        """
        The first weights of a model depend on the seed and on nothing that happened before, so the
        generators are set when the model is built, whoever asks for it first.
        """
        if item == "model":
            seed_all(self.seed)
        super()._compute(item, name, function)


@option(RoundsConfigs.mode)
def mode_state() -> ModeState:
    """Not training yet"""
    return ModeState()


@option(RoundsConfigs.training_loop)
def rounds(c: RoundsConfigs) -> Loop:
    """All rounds of all epochs"""
    return Loop(c.position, epochs=c.epochs, n_rounds=c.inner_iterations)


@option(RoundsConfigs.trainer)
def train_phase(c: RoundsConfigs) -> Phase:
    """An epoch of training, in `inner_iterations` parts"""
    return Phase(
        c,
        c.train_loader,
        n_rounds=c.inner_iterations,
        modules=c.state_modules,
        is_leaving=c.is_leaving,
    )


@option(RoundsConfigs.validator)
def valid_phase(c: RoundsConfigs) -> Phase:
    """All of the validation part, each time"""
    loader = c.valid_loader if c.valid_loader is not None else []
    return Phase(c, loader, n_rounds=1, modules=c.state_modules)
