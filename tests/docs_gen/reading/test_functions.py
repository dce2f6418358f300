r"""
# Functions

A head is looked at when a function is made, a body when the file has been read.
"""

import pytest

from tests.docs_gen.linked import last_line, meant

X = ("x", "m.x")


@pytest.mark.parametrize(
    "text, known",
    [
        # A body sees what the file says at its end, a head what it has said so far.
        ("def f(): return x\nx = 1", [X]),
        ("def f(y=x): return 0\nx = 1", []),
        ("import x\ndef f(y=x): return x\nx = 1", [("x", "x"), ("x", "x"), X]),
        ("g = lambda y=x: x\nx = 1", [X]),
        ("x = 1\ng = lambda x: x", []),
        ("x = 1\ng = lambda *a, **x: (x, a)", []),
        # Own names are own from the first line on.
        ("x = 1\ndef f():\n y = x\n x = 2", []),
        ("x = 1\ndef f(x): return x", []),
        ("x = 1\ndef f(x=x): return 0", [X]),
        ("x = 1\ndef f():\n for x in y: pass\n return x", []),
        ("x = 1\ndef f():\n x += 1\n return x", []),
        ("x = 1\ndef f():\n def g(): return x\n x = 2", []),
        ("x = 1\ndef f():\n global x\n x = 2\n return x", [X]),
        ("x = 1\ndef f():\n x = 2\n def g():\n  nonlocal x\n  x = 3\n  return x", []),
        ("x = 1\ndef f():\n x = 2\n def g():\n  global x\n  return x", [X]),
        ("def f(y: x) -> x: pass\nx = 1", []),
        ("x = 1\nasync def f(y: x, *z: x, w: x = x) -> x: await x", [X] * 6),
        ("x = 1\n@x\ndef x(): return x", [X, X]),
    ],
)
def test_what_a_name_means_in_a_function(text, known):
    assert meant(text) == known


def test_definitions_within_a_function():
    text = "def f():\n    def g(): return g\n    class A(g):\n        b = 1\n    return g, A.b"
    assert last_line(text) == [("g", "m.f.g"), ("A", "m.f.A"), ("b", "m.f.A.b")]


def test_imports_within_a_function_are_its_own():
    text = "def f():\n    from a import b\n    return b.c\nb"
    assert meant(text)[2:] == [("b", "a.b"), ("c", "a.b.c")]


METHODS = """
class A(B):
    def f(self, other):
        self.a = other.b
        [self.c for self.d in other]
        def g(): return self.e, super().f
        return lambda: self.h

    @classmethod
    def k(cls): return cls.i

    @staticmethod
    def s(self): return self.j

    def r(self):
        self.l
        self = 1
"""


def test_members_of_the_object_and_of_the_class():
    found = [target for text, target in meant(METHODS)]
    assert found == [f"m.A.{name}" for name in ["a", "c", "d", "e", "super().f", "h", "i"]]


def test_an_argument_with_a_class_has_its_members_as_long_as_it_is_one():
    head = "class A: x = 1\n"
    assert last_line(head + "def f(a: A): return a, a.x, a.x.y") == [
        ("A", "m.A"),
        ("x", "m.A.x"),
        ("x", "m.A.x"),
        ("y", "m.A.x.y"),
    ]
    assert last_line(head + "def f(a: 'A'): return lambda: a.x")[-1] == ("x", "m.A.x")
    for body in ("a = 1; return a.x", "return [a.x for a in b]", "return lambda a: a.x"):
        assert last_line(head + f"def f(a: A): {body}") == [("A", "m.A")]
    assert last_line(head + "def f(*a: A, **b: A): return a.x, b.x") == [("A", "m.A")] * 2
