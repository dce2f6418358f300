r"""
# Check

What is told of small projects with one thing wrong.
"""

import json
import shutil
from pathlib import Path

import pytest

from docs_gen.pages import site
from docs_gen.pages.check import check, poor_maths
from docs_gen.pages.project import Options
from docs_gen.parts import GeneratorError
from tests.docs_gen.made_sites import module, write

GOLDEN = Path(__file__).parents[2] / "golden" / "record"
FILES = {
    "pack/__init__.py": '"""\n# Pack\n"""\n',
    "pack/a.py": 'r"""\n# A\n\n$x$\n"""\n\n\ndef f():\n    """F"""\n',
}


def found(folder, *, aliases=None, results=None, **asked):
    return check(Options([folder / "pack"], aliases=aliases, results=results), **asked)[1]


def test_a_good_project_has_no_problem(tmp_path):
    assert found(write(tmp_path, FILES)) == []


def test_missing_notes_are_told_unless_only_faults_are_asked_for(tmp_path):
    write(tmp_path, FILES | {"pack/a.py": '"""\n# A\n"""\n\n\ndef f():\n    pass\n'})
    assert found(tmp_path, only_faults=True) == []
    (told,) = found(tmp_path)
    assert told.startswith(f"{tmp_path}/pack/a.py:6: ") and "no note" in told


def test_maths_that_reads_badly_has_its_line():
    page = module('r"""\n# A\n\nLet $x$ be\nand $mean_{total}$.\n"""\n\n# Of $score$\nx = 1\n')
    assert [p.line for p in poor_maths(page)] == [5, 8]


def test_maths_that_does_not_convert_is_told_once(tmp_path):
    write(tmp_path, FILES | {"pack/b.py": 'r"""\n# B\n\n$\\foo$\n"""\n'})
    assert len(found(tmp_path, only_faults=True)) == 1
    assert len([told for told in found(tmp_path) if "b.py" in told]) == 1


def test_faults_are_told_always(tmp_path):
    write(tmp_path, FILES | {"pack/b.py": '"""\n# B\n\n[x](none.html)\n"""\n'})
    (told,) = found(tmp_path)
    assert told.startswith(f"{tmp_path}/pack/b.py:4: ")


def test_a_run_whose_code_has_changed_is_told_on_demand(tmp_path):
    write(tmp_path, FILES)
    shutil.copytree(GOLDEN, tmp_path / "records" / "tiny")
    assert found(tmp_path, results=tmp_path / "records") == []
    (told,) = found(tmp_path, results=tmp_path / "records", with_results=True)
    assert "tiny: code changed since" in told


def test_what_a_release_promised_must_be_there(tmp_path):
    write(tmp_path, FILES)
    released = tmp_path / "anchors.json"
    released.write_text(site.build(Options([tmp_path / "pack"])).files["anchors.json"])
    assert found(tmp_path, released=released) == []
    write(tmp_path, {"pack/a.py": 'r"""\n# A\n"""\n\n\ndef g():\n    """New"""\n'})
    (told,) = found(tmp_path, released=released)
    assert told.startswith("pack/a.html#f is gone")
    write(tmp_path, {"moved.json": json.dumps({"pack/a.html#f": "pack/a.html#g"})})
    assert found(tmp_path, released=released, aliases=tmp_path / "moved.json") == []


def test_an_alias_that_leads_nowhere_is_told(tmp_path):
    write(tmp_path, FILES | {"moved.json": '{"pack/old.html": "pack/none.html"}'})
    told = found(tmp_path, aliases=tmp_path / "moved.json")
    assert any("pack/none.html" in what for what in told)


def test_a_release_that_cannot_be_read_is_a_mistake(tmp_path):
    with pytest.raises(GeneratorError, match="none.json cannot be read"):
        found(write(tmp_path, FILES), released=tmp_path / "none.json")
