r"""
# Schedules

A learning rate schedule is a function from the number of an update to a rate. The number counts the
updates made before, from 0, and options have names:

$$\alpha_t = s(t; \; \text{lr}, \text{total}, \dots)
\qquad t = 0, 1, 2, \dots$$

| symbol | code | meaning |
|---|---|---|
| $t$ | `update` | how many updates were made before |
| $s$ | `SCHEDULES[name]` | the schedule |
| $\alpha_t$ | `rate(update)` | learning rate of the update |

| page | names |
|---|---|
| [warm-up](warmup.html) | `warmup_policy` `warmup_hold_policy` |
| [annealing](annealing.html) | `square_annealing` `square_root_annealing` `cosine_annealing` |
| | `warmup_annealing` `inverse_square_root_annealing` |
| [polynomial](polynomial.html) | `polynomial_decay_annealing` `polynomial_decay` |
| | `polynomial_hold_decay_annealing` |
| [stages](stages.html) | `inverse_sqrt` `tri_stage` `cosine` |
| [plateau](plateau.html) | `plateau` |

Those with *policy* or *annealing* in their name are NeMo's, whose names they have in another
spelling, and the others are fairseq's. A function without memory needs no checkpoint, cannot get
out of step, and can be [asked](scheduler.html) for any update at any time; a plateau alone
remembers what it saw.

**Departure.** NeMo finds a policy by looking for classes in its module, so that the names that it
offers include a base class of which there can be no object. Here the names are written down.
"""

import difflib
import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

from labnn.optimizers.annealing import (
    cosine_annealing,
    inverse_square_root_annealing,
    square_annealing,
    square_root_annealing,
    warmup_annealing,
)
from labnn.optimizers.plateau import Plateau
from labnn.optimizers.polynomial import (
    polynomial_decay,
    polynomial_decay_annealing,
    polynomial_hold_decay_annealing,
)
from labnn.optimizers.stages import cosine, inverse_sqrt, tri_stage
from labnn.optimizers.warmup import warmup_hold_policy, warmup_policy

# Every schedule by its name, which is that of its definition but for `Plateau`
SCHEDULES: dict[str, Callable[..., Any]] = {
    "warmup_policy": warmup_policy,
    "warmup_hold_policy": warmup_hold_policy,
    "square_annealing": square_annealing,
    "square_root_annealing": square_root_annealing,
    "cosine_annealing": cosine_annealing,
    "warmup_annealing": warmup_annealing,
    "inverse_square_root_annealing": inverse_square_root_annealing,
    "polynomial_decay_annealing": polynomial_decay_annealing,
    "polynomial_hold_decay_annealing": polynomial_hold_decay_annealing,
    "inverse_sqrt": inverse_sqrt,
    "tri_stage": tri_stage,
    "polynomial_decay": polynomial_decay,
    "cosine": cosine,
    "plateau": Plateau,
}


def make_rate(name: str, **options: Any) -> Callable[[int], float]:
    """
    ## A schedule by its name

    What is returned says the rate of an update. Everything that is wrong with the options is told
    here, and not after an hour of training.

    * `name` is one of `SCHEDULES`
    * `options` are those of the schedule
    """
    if name not in SCHEDULES:
        raise ValueError(f"there is no schedule {name}{nearest(name, SCHEDULES)}")
    schedule = SCHEDULES[name]
    known = options_of(name)
    for option in options:
        if option not in known:
            raise ValueError(f"{name} has no option {option}{nearest(option, known)}")
    for option, is_required in known.items():
        if is_required and options.get(option) is None:
            raise ValueError(f"{name} needs {option}, which is not given")

    # A class makes an object with a memory of its own.
    rate = schedule(**options) if isinstance(schedule, type) else partial(schedule, **options)
    # The first update has to have a rate, and the options are checked when it is computed.
    rate(0)
    return rate


def options_of(name: str) -> dict[str, bool]:
    """
    ## The options of a schedule

    Their names, each with whether it has to be given. A training that knows its length can see here
    whether the schedule wants it.
    """
    named = inspect.signature(SCHEDULES[name]).parameters.values()
    return {p.name: p.default is p.empty for p in named if p.kind is p.KEYWORD_ONLY}


def nearest(wrong: str, known: dict[str, Any]) -> str:
    """
    ## What could have been meant

    The nearest name, and all others after it
    """
    near = difflib.get_close_matches(wrong.lower(), known, 1, 0.4)
    meant = f": did you mean {near[0]}?" if near else ":"
    return f"{meant} There is {', '.join(known)}"
