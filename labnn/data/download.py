r"""
# Checked Download

A download that breaks off leaves a file that looks like any other. If it already bears its final
name, the next run trains on it without a word. So the final name is given last, and only to bytes
that are known to be right:

1. read the bytes, and compare their number and their
   [SHA-256](https://csrc.nist.gov/pubs/fips/180-4/upd1/final) with what is expected;
2. write them to a temporary file *in the same folder* and wait until they are on the disk;
3. rename it. A rename within a file system is atomic: whoever opens the final name, even after a
   crash or from another process, finds all of the file or none of it.

What is in the cache is checked again at each use, which takes milliseconds at this size. The one
that is downloaded is Tiny Shakespeare, of the [corpora](corpora.html).
"""

import hashlib
import http.client
import os
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from labnn.data.text_files import CorpusError


def cache_folder() -> Path:
    r"""
    ## Where downloads are kept

    In `$LABNN_CACHE`, or in `labnn` in `$XDG_CACHE_HOME`, or in `~/.cache/labnn`.
    """
    if os.environ.get("LABNN_CACHE"):
        return Path(os.path.expanduser(os.environ["LABNN_CACHE"])).absolute()
    # The standard that defines the variable asks to ignore a relative path.
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):
        base = os.path.expanduser("~/.cache")
    # A user without a home, as in some containers, would get a folder named `~`.
    if not os.path.isabs(base):
        raise CorpusError("there is no home folder for downloads; set LABNN_CACHE to a folder")
    return Path(base) / "labnn"


def is_right(data: bytes, sha256: str) -> bool:
    """
    ## Whether bytes are those that are expected

    The checksum is enough: nobody knows how to make other bytes with the same one.
    """
    return hashlib.sha256(data).hexdigest() == sha256


def fetch(url: str, n_bytes: int, sha256: str, remedy: str) -> bytes:
    """
    ## Read

    The bytes at `url`, or an error with the remedy. Step 1 of the list.
    """
    try:
        with urllib.request.urlopen(url, timeout=30) as response:
            # One byte more tells a longer file, and an endless one cannot fill the memory.
            data = response.read(n_bytes + 1)
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = str(error) or type(error).__name__
        # An answer such as 404 is an error that holds its connection.
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        raise CorpusError(f"{url}: the download failed ({reason}); {remedy}") from None
    if len(data) < n_bytes:
        raise CorpusError(
            f"{url}: the download broke off after {len(data):,} of {n_bytes:,} bytes; try again, "
            f"or {remedy}"
        )
    if not is_right(data, sha256):
        raise CorpusError(f"{url}: another file than expected (its sha256 differs); {remedy}")
    return data


def write_whole(path: Path, data: bytes):
    """
    ## Write

    The file is there whole or not at all. Steps 2 and 3 of the list.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        # Temporary files are private, and a cache may be shared.
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def download(url: str, path: Path, *, n_bytes: int, sha256: str, remedy: str) -> bytes:
    """
    ## From the cache or from the network

    The expected bytes: those at `path` if they are right, otherwise those at `url`, which are then
    kept at `path`.

    * `remedy` ends each error with what a person can do
    """
    try:
        data = path.read_bytes()
    except OSError:
        data = b""
    if is_right(data, sha256):
        return data

    data = fetch(url, n_bytes, sha256, remedy)
    try:
        write_whole(path, data)
    except OSError as error:
        raise CorpusError(
            f"{path}: the download cannot be kept ({error.strerror}); set LABNN_CACHE to a folder "
            f"that can be written, or {remedy}"
        ) from None
    return data
