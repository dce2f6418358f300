r"""
# Literals

The code in a note of [another dialect](foreign.html), which ends where its indent or its paragraph
does. Markdown has a fence around it, within which nothing is changed.
"""

import re
from collections.abc import Sequence
from textwrap import dedent

# Directives of Sphinx that hold code
CODE = {"code", "code-block", "sourcecode", "testcode", "doctest", "parsed-literal"}
FENCE = re.compile(r"\s*(`{3,}|~{3,})")
SESSION = re.compile(r" {0,3}>>> ")


def deeper(lines: Sequence[str], at: int) -> int:
    """Where the lines end that are indented below one"""
    margin, end = len(lines[at]) - len(lines[at].lstrip()), at + 1
    for number in range(at + 1, len(lines)):
        if line := lines[number].strip():
            if len(lines[number]) - len(line) <= margin:
                break
            end = number + 1
    return end


def session(lines: Sequence[str], at: int) -> tuple[int, list[str]]:
    """What was typed and answered, up to a blank line that no further prompt follows"""
    end = at
    while end < len(lines) and (lines[end].strip() or SESSION.match("".join(lines[end + 1 :][:1]))):
        end += 1
    return end, fence("pycon", dedent("\n".join(lines[at:end])).split("\n"))


def fenced(lines: Sequence[str], at: int) -> tuple[int, list[str]]:
    """What is Markdown already"""
    marks = FENCE.match(lines[at])[1]
    ends = (n for n in range(at + 1, len(lines)) if lines[n].strip() == marks)
    end = next(ends, len(lines) - 1) + 1
    return end, list(lines[at:end])


def fence(language: str, body: Sequence[str]) -> list[str]:
    """Code in a note"""
    first = "\n".join(body).lstrip()
    marks = "````" if "```" in first else "```"
    language = "pycon" if first.startswith(">>> ") else language
    return ["", f"{marks}{language}", *"\n".join(body).strip("\n").split("\n"), marks, ""]
