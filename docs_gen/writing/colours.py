r"""
# Colours

The colours of an [equation](maths.html) have a meaning, `\textcolor{query}{Q}`, for which
`theme/math.css` has a hue that can be read on light and one for dark. Another colour is a fault.
What it colours can still be shown, without it.
"""

import re

from math_core import LatexToMathML

# Each colour of ours goes through the converter as one that it knows.
COLOURS = {"query": "blue", "key": "red", "value": "green"}
COLOURS |= {"given": "cyan", "learned": "magenta", "masked": "yellow"}
COLOUR = re.compile(r"(\\(?:text)?color\s*)(?:\[[^\]]*\]\s*)?\{\s*([^{}]*?)\s*\}")


def written(colour: str) -> str:
    """The declaration that the converter writes for a colour"""
    html = LatexToMathML().convert_with_local_state(f"\\color{{{colour}}}x", displaystyle=False)
    return re.search(r'style="([^";]*)', html)[1]


def foreign(tex: str) -> re.Match | None:
    """The first colour of an equation that is none of ours"""
    return next((found for found in COLOUR.finditer(tex) if found[2] not in COLOURS), None)


def without(tex: str) -> str:
    """An equation without the colours that are none of ours; what was coloured stays."""
    return COLOUR.sub(lambda found: found[0] if found[2] in COLOURS else " ", tex)


def theirs(tex: str) -> str:
    """An equation with colours that the converter knows"""
    return COLOUR.sub(lambda found: f"{found[1]}{{{COLOURS[found[2]]}}}", tex)


def ours(text: str) -> str:
    """A piece of an equation as its author wrote it"""
    for name, known in COLOURS.items():
        text = text.replace(f"color{{{known}}}", f"color{{{name}}}")
    return text
