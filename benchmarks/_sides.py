r"""
# Two Sides in Turns

What the benchmarks share: processes that take turns, and the table at the end.

A machine has noise, and it comes in waves. Two programs that are measured one after the other meet
different waves, and their ratio says as much about the neighbours as about the programs. Here each
side is a process of its own that is built once, lives as long as the measurement, and waits at a
*gate*. It is told "do twenty steps" and goes on where it was, while all others wait. After a round,
in which every side had a turn, the next one begins with another side. What is printed is

$$\operatorname{median}_r \, t_{sr} \qquad \text{and} \qquad
\operatorname{median}_r \frac{t_{1r}}{t_{sr}}$$

| symbol | meaning |
|---|---|
| $t_{sr}$ | time of a step of side $s$ in round $r$ |
| $t_{1r}$ | that of the peer, the first side, in the same round |

The clock starts when a side passes its gate and stops when it comes to the gate again, so all that
a loop does between two steps is in it. The first rounds warm up and are left out.
"""

import multiprocessing
import os
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

# Rounds that are run and not counted
N_WARM_UP = 1
# Threads of a side that has just stopped spin for some milliseconds before they sleep.
PAUSE = 0.05


class Gate:
    """
    ## Where a side waits

    It is in the process of the side, and called at the beginning of each step.
    """

    def __init__(self, connection: Any, told: Callable[[], dict] = dict):
        """
        * `connection` leads to the process that measures
        * `told` gives what else is to be known after a turn; it is called when the clock stands
        """
        self.connection, self.told = connection, told
        self.left, self.begun = 0, None

    def __call__(self) -> None:
        """Pass, or tell how long the turn took and wait for the next one."""
        if not self.left:
            now = time.perf_counter()
            report = {"peak": peak_bytes()}
            if self.begun is not None:
                report |= {"seconds": now - self.begun, **self.told()}
            self.connection.send(report)
            try:
                self.left = self.connection.recv()
            except EOFError:
                self.left = 0
            # Nothing of a side is to be kept: no last checkpoint, no farewell.
            if not self.left:
                os._exit(0)
            self.begun = time.perf_counter()
        self.left -= 1


class Side:
    """
    ## A process that takes turns
    """

    def __init__(self, name: str, work: Callable, *arguments: Any):
        """
        * `name` is what the table calls it
        * `work` is called with a connection and `arguments`, in a new interpreter, and builds a
          `Gate`
        """
        self.name = name
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        # A daemon ends with this process, whatever happens to it.
        self.process = context.Process(
            target=contained, args=(work, theirs, *arguments), daemon=True
        )
        self.process.start()
        theirs.close()
        self.report = self._receive()

    def turn(self, n_steps: int) -> dict:
        """Let it do some steps; returns what it told."""
        time.sleep(PAUSE)
        self.connection.send(n_steps)
        self.report = self._receive()
        return self.report

    def _receive(self) -> dict:
        """What it tells, or the end of everything if it is gone"""
        try:
            return self.connection.recv()
        except EOFError:
            self.process.join()
            leave(f"{self.name} ended with code {self.process.exitcode}; it says why above")

    def close(self) -> None:
        """The end of a side"""
        if self.process.is_alive():
            self.connection.send(0)
        self.process.join()


def contained(work: Callable, connection: Any, *arguments: Any) -> None:
    """What a side prints goes nowhere, unless it is about an error."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    work(connection, *arguments)


def take_turns(
    sides: list[Side], n_rounds: int, n_steps: int, reports: dict[str, list[dict]] | None = None
) -> dict[str, list[float]]:
    """
    Seconds of a step, by the name of the side, one number a round

    * `reports` gets all that was told, where it is given
    """
    times: dict[str, list[float]] = {side.name: [] for side in sides}
    for number in range(N_WARM_UP + n_rounds):
        first = number % len(sides)
        for side in sides[first:] + sides[:first]:
            seconds = side.turn(n_steps)["seconds"] / n_steps
            if number >= N_WARM_UP:
                times[side.name].append(seconds)
                if reports is not None:
                    reports[side.name].append(side.report)
    return times


def peak_bytes() -> int:
    """The largest part of memory that this process has had so far"""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def header(*packages: str) -> str:
    """The machine and what was installed when a table was made"""
    threads = os.environ.get("OMP_NUM_THREADS", "as torch chooses")
    versions = [f"{name} {installed(name)}" for name in ("torch", *packages)]
    return "\n".join(
        [
            f"{processor()}, {len(os.sched_getaffinity(0))} of {os.cpu_count()} cores",
            f"Python {platform.python_version()}, {', '.join(versions)}, threads: {threads}, "
            f"{time.strftime('%Y-%m-%d')}",
            f"load before: {os.getloadavg()[0]:.2f}\n",
        ]
    )


def installed(name: str) -> str:
    """The version of a package, without importing it: this process has to stay small"""
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"


def processor() -> str:
    """What the system calls its processor"""
    try:
        with open("/proc/cpuinfo") as file:
            found = dict(line.split(":", 1) for line in file if ":" in line)
        named = {key.strip(): value.strip() for key, value in found.items()}
        return named["model name"]
    except (OSError, KeyError):
        return platform.processor() or platform.machine()


def table(sides: list[Side], times: dict[str, list[float]], n_tokens: int) -> str:
    """
    The medians; the first side is what the others are compared with.

    * `n_tokens` is the number of tokens in a step
    """
    head = f"{'':30}{'ms a step':>10}{'min':>8}{'max':>8}{'tokens/s':>10}{'peak MB':>9}{'ratio':>8}"
    lines = [head]
    for side in sides:
        own = times[side.name]
        middle = statistics.median(own)
        pairs = zip(times[sides[0].name], own, strict=True)
        ratio = statistics.median(theirs / ours for theirs, ours in pairs)
        lines.append(
            f"{side.name:30}{middle * 1e3:10.1f}{min(own) * 1e3:8.1f}{max(own) * 1e3:8.1f}"
            f"{n_tokens / middle:10,.0f}{side.report['peak'] / 1e6:9.0f}{ratio:7.2f}x"
        )
    return "\n".join(lines)


def need(module: str, remedy: str) -> None:
    """Leave if a peer is not there."""
    if find_spec(module) is None:
        leave(f"{module} is not installed here; for this measurement: pip install {remedy}")


def options(words: list[str], **defaults: int) -> dict[str, int]:
    """The numbers of `name=value`; those that are not named keep their default."""
    for word in words:
        name, _, value = word.partition("=")
        if name not in defaults or not value.isdigit():
            known = " ".join(f"{name}={number}" for name, number in defaults.items())
            leave(f"{word!r} is not understood; the options are {known}")
        defaults[name] = int(value)
    return defaults


def check_out(path: str) -> None:
    """
    Leave if the file of arrays cannot be written in the end. It is tried, before the work: neither
    a folder nor its rights say for certain.
    """
    # What numpy will call it
    file = Path(path if path.endswith(".npz") else f"{path}.npz")
    is_new = not file.exists()
    try:
        with open(file, "ab"):
            pass
        if is_new:
            file.unlink()
    except OSError as error:
        leave(f"out={path} cannot be written: {error.strerror}; name a file in a folder of yours")


def leave(what: str) -> Any:
    """One line, and the exit code of a mistake"""
    print(what, file=sys.stderr)
    sys.exit(2)
