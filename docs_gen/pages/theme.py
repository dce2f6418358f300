r"""
# Theme

The templates, and the files that every page asks for: styles, scripts, one font. Styles come from
several pages of this generator, since what draws something also says how it looks; they are joined
into one file.
"""

import re
from collections.abc import Callable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import escape

from docs_gen.records import curves, shown

FOLDER = Path(__file__).parents[1] / "theme"
STYLES = ("site.css", "math.css", "lists.css")
SCRIPTS = ("early.js", "site.js", "search.js")
COPIED = ("minisearch.js", "math.woff2")
LICENCES = "*.LICENSE.txt"
# Comments, and blanks that say nothing; a text in quotes stays as it is.
CSS = re.compile(r"""("[^"\n]*"|'[^'\n]*')|/\*.*?\*/|\s*([{};,>])\s*|\s+""", re.DOTALL)


def environment(say: Callable[[str], str], plural: Callable[[str, str, int], str]) -> Environment:
    """Templates in one language; a name that is not given is an error, not an empty place."""
    env = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    # A translation is text: what it says of markup is shown, and ends no attribute.
    env.install_gettext_callables(
        lambda text: escape(say(text)),
        lambda one, many, n: escape(plural(one, many, n)),
        newstyle=True,
    )
    return env


def smaller(css: str) -> str:
    """A style sheet without comments and without blanks that say nothing"""
    return CSS.sub(lambda m: m[1] or m[2] or ("" if m[0].startswith("/*") else " "), css).strip()


def shorter(script: str) -> str:
    """A script without indents and without lines of comment, which is all that is safe to drop"""
    return re.sub(r"^[ \t]*(//.*\n|/\*\*?[^*]*\*/\n|\n)?", "", script, flags=re.MULTILINE)


def static() -> dict[str, bytes]:
    """The files that all pages share, by name"""
    sheets = [(FOLDER / name).read_text(encoding="utf-8") for name in STYLES]
    files = {"site.css": smaller("\n".join([*sheets, shown.STYLE, curves.STYLE])).encode()}
    for name in SCRIPTS:
        files[name] = shorter((FOLDER / name).read_text(encoding="utf-8")).encode()
    for path in (*(FOLDER / name for name in COPIED), *sorted(FOLDER.glob(LICENCES))):
        files[path.name] = path.read_bytes()
    return files
