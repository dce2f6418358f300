r"""
# Languages

A language is known by its code, and is a folder of that name among the translations, whose
[catalogs](catalogs.html) may still be empty.
"""

from dataclasses import dataclass
from pathlib import Path

from babel import Locale, UnknownLocaleError

from docs_gen.parts import GeneratorError

# The language that notes are written in
SOURCE = "en"


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
