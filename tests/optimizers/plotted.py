"""
The drawings of schedules: what each page says that it draws, for the test that looks.
"""

import re
from textwrap import dedent

from docs_gen.records import curve_blocks

PEAK = dict(lr=1, warmup=100, total=1000)
# The end of the warm-up, and then evenly
EVENLY = [0, *range(100, 1001, 50)]
ROOTS = [0, 100, 120, 150, 180, 220, *range(260, 1001, 74)]
# Options and updates of each drawing
PLOTS = {
    "warmup_policy": (PEAK, [0, 50, 100, 1000]),
    "warmup_hold_policy": (PEAK | dict(total=800, min_lr=0.2), [0, 50, 100, 800, 801, 1000]),
    "square_annealing": (PEAK, EVENLY),
    "square_root_annealing": (PEAK, [0, 99, *EVENLY[1:], 960, 980, 990, 996]),
    "cosine_annealing": (PEAK, EVENLY),
    "warmup_annealing": (PEAK, [0, 50, 100, 1000]),
    "inverse_square_root_annealing": (PEAK, ROOTS),
    "polynomial_decay_annealing": (PEAK | dict(power=2), EVENLY),
    "polynomial_hold_decay_annealing": (PEAK | dict(hold=300), [0, 50, 100, 400, 700, 1000]),
    "polynomial_decay": (PEAK, [0, 50, 100, 1000]),
    "inverse_sqrt": (dict(lr=1, warmup=100), ROOTS),
    "tri_stage": (
        dict(lr=1, warmup=100, hold=300, decay=600),
        [0, 100, *range(400, 1001, 40), 1100],
    ),
    "cosine": (
        dict(lr=1, warmup=100, period=300, t_mult=2, shrink=0.5, total=1000),
        [0, *range(100, 376, 25), 399, *range(400, 951, 50), 999],
    ),
}
PLOTS = {name: (options, sorted({*updates})) for name, (options, updates) in PLOTS.items()}


def drawn(doc):
    """The curves that the blocks of a docstring have, each a list of updates and values"""
    found = {}
    for fence in re.findall(r"```curve\n(.*?)```", dedent(doc), re.DOTALL):
        _, updates, values = curve_blocks.read(fence)
        found |= {name: list(zip(updates, values[name], strict=True)) for name in values}
    return found
