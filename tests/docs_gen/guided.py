r"""
# Guided

The steps of the pages that are for authors, as a reader takes them: files that are written and
commands that are typed, word for word from the pages.
"""

import shlex
from pathlib import Path

from selectolax.lexbor import LexborHTMLParser

from docs_gen import guide
from docs_gen.__main__ import main
from docs_gen.writing.notes import READ


def blocks(note, kind):
    """The texts of the fences of a note, or of the blocks of code that are indented"""
    return [token.content for token in READ.parse(note) if token.type == kind]


def begin():
    """Write the two files that the guide begins with."""
    softmax, package = blocks(guide.__doc__, "fence")
    Path("your_package").mkdir()
    Path("your_package/softmax.py").write_text(softmax, encoding="utf-8")
    Path("your_package/__init__.py").write_text(package, encoding="utf-8")


def commands(note):
    """What a page tells its reader to type, a list of words each"""
    return [shlex.split(line) for line in "".join(blocks(note, "code_block")).splitlines()]


def obey(words):
    """Do what a command says; a fault is a failure."""
    if words[:2] == ["mkdir", "-p"]:
        Path(words[2]).mkdir(parents=True)
    else:
        assert words[:3] == ["python", "-m", "docs_gen"], words
        assert main(words[3:]) == 0, words


def page(path):
    """A page of the site"""
    return LexborHTMLParser(Path("site", path).read_text(encoding="utf-8"))
