r"""
# Runs on pages

Which page shows which run, and the table of all of them.
"""

import json
import shutil
from pathlib import Path

import pytest

from docs_gen.records import runs
from tests.docs_gen.checked import checked
from tests.docs_gen.modules import module

GOLDEN = Path(__file__).parents[2] / "golden/record"


def page(name, *shown):
    """A page that shows some runs, in its docstring and in a comment"""
    fences = "".join(f"\n```result\nrun: {run}\n```\n" for run in shown)
    comment = f"\n# Later\n#\n# ```result\n# run: {shown[-1]}\n# ```\nb = 2\n" if shown else ""
    return module(f'r"""\n# A page\n{fences}"""\n{comment}', name)


@pytest.fixture
def records(tmp_path):
    folder = tmp_path / "results"
    for name in ("one", "two"):
        shutil.copytree(GOLDEN, folder / name)
    return folder


def test_pages_are_found_by_the_runs_that_they_show():
    pages = [page("p.a", "one", "two"), page("p.b"), page("p.c", "two", "gone")]
    found = runs.shown_on(pages)
    assert {run: [m.source.name for m in modules] for run, modules in found.items()} == {
        "one": ["p.a"], "two": ["p.a", "p.c"], "gone": ["p.c"]
    }  # fmt: skip


def test_pages_that_show_a_run_have_a_thumbnail(records):
    pages = [page("p.a", "one"), page("p.b"), page("p.c", "gone")]
    found = runs.thumbnails(pages, records)
    assert [*found] == ["p/a.html"] and checked(found["p/a.html"]).named("svg")
    assert runs.thumbnails(pages, None) == {}
    (records / "one/record.json").write_text("{")
    assert runs.thumbnails(pages, records) == {}


def test_a_row_for_each_run(records, tmp_path):
    record = json.loads((GOLDEN / "record.json").read_text())
    record |= {"best": None, "modules": {}, "state": "\u202e", "date": None}
    (records / "two/record.json").write_text(json.dumps(record))
    pages = [page("p.a", "one")]
    one, two = runs.rows(records, tmp_path, pages)
    assert checked(one.pop("curve")).named("svg")
    assert one == {
        "run": "one",
        "modules": pages,
        "best": "loss.valid 2.2",
        "progress": "12 updates, stopped",
        "time": "1 min 16 s",
        "machine": "threads: 1, torch 2.13.0",
        "date": "2026-11-21",
        "command": "python -m experiments.tiny d_model=14 'text.path=…/text.txt'",
        "changed": [*json.loads((GOLDEN / "record.json").read_text())["modules"]],
    }
    assert (two["best"], two["date"], two["modules"], two["changed"]) == ("", "", [], [])
    assert two["progress"] == "12 updates, \ufffd"


def test_a_damaged_record_is_left_out_of_the_table(records, tmp_path):
    before = [row["run"] for row in runs.rows(records, tmp_path, [])]
    (records / "two/record.json").write_text("{")
    assert [row["run"] for row in runs.rows(records, tmp_path, [])] == [
        run for run in before if run != "two"
    ]
