r"""
# Anchors

People link to what a site once said. Each build writes a map of its anchors, `anchors.json`; the
map of the last release is kept, and what was on that and is nowhere now stops a release, unless an
[alias](aliases.html) says where it went.

Only what is meant to stay is promised: the names of definitions, and the anchors of notes and
headings. Numbers of lines are not, nor are the ids of the theme, which are known by their hyphens.
"""

import json
import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches

from docs_gen.linking.aliases import Aliases, damaged, is_there, mapping

# The anchors of each page, by its address
Anchors = Mapping[str, Collection[str]]
# Lines move with each edit; what stays is called after a definition, which has no hyphen in its
# name, or `s-` after a note and `h-` after a heading.
LINE = re.compile(r"L\d+")
PROMISED = re.compile(r"[^-]+|[sh]-.+", re.DOTALL)


def kept(pages: Anchors) -> str:
    """The text of `anchors.json`, for all pages by their address; same anchors, same bytes"""
    promised = {
        url: sorted(a for a in set(pages[url]) if PROMISED.fullmatch(a) and not LINE.fullmatch(a))
        for url in sorted(pages)
    }
    return json.dumps(promised, ensure_ascii=False, separators=(",", ":")) + "\n"


def read(text: str, name: str = "anchors.json") -> dict[str, list[str]]:
    """What an earlier build promised, read back"""
    found = mapping(text, name)
    for url, anchors in found.items():
        if not (isinstance(anchors, list) and all(isinstance(a, str) for a in anchors)):
            raise damaged(name, f"{url!r} should have a list of anchors")
    return found


def gone(released: str | Anchors, now: Anchors, moved: Aliases) -> list[str]:
    """
    One line for each page and anchor of an earlier release that has no place now.

    * `released` is what was promised, or the text of that
    * `now` are the anchors of each page, those that are there as an alias included
    * `moved` are the aliases; a page that moved takes its anchors along
    """
    before = read(released) if isinstance(released, str) else released
    found = []
    for url in sorted(before):
        if is_there(moved.get(url, ""), now):
            continue
        if url not in now:
            found.append(told(url, close(url, now)))
            continue
        # What has an alias is among the anchors that are there now.
        for anchor in sorted(set(before[url]) - set(now[url])):
            found.append(told(f"{url}#{anchor}", nearest(url, anchor, now)))
    return found


def told(address: str, near: str) -> str:
    """What is said of an address that leads nowhere now"""
    hint = f"; the nearest is {near}" if near else ""
    return f"{address} is gone and has no alias{hint}"


def nearest(url: str, anchor: str, now: Anchors) -> str:
    """The anchor of the same name on another page, or one of a similar name on the same page"""
    other = next((other for other in sorted(now) if anchor in now[other]), None)
    if other:
        return f"{other}#{anchor}"
    # A heading does not take the place of a note, nor a note that of a definition.
    same_kind = [a for a in now[url] if a[:2] == anchor[:2] or "-" not in a + anchor]
    near = close(anchor, same_kind)
    return f"{url}#{near}" if near else ""


def close(name: str, names: Collection[str]) -> str:
    """The most similar name, or an empty text"""
    return next(iter(get_close_matches(name, sorted(names), n=1)), "")
