r"""
# Page

One module in one language: its sections become rows of a note and its code. The code is the same in
every language; of the notes each [block](../writing/notes.html) is looked up in the catalog, and
one that has no translation shows in English, marked and counted.

Links, equations and headings of the notes are the business of its [tools](page_tools.html).
"""

import re
from collections.abc import Mapping
from html import escape
from typing import Any

from markupsafe import Markup

from docs_gen.linking.addresses import slug
from docs_gen.linking.links import Links
from docs_gen.pages.page_tools import Edition, PageTools
from docs_gen.parts import Module, Section
from docs_gen.writing import code, notes

# A row for a title that no note has
EMPTY = {"kind": "module", "anchor": "page-top", "name": "", "line": 1, "code": "", "note": ""}


class Page:
    """
    ## Page

    `problems` and `headings` are known when the rows are made.
    """

    def __init__(self, module: Module, links: Links, edition: Edition):
        """
        * `module` is what the page shows
        * `links` knows all pages
        * `edition` is the language
        """
        self.module, self.edition = module, edition
        self.tools = PageTools(module, links, edition)
        self.problems, self.headings = self.tools.problems, self.tools.headings
        self.n_blocks = self.n_missing = 0

    def rows(self, title: str, lines: Mapping[int, str]) -> list[dict[str, Any]]:
        """The rows for the template; `lines` are those of the code, as HTML."""
        rows = [self.row(section, lines) for section in self.module.sections]
        # A page has its title on top, whether or not a note gives one.
        if not any(heading["level"] == 1 for heading in self.headings):
            lead = EMPTY
            if rows and rows[0]["kind"] == "module":
                lead = rows.pop(0)
            heading = f'<h1 id="h-{slug(title)}">{escape(title)}</h1>'
            rows.insert(0, lead | {"note": Markup(heading) + lead["note"]})
        return rows

    def row(self, section: Section, lines: Mapping[int, str]) -> dict[str, Any]:
        """One row; its `line` is the first of its code, or else of its note."""
        self.tools.turn_to(section)
        numbers = section.code_lines
        return {
            "kind": section.kind,
            "anchor": section.anchor,
            "name": section.name,
            "line": next((n for n in numbers if self.module.lines[n - 1].strip()), 0)
            or min(section.note_lines, default=1),
            "note": Markup("".join(map(self.block, notes.units(section.note)))),
            "code": Markup(code.listing(numbers, lines)),
        }

    def block(self, unit: notes.Unit) -> str:
        """One block of a note in the language of the page"""
        self.tools.unit = unit
        if self.edition.is_source or not unit.is_prose:
            return notes.render(unit.text, self.tools)
        self.n_blocks += 1
        translated = self.edition.translate(self.module, unit)
        if translated is not None:
            self.tools.is_translated = True
            html = notes.render(translated, self.tools)
            self.tools.is_translated = False
            return html
        self.n_missing += 1
        return f'<div lang="en" class="untranslated">{notes.render(unit.text, self.tools)}</div>'

    def toc(self) -> list[dict[str, Any]]:
        """
        The headings below the title, down to the third level, and what a file defines by itself
        without a heading
        """
        found = []
        for section in self.module.sections:
            headings = [h for h in self.headings if h["section"] == section.anchor]
            found += [heading for heading in headings if 1 < heading["level"] < 4]
            if section.name and "." not in section.name and not headings:
                entry = {"level": 2, "anchor": section.anchor, "title": section.name}
                found.append(entry | {"section": section.anchor})
        return found

    def state(self) -> dict[str, int] | None:
        """How much of the page is translated; `None` for the language of the notes"""
        done = self.n_blocks - self.n_missing
        return None if self.edition.is_source else {"done": done, "total": self.n_blocks}


def second_ids(html: str, further: Mapping[str, list[str]]) -> str:
    """A page whose anchors have the ids that they had before, just in front of them"""
    for anchor, names in further.items():
        spans = "".join(f'<span id="{escape(name)}"></span>' for name in names)
        place = re.search(rf'<\w+(?:\s[^<>]*)?\sid="{re.escape(escape(anchor))}"', html)
        if place:
            html = html[: place.start()] + spans + html[place.start() :]
    return html
