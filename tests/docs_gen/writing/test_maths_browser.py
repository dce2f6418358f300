r"""
# Maths in a browser

Where Chromium puts the parts of equations, by their boxes, and which fonts it takes.
"""

import shutil

import pytest

from docs_gen.pages import theme
from docs_gen.writing import maths
from tests.docs_gen import browser as chromium
from tests.docs_gen.equations import LISTED, written

pytestmark = pytest.mark.slow

POLICY = "default-src 'none'; style-src 'self'; font-src 'self'"
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Equations</title>
<meta http-equiv="Content-Security-Policy" content="{policy}">
<link rel="stylesheet" href="site.css"><body>{body}"""
# The box of each element that a selector finds: left, top, right, bottom
BOXES = """selector => [...document.querySelectorAll(selector)].map(element => {
  const box = element.getBoundingClientRect();
  return [box.left, box.top, box.right, box.bottom];
})"""
# Half a pixel is what rounding may take.
NEAR = 0.5


@pytest.fixture(scope="module")
def browser():
    with chromium.browser() as opened:
        yield opened


@pytest.fixture
def shown(browser, tmp_path):
    """A function that shows equations and returns the page; nothing may be said in the console."""
    said, pages = [], []
    sheets = [
        (theme.FOLDER / name).read_text(encoding="utf-8") for name in ("site.css", "math.css")
    ]
    (tmp_path / "site.css").write_text("\n".join(sheets), encoding="utf-8")
    shutil.copy(theme.FOLDER / "math.woff2", tmp_path)

    def show(*equations, width=800):
        boxes = [f'<div class="eq">{maths.mathml(tex, True)}</div>' for tex in equations]
        html = PAGE.format(policy=POLICY, body="\n".join(boxes))
        (tmp_path / "page.html").write_text(html, encoding="utf-8")
        page = browser.new_page(viewport={"width": width, "height": 600})
        pages.append(page)
        page.on("console", lambda message: said.append(message.text))
        page.goto((tmp_path / "page.html").as_uri())
        page.evaluate("document.fonts.ready")
        return page

    yield show
    for page in pages:
        page.close()
    assert not said


def fonts_of(page, selector):
    """The fonts that each element is drawn with"""
    client = page.context.new_cdp_session(page)
    client.send("DOM.enable")
    client.send("CSS.enable")
    root = client.send("DOM.getDocument")["root"]["nodeId"]
    nodes = client.send("DOM.querySelectorAll", {"nodeId": root, "selector": selector})["nodeIds"]
    for node in nodes:
        fonts = client.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]
        yield {(font["familyName"], font["isCustomFont"]) for font in fonts}


def test_all_signs_come_from_the_font_of_the_site(shown):
    equations = {tex for _, tex, _ in LISTED if tex.isascii()} | {tex for tex, _ in written()}
    page = shown(*sorted(equations), r"\vec{x} + \widehat{abc} + \left\| \frac{a}{b} \right\|")
    used = list(fonts_of(page, "mi, mn, mo, mtext"))
    # Signs that are not seen have no font.
    assert sum(bool(fonts) for fonts in used) > 0.9 * len(used) > 1000
    assert set().union(*used) == {("labnn math", True)}


def test_words_in_other_languages_come_from_the_font_of_the_text(shown):
    page = shown(r"P(\text{掩码})")
    words, text = page.evaluate(
        "['mtext', 'body'].map(n => getComputedStyle(document.querySelector(n)).fontFamily)"
    )
    assert words == f'"labnn math", {text}'


@pytest.mark.parametrize(
    "tex",
    [r"\sqrt{x}", r"\sqrt{d_k}", r"\sqrt{\frac{a}{b}}", r"\sqrt{\sum_{i=1}^{n} x_i^2 + \epsilon}"],
)
def test_a_root_covers_what_is_in_it(shown, tex):
    page = shown(tex)
    (root,) = page.evaluate(BOXES, "msqrt")
    inside = page.evaluate(BOXES, "msqrt > *")
    # The sign of the root is left of its content, and its line above it.
    assert root[0] + 5 < min(box[0] for box in inside)
    assert root[1] + 1 < min(box[1] for box in inside)
    assert max(box[2] for box in inside) <= root[2] + NEAR
    assert max(box[3] for box in inside) <= root[3] + NEAR
    # Beside it there is no hole either.
    assert root[2] - max(box[2] for box in inside) < 6


@pytest.mark.parametrize(
    "tex", [r"\softmax_j x", r"\operatorname*{arg\,max}_{y \in V} x", r"\lim_{x}"]
)
def test_a_limit_stands_below_the_name_of_its_operator(shown, tex):
    page = shown(tex)
    (name, limit) = page.evaluate(BOXES, "munder > *")
    assert limit[1] >= name[3] - 2 * NEAR
    assert abs((name[0] + name[2]) / 2 - (limit[0] + limit[2]) / 2) < 4


def test_columns_line_up(shown):
    page = shown(r"\begin{align} a + b &= c & d &= e \\ x &= y + z & uvw &= t \end{align}")
    signs = page.evaluate(
        """() => [...document.querySelectorAll("mtd > mo:first-child")]
        .filter(sign => sign.textContent == "=").map(sign => sign.getBoundingClientRect().left)"""
    )
    assert len(signs) == 4
    assert abs(signs[0] - signs[2]) < NEAR and abs(signs[1] - signs[3]) < NEAR
    cells = page.evaluate(BOXES, "mtd")
    # What is left of a sign ends at it, and a second pair of columns is apart from the first.
    ends = page.evaluate(BOXES, "mtd.m-right > :last-child")
    assert abs(ends[0][2] - ends[2][2]) < NEAR
    assert ends[1][0] - cells[1][2] > 20


def test_rows_of_cases_begin_at_one_line(shown):
    page = shown(r"\begin{cases} 1 - \epsilon & k = t \\ 0 & \text{otherwise} \end{cases}")
    cells = page.evaluate(BOXES, "mtd > :first-child")
    assert abs(cells[0][0] - cells[2][0]) < NEAR and abs(cells[1][0] - cells[3][0]) < NEAR


@pytest.mark.parametrize("tex", [r"\left( \frac{a}{b} \right)", r"\left| \frac{a}{b} \right|"])
def test_brackets_are_as_high_as_what_they_hold(shown, tex):
    page = shown(tex)
    left, right = page.evaluate(BOXES, "mrow > mo")
    (held,) = page.evaluate(BOXES, "mfrac")
    for bracket in (left, right):
        assert bracket[1] <= held[1] + 2 and held[3] - 2 <= bracket[3]
    assert left[2] <= held[0] + NEAR and held[2] <= right[0] + NEAR


def test_a_tag_is_at_the_right_edge(shown):
    page = shown(r"\begin{align} a &= b \tag{1} \end{align}")
    (tag,), (box,) = page.evaluate(BOXES, "mtext"), page.evaluate(BOXES, ".eq")
    assert box[2] - 2 < tag[2] <= box[2] + NEAR


def test_back_is_back(shown):
    page = shown("ab", r"a\!b", r"a\hspace{-1em}b")
    letters = page.evaluate(BOXES, "mi")
    lefts = [b[0] - a[0] for a, b in zip(letters[::2], letters[1::2], strict=True)]
    em = float(
        page.evaluate("parseFloat(getComputedStyle(document.querySelector('math')).fontSize)")
    )
    assert lefts[1] - lefts[0] == pytest.approx(-em / 6, abs=NEAR)
    assert lefts[2] - lefts[0] == pytest.approx(-em, abs=NEAR)


@pytest.mark.parametrize("width", [320, 768])
def test_what_is_wider_than_its_box_scrolls_from_its_beginning(shown, width):
    page = shown("+".join(f"x_{{{n}}}" for n in range(99)), width=width)
    first = page.evaluate(BOXES, "mi")[0]
    (box,) = page.evaluate(BOXES, ".eq")
    assert first[0] >= box[0]
    assert page.evaluate("document.querySelector('.eq').scrollWidth") > width
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_what_is_narrower_stands_in_the_middle(shown):
    page = shown("x = y")
    parts, (box,) = page.evaluate(BOXES, "mi"), page.evaluate(BOXES, ".eq")
    assert (parts[0][0] + parts[1][2]) / 2 == pytest.approx((box[0] + box[2]) / 2, abs=2)
