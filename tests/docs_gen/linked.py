r"""
# Small sites for tests of links

Modules from texts, what the names in some code mean, and where they lead.
"""

import ast
import textwrap
from functools import cache
from pathlib import Path

from docs_gen.linking.links import Links
from docs_gen.parts import Source
from docs_gen.reading import source
from docs_gen.reading.names import definitions, tree
from docs_gen.reading.parse import parse
from docs_gen.reading.scopes import references

ROOT = Path(__file__).parent.parent.parent


def made(name, text, is_package=False):
    """One module"""
    path = name.replace(".", "/") + ("/__init__" if is_package else "")
    url = path.replace("__init__", "index") + ".html"
    return parse(Source(name, f"{path}.py", url, textwrap.dedent(text)))


def site(files):
    """Modules by name; the text of `a.` is that of the package `a`."""
    pairs = [(n.rstrip("."), made(n.rstrip("."), t, n.endswith("."))) for n, t in files.items()]
    return Links(dict(pairs))


def written(module, reference):
    """The text of the code at a reference"""
    line = module.lines[reference.line - 1]
    return line[reference.column : reference.column + reference.length]


def meant(text, name="m"):
    """What is referred to in some code: text and target, in order"""
    module = made(name, text)
    return [(written(module, r), r.target) for r in references(module)]


def in_line(text, number, name="m"):
    """What is referred to in one line"""
    module = made(name, text)
    return [(written(module, r), r.target) for r in references(module) if r.line == number]


def last_line(text, name="m"):
    """What is referred to in the last line"""
    return in_line(text, len(textwrap.dedent(text).strip("\n").split("\n")), name)


def defined(text):
    """What some code defines"""
    text = textwrap.dedent(text)
    return definitions(tree(text), text.split("\n"))


def nodes(text, kind):
    """All nodes of a kind in some code"""
    return [node for node in ast.walk(ast.parse(textwrap.dedent(text))) if isinstance(node, kind)]


@cache
def repository():
    """The links of the repository"""
    found = source.find([ROOT / name for name in ("labnn", "experiments", "docs_gen")])
    return Links({item.name: parse(item) for item in found})


def scripts(files):
    """Loose scripts by path, in folders whose names theirs begin with"""
    modules = {}
    for path, text in files.items():
        stem = path.removesuffix(".py")
        name, folder = stem.replace("/", "."), stem.partition("/")[0]
        modules[name] = parse(Source(name, path, f"{stem}.html", text, folder))
    return Links(modules)
