import copy
import random

import numpy as np
import pytest
import torch

from labnn.configs.extent import ExtentConfigs
from labnn.configs.loop import Listener
from labnn.configs.position import UNBEGUN, UNSHOWN, Position
from labnn.configs.scores import Scores
from labnn.configs.state import put_back, state_of
from labnn.configs.types import ConfigError
from labnn.runs.tracking import TrackerState
from tests.configs.tiny import Lines, Tiny, equal, make, weights

EPOCHS, N_TRAIN, N_VALID = 2, 7, 3
SIZES = {"epochs": EPOCHS, "n_train": N_TRAIN, "n_valid": N_VALID, "dropout_prob": 0.3}


class Drawing(Tiny):
    """Draws from all global generators in a validation, and notes the samples"""

    _sampled = ()

    def forward_loss(self, batch):
        if not self.mode.is_train:
            drawn = torch.rand(5).mean() + random.random() + np.random.rand()
            scores = super().forward_loss(batch)
            return Scores(scores.loss * float(drawn), scores.n_correct, scores.n_tokens)
        return super().forward_loss(batch)

    def sample(self):
        self._sampled = (*self._sampled, (self.position.epoch, self.position.round))


class Judging(Listener):
    """
    Notes the updates before each validation, and everything that would be saved after a batch or
    between phases
    """

    def __init__(self, state=None, patience=0):
        self.state, self.patience = state, patience
        self.validated, self.saved = [], []

    def on_start(self, conf):
        self.conf = conf
        # It is part of the state from its first use on.
        _ = conf.update
        if self.state is not None:
            put_back({**conf.state_parts(), "tracker": TrackerState()}, self.state)

    def on_phase_end(self, position):
        if position.phase == "valid":
            self.validated.append(position.updates)

    def save(self):
        if self.state is None:
            self.saved.append((len(self.validated), len(lines.lines), saved(self.conf)))

    def on_phase(self, position, total):
        self.save()

    def on_batch(self, position, total):
        self.save()

    def on_round(self, position):
        self.save()

    def should_end(self):
        return 0 < self.patience <= len(self.validated)


lines = None


def saved(conf):
    """Everything that the next step depends on"""
    parts = {**conf.state_parts(), "tracker": TrackerState()}
    return copy.deepcopy(state_of(parts))


def ran(overrides, cls=Drawing, **listening):
    """A run, who listened to it, and its lines without times"""
    global lines
    listener = Judging(**listening)
    conf = make(cls, SIZES | overrides, listener)
    lines = Lines()
    conf.run()
    found = [{k: v for k, v in line.items() if k != "tokens_per_s"} for line in lines.lines]
    return conf, listener, found


def learned(found):
    """The lines of training"""
    return [line for line in found if "lr" in line]


@pytest.mark.parametrize("every", [1, 2, 3, 5, 7, 13, 14, 15])
@pytest.mark.parametrize("n_rounds, update_batches", [(1, 1), (3, 1), (1, 2), (3, 3)])
def test_validations_come_every_so_many_updates_and_at_the_end(every, n_rounds, update_batches):
    sizes = {"inner_iterations": n_rounds, "update_batches": update_batches}
    conf, listener, found = ran(sizes | {"eval_interval": every})
    total = conf.position.updates
    # The end is validated once.
    expected = [u for u in range(1, total + 1) if u % every == 0 or u == total]
    assert listener.validated == expected
    # Each is all of its part, after the update that it belongs to.
    places = [i for i, line in enumerate(found) if "loss.valid" in line]
    assert [i - n for n, i in enumerate(places)] == expected
    # Samples are shown as often as ever.
    rounds = [(epoch, r) for epoch in range(EPOCHS) for r in range(n_rounds)]
    assert list(conf._sampled) == [*rounds, (EPOCHS, 0)]


@pytest.mark.parametrize("update_batches", [1, 2])
def test_training_is_the_same_bit_by_bit_with_any_interval(update_batches):
    options, scored = {"update_batches": update_batches}, {}
    first, _, expected = ran(options | {"valid_loader": None})
    assert learned(expected) == expected
    for every in (0, 1, 2, 3, 5):
        conf, listener, found = ran(
            options | {"eval_interval": every, "eval_at_start": every % 2 == 0}
        )
        assert learned(found) == expected
        assert equal(weights(conf.model), weights(first.model))
        # And a validation is the same, whatever others there were.
        values = [line["loss.valid"] for line in found if "loss.valid" in line]
        for update, value in zip(listener.validated, values, strict=True):
            assert scored.setdefault(update, value) == value


@pytest.mark.parametrize("every", [0, 3])
def test_a_run_may_begin_with_a_validation(every):
    options = {"eval_interval": every}
    conf, listener, found = ran(options | {"eval_at_start": True})
    _, without, rest = ran(options)
    assert listener.validated == [0, *without.validated]
    assert found[0]["step"] == 0 and "loss.valid" in found[0] and found[1:] == rest
    assert conf._sampled == ((0, 0), (1, 0), (2, 0))


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"eval_interval": 2, "eval_at_start": True},
        {"eval_interval": 3, "inner_iterations": 2, "update_batches": 2},
        {"eval_interval": 4, "max_updates": 10},
        {"eval_interval": 4, "max_updates": 8, "eval_at_start": True, "inner_iterations": 2},
    ],
)
def test_a_run_goes_on_with_the_same_bits_from_everywhere(options):
    whole, listener, expected = ran(options)
    # After each batch of training and validation, and between all phases
    assert len(listener.saved) > 20
    for n_validated, n_lines, state in listener.saved:
        conf, rest, found = ran(options, state=state)
        assert rest.validated == listener.validated[n_validated:], state["position"]
        assert found == expected[n_lines:]
        assert conf.position == whole.position
        assert equal(weights(conf.model), weights(whole.model))


def test_an_update_is_validated_once():
    class Skipping(Drawing):
        def forward_loss(self, batch):
            scores = super().forward_loss(batch)
            # Batches after a validation make no update.
            is_bad = self.mode.is_train and self.position.batch in (2, 3)
            factor = torch.nan if is_bad else 1.0
            return Scores(scores.loss * factor, scores.n_correct, scores.n_tokens)

    _, listener, _ = ran({"eval_interval": 2, "nan": "skip"}, cls=Skipping)
    assert listener.validated == [2, 4, 6, 8, 10]


def test_a_run_may_end_after_a_validation_in_the_middle_of_an_epoch():
    conf, listener, found = ran({"eval_interval": 2}, patience=2)
    assert listener.validated == [2, 4] and conf.position.updates == 4
    assert (conf.position.phase, conf.position.left) == ("done", 4)
    # With more patience it goes on there.
    state = saved(conf)
    _, _, expected = ran({"eval_interval": 2})
    _, rest, more = ran({"eval_interval": 2}, state=state)
    assert rest.validated == [6, 8, 10, 12, 14]
    assert found + more == expected


def test_epochs_that_were_trained_without_an_interval_may_go_on_with_one():
    conf, _, _ = ran({"epochs": 1})
    state = saved(conf)
    _, listener, found = ran({"eval_interval": 3}, state=state)
    assert listener.validated == [9, 12, 14]
    _, _, expected = ran({})
    assert learned(found) == learned(expected)[N_TRAIN:]


@pytest.mark.parametrize(
    "options, wrong",
    [
        ({"eval_interval": 5}, "eval_interval is 5, and there is no valid_loader to judge by"),
        ({"eval_at_start": True}, "eval_at_start is True, and there is no valid_loader"),
        ({"early_stopping.patience": 3}, "early_stopping.patience is 3, and there is no"),
    ],
)
def test_what_needs_a_validation_is_refused_without_one(options, wrong):
    with pytest.raises(ConfigError, match=f"^{wrong}"):
        make(Tiny, {"valid_loader": None} | options).run()


@pytest.mark.parametrize("value", [-1, 1.5, "often"])
def test_an_interval_is_a_number_of_updates(value):
    with pytest.raises(ConfigError, match="^eval_interval is "):
        make(Tiny, {"eval_interval": value})


@pytest.mark.parametrize(
    "updates, scored, every, is_due",
    [(0, 0, 2, False), (2, 0, 2, True), (2, 2, 2, False), (3, 2, 2, False), (4, 0, 0, False)],
)
def test_when_a_validation_is_due(updates, scored, every, is_due):
    conf = ExtentConfigs()
    conf._set_values({"eval_interval": every})
    conf.position.load_state_dict(Position(updates=updates, scored=scored).state_dict())
    assert conf.is_due() == is_due


@pytest.mark.parametrize("n_rounds", [1, 2])
@pytest.mark.parametrize("options", [{"eval_interval": N_TRAIN}, {"max_updates": N_TRAIN}])
def test_a_round_that_is_left_before_its_first_batch_is_trained(n_rounds, options):
    rounds = {"inner_iterations": n_rounds}
    whole, listener, expected = ran(rounds | {"eval_interval": 1000})
    # One epoch is over, and that was not validated; in the next no batch or a few were trained.
    states = [s for *_, s in listener.saved if s["position"]["updates"] == N_TRAIN]
    places = {(s["position"]["phase"], s["position"]["batch"]) for s in states}
    assert {("sample", 0), ("train", 0)} <= places
    for state in states:
        # The last batch of an epoch is done before the validation of the epoch is.
        if state["position"]["epoch"] == 0:
            continue
        conf, rest, found = ran(rounds | options, state=state)
        if "max_updates" in options:
            assert conf.position.updates == N_TRAIN and not learned(found)
            # More updates are those of the epoch that has not begun.
            conf, _, found = ran(rounds, state=saved(conf))
        else:
            assert rest.validated == [N_TRAIN, 2 * N_TRAIN]
        assert learned(found) == learned(expected)[N_TRAIN:]
        assert equal(weights(conf.model), weights(whole.model))


def test_samples_are_shown_once_where_a_round_is_left_before_its_first_batch():
    _, listener, _ = ran({"eval_interval": 1000})
    place = {"epoch": 1, "phase": "train", "batch": 0}
    (state,) = [s for *_, s in listener.saved if place.items() <= s["position"].items()]
    conf, _, _ = ran({"eval_interval": N_TRAIN}, state=state)
    # Those of the second epoch were shown before.
    assert conf._sampled == ((EPOCHS, 0),)


def test_patience_that_is_over_in_the_middle_of_a_round_leaves_nothing_out():
    _, listener, expected = ran({})
    place = {"epoch": 1, "phase": "train", "batch": 3}
    state = next(s for *_, s in listener.saved if place.items() <= s["position"].items())

    class Ending(Judging):
        def should_end(self):
            return True

    global lines
    conf = make(Drawing, SIZES | {"epochs": 5}, Ending(state=state))
    lines = Lines()
    conf.run()
    assert len(lines.column("lr")) == N_TRAIN - 3 and conf.position.phase == "done"
    assert (conf.position.epoch, conf.position.updates) == (2, 2 * N_TRAIN)


PLATEAU = {
    "optimizer.schedule": "plateau",
    "optimizer.patience": 0,
    # No validation is as good as that.
    "optimizer.threshold": 0.99,
    "optimizer.factor": 0.5,
}


@pytest.mark.parametrize(
    "options, end",
    [
        ({"epochs": 3}, {"max_updates": 4}),
        ({"epochs": 3}, {"epochs": 1}),
        ({"inner_iterations": 2}, {"max_updates": 3}),
        ({"eval_interval": 3}, {"max_updates": 4}),
        ({"eval_interval": 3}, {"max_updates": 6}),
        ({"eval_interval": 3, "eval_at_start": True}, {"epochs": 1}),
    ],
)
def test_a_plateau_does_not_see_where_a_run_has_ended(options, end):
    whole, _, expected = ran(PLATEAU | options)
    assert len({line["lr"] for line in learned(expected)}) > 1
    part, _, first = ran(PLATEAU | options | end)
    rest, _, second = ran(PLATEAU | options, state=saved(part))
    assert learned(first + second) == learned(expected)
    assert rest.scheduler.state_dict() == whole.scheduler.state_dict()


@pytest.mark.parametrize(
    "place, options, is_ended, is_last",
    [
        (Position(phase="train"), {}, False, False),
        (Position(epoch=1, phase="train"), {}, False, False),
        (Position(epoch=1, round=1, phase="train"), {}, False, True),
        (Position(epoch=1, round=1, phase="valid"), {}, False, True),
        (Position(epoch=1, round=1, phase="valid", left=5), {}, False, False),
        (Position(epoch=1, round=1, phase="valid", left=UNBEGUN), {}, False, False),
        (Position(phase="valid", left=UNSHOWN), {"epochs": 1, "inner_iterations": 1}, False, False),
        # Samples come before the round that the place is of.
        (Position(epoch=1, round=1), {}, False, False),
        (Position(epoch=2), {}, False, True),
        (Position(updates=7), {"max_updates": 7}, False, True),
        (Position(phase="valid", left=5, updates=6), {"max_updates": 7}, False, False),
        (Position(phase="valid", left=5), {}, True, True),
        (Position(epoch=1), {}, True, True),
    ],
)
def test_when_a_run_trains_no_more(place, options, is_ended, is_last):
    conf = make(Tiny, {"epochs": 2, "inner_iterations": 2} | options, Judging())
    conf.position.load_state_dict(place.state_dict())
    conf._listener.should_end = lambda: is_ended
    assert conf.is_last() == is_last
