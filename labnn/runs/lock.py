r"""
# Lock

Two processes that write one run would ruin it. Whoever runs it holds a lock on `run.lock` in its
folder, and the file names the host and the process. The system takes the lock away when the
process ends, however it ends: a lock without an owner cannot stay behind, and a number that another
process has by now means nothing.

The file is emptied whenever the lock is taken, so a link in its place is not followed.
"""

import fcntl
import json
import os
import socket
import time
from pathlib import Path

from labnn.runs.reading import is_count, opened

# Whoever only looks holds the lock for a moment, so one refusal says nothing.
TRIES, PAUSE = 10, 0.03
# More than any owner has to say
N_BYTES = 4096


class Locked(ValueError):
    """
    ## Locked

    Another process runs it.
    """


class Lock:
    """
    ## Lock

    It is held from `Lock(folder)` to `release`, or to the end of the process.
    """

    def __init__(self, folder: Path):
        """
        Raises `Locked` if somebody else holds it, and `OSError` if the file cannot be written or is
        a link.

        * `folder` is that of the run
        """
        self.path = folder / "run.lock"
        self.file = opened(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW)
        try:
            self._take(folder)
            os.truncate(self.file, 0)
            data = {"host": socket.gethostname(), "pid": os.getpid(), "since": time.time()}
            os.pwrite(self.file, json.dumps(data).encode(), 0)
        except OSError as e:
            os.close(self.file)
            # There are file systems without locks, and errors of theirs name no file.
            raise OSError(e.errno, e.strerror, str(self.path)) from None
        except Locked:
            os.close(self.file)
            raise
        held.add(self)

    def _take(self, folder: Path) -> None:
        """Have it, or know that somebody else has it for longer than a look takes"""
        for left in reversed(range(TRIES)):
            try:
                fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if left:
                    time.sleep(PAUSE)
        data = read(self.file)
        host = data["host"] if data["host"] != "?" else "another host"
        raise Locked(
            f"run {folder.name} is in use by process {data['pid']} on {host}; wait for its end, or "
            "end that process"
        )

    def release(self) -> None:
        """Let others have it."""
        if self in held:
            held.discard(self)
            os.truncate(self.file, 0)
            # A program that was started just now may still have the file, so closing is not enough.
            fcntl.flock(self.file, fcntl.LOCK_UN)
            os.close(self.file)


# The locks of this process
held: set[Lock] = set()


def forget() -> None:
    """A fork shares the lock of its parent, and would keep it when the parent is dead."""
    for lock in held:
        os.close(lock.file)
    held.clear()


# Every child lets go before it does anything else.
os.register_at_fork(after_in_child=forget)


def read(file: int) -> dict:
    """The host and process that a lock names; for a moment after it was taken it names none."""
    try:
        data = json.loads(os.pread(file, N_BYTES, 0))
    except (OSError, ValueError, RecursionError):
        data = {}
    data = data if isinstance(data, dict) else {}
    host, pid = data.get("host"), data.get("pid")
    return {"host": host if isinstance(host, str) else "?", "pid": pid if is_count(pid) else "?"}


def owner(folder: Path) -> dict | None:
    """The host and process that hold the lock of a run, or `None`"""
    try:
        file = opened(folder / "run.lock", os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        # A shared lock is refused while somebody holds the lock alone.
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return None
    except BlockingIOError:
        return read(file)
    except OSError:
        # Where there are no locks, nobody holds one.
        return None
    finally:
        os.close(file)
