import json

from docs_gen.translation.progress import Progress, complete, messages, progress, status
from tests.docs_gen.modules import module, ours
from tests.docs_gen.translation.test_catalogs import write

PAGE = module('''r"""
# Title

A paragraph
of two lines.

$$x$$

* a
* b
"""

# A comment
# of two lines
x = 1


def f():
    """A paragraph"""
''')


def test_messages_are_the_blocks_of_a_page_with_their_lines():
    found = [(unit.text, line) for unit, line in messages(PAGE)]
    assert found == [
        ("# Title", 2),
        ("A paragraph\nof two lines.", 4),
        ("* a\n* b", 9),
        ("A comment\nof two lines", 13),
        ("A paragraph", 19),
    ]


def test_the_lines_of_our_own_messages_are_where_they_are_written():
    for page in ours():
        for unit, line in messages(page):
            assert unit.text.split("\n")[0].strip() in page.lines[line - 1]


def test_each_block_is_done_stale_or_missing(tmp_path):
    write(tmp_path, "toy.page.po", {"# Title": "# 标题", "* a\n* b": "~* 甲\n* 乙"})
    write(tmp_path, "common.po", {"A paragraph": "一段"})
    assert progress([PAGE], tmp_path, "zh") == [Progress("zh", "toy.page", 2, 1, 2)]


def test_percents_are_rounded_down_and_an_empty_page_is_done():
    assert Progress("zh", "a", 199, 1, 0).percent == 99
    assert Progress("zh", "a", 0, 0, 0).percent == 100
    assert Progress("zh", "a", 0, 0, 3).percent == 0


def test_only_pages_that_are_listed_have_to_be_complete(tmp_path):
    write(tmp_path, "toy.page.po", {"# Title": "# 标题"})
    pages = [PAGE, module('"""# Other"""', "toy.other")]
    text, problems = status(pages, tmp_path, ["zh"], 100)
    assert problems == []
    lines = text.split("\n")
    assert lines[1].split() == ["zh", "toy.page", "1", "0", "4", "20"]
    assert lines[2:] == ["1 pages have no translation"]
    (tmp_path / "zh" / "complete.txt").write_text("# Pages\n\ntoy.page # soon\ntoy.gone\n")
    assert complete(tmp_path / "zh") == {"toy.page": 3, "toy.gone": 4}
    path = tmp_path / "zh" / "complete.txt"
    text, problems = status(pages, tmp_path, ["zh"], 100)
    assert list(map(str, problems)) == [
        f"{path}:3: toy.page is translated to 20 %, not 100 %",
        f"{path}:4: toy.gone is no page here",
    ]
    assert {problem.kind for problem in problems} == {"translation"}
    assert text.split("\n")[1].endswith(" *")
    assert len(status(pages, tmp_path, ["zh"], 20)[1]) == 1


def test_json_says_the_same(tmp_path):
    write(tmp_path, "toy.page.po", {"# Title": "# 标题"})
    write(tmp_path, "toy.page.po", {}, code="fr")
    text, _ = status([PAGE], tmp_path, ["fr", "zh"], is_json=True)
    french, chinese = json.loads(text)
    assert chinese == {
        **{"language": "zh", "page": "toy.page", "done": 1, "stale": 0, "missing": 4},
        **{"is_complete": False, "total": 5, "percent": 20},
    }
    assert (french["language"], french["done"]) == ("fr", 0)
