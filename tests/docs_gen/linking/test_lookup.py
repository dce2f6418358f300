r"""
# Lookup

Names in square brackets: what is nearest to the note counts, by hand.
"""

import pytest

from docs_gen.linking.addresses import LinkError
from docs_gen.linking.lookup import outwards, readings
from tests.docs_gen.linked import site

FILES = {
    "p.": "",
    "p.net.": "from p.net.mha import Attention as Attention",
    "p.net.mha": """
        import p.tools as tools
        from p.tools import help as aid
        import torch
        class Attention(tools.Base):
            def __init__(self): self.size = 1
            def forward(self):
                def inner(): pass
            def size(self): pass
        def forward(): pass
        shared = 1
    """,
    "p.net.mlm": "class Other: x = 1\nshared = 1",
    "p.tools": "class Base:\n def rest(self): pass\ndef help(): pass\ndef mha(): pass",
    "q": "class Only:\n y = 1\n forward = 1\ndef twice(): pass\nclass Twin: pass",
    "r": "def twice(): pass\nclass Twin: pass\ndef mlm(): pass\ndef q(): pass",
    "mlm": "",
}


@pytest.mark.parametrize(
    "section, symbol, known",
    [
        # In the definition that the note is about, and in those around it
        ("Attention", "forward", "p.net.mha.Attention.forward"),
        ("Attention.forward", "forward", "p.net.mha.Attention.forward"),
        ("Attention.forward", "inner", "p.net.mha.Attention.forward.inner"),
        ("Attention", "size", "p.net.mha.Attention.size"),
        ("Attention.forward", "self.size", "p.net.mha.Attention.size"),
        ("Attention.forward", "self.rest()", "p.tools.Base.rest"),
        ("Attention", "rest", "p.tools.Base.rest"),
        # On the page
        ("", "forward", "p.net.mha.forward"),
        ("", "forward()", "p.net.mha.forward"),
        ("", "Attention.size", "p.net.mha.Attention.size"),
        ("gone", "shared", "p.net.mha.shared"),
        # What the page imports
        ("", "aid", "p.tools.help"),
        ("", "tools", "p.tools"),
        ("Attention", "tools.Base.rest", "p.tools.Base.rest"),
        # Absolute
        ("", "p.net.mlm.Other.x", "p.net.mlm.Other.x"),
        ("", "p.net.Attention", "p.net.mha.Attention"),
        ("", "p", "p"),
        # Beside the page and above it
        ("", "mlm", "mlm"),
        ("", "mlm.Other", "p.net.mlm.Other"),
        ("", "net.mlm", "p.net.mlm"),
        # Anywhere
        ("", "Only", "q.Only"),
        ("", "Only.y", "q.Only.y"),
        ("", "y", "q.Only.y"),
        ("", "Other", "p.net.mlm.Other"),
    ],
)
def test_the_nearest_counts(section, symbol, known):
    links = site(FILES)
    assert links.lookup.find(links.modules["p.net.mha"], section, symbol).dotted == known


def test_from_a_package_its_modules_are_near():
    links = site(FILES)
    find = links.lookup.find
    assert find(links.modules["p.net"], "", "mha").dotted == "p.net.mha"
    assert find(links.modules["p.net"], "", "mlm.Other").dotted == "p.net.mlm.Other"
    # Definitions of a file go before files, and these before members.
    assert find(links.modules["p.net.mlm"], "", "mha").dotted == "p.net.mha"
    assert find(links.modules["q"], "", "mha").dotted == "p.tools.mha"
    assert find(links.modules["q"], "", "net").dotted == "p.net"
    assert find(links.modules["q"], "", "Attention.forward").dotted == "p.net.mha.Attention.forward"


@pytest.mark.parametrize(
    "symbol, message",
    [
        ("twice", "twice may be q.twice or r.twice: write which one"),
        ("Twins", "there is no Twins; did you mean q.Twin, r.Twin"),
        ("Atention", "there is no Atention; did you mean Attention"),
        ("torch", "there is no torch"),
        ("torch.nn", "there is no torch.nn"),
        ("q.Only.z", "there is no q.Only.z"),
        ("Only.forwrd", "there is no Only.forwrd; did you mean q.Only.forward"),
        ("x, y", "x, y is not a name"),
        ("", " is not a name"),
        ("a..b", "a..b is not a name"),
        ("self", "there is no self"),
    ],
)
def test_what_is_not_there_is_told(symbol, message):
    links = site(FILES)
    with pytest.raises(LinkError) as error:
        links.lookup.find(links.modules["p.net.mha"], "Attention", symbol)
    assert str(error.value).startswith(message)


def test_many_are_counted():
    links = site({f"m{number}": "x = 1" for number in range(7)} | {"n": ""})
    with pytest.raises(LinkError) as error:
        links.lookup.find(links.modules["n"], "", "x")
    assert str(error.value) == "x may be m0.x, m1.x, m2.x or 4 others: write which one"


def test_the_order_of_the_readings():
    links = site(FILES)
    found = list(readings(links.modules["p.net.mha"], "A.f", "self.x"))
    own = "p.net.mha"
    assert found == [
        *(f"{own}.A.f.self.x", f"{own}.A.f.x", f"{own}.A.self.x", f"{own}.A.x"),
        *(f"{own}.self.x", "self.x", "p.net.self.x", "p.self.x"),
    ]
    assert list(readings(links.modules["p.net"], "", "x")) == ["p.net.x", "x", "p.net.x", "p.x"]
    assert list(outwards("a.b.c")) == ["a.b.c", "a.b", "a"] and not list(outwards(""))
