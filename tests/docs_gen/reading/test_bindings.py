r"""
# Bindings

The names that a function binds are those that Python's `symtable` calls local.
"""

import ast
import symtable

import pytest

from docs_gen.reading.bindings import locals_of, own_meanings, shared_with
from docs_gen.reading.meanings import UNKNOWN, Meaning, Scope
from tests.docs_gen.linked import nodes

BODIES = r"""
a = b = (c, [d, *e]) = 1
a: int
a: int = 1
a += 1
a.b = a[c] = 1
for a in b: c = d
async def a(b): c = 1
class a(b): c = 1
import a.b.c, d as e
from a import b, c as d
with a as b, c as (d, e): f = 1
try: a = 1\nexcept B as c: d = 1\nexcept E: pass\nelse: f = 1\nfinally: g = 1
match a:\n case [b, *c]: d = 1\n case {'k': e, **f}: g = 1\n case H(i=j) | j: 1\n case _ as k: 1
[a for a in b if (c := a)]
{a: (b := c) for a in d}
x = lambda a: (b, c)
if (a := 1): pass
while a: del b
print(a, b.c)
global a; a = 1
"""


@pytest.mark.parametrize("body", BODIES.strip().split("\n"))
def test_local_names_are_those_that_python_says(body):
    body = body.replace("\\n", "\n").replace("\n", "\n ")
    text = f"async def f():\n {body}"
    (table,) = symtable.symtable(text, "m.py", "exec").get_children()
    known = {s.get_name() for s in table.get_symbols() if s.is_local()}
    function = ast.parse(text).body[0]
    scope = Scope("module", "m")
    shared = shared_with(function.body, scope)
    assert set(locals_of(function.body)) - set(shared) == known


def test_what_is_shared_with_the_scopes_around():
    outer = Scope("function", "m.f", Scope("module", "m"))
    inner = Scope("class", "m.f.A", outer)
    (function,) = nodes("def f():\n if x:\n  nonlocal a\n global b, c\n def g(): global d", ast.If)
    assert shared_with([function], inner) == {"a": outer}
    (function, _) = nodes("def f():\n global b, c\n def g(): global d", ast.FunctionDef)
    assert shared_with(function.body, inner) == dict.fromkeys("bc", outer.outer)


def meanings(text, scope):
    return own_meanings(nodes(text, (ast.FunctionDef, ast.Lambda))[0], scope)


def test_arguments_with_a_class_are_objects_of_it():
    scope = Scope("module", "m")
    scope.bind("A")
    found = meanings("def f(a: A, b, /, c: A, *d: A, e: A | None = None, **f: A): pass", scope)
    known = Meaning("m.A", is_link=False)
    assert found == {"a": known, "c": known, "e": known} | {
        "b": Meaning("", False),
        "d": UNKNOWN,
        "f": UNKNOWN,
    }


def test_the_first_argument_of_a_method_is_the_object():
    scope = Scope("class", "m.A", Scope("module", "m"))
    own = Meaning("m.A", is_link=False)
    assert meanings("def f(this, x): pass", scope)["this"] == own
    assert meanings("@classmethod\ndef f(cls, /): pass", scope) == {"cls": own}
    assert meanings("@staticmethod\ndef f(x): pass", scope)["x"].target == ""
    assert meanings("x = lambda x: x", scope)["x"].target == ""
    assert meanings("def f(*all): pass", scope) == {"all": UNKNOWN}
    assert meanings("def f(self): pass", scope.outer)["self"].target == ""
