import pytest
from markdown_it import MarkdownIt

from docs_gen.parts import GeneratorError
from docs_gen.translation.catalogs import Catalogs
from docs_gen.writing.notes import Unit, units

HEAD = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'


def write(folder, name, pairs, code="zh"):
    """A catalog of texts, of which a translation that begins with ~ is a draft"""
    path = folder / code / name
    path.parent.mkdir(parents=True, exist_ok=True)
    body = ""
    for english, translated in pairs.items():
        mark = "#, fuzzy\n" if translated.startswith("~") else ""
        escaped = english.replace("\n", "\\n"), translated.lstrip("~").replace("\n", "\\n")
        body += '{}msgid "{}"\nmsgstr "{}"\n\n'.format(mark, *escaped)
    path.write_text(HEAD + body, encoding="utf-8")


def unit(text):
    (made,) = units(text)
    return made


def test_a_page_is_looked_up_before_what_pages_share(tmp_path):
    write(tmp_path, "a.b.po", {"One": "甲", "Two": "", "Three": "~丙"})
    write(tmp_path, "common.po", {"One": "一", "Two": "二", "Three": "三", "Four": "四"})
    page = Catalogs("zh", [tmp_path]).page("a.b")
    assert [page.translate(unit(t)) for t in ("One", "Two", "Three", "Four")] == [*"甲二三四"]
    assert (page.n_done, page.missing) == (4, [])


def test_what_is_missing_or_stale_is_listed_and_never_shown(tmp_path):
    write(tmp_path, "a.po", {"Stale": "~旧", "Empty": "", "Gone": "~"})
    page = Catalogs("zh", [tmp_path]).page("a")
    texts = ["Stale", "Empty", "Unknown"]
    assert [page.translate(unit(text)) for text in texts] == [None, None, None]
    assert page.missing == [("Stale", "stale"), ("Empty", "missing"), ("Unknown", "missing")]
    assert page.n_done == 0


def test_a_translation_that_is_equal_to_the_english_is_one(tmp_path):
    write(tmp_path, "a.po", {"BERT": "BERT"})
    page = Catalogs("zh", [tmp_path]).page("a")
    assert page.translate(unit("BERT")) == "BERT" and page.missing == []


def test_looking_up_a_title_counts_nothing(tmp_path):
    write(tmp_path, "a.po", {"# Title": "# 标题"})
    page = Catalogs("zh", [tmp_path]).page("a")
    assert page.look_up("# Title") == "# 标题" and page.look_up("# Other") is None
    assert (page.n_done, page.missing) == (0, [])


def test_maths_and_code_need_no_translation(tmp_path):
    page = Catalogs("zh", [tmp_path]).page("a")
    note = "$$x$$\n\n```\ncode\n```\n\n    indented\n\n---\n\n\\begin{align}\nx\n\\end{align}"
    assert [page.translate(u) for u in units(note)] == [u.text for u in units(note)]
    assert len(units(note)) == 5 and (page.n_done, page.missing) == (0, [])


def test_wrapping_a_note_otherwise_loses_no_translation(tmp_path):
    write(tmp_path, "a.po", {"One two three": "一二\n三", "* a b\n* c": "* 甲\n* 乙"})
    page = Catalogs("zh", [tmp_path]).page("a")
    assert page.translate(unit("One two\nthree")) == page.translate(unit("One \n  two three"))
    assert page.translate(Unit("paragraph", "One\ntwo\nthree\n", 0)) == "一二三"
    assert page.translate(unit("* a\n  b\n* c")) == "* 甲\n* 乙"
    assert page.translate(unit("* a\n* b c")) is None


def test_pages_are_counted_apart(tmp_path):
    catalogs = Catalogs("zh", [tmp_path])
    catalogs.page("a").translate(unit("x"))
    assert catalogs.page("a").missing == catalogs.page("b").missing == []


def test_the_first_folder_is_right(tmp_path):
    write(tmp_path / "one", "a.po", {"x": "甲"})
    write(tmp_path / "two", "a.po", {"x": "乙", "y": "丙"})
    write(tmp_path / "one", "ui.po", {"Search": "找"})
    write(tmp_path / "two", "ui.po", {"Search": "寻", "Own word": "自己的词"})
    catalogs = Catalogs("zh", [tmp_path / "one", tmp_path / "two"])
    assert [catalogs.page("a").look_up(text) for text in "xy"] == ["甲", "丙"]
    assert catalogs.ui.gettext("Search") == "找"
    assert catalogs.ui.gettext("Own word") == "自己的词"
    assert Catalogs("zh", []).ui.gettext("Search") == "搜索"


def test_a_word_without_a_translation_is_english_and_drafts_are_not_shown(tmp_path):
    write(tmp_path, "ui.po", {"Draft": "~草稿"})
    ui = Catalogs("zh", [tmp_path]).ui
    assert ui.gettext("Draft") == "Draft" and ui.gettext("Unheard of") == "Unheard of"
    assert ui.ngettext("%(num)s page", "%(num)s pages", 1) == "%(num)s page"
    assert Catalogs("en", []).ui.ngettext("%(num)s page", "%(num)s pages", 2) == "%(num)s pages"


def test_plurals_follow_the_language(tmp_path):
    path = tmp_path / "pl" / "ui.po"
    path.parent.mkdir()
    rule = "nplurals=3; plural=n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2;"
    forms = "".join(
        f'msgstr[{n}] "{form}"\n' for n, form in enumerate(["strona", "strony", "stron"])
    )
    head = f'msgid ""\nmsgstr ""\n"Plural-Forms: {rule}\\n"\n\n'
    path.write_text(f'{head}msgid "page"\nmsgid_plural "pages"\n{forms}')
    ui = Catalogs("pl", [tmp_path]).ui
    assert [ui.ngettext("page", "pages", n) for n in (1, 3, 5)] == ["strona", "strony", "stron"]


def test_a_damaged_catalog_stops_with_its_line(tmp_path):
    write(tmp_path, "a.po", {"x": "y"})
    with (tmp_path / "zh" / "a.po").open("a") as file:
        file.write("garbage\n")
    catalogs = Catalogs("zh", [tmp_path])
    with pytest.raises(GeneratorError, match=r"a\.po:8: "):
        catalogs.page("a")
    ui = tmp_path / "zh" / "ui.po"
    ui.write_text('msgid ""\nmsgstr ""\n"Plural-Forms: nplurals=1; plural=os;\\n"\n')
    with pytest.raises(GeneratorError, match="Plural-Forms of zh"):
        Catalogs("zh", [tmp_path])


def test_a_translation_is_still_markdown(tmp_path):
    write(tmp_path, "a.po", {"> a b": "> 甲\n> 乙"})
    text = Catalogs("zh", [tmp_path]).page("a").translate(unit("> a\n> b"))
    assert MarkdownIt().render(text) == "<blockquote>\n<p>甲乙</p>\n</blockquote>\n"
