r"""
# Source

Which files become pages, and what they are called. A path is a package, a folder of loose scripts
or one file. A module of a package is named as Python imports it, wherever in the package the path
begins; a loose script by its place below the path, and where two paths hold scripts of one name by
their folders too, `a.run` and `b.run`. Addresses follow the folders, from the top
package or from the folder of the scripts on: `labnn/layers/dropout.html`, and for an `__init__.py`
`labnn/layers/index.html`.

A file that cannot be decoded does not stop the others: its wrong bytes go on as lone surrogates,
which [parse](parse.html) reports.
"""

import os
import re
import tokenize
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from docs_gen.parts import GeneratorError, Source
from docs_gen.reading.files import below, refuse, shown

# What cannot stand in a link, or in the name of a file on every system
UNUSABLE = re.compile(r'[\x00-\x1f\x7f#?%\\"<>|*:\ud800-\udfff]')


def find(paths: Sequence[Path], exclude: Sequence[str] = ()) -> list[Source]:
    """
    ## The files of some paths

    Path by path as given, and the files of each by name; a file that two paths hold comes once.

    * `exclude` are patterns for the ends of paths below the given ones: `tests`, `data/*.py`
    """
    patterns = [pattern for pattern in exclude if pattern.strip("/.")]
    found: dict[Path, Source] = {}
    for path in (Path(os.path.abspath(path)) for path in paths):
        files = list(below(path, patterns))
        if not files:
            raise GeneratorError(f"{shown(path)}: no Python file in it")
        new = [(file, source(file, path)) for file in files if file not in found]
        found |= sorted(new, key=lambda item: item[1].name.split("."))
    if not found:
        raise GeneratorError("nothing to build: give a folder or a Python file")
    sources = told_apart(list(found.values()))
    check(sources)
    return sources


def source(file: Path, path: Path) -> Source:
    """A file of a path, read and named"""
    base = path if path.is_dir() else path.parent
    root = outside(base)
    is_loose = root == base
    # A package may lie deep in a folder of scripts, and a folder of scripts deep in a package.
    top = outside(file.parent) if is_loose and is_package(file.parent) else root
    *packages, stem = file.relative_to(top).with_suffix("").parts
    *folders, _ = file.relative_to(root.parent if is_loose else root).parts
    # A module that is called `index` must not take the place of its package.
    page = {"__init__": "index", "index": "index-module"}.get(stem, stem)
    url = "/".join([*folders, f"{page}.html"])
    if UNUSABLE.search(url):
        raise GeneratorError(f"{shown(file)!a}: no address can be made of this name; exclude it")
    name = ".".join(packages if stem == "__init__" else [*packages, stem])
    return Source(name, shown(file), url, read(file), root.name if is_loose else "")


def told_apart(sources: Sequence[Source]) -> list[Source]:
    """Where several folders hold scripts of one name, the names in them begin with the folder."""
    found: dict[str, set[str]] = {}
    for each in sources:
        found.setdefault(each.name, set()).add(each.folder)
    folders = {folder for some in found.values() if len(some) > 1 for folder in some} - {""}
    return [replace(s, name=f"{s.folder}.{s.name}") if s.folder in folders else s for s in sources]


def is_package(folder: Path) -> bool:
    """Is it something that Python imports as a whole?"""
    return (folder / "__init__.py").is_file()


def outside(folder: Path) -> Path:
    """The nearest folder that is not a package: the one that imports begin in"""
    return next((f for f in (folder, *folder.parents) if not is_package(f)), folder)


def read(file: Path) -> str:
    """The text of a file, as Python decodes it, with the line ends that it has"""
    try:
        raw = file.read_bytes()
    except OSError as error:
        refuse(error)
    try:
        first = iter(raw.splitlines(keepends=True)[:2])
        encoding, _ = tokenize.detect_encoding(first.__next__)
        return raw.decode(encoding, "surrogateescape")
    except (SyntaxError, LookupError, UnicodeError):
        # What is wrong with it will be told with its line.
        return raw.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")


def check(sources: Sequence[Source]) -> None:
    """No two files can be one module, or have one page."""
    for key in ("name", "url"):
        taken: dict[str, str] = {}
        for each in sources:
            value = getattr(each, key)
            if value in taken:
                raise GeneratorError(
                    f"{taken[value]} and {each.path} are both {value}; exclude one of them"
                )
            taken[value] = each.path
