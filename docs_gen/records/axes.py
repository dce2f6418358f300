r"""
# Axes

From updates and values to places in a [drawing](curves.html), and the round numbers that stand at
its edges. Sizes leave room for the larger text of a phone, on which the drawing is shown at half
its width.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from docs_gen.records.shown import Say

WIDTH, HEIGHT = 600, 300
# The frame that the curves are in; half of a number has room at its right.
LEFT, RIGHT, TOP, BOTTOM = 76, 576, 40, 250
# For a page that does not choose its colour
GRID = 'class="run-grid" stroke="#8b949e" stroke-opacity=".4"'


def bounds(values: Sequence[float], is_from_zero: bool) -> tuple[float, float]:
    """The ends of the vertical axis, with some room, also around a single value"""
    low, high = min(values), max(values)
    if is_from_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    size = max(abs(low), abs(high), 1e-12)
    room = 0.05 * (high - low) if high - low > 1e-5 * size else 0.1 * size
    # An axis that begins at zero shows nothing beyond it.
    is_floor, is_ceiling = (is_from_zero and not low), (is_from_zero and not high and low)
    return low - (0 if is_floor else room), high + (0 if is_ceiling else room)


def ticks(low: float, high: float, most: int) -> list[tuple[float, str]]:
    """At most `most` + 1 round values, 1, 2 or 5 of a power of ten apart, and how to write them"""
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    step = next(power * n for n in (1, 2, 5, 10) if power * n * most >= (high - low) * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    top = max(abs(first), abs(last)) * step
    return [(n * step, written(n * step, step, top)) for n in range(first, last + 1)]


def written(value: float, step: float, top: float) -> str:
    """
    20k, 0.25, 2e-6: short, and as exact as the step needs.

    * `top` is the largest value of the axis, by which all its values have one unit
    """
    if not value:
        return "0"
    # Large values are told in thousands or millions, unless the step is too small for that.
    units = ((1e6, 1e6, "M"), (1e4, 1e3, "k"), (0, 1, ""))
    unit, letter = next(
        (u, s) for least, u, s in units if top >= least and step >= u / 1000 or u == 1
    )
    if 1e-3 <= top < 1e9:
        return f"{value / unit:.{max(0, -exponent(step / unit))}f}{letter}"
    digits = max(0, exponent(value) - exponent(step))
    mantissa, _, power = f"{value:.{digits}e}".partition("e")
    return f"{mantissa}e{int(power)}"


def exponent(value: float) -> int:
    """The power of ten that a value begins with"""
    return math.floor(math.log10(abs(value)) + 1e-9)


@dataclass(frozen=True)
class Frame:
    """
    ## A frame

    It holds updates from 0 to `last` and values from `low` to `high`.
    """

    last: int
    low: float
    high: float

    def x(self, update: float) -> int:
        """The column of an update; whole numbers are fine enough, and short."""
        return round(LEFT + (RIGHT - LEFT) * update / self.last)

    def y(self, value: float) -> str:
        """The row of a value"""
        return f"{BOTTOM - (BOTTOM - TOP) * (value - self.low) / (self.high - self.low):.1f}"

    def axes(self, say: Say = str) -> str:
        """A line across for each value that is written at the left, and updates below"""
        parts = []
        for value, shown in ticks(self.low, self.high, 5):
            y = self.y(value)
            parts.append(
                f'<path {GRID} d="M{LEFT} {y}H{RIGHT}"/>'
                f'<text x="{LEFT - 8}" y="{y}" dy=".35em" text-anchor="end">{shown}</text>'
            )
        # There is no update between two.
        for update, shown in ticks(0, self.last, min(5, self.last)):
            at = f'x="{self.x(update)}" y="{BOTTOM + 22}"'
            parts.append(f'<text {at} text-anchor="middle">{shown}</text>')
        middle = (LEFT + RIGHT) // 2
        below = f'x="{middle}" y="{HEIGHT - 5}" text-anchor="middle"'
        parts.append(f"<text {below}>{escape(say('update'))}</text>")
        return "\n".join(parts)
