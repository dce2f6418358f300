r"""
# Links

The one resolver: what names in the code, links of notes and names in square brackets lead to. A
link that leads nowhere is a [`LinkError`], which says what is near.

Ids that a page gets only when it is rendered, those of headings and index pages, contain a hyphen,
which the name of a definition cannot. Links to them wait until [late](#Links.late).
"""

import re
from collections.abc import Iterable, Mapping

from docs_gen.linking.addresses import LinkError, relative, target
from docs_gen.linking.lookup import Lookup
from docs_gen.linking.nearest import suggestion
from docs_gen.linking.places import Place, Places
from docs_gen.parts import Module, Problem
from docs_gen.reading.scopes import Reference

# An older way to mark a place in a note
MARK = re.compile(r'<a (?:id|name)="([^"<>\s\x00-\x1f\x7f-\x9f]+)">')
# The anchor of a line of code
LINE = re.compile(r"L([1-9][0-9]*)")


class Links:
    """
    ## Links

    Everything that can be linked to within an edition
    """

    def __init__(self, modules: Mapping[str, Module], pages: Iterable[str] = ()):
        """
        * `modules` are by dotted name
        * `pages` are further addresses, those of index pages
        """
        self.modules, self.places = modules, Places(modules)
        self.lookup = Lookup(self.places)
        self.by_url = {module.source.url: module for module in modules.values()}
        self.pages = {*self.by_url, *pages}
        self.anchors: dict[str, dict[str, str]] = {}
        # Places that links were found to lead to in vain, pages with anchors
        self.dead: set[tuple[str, str]] = set()
        self.waiting: dict[tuple[str, str, str], tuple[str, str]] = {}

    def symbol(self, dotted: str) -> tuple[str, str] | None:
        """The page and the anchor of what an absolute name stands for, if it is in the site"""
        place = self.places.find(dotted)
        return self.address(place) if place else None

    def relative(self, from_url: str, to_url: str, anchor: str = "") -> str:
        """What to write on one page for a place on another"""
        return relative(from_url, to_url, anchor)

    def code(self, module: Module, reference: Reference) -> str | None:
        """Where a name in the code leads, if it is to this site"""
        end = reference.column + reference.length
        text = module.lines[reference.line - 1][reference.column : end]
        # Only the path of a module in an import has dots in it.
        if "." in text:
            names = self.places.roots.readings(reference.target, module.source.name)
            place = next((Place(name) for name in names if name in self.modules), None)
        else:
            place = self.places.find(reference.target, module.source.name)
        return relative(module.source.url, *self.address(place)) if place else None

    def note(self, module: Module, section_name: str, href: str) -> str:
        """Where the link of a note leads; `section_name` is that of the definition it is about."""
        here = module.source.url
        if (found := target(here, href)) is None:
            return href
        url, anchor = found
        if url not in self.pages:
            near = suggestion(url, self.pages, lambda page: relative(here, page))
            raise LinkError(f"there is no page {href.partition('#')[0]}{near}")
        return relative(here, url, anchor and self.checked(url, anchor, (here, section_name, href)))

    def bare(self, module: Module, section_name: str, symbol: str) -> str:
        """Where a name in square brackets leads, seen from the definition that the note is about"""
        place = self.lookup.find(module, section_name, symbol)
        return relative(module.source.url, *self.address(place))

    def late(self, anchors: Mapping[str, set[str]]) -> list[Problem]:
        """
        ## Links to what was rendered

        Those among the links so far whose anchor is not there, each once.

        * `anchors` are all ids of each page, by its address
        """
        found = []
        for (here, section_name, href), (url, anchor) in self.waiting.items():
            if anchor not in anchors.get(url, ()):
                self.dead.add((url, anchor))
                module = self.by_url[here]
                what = self.unknown(url, anchor, anchors.get(url, ()))
                line = line_of(module, section_name, href)
                # What is not written there was translated so.
                what = what if line else f"in a translation {what}"
                found.append(Problem(module.source.path, line, what, "link"))
        return sorted(set(found))

    def address(self, place: Place) -> tuple[str, str]:
        """The page and the anchor of a place"""
        url = self.modules[place.module].source.url
        return url, place.name and self.names(url)[place.name]

    def names(self, url: str) -> dict[str, str]:
        """The anchors of a page that are known before it is rendered, by what they can be called"""
        if url not in self.anchors:
            module = self.by_url[url]
            found = {name: module.anchor(name) for name in module.definitions}
            for section in module.sections:
                found |= {mark: mark for mark in MARK.findall(section.note)}
                found[section.anchor] = section.anchor
            self.anchors[url] = found
        return self.anchors[url]

    def checked(self, url: str, anchor: str, question: tuple[str, str, str]) -> str:
        """The anchor as the page has it; one that may come with a heading waits."""
        module = self.by_url.get(url)
        names = self.names(url) if module else {}
        line = LINE.fullmatch(anchor)
        if anchor in names:
            return names[anchor]
        if not (module and line and int(line[1]) <= len(module.lines)):
            # What has no hyphen is known by now, and will not come with a heading.
            if module and "-" not in anchor:
                raise LinkError(self.unknown(url, anchor, names))
            self.waiting[question] = url, anchor
        return anchor

    def unknown(self, url: str, anchor: str, known: Iterable[str]) -> str:
        """What to say of an anchor that is not there"""
        near = suggestion(anchor, (name for name in known if not LINE.fullmatch(name)))
        return f"there is no {anchor} on {url}{near}"


def line_of(module: Module, section_name: str, href: str) -> int:
    """The line that a link of a note is written on, or 0"""
    for section in module.sections:
        for number in section.note_lines if section.name == section_name else ():
            if href in module.lines[number - 1]:
                return number
    return 0
