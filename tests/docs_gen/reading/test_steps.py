r"""
# Steps

Which names mean something else after a statement, and from where on.
"""

import pytest

from docs_gen.reading.scopes import read
from tests.docs_gen.linked import last_line, made, meant


@pytest.mark.parametrize(
    "text, known",
    [
        ("from a import b\nb = b", [("b", "a.b")]),
        ("from a import b\nb: b = b", [("b", "a.b"), ("b", "a.b")]),
        ("from a import b\nb = 1\nb", [("b", "m.b")]),
        ("b = 1\nfrom a import b\nb", [("b", "a.b")]),
        ("from a import b\nclass b(b): pass", [("b", "a.b")]),
        ("from a import b\nb += 1", []),
        ("from a import b\nfor b in b: b", [("b", "a.b"), ("b", "m.b")]),
        ("from a import b\nwith b as b: b", [("b", "a.b"), ("b", "m.b")]),
        ("x\nx = 1", []),
        ("x = 1\nx.y = x.z", [("x", "m.x"), ("y", "m.x.y"), ("x", "m.x"), ("z", "m.x.z")]),
        ("x = 1\nf(x=x, y=1)", [("x", "m.x")]),
        ("x = 1\nprint('x', [x][x])", [("x", "m.x"), ("x", "m.x")]),
    ],
)
def test_a_name_means_what_it_was_given_last(text, known):
    assert last_line(text) == known


X = ("x", "m.x")


@pytest.mark.parametrize(
    "text, known",
    [
        ("[x for x in x]", [X]),
        ("[x for y in x]", [X, X]),
        ("{x: y for y in x if x}", [X, X, X]),
        ("{x: 1 for x in x for y in x}", [X]),
        ("(x for y in y for x in x)", []),
        ("{y for y in z for z in x}", [X]),
        ("[[x for y in x] for x in x]", [X]),
        ("[y for x.y in x]", [X, ("y", "m.x.y"), X]),
    ],
)
def test_a_comprehension_keeps_its_variables(text, known):
    found = last_line(f"x = 1\n{text}")
    assert sorted(found) == sorted(known)


def test_the_names_of_a_comprehension_end_with_it():
    assert last_line("x = 1\n[x for x in y]\nx") == [X]
    assert last_line("def f():\n [x := 1 for y in z]\n x\nx = 1\ndef x(): 0\nx") == [X]


def test_an_assignment_within_a_comprehension_reaches_out():
    text = "x = 1\ndef f():\n    [(x := y) for y in z]\n    return x"
    assert last_line(text) == []


def test_names_that_are_caught():
    text = "x = y = 1\ndef f():\n try: 0\n except x as y: y\n return x, y"
    assert meant(text) == [X, X]
    text = "x = y = z = 1\ndef f(a):\n match a:\n  case [x, *y] if z: 0\n  case {**z}: 0\n x, y, z"
    assert meant(text) == []
    assert last_line("from a import B\nmatch x:\n case B(c=1) as d: d") == [
        ("B", "a.B"),
        ("d", "m.d"),
    ]


CLASS = """
x = 1
class A:
    x = x
    y = x
    class B:
        y = x
    def f(self, z=x):
        return x
    z = [x for i in x]
    @x
    def x(self): pass
    w = x
"""


def test_the_body_of_a_class_is_not_seen_from_within_its_scopes():
    own = ("x", "m.A.x")
    assert meant(CLASS) == [X, own, X, own, X, X, own, own, own]


def test_names_of_a_class_that_are_not_given_yet_are_those_outside():
    assert last_line("x = 1\nclass A:\n    y = x; x = 2; z = x") == [X, ("x", "m.A.x")]


def test_a_class_is_not_there_in_its_own_body():
    assert meant("class A:\n x = A\n def f(self): return A") == [("A", "m.A")]


def test_bases_and_aliases():
    text = """
        import a
        class A(a.B, Generic[T], f(), metaclass=a.M):
            C = a.D
            kind: a.K
            class E(C): pass
        F = G = A
        def f():
            class H(F): x = a
            z = a
        for y in a: pass
    """
    found = read(made("m", text).source)
    assert found.bases == {"m.A": ["a.B"], "m.A.E": ["m.A.C"], "m.f.H": ["m.F"]}
    assert found.aliases == {
        "m.A.C": "a.D",
        "m.A.kind": "a.K",
        "m.F": "m.A",
        "m.G": "m.A",
        "m.f.H.x": "a",
    }
