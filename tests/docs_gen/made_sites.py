"""
Small sites, made of files that a test writes.
"""

import textwrap
from pathlib import Path

from docs_gen.pages import site
from docs_gen.pages.project import Options
from docs_gen.parts import Source
from docs_gen.reading.parse import parse


def write(folder: Path, files: dict[str, str]) -> Path:
    """Files by path; what they hold is dedented."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
    return folder


def build(folder: Path, files: dict[str, str], *paths: str, **options) -> site.Built:
    """What is made of `paths`, or of the package `pack`"""
    write(folder, files)
    for name in ("locale", "results", "aliases"):
        if name in options:
            options[name] = folder / options[name]
    return site.build(Options([folder / path for path in paths or ("pack",)], **options))


def module(text: str, name: str = "pack.page"):
    """One module that was parsed"""
    path = name.replace(".", "/")
    return parse(Source(name, f"{path}.py", f"{path}.html", textwrap.dedent(text).lstrip("\n")))
