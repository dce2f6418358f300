r"""
# Position

Where a run is: epoch, [round](rounds.html), phase and batch. An epoch has `inner_iterations`
rounds; each of them samples, trains on its share of the batches, and validates, if that is not done
[every so many updates](extent.html). The updates of a run are counted here and nowhere else.

Everything random that belongs to a place draws from a generator made from the seed and that place:
which tokens are masked in batch 7 of epoch 3 is a function of these numbers alone. A run that
continues in the middle then draws what it would have drawn, and two experiments with one seed see
the same masks however differently they use random numbers in between. Validation leaves out the
epoch: its masks are the same every time, so that its results can be compared.

Code of other people draws from the global generators. Where that has to be repeatable, as in the
[loop](loop.html), they are set for it and put back afterwards.
"""

import random
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

PHASES = ("sample", "train", "valid")
# What stands for the batch where a round was left, if none of it was trained: before its samples,
# and after them
UNSHOWN, UNBEGUN = -1, -2


@dataclass
class Position:
    """
    ## Position

    The loop moves it, and a checkpoint keeps it.
    """

    # Where all random numbers come from
    seed: int = 0
    # Passes over the training part that are complete
    epoch: int = 0
    # Part of the epoch, from 0 to `inner_iterations`
    round: int = 0
    # One of the phases, or `done` when the run is complete
    phase: str = "sample"
    # The next batch; in training it counts through the epoch, in validation through the split
    batch: int = 0
    # Steps that the optimizer has made, in the whole run
    updates: int = 0
    # The batch where a round was left, for a validation or because the updates were enough; 0 if it
    # came to its end, and `UNSHOWN` or `UNBEGUN` if it was left before its first batch
    left: int = 0
    # Steps that the optimizer had made at the last validation
    scored: int = 0

    def state_dict(self) -> dict:
        """Everything but the seed, which is an option"""
        return {name: value for name, value in vars(self).items() if name != "seed"}

    def load_state_dict(self, state: dict) -> None:
        """Go there. What an older checkpoint does not say is 0."""
        for name in self.state_dict():
            setattr(self, name, state.get(name, 0))

    def generator(self, device: torch.device | str = "cpu") -> torch.Generator:
        """A generator for this place. Neighbouring places and seeds share nothing."""
        # Validation is the same in every epoch, so its place is the batch alone.
        place = {
            "train": (self.epoch, self.batch),
            "sample": (self.epoch, self.round),
            "valid": (self.batch,),
        }[self.phase]
        return torch.Generator(device).manual_seed(self._number(*place))

    def order_seed(self) -> int:
        """The seed of the order of the batches: one an epoch, and one for all validations."""
        return self._number(*([self.epoch] if self.phase == "train" else []))

    def _number(self, *place: int) -> int:
        """A number of 63 bits that belongs to the seed, the phase, and a place in it"""
        # Seed and place stay apart: in one list, a large seed could be a small one and a place.
        key = (PHASES.index(self.phase), *place)
        state = np.random.SeedSequence(self.seed, spawn_key=key).generate_state(1, np.uint64)
        return int(state[0] >> np.uint64(1))


def seed_all(seed: int) -> None:
    """Set the generators that blocks and other people's code draw from, on all devices."""
    # torch and numpy take 64 and 32 bits, a seed may be any number.
    torch.manual_seed(seed % 2**64)
    seed_cpu(seed)


def seed_cpu(seed: int) -> None:
    """Set the generators of the processor, which data is made with, and no GPU's."""
    torch.default_generator.manual_seed(seed % 2**64)
    random.seed(seed)
    np.random.seed(seed % 2**32)


def states() -> tuple:
    """Where the generators of the processor are"""
    return torch.get_rng_state(), random.getstate(), np.random.get_state()


def restore(kept: tuple[torch.Tensor, Any, Any]) -> None:
    """Put the generators of the processor back."""
    torch.set_rng_state(kept[0])
    random.setstate(kept[1])
    np.random.set_state(kept[2])
