"""
The search as a person uses it, in a real browser, from a folder and from a server.
"""

import re
import shutil
from pathlib import Path
from urllib.parse import unquote

import pytest

from docs_gen.pages.search import Entry, Page, index
from tests.docs_gen.browser import browser, complaints, served
from tests.docs_gen.pages.test_texts import TOKENS

pytestmark = pytest.mark.slow

THEME = Path(__file__).parents[3] / "docs_gen" / "theme"
NASTY = "</script><img src=x onerror=alert(1)> \"'\\ \u2028 &amp; <b>bold</b>"
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>A page</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'self';
style-src 'self'; img-src data:; base-uri 'none'; form-action 'self'">
<link rel="icon" href="data:,">
<script src="{up}static/search.js" defer></script></head>
<body data-root="{root}" data-static="{up}static/" data-edition="{edition}">
<header><form role="search" action="{root}symbols.html" data-none="Nothing at all"
data-loading="Wait" data-failed="Broken"><label for="search-input">Search</label>
<input id="search-input" name="q" type="search" role="combobox" aria-expanded="false"
aria-controls="search-hits" aria-autocomplete="list">
<ul id="search-hits" role="listbox" aria-label="Hits" hidden></ul>
<p id="search-status" class="vh" role="status"></p></form><a id="a-link" href="#x">A link</a>
</header>
<main><h1>A page</h1></main></body></html>
"""
MHA, DROPOUT, NOAM = (
    f"labnn/{name}.html" for name in ("transformers/mha", "layers/dropout", "optimizers/noam")
)
MLM, LAYER_NORM, NASTY_URL = "experiments/mlm.html", "labnn/layers/layer_norm.html", "a#b %41.html"
# Urls, titles and weights are the same in both languages, as is what the code is called.
ENGLISH = (
    Page(
        MHA,
        "Multi-Head Attention",
        (
            Entry("page-top", "labnn.transformers.mha", "Multi-Head Attention", "Looks back."),
            Entry("MultiHeadAttention", "MultiHeadAttention", "MultiHeadAttention", "Heads."),
            Entry("h-forward", heading="Forward", text="forward, forward"),
            Entry(
                "s-000001",
                text="The probability of a coin; dropout of weights.",
                names=("MultiHeadAttention.dropout", "MultiHeadAttention.n_heads"),
            ),
        ),
        1.4,
    ),
    Page(
        LAYER_NORM,
        "Layer Normalization",
        (
            Entry("page-top", "labnn.layers.layer_norm", "Layer Normalization", "Mean zero."),
            Entry("LayerNorm", "LayerNorm", "", "Each token by itself."),
        ),
        1.3,
    ),
    Page(
        DROPOUT,
        "Dropout",
        (
            Entry(
                "page-top",
                "labnn.layers.dropout",
                "Dropout",
                "Coins. " + "Improving. " * 30 + "End.",
            ),
            Entry("Dropout", "Dropout", "", "The gradient meets the same coins."),
            Entry("Dropout.forward", "Dropout.forward", "", "Any shape"),
            Entry("keep_rate", "keep_rate", "", "What is left"),
        ),
        1.2,
    ),
    Page(
        NOAM,
        "Noam",
        (
            Entry("page-top", "labnn.optimizers.noam", "Noam", "The first updates of Adam"),
            Entry("s-000002", text="Updates while the rate rises", names=("Noam.warmup",)),
            Entry("h-clip", heading="Clip gradients", text="Their norm is at most one."),
            Entry("s-000006", text="Again and again. " * 4 + "But it lies beyond all."),
        ),
        1.1,
    ),
    Page(
        MLM,
        "Masked Language Model",
        (
            Entry(
                "page-top", "experiments.mlm", "Masked Language Model", "Fills in. " * 30 + "Far"
            ),
            Entry("s-000003", text="A learning rate of one", names=("OVERRIDES",)),
        ),
        1.0,
    ),
    Page(NASTY_URL, NASTY, (Entry("x<y", "", NASTY, f"nastiest {NASTY}"),)),
)
MANY = (
    Page(
        "a.html",
        "A",
        (
            Entry("s-kind", text="kind kind"),
            Entry("s-long", text="Filler, " * 30 + "one of the seldom"),
            *(Entry(f"s-{n}", text=f"of the kind {n}") for n in range(60)),
        ),
    ),
)
CHINESE = (
    Page(
        MLM,
        "掩码语言模型",
        (
            Entry("page-top", "experiments.mlm", "掩码语言模型", "语言模型看到两边。"),
            Entry("s-000003", text="包括 [PAD] 在内的词元数量", names=("n_tokens",)),
            Entry("s-000004", "", "梯度裁剪", "范数最大为 1。"),
            Entry("s-000005", text="损失是交叉熵，对被掩盖的词元取平均。"),
        ),
    ),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A site of two languages, each page of it with the form"""
    out = tmp_path_factory.mktemp("site")
    (out / "static").mkdir()
    for name in ("search.js", "minisearch.js"):
        shutil.copy(THEME / name, out / "static")
    for edition, pages in (("en", ENGLISH), ("zh", CHINESE), ("many", MANY)):
        (out / "static" / f"index-{edition}.js").write_text(index(pages), encoding="utf-8")
        for url in ("symbols.html", *(page.url for page in pages)):
            path, root = out / edition / url, "../" * url.count("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            text = PAGE.format(root=root, up=root + "../", edition=edition)
            path.write_text(text, encoding="utf-8")
    # A language whose index is missing, and one with an index that is not whole
    for edition, text in (("lost", None), ("half", index(ENGLISH)[:200])):
        (out / edition).mkdir()
        text_of_page = PAGE.format(root="", up="../", edition=edition)
        (out / edition / "symbols.html").write_text(text_of_page, encoding="utf-8")
        if text:
            (out / "static" / f"index-{edition}.js").write_text(text, encoding="utf-8")
    return out


@pytest.fixture(scope="module")
def site(request, folder):
    """The address of the site, a folder unless a test asks for a server as well"""
    if getattr(request, "param", "file") == "file":
        yield folder.as_uri()
    else:
        with served(folder) as address:
            yield address


# What is loaded and where links lead is all that may differ.
BOTH = pytest.mark.parametrize("site", ["file", "http"], indirect=True)


@pytest.fixture(scope="module")
def chromium():
    with browser() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def context(chromium):
    context = chromium.new_context()
    yield context
    context.close()


class Search:
    """A page and the parts of its search"""

    def __init__(self, context, site):
        self.page, self.site, self.faults, self.asked = context.new_page(), site, [], []
        self.page.set_default_timeout(10_000)
        self.page.on("console", lambda message: self.faults.append(message.text))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("dialog", lambda dialog: self.faults.append(dialog.message))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.input = self.page.locator("#search-input")
        self.list = self.page.locator("#search-hits")
        self.status = self.page.locator("#search-status")
        self.hits = self.list.get_by_role("option")

    def open(self, path="en/symbols.html"):
        self.page.goto(f"{self.site}/{path}")
        return self

    def ask(self, text):
        """Type, and wait for the answer."""
        self.input.fill("")
        self.input.fill(text)
        self.page.wait_for_function(
            "() => !document.querySelector('#search-hits').hidden ||"
            " !['', 'Wait'].includes(document.querySelector('#search-status').textContent)"
        )
        return self

    def hrefs(self):
        return [unquote(hit.get_attribute("href")) for hit in self.hits.all()]

    def chosen(self):
        """The numbers of what is marked as selected; the input has to name the same."""
        found = [
            number
            for number, hit in enumerate(self.hits.all())
            if hit.get_attribute("aria-selected") == "true"
        ]
        active = self.input.get_attribute("aria-activedescendant")
        assert [active] == ([f"search-hit-{number}" for number in found] or [None])
        return found

    def is_open(self):
        """The list; what the input says of it has to agree."""
        is_open = self.list.is_visible()
        assert self.input.get_attribute("aria-expanded") == str(is_open).lower()
        if not is_open:
            assert self.input.get_attribute("aria-activedescendant") is None
        return is_open


@pytest.fixture
def search(context, site):
    """The search of a page that has to end without a complaint of the browser"""
    search = Search(context, site)
    yield search.open()
    search.page.close()
    assert search.faults == []
    # Nothing comes from anywhere else.
    assert all(url.startswith((site, "data:")) for url in search.asked)


def test_the_browser_cuts_texts_as_python_does(search):
    found = search.page.evaluate("texts => texts.map(window.DOCS_TOKENS)", list(TOKENS))
    wrong = {
        text: tokens
        for (text, wanted), tokens in zip(TOKENS.items(), found, strict=True)
        if tokens != wanted.split()
    }
    assert wrong == {}


# What is found first


IN_ENGLISH = {
    "MultiHeadAttention": f"{MHA}#MultiHeadAttention",
    "multiheadattention": f"{MHA}#MultiHeadAttention",
    "multi head": f"{MHA}#MultiHeadAttention",
    "multi-head attention": f"{MHA}#MultiHeadAttention",
    "attnetion": f"{MHA}#MultiHeadAttention",
    "mha": f"{MHA}#page-top",
    "n_heads": f"{MHA}#MultiHeadAttention.n_heads",
    "n heads": f"{MHA}#MultiHeadAttention.n_heads",
    "MultiHeadAttention.n_heads": f"{MHA}#MultiHeadAttention.n_heads",
    "warmup": f"{NOAM}#Noam.warmup",
    "warm": f"{NOAM}#s-000002",
    "keep_rate": f"{DROPOUT}#keep_rate",
    "keep rate": f"{DROPOUT}#keep_rate",
    "Dropout": f"{DROPOUT}#Dropout",
    "dropout": f"{DROPOUT}#Dropout",
    "drop": f"{DROPOUT}#page-top",
    "forward": f"{DROPOUT}#Dropout.forward",
    "layer_norm": f"{LAYER_NORM}#LayerNorm",
    "LayerNorm": f"{LAYER_NORM}#LayerNorm",
    "Layer Normalization": f"{LAYER_NORM}#page-top",
    "learning rate": f"{MLM}#s-000003",
    "clip gradients": f"{NOAM}#h-clip",
    "masked language model": f"{MLM}#page-top",
    # A word that the index has, but does not show
    "far": f"{MLM}#page-top",
    # One word of two is better than nothing.
    "keep_rate zebra": f"{DROPOUT}#keep_rate",
    "nastiest": f"{NASTY_URL}#x<y",
}
IN_CHINESE = {
    "掩码语言模型": f"{MLM}#page-top",
    "语言模型": f"{MLM}#page-top",
    "词元": f"{MLM}#s-000003",
    "词元数量 PAD": f"{MLM}#s-000003",
    "梯度裁剪": f"{MLM}#s-000004",
    "梯度的裁剪": f"{MLM}#s-000004",
    "交叉熵": f"{MLM}#s-000005",
    # A sign alone finds the words that it begins.
    "交": f"{MLM}#s-000005",
    "n_tokens": f"{MLM}#n_tokens",
    "mlm": f"{MLM}#page-top",
}


@pytest.mark.parametrize(
    ("path", "wanted"), [("en", IN_ENGLISH), ("zh", IN_CHINESE)], ids=["english", "chinese"]
)
def test_what_is_searched_for_comes_first(search, path, wanted):
    search.open(f"{path}/symbols.html")
    found = {text: (search.ask(text).hrefs() or [None])[0] for text in wanted}
    assert found == wanted


def test_all_words_are_wanted(search):
    assert f"{DROPOUT}#Dropout.forward" in search.ask("dropout").hrefs()
    both = search.ask("dropout coin").hrefs()
    assert sorted(both) == [f"{DROPOUT}#Dropout", f"{DROPOUT}#page-top", f"{MHA}#s-000001"]


def test_common_words_need_not_be_there_but_count(search):
    search.open("many/symbols.html")
    assert search.page.evaluate("window.DOCS_TOKENS('the of')") == ["the", "of"]
    # The index leaves them out of the long text.
    assert search.ask("one of the seldom").hrefs() == ["a.html#s-long"]
    # Where they are, a section goes before one that lacks them.
    assert search.ask("kind").hrefs()[0] == "a.html#s-kind"
    assert search.ask("of the kind").hrefs()[0] != "a.html#s-kind"
    assert len(search.ask("of the").hrefs()) == 12


def test_letters_of_a_short_word_are_not_guessed(search):
    # Five letters may be wrong in one.
    assert search.ask("gradeint").hrefs()
    assert search.ask("koin").hrefs() == []


@pytest.mark.parametrize("text", ["zzzz", "???", "'", "<zzzz>"])
def test_nothing_found_is_said_and_is_no_option(search, text):
    search.ask(text)
    assert not search.is_open()
    assert search.status.inner_text() == "Nothing at all"
    assert search.status.get_attribute("class") == "search-status"
    search.ask("dropout")
    assert search.is_open()
    assert (search.status.inner_text(), search.status.get_attribute("class")) == ("", "vh")


# What a hit shows


def test_a_hit_shows_what_and_where_and_the_words_around_it(search):
    hit = search.ask("gradient").hits.filter(has_text="same")
    assert hit.locator("b").inner_text() == "Dropout"
    assert hit.locator(".search-text").inner_text() == "The gradient meets the same…"
    assert hit.locator("mark").all_inner_texts() == ["gradient"]
    hit = search.ask("n_heads").hits.first
    assert hit.locator("b").inner_text() == "MultiHeadAttention.n_heads"
    assert hit.locator(".search-page").inner_text() == "Multi-Head Attention"
    # A page goes by its title, not by its path.
    hit = search.ask("mha").hits.first
    assert hit.locator("b").inner_text() == "Multi-Head Attention"
    assert hit.locator(".search-page").inner_text() == "labnn.transformers.mha"


def test_a_text_that_goes_on_says_so(search):
    text = search.ask("improving").hits.first.locator(".search-text").inner_text()
    assert text.startswith("Coins. Improving.") and text.endswith("…")


def test_pairs_of_chinese_signs_are_marked_as_one(search):
    search.open("zh/symbols.html").ask("交叉熵")
    assert search.hits.first.locator("mark").all_inner_texts() == ["交叉熵"]


def test_a_text_is_never_read_as_html(search):
    hit = search.ask("nastiest").hits.first
    shown = " ".join(NASTY.split())
    assert " ".join(hit.locator("b").text_content().split()) == shown
    text = " ".join(hit.locator(".search-text").text_content().split())
    assert text.endswith("…") and f"nastiest {shown}".startswith(text[:-1])
    assert search.list.locator("img, script, b b").count() == 0
    assert search.page.evaluate("window.DOCS_INDEX.flat().flat()").count(NASTY) == 1
    # The page's name has what an address may not have.
    hit.click()
    search.page.wait_for_url(re.compile("%23"))
    assert search.page.evaluate("decodeURIComponent(location.pathname)").endswith(f"/{NASTY_URL}")


# By keyboard


def test_a_walk_by_keyboard(search):
    page = search.page
    assert not search.is_open()
    assert search.input.get_attribute("role") == "combobox"
    assert search.input.get_attribute("aria-controls") == "search-hits"
    assert search.input.get_attribute("aria-autocomplete") == "list"
    search.ask("dropout")
    last = search.hits.count() - 1
    assert search.is_open() and search.chosen() == [] and last >= 2
    for key, number in (
        ("ArrowDown", 0),
        ("ArrowDown", 1),
        ("ArrowUp", 0),
        ("ArrowUp", last),
        ("ArrowDown", 0),
    ):
        page.keyboard.press(key)
        assert search.chosen() == [number]
    # Other keys are those of any text.
    page.keyboard.press("Home")
    page.keyboard.press("Delete")
    assert search.input.input_value() == "ropout"
    page.keyboard.type("d")
    page.wait_for_function("() => document.querySelector('#search-hit-2')")
    assert search.chosen() == [] and search.is_open()
    # Closed by the first Escape, empty by the second
    page.keyboard.press("Escape")
    assert not search.is_open() and search.input.input_value() == "dropout"
    page.keyboard.press("ArrowUp")
    page.wait_for_function("() => document.querySelector('#search-hit-0')")
    assert search.is_open() and search.chosen() == [search.hits.count() - 1]
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    assert search.input.input_value() == ""
    assert search.page.evaluate("document.activeElement.id") == "search-input"


@pytest.mark.parametrize(
    ("keys", "anchor"),
    [((), "#Dropout"), (("ArrowDown",), "#Dropout"), (("ArrowDown", "ArrowDown"), "#page-top")],
)
def test_enter_opens_what_is_chosen_or_the_first(search, keys, anchor):
    search.ask("dropout")
    for key in keys:
        search.page.keyboard.press(key)
    search.page.keyboard.press("Enter")
    search.page.wait_for_url(f"{search.site}/en/{DROPOUT}{anchor}")


@BOTH
def test_enter_before_the_index_is_there_waits_for_it(search):
    search.page.evaluate(
        "() => { const input = document.querySelector('input');"
        " input.value = 'warmup'; input.form.requestSubmit(); }"
    )
    search.page.wait_for_url(f"{search.site}/en/{NOAM}#Noam.warmup")


@BOTH
def test_links_lead_right_from_a_page_further_down(search):
    search.open(f"en/{MHA}").ask("keep_rate")
    search.page.keyboard.press("Enter")
    search.page.wait_for_url(f"{search.site}/en/{DROPOUT}#keep_rate")


def test_a_place_on_the_same_page_closes_the_list(search):
    search.open(f"en/{DROPOUT}").ask("keep_rate")
    search.page.keyboard.press("Enter")
    search.page.wait_for_url(f"{search.site}/en/{DROPOUT}#keep_rate")
    assert not search.is_open()


def test_tab_leaves_and_closes(search):
    search.ask("dropout")
    search.page.keyboard.press("Tab")
    assert not search.is_open()
    # A hit is reached by arrows and no stop on the way.
    assert search.page.evaluate("document.activeElement.id") == "a-link"


def test_what_is_being_composed_is_not_searched_for(search):
    search.open("zh/symbols.html").ask("词元")
    session = search.page.context.new_cdp_session(search.page)
    search.page.evaluate("window.hit = document.querySelector('#search-hit-0')")
    search.input.press("End")
    session.send("Input.imeSetComposition", {"text": "qqq", "selectionStart": 3, "selectionEnd": 3})
    assert search.input.input_value() == "词元qqq"
    assert search.page.evaluate("window.hit.isConnected") and search.is_open()
    session.send("Input.insertText", {"text": "数量"})
    search.page.wait_for_function("() => document.querySelectorAll('[role=option]').length === 1")
    assert search.hrefs() == [f"{MLM}#s-000003"]


# By mouse


def test_a_click_opens_a_hit_and_a_click_elsewhere_closes(search):
    search.ask("dropout")
    search.page.locator("h1").click()
    assert not search.is_open()
    search.ask("dropout")
    search.hits.nth(1).click()
    search.page.wait_for_url(f"{search.site}/en/{DROPOUT}#page-top")


def test_a_hit_may_be_opened_beside(search):
    search.ask("warmup")
    with search.page.context.expect_page() as opened:
        search.hits.first.click(modifiers=["Control"])
    opened.value.wait_for_url(f"{search.site}/en/{NOAM}#Noam.warmup")
    opened.value.close()
    assert search.is_open() and search.page.url.endswith("symbols.html")


# Loading


@BOTH
def test_nothing_is_loaded_before_it_is_needed_and_nothing_twice(search):
    def scripts():
        return [url.rpartition("/")[2] for url in search.asked if url.endswith(".js")]

    assert scripts() == ["search.js"]
    search.input.focus()
    search.page.wait_for_function("() => document.forms[0].dataset.search === 'ready'")
    assert sorted(scripts()) == ["index-en.js", "minisearch.js", "search.js"]
    search.page.locator("h1").click()
    search.ask("dropout").ask("warmup")
    assert len(scripts()) == 3


@BOTH
@pytest.mark.parametrize("edition", ["lost", "half"])
def test_an_index_that_does_not_load_is_said(context, site, edition):
    search = Search(context, site).open(f"{edition}/symbols.html")
    search.input.press_sequentially("dropout")
    search.page.get_by_text("Broken").wait_for()
    assert search.status.is_visible() and not search.is_open()
    assert search.status.get_attribute("class") == "search-status"
    # Another attempt, with more luck
    index_of = f"{site}/static/index-en.js"
    search.page.evaluate("document.body.dataset.edition = 'en'")
    search.page.add_script_tag(url=index_of)
    search.input.press_sequentially("x")
    search.input.press("Backspace")
    search.hits.first.wait_for()
    assert search.status.inner_text() == ""
    search.page.close()


@BOTH
def test_the_words_of_the_address_are_searched_for(search):
    search.open("en/symbols.html?q=keep+rate")
    search.hits.first.wait_for()
    assert search.input.input_value() == "keep rate"
    assert search.hrefs()[0] == f"{DROPOUT}#keep_rate"
    search.page.keyboard.press("Enter")
    search.page.wait_for_url(f"{search.site}/en/{DROPOUT}#keep_rate")


def test_without_words_the_page_of_all_names_opens(search):
    search.open(f"en/{MHA}").input.press("Enter")
    search.page.wait_for_url(f"{search.site}/en/symbols.html?q=")


@BOTH
def test_without_scripts_the_form_leads_to_the_page_of_all_names(chromium, site):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site}/en/{MHA}")
    assert not page.locator("#search-hits").is_visible()
    page.locator("#search-input").fill("dropout")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site}/en/symbols.html?q=dropout")
    context.close()


def test_the_open_list_is_accessible(search):
    search.ask("dropout")
    search.page.keyboard.press("ArrowDown")
    assert complaints(search.page) == []
