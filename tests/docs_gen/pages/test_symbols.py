r"""
# All names

Everything that a reader may look for is there once, with a link to where it is defined.
"""

import gzip

from docs_gen.pages import symbols
from tests.docs_gen.modules import module, ours

TEXT = '''
SIZE: int = 5
_hidden = 1
first, second = 1, 2


class Layer:
    """A class"""

    width = 3
    _own = 1

    def __init__(self):
        self.depth = 1

    def forward(self):
        def inner():
            pass

    class Part:
        kind = "a"


class _Private:
    def method(self):
        pass


def build():
    class Local:
        pass


async def abel():
    local = 1


ß = 1
'''


def told(found):
    return [(s.name, s.kind, [(m.name, m.kind) for m in s.members]) for s in found]


def test_what_is_listed_and_what_is_left_out():
    assert told(symbols.symbols([module(TEXT, "a.b.page")], "symbols.html")) == [
        ("abel", "function", []),
        ("build", "function", []),
        ("first", "constant", []),
        ("Layer", "class", [("forward", "method"), ("width", "attribute")]),
        ("Layer.Part", "class", [("kind", "attribute")]),
        ("second", "constant", []),
        ("SIZE", "constant", []),
        ("ß", "constant", []),
    ]


def test_links_lead_to_definitions():
    (layer,) = [
        s for s in symbols.symbols([module(TEXT, "a.b.page")], "x/symbols.html") if s.members[1:]
    ]
    assert layer.href == "../a/b/page.html#Layer" and layer.page == "a.b.page"
    assert layer.members[0].href == "../a/b/page.html#Layer.forward"


def test_letters_are_sections_in_order():
    found = symbols.letters([module(TEXT, "a"), module("Beta = 1\nbuild = 2\n", "b")], "s.html")
    letters = [(g["letter"], g["anchor"], [s.name for s in g["symbols"]]) for g in found]
    assert letters == [
        ("A", "letter-A", ["abel"]),
        ("B", "letter-B", ["Beta", "build", "build"]),
        ("F", "letter-F", ["first"]),
        ("L", "letter-L", ["Layer", "Layer.Part"]),
        ("S", "letter-S", ["second", "SIZE"]),
        ("…", "letter-other", ["ß"]),
    ]
    assert symbols.letters([], "s.html") == []


def test_every_definition_of_ours_is_found_or_left_out_for_a_reason():
    found = symbols.symbols(ours(), "symbols.html")
    hrefs = [s.href for s in found] + [m.href for s in found for m in s.members]
    assert len(hrefs) == len({*hrefs})
    for page in ours():
        for name, definition in page.definitions.items():
            href = f"{page.source.url}#{page.anchor(name)}"
            is_public = not any(part.startswith("_") for part in name.split("."))
            if is_public and definition.kind != "variable" and name.count(".") == 0:
                assert href in hrefs, href
            assert is_public or href not in hrefs


def test_the_page_of_ours_is_light():
    from docs_gen.pages import theme

    env = theme.environment(str, lambda one, many, n: one if n == 1 else many)
    template = env.from_string(
        env.loader.get_source(env, "symbols.html")[0].replace('{% extends "base.html" %}', "")
    )
    html = template.render(letters=symbols.letters(ours(), "symbols.html"))
    # 1.5 kB are left for what is around.
    assert len(gzip.compress(html.encode(), 9)) <= 28_500
    assert html.count("<a ") > 500 and "Layer" in html
