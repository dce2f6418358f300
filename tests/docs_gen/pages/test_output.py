r"""
# Output

Real folders, those of other people among them: nothing that no build wrote is ever taken away.
"""

import json

import pytest

from docs_gen.pages import output
from docs_gen.parts import GeneratorError


def contents(folder):
    files = (p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in files}


def test_files_are_written(tmp_path):
    out = tmp_path / "a" / "site"
    assert output.write(out, {"index.html": "é", "en/x/y.html": b"\x00"}) == 2
    found = contents(out)
    assert found.pop("site.json")
    assert found == {"index.html": "é".encode(), "en/x/y.html": b"\x00"}


def test_what_is_gone_is_taken_away_with_its_folder(tmp_path):
    output.write(tmp_path / "site", {"a/b/c.html": "1", "a/d.html": "2"})
    output.write(tmp_path / "site", {"a/d.html": "2"})
    assert contents(tmp_path / "site").keys() == {"a/d.html", "site.json"}
    assert not (tmp_path / "site/a/b").exists()


def test_what_has_not_changed_is_not_touched(tmp_path):
    output.write(tmp_path, {"a": "1", "b": "2"})
    before = (tmp_path / "a").stat().st_mtime_ns
    assert output.write(tmp_path, {"a": "1", "b": "3"}) == 1
    assert (tmp_path / "a").stat().st_mtime_ns == before
    assert (tmp_path / "b").read_text() == "3"


def test_the_same_site_has_the_same_bytes(tmp_path):
    for name in ("first", "second"):
        output.write(tmp_path / name, {"a": "1", "b": "2"})
    assert contents(tmp_path / "first") == contents(tmp_path / "second")


def test_a_folder_of_others_is_refused_and_untouched(tmp_path):
    (tmp_path / "thesis.tex").write_text("years")
    with pytest.raises(GeneratorError, match="is not empty and holds no site"):
        output.write(tmp_path, {"a": "1"})
    assert contents(tmp_path) == {"thesis.tex": b"years"}


@pytest.mark.parametrize("list_of_files", ["{}", "[]", "no json", '{"format": "another"}'])
def test_a_strange_list_is_no_permission(tmp_path, list_of_files):
    (tmp_path / "site.json").write_text(list_of_files)
    with pytest.raises(GeneratorError, match="holds no site"):
        output.write(tmp_path, {"a": "1"})


def test_files_of_others_within_a_site_stay(tmp_path):
    output.write(tmp_path, {"a": "1"})
    (tmp_path / "mine").write_text("mine")
    output.write(tmp_path, {"b": "1"})
    assert contents(tmp_path).keys() == {"b", "mine", "site.json"}


def test_a_list_leads_nowhere_else(tmp_path):
    (tmp_path / "precious").write_text("1")
    out = tmp_path / "site"
    output.write(out, {"a": "1"})
    listed = json.loads((out / "site.json").read_text())
    listed["files"] += ["../precious", str(tmp_path / "precious")]
    (out / "site.json").write_text(json.dumps(listed))
    output.write(out, {"b": "1"})
    assert (tmp_path / "precious").exists()


def test_a_build_that_was_stopped_can_be_built_over(tmp_path, monkeypatch):
    put = output.put

    def stop(path, data):
        if path.name == "b":
            raise KeyboardInterrupt
        return put(path, data)

    monkeypatch.setattr(output, "put", stop)
    with pytest.raises(KeyboardInterrupt):
        output.write(tmp_path, {"a": "1", "b": "2"})
    monkeypatch.setattr(output, "put", put)
    output.write(tmp_path, {"c": "3"})
    assert contents(tmp_path).keys() == {"c", "site.json"}


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "site").write_text("")
    with pytest.raises(GeneratorError, match="is a file"):
        output.write(tmp_path / "site", {"a": "1"})


def test_what_cannot_be_written_is_said(tmp_path):
    output.write(tmp_path, {"a": "1"})
    with pytest.raises(GeneratorError, match="so the site is not whole"):
        output.write(tmp_path, {"a": "1", "a/b": "2"})
