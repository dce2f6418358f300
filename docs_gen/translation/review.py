r"""
# Review

What a machine can say of a translation before a person reads it: whether [all that is not
words](pairs.html) is kept, whether terms are those of the [glossary](glossary.html), and, for
Chinese, how it is [set](typography.html). Only what a page would show is looked at; drafts that are
marked fuzzy are not.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from babel.messages.catalog import Message

from docs_gen.parts import Module, Problem
from docs_gen.translation import glossary, pairs, po, typography
from docs_gen.translation.catalogs import Catalogs, Page
from docs_gen.translation.glossary import Term
from docs_gen.translation.progress import messages

# Languages whose typography we know
CHINESE = ("zh", "zh_CN", "zh_Hans", "zh_Hans_CN")


def lint(modules: Sequence[Module], folder: Path, languages: Sequence[str]) -> list[Problem]:
    """All that is wrong in the catalogs below `folder`, and in the order of terms on the pages"""
    found = []
    for code in languages:
        terms = glossary.read(folder / code / "glossary.csv")
        for path in sorted((folder / code).glob("*.po")):
            found += review(path, code, terms)
        catalogs = Catalogs(code, [folder])
        for module in modules:
            found += first_uses(module, catalogs, terms)
    return found


def review(path: Path, code: str, terms: Sequence[Term]) -> list[Problem]:
    """What is wrong in one catalog; `ui.po` holds words of the interface, the others Markdown."""
    judge = interface_faults if path.name == "ui.po" else block_faults
    return [
        Problem(str(path), message.lineno or 0, what, "translation")
        for message in po.read(path, code)
        if po.is_shown(message)
        for what in judge(message, code, terms)
    ]


def block_faults(message: Message, code: str, terms: Sequence[Term]) -> Iterator[str]:
    """What is wrong in the translation of a block; one that is equal to the English is not."""
    if message.id == message.string:
        return
    yield from pairs.faults(message.id, message.string)
    yield from glossary.faults(terms, message.id, message.string)
    if code in CHINESE:
        for text in pairs.prose(message.string):
            yield from typography.faults(text)


def interface_faults(message: Message, code: str, terms: Sequence[Term]) -> Iterator[str]:
    """What is wrong in a word of the interface"""
    english, strings = (
        forms if isinstance(forms, (tuple, list)) else (forms,)
        for forms in (message.id, message.string)
    )
    yield from pairs.interface_faults(english, strings)
    for string in strings if code in CHINESE else ():
        yield from typography.faults(pairs.PLACEHOLDER.sub(pairs.HOLE, string))
    for string in strings:
        # The name of a placeholder is no word.
        yield from glossary.faults(terms, pairs.PLACEHOLDER.sub(pairs.HOLE, english[0]), string)


def first_uses(module: Module, catalogs: Catalogs, terms: Sequence[Term]) -> Iterator[Problem]:
    """Terms that a page has to explain at first use; what many pages share explains nothing."""
    page = Page(catalogs.read(f"{module.source.name}.po"))
    found = [(page.look_up(unit.text), line) for unit, line in messages(module)]
    shown = [(text, line) for text, line in found if text is not None]
    for number, what in glossary.first_faults(terms, [text for text, _ in shown]):
        what = f"{catalogs.language.code}: {what}"
        yield Problem(module.source.path, shown[number][1], what, "translation")
