import sys
from pathlib import Path

from labnn.runs.how import in_code, in_own_form, on_command_line, reference


def test_a_run_below_the_working_directory_has_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    here, elsewhere = Path("logs/mlm/20261121-x"), tmp_path / "else" / "logs" / "mlm" / "20261121-x"
    assert reference(here) == reference(here.absolute()) == "20261121-x"
    assert reference(elsewhere) == str(elsewhere)


def test_each_form_says_how_it_goes_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = Path("logs/mlm/20261121-x")
    assert in_code(run) == "the same call and resume='20261121-x'"
    assert in_own_form(run) == "attach(conf, resume='20261121-x')"


def test_a_command_can_be_pasted(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "orig_argv", ["python", "-m", "experiments.mlm", "seq_len=3", "a b"])
    monkeypatch.setattr(sys, "argv", ["mlm.py", "seq_len=3", "a b"])
    command = "python -m experiments.mlm --resume "
    assert on_command_line(Path("logs/mlm/20261121-x")) == command + "20261121-x"
    assert on_command_line(Path("a b/run")) == f"{command}'a b/run'"
