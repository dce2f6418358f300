r"""
# Parts

What other stages rely on.
"""

from dataclasses import replace

from docs_gen.parts import Module, Problem, Section, Source


def module():
    sections = (
        Section("module", "page-top", note="# A\nb", note_lines=(1, 2, 3), code_lines=(4,)),
        Section("definition", "f-2", name="f", note_lines=(6,), code_lines=(5,)),
    )
    lines = ('"""', "# A", 'b"""', "", "def f():", '    """b c"""')
    return Module(Source("p.a", "p/a.py", "p/a.html", ""), lines, sections, {})


def test_a_problem_is_one_line_that_leads_to_its_place():
    assert str(Problem("a.py", 3, "is wrong")) == "a.py:3: is wrong"
    assert str(Problem("a.py", 0, "is wrong")) == "a.py: is wrong"


def test_problems_are_sorted_by_place():
    later, first = Problem("b.py", 1, "x"), Problem("a.py", 20, "x")
    assert sorted([later, Problem("a.py", 9, "y"), first]) == [
        Problem("a.py", 9, "y"),
        first,
        later,
    ]


def test_a_package_is_known_by_its_file():
    assert Source("p", "p/__init__.py", "p/index.html", "").is_package
    assert not Source("p.a", "p/a__init__.py", "p/a.html", "").is_package


def test_something_in_a_note_has_a_line():
    first, second = module().sections
    assert module().line_of(first, "b\nmore") == 3
    assert module().line_of(second, " b c") == 6
    # What is not written so, a translation for instance, is somewhere in the note.
    assert module().line_of(first, "none") == 1
    assert module().line_of(Section("code", "s-1"), "none") == 0


def test_a_definition_is_where_its_section_says():
    assert module().anchor("f") == "f-2"
    assert module().anchor("g") == "g"


def test_a_definition_is_not_where_its_stub_is():
    stub, whole = (Section("definition", anchor, name="f") for anchor in ("f-2", "f"))
    assert replace(module(), sections=(stub, whole)).anchor("f") == "f"
