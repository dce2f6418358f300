r"""
# One Update

From the scores of one or more batches to one step of the optimizer.

**Accumulation.** With `update_batches` $> 1$ the gradients of several batches are added before a
step. The batches have different numbers of scored tokens $n_b$, and the mean of their means is not
the mean over all tokens, which is

$$\nabla \frac{\sum_b L_b}{\sum_b n_b} = \frac{n_1}{\sum_b n_b} \sum_b \nabla \frac{L_b}{n_1}$$

with $L_b$ the summed loss of batch $b$. Every loss is divided by $n_1$ (`self.unit`), the count
of the first batch, which is known at once and keeps the numbers small, and the gradients are
rescaled before the step. With one batch nothing is left to rescale.

**What is not a number.** A loss or a gradient that is infinite or not a number would spoil every
weight in one step. The run stops before it and names the place, or, where the user prefers that,
goes on without this update; ten in a row stop it all the same.

[The training step](training.html) calls `backward` for each batch and `step` for each update.
"""

import math
from collections.abc import Callable

import torch
from torch import nn

from labnn.configs.device import MixedPrecision
from labnn.configs.scores import Meter, Scores

# So many updates in a row that are skipped are no accident.
MAX_SKIPPED = 10


class TrainingError(RuntimeError):
    """
    ## TrainingError

    Training cannot go on. `batch` is what the model read last, if that is known.
    """

    batch = None


class Update:
    """
    ## Update

    The gradients of the batches since the last step, and the next step
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        optimizer: torch.optim.Optimizer,
        precision: MixedPrecision,
        grad_norm_clip: float,
        is_skipping: bool = False,
    ):
        r"""
        * `model` has the names of the parameters
        * `optimizer` makes the step, and has the parameters that are clipped
        * `precision` has the scale of the loss
        * `grad_norm_clip` is the largest norm of all gradients together; 0 does not clip
        * `is_skipping` goes on where a loss or a gradient is not finite
        """
        self.model = model
        self.optimizer = optimizer
        self.precision = precision
        self.grad_norm_clip = grad_norm_clip
        self.is_skipping = is_skipping
        self.meter = Meter()
        # $n_1$, which is 0 before the first batch, and the loss of the update before
        self.unit = 0
        self.last_loss = math.nan
        # Updates without a step: in all, in a row, and why the last one had none
        self.n_skipped = self.n_in_a_row = 0
        self.skipped = ""

    def state_dict(self) -> dict:
        """What an update that is not finished has so far; its gradients are the model's."""
        return {
            "meter": self.meter.state_dict(),
            "unit": self.unit,
            "last_loss": self.last_loss,
            "n_skipped": self.n_skipped,
            "n_in_a_row": self.n_in_a_row,
        }

    def load_state_dict(self, state: dict) -> None:
        """Go on with it."""
        self.meter.load_state_dict(state["meter"])
        for name in ("unit", "last_loss", "n_skipped", "n_in_a_row"):
            setattr(self, name, state[name])

    def backward(self, scores: Scores) -> None:
        """Add the gradients of one batch."""
        if not self.unit:
            # A batch without a scored token gives no gradient, and must not divide by nothing.
            self.unit = max(int(scores.n_tokens), 1)
        self.meter.add(scores)
        # $\nabla \frac{L_b}{n_1}$
        self.precision.scaler.scale(scores.loss / self.unit).backward()

    def step(self, where: str, before_step: Callable[[], None] = lambda: None) -> dict[str, float]:
        r"""
        Make the step, clear the gradients, and return what is to be tracked: nothing where the step
        was skipped, and `skipped` says why. Raises `TrainingError` for a loss or a gradient that is
        not finite.

        * `where` names the place in messages
        * `before_step` is called when the gradients are final
        """
        scaler, meter = self.precision.scaler, self.meter
        if not math.isfinite(meter.loss):
            return self._refuse(f"the loss is {meter.loss} at {where}, after {self.last_loss:.4g}")
        # From here on the gradients are those of the loss itself.
        scaler.unscale_(self.optimizer)
        # What the optimizer does not change does not count, and to ask the optimizer is quicker
        # than a walk through all modules, which was 0.4 % of a step of the main experiment.
        groups = self.optimizer.param_groups
        parameters = [p for group in groups for p in group["params"] if p.grad is not None]
        # $\frac{n_1}{\sum_b n_b}$
        if meter.n_tokens > self.unit:
            for parameter in parameters:
                parameter.grad.mul_(self.unit / meter.n_tokens)
        total = nn.utils.get_total_norm(p.grad for p in parameters)
        norm = float(total)
        # In half precision an overflow is expected now and then: the scaler skips that step and
        # lowers the scale.
        if not scaler.is_enabled() and not math.isfinite(norm):
            loss = meter.means().get("loss", 0)
            return self._refuse(
                f"the gradient of {self._first_bad()} is not finite at {where}, with a loss of "
                f"{loss:.4g}, after {self.last_loss:.4g}"
            )
        if self.grad_norm_clip:
            nn.utils.clip_grads_with_norm_(parameters, self.grad_norm_clip, total)
        before_step()
        # That the scaler has skipped a step shows in its scale alone.
        scale = scaler.get_scale()
        scaler.step(self.optimizer)
        scaler.update()
        if scaler.is_enabled() and scaler.get_scale() < scale:
            if scaler.get_scale() < 1:
                raise TrainingError(
                    f"the gradients are not finite at {where}, however small the loss is scaled; "
                    "this update is not made; try precision=fp32"
                )
            return self._leave_out("fp16 overflowed: updates are skipped until the scale fits")

        values = {**meter.means(), "grad_norm": norm}
        self.last_loss = values.get("loss", self.last_loss)
        self.n_in_a_row = 0
        self._clear()
        return values

    def _refuse(self, what: str) -> dict:
        """Stop at a number that is not finite, or leave the update out."""
        if self.is_skipping and self.n_in_a_row < MAX_SKIPPED:
            self.n_in_a_row += 1
            return self._leave_out("updates whose loss or gradient is not finite are skipped")
        rate = self.optimizer.param_groups[0]["lr"]
        row = f"; {MAX_SKIPPED} updates before it were skipped" if self.n_in_a_row else ""
        raise TrainingError(
            f"{what}, at a learning rate of {float(rate):.3g}{row}; this update is not "
            "made; try a lower optimizer.learning_rate or a longer optimizer.warmup"
        )

    def _leave_out(self, why: str) -> dict:
        """End an update without a step."""
        self.n_skipped += 1
        self.skipped = why
        self._clear()
        return {}

    def _clear(self) -> None:
        """The next batch begins an update."""
        self.optimizer.zero_grad(set_to_none=True)
        self.meter.reset()
        self.unit = 0

    def _first_bad(self) -> str:
        """The first parameter whose gradient is not finite, among those that count"""
        names = {parameter: name for name, parameter in self.model.named_parameters()}
        for group in self.optimizer.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None and not parameter.grad.isfinite().all():
                    return names.get(parameter, "a parameter outside of the model")
        return "the model"
