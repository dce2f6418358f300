r"""
# Edition

The site in one language: each page with its place, its neighbours and the state of its translation,
put into the templates. An edition reads the same parsed files as all others, so their code cannot
differ.
"""

from collections.abc import Mapping
from typing import Any

from docs_gen.linking import aliases
from docs_gen.pages import search, theme
from docs_gen.pages.indexes import cards
from docs_gen.pages.page import Page
from docs_gen.pages.project import Project
from docs_gen.pages.telling import Telling
from docs_gen.parts import Module, Problem
from docs_gen.records import blocks, runs
from docs_gen.translation.catalogs import SOURCE, Catalogs, Language
from docs_gen.writing import leads, notes

GENERATOR = "docs_gen"


class Edition:
    """
    ## Edition

    `pages` become HTML by path within the edition, and are remembered for the
    [index pages](index_pages.html).
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
        self.environment = theme.environment(self.say, catalogs.ui.ngettext)
        self.problems: list[Problem] = []
        self.found: list[search.Page] = []
        # Addresses of the index pages that there are
        self.indexes: set[str] = set()
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

    def result(self, module: Module, text: str) -> str:
        """The block of a run's results"""
        if self.project.options.results is None:
            raise ValueError("no folder of records is given; name it with --results-in")
        self.n_results += 1
        folder, root = self.project.options.results, self.project.root
        return blocks.result(text, folder, root, f"run-{self.n_results}", self.say)

    def image(self, module: Module, src: str) -> dict[str, str]:
        """An image of the tree"""
        return self.project.images.find(module, src)

    def render(self, template: str, url: str, title: str, context: Mapping[str, Any]) -> str:
        """A page at an address of the edition"""
        up = "../" * url.count("/")
        base = self.project.options.base_url.rstrip("/")
        frame = {
            "edition": self.language,
            "editions": [
                {"code": o.code, "tag": o.tag, "name": o.name, "href": f"{up}../{o.code}/{url}"}
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
        return found[1:] if found[0]["title"] == self.project.name and len(found) > 1 else found

    def module(self, module: Module) -> str:
        """The page of a module"""
        url, project = module.source.url, self.project
        page = Page(module, project.links, self)
        title = notes.plain(self.telling.title_text(module))
        rows = page.rows(title, project.code[module.source.name])
        self.problems += page.problems
        second = aliases.aliases_of(project.moved, url)
        rows = [row | {"aliases": second.get(row["anchor"], [])} for row in rows]
        reading = project.order.reading
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
            "path": module.source.path,
            "commit": project.commit,
            "run": project.run(module),
            "translated": page.state(),
            "crumbs": self.crumbs(module),
            "summary": notes.plain(self.telling.summary_text(module)),
        }
        return self.render("module.html", url, title, context)
