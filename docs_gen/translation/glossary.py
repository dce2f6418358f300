r"""
# Glossary

One idea has one name, in every language: readers who meet 词元 on one page and 代币, a coin, on the
next cannot know that both are tokens. `glossary.csv` stands beside the [catalogs](catalogs.html)
of a language; it is what the site shows as its glossary, and what translations are held to.

| column | what it says |
|---|---|
| `english` | the term, with other forms of it after a bar |
| `translation` | what has to stand where the English has the term; others are after a bar |
| `first` | how it is written where it is first used on a page, or nothing |
| `never` | words that are wrong where the English has the term |

A row without English names words that are wrong everywhere.
"""

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from docs_gen.parts import GeneratorError
from docs_gen.translation.pairs import prose

COLUMNS = ["english", "translation", "first", "never"]


@dataclass(frozen=True)
class Term:
    """
    ## Term

    A row of the glossary; the first of each list is the one to use.
    """

    english: tuple[str, ...]
    translation: tuple[str, ...]
    first: str = ""
    never: tuple[str, ...] = ()

    def is_in(self, english: str) -> bool:
        """Does a text have the term, in any of its forms, as a word of its own?"""
        # Words may be joined by a hyphen or parted by a line break, and a plural is the term, too.
        forms = "|".join(re.sub(r"\\[ -]", r"[\\s-]+", re.escape(form)) for form in self.english)
        found = re.search(rf"(?<![\w-])(?:{forms})(?:e?s)?(?![\w-])", english, re.IGNORECASE)
        return bool(self.english) and found is not None


def read(path: Path) -> list[Term]:
    """The terms in a file, none without it. Raises `GeneratorError` for a damaged one."""
    if not path.is_file():
        return []
    terms = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, strict=True)
            for row in rows:
                where = f"{path}:{rows.line_num}"
                if rows.line_num == 1 and row != COLUMNS:
                    raise GeneratorError(f"{where}: the columns have to be {','.join(COLUMNS)}")
                if rows.line_num > 1 and row:
                    terms.append(term(where, row))
    except (csv.Error, UnicodeDecodeError) as e:
        raise GeneratorError(f"{path}: {e}") from None
    return terms


def term(where: str, row: list[str]) -> Term:
    """A row. Raises `GeneratorError` for one that says nothing."""
    if len(row) != len(COLUMNS):
        raise GeneratorError(f"{where}: {len(row)} columns instead of {len(COLUMNS)}")
    english, translation, (first,), never = (
        tuple(part.strip() for part in cell.split("|") if part.strip()) or default
        for cell, default in zip(row, [(), (), ("",), ()], strict=True)
    )
    if not (never or (english and translation)) or (first and not translation):
        raise GeneratorError(f"{where}: a term needs English and a translation, or words to avoid")
    return Term(english, translation, first, never)


def faults(terms: Iterable[Term], english: str, translated: str) -> list[str]:
    """What a translation calls otherwise than the glossary; code and links are not looked at."""
    said, written, found = "\n".join(prose(english)), "\n".join(prose(translated)), []
    for entry in terms:
        if entry.english and not entry.is_in(said):
            continue
        wrong = [word for word in entry.never if word in written]
        right = " or ".join(entry.translation) or "anything else"
        found += [f"{word} is wrong; write {right}" for word in wrong]
        if entry.translation and not any(word in written for word in entry.translation):
            found.append(f"{entry.english[0]} is {right}")
    return found


def first_faults(terms: Iterable[Term], texts: list[str]) -> list[tuple[int, str]]:
    """
    Where the translated blocks of a page, in order, use a term for the first time otherwise than
    they have to, as (number of the block, what is wrong); titles are no place to explain it.
    """
    found = []
    for entry in terms:
        for number, text in enumerate(texts if entry.first else ()):
            words = "" if text.startswith("#") else "\n".join(prose(text))
            at = words.find(entry.translation[0])
            if at >= 0 and not words.startswith(entry.first, at):
                found.append((number, f"the first {entry.translation[0]} is {entry.first}"))
            if at >= 0:
                break
    return found
