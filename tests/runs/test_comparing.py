import json

import pytest
from rich.cells import cell_len

from labnn.cli import main
from labnn.runs.comparing import compare, differing, side_by_side
from labnn.runs.folders import RunError
from tests.runs.made_runs import INFO, METRICS, NAME, STATUS, made
from tests.runs.processes import Terminal, mlm
from tests.runs.processes import folder as text_folder

OTHER = "20261121-101500-00ff"
BETTER = [{**line, "loss.valid": 1.5} if "loss.valid" in line else line for line in METRICS]


@pytest.fixture
def cwd(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def two(cwd):
    """Two runs that differ in a little of everything"""
    made(cwd)
    environment = INFO["environment"] | {"torch": "2.14.0", "platform": "other", "threads": 2}
    options = INFO["options"] | {"batch_size": 7, "prompt": ["x"]}
    info = {"options": options, "environment": environment, "is_dirty": False}
    made(cwd, OTHER, info=info, metrics=BETTER, state="stopped", seconds=None)
    return [NAME, OTHER]


def test_only_what_differs_is_shown(two):
    data, text = compare(two, {})
    json.dumps(data, allow_nan=False)
    assert data["options"] == {
        "batch_size": [{"value": 3}, {"value": 7}],
        "prompt": [{}, {"value": ["x"]}],
    }
    assert [*data["environment"]] == ["commit", "torch"]
    assert data["metrics"]["loss.valid"] == {
        "last": [2.25, 1.5],
        "best": [{"value": 2.125, "update": 2}, {"value": 1.5, "update": 2}],
    }
    assert data["metrics"]["loss.train"] == {"last": [2.5, 2.5], "best": [None, None]}
    assert (data["updates"], data["seconds"], data["tokens_per_s"]) == (
        [4, 4],
        [75, None],
        [400] * 2,
    )
    assert [run["name"] for run in data["runs"]] == two
    assert (
        text.splitlines()
        == f"""\
                    {NAME}            {OTHER}
state               finished                        stopped

options
  batch_size        3                               7
  prompt            -                               ["x"]

environment
  commit            27c67cb2f0d54e9a, with changes  27c67cb2f0d54e9a
  torch             2.13.0                          2.14.0

measures
  accuracy.train    0.3                             0.3
  accuracy.valid    0.5                             0.5
    best            0.5 at 4                        0.5 at 4
  loss.train        2.5                             2.5
  loss.valid        2.25                            1.5
    best            2.125 at 2                      1.5 at 2
  updates           4                               4
  time              1:15                            -
  tokens/s, median  400                             400""".split("\n")
    )


def test_the_same_options_are_not_listed(cwd):
    made(cwd)
    made(cwd, OTHER, info={"data": INFO["data"] | {"train_sha256": "cd", "tokens": 5}})
    data, text = compare([NAME, OTHER], {})
    assert data["options"] == {} and "options: all the same" in text
    assert data["environment"] == {
        "data.train_sha256": [{"value": "0123456789abcdef"}, {"value": "cd"}]
    }
    (line,) = [line.split() for line in text.splitlines() if "sha256" in line]
    assert line == ["data.train_sha256", "0123456789ab", "cd"]


def test_an_older_run_has_only_what_it_changed(cwd):
    made(cwd)
    made(cwd, OTHER, info={"options": None, "overrides": {"epochs": 5, "text.path": None}})
    data, text = compare([NAME, OTHER], {})
    # Not all others that the first run lists
    assert data["options"] == {
        "batch_size": [{"value": 3}, {}],
        "text.path": [{"value": "my text.txt"}, {"value": None}],
    }
    assert [line.split() for line in text.splitlines() if "batch_size" in line] == [
        ["batch_size", "3", "-"]
    ]


def test_values_differ_by_what_they_are():
    runs = [{"a": 1, "b": True, "c": [1, {"d": 1}], "e": 1.0}]
    runs.append({"a": 1.0, "b": 1, "c": [1, {"d": True}], "e": 2})
    assert [*differing(runs)] == ["b", "c", "e"]
    # A number that is none is equal to itself.
    assert differing([{"a": float("nan")}] * 2) == {}
    assert [*differing([{1: 2}, {1: 3}])] == ["1"]


def test_more_than_two(cwd, two):
    made(cwd, "20261121-111500-00ff")
    data, _ = compare([*two, "20261121-11"], {})
    assert len(data["options"]["batch_size"]) == len(data["runs"]) == 3


@pytest.mark.parametrize("other", [NAME, "20261121-09", f"logs/mlm/{NAME}/", "auto"])
def test_a_run_is_not_compared_with_itself(cwd, other):
    made(cwd)
    with pytest.raises(RunError, match=f"^{NAME} and {other} are the same run, logs/mlm/{NAME}"):
        compare([NAME, other], {})


def test_names_get_short_where_a_terminal_is_narrow(cwd, two):
    data, text = compare(two, {})
    width = max(map(cell_len, text.splitlines()))
    assert side_by_side(data, width) == text.splitlines()
    data["options"]["text.path"] = [{"value": "a" + "x" * 90 + "b"}, {"value": "a"}]
    lines = side_by_side(data, 80)
    assert lines[0].split() == ["20261121-0", "20261121-1"]
    assert max(map(cell_len, lines)) <= 80
    (line,) = [line for line in lines if "text.path" in line]
    assert "axx" in line and "xxb" in line and "..." in line
    # Too narrow for anything
    assert len(side_by_side(data, 5)) == len(lines)


def test_nothing_that_a_file_says_acts_on_the_terminal(cwd):
    bad, metrics = "a\x1b[31m", [{"update": 1, "loss.\x1b[31mX": 1.0}]
    info = {"options": {bad: bad}, "environment": {"torch": bad}, "data": {f"{bad}sha256": bad}}
    names = [f"{NAME}\x1b[31m", f"{OTHER}\x1b[31m"]
    for name, one in zip(names, (info, {}), strict=True):
        made(cwd, name, info=one, metrics=metrics, details=bad)
        (cwd / "logs" / "mlm" / name / "status.json").write_text(f'["{bad}"')
    data, text = compare(names, {})
    for width in (None, 80, 20):
        lines = side_by_side(data, width)
        assert all(line.isprintable() for line in lines)
    assert "  loss.\\x1b[31mX" in text


def test_one_name_in_two_experiments(cwd):
    made(cwd, NAME, "mlm")
    made(cwd, NAME, "bert", metrics=None)
    data, text = compare([f"mlm/{NAME}", f"bert/{NAME}"], {})
    assert text.split("\n")[0].split() == [f"mlm/{NAME}", f"bert/{NAME}"]
    head = side_by_side(data, 40)[0].split()
    assert head == ["mlm/2026", "bert/202"]


@pytest.mark.parametrize("content", ["- 1", "a: [", None])
def test_damaged_options_are_one_line(cwd, two, capsys, content):
    path = cwd / "logs" / "mlm" / OTHER / "run.yaml"
    path.write_text(content or "")
    assert main(["compare", *two]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1
    assert err.startswith(f"error: logs/mlm/{OTHER}/run.yaml is damaged: ")


def test_other_damage_is_told_below(cwd, two):
    folder = cwd / "logs" / "mlm" / OTHER
    (folder / "status.json").write_text('{"sta')
    with open(folder / "metrics.jsonl", "a") as file:
        file.write("x\n{")
    data, text = compare(two, {})
    assert len(data["damaged"]) == 3
    assert text.splitlines()[-3:] == [f"damaged: {line}" for line in data["damaged"]]
    assert data["metrics"]["loss.valid"]["last"] == [2.25, 1.5]


@pytest.mark.slow
def test_real_runs(tmp_path, monkeypatch):
    cwd = text_folder(tmp_path / "here")
    for rate in (0.5, 0.25):
        assert mlm(cwd, {"optimizer.learning_rate": rate}).code == 0
    monkeypatch.chdir(cwd)
    names = sorted(path.name for path in (cwd / "logs" / "mlm").iterdir())
    data, text = compare(names, {})
    assert data["options"] == {"optimizer.learning_rate": [{"value": 0.5}, {"value": 0.25}]}
    assert data["environment"] == {} and data["damaged"] == []
    last = data["metrics"]["loss.valid"]["last"]
    assert None not in last and last[0] != last[1]
    code, drawn, _ = Terminal("labnn.cli", "compare", *names, cwd=cwd).wait()
    assert code == 0 and max(map(len, drawn.split("\r\n"))) <= 80


def test_the_status_of_each_run_is_there(two):
    data, _ = compare(two, {})
    assert [run["state"] for run in data["runs"]] == ["finished", "stopped"]
    assert data["runs"][0]["best"] == STATUS["best"]
