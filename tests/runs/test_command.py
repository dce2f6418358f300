import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from experiments import mlm as page
from labnn.runs.command import command
from tests.runs.processes import (
    TINY,
    environment,
    folder,
    fresh,
    mlm,
    only_run,
    records,
    run,
    words,
)


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """A working directory for commands that leave nothing in it"""
    cwd = folder(tmp_path_factory.mktemp("command") / "here")
    yield cwd
    assert [path.name for path in cwd.iterdir()] == ["text.txt"]


def losses(run):
    return [line.get("loss.train") for line in records(run / "metrics.jsonl")]


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["bach_size=3"], "bach_size is no option of Configs; did you mean batch_size?"),
        (["transformer.n_layer=3"], "did you mean transformer.n_layers?"),
        (["batch_size=many"], "batch_size is 'many', it takes a whole number at least 1"),
        (["tokenizer=charcter"], "did you mean character?"),
        (["transformer.n_heads=3"], "transformer.n_heads is 3"),
        (["--dryrun"], "--dryrun is no argument; write options as name=value, or one of"),
        (["batch_size"], "batch_size is no argument"),
        (["--config", "missing.yaml"], "--config missing.yaml: No such file or directory"),
        (["--config"], "--config has no file; write --config FILE"),
        (["text=file", "text.path=nowhere"], "text.path='nowhere': no such file or folder"),
        (["batch_size=2", "batch_size=3"], "batch_size is given twice, as 2 and as 3"),
        (["--help", "bach_size=3"], "did you mean batch_size?"),
        (["--print-config", "bach_size=3"], "did you mean batch_size?"),
        (["--dry-run", "bach_size=3"], "did you mean batch_size?"),
    ],
)
def test_a_mistake_of_the_user_is_one_line_and_two(here, arguments, says):
    code, out, err = run("experiments.mlm", *arguments, cwd=here)
    assert code == 2 and out == ""
    (line,) = err.splitlines()
    assert line.startswith("error: ") and says in line


def test_all_mistakes_are_named_at_once(here):
    arguments = ["bach_size=3", "seq_len=-1", "transformer.ffn.dff=5"]
    code, _, err = run("experiments.mlm", *arguments, cwd=here)
    assert code == 2
    lines = err.splitlines()
    assert len(lines) == 3 and all(line.startswith("error: ") for line in lines)


def test_a_failure_is_one_line_and_one(tmp_path):
    cwd = folder(tmp_path / "here")
    code, _, err = mlm(cwd, {"optimizer.learning_rate": 1e30})
    assert code == 1
    (line,) = err.splitlines()
    assert line.startswith("error: the loss is nan at epoch 1, batch 2, step 44, after 3.")
    assert [line["update"] for line in records(only_run(cwd) / "metrics.jsonl")] == [1]


def test_a_traceback_is_shown_where_it_is_asked_for(here):
    options = ["text=file", "text.path=nowhere"]
    code, _, err = run("experiments.mlm", *options, cwd=here, LABNN_TRACEBACK="1")
    assert code == 2
    assert "Traceback (most recent call last)" in err and "text_files.py" in err
    assert err.splitlines()[-1].startswith("error: text.path='nowhere'")


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    cwd = folder(tmp_path / "here")
    (cwd / "logs").write_text("in the way")
    code, _, err = mlm(cwd)
    assert code == 1
    (line,) = err.splitlines()
    assert re.fullmatch(f"error: {cwd}/logs/mlm/[-0-9a-f]+: Not a directory", line)


@pytest.mark.slow
def test_what_is_printed_can_be_read_back(tmp_path):
    cwd = folder(tmp_path / "here")
    # Texts that YAML would take for something else, and a text that is not ASCII
    prompts = ["to be: or", "null", "- not", "1e5", "Ärger, ${HOME}", ""]
    options = TINY | {"prompt": prompts, "transformer.ffn.is_gated": True, "optimizer.eps": 1e-7}
    _, printed, err = mlm(cwd, options, "--print-config")
    assert err == ""
    values = yaml.safe_load(printed)
    assert values["prompt"] == prompts and "Ärger" in printed
    assert values["transformer.ffn.is_gated"] is True and values["optimizer.eps"] == 1e-7
    (cwd / "mine.yaml").write_text(printed, "utf-8")
    again = run("experiments.mlm", "--config", "mine.yaml", "--print-config", cwd=cwd)
    assert (*again,) == (0, printed, "")

    assert mlm(cwd, options).code == 0
    first = only_run(cwd)
    code, out, err = run("experiments.mlm", "--config=mine.yaml", cwd=cwd)
    assert code == 0 and err == ""
    # A default that was written down is not a mistake.
    assert "nothing reads" not in out
    (second,) = {*(cwd / "logs" / "mlm").iterdir()} - {first}
    assert losses(first) == losses(second) and len(losses(first)) == 4


def test_arguments_come_after_files(here, tmp_path):
    (tmp_path / "a.yaml").write_text("batch_size: 3\ntransformer:\n  n_layers: 5\n  ffn: {d_ff: 7}")
    (tmp_path / "b.yaml").write_text("transformer.n_layers: 4\noptimizer: Adam\n")
    files = [f"--config={tmp_path / name}" for name in ("a.yaml", "b.yaml")]
    _, out, _ = run("experiments.mlm", "batch_size=2", *files, "--print-config", cwd=here)
    values = yaml.safe_load(out)
    assert (values["batch_size"], values["transformer.n_layers"]) == (2, 4)
    assert (values["transformer.ffn.d_ff"], values["optimizer.optimizer"]) == (7, "Adam")


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_other_encodings_are_printed_as_well(here, encoding):
    prompt = {"prompt": ["Ärger €"]}
    options = dict(cwd=here, PYTHONIOENCODING=encoding)
    printed = mlm(here, prompt, "--print-config", PYTHONIOENCODING=encoding)
    assert printed.code == 0 and yaml.safe_load(printed.out)["prompt"] == prompt["prompt"]
    for flag in ("--help", "--dry-run"):
        code, _, err = run("experiments.mlm", *words(TINY | prompt), flag, **options)
        assert (code, err) == (0, "")


@pytest.mark.parametrize("flag", ["--help", "--print-config", "--dry-run"])
def test_a_reader_that_has_gone_is_no_error(here, flag):
    reader, writer = os.pipe()
    os.close(reader)
    code, _, err = mlm(here, None, flag, stdout=writer)
    os.close(writer)
    assert (code, err) == (1, "")


@pytest.mark.slow
def test_the_real_thing_under_a_shell(here):
    """`head` leaves in the middle, and the interpreter has nothing to say about it at its end."""
    script = "import subprocess, sys; subprocess.run(sys.argv[1], shell=True)"
    line = f"{sys.executable} -m experiments.mlm --help | head -1"
    code, out, err = fresh("-c", script, line, cwd=here)
    assert (code, err) == (0, "")
    assert out.startswith("usage: python -m experiments.mlm") and out.count("\n") == 1


def test_a_run_whose_reader_goes_away_ends_well(tmp_path):
    cwd = folder(tmp_path / "here")
    reader, writer = os.pipe()
    os.close(reader)
    code, _, err = mlm(cwd, stdout=writer)
    os.close(writer)
    assert (code, err) == (1, "")
    (end,) = records(only_run(cwd) / "run_log.jsonl")
    assert end["status"] == "crashed" and "BrokenPipeError" in end["details"]


def test_a_command_leaves_with_its_code(capsys):
    with pytest.raises(SystemExit) as e:
        command("mlm", page.Configs, page.OVERRIDES, ["bach_size=3"])
    assert e.value.code == 2
    assert re.match("error: bach_size is no option", capsys.readouterr().err)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="there is no /proc")
def test_ctrl_c_while_torch_is_loaded_shows_nothing(tmp_path):
    arguments = [sys.executable, "-m", "experiments.mlm"]
    files = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(arguments, cwd=tmp_path, env=environment(), **files)
    while "libtorch" not in Path(f"/proc/{process.pid}/maps").read_text():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60) == (b"", b"")
    assert process.returncode == -signal.SIGINT
    assert not [*tmp_path.iterdir()]
