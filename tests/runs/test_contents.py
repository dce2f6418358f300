import re

import pytest

from labnn.runs.contents import (
    checkpoints,
    command,
    files,
    history,
    info,
    module,
    part,
    readable_info,
    resume_command,
)
from labnn.runs.folders import RunError
from tests.runs.made_runs import INFO, NAME, add_checkpoint, made
from tests.runs.test_reading import STRANGE, put


@pytest.fixture
def run(tmp_path):
    return made(tmp_path)


def test_what_was_run_is_read(run):
    assert info(run) == INFO


@pytest.mark.parametrize(
    "content, says",
    [
        ("- 1\n- 2", "is damaged: it holds a list, no options"),
        ("", "is damaged: it holds a NoneType, no options"),
        ("a: [1,", "is damaged: while parsing"),
        ("a: \x01", "is damaged: "),
        ("a: \xff", "is damaged: 'utf-8' codec"),
        ("!!python/object/apply:os.getcwd []", "is damaged: could not determine a constructor"),
        (None, ": No such file or directory"),
    ],
)
def test_a_damaged_file_is_one_line(run, content, says):
    path = run / "run.yaml"
    path.unlink()
    if content is not None:
        path.write_bytes(content.encode("latin-1"))
    with pytest.raises(RunError) as e:
        info(run)
    assert str(e.value).startswith(str(path)) and says in str(e.value)
    assert "\n" not in str(e.value)


DAMAGED = {
    "entry: 5": "a text",
    "python_file: [a]": "a text",
    "resume: {a: 1}": "a text",
    "options: 7": "an object whose names are texts",
    "options: {1: 2}": "an object whose names are texts",
    "overrides: {1: 2, null: 3}": "an object whose names are texts",
    "overrides: []": "an object whose names are texts",
    "environment: 3": "an object whose names are texts",
    "data: []": "an object whose names are texts",
    "asked: 5": "a list",
    "asked: [1]": "a list of texts",
    "command: text": "a list",
    "objects: [1, {a: 2}]": "a list of texts",
    "resumed: {}": "a list",
    "resumed: [1]": "a list of objects with an update and changes",
    "resumed: [{update: x}]": "a list of objects with an update and changes",
    "resumed: [{changes: [1]}]": "a list of objects with an update and changes",
    "resumed: [{changes: {a: 1}}]": "a list of objects with an update and changes",
}


@pytest.mark.parametrize("line", DAMAGED)
def test_a_key_of_another_kind_is_one_line(run, line):
    path = run / "run.yaml"
    path.write_text(f"name: mlm\n{line}\n")
    key = line.partition(":")[0]
    says = f"{path} is damaged: {key} should be {DAMAGED[line]}"
    with pytest.raises(RunError, match=f"^{re.escape(says)}$"):
        info(run)
    # Who only looks gets the rest.
    assert readable_info(run) == ({"name": "mlm"}, [says])


def test_a_key_that_is_null_is_absent(run):
    (run / "run.yaml").write_text(
        "".join(
            f"{line.split(':')[0]}: null\n" for line in {line.partition(":")[0] for line in DAMAGED}
        )
    )
    assert info(run) == {}


@pytest.mark.parametrize("kind", STRANGE)
def test_what_is_no_file_is_one_line(run, kind):
    for name in ("run.yaml", "metrics.jsonl"):
        put(run / name, kind)
    for read, name in ((info, "run.yaml"), (history, "metrics.jsonl")):
        with pytest.raises(RunError, match=f"^[^\n]*{name}: [^\n]+$"):
            read(run)


def test_a_part_is_of_its_type():
    assert part({"a": [1]}, "a", list) == [1]
    assert part({"a": [1]}, "a", dict) == part({}, "a", dict) == {}


def test_the_history_has_the_last_and_the_best(run):
    found = history(run)
    assert found.last == {
        "loss.train": 2.5,
        "accuracy.train": 0.3,
        "loss.valid": 2.25,
        "accuracy.valid": 0.5,
    }
    # A low loss and a high accuracy; of the training, which is noisy, there is no best.
    assert found.best == {
        "loss.valid": {"value": 2.125, "update": 2},
        "accuracy.valid": {"value": 0.5, "update": 4},
    }
    # 100, 300, 500 and 900
    assert found.tokens_per_s == 400
    assert found.complaints(False) == []


def test_an_equal_value_later_is_not_better(tmp_path):
    lines = [{"update": u, "perplexity.valid": 3.0, "accuracy.valid": 1.0} for u in (1, 2)]
    found = history(made(tmp_path, metrics=lines)).best
    assert {name: best["update"] for name, best in found.items()} == {
        "perplexity.valid": 1,
        "accuracy.valid": 1,
    }


def test_what_is_no_number_is_not_the_best(tmp_path):
    lines = [{"update": 1, "loss.valid": 3.0}, {"update": 2, "loss.valid": None}]
    found = history(made(tmp_path, metrics=[*lines, {"update": 3, "loss.valid": float("nan")}]))
    assert found.best == {"loss.valid": {"value": 3.0, "update": 1}}
    assert found.last == {"loss.valid": None}


def test_damaged_lines_are_counted(run):
    with open(run / "metrics.jsonl", "a") as file:
        file.write(
            '[1]\nx{\n{"update": "9"}\n{"update": 9, "loss.valid": 1.0}\n{"update": 10, "loss.va'
        )
    found = history(run)
    assert found.last["loss.valid"] == 1.0
    path = run / "metrics.jsonl"
    assert found.complaints(False) == [
        f"{path} is damaged: 3 lines are not as a run writes them, and left out",
        f"{path} ends in the middle of a line, which is left out",
    ]
    # It is being written.
    assert len(found.complaints(True)) == 1


def test_no_history_is_an_empty_one(tmp_path):
    found = history(made(tmp_path, metrics=None))
    assert (found.last, found.best, found.tokens_per_s) == ({}, {}, None)
    (tmp_path / "logs" / "mlm" / NAME / "metrics.jsonl").mkdir()
    with pytest.raises(RunError, match="metrics.jsonl: Is a directory"):
        history(tmp_path / "logs" / "mlm" / NAME)


def test_checkpoints_are_listed_by_update(run):
    for name in ("0", "485", "97", "485.1", ".part-500", "other"):
        add_checkpoint(run, name, best="97")
    found, wrong = checkpoints(run)
    assert wrong == []
    assert [(c["name"], c["update"]) for c in found] == [
        ("0", 0),
        ("97", 97),
        ("485", 485),
        ("485.1", 485),
    ]
    assert [c["name"] for c in found if c["is_newest"]] == ["485.1"]
    assert [c["name"] for c in found if c["is_best"]] == ["97"]
    path = run / "checkpoints" / "97"
    assert found[1]["bytes"] == sum(file.stat().st_size for file in path.iterdir()) > 4000


def test_a_damaged_checkpoint_is_told_and_the_one_before_knows_the_best(run):
    add_checkpoint(run, "97", best="97")
    path = add_checkpoint(run, "485", best="485") / "manifest.json"
    path.write_text(path.read_text().replace("485", "486"))
    found, (wrong,) = checkpoints(run)
    assert f"{path} is damaged" in wrong
    assert [c["name"] for c in found if c["is_best"]] == ["97"]


def test_no_checkpoints_and_no_best(run):
    assert checkpoints(run) == ([], [])
    add_checkpoint(run, "0")
    assert [c["is_best"] for c in checkpoints(run)[0]] == [False]


def test_files_have_sizes(run):
    (run / "tensorboard" / "deep").mkdir(parents=True)
    (run / "tensorboard" / "deep" / "a").write_bytes(bytes(30))
    (run / "tensorboard" / "b").write_bytes(bytes(4))
    (run / ".status.json.7").write_text("half")
    (run / "elsewhere").symlink_to(run.parent)
    (run / "loop").symlink_to("loop")
    found = {file["name"]: file["bytes"] for file in files(run)}
    assert [*found] == [
        "elsewhere/",
        "loop",
        "metrics.jsonl",
        "run.yaml",
        "status.json",
        "tensorboard/",
    ]
    assert found["tensorboard/"] == 34
    assert found["run.yaml"] == (run / "run.yaml").stat().st_size
    assert files(run / "nowhere") == []


def test_the_way_to_go_on_is_known_if_the_entry_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = made(tmp_path)
    near = run.relative_to(tmp_path)
    assert resume_command(near, INFO) == f"python -m experiments.mlm --resume {NAME}"
    # It is not found from here by its name.
    assert resume_command(run, INFO) == f"python -m experiments.mlm --resume {run}"
    odd = near.with_name("it's mine")
    assert resume_command(odd, INFO).endswith("""--resume 'it'"'"'s mine'""")
    for entry in (None, "", 3, "experiments.mlm", ":Configs"):
        assert resume_command(near, INFO | {"entry": entry}) is None
        assert module({"entry": entry}) is None


def test_the_command_is_the_one_that_was_typed():
    assert command(INFO) == ["python", "-m", "experiments.mlm", *INFO["command"][1:]]
    assert command(INFO | {"entry": None}) == INFO["command"]
    assert command(INFO | {"command": ["notebook.py", 3]}) == ["notebook.py", "3"]
    assert command({}) == command({"command": "mlm.py"}) == []
