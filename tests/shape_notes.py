r"""
# Shape notes that are checked

The pages of `labnn` say things like "`x` has shape `[seq_len, batch_size, d_model]`". While tests
run, `labnn` is imported through the hook below, which turns every such note into an assertion.
A shape note that is wrong fails the test that runs the line.

* In a docstring, a note about an argument is checked on entry. A note about any other name is
  checked before each `return`, and "returns shape ..." is about the returned value itself.
* In a comment, a note is about a variable, after the statement that follows the comment.

An axis name is an integer argument or an attribute of `self` when there is one (`d_model`).
Otherwise it is free, and must keep one size throughout the call (`seq_len`).
A note that would never be checked is an error, so that no note can rot unseen.
"""

import ast
import importlib.abc
import importlib.machinery
import re
import sys

import torch

NOTE = re.compile(r"(?:`([\w.]+)` has|[Rr]eturns) shape `\[([^\]]*)\]`")


def find_notes(text: str) -> list[tuple[str, list[str]]]:
    """Each note as a name (empty for the result) and its axes."""
    return [(name, [a.strip() for a in shape.split(",")]) for name, shape in NOTE.findall(text)]


class Unchecked:
    """In place of `Axes` in code that is compiled, which has no local variables to look at"""

    @staticmethod
    def check(name, value, axes):
        return value


class Axes:
    """The sizes met so far in one call."""

    is_compiling, unchecked = staticmethod(torch.compiler.is_compiling), Unchecked

    def __init__(self, arguments: dict, where: str):
        self.owner, self.where = arguments.get("self"), where
        self.known = {name: value for name, value in arguments.items() if type(value) is int}

    def check(self, name: str, value, axes: list[str]):
        """Hold `value` to its note and hand it on. Optional arguments may be `None`."""
        if value is None:
            return value
        shape = tuple(value.shape)
        what = f"{self.where}: {name} is {shape}, its note says {axes}"
        assert len(shape) == len(axes), what
        for size, axis in zip(shape, axes, strict=True):
            own = getattr(self.owner, axis, None)
            if axis.isdigit():
                want = int(axis)
            elif type(own) is int:
                want = own
            else:
                want = self.known.setdefault(axis, size)
            assert size == want, f"{what}, where {axis} is {want}"
        return value


class Instrument(ast.NodeTransformer):
    """Insert a check after every statement that a note is about."""

    def __init__(self, source: str):
        self.notes = {
            number: find_notes(line)
            for number, line in enumerate(source.split("\n"), 1)
            if line.lstrip().startswith("#") and NOTE.search(line)
        }
        self.unused = set(self.notes)

    def call(self, name: str, axes: list[str], value: ast.expr | None = None) -> ast.expr:
        value = value or ast.parse(name, mode="eval").body
        call = ast.parse(f"__axes__.check({name!r}, None, {axes!r})", mode="eval").body
        call.args[1] = value
        return call

    def visit_FunctionDef(self, function: ast.FunctionDef):
        self.generic_visit(function)
        documented = find_notes(ast.get_docstring(function) or "")
        inside = [n for n in self.unused if function.lineno < n <= function.end_lineno]
        if not documented and not inside:
            return function
        arguments = {a.arg for a in [*function.args.args, *function.args.kwonlyargs]}
        self.results = [note for note in documented if note[0] not in arguments]
        axes = f"__Axes__(locals(), {function.name!r})"
        found = f"__Axes__.unchecked if __Axes__.is_compiling() else {axes}"
        start = ast.parse(f"__axes__ = {found}").body
        start += [ast.Expr(self.call(*note)) for note in documented if note[0] in arguments]
        at = 1 if ast.get_docstring(function) is not None else 0
        function.body[:] = (
            function.body[:at] + start + self.block(function.body[at:], function.lineno)
        )
        return function

    def block(self, body: list[ast.stmt], begin: int) -> list[ast.stmt]:
        out = []
        for statement in body:
            mine = [n for n in sorted(self.unused) if begin < n < statement.lineno]
            for field in ("body", "orelse", "finalbody"):
                inner = getattr(statement, field, None)
                if inner and not isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
                    setattr(statement, field, self.block(inner, statement.lineno))
            if isinstance(statement, ast.Return):
                for name, axes in self.results:
                    if name:
                        out.append(ast.Expr(self.call(name, axes)))
                    else:
                        statement.value = self.call("the result", axes, statement.value)
                mine = []
            out.append(statement)
            for number in mine:
                self.unused.discard(number)
                out += [ast.Expr(self.call(*note)) for note in self.notes[number]]
            begin = statement.end_lineno
        return out


def instrument(source: str, path: str = "<page>") -> ast.Module:
    """The tree of `source` with its notes turned into checks."""
    worker = Instrument(source)
    tree = ast.fix_missing_locations(worker.visit(ast.parse(source)))
    if worker.unused:
        raise SyntaxError(
            f"{path}: no statement to check for the notes on lines {sorted(worker.unused)}"
        )
    return tree


class Loader(importlib.machinery.SourceFileLoader):
    """Compile pages with their notes, and never from a cached `.pyc`."""

    def get_code(self, fullname):
        return compile(instrument(self.get_data(self.path).decode(), self.path), self.path, "exec")

    def exec_module(self, module):
        module.__Axes__ = Axes
        super().exec_module(module)


class Finder(importlib.abc.MetaPathFinder):
    """Send the pages of `labnn` through `Loader`."""

    def find_spec(self, name, path, target=None):
        if name.split(".")[0] != "labnn":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            spec.loader = Loader(name, spec.origin)
        return spec


def install():
    """Call this before the first import of `labnn`."""
    sys.meta_path.insert(0, Finder())
