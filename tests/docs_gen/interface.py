r"""
# Words of the interface

All that templates and pages of the generator say to a person: `_('...')` and `ngettext` there,
`say("...")` here, those within f-strings too.
"""

import ast
from pathlib import Path

from jinja2.ext import babel_extract

DOCS_GEN = Path(__file__).parent.parent.parent / "docs_gen"
OPTIONS = {"silent": "false", "trimmed": "true", "encoding": "utf-8"}


def in_template(path):
    """The messages of a template: a text, or a pair of texts for one and many"""
    with path.open("rb") as file:
        for _, name, found, _ in babel_extract(file, ("_", "gettext", "ngettext"), (), OPTIONS):
            forms = (found,) if isinstance(found, str) else found
            yield forms[:2] if name == "ngettext" else forms[0]


def in_page(source):
    """The messages of some Python"""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            first = node.args[0] if node.args else None
            if name == "say" and isinstance(first, ast.Constant) and first.value:
                yield first.value


def messages():
    """All words of the interface, each once, in the order of the files"""
    found = {}
    for path in sorted(DOCS_GEN.rglob("*.html")):
        found |= dict.fromkeys(in_template(path))
    for path in sorted(DOCS_GEN.rglob("*.py")):
        # What `serve` prints is for a terminal.
        if path.name != "serve.py":
            found |= dict.fromkeys(in_page(path.read_text(encoding="utf-8")))
    return list(found)
