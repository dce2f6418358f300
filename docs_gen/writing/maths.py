r"""
# Maths

An equation is written in TeX and shown as MathML Core, which browsers draw without a script and
screen readers read aloud. [math-core](https://github.com/tmke8/math-core) converts it; the TeX
stays inside, to be copied. What it writes is changed in three ways.

Styles become classes, since the policy of the site refuses a style that is written on an element:
each declaration that math-core is known to write has a class in `theme/math.css`, and another one
is an error rather than lost. [Colours](colours.html) have a meaning instead of a hue. Equations
have no numbers, but those that `\tag` gives.
"""

import re
from collections.abc import Mapping
from functools import cache
from html import escape

from math_core import LatexError, LatexToMathML

from docs_gen.writing import colours
from docs_gen.writing.colours import COLOURS

# Names of what occurs often, and commands of TeX that math-core lacks
MACROS = {"softmax": r"\operatorname*{softmax}", "LN": r"\operatorname{LN}"}
MACROS |= {"pmb": r"\boldsymbol{#1}", "mbox": r"\text{#1}"}
MACROS |= {"substack": r"\begin{subarray}{c}#1\end{subarray}"}
# The converter ends the process where a long equation is nested too deeply.
LONGEST = 5000
# Environments that number their lines, and what is the same without numbers
PLAIN = {"align": "aligned", "flalign": "aligned", "split": "aligned", "multline": "multline*"}
PLAIN |= {"gather": "gathered", "equation": "gathered"}
ENVIRONMENT = re.compile(r"(\\(?:begin|end)\s*)\{(" + "|".join(PLAIN) + r")\*?\}")
LABEL = re.compile(r"\\label\s*\{[^{}]*\}")
SIDES = {"left": "before", "right": "after"}
# Widths of blanks, with their class in eighteenths of the width of a letter, as TeX counts them
BLANKS = {"0": 0, "0.1em": 2, "0.1667em": 3, "0.2222em": 4, "0.2778em": 5, "1em": 18}
BACK = {"0.16666667em": 3, "0.22222222em": 4, "0.2777778em": 5, "0.5em": 9, "1em": 18}
SIZES = (50, 60, 70, 80, 90, 100, 120, 140, 170, 200, 250)
CLASSES = {f"padding-{s}:{w}": f"m-{SIDES[s]}-{n}" for s in SIDES for w, n in BLANKS.items()}
CLASSES |= {f"margin-left:-{width}": f"m-back-{n}" for width, n in BACK.items()}
CLASSES |= {"text-align:left": "m-left", "justify-items:start": "m-left"}
CLASSES |= {"text-align:right": "m-right", "justify-items:end": "m-right"}
CLASSES |= {"width:100%": "m-wide", "width:50%": "m-half", "width:7.5%": "m-edge"}
CLASSES |= {"padding-top:0": "m-close", "padding-bottom:0": "m-close"}
CLASSES |= {"padding-top:0.1667em": "m-below", "math-shift:compact": "m-compact"}
CLASSES |= {"font-variant-caps:small-caps": "m-capitals"}
CLASSES |= {f"font-size:{size}%": f"m-size-{size}" for size in SIZES}
for line in ("solid", "dashed"):
    for side in ("top", "left", "right"):
        CLASSES[f"border-{side}:0.05em {line} currentcolor"] = f"m-{line}-{side}"
CLASSES |= {colours.written(theirs): f"m-{name}" for name, theirs in COLOURS.items()}
# What math-core gives a class itself, and the lines of an element that browsers do not know
CLASSES |= {"math-core-sans-serif-font": "m-sans", "math-core-serif-font": "m-serif"}
CLASSES |= {"box": "m-box", "updiagonalstrike": "m-up", "downdiagonalstrike": "m-down"}
TAG = re.compile(r"<[a-z][^<>]*>")
LOOK = re.compile(r' (style|class|notation)="([^"]*)"')
# These only tell apart two forms of script letters, of which the font has one.
SELECTORS = re.compile("[\ufe00\ufe01]")
ENCLOSED = re.compile(r"(</?)menclose\b")
STRIKES = re.compile(r'<mrow class="menclose-[a-z]+"></mrow>')
ANNOTATION = re.compile(r"(<annotation[^<>]*>).*?(</annotation>)", re.DOTALL)
PLACE = re.compile(r"(?:(macro)\d+:)?(\d+): (.*)", re.DOTALL)
LETTERS = re.compile(r"(?:<mi>[A-Za-z]</mi>){3,}")


class MathsError(ValueError):
    """An equation that cannot be shown: one line with the reason and the place"""


class ColourError(MathsError):
    """One that could be shown without a colour that has no meaning"""


@cache
def converter(macros: tuple[tuple[str, str], ...]) -> LatexToMathML:
    """What converts, with the macros of this page and some more"""
    try:
        return LatexToMathML(macros=MACROS | dict(macros), fancy_error=False, annotation=True)
    except LatexError as e:
        raise MathsError(f"a macro is wrong: {' '.join(str(e).split())}") from e


def near(tex: str, start: int) -> str:
    """A place in an equation, as a person finds it"""
    rest = colours.ours(tex[start:].split("\n")[0])
    line = f" in line {tex[:start].count(chr(10)) + 1}" if "\n" in tex else ""
    more = "..." if len(rest) > 24 else ""
    return f'at "{rest[:24]}{more}"{line}' if rest.strip() else f"at the end{line}"


def plain(tex: str) -> str:
    """An equation without numbers, and with colours that the converter knows"""
    if foreign := colours.foreign(tex):
        names = f"a colour is one of {', '.join(COLOURS)}"
        raise ColourError(f"{names}, not {foreign[2]}, {near(tex, foreign.start())}")
    tex = colours.theirs(LABEL.sub("", tex))
    # A starred environment may have a tag, a part of another equation may not.
    names = {name: f"{name}*" for name in PLAIN} if "\\tag" in tex else PLAIN
    return ENVIRONMENT.sub(lambda m: f"{m[1]}{{{names[m[2]]}}}", tex)


def classes(look: re.Match) -> str:
    """The classes for an attribute that says how something looks"""
    parts = re.split(";" if look[1] == "style" else " ", look[2])
    parts = [re.sub(r":\s+", ":", part.strip()) for part in parts if part.strip()]
    if unknown := [part for part in parts if part not in CLASSES]:
        raise MathsError(f"the look {', '.join(unknown)} is not supported")
    return f' class="{" ".join(dict.fromkeys(CLASSES[part] for part in parts))}"'


def mathml(tex: str, is_display: bool, macros: Mapping[str, str] | None = None) -> str:
    """An equation as MathML, or `MathsError`"""
    given = tex.strip()
    if not (tex := plain(given)):
        raise MathsError("the equation is empty")
    if len(tex) > LONGEST:
        raise MathsError(f"the equation has {len(tex)} characters; {LONGEST} are the most")
    convert = converter(tuple((macros or {}).items())).convert_with_local_state
    try:
        html = convert(tex, displaystyle=is_display)
    except LatexError as e:
        macro, start, what = PLACE.fullmatch(str(e)).groups()
        where = "in a macro" if macro else near(tex, int(start))
        raise MathsError(f"{' '.join(what.split()).rstrip('.')}, {where}") from e
    if "<a " in html:
        raise MathsError("equations have no numbers that \\eqref could name")
    html = STRIKES.sub("", SELECTORS.sub("", html))
    html = TAG.sub(lambda tag: LOOK.sub(classes, tag[0]), ENCLOSED.sub(r"\1mrow", html))
    return ANNOTATION.sub(lambda m: m[1] + escape(given, quote=False) + m[2], html)


def lint(tex: str) -> list[str]:
    """Words that are set as products of letters; `a b c`, apart, is a product"""
    found = []
    for run in LETTERS.findall(ANNOTATION.sub("", mathml(tex, True))):
        letters = "".join(re.findall(">(.)<", run))
        typed = re.findall(r"[A-Za-z]{3,}", re.sub(r"\\[A-Za-z]+", " ", tex))
        words = [word for word in typed if word in letters and not set(word) <= set("bdhijk")]
        found += [f"write \\text{{{word}}} or \\operatorname{{{word}}}" for word in words]
    return list(dict.fromkeys(found))
