r"""
# Modules for tests

A page from its text, and the pages of the repository.
"""

from functools import cache
from pathlib import Path

from docs_gen.parts import Source
from docs_gen.reading import source
from docs_gen.reading.parse import parse

ROOT = Path(__file__).parent.parent.parent
LOCALE = ROOT / "locale"


def module(text, name="toy.page"):
    """A page of one file"""
    path = name.replace(".", "/")
    return parse(Source(name, f"{path}.py", f"{path}.html", text))


@cache
def ours():
    """All pages of the repository that are translated or may be"""
    paths = [ROOT / name for name in ("labnn", "experiments", "docs_gen")]
    return [parse(found) for found in source.find(paths, ())]
