r"""
# How to Publish

Each command of the page is typed in the order in which it stands there, for the files that the
[guide](test_guide.py) begins with, and what the page says of them is looked up.
"""

from pathlib import Path

import pytest

from docs_gen import publishing
from docs_gen.__main__ import main
from docs_gen.translation import po
from tests.docs_gen.guided import begin, commands, obey, page

CATALOG = Path("locale/zh/your_package.softmax.po")

pytestmark = pytest.mark.slow


@pytest.fixture
def begun(tmp_path, monkeypatch):
    """A folder with the files of the guide, and every command of the page"""
    monkeypatch.chdir(tmp_path)
    begin()
    return commands(publishing.__doc__)


def fill(text, translation):
    """Translate a block, as an editor of PO files does."""
    catalog = po.read(CATALOG, "zh")
    catalog[text].string = translation
    CATALOG.write_text(po.written(catalog), encoding="utf-8")


def test_every_command_does_what_it_says(begun):
    assert len(begun) == 9
    for words in begun:
        obey(words)
    assert Path("site/index.html").is_file()
    assert page("zh/your_package/softmax.html").css_first("html").attributes["lang"] == "zh-CN"


def test_a_page_says_where_it_stands(begun):
    (words,) = [words for words in begun if "--base-url" in words]
    obey(words)
    address = "https://example.org/docs/en/your_package/softmax.html"
    canonical = page("en/your_package/softmax.html").css_first("link[rel=canonical]")
    assert canonical.attributes["href"] == address
    assert address in Path("site/sitemap.txt").read_text().split()


def test_builds_leave_alone_what_they_have_not_written(begun):
    main(["build", "your_package", "-o", "site"])
    Path("site/.nojekyll").touch()
    assert main(["build", "your_package", "-o", "site"]) == 0
    assert Path("site/.nojekyll").is_file()


def test_code_with_faults_is_shown_as_it_is(begun, capsys):
    Path("your_package/foreign.py").write_text('"""\n# Foreign\n\nA [link](none.html)\n"""\n')
    assert main(["build", "your_package", "-o", "site"]) == 1
    assert not Path("site").exists()
    (words,) = [words for words in begun if "--keep-going" in words]
    capsys.readouterr()
    assert main(words[3:]) == 1
    assert capsys.readouterr().err.startswith("your_package/foreign.py:4: there is no page")
    assert "A link" in page("en/your_package/foreign.html").css_first("main").text()


def test_a_page_is_translated_a_paragraph_at_a_time(begun):
    # From the first command about languages on
    steps = begun[[words[0] for words in begun].index("mkdir") :]
    make, update, *_, build = steps
    obey(make)
    obey(update)
    fill("# Softmax", "# 归一化指数函数")
    obey(build)
    shown = page("zh/your_package/softmax.html")
    assert shown.css_first("h1").text() == "归一化指数函数"
    assert "Numbers become shares" in shown.css_first(".untranslated").text()


def test_a_note_that_has_changed_shows_in_english(begun):
    make, update, *_, build = begun[[words[0] for words in begun].index("mkdir") :]
    obey(make)
    obey(update)
    fill("Numbers become shares that add up to one:", "数变成总和为一的份额：")
    obey(build)
    assert "份额" in page("zh/your_package/softmax.html").text()
    path = Path("your_package/softmax.py")
    path.write_text(path.read_text().replace("Numbers become", "Any numbers become"))
    obey(update)
    obey(build)
    shown = page("zh/your_package/softmax.html").css_first("main").text()
    assert "份额" not in shown and "Any numbers become shares" in shown


def test_a_page_that_is_listed_as_complete_has_to_stay_so(begun):
    Path("locale/zh").mkdir(parents=True)
    Path("locale/zh/complete.txt").write_text("your_package.softmax\n")
    words = ["i18n", "status", "your_package", "--locale", "locale"]
    assert main(words) == 0
    assert main([*words, "--min", "100"]) == 1


def test_a_change_that_would_break_links_of_others_is_told(begun, capsys):
    main(["build", "your_package", "-o", "site"])
    path = Path("your_package/softmax.py")
    path.write_text(path.read_text().replace("def softmax", "def shares"))
    capsys.readouterr()
    assert main(["check", "your_package", "--released", "site/anchors.json"]) == 1
    assert "softmax.html#softmax" in capsys.readouterr().out
