import pytest

from docs_gen.translation import glossary, po, review
from docs_gen.translation.catalogs import SHIPPED, Catalogs
from tests.docs_gen.interface import in_page, in_template, messages
from tests.docs_gen.modules import LOCALE

ZH = SHIPPED / "zh" / "ui.po"


def test_words_are_found_wherever_they_are_said(tmp_path):
    path = tmp_path / "page.html"
    path.write_text(
        "{{ _('A') }} {% if x %}{{ ngettext('%(num)s b', '%(num)s bs', 3) }}{% endif %}"
        '<p title="{{ _(\'C %(d)s\', d=1) }}">{{ other("D") }}</p>'
    )
    assert list(in_template(path)) == ["A", ("%(num)s b", "%(num)s bs"), "C %(d)s"]
    source = "say('A'); x.say('B'); f\"{text(say('C'))}\"; say(name); say(''); other('D')"
    assert sorted(in_page(source)) == ["A", "B", "C"]


def test_each_word_of_the_interface_has_a_chinese_one_and_no_other_is_there():
    shown = {
        tuple(m.id) if isinstance(m.id, (tuple, list)) else m.id
        for m in po.read(ZH, "zh")
        if po.is_shown(m)
    }
    said = messages()
    assert len(said) > 60
    assert [word for word in said if word not in shown] == []
    assert [word for word in shown if word not in said] == []
    assert not any(m.fuzzy for m in po.read(ZH, "zh") if m.id)


def test_the_chinese_interface_passes_its_review():
    terms = glossary.read(LOCALE / "zh" / "glossary.csv")
    assert terms and review.review(ZH, "zh", terms) == []


@pytest.mark.parametrize("n", [0, 1, 2, 79])
def test_the_banner_tells_both_numbers(n):
    forms = next(m for m in messages() if isinstance(m, tuple) and "on this page" in m[0])
    banner = Catalogs("zh", []).ui.ngettext(*forms, n) % {"num": n, "total": 79}
    assert banner == f"本页 79 条说明中有 {n} 条尚未翻译，暂以英文显示。"


def test_every_word_can_be_filled_in():
    ui = Catalogs("zh", []).ui
    names = ["num", "total", "done", "line", "name", "language"]
    for word in messages():
        one = word if isinstance(word, str) else word[0]
        many = word if isinstance(word, str) else word[1]
        told = ui.ngettext(one, many, 2) if one != many else ui.gettext(one)
        if "%(" in many:
            assert "%" not in told % dict.fromkeys(names, "x")
