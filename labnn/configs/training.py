r"""
# Training Configs

What every training has beside its [rounds](rounds.html): a device, an optimizer, and the step.

The step is written once, here. An experiment says what its loss is, in
[`forward_loss(batch)`](#TrainingConfigs.forward_loss), and whatever a run needs around that is done
for it: device, train and eval mode, mixed precision, accumulation, clipping, metrics, tracking.

Names of options are those of labml's experiments, so that overrides written for them go on working.
"""

import math
import time
from typing import Any, Literal

import torch
from labml import tracker
from labml.configs import option
from labml.utils.pytorch import store_model_indicators
from labml_helpers.train_valid import BatchIndex, hook_model_outputs

from labnn.configs.compiling import CompilingConfigs
from labnn.configs.device import DeviceConfigs, MixedPrecision, Precision
from labnn.configs.optimizer import OptimizerConfigs
from labnn.configs.schedule import RunScheduler
from labnn.configs.scores import Meter, Scores
from labnn.configs.types import ConfigError, NonNegativeFloat, NonNegativeInt, PositiveInt
from labnn.configs.update import TrainingError, Update
from labnn.optimizers import Scheduler


class TrainingConfigs(CompilingConfigs):
    """
    ## TrainingConfigs

    The options of a training, and the step that experiments share
    """

    # Sequences in a batch
    batch_size: PositiveInt = 64
    # Batches whose gradients make one update
    update_batches: PositiveInt = 1
    # The largest norm of the gradient of all that the optimizer changes; 0 does not clip
    grad_norm_clip: NonNegativeFloat = 1.0
    # Where to compute
    device: torch.device = DeviceConfigs()
    # Bits of matrix products: auto is bf16 on CUDA cards that have it, fp32 elsewhere
    precision: Precision = "auto"
    # Number of features of a token vector
    d_model: PositiveInt = 512
    # What changes the parameters
    optimizer: torch.optim.Optimizer = "from_model"
    # Track statistics of parameters and gradients at the last batch of an epoch
    is_log_model_params_grads: bool = False
    # Track statistics of the outputs of all modules at the last batch of an epoch
    is_log_model_activations: bool = False
    # Updates between histograms of weights and gradients in TensorBoard; 0 has none
    log_params_updates: NonNegativeInt = 0
    # What to do where a loss or a gradient is not finite: stop the run, or skip the update
    nan: Literal["stop", "skip"] = "stop"

    # Scale and type of half precision
    mixed_precision: MixedPrecision = "from_precision"
    # Gradients and the optimizer's step
    update: Update = "one_update"
    # The rate of each update; none where it stays as it is
    scheduler: Scheduler | None = "scheduled"
    # Scores of the validation
    meter: Meter = "empty_meter"

    # What `validate` tracks
    _tracked = ("loss.valid", "accuracy.valid")
    # When the last update was made, and the tokens since
    _clock = 0.0
    _n_seen = 0

    def check(self):
        """A device that is not there, and rates that are none, are known before data is read."""
        super().check()
        optimizer = self._nested("optimizer")
        if isinstance(optimizer, OptimizerConfigs):
            optimizer.check()
        _ = self.mixed_precision

    def state_parts(self) -> dict[str, Any]:
        """Beside those of the rounds: the scale of half precision, and the sums so far."""
        parts = {
            **super().state_parts(),
            "scaler": self.mixed_precision.scaler,
            "meter": self.meter,
        }
        if self.scheduler is not None:
            parts["scheduler"] = self.scheduler
        # A step of one's own may do without an `Update`, and then none is made for the checkpoint.
        return {**parts, "update": self.update} if self._is_computed("update") else parts

    def forward_loss(self, batch: Any) -> Scores:
        """The scores of one batch. Draw random numbers from `self.position.generator()`."""
        raise NotImplementedError(f"{type(self).__name__} needs forward_loss(batch), or a step")

    def step(self, batch: Any, batch_idx: BatchIndex):
        """
        ### One batch

        In training also the backward pass, and every `update_batches` batches an update.
        """
        is_train = self.mode.is_train
        # Dropout and the like behave differently in the two modes. A walk through all modules takes
        # 0.2 % of a step of the main experiment.
        if self.model.training != is_train:
            self.model.train(is_train)
        batch = to_device(batch, self.device)

        # The outputs of all modules are tracked once an epoch.
        is_hooked = self.is_log_model_activations and is_train and batch_idx.is_last
        with self.mode.update(is_log_activations=is_hooked), self.mixed_precision.autocast():
            scores = self.forward_loss(batch)
        if not isinstance(scores, Scores):
            raise ConfigError(
                f"{type(self).__name__}.forward_loss gave a {type(scores).__name__}; it should "
                "give Scores, for instance those of labnn.configs.scores.score"
            )
        # A validation only adds up.
        if not is_train:
            return self.meter.add(scores)

        # The tracker counts tokens as its steps.
        n_tokens = n_tokens_in(batch)
        self._n_seen += n_tokens
        tracker.add_global_step(n_tokens)
        self.update.backward(scores)
        # The last batch of an epoch ends the accumulation as well: no gradient is dropped.
        if batch_idx.is_interval(self.update_batches):
            try:
                self.make_update(self.is_log_model_params_grads and batch_idx.is_last)
            except TrainingError as e:
                e.batch = batch
                raise

    def make_update(self, is_stored: bool):
        """
        ### The optimizer's step, and what is tracked of it

        * `is_stored` adds statistics of all parameters and gradients
        """

        def store() -> None:
            """Between the backward pass and the step the gradients are complete."""
            self._listener.on_gradients(self.model)
            if is_stored:
                store_model_indicators(self.model)

        # People count from one.
        where = f"epoch {self.position.epoch + 1}, batch {self.position.batch + 1}"
        values = self.update.step(f"{where}, step {tracker.get_global_step():,}", store)
        # A skipped update has nothing to track.
        if not values:
            self._listener.warn(self.update.skipped)
            return
        for name in ("loss", "accuracy"):
            if name in values:
                tracker.add(f"{name}.", values[name])
        # The speed is that since the last update, or since the phase began.
        now = time.perf_counter()
        tracker.add("lr", float(self.optimizer.param_groups[0]["lr"]))
        tracker.add("grad_norm", values["grad_norm"])
        if self.update.n_skipped:
            tracker.add("skipped_updates", self.update.n_skipped)
        tracker.add("tokens_per_s", self._n_seen / max(now - self._clock, 1e-9))
        self._clock, self._n_seen = now, 0
        tracker.save()
        self._listener.on_update()

    def prepare(self):
        """
        ### Build everything

        Beside what the rounds build, everything that scores and tracks
        """
        super().prepare()
        # Only a validation needs the meter, and a mistake should not wait for one.
        _ = self.meter
        if hasattr(getattr(self.scheduler, "rate", None), "observe") and self.valid_loader is None:
            raise ConfigError(
                "optimizer.schedule is plateau, and there is no valid_loader to judge by; take one "
                "of them back"
            )
        if self.is_log_model_activations:
            hook_model_outputs(self.mode, self.model, "model")

    def phase(self, name: str):
        """
        ### One phase

        The speed of training leaves out what was done in between.
        """
        self._clock, self._n_seen = time.perf_counter(), 0
        super().phase(name)

    def validate(self):
        """The scores of all of the validation part, each token counted once"""
        # A validation that goes on keeps what it has.
        if not self.position.batch:
            self.meter.reset()
        self.validator()
        values = self.meter.means()
        for name, value in values.items():
            tracker.add(f"{name}.", value)
        tracker.save()
        # Whoever only validates has no use for rates, and may have no data to count updates of.
        scheduler = self.scheduler if self._is_computed("scheduler") else None
        if scheduler is not None and "loss" in values and self.is_regular():
            scheduler.observe(values["loss"])

    def count_updates(self) -> int:
        """Updates of the whole run, if none is skipped"""
        found = self.epochs * math.ceil(len(self.train_loader) / self.update_batches)
        return min(found, self.max_updates or found)


def to_device(batch: Any, device: torch.device) -> Any:
    """The tensors of a batch on the device; the copy need not be waited for."""
    if isinstance(batch, torch.Tensor):
        return batch.to(device, non_blocking=True)
    if isinstance(batch, dict):
        return {name: to_device(part, device) for name, part in batch.items()}
    if isinstance(batch, (list, tuple)):
        parts = [to_device(part, device) for part in batch]
        # A tuple with names takes its parts one by one.
        return type(batch)(*parts) if hasattr(batch, "_fields") else type(batch)(parts)
    return batch


def n_tokens_in(batch: Any) -> int:
    """Tokens that a batch feeds to the model: its first tensor has the ids."""
    parts = list(batch.values()) if isinstance(batch, dict) else batch
    return (parts[0] if isinstance(parts, (list, tuple)) else parts).numel()


@option(TrainingConfigs.mixed_precision)
def from_precision(c: TrainingConfigs) -> MixedPrecision:
    """What `precision` says"""
    return MixedPrecision(c.precision, c.device)


@option(TrainingConfigs.update)
def one_update(c: TrainingConfigs) -> Update:
    """Accumulate, clip, step"""
    return Update(
        c.model,
        optimizer=c.optimizer,
        precision=c.mixed_precision,
        grad_norm_clip=c.grad_norm_clip,
        is_skipping=c.nan == "skip",
    )


@option(TrainingConfigs.scheduler)
def scheduled(c: TrainingConfigs) -> RunScheduler | None:
    """What `optimizer.schedule` says"""
    # The optimizer is made first: then its options are there.
    optimizer, options = c.optimizer, c._nested("optimizer")
    is_ours = isinstance(options, OptimizerConfigs)
    return options.make_scheduler(optimizer, c.count_updates) if is_ours else None


@option(TrainingConfigs.meter)
def empty_meter() -> Meter:
    """Nothing scored yet"""
    return Meter()


@option(TrainingConfigs.optimizer)
def from_model(c: TrainingConfigs) -> OptimizerConfigs:
    """The options under `optimizer`, for the parameters of the model"""
    conf = OptimizerConfigs()
    conf.set_default(OptimizerConfigs.parameters, func=lambda: conf.groups(c.model))
    conf.set_default(OptimizerConfigs.d_model, func=lambda: c.d_model)
    conf.set_default(OptimizerConfigs.total_updates, func=c.count_updates)
    return conf
