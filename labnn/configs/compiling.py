r"""
# Compiling

With `compile=true` the model is [compiled](../transformers/compiled.html): the first start takes a
minute, later ones some seconds, and the steps less time than without, above all in half precision.
A step of the main experiment on two cores is shorter by 5 % in `float32` and by 16 % in `bfloat16`.
In `float32` it may also be longer, as for a GPT-2 of that size by 10 %; so it is an option, and to
be tried.

torch compiles with what it finds: a C++ compiler on a processor, Triton on CUDA. What is missing
shows before a run begins, in one line. Compiled code is kept in `torchinductor` in the cache of
[downloads](../data/download.html), so the next start takes less time; torch's other caches, which
are pickled, stay off.

Two runs with one seed are the same bit by bit, and so is one that was stopped and goes on. A run
with `compile` and one without differ by rounding. For that, each shape of a batch is compiled for
itself: code for any shape would compute a batch differently after others than alone. A model of a
person's own is compiled as a whole; where torch then adds to one place from several threads, as in
the gradient of an embedding, only `torch.use_deterministic_algorithms(True)` makes two runs equal.

[Training configs](training.html) have the option.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import torch
from torch import nn

from labnn.configs.loop import Torn
from labnn.configs.types import ConfigError
from labnn.configs.update import TrainingError
from labnn.data.download import cache_folder
from labnn.data.text_files import CorpusError

# The variable that says where compiled code is kept, and the part of torch that reads it
FOLDER = "TORCHINDUCTOR_CACHE_DIR"
READER = "torch._inductor.runtime.cache_dir_utils"
# One code for each shape, nothing that is pickled, and nothing outside of the folder
HOW: dict[str, Any] = {
    "dynamic": False,
    "options": {
        "fx_graph_cache": False,
        "autotune_local_cache": False,
        "cpp_cache_precompile_headers": False,
    },
}


def choose_folder() -> None:
    """
    ## Where compiled code is kept

    torch would keep it among the temporary files of all users. What the user has set stays.
    """
    # torch may have run before, and then its own choice is in the place of the user's.
    reader = sys.modules.get(READER)
    if os.environ.get(FOLDER) in (None, reader and reader.default_cache_dir()):
        # Without a home there is no cache.
        with suppress(CorpusError):
            os.environ[FOLDER] = str(cache_folder() / "torchinductor")


def compile_model(model: nn.Module, device: torch.device) -> None:
    """
    ## Compile a model in place

    Its parameters and their names stay as they are. Raises `ConfigError` where torch cannot
    compile.

    * `device` is where the model computes
    """
    try:
        torch.compile(one_more, **HOW)(torch.zeros(8, device=device))
    except Exception as error:
        raise ConfigError(
            f"compile is true, and torch cannot compile for {device}: {reason(error)}; install "
            "what is missing, or use compile=false"
        ) from None
    model.compile(**HOW)


def reason(error: Exception) -> str:
    """What is wrong. It comes first; behind it are hints for people who debug torch."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    # The first line may only say who it was that failed.
    n_lines = 2 if lines and lines[0].endswith(":") else 1
    return " ".join(lines[:n_lines])[:300] or type(error).__name__


@contextmanager
def compiling(should_stop: Callable[[], bool]) -> Iterator[None]:
    """
    ## While a model is compiled

    That is in the first batch of each shape. A signal to stop that is meant for all, as by Ctrl-C,
    ends the compiler as well, in the middle of a batch: the run ends as `Torn`. What else a
    compiler fails at is told in one line, as a `TrainingError`.

    * `should_stop` says whether there was a signal
    """
    try:
        yield
    except Exception as error:
        homes = [base.__module__.partition("._")[2] for base in type(error).__mro__]
        if not any(home.startswith(("dynamo.", "inductor.")) for home in homes):
            raise
        if should_stop():
            raise Torn from error
        raise TrainingError(
            f"torch failed to compile the model: {reason(error)}; use compile=false"
        ) from error


def one_more(x: torch.Tensor) -> torch.Tensor:
    """The smallest thing to compile"""
    return x + 1
