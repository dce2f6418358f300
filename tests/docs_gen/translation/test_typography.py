import pytest

from docs_gen.translation.pairs import prose
from docs_gen.translation.typography import RULES, faults

WRONG = {
    "模型,训练": "full-width",
    "模型, 训练": "full-width",
    "训练模型.": "full-width",
    "训练模型. ": "full-width",
    "为什么?": "full-width",
    "BERT,训练": "full-width",
    "见 `a`, 然后": "full-width",
    "掩码(mask)": "brackets",
    "掩码 (mask) 模型": "brackets",
    '一律猜"空格"': "quotation",
    "使用BERT": "no space",
    "BERT模型": "no space",
    "训练3轮": "no space",
    "约28%的": "no space",
    "参数`x`是": "no space",
    "向量$x$": "no space",
    "见[MLM](mlm.html) 页": "no space",
    "模型 ，训练": "beside",
    "模型， BERT": "beside",
    "词 元": "between",
    "等等...": "……",
    "模型Ａ": "letter or digit",
    "的@@": "machine",
    "词_^_元": "machine",
}
RIGHT = [
    "使用 BERT 模型，训练 3 轮。",
    "词元（token）数量为 28%，即 `a.b` 与 $x$ 之和。",
    "一律猜“空格”也能答对 15.5%——见 [README](x.html)。",
    "见 3.2 节：`x`、`y` 和 `z`；**重点**内容",
    "only English, with `code` (and brackets).",
    "形状为 `[seq_len, batch_size]`",
    "`a`，`b`。",
    "* 第一项\n* 第二项",
]


@pytest.mark.parametrize("text", WRONG)
def test_chinese_that_is_set_wrong_is_told(text):
    (words,) = prose(text)
    assert any(WRONG[text] in what for what in faults(words)), faults(words)


@pytest.mark.parametrize("text", RIGHT)
def test_chinese_that_is_set_well_passes(text):
    assert [faults(words) for words in prose(text)] == [[]] * len(prose(text))


def test_each_rule_has_an_example_that_only_it_finds():
    for _, what in RULES:
        found = [prose(text)[0] for text in WRONG]
        assert any({w.partition(":")[0] for w in faults(text)} == {what} for text in found), what


def test_a_fault_shows_where_it_is():
    (what,) = faults("前面的文字使用BERT模型".replace("BERT模型", "BERT"))
    assert what.endswith("文字使用BERT")
