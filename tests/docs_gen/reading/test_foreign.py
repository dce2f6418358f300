r"""
# Foreign Notes

Each dialect by hand, as Markdown reads what is made of it; and that notes of ours, which are
Markdown already, are not touched.
"""

import ast

import pytest

from docs_gen.reading.foreign import markdown
from docs_gen.writing.notes import READ
from tests.docs_gen.modules import ROOT

GOOGLE = """
Run it.

Args:
    x (Optional[int], optional): what goes in,
        over two lines
    *rest: all others

        >>> run(1)
    y, z: a :class:`Tensor`

Returns:
    A list: of what came out

Example::

    >>> run(1)
    2
"""
NUMPY = """
Run it.

Parameters
----------
x : int
    What goes in
y
    What else
All others stay inside.

Notes
-----
It is so.
"""
SPHINX = r"""
Run it::

    run(1)

:param int x: what goes in,
    over two lines
:param y:
:type y: str
:returns: what came out
:raises ValueError: if not

.. math::
    x = \frac{1}{2}

.. note:: Mind
   the :term:`gap`.

.. versionadded:: 2.2

.. code-block:: python

   x = 1
"""


def shape(note):
    """The blocks that Markdown sees: the kind and the text of each, what is in lists within it"""
    found = []
    for token in READ.parse(markdown(note.strip("\n"))):
        if token.type in ("inline", "fence", "math_block", "code_block"):
            kind = "item" if token.type == "inline" and token.level > 1 else token.type
            found.append((kind, token.content.strip()))
    return found


def test_sections_of_google():
    assert shape(GOOGLE) == [
        ("inline", "Run it."),
        ("inline", "**Args**"),
        ("item", "`x` (Optional[int], optional): what goes in,\nover two lines"),
        ("item", "`*rest`: all others"),
        ("fence", ">>> run(1)"),
        ("item", "`y, z`: a `Tensor`"),
        ("inline", "**Returns**"),
        ("inline", "A list: of what came out"),
        ("inline", "**Example**"),
        ("fence", ">>> run(1)\n2"),
    ]


def test_sections_of_numpy():
    assert shape(NUMPY) == [
        ("inline", "Run it."),
        ("inline", "**Parameters**"),
        ("item", "`x` (int): What goes in"),
        ("item", "`y`: What else"),
        ("inline", "All others stay inside."),
        ("inline", "**Notes**"),
        ("inline", "It is so."),
    ]


def test_fields_and_directives_of_sphinx():
    assert shape(SPHINX) == [
        ("inline", "Run it:"),
        ("fence", "run(1)"),
        ("item", "`x` (int): what goes in,\nover two lines"),
        ("item", "`y`:"),
        ("item", "type `y`: str"),
        ("item", "returns: what came out"),
        ("item", "raises `ValueError`: if not"),
        ("math_block", r"x = \frac{1}{2}"),
        ("inline", "**Note.** Mind\nthe `gap`."),
        ("inline", "**Version added.** 2.2"),
        ("fence", "x = 1"),
    ]


def test_items_are_one_list():
    note = markdown(":param a: one\n:param b: two\n:return: three")
    assert note == "* `a`: one\n* `b`: two\n* return: three"


def test_what_is_in_a_fence_stays():
    note = "```\n:param a: one\nArgs:\n  b\n```\n\nSee :class:`C`."
    assert markdown(note) == note.replace(":class:`C`", "`C`")


@pytest.mark.parametrize(
    "note",
    [
        "# Title\n\nText: more\n  of it.\n\n* a list:\n  of `x`\n\n> said\n\n    code::\n",
        "Args: these\n\nReturns nothing:",
        "Parameters\n\n---\n\nExample of it\n-----\n",
        "a > b >>> c and std::vector and ::",
        "$$x :y: z$$\n\n| a | b |\n|---|---|\n| :x: | y |",
        "...\n\n.. no directive\n\n.. _label:",
        "",
    ],
)
def test_markdown_stays(note):
    assert markdown(note) == note.rstrip("\n") or markdown(note) == note


@pytest.mark.slow
def test_notes_of_ours_stay():
    n_notes = 0
    for top in ("labnn", "experiments", "docs_gen"):
        for path in (ROOT / top).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                    note = ast.get_docstring(node) or ""
                    assert markdown(note) == note, path
                    n_notes += 1
    assert n_notes > 1000
