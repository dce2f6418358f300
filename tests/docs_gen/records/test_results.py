import copy
import hashlib
import json
from pathlib import Path

import pytest

from docs_gen.records.results import FORMAT, best, changed, points, read, validate

GOLDEN = Path(__file__).parents[2] / "golden/record"


@pytest.fixture
def record():
    return read(GOLDEN)


def test_the_golden_record_is_read(record):
    assert record["format"] == FORMAT and record["experiment"] == "mlm"
    assert points(record, "loss.valid") == [(4, 3), (8, 2.6), (12, 2.2)]
    assert points(record, "loss.train")[3:6] == [(4, 3), (5, None), (6, 2.8)]
    assert points(record, "grad_norm")[0] == (1, 1)
    assert points(record, "perplexity.valid") == []


@pytest.mark.parametrize(
    "told, found",
    [
        ({"metric": "a", "value": 2.5, "update": 0, "more": 1}, ("a", 2.5, 0)),
        (None, None),
        ({}, None),
        ({"metric": "a", "value": 2.5}, None),
        ({"metric": ["a"], "value": 2.5, "update": 1}, None),
        ({"metric": "a", "value": 10**400, "update": 1}, None),
        ({"metric": "a", "value": True, "update": 1}, None),
    ],
)
def test_the_best_value_is_told_if_all_of_it_is_known(record, told, found):
    assert best(record | {"best": told}) == found


@pytest.mark.parametrize("name", list(json.loads((GOLDEN / "record.json").read_text())))
def test_each_key_is_needed_and_has_its_kind(record, name):
    lacking = {key: value for key, value in record.items() if key != name}
    with pytest.raises(ValueError, match=f"'{name}' is missing or unknown"):
        validate(lacking)
    with pytest.raises(ValueError, match=rf"^record\.{name} should be [^\n]*$"):
        validate(record | {name: {1, 2}})


def at(record, path, value):
    """A copy in which one place is different"""
    found = copy.deepcopy(record)
    *above, last = path
    inner = found
    for key in above:
        inner = inner[key]
    inner[last] = value
    return found


SPAN = ("samples", 0, "samples", 0, "spans", 1)


@pytest.mark.parametrize(
    "path, value, where",
    [
        (("format",), "labnn record 2", "record.format"),
        (("updates",), True, "record.updates"),
        (("updates",), "12", "record.updates"),
        (("updates",), None, "record.updates"),
        (("seconds",), float("inf"), "record.seconds"),
        (("seconds",), 10**400, "record.seconds"),
        (("extra",), 5, "'extra'"),
        (("command", 0), 5, r"record.command\[0\]"),
        (("resumed", 0, "update"), "1", r"record.resumed\[0\].update"),
        (("modules", "labnn.layers", "path"), "/etc/passwd", "labnn.layers.path"),
        (("modules", "labnn.layers", "path"), "labnn/../../x.py", "labnn.layers.path"),
        (("modules", "labnn.layers", "path"), "labnn/x.txt", "labnn.layers.path"),
        (("modules", "labnn.layers", "sha256"), "ABC", "labnn.layers.sha256"),
        (("metrics", "rows", 0, 2), "3", r"metrics.rows\[0\]\[2\]"),
        (("metrics", "rows", 0, 2), float("nan"), r"metrics.rows\[0\]\[2\]"),
        (("metrics", "rows", 0), [1, 2], "metrics: rows and columns"),
        (("metrics", "rows", 0), [], "metrics: rows and columns"),
        (("metrics", "columns", 0), "step", "metrics: rows and columns"),
        (("metrics", "rows", 0, 0), None, "metrics: the updates"),
        (("validation", "rows", 0, 0), 9, "validation: the updates"),
        ((*SPAN, "kind"), "maybe", "kind"),
        ((*SPAN, "text"), None, "text"),
        ((*SPAN, "extra"), "", "'extra'"),
    ],
)
def test_a_damaged_place_is_named_in_one_line(record, path, value, where):
    with pytest.raises(ValueError, match=f"^[^\n]*{where}[^\n]*$"):
        validate(at(record, path, value))


@pytest.mark.parametrize("value", [None, [], 5, "record", {}])
def test_what_is_no_record_at_all(value):
    with pytest.raises(ValueError, match="^record"):
        validate(value)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"a": NaN}', "null", "\xff"])
def test_a_damaged_file_is_one_line_with_its_name(tmp_path, text):
    (tmp_path / "record.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError, match=r"^[^\n]*record\.json is damaged: [^\n]+$"):
        read(tmp_path)


def test_modules_that_changed_or_are_gone_are_named(tmp_path, record):
    record["modules"] = {}
    for name in ("same", "other", "gone", "windows"):
        path = f"labnn/{name}.py"
        digest = hashlib.sha256(b"a = 1\nb = 2\n").hexdigest()
        record["modules"][f"labnn.{name}"] = {"path": path, "sha256": digest}
    validate(record)
    (tmp_path / "labnn").mkdir()
    (tmp_path / "labnn/same.py").write_bytes(b"a = 1\nb = 2\n")
    (tmp_path / "labnn/windows.py").write_bytes(b"a = 1\r\nb = 2\r\n")
    (tmp_path / "labnn/other.py").write_bytes(b"a = 1\nb = 3\n")
    assert changed(record, tmp_path) == ["labnn.other", "labnn.gone"]
