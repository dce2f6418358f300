r"""
# Tools of a Page

What the notes of a page ask for while they are [rendered](../writing/markup.html), answered for the
section and the block that are at hand: links seen from there, results and images, an anchor that is
not taken. What is wrong is noted with its line in the file.

Headings are moved into one outline: a page has one of the first level, and none is skipped. Their
anchors are those of the English text in all languages, so that changing the language keeps the
place.
"""

import re
from typing import Any, Protocol

from markupsafe import Markup

from docs_gen.linking.addresses import slug
from docs_gen.linking.links import Links
from docs_gen.parts import Module, Problem, Section
from docs_gen.records import curve_blocks
from docs_gen.writing import colours, glyphs, maths, notes

# What cannot be in a link, or on a page a second time
PLACES = re.compile(r'</?a\b[^>]*>|<span id="[^"]*"></span>')


class Edition(Protocol):
    """
    ## What all pages of a language share
    """

    is_source: bool
    """Is it the language that the notes are written in?"""

    def say(self, text: str) -> str:
        """A word of the interface"""

    def translate(self, module: Module, unit: notes.Unit) -> str | None:
        """The translation of a block, or `None` if there is none that is up to date"""

    def place(self, module: Module, unit: notes.Unit) -> tuple[str, int]:
        """The file and the line of the translation of a block"""

    def result(self, module: Module, text: str) -> str:
        """The block of a run's results"""

    def image(self, module: Module, src: str) -> dict[str, str]:
        """An image of the tree"""


class PageTools:
    """
    ## Tools of a page

    `problems` and `headings` are those that came up so far.
    """

    def __init__(self, module: Module, links: Links, edition: Edition):
        """
        * `module` is what the page shows
        * `links` knows all pages
        * `edition` is the language
        """
        self.module, self.links, self.edition = module, links, edition
        self.problems: list[Problem] = []
        self.headings: list[dict[str, Any]] = []
        self.taken = {section.anchor for section in module.sections}
        # What is being rendered: a section, its block as it was written, and the definition around
        self.section, self.unit, self.scope = Section("code", ""), notes.Unit("", "", 0), ""
        self.is_translated = False

    def turn_to(self, section: Section) -> None:
        """From now on the notes of this section are rendered."""
        self.section = section
        # A comment belongs to the definition that it is indented under.
        lines = (self.module.lines[n - 1] for n in section.note_lines)
        if section.name or not any(line[:1].isspace() for line in lines):
            self.scope = section.name

    def link(self, href: str) -> str:
        """A link of a note; [`markup.Tools`] says what this and the others are for."""
        return self.links.note(self.module, self.section.name, href)

    def symbol(self, name: str) -> str:
        """A definition that is named in square brackets"""
        return self.links.bare(self.module, self.scope, name)

    def image(self, src: str) -> dict[str, str]:
        """An image of the tree"""
        return self.edition.image(self.module, src)

    def maths(self, tex: str, is_display: bool) -> str:
        """An equation, whose signs the font must have; a colour without a meaning is left out."""
        try:
            html = maths.mathml(tex, is_display)
        except maths.ColourError as e:
            self.fault(str(e), "maths", tex)
            html = maths.mathml(colours.without(tex), is_display)
        if missing := glyphs.missing(html):
            self.fault(f"the font of the site lacks {' '.join(missing)}", "maths", tex)
        return html

    def drawing(self, kind: str, text: str) -> str:
        """The results of a run, or numbers as a curve"""
        if kind == "curve":
            return curve_blocks.curve(text, self.unique("curve"), self.say)
        return self.edition.result(self.module, text)

    def heading(self, level: int, title: str) -> tuple[int, str]:
        """The level in the outline of the page, and the anchor"""
        above = self.headings[-1]["level"] if self.headings else 0
        # Below the title, and no more than one level below the heading before
        level = min(max(level, 2 if above else 1), above + 1)
        english = next((t for t in self.unit.text.split("\n") if t.strip("#= -")), title)
        anchor = self.unique("h-" + slug(notes.plain(english.strip("# "))))
        found = {"level": level, "anchor": anchor, "title": self.line(title)}
        self.headings.append(found | {"section": self.section.anchor})
        return level, anchor

    def line(self, text: str) -> Markup:
        """Markdown within a line, to stand in a link elsewhere; faults are told where it is."""
        tools = PageTools(self.module, self.links, self.edition)
        tools.section, tools.scope = self.section, self.scope
        return Markup(PLACES.sub("", notes.inline(text, tools)))

    def mark(self, name: str) -> str:
        """A place that the note marks by itself"""
        return self.unique(name)

    def unique(self, anchor: str) -> str:
        """An anchor that is not taken on this page, which is then taken"""
        number, free = 1, anchor
        while free in self.taken:
            number += 1
            free = f"{anchor}-{number}"
        self.taken.add(free)
        return free

    def fault(self, what: str, kind: str, source: str) -> None:
        """Note where something is wrong."""
        place = self.module.source.path, self.module.line_of(self.section, source)
        if self.is_translated:
            # The author of the English cannot mend it.
            place, kind = self.edition.place(self.module, self.unit), "translation"
        self.problems.append(Problem(*place, what, kind))

    def say(self, text: str) -> str:
        """A word of the interface"""
        return self.edition.say(text)
