r"""
# Files

The Python files of a path that somebody gives: nothing that is hidden, a cache, or installed into
the folder. What they are called as modules is said by their [source](source.html).

Python follows links to folders, and so do we, but each folder is read once, by its own path where
it has one. A link that leads out of the path is followed to a package, which Python would import;
it may lead to anything else, up to the whole disk.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from docs_gen.parts import GeneratorError


def below(path: Path, patterns: Sequence[str]) -> Iterator[Path]:
    """
    The Python files of a path.

    * `patterns` are for the ends of paths that are left out
    """
    if path.is_file() and path.suffix == ".py":
        yield path
        return
    if not path.is_dir():
        is_there = os.path.lexists(path)
        what = "neither a folder nor a Python file" if is_there else "no such file or folder"
        raise GeneratorError(f"{shown(path)}: {what}")
    # Links wait until all that lies here itself is known.
    top, waiting, seen = path.resolve(), [path], set()
    for start in waiting:
        if start == path or is_followed(start, top, seen):
            for folder, files, links in folders(start, patterns):
                if (real := folder.resolve()) not in seen:
                    seen.add(real)
                    waiting += links
                    yield from files


def is_followed(link: Path, top: Path, seen: set[Path]) -> bool:
    """Does a link lead to a folder that is new, and that Python would take for part of `top`?"""
    target = link.resolve()
    # The folder around a link would come again and again.
    if target in seen or top.is_relative_to(target):
        return False
    return target.is_relative_to(top) or (target / "__init__.py").is_file()


def folders(start: Path, patterns: Sequence[str]) -> Iterator[tuple[Path, list[Path], list[Path]]]:
    """The folders below one and itself, each with its Python files and its links to folders"""
    for name, inner, files in os.walk(start, onerror=refuse):
        # What is installed in a virtual environment is not of this project.
        if "pyvenv.cfg" in files:
            inner.clear()
            continue
        folder = Path(name)
        wanted = sorted(n for n in inner if is_wanted(folder / n, patterns))
        # `os.walk` goes on with what is left here.
        inner[:] = [n for n in wanted if not (folder / n).is_symlink()]
        scripts = (folder / n for n in files if n.endswith(".py"))
        yield (
            folder,
            [file for file in scripts if file.is_file() and is_wanted(file, patterns)],
            [folder / n for n in wanted if n not in inner],
        )


def is_wanted(path: Path, patterns: Sequence[str]) -> bool:
    """Neither hidden nor a cache nor excluded"""
    is_ours = not path.name.startswith(".") and path.name != "__pycache__"
    return is_ours and not any(path.match(pattern) for pattern in patterns)


def refuse(error: OSError) -> None:
    """What cannot be read would else be missing without a word."""
    raise GeneratorError(f"{shown(Path(error.filename))}: {error.strerror}") from None


def shown(path: Path) -> str:
    """A path as a person would type it here"""
    here = Path.cwd()
    return (path.relative_to(here) if path.is_relative_to(here) else path).as_posix()
