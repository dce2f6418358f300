r"""
# Command Line

What a person sees, in a process of its own where that matters.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from docs_gen.__main__ import main
from tests.docs_gen.made_sites import write

ROOT = Path(__file__).parent.parent.parent
FILES = {"pack/__init__.py": '"""\n# Pack\n"""\n', "pack/a.py": '"""\n# A\n"""\n'}
FAULTY = {"pack/b.py": '"""\n# B\n\n[x](none.html)\n\n[y](none.html#a)\n"""\n'}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return write(tmp_path, FILES)


def test_a_build_says_what_it_made(folder, capsys):
    assert main(["build", "pack", "-o", "site"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("4 pages in site, ") and not err
    assert (folder / "site/en/pack/a.html").is_file()


def test_a_fault_stops_a_build_and_leaves_the_last_site(folder, capsys):
    main(["build", "pack", "-o", "site"])
    before = (folder / "site/en/pack/a.html").read_bytes()
    write(folder, FAULTY | {"pack/a.py": '"""\n# Changed\n"""\n'})
    assert main(["build", "pack", "-o", "site"]) == 1
    (told,) = capsys.readouterr().err.splitlines()
    assert told == "pack/b.py:4: there is no page none.html; 1 more, --keep-going lists them"
    assert (folder / "site/en/pack/a.html").read_bytes() == before


def test_a_build_that_keeps_going_lists_all_faults(folder, capsys):
    write(folder, FAULTY)
    assert main(["build", "pack", "-o", "site", "--keep-going"]) == 1
    told = capsys.readouterr().err.splitlines()
    assert [line.split(": ")[0] for line in told] == ["pack/b.py:4", "pack/b.py:6"]
    assert (folder / "site/en/pack/b.html").is_file()


def test_check_writes_nothing(folder, capsys):
    assert main(["check", "pack"]) == 0
    assert capsys.readouterr() == ("", "4 pages, 0 problems\n")
    write(folder, FAULTY)
    assert main(["check", "pack"]) == 1
    assert capsys.readouterr().out.startswith("pack/b.py:4: there is no page none.html")
    assert sorted(p.name for p in folder.iterdir()) == ["pack"]


@pytest.mark.parametrize(
    "words, what",
    [
        (["build", "none", "-o", "site"], "none"),
        (["build", "pack", "-o", "pack"], "holds no site"),
        (["build", "pack", "-o", "site", "--locale", "none"], "none"),
        (["build", "pack", "-o", "site", "--records", "none"], "none"),
        (["i18n", "status", "pack"], "--locale"),
        (["check", "pack", "--released", "none.json"], "none.json"),
    ],
)
def test_a_mistake_is_one_line_and_two(folder, capsys, words, what):
    assert main(words) == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith("docs_gen: ") and what in told
    assert sorted(p.name for p in folder.iterdir()) == ["pack"]


def test_translators_begin_a_page_and_count(folder, capsys):
    (folder / "locale/zh").mkdir(parents=True)
    asked = ["pack", "--locale", "locale"]
    assert main(["i18n", "update", *asked, "--page", "pack.a"]) == 0
    assert 'msgid "# A"' in (folder / "locale/zh/pack.a.po").read_text()
    assert main(["i18n", "lint", *asked]) == 0
    (folder / "locale/zh/complete.txt").write_text("pack.a\n")
    capsys.readouterr()
    assert main(["i18n", "status", *asked, "--min", "100"]) == 1
    assert "pack.a is translated to 0 %, not 100 %" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["build"], ["build", "x"], ["nothing"], ["i18n", "x", "y"]])
def test_what_is_no_command_is_refused(words, capsys):
    with pytest.raises(SystemExit) as e:
        main(words)
    assert e.value.code == 2
    assert capsys.readouterr().err.startswith("usage: python -m docs_gen")


def test_every_command_has_help(capsys):
    for command in ("build", "serve", "check", "i18n"):
        with pytest.raises(SystemExit) as e:
            main([command, "--help"])
        assert e.value.code == 0
        assert "PATH" in capsys.readouterr().out


def test_what_is_not_installed_is_named(folder):
    code = "import sys; sys.modules['jinja2'] = None; import docs_gen.__main__"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env={"PYTHONPATH": str(ROOT)}, capture_output=True
    )
    told = b"docs_gen: jinja2 is not installed; pip install 'labnn[docs]'\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, b"", told)


def test_it_needs_nothing_of_what_it_shows(folder):
    # Neither torch nor labml is loaded, and the module that is shown is not run.
    write(folder, {"pack/a.py": '"""\n# A\n"""\n\nraise SystemExit(7)\n'})
    code = "import sys; from docs_gen.__main__ import main; r = main(sys.argv[1:]); "
    code += "sys.exit(r or any(n in sys.modules for n in ('torch', 'labml', 'labnn', 'pack')))"
    words = [sys.executable, "-c", code, "build", "pack", "-o", "site"]
    done = subprocess.run(words, cwd=folder, env={"PYTHONPATH": str(ROOT)}, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
