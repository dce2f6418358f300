"""Runs that are stopped and go on, beside the same run that is not"""

import itertools
import os
import re
import shutil
import signal
import threading

import pytest
import torch
import yaml
from labml import tracker
from labml.configs import option
from labml_helpers.metrics.accuracy import Accuracy
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, TensorDataset

from experiments import mlm
from labnn.configs.loop import Torn
from labnn.optimizers.noam import noam_rate
from labnn.runs import checkpoint, session, shelf
from labnn.runs.command import command
from labnn.runs.folders import RunError, status
from labnn.runs.interrupts import Terminated
from labnn.runs.launch import launch
from tests.runs.killing import begin, differences, go_on, same, story
from tests.runs.processes import TINY, WORDS, folder, only_run, records, run
from tests.runs.processes import mlm as run_mlm

# Five batches to learn from and two to judge by
TEXT = WORDS * 2
SIZES = TINY | {
    "epochs": 3,
    "inner_iterations": 2,
    "transformer.dropout_prob": 0.3,
    "text.valid_fraction": 0.3,
}


class Stopping(mlm.Configs):
    """Gets a signal in the middle of a batch, or of sampling, as often as it is told"""

    _stops = []
    # A part of the state that is not put back
    _forgotten = None

    def at(self, place):
        if place in self._stops:
            self._stops.remove(place)
            # A run in a thread hears no signals.
            if threading.current_thread() is threading.main_thread():
                os.kill(os.getpid(), signal.SIGTERM)
            else:
                self._listener.interrupts.received = signal.SIGTERM

    def step(self, batch, batch_idx):
        p = self.position
        self.at(f"{p.phase} {p.epoch} {p.batch}")
        super().step(batch, batch_idx)

    def sample(self):
        super().sample()
        self.at(f"sample {self.position.epoch} {self.position.round}")

    def state_parts(self):
        return forgetful(super().state_parts(), self._forgotten)


class Tearing(Stopping):
    """Also leaves the batch in its middle, where something random was drawn"""

    def at(self, place):
        is_torn = place in self._stops
        super().at(place)
        if is_torn:
            torch.rand(3)
            raise Torn


def forgetful(parts, name):
    """A part that has a state, and does not take it"""

    class Forgetful:
        def __init__(self, part):
            self.state_dict = part.state_dict

        def load_state_dict(self, state):
            pass

    return {key: Forgetful(part) if key == name else part for key, part in parts.items()}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working directory"""
    monkeypatch.chdir(folder(tmp_path / "here", TEXT))
    return tmp_path / "here"


def trained(cls, options, stops=(), name="run", later=None):
    """
    A run that is stopped at each of these places and goes on. Returns its folder.

    * `later` are options when it goes on
    """
    cls._stops, options, resume = [*stops], SIZES | options, None
    for number in itertools.count(1):
        try:
            launch(name, cls, mlm.OVERRIDES, options, resume=resume)
            break
        except Terminated:
            assert len(cls._stops) == len(stops) - number
        finally:
            Ending.end()
        options, resume = later or {}, "auto"
    assert not cls._stops
    return only_run(".", name)


wholes = {}


def undisturbed(cls, options):
    """The story of a run that nobody stops, which is told once"""
    key = cls, repr(options)
    if key not in wholes:
        number = len(wholes)
        wholes[key] = story(trained(cls, options, name=f"whole{number}"))
    return wholes[key]


def check(cls, options, stops):
    """A run with these stops has the story of one without."""
    expected = undisturbed(cls, options)
    found = differences(expected, story(trained(cls, options, stops, name="parts")))
    assert not found, found[:5]


def rarely(values, *quick):
    """Parameters of which only some are tried in haste"""
    return [pytest.param(v, marks=[] if v in quick else pytest.mark.slow) for v in values]


STOPS = [
    ["train 0 0"],
    ["train 0 1"],
    ["train 0 4"],
    ["train 1 2"],
    ["train 2 4"],
    ["valid 0 0"],
    ["valid 1 1"],
    ["sample 0 0"],
    ["sample 1 1"],
    ["train 0 1", "train 0 2"],
    ["valid 1 0", "valid 1 1"],
    ["train 1 0", "valid 1 0", "train 2 2", "sample 2 1"],
]


def test_a_batch_that_was_left_in_its_middle_is_not_saved(here):
    # The run goes on from the checkpoint before it; with a later one dropout would be another.
    check(Tearing, {"checkpoint.interval": 2}, ["train 1 2"])


@pytest.mark.parametrize(
    "stops", rarely(STOPS, ["train 1 2"], ["valid 1 1"], ["sample 1 1"]), ids=", ".join
)
def test_a_run_goes_on_bit_by_bit(here, stops, capsys):
    check(Stopping, {}, stops)


class Shuffled(Stopping):
    """A loader of torch, whose order comes from the global generator"""


class OwnGenerator(Stopping):
    """A loader of torch with a generator of its own"""


class Workers(Stopping):
    """A loader of torch with processes of its own"""


class Ending(DataLoader):
    """One that knows what it has begun: the collector ends processes of an iterator in 10 s"""

    begun = []

    def __iter__(self):
        self.begun.append(super().__iter__())
        return self.begun[-1]

    @classmethod
    def end(cls):
        while cls.begun:
            cls.begun.pop()._shutdown_workers()


class OwnBatches(Stopping):
    """A loader of torch that is told of its batches"""


def rows(c):
    """Windows of the text, one after the other"""
    ids = torch.as_tensor(c.tokenizer.encode(c.text.train))
    ids = ids[: len(ids) // c.seq_len * c.seq_len].view(-1, c.seq_len)
    return TensorDataset(ids, ids)


def turned(batch):
    """Sequence first"""
    data = torch.stack([pair[0] for pair in batch], 1)
    return data, data


@option(Shuffled.train_loader)
def shuffled(c: Shuffled):
    return DataLoader(rows(c), batch_size=c.batch_size, shuffle=True, collate_fn=turned)


@option(OwnGenerator.train_loader)
def own_generator(c: OwnGenerator):
    generator = torch.Generator().manual_seed(5)
    return DataLoader(
        rows(c), batch_size=c.batch_size, shuffle=True, collate_fn=turned, generator=generator
    )


@option(Workers.train_loader)
def workers(c: Workers):
    return Ending(rows(c), batch_size=c.batch_size, shuffle=True, collate_fn=turned, num_workers=2)


@option(OwnBatches.train_loader)
def own_batches(c: OwnBatches):
    sampler = RandomSampler(rows(c), generator=torch.Generator().manual_seed(5))
    batches = BatchSampler(sampler, c.batch_size, drop_last=False)
    return DataLoader(rows(c), batch_sampler=batches, collate_fn=turned)


class OwnStep(Stopping):
    """A step of a person's own, which counts with labml_helpers' metric"""

    def init(self):
        self._accuracy = Accuracy(ignore_index=self.padding_token)
        self.state_modules = [self._accuracy]

    def step(self, batch, batch_idx):
        p = self.position
        self.at(f"{p.phase} {p.epoch} {p.batch}")
        data = batch[0].to(self.device)
        if self.mode.is_train:
            tracker.add_global_step(data.numel())
        masked, labels = self.mlm(data)
        logits, _ = self.model(masked)
        loss = torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), labels.flatten(), ignore_index=self.padding_token
        )
        tracker.add("loss.", loss)
        self._accuracy(logits, labels)
        self._accuracy.track()
        if self.mode.is_train:
            loss.backward()
            # The last values wait for the next `save`.
            if p.batch % 2:
                self.optimizer.step()
                self.optimizer.zero_grad()
                tracker.save()
        else:
            tracker.save()


class Overflowing(Stopping):
    """Half precision whose scale grows every second update"""

    def prepare(self):
        super().prepare()
        self.mixed_precision.scaler.set_growth_interval(2)


WORD_SIZES = {"tokenizer": "word", "seq_len": 2, "text.valid_fraction": 0.4}
# One of each kind, and the places where it is stopped
SETTINGS = {
    "one round": (Stopping, {"inner_iterations": 1}, ["train 0 4", "valid 1 0", "train 2 1"]),
    "more rounds than batches": (Stopping, {"inner_iterations": 7}, ["train 0 4", "valid 1 1"]),
    "two batches an update": (Stopping, {"update_batches": 2}, ["train 0 0", "train 1 2"]),
    "sums over rounds": (Stopping, {"update_batches": 3}, ["train 0 1", "valid 1 0", "train 2 3"]),
    "bf16": (Stopping, {"precision": "bf16"}, ["train 0 1", "valid 1 0"]),
    "fp16": (Overflowing, {"precision": "fp16"}, ["train 0 1", "train 1 1", "train 1 2"]),
    "words": (Stopping, WORD_SIZES, ["train 0 1", "valid 1 0"]),
    "in order": (Stopping, {"train_loader": "sequential_train_windows"}, ["train 0 1"]),
    "SGD": (
        Stopping,
        {"optimizer": "SGD", "optimizer.momentum": 0.9, "optimizer.learning_rate": 0.1},
        ["train 0 1", "train 2 3"],
    ),
    "AdamW": (
        Stopping,
        {"optimizer": "AdamW", "optimizer.weight_decay": 0.1, "optimizer.learning_rate": 0.01},
        ["train 0 1", "train 2 3"],
    ),
    "warm-up": (Stopping, {"optimizer.warmup": 6}, ["train 0 1", "train 1 1"]),
    "statistics": (
        Stopping,
        {"is_log_model_params_grads": True, "log_params_updates": 2},
        ["train 0 4", "train 1 2"],
    ),
    "activations": (Stopping, {"is_log_model_activations": True}, ["train 0 4", "train 1 4"]),
    "the best accuracy": (
        Stopping,
        {"checkpoint.metric": "accuracy.valid", "checkpoint.interval": 2},
        ["train 0 1", "valid 1 1", "train 2 3"],
    ),
    "torch's loader": (
        Shuffled,
        {"train_loader": "shuffled"},
        ["train 0 1", "train 1 1", "train 2 3"],
    ),
    "torch's loader with a generator": (
        OwnGenerator,
        {"train_loader": "own_generator"},
        ["train 0 1", "train 1 4", "train 2 3"],
    ),
    "torch's loader with batches": (
        OwnBatches,
        {"train_loader": "own_batches"},
        ["train 0 1", "train 1 4", "train 2 3"],
    ),
    "torch's loader with workers": (
        Workers,
        {"train_loader": "workers"},
        ["train 1 1", "train 2 3"],
    ),
    "a validation every two updates": (
        Stopping,
        {"eval_interval": 2, "eval_at_start": True, "checkpoint.interval": 3},
        ["valid 0 0", "train 0 1", "train 1 0", "valid 1 1", "train 1 3", "valid 2 1"],
    ),
    "a step of one's own every two updates": (
        OwnStep,
        {"eval_interval": 2},
        ["train 0 1", "valid 0 0", "valid 1 1", "train 2 0"],
    ),
    "a step of one's own": (OwnStep, {}, ["train 0 1", "train 1 2", "valid 1 0", "train 2 0"]),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", rarely(SETTINGS, "sums over rounds"))
def test_whatever_is_set_the_run_goes_on_bit_by_bit(here, name, capsys):
    cls, options, stops = SETTINGS[name]
    check(cls, options, stops)


EARLY = {
    "epochs": 40,
    "optimizer": "Adam",
    "optimizer.learning_rate": 0.1,
    "early_stopping.patience": 3,
    "checkpoint.interval": 4,
}
# Counts of hits can only be forgotten where the model hits something.
HITTING = {"masking_prob": 1.0, "optimizer": "Adam", "optimizer.learning_rate": 0.1}
# Parts of the state, and settings in which the result hangs on them
NEEDED = {
    "model": (Stopping, {}, "train 1 2"),
    "optimizer": (Stopping, {}, "train 1 2"),
    "gradients": (Stopping, {"update_batches": 3}, "train 1 1"),
    "update": (Stopping, {"update_batches": 3}, "train 1 1"),
    "trainer": (OwnStep, HITTING, "train 1 2"),
    "validator": (OwnStep, HITTING, "valid 1 0"),
    "position": (Stopping, {}, "train 1 2"),
    "random": (Stopping, {}, "train 1 2"),
    "meter": (Stopping, {}, "valid 1 0"),
    "scaler": (Overflowing, {"precision": "fp16"}, "train 1 2"),
    "metrics": (OwnStep, {}, "valid 1 0"),
    "tracker": (OwnStep, {}, "train 1 2"),
    "best": (Stopping, EARLY, "train 2 2"),
}


# Those of these runs that are known to go on as they should if nothing is forgotten
controls = []


@pytest.mark.slow
@pytest.mark.parametrize("part", NEEDED)
def test_without_any_part_of_the_state_it_would_be_another_run(here, part, capsys, monkeypatch):
    cls, options, stop = NEEDED[part]
    expected = undisturbed(cls, options)
    if NEEDED[part] not in controls:
        assert not differences(expected, story(trained(cls, options, [stop], name="parts")))
        controls.append(NEEDED[part])
    monkeypatch.setattr(cls, "_forgotten", part)
    parts = session.Session._parts
    monkeypatch.setattr(session.Session, "_parts", lambda self: forgetful(parts(self), part))
    assert not same(expected, story(trained(cls, options, [stop], name="forgetful")))


def test_these_are_all_parts_of_the_state(here, capsys):
    run = trained(Stopping, {"epochs": 1})
    parent = run / "checkpoints"
    state = checkpoint.load(parent / shelf.names(parent)[-1])
    own = {*state.pop("session")} - {"started", "seconds", "is_best", "sizes"}
    # That of the teller is for the eyes, below.
    assert {*state} | own == {*NEEDED, "teller"}


def told(out):
    """What was said of the rounds, without the time"""
    lines = [re.sub(r"\s+[\d:]+$", "", line) for line in out.splitlines()]
    return {line for line in lines if line.startswith("epoch ")}


@pytest.mark.slow
def test_the_means_of_a_round_count_what_came_before_the_stop(here, capsys):
    options = {"inner_iterations": 1, "epochs": 1}
    trained(Stopping, options, name="whole")
    expected = told(capsys.readouterr().out)
    trained(Stopping, options, ["train 0 1", "train 0 3"], name="parts")
    assert told(capsys.readouterr().out) == expected and len(expected) == 1


@pytest.mark.slow
def test_patience_survives_a_stop(here, capsys):
    check(Stopping, EARLY, ["train 0 1", "valid 1 0", "train 2 2"])
    best = undisturbed(Stopping, EARLY)["state"]["session"]["best"]
    assert best["n_worse"] == 3
    assert undisturbed(Stopping, EARLY)["state"]["position"]["epoch"] < 40
    # It ends with why, and going on says so as well.
    run = only_run(here, "parts")
    assert "early stopping: loss.valid was best after update" in capsys.readouterr().out
    before = files(run)
    assert exit_code("parts", "--resume", "auto") == 0
    out = capsys.readouterr().out
    assert run.name in out and "early stopping" in out and out.count("\n") == 1
    assert files(run) == before


@pytest.mark.slow
def test_more_patience_goes_on_as_if_it_had_been_there(here, capsys):
    options = EARLY | {"epochs": 8}
    expected = story(trained(Stopping, options | {"early_stopping.patience": 5}, name="whole"))
    trained(Stopping, options, name="parts")
    launch("parts", Stopping, mlm.OVERRIDES, {"early_stopping.patience": 5}, resume="auto")
    assert not differences(expected, story(only_run(here, "parts")))


def exit_code(name, *arguments, cls=Stopping):
    """That of a command line"""
    with pytest.raises(SystemExit) as e:
        command(name, cls, mlm.OVERRIDES, [*arguments])
    return e.value.code


def files(run):
    """What is on the disk, but for the lock, which names who had it last"""
    return {
        path: path.read_bytes()
        for path in sorted(run.rglob("*"))
        if path.is_file() and path.name != "run.lock"
    }


@pytest.mark.slow
def test_a_run_that_is_complete_says_so_and_changes_nothing(here, capsys):
    run = trained(Stopping, {}, ["train 1 2"])
    before = files(run)
    capsys.readouterr()
    for name in ("auto", run.name, run.name[:15], str(run)):
        assert exit_code("run", "--resume", name) == 0
        out, err = capsys.readouterr()
        assert out.startswith(f"run {run.name} is complete: ") and "epochs=4" in out and not err
    conf = launch("run", Stopping, mlm.OVERRIDES, resume="auto")
    assert files(run) == before
    parent = run / "checkpoints"
    kept = checkpoint.load(parent / shelf.names(parent)[-1])["model"]
    assert same(kept, dict(conf.model.state_dict()))


@pytest.mark.slow
def test_more_epochs_are_as_if_they_had_been_there_from_the_start(here, capsys):
    expected = undisturbed(Stopping, {})
    trained(Stopping, {"epochs": 1}, ["valid 0 0"], name="parts")
    for epochs in (2, 3):
        assert exit_code("parts", "--resume", "auto", f"epochs={epochs}") == 0
    assert not differences(expected, story(only_run(here, "parts")))
    info = yaml.safe_load((only_run(here, "parts") / "run.yaml").read_text())
    changes = [entry["changes"] for entry in info["resumed"]]
    assert changes == [{}, {"epochs": [1, 2]}, {"epochs": [2, 3]}]


@pytest.mark.slow
def test_fewer_epochs_than_were_begun_do_not_spoil_a_run(here, capsys):
    expected = undisturbed(Stopping, {})
    cls, cls._stops = Stopping, ["train 1 2"]
    with pytest.raises(Terminated):
        launch("parts", cls, mlm.OVERRIDES, SIZES)
    exit_code("parts", "--resume", "auto", "epochs=1")
    exit_code("parts", "--resume", "auto", "epochs=3")
    found, name = story(only_run(here, "parts")), "metrics"
    assert not differences(expected[name], found[name])


@pytest.mark.slow
def test_runs_go_on_one_after_the_other_in_one_process(here, capsys):
    first = trained(Stopping, {}, ["train 0 1", "train 1 2", "valid 2 0"], name="parts")
    # Another one in between
    trained(Stopping, {"seed": 5, "epochs": 1, "d_model": 6}, ["valid 0 0"], name="other")
    assert not differences(undisturbed(Stopping, {}), story(first))
    assert mlm.main(SIZES).position.phase == "done"
    for epochs in (4, 5):
        conf = mlm.main({"epochs": epochs}, resume="auto")
        assert (conf.position.phase, conf.position.epoch) == ("done", epochs)


@pytest.mark.slow
def test_a_run_goes_on_in_a_thread(here, capsys):
    trained(Stopping, {"epochs": 1}, name="parts")
    problems = []

    def work():
        try:
            launch("parts", Stopping, mlm.OVERRIDES, {"epochs": 3}, resume="auto")
        except BaseException as e:
            problems.append(e)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert not problems
    assert not differences(undisturbed(Stopping, {}), story(only_run(here, "parts")))


@pytest.fixture(scope="module")
def stopped_run(tmp_path_factory):
    """A run that was stopped in the second epoch, which tests copy"""
    cwd = folder(tmp_path_factory.mktemp("stopped"), TEXT)
    before = os.getcwd()
    os.chdir(cwd)
    try:
        Stopping._stops = ["train 1 2"]
        with pytest.raises(Terminated):
            launch("run", Stopping, mlm.OVERRIDES, SIZES)
    finally:
        os.chdir(before)
    return only_run(cwd, "run")


@pytest.fixture
def stopped(here, stopped_run):
    """A copy of it"""
    run = here / "logs" / "run" / stopped_run.name
    shutil.copytree(stopped_run, run)
    return run


REFUSED = {
    "batch_size=3": ("batch_size", "2", "3"),
    "seq_len=12": ("seq_len", "11", "12"),
    "d_model=16": ("d_model", "14", "16"),
    "transformer.n_layers=2": ("transformer.n_layers", "1", "2"),
    "transformer.n_heads=7": ("transformer.n_heads", "2", "7"),
    "transformer.ffn.d_ff=12": ("transformer.ffn.d_ff", "11", "12"),
    "transformer.dropout_prob=0": ("transformer.dropout_prob", "0.3", "0"),
    "tokenizer=word": ("tokenizer", "'character'", "'word'"),
    "text.valid_fraction=0.4": ("text.valid_fraction", "0.3", "0.4"),
    "text=shakespeare": ("text.corpus", "'file'", "'shakespeare'"),
    "optimizer.learning_rate=2": ("optimizer.learning_rate", "1.0", "2.0"),
    "optimizer.warmup=9": ("optimizer.warmup", "2000", "9"),
    "optimizer=SGD": ("optimizer.optimizer", "'Noam'", "'SGD'"),
    "seed=1": ("seed", "0", "1"),
    "inner_iterations=1": ("inner_iterations", "2", "1"),
    "update_batches=2": ("update_batches", "1", "2"),
    "masking_prob=0.2": ("masking_prob", "0.15", "0.2"),
    "precision=bf16": ("precision", "'auto'", "'bf16'"),
    "grad_norm_clip=0": ("grad_norm_clip", "1.0", "0"),
}


@pytest.mark.parametrize("change", rarely(REFUSED, "batch_size=3", "d_model=16"))
def test_what_would_change_the_training_is_refused(stopped, capsys, change):
    name, was, is_ = REFUSED[change]
    before = files(stopped)
    assert exit_code("run", "--resume", "auto", change) == 2
    out, err = capsys.readouterr()
    lines = [line for line in err.splitlines() if f" {name} was" in line]
    assert out == "" and len(lines) == 1, err
    assert lines[0].startswith(f"error: {name} was {was} in run {stopped.name} and is {is_}")
    assert f"--allow-change {name}" in lines[0]
    assert files(stopped) == before


FREE = (
    *("epochs=4", "checkpoint.interval=3", "checkpoint.keep=-1", 'prompt=["or not"]', "device=cpu"),
    *("eval_interval=40", "eval_at_start=true"),
)


@pytest.mark.slow
def test_what_changes_no_step_may_change(stopped, here, capsys):
    assert exit_code("run", "--resume", "auto", *FREE) == 0
    assert status(stopped)["state"] == "finished"
    found, expected = story(stopped)["metrics"], undisturbed(Stopping, {})["metrics"]
    learned = [line for line in expected if "lr" in line]
    assert [line for line in found if "lr" in line][: len(learned)] == learned
    # The validation at the end is that of update 20, and the one of the first update has passed.
    assert [line["update"] for line in found if "loss.valid" in line] == [2, 5, 7, 20]


def rewritten(run, change):
    """The newest checkpoint of a run, changed"""
    parent = run / "checkpoints"
    name = shelf.names(parent)[-1]
    state, info = checkpoint.load(parent / name), checkpoint.read_manifest(parent / name)
    change(state)
    shutil.rmtree(parent / name)
    del info["files"]
    checkpoint.save(parent, name, checkpoint.packed(state), info)
    return name


@pytest.mark.parametrize("counted", [None, 3])
def test_a_checkpoint_of_an_older_form_counts_all_updates(stopped, capsys, counted):
    """It counted them twice, or only beside the training, and those in the position from a start"""

    def older(state):
        state["session"]["metrics"]["n_updates"] = state["position"].pop("updates")
        for name in ("left", "scored"):
            del state["position"][name]
        if counted is not None:
            state["position"] |= {"updates": counted, "left": 0}

    rewritten(stopped, older)
    assert exit_code("run", "--resume", "auto", "max_updates=11") == 0
    out = capsys.readouterr().out
    assert "resumed from checkpoint 8: 8 updates" in out
    learned = [
        [line for line in lines if "lr" in line]
        for lines in (story(stopped)["metrics"], undisturbed(Stopping, {})["metrics"])
    ]
    assert learned[0] == learned[1][:11] and learned[0][-1]["update"] == 11


def test_a_checkpoint_that_counts_no_updates_is_refused(stopped, capsys):
    name = rewritten(stopped, lambda state: state["position"].pop("updates"))
    before = files(stopped)
    assert exit_code("run", "--resume", "auto") == 2
    out, err = capsys.readouterr()
    assert out == "" and err == (
        f"error: checkpoint {name} of run {stopped.name} does not say how many updates were made: "
        "go on from another one, or start a new run\n"
    )
    assert files(stopped) == before


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 3, 9])
def test_another_batch_size_that_is_allowed_goes_on(stopped, capsys, size):
    change = ("--allow-change", "batch_size", f"batch_size={size}")
    code = exit_code("run", "--resume", "auto", *change)
    out, err = capsys.readouterr()
    assert (code, err) == (0, "")
    assert f"changed: batch_size 2 → {size}" in out
    updates = [line["update"] for line in records(stopped / "metrics.jsonl") if "lr" in line]
    assert updates == [*range(1, len(updates) + 1)] and len(updates) > 8


@pytest.mark.slow
def test_larger_batches_after_a_validation_in_the_middle_of_an_epoch(here, capsys):
    options = SIZES | {"inner_iterations": 1, "eval_interval": 4}
    Stopping._stops = ["valid 0 0"]
    with pytest.raises(Terminated):
        launch("run", Stopping, mlm.OVERRIDES, options)
    capsys.readouterr()
    assert exit_code("run", "--resume", "auto", "--allow-change", "batch_size", "batch_size=9") == 0
    assert capsys.readouterr().err == ""
    lines = records(only_run(here, "run") / "metrics.jsonl")
    # The first epoch is over with its fourth update, and the other two have two each.
    assert [line["update"] for line in lines if "lr" in line] == [*range(1, 9)]


def test_fewer_epochs_than_a_run_has_begun_that_ended_in_the_middle_of_one(here, capsys):
    options = SIZES | {"inner_iterations": 1, "max_updates": 7}
    launch("run", Stopping, mlm.OVERRIDES, options)
    capsys.readouterr()
    assert exit_code("run", "--resume", "auto", "epochs=1", "max_updates=9") == 2
    err = capsys.readouterr().err
    assert "has begun epoch 2; give at least epochs=2" in err and err.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize("is_whole", [False, True])
def test_another_rate_that_is_allowed_is_in_force_and_counts_go_on(stopped, capsys, is_whole):
    name = "optimizer" if is_whole else "optimizer.learning_rate"
    change = ("--allow-change", name, "optimizer.learning_rate=2")
    assert exit_code("run", "--resume", "auto", *change) == 0
    lines = [line for line in records(stopped / "metrics.jsonl") if "lr" in line]
    for line in lines:
        factor = 1.0 if line["update"] <= 8 else 2.0
        rate = noam_rate(line["update"], factor=factor, d_model=14, warmup=2000)
        assert line["lr"] == pytest.approx(rate, rel=1e-12)
    assert lines[-1]["update"] == 15
    # It is what the run has from now on.
    assert exit_code("run", "--resume", "auto", "epochs=4") == 0
    last = records(stopped / "metrics.jsonl")[-2]
    assert last["update"] == 20 and last["lr"] == pytest.approx(20 * 2 * 14**-0.5 * 2000**-1.5)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["Adam", "AdamW", "SGD"])
def test_another_rate_of_any_optimizer(here, capsys, optimizer):
    options = {"optimizer": optimizer, "optimizer.learning_rate": 0.01, "optimizer.momentum": 0.9}
    Stopping._stops = ["train 1 2"]
    with pytest.raises(Terminated):
        launch("run", Stopping, mlm.OVERRIDES, SIZES | options)
    changes = {"optimizer.learning_rate": 0.02, "optimizer.momentum": 0.8}
    conf = launch(
        *("run", Stopping, mlm.OVERRIDES, changes),
        resume="auto",
        allow_change=("optimizer",),
    )
    (group,) = conf.optimizer.param_groups
    assert group["lr"] == 0.02 and group.get("momentum", 0.8) == 0.8
    steps = {int(state["step"]) for state in conf.optimizer.state.values() if "step" in state}
    assert steps == ({15} if optimizer != "SGD" else set())
    rates = [
        line["lr"] for line in records(only_run(here, "run") / "metrics.jsonl") if "lr" in line
    ]
    assert rates == [0.01] * 8 + [0.02] * 7


@pytest.mark.slow
def test_another_optimizer_that_is_allowed_begins_anew(stopped, capsys):
    change = ("--allow-change", "optimizer", "optimizer=SGD", "optimizer.learning_rate=0.1")
    assert exit_code("run", "--resume", "auto", *change) == 0
    assert "begins without a memory" in capsys.readouterr().out
    rates = [line["lr"] for line in records(stopped / "metrics.jsonl") if "lr" in line]
    assert rates[8:] == [0.1] * 7


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", [TEXT.replace("t", "b", 1), TEXT + "to be", TEXT.replace("q", "k")]
)
def test_another_text_is_refused(stopped, here, capsys, text):
    (here / "text.txt").write_text(text)
    before = files(stopped)
    assert exit_code("run", "--resume", "auto") == 2
    out, err = capsys.readouterr()
    assert err.count("\n") == 1 and out == ""
    assert f"in run {stopped.name}" in err and "the text is another one" in err
    assert "--allow-change text" in err
    assert files(stopped) == before
    if {*text} == {*TEXT}:
        assert exit_code("run", "--resume", "auto", "--allow-change", "text") == 0


@pytest.mark.slow
def test_a_text_in_another_place_may_be_the_same(stopped, here, capsys):
    (here / "text.txt").rename(here / "moved.txt")
    assert exit_code("run", "--resume", "auto") == 2
    assert "text.txt" in capsys.readouterr().err
    change = ("--allow-change", "text.path", "text.path=moved.txt")
    assert exit_code("run", "--resume", "auto", *change) == 0
    assert not differences(undisturbed(Stopping, {})["metrics"], story(stopped)["metrics"])


MISFITS = {"d_model=16": "14", "transformer.n_layers=2": "1", "transformer.ffn.d_ff=12": "11"}


@pytest.mark.slow
@pytest.mark.parametrize("change", MISFITS)
def test_weights_that_do_not_fit_name_the_option_and_both_values(stopped, capsys, change):
    name, _, is_ = change.partition("=")
    before = files(stopped)
    allowed = ("--allow-change", name, "--allow-change", "transformer")
    assert exit_code("run", "--resume", "auto", change, *allowed) == 2
    out, err = capsys.readouterr()
    assert err.count("\n") == 1, err
    assert f"{name} was {MISFITS[change]} and is {is_}" in err and "does not fit" in err
    assert files(stopped) == before


@pytest.mark.slow
@pytest.mark.parametrize(
    "change, text, allowed",
    [
        # More characters than before
        ((), TEXT.replace("q", "kx"), ("text", "tokenizer")),
        # Words where there were characters
        (("tokenizer=word", "seq_len=2"), TEXT, ("tokenizer", "seq_len", "text")),
    ],
)
def test_another_vocabulary_does_not_fit_even_if_it_is_allowed(
    stopped, here, capsys, change, text, allowed
):
    (here / "text.txt").write_text(text)
    before = files(stopped)
    flags = [word for name in allowed for word in ("--allow-change", name)]
    assert exit_code("run", "--resume", "auto", *change, *flags) == 2
    out, err = capsys.readouterr()
    assert err.count("\n") == 1 and "does not fit" in err, err
    n_tokens = len({*TEXT})
    assert str(n_tokens) in err and files(stopped) == before


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["missing", "more", "shape", "type", "part"])
def test_a_checkpoint_of_another_model_is_refused(stopped, capsys, kind):
    parent = stopped / "checkpoints"
    (last,) = shelf.names(parent)[-1:]
    state = checkpoint.load(parent / last)
    name = next(iter(state["model"]))
    if kind == "missing":
        del state["model"][name]
    elif kind == "more":
        state["model"]["extra.weight"] = torch.zeros(3)
    elif kind == "shape":
        state["model"][name] = torch.zeros(3)
    elif kind == "type":
        state["model"][name] = state["model"][name].double()
    else:
        del state["random"]
    checkpoint.save(parent, "99", checkpoint.packed(state), {"update": 99, "step": 0})
    before = files(stopped)
    assert exit_code("run", "--resume", "auto") == 2
    out, err = capsys.readouterr()
    assert err.count("\n") == 1, err
    says = {"more": "extra.weight", "part": "random"}.get(kind, name)
    assert "checkpoint 99" in err and says in err
    assert files(stopped) == before


@pytest.mark.slow
def test_unknown_runs_and_options_are_named_with_what_is_near(stopped, capsys):
    assert exit_code("run", "--resume", stopped.name[:-1] + "~") == 2
    assert f"the nearest are {stopped.name}" in capsys.readouterr().err
    assert exit_code("run", "--resume", "auto", "--allow-change", "batch_sise") == 2
    assert "did you mean batch_size?" in capsys.readouterr().err
    assert exit_code("run", "--resume", "auto", "batch_sise=3") == 2
    assert "did you mean batch_size?" in capsys.readouterr().err
    assert exit_code("other", "--resume", "auto") == 2
    assert "no run 'auto'" in capsys.readouterr().err


@pytest.mark.slow
def test_the_run_of_another_experiment_is_refused(stopped, capsys):
    assert exit_code("run", "--resume", str(stopped), cls=Shuffled) == 2
    err = capsys.readouterr().err
    assert "Stopping" in err and "Shuffled" in err and err.count("\n") == 1


@pytest.mark.slow
def test_two_processes_do_not_go_on_with_one_run(tmp_path):
    cwd = folder(tmp_path / "here", TEXT)
    first = begin(cwd, SIZES | {"pause": 0.05, "epochs": 1000})
    first.until(lambda out: out.count("begin train") > 2)
    run = only_run(cwd, "killed")
    code, out, err = go_on(cwd).wait()
    assert code == 2 and err.count("\n") == 1
    assert f"run {run.name} is in use by process {first.pid} on {os.uname().nodename}" in err
    first.send(signal.SIGKILL)
    assert first.wait().code == -signal.SIGKILL
    third = go_on(cwd, at="train 0 3:1:15").wait()
    assert third.code == 143 and third.err == ""


@pytest.mark.slow
def test_the_command_line_of_an_experiment_goes_on(tmp_path):
    cwd = folder(tmp_path / "here", TEXT)
    assert run_mlm(cwd, {"epochs": 1}).code == 0
    assert run("experiments.mlm", "--resume", "auto", "epochs=2", cwd=cwd).code == 0
    finished = run("experiments.mlm", "--resume", "auto", cwd=cwd)
    assert finished.code == 0 and "is complete" in finished.out and finished.err == ""


@pytest.mark.slow
def test_a_value_that_no_file_holds_has_to_be_given_again(here, capsys):
    class Odd(Stopping):
        pass

    Odd._stops = ["train 0 1"]
    loader = [(torch.zeros(11, 2, dtype=torch.long),) * 2] * 3
    options = SIZES | {"train_loader": loader}
    with pytest.raises(Terminated):
        launch("odd", Odd, mlm.OVERRIDES, options)
    with pytest.raises(RunError, match="train_loader of run .* had objects as values"):
        launch("odd", Odd, mlm.OVERRIDES, resume="auto")
    launch("odd", Odd, mlm.OVERRIDES, {"train_loader": loader}, resume="auto")
    assert status(only_run(here, "odd"))["state"] == "finished"
