r"""
# Exhibits

What a [result block](blocks.html) can show of a run, one function for each word.

| word | shown |
|---|---|
| `loss`, `accuracy`, `perplexity`, `lr` | a [curve](curves.html) of training, and of validation |
| `samples` | predictions, [right and wrong](shown.html), one round for each update of `at` |
| `table` | some of the validations |
| `facts` | the options that were changed, and what it ran on |

A drawing has at most 6 kB: of a long run some points are drawn, the lowest and the highest of them
always, since they are what the description below the drawing tells.
"""

from collections.abc import Sequence

from docs_gen.records import results, shown
from docs_gen.records.curves import Curve, evenly, figure, short
from docs_gen.records.shown import Say, text

CURVES = ("loss", "accuracy", "perplexity", "lr")
# Curves whose axis begins at zero
FROM_ZERO = ("accuracy", "lr")
WORDS = (*CURVES, "samples", "table", "facts")
# Points of a line, and rows of a table
N_POINTS, N_ROWS = 110, 12


def exhibit(word: str, record: dict, at: Sequence[int], ident: str, say: Say = str) -> str:
    """
    The HTML for one of `WORDS`. Raises `ValueError` if the run has nothing of the kind.

    * `at` are updates, for samples
    * `ident` begins the ids
    """
    if word == "samples":
        html = samples(record, at, say)
    elif word == "table":
        html = validations(record, say)
    elif word == "facts":
        html = facts(record, say)
    else:
        html = curve(word, record, ident, say)
    if not html:
        raise ValueError(f"nothing to show for {word}")
    return html


def titles(say: Say) -> dict[str, str]:
    """The names of the curves"""
    found = {"loss": say("Loss"), "accuracy": say("Accuracy")}
    return found | {"perplexity": say("Perplexity"), "lr": say("Learning rate")}


def curve(name: str, record: dict, ident: str, say: Say) -> str:
    """A figure of training and, unless it is the learning rate, of validation"""
    kinds = {"train": say("training"), "valid": say("validation")}
    named = {kind: f"{name}.{kind}" for kind in kinds} if name != "lr" else {"train": name}
    lines = [
        Curve(kinds[kind], kind, thinned(results.points(record, column)))
        for kind, column in named.items()
    ]
    return figure(ident, titles(say)[name], lines, name in FROM_ZERO, say)


def thinned(points: Sequence[tuple[int, float | None]]) -> list[tuple[int, float | None]]:
    """Fewer points of a curve, its ends, extremes and gaps among them"""
    values = [(value, n) for n, (_, value) in enumerate(points) if value is not None]
    kept = {n for n, (_, value) in enumerate(points) if value is None}
    kept |= {min(values)[1], max(values)[1]} if values else set()
    kept |= {*evenly([n for _, n in values], N_POINTS)}
    return [points[n] for n in sorted(kept)]


def samples(record: dict, at: Sequence[int], say: Say) -> str:
    """Rounds of samples; of those that were not asked for the first and the last are open"""
    there = {taken["update"]: taken for taken in record["samples"]}
    for update in at:
        if update not in there:
            updates = ", ".join(map(str, there)) or "none"
            raise ValueError(f"no samples at update {update}; there are {updates}")
    # Without a choice all rounds are shown.
    chosen = [there[update] for update in dict.fromkeys(at or there)]
    if not chosen:
        return ""
    # A sentence is translated as a whole, and its two words are marked.
    told = text(say("Hidden and predicted {right}, or {wrong} with the truth above."))
    marks = {"right": say("right"), "wrong": say("wrong")}
    marks = {k: f'<mark class="run-{k}">{text(word)}</mark>' for k, word in marks.items()}
    legend = f'<p class="run-legend">{told.format(**marks)}</p>'
    lines = [legend] if shown.has_hidden(chosen) else []
    for number, taken in enumerate(chosen):
        is_open = " open" if at or number in (0, len(chosen) - 1) else ""
        n = taken["update"]
        title = say("after {number} updates").format(number=f"{n:,}") if n else say("at the start")
        lines += [f'<details class="run-round"{is_open}><summary>{text(title)}</summary>']
        lines += [f'<div translate="no">\n{shown.samples(taken, say)}\n</div></details>']
    return "\n".join(lines)


def validations(record: dict, say: Say) -> str:
    """A table of the values of some validations, the first and the last among them"""
    names = [name for name in record["validation"]["columns"] if name not in ("update", "step")]
    if not record["validation"]["rows"] or not names:
        return ""
    columns = [dict(results.points(record, name)) for name in names]
    rows = []
    for update in evenly([row[0] for row in record["validation"]["rows"]], N_ROWS):
        values = [column[update] for column in columns]
        rows.append((f"{update:,}", *("–" if v is None else short(v) for v in values)))
    words = titles(say)
    head = [words.get(name.partition(".")[0], name) for name in names]
    return shown.table(text(say("Validation")), map(text, [say("update"), *head]), rows)


def facts(record: dict, say: Say) -> str:
    """What differs from the defaults, and on demand what else the result depends on"""
    caption = text(say("Options that were changed"))
    changed = shown.options(caption, record, record["overrides"], say)
    # Every package that was installed would be a page of its own.
    plain = {n: v for n, v in record["environment"].items() if not isinstance(v, dict)}
    about = {"entry": record["entry"], **plain, **({"data": d} if (d := record["data"]) else {})}
    caption = text(say("What it ran on"))
    table = shown.facts(caption, about, say)
    below = f'<details class="run-facts"><summary>{caption}</summary>\n{table}\n</details>'
    return f"{changed}\n{below}" if record["overrides"] else below
