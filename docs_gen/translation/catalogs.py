r"""
# Catalogs

A language is a folder of [PO files](po.html): `zh/experiments.mlm.po` holds the notes of one page,
`zh/common.po` those that many pages have, and `ui.po` the words of the interface. One block of a
note is one message; maths and code on lines of their own are none.

A block is looked up by its source, [however wrapped](wrapping.html). One that is missing, or whose
English has changed since somebody looked at the translation, is not translated: the page shows the
English and counts it. The catalogs are brought up to date by [i18n](i18n.html).
"""

from dataclasses import dataclass
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.messages.catalog import Catalog
from babel.support import NullTranslations

from docs_gen.parts import GeneratorError
from docs_gen.translation import po
from docs_gen.translation.wrapping import join_han, key
from docs_gen.writing.notes import Unit

SOURCE = "en"
SHIPPED = Path(__file__).parents[1] / "locale"


@dataclass(frozen=True)
class Language:
    """
    ## Language

    Its code, the tag that HTML knows it by, and what its speakers call it
    """

    code: str
    tag: str
    name: str


LANGUAGES = {"en": Language("en", "en", "English"), "zh": Language("zh", "zh-CN", "中文")}


def language(code: str) -> Language:
    """A language by its code. Raises `GeneratorError` for one that nobody knows."""
    try:
        return LANGUAGES.get(code) or Language(
            code, code.replace("_", "-"), Locale.parse(code).get_display_name() or code
        )
    except (ValueError, UnknownLocaleError):
        raise GeneratorError(f"{code} is no code of a language, such as zh or pt_BR") from None


def found(folder: Path) -> list[str]:
    """The languages below a folder: what is called by a code that we know, or holds a catalog"""
    if not folder.is_dir():
        raise GeneratorError(f"{folder} is no folder of translations")
    inner = [path for path in folder.iterdir() if path.is_dir()]
    return sorted(path.name for path in inner if is_known(path.name) or any(path.glob("*.po")))


def is_known(code: str) -> bool:
    """Is there a language of this code?"""
    try:
        return bool(language(code))
    except GeneratorError:
        return False


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
        name = key(text)
        for catalog in self.catalogs:
            message = catalog.get(name)
            if message is not None and po.is_shown(message):
                return join_han(message.string)
        return None

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
        # Gettext's functions for templates, by the rules of plurals of the language
        self.ui = NullTranslations()
        shipped = [SHIPPED / code / "ui.po"] if (SHIPPED / code / "ui.po").is_file() else []
        for catalog in [*(po.read(path, code) for path in shipped), *self.read("ui.po")[::-1]]:
            translations = po.compiled(catalog)
            translations.add_fallback(self.ui)
            self.ui = translations

    def read(self, name: str) -> list[Catalog]:
        """The catalogs of a name, of all folders that have one"""
        paths = [folder / name for folder in self.folders]
        return [po.read(path, self.language.code) for path in paths if path.is_file()]

    def page(self, name: str) -> Page:
        """The translation of a module's page, with nothing counted yet"""
        if name not in self.pages:
            self.pages[name] = self.read(f"{name}.po")
        return Page(self.pages[name] + self.common)
