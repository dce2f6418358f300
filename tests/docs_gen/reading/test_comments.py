r"""
# Comments

Only what has its line to itself and speaks to a person is a note.
"""

import io
import sys
import tokenize

import pytest

from docs_gen.reading.comments import blocks


def told(text):
    """Line numbers and texts of the blocks"""
    found = blocks(list(tokenize.generate_tokens(io.StringIO(text).readline)))
    return [([*block.lines], block.text) for block in found]


def test_lines_at_one_indent_are_one_block():
    text = "# a\n# b\nif x:\n    # c\n    y\n    # d\n# e\n\n# f\n"
    assert told(text) == [([1, 2], "a\nb"), ([4], "c"), ([6], "d"), ([7], "e"), ([9], "f")]


def test_comments_after_code_stay_code():
    assert told("x = 1  # a\nz = 3 \\\n# c\n") == []
    assert told("x = (1,  # a\n     # b\n     2)\n") == [([2], "b")]


@pytest.mark.parametrize("quotes", ['"""', "'''"])
@pytest.mark.parametrize("prefix", ["", "r", "b", "f", "rb"])
def test_a_number_sign_in_a_string_is_no_comment(quotes, prefix):
    assert told(f"x = {prefix}{quotes}\n# a\n{quotes}\n# b\n") == [([4], "b")]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="a syntax of Python 3.12")
def test_a_comment_in_a_formatted_string_stays_code():
    assert told('x = f"""{\n# a\n1}\n"""\n# b\n') == [([5], "b")]


@pytest.mark.parametrize(
    "line",
    [
        "#!/usr/bin/env python", "#: an attribute", "#:", "# noqa", "#noqa: E501", "# NOQA",
        "# type: ignore", "# pragma: no cover", "# pragma no cover", "# fmt: off", "# ruff: noqa",
        "# pylint: disable=all", "# mypy: ignore-errors", "# isort: skip", "# -*- coding: utf-8",
        "# coding=utf-8", "# vim: set ts=4", "# %%", "#%% cell", "# region Name", "#endregion",
    ],
)  # fmt: skip
def test_what_speaks_to_a_tool_stays_code(line):
    assert told(f"# a\n{line}\n# b\nx\n") == [([1], "a"), ([3], "b")]


@pytest.mark.parametrize(
    "line",
    [
        "type of the layer",
        "regions",
        "format: wide",
        "pragmatic",
        "noqas",
        "! wow",
        "% of all",
        ": x",
    ],
)
def test_what_only_resembles_it_is_a_note(line):
    assert told(f"# {line}\nx\n") == [([1], line)]


@pytest.mark.parametrize(
    "text, note",
    [
        ("#a\n#b\n", "a\nb"),
        ("#\ta\n", "a"),
        ("# * a\n#   * b\n#\n#     c\n", "* a\n  * b\n\n    c"),
        ("#   a\n#   b  \n", "  a\n  b"),
        ("#\n# a\n#\n", "a"),
        ("#\n", ""),
        ("#### Title\n", "### Title"),
        ("# ## Title\n", "## Title"),
        ("## a\n## b\n", "a\nb"),
        ("## Title\n# text\n", "# Title\ntext"),
        ("######\n# Title\n# ====\n", "Title"),
        ("# ------- #\n# a\n# ---\n", "a\n---"),
        ("# a|b\n# -|-----\n", "a|b\n-|-----"),
        ("# $\\beta$ \\b\n", "$\\beta$ \\b"),
    ],
)
def test_the_text_is_markdown(text, note):
    assert [note for _, note in told(text)] == [note]


def test_a_form_feed_before_a_comment_is_no_sign():
    assert told("\f# a\n\t# b\n") == [([1], "a"), ([2], "b")]
