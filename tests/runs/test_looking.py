import json
import os
import re

import pytest
from rich.cells import cell_len

from labnn.cli import main
from labnn.runs import looking as page
from labnn.runs.folders import RunError, all_runs, status
from labnn.runs.lock import Lock
from labnn.runs.looking import COLUMNS, listing, runs, show
from tests.runs.made_runs import INFO, NAME, STATUS, add_checkpoint, forbidden, made  # noqa: F401
from tests.runs.processes import Terminal, mlm, only_run, run
from tests.runs.processes import folder as text_folder
from tests.runs.test_reading import STRANGE, put

OTHER = "20261121-101500-00ff"


@pytest.fixture
def cwd(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def now(monkeypatch):
    """Two hours and a bit after the runs began"""
    monkeypatch.setattr(page.time, "time", lambda: STATUS["started"] + 7300)


def objects():
    """What `runs` finds"""
    return runs([], {})[0]["runs"]


def test_a_run_is_a_line(cwd, now):
    made(cwd, OTHER, "bert", state="stopped", update=12345, step=1, best=None, metrics=None)
    made(cwd)
    assert runs([], {})[1].splitlines() == [
        "run                   experiment  state     age  updates  last             best",
        f"{NAME}  mlm         finished  2 h        4  loss.valid 2.25  loss.valid 2.125 at 2",
        f"{OTHER}  bert        stopped   2 h   12,345  loss.valid 2.25  -",
    ]


def test_json_has_the_values_as_they_are(cwd):
    made(cwd)
    lock = Lock(made(cwd, OTHER, state="running"))
    first, second = objects()
    assert first["started"] == STATUS["started"] and first["best"] == STATUS["best"]
    assert (first["path"], first["owner"]) == (f"logs/mlm/{NAME}", None)
    assert second["state"] == "running" and second["owner"]["pid"] == os.getpid()
    assert second["owner"]["host"] and second["last"]["loss.valid"] == 2.25
    lock.release()


def test_an_experiment_has_its_own_list(cwd):
    made(cwd)
    made(cwd, OTHER, "bert")
    for word in ("bert", "logs/bert", "logs/bert/"):
        assert [run["name"] for run in runs([word], {})[0]["runs"]] == [OTHER]


def test_no_runs_is_one_line_that_says_where_it_looked(cwd, capsys):
    assert runs([], {}) == ({"runs": []}, f"no runs in logs under {cwd}")
    made(cwd)
    assert runs(["bert"], {})[1] == f"no runs in logs/bert under {cwd}; there are runs of mlm"
    assert main(["runs", "bert"]) == 0
    assert capsys.readouterr().out.count("\n") == 1


def test_a_terminal_is_wide_enough_for_some_columns(cwd, now):
    for minute in range(10, 30):
        made(cwd, f"20261121-09{minute}00-1a2b", "mlm" if minute % 2 else "bert_pretraining")
    found = objects()
    heads = set()
    for width in range(40, 120):
        lines = listing(found, width)
        assert len(lines) == 21 and max(map(cell_len, lines)) <= width
        heads.add(lines[0])
    assert len(heads) == len(COLUMNS)
    # A pipe is as wide as it takes.
    assert listing(found, None)[0] == listing(found, 999)[0]
    # No terminal is too narrow to say something.
    assert listing(found, 1)[0].split() == ["run", "state", "age"]
    # What is shown of a name is enough to find the run by.
    names = [line.split()[0] for line in listing(found, 40)[1:]]
    for name, one in zip(names, found, strict=True):
        assert len(name) < len(one["name"]) and show([name], {})[0]["name"] == one["name"]


@pytest.mark.parametrize(
    "file, content",
    [
        ("status.json", '{"state": "fin'),
        ("status.json", "[]"),
        ("status.json", '{"best": {"metric": ["x"], "value": "y"}, "last": {"loss.valid": "z"}}'),
        ("status.json", '{"best": {"value": NaN, "update": []}, "started": 1e300}'),
        ("status.json", None),
        ("run.yaml", "- 1"),
        ("run.yaml", "a: [1,"),
        ("run.yaml", "entry: 3\noverrides: 4\nasked: {a: 1}\ncommand: x\nresumed: [1, {time: x}]"),
        ("run.yaml", "resumed: [{time: 1e400, update: x, changes: {a: 1}}]\nenvironment: [1]"),
        ("run.yaml", "overrides: {1: .nan, b: 2026-11-21}\ncommit: 5\nis_dirty: x\ndata: {1: 2}"),
        ("run.yaml", "&a [*a]"),
        ("run.yaml", "overrides: &a {x: *a}"),
        ("run.yaml", "overrides: {a: 0x" + "f" * 9000 + "}"),
        ("run.yaml", "[" * 9000),
        ("status.json", '{"started": 1' + "0" * 400 + ', "seconds": 1e300, "update": -1}'),
        ("status.json", '{"best": {"value": 1' + "0" * 400 + "}}"),
        ("metrics.jsonl", '{"update": 1' + "0" * 400 + ', "loss.valid": 1}\n'),
        ("metrics.jsonl", '{"update": 1, "loss.valid": 1' + "0" * 400 + "}\n"),
        ("metrics.jsonl", '{"update": 7, "loss.valid": 1.0}\n{"upda'),
        ("metrics.jsonl", '{"update": "x", "step": null, "loss.valid": "y"}\n'),
        ("metrics.jsonl", "[1]\nnull\n\n"),
        ("metrics.jsonl", None),
        ("checkpoints", "no folder"),
    ],
)
def test_damage_never_ends_in_a_traceback(cwd, capsys, file, content):
    path = made(cwd) / file
    path.unlink(missing_ok=True)
    if content is not None:
        path.write_text(content)
    for arguments in (["runs"], ["show", NAME]):
        assert main([*arguments, "--json"]) == main(arguments) == 0
        out, err = capsys.readouterr()
        assert err == "" and NAME in out
        assert len(json.loads(out.splitlines()[0])) > 0


@pytest.mark.parametrize(
    "file, content, says",
    [
        ("status.json", '{"state": "fin', "status.json is damaged: Unterminated string"),
        ("run.yaml", "- 1", "run.yaml is damaged: it holds a list, no options"),
        ("metrics.jsonl", "x\n", "metrics.jsonl is damaged: 1 line is not as a run writes"),
        ("metrics.jsonl", "{", "metrics.jsonl ends in the middle of a line"),
    ],
)
def test_show_says_what_is_damaged(cwd, file, content, says):
    (made(cwd) / file).write_text(content)
    data, text = show([NAME], {})
    (line,) = data["damaged"]
    assert says in line and f"damaged      {line}" in text.splitlines()
    # What can be known is there.
    assert data["update"] in (4, STATUS["update"]) and "files" in text


@pytest.mark.parametrize("kind", STRANGE)
def test_what_is_no_file_hides_nothing_else(cwd, kind):
    made(cwd, OTHER)
    run = made(cwd)
    for name in ("status.json", "metrics.jsonl", "samples.jsonl", "tokenizer.json", "run.lock"):
        put(run / name, kind)
    if kind != "loop":
        put(run / "run.yaml", kind)
    assert [(found["name"], found["state"]) for found in objects()] == [
        (NAME, "unknown"),
        (OTHER, "finished"),
    ]
    data, _ = show([NAME], {})
    for name in ("status.json", "metrics.jsonl", *(["run.yaml"] * (kind != "loop"))):
        assert any(f"{name}: " in line for line in data["damaged"])


def test_a_folder_that_may_not_be_looked_into(forbidden):  # noqa: F811
    (found,) = objects()
    assert (found["name"], found["state"]) == (NAME, "unknown")
    data, text = show([NAME], {})
    places = {re.search(r"1a2b/([a-z.]+)[: ].*Permission denied$", s)[1] for s in data["damaged"]}
    assert {"status.json", "run.yaml", "metrics.jsonl"} <= places
    assert data["state"] == "unknown" and data["files"] == []


def test_show_has_everything_raw(cwd):
    run = made(cwd, info={"resumed": [{"time": 5.0, "update": 2, "changes": {"epochs": [3, 5]}}]})
    add_checkpoint(run, "2", best="2")
    add_checkpoint(run, "4", best="2")
    data, _ = show([NAME], {})
    json.dumps(data, allow_nan=False)
    expected = status(all_runs()[0])
    assert {name: data[name] for name in expected} == expected
    for name in ("overrides", "asked", "environment", "data", "entry"):
        assert data[name] == INFO[name]
    assert data["commit"] == {name: INFO[name] for name in data["commit"]}
    assert data["resumed"][0]["changes"] == {"epochs": [3, 5]}
    assert data["metrics"]["best"]["loss.valid"] == {"value": 2.125, "update": 2}
    assert data["metrics"]["tokens_per_s"] == 400
    assert [(c["name"], c["is_newest"], c["is_best"]) for c in data["checkpoints"]] == [
        ("2", False, True),
        ("4", True, False),
    ]
    assert data["damaged"] == [] and len(data["files"]) == 4
    assert (data["name"], data["experiment"]) == (NAME, "mlm")
    assert data["command"][:3] == ["python", "-m", "experiments.mlm"]


def test_show_takes_what_finds_a_run(cwd):
    made(cwd)
    with pytest.raises(RunError, match="there is no run 'x' in logs; the nearest"):
        show(["x"], {})


def test_a_real_run(tmp_path, monkeypatch):
    cwd = text_folder(tmp_path / "here")
    assert mlm(cwd, {"seq_len": 7}).code == 0
    name = only_run(cwd).name
    monkeypatch.chdir(cwd)
    (found,), (data, text) = objects(), show(["auto"], {})
    assert data["name"] == found["name"] == name and data["update"] == found["update"] > 0
    assert data["damaged"] == [] and data["overrides"]["seq_len"] == 7
    assert data["metrics"]["last"]["loss.valid"] == found["last"]["loss.valid"]
    assert re.search(r"^  seq_len +7$", text, re.M)
    assert "python -m experiments.mlm text=file" in text


@pytest.mark.parametrize("width", [80, 200])
def test_on_a_terminal_nothing_is_wider(tmp_path, width):
    cwd = text_folder(tmp_path / "here")
    for minute in range(3):
        made(cwd, f"20261121-09{minute:02}00-1a2b", "bert_pretraining", best=STATUS["best"])
    for words in (["runs"], ["show", "auto"]):
        code, drawn, _ = Terminal("labnn.cli", *words, cwd=cwd, width=width).wait()
        assert code == 0 and "\x1b" not in drawn
        assert max(map(cell_len, drawn.split("\r\n"))) <= width
        # And as plain text, whole
        out = run("labnn.cli", *words, cwd=cwd).out
        assert "20261121-090200-1a2b" in out
