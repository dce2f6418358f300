import gettext
from io import BytesIO

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from docs_gen.parts import GeneratorError
from docs_gen.translation import po

HEAD = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'
# What is hard to write: quotes, backslashes, blanks within, blanks at an edge, other planes
HARD = [
    'a "b" \\frac{1}{2}',
    "* a\n  * b\n\n  c",
    "tab\there",
    "𝑥 词元",
    " edge ",
    "left-to-right " * 40,
]


def write(tmp_path, text):
    path = tmp_path / "page.po"
    path.write_text(text, encoding="utf-8")
    return path


def catalog(pairs):
    made = Catalog(locale="zh", header_comment="# A page", fuzzy=False)
    for english, translated in pairs:
        made.add(english, translated, locations=[("a/b.py", 3)])
    return made


def test_what_is_written_is_read_again(tmp_path):
    text = po.written(catalog((hard, hard[::-1]) for hard in HARD))
    found = po.read(write(tmp_path, text), "zh")
    assert {m.id: m.string for m in found if m.id} == {hard: hard[::-1] for hard in HARD}
    assert [m.locations for m in found if m.id] == [[("a/b.py", 3)]] * len(HARD)
    assert po.written(found) == text


def test_gettext_itself_finds_the_same(tmp_path):
    found = po.read(write(tmp_path, po.written(catalog((h, h + "!") for h in HARD))), "zh")
    file = BytesIO()
    write_mo(file, found)
    file.seek(0)
    translations = gettext.GNUTranslations(file)
    assert [translations.gettext(hard) for hard in HARD] == [hard + "!" for hard in HARD]


@pytest.mark.parametrize("former", HARD)
def test_the_former_english_of_a_draft_survives_reading_and_writing(tmp_path, former):
    made = Catalog(locale="zh", fuzzy=False)
    message = made.add("now", "以前", flags=["fuzzy"], previous_id=former)
    message.user_comments = ["by hand | not a former text"]
    text = po.written(made)
    assert '\n#| msgid "' in text
    found = po.read(write(tmp_path, text), "zh")
    assert found["now"].previous_id == [former]
    assert found["now"].user_comments == ["by hand | not a former text"]
    assert po.written(found) == text


def test_the_former_english_goes_with_the_mark(tmp_path):
    text = HEAD + '#| msgid "was"\nmsgid "now"\nmsgstr "现在"\n'
    assert po.read(write(tmp_path, text), "zh")["now"].previous_id == []


def test_neither_dates_nor_unknown_authors_are_written():
    text = po.written(catalog([("a", "甲")]))
    assert text == (
        '# A page\nmsgid ""\nmsgstr ""\n"Language: zh\\n"\n'
        '"Plural-Forms: nplurals=1; plural=0;\\n"\n"MIME-Version: 1.0\\n"\n'
        '"Content-Type: text/plain; charset=utf-8\\n"\n"Content-Transfer-Encoding: 8bit\\n"\n\n'
        '#: a/b.py:3\nmsgid "a"\nmsgstr "甲"\n'
    )


def test_a_translator_who_is_named_stays(tmp_path):
    text = (
        HEAD.rstrip() + '\n"Last-Translator: Lin <lin@example.org>\\n"\n\nmsgid "a"\nmsgstr "b"\n'
    )
    assert "Lin <lin@example.org>" in po.written(po.read(write(tmp_path, text), "zh"))


@pytest.mark.parametrize(
    "body, line",
    [
        ('msgid "a"\nmsgstr "b\n', 6),
        ('msgid a\nmsgstr "b"\n', 5),
        ("<<<<<<< HEAD\n", 5),
        ('msgid "a"\nmsgstr "b"\n\nmsgid "a"\nmsgstr "c"\n', 8),
        ('msgid "a"\n\nmsgid "b"\nmsgstr "c"\n', 5),
        ('msgid "a\\"\nmsgstr "b"\n', 5),
        ('msgid "a" x\nmsgstr "b"\n', 5),
        ('msgid "a"\nmsgstr "b"\n#~ msgid "c\n', 7),
    ],
)
def test_a_damaged_file_is_refused_with_its_line(tmp_path, body, line):
    path = write(tmp_path, HEAD + body)
    with pytest.raises(GeneratorError, match=rf"^.*page\.po:{line}: [^\n]+$") as caught:
        po.read(path, "zh")
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "data",
    [b'msgid "\xff"', b"", b'msgid ""\nmsgstr ""\n"Plural-Forms: nplurals=x;\\n"\n'],
    ids=["bytes", "empty", "plurals"],
)
def test_a_file_that_is_no_catalog_is_refused_or_empty(tmp_path, data):
    path = tmp_path / "page.po"
    path.write_bytes(data)
    if data:
        with pytest.raises(GeneratorError, match="page.po: "):
            po.read(path, "zh")
    else:
        assert len(po.read(path, "zh")) == 0
    with pytest.raises(GeneratorError, match="none.po"):
        po.read(tmp_path / "none.po", "zh")


def test_other_editors_files_are_read(tmp_path):
    body = 'msgid "a"\nmsgstr "甲"\n\n#~| msgid "older"\n#~ msgid "b"\n#~ msgstr "乙"\n'
    path = tmp_path / "page.po"
    path.write_bytes(b"\xef\xbb\xbf" + (HEAD + body).replace("\n", "\r\n").encode())
    found = po.read(path, "zh")
    assert found["a"].string == "甲" and found.obsolete["b"].string == "乙"


def test_lines_are_those_of_the_file(tmp_path):
    path = write(tmp_path, HEAD + '#: x.py:1\nmsgid ""\n"a\\n"\n"b"\nmsgstr "c"\n')
    lines = path.read_text().split("\n")
    (message,) = (m for m in po.read(path, "zh") if m.id)
    assert lines[message.lineno - 1].startswith("msgid") and message.lineno == 6


@pytest.mark.parametrize(
    "string, flags, is_shown",
    [("甲", [], True), ("甲", ["fuzzy"], False), ("", [], False), (("甲", ""), [], False)],
)
def test_only_what_somebody_has_looked_at_is_shown(string, flags, is_shown):
    english = ("a", "as") if isinstance(string, tuple) else "a"
    made = Catalog(locale="en")
    assert po.is_shown(made.add(english, string, flags=flags)) == is_shown
