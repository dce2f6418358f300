r"""
# Security

A file that was made by somebody else may be wrong; it must not run. Whatever turns data into code
is not used on any page: pickles and what is made of them, and the evaluation of texts.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("labnn", "experiments", "docs_gen")

# Modules whose files can hold code
MODULES = {
    *("pickle", "_pickle", "cPickle", "pickletools", "marshal", "shelve"),
    *("joblib", "dill", "cloudpickle"),
}
# What reads or writes a pickle, or a text that is code, by another name
FUNCTIONS = {
    *("torch.load", "torch.save", "torch.jit.load", "torch.hub.load", "torch.package"),
    *("numpy.load", "np.load", "pandas.read_pickle", "pd.read_pickle"),
    *("yaml.unsafe_load", "yaml.unsafe_load_all", "yaml.full_load", "yaml.UnsafeLoader"),
    *("yaml.FullLoader", "yaml.Loader", "yaml.CLoader"),
    *("os.system", "os.popen", "runpy.run_path", "code.interact"),
}
BUILTINS = ("eval", "exec", "__import__")


def full_name(node):
    """`a.b.c` of an expression, as far as it is that"""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.insert(0, node.attr)
        node = node.value
    return ".".join([node.id, *parts]) if isinstance(node, ast.Name) else ""


def complaints(source):
    """What a page uses and must not"""
    for node in ast.walk(ast.parse(source)):
        found = []
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Attribute):
            found = [full_name(node)]
        elif isinstance(node, ast.Name) and node.id in BUILTINS:
            found = [f"builtins.{node.id}"]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found = [node.value] if node.value in MODULES else []
        elif isinstance(node, ast.Call):
            options = {keyword.arg: keyword.value for keyword in node.keywords}
            for option, wrong in (("allow_pickle", True), ("shell", True), ("weights_only", False)):
                if getattr(options.get(option), "value", None) is wrong:
                    found = [f"builtins.{option}"]
        for name in found:
            top = name.split(".")[0]
            if top in (*MODULES, "builtins") or name in FUNCTIONS:
                yield f"{node.lineno}: {name}"


PAGES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


def test_no_page_turns_data_into_code():
    assert len(PAGES) > 60
    found = [
        f"{path.relative_to(ROOT)}:{what}"
        for path in PAGES
        for what in complaints(path.read_text())
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "import pickle as p",
        "from pickle import loads",
        "import os, marshal",
        "import shelve",
        "import joblib.numpy_pickle",
        "def f():\n    from cloudpickle import dumps",
        "importlib.import_module('pickle')",
        "torch.load(path)",
        "save = torch.save",
        "from torch import load",
        "np.load(path, allow_pickle=True)",
        "archive(path, allow_pickle=True)",
        "eval(text)",
        "list(map(eval, texts))",
        "exec(compile(text, '', 'exec'))",
        "import builtins; builtins.exec(text)",
        "__import__(name)",
        "yaml.load(text, Loader=yaml.FullLoader)",
        "from yaml import UnsafeLoader",
        "yaml.unsafe_load(text)",
        "subprocess.run(words, shell=True)",
        "os.system(words)",
        "read(path, weights_only=False)",
    ],
)
def test_a_page_that_did_would_be_found(source):
    assert [*complaints(source)]


@pytest.mark.parametrize(
    "source",
    [
        "model.eval()",
        "'nothing is pickled'",
        "safetensors.torch.load(data)",
        "checkpoint.load(folder); json.loads(text)",
        "yaml.load(text, Loader=yaml.CSafeLoader)",
        "yaml.load(text, yaml.SafeLoader)",
        "yaml.load(text, yaml.BaseLoader)",
        "re.compile(text)",
        "torch.compile(model)",
        "subprocess.run(words, shell=False)",
    ],
)
def test_what_is_harmless_is_not_found(source):
    assert not [*complaints(source)]
