r"""
# Parse

The lines of the notes and of the code together are the file: of every file of the repository, and
of programs made of what is hard to parse. What else a page shows of a file is given by examples.
"""

import ast
import random
import sys
import textwrap
from pathlib import Path

import pytest

from docs_gen.parts import Problem, Source
from docs_gen.reading.parse import parse

ROOT = Path(__file__).parents[3]
FOLDERS = ("labnn", "experiments", "docs_gen", "tests", "benchmarks", "scripts")
FILES = sorted(p for folder in FOLDERS for p in (ROOT / folder).rglob("*.py")) + [ROOT / "setup.py"]


def module(text):
    return parse(Source("m", "m.py", "m.html", text))


def rows(text):
    """Kind, name, note and code of the sections; code without the blank lines around it"""
    found = module(text)
    assert not [p for p in found.problems if p.kind == "syntax"]
    code = ["\n".join(found.lines[n - 1] for n in s.code_lines) for s in found.sections]
    return [
        (s.kind, s.name, s.note, c.strip("\n")) for s, c in zip(found.sections, code, strict=True)
    ]


class Bare(ast.NodeTransformer):
    """Takes the strings out of a tree that are written on some lines"""

    def __init__(self, lines):
        self.lines = lines

    def visit_Expr(self, node):
        return ast.Pass() if node.lineno in self.lines else node


def check_lines(text):
    """No line is lost, moved or shown twice."""
    found = module(text)
    normal = text.replace("\r\n", "\n").replace("\r", "\n")
    assert "".join(f"{line}\n" for line in found.lines) == normal + "\n" * (normal[-1:] not in "\n")
    notes = [n for s in found.sections for n in s.note_lines]
    code = [n for s in found.sections for n in s.code_lines]
    assert notes == sorted(notes) and code == sorted(code)
    assert sorted(notes + code) == [*range(1, len(found.lines) + 1)]
    assert len({s.anchor for s in found.sections}) == len(found.sections)
    return found


def check(text):
    """Moreover, what is shown as code is what Python runs, and the notes are not."""
    found = check_lines(text)
    if any(p.kind == "syntax" for p in found.problems):
        return found
    lines, notes = list(found.lines), set()
    for section in found.sections:
        notes.update(section.note_lines)
        for number in section.note_lines:
            lines[number - 1] = ""
        if section.note_lines and section.kind != "comment":
            first = found.lines[section.note_lines[0] - 1]
            lines[section.note_lines[0] - 1] = first[: -len(first.lstrip())] + "pass"
    whole = Bare(notes).visit(ast.parse("\n".join(found.lines)))
    assert ast.dump(ast.parse("\n".join(lines))) == ast.dump(whole)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_notes_and_code_are_the_file(path):
    assert not [p for p in check_lines(path.read_text()).problems if p.kind == "syntax"]


@pytest.mark.slow
@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_python_runs_what_is_shown_as_code(path):
    check(path.read_text())


GOLDEN = {
    "nothing": ("", []),
    "blank lines only": ("\n  \n", [("code", "", "", "  ")]),
    "comments only": (
        "# a\n# b\n\n# c\n",
        [("comment", "", "a\nb", ""), ("comment", "", "c", "")],
    ),
    "a docstring only": ("'''a'''", [("module", "", "a", "")]),
    "a module": (
        '#!/bin/x\n"""\n# T\n"""\nimport a\n# n\nx\n',
        [("module", "", "# T", "#!/bin/x\nimport a"), ("comment", "", "n", "x")],
    ),
    "code first": (
        "import a\n\n# n\nx\n",
        [("code", "", "", "import a"), ("comment", "", "n", "x")],
    ),
    "a class": (
        'class A:\n    """D"""\n    x = 1\n    # n\n    y = 2\n\n\nz = 3\n',
        [
            ("definition", "A", "D", "class A:\n    x = 1"),
            ("comment", "", "n", "    y = 2"),
            ("code", "", "", "z = 3"),
        ],
    ),
    "code after a definition": (
        "def f():\n    '''F'''\n    return 1\n\n\nif a:\n    f()\n",
        [
            ("definition", "f", "F", "def f():\n    return 1"),
            ("code", "", "", "if a:\n    f()"),
        ],
    ),
    "a note after a definition": (
        "def f():\n    '''F'''\n    return 1\n\n\n# n\nif a:\n    f()\n",
        [
            ("definition", "f", "F", "def f():\n    return 1"),
            ("comment", "", "n", "if a:\n    f()"),
        ],
    ),
    "a tool after a definition": (
        "def f():\n    return 1\n# fmt: on\n\n# n\nx\ndef g(): ...\n# fmt: off\ny\n",
        [
            ("definition", "f", "", "def f():\n    return 1\n# fmt: on"),
            ("comment", "", "n", "x"),
            ("definition", "g", "", "def g(): ..."),
            ("code", "", "", "# fmt: off\ny"),
        ],
    ),
    "code after a method and after its class": (
        "class A:\n    def f(self):\n        '''F'''\n        return 1\n\n"
        "    g = f\nx = A()\ny = x\n",
        [
            ("definition", "A", "", "class A:"),
            ("definition", "A.f", "F", "    def f(self):\n        return 1"),
            ("code", "", "", "    g = f"),
            ("code", "", "", "x = A()\ny = x"),
        ],
    ),
    "a definition in a block": (
        "try:\n    def f():\n        '''F'''\n    x\nexcept E:\n    f = 1\n",
        [
            ("code", "", "", "try:"),
            ("definition", "f", "F", "    def f():"),
            ("code", "", "", "    x\nexcept E:\n    f = 1"),
        ],
    ),
    "decorators": (
        'x\n@a\n@b(1)\nasync def f(\n    c,\n) -> d:\n    r"""\n    D\n    """\n    return c\n',
        [
            ("code", "", "", "x"),
            ("definition", "f", "D", "@a\n@b(1)\nasync def f(\n    c,\n) -> d:\n    return c"),
        ],
    ),
    "nested": (
        "def f():\n    '''F'''\n    class B:\n"
        "        def g(self):\n            '''G'''\n    return B\n",
        [
            ("definition", "f", "F", "def f():"),
            ("definition", "f.B", "", "    class B:"),
            ("definition", "f.B.g", "G", "        def g(self):"),
            ("code", "", "", "    return B"),
        ],
    ),
    "one line": (
        "def f(): 'D'\nclass A: pass\nx\n",
        [
            ("definition", "f", "", "def f(): 'D'"),
            ("definition", "A", "", "class A: pass"),
            ("code", "", "", "x"),
        ],
    ),
    "overloads": (
        "@o\ndef f(a): ...\n@o\ndef f(b): ...\ndef f(c):\n    '''D'''\n",
        [
            ("definition", "f", "", "@o\ndef f(a): ..."),
            ("definition", "f", "", "@o\ndef f(b): ..."),
            ("definition", "f", "D", "def f(c):"),
        ],
    ),
    "after code and before a dedent": (
        "if a:\n    b  # t\n    # end\nelse:\n    # n\n    c\n# m\nd\n",
        [
            ("code", "", "", "if a:\n    b  # t"),
            ("comment", "", "end", "else:"),
            ("comment", "", "n", "    c"),
            ("comment", "", "m", "d"),
        ],
    ),
    "in brackets": (
        "f(\n    # a\n    x,\n    # b\n    lambda y: y,\n)\n",
        [
            ("code", "", "", "f("),
            ("comment", "", "a", "    x,"),
            ("comment", "", "b", "    lambda y: y,\n)"),
        ],
    ),
    "match": (
        "match a:\n    # one\n    case 1:\n        def f():\n            '''F'''\n",
        [
            ("code", "", "", "match a:"),
            ("comment", "", "one", "    case 1:"),
            ("definition", "f", "F", "        def f():"),
        ],
    ),
    "strings": (
        "x = '# a' + '''\n# b\n\"\"\"\n'''\n'''\n# c\n'''\n",
        [("code", "", "", "x = '# a' + '''\n# b\n\"\"\"\n'''\n'''\n# c\n'''")],
    ),
    "tabs": (
        "class A:\n\t'''D'''\n\t# n\n\tx = 1\n",
        [("definition", "A", "D", "class A:"), ("comment", "", "n", "\tx = 1")],
    ),
    "backslashes": (
        "x = \\\n    1\n# n\nif x and \\\n  y: z\n",
        [("code", "", "", "x = \\\n    1"), ("comment", "", "n", "if x and \\\n  y: z")],
    ),
    "form feeds and other signs that end no line": (
        "x\n\f\n# n\x85\u2028m\ny = '\x85\u2028\x1c'\f\n",
        [("code", "", "", "x\n\f"), ("comment", "", "n\ufffd\u2028m", "y = '\x85\u2028\x1c'\f")],
    ),
    "other alphabets": (
        "class Größe:\n    '''大小'''\n"
        "    def 大(self):\n        '''é'''\n        return 'é'  # 大\n",
        [
            ("definition", "Größe", "大小", "class Größe:"),
            ("definition", "Größe.大", "é", "    def 大(self):\n        return 'é'  # 大"),
        ],
    ),
    "tools": (
        "# a\n# noqa\nx  # type: int\n#: b\n# fmt: off\n",
        [("comment", "", "a", "# noqa\nx  # type: int\n#: b\n# fmt: off")],
    ),
    "a sign alone": (
        "# a\nx\n#\ny\n",
        [("comment", "", "a", "x"), ("comment", "", "", "y")],
    ),
}
if sys.version_info >= (3, 12):
    GOLDEN["type aliases"] = (
        "# n\ntype X[T] = (\n    # m\n    T\n)\n",
        [("comment", "", "n", "type X[T] = ("), ("comment", "", "m", "    T\n)")],
    )


@pytest.mark.parametrize("name", GOLDEN)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
def test_sections_are(name, end):
    text, expected = GOLDEN[name]
    assert rows(text.replace("\n", end)) == expected
    check(text.replace("\n", end))


PIECES = """
x = 1
# n|# m
# n||# m
    # deeper
x = 1  # t
"string"
x = '''|# no|\"\"\"|'''
x = (|# b|  1,|)
x = \\|  2
# noqa
#
##########
\f
x = f"{1}#"
x = lambda: 0
async def f(a, # t|# c|b): return 1
@(|d|)|# c|def f(): ...
def f():|    '''D'''
def f():|    # c|    r'''|    D \\b|      * x|    '''|    # e
def f():|    '''D'''; x
def f():|    'D' 'E'
def f():|    ('D'|    )
class é:|    u"D"|    x: int = 1|    \"\"\"attribute\"\"\"
class A: '''D|    '''
if x:|    pass|# n|else:|    # m|    pass
try:|    def f(): ...|finally:|    pass
match x:|    case [1, *_]:|        # n|        def f():|            '''D'''
"""
HEADERS = ("class A:", "def f(self):", "if x:", "with x:", "for y in z:", "async def g(): # t")


def program(random):
    """Pieces in any order, some of them within each other"""
    parts = []
    for _ in range(random.randint(1, 5)):
        part = random.choice(PIECES.strip("\n").split("\n")).replace("|", "\n")
        for _ in range(random.randint(0, 2)):
            doc = random.choice(("", "'''D'''\n", "# c\n'''D\n\nE'''\n", "# c\n"))
            body = textwrap.indent(doc + part + "\npass", random.choice(("  ", "\t")))
            part = random.choice(("", "@d\n", "# c\n")) + random.choice(HEADERS) + "\n" + body
            part = (
                part.replace("@d\nif", "if").replace("@d\nwith", "with").replace("@d\nfor", "for")
            )
        parts.append(part + random.choice(("\n", "\n\n", "\n  \n", "\n\f\n")))
    text = random.choice(("", "# licence\n", "'''M'''\n", "#!x\n\n'''M\n'''\n", "\n"))
    return (text + "".join(parts)).replace("\n", random.choice(("\n", "\r\n", "\r")))


@pytest.mark.parametrize("seed", range(20))
def test_programs_made_by_chance_are_kept_whole(seed):
    chance = random.Random(seed)
    readable = 0
    for _ in range(20):
        text = program(chance)
        readable += not any(p.kind == "syntax" for p in check(text).problems)
        # Also when the file is cut off in the middle
        check(text[: chance.randint(0, len(text))])
    assert readable >= 10


@pytest.mark.parametrize(
    "text, line, what",
    [
        ("x\ny = (\n", 2, "'(' was never closed"),
        ("if x:\ny\n", 2, "expected an indented block"),
        ("x\n\0\n", 0, "null bytes"),
        ("x\n'\udcff'\n", 2, "a byte that does not belong to the encoding"),
        ("# coding: nonsense\n", 0, "unknown encoding"),
        ("x = " + "-" * 100_000 + "1\n", 0, "this is nested too deeply"),
        ("x = " + "1 + " * 20_000 + "1\n", 0, "this is nested too deeply"),
        ("if x: 1\n" + "elif x: 1\n" * 3_000, 0, "this is nested too deeply"),
        ("x\ny = " + "(" * 1_000 + ")" * 1_000 + "\n", 2, "this is nested too deeply"),
        ("'''\n", 1, "unterminated"),
    ],
)
def test_a_file_that_is_not_python_is_code_with_a_problem(text, line, what):
    found = module(text)
    (problem,) = found.problems
    assert (problem.path, problem.kind) == ("m.py", "syntax") and "\n" not in str(problem)
    assert problem.line == line and what in problem.what
    assert problem.what.startswith("not Python: ") != problem.what.startswith("this is nested too ")
    (section,) = found.sections
    assert section.kind == "code" and section.code_lines == (*range(1, len(found.lines) + 1),)
    assert not found.definitions
    "".join(found.lines).encode()


def test_odd_strings_of_others_are_no_error():
    # Python warns of these, and a warning is an error here.
    assert not module("'''M'''\nx = '\\d'\ny = 1if x else 2\n").problems


def test_missing_notes_are_told():
    found = module(
        "'''M'''\ndef f(): ...\ndef _g(): ...\nclass A:\n    def h(self):\n        def i(): ...\n"
        "# Note\ndef j(): ...\ndef k(): 'D'\n@o\ndef l(a): ...\ndef l(b):\n    '''D'''\n"
        "def m(): ...\ndef m(): ...\n"
    )
    names = [(2, "f"), (4, "A"), (5, "A.h"), (14, "m")]
    assert found.problems == tuple(Problem("m.py", n, f"{f} has no note") for n, f in names)


def test_a_docstring_with_a_backslash_must_be_raw():
    found = module("'''\na\n$\\beta$\n'''\nclass A:\n    r'''\\b'''\nx = '\\b'\n")
    what = 'docstring has a backslash but is not raw: use r"""'
    assert found.problems == (Problem("m.py", 3, what, "maths"),)
    assert [s.note for s in found.sections] == ["a\n$\\beta$", "\\b", ""]


@pytest.mark.parametrize(
    "docstring, front, note",
    [
        ("\n---\ntitle: T\n---\n\n# H\n\ntext\n", {"title": "T"}, "# H\n\ntext"),
        ("---\nsummary: >\n  a\n  b\n---\n# H", {"summary": "a b\n"}, "# H"),
        ("---\ntitle: T\n---", {"title": "T"}, ""),
        ("# H\n---\ntitle: T\n---\n", {}, "# H\n---\ntitle: T\n---"),
        ("---\ntitle: T\n", {}, "---\ntitle: T"),
        ("---\n---\n# H", {}, "---\n---\n# H"),
        ("---\ntext\n---\n# H", {}, "---\ntext\n---\n# H"),
        ("--- a\nb: c\n---\n", {}, "--- a\nb: c\n---"),
    ],
)
def test_front_matter_is_read_and_not_shown(docstring, front, note):
    found = module(f"'''{docstring}'''\n")
    assert found.front == front and found.sections[0].note == note and not found.problems
    assert len(found.sections[0].note_lines) == len(found.lines)


@pytest.mark.parametrize("yaml", ["a: b: c", "a: [", "a: 2020-99-99", "a: !!python/name:os.system"])
def test_front_matter_that_is_not_yaml_is_told(yaml):
    found = module(f"'''\n---\n{yaml}\n---\n# H\n'''\n")
    assert found.front == {} and found.sections[0].note == "# H"
    (problem,) = found.problems
    assert "the front matter is not YAML" in str(problem) and "\n" not in str(problem)


def test_definitions_are_those_of_the_file():
    found = module("class A:\n    x = 1\n    def L1(self): ...\ndef L1(): ...\n")
    assert [*found.definitions] == ["A", "A.x", "A.L1", "L1"]
    assert [found.anchor(name) for name in found.definitions] == [
        "A",
        "A.x",
        "A.L1",
        "L1-definition",
    ]
