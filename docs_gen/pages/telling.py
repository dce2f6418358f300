r"""
# Telling

What other pages say of a page: its title and its summary, in the language of the edition, as HTML
within a line. Links of a summary are left out, since the whole of it stands beside a link. Its
faults are told by its own page, and its blocks are counted there.
"""

import re

from markupsafe import Markup

from docs_gen.linking.links import Links
from docs_gen.pages.indexes import Tell
from docs_gen.pages.page_tools import Edition, PageTools
from docs_gen.parts import Module
from docs_gen.translation.catalogs import Page as Translation
from docs_gen.writing import leads, notes

LINK = re.compile(r"</?a\b[^>]*>")


class Telling:
    """
    ## Telling
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
        self.lines: dict[str, Markup] = {}

    def title(self, module: Module) -> Markup:
        """The title of a page, as others show it"""
        return self.line(module, self.title_text(module))

    def title_text(self, module: Module) -> str:
        """The same as Markdown"""
        block = self.told(module, leads.title_block(module))
        return leads.bare(block) or leads.title(module)

    def summary(self, module: Module) -> Markup:
        """The summary of a page, as others show it"""
        return self.line(module, self.summary_text(module))

    def summary_text(self, module: Module) -> str:
        """The same as Markdown on one line"""
        return " ".join(leads.closed(self.told(module, leads.summary_block(module))).split())

    def told(self, module: Module, block: str) -> str:
        """A block in the language of the edition, or as it is, not counted"""
        if self.edition.is_source or not block:
            return block
        return self.translations[module.source.name].look_up(block) or block

    def line(self, module: Module, text: str) -> Markup:
        """Markdown within a line, without links; faults are those of the module's own page."""
        if text not in self.lines:
            tools = PageTools(module, self.links, self.edition)
            self.lines[text] = Markup(LINK.sub("", notes.inline(text, tools)))
        return self.lines[text]

    def tell(self, here: str) -> Tell:
        """How pages are told on the page `here`"""
        return Tell(here, self.title, self.summary, self.curves)
