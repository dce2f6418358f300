r"""
# Commits

At which commit a file is, and whether it is as it was there. Git is asked for names and hashes
alone, which are compared with the bytes of the files: its commands that look at files by themselves
would run what the configuration of a repository says, and reading code must run none of it.
"""

import hashlib
import subprocess
from pathlib import Path


class Commits:
    """
    ## The last commit of a repository

    `name` is its short hash, empty where there is no repository.
    """

    def __init__(self, folder: Path):
        """* `folder` is in the repository, or in none"""
        self.name = git(folder, "rev-parse", "--short=12", "HEAD").strip()
        top = git(folder, "rev-parse", "--show-toplevel").rstrip("\n")
        self.top = Path(top) if self.name and top else None
        # The hash of each file there was, by its path
        self.files: dict[str, str] = {}
        listed = git(self.top, "ls-tree", "-r", "-z", "HEAD") if self.top else ""
        for line in listed.split("\0"):
            about, _, path = line.partition("\t")
            if path:
                self.files[path] = about.split(" ")[2]

    def has(self, file: Path) -> bool:
        """Is the file what it was at the commit?"""
        path = file.resolve()
        if self.top is None or not path.is_relative_to(self.top.resolve()):
            return False
        known = self.files.get(path.relative_to(self.top.resolve()).as_posix())
        data = path.read_bytes()
        # A checkout on Windows has other ends of lines.
        return known in (blob(data), blob(data.replace(b"\r\n", b"\n")))


def blob(data: bytes) -> str:
    """What git calls a content"""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def git(folder: Path, *words: str) -> str:
    """What git says, or nothing"""
    try:
        done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.decode(errors="replace")
