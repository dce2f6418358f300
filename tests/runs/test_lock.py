import errno
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys

import pytest

from labnn.runs import lock as page
from labnn.runs.lock import Lock, Locked, owner
from tests.runs.processes import environment
from tests.runs.test_reading import STRANGE, put

# Holds the lock of a folder until its standard input ends. With `fork` or `program` a child of it
# goes on.
HOLD = """
import os, subprocess, sys
from pathlib import Path
from labnn.runs.lock import Lock
lock = Lock(Path(sys.argv[1]))
child = os.fork() if sys.argv[2:] == ["fork"] else None
if sys.argv[2:] == ["program"]:
    code = "import sys; print('child', 0, flush=True); sys.stdin.read()"
    subprocess.run([sys.executable, "-c", code], close_fds=False)
if child == 0:
    print("child", os.getpid(), flush=True)
    sys.stdin.read()
    os._exit(0)
if not child:
    print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "20261121-093000-1a2b"
    path.mkdir()
    return path


@pytest.fixture
def holder(folder):
    """Starts another process that has the lock; it ends with the test at the latest"""
    started = []

    def start(*arguments):
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(folder), *arguments],
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process, process.stdout.readline().split()

    yield start
    for process in started:
        process.stdin.close()
        process.wait()
        process.stdout.close()


def test_it_names_its_owner(folder):
    assert owner(folder) is None
    lock = Lock(folder)
    assert owner(folder) == {"host": socket.gethostname(), "pid": os.getpid()}
    assert json.loads((folder / "run.lock").read_text())["pid"] == os.getpid()
    lock.release()
    assert owner(folder) is None
    # A second end does nothing to a file that has the same number by now.
    other = os.open(folder / "other", os.O_CREAT | os.O_RDWR)
    lock.release()
    os.close(other)


def test_another_process_is_refused_by_host_and_number(folder, holder):
    process, _ = holder()
    with pytest.raises(Locked) as e:
        Lock(folder)
    assert str(e.value) == (
        f"run {folder.name} is in use by process {process.pid} on {socket.gethostname()}; "
        "wait for its end, or end that process"
    )
    assert owner(folder) == {"host": socket.gethostname(), "pid": process.pid}
    assert len(str(e.value).splitlines()) == 1


def test_a_refusal_leaves_no_file_open(folder, holder):
    holder()
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(Locked):
        Lock(folder)
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_lock_of_a_dead_process_can_be_taken(folder, holder, number):
    process, _ = holder()
    process.send_signal(number)
    process.wait()
    # What it wrote is still there, and means nothing.
    assert json.loads((folder / "run.lock").read_text())["pid"] == process.pid
    assert owner(folder) is None
    lock = Lock(folder)
    assert owner(folder)["pid"] == os.getpid()
    lock.release()


@pytest.mark.parametrize("kind", ["fork", "program"])
def test_a_child_does_not_keep_the_lock_of_its_dead_parent(folder, holder, kind):
    process, (word, child) = holder(kind)
    assert word == "child" and owner(folder)["pid"] == process.pid
    process.kill()
    process.wait()
    # Signal 0 is sent to nobody, and fails if there is no such process.
    os.kill(int(child), 0)
    assert owner(folder) is None
    Lock(folder).release()


def test_a_fork_that_ends_does_not_take_the_lock_away(folder):
    lock = Lock(folder)
    pid = os.fork()
    if not pid:
        lock.release()
        os._exit(0)
    os.waitpid(pid, 0)
    assert owner(folder)["pid"] == os.getpid()
    lock.release()


def test_a_file_that_is_open_elsewhere_does_not_keep_a_lock_that_was_given_back(folder):
    # A program that was started has it for a moment.
    lock = Lock(folder)
    other = os.dup(lock.file)
    lock.release()
    assert owner(folder) is None
    os.close(other)


def test_a_lock_that_nobody_remembers_is_held_all_the_same(folder):
    Lock(folder)
    assert owner(folder)["pid"] == os.getpid()
    (lock,) = page.held
    lock.release()


def test_who_only_looks_is_in_nobodys_way(folder, monkeypatch):
    # A look that is going on while the lock is asked for, and ends after a few tries
    look = os.open(folder / "run.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(look, fcntl.LOCK_SH)
    pauses = []

    def pause(seconds):
        pauses.append(seconds)
        if len(pauses) == 3:
            os.close(look)

    monkeypatch.setattr(page.time, "sleep", pause)
    lock = Lock(folder)
    assert len(pauses) == 3
    lock.release()
    # Nor do two looks see each other.
    look = os.open(folder / "run.lock", os.O_RDONLY)
    fcntl.flock(look, fcntl.LOCK_SH)
    assert owner(folder) is None
    os.close(look)


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"pid": 1, "host": "elsewhere"}', "\xff"])
def test_what_nobody_holds_means_nothing(folder, content):
    (folder / "run.lock").write_bytes(content.encode("latin-1"))
    assert owner(folder) is None
    lock = Lock(folder)
    assert owner(folder)["pid"] == os.getpid()
    lock.release()


@pytest.mark.parametrize("target", ["mine", "nowhere"])
def test_a_link_is_not_followed(folder, target):
    (folder / "mine").write_text("mine")
    (folder / "run.lock").symlink_to(target)
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError, match="it is a link; put a file there") as e:
        Lock(folder)
    assert e.value.filename == str(folder / "run.lock")
    assert owner(folder) is None
    assert (folder / "mine").read_text() == "mine" and not (folder / "nowhere").exists()
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("kind", STRANGE)
def test_what_is_no_file_is_no_lock(folder, kind):
    put(folder / "run.lock", kind)
    with pytest.raises(OSError) as e:
        Lock(folder)
    assert e.value.filename == str(folder / "run.lock") and e.value.strerror
    assert owner(folder) is None and not page.held


def test_an_odd_owner_has_no_name(folder):
    lock = Lock(folder)
    for text in ('{"pid": [1], "host": {}}', '{"pid": "\\u001b[31m"}', "[" * 4000, "[1]"):
        (folder / "run.lock").write_text(text)
        assert owner(folder) == {"host": "?", "pid": "?"}
    lock.release()


def test_an_owner_that_cannot_be_read_is_an_owner(folder):
    lock = Lock(folder)
    (folder / "run.lock").write_text("{")
    assert owner(folder) == {"host": "?", "pid": "?"}
    with pytest.raises(Locked, match="by process [?] on another host"):
        Lock(folder)
    lock.release()


def test_a_folder_that_is_not_there_has_no_owner(tmp_path):
    assert owner(tmp_path / "nowhere") is None
    with pytest.raises(FileNotFoundError):
        Lock(tmp_path / "nowhere")


def test_a_file_system_without_locks_is_named(folder, monkeypatch):
    def refuse(file, how):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(page.fcntl, "flock", refuse)
    with pytest.raises(OSError, match="No locks available") as e:
        Lock(folder)
    assert e.value.filename == str(folder / "run.lock")
    assert owner(folder) is None
