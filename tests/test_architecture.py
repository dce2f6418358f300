r"""
# Architecture

Data flows one way: building blocks, models, options, runs, experiments. This test reads the
imports and holds them to the table. A package that the table does not name is an error too.
"""

import ast
import sys
from pathlib import Path

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
        "labml",
        "safetensors",
        "rich",
        "yaml",
        "tensorboard",
    },
    "labnn.cli": {"labnn", "rich", "yaml", "docs_gen.results"},
    "experiments": {"torch", "labnn", "labml", "labml_helpers"},
    "docs_gen": {
        "markdown_it",
        "mdit_py_plugins",
        "math_core",
        "pygments",
        "jinja2",
        "markupsafe",
        "babel",
        "polib",
        "yaml",
        "selectolax",
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
            if base in FOLDERS:
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
    assert list(complaints("docs_gen.site", "import torch"))
    assert list(complaints("labnn.extra.page", ""))
    assert not list(complaints("labnn.layers.dropout", "import math\nfrom torch import nn"))
