import json
import os
import re

import pytest

from labnn.runs import report as page
from labnn.runs.folders import RunError
from labnn.runs.report import report
from tests.docs_gen.checked import checked
from tests.runs.made_runs import METRICS, NAME, made
from tests.runs.processes import folder, mlm, only_run, run
from tests.runs.test_record import golden_run, lines

OTHER = "20261121-101500-00ff"
HOSTILE = "</style><script>alert('1')</script>\x1b[31m\u202e\" onload=x"


@pytest.fixture
def cwd(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def html_of(path):
    """The report of a run"""
    found, text = report([str(path)], {})
    content = (path / "report.html").read_bytes()
    assert found == {"path": str(path / "report.html"), "bytes": len(content), "damaged": []}
    assert text == found["path"]
    return content.decode("utf-8")


def test_a_report_tells_the_whole_run(cwd):
    html = html_of(golden_run(cwd))
    shown = checked(html)
    assert html.startswith("<!doctype html>\n")
    assert shown.text("title").startswith(f"mlm {NAME}")
    assert shown.text("h1") == "mlm" and shown.named("html", lang="en")
    names = [text for around, text in shown.texts if around[-1] == "dt"]
    values = [text for around, text in shown.texts if around[-1] == "dd"]
    assert dict(zip(names, values, strict=True)) == {
        "updates": "12",
        "tokens read": "264",
        "time training": "1:15",
        "tokens/s, median": "13,007",
        "best loss.valid": "2.2, at update 12",
        "validation loss": "2.2",
        "validation accuracy": "0.2927",
    }
    assert [text for around, text in shown.texts if around[-1] == "h2"] == [
        *("Curves", "Samples", "Options", "Resumed", "Command", "Environment")
    ]
    assert shown.named("span", class_="state stopped") and "stopped" in shown.text("header")
    assert "resumed once" in shown.text("header")
    assert shown.text("pre") == "tiny.py d_model=14 'text.path=…/text.txt'"
    text = shown.text("main")
    assert "epochs 1 → 2" in text and "after update 6" in text
    assert "after 0 updates" in text and "after 12 updates" in text
    assert "should be b" in text and "All 6 options" in text and "3.11.7" in text


def test_it_has_a_figure_for_each_kind_of_value(cwd):
    shown = checked(html_of(golden_run(cwd)))
    captions = [text for around, text in shown.texts if around[-1] == "figcaption"]
    assert captions == [
        *("Loss", "Accuracy", "Learning rate", "Tokens per second", "Gradient norm")
    ]
    assert len(shown.named("svg", role="img")) == 5
    dashed = [a for a in shown.named("path", class_="run-valid") if "stroke-dasharray" in a]
    # Two curves, each with its piece in the legend
    assert len(dashed) == 4


def test_it_may_load_and_run_nothing(cwd):
    shown = checked(html_of(golden_run(cwd)))
    (policy,) = shown.named("meta", **{"http-equiv": "Content-Security-Policy"})
    rules = policy["content"].split("; ")
    assert rules[:2] == ["default-src 'none'", "style-src 'unsafe-inline'"]
    assert all(rule.endswith("'none'") for rule in rules[2:])
    tags = {tag for tag, _ in shown.elements}
    assert not tags & {"a", "script", "img", "link", "button", "input"}


def test_it_fits_a_phone_a_screen_paper_and_both_themes(cwd):
    html = html_of(golden_run(cwd))
    shown = checked(html)
    assert shown.named("meta", name="viewport", content="width=device-width, initial-scale=1")
    style = shown.text("style")
    for query in ("prefers-color-scheme: dark", "max-width: 40rem", "print"):
        assert re.search(rf"@media \(?{query}", style), query
    assert style.count("{") == style.count("}") > 30
    # Each colour that is used is one of both themes, or has a default.
    used = set(re.findall(r"var\((--[\w-]+)\)", style))
    for theme in (page.LIGHT, page.DARK):
        assert used <= set(re.findall(r"(--[\w-]+):", theme))


def luminance(colour):
    """As WCAG 2 defines it"""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(share * c for share, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(a, b):
    """The same"""
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["LIGHT", "DARK"])
def test_colours_have_contrast(theme):
    colours = dict(re.findall(r"--([\w-]+): (#\w{6});", getattr(page, theme)))
    texts = {"text", "quiet", "good", "bad", "pause", "busy", "run-right", "run-wrong", "run-truth"}
    for ground in ("ground", "card"):
        for name in texts:
            assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground)
        for name in ("run-train", "run-valid"):
            assert contrast(colours[name], colours[ground]) >= 3, (name, ground)


def test_contrast_by_hand():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_hostile_text_stays_text(cwd):
    info = {
        "name": HOSTILE,
        "command": [HOSTILE],
        "options": {HOSTILE: HOSTILE},
        "overrides": {HOSTILE: HOSTILE},
        "environment": {HOSTILE: {HOSTILE: HOSTILE}},
        "data": {HOSTILE: HOSTILE},
        "resumed": [{"update": 1, "changes": {HOSTILE: [HOSTILE, HOSTILE]}}],
        "entry": HOSTILE,
    }
    path = made(cwd, info=info, state="failed", details=HOSTILE)
    span = {"kind": "wrong", "text": HOSTILE + "\ud800", "truth": HOSTILE}
    lines(path / "samples.jsonl", [{"update": 0, "step": 0, "samples": [{"spans": [span]}]}])
    html = html_of(path)
    shown = checked(html)
    assert "<script" not in html and "\x1b" not in html and "\u202e" not in html
    assert shown.text("main").count("alert('1')") >= 14
    assert not any("onload" in attributes for _, attributes in shown.elements)


@pytest.mark.parametrize(
    "metrics, figures",
    [
        (None, 0),
        ([], 0),
        ([{"update": 1, "step": 2, "loss.train": 3.0}], 1),
        ([{"update": 1, "step": 2, "loss.train": None, "accuracy.train": None}], 0),
        ([{"update": 1, "step": 2, "loss.train": None, "lr": 0.0}], 1),
        ([line for line in METRICS if "loss.valid" not in line], 3),
        ([line for line in METRICS if "loss.valid" in line], 2),
        ([{"update": n, "step": n, "loss.train": n * 1e299} for n in range(1, 9)], 1),
    ],
)
def test_a_run_of_which_little_is_known(cwd, metrics, figures):
    path = made(cwd, metrics=metrics, state=None, info={"overrides": None, "options": None})
    shown = checked(html_of(path))
    assert len(shown.named("svg")) == figures
    assert ("No value" in shown.text("main")) == (figures == 0)
    assert "Samples" not in shown.text("main")


def test_a_value_that_is_missing_is_a_gap(cwd):
    metrics = [{"update": n, "step": n, "loss.train": n if n != 3 else None} for n in range(1, 6)]
    shown = checked(html_of(made(cwd, metrics=metrics)))
    (path,) = (a["d"] for a in shown.named("path", class_="run-train")[1:])
    assert path.count("M") == 2 and path.count("L") == 2


def test_samples_show_the_first_and_the_last_round_at_once(cwd):
    path = made(cwd)
    span = {"kind": "right", "text": "e", "truth": "e"}
    taken = [{"update": n, "step": n, "samples": [{"spans": [span]}]} for n in range(30)]
    lines(path / "samples.jsonl", taken)
    html = html_of(path)
    rounds = re.findall(r"<details( open)?><summary>after (\d+) updates", html)
    assert [name for _, name in rounds] == ["0", "1", "2", "3", "5", "9", "17", "29"]
    assert [bool(is_open) for is_open, _ in rounds] == [True, *[False] * 6, True]


def test_right_and_wrong_are_explained_where_something_was_hidden(cwd):
    path = made(cwd)
    for spans, is_explained in (
        ([{"kind": "right", "text": "e", "truth": "e"}], True),
        ([{"kind": "given", "text": "to"}, {"kind": "predicted", "text": " → ' be'"}], False),
    ):
        taken = [
            {"update": 0, "step": 0, "samples": [{"spans": [{"truth": "", **s} for s in spans]}]}
        ]
        lines(path / "samples.jsonl", taken)
        text = checked(html_of(path)).text("main")
        assert ("Hidden and predicted" in text) == is_explained
        assert spans[-1]["text"] in text


def test_a_long_run_makes_a_page_of_moderate_size(cwd):
    metrics = (
        {"update": n, "step": n, **{c: 1.2345 + n % 97 for c in ("loss.train", "lr", "grad_norm")}}
        for n in range(1, 20_001)
    )
    path = made(cwd, metrics=metrics)
    spans = [{"kind": "wrong", "text": "a", "truth": "b"}] * 60
    prompts = [{"spans": spans}] * 10
    taken = [{"update": n, "step": n, "samples": prompts} for n in range(100)]
    lines(path / "samples.jsonl", taken)
    assert len(html_of(path).encode()) < 1_000_000


def test_out_names_another_place(cwd):
    path = made(cwd)
    found, text = report(["2026"], {"out": "mine.html"})
    assert text == found["path"] == "mine.html"
    assert not (path / "report.html").exists()
    checked((cwd / "mine.html").read_text("utf-8"))
    # A report takes the place of a report.
    (cwd / "mine.html").write_text("<!DOCTYPE html>\nold")
    report(["2026"], {"out": "mine.html"})
    assert "old" not in (cwd / "mine.html").read_text("utf-8")[:20]
    assert sorted(os.listdir(cwd)) == ["logs", "mine.html"]


@pytest.mark.parametrize(
    "out, why",
    [
        ("a.py", "is no report"),
        ("pipe", "is no report"),
        ("logs", "is a folder"),
        ("no/x.html", "no folder no"),
    ],
)
def test_a_place_that_cannot_be_taken_is_one_line(cwd, out, why):
    made(cwd)
    (cwd / "a.py").write_text("print()\n")
    os.mkfifo(cwd / "pipe")
    with pytest.raises(RunError, match=f"^out={out}[^\n]*{why}[^\n]*$"):
        report(["2026"], {"out": out})
    assert (cwd / "a.py").read_text() == "print()\n"


def test_damaged_files_are_one_line_and_an_old_report_stays(cwd):
    path = made(cwd)
    before = html_of(path)
    (path / "run.yaml").write_text("overrides: 5\n")
    with pytest.raises(RunError, match=r"^[^\n]*run\.yaml is damaged: overrides [^\n]*$"):
        report([NAME], {})
    assert (path / "report.html").read_text("utf-8") == before


def test_damaged_lines_are_left_out_and_told(cwd):
    path = made(cwd)
    with open(path / "metrics.jsonl", "a") as file:
        file.write("{}\n[1]\n")
    found, text = report([str(path)], {})
    (line,) = found["damaged"]
    assert line == (
        f"{path}/metrics.jsonl is damaged: 2 lines are not as a run writes them, and left out"
    )
    assert text.splitlines() == [found["path"], f"damaged: {line}"]
    shown = checked((path / "report.html").read_text("utf-8"))
    assert "metrics.jsonl is damaged: 2 lines are not" in shown.text("header")
    assert str(cwd) not in shown.text() and len(shown.named("svg")) == 3


def test_the_best_value_is_that_of_the_run_or_of_its_metrics(cwd):
    for number, (best, told) in enumerate(
        (
            ({"metric": "accuracy.valid", "value": 0.25, "update": 1234}, "accuracy.valid"),
            (None, "best loss.valid2.125, at update 2"),
            ({"metric": HOSTILE, "value": 1.0, "update": 3}, "alert('1')"),
        )
    ):
        html = html_of(made(cwd, f"{NAME}{number}", best=best))
        assert told in "".join(
            text for around, text in checked(html).texts if around[-1] in ("dt", "dd")
        )
    path = made(cwd, OTHER, best={"value": 2.0}, metrics=None)
    assert "best" not in checked(html_of(path)).text("header")


@pytest.mark.slow
def test_a_real_run_has_a_report(tmp_path):
    cwd = folder(tmp_path)
    assert mlm(cwd).code == 0
    code, out, err = run("labnn.cli", "report", "auto", "--json", cwd=cwd)
    assert (code, err) == (0, "")
    path = only_run(cwd) / "report.html"
    assert json.loads(out) == {
        "path": str(path.relative_to(cwd)),
        "bytes": len(path.read_bytes()),
        "damaged": [],
    }
    shown = checked(path.read_text("utf-8"))
    assert len(shown.named("svg")) == 5 and "after 3 updates" in shown.text("main")
    assert "d_model" in shown.text("th") and str(tmp_path) not in shown.text()
