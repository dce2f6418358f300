import re

import pytest

from docs_gen.translation import po
from docs_gen.translation.catalogs import SHIPPED
from docs_gen.translation.review import lint, review
from tests.docs_gen.modules import LOCALE, module, ours
from tests.docs_gen.translation.test_catalogs import write

GLOSSARY = "english,translation,first,never\ntoken,词元,词元（token）,代币\n"


def texts(folder, pages=()):
    return [problem.what for problem in lint(pages, folder, ["zh"])]


def test_our_chinese_passes():
    assert lint(ours(), LOCALE, ["zh"]) == []
    assert review(SHIPPED / "zh" / "ui.po", "zh", []) == []


@pytest.mark.parametrize(
    "english, translated, what",
    [
        ("The `code`", "这段代码", "the code code is lost"),
        ("A token", "一个代币", "代币 is wrong; write 词元"),
        ("A token", "一个", "token is 词元"),
        ("Two words", "两个words", "no space between Chinese and Latin: 两个words"),
    ],
)
def test_each_kind_of_fault_is_told_with_its_line(tmp_path, english, translated, what):
    write(tmp_path, "a.po", {"Fine": "好", english: translated})
    (tmp_path / "zh" / "glossary.csv").write_text(GLOSSARY, encoding="utf-8")
    problem = next(p for p in lint([], tmp_path, ["zh"]) if p.what == what)
    assert (problem.path, problem.kind) == (str(tmp_path / "zh" / "a.po"), "translation")
    line = (tmp_path / "zh" / "a.po").read_text().split("\n")[problem.line - 1]
    assert line == f'msgid "{english}"'


def test_drafts_and_what_is_equal_to_the_english_are_left_alone(tmp_path):
    write(tmp_path, "a.po", {"A token": "A token", "Two tokens": "~两个代币", "Empty token": ""})
    (tmp_path / "zh" / "glossary.csv").write_text(GLOSSARY, encoding="utf-8")
    assert texts(tmp_path) == []


def test_other_languages_are_not_set_as_chinese(tmp_path):
    write(tmp_path, "a.po", {"Two `x`": "二つの`x`です"}, code="ja")
    write(tmp_path, "a.po", {"Two `x`": "二つの"}, code="ko")
    assert lint([], tmp_path, ["ja"]) == []
    assert [p.what for p in lint([], tmp_path, ["ko"])] == ["the code x is lost"]


def test_a_page_explains_its_terms_where_they_are_first(tmp_path):
    page = module('"""\n# Title\n\nA token.\n\nTwo tokens.\n"""\n', "toy.page")
    (tmp_path / "zh").mkdir()
    (tmp_path / "zh" / "glossary.csv").write_text(GLOSSARY, encoding="utf-8")
    write(tmp_path, "toy.page.po", {"A token.": "词元。", "Two tokens.": "两个词元（token）。"})
    (problem,) = lint([page], tmp_path, ["zh"])
    assert str(problem) == "toy/page.py:4: zh: the first 词元 is 词元（token）"
    # What many pages share cannot explain anything, and is no first use.
    write(tmp_path, "toy.page.po", {"Two tokens.": "两个词元（token）。"})
    write(tmp_path, "common.po", {"A token.": "词元。"})
    assert texts(tmp_path, [page]) == []


def test_words_of_the_interface_are_no_markdown(tmp_path):
    write(
        tmp_path, "ui.po", {"%(n)s * pages": "%(m)s * 页", "Keys: `x`": "按键：", "Pages": "页,面"}
    )
    found = texts(tmp_path)
    assert found == ["placeholders differ in %(m)s * 页", "a sign of Chinese is full-width: 页,面"]


def test_plural_forms_of_the_interface_are_all_looked_at(tmp_path):
    (tmp_path / "zh").mkdir()
    (tmp_path / "zh" / "ui.po").write_text(
        'msgid ""\nmsgstr ""\n"Plural-Forms: nplurals=1; plural=0;\\n"\n\n'
        'msgid "%(num)s page"\nmsgid_plural "%(num)s pages"\nmsgstr[0] "%(num)s页"\n'
    )
    (what,) = texts(tmp_path)
    assert what.startswith("no space between Chinese and Latin")


def test_our_translations_say_something_in_chinese():
    for path in LOCALE.glob("zh/*.po"):
        messages = [m for m in po.read(path, "zh") if m.id]
        assert messages and all(re.search("[\u4e00-\u9fff]", m.string) for m in messages)
