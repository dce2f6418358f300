r"""
# Catalogs

A language is a folder of [PO files](po.html): `zh/experiments.mlm.po` holds the notes of one page,
`zh/common.po` those that many pages have, and `ui.po` the words of the interface. One block of a
note is one message; maths and code on lines of their own are none.

A block is looked up by its source, [however wrapped](wrapping.html). One that is missing, or whose
English has changed since somebody looked at the translation, is not translated: the page shows the
English and counts it. The catalogs are brought up to date by [i18n](i18n.html).
"""

from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.support import NullTranslations

from docs_gen.translation import po
from docs_gen.translation.languages import language
from docs_gen.translation.wrapping import join_han, key
from docs_gen.writing.notes import Unit

# The words of the interface that come with the generator
SHIPPED = Path(__file__).parents[1] / "locale"


class Page:
    """
    ## The translation of a page

    `missing` lists what was asked for and is not there, as (text, `missing` or `stale`).
    """

    def __init__(self, catalogs: list[Catalog]):
        """* `catalogs` are looked into in order"""
        self.catalogs = catalogs
        self.missing: list[tuple[str, str]] = []
        self.n_done = 0

    def look_up(self, text: str) -> str | None:
        """The translation of a block, without counting it"""
        _, message = self.find(text)
        return None if message is None else join_han(message.string)

    def place(self, text: str) -> tuple[str, int]:
        """The file and the line of a translation that there is"""
        path, message = self.find(text)
        return str(path), message.lineno or 0

    def find(self, text: str) -> tuple[Path | None, Message | None]:
        """The message of a block that is translated, and the file that has it"""
        name = key(text)
        for catalog in self.catalogs:
            message = catalog.get(name)
            if message is not None and po.is_shown(message):
                return catalog.path, message
        return None, None

    def translate(self, unit: Unit) -> str | None:
        """The translation of a block, which is counted as done or listed as missing"""
        if not unit.is_prose:
            return unit.text
        string = self.look_up(unit.text)
        if string is None:
            drafts = [catalog.get(key(unit.text)) for catalog in self.catalogs]
            is_stale = any(draft and draft.fuzzy for draft in drafts)
            self.missing.append((unit.text, "stale" if is_stale else "missing"))
        else:
            self.n_done += 1
        return string


class Catalogs:
    """
    ## The translations into one language
    """

    def __init__(self, code: str, folders: list[Path]):
        """
        * `code` is the language
        * `folders` hold a folder for it each; the first that has a message is right
        """
        self.language = language(code)
        self.folders = [folder / code for folder in folders]
        self.common = self.read("common.po")
        self.pages: dict[str, list[Catalog]] = {}
        self.words: list[Catalog] = []
        # Gettext's functions for templates, by the rules of plurals of the language
        self.ui = NullTranslations()
        shipped = [SHIPPED / code / "ui.po"] if (SHIPPED / code / "ui.po").is_file() else []
        for catalog in [*(po.read(path, code) for path in shipped), *self.read("ui.po")[::-1]]:
            self.words.append(catalog)
            translations = po.compiled(catalog)
            translations.add_fallback(self.ui)
            self.ui = translations

    def check_words(self) -> None:
        """Raises `GeneratorError` for a word of the interface that no page could show."""
        for catalog in self.words:
            po.check_words(catalog)

    def read(self, name: str) -> list[Catalog]:
        """The catalogs of a name, of all folders that have one"""
        paths = [folder / name for folder in self.folders]
        return [po.read(path, self.language.code) for path in paths if path.is_file()]

    def page(self, name: str) -> Page:
        """The translation of a module's page, with nothing counted yet"""
        if name not in self.pages:
            self.pages[name] = self.read(f"{name}.po")
        return Page(self.pages[name] + self.common)
