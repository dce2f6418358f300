import re

import pytest
import torch

from experiments import mlm
from labnn.configs.loop import Listener
from labnn.configs.types import ConfigError
from labnn.runs.dry_run import dry_run, is_tensor, n_bytes, n_validations, size
from labnn.runs.dry_run import n_rounds as n_rounds_of
from tests.configs.tiny import Tiny, make
from tests.runs.processes import TINY, folder, run
from tests.runs.processes import mlm as run_mlm

# Updates of an epoch of TINY
N_UPDATES = 3


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working directory"""
    cwd = folder(tmp_path / "here")
    monkeypatch.chdir(cwd)
    return cwd


def dry(overrides=None, cls=mlm.Configs):
    return dry_run("mlm", cls, mlm.OVERRIDES, TINY | (overrides or {}))


def told(out):
    return dict(line.split(maxsplit=1) for line in out.splitlines())


def test_a_dry_run_at_default_settings(tmp_path):
    cwd = tmp_path / "here"
    cwd.mkdir()
    code, out, err = run("experiments.mlm", "--dry-run", cwd=cwd, HOME=str(tmp_path / "no home"))
    assert (code, err) == (0, "")
    lines = told(out)
    assert [*lines] == ["parameters", "batches", "device", "memory", "disk"]
    assert lines["parameters"] == "812,355"
    counts = re.fullmatch(r"(\d+) an epoch, ([\d,]+) updates in all", lines["batches"])
    batches, updates = (int(count.replace(",", "")) for count in counts.groups())
    assert updates == batches * 1024 > 400_000
    # Four bytes a weight; Adam has two numbers beside each.
    assert "weights 3.2 MB, gradients 3.2 MB, optimizer 6.5 MB" in lines["memory"]
    # A line of metrics has seven numbers, a line of samples ten prompts.
    metrics, samples, checkpoints = re.fullmatch(
        r"([\d.]+) MB for metrics, ([\d.]+) MB for samples, ([\d.]+) MB for checkpoints",
        lines["disk"],
    ).groups()
    assert 50 < float(metrics) < 200 and 1 < float(samples) < 50
    # Weights and moments: two checkpoints, the best, and one that is being written
    assert float(checkpoints) == pytest.approx(4 * (3.25 + 6.5), abs=0.1)
    # No file, and no folder
    assert [*tmp_path.iterdir()] == [cwd] and not any(cwd.iterdir())


def test_one_update_is_made_and_nothing_is_written(here, capsys):
    conf = dry({"epochs": 5})
    assert isinstance(conf, mlm.Configs)
    assert (conf.position.epoch, conf.position.batch) == (0, 1)
    assert {int(state["step"]) for state in conf.optimizer.state.values()} == {1}
    assert [path.name for path in here.iterdir()] == ["text.txt"]
    lines = told(capsys.readouterr().out)
    assert lines["batches"] == f"{N_UPDATES} an epoch, {5 * N_UPDATES} updates in all"
    n_parameters = sum(p.numel() for p in conf.model.parameters())
    assert lines["parameters"] == f"{n_parameters:,}"
    assert f"weights {size(4 * n_parameters)}" in lines["memory"]


def test_accumulated_batches_are_one_update(here, capsys):
    conf = dry({"update_batches": 2})
    assert conf.position.batch == 2
    assert told(capsys.readouterr().out)["batches"] == f"{N_UPDATES} an epoch, 2 updates in all"


def test_an_epoch_of_one_batch(here, capsys):
    conf = dry({"batch_size": 64})
    assert conf.position.phase == "valid"
    assert told(capsys.readouterr().out)["batches"] == "1 an epoch, 1 updates in all"


def test_what_a_run_would_warn_of_is_said(here, capsys):
    dry({"optimizer": "SGD", "optimizer.warmup": 3, "prompt": ["to €"]})
    warnings = [line for line in capsys.readouterr().out.splitlines() if line.startswith("warning")]
    assert len(warnings) == 2
    assert "'€'" in warnings[0]
    assert warnings[1] == "warning: nothing reads optimizer.warmup: no effect in a run"


def test_what_a_run_would_stop_at_stops_it(here, capsys):
    with pytest.raises(ConfigError, match="seq_len"):
        dry({"seq_len": 5001})
    with pytest.raises(ConfigError, match="valid: 2 tokens are too few"):
        dry({"text.valid_fraction": 0.0125})

    class Broken(mlm.Configs):
        def forward_loss(self, batch):
            raise RuntimeError("in the first update")

    with pytest.raises(RuntimeError, match="in the first update"):
        dry(cls=Broken)
    assert capsys.readouterr().out == ""


@pytest.mark.slow
def test_a_run_after_it_is_not_changed(tmp_path, here, capsys):
    dry()
    conf = mlm.main(TINY)
    assert conf.position.epoch == 1 and type(conf._listener) is not Listener
    first = (here / "logs" / "mlm").glob("*/samples.jsonl")
    elsewhere = folder(tmp_path / "elsewhere")
    assert run_mlm(elsewhere).code == 0
    second = (elsewhere / "logs" / "mlm").glob("*/samples.jsonl")
    assert next(first).read_text() == next(second).read_text()


def places(conf):
    """How many rounds a run has begun, and how many validations it has made"""

    class Counting(Listener):
        rounds = validations = 0

        def on_phase(self, position, total):
            self.rounds += position.phase == "sample"

        def on_phase_end(self, position):
            self.validations += position.phase == "valid"

    conf._listener = Counting()
    conf.run()
    # The last samples are those of no round.
    return conf._listener.rounds - 1, conf._listener.validations


@pytest.mark.parametrize("every, at_start", [(0, False), (0, True), (2, True), (5, False)])
@pytest.mark.parametrize("most", [0, 1, 4, 7, 8, 9, 12])
@pytest.mark.parametrize("n_rounds, update_batches", [(1, 1), (3, 1), (2, 2), (9, 1)])
def test_rounds_and_validations_are_foreseen(every, at_start, most, n_rounds, update_batches):
    options = {
        "epochs": 2,
        "n_train": 7,
        "inner_iterations": n_rounds,
        "update_batches": update_batches,
        "max_updates": most,
        "eval_interval": every,
        "eval_at_start": at_start,
    }
    conf = make(Tiny, options)
    updates = conf.count_updates()
    begun = n_rounds_of(conf, updates)
    assert (begun, n_validations(conf, updates, begun)) == places(conf)


def test_a_validation_before_the_start_is_not_tried(here, capsys):
    conf = dry({"eval_at_start": True, "eval_interval": 1})
    assert (conf.position.phase, conf.position.batch) == ("valid", 0)
    assert conf.position.updates == 1


@pytest.mark.parametrize(
    "options, n_kept, kinds",
    [
        ({}, 4, "checkpoints"),
        ({"checkpoint.keep": 5, "checkpoint.interval": 2}, 7, "checkpoints"),
        ({"checkpoint.keep": -1}, 1, "each checkpoint, of which all are kept"),
        # Six updates, four of which are at an interval or at an end, and one validation an epoch
        ({"checkpoint.keep": -1, "checkpoint.interval": 2}, 7, "checkpoints"),
    ],
)
def test_the_room_for_checkpoints(here, capsys, options, n_kept, kinds):
    conf = dry({"epochs": 2, "optimizer": "SGD"} | options)
    # The momentum is as large as the weights.
    kept = 2 * n_kept * n_bytes(list(conf.model.parameters()))
    assert told(capsys.readouterr().out)["disk"].endswith(f", {size(kept)} for {kinds}")


def test_sizes_have_units_of_a_thousand():
    values = [0, 999, 1000, 12_345_678, 5.05e9, 3e12, 4e15]
    assert [size(n) for n in values] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "12.3 MB",
        "5.0 GB",
        "3.0 TB",
        "4000.0 TB",
    ]


def test_bytes_are_those_of_the_type():
    tensors = [torch.zeros(3, 5), torch.zeros(7, dtype=torch.float64), torch.zeros(2).half()]
    assert n_bytes(tensors) == 3 * 5 * 4 + 7 * 8 + 2 * 2
    assert n_bytes([]) == 0
    assert is_tensor(tensors[0]) and not is_tensor(3)
