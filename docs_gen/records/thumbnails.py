r"""
# Thumbnails

The shape of a curve, small enough for a card or a cell of a table: no axes and no words but those
that a screen reader reads. Whoever wants numbers opens the page that has the [curve](curves.html).
"""

from collections.abc import Sequence

from docs_gen.records import results
from docs_gen.records.curves import COLOURS, evenly, short
from docs_gen.records.shown import Say, text

WIDTH, HEIGHT, EDGE = 120, 40, 3
# Points of a line; the lowest and the highest are always among them.
N_POINTS = 32
KINDS = ("train", "valid")


def thumbnail(record: dict, say: Say = str, name: str = "loss") -> str:
    """The curves of training and validation as SVG, or nothing if there are none"""
    lines = {kind: known(results.points(record, f"{name}.{kind}")) for kind in KINDS}
    lines = {kind: points for kind, points in lines.items() if points}
    if not lines:
        return ""
    every = [point for points in lines.values() for point in points]
    low, high = min(value for _, value in every), max(value for _, value in every)
    last = max(update for update, _ in every)
    drawn = "".join(
        path(kind, [place(point, last, low, high) for point in points])
        for kind, points in lines.items()
    )
    # Validation is drawn last, and counts more.
    kind, points = list(lines.items())[-1]
    told = {"train": say("training loss: {first} to {last}")}
    told["valid"] = say("validation loss: {first} to {last}")
    label = told[kind].format(first=short(points[0][1]), last=short(points[-1][1]))
    return (
        f'<svg class="run-thumbnail" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" role="img" aria-label="{text(label)}">{drawn}</svg>'
    )


def known(points: Sequence[tuple[int, float | None]]) -> list[tuple[int, float]]:
    """Some of the points that have a value, which keep the shape"""
    there = [(update, value) for update, value in points if value is not None]
    ends = [choose(there, key=lambda point: point[1]) for choose in (min, max) if there]
    return sorted({*evenly(there, N_POINTS), *ends})


def place(point: tuple[int, float], last: int, low: float, high: float) -> tuple[int, int]:
    """Where a point is drawn; a loss that never changes is a line in the middle."""
    update, value = point
    across = update / last if last else 0
    up = (value - low) / (high - low) if high > low else 0.5
    return (
        round(EDGE + (WIDTH - 2 * EDGE) * across),
        round(HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * up),
    )


def path(kind: str, places: Sequence[tuple[int, int]]) -> str:
    """A line, or a dot where there is one value; validation is dashed."""
    (x, y), *rest = places
    d = f"M{x} {y}" + ("".join(f"L{x} {y}" for x, y in rest) or "h0")
    dashes = ' stroke-dasharray="4 3"' if kind == "valid" else ""
    return (
        f'<path class="run-{kind}" d="{d}" fill="none" stroke="{COLOURS[kind]}" stroke-width="2" '
        f'stroke-linecap="round"{dashes}/>'
    )
