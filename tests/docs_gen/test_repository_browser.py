"""
The site of this repository in a browser: every page once, and some of each kind more closely.
"""

import re

import pytest

from tests.docs_gen.browser import browser, complaints, served, views
from tests.docs_gen.modules import ours
from tests.docs_gen.pages.test_search_browser import Search
from tests.docs_gen.pages.test_theme import CUT, WIDE, bar_of
from tests.docs_gen.repository import pages, written

pytestmark = pytest.mark.slow
MHA, MLM = "labnn/transformers/mha.html", "experiments/mlm.html"
# One of each kind of page
KINDS = [
    *("en/index.html", "en/labnn/transformers/index.html", f"en/{MHA}", f"en/{MLM}"),
    *(f"zh/{MLM}", "zh/glossary.html", "en/results.html", "en/symbols.html", "zh/status.html"),
]
PHONE = {"width": 390, "height": 844, "is_mobile": True, "has_touch": True}
# Each look with the rules that it may break: the dark theme has other colours and nothing else, and
# a phone has the colours of one of the two.
COLOURS = ["color-contrast", "link-in-text-block"]
LOOKS = {
    "light": ({"color_scheme": "light"}, {}),
    "dark": ({"color_scheme": "dark"}, {"runOnly": {"type": "rule", "values": COLOURS}}),
    "phone": (PHONE, {"rules": {name: {"enabled": False} for name in COLOURS}}),
}
# Of a list of a thousand names the first of each letter stand for all.
SHORTEN = """() => document.querySelectorAll("main tr:nth-child(n+6), section li:nth-child(n+6)")
  .forEach((element) => element.remove())"""
# What the policy refused, equations that take no place, how far the page is wider than the window,
# and how many equations there are
SEEN = """() => {
  const all = [...document.querySelectorAll("math")];
  const flat = all.filter((e) => !e.getBoundingClientRect().height).map((e) => e.outerHTML);
  const more = document.documentElement.scrollWidth - innerWidth;
  return [watched.refused, flat, more, all.length];
}"""
COPIED = """() => [...document.querySelectorAll(".row-code code")].map((code) => {
  getSelection().selectAllChildren(code);
  return getSelection().toString();
}).join("\\n")"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return written(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def home(site):
    return site.as_uri()


@pytest.fixture(scope="module")
def host(site):
    with served(site) as address:
        yield address


@pytest.fixture(scope="module")
def chromium():
    with browser() as found:
        yield found


@pytest.fixture
def view(chromium):
    with views(chromium) as new:
        yield new


def test_every_page_opens_without_a_complaint(view, home):
    watched = view()
    chinese = [path for path in pages() if path.startswith("zh/")]
    english = [path for path in pages() if path.startswith("en/")]
    assert len(english) == len(chinese) > 100
    n_equations = 0
    for path in [*english, *chinese[::25], f"zh/{MLM}"]:
        page = watched.open(f"{home}/{path}")
        *found, n_here = page.evaluate(SEEN)
        assert [*found, *watched.said] == [[], [], 0], path
        n_equations += n_here
    assert watched.faults(home) == []
    assert n_equations > 200
    # One font at most, and what all pages share
    shared = {url.rpartition("/")[2] for url in watched.asked if "/static/" in url}
    assert shared == {"early.js", "site.js", "site.css", "math.woff2"}


def test_pages_come_from_a_server_as_well(view, host):
    watched = view()
    for path in (f"en/{MHA}", f"zh/{MLM}", "en/results.html"):
        watched.open(f"{host}/{path}")
        assert watched.faults(host) == [], path


@pytest.mark.parametrize("where", ["file", "http"])
def test_the_first_page_leads_on(request, view, where):
    start = request.getfixturevalue("home") + "/index.html" if where == "file" else None
    watched = view()
    watched.page.goto(start or request.getfixturevalue("host"))
    watched.page.wait_for_url("**/en/index.html")
    assert watched.said == [] and len(watched.asked) > 3


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing(view, home, look):
    options, rules = LOOKS[look]
    watched, found = view(**options), {}
    for path in KINDS:
        page = watched.open(f"{home}/{path}")
        if path.endswith(("symbols.html", "status.html")):
            page.evaluate(SHORTEN)
        found[path] = complaints(page, rules)
    assert {path: what for path, what in found.items() if what} == {}


def test_no_page_scrolls_sideways_at_any_width(view, home):
    watched = view(width=1920, height=900)
    for path in KINDS:
        page = watched.open(f"{home}/{path}")
        for width in (1920, 1024, 768, 390, 320):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate(WIDE) == [0, []], (path, width)


def test_nothing_moves_on_a_slow_phone(view, host):
    for path in ("en/index.html", f"en/{MHA}", f"zh/{MLM}"):
        watched = view(**PHONE)
        client = watched.context.new_cdp_session(watched.page)
        client.send("Emulation.setCPUThrottlingRate", {"rate": 4})
        page = watched.open(f"{host}/{path}")
        page.evaluate("document.fonts.ready.then(() => new Promise(requestAnimationFrame))")
        page.wait_for_timeout(200)
        assert page.evaluate("watched.moved") <= 0.01, path


# The beginning of where the first hit leads to
IN_ENGLISH = {
    "n_heads": f"{MHA}#MultiHeadAttention.n_heads",
    "MultiHeadAttention": f"{MHA}#MultiHeadAttention",
    "multi head attention": f"{MHA}#MultiHeadAttention",
    "attnetion": MHA,
    "warmup": "labnn/optimizers/warmup.html#page-top",
    "transformer.n_layers": "labnn/configs/transformer.html#TransformerConfigs.n_layers",
    "optimizer.learning_rate": "labnn/configs/optimizer.html#OptimizerConfigs.learning_rate",
    "noam": "labnn/optimizers/noam.html#Noam",
    "AdamW": "labnn/optimizers/adam.html#AdamW",
    "masked language model": f"{MLM}#page-top",
    "gradient clipping": "labnn/configs/training.html#",
    "dropout": "labnn/layers/dropout.html#Dropout",
    "layer norm": "labnn/layers/layer_norm.html#LayerNorm",
    "positional encoding": "labnn/transformers/positional_encoding.html#page-top",
    "novograd": "labnn/optimizers/novograd.html#NovoGrad",
    "label smoothing": "labnn/losses/label_smoothing.html#page-top",
    "perplexity": "labnn/losses/perplexity.html#",
    "annealing": "labnn/optimizers/annealing.html#page-top",
    "wikitext": "labnn/data/wikitext.html#page-top",
}
IN_CHINESE = {
    "掩码语言模型": f"{MLM}#page-top",
    "莎士比亚": f"{MLM}#page-top",
    # Many pages speak of it.
    "词元": "",
    "n_heads": f"{MHA}#MultiHeadAttention.n_heads",
    "MultiHeadAttention": f"{MHA}#MultiHeadAttention",
}
ON_A_SERVER = ("n_heads", "attnetion", "词元")


@pytest.mark.parametrize("where", ["file", "http"])
@pytest.mark.parametrize(
    ("language", "wanted"), [("en", IN_ENGLISH), ("zh", IN_CHINESE)], ids=["english", "chinese"]
)
def test_what_is_searched_for_comes_first(request, chromium, where, language, wanted):
    home = request.getfixturevalue("home" if where == "file" else "host")
    context = chromium.new_context()
    search = Search(context, home).open(f"{language}/labnn/index.html")
    search.input.focus()
    search.page.wait_for_function("() => document.forms[0].dataset.search === 'ready'")
    for text, start in wanted.items():
        if where == "http" and text not in ON_A_SERVER:
            continue
        hrefs = search.ask(text).hrefs()
        assert hrefs and hrefs[0].startswith(f"../{start}"), (text, hrefs[:3])
    search.page.keyboard.press("Enter")
    search.page.wait_for_url(re.compile("html#"))
    assert search.faults == [] and all(url.startswith(home) for url in search.asked)
    context.close()


@pytest.mark.parametrize("path", [f"en/{MHA}", f"zh/{MLM}"])
def test_without_scripts_the_page_is_the_same(view, home, path):
    found = []
    for has_scripts in (True, False):
        page = view(java_script_enabled=has_scripts).open(f"{home}/{path}")
        found.append((page.locator("main").text_content(), page.locator(".eq").count()))
        boxes = [each.bounding_box() for each in page.locator("math").all()[:20]]
        assert bool(boxes) == ("<math" in pages()[path])
        assert all(box["height"] > 5 and box["width"] > 2 for box in boxes)
    assert found[0] == found[1] and len(found[0][0]) > 3_000
    # The form leads to the list of all names, and that to the page of each.
    page.locator("#search-input").fill("MultiHeadAttention")
    page.locator("#search-input").press("Enter")
    page.wait_for_url("**/symbols.html?q=MultiHeadAttention")
    page.get_by_role("link", name="M", exact=True).click()
    page.get_by_role("link", name="MultiHeadAttention", exact=True).first.press("Enter")
    page.wait_for_url(f"**/{MHA}#MultiHeadAttention")


def test_another_language_opens_at_the_same_place(view, home):
    page = view(reduced_motion="reduce").open(f"{home}/en/{MLM}#Configs.sample")
    for name, path in (("中文", f"zh/{MLM}"), ("English", f"en/{MLM}")):
        page.get_by_role("link", name=name).click()
        assert page.url == f"{home}/{path}#Configs.sample"
        box = page.locator("[id='Configs.sample']").bounding_box()
        assert bar_of(page) <= box["y"] < 400
    # From the middle of the page, without an anchor in its address
    page.goto(f"{home}/en/{MLM}")
    page.evaluate("document.getElementById('Configs.forward_loss').scrollIntoView()")
    page.get_by_role("link", name="中文").click()
    assert page.url == f"{home}/zh/{MLM}#Configs.forward_loss"


@pytest.mark.parametrize("width", [390, 1280])
def test_a_line_that_is_linked_to_is_seen(view, home, width):
    page = view(width=width, height=700, reduced_motion="reduce").open(f"{home}/en/{MHA}")
    lines = page.evaluate("[...document.querySelectorAll('.c-line')].map((line) => line.id)")
    colour = "(id) => getComputedStyle(document.getElementById(id)).backgroundColor"
    near_47 = next(line for line in lines if int(line[1:]) >= 47)
    for line in (near_47, lines[0], lines[len(lines) // 2], lines[-1]):
        page.goto(f"{home}/en/{MHA}#{line}")
        box = page.locator(f"#{line}").bounding_box()
        assert bar_of(page) <= box["y"] < 700 - 20, line
        other = next(each for each in lines if each != line)
        assert page.evaluate(colour, line) != page.evaluate(colour, other)


def test_copied_code_is_the_code(view, home):
    (module,) = (module for module in ours() if module.source.url == MHA)
    notes = {number for section in module.sections for number in section.note_lines}
    source = [line for n, line in enumerate(module.lines, 1) if n not in notes and line.strip()]
    page = view().open(f"{home}/zh/{MHA}")
    copied = [line for line in page.evaluate(COPIED).split("\n") if line.strip()]
    assert copied == source and len(copied) > 20
    compile("\n".join(copied), MHA, "exec")


@pytest.mark.parametrize("path", [f"en/{MHA}", f"zh/{MLM}"])
def test_paper_holds_all_of_it(view, home, path):
    # A4 without its margins, at 96 dots an inch
    page = view(width=703, height=1000).open(f"{home}/{path}")
    page.emulate_media(media="print")
    assert page.evaluate(WIDE) == [0, []] and page.evaluate(CUT) == []
    assert not page.locator(".skip-link").is_visible()
    n_pages = len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4")))
    assert 2 <= n_pages <= 12
