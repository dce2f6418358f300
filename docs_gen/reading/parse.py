r"""
# Parse

A file becomes a module of [sections](sections.html). A [docstring](docstrings.html) is the note of
its header, a block of [comments](comments.html) that of the code after it, up to the next note.
The lines of the notes and of the code together are exactly the lines of the file, each once and in
order.

Python itself reads the file, by `ast` and `tokenize`, so that a `#` in a string is no comment. A
file that Python refuses is one section of code.
"""

import io
import re
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import yaml

from docs_gen.parts import Module, Problem, Source
from docs_gen.reading import names
from docs_gen.reading.comments import blocks
from docs_gen.reading.docstrings import Header, headers
from docs_gen.reading.sections import Start, cut, starts

# For a text that is not Python, or that is nested too deep for it
FAULTS = (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError)
# YAML between two rules, and what a byte that cannot be decoded has become
FRONT = re.compile(r"---[ \t]*\n(.*?\n)??---[ \t]*(\n|\Z)", re.DOTALL)
SURROGATE = re.compile("[\ud800-\udfff]")


def parse(source: Source) -> Module:
    """
    ## A file as a module

    What is wrong with it is told in `problems`, the missing notes among it.
    """
    lines = split(source.text)
    try:
        check_encoding(lines)
        text = "".join(f"{line}\n" for line in lines)
        tree = names.tree(text)
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
        definitions = names.definitions(tree, lines)
    except FAULTS as error:
        return refused(source, lines, error)
    known = headers(tree, tokens)
    found = starts(known, blocks(tokens), lines)
    front, problems = {}, list(faults(known, found))
    # Front matter is read and not shown.
    if found and found[0].kind == "module":
        front, note, wrong = front_matter(found[0].note)
        found[0] = replace(found[0], note=note)
        problems += [(found[0].lines[0], wrong, "note")] if wrong else []
    told = tuple(sorted(Problem(source.path, *problem) for problem in problems))
    return Module(source, tuple(lines), cut(found, lines), definitions, front, told)


def refused(source: Source, lines: Sequence[str], error: Exception) -> Module:
    """A file that is not Python, shown as it is"""
    what = "not Python: " + (getattr(error, "msg", None) or str(error) or type(error).__name__)
    # A limit of the reader is no fault of the language.
    if isinstance(error, RecursionError | MemoryError) or "too many" in what:
        what = "this is nested too deeply to be read, and is shown as it is"
    line = getattr(error, "lineno", None) or 0
    problem = Problem(source.path, line, " ".join(what.split()), "syntax")
    lines = [SURROGATE.sub("\N{REPLACEMENT CHARACTER}", line) for line in lines]
    return Module(source, tuple(lines), cut([], lines), {}, problems=(problem,))


def split(text: str) -> list[str]:
    """Lines as Python counts them; for `str.splitlines` a form feed ends one too."""
    lines = re.split(r"\r\n|\r|\n", text)
    return lines if lines[-1] else lines[:-1]


def check_encoding(lines: Sequence[str]) -> None:
    """Refuse what was [found](source.html) but could not be decoded."""
    for number, line in enumerate(lines, 1):
        if SURROGATE.search(line):
            what = "a byte that does not belong to the encoding of the file"
            raise SyntaxError(what, (None, number, None, None))
    # Nor does Python take an encoding that it does not know.
    first = iter([line.encode() + b"\n" for line in lines[:2]])
    tokenize.detect_encoding(first.__next__)


def front_matter(note: str) -> tuple[dict, str, str]:
    """What YAML at the start of a note says, the note without it, and what is wrong with it"""
    if not (found := FRONT.match(note)):
        return {}, note, ""
    rest = note[found.end() :].strip("\n")
    try:
        front = yaml.safe_load(found[1] or "")
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        return {}, rest, "the front matter is not YAML: " + " ".join(str(error).split())
    # Other text between two rules is Markdown.
    return (front, rest, "") if isinstance(front, dict) else ({}, note, "")


def faults(known: Iterable[Header], found: Iterable[Start]) -> Iterator[tuple[int, str, str]]:
    """Notes that are missing, and those that Python would read otherwise than a person"""
    told = {h.name for h in known if h.is_told} | {start.name for start in found if start.note}
    for header in known:
        if header.is_open and header.name and header.name not in told:
            # Once, however often it is defined
            told.add(header.name)
            yield header.line, f"{header.name} has no note", "note"
        note = header.docstring
        if note and note.escape:
            yield note.escape, 'docstring has a backslash but is not raw: use r"""', "maths"
