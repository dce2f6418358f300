r"""
# Addresses

Links within the site are relative, so that it works in any folder of any host and from a disk. Out
of it only `https` leads: any other scheme, and what begins at the root of a host, is refused.
"""

import posixpath
import re
from urllib.parse import quote, unquote

OUTWARDS = re.compile(r"https://[^\s\\/?#]+[^\s\\]*", re.IGNORECASE)
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
# A browser leaves such signs out before it reads an address, and takes `\` for `/`.
UNREADABLE = re.compile(r"[\x00-\x20\x7f-\x9f\\]")


class LinkError(ValueError):
    """
    ## A link that leads nowhere

    Its text is one line that says what is unknown, and what is near.
    """


def relative(from_url: str, to_url: str, anchor: str = "") -> str:
    """What to write on the page at `from_url` for a place on the page at `to_url`"""
    place = f"#{quote(anchor, safe='')}" if anchor else ""
    if from_url == to_url and place:
        return place
    return quote(posixpath.relpath(to_url, posixpath.dirname(from_url) or ".")) + place


def target(from_url: str, href: str) -> tuple[str, str] | None:
    """
    ## Where a link of a note leads

    The page, as the site calls it, and the anchor; `None` if the link leads out of the site.
    """
    if OUTWARDS.fullmatch(href):
        return None
    if not href or UNREADABLE.search(href):
        raise LinkError(f"{href!r} is no address of a page")
    if href.startswith("/"):
        raise LinkError(f"{href} begins at the root of a host; links are relative to their page")
    if SCHEME.match(href):
        raise LinkError(f"{href} is neither a page nor an address that begins with https://")
    path, _, anchor = href.partition("#")
    path, anchor = unquote(path), unquote(anchor)
    if not path:
        return from_url, anchor
    # A link to a folder means its first page.
    path += "index.html" if path.endswith("/") else ""
    return posixpath.normpath(posixpath.join(posixpath.dirname(from_url), path)), anchor


def slug(text: str) -> str:
    """A text as an anchor: its words, joined by hyphens"""
    return re.sub(r"[\W_]+", "-", text.lower()).strip("-") or "x"
