r"""
# Site

From files to a site: everything is read, every page made in every language and checked, and only
then is anything [written](output.html). A fault stops the build, and the site that was there stays;
to publish code with faults of its own, they can be listed and built over.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from docs_gen.linking import aliases, anchors
from docs_gen.pages import index_pages, rendered, search, theme
from docs_gen.pages.edition import Edition
from docs_gen.pages.project import Options, Project
from docs_gen.parts import Problem
from docs_gen.translation import catalogs

# Faults that do not stop a build; `check` tells them.
PATIENT = {"note"}
# Where a visitor without a language begins
FIRST = "index.html"


@dataclass
class Built:
    """
    ## What came of a build

    `files` are those of the site, by path; `seconds` is how long it took to make them.
    """

    files: dict[str, str | bytes] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    # The ids of each page of the first edition, by its address there
    anchors: dict[str, set[str]] = field(default_factory=dict)
    n_pages: int = 0
    seconds: float = 0.0

    @property
    def faults(self) -> list[Problem]:
        """The problems that stop a build"""
        return [problem for problem in self.problems if problem.kind not in PATIENT]


def build(options: Options) -> Built:
    """
    Make all files of a site. Raises `GeneratorError` for a mistake of the person who builds.
    """
    start = time.perf_counter()
    project, built = Project(options), Built()
    problems = [problem for module in project.modules for problem in module.problems]
    editions = list(every(project))
    for edition in editions:
        pages = dict(edition_pages(edition))
        built.n_pages += len(pages)
        code = edition.language.code
        built.files |= {f"{code}/{url}": html for url, html in pages.items()}
        built.files[f"static/index-{code}.js"] = search.index(edition.found)
        problems += edition.problems
        if edition is editions[0]:
            built.anchors = {url: rendered.ids(html) for url, html in pages.items()}
            problems += project.links.late(built.anchors)
    finish(built, project, editions)
    # What comes of a fault that is told with its line is not told again.
    problems += [] if any(p.kind not in PATIENT for p in problems) else seen(built)
    built.problems = sorted(set(problems))
    built.seconds = time.perf_counter() - start
    return built


def every(project: Project) -> Iterator[Edition]:
    """The editions, that in the language of the notes first"""
    folder = project.options.locale
    codes = catalogs.found(folder) if folder else []
    codes = [catalogs.SOURCE, *(code for code in codes if code != catalogs.SOURCE)]
    languages = [catalogs.language(code) for code in codes]
    for code in codes:
        is_source = code == catalogs.SOURCE
        yield Edition(project, catalogs.Catalogs(code, [] if is_source else [folder]), languages)


def edition_pages(edition: Edition) -> Iterator[tuple[str, str]]:
    """The address and the HTML of each page of an edition"""
    edition.indexes = index_pages.addresses(edition)
    for module in edition.project.order.reading:
        yield module.source.url, edition.module(module)
    yield from index_pages.pages(edition)


def finish(built: Built, project: Project, editions: list[Edition]) -> None:
    """Add what is there once: styles and scripts, images, and the maps of the site."""
    built.files |= {f"static/{name}": data for name, data in theme.static().items()}
    built.files |= {name: path.read_bytes() for name, path in project.images.files.items()}
    built.files["anchors.json"] = anchors.kept(built.anchors)
    built.files[FIRST] = aliases.stubs({FIRST: f"{editions[0].language.code}/index.html"})[FIRST]
    for edition in editions:
        moved = aliases.stubs(project.moved, built.anchors, edition.say, edition.language.tag)
        built.files |= {f"{edition.language.code}/{url}": html for url, html in moved.items()}
    if base := project.options.base_url.rstrip("/"):
        addresses = sorted(name for name in built.files if name.endswith(".html"))
        built.files["sitemap.txt"] = "".join(f"{base}/{name}\n" for name in addresses)


def seen(built: Built) -> Iterator[Problem]:
    """What is wrong in the pages as a browser gets them: that is a fault of the generator."""
    pages = {name: html for name, html in built.files.items() if name.endswith(".html")}
    for page, href, why in rendered.broken(pages, set(built.files)):
        yield Problem(page, 0, f"the link {href} is broken: {why}", "link")
    for page, html in pages.items():
        for what in rendered.strays(html):
            yield Problem(page, 0, what, "html")
        for name in rendered.duplicates(html):
            yield Problem(page, 0, f"the id {name} is there twice", "html")
