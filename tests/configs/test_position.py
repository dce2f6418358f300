import itertools
import random

import numpy as np
import pytest
import torch

from labnn.configs.position import PHASES, Position, restore, seed_all, seed_cpu, states

SEEDS = (0, 1, 2, 3, 7, 2**31, 2**32, 2**32 + 1, 2**63, 2**64, 2**64 + 1)


def draw(n=3, **place):
    return tuple(torch.rand(n, generator=Position(**place).generator()).tolist())


def same(ours, theirs):
    return (
        torch.equal(ours[0], theirs[0])
        and ours[1] == theirs[1]
        and all(np.array_equal(a, b) for a, b in zip(ours[2], theirs[2], strict=True))
    )


def test_a_run_begins_with_samples():
    assert Position() == Position(seed=0, epoch=0, round=0, phase="sample", batch=0)


@pytest.mark.parametrize("phase", PHASES)
def test_the_same_place_draws_the_same_numbers(phase):
    place = dict(seed=5, epoch=3, round=2, phase=phase, batch=11)
    first = draw(**place)
    torch.rand(13)
    assert draw(**place) == first


def test_no_two_places_share_their_numbers():
    trained = itertools.product(SEEDS, range(5), range(7))
    found = [draw(seed=s, epoch=e, phase="train", batch=b) for s, e, b in trained]
    found += [draw(seed=s, phase="valid", batch=b) for s in SEEDS for b in range(7)]
    sampled = itertools.product(SEEDS, range(5), range(3))
    found += [draw(seed=s, epoch=e, round=r, phase="sample") for s, e, r in sampled]
    # A number that two streams share would show that one is the other, shifted.
    numbers = [number for numbers in found for number in numbers]
    assert len(set(found)) == len(found)
    # Single numbers have 24 bits and may meet by chance.
    assert len(set(numbers)) > 0.999 * len(numbers)


def test_seed_and_place_do_not_run_into_each_other():
    # The 32-bit words of these seeds are those of a smaller seed and an epoch or a batch.
    words = [(1 + (1 << 32), 0, 0), (1, 1, 0), (1, 0, 1), (1 + (1 << 64), 0, 0), (1 << 32, 1, 1)]
    found = {draw(seed=s, epoch=e, phase="train", batch=b) for s, e, b in words}
    assert len(found) == len(words)


def test_training_depends_on_seed_epoch_and_batch_only():
    first = draw(seed=1, epoch=2, round=0, phase="train", batch=3)
    assert draw(seed=1, epoch=2, round=5, phase="train", batch=3) == first
    for other in (dict(seed=2), dict(epoch=3), dict(batch=4)):
        assert draw(**{**dict(seed=1, epoch=2, phase="train", batch=3), **other}) != first


def test_validation_is_the_same_in_every_round_of_every_epoch():
    first = draw(seed=1, phase="valid", batch=3)
    for epoch, round_ in itertools.product(range(3), range(3)):
        assert draw(seed=1, epoch=epoch, round=round_, phase="valid", batch=3) == first
    assert draw(seed=2, phase="valid", batch=3) != first
    assert draw(seed=1, phase="valid", batch=4) != first


def test_samples_are_new_in_every_round():
    places = itertools.product(range(3), range(3))
    assert len({draw(epoch=e, round=r, phase="sample") for e, r in places}) == 9
    assert draw(phase="sample", batch=0) == draw(phase="sample", batch=5)


def test_each_number_is_equally_likely():
    # Masks of the first batches of many epochs, drawn from a generator each
    hits = [draw(1, epoch=e, phase="train")[0] < 0.15 for e in range(4001)]
    assert sum(hits) / len(hits) == pytest.approx(0.15, abs=0.02)


def test_the_order_of_batches_has_a_seed_for_each_epoch_and_one_for_validation():
    orders = [Position(s, e, 0, "train").order_seed() for s in SEEDS for e in range(5)]
    assert len(set(orders)) == len(orders)
    assert Position(1, 2, 0, "train", 0).order_seed() == Position(1, 2, 3, "train", 9).order_seed()
    valid = {Position(1, epoch, 0, "valid", 0).order_seed() for epoch in range(5)}
    assert len(valid) == 1 and not valid & set(orders)


def test_the_numbers_stay_those_that_earlier_runs_drew():
    # They follow from numpy's SeedSequence, which promises not to change.
    seeds = [Position(7, 3, 1, phase, 5).generator().initial_seed() for phase in PHASES]
    assert seeds == [7040822573648567177, 7577180362226428215, 5512574323803392687]


def test_the_global_generators_are_left_alone():
    before = states()
    for phase in PHASES:
        torch.rand(7, generator=Position(phase=phase).generator())
        Position(phase=phase).order_seed()
    assert same(states(), before)


@pytest.mark.parametrize("seed", [0, 1, 2**32, 2**64 - 1, 2**64, 2**100])
@pytest.mark.parametrize("set_", [seed_all, seed_cpu])
def test_any_seed_sets_all_generators(set_, seed):
    drawn = []
    for _ in range(2):
        set_(seed)
        drawn.append((torch.rand(3).tolist(), random.random(), np.random.rand(3).tolist()))
        assert drawn[0] == drawn[-1]
    set_(seed + 1)
    other = (torch.rand(3).tolist(), random.random(), np.random.rand(3).tolist())
    assert all(a != b for a, b in zip(drawn[0], other, strict=True))


def test_states_can_be_put_back():
    kept = states()
    first = (torch.rand(3).tolist(), random.random(), np.random.rand(3).tolist())
    restore(kept)
    assert (torch.rand(3).tolist(), random.random(), np.random.rand(3).tolist()) == first


def test_a_position_goes_on_elsewhere():
    first = Position(seed=7, epoch=3, round=1, phase="valid", batch=5)
    second = Position(seed=7)
    second.load_state_dict(first.state_dict())
    assert second == first
    # The seed is an option.
    assert "seed" not in first.state_dict()
