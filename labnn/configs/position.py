r"""
# Position

Where a run is: epoch, round, phase and batch. An epoch has `inner_iterations` rounds; each round
samples, trains on its share of the batches, and validates.

Everything random that belongs to a place draws from a generator made from the seed and that place:
which tokens are masked in batch 7 of epoch 3 is a function of these numbers alone. A run that
continues in the middle then draws what it would have drawn, and two experiments with one seed see
the same masks however differently they use random numbers in between. Validation leaves out the
epoch: its masks are the same every time, so that its results can be compared.
"""

from dataclasses import dataclass

import numpy as np
import torch

PHASES = ("sample", "train", "valid")


@dataclass
class Position:
    """
    ## Position
    """

    seed: int = 0
    epoch: int = 0
    # Part of the epoch, from 0 to `inner_iterations`
    round: int = 0
    phase: str = "sample"
    # The next batch; in training it counts through the epoch, in validation through the split
    batch: int = 0

    def generator(self, device: torch.device | str = "cpu") -> torch.Generator:
        """A generator for this place. Neighbouring places and seeds share nothing."""
        place = {
            "train": (self.epoch, self.batch),
            "sample": (self.epoch, self.round),
            "valid": (self.batch,),
        }[self.phase]
        # Seed and place stay apart: in one list, a large seed could be a small one and a place.
        key = (PHASES.index(self.phase), *place)
        state = np.random.SeedSequence(self.seed, spawn_key=key).generate_state(1, np.uint64)
        return torch.Generator(device).manual_seed(int(state[0] >> np.uint64(1)))
