r"""
# Architecture

Data flows one way: building blocks, models, options, runs, experiments. This test reads the
imports and holds them to the table. A package that the table does not name is an error too. And
every page has a twin, a test at the mirrored place.
"""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("labnn", "experiments", "docs_gen")

# One building block a page
BLOCKS = {"torch", "numpy", "einops", "tokenizers", "sentencepiece"}
# Blocks of one family
FAMILY = {"torch", "einops", "labnn.layers"}
# What a complete network is made of
PARTS = {"labnn.layers", "labnn.losses", "labnn.transformers", "labnn.recurrent"}
# Everything that knows nothing of labml
LIBRARY = PARTS | {"labnn.optimizers", "labnn.tokenizers", "labnn.data", "labnn.models"}
TORCH = {"torch", "numpy", "einops"}

# What each package may import besides itself and the standard library
ALLOWED = {
    "labnn.__init__": set(),
    "labnn.layers": BLOCKS,
    "labnn.losses": BLOCKS,
    "labnn.optimizers": BLOCKS,
    "labnn.tokenizers": BLOCKS,
    "labnn.transformers": FAMILY,
    "labnn.recurrent": FAMILY,
    "labnn.data": {"torch", "numpy", "h5py", "datasets", "labnn.tokenizers"},
    "labnn.generation": {"torch"},
    "labnn.models": {"torch", "einops"} | PARTS,
    "labnn.pretrained": TORCH | LIBRARY | {"safetensors"},
    "labnn.distributed": TORCH | LIBRARY | {"safetensors"},
    "labnn.configs": TORCH
    | LIBRARY
    | {
        "labnn.generation",
        "labnn.pretrained",
        "labnn.distributed",
        "labml",
        "labml_helpers",
        "omegaconf",
        "yaml",
    },
    "labnn.runs": {
        "labnn.__version__",
        "torch",
        "numpy",
        "labnn.configs",
        "labnn.data",
        "labnn.tokenizers",
        "labml",
        "safetensors",
        "rich",
        "yaml",
        "tensorboard",
        "docs_gen.records.results",
        "docs_gen.records.shown",
        "docs_gen.records.curves",
    },
    "labnn.cli": {"labnn", "rich", "yaml", "docs_gen.records.results"},
    "experiments": {"torch", "labnn", "labml", "labml_helpers"},
    "docs_gen": {
        "markdown_it",
        "mdit_py_plugins",
        "math_core",
        "pygments",
        "jinja2",
        "markupsafe",
        "babel",
        "yaml",
        "selectolax",
        "imagesize",
        "watchfiles",
    },
}
# Experiments are leaves: none imports another.
LEAVES = {"experiments"}


def within(name: str, package: str) -> bool:
    """`labnn.data.text` is in `labnn.data`; `labnn.dataset` is not."""
    return name == package or name.startswith(package + ".")


def imports(module: str, source: str):
    """The full name of everything that a module imports."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join(module.split(".")[: -node.level] + ([base] if base else []))
            # `from labnn import layers` is about `labnn.layers`.
            if base.split(".")[0] in FOLDERS and (ROOT / base.replace(".", "/")).is_dir():
                yield from (f"{base}.{alias.name}" for alias in node.names)
            else:
                yield base


def complaints(module: str, source: str):
    """What a module imports and may not."""
    package = max((p for p in ALLOWED if within(module, p)), key=len, default=None)
    if package is None:
        yield f"{module} belongs to no package of the table"
        return
    own = set() if package in LEAVES else {package}
    for name in imports(module, source):
        free = name.split(".")[0] in sys.stdlib_module_names
        if not free and not any(within(name, a) for a in ALLOWED[package] | own):
            yield f"{module} imports {name}"


def test_imports_go_one_way():
    wrong = []
    for path in sorted(p for folder in FOLDERS for p in (ROOT / folder).rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        wrong += complaints(module, path.read_text())
    assert not wrong, "\n".join(wrong)


def test_a_forbidden_import_is_found():
    assert list(complaints("labnn.layers.dropout", "from labml import tracker"))
    assert list(complaints("labnn.layers.dropout", "from labnn import models"))
    assert list(complaints("labnn.layers.dropout", "from ..models import bert"))
    assert list(complaints("experiments.mlm", "from experiments.bert import main"))
    assert list(complaints("docs_gen.pages.site", "import torch"))
    assert list(complaints("labnn.extra.page", ""))
    assert not list(complaints("labnn.layers.dropout", "import math\nfrom torch import nn"))


# Packages that a person can copy out of the library, without labml
BLOCK_FOLDERS = (
    "layers",
    "losses",
    "transformers",
    "recurrent",
    "models",
    "optimizers",
    "tokenizers",
    "data",
    "generation",
)

# Imports every page of the packages that it is given, where labml cannot be found.
WITHOUT_LABML = """
import importlib, pkgutil, sys

class NotInstalled:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("labml", "labml_helpers", "omegaconf", "rich"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, NotInstalled())
pages = []
for package in sys.argv[1:]:
    module = importlib.import_module(package)
    for page in pkgutil.walk_packages(module.__path__, package + "."):
        importlib.import_module(page.name)
        pages.append(page.name)
print(*pages, sep="\\n")
"""


def run_without_labml(*packages):
    """Another process that imports packages; what it prints and how it ends"""
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_LABML, *packages],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )


def pages(*folders):
    """The path of every page, from the root"""
    found = [p.relative_to(ROOT) for folder in folders for p in (ROOT / folder).rglob("*.py")]
    return sorted(p for p in found if p.name != "__init__.py")


@pytest.mark.slow
def test_blocks_can_be_imported_without_labml():
    folders = [f"labnn/{name}" for name in BLOCK_FOLDERS if (ROOT / "labnn" / name).is_dir()]
    done = run_without_labml(*(folder.replace("/", ".") for folder in folders))
    assert done.returncode == 0, done.stderr
    imported = {Path(*name.split(".")).with_suffix(".py") for name in done.stdout.split()}
    # No page was passed over.
    assert set(pages(*folders)) <= imported


@pytest.mark.slow
def test_an_import_of_labml_would_be_found():
    done = run_without_labml("labnn.configs")
    assert done.returncode == 1 and "No module named 'labml" in done.stderr


def twin(page):
    """Where the test of a page stands"""
    folder = page.parent.relative_to("labnn") if page.parts[0] == "labnn" else page.parent
    return Path("tests", folder, f"test_{page.name.strip('_')}".replace("__.py", ".py"))


def test_every_page_has_a_twin():
    missing = [str(p) for p in pages(*FOLDERS) if not (ROOT / twin(p)).is_file()]
    assert not missing, f"pages without a twin: {', '.join(missing)}"


def test_where_twins_stand():
    for page, path in (
        ("labnn/transformers/mha.py", "tests/transformers/test_mha.py"),
        ("labnn/cli.py", "tests/test_cli.py"),
        ("experiments/mlm.py", "tests/experiments/test_mlm.py"),
        ("docs_gen/__main__.py", "tests/docs_gen/test_main.py"),
    ):
        assert twin(Path(page)) == Path(path)


@pytest.mark.parametrize(
    "folder", ["transformers", "configs", "data", "experiments", "docs_gen/pages"]
)
def test_test_folders_are_packages(folder):
    # Two tests of one name in different folders would hide each other.
    assert (ROOT / "tests" / folder / "__init__.py").is_file()
