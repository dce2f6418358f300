import pytest
from labml import experiment

from labnn.configs.base import StrictConfigs
from labnn.configs.guards import LABML, check_registered, check_versions
from labnn.configs.types import ConfigError
from tests.configs.tiny import Tiny


class Plain(StrictConfigs):
    size: int = 3


@pytest.fixture
def in_labml(lab_folder, monkeypatch):
    """A new experiment of labml"""
    monkeypatch.chdir(lab_folder)
    experiment.create(name="own", writers=set())
    return lab_folder


def test_the_versions_that_were_read_are_installed():
    check_versions(LABML)
    assert set(LABML) == {"labml", "labml-helpers"}


@pytest.mark.parametrize("name", LABML)
def test_another_version_is_refused(name):
    with pytest.raises(ImportError) as caught:
        check_versions({**LABML, name: "0.0.1"})
    message = str(caught.value)
    assert message == (
        f"labnn needs {name} 0.0.1, and {LABML[name]} is installed; run: pip install {name}==0.0.1"
    )


def test_a_package_that_is_not_installed_is_an_import_error():
    with pytest.raises(ImportError, match="no-such-package"):
        check_versions({"no-such-package": "1.0"})


def test_the_second_configs_of_an_experiment_are_refused(in_labml):
    experiment.configs(Plain(), {"size": 5})
    with pytest.raises(ConfigError, match=r"experiment\.configs was called twice"):
        experiment.configs(Plain())
    # A new experiment takes new ones.
    experiment.create(name="other", writers=set())
    conf = Plain()
    experiment.configs(conf, {"size": 7})
    assert conf.size == 7


def test_a_dictionary_may_still_be_noted_with_an_experiment(in_labml):
    experiment.configs({"note": 1})
    experiment.configs({"more": 2})


@pytest.mark.parametrize("given", [{"batch_size": 3}, Plain, Tiny])
def test_options_that_reach_nobody_are_refused(in_labml, given):
    conf = Tiny()
    experiment.configs(given if isinstance(given, dict) else given())
    with (
        experiment.start(),
        pytest.raises(ConfigError, match="the experiment has other options than this Tiny"),
    ):
        conf.run()


@pytest.mark.slow
def test_the_options_of_the_experiment_may_run(in_labml):
    conf = Tiny()
    experiment.configs(conf, {"n_train": 1})
    with experiment.start():
        conf.run()
    assert len(conf.train_loader) == 1


def test_without_an_experiment_there_is_nothing_to_compare(in_labml):
    check_registered(Tiny())
    experiment.configs(Plain())
    # It has not started.
    check_registered(Tiny())
