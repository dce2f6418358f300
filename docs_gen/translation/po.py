r"""
# PO Files

[Catalogs](catalogs.html) stand in gettext's files, one a page, which every translator's editor
opens. Babel reads and writes them. Around it two things are made strict here: a damaged file stops
the build with file and line, where Babel would guess, and the same content gives the same bytes,
without dates and without lines that break at other places.
"""

import re
from io import BytesIO
from pathlib import Path

from babel.core import UnknownLocaleError
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po, write_po
from babel.support import Translations

from docs_gen.parts import GeneratorError

STRING = r'"(?:[^"\\\n]|\\.)*"'
# A line of the file as it has to be; `#~` is before what is no longer used.
KEYWORD = r"(?:msgctxt|msgid|msgid_plural|msgstr(?:\[\d+\])?) "
LINE = re.compile(rf"\s*(?:#(?!~).*|(?:#~\s*)?(?:{KEYWORD})?{STRING}\s*)?")
ENTRY = re.compile(
    rf"^(msgctxt (?:{STRING}\s*)+)?msgid ((?:{STRING}\s*)+)(?=msgstr|msgid_plural)", re.M
)
# Headers that say when and by whom, or nothing
CHANCE = re.compile(
    r'^"(?:Project-Id-Version|Report-Msgid-Bugs-To|POT-Creation-Date|PO-Revision-Date'
    r"|Generated-By|Last-Translator: FULL NAME|Language-Team: \w+ <LL@li).*\n",
    re.M,
)
# Wide enough for any paragraph: where lines break depends on nothing.
WIDTH = 10**9


def read(path: Path, language: str) -> Catalog:
    """
    The messages of a file. Raises `GeneratorError` for one that is damaged.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as e:
        raise GeneratorError(f"{path}: {e.strerror}") from None
    except UnicodeDecodeError as e:
        raise GeneratorError(f"{path}: {e.reason} at byte {e.start}; it has to be UTF-8") from None
    # Other tools keep the previous English of obsolete messages, which Babel does not know.
    text = re.sub(r"^#~\|.*", "#", text, flags=re.M)
    check(path, text)
    try:
        catalog = read_po(text.split("\n"), locale=language, charset="utf-8", abort_invalid=True)
    except PoFileError as e:
        raise GeneratorError(f"{path}:{e.lineno + 1}: {e}") from None
    except (ValueError, LookupError, AssertionError, TypeError, UnknownLocaleError) as e:
        raise GeneratorError(f"{path}: {e or 'a plural is damaged'}") from None
    for message in [*catalog, *catalog.obsolete.values()]:
        restore_previous(message)
    # Where a fault of a translation is told
    catalog.path = path
    return catalog


def check(path: Path, text: str) -> None:
    """Raises `GeneratorError` for a line that Babel would misread, and for a message twice."""
    for number, line in enumerate(text.split("\n"), 1):
        if not LINE.fullmatch(line):
            what = "no line of a catalog, or a quote is missing"
            raise GeneratorError(f"{path}:{number}: {what}: {line.strip()[:60]}")
    seen = set()
    for found in ENTRY.finditer(text):
        key = tuple(unquoted(part or "") for part in found.groups())
        if key in seen:
            number = text.count("\n", 0, found.start()) + 1
            raise GeneratorError(f"{path}:{number}: this message stands in the file twice")
        seen.add(key)


def check_words(catalog: Catalog) -> None:
    """Raises `GeneratorError` for words of the interface that cannot be filled in."""
    for message in filter(is_shown, catalog):
        forms, words = (x if isinstance(x, tuple) else (x,) for x in (message.id, message.string))
        values = {name: "" for form in forms for name in re.findall(r"%\((\w+)\)s", form)}
        for form in words:
            try:
                form % values
            except (KeyError, TypeError, ValueError):
                where = f"{catalog.path}:{message.lineno}"
                what = f"{form[:60]!r} has another placeholder than the English, or a lone %"
                raise GeneratorError(f"{where}: {what}") from None


def restore_previous(message: Message) -> None:
    """Babel writes the English that a fuzzy translation is of, and reads it as a comment."""
    kept = [line for line in message.user_comments if not line.startswith("| ")]
    was = " ".join(line[2:] for line in message.user_comments if line.startswith("| "))
    message.user_comments = kept
    if was and message.fuzzy:
        parts = re.split(r"msgid(?:_plural)? (?=\")", was)[1:]
        message.previous_id = [unquoted(part) for part in parts]


def unquoted(text: str) -> str:
    """The text that strings of a catalog stand for"""
    escapes = {"n": "\n", "t": "\t", "r": "\r"}
    text = "".join(string[1:-1] for string in re.findall(STRING, text))
    return re.sub(r"\\(.)", lambda found: escapes.get(found[1], found[1]), text)


def written(catalog: Catalog) -> str:
    """The file of a catalog, always the same for the same content"""
    file = BytesIO()
    write_po(file, catalog, width=WIDTH, include_previous=True)
    head, blank, body = file.getvalue().decode().partition("\n\n")
    return CHANCE.sub("", head + "\n").rstrip("\n") + blank + body.rstrip("\n") + "\n"


def is_shown(message: Message) -> bool:
    """Is there a translation, and has somebody looked at it since its English changed?"""
    strings = message.string if isinstance(message.string, (tuple, list)) else [message.string]
    return bool(message.id) and all(strings) and not message.fuzzy


def compiled(catalog: Catalog) -> Translations:
    """The catalog as gettext reads it. Raises `GeneratorError` for a damaged rule of plurals."""
    file = BytesIO()
    write_mo(file, catalog)
    file.seek(0)
    try:
        return Translations(file)
    except ValueError as e:
        raise GeneratorError(f"Plural-Forms of {catalog.locale}: {e}") from None
