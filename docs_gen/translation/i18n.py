r"""
# Updating Translations

Notes change, and their translations have to follow. A translator has three commands:

    python -m docs_gen i18n update labnn --locale locale --page labnn.layers.dropout
    python -m docs_gen i18n status labnn --locale locale --min 100
    python -m docs_gen i18n lint labnn --locale locale

`update` begins the [catalog](catalogs.html) of a page, or brings it up to date with its notes: new
blocks are empty, and where the English has changed the translation stays, marked fuzzy and with
the former English, until somebody has looked at it and removes the mark. What is no longer on the
page is kept at the end. Running it twice changes nothing.

`status` tells the [progress](progress.html) of each page, and `lint` is a [review](review.html).
"""

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from babel.messages.catalog import Catalog

from docs_gen.parts import GeneratorError, Module
from docs_gen.translation import po
from docs_gen.translation.catalogs import Catalogs
from docs_gen.translation.languages import language
from docs_gen.translation.progress import messages
from docs_gen.translation.progress import status as status
from docs_gen.translation.review import lint as lint
from docs_gen.translation.wrapping import key


def update(
    modules: Sequence[Module], folder: Path, languages: Sequence[str], pages: Sequence[str] = ()
) -> str:
    """
    Write the catalogs of the pages that have one, and of `pages`, and tell what is in them now.
    Raises `GeneratorError` for the name of no page.
    """
    known = {module.source.name: module for module in modules}
    for name in pages:
        if name not in known:
            near = " or ".join(get_close_matches(name, known, 3)) or "the name of a module"
            raise GeneratorError(f"{name} is no page here; give {near}")
    told = []
    for code in languages:
        common = Catalogs(code, [folder]).page("common")
        for name, module in known.items():
            path = folder / code / f"{name}.po"
            if path.is_file() or name in pages:
                told.append(f"{code} {name}: {update_page(module, path, code, common)}")
    return "\n".join(told) or "no page has a catalog; begin one with --page NAME"


def update_page(module: Module, path: Path, code: str, common) -> str:
    """Write the catalog of one page; what all pages share is not asked for again."""
    if path.is_file():
        catalog = po.read(path, code)
    else:
        header = f"# {module.source.name}, {language(code).name}"
        catalog = Catalog(locale=code, header_comment=header, fuzzy=False)
    template = Catalog(charset="utf-8")
    for unit, line in messages(module):
        text = key(unit.text)
        old = catalog.get(text)
        if (old is not None and old.string) or common.look_up(text) is None:
            template.add(text, locations=[(module.source.path, line)])
    merge(catalog, template)
    text = po.written(catalog)
    path.parent.mkdir(parents=True, exist_ok=True)
    # A file that is as it should be keeps its time.
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
    found = [message for message in catalog if message.id]
    n_fuzzy = sum(message.fuzzy for message in found)
    n_done = sum(map(po.is_shown, found))
    n_new = len(found) - n_done - n_fuzzy
    return f"{n_done} done, {n_fuzzy} fuzzy, {n_new} empty, {len(catalog.obsolete)} obsolete"


def merge(catalog: Catalog, template: Catalog) -> None:
    """Bring a catalog up to date with the notes of its page."""
    # A note that was away for a while comes back with its translation.
    for message in template:
        old = catalog.obsolete.pop(message.id, None) if message.id else None
        if old is not None and old.string:
            catalog[old.id] = old
    # Babel forgets which English a translation is of when it changes again, or not at all.
    former = {m.id: m.previous_id for m in catalog if m.id and m.fuzzy and m.previous_id}
    catalog.update(template)
    for message in catalog:
        if message.id and message.fuzzy:
            was = message.previous_id[0] if message.previous_id else message.id
            message.previous_id = former.get(was, message.previous_id)
        # A per cent sign or braces in a note are no placeholders.
        message.flags -= {"python-format", "python-brace-format"}
