import pytest
import torch
from labml.configs import option

from labnn.configs.base import StrictConfigs
from labnn.configs.device import DeviceConfigs, MixedPrecision, Precision
from labnn.configs.types import CommandLineText, ConfigError
from tests.configs.tiny import Tiny, make

CPU = torch.device("cpu")
ABSENT = ["cuda", *(f"cuda:{i}" for i in range(8))][0 if not torch.cuda.is_available() else 8 :]


class Placed(StrictConfigs):
    device: torch.device = DeviceConfigs()
    precision: Precision = "auto"


def placed(**overrides):
    conf = Placed()
    conf._set_values(overrides)
    return conf


def test_auto_takes_the_best_device_that_is_there():
    best = "mps" if torch.backends.mps.is_available() else "cpu"
    assert placed().device.type == ("cuda" if torch.cuda.is_available() else best)


@pytest.mark.parametrize("kind", [str, CommandLineText])
def test_a_device_has_a_name_or_is_given(kind):
    assert placed(device=kind("cpu")).device == CPU
    assert placed(**{"device.device": kind("cpu")}).device == CPU
    assert placed(device=torch.device("cpu")).device == CPU


@pytest.mark.parametrize("name", ABSENT)
def test_a_cuda_device_that_is_not_there_is_an_error(name):
    with pytest.raises(ConfigError) as caught:
        _ = placed(device=name).device
    message = str(caught.value)
    assert f"device is {name}, and torch sees" in message and "device=auto" in message
    assert "\n" not in message


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="this machine has MPS")
def test_mps_that_is_not_there_is_an_error():
    with pytest.raises(ConfigError, match="device is mps, and there is none here; use device=auto"):
        _ = placed(device="mps").device


@pytest.mark.parametrize("name, near", [("cdua", "cuda"), ("CPU", "cpu"), ("cuda:9", "cuda")])
def test_a_device_that_does_not_exist_is_refused_when_it_is_set(name, near):
    with pytest.raises(ConfigError, match=f"device has no option '{name}'.*did you mean {near}"):
        placed(device=name)


def test_a_missing_device_is_known_before_data_is_read():
    read = []

    class Reading(Tiny):
        train_loader: list = "reading"

    @option(Reading.train_loader)
    def reading(c: Reading) -> list:
        read.append(True)
        return []

    with pytest.raises(ConfigError, match="device is cuda:7"):
        make(Reading, {"device": "cuda:7"}).run()
    assert not read


@pytest.mark.parametrize("value", ["fp8", "16", 16, None, "FP32"])
def test_a_precision_that_does_not_exist_is_refused(value):
    with pytest.raises(ConfigError, match="precision is .* one of auto, fp32, bf16, fp16"):
        placed(precision=value)


@pytest.mark.parametrize(
    "precision, dtype, is_scaled",
    [
        ("auto", torch.float32, False),
        ("fp32", torch.float32, False),
        ("bf16", torch.bfloat16, False),
        ("fp16", torch.float16, True),
    ],
)
def test_matrix_products_have_the_type_and_the_rest_stays(precision, dtype, is_scaled):
    mixed = MixedPrecision(precision, CPU)
    linear, norm = torch.nn.Linear(5, 3), torch.nn.LayerNorm(3)
    with mixed.autocast():
        y = linear(torch.randn(7, 5))
        assert y.dtype == dtype
        assert norm(y.float()).dtype == torch.float32
    assert linear.weight.dtype == torch.float32
    # Nothing is left behind.
    assert linear(torch.randn(7, 5)).dtype == torch.float32
    assert mixed.scaler.is_enabled() == is_scaled
    assert mixed.name == ("fp32" if precision == "auto" else precision)


def test_gradients_are_single_precision():
    for precision in ("fp32", "bf16", "fp16"):
        linear = torch.nn.Linear(5, 3)
        with MixedPrecision(precision, CPU).autocast():
            loss = linear(torch.randn(7, 5)).float().sum()
        loss.backward()
        assert linear.weight.grad.dtype == torch.float32


def test_training_configs_take_both():
    conf = make(Tiny, {"device": "cpu", "precision": "bf16"})
    assert conf.mixed_precision.name == "bf16" and conf.mixed_precision.device == CPU
