r"""
# How to Annotate

The guide is followed to the letter, and what it says of the site is looked up there. The code that
it is an example with has to be right as well.
"""

import math
import runpy
import statistics

import pytest

from docs_gen import guide
from docs_gen.__main__ import main
from docs_gen.guide import RunningMean, mean
from docs_gen.pages.arguments import arguments
from tests.docs_gen.guided import begin, commands, page

NUMBERS = [3.0, -1.5, 8.25, 0.125, 7.0]


@pytest.fixture
def begun(tmp_path, monkeypatch):
    """A folder with the files to begin with"""
    monkeypatch.chdir(tmp_path)
    begin()
    return tmp_path


def test_the_files_to_begin_with_have_no_fault_and_no_note_is_missing(begun, capsys):
    assert main(["check", "your_package"]) == 0, capsys.readouterr()


def test_a_page_is_what_the_guide_says(begun):
    assert main(["build", "your_package", "-o", "site"]) == 0
    shown = page("en/your_package/softmax.html")
    assert shown.css_first("h1").text() == "Softmax"
    summary = shown.css_first('meta[name="description"]').attributes["content"]
    assert summary == "Numbers become shares that add up to one."
    lead, header, first, second = shown.css("section.row")
    assert lead.css_first("math[display=block]") is not None
    assert "do not change" in header.text() and "def softmax" in header.text()
    assert "the largest becomes zero" in first.text() and "shares = " in first.text()
    # A note goes on to the next one.
    assert second.css_first("math") is not None and "return [share" in second.text()


def test_the_home_page_offers_the_path(begun):
    # Without a path it would offer the first pages by name.
    (begun / "your_package/another.py").write_text('"""\n# Another\n"""\n')
    main(["build", "your_package", "-o", "site"])
    home = page("en/index.html")
    assert home.css_first("h1").text() == "Your Project"
    assert "What it is for, in a sentence or two." in home.css_first("main").text()
    (step,) = home.css("#home-start a")
    assert step.attributes["href"] == "your_package/softmax.html"


def test_the_shares_are_those_of_the_equation(begun):
    softmax = runpy.run_path("your_package/softmax.py")["softmax"]
    total = sum(map(math.exp, NUMBERS))
    assert softmax(NUMBERS) == pytest.approx([math.exp(x) / total for x in NUMBERS])
    assert softmax([x + 1000 for x in NUMBERS]) == pytest.approx(softmax(NUMBERS))


def test_what_is_typed_is_a_command():
    (words,) = commands(guide.__doc__)
    given = arguments().parse_args(words[3:])
    assert (words[:3], given.command) == (["python", "-m", "docs_gen"], "serve")


def test_the_running_mean_is_the_mean():
    assert mean(NUMBERS) == pytest.approx(statistics.fmean(NUMBERS))
    assert mean([]) == 0


def test_a_step_by_hand():
    running = RunningMean()
    # 2, then 2 + (8 - 2) / 2, then 5 + (-1 - 5) / 3
    assert [running.add(x) for x in (2, 8, -1)] == [2, 5, 3]
    assert running.n == 3


def test_numbers_whose_sum_is_too_large_have_a_mean():
    assert math.isinf(sum([1e308, 1e308]))
    assert mean([1e308, 1e308]) == 1e308
