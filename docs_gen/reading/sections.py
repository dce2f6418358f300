r"""
# Sections

The rows of a page. A section begins at the header of a definition or at a block of
[comments](comments.html) and goes on to the next: what it holds is the lines of its note, and all
others are its code. So nothing can be lost, shown twice or moved.

Where a definition ends, so does its section: the code after it has one without a note, unless a
comment begins there.

The anchor of a section is the name of its definition, or made of its note. It does not depend on
where the section stands, and stays when something is added above.
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha1
from operator import attrgetter

from docs_gen.parts import Section
from docs_gen.reading.comments import Block
from docs_gen.reading.docstrings import Header
from docs_gen.reading.names import is_stub


@dataclass(frozen=True)
class Start:
    """
    ## Where a section begins

    With its kind, the name that it defines, its note, and the lines that the note is written on;
    `is_stub` marks a definition that leaves the anchor to the next one of its name.
    """

    line: int
    kind: str
    name: str = ""
    note: str = ""
    lines: range = range(0)
    is_stub: bool = False


def starts(headers: Iterable[Header], blocks: Iterable[Block], lines: Sequence[str]) -> list[Start]:
    """Where the sections of a file begin, in order"""
    headers, found, inner = list(headers), [], set()
    for header in headers:
        is_a_stub = is_stub(lines, header.first, header.line)
        if note := header.docstring:
            kind = "definition" if header.name else "module"
            found.append(Start(header.first, kind, header.name, note.text, note.lines, is_a_stub))
            # What is said within a header stays there, and so does what is above a module's note.
            inner.update(range(header.first, note.lines[0]))
        elif header.name:
            found.append(Start(header.first, "definition", header.name, is_stub=is_a_stub))
    for block in blocks:
        if block.lines[0] not in inner:
            found.append(Start(block.lines[0], "comment", "", block.text, block.lines))
    found = joined(sorted(found, key=attrgetter("line")), lines)
    return sorted([*found, *after(headers, found, lines)], key=attrgetter("line"))


def joined(found: Iterable[Start], lines: Sequence[str]) -> list[Start]:
    """A comment right above a definition that has no docstring is the note of it."""
    kept: list[Start] = []
    for start in found:
        last = kept[-1] if kept else None
        if last and last.kind == "comment" and not last.name and not start.lines:
            is_above = is_blank(lines[last.lines[-1] : start.line - 1])
            if is_above and indent(lines[last.line - 1]) == indent(lines[start.line - 1]):
                kept[-1] = replace(last, name=start.name, is_stub=start.is_stub)
                continue
        kept.append(start)
    return kept


def after(headers: list[Header], found: list[Start], lines: Sequence[str]) -> Iterator[Start]:
    """Where code goes on after a definition, with no note of its own"""
    begins = [*(start.line for start in found), len(lines) + 1]
    for last in {header.last for header in headers if header.name}:
        end = begins[bisect_right(begins, last)]
        rest = [n for n in range(last + 1, end) if lines[n - 1].strip()]
        # What is only said to a tool may close what is above it, as `# fmt: on` does.
        if any(not lines[n - 1].lstrip().startswith("#") for n in rest):
            yield Start(rest[0], "code")


def cut(found: Sequence[Start], lines: Sequence[str]) -> tuple[Section, ...]:
    """The file in sections; code above the first note is a section of its own."""
    found = list(found)
    if found and is_blank(lines[: found[0].line - 1]):
        found[0] = replace(found[0], line=1)
    elif lines:
        found.insert(0, Start(1, "code"))
    ends = [*(start.line for start in found[1:]), len(lines) + 1]
    codes = [
        tuple(n for n in range(start.line, end) if n not in start.lines)
        for start, end in zip(found, ends, strict=False)
    ]
    firsts = [next((t for n in code if (t := lines[n - 1].strip())), "") for code in codes]
    return tuple(
        Section(start.kind, free, start.name, start.note, tuple(start.lines), code)
        for start, free, code in zip(found, anchors(found, firsts), codes, strict=True)
    )


def anchors(found: Sequence[Start], firsts: Sequence[str]) -> list[str]:
    """
    The anchors of all sections, each of which is there once.

    * `firsts` are the first lines of their code
    """
    wanted = [anchor(start, first) for start, first in zip(found, firsts, strict=True)]
    free, taken = list(wanted), Counter()
    # A stub is read after what it stands for, which is what links should lead to.
    for place in sorted(range(len(found)), key=lambda place: found[place].is_stub):
        name = wanted[place]
        taken[name] += 1
        # Of several that want one anchor, those after the first get a number.
        if taken[name] > 1:
            free[place] = f"{name}-{taken[name]}"
    return free


def anchor(start: Start, code: str) -> str:
    """
    The anchor that a section should have, if no section above it has the same.

    * `code` is its first line of code, in which one without a note is known again
    """
    if start.kind == "module":
        return "page-top"
    if start.name:
        # `L12` is the anchor of a line of the page.
        is_line = re.fullmatch(r"L\d+", start.name)
        return f"{start.name}-definition" if is_line else start.name
    digest = sha1((start.note or code).encode(), usedforsecurity=False)
    return f"s-{digest.hexdigest()[:6]}"


def is_blank(lines: Iterable[str]) -> bool:
    """Is nothing written there?"""
    return not any(line.strip() for line in lines)


def indent(line: str) -> str:
    """What a line begins with"""
    return line[: len(line) - len(line.lstrip())]
