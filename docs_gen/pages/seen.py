r"""
# Seen

What the [checks of finished pages](rendered.html) need of one: its ids, the addresses that it
names, its headings, and what no page may have, since the content policy forbids it or a browser
would ask another host. One pass finds all of it, and a page that stays the same is not read again.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import SplitResult, urlsplit

from selectolax.lexbor import LexborHTMLParser

# Attributes that hold an address
ADDRESSES = ("href", "src", "xlink:href", "poster", "action", "formaction")
# What the policy does not let a page do, and what would change where its links lead to
FORBIDDEN = {"style", "iframe", "object", "embed", "base"}
JUDGED = FORBIDDEN | {"script"}
HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
# An element that has no other attribute than these, as nearly all have, needs no closer look.
PLAIN = {"class", "id", "tabindex", "role", "title", "lang", "translate", "aria-hidden"}
# What a browser goes to when it is asked to, and relations that it does not load
FOLLOWED = {"a", "area"}
NOT_LOADED = {"canonical", "alternate", "author", "license", "next", "prev", "help", "search"}
# Elements for which the policy lets the picture be in the address itself
PICTURES = {"img", "image", "source", "link"}


@dataclass(frozen=True)
class Seen:
    """
    ## What the checks need of a page

    All in the order of the page; `headings` are levels and texts, `strays` what was found wrong.
    """

    ids: tuple[str, ...]
    targets: tuple[str, ...]
    headings: tuple[tuple[int, str], ...]
    strays: tuple[str, ...]


@lru_cache(maxsize=1024)
def look(html: str) -> Seen:
    """Everything that the checks need, from one pass over the page"""
    ids, targets, headings, strays = [], [], [], []
    for node in LexborHTMLParser(html).css("*"):
        tag, attributes = node.tag, node.attributes
        if found := attributes.get("id"):
            ids.append(found)
        if tag in HEADINGS:
            headings.append((int(tag[1]), " ".join(node.text().split())))
        if tag in JUDGED or not PLAIN.issuperset(attributes):
            addresses = list(addressed(tag, attributes))
            targets += addresses
            strays += wrong(tag, attributes, addresses)
    once = [tuple(dict.fromkeys(found)) for found in (targets, strays)]
    return Seen(tuple(ids), once[0], tuple(headings), once[1])


def addressed(tag: str, attributes: Mapping[str, str | None]) -> Iterator[str]:
    """The addresses that an element names"""
    for name in ADDRESSES:
        if (value := attributes.get(name)) is not None:
            yield value.strip()
    for choice in (attributes.get("srcset") or "").split(","):
        yield from choice.split()[:1]
    if tag == "meta" and (attributes.get("http-equiv") or "").lower() == "refresh":
        yield re.sub(r"(?i)^[\d.\s]*[;,]?\s*(url\s*=)?\s*", "", attributes.get("content") or "")


def wrong(tag: str, attributes: Mapping, addresses: Iterable[str]) -> Iterator[str]:
    """What is wrong with an element by itself"""
    if tag in FORBIDDEN or (tag == "script" and "src" not in attributes):
        yield f"<{tag}> on the page itself"
    for name, value in attributes.items():
        if name in ("style", "srcdoc", "ping") or name.startswith("on"):
            yield f'<{tag} {name}="{(value or "")[:60]}">'
    # What the head of a page names is loaded, but for some relations.
    relations = set((attributes.get("rel") or "").lower().split())
    is_followed = tag in FOLLOWED or (tag == "link" and relations and relations <= NOT_LOADED)
    for address in addresses:
        if address.startswith("#"):
            continue
        parts = split(address)
        scheme = parts.scheme if parts else ""
        is_picture = scheme == "data" and tag in PICTURES
        if scheme == "javascript" or not (is_followed or is_picture) and is_elsewhere(parts):
            yield f"<{tag}> asks for {address[:60]}"


@lru_cache(maxsize=16384)
def split(address: str) -> SplitResult | None:
    """The parts of an address as a browser reads it, or `None` if it is none"""
    try:
        return urlsplit(address.replace("\\", "/"))
    except ValueError:
        return None


def is_elsewhere(parts: SplitResult | None) -> bool:
    """Is it no address within the site?"""
    return parts is not None and bool(parts.scheme or parts.netloc)
