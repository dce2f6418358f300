r"""
# Result blocks

A fence becomes what its record says, from the golden record that the writer is tested with too.
"""

import gzip
import hashlib
import json
import math
import random
import re
import shutil
from pathlib import Path

import pytest

from docs_gen.records import blocks, exhibits, results
from docs_gen.records.thumbnails import thumbnail
from tests.docs_gen.checked import checked

GOLDEN = Path(__file__).parents[2] / "golden/record"
EVERYTHING = f"run: mlm\nshow: {', '.join(w for w in exhibits.WORDS if w != 'perplexity')}\n"


@pytest.fixture
def records(tmp_path):
    """A folder with two runs, and things that are none"""
    folder = tmp_path / "results"
    for name in ("mlm", "mlm_large"):
        shutil.copytree(GOLDEN, folder / name)
    (folder / "empty").mkdir()
    (folder / "README.md").write_text("no run")
    return folder


def test_a_block_has_what_was_asked_for_in_that_order(records, tmp_path):
    html = blocks.result("run: mlm\nshow: samples, loss", records, tmp_path)
    page = checked(html)
    assert page.named("div", class_="run-block", role="group") == [
        {"class": "run-block", "role": "group", "aria-label": "Results of mlm"}
    ]
    assert html.index('class="run-sample"') < html.index("<svg") < html.index('"run-source"')
    assert page.text("figcaption") == "Loss"


def test_loss_is_shown_where_nothing_was_asked_for(records, tmp_path):
    page = checked(blocks.result("run: mlm", records, tmp_path))
    assert page.text("figcaption") == "Loss" and not page.named("mark")


def test_lists_may_be_written_as_yaml_has_them(records, tmp_path):
    short = blocks.result("run: mlm\nshow: samples, loss\nat: 0, 12", records, tmp_path)
    assert short == blocks.result(
        "run: mlm\nshow: [samples, loss]\nat:\n- 0\n- 12", records, tmp_path
    )


def test_nothing_is_styled_or_loaded_or_run_within_a_page(records, tmp_path):
    # `checked` refuses style attributes, scripts and addresses.
    page = checked(blocks.result(EVERYTHING, records, tmp_path))
    assert not page.named("style")
    for box in (a for t, a in page.elements if a.get("class") == "run-scroll"):
        assert box["tabindex"] == "0" and box["role"] == "group" and box["aria-label"]


def test_blocks_of_a_page_have_ids_of_their_own(records, tmp_path):
    both = [blocks.result(EVERYTHING, records, tmp_path, f"run-{n}") for n in (1, 2)]
    page = checked("".join(both))
    assert {"run-1-loss-title", "run-2-lr-desc"} <= page.ids
    # Names of definitions are anchors too, and have no hyphen.
    assert all("-" in ident for ident in page.ids)
    named = " ".join(a["aria-labelledby"] for a in page.named("svg", role="img")).split()
    assert {*named} == page.ids


def test_drawings_of_a_long_run_are_small(records, tmp_path):
    record = json.loads((GOLDEN / "record.json").read_text())
    draw = random.Random(1)
    updates = range(1, 300_000, 1001)
    noisy = [[u, u, *(draw.random() * 1e-4 for _ in range(5))] for u in updates]
    record["metrics"]["rows"] = noisy
    record["validation"]["rows"] = [[u, u, draw.random(), 5 + draw.random()] for u in updates]
    (records / "mlm/record.json").write_text(json.dumps(record))
    html = blocks.result(EVERYTHING, records, tmp_path)
    drawings = re.findall(r"<svg.*?</svg>", html, re.DOTALL)
    assert len(drawings) == 3 and max(len(d.encode()) for d in drawings) <= 6000
    assert len(thumbnail(record).encode()) <= 1000
    assert len(gzip.compress(html.encode())) <= 12_000


@pytest.mark.parametrize(
    "fence, message",
    [
        ("run: mlm_lagre", "mlm_lagre is no run in results; there is mlm_large, mlm"),
        ("run: ../results/mlm", "../results/mlm is no run in results; there is mlm"),
        ("run: empty", "empty is no run in results; there is mlm, mlm_large"),
        ("run: mlm\nshow: los", "los is nothing that can be shown; there is loss"),
        ("run: mlm\nshwo: loss", "shwo is no word of a result block; there is show"),
        ("run: mlm\nshow: perplexity", "run mlm has nothing to show for perplexity"),
        ("run: mlm\nshow: samples\nat: 5", "run mlm has no samples at update 5; there are 0, 12"),
        ("run: mlm\nat: x", "at: x is no number of an update"),
        ("run: mlm\nat: -1", "at: -1 is no number of an update"),
        ("", "a result block names its run, for instance run: mlm"),
        ("mlm", "a result block names its run, for instance run: mlm"),
        ("run: [mlm]", "a result block names its run, for instance run: mlm"),
        ("run: mlm: x", "a result block is no YAML: "),
        ("run: 'mlm", "a result block is no YAML: "),
        ("[" * 300, "a result block is no YAML: "),
        ("run: mlm\nshow: {a: b}", "{'a': 'b'} is nothing that can be shown; "),
    ],
)
def test_a_mistake_is_one_line(records, tmp_path, fence, message):
    with pytest.raises(ValueError) as caught:
        blocks.result(fence, records, tmp_path)
    assert str(caught.value).startswith(message) and "\n" not in str(caught.value)


def test_a_damaged_record_is_one_line(records, tmp_path):
    (records / "mlm/record.json").write_text("{\n")
    with pytest.raises(ValueError, match=r"^[^\n]*record\.json is damaged: [^\n]+$"):
        blocks.result("run: mlm", records, tmp_path)


def test_no_records_at_all(tmp_path):
    with pytest.raises(ValueError, match="^mlm is no run in results; there is none$"):
        blocks.result("run: mlm", tmp_path / "results", tmp_path)
    assert blocks.runs(tmp_path / "results") == []


def test_hostile_records_stay_text(records, tmp_path):
    record = json.loads((GOLDEN / "record.json").read_text())
    evil = '"><script>alert(1)</script>\u202e'
    record |= {"entry": evil, "state": evil, "date": evil, "command": [evil], "commit": evil}
    record |= {"environment": {"device": evil, evil: evil}, "overrides": [evil], "run": evil}
    record |= {
        "options": {evil: evil},
        "modules": {evil: {"path": "labnn/x.py", "sha256": "0" * 64}},
    }
    record["validation"]["columns"][2] = evil
    (records / "mlm/record.json").write_text(json.dumps(record))
    page = checked(blocks.result("run: mlm\nshow: loss, samples, table, facts", records, tmp_path))
    assert "<script>alert(1)</script>" in page.text("p") and "\u202e" not in page.text()


def test_every_word_of_the_interface_is_translated(records, tmp_path):
    asked = set()

    def say(text):
        asked.add(text)
        return re.sub("[A-Za-z]+(?![^{]*})", lambda word: "Ж" * len(word[0]), text)

    page = checked(blocks.result(EVERYTHING, records, tmp_path, "run", say))
    # What is left is what the record says.
    data = set(re.findall("[A-Za-z]+", (GOLDEN / "record.json").read_text())) | {"python", "k"}
    words = {
        word
        for around, text in page.texts
        for word in re.findall("[A-Za-z]+", text)
        if "code" not in around
    }
    assert words <= data | {"tiny", "other", "entry"}, words - data
    assert {"Loss", "training", "code changed since this run", "right:"} <= asked


def test_runs_whose_code_has_changed(records, tmp_path):
    told = blocks.stale(records, tmp_path)
    assert [run for run, _ in told] == ["mlm", "mlm_large"]
    record = results.read(GOLDEN)
    assert told[0][1] == [*record["modules"]]
    # One run is made to fit.
    for module in record["modules"].values():
        path = tmp_path / module["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(module["path"])
        module["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (records / "mlm/record.json").write_text(json.dumps(record))
    assert [run for run, _ in blocks.stale(records, tmp_path)] == ["mlm_large"]
    assert "run-stale" not in blocks.result("run: mlm", records, tmp_path)
    assert "run-stale" in blocks.result("run: mlm_large", records, tmp_path)


def test_the_runs_that_a_note_shows():
    note = (
        "# Results of a result\n\n```result\nrun: a\n```\n\n* in a list\n\n  ~~~~ result now\n"
        "  run: b\n  show: loss\n  ~~~~\n\n```result\nrun: [\n```\n\n    ```result\n    run: no\n"
        "    ```\n\n```results\nrun: no\n```\n\n```result\nrun: a"
    )
    assert blocks.named(note) == ["a", "b", "a"] and blocks.named("text") == []


def test_a_thinned_curve_keeps_ends_extremes_and_gaps():
    points = [(n, math.sin(n / 40)) for n in range(1000)]
    points[333], points[501], points[777] = (333, 9.0), (501, None), (777, -9.0)
    thin = exhibits.thinned(points)
    assert len(thin) <= exhibits.N_POINTS + 3 and thin == sorted(thin, key=lambda p: p[0])
    assert {points[n] for n in (0, 333, 501, 777, 999)} <= {*thin} <= {*points}
    assert exhibits.thinned(points[:20]) == points[:20]
    assert exhibits.thinned([(1, None)]) == [(1, None)] and exhibits.thinned([]) == []
