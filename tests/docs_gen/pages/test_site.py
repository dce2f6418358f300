r"""
# Site

Whole sites of a few files: what is in them, and that a fault of every kind is told once, with its
file and line.
"""

import json
import re
from pathlib import Path

import pytest

from docs_gen.pages import site
from docs_gen.pages.project import Options
from docs_gen.parts import GeneratorError
from tests.docs_gen.made_sites import build

GOOD = {
    "pack/__init__.py": '''
        """
        # Pack

        Parts that go together.

        [A](a.html) comes first.
        """
        ''',
    "pack/a.py": '''
        """
        # Page A

        It has [`Thing`].
        """

        class Thing:
            """
            ## Thing

            One of them
            """
        ''',
    "pack/b.py": '"""\n# Page B\n\nSee [A](a.html#Thing).\n"""\n\nfrom pack.a import Thing\n',
}
CHINESE = """
msgid ""
msgstr "Content-Type: text/plain; charset=utf-8\\n"

msgid "# Page A"
msgstr "# 甲页"
"""


def test_a_site_is_whole(tmp_path):
    built = build(tmp_path, GOOD)
    assert not built.problems
    assert {name for name in built.files if name.endswith(".html")} == {
        "index.html",
        *(f"en/{n}.html" for n in ("index", "symbols", "pack/index", "pack/a", "pack/b")),
    }
    assert built.n_pages == 5
    assert {"static/site.css", "static/index-en.js", "anchors.json"} <= built.files.keys()


def test_the_first_page_leads_to_the_edition(tmp_path):
    first = build(tmp_path, GOOD).files["index.html"]
    assert 'content="0; url=en/index.html"' in first and 'href="en/index.html"' in first


def test_the_same_files_give_the_same_bytes(tmp_path):
    first, second = build(tmp_path, GOOD), build(tmp_path, GOOD)
    assert first.files == second.files


def test_a_second_language_has_the_same_pages_and_code(tmp_path):
    built = build(tmp_path, GOOD | {"locale/zh/pack.a.po": CHINESE}, locale="locale")
    assert not built.problems
    english, chinese = (
        {name[3:]: html for name, html in built.files.items() if name.startswith(f"{code}/")}
        for code in ("en", "zh")
    )
    assert english.keys() == chinese.keys() and "status.html" in english
    code = re.compile(r"<code>.*?</code>", re.DOTALL)
    for url in english:
        if url.startswith("pack"):
            assert code.findall(english[url]) == code.findall(chinese[url])
    assert '<html lang="zh-CN">' in chinese["pack/a.html"]
    assert "甲页</h1>" in chinese["pack/a.html"] and "甲页" in chinese["pack/index.html"]
    assert 'href="../../en/pack/a.html"' in chinese["pack/a.html"]


def test_only_anchors_that_are_promised_are_in_the_map(tmp_path):
    anchors = json.loads(build(tmp_path, GOOD).files["anchors.json"])
    assert anchors["pack/a.html"] == ["Thing", "h-page-a", "h-thing"]


def test_what_moved_keeps_its_address(tmp_path):
    moved = {
        "pack/old.html": "pack/a.html",
        "pack/a.html#Old": "pack/a.html#Thing",
    }
    built = build(tmp_path, GOOD | {"moved.json": json.dumps(moved)}, aliases="moved.json")
    assert not built.problems
    assert 'url=a.html"' in built.files["en/pack/old.html"]
    assert '<span id="Old"></span>' in built.files["en/pack/a.html"]


def test_addresses_are_listed_where_the_place_is_known(tmp_path):
    built = build(tmp_path, GOOD, base_url="https://a.example/docs/")
    assert "https://a.example/docs/en/pack/a.html\n" in built.files["sitemap.txt"]
    canonical = '<link rel="canonical" href="https://a.example/docs/en/pack/a.html">'
    assert canonical in built.files["en/pack/a.html"]


def test_links_to_other_hosts_are_listed_once(tmp_path):
    link = "[a](https://b.example/x?y=1)"
    note = f'"""\n# C\n\n{link} {link} <https://a.example>\n"""\n'
    built = build(tmp_path, GOOD | {"pack/c.py": note})
    assert built.files["external.txt"] == "https://a.example\nhttps://b.example/x?y=1\n"
    assert build(tmp_path, GOOD | {"pack/c.py": '"""\n# C\n"""\n'}).files["external.txt"] == ""


@pytest.mark.parametrize(
    "text, line, kind, what",
    [
        ('"""\n# T\n\n[a](aa.html)\n"""\n', 4, "link", "did you mean"),
        ('"""\n# T\n\n[a](a.html#Think)\n"""\n', 4, "link", "Thing"),
        ('"""\n# T\n\n[a](a.html#h-none)\n"""\n', 4, "link", "h-none"),
        ('"""\n# T\n\n[`Thinf`]\n"""\n', 4, "symbol", "Thing"),
        ('"""\n# T\n\n[a](http://a.example)\n"""\n', 4, "link", "https"),
        ('r"""\n# T\n\n$\\foo$\n"""\n', 4, "maths", "foo"),
        ('"""\n# T\n\n$\\alpha$\n"""\n', 4, "maths", "not raw"),
        ('"""\n# T\n\n![a](b.png)\n"""\n', 4, "image", "b.png"),
        ('"""\n# T\n\n<b>a</b>\n"""\n', 4, "html", "<b>"),
        ('"""\n# T\n\n```result\nrun: x\n```\n"""\n', 5, "result", "records"),
        ('"""\n# T\n"""\n\ndef f(:\n', 5, "syntax", ""),
    ],
)
def test_each_fault_is_told_once_with_its_place(tmp_path, text, line, kind, what):
    built = build(tmp_path, GOOD | {"pack/c.py": text})
    assert [(p.line, p.kind) for p in built.faults] == [(line, kind)], built.faults
    (fault,) = built.faults
    assert fault.path.endswith("pack/c.py") and what in fault.what
    # The page is there all the same.
    assert "en/pack/c.html" in built.files


def test_a_fault_is_told_once_in_two_languages(tmp_path):
    bad = GOOD | {"pack/c.py": '"""\n# T\n\n[a](none.html)\n"""\n', "locale/zh/pack.a.po": CHINESE}
    assert len(build(tmp_path, bad, locale="locale").faults) == 1


def test_missing_notes_do_not_stop_a_build(tmp_path):
    built = build(tmp_path, GOOD | {"pack/c.py": "def f():\n    pass\n"})
    assert not built.faults and built.problems


def test_code_of_others_can_be_shown(tmp_path):
    text = '\n'.join(
        [
            '"""',
            "---",
            "title: Of others",
            "summary: >",
            "  They said it in YAML.",
            "---",
            "",
            "# [Nowhere](../none/index.html)",
            "<a id='x'></a> $\\foo$ <br> ![b](https://a.example/b.svg)",
            '"""',
            "#",
            "# ####",
            "class A: 'doc'; x = 1",
        ]
    )  # fmt: skip
    built = build(tmp_path, {"loose/script.py": text, "loose/broken.py": "def"}, "loose")
    assert {p.kind for p in built.faults} == {"link", "maths", "html", "image", "syntax"}
    page = built.files["en/loose/script.html"]
    assert "<title>Of others" in page and 'content="They said it in YAML."' in page
    assert "en/loose/broken.html" in built.files
    assert not [p for p in built.faults if p.path.startswith("en/")]


def test_what_was_renamed_keeps_its_anchor_wherever_it_stands(tmp_path):
    moved = {
        "pack/c.html#h-old-part": "pack/c.html#h-new-part",
        "pack/c.html#OLD": "pack/c.html#NEW",
        "pack/c.html#old": "pack/c.html#new",
    }
    page = '"""\n# C\n\n## New part\n"""\n\nNEW = 1\n\n\ndef new():\n    """It"""\n'
    files = GOOD | {"pack/c.py": page, "moved.json": json.dumps(moved)}
    built = build(tmp_path, files, aliases="moved.json")
    assert not built.faults
    html = built.files["en/pack/c.html"]
    assert '<span id="h-old-part"></span><h2 id="h-new-part"' in html
    assert '<span id="OLD"></span><span id="NEW">NEW</span>' in html
    assert re.search(r'<span id="old"></span><section [^>]*id="new"', html)
    assert {"h-old-part", "OLD", "old"} <= {*json.loads(built.files["anchors.json"])["pack/c.html"]}


def test_an_image_before_the_first_words_stays_on_its_page(tmp_path):
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="7" height="3"></svg>'
    files = {"pack/__init__.py": '"""\n# Pack\n\n![A cat](cat.svg) and more.\n"""\n'}
    built = build(tmp_path, files | {"pack/cat.svg": svg})
    assert not built.faults
    assert '<img src="../../static/images/pack/cat.svg"' in built.files["en/pack/index.html"]
    home = built.files["en/index.html"]
    assert "<img" not in home and "A cat" in home


def test_a_damaged_record_is_a_fault_and_no_end(tmp_path):
    built = build(tmp_path, GOOD | {"records/one/record.json": "{"}, results="records")
    assert [p.kind for p in built.faults] == ["result"]
    assert "record.json is damaged" in built.faults[0].what
    assert "en/results.html" in built.files


def test_faults_of_a_translation_are_told_with_its_line(tmp_path):
    catalog = CHINESE + '\nmsgid "It has [`Thing`]."\nmsgstr "有 [甲](b.html#h-no), [`Thin`]。"\n'
    bad = {"pack/c.py": '"""\n# C\n\n[x](none.html)\n"""\n', "locale/zh/pack.a.po": catalog}
    built = build(tmp_path, GOOD | bad, locale="locale")
    told = {(p.path.rpartition("/")[2], p.line, p.kind) for p in built.faults}
    # The anchor may come with a heading, which is known last: then the line is forgotten.
    assert told == {
        ("pack.a.po", 7, "translation"),
        ("c.py", 4, "link"),
        ("a.py", 0, "link"),
    }
    assert any("in a translation there is no h-no" in p.what for p in built.faults)


def test_words_of_the_interface_are_text_whatever_they_say(tmp_path):
    words = 'msgid ""\nmsgstr ""\n\nmsgid "Search"\nmsgstr "\\" onfocus=\\"a <b>"\n'
    files = GOOD | {"locale/zh/ui.po": words, "locale/zh/pack.a.po": CHINESE}
    built = build(tmp_path, files, locale="locale")
    assert not built.faults
    assert 'placeholder="&#34; onfocus=&#34;a &lt;b&gt;"' in built.files["zh/index.html"]


def test_words_that_cannot_be_filled_in_are_a_mistake(tmp_path):
    words = 'msgid ""\nmsgstr ""\n\nmsgid "Link to %(name)s"\nmsgstr "%(nam)s"\n'
    with pytest.raises(GeneratorError, match=r"ui\.po:4: .*another placeholder"):
        build(tmp_path, GOOD | {"locale/zh/ui.po": words}, locale="locale")


def test_english_on_pages_of_another_language_is_marked(tmp_path):
    built = build(tmp_path, GOOD | {"locale/zh/pack.a.po": CHINESE}, locale="locale")
    home = built.files["zh/index.html"]
    assert '<span lang="en">Parts that go together.</span>' in home
    assert '<a href="pack/a.html">甲页</a>' in home
    assert '<span lang="en">' not in built.files["en/index.html"]


def test_front_matter_is_translated_too(tmp_path):
    page = '"""\n---\ntitle: Front\nsummary: Said first\n---\n\nBody\n"""\n'
    catalog = CHINESE + '\nmsgid "Front"\nmsgstr "前"\n\nmsgid "Said first"\nmsgstr "先说"\n'
    files = GOOD | {"pack/c.py": page, "locale/zh/pack.c.po": catalog}
    built = build(tmp_path, files, locale="locale")
    assert "<title>前" in built.files["zh/pack/c.html"]
    assert 'content="先说"' in built.files["zh/pack/c.html"]


def test_pages_do_not_depend_on_where_they_are_built_from(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    first = build(tmp_path, GOOD).files
    monkeypatch.chdir(tmp_path / "pack")
    assert site.build(Options([Path("../pack")])).files == first
    assert str(tmp_path) not in first["en/pack/a.html"]


def test_other_languages_are_named_in_full_where_the_place_is_known(tmp_path):
    files = GOOD | {"locale/zh/pack.a.po": CHINESE}
    html = build(tmp_path, files, locale="locale", base_url="https://a.example").files[
        "en/pack/a.html"
    ]
    assert 'hreflang="zh-CN" href="https://a.example/zh/pack/a.html">' in html
