r"""
# Compiling

With `compile=true` the model is [compiled](../transformers/compiled.html). The first start then
takes a minute longer and later ones some seconds. Whether the steps take less time hangs on the
model: those of the main experiment on two cores take 5 to 9 % less in `float32` and 8 to 16 % less
in `bfloat16`, and with other shapes it was between 20 % less and 60 % more. So it is an option, and
to be tried.

torch compiles with what it finds: a C++ compiler on a processor, Triton on CUDA. What is missing
shows before data is read, in one line. Compiled code is kept in `torchinductor` in the cache of
[downloads](../data/download.html), so the next start takes less time; torch's other caches, which
are pickled, stay off.

On a processor two runs with one seed are the same bit by bit, and so is one that was stopped and
goes on. A run with `compile` and one without differ by rounding. For that, dropout draws what it
draws without, torch is asked for operations that do not hang on the order of its threads, and each
shape of a batch is compiled for itself, since code for any shape would compute a batch differently
after others than alone. With more than 64 shapes the run ends with an error: torch would leave the
others as they are, which would be other ones after a resume. Samples are made without compiled
code, since texts that grow have a new shape for each token.

While something is compiled a signal to stop has to wait, for a minute or more at the first start.

[Training configs](training.html) have the option.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any

import torch

from labnn.configs.loop import Torn
from labnn.configs.rounds import RoundsConfigs
from labnn.configs.types import ConfigError
from labnn.configs.update import TrainingError
from labnn.data.download import cache_folder
from labnn.data.text_files import CorpusError

# The variable that says where compiled code is kept, and the part of torch that reads it
FOLDER = "TORCHINDUCTOR_CACHE_DIR"
READER = "torch._inductor.runtime.cache_dir_utils"
# One code for each shape, draws as without, nothing that is pickled, nothing outside of the folder
HOW: dict[str, Any] = {
    "dynamic": False,
    "options": {
        "fallback_random": True,
        "fx_graph_cache": False,
        "autotune_local_cache": False,
        "cpp_cache_precompile_headers": False,
    },
}
# Shapes of batches that are compiled; torch's own limit of 8 would leave the others as they are.
MOST = 64


class CompilingConfigs(RoundsConfigs):
    """
    ## CompilingConfigs

    Rounds of a model that may be compiled
    """

    # Compile the model, which takes a minute at first; on a processor it needs a C++ compiler
    compile: bool = False

    # Where to compute, and an option that does not go together with this one
    device: torch.device
    is_log_model_activations: bool = False

    # Whoever only validates needs nothing compiled.
    _is_compiled = False

    def check(self):
        """Raises `ConfigError` for options that do not go together."""
        super().check()
        if not self.compile:
            return
        if self.is_log_model_activations:
            raise ConfigError(
                "compile is true, and is_log_model_activations needs every module to be called by "
                "itself; take one of them back"
            )
        # Before the first optimizer, with which torch chooses one
        choose_folder()

    def prepare(self):
        """
        ### Build everything

        One of labnn's models compiles its layers, any other one is compiled as a whole. The work is
        done in the first batch of each shape. Parameters and their names stay as they are.
        """
        if self.compile:
            check_compiler(self.device)
        super().prepare()
        if self.compile:
            self.model.compile(**HOW)
            self._is_compiled = True

    def phase(self, name: str):
        """
        ### One phase

        Samples are of many shapes, and run as they are written.
        """
        around: AbstractContextManager = nullcontext()
        if self._is_compiled and name == "sample":
            around = torch.compiler.set_stance("force_eager")
        elif self._is_compiled:
            around = compiling(self._listener.should_stop)
        with around:
            super().phase(name)


def choose_folder() -> None:
    """
    ## Where compiled code is kept

    torch would keep it among the temporary files of all users. What the user has set stays. The
    choice is one for the whole process.
    """
    # torch may have run before, and then its own choice is in the place of the user's.
    reader = sys.modules.get(READER)
    if os.environ.get(FOLDER) in (None, reader and reader.default_cache_dir()):
        # Without a home there is no cache.
        with suppress(CorpusError):
            os.environ[FOLDER] = str(cache_folder() / "torchinductor")


def check_compiler(device: torch.device) -> None:
    """
    ## Whether anything can be compiled

    Raises `ConfigError` where torch cannot compile for `device`.
    """
    # What earlier runs of this process have compiled would count for the limit of this one.
    torch._dynamo.reset()
    try:
        torch.compile(one_more, **HOW)(torch.zeros(8, device=device))
    except Exception as error:
        raise ConfigError(
            f"compile is true, and torch cannot compile for {device}: {reason(error)}; install "
            "what is missing, or use compile=false"
        ) from None


def one_more(x: torch.Tensor) -> torch.Tensor:
    """The smallest thing to compile"""
    return x + 1


def reason(error: Exception) -> str:
    """What is wrong. It comes first; behind it are hints for people who debug torch."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    # The first line may only say who it was that failed.
    n_lines = 2 if lines and lines[0].endswith(":") else 1
    return " ".join(lines[:n_lines])[:300] or type(error).__name__


@contextmanager
def compiling(should_stop: Callable[[], bool]) -> Iterator[None]:
    """
    ## While a compiled model is at work

    A signal to stop that is meant for all, as by Ctrl-C, ends the compiler as well, in the middle
    of a batch: the run ends as `Torn`. What else a compiler fails at is told in one line, as a
    `TrainingError`.

    * `should_stop` says whether there was a signal
    """
    limits = dict(recompile_limit=MOST, accumulated_recompile_limit=4 * MOST)
    try:
        with ordered(), torch._dynamo.config.patch(fail_on_recompile_limit_hit=True, **limits):
            yield
    except Exception as error:
        homes = [base.__module__.partition("._")[2] for base in type(error).__mro__]
        if not any(home.startswith(("dynamo.", "inductor.")) for home in homes):
            raise
        if should_stop():
            raise Torn from error
        if isinstance(error, torch._dynamo.exc.FailOnRecompileLimitHit):
            raise TrainingError(
                f"there are more than {MOST} shapes of batches, and each would be compiled; use "
                "compile=false"
            ) from error
        raise TrainingError(
            f"torch failed to compile the model: {reason(error)}; use compile=false"
        ) from error


@contextmanager
def ordered() -> Iterator[None]:
    """
    ## While results may not hang on the order of threads

    What is set for torch here is afterwards as it was.
    """
    from torch._inductor import config

    memory = torch.utils.deterministic
    was = torch.are_deterministic_algorithms_enabled()
    was_warning = torch.is_deterministic_algorithms_warn_only_enabled()
    was_filling, was_compiling = memory.fill_uninitialized_memory, config.deterministic
    try:
        torch.use_deterministic_algorithms(True, warn_only=True)
        # torch would also fill all new memory, which takes 3 to 5 % of a step in half precision.
        memory.fill_uninitialized_memory = False
        yield
    finally:
        torch.use_deterministic_algorithms(was, warn_only=was_warning)
        memory.fill_uninitialized_memory, config.deterministic = was_filling, was_compiling
