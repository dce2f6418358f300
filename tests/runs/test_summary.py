import json
import math

import pytest

from docs_gen.records import results
from labnn.runs import summary as page
from labnn.runs.folders import RunError
from labnn.runs.record import record
from labnn.runs.summary import cleaned, early, rounded, written
from tests.runs.made_runs import INFO, made
from tests.runs.test_reading import STRANGE, put


def summary(path, *args, **sizes):
    """Of a run in which nothing is damaged"""
    found, damaged = page.summary(path, *args, **sizes)
    assert damaged == []
    return found


def lines(path, objects):
    path.write_text("".join(json.dumps(line) + "\n" for line in objects), "utf-8")


def updates(table):
    return [row[0] for row in table["rows"]]


def long_run(n):
    """Metrics whose loss has one low and one high value, at places that no even choice meets"""
    for update in range(1, n + 1):
        loss = 3.0 + math.sin(update) / 10 - (1.5 if update == 778 else 0)
        loss += 4 if update == 1234 else 0
        values = {"loss.train": loss, "accuracy.train": 0.123456, "lr": update * 1.23456e-7}
        others = {"grad_norm": 0.5 + math.cos(update) / 7, "tokens_per_s": 13000.5 + update % 11}
        yield {"update": update, "step": update * 2048, **values, **others}
        if update % 5 == 0:
            loss = 2.0 if update == 1015 else 3.1 - update / 1e5
            yield {
                "update": update,
                "step": update * 2048,
                "loss.valid": loss,
                "accuracy.valid": 0.2,
            }


def prompt(n, kind="wrong"):
    """A prompt of `n` pieces"""
    given = {"kind": "given", "text": "to be or", "truth": ""}
    return {"spans": [given, {"kind": kind, "text": "a", "truth": "b"}] * n}


def test_a_short_run_is_kept_whole(tmp_path):
    found = summary(made(tmp_path))
    assert found["metrics"] == {
        "columns": ["update", "step", "loss.train", "accuracy.train", "tokens_per_s"],
        "rows": [
            [1, 22, 3.5, 0.1, 100],
            [2, 44, 3, 0.2, 900],
            [3, 66, 2.75, 0.4, 300],
            [4, 88, 2.5, 0.3, 500],
        ],
    }
    assert found["validation"] == {
        "columns": ["update", "step", "accuracy.valid", "loss.valid"],
        "rows": [[2, 44, 0.25, 2.125], [4, 88, 0.5, 2.25]],
    }
    assert found["tokens_per_s"] == 400 and found["seconds"] == 75.0
    assert found["date"] == "2026-11-21" and found["commit"] == INFO["commit"]


def test_a_long_run_is_thinned_to_its_shape(tmp_path):
    found = summary(made(tmp_path, metrics=long_run(6000)))
    kept = updates(found["metrics"])
    assert 280 <= len(kept) <= 300 and kept == sorted(set(kept))
    assert {1, 778, 1234, 6000} <= set(kept)
    # Evenly: no two neighbours are farther apart than a little more than the mean.
    assert max(b - a for a, b in zip(kept, kept[1:], strict=False)) <= 6000 / 280 + 1
    kept = updates(found["validation"])
    assert 130 <= len(kept) <= 150 and {5, 1015, 6000} <= set(kept)
    assert found["updates"] == 6000 and found["tokens"] == 6000 * 2048


def test_few_validations_are_all_kept(tmp_path):
    metrics = [{"update": n, "step": n, "loss.valid": 1.0} for n in range(1, 141)]
    assert updates(summary(made(tmp_path, metrics=metrics))["validation"]) == list(range(1, 141))


@pytest.mark.slow
def test_a_record_of_a_long_run_is_small(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = {f"transformer.option_{n}": "some value" for n in range(100)}
    packages = {f"package-{n}": "1.2.3" for n in range(60)}
    info = {"options": options, "environment": {"packages": packages}}
    path = made(tmp_path, info=info, metrics=long_run(6000))
    rounds = [
        {"update": n, "step": n, "samples": [prompt(20, kind) for kind in ("wrong", "right") * 5]}
        for n in range(1000)
    ]
    lines(path / "samples.jsonl", rounds)
    found, _ = record(["2026", "kept"], {})
    assert found["bytes"] <= 64_000
    assert len((tmp_path / "kept/record.json").read_bytes()) == found["bytes"]


def test_samples_are_the_first_the_last_and_some_between(tmp_path):
    path = made(tmp_path)
    lines(
        path / "samples.jsonl",
        [{"update": n, "step": n, "samples": [prompt(1), prompt(2, "right")]} for n in range(10)],
    )
    found = summary(path)["samples"]
    assert [taken["update"] for taken in found] == [0, 1, 3, 9]
    assert [len(taken["samples"]) for taken in found] == [2, 2, 2, 2]
    given = {"kind": "given", "text": "to be or"}
    wrong, right = {"kind": "wrong", "text": "a", "truth": "b"}, {"kind": "right", "text": "a"}
    assert found[0]["samples"] == [{"spans": [given, wrong]}, {"spans": [given, right] * 2}]


@pytest.mark.parametrize(
    "n_items, most, places",
    [
        (101, 4, [0, 1, 10, 100]),
        (1025, 4, [0, 1, 32, 1024]),
        (5, 4, [0, 1, 2, 4]),
        (9, 8, [0, 1, 2, 3, 4, 5, 6, 8]),
        (4, 4, [0, 1, 2, 3]),
        (10, 3, [0, 1, 9]),
        (0, 4, []),
    ],
)
def test_early_rounds_are_closer_together(n_items, most, places):
    assert early(list(range(n_items)), most) == places


def test_where_there_is_little_room_the_first_prompts_stay_and_the_first_is_cut(tmp_path):
    path = made(tmp_path)
    lines(
        path / "samples.jsonl",
        [{"update": n, "step": n, "samples": [prompt(3), prompt(9 + n)]} for n in range(2)],
    )
    few = summary(path, n_bytes=1000)["samples"]
    assert [len(taken["samples"]) for taken in few] == [1, 1]
    assert len(few[0]["samples"][0]["spans"]) == 6
    tiny = summary(path, n_bytes=500)["samples"]
    spans = tiny[1]["samples"][0]["spans"]
    assert 1 < len(spans) < 6 and spans[-1] == {"kind": "given", "text": " …"}
    one = {"kind": "wrong", "text": "x" * 90_000, "truth": "y" * 90_000}
    lines(path / "samples.jsonl", [{"update": 0, "step": 0, "samples": [{"spans": [one]}]}])
    assert len(json.dumps(summary(path)["samples"])) < 16_000


def test_what_was_done_again_after_a_resume_counts_once(tmp_path):
    metrics = [
        {"update": 1, "step": 2, "loss.train": 5.0},
        {"update": 2, "step": 4, "loss.train": 4.0},
        {"update": 2, "step": 4, "loss.valid": 4.5},
        {"update": 3, "step": 6, "loss.train": 3.0},
        {"update": 3, "step": 6, "loss.valid": 3.5},
        {"update": 2, "step": 4, "loss.train": 4.0},
    ]
    path = made(tmp_path, metrics=metrics)
    again = [{"update": n, "step": n, "samples": [prompt(n + 1)]} for n in (0, 1, 2, 1)]
    lines(path / "samples.jsonl", again)
    found = summary(path)
    assert updates(found["metrics"]) == [1, 2] and updates(found["validation"]) == [2]
    assert [taken["update"] for taken in found["samples"]] == [0, 1]


def test_lines_of_one_update_are_one_row(tmp_path):
    metrics = [
        {"update": 1, "step": 2, "loss.train": 5.0},
        {"update": 1, "step": 2, "lr": 0.1, "loss.valid": 4.0},
    ]
    found = summary(made(tmp_path, metrics=metrics))
    assert found["metrics"]["rows"] == [[1, 2, 5, 0.1]]
    assert found["validation"]["rows"] == [[1, 2, 4]]


def test_what_is_no_finite_number_is_null(tmp_path):
    path = made(tmp_path, metrics=[])
    values = ("null", "NaN", "Infinity", "-Infinity", "1e999", '"3"', "true", "[1]")
    text = "".join(
        f'{{"update": {n}, "step": {n}, "loss.train": {value}, "tokens_per_s": {value}}}\n'
        for n, value in enumerate((*values, "2.5"))
    )
    (path / "metrics.jsonl").write_text(text)
    found = summary(path)
    assert [row[2] for row in found["metrics"]["rows"]] == [None] * len(values) + [2.5]
    assert found["tokens_per_s"] == 2.5


def test_a_run_of_which_little_is_there(tmp_path):
    path = made(tmp_path, metrics=None, state=None)
    (path / "run.yaml").write_text("name: mlm\n")
    found = summary(path)
    assert found["state"] == "killed" and found["updates"] == 0 and found["entry"] is None
    assert found["metrics"] == found["validation"] == {"columns": ["update", "step"], "rows": []}
    assert found["samples"] == [] and found["options"] == {} and found["date"] is None
    results.validate(found)


def test_half_a_line_at_the_end_is_left_out(tmp_path):
    path = made(tmp_path)
    with open(path / "metrics.jsonl", "a") as file:
        file.write('{"update": 5, "st')
    found, damaged = page.summary(path)
    assert updates(found["metrics"]) == [1, 2, 3, 4]
    assert damaged == [f"{path / 'metrics.jsonl'} ends in the middle of a line, which is left out"]


def test_options_that_were_changed_are_always_listed(tmp_path):
    found = summary(made(tmp_path, info={"options": None}))
    assert found["options"] == INFO["overrides"] and found["overrides"] == sorted(INFO["overrides"])
    assert summary(made(tmp_path / "b", info={"commit": "unknown"}))["commit"] is None


@pytest.mark.parametrize(
    "name, text",
    [
        ("run.yaml", "a: [\n"),
        ("run.yaml", "- a\n"),
        ("run.yaml", "overrides: 5\n"),
        ("run.yaml", "resumed: [5]\n"),
        ("run.yaml", "overrides: &a {x: *a}\n"),
        ("run.yaml", "entry: [5]\n"),
    ],
)
def test_what_is_damaged_is_one_line(tmp_path, name, text):
    path = made(tmp_path)
    (path / name).write_text(text)
    with pytest.raises(RunError, match=f"^[^\n]*{path.name}[^\n]* is damaged: [^\n]+$"):
        summary(path)


@pytest.mark.parametrize(
    "name, bad",
    [
        *(("metrics.jsonl", bad) for bad in ("[1]", '{"upda', '{"update": "1"}', '{"step": 1}')),
        ("metrics.jsonl", '{"update": 1' + "0" * 400 + "}"),
        ("samples.jsonl", "null"),
        ("samples.jsonl", '{"update": 1, "samples": 5}'),
        ("samples.jsonl", '{"update": 1, "samples": [{"spans": [{"kind": "given"}]}]}'),
        ("samples.jsonl", '{"update": 1, "samples": [{"spans": [{"kind": "x", "text": ""}]}]}'),
        ("samples.jsonl", '{"update": 1, "samples": [{"spans": [{"kind": "right", "text": 5}]}]}'),
        ("samples.jsonl", '{"update": 1, "samples": [{"spans": [{"kind": "wrong", "text": ""}]}]}'),
    ],
)
def test_a_damaged_line_is_left_out_and_counted(tmp_path, name, bad):
    path = made(tmp_path)
    lines(path / "samples.jsonl", [{"update": 2, "step": 44, "samples": [prompt(1)]}] * 2)
    expected = summary(path)
    first, rest = (path / name).read_text().split("\n", 1)
    (path / name).write_text(f"{bad}\n{first}\n{bad}\n{rest}")
    found, (complaint,) = page.summary(path)
    assert found == expected
    assert complaint == (
        f"{path / name} is damaged: 2 lines are not as a run writes them, and left out"
    )


@pytest.mark.parametrize("kind", STRANGE)
@pytest.mark.parametrize("name", ["run.yaml", "metrics.jsonl", "samples.jsonl"])
def test_what_is_no_file_is_one_line(tmp_path, name, kind):
    path = made(tmp_path)
    put(path / name, kind)
    with pytest.raises(RunError, match=f"^[^\n]*{name}: [^\n]+$"):
        summary(path)


def test_an_older_run_has_its_best_in_its_metrics(tmp_path):
    best = {"metric": "loss.valid", "value": 2.125, "update": 2}
    assert summary(made(tmp_path / "a", best=None))["best"] == best
    bare = [{"update": 1, "loss.train": 2.0}, {"update": 1, "loss.valid": None}]
    assert summary(made(tmp_path / "b", best=None, metrics=bare))["best"] is None
    first = [{"update": 0, "loss.valid": 1.0}, {"update": 1, "loss.valid": 3.0}]
    assert summary(made(tmp_path / "c", best=None, metrics=first))["best"]["update"] == 0


@pytest.mark.parametrize(
    "given, kept",
    [
        ("/home/anna/x/my text.txt", "…/my text.txt"),
        ("text.path=/home/anna/my books/x.txt", "text.path=…/x.txt"),
        ("--config=~/x/y.yaml", "--config=…/y.yaml"),
        ("~anna", "…"),
        ("/", "…"),
        ("/home/anna/", "…/anna"),
        ("C:\\Users\\anna\\x.txt", "…/x.txt"),
        ("file:///home/anna/x.txt", "…/x.txt"),
        ('prompt=["/home/anna b/c d", "e"]', 'prompt=["…/c d", "e"]'),
        ("no file /home/anna/x.txt: gone", "no file …/x.txt: gone"),
        ("https://anna:word@example.org/a/b.txt", "https://example.org/a/b.txt"),
        ("data/my text.txt", "data/my text.txt"),
        ("../x/y.txt", "../x/y.txt"),
        ("a/b and/or c", "a/b and/or c"),
        ("lr=1e-3", "lr=1e-3"),
        ("", ""),
        ({"a": ["/x/y", 5, None, True]}, {"a": ["…/y", 5, None, True]}),
        (math.inf, "inf"),
        ("x" * 5000, "x" * 1000 + "…"),
        (list(range(99)), [*range(40), "…"]),
    ],
)
def test_absolute_paths_keep_their_last_part(given, kept):
    assert cleaned(given) == kept


def test_numbers_have_five_digits():
    assert rounded(1.23456789e-7) == 1.2346e-7
    assert rounded(13000.6) == 13001 and isinstance(rounded(13000.6), int)
    assert rounded(None) is None and rounded(True) is None and rounded(0.0) == 0


def test_what_is_written_can_be_read_and_has_short_lines():
    value = {"a": {"b": [[n, "é\n", None] for n in range(50)]}, "c": [], "d": {}, "e": "x"}
    text = written(value)
    assert json.loads(text) == value
    assert max(map(len, text.splitlines())) <= 120 and len(text.splitlines()) > 50
