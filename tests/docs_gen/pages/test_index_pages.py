r"""
# Index Pages of an Edition

Which of them there are, and what they show of a small project.
"""

import json
import shutil
from pathlib import Path

from tests.docs_gen.made_sites import build

GOLDEN = Path(__file__).parents[2] / "golden" / "record"
FILES = {
    "pack/__init__.py": '"""\n# The pack\n\nTogether.\n\n## Start here\n\n1. [A](a.html)\n"""\n',
    "pack/a.py": '"""\n# Page A\n\nFirst.\n"""\n\nLIMIT = 1\n\n\ndef double():\n    """Twice"""\n',
    "pack/b.py": '"""\n# Page B\n\n```result\nrun: tiny\nshow: loss\n```\n"""\n',
}
CHINESE = 'msgid ""\nmsgstr ""\n\nmsgid "# Page A"\nmsgstr "# 甲"\n'
GLOSSARY = "english,translation,first,never\ntoken,词元,词元（token）,代币\n"


def pages(folder, files=FILES, **options):
    shutil.copytree(GOLDEN, folder / "records" / "tiny")
    options = {"results": "records", **options}
    built = build(folder, files, **options)
    assert not built.faults, built.faults
    return {name: html for name, html in built.files.items() if name.endswith(".html")}


def test_what_a_project_lacks_has_no_page_and_no_link(tmp_path):
    files = {"pack/__init__.py": '"""\n# The pack\n"""\n'}
    found = build(tmp_path, files).files
    assert {"en/index.html", "en/symbols.html"} <= found.keys()
    for name in ("results", "status", "glossary"):
        assert f"en/{name}.html" not in found
        assert f'href="{name}.html"' not in found["en/index.html"]


def test_home_tells_what_it_is_about_and_where_to_begin(tmp_path):
    html = pages(tmp_path)["en/index.html"]
    assert "<h1>The pack</h1>" in html and "Together." in html
    assert '<a href="pack/a.html">Page A</a></h3>' in html
    assert '<meta name="description" content="Together.">' in html


def test_home_is_home(tmp_path):
    assert 'aria-current="page">pack</a>' in pages(tmp_path)["en/index.html"]


def test_all_names_lead_to_their_definitions(tmp_path):
    html = pages(tmp_path)["en/symbols.html"]
    assert 'href="pack/a.html#LIMIT">LIMIT</a>' in html
    assert 'href="pack/a.html#double">double</a>' in html


def test_runs_are_listed_with_the_pages_that_show_them(tmp_path):
    found = pages(tmp_path)
    record = json.loads((GOLDEN / "record.json").read_text())
    assert "<strong>tiny</strong>" in found["en/results.html"]
    assert record["date"] in found["en/results.html"]
    assert '<a class="list-page" href="pack/b.html">Page B</a>' in found["en/results.html"]
    assert "<svg" in found["en/pack/b.html"] and "<svg" in found["en/pack/index.html"]


def test_two_results_on_a_page_have_ids_of_their_own(tmp_path):
    block = "```result\nrun: tiny\nshow: loss\n```\n\n"
    files = FILES | {"pack/c.py": f'"""\n# C\n\n{block}{block}"""\n'}
    assert pages(tmp_path, files)["en/pack/c.html"].count("<svg") >= 2


def test_the_state_of_a_translation_is_the_same_in_all_languages(tmp_path):
    files = FILES | {"locale/zh/pack.a.po": CHINESE, "locale/zh/glossary.csv": GLOSSARY}
    found = pages(tmp_path, files, locale="locale")
    for code, title in (("en", "Page A"), ("zh", "甲")):
        html = found[f"{code}/status.html"]
        row = html[html.index(f'<a href="pack/a.html">{title}</a>') :].partition("</tr>")[0]
        assert 'value="1"' in row and '<td class="table-number">3</td>' in row
    assert "代币" in found["en/glossary.html"] and "词元" in found["zh/glossary.html"]
