import pytest

from docs_gen.parts import GeneratorError
from docs_gen.translation import i18n, po
from docs_gen.translation.progress import progress
from docs_gen.translation.wrapping import key
from tests.docs_gen.modules import LOCALE, module, ours

FIRST = '"""\n# Title\n\nThe mask hides about fifteen of a hundred tokens.\n\nLast words.\n"""\n'
CHANGED = FIRST.replace("about fifteen", "twenty")
REMOVED = FIRST.replace("Last words.\n", "")
ADDED = FIRST.replace("Last words.", "Nothing like any other 12345.\n\nLast words.")


def update(folder, text, **options):
    return i18n.update([module(text)], folder, ["zh"], **options)


@pytest.fixture
def begun(tmp_path):
    """A folder with a catalog of the first text, all translated"""
    update(tmp_path, FIRST, pages=["toy.page"])
    fill(tmp_path, ["# 标题", "掩码掩盖约百分之十五的词元。", "最后的话。"])
    return tmp_path


def path(folder):
    return folder / "zh" / "toy.page.po"


def read(folder):
    catalog = po.read(path(folder), "zh")
    return [message for message in catalog if message.id], catalog


def fill(folder, strings):
    messages, catalog = read(folder)
    for message, string in zip(messages, strings, strict=True):
        message.string = string
    path(folder).write_text(po.written(catalog), encoding="utf-8")


def test_a_catalog_is_begun_only_for_pages_that_are_named(tmp_path):
    assert "--page" in update(tmp_path, FIRST) and not path(tmp_path).exists()
    told = update(tmp_path, FIRST, pages=["toy.page"])
    assert told == "zh toy.page: 0 done, 0 fuzzy, 3 empty, 0 obsolete"
    messages, _ = read(tmp_path)
    assert [(m.id, m.string, m.locations) for m in messages] == [
        ("# Title", "", [("toy/page.py", 2)]),
        ("The mask hides about fifteen of a hundred tokens.", "", [("toy/page.py", 4)]),
        ("Last words.", "", [("toy/page.py", 6)]),
    ]
    with pytest.raises(GeneratorError, match="toy.pages is no page here; give toy.page"):
        update(tmp_path, FIRST, pages=["toy.pages"])


@pytest.mark.parametrize("text", [FIRST, CHANGED, REMOVED, ADDED])
def test_doing_it_twice_changes_no_byte(begun, text):
    update(begun, text)
    once = path(begun).read_bytes()
    told = update(begun, text)
    assert path(begun).read_bytes() == once and "zh toy.page" in told


def test_changed_english_keeps_its_translation_as_a_draft(begun):
    assert update(begun, CHANGED) == "zh toy.page: 2 done, 1 fuzzy, 0 empty, 0 obsolete"
    _, message, _ = read(begun)[0]
    assert message.fuzzy and message.string == "掩码掩盖约百分之十五的词元。"
    assert message.previous_id == ["The mask hides about fifteen of a hundred tokens."]
    (row,) = progress([module(CHANGED)], begun, "zh")
    assert (row.done, row.stale, row.missing) == (2, 1, 0)


def test_the_former_english_is_the_one_that_was_translated(begun):
    update(begun, CHANGED)
    update(begun, CHANGED.replace("hundred", "thousand"))
    _, message, _ = read(begun)[0]
    assert "thousand" in message.id
    assert message.previous_id == ["The mask hides about fifteen of a hundred tokens."]
    # A draft that is accepted needs it no longer.
    text = path(begun).read_text().replace("#, fuzzy\n", "")
    path(begun).write_text(text)
    update(begun, CHANGED.replace("hundred", "thousand"))
    assert "#|" not in path(begun).read_text()
    assert all(po.is_shown(message) for message in read(begun)[0])


def test_removed_english_is_kept_at_the_end_and_comes_back(begun):
    assert update(begun, REMOVED).endswith("2 done, 0 fuzzy, 0 empty, 1 obsolete")
    messages, catalog = read(begun)
    assert [m.id for m in catalog.obsolete.values()] == ["Last words."]
    assert '#~ msgstr "最后的话。"' in path(begun).read_text()
    assert update(begun, FIRST).endswith("3 done, 0 fuzzy, 0 empty, 0 obsolete")


def test_new_english_is_empty_and_in_its_place(begun):
    assert update(begun, ADDED).endswith("3 done, 0 fuzzy, 1 empty, 0 obsolete")
    messages, _ = read(begun)
    assert [m.id for m in messages][2:] == ["Nothing like any other 12345.", "Last words."]
    assert messages[2].string == ""


def test_a_note_that_was_wrapped_or_moved_is_the_same(begun):
    text = "import os\n" + FIRST.replace("of a hundred", "of\na hundred").removeprefix('"""\n')
    text = '"""\n' + text.removeprefix("import os\n") + "\n\nimport os\n"
    assert update(begun, text).endswith("3 done, 0 fuzzy, 0 empty, 0 obsolete")


def test_a_note_that_is_there_twice_is_asked_for_once(tmp_path):
    text = FIRST + "\n# Last words.\nx = 1\n"
    update(tmp_path, text, pages=["toy.page"])
    messages, _ = read(tmp_path)
    assert messages[2].locations == [("toy/page.py", 6), ("toy/page.py", 9)]


def test_what_all_pages_share_is_not_asked_for(tmp_path):
    common = tmp_path / "zh" / "common.po"
    common.parent.mkdir()
    common.write_text('msgid "Last words."\nmsgstr "结语。"\n', encoding="utf-8")
    before = common.read_bytes()
    update(tmp_path, FIRST, pages=["toy.page"])
    assert [m.id for m in read(tmp_path)[0]][-1].startswith("The mask")
    assert common.read_bytes() == before


def test_what_a_translator_wrote_beside_stays(begun):
    text = path(begun).read_text().replace("#: toy/page.py:6", "# checked by two\n#: toy/page.py:6")
    path(begun).write_text(text.replace('"Language: zh\\n"', '"Last-Translator: Lin <l@x.org>\\n"'))
    update(begun, CHANGED)
    assert "# checked by two\n" in path(begun).read_text()
    assert "Lin <l@x.org>" in path(begun).read_text()


def test_signs_that_look_like_placeholders_are_none(tmp_path):
    update(tmp_path, FIRST.replace("Last words.", "A 28 % share of {x}."), pages=["toy.page"])
    assert "-format" not in path(tmp_path).read_text()
    update(tmp_path, FIRST.replace("Last words.", "A 28 % share of {x}."))
    assert "-format" not in path(tmp_path).read_text()


def test_maths_and_code_are_no_messages(tmp_path):
    text = 'r"""\n# T\n\n$$x$$\n\n```\ncode\n```\n\n\\begin{align}\nx\n\\end{align}\n"""\n'
    update(tmp_path, text, pages=["toy.page"])
    assert [m.id for m in read(tmp_path)[0]] == ["# T"]


def test_each_block_of_a_page_is_a_message_of_its_catalog(tmp_path):
    page = next(m for m in ours() if m.source.name == "labnn.layers.dropout")
    i18n.update([page], tmp_path, ["zh"], [page.source.name])
    catalog = po.read(tmp_path / "zh" / f"{page.source.name}.po", "zh")
    texts = [key(unit.text) for unit, _ in i18n.messages(page)]
    assert [m.id for m in catalog if m.id] == list(dict.fromkeys(texts)) and len(texts) > 5


def test_our_catalogs_are_up_to_date_and_complete(tmp_path):
    for file in LOCALE.glob("zh/*"):
        copy = tmp_path / "zh" / file.name
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(file.read_bytes())
    i18n.update(ours(), tmp_path, ["zh"])
    for file in LOCALE.glob("zh/*"):
        # Lines move with every change of the code.
        assert without_places(tmp_path / "zh" / file.name) == without_places(file)
    text, problems = i18n.status(ours(), LOCALE, ["zh"], 100)
    assert problems == [] and "experiments.mlm" in text


def without_places(file):
    return [line for line in file.read_text().split("\n") if not line.startswith("#: ")]
