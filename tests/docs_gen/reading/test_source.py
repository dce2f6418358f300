r"""
# Source

Names and addresses are those that Python and a browser would use, whatever folder a path begins in.
"""

import importlib.util
import os

import pytest

from docs_gen.parts import GeneratorError
from docs_gen.reading.source import find


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Write files below a folder that is the working directory: `tree("a/b.py", ...)`"""
    monkeypatch.chdir(tmp_path)

    def write(*names, content=b""):
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return tmp_path

    return write


PACKAGE = ("lab/__init__.py", "lab/layers/__init__.py", "lab/layers/dropout.py", "lab/util.py")


def told(sources):
    return [(s.name, s.path, s.url) for s in sources]


def test_a_package_is_named_as_python_imports_it(tree):
    root = tree(*PACKAGE)
    assert told(find([root / "lab"])) == [
        ("lab", "lab/__init__.py", "lab/index.html"),
        ("lab.layers", "lab/layers/__init__.py", "lab/layers/index.html"),
        ("lab.layers.dropout", "lab/layers/dropout.py", "lab/layers/dropout.html"),
        ("lab.util", "lab/util.py", "lab/util.html"),
    ]


def test_python_finds_a_module_by_its_name(tree, monkeypatch):
    root = tree("labx/__init__.py", "labx/a/__init__.py", "labx/a/b.py", "labx/plain/c.py")
    monkeypatch.syspath_prepend(root)
    for source in find([root / "labx"]):
        assert os.path.samefile(importlib.util.find_spec(source.name).origin, source.path)


@pytest.mark.parametrize("path", ["lab/layers", "lab/layers/dropout.py", "lab/util.py"])
def test_a_part_of_a_package_has_the_names_of_the_whole(tree, path):
    root = tree(*PACKAGE)
    whole = told(find([root / "lab"]))
    part = told(find([root / path]))
    assert part and part == [file for file in whole if file[1].startswith(path)]


def test_a_folder_without_init_is_the_first_part_of_the_address_only(tree):
    root = tree("tools/make.py", "tools/deep/run.py", "tools/src/lib/__init__.py", "tools/src/x.py")
    found = {s.path: (s.name, s.url) for s in find([root / "tools"])}
    assert found == {
        "tools/make.py": ("make", "tools/make.html"),
        "tools/deep/run.py": ("deep.run", "tools/deep/run.html"),
        # A package is imported from the folder that it lies in.
        "tools/src/lib/__init__.py": ("lib", "tools/src/lib/index.html"),
        "tools/src/x.py": ("src.x", "tools/src/x.html"),
    }
    assert told(find([root / "tools/make.py"])) == [("make", "tools/make.py", "tools/make.html")]


def test_paths_are_given_in_any_form(tree, monkeypatch, tmp_path_factory):
    root = tree(*PACKAGE)
    expected = told(find([root / "lab"]))
    monkeypatch.chdir(root / "lab")
    forms = [".", "../lab", "layers/.."]
    assert [[t[::2] for t in told(find([form]))] for form in forms] == [
        [t[::2] for t in expected]
    ] * 3
    assert find(["."])[3].path == "util.py"
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert find([root / "lab"])[3].path == (root / "lab/util.py").as_posix()


def test_hidden_cached_installed_and_other_files_are_left_out(tree):
    root = tree(
        "a/x.py", "a/.hidden.py", "a/.git/y.py", "a/__pycache__/z.py", "a/text.txt", "a/old.pyc",
        "a/venv/pyvenv.cfg", "a/venv/lib/w.py",
    )  # fmt: skip
    (root / "a/folder.py").mkdir()
    (root / "a/dangling.py").symlink_to("nothing")
    (root / "a/again").symlink_to("..")
    assert [s.path for s in find([root / "a"])] == ["a/x.py"]


@pytest.mark.parametrize(
    "pattern, left",
    [
        ("tests", ["a/data/x.py", "a/test_y.py", "a/y.py"]),
        ("data/*.py", ["a/tests/x.py", "a/test_y.py", "a/y.py"]),
        ("test_*.py", ["a/data/x.py", "a/tests/x.py", "a/y.py"]),
        ("a/*/x.py", ["a/test_y.py", "a/y.py"]),
        ("*", []),
        ("", ["a/data/x.py", "a/tests/x.py", "a/test_y.py", "a/y.py"]),
    ],
)
def test_patterns_are_excluded_by_the_end_of_a_path(tree, pattern, left):
    root = tree("a/data/x.py", "a/tests/x.py", "a/test_y.py", "a/y.py")
    if not left:
        with pytest.raises(GeneratorError, match="^a: no Python file in it$"):
            find([root / "a"], [pattern])
    else:
        assert {s.path for s in find([root / "a"], [pattern])} == {*left}


def test_a_path_that_is_given_is_not_excluded_itself(tree):
    root = tree("tests/x.py")
    assert find([root / "tests"], ["tests"]) == find([root / "tests"])


def test_the_order_does_not_depend_on_the_file_system(tree):
    names = [f"p/{n}" for n in ("b.py", "a_b.py", "a/c.py", "a/__init__.py", "__init__.py", "B.py")]
    root = tree(*reversed(names))
    assert [s.name for s in find([root / "p"])] == ["p", "p.B", "p.a", "p.a.c", "p.a_b", "p.b"]
    tree("o/x.py")
    assert [s.name for s in find([root / "p", root / "o"])][-1] == "x"
    assert [s.name for s in find([root / "o", root / "p"])][0] == "x"


def test_a_file_of_two_paths_comes_once(tree):
    root = tree(*PACKAGE)
    once = told(find([root / "lab"]))
    assert told(find([root / "lab", root / "lab/layers", root / "lab/util.py"])) == once


def test_a_module_called_index_leaves_the_place_to_its_package(tree):
    root = tree("p/__init__.py", "p/index.py")
    assert [s.url for s in find([root / "p"])] == ["p/index.html", "p/index-module.html"]


@pytest.mark.parametrize(
    "files, paths, message",
    [
        (["p.py", "p/__init__.py"], ["."], "p/__init__.py and p.py are both p;"),
        (["a/t/x.py", "b/t/y.py"], ["a/t", "b/t"], ""),
        (["a/t/x.py", "b/t/x.py"], ["a/t", "b/t"], "a/t/x.py and b/t/x.py are both x;"),
        (["p/__init__.py", "q/p/y.py", "p/y.py"], ["p", "q/p"], "p/y.py and q/p/y.py are both p/y"),
    ],
)
def test_two_files_of_one_name_or_address_are_refused(tree, files, paths, message):
    tree(*files)
    if not message:
        assert len(find(paths)) == len(files)
    else:
        with pytest.raises(GeneratorError) as error:
            find(paths)
        assert sorted(message.partition(" are")[0].split(" and ")) == sorted(
            str(error.value).partition(" are")[0].split(" and ")
        )
        assert message.partition(" are")[2] in str(error.value)


def test_scripts_of_one_name_are_told_apart_by_their_folders(tree):
    tree(
        "ex/a/main.py", "ex/a/utils.py", "ex/b/main.py", "ex/b/lib/__init__.py", "c/x.py",
        "p/__init__.py", "p/main.py", "d/p/__init__.py",
    )  # fmt: skip
    found = {s.url: (s.name, s.folder) for s in find(["ex/a", "ex/b", "c", "p", "d"])}
    assert found == {
        "a/main.html": ("a.main", "a"),
        # A name does not depend on which of the others clash.
        "a/utils.html": ("a.utils", "a"),
        "b/main.html": ("b.main", "b"),
        "b/lib/index.html": ("b.lib", "b"),
        "c/x.html": ("x", "c"),
        # What is imported as a package keeps its name.
        "p/index.html": ("p", ""),
        "p/main.html": ("p.main", ""),
        "d/p/index.html": ("d.p", "d"),
    }
    assert [s.name for s in find(["ex/a", "c"])] == ["main", "utils", "x"]


@pytest.mark.parametrize(
    "path, message",
    [
        ("missing", "missing: no such file or folder"),
        ("text.txt", "text.txt: neither a folder nor a Python file"),
        ("link", "link: neither a folder nor a Python file"),
        ("empty", "empty: no Python file in it"),
    ],
)
def test_a_path_without_python_is_a_mistake(tree, path, message):
    root = tree("text.txt", "empty/text.txt")
    (root / "link").symlink_to("nothing")
    with pytest.raises(GeneratorError) as error:
        find([root / path])
    assert str(error.value) == message


def test_nothing_at_all_is_a_mistake():
    with pytest.raises(GeneratorError, match="nothing to build"):
        find([])


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
@pytest.mark.parametrize("name", ["a/x.py", "a/b"])
def test_what_may_not_be_read_is_a_mistake(tree, name):
    root = tree("a/x.py", "a/b/y.py")
    (root / name).chmod(0)
    with pytest.raises(GeneratorError, match=f"^{name}: Permission denied$"):
        find([root / "a"])
    (root / name).chmod(0o700)


@pytest.mark.parametrize("name", ["a#b.py", "a?b.py", "50%.py", "a\nb.py", "a\\b.py", "\udcff.py"])
def test_a_name_that_makes_no_address_is_a_mistake(tree, name):
    root = tree("a/" + name)
    with pytest.raises(GeneratorError) as error:
        find([root / "a"])
    assert "no address" in str(error.value) and str(error.value).isprintable()
    str(error.value).encode()


@pytest.mark.parametrize(
    "content, text",
    [
        (b"", ""),
        ("x = 'é'\n".encode(), "x = 'é'\n"),
        (b"\xef\xbb\xbfx = 1\n", "x = 1\n"),
        (b"# coding: latin-1\n# \xe9\n", "# coding: latin-1\n# é\n"),
        (b"#!/bin/x\r# -*- coding: cp1252 -*-\r# \x80\r", None),
        (b"a\r\nb\rc\x0c\n", "a\r\nb\rc\x0c\n"),
        # What Python would refuse, byte by byte
        (b"x\n# \xe9\n", "x\n# \udce9\n"),
        (b"# coding: ascii\n# \xc3\xa9\n", "# coding: ascii\n# \udcc3\udca9\n"),
        (b"# coding: nonsense\n", "# coding: nonsense\n"),
        (b"# coding: rot13\n", "# coding: rot13\n"),
        (b"\xef\xbb\xbf# coding: latin-1\n", "# coding: latin-1\n"),
    ],
)
def test_text_is_decoded_as_python_does_it(tree, content, text):
    root = tree("x.py", content=content)
    if text is None:
        text = content.decode("cp1252")
    assert find([root / "x.py"])[0].text == text
