r"""
# Page

Pages of modules that are written here, in the language of the notes and in another.
"""

from markupsafe import Markup

from tests.docs_gen.made_rows import PAGE, page_of


def test_rows_follow_the_file():
    _, rows = page_of(PAGE)
    assert [(r["kind"], r["anchor"], r["line"]) for r in rows][0] == ("module", "page-top", 11)
    assert [(r["kind"], r["name"], r["line"]) for r in rows][1:] == [
        ("definition", "Thing", 13),
        ("comment", "", 21),
    ]
    assert 'id="L11"' in rows[0]["code"] and 'id="L13"' in rows[1]["code"]
    assert all(isinstance(row[name], Markup) for row in rows for name in ("note", "code"))


def test_a_page_without_a_title_gets_one():
    for text in ("x = 1\n", '"""Only a sentence."""\nx = 1\n', "", "\n\n", "# A comment\nx = 1\n"):
        page, rows = page_of(text)
        assert rows[0]["note"].startswith('<h1 id="h-page">Page</h1>'), text
        assert sum("<h1" in row["note"] for row in rows) == 1


def test_what_is_translated_keeps_the_english_anchors():
    words = {"# A *title* of `code`": "# 标题 `code`", "## More": "## 更多"}
    page, rows = page_of(PAGE, words)
    assert [h["anchor"] for h in page.headings][:2] == ["h-a-title-of-code", "h-more"]
    assert "标题" in rows[0]["note"] and "更多" in rows[0]["note"]


def test_what_is_not_translated_is_english_marked_and_counted():
    page, rows = page_of(PAGE, {"Why it is one": "原因"})
    assert rows[2]["note"] == "<p>原因</p>\n"
    assert '<div lang="en" class="untranslated"><p>First.' in rows[0]["note"]
    assert page.state() == {"done": 1, "total": 6}
    # Maths needs no translation.
    assert '</div><div class="eq"' in rows[0]["note"]


def test_the_language_of_the_notes_has_no_state():
    assert page_of(PAGE)[0].state() is None
