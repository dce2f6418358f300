r"""
# Places

Names are followed through packages, stars, aliases and base classes, by hand and in circles, and
as Python itself follows them in modules that it has imported.
"""

import importlib
import sys

import pytest

from docs_gen.linking.places import Place
from docs_gen.reading.scopes import references
from tests.docs_gen.linked import repository, scripts, site, written

FILES = {
    "a.": """
        from .base import Base as Base
        from . import tools
        from .many import *
        from .run import run
        from out import gone
        def own(): pass
    """,
    "a.base": """
        class Base:
            size: int
            kind: "Other"
            def __init__(self): self.width = 1
            def f(self): pass
            def g(self): pass
        class Other:
            def h(self): pass
    """,
    "a.many": "from .deep import *\nfrom .deep import _hidden\nONE = 1\n_two = 2",
    "a.deep": "def dive(): pass\n_hidden = 1\nONE = 0",
    "a.tools": "import a.base as b\nAlias = b.Base\nmodule = b\nSecond = Alias\n",
    "a.two": "from .many import *\nfrom .run import *\nfrom a.base import *",
    "a.run": "ONE = 2\ndef run(): pass\nclass Runner: pass",
    "b": """
        import a
        from a.tools import Alias as Again, module
        class Left(Again):
            def f(self): pass
        class Right(a.Base[int]):
            def g(self): pass
        class Both(Left, Right, Unknown): pass
        both: Both = 1
        try:
            from out import maybe
        except ImportError:
            maybe = None
        def made():
            class Inner(Both):
                def i(self): pass
            return Inner
    """,
}


@pytest.mark.parametrize(
    "dotted, known",
    [
        ("a", "a:"),
        ("a.base", "a.base:"),
        ("a.own", "a:own"),
        ("a.Base", "a.base:Base"),
        ("a.Base.f", "a.base:Base.f"),
        ("a.Base.width", "a.base:Base.width"),
        ("a.tools", "a.tools:"),
        # Stars, one after the other; they bring no name with an underscore
        ("a.ONE", "a.many:ONE"),
        ("a.two.ONE", "a.run:ONE"),
        ("a.two.dive", "a.deep:dive"),
        ("a.dive", "a.deep:dive"),
        ("a._two", None),
        ("a._hidden", None),
        ("a.many._hidden", "a.deep:_hidden"),
        # Aliases
        ("a.tools.Alias", "a.tools:Alias"),
        ("a.tools.Alias.f", "a.base:Base.f"),
        ("a.tools.Second.f", "a.base:Base.f"),
        ("a.tools.b.Other", "a.base:Other"),
        ("b.module.Other", "a.base:Other"),
        ("b.Again", "a.tools:Alias"),
        ("b.a.tools.b.Base.g", "a.base:Base.g"),
        # A package has a function with the name of its module.
        ("a.run", "a.run:run"),
        ("a.run.Runner", "a.run:Runner"),
        ("a.run.run", "a.run:run"),
        # Base classes, from left to right and before those that both have
        ("b.Left.f", "b:Left.f"),
        ("b.Left.g", "a.base:Base.g"),
        ("b.Both.g", "b:Right.g"),
        ("b.Both.f", "b:Left.f"),
        ("b.Both.size", "a.base:Base.size"),
        ("b.Left.super().f", "a.base:Base.f"),
        ("b.Both.super().f", "b:Left.f"),
        ("a.Base.super().f", None),
        ("b.made.Inner.i", "b:made.Inner.i"),
        ("b.made.Inner.g", "b:Right.g"),
        # Objects of a class
        ("b.both.f", "b:Left.f"),
        ("b.both.kind.h", "a.base:Other.h"),
        ("b.Both.kind", "a.base:Base.kind"),
        # What is not there
        ("a.gone", None),
        ("b.maybe", "b:maybe"),
        ("b.maybe.x", None),
        ("b.Both.x", None),
        ("b.Unknown", None),
        ("a.own.f", None),
        ("out.gone", None),
        ("x", None),
        ("", None),
        ("a.", None),
        (".a", None),
        ("super()", None),
        ("a.super().own", None),
    ],
)
def test_where_a_name_is_defined(dotted, known):
    place = site(FILES).places.find(dotted)
    assert known == (place and f"{place.module}:{place.name}")


CIRCLES = {
    "a": "from b import *\nfrom c import *\nfrom b import x as x\ny = z\nz = y",
    "b": "from a import *\nfrom a import x as x\nimport b\nclass A(b.B): pass\nclass B(A): pass",
    "c": "from a import *\ndef found(): pass\nclass C(C): f = f\nD = D",
}


@pytest.mark.parametrize("first", ["a.found", "b.found", "c.found", "a.x", "b.x", "b.A.f"])
def test_circles_end_and_what_was_asked_before_changes_nothing(first):
    places = site(CIRCLES).places
    places.find(first)
    assert places.find("a.found") == places.find("b.found") == Place("c", "found")
    for name in ("a.x", "b.x", "a.nothing", "b.A.f", "b.B.f", "a.y.f", "a.z.y", "c.D.f"):
        assert places.find(name) is None
    assert places.find("c.C.f") == Place("c", "C.f") and places.find("b.b.b.A") == Place("b", "A")


def test_modules_without_their_package():
    places = site({"p.q.m": "x = 1", "p.n": "from p.q.m import x\nimport p.q.m"}).places
    assert places.find("p.n.x") == places.find("p.q.m.x") == Place("p.q.m", "x")
    assert places.find("p") is None and places.find("p.q") is None


def test_a_place_has_a_name():
    assert Place("a.b").dotted == "a.b" and Place("a.b", "C.d").dotted == "a.b.C.d"


PAGES = (
    "labnn.transformers.encoder",
    "docs_gen.linking.links",
    "docs_gen.linking.places",
    "docs_gen.writing.code",
)


@pytest.mark.parametrize("name", PAGES)
def test_names_stand_for_what_python_finds(name):
    module, links = importlib.import_module(name), repository()
    n_checked = 0
    for key, value in vars(module).items():
        place = links.places.find(f"{name}.{key}")
        home = getattr(value, "__module__", None) or getattr(value, "__name__", "")
        if getattr(value, "__qualname__", None) and home in links.modules and key != "python":
            n_checked += 1
            assert place == Place(home, value.__qualname__)
            for member in dir(value) if isinstance(value, type) else ():
                known = getattr(getattr(value, member), "__qualname__", "")
                at = sys.modules[home].__dict__
                if known.split(".")[0] in at and not member.startswith("__"):
                    found = links.places.find(f"{name}.{key}.{member}")
                    assert found is None or found.name == known
    assert n_checked >= 2


def test_each_reference_of_the_repository_leads_to_a_definition_of_its_name():
    links, n_checked, n_aliases = repository(), 0, 0
    for module in links.modules.values():
        for reference in references(module):
            text = written(module, reference)
            if "." in text or not (place := links.places.find(reference.target)):
                continue
            n_checked += 1
            assert not place.name or place.name in links.modules[place.module].definitions
            if place.dotted.rpartition(".")[2] != text:
                n_aliases += 1
                assert f" as {text}" in module.source.text
    assert n_checked > 4000 and n_aliases < n_checked / 100


@pytest.mark.parametrize("page", ["encoder", "mha", "feed_forward"])
def test_dropout_leads_to_its_page(page):
    links = repository()
    module = links.modules[f"labnn.transformers.{page}"]
    found = [r for r in references(module) if written(module, r) == "Dropout"]
    assert len(found) >= 2
    for reference in found:
        assert links.code(module, reference) == "../layers/dropout.html#Dropout"


def test_a_name_is_followed_from_the_folder_that_it_is_imported_in():
    files = {
        "a/main.py": "from utils import *\nfrom base import Base\nclass A(Base): pass\n",
        "a/utils.py": "def help(): pass\n",
        "a/base.py": "import utils\nAlias = utils.help\nclass Base:\n    def f(self): pass\n",
        "b/main.py": "from utils import help\n",
        "b/utils.py": "def help(): pass\n",
    }
    places = scripts(files).places
    assert places.find("a.main.help") == Place("a.utils", "help")
    assert places.find("b.main.help") == Place("b.utils", "help")
    assert places.find("a.main.A.f") == Place("a.base", "Base.f")
    assert places.find("utils.help", "b.main") == Place("b.utils", "help")
    # Seen from nowhere, a name begins with its folder.
    assert places.find("utils.help") is None
