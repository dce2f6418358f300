r"""
# Edition

The site in one language: each page with its place, its neighbours and the state of its translation,
put into the [templates](theme.html). An edition reads the same parsed files as all others, so their
code cannot differ.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docs_gen.linking import aliases
from docs_gen.pages import search, theme
from docs_gen.pages.indexes import cards
from docs_gen.pages.page import Page, second_ids
from docs_gen.pages.project import Project
from docs_gen.pages.telling import Telling
from docs_gen.parts import Module, Problem
from docs_gen.records import blocks, runs
from docs_gen.translation.catalogs import Catalogs
from docs_gen.translation.languages import SOURCE, Language
from docs_gen.writing import leads, notes

GENERATOR = "docs_gen"


class Edition:
    """
    ## Edition

    Modules become pages one by one; what a search finds on them, and what is wrong, is gathered on
    the way. The [index pages](index_pages.html) come last.
    """

    def __init__(self, project: Project, catalogs: Catalogs, languages: list[Language]):
        """
        * `project` is what all editions share
        * `catalogs` are the translations, none for the language of the notes
        * `languages` are those of all editions
        """
        self.project, self.catalogs, self.languages = project, catalogs, languages
        self.language = catalogs.language
        self.is_source = self.language.code == SOURCE
        self.translations = {m.source.name: catalogs.page(m.source.name) for m in project.modules}
        catalogs.check_words()
        self.environment = theme.environment(self.say, catalogs.ui.ngettext)
        self.problems: list[Problem] = []
        # What a search can find, page by page
        self.found: list[search.Page] = []
        # Addresses of the index pages that there are
        self.indexes: set[str] = set()
        # Each result has a number, which makes its ids differ from those of the others.
        self.n_results = 0
        records = project.options.results
        curves = runs.thumbnails(project.modules, records, self.say)
        self.telling = Telling(project.links, self, self.translations, curves)

    def say(self, text: str) -> str:
        """A word of the interface"""
        return self.catalogs.ui.gettext(text)

    def translate(self, module: Module, unit: notes.Unit) -> str | None:
        """A block in the language of the edition, counted"""
        return self.translations[module.source.name].translate(unit)

    def place(self, module: Module, unit: notes.Unit) -> tuple[str, int]:
        """The file and the line of the translation of a block"""
        return self.translations[module.source.name].place(unit.text)

    def result(self, module: Module, text: str) -> str:
        """The block of a run's results"""
        if self.project.options.results is None:
            raise ValueError("no folder of records is given; name it with --records")
        self.n_results += 1
        folder, root = self.project.options.results, self.project.root
        return blocks.result(text, folder, root, f"run-{self.n_results}", self.say)

    def image(self, module: Module, src: str) -> dict[str, str]:
        """An image of the tree"""
        return self.project.images.find(module, src)

    def render(self, template: str, url: str, title: str, context: Mapping[str, Any]) -> str:
        """A page at an address; `context` is what its template needs beside the frame of all."""
        up = "../" * url.count("/")
        base = self.project.options.base_url.rstrip("/")
        frame = {
            "edition": self.language,
            "editions": [
                {"code": o.code, "tag": o.tag, "name": o.name, "href": f"{up}../{o.code}/{url}"}
                | {"canonical": f"{base}/{o.code}/{url}" if base else ""}
                for o in self.languages
            ],
            "title": title,
            "summary": "",
            "site_name": self.project.name,
            "root": up,
            "static": f"{up}../static/",
            "crumbs": [],
            "indexes": self.indexes,
            "generator": GENERATOR,
            "canonical": f"{base}/{self.language.code}/{url}" if base else "",
        }
        return self.environment.get_template(template).render(frame | context)

    def crumbs(self, module: Module) -> list[dict[str, str]]:
        """The packages around a page, and the page itself, by their names"""
        url, packages = module.source.url, self.project.order.packages
        parts = module.source.name.split(".")
        found = []
        for number in range(1, len(parts)):
            package = packages.get(".".join(parts[:number]))
            href = leads.link(url, package.source.url) if package else ""
            found.append({"title": parts[number - 1], "href": href})
        found.append({"title": parts[-1], "href": ""})
        # The first is home already.
        return found[1:] if found[0]["title"] == self.project.name else found

    def module(self, module: Module) -> str:
        """The page of a module"""
        url, project = module.source.url, self.project
        page = Page(module, project.links, self)
        title = notes.plain(self.telling.title_text(module))
        rows = page.rows(title, project.code[module.source.name])
        self.problems += page.problems
        # A row that took the place of another has its anchor, too.
        reading = project.order.reading
        # What is read first is found first.
        weight = 1.5 - 0.5 * reading.index(module) / len(reading)
        self.found.append(search.Page(url, title, search.entries(module, rows), weight))
        tell = self.telling.tell(url)
        previous, following = (m and tell.link(m) for m in project.order.neighbours[url])
        context = {
            "rows": rows,
            "toc": page.toc(),
            "cards": cards(project.order, module, tell),
            "previous": previous,
            "next": following,
            "path": module.source.shown,
            "commit": project.commits.name,
            "is_as_committed": project.commits.has(Path(module.source.path)),
            "run": project.run(module),
            "translated": page.state(),
            "crumbs": self.crumbs(module),
            "summary": notes.plain(self.telling.summary_text(module)),
        }
        html = self.render("module.html", url, title, context)
        return second_ids(html, aliases.aliases_of(project.moved, url))
