r"""
# Literals

Where code ends, and the fence around it.
"""

import pytest

from docs_gen.reading.literals import FENCE, SESSION, deeper, fence, fenced, session
from docs_gen.writing.notes import READ


def lines(text):
    return text.split("\n")


@pytest.mark.parametrize(
    "text, end",
    [
        ("a", 1),
        ("a\nb", 1),
        ("a\n  b\n c\nd", 3),
        ("a\n\n  b\n\n  c\n\nd", 5),
        ("a\n  b\n\n", 2),
        ("", 1),
    ],
)
def test_what_is_indented_below_a_line(text, end):
    assert deeper(lines(text), 0) == end


def test_a_margin_is_that_of_the_line():
    assert deeper(lines("a\n  b\n    c\n  d"), 1) == 3


@pytest.mark.parametrize(
    "text, end",
    [
        (">>> f(1)\n2", 2),
        (">>> f(1)\n2\nno answer, but nobody can know\n\ntext", 3),
        (">>> f(1)\n2\n\n>>> f(2)\n3\n\ntext", 5),
        (">>> f(1)\n\n", 1),
    ],
)
def test_a_session_ends_with_its_last_answer(text, end):
    assert session(lines(text), 0)[0] == end


def test_a_session_is_code():
    _, made = session(lines("  >>> if x:\n  ...     f()\n  1\n\nb"), 0)
    (token,) = READ.parse("\n".join(made))
    assert (token.type, token.info) == ("fence", "pycon")
    assert token.content == ">>> if x:\n...     f()\n1\n"


def test_prompts_deep_within_are_code_already():
    assert SESSION.match("   >>> x") and not SESSION.match("    >>> x")
    assert not SESSION.match(">>>x") and not SESSION.match("> > > x")


@pytest.mark.parametrize("marks", ["```", "~~~~"])
def test_a_fence_is_left_as_it_is(marks):
    text = lines(f"{marks}python\n>>> x\n{marks}\n>>> y")
    assert FENCE.match(text[0])
    assert fenced(text, 0) == (3, text[:3])


def test_a_fence_that_nobody_closes_goes_on_to_the_end():
    assert fenced(lines("```\na\nb"), 0)[0] == 3


def test_code_with_a_fence_has_a_longer_one():
    (token,) = READ.parse("\n".join(fence("text", lines("```\na\n```"))))
    assert token.content == "```\na\n```\n"
