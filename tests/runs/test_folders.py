import json
import os
import signal
import time
from pathlib import Path

import pytest

from labnn.runs.folders import (
    TAIL,
    RunError,
    all_runs,
    find,
    is_run,
    last_lines,
    nearest,
    read_json,
    replace,
    status,
    write_json,
)
from labnn.runs.lock import Lock
from tests.runs.made_runs import NAME, STATUS, forbidden, made  # noqa: F401
from tests.runs.processes import folder as text_folder
from tests.runs.processes import mlm, n_updates, only_run, records, telling
from tests.runs.test_reading import STRANGE, put

OTHER = "20261121-101500-00ff"


@pytest.fixture
def cwd(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refusal(name, experiment=None):
    with pytest.raises(RunError) as e:
        find(name, experiment)
    assert "\n" not in str(e.value)
    return str(e.value)


def test_runs_are_listed_by_time(cwd):
    assert all_runs() == []
    for name, experiment in ((OTHER, "mlm"), (NAME, "mlm"), ("20261121-093000-1a2c", "bert")):
        made(cwd, name, experiment)
    (cwd / "logs" / "mlm" / "no run").mkdir()
    (cwd / "logs" / "mlm" / "a file").write_text("")
    (cwd / "logs" / ".hidden").mkdir()
    made(cwd, NAME, ".hidden")
    (cwd / "logs" / "mlm" / "loop").symlink_to("loop")
    (cwd / "logs" / "loop").symlink_to("loop")
    assert [str(run) for run in all_runs()] == [
        f"logs/mlm/{NAME}",
        "logs/bert/20261121-093000-1a2c",
        f"logs/mlm/{OTHER}",
    ]
    assert [run.name for run in all_runs("bert")] == ["20261121-093000-1a2c"]
    assert all_runs("nothing") == []


def test_a_name_without_a_time_is_as_old_as_its_file(cwd):
    # labml names the runs that it starts itself by chance.
    for name in (NAME, "0a1b2c", OTHER):
        made(cwd, name)
    # After the first run, and years before the second by its name
    os.utime(cwd / "logs/mlm/0a1b2c/run.yaml", (1795255000, 1795255000))
    made(cwd, "20300101-000000-0000")
    assert [run.name for run in all_runs()][-1] == "20300101-000000-0000"
    assert [run.name for run in all_runs()].index("0a1b2c") in (1, 2)
    os.utime(cwd / "logs/mlm/0a1b2c/run.yaml", (1, 1))
    assert all_runs()[0].name == "0a1b2c"


def test_any_beginning_finds_a_run(cwd):
    run, other = made(cwd).relative_to(cwd), made(cwd, OTHER).relative_to(cwd)
    for name in (NAME, "20261121-09", "20261121-093000-1a2", f"{NAME}/"):
        assert find(name) == run
    for name in (str(other), f"{other}/", f"./{other}", str(other)[:-3], f"mlm/{OTHER}"):
        assert find(name) == other
    assert find(str(cwd / other)) == cwd / other
    assert find(str(cwd / other)[:-3]) == other
    assert find("auto") == other


def test_a_beginning_that_several_have_is_refused(cwd):
    for name in (NAME, OTHER):
        made(cwd, name)
    assert refusal("2026") == (
        f"2 runs begin with '2026', for instance logs/mlm/{NAME}, logs/mlm/{OTHER}; name one"
    )


def test_a_whole_name_is_not_the_beginning_of_another(cwd):
    made(cwd, NAME)
    made(cwd, f"{NAME}-copy")
    assert find(NAME).name == NAME
    assert find(f"{NAME}-").name == f"{NAME}-copy"


def test_one_name_in_two_experiments_needs_its_path(cwd):
    made(cwd, NAME, "mlm")
    made(cwd, NAME, "bert")
    assert f"logs/bert/{NAME}, logs/mlm/{NAME}" in refusal(NAME)
    assert find(NAME, "bert") == find(f"bert/{NAME}") == Path("logs/bert", NAME)


def test_an_experiment_has_its_own_runs(cwd):
    made(cwd, NAME, "mlm")
    made(cwd, OTHER, "bert")
    assert find("auto", "mlm").name == NAME and find("auto").name == OTHER
    assert refusal("20261121-10", "mlm") == (
        f"there is no run '20261121-10' in logs/mlm; the nearest are {NAME}"
    )


def test_what_is_not_there_names_the_nearest(cwd):
    names = [NAME, OTHER, "20251231-235959-0000", "20261121-093000-1b00"]
    for name in names:
        made(cwd, name)
    assert refusal("20261121-093000-1a3b") == (
        "there is no run '20261121-093000-1a3b' in logs; the nearest are "
        f"{NAME}, 20261121-093000-1b00, {OTHER}"
    )
    assert nearest("x", all_runs()).split(", ")[0] == OTHER
    assert NAME in refusal("")


def test_no_logs_at_all(cwd):
    for name in ("auto", "2026"):
        assert refusal(name) == (f"there is no run {name!r}: logs under {cwd} has no runs at all")
    assert "logs/mlm under" in refusal("auto", "mlm")


def test_a_folder_that_is_no_run_is_said_to_be_none(cwd):
    made(cwd)
    (cwd / "logs" / "mlm" / "empty").mkdir()
    assert "logs/mlm/empty is the folder of no run" in refusal("logs/mlm/empty")


@pytest.mark.parametrize("name", ["a" * 5000, "a\0b", "../" * 2000])
def test_what_cannot_be_a_path_is_not_there(cwd, name):
    made(cwd)
    assert not is_run(Path(name))
    assert refusal(name)


@pytest.mark.parametrize("name", ["my own run", "Übung-ß-1", "試験 1"])
def test_names_with_spaces_and_other_letters(cwd, name):
    made(cwd, name, "Versuch Ä")
    assert find(name[:2]).name == name and find(f"logs/Versuch Ä/{name}/").name == name
    assert status(find(name))["state"] == "finished"


def test_the_working_directory_is_a_run(cwd, monkeypatch):
    run = made(cwd)
    monkeypatch.chdir(run)
    assert find(".") == run
    (run / "checkpoints").mkdir()
    monkeypatch.chdir(run / "checkpoints")
    assert find("..") == run


def test_a_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "status.json"
    write_json(path, {"a": "ä"})
    assert read_json(path) == {"a": "ä"}
    for bad in ({"a": float("nan")}, {"a": object()}):
        with pytest.raises((ValueError, TypeError)):
            write_json(path, bad)
    assert read_json(path) == {"a": "ä"}
    assert [file.name for file in tmp_path.iterdir()] == ["status.json"]


@pytest.mark.parametrize(
    "content, says",
    [
        ("", "is damaged: Expecting value"),
        ('{"state": "fini', "is damaged: Unterminated string"),
        ("[1]", "is damaged: it holds a list, no object"),
        ("[" * 100_000, "is damaged: "),
        ("\xff", "is damaged: 'utf-8' codec"),
        (None, ": No such file or directory"),
    ],
)
def test_a_damaged_file_is_one_line(tmp_path, content, says):
    path = tmp_path / "status.json"
    if content is not None:
        path.write_bytes(content.encode("latin-1"))
    with pytest.raises(RunError) as e:
        read_json(path)
    assert str(e.value).startswith(str(path)) and says in str(e.value)
    assert "\n" not in str(e.value)


@pytest.mark.parametrize("state", ["finished", "stopped", "failed"])
def test_a_run_that_is_over_says_how(cwd, state):
    run = made(cwd, state=state, details="the loss is nan")
    # Whoever has its lock by now is about to change that.
    lock = Lock(run)
    found = status(run)
    lock.release()
    assert (found["state"], found["details"], found["owner"]) == (state, "the loss is nan", None)
    for name in ("update", "step", "best", "started", "seconds"):
        assert found[name] == STATUS[name]


@pytest.mark.parametrize("state", ["running", "surprised", None])
def test_a_run_that_is_not_over_runs_as_long_as_it_has_its_lock(cwd, state):
    run = made(cwd, state=state)
    assert status(run)["state"] == "killed" and status(run)["owner"] is None
    lock = Lock(run)
    assert status(run)["state"] == "running" and status(run)["owner"]["pid"] == os.getpid()
    lock.release()
    assert status(run)["state"] == "killed"


def test_the_newest_update_is_that_of_the_metrics(cwd):
    run = made(cwd, state="running", update=2, step=44, last={"loss.valid": 9.0, "lr": 0.5})
    found = status(run)
    assert (found["update"], found["step"]) == (4, 88)
    # Of an update and of a validation, and what only the status has
    assert found["last"] == {
        "lr": 0.5,
        "loss.train": 2.5,
        "accuracy.train": 0.3,
        "tokens_per_s": 500.0,
        "loss.valid": 2.25,
        "accuracy.valid": 0.5,
    }


def test_what_is_newer_counts(cwd):
    lines = [
        {"update": 1, "loss.train": 4.0, "lr": 0.3},
        {"update": 1, "loss.valid": 3.0, "lr": 0.2},
        {"update": 2, "loss.train": 2.0, "lr": 0.1},
        {"update": 3, "loss.train": None},
    ]
    run = made(
        cwd, state="running", update=0, last={"loss.train": 9.0, "lr": 9.0}, metrics=lines[:3]
    )
    assert status(run)["last"] == {"loss.train": 2.0, "loss.valid": 3.0, "lr": 0.1}
    # A value that is no number is not known any more.
    run = made(cwd, OTHER, state="running", update=0, last={"loss.train": 9.0}, metrics=lines)
    assert "loss.train" not in status(run)["last"]


def test_a_run_without_a_status_is_known_by_its_metrics(cwd):
    found = status(made(cwd, state=None))
    assert (found["update"], found["last"]["loss.valid"]) == (4, 2.25)
    assert found["seconds"] is None and found["best"] is None
    # Its name says when it began.
    run = made(cwd, "20260102-030405-0000", state=None, metrics=None)
    assert time.localtime(status(run)["started"])[:6] == (2026, 1, 2, 3, 4, 5)
    named = made(cwd, "no time", state=None, metrics=None)
    assert status(named)["started"] == (named / "run.yaml").stat().st_mtime


@pytest.mark.parametrize("bad", ['{"state": "fin', "[]", "", "\xff"])
def test_a_damaged_status_is_told(cwd, bad):
    run = made(cwd)
    (run / "status.json").write_bytes(bad.encode("latin-1"))
    found = status(run)
    assert found["state"] == "unknown" and "status.json is damaged" in found["details"]
    assert (found["update"], found["last"]["loss.valid"]) == (4, 2.25)
    lock = Lock(run)
    assert status(run)["state"] == "running"
    lock.release()


def test_values_are_of_their_kind(cwd):
    run = made(cwd, metrics=None)
    text = '{"state": 5, "details": [], "update": "x", "step": NaN, "last": {"a": 1e999, "b": null,'
    text += '"c": "x", "d": true, "e": 1}, "best": 3, "started": {}, "changed": "1", "seconds": []}'
    (run / "status.json").write_text(text)
    found = status(run)
    assert found["state"] == "killed" and found["details"] is None and found["best"] is None
    assert (found["update"], found["step"], found["seconds"]) == (0, 0, None)
    assert found["last"] == {"e": 1}
    assert isinstance(found["started"], float) and isinstance(found["changed"], float)


@pytest.mark.parametrize(
    "value",
    [str(10**400), str(-(10**400)), str(1 << 63), "1e300", "-1", "-1e300", "NaN", "1e999", "true"]
    + ['"' + "9" * 5000 + '"', "[" * 300 + "]" * 300, '{"a": {"b": [{}]}}', "null"],
)
def test_a_number_that_cannot_be_one_is_not_known(cwd, value):
    run = made(cwd, metrics=None)
    names = ("update", "step", "started", "changed", "seconds", "state", "details", "best", "last")
    (run / "status.json").write_text(
        "{" + ", ".join(f'"{name}": {value}' for name in names) + "}", "utf-8"
    )
    found = status(run)
    assert (found["update"], found["step"], found["seconds"]) == (0, 0, None)
    assert (found["best"], found["last"], found["state"]) == (None, {}, "killed")
    # Its name says when it began.
    assert time.localtime(found["started"])[:4] == (2026, 11, 21, 9)
    assert 0 < found["changed"] < 1e11 and len(str(found["details"])) <= 2000


def test_a_best_value_has_its_parts(cwd):
    best = {"metric": ["x"], "value": 2.5, "update": 10**400, "more": [[]]}
    assert status(made(cwd, best=best))["best"] == {"metric": "", "value": 2.5, "update": None}
    for number, best in enumerate(({"value": 10**400}, {"value": "2"}, {"metric": "a"}, [])):
        assert status(made(cwd, f"{NAME}{number}", best=best))["best"] is None


def test_an_update_beyond_all_numbers_is_passed_over(cwd):
    lines = [{"update": 3, "loss.train": 2.0}, {"update": 10**400, "loss.train": 1.0}]
    found = status(made(cwd, state="running", update=2, last={}, metrics=lines))
    assert (found["update"], found["last"]) == (3, {"loss.train": 2.0})
    lines = [{"update": 3, "step": 10**400, "loss.train": 10**400}]
    found = status(made(cwd, OTHER, state="running", update=2, last={}, metrics=lines))
    assert (found["update"], found["step"], found["last"]) == (3, 0, {})


@pytest.mark.parametrize("file", ["status.json", "metrics.jsonl", "run.lock"])
@pytest.mark.parametrize("kind", STRANGE)
def test_what_is_no_file_is_not_waited_for(cwd, file, kind):
    run = made(cwd, state="running")
    put(run / file, kind)
    found = status(run)
    assert found["state"] == ("unknown" if file == "status.json" else "killed")
    assert file != "status.json" or "status.json: " in found["details"]


def test_a_status_of_many_megabytes_is_damaged(cwd):
    run = made(cwd)
    with open(run / "status.json", "r+b") as file:
        # It takes no space.
        file.truncate(1 << 40)
    found = status(run)
    assert found["state"] == "unknown"
    assert found["details"].endswith("status.json is damaged: it has more than 4,194,304 bytes")


def test_a_replaced_file_is_not_written_through_a_link(tmp_path):
    (tmp_path / "mine").write_text("mine")
    for name in ("a", f".a.{os.getpid()}"):
        (tmp_path / name).symlink_to("mine")
    replace(tmp_path / "a", "new \udc80")
    assert (tmp_path / "a").read_bytes() == b"new \\udc80" and not (tmp_path / "a").is_symlink()
    assert (tmp_path / "mine").read_text() == "mine"
    replace(tmp_path / "a", b"\xff")
    assert (tmp_path / "a").read_bytes() == b"\xff"
    assert sorted(os.listdir(tmp_path)) == ["a", "mine"]


def test_a_folder_without_rights_is_listed(forbidden):  # noqa: F811
    (found,) = all_runs()
    assert found.name == NAME
    said = status(found)
    assert said["state"] == "unknown" and "Permission denied" in said["details"]
    assert find(NAME) == find(str(found)) == find(f"{found}/") == found


def test_whole_lines_are_read_from_the_end(tmp_path):
    path = tmp_path / "metrics.jsonl"
    assert last_lines(path) == []
    path.write_text('{"update": 1}\n')
    assert last_lines(path) == [{"update": 1}]
    # A line that is no object, one that is no JSON, one without an update, and half a line
    path.write_text('{"update": 1}\n[2]\nx{\n\n{"a": 2}\n{"update": 3}\n{"update": 4')
    assert last_lines(path) == [{"update": 1}, {"update": 3}]
    # A line is over when its end is there.
    path.write_text('{"update": 1}\n{"update": 4}')
    assert last_lines(path) == [{"update": 1}]
    many = [{"update": number} for number in range(5000)]
    path.write_text("".join(json.dumps(line) + "\n" for line in many))
    found = last_lines(path)
    assert found == many[-len(found) :] and 100 < len(found) < 1000


def test_a_line_longer_than_the_end_is_found(tmp_path):
    path = tmp_path / "metrics.jsonl"
    long = {"update": 2, "a": "x" * 3 * TAIL}
    path.write_text('{"update": 1}\n' * 3000 + json.dumps(long) + "\n" + '{"half": ')
    assert last_lines(path)[-1] == long


@pytest.mark.slow
def test_a_real_run_can_be_found(tmp_path, monkeypatch):
    cwd = text_folder(tmp_path / "here")
    assert mlm(cwd).code == 0
    monkeypatch.chdir(cwd)
    assert find("auto") == find("2") == only_run(".")
    found = status(find("auto"))
    lines = records(find("auto") / "metrics.jsonl")
    assert found["update"] == lines[-1]["update"] > 0
    assert found["last"]["loss.valid"] == lines[-1]["loss.valid"]


@pytest.mark.slow
def test_a_real_run_that_is_killed_is_known_as_that(tmp_path, monkeypatch):
    cwd = text_folder(tmp_path / "here")
    process = telling(cwd, {"pause": 0.05, "epochs": 50})
    process.until(lambda out: n_updates(out) > 1)
    process.send(signal.SIGKILL)
    assert process.wait().code == -signal.SIGKILL
    monkeypatch.chdir(cwd)
    found = status(find("auto"))
    assert (found["state"], found["owner"]) == ("killed", None) and found["update"] >= 1
