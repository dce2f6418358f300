import pytest

from labnn.configs.saving import CheckpointConfigs, direction_of
from labnn.configs.types import ConfigError
from tests.configs.tiny import Tiny, make


def options(**values):
    conf = CheckpointConfigs()
    conf._set_values(values)
    return conf


@pytest.mark.parametrize(
    "metric, direction",
    [
        ("loss.valid", "lowest"),
        ("perplexity.valid", "lowest"),
        ("Loss.valid", "lowest"),
        ("loss.mlm.valid", "lowest"),
        ("word_error.valid", "lowest"),
        ("accuracy.valid", "highest"),
        ("f1.valid", "highest"),
        ("mlm_accuracy.valid", "highest"),
        # What is lost is a loss, whatever else it is.
        ("accuracy_loss.valid", "lowest"),
        ("glossary.valid", None),
        ("inaccuracy.valid", None),
        ("valid", None),
    ],
)
def test_the_direction_follows_from_the_words_of_a_name(metric, direction):
    assert direction_of(metric) == direction
    if direction is not None:
        assert options(metric=metric).is_highest() == (direction == "highest")


def test_the_defaults_are_good():
    options().check()
    assert not options().is_highest()


def test_all_checkpoints_may_be_kept():
    options(keep=-1).check()


@pytest.mark.parametrize("direction, is_highest", [("lowest", False), ("highest", True)])
def test_a_metric_of_ones_own_has_a_direction_of_its_own(direction, is_highest):
    assert options(metric="surprise.valid", direction=direction).is_highest() == is_highest


@pytest.mark.parametrize(
    "values, says",
    [
        ({"direction": "highest"}, "direction is highest, and metric is 'loss.valid', of which"),
        ({"metric": "accuracy.valid", "direction": "lowest"}, "of which the highest is best"),
        ({"metric": "los.valid"}, "'los.valid', and nothing in it says .*did you mean loss"),
        ({"metric": "surprise.valid"}, "or set direction to lowest or highest"),
        ({"metric": "loss.train"}, "a metric of the validation, which ends in '.valid'"),
        ({"metric": ""}, "a metric of the validation"),
        ({"keep": 1}, "keep is 1, it takes at least 2"),
        ({"keep": 0}, "keep is 0, it takes at least 2"),
        ({"keep": -2}, "keep is -2, it takes at least 2: .* damaged; -1 keeps all$"),
    ],
)
def test_what_makes_no_sense_is_refused(values, says):
    with pytest.raises(ConfigError, match=says) as e:
        options(**values).check()
    assert "\n" not in str(e.value)


@pytest.mark.parametrize(
    "name, value", [("interval", -1), ("interval", 1.5), ("keep", "many"), ("on_error", "cry")]
)
def test_types_and_ranges_are_held(name, value):
    with pytest.raises(ConfigError, match=name):
        options(**{name: value})


def test_a_run_refuses_them_by_their_full_names_before_data_is_read():

    conf = make(Tiny, {"checkpoint.keep": 1})
    with pytest.raises(ConfigError, match="^checkpoint.keep is 1"):
        conf.check()
    conf = make(Tiny, {"checkpoint.metric": "accuracy.valid", "checkpoint.direction": "lowest"})
    with pytest.raises(ConfigError, match="^checkpoint.direction is lowest, and checkpoint.metric"):
        conf.run()
    assert not conf._is_computed("train_loader")
    with pytest.raises(ConfigError, match="early_stopping.patience"):
        make(Tiny, {"early_stopping.patience": -1})


def test_two_runs_share_nothing():
    first, second = make(Tiny, {"checkpoint.keep": 5}), make(Tiny)
    assert (first.checkpoint.keep, second.checkpoint.keep) == (5, 2)


def test_early_stopping_needs_a_validation():
    conf = make(Tiny, {"early_stopping.patience": 3, "valid_loader": None})
    with pytest.raises(ConfigError, match="patience is 3, and there is no valid_loader"):
        conf.run()
