"""
Runs that are killed or stopped, at chosen places and at random moments, and what is left of them to
be held beside the same run that was not. The tests and the benchmark of reliability share this.
"""

import contextlib
import json
import random
import select
import shlex
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from labnn.runs import checkpoint, shelf
from labnn.runs.manifest import read_manifest
from tests.runs.processes import TINY, Finished, folder, only_run, records, start, words

# Places inside the save, in their order; what is left of `part` is never a checkpoint
SAVING = (
    "before the folder",
    "in the data",
    "after the data",
    "after the manifest",
    "before the name",
    "after the name",
    "in the pruning",
    "after the pruning",
)
# A run of 9 updates in 6 rounds, with dropout
SHORT = TINY | {
    "epochs": 3,
    "inner_iterations": 2,
    "transformer.dropout_prob": 0.2,
    "checkpoint.interval": 2,
}
# A run of 60 updates, and of 141 steps with those of validation and sampling
LONG = TINY | {
    "epochs": 20,
    "inner_iterations": 2,
    "transformer.dropout_prob": 0.2,
    "checkpoint.interval": 3,
    "pause": 0.004,
}

# An experiment to which something happens where it is told: AT="place:number of the time:what", and
# more of that after a semicolon. What happens are signals; or "limit 2000", after which no file can
# be larger, while "limit -1" ends that; or "fill 2000", after which the disk has so many bytes
# free, while "free" ends that.
SCRIPT = '''
import os
import resource
import time

from experiments import mlm
from labnn.runs import checkpoint, shelf
from labnn.runs.command import command

told = [part.split(":") for part in os.environ.get("AT", "").split(";") if part]
places = {place: (int(number), signals) for place, number, signals in told}
seen = dict.fromkeys(places, 0)


def at(here):
    if here in places:
        number, signals = places[here]
        seen[here] += 1
        if seen[here] == number:
            for what in signals.split(","):
                happen(*what.split())


def happen(what, number="0"):
    if what == "limit":
        most = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(number), most))
    elif what == "fill":
        found = os.statvfs(".")
        os.posix_fallocate(filler(), 0, found.f_bavail * found.f_bsize - int(number))
    elif what == "free":
        os.ftruncate(filler(), 0)
    else:
        os.kill(os.getpid(), int(what))


def filler():
    return os.open("filler", os.O_RDWR | os.O_CREAT)


def before(module, name, here):
    """Something happens before a function"""
    function = getattr(module, name)

    def wrapped(*arguments):
        here(*arguments)
        return function(*arguments)

    setattr(module, name, wrapped)
    return function


def in_data(path, data):
    if path.name == "optimizer.safetensors" and "in the data" in places:
        write_file(path, data[: len(data) // 2])
        at("in the data")


def around_sync(path):
    if not path.name.startswith(".part-"):
        # The name is given, or a new folder for all checkpoints was made.
        return at("after the name") if any(path.iterdir()) else None
    at("after the manifest")
    sync_folder(path)
    at("before the name")


def in_pruning(path):
    if path.name.startswith(".old-") and "in the pruning" in places:
        next(path.iterdir()).unlink()
        at("in the pruning")


def pruned(*arguments, **named):
    prune(*arguments, **named)
    at("after the pruning")


write_file = before(checkpoint, "write_file", in_data)
sync_folder = before(checkpoint, "sync_folder", around_sync)
before(checkpoint, "check_space", lambda *_: at("before the folder"))
before(checkpoint, "manifest", lambda *_: at("after the data"))
before(shelf, "remove", in_pruning)
prune = shelf.prune
from labnn.runs import keeper

keeper.prune = pruned


class Configs(mlm.Configs):
    # Seconds that a batch takes
    pause: float = 0.0

    def prepare(self):
        at("data")
        if self.pause:
            os.write(1, b"begin data\\n")
            time.sleep(self.pause)
        super().prepare()

    def step(self, batch, batch_idx):
        here = self.position
        at(f"{here.phase} {here.epoch} {here.batch}")
        if self.pause:
            os.write(1, b"begin %s\\n" % here.phase.encode())
            time.sleep(self.pause)
        super().step(batch, batch_idx)

    def sample(self):
        at(f"sample {self.position.epoch} {self.position.round}")
        if self.pause:
            os.write(1, b"begin sample\\n")
            time.sleep(self.pause)
        super().sample()


if __name__ == "__main__":
    command("killed", Configs, mlm.OVERRIDES)
'''


def same(a, b):
    """Bit by bit"""
    if isinstance(a, torch.Tensor):
        return a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if hasattr(a, "tolist"):
        return a.tolist() == b.tolist()
    return a == b or a != a and b != b


def differences(a, b, place=""):
    """The places where two stories differ, for a message"""
    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        return [found for key in a for found in differences(a[key], b[key], f"{place}.{key}")]
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)) and len(a) == len(b):
        pairs = enumerate(zip(a, b, strict=True))
        return [found for n, (x, y) in pairs for found in differences(x, y, f"{place}[{n}]")]
    return [] if same(a, b) else [f"{place}: {str(a):.60} / {str(b):.60}"]


def timeless(line):
    """What was tracked, without what hangs on the time"""
    return {name: value for name, value in line.items() if name != "tokens_per_s"}


def story(run):
    """All that a run has left which should not hang on time, nor on how often it was stopped"""
    run = Path(run)
    parent = run / "checkpoints"
    last = shelf.names(parent)[-1]
    state = checkpoint.load(parent / last)
    own = state["session"]
    own["metrics"]["last"] = timeless(own["metrics"]["last"])
    for key in ("seconds", "started", "sizes"):
        own.pop(key)
    best = read_manifest(parent / last)["best"]
    samples = run / "samples.jsonl"
    return {
        "metrics": [timeless(line) for line in records(run / "metrics.jsonl")],
        "samples": records(samples) if samples.exists() else [],
        "state": state,
        "best": best and checkpoint.load(parent / best, ("model",)),
    }


def alike(a, b):
    """Two runs have the same story; `a` and `b` are their folders. Raises `AssertionError`."""
    found = differences(story(a), story(b))
    assert not found, found[:5]


def check_left(run):
    """
    What a kill may leave: every folder with the name of a checkpoint is whole, and all updates
    until the newest one are in `metrics.jsonl`. Returns the update of the newest one, or `None`.
    """
    parent = Path(run) / "checkpoints"
    names = shelf.names(parent)
    newest = None
    for name in names:
        newest = checkpoint.load(parent / name)["position"]["updates"]
    if newest is not None:
        text = (Path(run) / "metrics.jsonl").read_bytes().decode()
        whole = [json.loads(line) for line in text.split("\n")[:-1]]
        updates = [line["update"] for line in whole if "lr" in line]
        assert updates[:newest] == [*range(1, newest + 1)]
    return newest


def script(cwd):
    """The experiment of this page in a folder"""
    path = Path(cwd) / "killed.py"
    if not path.exists():
        path.write_text(SCRIPT, encoding="utf-8")
    return path


def begin(cwd, options, at=None, **others):
    """A new run, which goes on; `at` is where it gets which signals"""
    return start(script(cwd), *words(options), cwd=cwd, AT=at, **others)


def go_on(cwd, *arguments, at=None, **others):
    """The newest run goes on"""
    return start(script(cwd), "--resume", "auto", *arguments, cwd=cwd, AT=at, **others)


def has_run(cwd):
    """Whether there is a run to go on with: one that was killed at once is none"""
    return any((Path(cwd) / "logs").glob("*/*/run.yaml"))


def the_run(cwd, experiment="killed"):
    """The folder of the one run that has begun"""
    found = [path.parent for path in (Path(cwd) / "logs" / experiment).glob("*/run.yaml")]
    assert len(found) == 1, found
    return found[0]


def whole(cwd, options):
    """The folder of a run that nobody stops"""
    finished = begin(folder(cwd), options).wait()
    assert finished.code == 0, finished
    return only_run(cwd, "killed")


def ended_before(process, chance, least, most):
    """
    Whether a process ends by itself before a random moment: somewhere in the step of this run that
    is drawn, or before its first one. Time would be another thing on a busy machine.
    """
    n_steps = chance.randrange(least, most)
    if n_steps > 1:
        process.until(lambda out: out.count("\nbegin ") + out.startswith("begin ") >= n_steps)
    longest = 0.02 if n_steps > 1 else 0.4
    return bool(select.select([process.status], [], [], chance.uniform(0, longest))[0])


@dataclass
class Kill:
    """The end of a process that got a signal"""

    code: int
    # From the signal to the end
    seconds: float
    # Updates before the newest checkpoint, if there is one
    update: int | None


def kill_often(top, options, n_kills, *, seed=0, lives=(0, 32), number=signal.SIGKILL, notes=None):
    """
    Kill runs at random moments, and let each go on until it is killed again or ends, until so many
    were killed; the last one goes on to its end. After each kill everything that is left is
    checked. Returns the folders of all runs.

    * `lives` are how many steps a life has at least and at most; the second one is in the midst
      of what was begun
    * `number` is the signal; whoever catches it ends with 128 more than that
    * `notes` gets each kill
    """
    chance = random.Random(seed)
    runs, n, killed = [], 0, {-number} if number == signal.SIGKILL else {128 + number, -number}
    while n < n_kills or has_run(folder(Path(top) / str(len(runs)))):
        cwd = folder(Path(top) / str(len(runs)))
        process = go_on(cwd) if has_run(cwd) else begin(cwd, options)
        sent = None
        if n < n_kills and not ended_before(process, chance, *lives):
            # It may end at this very moment.
            with contextlib.suppress(ProcessLookupError):
                sent = time.monotonic()
                process.send(number)
        finished = process.wait()
        ended = time.monotonic()
        assert finished.err == "", finished
        if finished.code == 0:
            runs.append(the_run(cwd))
            continue
        assert finished.code in killed, finished
        n += 1
        left = check_left(the_run(cwd)) if has_run(cwd) else None
        if notes is not None:
            notes.append(Kill(finished.code, ended - sent, left))
    return runs


def resume_command(out):
    """The command in the last line of a run that was stopped"""
    last = out.splitlines()[-1]
    kind, is_there, command = last.partition("; resume with: ")
    assert is_there and kind.startswith(("saved checkpoint ", "the last checkpoint is ")), last
    return command


def pasted(command, cwd, **env) -> Finished:
    """A command that was printed, as a shell would split it, by the server of processes"""
    interpreter, *arguments = shlex.split(command)
    assert interpreter == sys.executable
    if arguments[0] == "-m":
        arguments = arguments[1:]
    return start(*arguments, cwd=cwd, **env).wait()


@contextlib.contextmanager
def small_disk(place, size="4m"):
    """A file system of its own. Raises `OSError` where this process may mount none."""
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        raise OSError("no file system can be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def damage(path, how, chance):
    """
    Change a file as a disk might, and return what was done. `how` is a number.

    * `chance` is a `random.Random`
    """
    data = bytearray(path.read_bytes())
    kind = ("a bit", "a block of zeros", "the end", "all", "a byte more", "a file less")[how % 6]
    if kind == "a file less":
        path.unlink()
        return kind
    if kind == "a bit":
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    elif kind == "a block of zeros":
        place = chance.randrange(len(data))
        if not any(data[place : place + 512]):
            data[place] ^= 255
        else:
            data[place : place + 512] = bytes(len(data[place : place + 512]))
    elif kind == "the end":
        del data[chance.randrange(len(data)) :]
    elif kind == "all":
        data.clear()
    else:
        data.append(chance.randrange(256))
    path.write_bytes(bytes(data))
    return kind
