r"""
# Sections

Where a section begins, and that its address stays.
"""

import io
import re
import tokenize

import pytest

from docs_gen.reading import names
from docs_gen.reading.comments import blocks
from docs_gen.reading.docstrings import headers
from docs_gen.reading.sections import cut, starts

FILE = '''"""Title"""
import a

# Note
x = 1


class A:
    """A class"""

    # Note
    y = 2

    def f(self):
        # Inner
        return 3

    @property
    def g(self): ...

    @g.setter
    def g(self, value): ...

# Last
def L47(): ...
'''


def sections(text):
    lines = text.split("\n")[:-1]
    tree = names.tree(text)
    tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    return cut(starts(headers(tree, tokens), blocks(tokens), lines), lines)


def anchors(text):
    return [section.anchor for section in sections(text)]


def test_addresses_are_names_and_hashes():
    # The first six digits of what `printf Note | sha1sum` prints, and so on
    note, inner = "s-2c924e", "s-df6bbd"
    assert anchors(FILE) == [
        "page-top", note, "A", f"{note}-2", "A.f", inner, "A.g", "A.g-2", "L47-definition"
    ]  # fmt: skip


def test_addresses_stay_when_a_comment_is_added():
    before = anchors(FILE)
    for number, line in enumerate(FILE.split("\n")[:-1]):
        if number and not line.startswith(" "):
            lines = FILE.split("\n")
            lines.insert(number, "\n# New\n")
            after = anchors("\n".join(lines))
            # A definition that had no note gets the new one, and no new address.
            assert [a for a in after if a in before] == before
            assert len(after) - len(before) == 1


def test_addresses_of_sections_cannot_be_names_or_lines():
    for anchor in anchors(FILE):
        assert anchor.replace(".", "").isidentifier() or "-" in anchor
        assert not re.fullmatch(r"L\d+", anchor)


def test_code_without_a_note_is_known_by_its_first_line():
    first = anchors("import a\nx = 1\n# n\n")[0]
    assert anchors("\n\nimport a\ny = 2\n# n\n")[0] == first != anchors("import b\n# n\n")[0]
    assert re.fullmatch("s-[0-9a-f]{6}", first)
    # A sign alone only ends what is above it.
    assert anchors("x\n#\nimport a\n")[1] == first


@pytest.mark.parametrize(
    "between, is_joined",
    [("", True), ("\n\n", True), ("x = 1\n", False), ("# noqa\n", False), ("  \n", True)],
)
def test_a_comment_right_above_a_definition_is_its_note(between, is_joined):
    found = sections(f"# Note\n{between}@d\ndef f():\n    return 1\n")
    assert [(s.kind, s.name, s.note) for s in found] == (
        [("comment", "f", "Note")]
        if is_joined
        else [("comment", "", "Note"), ("definition", "f", "")]
    )


def test_a_comment_of_another_indent_is_not():
    found = sections("class A:\n    x = 1\n    # End\n\ndef f(): ...\n")
    assert [(s.kind, s.name) for s in found][1:] == [("comment", ""), ("definition", "f")]


def test_a_comment_has_one_definition_only():
    found = sections("# Note\nclass A:\n    def f(self): ...\n")
    assert [(s.kind, s.name) for s in found] == [("comment", "A"), ("definition", "A.f")]


def test_a_definition_with_a_docstring_leaves_the_comment_alone():
    found = sections('# Note\ndef f():\n    """Text"""\n')
    assert [(s.kind, s.name, s.note) for s in found] == [
        ("comment", "", "Note"),
        ("definition", "f", "Text"),
    ]


def test_what_is_above_the_note_of_a_module_belongs_to_it():
    found = sections('#!/bin/x\n# Licence\n\n"""Title"""\nx\n')
    assert [(s.kind, s.note_lines, s.code_lines) for s in found] == [("module", (4,), (1, 2, 3, 5))]


def test_what_is_said_within_a_header_stays_there():
    text = '@d\n# a\ndef f(\n    # b\n    x,\n):\n    # c\n    """T"""\n    # d\n'
    found = sections(text)
    assert [(s.note, s.code_lines) for s in found] == [("T", (1, 2, 3, 4, 5, 6, 7)), ("d", ())]


def test_blank_lines_at_the_top_are_no_section():
    assert [(s.kind, s.code_lines) for s in sections("\n\n# a\nx\n")] == [("comment", (1, 2, 4))]
    assert sections("") == ()


STUBS = """\
class A:
    @overload
    def f(self, a: int): ...
    @typing.overload  # why
    def f(self, a: str): ...
    def f(self, a): return a
    @property
    def g(self): ...
    @g.setter
    def g(self, value): ...
@overload
def h(a: int): ...
@overload
def h(a: str): ...
"""


def test_a_stub_leaves_the_address_to_what_it_stands_for():
    # Where there is nothing else the first stub has it, and a property is its getter.
    assert anchors(STUBS) == ["A", "A.f-2", "A.f-3", "A.f", "A.g", "A.g-2", "h", "h-2"]


def test_code_after_a_definition_is_known_by_its_first_line():
    text = "import a\ndef f(): ...\n\nimport a\ndef g(): ...\nx = 1\n"
    first = anchors("import a\n")[0]
    assert anchors(text) == [first, "f", f"{first}-2", "g", anchors("x = 1\n")[0]]
