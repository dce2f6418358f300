r"""
# Sections

The rows of a page. A section begins at the header of a definition or at a block of
[comments](comments.html) and goes on to the next: what it holds is the lines of its note, and all
others are its code. So nothing can be lost, shown twice or moved.

The address of a section is the name of its definition, or made of its note. It does not depend on
where the section stands, and stays when something is added above.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha1

from docs_gen.parts import Section
from docs_gen.reading.comments import Block
from docs_gen.reading.docstrings import Header


@dataclass(frozen=True)
class Start:
    """
    ## Where a section begins

    With its kind, the name that it defines, its note, and the lines that the note is written on
    """

    line: int
    kind: str
    name: str = ""
    note: str = ""
    lines: range = range(0)


def starts(headers: Iterable[Header], blocks: Iterable[Block], lines: Sequence[str]) -> list[Start]:
    """Where the sections of a file begin, in order"""
    found, inner = [], set()
    for header in headers:
        if note := header.docstring:
            kind = "definition" if header.name else "module"
            found.append(Start(header.first, kind, header.name, note.text, note.lines))
            # What is said within a header stays there, and so does what is above a module's note.
            inner.update(range(header.first, note.lines[0]))
        elif header.name:
            found.append(Start(header.first, "definition", header.name))
    for block in blocks:
        if block.lines[0] not in inner:
            found.append(Start(block.lines[0], "comment", "", block.text, block.lines))
    return joined(sorted(found, key=lambda start: start.line), lines)


def joined(found: Iterable[Start], lines: Sequence[str]) -> list[Start]:
    """A comment right above a definition that has no docstring is the note of it."""
    kept: list[Start] = []
    for start in found:
        last = kept[-1] if kept else None
        if last and last.kind == "comment" and not last.name and not start.lines:
            is_above = is_blank(lines[last.lines[-1] : start.line - 1])
            if is_above and indent(lines[last.line - 1]) == indent(lines[start.line - 1]):
                kept[-1] = replace(last, name=start.name)
                continue
        kept.append(start)
    return kept


def cut(found: Sequence[Start], lines: Sequence[str]) -> tuple[Section, ...]:
    """The file in sections; code above the first note is a section of its own."""
    found = list(found)
    if found and is_blank(lines[: found[0].line - 1]):
        found[0] = replace(found[0], line=1)
    elif lines:
        found.insert(0, Start(1, "code"))
    ends = [*(start.line for start in found[1:]), len(lines) + 1]
    sections: list[Section] = []
    taken: dict[str, int] = {}
    for start, end in zip(found, ends, strict=False):
        code = tuple(n for n in range(start.line, end) if n not in start.lines)
        wanted = anchor(start, next((t for n in code if (t := lines[n - 1].strip())), ""))
        number = taken[wanted] = taken.get(wanted, 0) + 1
        free = wanted if number == 1 else f"{wanted}-{number}"
        note_lines = tuple(start.lines)
        sections.append(Section(start.kind, free, start.name, start.note, note_lines, code))
    return tuple(sections)


def anchor(start: Start, code: str) -> str:
    """
    The address that a section should have, if no section above it has the same.

    * `code` is its first line of code, in which one without a note is known again
    """
    if start.kind == "module":
        return "page-top"
    if start.name:
        # The lines of the page are called like this.
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
