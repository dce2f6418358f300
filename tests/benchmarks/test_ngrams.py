import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "ngrams.py"


@pytest.fixture
def run(tmp_path):
    """The script in another process, with two small texts"""
    (tmp_path / "train").write_text("the cat sat on the mat\nthe dog sat on the log\n" * 17)
    (tmp_path / "valid").write_text("the cat sat on the sofa\nthe dog sat\n")

    def run(*words):
        return subprocess.run(
            [sys.executable, str(SCRIPT), *words],
            cwd=tmp_path,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
        )

    return run


def test_the_cases_worked_out_by_hand(run):
    done = run("check")
    assert done.returncode == 0 and done.stdout == "all as worked out by hand\n", done.stderr


@pytest.mark.parametrize(
    "out, reason",
    [("none/x.npz", "No such file"), ("train/x", "Not a directory"), ("dir.npz", "Is a directory")],
)
def test_a_file_that_cannot_be_written_is_told_before_the_work(run, tmp_path, out, reason):
    (tmp_path / "dir.npz").mkdir()
    before = sorted(tmp_path.rglob("*"))
    done = run("train=train", "valid=valid", f"out={out}")
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith(f"out={out} cannot be written: {reason}")
    assert done.stderr.count("\n") == 1 and sorted(tmp_path.rglob("*")) == before


def test_probabilities_are_kept(run, tmp_path):
    done = run("train=train", "valid=valid", "out=x")
    assert done.returncode == 0 and done.stderr == "" and "11 scored" in done.stdout
    kept = np.load(tmp_path / "x.npz")
    assert kept["tokens"].shape == kept["kneser_ney"].shape == (11,)
