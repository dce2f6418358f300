r"""
# Markup

Each kind of token, as Markdown that holds it.
"""

import pytest

from docs_gen.writing import notes
from tests.docs_gen.tools import Answers


def render(text, **answers):
    tools = Answers(**answers)
    return notes.render(text, tools), tools


def test_maths_within_a_line_has_no_box():
    assert render("Let $a<b$ be")[0] == "<p>Let <maths a<b False> be</p>\n"


def test_maths_on_its_own_lines_is_in_a_box_that_can_be_reached():
    box = '<div class="eq" tabindex="0" role="group" aria-label="EQUATION"><maths \nx\n True></div>'
    assert render("$$\nx\n$$")[0] == box


def test_doubled_dollars_within_a_line_stay_in_the_line():
    html, tools = render("so $$x$$ is")
    assert html == "<p>so <maths x True> is</p>\n"
    assert tools.asked == [("maths", "x", True)]


def test_an_environment_is_maths():
    _, tools = render("\\begin{align}\na &= b\n\\end{align}")
    assert tools.asked == [("maths", "\\begin{align}\na &= b\n\\end{align}", True)]


def test_maths_that_does_not_convert_shows_its_source_and_is_told():
    html, tools = render("a $\\foo<$ b", maths=None)
    assert html == '<p>a <code class="fault">\\foo&lt;</code> b</p>\n'
    assert tools.faults == [("no maths", "maths", "\\foo<")]


def test_a_link_goes_where_it_is_sent():
    html, _ = render("[a](x.html#y)", link=lambda href: "../" + href)
    assert html == '<p><a href="../x.html#y">a</a></p>\n'


def test_a_link_to_another_host_is_marked():
    html, _ = render("[a](https://a.example/b)")
    assert html == '<p><a href="https://a.example/b" class="external">a</a></p>\n'


def test_a_dead_link_keeps_its_words():
    html, tools = render('[a *b*](x.html "title")', link=None)
    assert html == '<p><a class="fault">a <em>b</em></a></p>\n'
    assert tools.faults == [("no link", "link", "x.html")]


def test_an_image_has_a_size():
    html, tools = render("![a cat](cat.png)")
    assert html == '<p><img src="cat.png" alt="a cat" width="2" height="3" /></p>\n'
    assert not tools.faults


def test_an_image_without_words_is_told():
    assert "has no words" in render("![ ](cat.png)")[1].faults[0][0]


def test_a_missing_image_leaves_its_words():
    html, tools = render("![a & b](cat.png)", image=None)
    assert html == "<p><em>a &amp; b</em></p>\n"
    assert tools.faults == [("no image", "image", "cat.png")]


def test_code_has_colours_and_a_box_that_can_be_reached():
    html, _ = render("```python\nif x:\n    pass\n```")
    assert html.startswith('<div class="note-code" tabindex="0" role="group" aria-label="CODE">')
    assert '<pre translate="no"><code><span class="t-k">if</span> x:\n' in html


def test_indented_code_is_code_too():
    assert "<code>a &lt; b\n</code>" in render("    a < b")[0]


def test_results_are_asked_for():
    html, tools = render("```result\nrun: mlm\n```")
    assert html == "<result run: mlm\n>\n"
    assert tools.asked == [("drawing", "result", "run: mlm\n")]


def test_results_that_are_not_there_show_what_was_asked():
    html, tools = render("```result\nrun: mlm\n```", drawing=None)
    assert "run: mlm" in html
    assert tools.faults == [("no drawing", "result", "run: mlm\n")]


def test_a_curve_is_drawn():
    html, tools = render("```curve\nshow: lr\n```")
    assert html == "<curve show: lr\n>\n"
    assert tools.asked == [("drawing", "curve", "show: lr\n")]


def test_a_curve_that_cannot_be_drawn_shows_its_numbers():
    html, tools = render("```curve\nshow: lr\n```", drawing=None)
    assert "show: lr" in html
    assert tools.faults == [("no drawing", "curve", "show: lr\n")]


def test_a_table_is_in_a_box_that_can_be_reached():
    html, _ = render("| a | b |\n|---|--:|\n| 1 | 2 |")
    start = '<div class="note-table" tabindex="0" role="group" aria-label="TABLE"><table>'
    assert html.startswith(start) and html.endswith("</table></div>\n")


@pytest.mark.parametrize("side, rule", [("left", ":--"), ("center", ":-:"), ("right", "--:")])
def test_a_column_has_its_side_by_class(side, rule):
    html, _ = render(f"| a |\n|{rule}|\n| 1 |")
    assert f'<th class="align-{side}">a</th>' in html
    assert f'<td class="align-{side}">1</td>' in html
    assert "style" not in html
