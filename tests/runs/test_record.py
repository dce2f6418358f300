import hashlib
import json
import os
import re
import shutil

import pytest

from docs_gen.records import results
from labnn.runs import record as page
from labnn.runs.folders import RunError
from labnn.runs.record import imported, modules, record
from tests.runs.made_runs import made
from tests.runs.processes import ROOT, folder, fresh, mlm, only_run, run

GOLDEN = ROOT / "tests/golden/record/record.json"
# What the golden record was made of, in full: other tests may change what a made run is by itself
INFO = {
    "name": "mlm",
    "entry": "experiments.tiny:Configs",
    "commit": "27c67cb2f0d54e9a27c67cb2f0d54e9a27c67cb2",
    "is_dirty": True,
    "command": ["tiny.py", "d_model=14", "text.path=/home/anna/my books/text.txt"],
    "overrides": {"d_model": 14, "epochs": 2, "text.path": "/home/anna/my books/text.txt"},
    "asked": ["d_model", "text.path"],
    "options": {"d_model": 14, "epochs": 2, "seed": 5, "mask_token": None, "prompt": ["<b> & 'x'"]},
    "environment": {"python": "3.11.7", "torch": "2.13.0", "threads": 1, "packages": {"a": "1"}},
    "data": {"name": "file", "source": "~/my books/text.txt", "sha256": "ab12"},
    "resumed": [{"time": 1795253450.5, "update": 6, "changes": {"epochs": [1, 2]}}],
}
STATUS = {
    "state": "stopped",
    "details": None,
    "update": 12,
    "step": 264,
    "best": {"metric": "loss.valid", "value": 2.2, "update": 12},
    "started": 1795253400.5,
    "seconds": 75.5,
}


def lines(path, objects):
    path.write_text("".join(json.dumps(line) + "\n" for line in objects))


def golden_run(cwd):
    """The run of the golden record"""
    metrics = []
    for n in range(1, 13):
        loss = 3.4 - n / 10 if n != 5 else None
        values = {"loss.train": loss, "accuracy.train": n / 37, "lr": n * 1e-5 / 3, "grad_norm": 1}
        speed = {"tokens_per_s": 13000.06 + n}
        metrics.append({"update": n, "step": 22 * n, **values, **speed, "param.x.mean": 0.5})
        if n % 4 == 0:
            values = {"loss.valid": 3.4 - n / 10, "accuracy.valid": n / 41}
            metrics.append({"update": n, "step": 22 * n, **values})
    path = made(cwd, "20261121-093000-1a2b", info=INFO, metrics=metrics, **STATUS)
    given = {"kind": "given", "text": "to <script>&\n", "truth": ""}
    lines(
        path / "samples.jsonl",
        [
            {"update": n, "step": 22 * n, "samples": [{"spans": [given, span]}]}
            for n, span in (
                (0, {"kind": "wrong", "text": " ", "truth": "b"}),
                (12, {"kind": "right", "text": "b", "truth": "b"}),
            )
        ],
    )
    return path


def source_tree(root):
    """A library of a few pages, with everything that an import can look like"""
    pages = {
        "labnn/__init__.py": '"""# labnn"""\n',
        "labnn/layers/__init__.py": "from labnn.layers.norm import Norm as Norm\n",
        "labnn/layers/norm.py": "class Norm:\n    pass\n",
        "labnn/runs/__init__.py": '"""# Runs"""\n',
        "labnn/runs/launch.py": "def f():\n    from . import late\n    from ..data.text import x\n",
        "labnn/runs/late.py": "import torch, labnn.data.other\n",
        "labnn/runs/unused.py": "",
        "labnn/data/text.py": "x = 1\n",
        "labnn/data/other.py": "import labnn.data.text\n",
        "experiments/__init__.py": "",
        "experiments/tiny.py": "from labnn.layers import Norm\nfrom labnn.runs.launch import f\n",
        "experiments/other.py": "",
    }
    for name, text in pages.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Runs below the working directory, and a library that is always the same"""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(page, "ROOT", source_tree(tmp_path / "library"))
    return tmp_path


def test_what_is_written_is_the_golden_record(tree):
    golden_run(tree)
    found, text = record(["2026", "kept/mlm"], {})
    assert text.splitlines()[0] == found["path"] == "kept/mlm/record.json"
    assert os.listdir("kept/mlm") == ["record.json"]
    content = (tree / "kept/mlm/record.json").read_bytes()
    assert found["bytes"] == len(content)
    assert content == GOLDEN.read_bytes()
    assert results.read(tree / "kept/mlm") == results.read(GOLDEN.parent)


def test_a_record_has_no_trace_of_the_machine_or_its_people(tree):
    secret = "/home/anna/secret"
    info = {
        "command": [f"{secret}/x.py", f"text.path={secret}/t.txt", f"--config={secret}/c.yaml"],
        "overrides": {"text.path": f"{secret}/t.txt"},
        "options": {"prompt": [f"read {secret}/a b"], "x": {"y": f'["{secret}/with space/f"]'}},
        "data": {"source": "https://anna:secret@example.org/t.txt"},
        "environment": {"python": "3.11.7", "cache": "C:\\Users\\anna\\secret\\c"},
        "resumed": [{"update": 2, "changes": {"text.path": [f"{secret}/a", "~anna/secret/b"]}}],
        "python_file": f"{secret}/x.py",
    }
    path = made(tree, info=info, state="failed", details=f"OSError: '{secret}/t.txt' is gone")
    (path / "run.lock").write_text('{"host": "anna-laptop", "pid": 5}')
    record(["2026", "kept"], {})
    text = (tree / "kept/record.json").read_text()
    assert "anna" not in text and "secret" not in text and str(tree) not in text
    for name in ("x.py", "t.txt", "c.yaml", "https://example.org/t.txt", "b"):
        assert re.search(rf"{re.escape(name)}['\"]", text), name


def test_an_existing_record_is_replaced_as_a_whole(tree):
    golden_run(tree)
    made(tree, "20271121-093000-1a2b", metrics=[])
    record(["2026", "kept"], {})
    (tree / "kept/.record.json.1").touch()
    record(["2027", "kept"], {})
    assert results.read(tree / "kept")["metrics"]["rows"] == []


def test_a_folder_with_anything_else_is_refused_and_left_alone(tree):
    golden_run(tree)
    (tree / "file").write_text("mine")
    (tree / "other").mkdir()
    (tree / "other/notes.txt").write_text("mine")
    (tree / "foreign").mkdir()
    (tree / "foreign/record.json").write_text('{"format": "of somebody else"}')
    (tree / "damaged").mkdir()
    (tree / "damaged/record.json").write_text("{")
    for name, why in (
        ("file", "is a file"),
        ("other", "holds notes.txt"),
        ("foreign", "is no record of labnn"),
        ("damaged", "is damaged"),
    ):
        before = sorted((p, p.read_bytes()) for p in tree.glob(f"{name}/*"))
        with pytest.raises(RunError, match=f"^[^\n]*{name}[^\n]*{why}[^\n]*$"):
            record(["2026", name], {})
        assert sorted((p, p.read_bytes()) for p in tree.glob(f"{name}/*")) == before
    assert (tree / "file").read_text() == "mine"


def test_no_link_is_followed_out_of_the_folder(tree):
    golden_run(tree)
    record(["2026", "elsewhere"], {})
    kept = (tree / "elsewhere/record.json").read_bytes()
    (tree / "kept").mkdir()
    (tree / "kept/record.json").symlink_to("../elsewhere/record.json")
    with pytest.raises(RunError, match="^kept/record.json is a link; [^\n]*$"):
        record(["2026", "kept"], {})
    (tree / "kept/record.json").unlink()
    # The name that the file has while it is written
    (tree / "kept" / f".record.json.{os.getpid()}").symlink_to("../elsewhere/record.json")
    (tree / "elsewhere/record.json").write_bytes(b"mine")
    record(["2026", "kept"], {})
    assert (tree / "elsewhere/record.json").read_bytes() == b"mine"
    assert (tree / "kept/record.json").read_bytes() == kept
    assert os.listdir(tree / "kept") == ["record.json"]


def test_damaged_lines_are_told(tree):
    run = golden_run(tree)
    for name in ("metrics.jsonl", "samples.jsonl"):
        with open(run / name, "a") as file:
            file.write("x\x1b\n")
    found, text = record(["2026", "kept"], {})
    assert (tree / "kept/record.json").read_bytes() == GOLDEN.read_bytes()
    assert text.splitlines()[1:3] == [f"damaged: {line}" for line in found["damaged"]]
    assert [line.split("/")[-1] for line in found["damaged"]] == [
        f"{name}.jsonl is damaged: 1 line is not as a run writes them, and left out"
        for name in ("metrics", "samples")
    ]


def test_a_failed_write_leaves_the_old_record_and_nothing_else(tree, monkeypatch):
    golden_run(tree)
    record(["2026", "kept"], {})
    before = (tree / "kept/record.json").read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device", "kept")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        record(["2026", "kept"], {})
    assert os.listdir(tree / "kept") == ["record.json"]
    assert (tree / "kept/record.json").read_bytes() == before


def test_a_run_that_goes_on_is_refused(tree):
    from labnn.runs.lock import Lock

    lock = Lock(made(tree, state="running"))
    with pytest.raises(RunError, match="^run 20261121-093000-1a2b is still running; [^\n]*$"):
        record(["2026", "kept"], {})
    lock.release()
    assert not (tree / "kept").exists()
    record(["2026", "kept"], {})
    assert results.read(tree / "kept")["state"] == "killed"


def test_code_that_changed_after_the_run_began_is_told(tree):
    path = golden_run(tree)
    for file in (tree / "library").rglob("*.py"):
        os.utime(file, (1, 1))
    assert record(["2026", "kept"], {})[1] == "kept/record.json"
    late = (path / "run.yaml").stat().st_mtime + 60
    os.utime(tree / "library/labnn/data/text.py", (late, late))
    found, text = record(["2026", "kept"], {})
    assert found["newer"] == ["labnn.data.text"]
    assert text.endswith("\nwarning: changed after the run began: labnn.data.text")


def test_modules_are_those_that_the_experiment_imports(tree):
    found = modules("experiments.tiny:Configs", None)
    assert list(found) == [
        "experiments.tiny",
        "labnn.data.other",
        "labnn.data.text",
        "labnn.layers",
        "labnn.layers.norm",
        "labnn.runs.late",
        "labnn.runs.launch",
    ]
    assert found["labnn.layers"]["path"] == "labnn/layers/__init__.py"
    for entry in found.values():
        content = (tree / "library" / entry["path"]).read_bytes()
        assert entry["sha256"] == hashlib.sha256(content).hexdigest()


def test_an_experiment_of_ones_own_is_followed_but_not_listed(tree):
    (tree / "mine.py").write_text("from labnn.data import other\nimport numpy\n")
    os.mkfifo(tree / "pipe.py")
    expected = ["labnn.data.other", "labnn.data.text"]
    for entry in (None, "mine:Configs", "__main__:Configs"):
        assert list(modules(entry, str(tree / "mine.py"))) == expected
        assert modules(entry, str(tree / "gone.py")) == modules(entry, None) == {}
        # It was not waited for.
        assert modules(entry, str(tree / "pipe.py")) == modules(entry, "/dev/zero") == {}


def test_names_that_are_no_modules_are_nothing(tree):
    for entry in ("experiments.gone:C", "experiments", "labnn.../../x:C", "labnn.layers.Norm", ""):
        assert set(modules(entry, None)) <= {"labnn.layers", "labnn.layers.norm"}


def test_a_page_that_is_no_python_is_one_line(tree):
    (tree / "library/labnn/data/text.py").write_text("def (:\n")
    with pytest.raises(RunError, match=r"^[^\n]*text\.py is no Python[^\n]*$"):
        modules("experiments.tiny:Configs", None)


def test_relative_imports_are_counted_from_the_package(tmp_path):
    file = tmp_path / "page.py"
    file.write_text("from . import a\nfrom .b import c\nfrom ..d import e\n")
    names = set(imported("labnn.x.page", file))
    assert {"labnn.x.a", "labnn.x.b.c", "labnn.d.e"} <= names
    (tmp_path / "__init__.py").write_text("from . import a\n")
    assert "labnn.x.a" in set(imported("labnn.x", tmp_path / "__init__.py"))


def test_the_modules_of_the_real_experiment_are_found():
    found = modules("experiments.mlm:Configs", None)
    used = {"experiments.mlm", "labnn.transformers.mha", "labnn.configs.base", "labnn.runs.session"}
    assert used <= set(found)
    assert not {"labnn", "labnn.cli", "labnn.runs.record"} & set(found)


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """A folder with a run that was really made"""
    cwd = folder(tmp_path_factory.mktemp("real"))
    assert mlm(cwd).code == 0
    return cwd


def test_a_real_run_can_be_recorded_and_is_unchanged(real):
    name = only_run(real).name
    code, out, err = run("labnn.cli", "record", name, "kept/mlm", "--json", cwd=real)
    assert (code, err) == (0, "")
    assert json.loads(out)["path"] == "kept/mlm/record.json"
    found = results.read(real / "kept/mlm")
    assert found["run"] == name and found["updates"] == 3
    assert len(found["metrics"]["rows"]) == 3 and len(found["validation"]["rows"]) == 1
    assert found["options"]["d_model"] == 14
    assert results.changed(found, ROOT) == []
    assert str(real) not in (real / "kept/mlm/record.json").read_text()
    shape = results.read(GOLDEN.parent)
    assert list(found) == list(shape)
    assert found["metrics"]["columns"] == shape["metrics"]["columns"]
    assert found["validation"]["columns"] == shape["validation"]["columns"]


def test_neither_torch_nor_numpy_is_loaded(real):
    code = (
        "import sys; from labnn.cli import main; "
        "assert main(['record', 'auto', 'kept/again']) == 0; "
        "assert main(['report', 'auto']) == 0; "
        "print([n for n in ('torch', 'numpy', 'labml', 'experiments') if n in sys.modules])"
    )
    code, out, err = fresh("-c", code, cwd=real)
    assert (code, err) == (0, "") and out.splitlines()[-1] == "[]"


def test_mistakes_are_one_line_and_exit_code_2(tmp_path):
    made(tmp_path)
    shutil.copy(GOLDEN, tmp_path / "a file")
    for words in (["nobody", "kept"], ["2026", "a file"], ["2026"]):
        code, out, err = run("labnn.cli", "record", *words, cwd=tmp_path)
        assert code == 2 and out == "" and re.fullmatch("error: .*\n", err)
    assert "kept" not in os.listdir(tmp_path)
