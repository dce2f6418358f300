import math

import pytest

from labnn.runs.best import Best, untracked
from tests.configs.tiny import Tiny, make


def best(is_highest=False, patience=0, metric="loss.valid"):
    return Best(metric, is_highest=is_highest, patience=patience)


@pytest.mark.parametrize(
    "is_highest, values, better",
    [
        (False, [3.0, 2.0, 2.5, 1.0], [True, True, False, True]),
        (True, [0.1, 0.3, 0.2, 0.4], [True, True, False, True]),
        # An equal value is not better, and neither is one that is no number.
        (False, [2.0, 2.0, math.nan, 1.9], [True, False, False, True]),
        (True, [math.nan, 0.0, math.nan], [False, True, False]),
        (False, [math.inf, 5.0, -math.inf], [True, True, True]),
    ],
)
def test_a_value_is_better_or_not(is_highest, values, better):
    found = best(is_highest)
    assert [found.add(value, number) for number, value in enumerate(values)] == better
    assert found.update == max(number for number, is_better in enumerate(better) if is_better)


def test_patience_counts_validations_in_a_row_without_a_better_value():
    found = best(patience=2)
    over = []
    for update, value in enumerate([3.0, 3.1, 2.9, 2.95, 2.9]):
        found.add(value, update)
        over.append(found.is_over)
    assert over == [False, False, False, False, True]
    assert found.story() == (
        "early stopping: loss.valid was best after update 2, 2.9, and not better 2 times since"
    )


def test_no_patience_is_no_end():
    found = best()
    for update in range(99):
        found.add(float(update), update)
    assert not found.is_over


def test_a_metric_that_is_never_a_number_ends_the_run_as_well():
    found = best(patience=3)
    for update in range(3):
        assert not found.add(math.nan, update)
    assert found.is_over and found.to_dict() is None
    assert "never a number" in found.story()


def test_it_goes_on_as_it_was():
    first, second = best(patience=2), best(patience=2)
    for update, value in enumerate([3.0, 3.1]):
        first.add(value, update)
    second.load_state_dict(first.state_dict())
    assert not second.is_over
    assert not second.add(3.05, 7) and second.is_over
    assert second.to_dict() == {"metric": "loss.valid", "value": 3.0, "update": 0}


def test_the_best_of_another_metric_is_forgotten():
    first, second = best(), best(is_highest=True, metric="accuracy.valid")
    first.add(3.0, 1)
    second.load_state_dict(first.state_dict())
    assert second.value is None and second.add(0.1, 2)


def test_an_infinite_value_is_null_for_json():
    found = best()
    found.add(math.inf, 1)
    assert found.to_dict()["value"] is None


@pytest.mark.parametrize(
    "overrides, says",
    [
        ({}, ""),
        ({"checkpoint.metric": "accuracy.valid"}, ""),
        ({"checkpoint.metric": "perplexity.valid"}, "tracks loss.valid, accuracy.valid by itself"),
        ({"valid_loader": None}, "there is no validation: no best model is kept"),
    ],
)
def test_a_metric_that_nobody_tracks_is_told_of_early(overrides, says):
    conf = make(Tiny, overrides)
    assert says in untracked(conf) and bool(says) == bool(untracked(conf))


def test_the_options_say_what_is_best():
    found = Best.of(make(Tiny, {"checkpoint.metric": "f1.valid", "early_stopping.patience": 3}))
    assert (found.metric, found.is_highest, found.patience) == ("f1.valid", True, 3)
