r"""
# Walk

The order in which code is walked through, and that a reference is where its text is.
"""

import ast

import pytest

from docs_gen.reading.walk import Walk
from tests.docs_gen.linked import last_line, meant


def walk(text, **steps):
    found = Walk("m", text.split("\n"), folders=(), steps=steps)
    found.file(ast.parse(text))
    return found


def test_steps_stand_for_kinds_of_nodes_and_those_for_later_come_last():
    seen = []

    def name(walk, node, scope):
        seen.append((node.id, scope.path))
        walk.later.append(lambda: seen.append(node.id.upper()))

    found = Walk("m", ["a + (b, c.d)"], folders=(), steps={ast.Name: name})
    found.file(ast.parse("a + (b, c.d)"))
    assert seen == [("a", "m"), ("b", "m"), ("c", "m"), "A", "B", "C"]


def test_fields_are_visited_in_the_order_that_is_asked_for():
    seen = []
    steps = {ast.Name: lambda walk, node, scope: seen.append(node.id)}
    found = Walk("m", [], folders=(), steps=steps)
    loop = ast.parse("for a in b:\n c\nelse: d").body[0]
    found.fields(loop, found.module, "orelse iter body target")
    found.fields(ast.parse("def f(*, e, f=f): 0").body[0].args, found.module, "kw_defaults")
    assert seen == ["d", "b", "c", "a", "f"]


def test_a_reference_that_is_not_written_as_we_think_is_left_out():
    found = walk("a = 1")
    found.refer(1, 0, "a", "m.a")
    found.refer(1, 0, "b", "m.b")
    found.refer(1, 0, "a", "")
    assert found.references == [(1, 0, 1, "m.a")]
    node = ast.parse("bcd").body[0].value
    found.refer_to(node, "m.bcd")
    assert len(found.references) == 1


@pytest.mark.parametrize(
    "line, texts",
    [
        ('f"é{a}é{a!r:>{b}}"', "aab"),
        ('("é" f"{a}" "é" f"{b}")', "ab"),
        ('f"{{{a}}}", "{a}", a', "aa"),
        ("f'{a}', f\"{f'{b}'}\"", "ab"),
        ("x[a], x.a, x(a=a), not a", "aaa"),
    ],
)
def test_names_in_strings_that_are_code(line, texts):
    assert last_line(f"a = b = 1\n{line}") == [(text, f"m.{text}") for text in texts]


def test_members_over_several_lines():
    text = "import a\n(a\n .b\n # why\n .c(1).d)"
    assert meant(text) == [("a", "a"), ("a", "a"), ("b", "a.b"), ("c", "a.b.c")]


def test_letters_that_python_reads_as_others():
    # The ligature is the name `fi`.
    assert last_line("fi = 1\nx = ﬁ, a.ﬁ, fi") == [("ﬁ", "m.fi"), ("fi", "m.fi")]
