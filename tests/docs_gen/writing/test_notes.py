r"""
# Notes

Blocks, and their HTML with tools that answer what a test wants.
"""

from pathlib import Path

import pytest

from docs_gen.writing import notes
from tests.docs_gen.tools import Answers

ROOT = Path(__file__).parents[3]

NOTE = r"""# Title

A paragraph
over two lines.

* a list
* of two

$$x = 1$$

\begin{align}
a &= b \\
c &= d
\end{align}

```python
x = 1

y = 2
```

| a | b |
|---|---|
| 1 | 2 |

> said

    indented
"""


def test_a_note_is_cut_into_its_blocks():
    found = notes.units(NOTE)
    assert [(u.kind, u.line) for u in found] == [
        ("heading", 0),
        ("paragraph", 2),
        ("bullet_list", 5),
        ("math_block", 8),
        ("amsmath", 10),
        ("fence", 15),
        ("table", 21),
        ("blockquote", 25),
        ("code_block", 27),
    ]
    assert found[1].text == "A paragraph\nover two lines."
    assert found[4].text == "\\begin{align}\na &= b \\\\\nc &= d\n\\end{align}"
    assert found[5].text == "```python\nx = 1\n\ny = 2\n```"
    assert found[8].text == "    indented"
    assert [u.kind for u in found if not u.is_prose] == [
        "math_block", "amsmath", "fence", "code_block"
    ]  # fmt: skip


def test_blocks_together_are_the_note():
    said = "".join("".join(u.text for u in notes.units(NOTE)).split())
    assert said == "".join(NOTE.split())


def test_a_note_may_be_empty():
    assert notes.units("") == ()
    assert notes.units("\n\n") == ()


def render(text, **answers):
    tools = Answers(**answers)
    return "".join(notes.render(unit.text, tools) for unit in notes.units(text)), tools


def test_each_block_reads_alone_as_it_does_in_the_note():
    one_by_one, _ = render(NOTE)
    assert one_by_one == notes.render(NOTE, Answers())


def test_a_heading_has_the_level_and_the_anchor_that_it_is_given():
    html, tools = render("### A `b` $c$", heading=lambda level, title: (2, "h-a"))
    assert html.startswith('<h2 id="h-a">A <code>b</code> <maths c False></h2>')
    assert tools.asked == [("heading", 3, "A `b` $c$"), ("maths", "c", False)]


def test_a_name_in_square_brackets_is_a_link():
    html, _ = render("See [`A.f`], and [`b`].", symbol=lambda name: f"x.html#{name}")
    assert html == (
        '<p>See <a href="x.html#A.f"><code>A.f</code></a>, and '
        '<a href="x.html#b"><code>b</code></a>.</p>\n'
    )


def test_an_unknown_name_keeps_its_brackets_and_is_told():
    html, tools = render("See [`a<b`].", symbol=None)
    assert html == "<p>See [<code>a&lt;b</code>].</p>\n"
    assert tools.faults == [("no symbol", "symbol", "a<b")]


def test_what_has_a_target_is_no_name():
    html, tools = render("[`a`](b.html) and `[a]` and [ `a` ] and [`a` b]")
    assert [kind for kind, *_ in tools.asked] == ["link"]
    assert '<a href="b.html"><code>a</code></a>' in html


def test_places_marked_by_older_sites_are_kept():
    html, tools = render('Before <a id="place"></a>after', mark=lambda name: name + "-2")
    assert html == '<p>Before <span id="place-2"></span>after</p>\n'
    assert not tools.faults


@pytest.mark.parametrize("tag", ["<b>", "</b>", "<img src=x>", "<br/>"])
def test_raw_html_shows_as_text_and_is_told(tag):
    html, tools = render(f"a {tag} b")
    assert "<p>a &lt;" in html
    assert [kind for _, kind, _ in tools.faults] == ["html"]


@pytest.mark.parametrize("text", ["a < b > c", "x<5", "`<b>`", "$a<b>c$", "<https://a.example>"])
def test_what_is_no_html_is_not_told(text):
    assert not render(text)[1].faults


def test_a_script_is_only_text():
    html, _ = render("<script>alert(1)</script>\n\n[x](javascript:alert(1)) ![a](data:text/html,x)")
    assert "<script" not in html and 'href="javascript' not in html and "<img" not in html


def test_titles_without_their_marks():
    assert (
        notes.plain("A `b` of $c_1$, [d](e.html)\nand *f* ![g](h.png)") == "A b of c_1, d and f g"
    )


def test_inline_text_has_no_paragraph():
    assert notes.inline("a *b* $c$", Answers()) == "a <em>b</em> <maths c False>"


def test_every_note_of_the_repository_is_made_of_its_blocks():
    for path in sorted((ROOT / "labnn").rglob("*.py")):
        note = path.read_text().split('"""')[1]
        assert "".join("".join(u.text for u in notes.units(note)).split()) == "".join(note.split())


@pytest.mark.parametrize("text", ["It costs $5 and then $6.", "5$ or 6$", "$1,000 to $2,000"])
def test_money_is_no_equation(text):
    html, tools = render(text)
    assert html == f"<p>{text}</p>\n" and not tools.asked


@pytest.mark.parametrize("text", ["$5$", "$5 x$ and $6$", "($2$-norm)", "$ 5 $", "a $x$-$y$ b"])
def test_an_equation_may_begin_with_a_number(text):
    assert text.count("$") == 2 * len(render(text)[1].asked)


@pytest.mark.parametrize("name", ["ok place", "", " ", "a\tb", "a\x1bb", "a\x85b"])
def test_a_mark_with_a_blank_is_none(name):
    html, tools = render(f'<a id="{name}"></a>')
    assert "<span" not in html and len(tools.faults) == 1
