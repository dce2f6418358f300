r"""
# Index Pages

What the pages show that lead to other pages: home, results,
[glossary](../translation/glossary.html) and the state of the translation. Each function gives the
context of a template; words of a page come from [`Tell`], which knows how they are written in the
language of the edition. [All names](symbols.html) and the [runs](../records/runs.html) are
collected elsewhere.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from docs_gen.pages.order import Order, Topic
from docs_gen.parts import Module
from docs_gen.translation.glossary import Term
from docs_gen.writing.leads import link, start

# Pages of the path that a reader may begin with, and pages that a card lists
N_START, N_LISTED = 5, 8


@dataclass(frozen=True)
class Tell:
    """
    ## What a page is told as

    `title` and `summary` give HTML within a line, as it stands on the page `here`; `curves` has a
    drawing for some pages, by address.
    """

    here: str
    title: Callable[[Module], Markup]
    summary: Callable[[Module], Markup]
    curves: Mapping[str, Markup] = field(default_factory=dict)

    def link(self, module: Module) -> dict:
        """A page by its title"""
        return {"title": self.title(module), "href": link(self.here, module.source.url)}

    def card(self, module: Module) -> dict:
        """A page with its title, its summary, and the drawing of what it shows or nothing"""
        curve = self.curves.get(module.source.url, Markup())
        return self.link(module) | {"summary": self.summary(module), "curve": curve}

    def topic(self, topic: Topic) -> dict:
        """A topic with its first pages, and how many more it has"""
        if topic.module is None:
            name = topic.folder.replace("/", " / ")
            card = {"title": Markup.escape(name), "href": "", "summary": Markup(), "name": ""}
        else:
            card = self.card(topic.module) | {"name": topic.module.source.name}
        around = [topic.module, *topic.children]
        drawn = [self.curves[m.source.url] for m in around if m and m.source.url in self.curves]
        # Scripts have no page of their own that would list the rest.
        most = N_LISTED if topic.module else len(topic.children)
        listed = [self.link(module) for module in topic.children[:most]]
        more = len(topic.children) - len(listed)
        return card | {"curve": drawn[0] if drawn else Markup(), "pages": listed, "more": more}


def home(order: Order, tell: Tell) -> dict:
    """
    The first page: `lead`, what all this is, `start`, a path to begin with, and `topics`.

    The first package is what the site is about, and has no card of its own.
    """
    roots = [topic for topic in order.topics if topic.module]
    first = roots[0].module if roots else None
    lead = tell.card(first) if first else {"title": "", "summary": "", "href": "", "curve": ""}
    topics = [topic for topic in order.topics if first is None or topic.module is not first]
    return {
        "lead": lead,
        "start": [tell.card(module) for module in path(order, first)],
        "topics": [tell.topic(topic) for topic in topics],
        "n_pages": len(order.reading),
    }


def path(order: Order, first: Module | None) -> list[Module]:
    """The pages to begin with: those that the first package lists, else the first ones"""
    by_url = {module.source.url: module for module in order.reading}
    listed = [by_url[url] for url in start(first) if url in by_url] if first else []
    pages = [module for module in order.reading if not module.source.is_package]
    # What begins with an underscore, as `__main__` does, is not where somebody wants to begin.
    public = [m for m in pages if not m.source.name.rpartition(".")[2].startswith("_")]
    return listed or (public or pages)[:N_START]


def cards(order: Order, module: Module, tell: Tell) -> list[dict]:
    """The cards of a package's page, none for other pages"""
    topic = order.topic(module)
    return [tell.card(child) for child in topic.children] if topic else []


def results(rows: Sequence[dict], tell: Tell) -> dict:
    """The table of all runs, from those of [`runs.rows`]"""
    return {"rows": [row | {"pages": [*map(tell.link, row["modules"])]} for row in rows]}


def glossary(terms: Sequence[Term]) -> dict:
    """The `terms` of a language by their English, and the words that are `never` right"""
    named = [term for term in terms if term.english]
    never = [word for term in terms if not term.english for word in term.never]
    return {"terms": sorted(named, key=lambda term: term.english[0].lower()), "never": never}


def status(pages: Sequence[dict]) -> dict:
    """
    How far the translation is

    * `pages` are dictionaries with `title`, `href`, and the numbers `done`, `stale` and `missing`
    """
    rows = [page | {"total": page["done"] + page["stale"] + page["missing"]} for page in pages]
    names = ("done", "stale", "missing", "total")
    return {"rows": rows, "all": {name: sum(row[name] for row in rows) for name in names}}
