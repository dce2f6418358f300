import csv

import pytest

from docs_gen.parts import GeneratorError
from docs_gen.translation import glossary
from docs_gen.translation.glossary import Term, faults, first_faults
from tests.docs_gen.modules import LOCALE

OURS = LOCALE / "zh" / "glossary.csv"
HEAD = "english,translation,first,never\n"
# What a machine made of a page like ours, and what it should have said
MISTAKES = [
    ("MLM model", "传销模型", "MLM 模型"),
    ("Run training", "跑步训练", "运行训练"),
    ("Clip gradients", "剪辑渐变", "梯度裁剪"),
    ("Dropout", "辍学", "Dropout（暂退法）"),
    ("Number of tokens", "代币数量", "词元数量"),
    ("Number of tokens", "令牌数量", "词元数量"),
    ("Transformer encoder", "变压器编码", "Transformer 编码器"),
    ("Masked Language Model", "蒙面语言模型", "掩码语言模型"),
    ("Masked Language Model", "蒙版语言模型", "掩码语言模型"),
    ("Logits for the output", "输出的对数", "输出的 logits"),
    ("Train for 1024 epochs", "训练 1024 个时代", "训练 1024 轮"),
]


@pytest.mark.parametrize("english, wrong, right", MISTAKES)
def test_known_mistranslations_are_refused_and_the_right_words_are_not(english, wrong, right):
    terms = glossary.read(OURS)
    assert faults(terms, english, wrong)
    assert faults(terms, english, right) == []


@pytest.mark.parametrize(
    "wrong", ["传销", "变压器", "辍学", "代币", "蒙面", "跑步训练", "剪辑", "渐变"]
)
def test_some_words_are_wrong_wherever_they_stand(wrong):
    terms = glossary.read(OURS)
    (fault,) = faults(terms, "Nothing of the kind", f"这是{wrong}的意思")
    assert fault.startswith(f"{wrong} is wrong")


def test_our_glossary_is_a_table_of_different_terms():
    with OURS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    terms = glossary.read(OURS)
    assert len(rows) == len(terms) > 40
    forms = [form.lower() for term in terms for form in term.english]
    assert len(forms) == len(set(forms))
    for term in terms:
        # The words to use are never among those to avoid.
        for word in (*term.translation, term.first):
            assert not any(bad in word for other in terms for bad in other.never if bad), term


@pytest.mark.parametrize(
    "english, is_in",
    [
        ("A token", True),
        ("Tokens are", True),
        ("the token's id", True),
        ("a tokenizer", False),
        ("padding_token", False),
        ("sub-token", False),
        ("`token`", False),
        ("[word](token.html)", False),
        ("[token](word.html)", True),
        ("$token$", False),
        ("**token**", True),
    ],
)
def test_a_term_is_a_word_of_the_text(english, is_in):
    terms = [Term(("token",), ("词元",))]
    assert faults(terms, english, "什么") == (["token is 词元"] if is_in else [])
    assert faults(terms, english, "词元") == []


@pytest.mark.parametrize(
    "english", ["feed-forward network", "feed forward\nnetworks", "Feed-Forward-Network"]
)
def test_words_of_a_term_may_be_parted_otherwise(english):
    assert Term(("feed-forward network",), ("前馈网络",)).is_in(english)


@pytest.mark.parametrize(
    "english, is_in", [("an epoch", True), ("batches", True), ("losses", True), ("classes", False)]
)
def test_many_are_found_as_one(english, is_in):
    assert Term(("epoch", "batch", "loss"), ("轮",)).is_in(english) == is_in


def test_words_to_avoid_count_only_with_their_term_and_any_translation_is_enough():
    terms = [Term(("logit",), ("logits",), "", ("对数",)), Term(("mask",), ("掩码", "掩盖"))]
    assert faults(terms, "The logarithm", "对数") == []
    assert faults(terms, "The logits", "对数") == ["对数 is wrong; write logits", "logit is logits"]
    assert faults(terms, "A mask", "掩盖") == [] == faults(terms, "A mask", "掩码")
    assert faults(terms, "A mask", "`掩码`") == ["mask is 掩码 or 掩盖"]


@pytest.mark.parametrize(
    "texts, expected",
    [
        (["# 词元", "词元（token）与词元"], []),
        (["没有", "先说词元，再说词元（token）"], [1]),
        (["词元", "词元（token）"], [0]),
        (["`词元`", "词元（token）", "词元"], []),
        (["没有"], []),
        (["词元 (token)"], [0]),
    ],
)
def test_a_term_is_explained_where_a_page_has_it_first(texts, expected):
    found = first_faults([Term(("token",), ("词元",), "词元（token）")], texts)
    assert [number for number, _ in found] == expected
    assert all(what == "the first 词元 is 词元（token）" for _, what in found)


@pytest.mark.parametrize(
    "text, line, what",
    [
        ("english,chinese\n", 1, "columns have to be"),
        (HEAD + "token,词元\n", 2, "2 columns instead of 4"),
        (HEAD + "token,,,\n", 2, "needs"),
        (HEAD + "token,词元,,\n,,,\n", 3, "needs"),
        (HEAD + ",词元,,\n", 2, "needs"),
        (HEAD + "token,,词元,代币\n", 2, "needs"),
    ],
)
def test_a_damaged_glossary_is_refused_with_its_line(tmp_path, text, line, what):
    path = tmp_path / "glossary.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(GeneratorError, match=rf"glossary\.csv:{line}: .*{what}"):
        glossary.read(path)


@pytest.mark.parametrize("data", [b"\xff\xfe", HEAD.encode() + b'"token'])
def test_what_is_no_table_is_refused(tmp_path, data):
    path = tmp_path / "glossary.csv"
    path.write_bytes(data)
    with pytest.raises(GeneratorError, match="glossary.csv"):
        glossary.read(path)


def test_without_a_glossary_nothing_is_asked(tmp_path):
    assert glossary.read(tmp_path / "none.csv") == []


def test_cells_hold_several_words(tmp_path):
    path = tmp_path / "glossary.csv"
    path.write_text(HEAD + "\n mask | masks ,掩码|掩盖,,面具| 口罩\n,,,传销\n", encoding="utf-8")
    mask, wrong = glossary.read(path)
    assert mask == Term(("mask", "masks"), ("掩码", "掩盖"), "", ("面具", "口罩"))
    assert wrong == Term((), (), "", ("传销",))
