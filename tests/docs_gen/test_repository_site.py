"""
The site of this repository, as a build leaves it: it is whole, small, the same each time, and its
two languages show the same code.
"""

import gzip
import os
import re
import statistics
import subprocess
import sys
from functools import cache

import html5lib
import pytest
from selectolax.lexbor import LexborHTMLParser

from docs_gen.pages import rendered
from docs_gen.pages.check import poor_maths
from docs_gen.translation import glossary
from tests.docs_gen.modules import ours
from tests.docs_gen.repository import ROOT, WORDS, built, pages

pytestmark = pytest.mark.slow
# What machines made of token, MLM, Transformer, dropout, masked, run training, clip gradients
WRONG = ["代币", "令牌", "传销", "变压器", "辍学", "蒙面", "蒙版", "跑步训练", "剪辑渐变", "的@@"]
# Where wrong words are shown as such
QUOTED = ("/glossary.html", "/docs_gen/translation/index.html")
# Every index page, and pages that lie far apart in the order of their names
N_SPREAD = 20
CODES = ("en", "zh")


@cache
def tree(path):
    """A page as a browser has it"""
    return LexborHTMLParser(pages()[path])


@cache
def weight(path):
    """Bytes that a file takes on its way"""
    content = built().files[path]
    data = content.encode() if isinstance(content, str) else content
    # A font is packed already.
    return len(data) if path.endswith(".woff2") else len(gzip.compress(data, 9))


def every(find):
    """What is found, by page, where there is anything"""
    return {path: found for path, html in pages().items() if (found := find(html))}


# All of it is there


def test_nothing_is_wrong_with_a_source_or_with_what_was_made_of_it():
    assert [str(problem) for problem in built().problems] == []


def test_the_maths_reads_well():
    assert [str(problem) for module in ours() for problem in poor_maths(module)] == []


def test_every_source_has_a_page_in_every_language():
    urls = {module.source.url for module in ours()}
    # No source is forgotten by the one who lists them here.
    assert "labnn/transformers/mha.html" in urls and "docs_gen/parts.html" in urls
    assert urls > {"labnn/index.html", "experiments/mlm.html"}
    indexes = {f"{name}.html" for name in ("index", "symbols", "glossary", "results", "status")}
    wanted = {f"{code}/{url}" for code in CODES for url in urls | indexes}
    assert set(pages()) == wanted | {"index.html"}


def test_the_same_files_come_again_in_another_process(tmp_path):
    command = [sys.executable, "-m", "docs_gen", "build", *WORDS, "-o", str(tmp_path / "site")]
    # Sets have another order with another seed, and dates another zone.
    others = {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    done = subprocess.run(
        [*command, "--keep-going"], cwd=ROOT, env=os.environ | others, capture_output=True
    )
    assert b"Traceback" not in done.stderr
    found = {
        path.relative_to(tmp_path / "site").as_posix(): path.read_bytes()
        for path in (tmp_path / "site").rglob("*")
        if path.is_file() and path.name != "site.json"
    }
    assert found.keys() == built().files.keys()
    mine = {
        path: content.encode() if isinstance(content, str) else content
        for path, content in built().files.items()
    }
    assert [path for path in found if found[path] != mine[path]] == []


# Code and words


def code(path):
    """The text of a page's code by the number of its line"""
    numbers = tree(path).css(".row-code .c-line > .c-no")
    return {int(n.attributes["data-n"]): n.parent.text() for n in numbers}


def test_the_code_is_that_of_the_file_and_the_same_in_both_languages():
    n_lines = 0
    for module in ours():
        english, chinese = (code(f"{language}/{module.source.url}") for language in CODES)
        assert english == chinese, module.source.path
        wrong = [n for n, text in english.items() if text.rstrip("\n") != module.lines[n - 1]]
        assert wrong == [], module.source.path
        n_lines += len(english)
    assert n_lines > 5_000


def test_no_known_mistranslation_is_anywhere():
    everywhere = {
        word
        for term in glossary.read(ROOT / "locale" / "zh" / "glossary.csv")
        if not term.english
        for word in term.never
    }
    assert {"传销", "变压器"} <= everywhere
    wrong = re.compile("|".join(map(re.escape, {*WRONG, *everywhere})))
    found = every(lambda html: sorted(set(wrong.findall(html))))
    # They are found where they are shown.
    assert len(found["zh/glossary.html"]) > 5
    assert {path: words for path, words in found.items() if not path.endswith(QUOTED)} == {}


# HTML


def test_pages_are_html_to_a_parser_that_forgives_nothing():
    indexes = [path for path in pages() if path.count("/") < 2]
    others = sorted(set(pages()) - set(indexes))
    spread = others[:: max(len(others) // N_SPREAD, 1)]
    assert len(spread) >= N_SPREAD
    for path in [*indexes, *spread, "en/experiments/mlm.html", "zh/experiments/mlm.html"]:
        html5lib.HTMLParser(strict=True).parse(pages()[path])


def test_ids_headings_and_addresses_are_as_they_must_be():
    for find in (rendered.duplicates, rendered.skips, rendered.strays):
        assert every(find) == {}, find.__name__
    assert rendered.broken(pages(), set(built().files)) == []


def test_a_row_is_no_box_of_code():
    # Both would have the same class where a row has nothing but code.
    assert [path for path in pages() if tree(path).css("section.row-code")] == []


def test_each_page_says_its_language_and_names_the_other():
    tags = {"en": "en", "zh": "zh-CN"}
    for path in pages():
        code, _, url = path.partition("/")
        if code not in tags:
            continue
        assert tree(path).css_first("html").attributes["lang"] == tags[code]
        links = tree(path).css("link[rel=alternate]")
        up = "../" * path.count("/")
        assert {link.attributes["hreflang"]: link.attributes["href"] for link in links} == {
            tag: f"{up}{other}/{url}" for other, tag in tags.items()
        }


# Budgets, in bytes on their way


def test_a_page_is_small():
    weights = {path: weight(path) for path in pages()}
    assert statistics.median(weights.values()) <= 12_000
    assert {path: size for path, size in weights.items() if size > 30_000} == {}


def test_a_page_has_few_elements():
    sizes = {path: len(tree(path).css("*")) for path in pages()}
    assert {path: size for path, size in sizes.items() if size > 3_000} == {}


@cache
def asked(path):
    """The files that a page asks for when it is opened, by their path in the site"""
    nodes = tree(path).css("script[src], link[rel=stylesheet], img[src]")
    found = [n.attributes.get("src") or n.attributes["href"] for n in nodes]
    fonts = [n.attributes["data-font"] for n in tree(path).css("script[data-font]")]
    return {rendered.resolved(path, address) for address in found + fonts}


def test_what_a_page_asks_for_is_small():
    mha = asked("en/labnn/transformers/mha.html")
    assert mha == {f"static/{n}" for n in ("early.js", "site.js", "site.css", "math.woff2")}
    for path in pages():
        others = asked(path) - {"static/math.woff2"}
        assert sum(weight(name) for name in others) <= 10_000, path
        assert weight(path) + sum(weight(name) for name in asked(path)) <= 90_000, path
    fonts = [path for path in built().files if re.search(r"\.(woff2?|[ot]tf)$", path)]
    assert fonts == ["static/math.woff2"] and weight(fonts[0]) <= 64_000


@pytest.mark.parametrize("code", CODES)
def test_the_index_of_the_search_is_small(code):
    assert weight(f"static/index-{code}.js") <= 80_000


def test_a_drawing_is_small():
    drawings = [found for path in pages() for found in tree(path).css("main svg")]
    assert drawings
    assert max(len(drawing.html.encode()) for drawing in drawings) <= 6_000
