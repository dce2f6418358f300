r"""
# Processes

`python -m experiments.mlm` as a real process, with a terminal, with signals, with its own folder.
Most of the time of such a process is the import of torch. A server imports once, and every process
that a test asks for is a fork of it: alike in all but the seconds that it takes to start.
`fresh` starts an interpreter of its own, for tests of the start itself.
"""

import atexit
import fcntl
import gc
import json
import os
import pty
import re
import runpy
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
# A process that takes longer hangs.
PATIENCE = 60
# Text for 5 windows to learn from, in 3 batches, and one to judge by
WORDS = "to be or not to be, that is the question. whether it is nobler in the mind to bear"
TINY = {
    "text": "file",
    "text.path": "text.txt",
    "text.valid_fraction": 0.2,
    "d_model": 14,
    "transformer.n_layers": 1,
    "transformer.n_heads": 2,
    "transformer.ffn.d_ff": 11,
    "seq_len": 11,
    "batch_size": 2,
    "epochs": 1,
    "prompt": ["to be or not to be, that is", "nobler"],
}

# An experiment that tells of each update when it is done, and can be slow
TELLING = """
import os
import time

from experiments import mlm
from labnn.runs.command import command


class Configs(mlm.Configs):
    # Seconds that a batch takes
    pause: float = 0.0

    def step(self, batch, batch_idx):
        os.write(1, b"begin %s\\n" % self.position.phase.encode())
        time.sleep(self.pause)
        super().step(batch, batch_idx)

    def make_update(self, is_stored):
        super().make_update(is_stored)
        os.write(1, b"update %d\\n" % self._listener.metrics.n_updates)


if __name__ == "__main__":
    command("telling", Configs, mlm.OVERRIDES)
"""


def folder(path, text=WORDS):
    """A working directory with a text in it"""
    path = Path(path)
    path.mkdir(parents=True, exist_ok=True)
    (path / "text.txt").write_text(text, encoding="utf-8")
    return path


def install(site):
    """Copies of the packages, as an installation has them"""
    for package in ("labnn", "experiments"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, site / package, ignore=ignored)


def n_updates(out):
    """How many updates a run has told of that goes on"""
    return out.count("\nupdate ")


def records(path):
    """The objects of a .jsonl file, which has nothing in it that is not JSON"""

    def refuse(constant):
        raise ValueError(f"{constant} is not JSON")

    text = Path(path).read_text(encoding="utf-8")
    assert text.endswith("\n") or not text
    return [json.loads(line, parse_constant=refuse) for line in text.split("\n")[:-1]]


def only_run(cwd, experiment="mlm"):
    """The folder of the one run that there is"""
    (found,) = (Path(cwd) / "logs" / experiment).iterdir()
    return found


def words(options):
    """Overrides as they are typed"""
    return [f"{name}={json.dumps(v) if isinstance(v, list) else v}" for name, v in options.items()]


def environment(**changes):
    """The environment of a process; `None` takes a variable away."""
    # torch leaves some in the process of the tests.
    own = re.compile("FORCE_COLOR|NO_COLOR|COLUMNS|LINES|LABNN_|PYTHON|TORCH|TRITON")
    kept = {name: value for name, value in os.environ.items() if not own.match(name)}
    kept |= {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "TERM": "xterm-256color"}
    return {name: v for name, v in (kept | changes).items() if v is not None}


@dataclass
class Finished:
    """What is left of a process"""

    code: int
    out: str
    err: str

    def __iter__(self):
        return iter((self.code, self.out, self.err))


class Process:
    """A process that goes on"""

    def __init__(self, pid, status, out, err):
        self.pid, self.status, self.files = pid, status, (out, err)

    def text(self):
        """What it has written to its streams so far"""
        return tuple(Path(f.name).read_bytes().decode("utf-8", "replace") for f in self.files)

    def until(self, done):
        """Wait for `done(out)`, or for the end of the process."""
        end = time.monotonic() + PATIENCE
        while not done(self.text()[0]) and not select.select([self.status], [], [], 0.01)[0]:
            assert time.monotonic() < end, self.text()

    def send(self, number):
        """A signal"""
        os.kill(self.pid, number)

    def wait(self):
        """The end: its exit code, negative if a signal ended it, and its streams"""
        ready = select.select([self.status], [], [], PATIENCE)[0]
        if not ready:
            os.kill(self.pid, signal.SIGKILL)
        status = json.loads(self.status.makefile().readline())
        assert ready, f"it hangs: {self.text()}"
        self.status.close()
        found = self.text()
        for file in self.files:
            file.close()
        return Finished(os.waitstatus_to_exitcode(status), *found)


def start(module, *arguments, cwd, stdin=None, stdout=None, is_ignoring_sigint=False, **env):
    """
    A fork of the server that runs a module, or a file.

    * `stdin` and `stdout` are file descriptors; by default nothing, and a file
    * `is_ignoring_sigint` is what a shell does for a command with `&`
    * `env` is what differs in the environment
    """
    files = [tempfile.NamedTemporaryFile(), tempfile.NamedTemporaryFile()]
    mine, theirs = socket.socketpair()
    request = {
        "module": str(module),
        "arguments": [str(argument) for argument in arguments],
        "cwd": str(cwd),
        "env": environment(**env),
        "is_ignoring_sigint": is_ignoring_sigint,
    }
    nothing = os.open(os.devnull, os.O_RDWR)
    handed = [
        nothing if stdin is None else stdin,
        files[0].fileno() if stdout is None else stdout,
        files[1].fileno(),
        theirs.fileno(),
    ]
    data = json.dumps(request).encode()
    connection = server()
    socket.send_fds(connection, [struct.pack("!I", len(data))], handed)
    connection.sendall(data)
    theirs.close()
    os.close(nothing)
    (pid,) = struct.unpack("!I", connection.recv(4))
    return Process(pid, mine, *files)


def run(module, *arguments, **others):
    """The same, to its end"""
    return start(module, *arguments, **others).wait()


def mlm(cwd, options=None, *flags, **others):
    """`python -m experiments.mlm` with tiny options, to its end"""
    return run("experiments.mlm", *words(TINY | (options or {})), *flags, cwd=cwd, **others)


def telling(cwd, options=None, **others):
    """A run that tells of each update, which goes on"""
    (cwd / "telling.py").write_text(TELLING)
    return start(cwd / "telling.py", *words(TINY | (options or {})), cwd=cwd, **others)


def fresh(*arguments, cwd, **env):
    """An interpreter of its own"""
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env=environment(**env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


class Terminal:
    """A pseudo-terminal, and what a process has drawn on it"""

    def __init__(self, module, *arguments, cwd, width=80, **env):
        self.end, other = pty.openpty()
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
        self.process = start(module, *arguments, cwd=cwd, stdin=other, stdout=other, **env)
        os.close(other)
        self.drawn = b""

    def read(self, until=lambda drawn: False):
        """Read until `until(drawn)` or the end of the process."""
        stop = time.monotonic() + PATIENCE
        while not until(self.drawn):
            assert time.monotonic() < stop, self.drawn
            if not select.select([self.end], [], [], 0.05)[0]:
                continue
            try:
                data = os.read(self.end, 65536)
            except OSError:
                break
            if not data:
                break
            self.drawn += data
        return self.drawn

    def type(self, keys):
        """Press keys"""
        os.write(self.end, keys)

    def wait(self):
        """The exit code, and all that was drawn"""
        self.read()
        code, _, err = self.process.wait()
        os.close(self.end)
        return code, self.drawn.decode("utf-8", "replace"), err


@cache
def server():
    """The connection to the server, which ends with it"""
    mine, theirs = socket.socketpair()
    process = subprocess.Popen(
        [sys.executable, "-c", "from tests.runs.processes import serve; serve()"],
        cwd=ROOT,
        env=environment(SERVER_SOCKET=str(theirs.fileno())),
        pass_fds=[theirs.fileno()],
        start_new_session=True,
    )
    theirs.close()

    def end():
        mine.close()
        process.wait()

    atexit.register(end)
    return mine


def serve():
    """What the server does, and what becomes of a fork"""
    connection = socket.socket(fileno=int(os.environ["SERVER_SOCKET"]))
    # Everything that an experiment imports, at its start or later; the experiment itself is run.
    import git  # noqa: F401
    import torch._dynamo  # noqa: F401

    import labnn.data.prompts
    import labnn.models.transformer_mlm
    import labnn.runs.dry_run
    import labnn.runs.options  # noqa: F401

    gc.freeze()
    request = forked(connection)
    if request is not None:
        become(**request)


def forked(connection):
    """Answer requests until there are no more. In a fork, returns what was asked for."""
    running = {}
    while True:
        ready = select.select([connection], [], [], 0.01 if running else None)[0]
        while running:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                break
            os.write(running[pid], f"{status}\n".encode())
            os.close(running.pop(pid))
        if not ready:
            continue
        head, handed, _, _ = socket.recv_fds(connection, 4, 4)
        if not head:
            return None
        (size,), data = struct.unpack("!I", head), b""
        while len(data) < size:
            data += connection.recv(size - len(data))
        *streams, status = handed
        pid = os.fork()
        if not pid:
            for own in (connection.detach(), status, *running.values()):
                os.close(own)
            return {**json.loads(data), "streams": streams}
        for stream in streams:
            os.close(stream)
        running[pid] = status
        connection.sendall(struct.pack("!I", pid))


def become(module, arguments, cwd, env, is_ignoring_sigint, streams):
    """Turn a fork into the process that was asked for."""
    os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    if os.isatty(0):
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    if is_ignoring_sigint:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    encoding, _, errors = env.get("PYTHONIOENCODING", "utf-8").partition(":")
    for name, number in (("stdout", 1), ("stderr", 2)):
        stream = open(
            number,
            "w",
            encoding=encoding,
            errors=errors or ("strict" if number == 1 else "backslashreplace"),
            buffering=1 if number == 2 or os.isatty(1) else -1,
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    sys.argv = [module, *arguments]
    is_file = module.endswith(".py")
    sys.orig_argv = [sys.executable, *([module] if is_file else ["-m", module]), *arguments]
    if is_file:
        sys.path[0] = str(Path(module).parent)
        ended(lambda: runpy.run_path(module, run_name="__main__"))
    else:
        ended(lambda: runpy.run_module(module, run_name="__main__", alter_sys=True))


def ended(work):
    """Do `work` and end as an interpreter would, without the second that it takes to tidy up."""
    code = 0
    try:
        work()
    except SystemExit as e:
        code = e.code if isinstance(e.code, int) else int(e.code is not None)
        if not isinstance(e.code, (int, type(None))):
            print(e.code, file=sys.stderr)
    except BaseException as e:
        sys.excepthook(type(e), e, e.__traceback__)
        code = 130 if isinstance(e, KeyboardInterrupt) else 1
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
    except OSError as e:
        print(f"Exception ignored: {e!r}", file=sys.stderr)
        code = 120
    os._exit(code)
