import subprocess
import sys

import pytest

import labnn
from labnn.cli import experiments, main
from tests.runs.processes import ROOT, environment, run


def test_without_arguments_it_says_how_to_begin(capsys):
    assert main([]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("usage: labnn") and err == ""
    assert "python -m experiments.mlm" in out


@pytest.mark.parametrize("argument", ["--help", "-h"])
def test_help_is_the_same(capsys, argument):
    assert main([]) == 0
    expected = capsys.readouterr()
    assert main([argument]) == 0
    assert capsys.readouterr() == expected


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr() == (f"labnn {labnn.__version__}\n", "")


def test_an_unknown_command_is_the_mistake_of_the_user(capsys):
    assert main(["--version", "now"]) == 2
    assert "'--version now'" in capsys.readouterr().err
    assert main(["trian"]) == 2
    out, err = capsys.readouterr()
    assert err == "error: labnn has no command 'trian'; labnn --help lists all\n" and out == ""


def test_every_experiment_is_listed():
    files = sorted((ROOT / "experiments").glob("*.py"))
    names = [f"experiments.{path.stem}" for path in files if path.stem != "__init__"]
    assert experiments() == names and "experiments.mlm" in names


def test_the_command_leaves_with_its_code(tmp_path):
    assert run("labnn.cli", "--version", cwd=tmp_path).code == 0
    code, out, err = run("labnn.cli", "nonsense", cwd=tmp_path)
    assert code == 2 and err.count("\n") == 1


def test_it_does_not_wait_for_torch(tmp_path):
    code = (
        "import sys; from labnn.cli import main; main([]); "
        "sys.exit(any(name in sys.modules for name in ('torch', 'numpy', 'labml', 'experiments')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment(), capture_output=True
    )
    assert done.returncode == 0, done.stderr
