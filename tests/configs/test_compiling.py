"""Options and failures of compiling, and real runs that are compiled"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from labnn.configs import compiling
from labnn.configs.compiling import FOLDER, choose_folder
from labnn.configs.loop import Torn
from labnn.configs.types import ConfigError
from labnn.configs.update import TrainingError
from labnn.runs.folders import status
from tests.configs.tiny import Tiny
from tests.programs import needs_program
from tests.runs.killing import alike, begin, go_on, story, the_run
from tests.runs.processes import TINY, environment, folder, fresh, only_run, records, run, words

# torch warns of parts of itself while it compiles.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize("reader", ["absent", "there"])
def test_compiled_code_is_kept_in_our_cache(tmp_path, monkeypatch, reader):
    monkeypatch.setenv("LABNN_CACHE", str(tmp_path))
    monkeypatch.delenv(FOLDER, raising=False)
    if reader == "there":
        # What torch chooses, as soon as anything asks
        own = pytest.importorskip(compiling.READER).default_cache_dir()
        monkeypatch.setenv(FOLDER, own)
    choose_folder()
    assert os.environ[FOLDER] == str(tmp_path / "torchinductor")
    assert not any(tmp_path.iterdir())


def test_a_folder_of_the_user_stays(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER, str(tmp_path))
    choose_folder()
    assert os.environ[FOLDER] == str(tmp_path)


def test_without_a_home_torch_chooses(monkeypatch):
    for name in (FOLDER, "LABNN_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    choose_folder()
    assert FOLDER not in os.environ


def test_a_missing_compiler_is_told_in_one_line(tmp_path):
    cwd = folder(tmp_path)
    options = words(TINY | {"compile": "true"})
    found = fresh("-m", "experiments.mlm", *options, cwd=cwd, CXX="/nowhere/g++", LABNN_CACHE=cwd)
    assert found.code == 2 and found.err.count("\n") == 1, found
    assert found.err.startswith("error: compile is true, and torch cannot compile for cpu: ")
    assert "/nowhere/g++" in found.err and "compile=false" in found.err
    # No run was begun.
    assert not (cwd / "logs").exists()


def test_what_needs_single_modules_is_refused():
    conf = Tiny()
    conf.compile = conf.is_log_model_activations = True
    with pytest.raises(ConfigError, match="compile is true, and is_log_model_activations"):
        conf.check()


@pytest.mark.parametrize("is_stopped", [True, False])
def test_a_compiler_that_fails_is_told_in_one_line(is_stopped):
    def broken(graph, inputs):
        raise RuntimeError("killed\nthousands of lines")

    torch._dynamo.reset()
    called = torch.compile(lambda x: x + 1, backend=broken)
    expected = Torn if is_stopped else TrainingError
    with pytest.raises(expected) as caught, compiling.compiling(lambda: is_stopped):
        called(torch.zeros(3))
    if not is_stopped:
        assert "failed to compile the model" in str(caught.value)
        assert "killed" in str(caught.value) and "thousands" not in str(caught.value)


def test_more_shapes_than_are_compiled_are_an_error(monkeypatch):
    # torch would leave those beyond its limit as they are, and say so in its own words.
    monkeypatch.setattr(compiling, "MOST", 3)
    torch._dynamo.reset()
    called = torch.compile(lambda x: x + 1, backend="eager", dynamic=False)
    with compiling.compiling(lambda: False):
        for n in range(3):
            called(torch.zeros(n + 2))
    with (
        pytest.raises(TrainingError, match="more than 3 shapes"),
        compiling.compiling(lambda: False),
    ):
        called(torch.zeros(9))


@pytest.mark.parametrize("is_strict", [True, False])
def test_what_is_set_for_torch_is_as_it_was(is_strict):
    limit, memory = torch._dynamo.config.recompile_limit, torch.utils.deterministic
    torch.use_deterministic_algorithms(is_strict)
    try:
        with pytest.raises(ValueError), compiling.compiling(lambda: False):
            assert torch.are_deterministic_algorithms_enabled()
            assert not memory.fill_uninitialized_memory
            assert torch._dynamo.config.recompile_limit == compiling.MOST
            raise ValueError
        assert torch.are_deterministic_algorithms_enabled() == is_strict
        assert not torch.is_deterministic_algorithms_warn_only_enabled()
        assert torch._dynamo.config.recompile_limit == limit
        assert memory.fill_uninitialized_memory
        assert torch._inductor.config.deterministic == is_strict
    finally:
        torch.use_deterministic_algorithms(False)


class Sampling(Tiny):
    """Samples of many lengths"""

    def sample(self):
        for n in range(1, 12):
            self.model(torch.ones(n, 1, dtype=torch.int64))


def test_a_model_of_ones_own_is_compiled_as_a_whole(monkeypatch):
    shapes, found = [], []

    def compiler(graph, inputs):
        shapes.append([tuple(x.shape) for x in inputs if x.dtype == torch.int64])
        return graph.forward

    monkeypatch.setattr(compiling, "HOW", {"backend": compiler, "dynamic": False})
    for is_compiled in (False, True, True):
        conf = Sampling()
        conf.compile, conf.dropout_prob, conf.epochs = is_compiled, 0.3, 2
        conf.run()
        found.append([p.detach().clone() for p in conf.model.parameters()])
    assert found[0] and all(map(torch.equal, found[0], found[1]))
    assert all(map(torch.equal, found[0], found[2]))
    # In each of the two runs the smallest thing, three widths to learn from and three to judge by;
    # what was compiled before does not count, and samples do not at all.
    widths = [[], [(5, 1)], [(5, 2)], [(5, 3)], [(5, 1)], [(5, 2)], [(5, 3)]]
    assert shapes == widths * 2


def test_other_errors_pass():
    with pytest.raises(ValueError, match="^mine$"), compiling.compiling(lambda: True):
        raise ValueError("mine")


# Batches and prompts of one shape: each takes seconds to compile.
SIZES = TINY | {
    "compile": "true",
    "transformer.n_layers": 2,
    "transformer.dropout_prob": 0.25,
    "batch_size": 1,
    "epochs": 2,
    "prompt": ["to be or no"],
}


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """A cache that all runs of this page share: to fill it takes most of the time"""
    needs_program("g++", "clang++")
    found = tmp_path_factory.mktemp("cache")
    subprocess.run(
        [sys.executable, "-m", "experiments.mlm", *words(SIZES)],
        cwd=folder(tmp_path_factory.mktemp("first")),
        env=environment(LABNN_CACHE=str(found)),
        stdout=subprocess.DEVNULL,
        check=True,
        timeout=300,
    )
    return found


@pytest.mark.slow
def test_torchs_own_dropout_draws_what_it_draws_without(tmp_path, monkeypatch):
    needs_program("g++", "clang++")
    monkeypatch.setenv(FOLDER, str(tmp_path))
    torch._dynamo.reset()
    dropout, x, found = torch.nn.Dropout(0.3), torch.randn(1000), []
    for call in (dropout, torch.compile(dropout.forward, **compiling.HOW)):
        torch.manual_seed(1)
        found.append(call(x))
    torch.testing.assert_close(*found)


@pytest.mark.slow
def test_the_option_changes_only_the_rounding(tmp_path, cache):
    found = {}
    elsewhere = folder(tmp_path / "elsewhere")
    for is_compiled in ("true", "false"):
        cwd = folder(tmp_path / is_compiled)
        options = words(SIZES | {"compile": is_compiled})
        places = {"LABNN_CACHE": str(cache), "TMPDIR": str(elsewhere), "HOME": str(elsewhere)}
        code, _, err = run("experiments.mlm", *options, cwd=cwd, **places)
        assert (code, err) == (0, "")
        lines = records(only_run(cwd) / "metrics.jsonl")
        found[is_compiled] = [line["loss.train"] for line in lines if "loss.train" in line]
        # Nothing is left beside the run.
        assert {path.name for path in cwd.iterdir()} == {"logs", "text.txt"}
        if is_compiled == "true":
            assert {path.name for path in elsewhere.iterdir()} == {"text.txt"}
    assert found["true"] == pytest.approx(found["false"], rel=1e-4)
    # The layer has been compiled, and not only what shows that there is a compiler.
    assert len([*Path(cache).rglob("*.so")]) > 5
    # Code, and nothing that is pickled: files of those caches have no suffix.
    kinds = {path.suffix for path in Path(cache).rglob("*") if path.is_file()}
    assert kinds == {".so", ".cpp", ".py", ".lock"}


@pytest.mark.slow
def test_a_compiled_run_that_was_killed_goes_on_bit_by_bit(tmp_path, cache):
    options = SIZES | {"checkpoint.interval": 2, "pause": 0.02}
    whole = begin(folder(tmp_path / "whole"), options, LABNN_CACHE=str(cache)).wait()
    assert whole.code == 0, whole.err
    expected = only_run(tmp_path / "whole", "killed")

    cwd = folder(tmp_path / "stopped")
    process = begin(cwd, options, LABNN_CACHE=str(cache))
    process.until(lambda out: "\nbegin train" in out.partition("\nbegin valid")[2])
    process.send(signal.SIGKILL)
    assert process.wait().code == -signal.SIGKILL
    assert status(the_run(cwd))["state"] != "finished"
    again = go_on(cwd, LABNN_CACHE=str(cache)).wait()
    assert again.code == 0, again.err
    assert story(expected)["metrics"]
    alike(the_run(cwd), expected)


@pytest.mark.slow
def test_whoever_goes_on_without_compiling_is_told(tmp_path, cache):
    cwd = folder(tmp_path)
    assert begin(cwd, SIZES | {"epochs": 1}, LABNN_CACHE=str(cache)).wait().code == 0
    again = go_on(cwd, "epochs=2", "compile=false", LABNN_CACHE=str(cache)).wait()
    assert again.code == 0, again.err
    assert "compile was True and is False: results may differ in the last bits" in again.out
