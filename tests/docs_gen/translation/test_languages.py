r"""
# Languages

Codes, names and folders
"""

import pytest

from docs_gen.parts import GeneratorError
from docs_gen.translation.catalogs import SHIPPED, Catalogs
from docs_gen.translation.languages import found, language
from tests.docs_gen.translation.test_catalogs import write


def test_languages_are_the_folders_that_are_called_so_or_hold_a_catalog(tmp_path):
    write(tmp_path, "a.po", {}, code="klingon")
    for name in ("zh", "fr", "pictures"):
        (tmp_path / name).mkdir()
    (tmp_path / "note.po").write_text("")
    assert found(tmp_path) == ["fr", "klingon", "zh"]
    with pytest.raises(GeneratorError, match="klingon is no code of a language"):
        Catalogs("klingon", [tmp_path])
    with pytest.raises(GeneratorError, match="none is no folder"):
        found(tmp_path / "none")


def test_a_language_has_a_tag_and_its_own_name():
    assert [(language(c).tag, language(c).name) for c in ("en", "zh", "pt_BR")] == [
        ("en", "English"),
        ("zh-CN", "中文"),
        ("pt-BR", "português (Brasil)"),
    ]
    for code in ("xx", "no language", "", "../etc"):
        with pytest.raises(GeneratorError, match="is no code of a language"):
            Catalogs(code, [])


def test_each_language_that_is_shipped_is_known():
    codes = [path.parent.name for path in SHIPPED.glob("*/ui.po")]
    assert "zh" in codes and all(language(code).name for code in codes)
