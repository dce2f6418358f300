r"""
# Picture of Samples

Draws `docs/samples.svg` for the README from the samples of a run: what the model predicts for the
first prompts before training and at the end of it.

    python scripts/make_picture.py logs/mlm/RUN

Standard library only; the picture loads no font from anywhere.
"""

import json
import sys
from html import escape
from pathlib import Path

STYLES = {
    "given": 'fill="#8b949e"',
    "right": 'fill="#3fb950" font-weight="bold"',
    "wrong": 'fill="#f85149" font-weight="bold"',
}
N_PROMPTS, LINE, LEFT, WIDTH = 5, 20, 18, 700


def spans(sample: dict) -> str:
    """One prompt as coloured pieces; hidden spaces get a sign."""
    pieces = []
    for span in sample["spans"]:
        text = span["text"].replace("\n", "⏎")
        if span["kind"] != "given":
            text = text.replace(" ", "␣")
        pieces.append(f"<tspan {STYLES[span['kind']]}>{escape(text)}</tspan>")
    return "".join(pieces)


def picture(lines: list[dict]) -> str:
    """The first and the last line of `samples.jsonl` as one drawing"""
    rows = []
    for line in (lines[0], lines[-1]):
        rows.append(f'<tspan fill="#c9d1d9">after {line["update"]:,} updates</tspan>')
        rows += [spans(sample) for sample in line["samples"][:N_PROMPTS]] + [""]
    legend = [
        ("given", "given"),
        ("right", "hidden, predicted right"),
        ("wrong", "predicted wrong"),
    ]
    rows.append("   ".join(f"<tspan {STYLES[kind]}>{text}</tspan>" for kind, text in legend))
    height = LINE * (len(rows) + 1)
    body = "\n".join(
        f'<text x="{LEFT}" y="{LINE * (n + 1) + 4}" xml:space="preserve">{row}</text>'
        for n, row in enumerate(rows)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'font-family="ui-monospace, Menlo, Consolas, monospace" font-size="14">\n'
        f'<rect width="{WIDTH}" height="{height}" rx="8" fill="#0d1117"/>\n{body}\n</svg>\n'
    )


def main(run: str) -> None:
    """Read a run, write the picture."""
    text = (Path(run) / "samples.jsonl").read_text("utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    target = Path(__file__).parent.parent / "docs" / "samples.svg"
    target.parent.mkdir(exist_ok=True)
    target.write_text(picture(lines), "utf-8")
    print(target)


if __name__ == "__main__":
    main(sys.argv[1])
