r"""
# Report

    labnn report 20261121

A run as one HTML file, `report.html` in its folder unless `out=FILE` names another place: how far
it came, its curves, what the model predicted on the way, and what was run. The file needs nothing
beside it, can be mailed and printed, and does nothing: there is no script in it, and its policy
forbids a browser to load anything. Text is dark on light or light on dark, as the reader has it.

What is shown is the [summary](summary.html), with more updates and samples than a
[record](record.html) keeps. A long run is thinned before it is drawn.
"""

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from docs_gen.records import curves, results, shown
from labnn.runs import folders
from labnn.runs.folders import RunError, replace
from labnn.runs.plain_text import duration
from labnn.runs.plain_text import shown as in_one_line
from labnn.runs.summary import cleaned, summary

# How many updates, rounds of samples, and bytes of them
N_ROWS, N_ROUNDS, N_BYTES = 600, 8, 160_000
# A name for ids, a title, the curves, and whether zero belongs to the axis
FIGURES = (
    ("loss", "Loss", ("loss.train", "loss.valid"), False),
    ("accuracy", "Accuracy", ("accuracy.train", "accuracy.valid"), True),
    ("lr", "Learning rate", ("lr",), True),
    ("speed", "Tokens per second", ("tokens_per_s",), True),
    ("norm", "Gradient norm", ("grad_norm",), True),
)
BEGIN = "<!doctype html>\n"
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

# Each colour of text has a contrast of at least 4.5 to each ground of its theme.
LIGHT = """
  color-scheme: light; --ground: #ffffff; --card: #f4f6f8; --edge: #d0d7de; --text: #1f2328;
  --quiet: #57606a; --good: #1a7f37; --bad: #c4212b; --pause: #8a5a00; --busy: #0759b5;
  --run-right: #1a7f37; --run-wrong: #c4212b; --run-truth: #57606a; --run-grid: #d8dee4;
  --run-train: #2a78d0; --run-valid: #c2570c;
"""
DARK = """
  color-scheme: dark; --ground: #0f141a; --card: #182029; --edge: #323c47; --text: #e6edf3;
  --quiet: #9aa5b1; --good: #4cc162; --bad: #ff8078; --pause: #dba43a; --busy: #6cb0ff;
  --run-right: #4cc162; --run-wrong: #ff8078; --run-truth: #9aa5b1; --run-grid: #323c47;
  --run-train: #5ca8ff; --run-valid: #f0954a;
"""
# A phone has key figures in two columns, and paper has curves in two.
STYLE = """
* { box-sizing: border-box }
body { margin: 0; background: var(--ground); color: var(--text);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif }
main { max-width: 72rem; margin: 0 auto; padding: 1.5rem 1.25rem 3rem }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0; overflow-wrap: anywhere }
h2 { font-size: 1.15rem; margin: 2.5rem 0 .75rem; padding-bottom: .3rem;
  border-bottom: 1px solid var(--edge) }
code, pre, .run-sample, .run-table tbody th { font-family: ui-monospace, "SF Mono", Menlo, Consolas,
  "Liberation Mono", monospace; font-size: .875rem }
pre { background: var(--card); border-radius: .5rem; padding: .75rem 1rem; margin: 0;
  white-space: pre-wrap; overflow-wrap: anywhere }
.under { color: var(--quiet); margin: .35rem 0 0; overflow-wrap: anywhere }
.state { font-weight: 600 }
.finished { color: var(--good) } .failed, .killed { color: var(--bad) }
.stopped { color: var(--pause) } .running { color: var(--busy) }
.figures { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr));
  margin: 1.5rem 0 0 }
.figures div { background: var(--card); border-radius: .5rem; padding: .6rem .9rem }
dt { color: var(--quiet); font-size: .85rem }
dd { margin: 0; font-size: 1.3rem; font-weight: 600; font-variant-numeric: tabular-nums }
.curves { display: grid; gap: 2rem 2.5rem;
  grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr)) }
figcaption { font-weight: 600; margin-bottom: .35rem }
figure svg { color: var(--quiet) }
summary { cursor: pointer; color: var(--quiet); padding: .3rem 0; min-height: 1.5rem }
summary:focus-visible, .run-scroll:focus-visible { outline: 2px solid var(--busy);
  outline-offset: 2px }
.run-table caption { color: var(--quiet); font-size: .85rem; padding: .2rem 0 }
.run-table { font-size: .9rem } .run-table tbody th { font-weight: 400 }
.run-table thead th { color: var(--quiet); font-weight: 400 }
@media (max-width: 40rem) { main { padding: 1rem .9rem 2rem } .figures { gap: .6rem;
  grid-template-columns: repeat(2, 1fr) } }
@media print { main { max-width: none; padding: 0 } .curves { grid-template-columns: 1fr 1fr }
  figure, .figures div, .run-sample { break-inside: avoid } figure details { display: none }
  .run-figure svg text { font-size: 17px } }
"""


def report(words: list[str], options: dict[str, str]) -> tuple[dict, str]:
    """`labnn report RUN [out=FILE]`: what was written, for a program and for a person"""
    folder = folders.find(words[0])
    path = Path(options["out"]) if options.get("out") else folder / "report.html"
    check_target(path)
    run, damaged = summary(folder, N_ROWS, N_ROUNDS, N_BYTES)
    # Half of a character becomes a question mark before it meets the file.
    content = page(run, damaged).encode("utf-8", "replace")
    replace(path, content)
    found = {"path": str(path), "bytes": len(content), "damaged": damaged}
    return found, "\n".join([str(path), *(f"damaged: {in_one_line(line)}" for line in damaged)])


def check_target(path: Path) -> None:
    """A report takes the place of nothing but a page."""
    if path.is_dir():
        raise RunError(f"out={path} is a folder; name a file, for instance {path / 'report.html'}")
    if not path.parent.is_dir():
        raise RunError(f"out={path}: there is no folder {path.parent}; make it, or name another")
    if path.exists() and not path.is_file():
        raise RunError(f"out={path} is there and is no report; name another file")
    if path.is_file():
        with open(path, "rb") as file:
            if file.read(len(BEGIN)).lower() not in (b"", BEGIN.encode()):
                raise RunError(f"out={path} is there and is no report; name another file")


def page(run: dict, damaged: Sequence[str] = ()) -> str:
    """
    The whole file

    * `damaged` says what of the run was left out
    """
    name = f"{run['experiment']} {run['run']}"
    style = (
        f":root {{{LIGHT}}}\n@media (prefers-color-scheme: dark) {{ :root {{{DARK}}} }}\n"
        # Paper is light, whatever the screen is.
        f"@media print {{ :root {{{LIGHT}}} }}\n{shown.STYLE}{curves.STYLE}{STYLE}"
    )
    sections = "\n".join(
        f'<section aria-labelledby="{ident}-head">\n<h2 id="{ident}-head">{title}</h2>\n{body}\n'
        "</section>"
        for ident, title, body in parts(run)
    )
    return (
        f'{BEGIN}<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{shown.text(name)}</title>\n<style>{style}</style>\n</head>\n<body>\n<main>\n"
        f"{head(run, damaged)}\n{sections}\n</main>\n</body>\n</html>\n"
    )


def head(run: dict, damaged: Sequence[str]) -> str:
    """Title, state, what is damaged, and key figures"""
    state = run["state"]
    kind = state if state in ("finished", "failed", "killed", "stopped", "running") else ""
    told = [f'<span class="state {kind}">{shown.text(state)}</span>', shown.text(run["run"])]
    told += [shown.text(run["date"])] if run["date"] else []
    n = len(run["resumed"])
    told += [f"resumed {n} times" if n > 1 else "resumed once"] if n else []
    details = f'<p class="under">{shown.text(run["details"])}</p>' if run["details"] else ""
    # Whose machine it was is nobody's business.
    lost = "".join(f'\n<p class="under">{shown.text(cleaned(line))}</p>' for line in damaged)
    boxes = "".join(
        f"<div><dt>{shown.text(n)}</dt><dd>{shown.text(v)}</dd></div>" for n, v in figures(run)
    )
    return (
        f"<header>\n<h1>{shown.text(run['experiment'])}</h1>\n"
        f'<p class="under">{" · ".join(told)}</p>{details}{lost}\n'
        f'<dl class="figures">{boxes}</dl>\n</header>'
    )


def figures(run: dict) -> Iterator[tuple[str, str]]:
    """Names and values of the key figures, as far as they are known"""
    yield "updates", f"{run['updates']:,}"
    yield "tokens read", f"{run['tokens']:,}"
    if run["seconds"] is not None:
        yield "time training", duration(run["seconds"])
    if run["tokens_per_s"] is not None:
        yield "tokens/s, median", f"{run['tokens_per_s']:,.0f}"
    if best := results.best(run):
        metric, value, update = best
        yield f"best {metric}", f"{curves.short(value)}, at update {update:,}"
    for name, label in (("loss", "loss"), ("accuracy", "accuracy"), ("perplexity", "perplexity")):
        for kind, word in (("valid", "validation"), ("train", "training")):
            known = [v for _, v in results.points(run, f"{name}.{kind}") if v is not None]
            if known:
                yield f"{word} {label}", curves.short(known[-1])
                break


def parts(run: dict) -> Iterator[tuple[str, str, str]]:
    """An id, a title and a body for each section"""
    yield "curves", "Curves", drawn(run) or "<p>No value has been written yet.</p>"
    if run["samples"]:
        yield "samples", "Samples", sampled(run)
    yield "options", "Options", chosen(run)
    if run["resumed"]:
        yield "resumed", "Resumed", shown.facts("What was changed then", dict(changes(run)))
    yield "command", "Command", f"<pre>{shown.text(shlex.join(run['command']))}</pre>"
    about = {"entry": run["entry"], "commit": run["commit"]}
    about |= {"changed since that commit": run["is_dirty"]} if run["commit"] else {}
    about |= run["environment"] | ({"data": run["data"]} if run["data"] else {})
    yield "environment", "Environment", shown.facts("What it ran on", about)


def changes(run: dict) -> Iterator[tuple[str, str]]:
    """What was changed each time that a run was resumed"""
    for again in run["resumed"]:
        listed = [
            f"{name} " + " → ".join(map(shown.plain, values))
            for name, values in again["changes"].items()
        ]
        yield f"after update {again['update']:,}", ", ".join(listed) or "nothing"


def drawn(run: dict) -> str:
    """All figures that have values"""
    found = []
    for ident, title, names, is_from_zero in FIGURES:
        lines = []
        for name in names:
            kind = "valid" if name.endswith(".valid") else "train"
            label = {"valid": "validation", "train": "training"}[kind] if "." in name else "last"
            lines.append(curves.Curve(label, kind, results.points(run, name)))
        found.append(curves.figure(ident, title, lines, is_from_zero))
    body = "\n".join(filter(None, found))
    return f'<div class="curves">\n{body}\n</div>' if body else ""


def sampled(run: dict) -> str:
    """Rounds of samples, the first and the last to be seen at once"""
    rounds, lines = run["samples"], []
    for number, taken in enumerate(rounds):
        is_open = " open" if number in (0, len(rounds) - 1) else ""
        title = f"after {taken['update']:,} updates"
        lines.append(
            f"<details{is_open}><summary>{title}</summary>\n{shown.samples(taken)}</details>"
        )
    legend = (
        '<p class="under">Hidden and predicted <mark class="run-right">right</mark>, or '
        '<mark class="run-wrong">wrong</mark> with the truth above; the rest was given.</p>'
    )
    return "\n".join([legend, *lines] if shown.has_hidden(rounds) else lines)


def chosen(run: dict) -> str:
    """What was changed, and on demand everything"""
    every = shown.options("All options", run, run["options"])
    if not run["overrides"]:
        return every
    changed = shown.options("Options that were changed", run, run["overrides"])
    n = len(run["options"])
    return f"{changed}\n<details><summary>All {n} options</summary>\n{every}\n</details>"
