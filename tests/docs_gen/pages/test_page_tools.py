r"""
# Tools of a Page

Notes of pages that are written here, and what their tools make of them.
"""

from tests.docs_gen.made_rows import PAGE, page_of


def test_headings_make_one_outline():
    page, rows = page_of(PAGE)
    assert [(h["level"], h["anchor"], h["title"]) for h in page.headings] == [
        (1, "h-a-title-of-code", "A <em>title</em> of <code>code</code>"),
        (2, "h-more", "More"),
        (2, "h-thing", "Thing"),
        (3, "h-deep", "Deep"),
    ]
    assert (
        '<h1 id="h-a-title-of-code">A <em>title</em> of <code>code</code></h1>' in rows[0]["note"]
    )
    assert [h["title"] for h in page.toc()] == ["More", "Thing", "Deep"]


def test_functions_without_a_heading_are_on_the_map():
    page, _ = page_of('"""\n# T\n"""\n\ndef f():\n    """F"""\n    def g():\n        """G"""\n')
    assert [(h["anchor"], h["title"], h["level"]) for h in page.toc()] == [("f", "f", 2)]


def test_the_map_of_a_page_shows_what_headings_show():
    page, rows = page_of(
        '"""\n# T\n\n## <a id="x"></a>The $d_k$ of [`T`], [a *b*](#h-t) & c\n"""\nT = 1\n'
    )
    (entry,) = page.toc()
    assert entry["title"].startswith("The <math>") and "<msub>" in entry["title"]
    # It stands in a link, on a page that has the place already.
    assert entry["title"].endswith("</math> of <code>T</code>, a <em>b</em> &amp; c")
    assert 'id="x"' in rows[0]["note"] and not page.problems


def test_a_heading_has_its_faults_told_once():
    page, _ = page_of('"""\n# T\n\n## A $\\nope$\n"""\n')
    assert [(p.line, p.kind) for p in page.problems] == [(4, "maths")]


def test_a_colour_without_a_meaning_is_told_and_left_out():
    page, rows = page_of('"""\n# T\n\n$\\textcolor{pink}{x_1}$\n"""\n')
    (problem,) = page.problems
    assert (problem.line, problem.kind) == (4, "maths") and "not pink" in problem.what
    assert "<msub><mi>x</mi><mn>1</mn></msub>" in rows[0]["note"]
    assert "fault" not in rows[0]["note"]


def test_links_are_looked_up():
    page, rows = page_of(PAGE)
    assert '<a href="#Thing"><code>Thing</code></a>' in rows[0]["note"]
    assert not page.problems


def test_a_comment_knows_the_definition_around_it():
    text = (
        'class A:\n    """A"""\n\n    def f(self):\n        """F"""\n'
        "        # As [`g`] does\n        pass\n\n    def g(self):\n"
        '        """G"""\n\n\n# Like [`A.g`], not [`g`]\nx = 1\n\n\ndef g():\n    """Other"""\n'
    )
    page, rows = page_of(text)
    assert '<a href="#A.g"><code>g</code></a>' in rows[3]["note"]
    assert '<a href="#A.g"><code>A.g</code></a>, not <a href="#g">' in rows[5]["note"]


def test_equal_headings_have_anchors_of_their_own():
    page, _ = page_of('"""\n# A\n\n## B\n\n## B\n"""\n')
    assert [h["anchor"] for h in page.headings] == ["h-a", "h-b", "h-b-2"]


def test_faults_have_the_line_of_the_word():
    page, _ = page_of(
        '"""\n# T\n\nA [b](none.html)\nand $\\nope$\n![x](y.png)\n\n'
        '```result\nrun: z\n```\n"""\n\n# See [`Missing`]\nx = 1\n'
    )
    assert [(p.line, p.kind) for p in page.problems] == [
        (4, "link"),
        (5, "maths"),
        (9, "result"),
        (13, "symbol"),
    ]
    assert all(p.path == "pack/page.py" for p in page.problems)


def test_curves_of_a_page_have_ids_of_their_own():
    fence = "```curve\nshow: lr\nupdate: 0 1\na: 1 2\n```\n"
    page, rows = page_of(f'"""\n# T\n\n{fence}\n{fence}"""\n')
    assert not page.problems
    assert rows[0]["note"].count("<svg") == 2
    for ident in ("curve-title", "curve-desc", "curve-2-title", "curve-2-desc"):
        assert rows[0]["note"].count(f'id="{ident}"') == 1


def test_a_curve_without_a_value_has_the_line_of_its_fence():
    page, _ = page_of('"""\n# T\n\n```curve\nshow: lr\nupdate: 0 1\na: 1\n```\n"""\n')
    assert [(p.line, p.kind) for p in page.problems] == [(5, "curve")]
    assert page.problems[0].what == "a: 1 values for 2 updates"


def test_a_sign_that_the_font_lacks_is_a_fault():
    page, _ = page_of('"""\n# T\n\n$\\aleph$\n"""\n')
    assert [(p.line, p.kind) for p in page.problems] == [(4, "maths")]
    assert "lacks" in page.problems[0].what and "ℵ" in page.problems[0].what
