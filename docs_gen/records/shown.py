r"""
# What a Record Says

The words of a [record](results.html) as HTML: samples with what the model got right and wrong, and
tables. Nothing says something by colour alone: a wrong prediction has a wavy line and the truth
above it, and words that only a screen reader reads. Whatever a record says stays text: markup is
escaped, and a character that would move the cursor or turn the line around becomes a sign.

Classes begin with `run-`. A page gives the custom properties below, or leaves them to the defaults.
"""

import json
from collections.abc import Callable, Iterable
from html import escape
from typing import Any

# The word of the interface in the language of a page; `str` leaves it in English.
Say = Callable[[str], str]
# Half characters, controls, and marks that change the direction of a line
STRANGE = [*range(0x7F, 0xA0), *range(0x200E, 0x2010), *range(0x2028, 0x202F)]
STRANGE += [*range(0x2066, 0x206A), *range(0xD800, 0xE000), 0xFEFF, 0xFFFE, 0xFFFF]
SIGNS = {n: chr(0x2400 + n) for n in range(32)} | dict.fromkeys(STRANGE, "\ufffd")
SIGNS |= {ord("\n"): "⏎"}
# A prediction may be a space, which has no colour and no line by itself.
HIDDEN = SIGNS | {ord(" "): "␣"}
# Boxes, lines and words; a page may choose the colours.
STYLE = """
.run-sample { line-height: 2.1; overflow-wrap: anywhere; white-space: pre-wrap; margin: .1em 0 }
mark.run-right, mark.run-wrong { background: none; font-weight: 700; text-underline-offset: .2em }
.run-right { color: var(--run-right, #1a7f37); text-decoration: underline 2px }
.run-wrong { color: var(--run-wrong, #c4212b); text-decoration: underline wavy 1.5px }
.run-wrong rt { color: var(--run-truth, #57606a); font-size: .75em; font-weight: 400 }
.run-words { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap; user-select: none }
.run-predicted { font-weight: 700 }
.run-scroll { overflow-x: auto }
.run-table { border-collapse: collapse; font-variant-numeric: tabular-nums }
.run-table caption { text-align: left }
.run-table th, .run-table td { text-align: left; vertical-align: top; padding: .2em 1em .2em 0;
  border-bottom: 1px solid var(--run-grid, #8b949e55) }
.run-table td { min-width: 5.5em; overflow-wrap: anywhere }
"""


def text(value: Any, signs: dict = SIGNS) -> str:
    """Any text as text of a page"""
    return escape(str(value).translate(signs))


def dotted(name: Any) -> str:
    """A name that may be broken after a dot, where a phone has no room for it"""
    return text(name).replace(".", ".<wbr>")


def plain(value: Any) -> str:
    """A plain value as a person writes it, not yet escaped; an empty text has to be seen."""
    if isinstance(value, str) and value:
        return value
    return "–" if value is None else json.dumps(value, ensure_ascii=False)


def sample(spans: Iterable[dict], say: Say = str) -> str:
    """One prompt with predictions"""
    told = {"right": say("right:"), "wrong": say("wrong:")}
    instead = text(f" {say('should be')} ")
    pieces = []
    for span in spans:
        # Where nothing was hidden there is nothing to be right about.
        if span["kind"] not in told:
            said = text(span["text"])
            is_given = span["kind"] == "given"
            pieces.append(said if is_given else f'<span class="run-predicted">{said}</span>')
            continue
        said = text(span["text"], HIDDEN)
        if span["kind"] == "wrong":
            truth = text(span.get("truth", ""), HIDDEN)
            said = f'<ruby>{said}<rt><span class="run-words">{instead}</span>{truth}</rt></ruby>'
        words = f'<span class="run-words"> {text(told[span["kind"]])} </span>'
        pieces.append(f'<mark class="run-{span["kind"]}">{words}{said}</mark>')
    return f'<p class="run-sample">{"".join(pieces)}</p>'


def has_hidden(rounds: Iterable[dict]) -> bool:
    """Whether right and wrong have to be explained"""
    kinds = {span["kind"] for one in rounds for s in one["samples"] for span in s["spans"]}
    return bool(kinds & {"right", "wrong"})


def samples(taken: dict, say: Say = str) -> str:
    """All prompts of one round of samples"""
    return "\n".join(sample(one["spans"], say) for one in taken["samples"])


def table(caption: str, head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table of texts that are escaped already; the first cell of a row names it."""
    names = "".join(f'<th scope="col">{cell}</th>' for cell in head)
    lines = []
    for name, *cells in rows:
        rest = "".join(f"<td>{cell}</td>" for cell in cells)
        lines.append(f'<tr><th scope="row">{name}</th>{rest}</tr>')
    body = "\n".join(lines)
    # A box that scrolls has to be reached by keyboard, and needs a name.
    return (
        f'<div class="run-scroll" tabindex="0" role="group" aria-label="{caption}">'
        f'<table class="run-table"><caption>{caption}</caption>\n'
        f"<thead><tr>{names}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>"
    )


def options(caption: str, record: dict, names: Iterable[str], say: Say = str) -> str:
    """Some of the options, those that were changed marked, with who did it"""
    rows = []
    for name in names:
        value, by = text(plain(record["options"].get(name))), ""
        if name in record["overrides"]:
            value = f"<strong>{value}</strong>"
            by = say("a person") if name in record["asked"] else say("the experiment")
        rows.append((dotted(name), value, text(by)))
    head = say("option"), say("value"), say("changed by")
    return table(caption, map(text, head), rows)


def facts(caption: str, values: dict, say: Say = str) -> str:
    """Names with plain values; what nests has dotted names."""
    rows = []
    for name, value in values.items():
        nested = value.items() if isinstance(value, dict) else [(None, value)]
        rows += [(dotted(f"{name}.{n}" if n else name), text(plain(v))) for n, v in nested]
    return table(caption, (text(say("name")), text(say("value"))), rows)
