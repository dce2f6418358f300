r"""
# Guards around labml

labml is pinned: [strict configs](base.html) use private names of its engine, which another version
may not have or may mean differently.

Two mistakes happen in `experiment.configs`, before our own classes hear of them: it is called
twice, or with something else than the configs that run. Both become an error that says so.
"""

import importlib.metadata
from typing import Any

from labml.configs import BaseConfigs
from labml.internal.experiment import Experiment, experiment_singleton, has_experiment

from labnn.configs.types import ConfigError

# The versions whose private names are used
LABML = {"labml": "0.5.3", "labml-helpers": "0.4.89"}


def check_versions(wanted: dict[str, str]) -> None:
    """Raises `ImportError` where another version is installed than the one that is pinned."""
    for name, version in wanted.items():
        if (found := importlib.metadata.version(name)) != version:
            raise ImportError(
                f"labnn needs {name} {version}, and {found} is installed; "
                f"run: pip install {name}=={version}"
            )


# labml's own method, which ours calls
_labml_configs = Experiment.calc_configs


def _calc_configs(self: Experiment, configs: Any, overrides: Any) -> None:
    """labml asserts without a word when a second config is given to one experiment."""
    if self.configs_processor is not None and not isinstance(configs, dict):
        raise ConfigError(
            "experiment.configs was called twice; call it once, or experiment.create before it"
        )
    _labml_configs(self, configs, overrides)


# Experiments are made by labml itself, so ours takes the place of its method.
Experiment.calc_configs = _calc_configs


def check_registered(conf: BaseConfigs) -> None:
    """
    Raises `ConfigError` where a labml experiment was given other options than those that run: a
    plain dictionary goes to `experiment.configs` without a complaint and reaches nobody.
    """
    if not has_experiment() or not experiment_singleton().is_started:
        return
    processor = experiment_singleton().configs_processor
    if processor is not None and processor.configs is not conf:
        raise ConfigError(
            f"the experiment has other options than this {type(conf).__name__}; call "
            "experiment.configs(conf, overrides) with it before experiment.start"
        )
