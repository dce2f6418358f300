r"""
# Edition

Editions of a small project, a page of which is looked at by itself.
"""

import pytest

from tests.docs_gen.pages.made_editions import edition_of, project_in


@pytest.fixture
def project(tmp_path):
    return project_in(tmp_path)


def page(project, url, code="en"):
    edition = edition_of(project, code)
    return edition.module(next(m for m in project.modules if m.source.url == url))


def test_a_page_knows_its_place(project):
    html = page(project, "pack/in/a.html")
    assert '<li><a href="../../index.html">pack</a></li>' in html
    assert '<li><a href="index.html">in</a></li>' in html
    assert '<li><span aria-current="page">a</span></li>' in html
    assert 'rel="prev" href="b.html"' in html and 'rel="next"' not in html


def test_a_package_shows_its_pages_in_the_order_of_its_links(project):
    html = page(project, "pack/in/index.html")
    assert html.index('<a href="b.html">B</a></h3>') < html.index('<a href="a.html">A</a></h3>')


def test_what_takes_text_alone_gets_text(project):
    html = page(project, "pack/index.html")
    assert "<title>The pack" in html
    assert '<meta name="description" content="Of A and x and y.">' in html


def test_how_to_run_a_page(project):
    assert "python -m pack.in.b" in page(project, "pack/in/b.html")
    assert "python -m" not in page(project, "pack/in/a.html")


def test_titles_of_others_are_translated_too(project):
    html = page(project, "pack/in/index.html", "zh")
    assert "内</h1>" in html and '<a href="b.html">乙</a></h3>' in html
    assert "<title>内" in html


def test_languages_lead_to_the_same_page(project):
    html = page(project, "pack/in/a.html")
    assert '<a href="../../../zh/pack/in/a.html" hreflang="zh-CN" lang="zh-CN">中文</a>' in html
    assert '<link rel="alternate" hreflang="en" href="../../../en/pack/in/a.html">' in html


def test_results_need_a_folder_of_records(project):
    with pytest.raises(ValueError, match="--records"):
        edition_of(project).result(project.modules[0], "run: x")


def test_pages_that_are_read_first_are_found_first(project):
    edition = edition_of(project)
    for module in project.order.reading:
        edition.module(module)
    weights = [found.weight for found in edition.found]
    assert weights == sorted(weights, reverse=True) and weights[0] > weights[-1] > 0.9
