r"""
# Source

Which files become pages, and what they are called. A path is a package, a folder of loose scripts
or one file. A module of a package is named as Python imports it, wherever in the package the path
begins; a loose script by its place below the path. Addresses follow the folders, from the top
package or from the folder of the scripts on: `labnn/layers/dropout.html`, and for an `__init__.py`
`labnn/layers/index.html`.

A file that cannot be decoded does not stop the others: its wrong bytes go on as lone surrogates,
which [parse](parse.html) reports.
"""

import os
import re
import tokenize
from collections.abc import Iterator, Sequence
from pathlib import Path

from docs_gen.parts import GeneratorError, Source

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
    check(list(found.values()))
    return list(found.values())


def below(path: Path, patterns: Sequence[str]) -> Iterator[Path]:
    """The Python files of a path; nothing that is hidden, cached or installed into it"""
    if path.is_file() and path.suffix == ".py":
        yield path
        return
    if not path.is_dir():
        is_there = os.path.lexists(path)
        what = "neither a folder nor a Python file" if is_there else "no such file or folder"
        raise GeneratorError(f"{shown(path)}: {what}")
    for folder, folders, files in os.walk(path, onerror=refuse):
        if "pyvenv.cfg" in files:
            folders.clear()
            continue
        # `os.walk` goes on with what is left here.
        folders[:] = sorted(n for n in folders if is_wanted(Path(folder, n), patterns))
        for file in (Path(folder, name) for name in files if name.endswith(".py")):
            if file.is_file() and is_wanted(file, patterns):
                yield file


def is_wanted(path: Path, patterns: Sequence[str]) -> bool:
    """Neither hidden nor a cache nor excluded"""
    is_ours = not path.name.startswith(".") and path.name != "__pycache__"
    return is_ours and not any(path.match(pattern) for pattern in patterns)


def refuse(error: OSError) -> None:
    """What cannot be read would else be missing without a word."""
    raise GeneratorError(f"{shown(Path(error.filename))}: {error.strerror}") from None


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
    return Source(name, shown(file), url, read(file))


def is_package(folder: Path) -> bool:
    """Is it something that Python imports as a whole?"""
    return (folder / "__init__.py").is_file()


def outside(folder: Path) -> Path:
    """The nearest folder that is not a package: the one that imports begin in"""
    return next((f for f in (folder, *folder.parents) if not is_package(f)), folder)


def shown(path: Path) -> str:
    """A path as a person would type it here"""
    here = Path.cwd()
    return (path.relative_to(here) if path.is_relative_to(here) else path).as_posix()


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
