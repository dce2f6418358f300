r"""
# Roots

Names as scripts and folders without an `__init__.py` write them, and what Python imports by them.
"""

import subprocess
import sys

import pytest

from docs_gen.linking.links import Links
from docs_gen.linking.roots import Roots, outwards
from docs_gen.reading import source
from docs_gen.reading.parse import parse
from docs_gen.reading.scopes import references
from tests.docs_gen.linked import scripts, site, written
from tests.docs_gen.made_sites import write

# Three folders of scripts, of which one holds a package
FILES = {
    "ex/a/main.py": "import utils\nfrom utils import help\nfrom deep.run import go\nhelp()\ngo()\n",
    "ex/a/utils.py": "def help():\n    pass\n",
    "ex/a/deep/run.py": "from near import go\n",
    "ex/a/deep/near.py": "def go():\n    pass\n",
    "ex/b/main.py": "from utils import other\nimport lib.inner\nlib.inner.f()\nother()\n",
    "ex/b/utils.py": "def other():\n    pass\n",
    "ex/b/lib/__init__.py": "",
    "ex/b/lib/inner.py": "from .most import f\n",
    "ex/b/lib/most.py": "def f():\n    pass\n",
    "top/other/__init__.py": "",
    "top/other/k.py": "class K:\n    pass\n",
    "top/pkg/m.py": "from top.other.k import K\nfrom ..other import k\nimport top.other.k\nK()\n"
    "top.other.k.K()\nk.K()\n",
}


def linked(folder, *paths):
    """Where the names in the code of each page lead"""
    write(folder, FILES)
    modules = [parse(found) for found in source.find([folder / path for path in paths])]
    links = Links({module.source.name: module for module in modules})
    return {
        module.source.url: [(written(module, r), links.code(module, r)) for r in references(module)]
        for module in modules
    }


def test_scripts_find_what_lies_beside_them(tmp_path):
    found = linked(tmp_path, "ex/a", "ex/b")
    help, go = "utils.html#help", "deep/near.html#go"
    assert found["a/main.html"] == [
        ("utils", "utils.html"), ("utils", "utils.html"), ("help", help),
        ("deep.run", "deep/run.html"), ("go", go), ("help", help), ("go", go),
    ]  # fmt: skip
    assert found["a/deep/run.html"] == [("near", "near.html"), ("go", "near.html#go")]
    other, f = "utils.html#other", "lib/most.html#f"
    assert found["b/main.html"] == [
        ("utils", "utils.html"), ("other", other), ("lib.inner", "lib/inner.html"),
        ("lib", "lib/index.html"), ("inner", "lib/inner.html"), ("f", f), ("other", other),
    ]  # fmt: skip
    # One folder by itself has the same links, though its names are shorter.
    assert linked(tmp_path, "ex/a").items() <= found.items()


def test_python_finds_what_lies_beside_a_script(tmp_path):
    write(tmp_path, FILES | {"ex/a/deep/main.py": "from near import go\nprint(go.__module__)\n"})
    script = tmp_path / "ex/a/deep/main.py"
    done = subprocess.run([sys.executable, script], capture_output=True, check=True)
    assert done.stdout.decode().split() == ["near"]


def test_a_folder_may_be_imported_by_its_own_name(tmp_path):
    found = linked(tmp_path, "top")
    page, kind = "../other/k.html", "../other/k.html#K"
    assert found["top/pkg/m.html"] == [
        ("top.other.k", page), ("K", kind), ("..other", "../other/index.html"), ("k", page),
        ("top.other.k", page), ("K", kind), ("top", None), ("other", "../other/index.html"),
        ("k", page), ("K", kind), ("k", page), ("K", kind),
    ]  # fmt: skip


def test_python_imports_a_folder_by_its_own_name(tmp_path):
    write(tmp_path, FILES)
    code = "import top.pkg.m as m; print(m.K.__module__, m.k.__name__)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, check=True
    )
    assert done.stdout.decode().split() == ["top.other.k"] * 2


@pytest.mark.parametrize(
    "dotted, module, known",
    [
        ("utils.x", "a.main", ["a.utils.x", "utils.x"]),
        ("utils.x", "a.deep.run", ["a.deep.utils.x", "a.utils.x", "utils.x"]),
        ("utils.x", "b.main", ["utils.x"]),
        ("utils.x", "", ["utils.x"]),
        ("os.path", "a.main", ["os.path"]),
        # An own name, though a folder is called as the one around it
        ("a.main.x", "a.main", ["a.main.x"]),
    ],
)
def test_readings_of_a_name(dotted, module, known):
    names = ("a/main.py", "a/utils.py", "a/deep/run.py", "a/deep/utils.py", "b/main.py")
    links = scripts(dict.fromkeys(names, ""))
    assert list(Roots(links.modules).readings(dotted, module)) == known


def test_modules_of_a_package_do_not_find_what_lies_beside_them():
    roots = Roots(site({"p.": "", "p.json": "", "p.a": "", "p.in.b": "", "p.in.json": ""}).modules)
    for module in ("p", "p.a", "p.in.b"):
        assert list(roots.readings("json.dumps", module)) == ["json.dumps"]


def test_names_around_a_name():
    assert list(outwards("a.b.c")) == ["a.b.c", "a.b", "a"] and list(outwards("")) == []
