import copy
import json
import random

import numpy as np
import pytest
import torch
from labml import experiment, tracker
from labml.configs import option
from labml_helpers.metrics.accuracy import Accuracy
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from labnn import optimizers
from labnn.configs.loop import Listener, Stopped
from labnn.configs.scores import Meter, Scores, score
from labnn.configs.state import put_back, state_of
from labnn.configs.training import TrainingConfigs
from labnn.configs.types import ConfigError, PositiveInt
from labnn.runs.launch import attach
from tests.configs.tiny import (
    PAD,
    Diary,
    Lines,
    Reader,
    Tiny,
    equal,
    make,
    steps,
    unequal_batches,
    weights,
)

EPOCHS, N_ROUNDS, N_TRAIN, N_VALID = 2, 3, 7, 2
SIZES = {"epochs": EPOCHS, "inner_iterations": N_ROUNDS, "n_train": N_TRAIN, "n_valid": N_VALID}


class Noting(Tiny):
    """Notes where it is, and may draw random numbers there"""

    _places = ()

    def note(self):
        place = self.position
        found = (place.epoch, place.round, place.phase)
        self._places = (*self._places, found + (() if place.phase == "sample" else (place.batch,)))

    def forward_loss(self, batch):
        self.note()
        return super().forward_loss(batch)

    def sample(self):
        self.note()


def expected_places(n_rounds=N_ROUNDS, n_train=N_TRAIN, n_valid=N_VALID):
    """Everywhere that a run has to be, in order"""
    places = []
    for epoch in range(EPOCHS):
        for r in range(n_rounds):
            places.append((epoch, r, "sample"))
            bounds = r * n_train // n_rounds, (r + 1) * n_train // n_rounds
            places += [(epoch, r, "train", batch) for batch in range(*bounds)]
            places += [(epoch, r, "valid", batch) for batch in range(n_valid)]
    return [*places, (EPOCHS, 0, "sample")]


@pytest.mark.parametrize("n_rounds", [1, 2, N_ROUNDS, N_TRAIN, 11])
def test_a_run_is_everywhere_once_and_in_order(n_rounds):
    conf = make(Noting, {**SIZES, "inner_iterations": n_rounds})
    conf.run()
    assert list(conf._places) == expected_places(n_rounds)


def test_without_a_validation_part_there_is_no_validation():
    diary = Diary()
    conf = make(Noting, {**SIZES, "valid_loader": None}, diary)
    lines = Lines()
    conf.run()
    assert list(conf._places) == expected_places(n_valid=0)
    assert ("end of phase", "valid") not in diary.notes and not lines.column("loss.valid")


def test_the_listener_hears_of_everything_in_order():
    diary = Diary()
    make(
        Tiny, {"n_train": 3, "n_valid": 2, "inner_iterations": 2, "update_batches": 2}, diary
    ).run()
    assert diary.notes == [
        ("start",),
        ("sample", 0, 0, 0, 0),
        ("end of phase", "sample"),
        ("train", 0, 0, 0, 1),
        ("batch", 1),
        ("end of phase", "train"),
        ("valid", 0, 0, 0, 2),
        ("batch", 1),
        ("batch", 2),
        ("end of phase", "valid"),
        ("sample", 0, 1, 0, 0),
        ("end of phase", "sample"),
        ("train", 0, 1, 1, 3),
        ("update",),
        ("batch", 2),
        # Two batches make an update, and the last one makes one alone.
        ("update",),
        ("batch", 3),
        ("end of phase", "train"),
        ("valid", 0, 1, 0, 2),
        ("batch", 1),
        ("batch", 2),
        ("end of phase", "valid"),
        ("sample", 1, 0, 0, 0),
        ("end of phase", "sample"),
        ("end", "NoneType"),
    ]


def test_what_a_phase_gave_is_in_the_tracker_when_it_ends():
    heard = []

    class Hearing(Listener):
        def on_phase_end(self, position):
            heard.append((position.phase, len(lines.lines)))

    conf = make(Tiny, {"n_train": 3}, Hearing())
    lines = Lines()
    conf.run()
    assert heard == [("sample", 0), ("train", 3), ("valid", 4), ("sample", 4)]


@pytest.mark.parametrize("start", range(len(expected_places())))
def test_a_run_that_begins_in_the_middle_does_the_rest(start):
    places = expected_places()
    conf = make(Noting, SIZES)
    position, place = conf.position, places[start]
    position.epoch, position.round, position.phase = place[:3]
    position.batch = place[3] if len(place) > 3 else 0
    conf.run()
    assert list(conf._places) == places[start:]


@pytest.mark.parametrize(
    "stop_at",
    [
        (0, 0, "train", 0),
        (0, 1, "train", 2),
        (0, 1, "train", 3),
        (1, 2, "train", 6),
        (0, 0, "valid", 1),
        (1, 2, "valid", 0),
    ],
)
@pytest.mark.parametrize("update_batches", [1, 2])
def test_it_stops_between_two_batches_and_goes_on_with_the_same_bits(stop_at, update_batches):
    overrides = {**SIZES, "update_batches": update_batches}
    whole = make(Noting, overrides)
    lines = Lines()
    whole.run()
    expected = [{**line, "tokens_per_s": 0} for line in lines.lines]

    diary = Diary(stop_at)
    conf = make(Noting, overrides, diary)
    lines = Lines()
    with pytest.raises(Stopped):
        conf.run()
    position = conf.position
    assert (position.epoch, position.round, position.phase, position.batch) == stop_at
    assert diary.notes[-1] == ("end", "Stopped")
    diary.stop_at = None
    conf.run()
    assert conf._places == whole._places
    assert [{**line, "tokens_per_s": 0} for line in lines.lines] == expected
    assert equal(weights(conf.model), weights(whole.model))


def test_a_complete_run_does_nothing_more():
    conf = make(Noting, SIZES)
    conf.run()
    before, places = weights(conf.model), conf._places
    assert conf.position.phase == "done"
    conf.run()
    assert conf._places == places and equal(weights(conf.model), before)


@pytest.mark.parametrize("n_rounds", [1, N_ROUNDS])
def test_any_dataloader_will_do(n_rounds):
    ids = torch.arange(1, 11).unsqueeze(1)
    # Collated by torch: the batch comes first, and a token has a target.
    loader = DataLoader(TensorDataset(ids, ids), batch_size=3, shuffle=True)

    class Seeing(Noting):
        _ids = ()

        def forward_loss(self, batch):
            if self.mode.is_train:
                self._ids = (*self._ids, batch[0].flatten().tolist())
            return super().forward_loss(batch)

    overrides = {**SIZES, "inner_iterations": n_rounds, "dropout_prob": 0.3}
    found = []
    for valid in (loader, None):
        conf = make(Seeing, {**overrides, "train_loader": loader, "valid_loader": valid})
        lines = Lines()
        conf.run()
        found.append((lines.column("loss.train"), conf._ids))
    epochs = [sum(conf._ids[:4], []), sum(conf._ids[4:], [])]
    assert [sorted(epoch) for epoch in epochs] == [list(range(1, 11))] * 2
    assert epochs[0] != epochs[1]
    # Neither the order nor the dropout hangs on what validation draws.
    assert found[0] == found[1]


class Endless(IterableDataset):
    def __iter__(self):
        return iter(())


@pytest.mark.parametrize("part", ["train_loader", "valid_loader"])
@pytest.mark.parametrize(
    "loader, wrong",
    [
        ([], "has no batches; give it more data"),
        (iter([1]), "is a list_iterator without a length"),
        (DataLoader(Endless()), "is a DataLoader without a length"),
        (3, "is a int without a length"),
    ],
)
def test_a_loader_that_cannot_be_counted_is_refused_before_the_start(part, loader, wrong):
    diary = Diary()
    with pytest.raises(ConfigError, match=f"{part} {wrong}"):
        make(Tiny, {part: loader}, diary).run()
    assert diary.notes == [("end", "ConfigError")]


def test_whoever_listens_hears_of_errors():
    class Failing(Tiny):
        def sample(self):
            raise KeyboardInterrupt

    diary = Diary()
    with pytest.raises(KeyboardInterrupt):
        make(Failing, {}, diary).run()
    assert diary.notes[-1] == ("end", "KeyboardInterrupt")
    # The tracker is where it was.
    tracker.add("x.", 1.0)
    tracker.save()


def test_what_init_and_loaders_draw_belongs_to_the_seed():
    class Drawing(Tiny):
        train_loader: list = "made_up"

        def init(self):
            drawn.append((torch.rand(()).item(), random.random(), np.random.rand()))

    @option(Drawing.train_loader)
    def made_up(c: Drawing) -> list:
        return [(torch.randint(1, 11, (3, 2)),) * 2]

    drawn, losses = [], []
    for seed in (1, 1, 2):
        torch.rand(len(drawn) + 1), random.random()
        conf = make(Drawing, {"seed": seed})
        lines = Lines()
        conf.run()
        losses.append(lines.column("loss.train"))
    assert drawn[0] == drawn[1] != drawn[2] and losses[0] == losses[1] != losses[2]


@pytest.mark.parametrize("seed", [2**32, 2**64, 2**100])
def test_a_seed_of_any_size_will_do(seed):
    make(Tiny, {"seed": seed}).run()


class Own(TrainingConfigs):
    """labml's form on top of our options, of which it uses those that it likes"""

    dropout_prob: float = 0.5
    model: nn.Module = "own_model"
    train_loader: list = "own_batches"
    valid_loader: list = "own_batches"
    epochs: PositiveInt = 2
    _modes = ()

    def init(self):
        tracker.set_scalar("loss.*", True)
        self._loss = nn.CrossEntropyLoss()

    def step(self, batch, batch_idx):
        data, target = batch[0].to(self.device), batch[1].to(self.device)
        if self.mode.is_train:
            tracker.add_global_step(data.numel())
        self._modes = (*self._modes, (self.mode.is_train, self.model.training))
        logits, _ = self.model(data)
        loss = self._loss(logits.flatten(0, 1), target.flatten())
        tracker.add("loss.", loss)
        if self.mode.is_train:
            loss.backward()
            self.optimizer.step()
            if batch_idx.is_last:
                tracker.add("weight", self.model.linear.weight.norm())
            self.optimizer.zero_grad()
        tracker.save()

    def sample(self):
        self._modes = (*self._modes, ("sample", self.model.training))
        assert not torch.is_grad_enabled()


@option(Own.model)
def own_model(c: Own) -> nn.Module:
    return Reader(c.dropout_prob).to(c.device)


@option(Own.train_loader)
@option(Own.valid_loader)
def own_batches(c: Own) -> list:
    return unequal_batches(3, seed=1)


@pytest.fixture
def in_labml(lab_folder, monkeypatch):
    """A new experiment of labml"""
    monkeypatch.chdir(lab_folder)
    experiment.create(name="own", writers=set())
    return lab_folder


def own_run(overrides, seed=0):
    conf = Own()
    experiment.configs(conf, {"seed": seed, **overrides})
    attach(conf)
    with experiment.start():
        conf.run()
    return conf


def test_labmls_own_form(in_labml):
    conf = own_run({"optimizer": "SGD", "optimizer.learning_rate": 0.1})
    (metrics,) = in_labml.rglob("metrics.jsonl")
    lines = [json.loads(line) for line in metrics.read_text().splitlines()]
    train = [line for line in lines if "loss.train" in line]
    assert [line["update"] for line in train] == [1, 2, 3, 4, 5, 6]
    tokens = sum(x.numel() for x, _ in conf.train_loader)
    assert train[-1]["step"] == 2 * tokens == steps()
    assert len([line for line in lines if "loss.valid" in line]) == 2
    assert ["weight" in line for line in train] == [False, False, True] * 2
    # A step that does not think of it has dropout in training alone.
    assert set(conf._modes) == {(True, True), (False, False), ("sample", False)}
    assert type(conf.optimizer) is optimizers.SGD


@pytest.mark.slow
def test_labmls_own_form_gives_what_a_plain_loop_gives(in_labml):
    overrides = {"optimizer": "SGD", "optimizer.learning_rate": 0.1, "dropout_prob": 0.0}
    conf = own_run(overrides, seed=4)
    torch.manual_seed(4)
    twin = Reader()
    optimizer = torch.optim.SGD(twin.parameters(), lr=0.1, momentum=0.5)
    for _ in range(2):
        for data, target in unequal_batches(3, seed=1):
            optimizer.zero_grad()
            nn.CrossEntropyLoss()(twin(data)[0].flatten(0, 1), target.flatten()).backward()
            optimizer.step()
    assert equal(weights(conf.model), weights(twin))


class Counted(Accuracy):
    """Tracks what its mean is taken over as well"""

    def track(self):
        tracker.add("scored.", self.data.samples)
        super().track()


class Counting(Own):
    """Counts with a metric of labml_helpers, as labml's experiments do"""

    def init(self):
        super().init()
        self._accuracy = Counted(ignore_index=PAD)
        self.state_modules = [self._accuracy]

    def step(self, batch, batch_idx):
        self._accuracy(self.model(batch[0])[0], batch[1])
        super().step(batch, batch_idx)


@pytest.mark.parametrize("n_rounds", [1, 3])
def test_metrics_of_labml_helpers_count_for_each_phase_and_epoch_apart(n_rounds):
    valid = unequal_batches(2, seed=2)
    overrides = {"inner_iterations": n_rounds, "valid_loader": valid, "dropout_prob": 0.0}
    conf = make(Counting, {**overrides, "optimizer": "SGD", "optimizer.learning_rate": 1e-9})
    lines = Lines()
    conf.run()
    # The rate is too low for the model to learn, so that all epochs have the accuracy of the last.
    for name, loader, times in (("train", conf.train_loader, 2), ("valid", valid, 2 * n_rounds)):
        meter = Meter()
        for data, target in loader:
            meter.add(score(conf.model(data)[0], target, ignore=PAD))
        assert lines.column(f"scored.{name}") == [meter.n_tokens] * times
        assert lines.column(f"accuracy.{name}") == pytest.approx(
            [meter.means()["accuracy"]] * times
        )


@pytest.mark.parametrize(
    "overrides, wrong",
    [
        ({"optimzer": "SGD"}, "did you mean optimizer"),
        ({"optimizer": "sgd"}, "no option 'sgd'"),
        ({"optimizer.learning_rat": 0.1}, "did you mean optimizer.learning_rate"),
        ({"epochs": "many"}, "epochs is 'many', it takes a whole number"),
        ({"dropout_prob": True}, "dropout_prob is True"),
    ],
)
def test_labmls_own_form_is_as_strict(in_labml, overrides, wrong):
    with pytest.raises(ConfigError, match=wrong):
        own_run(overrides)


@pytest.mark.slow
def test_labmls_own_form_lists_what_nothing_reads(in_labml, capsys):
    own_run({"grad_norm_clip": 3.0, "optimizer.warmup": 7})
    out = "".join(capsys.readouterr())
    assert out.count("nothing reads grad_norm_clip, optimizer.warmup") == 1


@pytest.mark.slow
def test_labmls_own_form_works_twice_in_a_process(in_labml):
    first = own_run({}, seed=3)
    experiment.create(name="own", writers=set())
    second = own_run({}, seed=3)
    assert equal(weights(first.model), weights(second.model)) and first is not second
    # Neither steps nor values of the first are left.
    runs = [path.read_text().splitlines() for path in in_labml.rglob("metrics.jsonl")]
    assert len(runs) == 2 and runs[0] == runs[1]


def updated(overrides, listener=None, cls=Noting):
    """A run in batches that are updates each"""
    conf = make(cls, {**SIZES, **overrides}, listener)
    conf.run()
    return conf


def trained(conf):
    """The batches that a run has learned from, and when it validated"""
    places = [p[::3] if p[2] == "train" else p[2] for p in conf._places]
    return [p for i, p in enumerate(places) if p != places[i - 1]]


@pytest.mark.parametrize("most", [1, 2, 5, 7, 8, 13])
def test_a_run_of_so_many_updates_ends_complete_wherever_that_is(most):
    conf = updated({"max_updates": most})
    batches = [(p // N_TRAIN, p % N_TRAIN) for p in range(most)]
    assert [place for place in trained(conf) if place != "valid" and place != "sample"] == batches
    # A validation of all of its part, and samples, as at any other end
    assert [place[2] for place in conf._places[-N_VALID - 1 :]] == ["valid"] * N_VALID + ["sample"]
    assert conf._places[-N_VALID - 2][2] == "train"
    assert conf.position.updates == most and conf.position.phase == "done"


@pytest.mark.parametrize("most", [0, 14, 15])
def test_epochs_that_are_over_first_end_the_run(most):
    conf = updated({"max_updates": most})
    assert list(conf._places) == expected_places()
    assert conf.position.updates == 14


def test_the_updates_of_a_run_are_counted():
    for ours, n_updates in (({}, 14), ({"update_batches": 2}, 8), ({"max_updates": 5}, 5)):
        assert updated(ours).count_updates() == n_updates


def test_batches_that_make_no_update_yet_are_none():
    conf = updated({"update_batches": 2, "max_updates": 3})
    # The last batch of an epoch would end an update as well; this one is full.
    assert conf.position.updates == 3
    assert [p[3] for p in conf._places if p[2] == "train"] == [0, 1, 2, 3, 4, 5]


def test_skipped_updates_do_not_count():
    class Skipping(Noting):
        def forward_loss(self, batch):
            scores = super().forward_loss(batch)
            is_bad = self.mode.is_train and self.position.batch in (1, 2)
            factor = torch.nan if is_bad else 1.0
            return Scores(scores.loss * factor, scores.n_correct, scores.n_tokens)

    conf = updated({"max_updates": 4, "nan": "skip"}, cls=Skipping)
    assert [p[3] for p in conf._places if p[2] == "train"] == [0, 1, 2, 3, 4, 5]


class GoingOn(Listener):
    """Puts back what was saved"""

    def __init__(self, conf):
        self.state = copy.deepcopy(state_of(conf.state_parts()))

    def on_start(self, conf):
        _ = conf.update
        put_back(conf.state_parts(), self.state)


@pytest.mark.parametrize("most", [1, 2, 4, 5, 7, 9])
def test_a_run_that_had_enough_goes_on_with_more_where_it_was(most):
    options = {"dropout_prob": 0.3, "optimizer": "SGD"}
    whole = updated(options | {"max_updates": 11})
    part = updated(options | {"max_updates": most})
    rest = updated(options | {"max_updates": 11}, GoingOn(part))
    batches = [p for conf in (part, rest) for p in conf._places if p[2] == "train"]
    assert [p[::3] for p in batches] == [p[::3] for p in whole._places if p[2] == "train"]
    assert equal(weights(rest.model), weights(whole.model))


class Leaving(Diary):
    """Saves what there is after the last update in a phase, and may stop there"""

    def __init__(self, most, phase):
        super().__init__()
        self.most, self.phase, self.saved = most, phase, None

    def save(self):
        position = self.conf.position
        if position.updates == self.most and position.phase == self.phase and not self.saved:
            self.saved = GoingOn(self.conf)

    def on_phase(self, position, total):
        self.save()

    def on_batch(self, position, total):
        self.save()


@pytest.mark.parametrize("most", [4, 5])
@pytest.mark.parametrize("phase", ["train", "valid", "sample"])
def test_a_run_that_is_killed_at_its_end_ends_like_one_that_is_not(most, phase):
    listener = Leaving(most, phase)
    whole = updated({"max_updates": most}, listener)
    rest = updated({"max_updates": most}, listener.saved)
    assert rest.position == whole.position
    assert not [p for p in rest._places if p[2] == "train"]
    # What is left of the end comes once, and in its order.
    places = [p[2:] for p in whole._places if p[2] != "train"][-N_VALID - 1 :]
    assert [p[2:] for p in rest._places] == (places if phase != "sample" else [("sample",)])
    # With more updates it goes on in the middle of its round.
    more = updated({"max_updates": 7}, listener.saved)
    assert [p[3] for p in more._places if p[2] == "train"] == [4, 5, 6][most - 4 :]
    assert more.position.updates == 7


def test_a_checkpoint_that_counts_no_updates_is_one_of_none():
    conf = make(Noting, SIZES)
    state = conf.position.state_dict()
    conf.position.load_state_dict({key: state[key] for key in ("epoch", "round", "phase", "batch")})
    assert conf.position.updates == conf.position.left == 0


@pytest.mark.parametrize("n_rounds", [1, 2])
def test_metrics_of_labml_helpers_count_to_the_end_of_an_epoch_whatever_is_validated(n_rounds):
    found = []
    for every in (0, 1):
        conf = make(Counting, {"inner_iterations": n_rounds, "eval_interval": every})
        lines = Lines()
        conf.run()
        found.append((lines.column("scored.train"), len(lines.column("scored.valid"))))
    (first, n_first), (second, n_second) = found
    # Each validation has its own, and each epoch one.
    assert first == second and len(first) == conf.epochs
    assert (n_first, n_second) == (n_rounds * conf.epochs, 3 * conf.epochs)


def test_a_validation_that_fails_gives_back_what_it_has_drawn():
    class Failing(Noting):
        def forward_loss(self, batch):
            torch.rand(3), random.random()
            raise KeyError("broken")

    first, second = make(Failing, SIZES), make(Noting, SIZES)
    assert first._random is not second._random
    # To build it sets the generators.
    _ = first.model
    before = torch.get_rng_state(), random.getstate()
    first.position.phase = "valid"
    with pytest.raises(KeyError, match="broken"):
        first.phase("valid")
    assert torch.equal(torch.get_rng_state(), before[0]) and random.getstate() == before[1]
    assert first._random.aside is None


def test_a_validation_that_is_stopped_keeps_what_was_there_before_it():
    conf = make(Noting, SIZES, Diary((0, 0, "valid", 1)))
    with pytest.raises(Stopped):
        conf.run()
    assert conf._random.aside is not None and "aside" in state_of(conf.state_parts())["random"]
