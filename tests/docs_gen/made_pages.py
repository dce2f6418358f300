r"""
# Made pages

A small site that is made up: the templates with rows that need no parser, in two languages. It has
what is hard to show: long lines, long notes, wide tables and equations, a lead with code, a result.
"""

from markupsafe import Markup
from math_core import LatexToMathML

from docs_gen.pages import theme
from docs_gen.records import curves, shown
from docs_gen.writing import code, notes
from tests.docs_gen.tools import Answers

MATHS = LatexToMathML()
LONG = "that is long enough to leave the code far behind while it is read. " * 18
WIDE = r"x_1 + x_2 + x_3 + x_4 + x_5 + x_6 + x_7 + x_8 + x_9 + x_{10} + x_{11} + x_{12} + x_{13}"
CURVES = [
    curves.Curve("training", "train", [(n, 4 / (1 + n / 40)) for n in range(0, 400, 10)]),
    curves.Curve("validation", "valid", [(n, 4.2 / (1 + n / 60)) for n in range(0, 400, 50)]),
]
SPANS = [
    {"kind": "given", "text": "To be, or not to "},
    {"kind": "right", "text": "be"},
    {"kind": "given", "text": ", that is the "},
    {"kind": "wrong", "text": "answer", "truth": "question"},
]
# Kind, anchor, name, note, code
ROWS = (
    ("module", "page-top", "", r"""
# A layer with a long name

Some layers *forget*. [This paper](https://example.org/) says why, with `code_in_a_line` and $x^2$,

$$y_i = \frac{m_i}{1 - p} \, x_i \qquad \operatorname{rms}(x) = \sqrt{\frac{1}{d} \sum_j x_j^2}$$

| symbol | code | meaning |
|---|---|---|
| $p$ | `dropout_prob` | probability that a number is dropped |
| $m_i$ | `is_kept` | one independent coin per number |

**Departure.** There is none. [The other layer](other.html) is the one to read next.
""", "import math\nfrom collections.abc import Callable, Iterator\n"),
    ("comment", "s-1a2b3c", "", "A coin has this many equally likely sides, 16 bits.",
     "N_SIDES = 2**16\n"),
    ("definition", "Layer", "Layer", f"""
## Layer

It does something {LONG}

> A quotation of one line.

| a | wide | table | of | many | columns | `with_long_names_here` | `and_there_as_well` | end |
|---|---|---|---|---|---|---|---|---|
| 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 |

$${WIDE}$$
""", '''@dataclass(frozen=True)
class Layer(Base):
    """What it keeps"""

    width: int = 512
'''),
    ("definition", "Layer.forward", "Layer.forward", """
* `x` has shape `[seq_len, batch_size, d_model]`
* returns the same, or `{a_very_long_name_that_has_no_place: another_long_name_that_has_none}`
""", "    def forward(self, x: list[float], scale: float = 1e-3, *, is_loud: bool = False, "
     "name: str = 'forward') -> list[float]:\n"),
    ("comment", "s-4d5e6f", "", "What is scaled is scaled by $1 / (1 - p)$, and said aloud.",
     '''        scaled = [value * scale for value in x if value is not None]
        if is_loud:
            print(f"{name}: {len(scaled)} of {len(x)}", end="\\n")
'''),
    ("comment", "s-777777", "", "The code goes on for longer than its note.", "".join(
        f"        total_{n} = math.sqrt({n}) + len(scaled)  # {n}\n" for n in range(40))
     + "        return scaled\n"),
    ("definition", "run", "run", "## What came out\n\n```result\nrun: made\n```\n\nSo it ran.",
     "def run(layers: Iterator[Layer]) -> None:\n    for layer in layers:\n"
     "        layer.forward([1])\n"),
    ("comment", "s-888888", "", "```python\nlayer = Layer(width=3)\n```\n\nis how to make one.",
     "if __name__ == '__main__':\n    run([])\n"),
)  # fmt: skip
CHINESE = {
    "page-top": "# 名字很长的层\n\n有些层会*遗忘*。[这篇论文](https://example.org/) 说明了原因。",
    "s-1a2b3c": "一枚硬币有这么多个等可能的面，共 16 位。",
}
EDITIONS = (("en", "en", "English"), ("zh", "zh-CN", "中文"))
CARDS = ("Dropout", "Layer Normalization", "Multi-Head Attention", "Noam", "A word that is long")


def result(text):
    """What a run has left"""
    figure = curves.figure("made-loss", "Loss", CURVES, False)
    return f'<div class="run-block">{figure}{shown.sample(SPANS)}</div>'


def tools():
    """What notes ask for"""
    return Answers(
        maths=lambda tex, is_display: MATHS.convert_with_local_state(tex, displaystyle=is_display),
        result=result,
        heading=lambda level, title: (level, "h-" + title.lower().replace(" ", "-")),
    )


def source():
    """The code of the page, as a file has it"""
    return "".join(row[4] for row in ROWS)


def rows(edition):
    """The rows of the page"""
    html = code.lines(source().split("\n"), {4: [(6, 11, '<span id="Layer.made">')]})
    first, made, told = 1, [], tools()
    for kind, anchor, name, note, text in ROWS:
        numbers = range(first, first + text.count("\n"))
        first = numbers.stop
        blocks = [notes.render(unit.text, told) for unit in notes.units(note.strip())]
        if edition == "zh":
            if anchor in CHINESE:
                blocks = [notes.render(CHINESE[anchor], told)]
            else:
                blocks = [f'<div lang="en" class="untranslated">{block}</div>' for block in blocks]
        row = {"kind": kind, "anchor": anchor, "name": name, "line": numbers.start}
        row |= {"note": Markup("".join(blocks)), "code": Markup(code.listing(numbers, html))}
        made.append(row)
    return made


def context(edition, url, **more):
    """What a template is given"""
    code_, tag, name = next(e for e in EDITIONS if e[0] == edition)
    up = "../" * url.count("/")
    editions = [
        {"code": c, "tag": t, "name": n, "href": f"{up}../{c}/{url}", "canonical": ""}
        for c, t, n in EDITIONS
    ]
    return {
        "edition": {"code": code_, "tag": tag, "name": name},
        "editions": editions,
        "title": "A layer",
        "summary": "Some layers forget.",
        "site_name": "labnn",
        "root": up,
        "static": f"{up}../static/",
        "crumbs": [{"title": "layers", "href": "index.html"}, {"title": "layer", "href": ""}],
        "generator": "docs_gen",
        "canonical": "",
        "indexes": {"symbols.html", "glossary.html", "results.html", "status.html"},
        "rows": rows(edition),
        "toc": [
            {"level": 2, "anchor": "Layer", "title": Markup("Layer")},
            {"level": 3, "anchor": "Layer.forward", "title": Markup("<code>Layer.forward</code>")},
            {"level": 2, "anchor": "h-what-came-out", "title": Markup("What came out")},
        ],
        "cards": [],
        "previous": {"title": "Layers", "href": "index.html"},
        "next": {"title": "The other layer", "href": "other.html"},
        "path": "made/layers/layer.py",
        "commit": "0123456789abcdef",
        "is_as_committed": True,
        "run": "python -m made.layers.layer",
        "translated": {"done": 2, "total": 9} if edition == "zh" else None,
        **more,
    }


def pages(edition):
    """The pages of an edition, by address"""
    cards = [
        {
            "title": t,
            "summary": Markup("What it is for, in a sentence."),
            "href": f"{n}.html",
            "curve": "",
        }
        for n, t in enumerate(CARDS)
    ]
    lead = {"kind": "module", "anchor": "page-top", "name": "", "line": 1}
    lead |= {"note": Markup('<h1 id="h-layers">Layers</h1><p>What all blocks are made of.</p>')}
    lead |= {"code": Markup("")}
    package = {"rows": [lead], "toc": [], "cards": cards, "run": "", "translated": None}
    return {
        "layers/layer.html": context(edition, "layers/layer.html"),
        "layers/index.html": context(
            edition, "layers/index.html", crumbs=[{"title": "layers", "href": ""}], **package
        ),
    }


def write(folder):
    """Write the site, of which the pages of lists are missing."""
    for edition, _, _ in EDITIONS:
        environment = theme.environment(str, lambda one, more, n: one if n == 1 else more)
        for url, given in pages(edition).items():
            path = folder / edition / url
            path.parent.mkdir(parents=True, exist_ok=True)
            html = environment.get_template("module.html").render(given)
            path.write_text(html, encoding="utf-8")
    static = folder / "static"
    static.mkdir()
    for name, data in theme.static().items():
        (static / name).write_bytes(data)
    return folder
