r"""
# Picture of What a Model Learns

Draws `docs/learning.svg` for the README from the record of a run: the losses of training and
validation, and what the model predicted for the first prompts after some of the epochs.

    python scripts/make_picture.py experiments/results/mlm

Standard library only; the picture loads no font from anywhere.
"""

import json
import math
import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path

STYLES = {
    "given": 'fill="#8b949e"',
    "right": 'fill="#3fb950" font-weight="bold"',
    "wrong": 'fill="#f85149" font-weight="bold"',
}
TEXT, GRID, TRAIN, VALID = "#c9d1d9", "#30363d", "#58a6ff", "#f0883e"
N_PROMPTS, LINE, LEFT, WIDTH = 3, 20, 18, 700
# The drawing of the losses: its edges, and the epochs at which it begins
TOP, BOTTOM, START, END, FIRST = 40, 220, 60, 680, 0.1


def spans(sample: dict) -> str:
    """One prompt as coloured pieces; hidden spaces get a sign."""
    pieces = []
    for span in sample["spans"]:
        text = span["text"].replace("\n", "⏎")
        if span["kind"] != "given":
            text = text.replace(" ", "␣")
        pieces.append(f"<tspan {STYLES[span['kind']]}>{escape(text)}</tspan>")
    return "".join(pieces)


def points(part: dict, name: str, n_updates: int) -> list[tuple[float, float]]:
    """Epochs, of so many updates, and the values of a column"""
    update, value = part["columns"].index("update"), part["columns"].index(name)
    found = [(row[update] / n_updates, row[value]) for row in part["rows"]]
    return [(epoch, v) for epoch, v in found if v is not None and epoch >= FIRST]


def losses(record: dict, n_updates: int) -> Iterator[str]:
    """The two curves, with epochs on an axis where ten times as many are one step"""
    curves = {
        "training": (TRAIN, 1.2, points(record["metrics"], "loss.train", n_updates)),
        "validation": (VALID, 2.5, points(record["validation"], "loss.valid", n_updates)),
    }
    every = [point for _, _, curve in curves.values() for point in curve]
    last = max(epoch for epoch, _ in every)
    low, high = math.floor(min(v for _, v in every)), math.ceil(max(v for _, v in every))

    def place(epoch: float, value: float) -> str:
        """Where a point is drawn"""
        share = math.log(epoch / FIRST) / math.log(last / FIRST)
        x = START + (END - START) * share
        y = BOTTOM - (BOTTOM - TOP) * (value - low) / (high - low)
        return f"{x:.1f} {y:.1f}"

    def words(epoch: float, value: float, text: str, look: str) -> str:
        """Words beside a point of the drawing"""
        x, y = place(epoch, value).split()
        return f'<text x="{x}" y="{y}" fill="{TEXT}" {look}>{text}</text>'

    for value in range(low, high + 1):
        path = f"M{place(FIRST, value)}L{place(last, value)}"
        yield f'<path stroke="{GRID}" d="{path}"/>'
        yield words(FIRST, value, str(value), 'dx="-10" dy="5" text-anchor="end"')
    for power in range(math.ceil(math.log10(FIRST)), math.floor(math.log10(last)) + 1):
        unit = "epoch" if power == 0 else "epochs"
        told = f"{10.0**power:g} {unit}"
        anchor = "end" if math.isclose(10.0**power, last, rel_tol=0.05) else "middle"
        yield words(10.0**power, low, told, f'dy="20" text-anchor="{anchor}"')
    x = START
    for name, (colour, width, curve) in curves.items():
        path = "L".join(place(*point) for point in curve)
        yield f'<path fill="none" stroke="{colour}" stroke-width="{width}" d="M{path}"/>'
        label = f"loss in {name}, at the end {curve[-1][1]:.2f}"
        yield f'<text x="{x}" y="24" fill="{colour}">{label}</text>'
        x += 330


def picture(record: dict) -> str:
    """The losses, and the rounds of samples below them"""
    update = record["validation"]["columns"].index("update")
    ends = [row[update] for row in record["validation"]["rows"]]
    rows = []
    for taken in record["samples"]:
        # There is a validation at the end of each epoch.
        n = round(taken["update"] / ends[0])
        told = "before training" if n == 0 else f"after {n} epoch{'s' * (n > 1)}"
        rows.append(f'<tspan fill="{TEXT}">{told}</tspan>')
        rows += [spans(sample) for sample in taken["samples"][:N_PROMPTS]] + [""]
    kinds = {"given": "given", "right": "hidden, predicted right", "wrong": "predicted wrong"}
    legend = "   ".join(f"<tspan {STYLES[kind]}>{text}</tspan>" for kind, text in kinds.items())
    top = BOTTOM + 3 * LINE
    height = top + LINE * (len(rows) + 1)
    body = [*losses(record, ends[0])]
    body += [
        f'<text x="{LEFT}" y="{top + LINE * n}" xml:space="preserve">{row}</text>'
        for n, row in enumerate([*rows, legend])
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'font-family="ui-monospace, Menlo, Consolas, monospace" font-size="14">\n'
        f'<rect width="{WIDTH}" height="{height}" rx="8" fill="#0d1117"/>\n'
        + "\n".join(body)
        + "\n</svg>\n"
    )


def main(folder: str) -> None:
    """Read a record, write the picture."""
    record = json.loads((Path(folder) / "record.json").read_text("utf-8"))
    target = Path(__file__).parent.parent / "docs" / "learning.svg"
    target.parent.mkdir(exist_ok=True)
    target.write_text(picture(record), "utf-8")
    print(target)


if __name__ == "__main__":
    main(sys.argv[1])
