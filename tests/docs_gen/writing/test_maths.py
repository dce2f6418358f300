r"""
# Maths

Each rule by hand; the list of equations and those of the repository as a whole; and the classes
against the style sheet that gives them a look.
"""

import html
import re

import pytest

from docs_gen.pages.theme import FOLDER
from docs_gen.writing import maths
from tests.docs_gen.checked import checked
from tests.docs_gen.equations import LISTED, written

# Between them these have every look that the converter can write.
LOOKS = [
    r"\begin{align} a &= b \tag{1} \\ c &= d \end{align}",
    r"\begin{multline} a \\ b \end{multline}",
    r"\begin{cases} a & b \\ c \end{cases}",
    r"\begin{array}{|l|c||r:} \hline a & b & c \\ \hline d & e & f \\ \hdashline g \end{array}",
    r"\begin{array}{:c} a \end{array}",
    r"\begin{array}{c} \hdashline a \end{array}",
    r"\sum_{\substack{a \\ b}} x",
    r"x \mathbin{y} z \mathrel{y} z \mathinner{y} z \mathop{y} z \mathord{y} \mathpunct{y} z",
    r"x\mathinner y \quad x\mathrel y",
    r"\! \negmedspace \negthickspace \hspace{-0.5em} \hspace{-1em}",
    r"\cfrac{a}{b} \cramped{x^2} \boxed{a} \cancel{a} \bcancel{a} \xcancel{a}",
    r"\text{\textsf{a}\textrm{a}\textsc{a}}",
    r"\text{\tiny a}\text{\sixptsize a}\text{\scriptsize a}\text{\footnotesize a}\text{\small a}",
    r"\text{\normalsize a}\text{\large a}\text{\Large a}",
    r"\text{\LARGE a}\text{\huge a}\text{\Huge a}",
    "".join(rf"\textcolor{{{name}}}{{x}}" for name in maths.COLOURS),
]


def inner(tex, is_display=False, **more):
    """The MathML between the element and the TeX"""
    return re.search("<semantics>(.*)<annotation", maths.mathml(tex, is_display, **more))[1]


def rules(sheet):
    """The declarations for each selector of a style sheet"""
    text = re.sub(r"/\*.*?\*/", "", (FOLDER / sheet).read_text(encoding="utf-8"), flags=re.DOTALL)
    found = {}
    for selectors, body in re.findall(r"([^{};]+)\{([^{}]*)\}", text):
        for selector in selectors.split(","):
            found[selector.strip()] = found.get(selector.strip(), "") + body
    return found


def test_one_equation_by_hand():
    assert maths.mathml(r"\frac{1}{\sqrt{d_k}}", False) == (
        "<math><semantics><mfrac><mn>1</mn><msqrt><msub><mi>d</mi><mi>k</mi></msub></msqrt></mfrac>"
        r'<annotation encoding="application/x-tex">\frac{1}{\sqrt{d_k}}</annotation>'
        "</semantics></math>"
    )


def test_an_equation_on_its_own_lines_says_so():
    assert maths.mathml("x", True).startswith('<math display="block">')
    assert maths.mathml("x", False).startswith("<math>")


@pytest.mark.parametrize("name, tex, is_display", LISTED, ids=[e[0] for e in LISTED])
def test_the_list_of_equations(name, tex, is_display):
    shown = checked(maths.mathml(tex, is_display))
    assert shown.elements[0][0] == "math"
    assert "merror" not in [name for name, _ in shown.elements]
    assert shown.text("annotation") == tex


@pytest.mark.slow
def test_all_equations_of_the_repository():
    found = written()
    assert len(found) > 100
    for tex, is_display in found:
        checked(maths.mathml(tex, is_display))


def test_the_tex_stays_as_it_was_written():
    tex = (
        '\\begin{align}\n a &< \\textcolor{key}{b} \\\\\n c &= \\text{"d"} \\label{e}\n\\end{align}'
    )
    annotation = re.search("<annotation[^>]*>(.*)</annotation>", maths.mathml(tex, True), re.DOTALL)
    assert html.unescape(annotation[1]) == tex


@pytest.mark.parametrize("name", ["align", "align*", "gather", "equation", "equation*", "flalign"])
def test_an_environment_has_no_numbers(name):
    shown = inner(rf"\begin{{{name}}} a \\ b \end{{{name}}}", True)
    assert shown.count("<mtr>") == 2
    assert "mtext" not in shown and "m-wide" not in shown


def test_a_tag_is_the_only_number():
    shown = inner(r"\begin{align} a &= b \tag{7} \\ c &= d \end{align}", True)
    assert re.findall("<mtext>(.*?)</mtext>", shown) == ["(7)"]
    assert "m-wide" in shown


def test_columns_of_an_environment_have_their_side():
    shown = inner(r"\begin{align} a &= b \end{align}", True)
    cells = re.findall('<mtd class="([^"]*)">', shown)
    assert cells == ["m-right m-after-0", "m-left m-before-0"]


def test_no_style_is_left_on_an_element():
    reached = set()
    for tex in LOOKS:
        for _, attributes in checked(maths.mathml(tex, True)).elements:
            assert not {"notation", "style", "mathcolor", "mathbackground"} & set(attributes)
            reached |= set(attributes.get("class", "").split())
    # An equation above for each class, so that a style that is renamed does not go unseen
    assert reached <= set(maths.CLASSES.values())
    assert set(maths.CLASSES.values()) - reached == {"m-after-18"}


def test_a_class_looks_like_the_style_that_it_replaces():
    found = rules("math.css")
    for style, name in maths.CLASSES.items():
        body = found.get(f"math .{name}", found.get(f".{name}"))
        assert body, name
        if ":" in style and not style.startswith("color:"):
            prop, value = style.split(":")
            written_value = re.search(rf"(?:^|[;\s]){prop}:\s*([^;]*?)\s*(?:;|$)", body)
            assert written_value, (style, body)
            assert re.sub(r"(?<!\d)0\.", ".", value) == written_value[1]


def test_a_look_without_a_class_is_an_error(monkeypatch):
    monkeypatch.delitem(maths.CLASSES, "text-align:left")
    with pytest.raises(maths.MathsError, match=r"the look text-align:left is not supported"):
        maths.mathml(r"\begin{aligned} a &= b \end{aligned}", True)


def test_an_element_that_browsers_do_not_know_becomes_one_that_they_do():
    assert inner(r"\xcancel{x}") == '<mrow class="m-up m-down"><mi>x</mi></mrow>'
    assert inner(r"\text{menclose}") == "<mtext>menclose</mtext>"


def test_words_that_look_like_a_style_stay_words():
    shown = maths.mathml(r'\text{<p style="color:red" notation="x">}', False)
    assert checked(shown).text("mtext") == "<p\xa0style=”color:red”\xa0notation=”x”>"


def test_letters_in_two_forms_of_script_are_one():
    assert inner(r"\mathcal{L}") == inner(r"\mathscr{L}")


def luminance(colour):
    """How light a colour is, as the guideline for accessibility defines it"""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(c * weight for c, weight in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))


def contrast(one, other):
    """From 1 to 21"""
    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


def both(text):
    """A colour on light and one on dark"""
    pair = re.search(r"light-dark\((#\w+), ?(#\w+)\)", text).groups()
    return [c if len(c) == 7 else "#" + "".join(2 * x for x in c[1:]) for c in pair]


def test_contrast_by_hand():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("paper", ["paper", "tint", "here"])
@pytest.mark.parametrize("name", maths.COLOURS)
def test_a_colour_can_be_read_on_light_and_on_dark(name, paper):
    ground = re.search(rf"--{paper}: .*", (FOLDER / "site.css").read_text(encoding="utf-8"))[0]
    for ink, back in zip(both(rules("math.css")[f".m-{name}"]), both(ground), strict=True):
        assert contrast(ink, back) >= 4.5


def test_a_colour_is_a_class():
    expected = '<mrow class="m-query"><mi>Q</mi></mrow>'
    assert inner(r"\textcolor{query}{Q}") == inner(r"\color {query} Q") == expected


@pytest.mark.parametrize("tex", [r"\color{red}x", r"\textcolor{blue}{x}", r"\color[HTML]{ff0000}x"])
def test_another_colour_is_an_error(tex):
    with pytest.raises(maths.MathsError, match="a colour is one of query, key, value, given"):
        maths.mathml(tex, False)


def test_a_colour_does_not_get_in_through_a_macro():
    for tex in (r"\def\a#1{\color{#1}x}\a{red}", r"\def\a{\color}\a{pink}x", "\\color%\n{pink}"):
        with pytest.raises(maths.MathsError):
            maths.mathml(tex, False)


@pytest.mark.parametrize(
    "tex, said",
    [
        (r"\nope x", r'Unknown command "\nope", at "\nope x"'),
        ("a\n+ \\nope", r'Unknown command "\nope", at "\nope" in line 2'),
        ("中文 \\nope", r'Unknown command "\nope", at "\nope"'),
        (r"\frac{a", 'Expected closing token "}", but reached end of input, at the end'),
        (r"a}" + "b" * 40, 'Unmatched closing token: "}", at "}' + "b" * 23 + '..."'),
        (r"\nope \color{key} x", r'Unknown command "\nope", at "\nope \color{key} x"'),
        (r"x_a_b", 'Duplicate subscript or superscript, at "_b"'),
        (r"x + \color{pink} y", r'not pink, at "\color{pink} y"'),
        (r"\begin{nope} a \end{nope}", 'Unknown environment "nope", at "'),
        (r"a \eqref{b}", r"equations have no numbers that \eqref could name"),
        (r"\label{b}", "the equation is empty"),
        ("  \n", "the equation is empty"),
        ("{" * 9999 + "}" * 9999, "the equation has 19998 characters; 5000 are the most"),
        (r"\def\a{\a}\a", "may be expanding to itself"),
    ],
)
def test_a_fault_is_one_line_that_says_where(tex, said):
    with pytest.raises(ValueError) as caught:
        maths.mathml(tex, True)
    assert isinstance(caught.value, maths.MathsError)
    assert isinstance(caught.value, maths.ColourError) == ("pink" in tex)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_macros_of_ours():
    assert "<munder>" in inner(r"\softmax_j x", True)
    assert inner(r"\LN(x)") == inner(r"\operatorname{LN}(x)")
    assert inner(r"\pmb{x}") == "<mi>𝒙</mi>"
    assert inner(r"\mbox{a b}") == "<mtext>a\xa0b</mtext>"
    assert inner(r"\sum_{\substack{a \\ b}} x", True).count("<mtr>") == 2


def test_macros_of_a_page_are_for_that_page():
    assert inner(r"\own", macros={"own": r"\mathbb{R}"}) == "<mi>ℝ</mi>"
    assert inner(r"\LN", macros={"LN": "L"}) == "<mi>L</mi>"
    with pytest.raises(maths.MathsError):
        maths.mathml(r"\own", False)


def test_a_wrong_macro_is_an_error():
    with pytest.raises(maths.MathsError, match=r"a macro is wrong.*nope"):
        maths.mathml("x", False, {"a": r"\nope"})


@pytest.mark.parametrize("tex", ["d_{model}", r"\mathop{model}(x)", r"\underset{model}{x}"])
def test_a_word_that_is_set_as_a_product_is_told(tex):
    assert maths.lint(tex) == [r"write \text{model} or \operatorname{model}"]


@pytest.mark.parametrize(
    "tex",
    [
        *(r"d_{\text{model}}", r"\operatorname{softmax}(x)", r"\mathrm{model}", r"\min x"),
        *(
            "S_{ijbh}",
            "a b c",
            r"QK^\top V",
            "xy",
        ),
    ],
)
def test_what_is_no_word_is_not_told(tex):
    assert maths.lint(tex) == []


def test_a_word_is_told_once():
    assert len(maths.lint(r"d_{model} + h_{model} + abc")) == 2
