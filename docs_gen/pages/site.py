r"""
# Site

From files to a site: everything is read, every page made in every language and checked, and only
then is anything [written](output.html). A fault stops the build, and the site that was there stays;
to publish code with faults of its own, they can be listed and built over.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote

from docs_gen.linking import aliases, anchors
from docs_gen.pages import index_pages, rendered, search, theme
from docs_gen.pages.edition import Edition
from docs_gen.pages.project import Options, Project
from docs_gen.parts import Problem
from docs_gen.translation import languages
from docs_gen.translation.catalogs import Catalogs

# Kinds of problems that do not stop a build; `check` tells them.
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
    project: Project | None = None
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
    project = Project(options)
    built = Built(project=project)
    problems = project.problems()
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
    problems += seen(built, project.links.dead)
    built.problems = sorted(set(problems))
    built.seconds = time.perf_counter() - start
    return built


def every(project: Project) -> Iterator[Edition]:
    """The editions, that in the language of the notes first"""
    folder = project.options.locale
    codes = languages.found(folder) if folder else []
    codes = [languages.SOURCE, *(code for code in codes if code != languages.SOURCE)]
    known = [languages.language(code) for code in codes]
    for code in codes:
        is_source = code == languages.SOURCE
        yield Edition(project, Catalogs(code, [] if is_source else [folder]), known)


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
    # Some hosts would leave out files whose names begin with an underscore.
    built.files[".nojekyll"] = ""
    built.files["anchors.json"] = anchors.kept(built.anchors)
    built.files[FIRST] = aliases.stubs({FIRST: f"{editions[0].language.code}/index.html"})[FIRST]
    for edition in editions:
        moved = aliases.stubs(project.moved, built.anchors, edition.say, edition.language.tag)
        built.files |= {f"{edition.language.code}/{url}": html for url, html in moved.items()}
    built.files["external.txt"] = "".join(f"{address}\n" for address in elsewhere(built))
    if base := project.options.base_url.rstrip("/"):
        addresses = sorted(f"{e.language.code}/{url}" for e in editions for url in built.anchors)
        built.files["sitemap.txt"] = "".join(f"{base}/{name}\n" for name in addresses)


def elsewhere(built: Built) -> list[str]:
    """The addresses on other hosts that pages link to, for a person who asks whether they answer"""
    pages = (html for name, html in built.files.items() if name.endswith(".html"))
    found = {address for html in pages for address in rendered.targets(html)}
    return sorted(address for address in found if address.startswith("https:"))


def seen(built: Built, told: set[tuple[str, str]]) -> Iterator[Problem]:
    """
    What is wrong in the pages as a browser gets them, whichever stage did it

    * `told` are places that do not exist, links to which have been told with their line
    """
    anchors = {anchor for _, anchor in told}
    pages = {name: html for name, html in built.files.items() if name.endswith(".html")}
    for page, href, why in rendered.broken(pages, set(built.files)):
        if unquote(href.partition("#")[2]) not in anchors:
            yield Problem(page, 0, f"the link {href} is broken: {why}", "link")
    for page, html in pages.items():
        for what in rendered.strays(html):
            yield Problem(page, 0, what, "html")
        for name in rendered.duplicates(html):
            yield Problem(page, 0, f"the id {name} is there twice", "html")
