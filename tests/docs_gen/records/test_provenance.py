r"""
# Provenance

What stands below a result is what the record says, and whether the code is still that of the run.
"""

import hashlib
from pathlib import Path

import pytest

from docs_gen.records import provenance
from docs_gen.records.results import read
from tests.docs_gen.checked import checked

GOLDEN = Path(__file__).parents[2] / "golden/record"


@pytest.fixture
def record():
    return read(GOLDEN)


def test_the_line_below_a_result(record, tmp_path):
    page = checked(provenance.under(record, tmp_path))
    assert page.text("p") == (
        "python -m experiments.tiny d_model=14 'text.path=…/text.txt' · 12 updates, stopped"
        " · 2026-11-21 · threads: 1, torch 2.13.0 · 1 min 16 s · commit 27c67cb, with changes"
    )


def test_what_is_not_known_is_left_out(record, tmp_path):
    record |= {"date": None, "seconds": None, "commit": None, "environment": {}, "modules": {}}
    html = provenance.under(record | {"state": "finished", "updates": 12345}, tmp_path)
    told = checked(html).text("p")
    assert told == "python -m experiments.tiny d_model=14 'text.path=…/text.txt' · 12,345 updates"


@pytest.mark.parametrize(
    "entry, words, told",
    [
        ("experiments.mlm:Configs", ["mlm.py", "a=1"], "python -m experiments.mlm a=1"),
        ("mine.tool:C", ["__main__.py"], "python -m mine.tool"),
        (None, ["my run.py", "a=b c"], "python 'my run.py' 'a=b c'"),
        # Somebody's program trains a class of ours.
        ("experiments.mlm:Configs", ["other.py"], "python other.py"),
        ("tiny:Configs", ["tiny.py"], "python -m tiny"),
    ],
)
def test_the_command(record, entry, words, told):
    assert provenance.command(record | {"entry": entry, "command": words}) == told


def test_no_command_is_no_mistake(record):
    record |= {"command": [], "modules": {}}
    assert provenance.command(record) == ""
    assert provenance.under(record, Path()).startswith('<p class="run-source">12 updates')


@pytest.mark.parametrize(
    "seconds, told",
    [
        (0.2, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (75.5, "1 min 16 s"),
        (3599.9, "1 h 0 min"), (4521, "1 h 15 min"), (172799, "47 h 59 min"), (180000, "2 d 2 h"),
        (None, ""),
    ],
)  # fmt: skip
def test_durations_have_two_units(record, seconds, told):
    assert provenance.duration(record | {"seconds": seconds}) == told


@pytest.mark.parametrize(
    "had, told",
    [
        ({"device": "cuda:0", "threads": 8, "torch": "2.1"}, "cuda:0, torch 2.1"),
        ({"device": "cpu", "threads": 8}, "cpu, threads: 8"),
        ({}, ""),
    ],
)
def test_threads_matter_on_a_processor(record, had, told):
    assert provenance.machine(record | {"environment": had}) == told


def test_a_change_of_the_code_is_marked_with_its_modules(record, tmp_path):
    assert "run-stale" in provenance.under(record, tmp_path)
    page = checked(provenance.stale(record, tmp_path))
    assert page.text("summary") == "code changed since this run"
    assert page.text("ul") == "".join(record["modules"])
    assert len(page.named("li")) == len(record["modules"])
    for module in record["modules"].values():
        path = tmp_path / module["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"a = 1\n")
        module["sha256"] = hashlib.sha256(b"a = 1\n").hexdigest()
    assert provenance.stale(record, tmp_path) == ""
    (tmp_path / "experiments/tiny.py").write_bytes(b"a = 2\n")
    assert len(checked(provenance.stale(record, tmp_path)).named("li")) == 1
