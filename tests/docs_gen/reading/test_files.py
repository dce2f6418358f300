r"""
# Files

Which files a path holds, with links of all kinds in it.
"""

import importlib.util
import os

import pytest

from docs_gen.parts import GeneratorError
from docs_gen.reading.files import below, refuse, shown


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Files below a folder that is the working directory, and links by their targets"""
    monkeypatch.chdir(tmp_path)

    def write(*names, **links):
        for path in map(tmp_path.joinpath, names):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        for name, target in links.items():
            link = tmp_path / name.replace("__", "/")
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(target)
        return tmp_path

    return write


def names(root, path, patterns=()):
    return sorted(file.relative_to(root).as_posix() for file in below(root / path, patterns))


INIT = ("p/__init__.py", "p/a.py")


def test_a_package_that_is_linked_from_elsewhere_is_shown(tree, monkeypatch):
    root = tree(*INIT, "out/q/__init__.py", "out/q/b.py", "out/q/in/c.py", p__sub="../out/q")
    linked = ["p/sub/__init__.py", "p/sub/b.py", "p/sub/in/c.py"]
    assert names(root, "p") == [*sorted(INIT), *linked]
    # It is a part of the package for Python too.
    monkeypatch.syspath_prepend(root)
    assert os.path.samefile(importlib.util.find_spec("p.sub.b").origin, root / "p/sub/b.py")


def test_what_is_linked_within_a_path_is_shown_once(tree):
    root = tree(*INIT, "p/sub/__init__.py", p__again="sub", p__more="./sub")
    assert names(root, "p") == ["p/__init__.py", "p/a.py", "p/sub/__init__.py"]


def test_a_folder_that_is_hidden_is_shown_where_it_is_linked(tree):
    root = tree(*INIT, "p/.store/v1/b.py", p__sub=".store/v1", p__then=".store/v1")
    assert names(root, "p") == ["p/__init__.py", "p/a.py", "p/sub/b.py"]


def test_circles_end(tree):
    root = tree(*INIT, "p/sub/__init__.py", "out/__init__.py", "out/b.py")
    for link, target in (("p/up", ".."), ("p/self", "."), ("p/sub/top", ".."), ("p/far", "../out")):
        (root / link).symlink_to(target)
    (root / "out/back").symlink_to("../p")
    (root / "out/own").symlink_to(".")
    (root / "__init__.py").touch()
    assert names(root, "p") == [
        "p/__init__.py", "p/a.py", "p/far/__init__.py", "p/far/b.py", "p/sub/__init__.py"
    ]  # fmt: skip


def test_part_of_a_linked_folder_comes_once(tree):
    root = tree(*INIT, "out/__init__.py", "out/sub/__init__.py", p__c="../out/sub", p__d="../out")
    assert names(root, "p") == ["p/__init__.py", "p/a.py", "p/c/__init__.py", "p/d/__init__.py"]


def test_a_link_to_anything_else_is_not_followed(tree):
    root = tree(*INIT, "out/data/b.py", p__data="../out/data", p__all="/", p__none="nowhere")
    assert names(root, "p") == ["p/__init__.py", "p/a.py"]


def test_a_link_is_left_out_like_any_folder(tree):
    root = tree(*INIT, "out/__init__.py", p__old="../out")
    assert names(root, "p", ["old"]) == ["p/__init__.py", "p/a.py"]


def test_a_path_may_be_a_link_itself(tree):
    root = tree(*INIT, q="p")
    assert names(root, "q") == ["q/__init__.py", "q/a.py"]


def test_one_file_is_itself(tree):
    root = tree("a.py", "b.txt")
    assert list(below(root / "a.py", ["a.py"])) == [root / "a.py"]
    with pytest.raises(GeneratorError, match="^b.txt: neither a folder nor a Python file$"):
        list(below(root / "b.txt", []))


def test_paths_are_shown_as_they_would_be_typed(tree, tmp_path_factory):
    root, other = tree("a.py"), tmp_path_factory.mktemp("other")
    assert shown(root / "a.py") == "a.py" and shown(other) == other.as_posix()


def test_what_the_system_refuses_is_a_mistake(tree):
    path = tree("a/x.py") / "a"
    with pytest.raises(GeneratorError, match="^a: Permission denied$"):
        refuse(PermissionError(13, "Permission denied", str(path)))
