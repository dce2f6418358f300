import random
import types

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from labnn.configs.loop import Listener, Loop, Phase, Stopped, batches, drawn_apart
from labnn.configs.position import Position, restore, states
from labnn.data.windows import Windows
from tests.configs.test_position import same
from tests.configs.tiny import Diary

N_ITEMS, BATCH_SIZE, N_BATCHES, N_ROUNDS, EPOCHS = 13, 2, 7, 3, 2


class Numbers(Dataset):
    """Numbers, with a random one beside each, that count how often they are read"""

    def __init__(self):
        self.n_read = 0

    def __len__(self):
        return N_ITEMS

    def __getitem__(self, i):
        self.n_read += 1
        return i, torch.rand(()).item() + random.random() + np.random.rand()


def shuffled(data=None, generator=None):
    data = data or Numbers()
    return DataLoader(data, batch_size=BATCH_SIZE, shuffle=True, generator=generator)


def items(found):
    """What batches of `Numbers` hold, in order"""
    return [(int(i), float(r)) for batch in found for i, r in zip(*batch, strict=True)]


def follow(loader, n_rounds=1, listener=None, position=None, phase="train"):
    """A phase over a loader, and what its step is given"""
    given = []
    listener = listener or Listener()
    position = position or Position(phase=phase)
    conf = types.SimpleNamespace(position=position, _listener=listener)
    conf.step = lambda batch, index: given.append((batch, index.idx, index.is_last, index.total))
    if isinstance(listener, Diary):
        listener.conf = conf
    return Phase(conf, loader, n_rounds=n_rounds), given


def rounds(phase, n_rounds, first=0):
    """All rounds of an epoch, as a run does them"""
    position = phase.conf.position
    for position.round in range(first, n_rounds):
        position.batch = phase.bounds(position.round)[0]
        phase()


@pytest.mark.parametrize("total", [1, 2, 5, 7, 491])
@pytest.mark.parametrize("n_rounds", [1, 2, 3, 7, 11])
def test_rounds_share_all_batches_and_the_last_one_ends_the_epoch(total, n_rounds):
    phase, given = follow(list(range(total)), n_rounds)
    bounds = [phase.bounds(r) for r in range(n_rounds)]
    assert bounds[0][0] == 0 and bounds[-1][1] == total
    assert all(a[1] == b[0] for a, b in zip(bounds, bounds[1:], strict=False))
    # No round has more than one batch above another.
    sizes = {end - start for start, end in bounds}
    assert max(sizes) - min(sizes) <= 1

    rounds(phase, n_rounds)
    assert [batch for batch, *_ in given] == list(range(total))
    assert [index for _, index, *_ in given] == list(range(total))
    assert [is_last for *_, is_last, _ in given] == [False] * (total - 1) + [True]


def test_a_phase_tells_the_listener_of_every_batch():
    diary = Diary()
    phase, _ = follow(["a", "b", "c"], listener=diary)
    phase()
    assert diary.notes == [("train", 0, 0, 0, 3), ("batch", 1), ("batch", 2), ("batch", 3)]


def test_a_round_may_have_no_batch():
    phase, given = follow(["a"], n_rounds=3)
    rounds(phase, 3)
    assert [batch for batch, *_ in given] == ["a"]


@pytest.mark.parametrize("phase_name", ["train", "valid"])
@pytest.mark.parametrize("stop", range(4))
def test_it_stops_between_two_batches_and_goes_on_there(phase_name, stop):
    diary = Diary(stop_at=(0, 0, phase_name, stop))
    phase, given = follow(list("abcd"), listener=diary, phase=phase_name)
    with pytest.raises(Stopped):
        phase()
    assert phase.conf.position.batch == stop and len(given) == stop
    diary.stop_at = None
    phase()
    assert [batch for batch, *_ in given] == list("abcd")


def test_it_stops_before_the_first_batch_of_a_round_and_goes_on_there():
    diary = Diary(stop_at=(0, 1, "train", 2))
    phase, given = follow(list("abcd"), n_rounds=2, listener=diary)
    with pytest.raises(Stopped):
        rounds(phase, 2)
    diary.stop_at = None
    phase()
    assert [batch for batch, *_ in given] == list("abcd")


def test_it_does_not_ask_after_the_last_batch():
    phase, given = follow(list("ab"), listener=Diary(stop_at=(0, 0, "train", 2)))
    phase()
    assert len(given) == 2


@pytest.mark.parametrize("n_rounds", [1, N_ROUNDS, N_BATCHES, 11])
@pytest.mark.parametrize("is_own", [False, True])
def test_rounds_of_a_shuffled_loader_read_everything_once(n_rounds, is_own):
    data = Numbers()
    own = torch.Generator().manual_seed(3) if is_own else None
    phase, given = follow(shuffled(data, own), n_rounds)
    rounds(phase, n_rounds)
    first = items(batch for batch, *_ in given)
    assert sorted(i for i, _ in first) == list(range(N_ITEMS))
    assert data.n_read == N_ITEMS

    # The next epoch has an order of its own.
    given.clear()
    phase.conf.position.epoch = 1
    rounds(phase, n_rounds)
    second = items(batch for batch, *_ in given)
    assert sorted(i for i, _ in second) == list(range(N_ITEMS))
    assert [i for i, _ in first] != [i for i, _ in second]


@pytest.mark.parametrize("first", range(N_ROUNDS))
def test_the_order_of_another_loader_follows_from_seed_and_epoch(first):
    whole, given = follow(shuffled(), N_ROUNDS, position=Position(5, 2, 0, "train", 0))
    rounds(whole, N_ROUNDS)
    expected = [(index, items([batch])) for batch, index, *_ in given]

    torch.rand(17), random.random(), np.random.rand()
    part, given = follow(shuffled(), N_ROUNDS, position=Position(5, 2, 0, "train", 0))
    rounds(part, N_ROUNDS, first)
    found = [(index, items([batch])) for batch, index, *_ in given]
    assert found == expected[whole.bounds(first)[0] :]


def test_seed_and_epoch_change_the_order():
    places = [(seed, epoch) for seed in range(3) for epoch in range(3)]
    found = {
        tuple(items(batches(shuffled(), Position(seed, epoch, 0, "train"))))
        for seed, epoch in places
    }
    assert len(found) == len(places)


def test_validation_with_another_loader_is_the_same_every_time():
    phase, given = follow(shuffled(), phase="valid")
    for phase.conf.position.epoch in range(2):
        phase.conf.position.batch = 0
        phase()
    found = [batch for batch, *_ in given]
    assert items(found[:N_BATCHES]) == items(found[N_BATCHES:])


@pytest.mark.parametrize("loader", [shuffled(), list("abc"), DataLoader(range(5))])
def test_another_loader_leaves_the_global_generators_alone(loader):
    before = states()
    for _ in drawn_apart(loader, seed=3):
        assert same(states(), before)
        # What the model draws in between changes nothing for the loader.
        torch.rand(5)
        before = states()
    assert same(states(), before)


def test_the_global_generators_are_put_back_after_an_error():
    class Broken(Dataset):
        def __len__(self):
            return 3

        def __getitem__(self, i):
            raise RuntimeError("no such file")

    before = states()
    with pytest.raises(RuntimeError, match="no such file"):
        list(drawn_apart(shuffled(Broken()), seed=3))
    assert same(states(), before)


def test_what_the_program_draws_changes_nothing_for_another_loader():
    expected = items(drawn_apart(shuffled(), seed=3))
    torch.rand(7)
    found = []
    for batch in drawn_apart(shuffled(), seed=3):
        found.append(batch)
        torch.rand(3), random.random()
    assert items(found) == expected
    restore(states())


@pytest.mark.parametrize("first", range(4))
def test_a_loader_of_labnn_starts_anywhere(first):
    windows = Windows(list(range(31)), seq_len=5, batch_size=2, seed=1)
    expected = list(windows.batches(3))[first:]
    found = list(batches(windows, Position(9, 3, 0, "train", first)))
    assert len(found) == len(expected) == len(windows) - first
    for (data, _), (other, _) in zip(found, expected, strict=True):
        assert torch.equal(data, other)


def test_the_loop_by_hand():
    position = Position()
    found = []
    for place in Loop(position, epochs=EPOCHS, n_rounds=2):
        assert place is position
        found.append((position.epoch, position.round, position.phase, position.batch))
        # A round leaves the position behind its last batch.
        position.phase, position.batch = "valid", 5
    assert found == [(e, r, "sample", 0) for e in range(2) for r in range(2)]
    assert position == Position(0, epoch=2, round=0, phase="sample", batch=0)


@pytest.mark.parametrize("epoch, round_, left", [(0, 0, 6), (0, 2, 4), (1, 1, 2), (2, 0, 0)])
def test_the_loop_does_the_rounds_that_are_left(epoch, round_, left):
    position = Position(0, epoch, round_, "valid", 3)
    loop = Loop(position, epochs=EPOCHS, n_rounds=N_ROUNDS)
    found = [(p.epoch, p.round, p.phase) for p in loop]
    assert len(found) == left and len(loop) == EPOCHS * N_ROUNDS
    # The first of them goes on in its phase, the others begin.
    assert found[:1] == [(epoch, round_, "valid")][:left]
    assert all(phase == "sample" for *_, phase in found[1:])


def test_a_listener_does_nothing_by_itself():
    listener, position = Listener(), Position()
    assert listener.should_stop() is False
    for answer in (
        listener.on_start(None),
        listener.on_phase(position, 3),
        listener.on_batch(position, 3),
        listener.on_phase_end(position),
        listener.on_update(),
        listener.on_sample([]),
        listener.warn("careful"),
        listener.on_end(None),
    ):
        assert answer is None


class State:
    def __init__(self):
        self.n = 0


class Counter:
    """Counts batches in a state that may be an object or a list"""

    def __init__(self, kind):
        self.kind = kind

    def create_state(self):
        return self.kind()


@pytest.mark.parametrize("kind", [State, list])
def test_what_metrics_have_counted_goes_on_elsewhere(kind):
    first, second = (Phase(None, [], n_rounds=1, modules=[Counter(kind)]) for _ in range(2))
    (counted,) = first.states
    counted.append(5) if kind is list else setattr(counted, "n", 5)
    second.load_state_dict(first.state_dict())
    (found,) = second.states
    assert found == [5] if kind is list else found.n == 5


@pytest.mark.parametrize("epoch", [0, 1, 2])
def test_a_loader_with_a_generator_of_its_own_starts_at_any_epoch(epoch):
    """Its generator has moved in the epochs before, which a run that goes on has not seen."""
    loader = shuffled(generator=torch.Generator().manual_seed(5))
    found = [items(batches(loader, Position(3, epoch=e, phase="train"))) for e in range(3)]
    fresh = shuffled(generator=torch.Generator().manual_seed(7))
    assert items(batches(fresh, Position(3, epoch=epoch, phase="train"))) == found[epoch]
    assert len({tuple(i for i, _ in epoch_) for epoch_ in found}) == 3
