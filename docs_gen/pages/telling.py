r"""
# Telling

What other pages say of a page: its title and its summary, in the language of the edition, as HTML
within a line. Links of a summary are left out, since the whole of it stands beside a link. What
is wrong in them is told by the page itself, and their blocks are counted there.
"""

from markupsafe import Markup

from docs_gen.linking.links import Links
from docs_gen.pages.indexes import Tell
from docs_gen.pages.page_tools import PLACES, Edition, PageTools
from docs_gen.parts import Module
from docs_gen.translation.catalogs import Page as Translation
from docs_gen.writing import leads, notes


class Quiet(PageTools):
    """
    ## Tools of a line that stands on other pages

    An image is as far away from there as its words.
    """

    def image(self, src: str) -> dict[str, str]:
        """None"""
        raise ValueError(f"{src} is shown by its own page")


class Telling:
    """
    ## Telling

    What a page is called is rendered once, however many other pages say it.
    """

    def __init__(
        self,
        links: Links,
        edition: Edition,
        translations: dict[str, Translation],
        curves: dict[str, Markup],
    ):
        """
        * `links` and `edition` are for what is in a line
        * `translations` are those of the pages, by name of the module
        * `curves` are drawings for some pages, by address
        """
        self.links, self.edition = links, edition
        self.translations, self.curves = translations, curves
        # What has been rendered, by its Markdown
        self.lines: dict[tuple[str, str], Markup] = {}

    def title(self, module: Module) -> Markup:
        """The title of a page, as others show it"""
        return self.marked(module, leads.title_block(module), self.title_text(module))

    def title_text(self, module: Module) -> str:
        """The title as Markdown"""
        block = self.told(module, leads.title_block(module))
        return leads.bare(block) or leads.title(module)

    def summary(self, module: Module) -> Markup:
        """The summary of a page, as others show it"""
        return self.marked(module, leads.summary_block(module), self.summary_text(module))

    def marked(self, module: Module, block: str, text: str) -> Markup:
        """Markdown within a line, marked as English where the page is in another language"""
        line = self.line(module, text)
        is_other = not self.edition.is_source and self.told(module, block) is block
        return Markup('<span lang="en">{}</span>').format(line) if is_other and text else line

    def summary_text(self, module: Module) -> str:
        """The summary as Markdown, on one line"""
        return " ".join(leads.closed(self.told(module, leads.summary_block(module))).split())

    def told(self, module: Module, block: str) -> str:
        """A block in the language of the edition, or as it is, not counted"""
        if self.edition.is_source or not block:
            return block
        return self.translations[module.source.name].look_up(block) or block

    def line(self, module: Module, text: str) -> Markup:
        """Markdown within a line, without links; what is wrong is told by the module's own page."""
        if (module.source.name, text) not in self.lines:
            tools = Quiet(module, self.links, self.edition)
            line = Markup(PLACES.sub("", notes.inline(text, tools)))
            self.lines[module.source.name, text] = line
        return self.lines[module.source.name, text]

    def tell(self, here: str) -> Tell:
        """How pages are told on the page `here`"""
        return Tell(here, self.title, self.summary, self.curves)
