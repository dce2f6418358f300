"""
The theme in a browser, on a small site that is made up.
"""

import base64
import re

import pytest

from tests.docs_gen import made_pages
from tests.docs_gen.browser import browser, complaints, served, views

pytestmark = pytest.mark.slow
PAGE, PACKAGE = "en/layers/layer.html", "en/layers/index.html"
CHINESE = "zh/layers/layer.html"
# What sticks out of the window or out of a box that does not scroll
WIDE = """() => {
  const wide = [...document.querySelectorAll("body *")].filter((element) => {
    const box = element.getBoundingClientRect();
    if (!box.width || box.right <= innerWidth + 1) return false;
    const hides = (e) => getComputedStyle(e).overflowX !== "visible";
    for (let e = element.parentElement; e; e = e.parentElement) if (hides(e)) return false;
    return true;
  });
  const more = document.documentElement.scrollWidth - innerWidth;
  return [more, wide.map((e) => e.outerHTML.slice(0, 80))];
}"""
# Lines of code that go beyond their box
CUT = """() => [...document.querySelectorAll(".c-line")].filter((line) => {
  const range = new Range();
  range.selectNodeContents(line);
  const edge = line.getBoundingClientRect().right;
  return [...range.getClientRects()].some((box) => box.right > edge + 1);
}).map((line) => line.id)"""
# A strip within a box that has been scrolled, above its lower edge and below all text
STRIP = """async ([selector, share]) => {
  const box = document.querySelector(selector);
  box.scrollIntoView({ block: "center", behavior: "instant" });
  box.scrollLeft = share * (box.scrollWidth - box.clientWidth);
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  const { x, bottom, width } = box.getBoundingClientRect();
  return { x: Math.ceil(x), y: Math.floor(bottom) - 3, width: Math.floor(width), height: 1 };
}"""
# How bright a picture is at its left edge, in its middle and at its right edge
BRIGHT = """async (picture) => {
  const image = new Image();
  image.src = "data:image/png;base64," + picture;
  await image.decode();
  const paper = new OffscreenCanvas(image.width, image.height).getContext("2d");
  paper.drawImage(image, 0, 0);
  const { data } = paper.getImageData(0, 0, image.width, 1);
  return [0, image.width >> 1, image.width - 1].map((x) => data[4 * x + 1]);
}"""
FOCUSED = """() => {
  const e = document.activeElement, box = e.getBoundingClientRect(), style = getComputedStyle(e);
  const bar = document.querySelector(".top-bar").getBoundingClientRect().bottom;
  const top = e.closest("main, footer") ? bar : 0;
  const seen = box.bottom > top && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  const order = [...document.querySelectorAll("*")].indexOf(e);
  const name = e.id || e.className || e.textContent.trim();
  return { order, name, seen, outline: style.outlineStyle, width: parseFloat(style.outlineWidth) };
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return made_pages.write(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def chromium():
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def host(site):
    with served(site) as address:
        yield address


@pytest.fixture
def home(site):
    return site.as_uri()


@pytest.fixture
def view(chromium):
    with views(chromium) as new:
        yield new


def top_of(page, selector):
    return page.locator(selector).bounding_box()["y"]


def bar_of(page):
    box = page.locator(".top-bar").bounding_box()
    return box["y"] + box["height"]


def test_nothing_is_asked_of_other_hosts_and_nothing_goes_wrong(view, home, host):
    for start, url in ((home, PAGE), (home, PACKAGE), (host, CHINESE)):
        watched = view()
        watched.open(f"{start}/{url}")
        assert watched.faults(start) == []
        assert len(watched.asked) >= 4


def test_faults_would_be_noticed(view, tmp_path):
    policy = "default-src 'none'; script-src 'self'"
    (tmp_path / "bad.html").write_text(
        f'<!doctype html><meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<body style="color: red"><script src="gone.js"></script>'
        '<img src="https://example.org/x.png" alt="">'
    )
    watched = view()
    page = watched.open((tmp_path / "bad.html").as_uri())
    page.wait_for_function("watched.refused.length >= 2")
    told = " ".join(watched.faults(tmp_path.as_uri()))
    assert "style-src" in told and "gone.js" in told and "https://example.org/x.png" in told


@pytest.mark.parametrize("url", (CHINESE, PACKAGE))
def test_a_page_never_scrolls_sideways(view, home, url):
    page = view(width=1920, height=900).open(f"{home}/{url}")
    for width in (1920, 1024, 768, 390, 320):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("innerWidth") == width
        assert page.evaluate(WIDE) == [0, []], width


def test_at_twice_the_size_a_page_does_not_scroll_sideways(view, home):
    page = view(width=640, height=400, device_scale_factor=2).open(f"{home}/{PAGE}")
    assert page.evaluate(WIDE) == [0, []]


@pytest.mark.parametrize(
    "look",
    [
        {"color_scheme": "light"},
        {"width": 390, "height": 844, "color_scheme": "dark", "is_mobile": True, "has_touch": True},
    ],
    ids=["light", "phone"],
)
def test_axe_finds_nothing(view, home, look):
    page = view(**look).open(f"{home}/{CHINESE}#L10")
    # The line that the address names is marked; of the pages of a package one look is enough.
    assert complaints(page) == []
    page.goto(f"{home}/{PACKAGE if look['color_scheme'] == 'light' else PAGE}")
    assert complaints(page) == []


def test_without_scripts_the_text_is_the_same(view, home):
    texts = []
    for has_scripts in (True, False):
        page = view(java_script_enabled=has_scripts).open(f"{home}/{PAGE}")
        texts.append(page.locator("main").text_content())
        for button in ("#theme-button", "#keys-button"):
            assert page.locator(button).is_visible() == has_scripts
        # Its place is kept.
        texts.append(page.locator(".search").bounding_box())
    assert texts[0] == texts[2] and "Departure." in texts[0] and texts[1] == texts[3]
    # The search form and the map work, too.
    page.locator(".toc summary").click()
    assert page.get_by_role("link", name="What came out").is_visible()
    page.locator("#search-input").fill("layer")
    with page.expect_request("**/symbols.html?q=layer"):
        page.locator("#search-input").press("Enter")


def test_the_theme_is_the_systems_until_one_is_chosen(view, host):
    watched = view(color_scheme="light")
    page = watched.open(f"{host}/{PAGE}")
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    button = page.get_by_role("button", name="Dark theme", pressed=False)
    button.click()
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (
        dark != paper and page.get_by_role("button", name="Dark theme", pressed=True).is_visible()
    )

    # It holds on the next page, from its first picture on.
    page.goto(f"{host}/{PACKAGE}")
    page.evaluate("new Promise(requestAnimationFrame)")
    assert page.evaluate("watched.colours") == [dark]

    # The key undoes it, and then the system is followed again.
    page.keyboard.press("t")
    page.emulate_media(color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark
    assert page.get_by_role("button", name="Dark theme", pressed=True).is_visible()


def test_the_keyboard_reaches_everything_in_order_and_is_seen(view, home):
    page = view(width=1280, height=700, reduced_motion="reduce").open(f"{home}/{PAGE}")
    names, last = [], -1
    for _ in range(200):
        page.keyboard.press("Tab")
        found = page.evaluate(FOCUSED)
        if found["order"] <= last:
            break
        assert found["seen"] and found["outline"] != "none" and found["width"] >= 2, found
        names.append(found["name"])
        last = found["order"]
    assert names[:6] == ["skip-link", "labnn", "layers", "search-input", "中文", "theme-button"]
    places = [n for n in names if n in ("row-code", "eq", "note-table", "note-code", "row-link")]
    assert places.count("row-code") == 8 and places.count("row-link") == 7
    assert places.count("eq") == 2 and places.count("note-table") == 2 and "note-code" in places
    assert names[-2:] == ["Translation", "keys-button"]


def test_the_skip_link_goes_to_the_text(view, home):
    page = view().open(f"{home}/{PAGE}")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "page-content"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "This paper"


def test_j_and_k_go_from_section_to_section(view, home):
    page = view(width=1280, height=700, reduced_motion="reduce").open(f"{home}/{PAGE}")
    anchors = [row[1] for row in made_pages.ROWS]
    gone = []
    for _ in anchors:
        page.keyboard.press("j")
        gone.append(page.evaluate("location.hash.slice(1)"))
    # The last one has no next.
    assert gone == [*anchors[1:], anchors[-1]]
    page.keyboard.press("k")
    page.keyboard.press("k")
    assert page.evaluate("location.hash") == f"#{anchors[-3]}"
    assert top_of(page, f"[id='{anchors[-3]}']") >= bar_of(page)
    # From where the reader has scrolled to, not from where the keys were last
    page.evaluate("scrollTo(0, 0)")
    page.keyboard.press("j")
    assert page.evaluate("location.hash") == f"#{anchors[1]}"
    # What Tab reaches next is in that section.
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('section').id") == anchors[1]
    # Letters that are typed stay letters.
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search-input"
    page.keyboard.type("jkt/")
    assert page.locator("#search-input").input_value() == "jkt/"
    assert page.evaluate("location.hash") == f"#{anchors[1]}"


def test_keys_that_are_held_go_as_far_as_they_are_pressed(view, home):
    page = view(width=1280, height=700, reduced_motion="no-preference").open(f"{home}/{PAGE}")
    assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "smooth"
    anchors = [row[1] for row in made_pages.ROWS]
    gone = []
    for key in [*"jjjjjj", *"kkk"]:
        page.keyboard.press(key)
        gone.append(page.evaluate("location.hash.slice(1)"))
    assert gone == [anchors[n] for n in (1, 2, 3, 4, 5, 6, 5, 4, 3)]
    # Who turns the wheel on the way is no longer on that way.
    page.keyboard.press("j")
    page.mouse.move(300, 300)
    for _ in range(100):
        page.mouse.wheel(0, -20_000)
        page.wait_for_timeout(20)
        if page.evaluate("scrollY") == 0:
            break
    page.keyboard.press("j")
    assert page.evaluate("location.hash.slice(1)") == anchors[1]


def test_keys_of_one_letter_can_be_turned_off(view, host):
    page = view(reduced_motion="reduce").open(f"{host}/{PAGE}")
    shortcuts = "[...document.querySelectorAll('[aria-keyshortcuts]')].length"
    button, hint = page.locator("#keys-button"), page.locator(".search-key")
    assert button.inner_text() == "Keys: on" and button.get_attribute("aria-pressed") == "true"
    assert page.evaluate(shortcuts) == 2 and hint.is_visible()
    button.click()
    for _ in range(2):
        assert button.inner_text() == "Keys: off"
        assert button.get_attribute("aria-pressed") == "false"
        assert page.evaluate(shortcuts) == 0 and not hint.is_visible()
        assert complaints(page) == []
        before = page.evaluate("[scrollY, document.activeElement.id]")
        for key in "/jkt":
            page.keyboard.press(key)
        assert page.evaluate("[scrollY, document.activeElement.id]") == before
        assert "#" not in page.url
        assert page.evaluate("document.documentElement.dataset.theme ?? ''") == ""
        # It holds on the next page.
        page.goto(f"{host}/{PACKAGE}")
    button.click()
    assert button.inner_text() == "Keys: on" and page.evaluate(shortcuts) == 2
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search-input"
    page.reload()
    assert button.get_attribute("aria-pressed") == "true"


def test_where_storage_is_forbidden_choices_hold_for_the_page(view, home):
    watched = view()
    watched.page.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new Error('no') } })"
    )
    page = watched.open(f"{home}/{PAGE}")
    page.locator("#keys-button").click()
    page.locator("#theme-button").click()
    assert page.locator("#keys-button").get_attribute("aria-pressed") == "false"
    assert page.locator("#theme-button").get_attribute("aria-pressed") == "true"
    assert watched.faults(home) == []


@pytest.mark.parametrize("width", [390, 1280])
def test_an_anchor_is_seen_below_the_header(view, home, width):
    page = view(width=width, height=600, reduced_motion="reduce").open(f"{home}/{PACKAGE}")
    for anchor in ("L47", "Layer.made", "Layer.forward", "h-layer"):
        page.goto(f"{home}/{PAGE}#{anchor}")
        box = page.locator(f"[id='{anchor}']").bounding_box()
        assert bar_of(page) <= box["y"] < 600 - 20, anchor


def test_a_line_that_is_linked_to_is_marked_with_its_number(view, home):
    colour = "getComputedStyle(document.querySelector('{}')).backgroundColor"
    page = view().open(f"{home}/{PAGE}")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.goto(f"{home}/{PAGE}#L47")
        marked, number, plain = (
            page.evaluate(colour.format(s)) for s in ("#L47", "#L47 .c-no", "#L46")
        )
        assert marked == number != plain
        # A name within a line marks its line.
        page.goto(f"{home}/{PAGE}#Layer.made")
        assert page.evaluate(colour.format("#L4")) == marked


def test_changing_the_language_keeps_the_place(view, home):
    page = view(reduced_motion="reduce").open(f"{home}/{PAGE}#Layer.forward")
    page.get_by_role("link", name="中文").click()
    assert page.url == f"{home}/{CHINESE}#Layer.forward"
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    assert bar_of(page) <= top_of(page, "[id='Layer.forward']") < 400
    # The header can be used without the page moving below it.
    page.evaluate("document.getElementById('s-777777').scrollIntoView()")
    before = page.evaluate("scrollY")
    page.locator("#theme-button").focus()
    assert page.evaluate("scrollY") == before > 1000
    # Who has scrolled elsewhere is taken to what is read now, and from the top to the top.
    page.get_by_role("link", name="English").click()
    assert page.url == f"{home}/{PAGE}#s-777777"
    page.goto(f"{home}/{PAGE}")
    page.keyboard.press("Tab")
    page.get_by_role("link", name="中文").click()
    assert page.url.rstrip("#") == f"{home}/{CHINESE}"


def test_without_scripts_the_language_can_be_changed(view, home):
    page = view(java_script_enabled=False).open(f"{home}/{PAGE}#Layer")
    page.get_by_role("link", name="中文").click()
    assert page.url == f"{home}/{CHINESE}"


def test_copied_code_is_the_code(view, home):
    page = view().open(f"{home}/{PAGE}")
    copied = page.evaluate("""() => [...document.querySelectorAll(".row-code code")].map((code) => {
      getSelection().selectAllChildren(code);
      return getSelection().toString();
    }).join("\\n")""")
    lines = [line for line in copied.split("\n") if line.strip()]
    assert lines == [line for line in made_pages.source().split("\n") if line.strip()]
    compile("\n".join(lines), "copied", "exec")


def test_code_scrolls_in_its_box_below_numbers_that_stay(view, home):
    page = view(width=390, height=800).open(f"{home}/{PAGE}")
    box = page.locator("[id='Layer.forward'] .row-code")
    number = box.locator(".c-no")
    before = number.bounding_box()["x"]
    assert box.evaluate("e => { e.scrollLeft = 300; return e.scrollLeft }") == 300
    assert number.bounding_box()["x"] == before
    opaque = "e => getComputedStyle(e).backgroundColor"
    assert number.evaluate(opaque) == box.evaluate(opaque)


def test_code_stays_in_sight_beside_a_long_note_and_stands_below_it_on_a_phone(view, home):
    page = view(width=1280, height=500, reduced_motion="reduce").open(f"{home}/{PAGE}")
    note, box = (page.locator(f"#Layer > .row-{part}").bounding_box() for part in ("note", "code"))
    assert note["width"] == pytest.approx(0.4 * 1280) and box["x"] == pytest.approx(note["width"])
    page.evaluate("scrollTo(0, document.querySelector('#Layer').offsetTop + 250)")
    assert top_of(page, "#Layer > .row-code") == pytest.approx(bar_of(page), abs=1)
    page.set_viewport_size({"width": 390, "height": 800})
    note, box = (page.locator(f"#Layer > .row-{part}").bounding_box() for part in ("note", "code"))
    assert box["y"] >= note["y"] + note["height"] - 1 and box["width"] == note["width"] == 390


def test_a_hundred_columns_of_code_fit_on_a_common_screen(view, home):
    page = view(width=1440, height=900).open(f"{home}/{PAGE}")
    widths = """n => {
      const box = document.querySelector("#Layer .row-code");
      const line = box.querySelector(".c-line");
      line.replaceChildren(line.firstChild, "x".repeat(n) + "\\n");
      return [box.scrollWidth, box.clientWidth];
    }"""
    # A window may have a scrollbar.
    for width in (1440, 1425):
        page.set_viewport_size({"width": width, "height": 900})
        wide, seen = page.evaluate(widths, 100)
        assert wide <= seen, width
    wide, seen = page.evaluate(widths, 120)
    assert wide > seen


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_box_is_darker_at_an_edge_beyond_which_there_is_more(view, home, scheme):
    page = view(width=390, height=800, color_scheme=scheme).open(f"{home}/{PAGE}#Layer")

    def looks(selector, share):
        strip = page.screenshot(clip=page.evaluate(STRIP, [selector, share]))
        left, middle, right = page.evaluate(BRIGHT, base64.b64encode(strip).decode())
        return left < middle, right < middle

    table, code = "#Layer .note-table", "[id='Layer.forward'] .row-code"
    assert [looks(table, n) for n in (0, 0.5, 1)] == [(False, True), (True, True), (True, False)]
    # The numbers of lines stay at the left.
    assert [looks(code, n) for n in (0, 0.5, 1)] == [(False, True), (False, True), (False, False)]
    assert looks("#page-top .note-table", 0) == (False, False)


def test_a_click_on_a_name_marks_it_until_escape(view, home):
    page = view(reduced_motion="reduce").open(f"{home}/{PAGE}")
    marked = "CSS.highlights.get('occ-name')?.size ?? 0"
    line = page.locator(".c-line", has_text="scaled = [value").first
    line.scroll_into_view_if_needed()
    # The name is plain text, between the number with the indent and the sign.
    x, y = line.evaluate("""e => {
      const range = new Range(), text = [...e.childNodes].find((n) => n.data?.includes("scaled"));
      range.setStart(text, text.data.indexOf("scaled") + 2);
      range.setEnd(text, text.data.indexOf("scaled") + 3);
      const box = range.getBoundingClientRect();
      return [box.x + 2, box.y + 5];
    }""")
    before = page.content()
    page.mouse.click(x, y)
    told = re.sub(r"#.*|'[^']*'", "", made_pages.source())
    assert page.evaluate(marked) == len(re.findall(r"\bscaled\b", told)) > 40
    assert page.content() == before
    page.keyboard.press("Escape")
    assert page.evaluate(marked) == 0
    # A word of the language is no name.
    page.locator(".t-k", has_text="for").first.click()
    assert page.evaluate(marked) == 0


def test_nothing_moves_while_a_page_loads(view, host):
    for width, url in ((390, PAGE), (1440, PAGE), (1440, PACKAGE)):
        page = view(width=width, height=900).open(f"{host}/{url}")
        page.evaluate("document.fonts.ready")
        page.wait_for_timeout(100)
        assert page.evaluate("watched.moved") <= 0.01, url


def test_the_footer_of_a_short_page_ends_with_the_window(view, home):
    page = view(width=1440, height=1600).open(f"{home}/{PACKAGE}")
    box = page.locator(".foot").bounding_box()
    assert box["y"] + box["height"] == 1600 and box["height"] < 300
    assert page.evaluate("document.documentElement.scrollHeight") == 1600


def test_the_pages_before_and_after_have_a_phones_width_and_two_sides_of_a_screen(view, home):
    page = view(width=390, height=800).open(f"{home}/{PAGE}")
    for width, is_one_below in ((320, True), (390, True), (768, False), (1440, False)):
        page.set_viewport_size({"width": width, "height": 800})
        one, two = (page.locator(f".turn-{n}").bounding_box() for n in ("previous", "next"))
        left, right = one["x"], width - two["x"] - two["width"]
        assert left == pytest.approx(right, abs=1), width
        assert (two["y"] > one["y"]) == is_one_below
        assert (one["x"] == two["x"] and one["width"] == two["width"]) == is_one_below


def test_targets_are_large_enough_to_touch(view, home):
    page = view(width=390, height=844, has_touch=True).open(f"{home}/{PAGE}")
    small = page.evaluate("""() => [...document.querySelectorAll("a, button, summary, input")]
      .filter((e) => !e.closest("p, li:not(.toc li), td, .c-line, .skip-link, .top-crumbs"))
      .map((e) => [e.outerHTML.slice(0, 80), e.getBoundingClientRect()])
      .filter(([, box]) => box.height && Math.min(box.width, box.height) < 24)""")
    assert small == []


def test_paper_has_two_columns_and_cuts_nothing(view, home):
    # A4 without its margins, at 96 dots an inch
    page = view(width=703, height=1000, color_scheme="dark").open(f"{home}/{PAGE}")
    page.locator("#theme-button").click()
    page.locator("#theme-button").click()
    page.emulate_media(media="print")
    assert page.evaluate(WIDE) == [0, []]
    assert page.evaluate(CUT) == []
    assert not page.locator(".top-bar").is_visible() and not page.locator(".turn").is_visible()
    note, box = (page.locator(f"#Layer > .row-{part}").bounding_box() for part in ("note", "code"))
    assert box["x"] > 200 and abs(note["y"] - box["y"]) < 2
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_a_package_has_cards_of_its_pages(view, home):
    page = view().open(f"{home}/{PACKAGE}")
    cards = page.locator(".card")
    assert cards.count() == len(made_pages.CARDS)
    # The whole card leads there.
    box = cards.nth(1).bounding_box()
    with page.expect_request("**/1.html"):
        page.mouse.click(box["x"] + box["width"] - 8, box["y"] + box["height"] - 8)


def test_what_is_not_translated_says_so(view, home):
    page = view().open(f"{home}/{CHINESE}")
    assert page.get_by_role("note").first.inner_text().startswith("7 of 9 notes")
    english = page.locator(".untranslated")
    assert {e.get_attribute("lang") for e in english.all()} == {"en"} and english.count() > 5
    assert view().open(f"{home}/{PAGE}").get_by_role("note").count() == 0
