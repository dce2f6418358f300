r"""
# Index Pages of an Edition

The pages that lead to others, put into their [templates](theme.html): home, all names, results,
glossary and the state of the translation. Those for which a project has nothing are left out, and
no page links to them.
"""

from collections.abc import Iterator

from docs_gen.pages import indexes, symbols
from docs_gen.pages.edition import Edition
from docs_gen.records import runs
from docs_gen.translation.glossary import read
from docs_gen.translation.languages import SOURCE
from docs_gen.writing import notes


def addresses(edition: Edition) -> set[str]:
    """The index pages that an edition has"""
    options, found = edition.project.options, {"index.html", "symbols.html"}
    if options.results:
        found.add("results.html")
    if len(edition.languages) > 1:
        found.add("status.html")
        if any(glossaries(edition)):
            found.add("glossary.html")
    return found


def pages(edition: Edition) -> Iterator[tuple[str, str]]:
    """The address and the HTML of each index page"""
    makers = {
        "index.html": home,
        "symbols.html": names,
        "results.html": results,
        "glossary.html": glossary,
        "status.html": status,
    }
    for url in sorted(addresses(edition)):
        title, context = makers[url](edition)
        crumbs = [] if url == "index.html" else [{"title": title, "href": ""}]
        template = "home.html" if url == "index.html" else url
        yield url, edition.render(template, url, title, {"crumbs": crumbs} | context)


def home(edition: Edition) -> tuple[str, dict]:
    """The first page"""
    order = edition.project.order
    first = next((m for m in order.reading if m.source.is_package), None)
    summary = notes.plain(edition.telling.summary_text(first)) if first else ""
    context = indexes.home(order, edition.telling.tell("index.html"))
    return edition.project.name, context | {"summary": summary}


def names(edition: Edition) -> tuple[str, dict]:
    """All names, from A to Z"""
    modules = edition.project.order.reading
    return edition.say("All names, A–Z"), {"letters": symbols.letters(modules, "symbols.html")}


def results(edition: Edition) -> tuple[str, dict]:
    """All runs"""
    project = edition.project
    rows = runs.rows(project.options.results, project.root, project.modules, edition.say)
    return edition.say("Results"), indexes.results(rows, edition.telling.tell("results.html"))


def glossary(edition: Edition) -> tuple[str, dict]:
    """The words of all languages"""
    return edition.say("Glossary"), {"glossaries": [*glossaries(edition)]}


def glossaries(edition: Edition) -> Iterator[dict]:
    """A glossary for each language that has one"""
    for language in edition.languages:
        folder = edition.project.options.locale
        path = folder / language.code / "glossary.csv" if folder else None
        if path and path.is_file():
            told = {"tag": language.tag, "name": language.name}
            yield indexes.glossary(read(path)) | told


def status(edition: Edition) -> tuple[str, dict]:
    """How far the translations are"""
    project, tell = edition.project, edition.telling.tell("status.html")
    found = []
    for language in edition.languages:
        if language.code == SOURCE:
            continue
        done = project.progress(language.code)
        rows = [
            tell.link(module) | {"done": p.done, "stale": p.stale, "missing": p.missing}
            for module, p in zip(project.order.reading, done, strict=True)
        ]
        found.append(indexes.status(rows) | {"tag": language.tag, "name": language.name})
    return edition.say("State of the translation"), {"languages": found}
