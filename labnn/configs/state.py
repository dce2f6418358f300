r"""
# State

What the next step of a training depends on, beside the options: everything that has to be on disk
for a run to go on as if it had never stopped.

Whatever has a `state_dict` and a `load_state_dict` takes part, as modules and optimizers do; here
are the parts that torch leaves out. The [rounds](rounds.html#RoundsConfigs.state_parts) and the
[training](training.html#TrainingConfigs.state_parts) list them all.
"""

from typing import Any

import torch
from torch import nn

from labnn.configs.position import restore, states

# The generators of the processor, in the order of `states`
PROCESSOR = ("torch", "python", "numpy")


class RandomState:
    """
    ## RandomState

    The global generators. Dropout draws from that of its device, and code of other people from any
    of them. What a phase between draws can be made good again.
    """

    def __init__(self):
        """Nothing is set aside."""
        self.aside: dict | None = None

    def set_aside(self) -> None:
        """Remember where they are now; a phase that goes on remembers where it began."""
        if self.aside is None:
            self.aside = self.now()

    def take_back(self) -> None:
        """Put them where they were then."""
        self.put(self.aside)
        self.aside = None

    def state_dict(self) -> dict:
        """Where each of them is, and what is set aside"""
        return self.now() | ({"aside": self.aside} if self.aside is not None else {})

    def load_state_dict(self, state: dict) -> None:
        """Go on from there."""
        self.put(state)
        self.aside = state.get("aside")

    def now(self) -> dict:
        """Where each of them is"""
        found = dict(zip(PROCESSOR, states(), strict=True))
        if torch.cuda.is_available():
            found["cuda"] = torch.cuda.get_rng_state_all()
        if torch.backends.mps.is_available():
            found["mps"] = torch.mps.get_rng_state()
        return found

    def put(self, state: dict) -> None:
        """Put them there. A run may go on where there are fewer devices."""
        restore(tuple(state[name] for name in PROCESSOR))
        if torch.cuda.is_available():
            for number, kept in enumerate(state.get("cuda", [])[: torch.cuda.device_count()]):
                torch.cuda.set_rng_state(kept, number)
        if torch.backends.mps.is_available() and "mps" in state:
            torch.mps.set_rng_state(state["mps"])


class Gradients:
    """
    ## Gradients

    Unfinished gradients. Between the batches of one update they are a sum that the next batch adds
    to.
    """

    def __init__(self, model: nn.Module):
        """
        * `model` has the parameters
        """
        self.model = model

    def state_dict(self) -> dict[str, torch.Tensor]:
        """Those that there are; after an update there are none."""
        return {
            name: parameter.grad
            for name, parameter in self.model.named_parameters()
            if parameter.grad is not None
        }

    def load_state_dict(self, state: dict[str, torch.Tensor]) -> None:
        """Give them back to their parameters."""
        for name, parameter in self.model.named_parameters():
            kept = state.get(name)
            parameter.grad = None if kept is None else kept.to(parameter.device)


def state_of(parts: dict[str, Any]) -> dict[str, Any]:
    """The state of each part by its name"""
    return {name: part.state_dict() for name, part in parts.items()}


def put_back(parts: dict[str, Any], state: dict[str, Any]) -> None:
    """
    Give each part its state, in their order. A part that had none, such as a scale that was not
    used, is left as it is.
    """
    for name, part in parts.items():
        if state[name]:
            part.load_state_dict(state[name])
