import importlib
import inspect
import json
import os
import re
import subprocess
import sys

import pytest

import labnn
from labnn.cli import COMMANDS, experiments, main, split
from labnn.runs.folders import RunError
from tests.runs.made_runs import NAME, made
from tests.runs.processes import ROOT, environment, fresh, run

OTHER = "20261121-101500-00ff"


@pytest.fixture
def cwd(tmp_path, monkeypatch):
    """A working directory with two runs"""
    monkeypatch.chdir(tmp_path)
    made(tmp_path)
    made(tmp_path, OTHER)
    return tmp_path


def mistake(capsys, *arguments):
    """The one line that a mistake is, and nothing else"""
    assert main([*arguments]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("error: ") and err.count("\n") == 1
    return err.removeprefix("error: ").rstrip("\n")


def test_without_arguments_it_says_how_to_begin(capsys):
    assert main([]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("usage: labnn") and err == ""
    assert "python -m experiments.mlm" in out
    for name, command in COMMANDS.items():
        assert f"  labnn {name} {command.usage}\n      {command.text}\n" in out
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize("argument", ["--help", "-h", "help"])
def test_help_is_the_same(capsys, argument):
    assert main([]) == 0
    expected = capsys.readouterr()
    assert main([argument]) == 0
    assert capsys.readouterr() == expected


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_help_of_its_own(capsys, name):
    texts = []
    for arguments in ([name, "--help"], ["help", name], [name, "-h", "a", "b", "c", "d", "--json"]):
        assert main(arguments) == 0
        texts.append(capsys.readouterr().out)
    assert len({*texts}) == 1
    assert texts[0].startswith(f"usage: labnn {name} {COMMANDS[name].usage} [--json]\n")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_a_function_of_words_and_options(name):
    module, _, function = COMMANDS[name].entry.partition(":")
    found = getattr(importlib.import_module(module), function)
    assert [*inspect.signature(found).parameters] == ["words", "options"]


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr() == (f"labnn {labnn.__version__}\n", "")


def test_an_unknown_command_names_the_nearest(capsys):
    assert mistake(capsys, "shwo", "x") == "labnn has no command 'shwo'; did you mean show?"
    assert mistake(capsys, "xyz") == "labnn has no command 'xyz'; labnn --help lists all"
    assert mistake(capsys, "help", "rnus") == "labnn has no command 'rnus'; did you mean runs?"
    for first in ("--json", "--version"):
        said = mistake(capsys, first, "runs")
        assert (
            said == f"'{first}' stands where a command should; write labnn COMMAND, then all else"
        )


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["show"], "usage: labnn show RUN; given: no words"),
        (["show", "a", "b c"], "usage: labnn show RUN; given: 'a' 'b c'"),
        (["compare", "a"], "usage: labnn compare RUN RUN ...; given: 'a'"),
        (["runs", "a", "b"], "usage: labnn runs [EXPERIMENT]; given: 'a' 'b'"),
        (["runs", "a=1"], "labnn runs has no option a; it has none; write -- before a word"),
        (["runs", "--json=1"], "labnn runs has no option json; it has none"),
        (["report", "a", "ot=b"], "labnn report has no option ot; its options are out; write --"),
        (["show", "a", "-v"], "-v is no argument; write name=value, --json or --help"),
        (["show", "a", "--jsn"], "--jsn is no argument; write name=value, --json or --help"),
        (["fill", "a", "top_k=5", "--top_k=6"], "top_k is given twice, as 5 and as 6"),
        (["show", "nothing"], "there is no run 'nothing' in logs; the nearest are"),
        (["compare", NAME, NAME], f"{NAME} and {NAME} are the same run"),
    ],
)
def test_a_mistake_is_one_line(cwd, capsys, arguments, says):
    assert mistake(capsys, *arguments).startswith(says)


def test_arguments_are_words_options_and_flags():
    given = ["a", "top_k=5", "--text.path=my=file", "--json", "to be = [MASK]", "=", "-"]
    assert split(given) == (
        ["a", "to be = [MASK]", "=", "-"],
        {"top_k": "5", "text.path": "my=file"},
        {"--json"},
    )
    assert split(["a=1", "--", "b=1", "--json", "--"]) == (
        ["b=1", "--json", "--"],
        {"a": "1"},
        set(),
    )
    # A path, and a text, are words although they hold a sign of an option.
    assert split(["logs/a=b/c", "is it? x=1", "a..b=1", "- x"])[1:] == ({}, set())
    # Twice the same is no contradiction.
    assert split(["a=1", "--a=1"])[1] == {"a": "1"}
    for argument in ("--dry-run", "-x", "---"):
        with pytest.raises(RunError, match=f"^{argument} is no argument"):
            split([argument])


@pytest.mark.parametrize(
    "arguments", [["runs"], ["show", "auto"], ["compare", NAME, OTHER], ["runs", "nothing"]]
)
def test_json_is_one_object_and_nothing_else(cwd, capsys, arguments):
    assert main([*arguments, "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == "" and out.count("\n") == 1
    assert isinstance(json.loads(out), dict)
    # A flag may stand anywhere behind the command.
    assert main([arguments[0], "--json", *arguments[1:]]) == 0
    assert [*json.loads(capsys.readouterr().out)] == [*json.loads(out)]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_any_stream_can_be_printed_on(tmp_path, encoding):
    prompt = ["Ärger 試"]
    made(tmp_path, "Lauf ß 試", "Versuch", info={"overrides": {"prompt": prompt}})
    made(tmp_path, OTHER, info={"overrides": {"prompt": ["x"]}, "options": None})
    for arguments in (["runs"], ["show", "Lauf"], ["compare", "Lauf", OTHER]):
        options = dict(cwd=tmp_path, PYTHONIOENCODING=encoding)
        code, out, err = run("labnn.cli", *arguments, "--json", **options)
        assert (code, err) == (0, "")
        assert "Lauf ß 試" in json.dumps(json.loads(out), ensure_ascii=False)
        code, out, err = run("labnn.cli", *arguments, **options)
        assert (code, err) == (0, "") and "Lauf" in out


def test_a_reader_that_has_gone_is_no_error(cwd):
    for arguments in ([], ["runs"], ["show", "auto", "--json"], ["--version"]):
        reader, writer = os.pipe()
        os.close(reader)
        code, _, err = run("labnn.cli", *arguments, cwd=cwd, stdout=writer)
        os.close(writer)
        assert (code, err) == (1, "")


def test_every_experiment_is_listed():
    files = sorted((ROOT / "experiments").glob("*.py"))
    names = [f"experiments.{path.stem}" for path in files if path.stem != "__init__"]
    assert experiments() == names and "experiments.mlm" in names


def test_the_command_leaves_with_its_code(tmp_path):
    assert run("labnn.cli", "--version", cwd=tmp_path).code == 0
    code, out, err = run("labnn.cli", "nonsense", cwd=tmp_path)
    assert code == 2 and err.count("\n") == 1


LOADED = """
import sys
from labnn.cli import main
code = main(sys.argv[1:])
slow = ("torch", "numpy", "labml", "labml_helpers", "omegaconf", "experiments", "rich.console")
print(code, [name for name in slow if name in sys.modules], file=sys.stderr)
"""


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--help"],
        ["runs"],
        ["show", "auto"],
        ["compare", NAME, OTHER, "--json"],
        ["report", "--help"],
        ["show", "nothing"],
    ],
    ids=" ".join,
)
def test_it_does_not_wait_for_torch(cwd, arguments):
    _, _, err = fresh("-c", LOADED, *arguments, cwd=cwd)
    assert re.fullmatch("[02] \\[\\]", err.splitlines()[-1]), err


def test_the_list_does_without_yaml(cwd):
    # A thousand of these files would take a second.
    code = "import sys; from labnn.cli import main; main(['runs']); sys.exit('yaml' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True)
    assert done.returncode == 0, done.stderr
