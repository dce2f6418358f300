"""
Equations to try: a list that must come out right, and all that the notes of this repository have.
"""

import json
from pathlib import Path

from docs_gen.reading import parse, source
from docs_gen.writing import notes

ROOT = Path(__file__).parent.parent.parent
LIST = json.loads((Path(__file__).parent / "equations.json").read_text(encoding="utf-8"))
LISTED = [tuple(equation) for equation in LIST["equations"]]


def equations(tokens):
    """The TeX of tokens and of what is in them, and whether it stands on lines of its own"""
    for token in tokens:
        if token.type.startswith("math_") or token.type == "amsmath":
            yield token.content, token.type != "math_inline"
        yield from equations(token.children or [])


def written():
    """All equations of the repository, each once"""
    sources = source.find([ROOT / name for name in ("labnn", "experiments", "docs_gen")])
    sections = [section for found in sources for section in parse.parse(found).sections]
    return sorted({e for section in sections for e in equations(notes.READ.parse(section.note))})
