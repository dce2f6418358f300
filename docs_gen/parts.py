r"""
# Parts

What the stages hand to each other. [Parse](reading/parse.html) cuts a file into a
[`Module`] of sections, [names](reading/names.html) adds what is defined in it, and whatever is
wrong anywhere becomes a [`Problem`], which says where to look.

Lines and columns are those of an editor: lines count from 1, columns from 0 in characters.
"""

import re
from dataclasses import dataclass, field

# What a problem can be about; those of the kind `note` do not stop a build.
KINDS = ("syntax", "note", "link", "symbol", "maths", "image", "html", "result", "translation")


class GeneratorError(Exception):
    """
    ## A mistake of the person who builds

    Its text is one line that says what is wrong, where, and what to do.
    """


@dataclass(frozen=True, order=True)
class Problem:
    """
    ## A problem

    `kind` is one of `KINDS`; `line` is 0 where a problem belongs to a whole file.
    """

    path: str
    line: int
    what: str
    kind: str = "note"

    def __str__(self) -> str:
        """One line, in the form that editors and terminals make a link of"""
        return f"{self.path}:{self.line}: {self.what}" if self.line else f"{self.path}: {self.what}"


@dataclass(frozen=True)
class Source:
    """
    ## A file as it was found

    `name` is what Python imports it by, `labnn.layers.dropout`; `path` is what a person calls it
    and `url` is the address of its page within an edition, `labnn/layers/dropout.html`. `folder` is
    that of loose scripts which it was found in, the first part of its address; else it is empty.
    """

    name: str
    path: str
    url: str
    text: str
    folder: str = ""

    @property
    def shown(self) -> str:
        """The path from the folder that its package is in, wherever that lies"""
        folder, name = self.url.rpartition("/")[0], self.path.rpartition("/")[2]
        return f"{folder}/{name}" if folder else name

    @property
    def is_package(self) -> bool:
        """Is this the `__init__.py` of a package, whose page is a topic?"""
        return self.path.rpartition("/")[2] == "__init__.py"


@dataclass(frozen=True)
class Definition:
    """
    ## A definition

    `name` is qualified, `MultiHeadAttention.forward`; `kind` is `class`, `function` or `variable`.
    `line` and `column` are where the name itself is written, `first` where its decorators begin.
    """

    name: str
    kind: str
    line: int
    column: int
    first: int


@dataclass(frozen=True)
class Section:
    """
    ## One row of a page

    A note and the code that follows it. `kind` is `module`, `definition`, `comment` or `code`, the
    last without a note. `name` is the definition whose header the code begins with, or empty.
    """

    kind: str
    anchor: str
    name: str = ""
    # Markdown: as written, without its quotes, number signs and indent, or made of another dialect
    note: str = ""
    # Numbers of the lines that the note was written on, and of the code, blank ones included
    note_lines: tuple[int, ...] = ()
    code_lines: tuple[int, ...] = ()


@dataclass(frozen=True)
class Module:
    """
    ## A file that was parsed

    `lines` are those of the file without their ends; `front` is what a YAML front matter says.
    """

    source: Source
    lines: tuple[str, ...]
    sections: tuple[Section, ...]
    definitions: dict[str, Definition]
    front: dict = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def line_of(self, section: Section, source: str) -> int:
        """The line that something in a section's note begins on, as far as its words tell"""
        first = source.strip().split("\n")[0].strip()
        at = (n for n in section.note_lines if first in self.lines[n - 1])
        return next(at, min(section.note_lines, default=0))

    def anchor(self, name: str) -> str:
        """Where a definition stands on its page: its own name, unless that is taken"""
        taken = f"{name}-definition" if re.fullmatch(r"L\d+", name) else name
        anchors = [section.anchor for section in self.sections if section.name == name]
        # The first of several may be a stub, and have another anchor.
        return taken if taken in anchors else next(iter(anchors), taken)
