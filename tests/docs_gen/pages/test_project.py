r"""
# Project

Files on disk, read as a build reads them.
"""

import pytest

from docs_gen.pages.project import Options, Project
from docs_gen.parts import GeneratorError
from tests.docs_gen.made_sites import write

FILES = {
    "pack/__init__.py": '"""\n# Pack\n"""\n',
    "pack/a.py": "LIMIT = 3\n\ndef double(x):\n    return LIMIT * x\n",
    "pack/run.py": 'from pack.a import double\n\nif __name__ == "__main__":\n    double(2)\n',
    "pack/__main__.py": "if __name__ == '__main__':\n    pass\n",
}


def project_of(folder, *paths, **options):
    return Project(Options([folder / p for p in paths or ("pack",)], **options))


def test_uses_link_and_variables_have_anchors(tmp_path):
    found = project_of(write(tmp_path, FILES))
    a = found.code["pack.a"]
    assert a[1].startswith('<span id="LIMIT">LIMIT</span>')
    assert '<a href="#LIMIT">LIMIT</a>' in a[4]
    assert '<a href="a.html#double">double</a>' in found.code["pack.run"][4]


def test_a_definition_has_one_place(tmp_path):
    found = project_of(write(tmp_path, {"pack/__init__.py": "", "pack/a.py": "x = 1\nx = 2\n"}))
    assert sum(line.count('id="x"') for line in found.code["pack.a"].values()) == 1


def test_a_variable_does_not_take_the_anchor_of_a_line(tmp_path):
    found = project_of(write(tmp_path, {"pack/__init__.py": "", "pack/a.py": "L1 = L2 = 1\n"}))
    line = found.code["pack.a"][1]
    assert 'id="L1"' not in line and 'id="L2"' not in line


def test_what_is_meant_to_be_run(tmp_path):
    found = project_of(write(tmp_path, FILES))
    commands = {m.source.name: found.run(m) for m in found.modules}
    assert commands == {
        "pack": "",
        "pack.a": "",
        "pack.run": "python -m pack.run",
        "pack.__main__": "python -m pack",
    }


def test_the_name_is_that_of_the_first_package(tmp_path):
    write(tmp_path, FILES | {"another/__init__.py": ""})
    assert project_of(tmp_path).name == "pack"
    assert project_of(tmp_path, "another", "pack").name == "another"
    assert project_of(tmp_path, name="Mine").name == "Mine"


def test_records_are_relative_to_the_folder_of_the_package(tmp_path):
    assert project_of(write(tmp_path, FILES)).root == tmp_path


def test_an_address_of_the_site_begins_as_addresses_do(tmp_path):
    with pytest.raises(GeneratorError, match="begin it with https://"):
        project_of(write(tmp_path, FILES), base_url="a.example")


def test_loose_scripts_are_called_like_their_folder(tmp_path):
    write(tmp_path, {"lessons/first.py": "x = 1\n", "lessons/another.py": "x = 1\n"})
    assert project_of(tmp_path, "lessons").name == "lessons"


def test_aliases_are_read(tmp_path):
    write(tmp_path, FILES | {"moved.json": '{"pack/b.html": "pack/a.html"}'})
    found = project_of(tmp_path, aliases=tmp_path / "moved.json")
    assert found.moved == {"pack/b.html": "pack/a.html"}
    assert project_of(tmp_path).moved == {}
    with pytest.raises(GeneratorError, match="none.json cannot be read"):
        _ = project_of(tmp_path, aliases=tmp_path / "none.json").moved
