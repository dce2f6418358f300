import pytest

from docs_gen.translation.pairs import HOLE, faults, interface_faults, prose
from docs_gen.writing.notes import units
from tests.docs_gen.modules import ours

ENGLISH = (
    "The `mask` hides $x_i$ and $$y$$, see [MLM](mlm.html#MLM), ![A curve](loss.svg) "
    'and <a id="here"></a>`mask`.'
)
RIGHT = (
    '见 [掩码语言模型](mlm.html#MLM)：`mask` 掩盖 $x_i$ 和 $$y$$，<a id="here"></a>`mask` '
    "与 ![曲线](loss.svg)。"
)


def test_what_is_kept_may_stand_in_another_order():
    assert faults(ENGLISH, RIGHT) == []


@pytest.mark.parametrize(
    "old, new, lost",
    [
        ("`mask` 掩盖", "mask 掩盖", "the code mask is lost"),
        ("`mask` 掩盖", "`掩码` 掩盖", "the code mask is lost"),
        ("$x_i$", "$x_j$", "the maths x_i is lost"),
        ("$$y$$", "y", "the maths y is lost"),
        ("mlm.html#MLM", "mlm.html", "the link mlm.html#MLM is lost"),
        ("loss.svg", "loss.png", "the image loss.svg is lost"),
        ('<a id="here"></a>', "", "the place here is lost"),
        ("。", " `mask`。", "the code mask is not in the English"),
        ("。", "。\n\n另一段", "blocks differ: 1 p became 2 p"),
        ("见", "# 见", "blocks differ: 1 p became 1 h1"),
    ],
)
def test_what_is_lost_or_added_is_told(old, new, lost):
    assert RIGHT.count(old)
    assert lost in faults(ENGLISH, RIGHT.replace(old, new, 1))


@pytest.mark.parametrize(
    "english, wrong",
    [
        ("## Title", "### 标题"),
        ("* a\n* b", "* 甲乙"),
        ("* a\n* b", "1. 甲\n2. 乙"),
        ("| a | b |\n|---|---|\n| c | d |", "| 甲 | 乙 |\n|---|---|"),
        ("> a", "甲"),
        ("* a\n\n  ```\n  code\n  ```", "* 甲\n\n  ```\n  代码\n  ```"),
    ],
)
def test_blocks_have_to_be_the_same(english, wrong):
    assert faults(english, wrong) and not faults(english, english)


@pytest.mark.slow
def test_every_note_is_a_fair_translation_of_itself():
    for module in ours():
        for section in module.sections:
            for unit in units(section.note):
                assert faults(unit.text, unit.text) == []


@pytest.mark.parametrize(
    "english, translated, n_faults",
    [
        (("%(num)s of %(total)s",), ("%(total)s 中的 %(num)s",), 0),
        (("One page", "%(num)s pages"), ("%(num)s 页",), 0),
        (("One page", "%(num)s pages"), ("页",), 0),
        (("%(num)s pages",), ("%(nun)s 页",), 1),
        (("%(num)s pages",), ("%(num)d 页",), 1),
        (("%(num)s pages",), ("页",), 1),
        (("Pages",), ("页 %s",), 1),
        (("Pages",), ("页 ",), 1),
        (("Pages: ",), ("页： ",), 0),
    ],
)
def test_placeholders_of_the_interface_are_kept(english, translated, n_faults):
    assert len(interface_faults(english, translated)) == n_faults


def test_prose_is_words_alone():
    text = "# A *title*\n\nSee [the\nlink](x.html) of `code` and $x$ ![seen](y.png)\n\n    code"
    assert prose(text) == ["A title", f"See the link of {HOLE} and {HOLE} seen"]
    assert prose("| a | `b` |\n|---|---|\n| c | d |") == ["a", HOLE, "c", "d"]
