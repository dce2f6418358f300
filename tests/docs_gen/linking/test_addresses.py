r"""
# Addresses

A link that was written leads a browser back to where it should, and nothing leads to another host.
"""

import random
from urllib.parse import unquote, urljoin

import pytest

from docs_gen.linking.addresses import LinkError, relative, slug, target

HERE = "a/b/page.html"


@pytest.mark.parametrize(
    "to, anchor, href",
    [
        ("a/b/page.html", "x.y", "#x.y"),
        ("a/b/page.html", "", "page.html"),
        ("a/b/other.html", "", "other.html"),
        ("a/index.html", "", "../index.html"),
        ("index.html", "x", "../../index.html#x"),
        ("c/é 1.html", "é:", "../../c/%C3%A9%201.html#%C3%A9%3A"),
        ("a/b/c:d.html", "<&'\">", "c%3Ad.html#%3C%26%27%22%3E"),
    ],
)
def test_links_by_hand(to, anchor, href):
    assert relative(HERE, to, anchor) == href
    assert target(HERE, href) == (to, anchor)


def test_a_browser_goes_where_it_should():
    generator = random.Random(3)
    for _ in range(300):
        paths = ["/".join(generator.choices("abcé'&?#", k=generator.randint(1, 4))) for _ in "xy"]
        anchor = generator.choice(["", "A.f", "h-x y", "é%41"])
        here, there = (f"{path}.html" for path in paths)
        href = relative(here, there, anchor)
        assert not set(href) & set("<>\"'& ")
        path, _, fragment = urljoin("https://host/" + "x/" * 9, href).partition("#")
        joined, _, found = urljoin(f"https://host/{'/'.join('xyz')}/", "a").partition("#")
        assert unquote(fragment) == anchor
        assert target(here, href) == (there, anchor)


def test_from_the_root_of_the_site():
    assert relative("index.html", "a/b.html") == "a/b.html"
    assert relative("a/b.html", "index.html") == "../index.html"


@pytest.mark.parametrize(
    "href, known",
    [
        ("", LinkError),
        ("other.html", ("a/b/other.html", "")),
        ("../mha.html#A.f", ("a/mha.html", "A.f")),
        ("./x/../other.html", ("a/b/other.html", "")),
        ("../", ("a/index.html", "")),
        ("#x", (HERE, "x")),
        ("#", (HERE, "")),
        ("x%20y.html#%C3%A9", ("a/b/x y.html", "é")),
        ("../../../up.html", ("../up.html", "")),
        ("page.html#a#b", ("a/b/page.html", "a#b")),
        ("https://host.org/a?b#c", None),
        ("HTTPS://host.org", None),
    ],
)
def test_where_a_link_leads(href, known):
    if known is LinkError:
        with pytest.raises(LinkError):
            target(HERE, href)
    else:
        assert target(HERE, href) == known


@pytest.mark.parametrize(
    "href",
    ["http://host.org", "mailto:a@b.c", "javascript:alert(1)", "data:text/html,x", "c:/x.html"]
    + ["//host.org/x", "/x.html", "\\\\host.org", "/\\host.org", "https:", "https:///x", "ftp:x"]
    + ["java\nscript:x", "\thttps://x", "https://a b", "https://a\\b", "x\x00y", " x.html"]
    + ["https:/host.org", "vbscript:x", "https:\\\\host.org", "x\\y.html", "JavaScript:x"],
)
def test_nothing_else_leads_out_of_the_site(href):
    with pytest.raises(LinkError) as error:
        target(HERE, href)
    assert "\n" not in str(error.value) and str(error.value)


def test_a_text_becomes_an_anchor():
    assert slug("Multi-Head_attention, $d_k$!") == "multi-head-attention-d-k"
    assert slug("多头注意力") == "多头注意力"
    assert slug("?!") == "x"
