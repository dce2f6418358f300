r"""
# Annotations

Those in quotes are code, and see what is defined below them.
"""

import pytest

from docs_gen.reading.scopes import references
from tests.docs_gen.linked import last_line, made, meant

A, B = ("A", "m.A"), ("B", "m.B")
HEAD = "class A: pass\nclass B: pass\n"


@pytest.mark.parametrize(
    "annotation, known",
    [
        ("A", [A]),
        ("list[A, B]", [A, B]),
        ("'A'", [A]),
        ("'list[A] | B'", [A, B]),
        ('"A" | B', [A, B]),
        ("dict['A', list['B']]", [A, B]),
        # What is in quotes there is a text.
        ("Literal['A']", []),
        ("typing.Literal['A', 'B'] | A", [A]),
        ("Annotated['A', B]", [B]),
        # Positions cannot be known, or there is nothing.
        ("r'A'", []),
        ("'A' 'B'", []),
        ("'''A'''", []),
        ("'\\x41'", []),
        ("'A.'", []),
        ("'not a name'", []),
        ("3", []),
    ],
)
def test_names_in_an_annotation(annotation, known):
    assert last_line(f"{HEAD}x: {annotation}") == known
    assert last_line(f"{HEAD}def f(y: {annotation}): 0") == known
    assert last_line(f"{HEAD}def f(*y) -> {annotation}: 0") == known


def test_where_a_name_in_quotes_is():
    _, found = references(made("m", "é: 'é | A'\nclass A: pass"))
    assert (found.line, found.column, found.length) == (1, 8, 1)


def test_quotes_see_what_comes_later_and_others_do_not():
    assert meant("x: 'A'\ny: A\nclass A: pass") == [A]
    assert meant("from __future__ import annotations\ny: A\nclass A: pass")[-1] == A


def test_quotes_in_a_class_see_its_names():
    assert last_line("class A:\n class B: pass\n x: 'B'") == [("B", "m.A.B")]
