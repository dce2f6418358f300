import re
import textwrap

import pytest

from docs_gen.translation.wrapping import join_han, key
from docs_gen.writing.notes import READ, units
from tests.docs_gen.modules import ours

BLOCKS = [unit.text for m in ours() for s in m.sections for unit in units(s.note) if unit.is_prose]


@pytest.mark.parametrize(
    "text, one_line",
    [
        ("a b\nc  \n", "a b c"),
        ("a\n   b", "a b"),
        ("# Title", "# Title"),
        ("Title\n===", "Title\n==="),
        ("* a\n  b\n* c\n\n  d\n  e", "* a b\n* c\n\n  d e"),
        ("> a\n> b\n>\n> c", "> a b\n>\n> c"),
        ("1. a\n   * b\n     c", "1. a\n   * b c"),
        ("| a | b |\n|---|---|\n| c | d |", "| a | b |\n|---|---|\n| c | d |"),
        ("a\\\nb", "a\\\nb"),
        ("a  \nb", "a\\\nb"),
        ("* a\n\n  ```\n  x\n  y\n  ```", "* a\n\n  ```\n  x\n  y\n  ```"),
        ("$a\n= b$ c\nd", "$a = b$ c d"),
    ],
)
def test_each_paragraph_is_one_line_and_all_else_keeps_its_lines(text, one_line):
    assert key(text) == one_line


@pytest.mark.slow
def test_the_key_reads_the_same_as_the_block():
    assert len(BLOCKS) > 1000 and sum("\n" in text for text in BLOCKS) > 200
    for text in BLOCKS:
        # A line break that Markdown does not force is a blank.
        before, after = (re.sub(r"\s+", " ", READ.render(t)) for t in (text, key(text)))
        assert before == after, text
        assert key(key(text)) == key(text)


@pytest.mark.slow
@pytest.mark.parametrize("width", [30, 61])
def test_wrapping_a_paragraph_otherwise_changes_no_key(width):
    n_changed = 0
    for text in BLOCKS:
        again = "\n".join(textwrap.wrap(text, width, break_long_words=False))
        # Code may hold blanks that count, and a word may look like a list at the start of a line.
        if [unit.kind for unit in units(text)] == [unit.kind for unit in units(again)] == [
            "paragraph"
        ] and READ.render(again).split() == READ.render(text).split():
            n_changed += again != text
            assert key(again) == key(text)
    assert n_changed > 100


@pytest.mark.parametrize(
    "text, joined",
    [
        ("中文\n中文", "中文中文"),
        ("中文，\n中文", "中文，中文"),
        ("中文\n“中文”\n中文", "中文“中文”中文"),
        ("中文，\nBERT\nGPT\n中文", "中文，BERT GPT 中文"),
        ("使用\n`code`\n来做", "使用 `code` 来做"),
        (
            "**中文**\n中*文*\n[中文](a.html)\n[中](b.html)",
            "**中文**中*文*[中文](a.html)[中](b.html)",
        ),
        ("see “this”\n“that”\n— there", "see “this” “that” — there"),
        ("* 甲\n  乙\n* 丙", "* 甲乙\n* 丙"),
        ("甲\\\n乙", "甲\\\n乙"),
    ],
)
def test_between_chinese_words_a_line_break_is_nothing(text, joined):
    assert join_han(text) == joined
