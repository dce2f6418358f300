import io
import re
import sys

import pytest

from labnn.configs.position import Position
from labnn.runs import console as page
from labnn.runs.console import PACE, STYLES, Console, duration, say, shown
from labnn.runs.samples import GOES_ON, LEGEND, Sample, Span
from tests.runs.processes import TINY, Terminal, folder, fresh, mlm, only_run, records, words

SAMPLE = Sample([Span("given", "to b"), Span("wrong", "a", "e"), Span("right", " ", " ")])
SIGNS = "  to b{a≠e}[ ]\n"
# One character of colour
ESC = "\x1b"


class Clock:
    """Time that passes when a test says so"""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(page, "time", clock)
    return clock


class Screen(io.StringIO):
    """A stream that says that it is a terminal"""

    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.fixture
def screen(monkeypatch):
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    return Screen()


def on(screen, monkeypatch):
    """A console on a screen. pytest puts its own stream in place before each test."""
    monkeypatch.setattr(sys, "stdout", screen)
    return Console()


def position(epoch=0, batch=0, phase="train"):
    return Position(epoch=epoch, batch=batch, phase=phase)


VALUES = {"loss.train": 3.14159, "accuracy.train": 0.25, "lr": 1.976e-3, "tokens_per_s": 12345.6}


def test_durations_are_written_as_clocks_do():
    assert [duration(s) for s in (0, 59.9, 61, 3599, 3600, 90061)] == [
        "0:00",
        "0:59",
        "1:01",
        "59:59",
        "1:00:00",
        "25:01:01",
    ]


def test_values_are_shown_as_far_as_they_are_known():
    assert shown(VALUES, "train") == "  loss 3.142  lr 0.00198  12,346 tokens/s  accuracy 0.250"
    assert shown({"loss.valid": 2, "loss.train": 3}, "valid") == "  loss 2"
    assert shown({"loss.train": float("nan")}, "train") == "  loss nan"
    assert shown({}, "train") == ""


def test_a_log_gets_plain_lines_at_a_pace(capsys, clock):
    console = Console()
    begun = clock.now
    for second in range(0, 121):
        clock.now = begun + second
        console.progress(position(batch=second), 1000, second / 1000, VALUES)
        console.round_end(position(), second, {"loss.train": 1.0, "loss.valid": 2.0}, False)
        console.samples([SAMPLE])
    out = capsys.readouterr().out
    lines = out.splitlines()
    n_progress = sum(line.startswith("epoch 1 train") for line in lines)
    n_rounds = sum(line.startswith("epoch 1  step") for line in lines)
    assert (n_progress, n_rounds) == (120 // PACE["progress"], 120 // PACE["round"] + 1)
    assert lines.count(LEGEND) == 1
    assert lines.count(SIGNS.rstrip("\n")) == 120 // PACE["samples"] + 1
    assert "epoch 1 train 30/1000  16:10 left  loss 3.142  lr 0.00198" in out
    assert "epoch 1  step 5  loss.train 1  loss.valid 2  0:05" in lines
    assert out.endswith("\n") and ESC not in out and "\r" not in out


def test_a_resumed_run_tells_the_time_left_by_what_it_does_itself(capsys, clock):
    console = Console()
    begun = clock.now
    for second in range(0, 41):
        clock.now = begun + second
        console.progress(position(batch=second), 1000, 0.5 + second / 1024, VALUES)
    assert "epoch 1 train 30/1000  8:02 left" in capsys.readouterr().out


def test_a_round_of_a_language_model_has_its_perplexity(capsys, clock):
    values = {"loss.train": 1.0, "loss.valid": 2.0, "accuracy.valid": 0.25}
    Console().round_end(position(), 5, values, True)
    Console().round_end(position(), 5, {**values, "perplexity.valid": 7.38906}, True)
    assert capsys.readouterr().out == (
        "epoch 1  step 5  loss.train 1  loss.valid 2  accuracy.valid 0.25  0:00\n"
        "epoch 1  step 5  loss.train 1  loss.valid 2  perplexity.valid 7.389  accuracy.valid 0.25"
        "  0:00\n"
    )


def test_what_goes_on_has_a_legend_and_a_style_of_its_own(capsys, screen, monkeypatch):
    sample = Sample([Span("given", "to be"), Span("predicted", " or not")])
    Console().samples([sample])
    assert capsys.readouterr().out == f"{GOES_ON}\n  to be→ or not\n"
    on(screen, monkeypatch).samples([sample])
    assert f"{ESC}[1m or not" in screen.getvalue() and STYLES["predicted"] != STYLES["given"]


def test_the_last_round_and_its_samples_are_always_told(capsys, clock):
    console = Console()
    for n in range(3):
        console.round_end(position(), n, {}, is_last=n == 2)
        console.samples([SAMPLE], is_last=n == 2)
    out = capsys.readouterr().out
    assert out.count("epoch 1") == 2 and out.count(SIGNS) == 2


def test_a_terminal_has_one_line_that_is_redrawn_four_times_a_second(screen, clock, monkeypatch):
    console = on(screen, monkeypatch)
    assert console.is_live
    begun = clock.now
    for n in range(101):
        clock.now = begun + n / 100
        console.progress(position(batch=n), 1000, n / 1000, VALUES)
    drawn = re.findall(r"epoch 1 train (\d+)/1000  (\S+) left  loss", screen.getvalue())
    assert drawn == [("25", "0:09"), ("50", "0:09"), ("75", "0:09"), ("100", "0:09")]
    console.line("said meanwhile")
    console.close()
    # The line goes away, and is not printed into what stays.
    assert "\n" not in screen.getvalue().split("said meanwhile")[0]
    console.close()


def test_a_terminal_has_room_for_all_rounds_and_samples_in_colours(screen, clock, monkeypatch):
    console = on(screen, monkeypatch)
    for n in range(3):
        console.round_end(position(), n, {}, is_last=False)
        console.samples([SAMPLE])
    out = screen.getvalue()
    assert out.count("epoch 1") == 3 and out.count("to b") == 3
    # Red for what is wrong, green for what is right, where a space is seen
    assert f"{ESC}[1;31ma{ESC}[0m{ESC}[1;32m␣{ESC}[0m" in out
    assert LEGEND not in out and "≠" not in out


@pytest.mark.parametrize("name, value", [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_without_colours_signs_tell_right_from_wrong(screen, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    console = on(screen, monkeypatch)
    console.warn("mind the gap")
    console.samples([SAMPLE])
    console.close()
    assert screen.getvalue() == f"warning: mind the gap\n{LEGEND}\n{SIGNS}"


def test_colours_that_are_forced_stay_out_of_a_file(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    console = Console()
    console.progress(position(), 10, 0.5, VALUES)
    console.samples([SAMPLE])
    console.close()
    assert capsys.readouterr().out == f"{LEGEND}\n{SIGNS}"


@pytest.mark.parametrize("encoding, expected", [("ascii", "{a?e}"), ("latin-1", "{a?e}")])
def test_a_stream_that_lacks_a_sign_gets_a_question_mark(monkeypatch, encoding, expected):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    Console().samples([SAMPLE])
    say("\ud800 half")
    text = stream.buffer.getvalue().decode(encoding)
    assert expected in text and "? half\n" in text


def test_a_stream_without_an_encoding_is_no_problem(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    console = Console()
    console.samples([SAMPLE])
    console.close()
    assert stream.getvalue() == f"{LEGEND}\n{SIGNS}"


def test_a_muted_console_is_silent(capsys):
    console = Console()
    console.is_muted = True
    console.warn("a")
    console.progress(position(), 1, 1, {})
    console.round_end(position(), 1, {}, True)
    console.samples([SAMPLE], is_last=True)
    assert capsys.readouterr().out == ""


@pytest.mark.slow
def test_importing_everything_prints_nothing(tmp_path):
    modules = "labnn, labnn.cli, experiments.mlm, labnn.runs.options, labnn.runs.dry_run"
    assert (*fresh("-c", f"import {modules}", cwd=tmp_path),) == (0, "", "")
    assert not any(tmp_path.iterdir())


@pytest.mark.slow
def test_the_log_of_many_short_rounds_is_small_and_whole(tmp_path):
    cwd = folder(tmp_path / "here")
    code, out, err = mlm(
        cwd, {"epochs": 100, "inner_iterations": 3, "prompt": ["to be or not to be"]}
    )
    assert code == 0 and err == ""
    assert len(records(only_run(cwd) / "samples.jsonl")) == 301
    assert len(out) < 3000 and out.endswith("\n")
    assert ESC not in out and "\r" not in out
    lines = out.splitlines()
    assert lines[0].startswith("mlm 2") and lines[1] == LEGEND
    assert lines[2].startswith("  ") and "[" in out and "≠" in out
    assert lines[-1] == f"run: {only_run(cwd)}"
    assert lines[-2].startswith("accuracy on ")
    whole = re.compile(
        r"  .*|epoch \d+  step [\d,]+  loss\.train [\d.]+  loss\.valid [\d.]+"
        r"  accuracy\.valid [\d.]+  \d+:\d\d"
    )
    assert all(whole.fullmatch(line) for line in lines[2:-2])
    assert [line for line in lines if line.startswith("epoch 100 ")]


def seen(drawn):
    """What a person sees in the end"""
    lines, row, column = [[]], 0, 0
    for sign in re.findall(r"\x1b\[[?\d;]*[A-Za-z]|[^\x1b]", drawn):
        if sign == "\r":
            column = 0
        elif sign == "\n":
            row += 1
            lines += [[]] * (row == len(lines))
        elif sign == f"{ESC}[1A":
            row -= 1
        elif sign == f"{ESC}[2K":
            lines[row] = []
        elif len(sign) == 1:
            lines[row] += [" "] * (column + 1 - len(lines[row]))
            lines[row][column] = sign
            column += 1
    return ["".join(line) for line in lines]


def test_what_a_person_sees():
    assert seen("ab\r\ncd\re\r\n\x1b[1A\x1b[2K\x1b[1mf\x1b[0m") == ["ab", "f", ""]


@pytest.mark.parametrize(
    "width", [80, *(pytest.param(w, marks=pytest.mark.slow) for w in (40, 200))]
)
def test_a_real_terminal_has_one_live_line(tmp_path, width):
    cwd = folder(tmp_path / "here")
    options = words(TINY | {"epochs": 80, "prompt": []})
    code, drawn, err = Terminal("experiments.mlm", *options, cwd=cwd, width=width).wait()
    assert code == 0 and err == ""
    live = re.findall(r"epoch \d+ (?:train|valid) \d/\d  [^\r\n\x1b]*", drawn)
    assert live and all(len(line) <= width for line in live)
    parts = ["left", "loss", "lr", "tokens/s", "accuracy"]
    assert all(part in live[-1] for part in parts[: {40: 1, 80: 4, 200: 5}[width]])
    # What does not fit is cut off, and makes no second line.
    assert ("tokens/s" in drawn) == (width > 40)
    assert ("…" in drawn) == (width < 200)
    # Nothing of it is left in the end.
    lines = seen(drawn)
    assert len([line for line in lines if line.startswith("epoch ")]) == 80
    assert not [line for line in lines if re.match(r"epoch \d+ (train|valid)", line)]
    assert drawn.rindex(f"{ESC}[?25h") > drawn.rindex(f"{ESC}[?25l")


@pytest.mark.slow
def test_a_terminal_of_another_encoding(tmp_path):
    cwd = folder(tmp_path / "here")
    options = words(TINY | {"prompt": ["to be é or € not"]})
    code, drawn, err = Terminal(
        "experiments.mlm", *options, cwd=cwd, PYTHONIOENCODING="ascii", NO_COLOR="1", width=40
    ).wait()
    assert code == 0 and err == "" and "?" in drawn
