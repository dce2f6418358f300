r"""
# Curves

How values change from update to update, as SVG within a page: no script, nothing from elsewhere,
and colours that a page may choose by class. Training is a solid line, validation a dashed one with
a dot at each value, so that nothing is told by colour alone. A value that is missing leaves a gap.
The curves themselves are in the [record](results.html).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from docs_gen.records.axes import HEIGHT, LEFT, WIDTH, Frame, bounds
from docs_gen.records.shown import Say, table, text

COLOURS = {"train": "#3b82d6", "valid": "#d9730d"}
# Rows of the table of values, and dots on a curve
N_ROWS, N_DOTS = 24, 50
# A page chooses colours by custom properties; these are for one that does not.
STYLE = """
.run-figure { margin: 0; min-width: 0 }
.run-figure svg { display: block; width: 100%; height: auto }
.run-figure .run-grid { stroke: var(--run-grid, #8b949e66); stroke-opacity: 1 }
.run-figure .run-train { stroke: var(--run-train, #3b82d6) }
.run-figure .run-valid { stroke: var(--run-valid, #d9730d) }
@media (max-width: 40rem) { .run-figure svg text { font-size: 19px } }
"""


@dataclass(frozen=True)
class Curve:
    """
    ## A curve

    Values at updates, which are in order; `kind` is `train` or `valid`.
    """

    label: str
    kind: str
    points: Sequence[tuple[int, float | None]]

    def known(self) -> list[tuple[int, float]]:
        """The points that have a value"""
        return [(update, value) for update, value in self.points if value is not None]

    def told(self, say: Say = str) -> str:
        """The curve in a sentence, for who cannot see it"""
        known = self.known()
        low, high = (choose(known, key=lambda point: point[1]) for choose in (min, max))
        named = {"first": known[0], "lowest": low, "highest": high, "last": known[-1]}
        place = say("{value} at {update}")
        places = {n: place.format(value=short(v), update=f"{u:,}") for n, (u, v) in named.items()}
        told = say("{label}: first {first}, lowest {lowest}, highest {highest}, last {last}.")
        return told.format(label=self.label, **places)


def short(value: float) -> str:
    """Four digits are enough to read, and more for whole thousands."""
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e9 else f"{value:.4g}"


def figure(
    ident: str, title: str, curves: Sequence[Curve], is_from_zero: bool = False, say: Say = str
) -> str:
    """
    A figure with a caption, the drawing and a table of values; nothing if there are none.

    * `ident` begins the ids of its parts, which no other figure of a page may have
    * `is_from_zero` lets the vertical axis begin at zero
    * `say` translates the words of the figure
    """
    curves = [curve for curve in curves if curve.known()]
    if not curves:
        return ""
    values = [value for curve in curves for _, value in curve.known()]
    last = max(curve.points[-1][0] for curve in curves)
    frame = Frame(max(last, 1), *bounds(values, is_from_zero))
    parts = [
        f'<figure class="run-figure"><figcaption>{text(title)}</figcaption>',
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-labelledby="{ident}-title {ident}-desc" font-size="13" fill="currentColor">',
        f'<title id="{ident}-title">{text(title)}</title>',
        f'<desc id="{ident}-desc">{text(" ".join(c.told(say) for c in curves))}</desc>',
        frame.axes(say),
        legend(curves),
        *(line(frame, curve) for curve in curves),
        f"</svg>\n<details><summary>{text(say('Values'))}</summary>",
        f"{values_table(title, curves, say)}\n</details>",
        "</figure>",
    ]
    return "\n".join(parts)


def stroke(curve: Curve) -> str:
    """How a line is drawn; the colour is that of pages that choose none."""
    dashes = ' stroke-dasharray="8 5"' if curve.kind == "valid" else ""
    return (
        f'class="run-{curve.kind}" fill="none" stroke="{COLOURS[curve.kind]}" stroke-width="2" '
        f'stroke-linejoin="round" stroke-linecap="round"{dashes}'
    )


def line(frame: Frame, curve: Curve) -> str:
    """A path that is interrupted where values are missing, and dots where it would not show"""
    path, lone = [], []
    values = [None, *(value for _, value in curve.points), None]
    for (update, value), before, after in zip(curve.points, values, values[2:], strict=False):
        if value is not None:
            path.append(f"{'M' if before is None else 'L'}{frame.x(update)} {frame.y(value)}")
            lone += [(update, value)] if before is None and after is None else []
    drawn = f'<path {stroke(curve)} d="{"".join(path)}"/>'
    known = curve.known()
    dotted = known if curve.kind == "valid" and len(known) <= N_DOTS else lone
    if not dotted:
        return drawn
    # A line of no length with round ends is a dot.
    dots = "".join(f"M{frame.x(update)} {frame.y(value)}h0" for update, value in dotted)
    look = f'class="run-{curve.kind}" stroke="{COLOURS[curve.kind]}" stroke-width="7"'
    return f'{drawn}<path {look} stroke-linecap="round" d="{dots}"/>'


def legend(curves: Sequence[Curve]) -> str:
    """A piece of each line, its name and its last value"""
    parts, x = [], LEFT
    for curve in curves:
        name = f"{curve.label} {short(curve.known()[-1][1])}"
        parts.append(f'<path {stroke(curve)} d="M{x} 16h30"/>')
        parts.append(f'<text x="{x + 38}" y="21">{text(name)}</text>')
        # The widest text that a phone makes of it
        x += 56 + 10 * len(name)
    return "\n".join(parts)


def values_table(title: str, curves: Sequence[Curve], say: Say) -> str:
    """Some of the values of each curve, evenly chosen, the first and the last among them"""
    most = N_ROWS // len(curves)
    columns = [dict(evenly(curve.known(), most)) for curve in curves]
    rows = [
        (f"{update:,}", *(short(c[update]) if update in c else "" for c in columns))
        for update in sorted(set().union(*columns))
    ]
    caption = text(say("{title}: values").format(title=title))
    return table(caption, (text(say("update")), *(text(c.label) for c in curves)), rows)


def evenly(items: Sequence, most: int) -> list:
    """At most `most` of the items, the first and the last among them"""
    if len(items) <= most:
        return list(items)
    return [items[round(n * (len(items) - 1) / (most - 1))] for n in range(most)]
