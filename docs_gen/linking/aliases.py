r"""
# Aliases

What moves keeps its old address. A file of aliases says where each thing went, and it lives on: an
anchor as a second id of the row that took its place, a page as a small one that sends its visitors
on. [Anchors](anchors.html) finds what needs an alias.

```json
{"nn/mha.html#Heads": "nn/mha.html#MultiHeadAttention", "old/mha.html": "nn/mha.html"}
```
"""

import json
import posixpath
import re
from collections.abc import Callable, Container, Mapping
from html import escape
from urllib.parse import quote

from docs_gen.parts import GeneratorError

Aliases = Mapping[str, str]
Anchors = Mapping[str, Container[str]]
# A path within the site, without dots that lead out of it, and maybe an anchor
ODD = r"\x00-\x1f\ud800-\udfff"
ADDRESS = re.compile(rf"(?!/|(.*/)?\.{{0,2}}/)[^#?\\:{ODD}]+\.html(#[^\s{ODD}]+)?")

# What stands at an old address: a browser goes on without a script, and a person has the link.
STUB = """<!doctype html>
<html lang="{tag}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; base-uri 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta http-equiv="refresh" content="0; url={href}">
<title>{title}</title>
</head>
<body>
<main>
<h1>{title}</h1>
<p><a href="{href}">{name}</a></p>
</main>
</body>
</html>
"""


def damaged(name: str, what: object) -> GeneratorError:
    """The one line about a file that is not what it should be"""
    return GeneratorError(f"{name} is damaged: {' '.join(str(what).split())}"[:300])


def mapping(text: str, name: str) -> dict:
    """The object that JSON holds, with each name once"""

    def once(pairs: list[tuple]) -> dict:
        """The pairs as a mapping; a merge may have left two of one name."""
        found = dict(pairs)
        if len(found) < len(pairs):
            names = sorted(name for name, _ in pairs)
            twice = next(a for a, b in zip(names, names[1:], strict=False) if a == b)
            raise ValueError(f"{twice!r} is there twice")
        return found

    try:
        found = json.loads(text, object_pairs_hook=once)
    except (ValueError, RecursionError) as e:
        raise damaged(name, e) from None
    if not isinstance(found, dict):
        raise damaged(name, "it should hold one object, {...}")
    return found


def read(text: str, name: str = "aliases.json") -> dict[str, str]:
    """Where things went, each followed to the end: what moved twice has gone to one place."""
    found = mapping(text, name)
    for old, new in found.items():
        for address in (old, new):
            if not (isinstance(address, str) and ADDRESS.fullmatch(address)):
                raise damaged(name, f"{address!r} is no page, labnn/x.html, or anchor on one")
        if ("#" in old) != ("#" in new) or ("#" in old and page(old) != page(new)):
            raise damaged(name, f"{old!r} can go from page to page, or to an anchor beside it")
    return {old: end(old, found, name) for old in found}


def end(old: str, found: Aliases, name: str) -> str:
    """Where a chain of aliases ends, which must not come back to itself"""
    seen = [old]
    while (new := found.get(seen[-1])) is not None:
        if new in seen:
            raise damaged(name, f"{old!r} comes back to itself")
        seen.append(new)
    return seen[-1]


def page(address: str) -> str:
    """The page of an address"""
    return address.partition("#")[0]


def aliases_of(moved: Aliases, url: str) -> dict[str, list[str]]:
    """The further ids that rows of a page have, by their anchors"""
    found: dict[str, list[str]] = {}
    for old, new in sorted(moved.items()):
        if "#" in old and page(old) == url:
            found.setdefault(new.partition("#")[2], []).append(old.partition("#")[2])
    return found


def stubs(
    moved: Aliases, pages: Container[str] = (), say: Callable[[str], str] = str, tag: str = "en"
) -> dict[str, str]:
    """
    The small pages to write where pages were.

    * `pages` are those of the site, whose place none may take
    * `say` and `tag` are the language: its words, and what HTML calls it
    """
    found = {}
    for old, new in moved.items():
        if old in pages:
            raise GeneratorError(f"{old} has an alias, and is there; take one of both away")
        if "#" not in old:
            href = quote(posixpath.relpath("/" + new, "/" + posixpath.dirname(old)))
            title = escape(say("This page has moved"))
            found[old] = STUB.format(tag=escape(tag), href=href, title=title, name=escape(new))
    return found


def astray(moved: Aliases, now: Anchors) -> list[str]:
    """One line for each alias that leads to nothing"""
    return [
        f"the alias of {old} leads to {new}, which is not there"
        for old, new in sorted(moved.items())
        if not is_there(new, now)
    ]


def is_there(address: str, now: Anchors) -> bool:
    """Is it a page of the site, or an anchor on one?"""
    url, mark, anchor = address.partition("#")
    return url in now and (not mark or anchor in now[url])
