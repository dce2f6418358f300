r"""
# What a Run Survives

    python benchmarks/reliability.py

A small masked language model is trained again and again while things go wrong: it is killed at
random moments and at every place inside a save, its newest checkpoint is damaged, it is asked to
stop, its disk is full, it is started eight times at once. A run that was stopped goes on, and is
compared, bit by bit, with the same run that nobody stopped: every value that was tracked, every
sample, the weights, the state of the optimizer and of all random numbers.

Each line says what was done, how often it went well and out of how many. The program ends with 1 if
it did not go well each time. With `quick` the numbers are small and prove little.
"""

import contextlib
import io
import os
import platform
import random
import shutil
import signal
import statistics
import string
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent.parent))

from experiments import mlm
from labnn.runs import checkpoint, shelf
from labnn.runs.folders import status
from labnn.runs.interrupts import Terminated
from labnn.runs.keeper import Keeper
from labnn.runs.launch import launch
from labnn.runs.lock import owner
from tests.runs import killing
from tests.runs.killing import LONG, SAVING, SHORT, alike, begin, check_left, go_on, the_run, whole
from tests.runs.processes import TINY, folder, records, start, words

IS_QUICK = "quick" in sys.argv[1:]
KILLS, TIMES, MUTATIONS, STOPS, STARTS = (4, 1, 12, 3, 8) if IS_QUICK else (50, 7, 200, 20, 8)
# A run that is not over before all kills have come
EPOCHS = 16 if IS_QUICK else 120
# One mutation in so many is followed to the end of the run
FOLLOWED = 5 if IS_QUICK else 7
SECONDS, SAVES = (8, 5) if IS_QUICK else (60, 30)
# What a row of the table found: how often it went well, how often it should have, and more
Row = tuple[int, int, str]


def note(problem: BaseException) -> None:
    """What went wrong, at once"""
    text = " ".join(f"{type(problem).__name__}: {problem}".split())
    print(f"    {text[:300]}", flush=True)


def times(values: list[float]) -> str:
    """Milliseconds"""
    median, largest = 1000 * statistics.median(values), 1000 * max(values)
    return f"{median:.0f} ms in the median, {largest:.0f} ms at most"


def kills(top: Path, number: int, lives: tuple[int, int], n: int) -> tuple[list, list, int]:
    """Runs with so many signals; returns these, the runs, and how many ended as they should."""
    options = LONG | {"epochs": EPOCHS if number == signal.SIGKILL else 48}
    expected = whole(top / "whole", options)
    notes, runs, n_alike = [], [], 0
    try:
        runs = killing.kill_often(top, options, n, seed=7, lives=lives, number=number, notes=notes)
        for run in runs:
            alike(run, expected)
            n_alike += 1
    except AssertionError as e:
        note(e)
    return notes, runs, n_alike


def sigkill(top: Path) -> Row:
    """Random moments, from the start of the process on"""
    notes, runs, n_alike = kills(top, signal.SIGKILL, (0, 34), KILLS)
    done = len(notes) if n_alike == len(runs) > 0 else 0
    n_updates = ", ".join(f"{status(run)['update']} updates" for run in runs)
    places = [kill.update for kill in notes]
    more = f"in {len(runs)} run(s) of {n_updates}, {n_alike} identical at the end; to go on from: "
    none = f"{places.count(None)} times none"
    return done, KILLS, f"{more}{len({*places} - {None})} different checkpoints, {none}"


def inside(top: Path) -> Row:
    """Every named place inside the save"""
    options, done = SHORT | {"epochs": 8}, 0
    expected = whole(top / "whole", options)
    for place in SAVING:
        for time_ in range(1, TIMES + 1):
            cwd = folder(top / f"{place} {time_}")
            try:
                code = begin(cwd, options, at=f"{place}:{time_}:9").wait().code
                assert code == -9, f"{place} is reached less than {time_} times"
                check_left(the_run(cwd))
                finished = go_on(cwd).wait()
                assert finished.code == 0 and finished.err == "", finished
                alike(the_run(cwd), expected)
                done += 1
            except AssertionError as e:
                note(e)
    return done, len(SAVING) * TIMES, f"{TIMES} times {', '.join(SAVING)}"


def mutations(top: Path) -> Row:
    """Damage to the newest checkpoint: it is found, told in one line, and the one before is used"""
    cwd, done, n_followed, found = folder(top / "run"), 0, 0, {}
    expected = whole(top / "whole", SHORT)
    assert begin(cwd, SHORT, at="train 2 1:1:9").wait().code == -9
    parent = the_run(cwd) / "checkpoints"
    before, last = shelf.names(parent)[-2:]
    shutil.copytree(cwd, top / "kept")
    chance = random.Random(3)
    for number in range(MUTATIONS):
        shutil.rmtree(cwd)
        shutil.copytree(top / "kept", cwd)
        path = chance.choice(sorted((parent / last).iterdir()))
        kind, lines = killing.damage(path, number, chance), []
        try:
            name, state = checkpoint.newest(parent, lines.append)
            assert name == before and state, f"{kind} of {path.name} is not detected"
            (line,) = lines
            assert line.startswith(str(path)) and "\n" not in line, line
            if number % FOLLOWED == 0:
                finished = go_on(cwd).wait()
                assert finished.code == 0 and f"warning: {line}" in finished.out, finished
                alike(the_run(cwd), expected)
                n_followed += 1
            found[kind] = found.get(kind, 0) + 1
            done += 1
        except (AssertionError, ValueError) as e:
            note(e)
    kinds = ", ".join(f"{kind} {n}" for kind, n in found.items())
    return done, MUTATIONS, f"{kinds}; {n_followed} went on to the end, identical"


def sigterm(top: Path) -> Row:
    """Asked to stop at random moments, from the beginning of the data on"""
    notes, runs, n_alike = kills(top, signal.SIGTERM, (2, 32), STOPS)
    done = sum(kill.code == 143 for kill in notes) if n_alike == len(runs) > 0 else 0
    taken = times([kill.seconds for kill in notes]) if notes else "none"
    return done, STOPS, f"{taken} from the signal to the end, {n_alike} run(s) identical"


def full(top: Path) -> Row:
    """The disk is full when a run saves, and then there is room"""
    done, tried, said = 0, [], ""
    expected = whole(top / "whole", SHORT)
    # Without the right to mount, files that cannot grow stand in for a disk without room.
    for way, at in (("tmpfs", "train 1 1:1:fill 8192"), ("limit", "train 0 1:1:limit 7000")):
        cwd = top / way
        with contextlib.ExitStack() as stack:
            try:
                if way == "tmpfs":
                    stack.enter_context(killing.small_disk(cwd))
            except OSError as e:
                note(e)
                continue
            tried.append(way)
            try:
                stopped = begin(folder(cwd), SHORT, at=at).wait()
                assert stopped.code == 1 and stopped.err.count("\n") == 1, stopped
                (cwd / "filler").unlink(missing_ok=True)
                run = the_run(cwd)
                assert check_left(run) is not None
                finished = go_on(cwd).wait()
                assert finished.code == 0 and finished.err == "", finished
                alike(run, expected)
                said = said or stopped.err.strip().replace(str(run), "RUN")
                done += 1
            except (AssertionError, OSError) as e:
                note(e)
    return done, len(tried), f"{' and '.join(tried)}: {said}"


def parallel(top: Path) -> Row:
    """Started at once in one folder"""
    cwd, done = folder(top), 0
    options = words(TINY | {"epochs": 4, "prompt": []})
    processes = [start("experiments.mlm", *options, f"seed={n}", cwd=cwd) for n in range(STARTS)]
    codes = [process.wait().code for process in processes]
    for run in (cwd / "logs" / "mlm").iterdir():
        try:
            updates = [line["update"] for line in records(run / "metrics.jsonl") if "lr" in line]
            assert updates == [*range(1, 13)], updates
            assert status(run)["state"] == "finished" and owner(run) is None
            done += check_left(run) == 12
        except AssertionError as e:
            note(e)
    return done if codes == [0] * STARTS else 0, STARTS, "a folder for each, with every update once"


class Timed(mlm.Configs):
    """The experiment, and a way to it while it goes on"""

    _seen = []

    def prepare(self):
        """Before the first update"""
        self._seen[:] = [self]
        super().prepare()


def cost(top: Path, n_layers: int) -> str:
    """How long a save takes"""
    # As many characters as Shakespeare's works have
    folder(top, string.printable[:65] * 70)
    options = {"text": "file", "text.path": str(top / "text.txt"), "epochs": 2, "prompt": []}
    conf = launched(top, options | {"transformer.n_layers": n_layers})
    taken, keeper = [], conf._listener.keeper
    for _ in range(SAVES):
        keeper.save()
        taken.append(keeper.cost)
    n_weights = sum(p.numel() for p in conf.model.parameters())
    return f"{times(taken)}, {n_weights:,} parameters, {keeper.n_bytes:,} bytes, {SAVES} saves"


def launched(cwd: Path, options: dict) -> mlm.Configs:
    """A run in this process that says nothing"""
    before = os.getcwd()
    os.chdir(cwd)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(Terminated):
            launch("timed", Timed, mlm.OVERRIDES, options)
    finally:
        os.chdir(before)
    return Timed._seen[0]


def timed(function: Callable, spent: list[float]) -> Callable:
    """A function whose time is noted, but inside of another one that is"""

    def wrapped(*arguments, **named):
        """As it was"""
        begun, inner = time.monotonic(), sum(spent)
        try:
            return function(*arguments, **named)
        finally:
            spent.append(time.monotonic() - begun - sum(spent) + inner)

    return wrapped


def share(top: Path) -> str:
    """What saving takes of a run whose distance between checkpoints is the default"""
    spent, kept = [], (Keeper.save, Keeper.keep_best)
    Keeper.save, Keeper.keep_best = (timed(function, spent) for function in kept)
    timer = threading.Timer(SECONDS, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    try:
        options = {"epochs": 100, "inner_iterations": 10, "transformer.n_layers": 1, "prompt": []}
        conf = launched(folder(top), options)
    finally:
        timer.cancel()
        Keeper.save, Keeper.keep_best = kept
    found = status(conf._listener.folder)
    part, seconds = 100 * sum(spent) / found["seconds"], found["seconds"]
    return (
        f"{sum(spent):.2f} s of {seconds:.0f} s, {part:.2f} %: {found['update']:,} updates, one "
        f"layer, {conf._listener.keeper.n_bytes:,} bytes, a validation ten times an epoch"
    )


def tell(title: str, counts: str, more: str) -> None:
    """A row of the table, and what there is to it"""
    print(f"{title:33} {counts}".rstrip())
    print(textwrap.fill(more, 96, initial_indent="    ", subsequent_indent="    "), flush=True)


def machine() -> str:
    """Where this was measured"""
    name = platform.processor() or platform.machine()
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line for line in lines if line.startswith("model name")).partition(": ")[2]
    cores, date = len(os.sched_getaffinity(0)), time.strftime("%Y-%m-%d")
    versions = f"torch {torch.__version__}, Python {platform.python_version()}"
    return f"{name}, {cores} cores, {versions}, {date}{', quick' * IS_QUICK}\n"


def main() -> None:
    """Print the table."""
    print(machine(), flush=True)
    rows = {
        "SIGKILL at a random moment": sigkill,
        "SIGKILL inside a save": inside,
        "Damage to the newest checkpoint": mutations,
        "SIGTERM at a random moment": sigterm,
        "A full disk": full,
        "Eight starts at once": parallel,
    }
    is_full = True
    with tempfile.TemporaryDirectory() as place:
        for title, row in rows.items():
            begun, top = time.monotonic(), Path(place) / row.__name__
            top.mkdir()
            try:
                done, wanted, more = row(top)
            except Exception as e:
                note(e)
                done, wanted, more = 0, 1, "it could not be tried"
            is_full &= done == wanted
            tell(title, f"{done} / {wanted}, {time.monotonic() - begun:.0f} s", more)
        for title, n_layers in (("A save, default experiment", 6), ("A save, twice as large", 13)):
            tell(title, "", cost(Path(place) / title, n_layers))
        tell("Saving by default", "", share(Path(place) / "share"))
    sys.exit(not is_full)


if __name__ == "__main__":
    main()
