r"""
# Telling

What pages of a small project are told as.
"""

import pytest

from tests.docs_gen.pages.made_editions import edition_of, project_in


@pytest.fixture
def project(tmp_path):
    return project_in(tmp_path)


def test_summaries_have_marks_but_no_links(project):
    edition = edition_of(project)
    told = {m.source.url: edition.telling.summary(m) for m in project.modules}
    assert told["pack/in/index.html"] == "Some of <code>pack</code>."
    assert "Of A and <code>x</code> and <math>" in told["pack/index.html"]
    assert edition.telling.title(project.modules[0]) == "<em>The</em> pack"


def test_faults_of_a_summary_are_told_by_its_own_page_alone(project):
    edition = edition_of(project)
    edition.telling.summary(project.modules[0])
    assert not edition.problems


def test_titles_that_are_only_told_are_not_counted(project):
    edition = edition_of(project, "zh")
    for module in project.modules:
        edition.telling.title(module), edition.telling.summary(module)
    assert not any(page.missing or page.n_done for page in edition.translations.values())
