r"""
# Commits

A real repository, where git is installed.
"""

import subprocess

import pytest

from docs_gen.reading import commits
from docs_gen.reading.commits import Commits, blob
from tests.programs import needs_program

WHO = ("-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A repository of two files"""
    git = needs_program("git")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    (tmp_path / "in").mkdir()
    (tmp_path / "in/é b.py").write_bytes(b"x = 1\n")
    (tmp_path / "a.py").write_bytes(b"y = 1\n")
    for words in (("init", "-q"), ("add", "."), (*WHO, "commit", "-q", "-m", "one")):
        subprocess.run([git, "-C", str(tmp_path), *words], check=True)
    return tmp_path


def test_the_hash_of_a_content_is_gits():
    # As `printf 'x = 1\n' | git hash-object --stdin` says
    assert blob(b"x = 1\n") == "7d4290a117a4ddcc11daae7ea675841033830c8f"


def test_files_are_as_they_were_committed_or_not(folder):
    found = Commits(folder / "in")
    assert len(found.name) == 12 and int(found.name, 16)
    assert found.has(folder / "in/é b.py") and found.has(folder / "a.py")
    (folder / "a.py").write_bytes(b"y = 2\n")
    (folder / "new.py").write_bytes(b"")
    assert found.has(folder / "in/é b.py")
    assert not found.has(folder / "a.py") and not found.has(folder / "new.py")


def test_ends_of_lines_of_windows_are_no_change(folder):
    (folder / "a.py").write_bytes(b"y = 1\r\n")
    assert Commits(folder).has(folder / "a.py")


def test_a_file_elsewhere_is_not_of_the_commit(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other") / "a.py"
    other.write_bytes(b"y = 1\n")
    assert not Commits(folder).has(other)


def test_what_a_repository_wants_to_be_run_is_not(folder):
    hook = folder / "hook.sh"
    hook.write_text(f"#!/bin/sh\ntouch '{folder}/was-run'\n")
    hook.chmod(0o755)
    for name in ("core.fsmonitor", "filter.x.clean", "filter.x.smudge"):
        subprocess.run(["git", "-C", str(folder), "config", name, str(hook)], check=True)
    (folder / ".gitattributes").write_text("*.py filter=x\n")
    (folder / "a.py").write_bytes(b"y = 3\n")
    assert Commits(folder).name
    assert not Commits(folder).has(folder / "a.py")
    assert not (folder / "was-run").exists()


def test_without_a_repository_or_git_there_is_no_commit(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    (tmp_path / "a.py").write_text("")
    assert Commits(tmp_path).name == "" and not Commits(tmp_path).has(tmp_path / "a.py")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert commits.git(tmp_path, "--version") == ""
