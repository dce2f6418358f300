r"""
# Docstrings

They are compared with `ast.get_docstring`, where that is right.
"""

import ast
import io
import tokenize

import pytest

from docs_gen.reading.docstrings import headers


def read(text):
    """The headers of a text by name"""
    tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    return {header.name: header for header in headers(ast.parse(text), tokens)}


@pytest.mark.parametrize("quotes", ['"""', "'''", '"', "'"])
@pytest.mark.parametrize("prefix", ["", "r", "R", "u", "U"])
def test_each_plain_string_is_a_note(quotes, prefix):
    note = read(f"def f():\n    {prefix}{quotes}It # is{quotes}  \n")["f"].docstring
    assert (note.text, [*note.lines]) == ("It # is", [2])


@pytest.mark.parametrize(
    "text",
    [
        'def f(): "a"\n',
        'def f():\n    "a"; x\n',
        'def f():\n    "a" "b"\n',
        'def f():\n    ("a")\n',
        'def f():\n    (\n    "a"\n    )\n',
        'def f():\n    "a"  # noqa\n',
        'def f():\n    "a" \\\n\n    x\n',
        'def f(): \\\n    "a"\n',
        'def f():\n    ("a"\n    "b")\n',
        'class f: """a\n    """\n',
    ],
)
def test_a_string_that_shares_its_lines_stays_code(text):
    assert ast.get_docstring(ast.parse(text).body[0]) is not None
    header = read(text)["f"]
    assert header.docstring is None and header.is_told


@pytest.mark.parametrize(
    "body", ['b"a"', 'f"a"', "1", "x = 'a'", "'a' + b", "pass\n    'a'", "..."]
)
def test_what_is_no_docstring_is_no_note(body):
    header = read(f"def f():\n    {body}\n")["f"]
    assert header.docstring is None and not header.is_told


@pytest.mark.parametrize(
    "raw", ["a", "\n    a\n    b\n    ", "a\n\n      b\n    c\n", "\n    a\n\tb", "  a  ", "\n\n"]
)
def test_the_text_is_dedented_as_python_does_it(raw):
    text = f'def f():\n    """{raw}"""\n'
    assert read(text)["f"].docstring.text == ast.get_docstring(ast.parse(text).body[0])


def test_escapes_are_not_evaluated():
    text = 'def f():\n    """\n    a\n\n    $\\beta \\frac$\n    """\n'
    note = read(text)["f"].docstring
    assert (note.text, note.escape) == ("a\n\n$\\beta \\frac$", 5)
    note = read(text.replace('"""', 'r"""', 1))["f"].docstring
    assert (note.text, note.escape) == ("a\n\n$\\beta \\frac$", 0)


def test_a_backslash_after_the_quotes_only_joins_lines():
    note = read('def f():\n    """\\\n    a\n    """\n')["f"].docstring
    assert (note.text, note.escape) == ("a", 0)


def test_definitions_are_found_wherever_they_stand():
    text = """
if a:
    def f(): x
else:
    class g:
        async def h(self):
            def i(): x
try:
    def j(): x
except E:
    def k(): x
finally:
    def l(): x
with a:
    def m(): x
for x in a:
    def n(): x
while a:
    def o(): x
match a:
    case 1:
        def p(): x
"""
    assert [*read(text)] == ["", "f", "g", "g.h", "g.h.i", *"jklmnop"]


def test_a_header_begins_with_its_decorators():
    text = (
        "@a\n@b(\n  1,\n)\n# note\ndef f(): x\n@\\\na\nclass g: x\n@(\n  a\n)\nasync def h(): x\n"
    )
    assert [(h.first, h.line) for h in read(text).values()] == [(1, 1), (1, 6), (7, 9), (10, 13)]


def test_others_use_what_is_public_and_not_local():
    text = (
        "class A:\n  def b(self):\n    def c(): x\n  def _d(self): x\n  def __init__(self): x\n"
        "class _E:\n  def f(self): x\n"
    )
    assert [h.name for h in read(text).values() if h.is_open] == ["", "A", "A.b"]


def test_a_long_chain_of_conditions_is_no_problem():
    text = "if a: x\n" + "elif a: x\n" * 150 + "else:\n    def f(): x\n"
    assert read(text)["f"].line == 153
