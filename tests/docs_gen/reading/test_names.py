r"""
# Names

What a file defines, by hand, and for the generator's own modules what Python says of them at run
time. Each definition of the repository stands where it is said to.
"""

import ast
import importlib
import inspect
from textwrap import dedent

import pytest

from docs_gen.parts import Definition
from docs_gen.reading.names import HEADER, characters, definitions, targets, tree
from tests.docs_gen.linked import defined, nodes, repository

CLASS = """\
@final
@option(
    Configs.x
)
class Net(Base):
    size: int
    é = 1; width = 2

    def __init__(this, n):
        super().__init__()
        this.a, (this.b, *this.c) = n
        if n:
            this.d: int = 1
        n.e = this.a.f = 3
        def helper():
            this.g = 1

    async \\
    def run(self):
        local = 1
        self.late = 2

        @cache
        def inner(): pass
"""


def test_a_class_by_hand():
    found = defined(CLASS)
    assert " ".join(found) == (
        "Net Net.size Net.é Net.width Net.__init__ Net.a Net.b Net.c Net.d "
        "Net.__init__.helper Net.run Net.run.inner"
    )
    assert found["Net"] == Definition("Net", "class", 5, 6, 1)
    assert found["Net.size"] == Definition("Net.size", "variable", 6, 4, 6)
    # The letter before it is two bytes and one character.
    assert found["Net.width"] == Definition("Net.width", "variable", 7, 11, 7)
    assert found["Net.b"] == Definition("Net.b", "variable", 11, 22, 11)
    assert found["Net.run"] == Definition("Net.run", "function", 19, 8, 18)
    assert found["Net.run.inner"] == Definition("Net.run.inner", "function", 24, 12, 23)


def test_a_module_by_hand():
    text = """
        import os
        __version__ = "1"
        a = b = (c, [d, *e]) = 1
        f: int
        g.h = i[0] = 1
        _ = 1
        for j in a: k = 1
        with open() as l: m = 1
        if (n := 1): o = 1
        else:
            def p(q): r = 1
        try: s = 1
        except E as t: u = 1
        else: v = 1
        finally: w = 1
        match a:
            case [x]: y = 1
        z += 1
    """
    assert " ".join(defined(text)) == "__version__ a b c d e f k m o p s u v w y"


def test_the_first_definition_counts_and_a_method_before_an_attribute():
    found = defined("x = 1\ndef x(): pass\nx = 2")
    assert list(found) == ["x"] and found["x"].kind == "variable" and found["x"].line == 1
    found = defined(
        "class A:\n def __init__(self):\n  self.f = self.f\n  self.f = 2\n def f(self): 0"
    )
    assert found["A.f"] == Definition("A.f", "function", 5, 5, 5)


def test_only_the_first_argument_of_the_constructor_is_the_object():
    text = """
        class A:
            def __init__(self, other):
                other.x = 1
            def set(self):
                self.y = 1
        def __init__(self):
            self.z = 1
        class B:
            def __init__(): x.y = 1
    """
    assert list(defined(text)) == ["A", "A.__init__", "A.set", "__init__", "B", "B.__init__"]


def test_a_decorator_may_begin_above_its_expression():
    assert defined("x = 1\n@(\n  # why\n  cache\n)\ndef f(): pass")["f"].first == 2
    assert defined("@a\n@b\n\ndef f(): pass")["f"].first == 1


def test_columns_are_characters():
    assert characters(["é = 'é'; x"], 1, len("é = 'é'; ".encode())) == 9
    assert characters(["abc"], 1, 2) == 2


def test_what_stands_before_a_name():
    for text in ("def f", "class  f", "async def f", "async\tdef\\\n  f", "def\\\nf"):
        assert text[HEADER.match(text).end() :] == "f"


def test_targets_are_single():
    (node,) = nodes("a, (b.c, *d), [e[0]] = f", ast.Assign)
    assert [type(t).__name__ for t in targets(node)] == ["Name", "Attribute", "Name", "Subscript"]


def test_odd_strings_are_no_warning():
    assert tree(r"x = '\d'").body


PAGES = ("parts", "reading.meanings", "reading.names", "reading.parse", "linking.links")
PAGES += ("linking.lookup", "linking.places", "records.axes", "writing.code")


@pytest.mark.parametrize("page", PAGES)
def test_what_python_finds_in_a_module_is_defined(page):
    name = f"docs_gen.{page}"
    module = importlib.import_module(name)
    found = repository().modules[name].definitions
    n_checked = 0
    for key, value in vars(module).items():
        own = getattr(value, "__module__", None) == name
        if not own or not (inspect.isclass(value) or inspect.isfunction(value)):
            continue
        if value.__qualname__ != key or "<" in key:
            continue
        n_checked += 1
        assert found[key].kind == ("class" if inspect.isclass(value) else "function")
        if inspect.isfunction(value):
            value = inspect.unwrap(value)
            assert found[key].first == value.__code__.co_firstlineno
            continue
        assert found[key].first == inspect.getsourcelines(value)[1]
        for method in filter(inspect.isfunction, vars(value).values()):
            if method.__code__.co_filename == module.__file__ and method.__module__ == name:
                assert found[method.__qualname__].first == method.__code__.co_firstlineno
        assert {f"{key}.{n}" for n in getattr(value, "__annotations__", ())} <= set(found)
    assert n_checked


@pytest.mark.slow
def test_definitions_of_the_repository_stand_where_they_are_said_to():
    n_checked = 0
    for module in repository().modules.values():
        found = definitions(tree(module.source.text), module.lines)
        assert found == module.definitions
        for definition in found.values():
            last = definition.name.rpartition(".")[2]
            assert module.lines[definition.line - 1].startswith(last, definition.column)
            is_decorated = definition.first < definition.line
            header = module.lines[definition.first - 1].strip()
            assert header.startswith("@") or not is_decorated
            n_checked += 1
    assert n_checked > 1000


def test_text_without_names_defines_nothing():
    assert defined("") == {} and defined(dedent("import a\nfrom b import *\n1 + 1")) == {}


def test_a_stub_gives_way_to_what_it_stands_for():
    text = """
        class A:
            @overload
            def f(self, a: int): ...
            @typing.overload  # why
            def f(self, a: str): ...
            def f(self, a): return a
            @property
            def g(self): ...
            @g.setter
            def g(self, value): ...
        @overload
        def h(a: int): ...
        @overload
        def h(a: str): ...
        @overload_later
        def i(): ...
        def i(): ...
    """
    found = {name: definition.line for name, definition in defined(text).items()}
    assert found == {"A": 2, "A.f": 7, "A.g": 9, "h": 13, "i": 17}
    assert list(found) == ["A", "A.f", "A.g", "h", "i"]
