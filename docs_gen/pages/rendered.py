r"""
# Rendered

Checks of finished pages, by the HTML that a browser gets and whatever stage wrote it: each link
leads to a file of the site and to an anchor on it, an id is there once, headings form one outline,
and nothing needs more than the content policy grants or asks another host for anything.

[Links](../linking/links.html) finds the wrong link of a note with its line; this finds the mistakes
of the generator itself. All checks share [one look](seen.html) at a page.
"""

import posixpath
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import unquote

from docs_gen.pages.seen import is_elsewhere, look, split


def ids(html: str) -> set[str]:
    """All ids of a page"""
    return set(look(html).ids)


def targets(html: str) -> list[str]:
    """Every address that a page names, each once, as it is written"""
    return list(look(html).targets)


def duplicates(html: str) -> list[str]:
    """The ids that are there more than once"""
    return [name for name, count in Counter(look(html).ids).items() if count > 1]


def skips(html: str) -> list[str]:
    """Where headings are no outline, which has one of the first level and skips none"""
    found, level = [], 0
    headings = look(html).headings
    if (count := sum(level == 1 for level, _ in headings)) != 1:
        found.append(f"{count} headings of level 1")
    for now, text in headings:
        if now > level + 1 and level:
            found.append(f"h{now} {text!r} comes after h{level}")
        level = now
    return found


def strays(html: str) -> list[str]:
    """What the content policy forbids, and requests to other hosts"""
    return list(look(html).strays)


def broken(pages: Mapping[str, str], files: set[str]) -> list[tuple[str, str, str]]:
    """
    The page, the address and the reason of each link that leads nowhere.

    * `pages` is the HTML of each page by its path in the site
    * `files` are the paths of all files of the site
    """
    anchors = {path: ids(html) for path, html in pages.items()}
    known = files | set(pages)
    return [
        (path, target, why)
        for path, html in pages.items()
        for target in look(html).targets
        if (why := reason(path, target, known, anchors))
    ]


def reason(page: str, target: str, files: set[str], anchors: Mapping[str, set[str]]) -> str:
    """Why an address on a page leads nowhere, or an empty text"""
    if target.startswith("#"):
        return missing(page, target[1:], anchors)
    if (parts := split(target)) is None:
        return "this is no address"
    if is_elsewhere(parts):
        return ""
    if parts.path.startswith("/"):
        return "it begins at the root of the host, which is another place in a folder"
    path = resolved(page, parts.path) if parts.path else page
    if path.split("/")[0] == "..":
        return "it leads out of the site"
    if path not in files:
        is_folder = posixpath.join(path, "index.html").removeprefix("./") in files
        return f"{path} is a folder, without index.html" if is_folder else f"there is no {path}"
    return missing(path, parts.fragment, anchors)


@lru_cache(maxsize=16384)
def resolved(page: str, path: str) -> str:
    """Where a relative path on a page leads to; a slash at its end stays."""
    path = unquote(path)
    joined = posixpath.join(posixpath.dirname(page), path)
    return posixpath.normpath(joined) + ("/" if path.endswith("/") else "")


def missing(page: str, fragment: str, anchors: Mapping[str, set[str]]) -> str:
    """What is said of an anchor that is not on a page; each page has a top."""
    if page not in anchors or not fragment or fragment in anchors[page]:
        return ""
    name = unquote(fragment)
    if name in anchors[page] or fragment.lower() == "top":
        return ""
    return f"there is no {name!r} on {page}"
