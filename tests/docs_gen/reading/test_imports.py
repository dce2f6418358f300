r"""
# Imports

What the statements bring, relative ones as Python itself resolves them, and where they say so.
"""

import ast
from importlib.util import resolve_name

import pytest

from docs_gen.reading.imports import absolute
from docs_gen.reading.scopes import read, references
from docs_gen.reading.walk import Walk
from tests.docs_gen.linked import in_line, made, meant


@pytest.mark.parametrize(
    "text, known",
    [
        ("import a", [("a", "a")]),
        ("import a.b", [("a.b", "a.b")]),
        ("import a.b as c, d", [("a.b", "a.b"), ("d", "d")]),
        ("from a import b as c, d", [("a", "a"), ("b", "a.b"), ("d", "a.d")]),
        ("from  a.b\timport c", [("a.b", "a.b"), ("c", "a.b.c")]),
        ("from a import *", [("a", "a")]),
        ("from .a import b", [(".a", "p.a"), ("b", "p.a.b")]),
        ("from . import b", [("b", "p.b")]),
        ("from .. import b", []),
        ("if x: import a; from b import c", [("a", "a"), ("b", "b"), ("c", "b.c")]),
        # Odd, but Python reads it; what we are not sure of is no link.
        ("from a \\\n import b", [("b", "a.b")]),
        ("import a . b", []),
    ],
)
def test_where_modules_and_names_are_mentioned(text, known):
    assert meant(text, "p.m") == known


def test_names_over_several_lines():
    text = "from é.a import (\n    b,  # why\n    c as d,\n)"
    found = [(r.line, r.column, r.length, r.target) for r in references(made("m", text))]
    assert found == [(1, 5, 3, "é.a"), (2, 4, 1, "é.a.b"), (3, 4, 1, "é.a.c")]


@pytest.mark.parametrize(
    "text, known",
    [
        ("import a.b", [("a", "a"), ("b", "a.b"), ("c", "a.b.c")]),
        ("import a.b as a", [("a", "a.b"), ("b", "a.b.b"), ("c", "a.b.b.c")]),
        ("import x as a", [("a", "x"), ("b", "x.b"), ("c", "x.b.c")]),
        ("from x import y as a", [("a", "x.y"), ("b", "x.y.b"), ("c", "x.y.b.c")]),
        ("from .x import a", [("a", "p.x.a"), ("b", "p.x.a.b"), ("c", "p.x.a.b.c")]),
        ("from x import *", [("a", "p.m.a"), ("b", "p.m.a.b"), ("c", "p.m.a.b.c")]),
        ("import b", []),
        ("from ...x import a", []),
    ],
)
def test_what_a_name_means_after_an_import(text, known):
    assert in_line(f"{text}\na.b.c", 2, "p.m") == known


@pytest.mark.parametrize("is_package", [False, True])
@pytest.mark.parametrize("path", [".", ".x", "..", "..x.y", "...x", "a.b"])
def test_relative_paths_are_those_that_python_resolves(path, is_package):
    package = "p.q.m" if is_package else "p.q"
    walk = Walk("p.q.m", [], folders=package.split("."), steps={})
    (node,) = ast.parse(f"from {path} import z").body
    try:
        known = resolve_name(path, package)
    except ImportError:
        known = ""
    assert absolute(walk, node) == known


def test_modules_whose_names_are_all_imported():
    text = "from a import *\nfrom .b import *\nfrom c import d"
    assert read(made("p", text, is_package=True).source).stars == ["a", "p.b"]
