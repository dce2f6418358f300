r"""
# Scopes

What the code of a page refers to, as a whole: by hand, and against Python's own `symtable`, which
knows for every name of the repository whether it is a local variable.
"""

import ast
import symtable

import pytest

from docs_gen.parts import Source
from docs_gen.reading.names import FUNCTIONS
from docs_gen.reading.scopes import Read, Reference, read, references
from tests.docs_gen.linked import made, meant, repository, written

PAGE = '''\
import labnn.data
from labnn.data import windows as w
from .base import Base, option


class Configs(Base):
    """A `Configs` in a note"""

    model: int = 1
    size = model

    def __init__(self, model):
        super().__init__(model)
        self.width = model

    def step(self, é="", *, x: "Configs" = None):
        model = w.Windows(self.model, é, self.width, Base=x.size)
        return model, labnn.data.windows


@option(Configs.model)
def build(c: Configs) -> Base:
    return f"{c.width}", [Base for Base in c.model]
'''


def test_a_page_by_hand():
    own, base = "pkg.m.Configs", "pkg.base.Base"
    assert meant(PAGE, "pkg.m") == [
        ("labnn.data", "labnn.data"),
        ("labnn.data", "labnn.data"),
        ("windows", "labnn.data.windows"),
        (".base", "pkg.base"),
        ("Base", base),
        ("option", "pkg.base.option"),
        ("Base", base),
        ("model", f"{own}.model"),
        ("__init__", f"{own}.super().__init__"),
        ("Configs", own),
        ("w", "labnn.data.windows"),
        ("Windows", "labnn.data.windows.Windows"),
        ("model", f"{own}.model"),
        ("width", f"{own}.width"),
        ("size", f"{own}.size"),
        ("labnn", "labnn"),
        ("data", "labnn.data"),
        ("windows", "labnn.data.windows"),
        ("option", "pkg.base.option"),
        ("Configs", own),
        ("model", f"{own}.model"),
        ("Configs", own),
        ("Base", base),
        ("width", f"{own}.width"),
        ("model", f"{own}.model"),
    ]


def test_what_is_said_of_other_files():
    text = "from a import *\nfrom b import c as d\nclass A(d.E[int], metaclass=M): pass\nf = d.g\n"
    found = read(Source("m", "m.py", "m.html", text))
    assert found.stars == ["a"] and found.bases == {"m.A": ["b.c.E"]}
    assert found.aliases == {"m.f": "b.c.g"}
    assert found.names == {"d": "b.c", "A": "m.A", "f": "m.f"}


def test_columns_are_characters():
    assert references(made("m", "é = 'é'; b = é"))[-1] == Reference(1, 13, 1, "m.é")


@pytest.mark.parametrize("text", ["def", "x = (", "\0", "x" + " + x" * 100_000])
def test_what_python_cannot_read_refers_to_nothing(text):
    source = Source("m", "m.py", "m.html", text)
    assert read(source) == Read()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_as_python_says(end):
    text = end.join(["a = 1", "\fb = '\x0b'", "", "c = a, b"])
    found = [(r.line, r.column) for r in read(Source("m", "m.py", "m.html", text)).references]
    assert found == [(4, 4), (4, 7)]


def tables(table):
    """The tables of functions by name and line; those that share both are left out."""
    found = {}
    for inner in table.get_children():
        for key, value in tables(inner).items():
            found[key] = None if key in found else value
        if inner.get_type() == "function":
            key = inner.get_name(), inner.get_lineno()
            found[key] = None if key in found else inner
    return found


def own_nodes(function):
    """The names in the body of a function that belong to no scope within it"""
    waiting = list(function.body)
    inner = (*FUNCTIONS, ast.ClassDef, ast.Lambda)
    loops = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield node
        elif not isinstance(node, (*inner, *loops)):
            waiting += ast.iter_child_nodes(node)


@pytest.mark.slow
def test_local_names_are_those_that_python_says():
    n_local = n_global = 0
    for module in repository().modules.values():
        found = {(r.line, r.column): r for r in references(module)}
        known = read(module.source).names
        table = tables(symtable.symtable(module.source.text, "m.py", "exec"))
        for function in ast.walk(ast.parse(module.source.text)):
            scope = isinstance(function, FUNCTIONS) and table.get((function.name, function.lineno))
            for node in own_nodes(function) if scope else ():
                symbol = scope.lookup(node.id)
                text = module.lines[node.lineno - 1].encode()[: node.col_offset].decode()
                reference = found.get((node.lineno, len(text)))
                is_variable = symbol.is_local() and not symbol.is_imported()
                if is_variable and not symbol.is_namespace():
                    n_local += 1
                    assert reference is None, (module.source.path, reference)
                elif symbol.is_global():
                    n_global += node.id in known
                    target = reference and reference.target
                    assert target == known.get(node.id), (module.source.path, node.lineno, node.id)
    assert n_local > 3000 and n_global > 1000


def test_every_reference_of_the_repository_is_written_where_it_is_said_to_be():
    n_checked = 0
    for module in repository().modules.values():
        places = [(r.line, r.column) for r in references(module)]
        assert len(set(places)) == len(places) and places == sorted(places)
        for reference in references(module):
            text = written(module, reference)
            is_alias = f" as {text}" in module.source.text
            assert text and (is_alias or reference.target.endswith(text.lstrip(".")))
            n_checked += 1
    assert n_checked > 5000
