r"""
# Device and Precision

Where a model computes, and with how many bits.

**Device.** `auto` takes what is there: CUDA, then Apple's MPS, then the CPU, which always works. A
device that was asked for by name and is absent is an error: a run that quietly takes the slow one
instead would be found out hours later.

**Precision.** With `precision=bf16` or `fp16` matrix products run in half precision, while weights,
reductions and the optimizer stay in `float32`
([Mixed Precision Training](https://arxiv.org/abs/1710.03740)). The smallest gradients vanish in
`fp16`, whose exponent has five bits, so the loss is scaled up before the backward pass and the
gradients down after it. `bf16` has the exponent of `float32` and needs no scale. `auto` is `bf16`
on CUDA cards that compute with it, and `fp32` elsewhere.

[One update](update.html) uses both.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import torch
from labml.configs import option

from labnn.configs.base import StrictConfigs
from labnn.configs.types import ConfigError

Precision = Literal["auto", "fp32", "bf16", "fp16"]


class DeviceConfigs(StrictConfigs):
    """
    ## DeviceConfigs

    One option, which may be written `device=cuda:1` or in full, `device.device=cuda:1`.
    """

    # Where to compute: auto takes CUDA, then MPS, then the CPU
    device: torch.device = "auto"

    def __init__(self):
        """The device stands for the whole config"""
        super().__init__(_primary="device")


@option(DeviceConfigs.device)
def auto() -> torch.device:
    """The best device that is there"""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


@option(DeviceConfigs.device)
def cpu() -> torch.device:
    """The processor"""
    return torch.device("cpu")


@option(DeviceConfigs.device)
def mps() -> torch.device:
    """An Apple GPU"""
    if not torch.backends.mps.is_available():
        raise ConfigError("device is mps, and there is none here; use device=auto or device=cpu")
    return torch.device("mps")


def _cuda(index: int | None):
    """The option for one CUDA device, or for the current one"""

    def cuda() -> torch.device:
        """An NVIDIA or AMD GPU"""
        if (index or 0) >= torch.cuda.device_count():
            name = "cuda" if index is None else f"cuda:{index}"
            raise ConfigError(
                f"device is {name}, and torch sees {torch.cuda.device_count()} CUDA devices; "
                "use device=auto or device=cpu"
            )
        return torch.device("cuda", index) if index is not None else torch.device("cuda")

    return cuda


# Any of eight CUDA devices may be named.
for _index in (None, *range(8)):
    _name = "cuda" if _index is None else f"cuda:{_index}"
    option(DeviceConfigs.device, _name)(_cuda(_index))


class MixedPrecision:
    """
    ## MixedPrecision

    The type of the matrix products, and the scale of the loss where that type needs one.
    """

    def __init__(self, precision: Precision, device: torch.device):
        """
        * `precision` is the option as the user gave it
        * `device` is where the model computes
        """
        if precision == "auto":
            # A card that can only emulate the type is no reason to choose it.
            is_bf16 = device.type == "cuda" and torch.cuda.is_bf16_supported(
                including_emulation=False
            )
            precision = "bf16" if is_bf16 else "fp32"
        self.name, self.device = precision, device
        self.dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision)
        # A scaler that is not enabled passes everything on as it is.
        self.scaler = torch.amp.GradScaler(device.type, enabled=precision == "fp16")

    def autocast(self) -> AbstractContextManager:
        """The context of the forward pass; the backward pass follows its types by itself."""
        if self.dtype is None:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=self.dtype)
