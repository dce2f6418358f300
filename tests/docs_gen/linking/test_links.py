r"""
# Links

One resolver for code, notes and names in square brackets: right ones lead where they should, and
each wrong one is told once, with what is near.
"""

import pytest

from docs_gen.linking.links import Links
from docs_gen.parts import Problem
from docs_gen.reading.scopes import references
from tests.docs_gen.linked import repository, site, written

FILES = {
    "lib.": '''
        """
        # Library

        See [a](#h-wrong) and [b](mha.html#h-later).
        """
        from .mha import MHA
    ''',
    "lib.mha": '''
        """
        # Attention
        """
        import lib.layers.dropout
        from lib.layers.dropout import Dropout as Drop

        class MHA(Drop):
            """
            ## MHA

            <a id="older"></a> [wrong](#h-missing)
            """

            def forward(self, x):
                return self.rate, lib.layers.dropout.Dropout, x

        # A note on a step
        SIZE = 1
    ''',
    "lib.layers.dropout": '"""\n# Dropout\n"""\nclass Dropout:\n    """A"""\n    rate = 1\n',
}


def links():
    return site(FILES)


def test_symbols_have_a_page_and_an_anchor():
    found = links()
    assert found.symbol("lib.MHA") == ("lib/mha.html", "MHA")
    assert found.symbol("lib.mha.Drop.rate") == ("lib/layers/dropout.html", "Dropout.rate")
    assert found.symbol("lib") == ("lib/index.html", "")
    assert found.symbol("lib.nothing") is None and found.symbol("torch") is None


def test_a_definition_whose_anchor_is_taken_has_that_of_its_section():
    found = site({"m": 'class L1:\n    """A"""\n\nL2 = 1\n'})
    (section,) = (s for s in found.modules["m"].sections if s.name == "L1")
    assert section.anchor != "L1"
    assert found.symbol("m.L1") == ("m.html", section.anchor)
    assert found.symbol("m.L1")[1] == found.modules["m"].anchor("L1")


def test_names_in_the_code():
    found = links()
    module = found.modules["lib.mha"]
    known = [(written(module, r), found.code(module, r)) for r in references(module)]
    there = "layers/dropout.html"
    assert known == [
        ("lib.layers.dropout", there),
        ("lib.layers.dropout", there),
        ("Dropout", f"{there}#Dropout"),
        ("Drop", f"{there}#Dropout"),
        ("rate", f"{there}#Dropout.rate"),
        ("lib", "index.html"),
        ("layers", None),
        ("dropout", there),
        ("Dropout", f"{there}#Dropout"),
    ]


def test_the_path_of_a_module_is_the_module():
    found = site(
        {"a.": "from a.run import run", "a.run": "def run(): 0", "b": "import a.run\na.run"}
    )
    module = found.modules["b"]
    assert [found.code(module, r) for r in references(module)] == [
        "a/run.html",
        "a/index.html",
        "a/run.html#run",
    ]


@pytest.mark.parametrize(
    "href, known",
    [
        ("index.html", "index.html"),
        ("./index.html", "index.html"),
        ("../lib/layers/dropout.html#Dropout", "layers/dropout.html#Dropout"),
        ("layers/dropout.html#L3", "layers/dropout.html#L3"),
        ("mha.html", "mha.html"),
        ("mha.html#MHA", "#MHA"),
        ("#MHA.forward", "#MHA.forward"),
        ("#SIZE", "#SIZE"),
        ("#older", "#older"),
        ("#L1", "#L1"),
        ("#page-top", "#page-top"),
        ("./", "index.html"),
        ("symbols.html", "symbols.html"),
        ("symbols.html#a", "symbols.html#a"),
        ("#h-attention", "#h-attention"),
        ("https://arxiv.org/abs/1706.03762#x", "https://arxiv.org/abs/1706.03762#x"),
    ],
)
def test_links_of_notes(href, known):
    modules = links().modules
    found = Links(modules, pages=["lib/symbols.html"])
    assert found.note(modules["lib.mha"], "MHA", href) == known


def test_each_section_can_be_linked():
    found = links()
    module = found.modules["lib.mha"]
    assert len(module.sections) > 3
    for section in module.sections:
        assert found.note(module, "", f"#{section.anchor}") == f"#{section.anchor}"
    assert not found.waiting


@pytest.mark.parametrize(
    "href, message",
    [
        ("mhaa.html", "there is no page mhaa.html; did you mean mha.html?"),
        (
            "../layers/dropout.html#Dropout",
            "there is no page ../layers/dropout.html; did you mean layers/dropout.html?",
        ),
        ("layers/dropout.py", "there is no page layers/dropout.py"),
        ("lib.mha", "there is no page lib.mha; did you mean mha.html?"),
        ("layers/", "there is no page layers/"),
        ("#MHAs", "there is no MHAs on lib/mha.html; did you mean MHA?"),
        ("#forwrd", "there is no forwrd on lib/mha.html; did you mean MHA.forward?"),
        ("layers/dropout.html#rate", "there is no rate on lib/layers/dropout.html; did you mean"),
        ("#L0", "there is no L0 on lib/mha.html"),
        ("#L99", "there is no L99 on lib/mha.html"),
        ("http://x.org", "http://x.org is neither a page nor an address that begins with https://"),
    ],
)
def test_a_link_that_leads_nowhere_is_told_with_what_is_near(href, message):
    found = links()
    with pytest.raises(ValueError) as error:
        found.note(found.modules["lib.mha"], "MHA", href)
    assert str(error.value).startswith(message) and "\n" not in str(error.value)


def test_names_in_square_brackets():
    found = links()
    module = found.modules["lib.mha"]
    assert found.bare(module, "MHA", "forward") == "#MHA.forward"
    assert found.bare(module, "MHA.forward", "rate") == "layers/dropout.html#Dropout.rate"
    assert found.bare(module, "", "lib") == "index.html"
    with pytest.raises(ValueError, match=r"^there is no MHB; did you mean MHA or lib\.mha\?$"):
        found.bare(module, "", "MHB")


def test_anchors_that_are_rendered_later_are_told_once_with_their_line():
    found = links()
    index, mha = found.modules["lib"], found.modules["lib.mha"]
    # The pages of a second language have the same links.
    for _ in range(2):
        assert found.note(index, "", "#h-wrong") == "#h-wrong"
        assert found.note(index, "", "mha.html#h-later") == "mha.html#h-later"
        assert found.note(mha, "MHA", "#h-missing") == "#h-missing"
    anchors = {"lib/index.html": {"h-wrongs", "x"}, "lib/mha.html": {"h-later", "MHA", "L1"}}
    assert found.late(anchors) == [
        Problem(
            "lib/__init__.py",
            5,
            "there is no h-wrong on lib/index.html; did you mean h-wrongs?",
            "link",
        ),
        Problem("lib/mha.py", 12, "there is no h-missing on lib/mha.html", "link"),
    ]
    assert len(found.late({})) == 3


def test_relative_addresses():
    assert links().relative("a/b.html", "c.html", "x") == "../c.html#x"


@pytest.mark.slow
def test_code_of_the_repository_links_to_pages_and_anchors_that_are_there():
    found, n_checked = repository(), 0
    for module in found.modules.values():
        for reference in references(module):
            if href := found.code(module, reference):
                n_checked += 1
                assert found.note(module, "", href) == href
    assert n_checked > 4000 and not found.waiting


def test_a_mark_with_a_blank_is_no_place():
    links = site({"m": "'''<a id=\"ok place\"></a><a id=\"ok\"></a>'''"})
    assert links.note(links.modules["m"], "", "m.html#ok") == "#ok"
    with pytest.raises(ValueError, match="there is no ok place"):
        links.note(links.modules["m"], "", "m.html#ok%20place")


def test_an_overloaded_function_is_where_it_is_implemented():
    text = "@overload\ndef f(a: int): ...\n@overload\ndef f(a: str): ...\ndef f(a): ...\n"
    links = site({"m": text, "n": "from m import f\nf(1)\n"})
    assert links.symbol("m.f") == ("m.html", "f")
    (section,) = (s for s in links.modules["m"].sections if s.anchor == "f")
    assert section.code_lines == (5,)
    assert links.note(links.modules["n"], "", "m.html#f") == "m.html#f"
    (whole,) = (d for d in links.modules["m"].definitions.values())
    assert whole.line == 5
