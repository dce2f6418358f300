r"""
# Serve

Builds a site whenever a file changes, and [shows it](server.html) to the browsers of this machine,
which [reload](live.html) by themselves. A fault in the sources is told on the terminal, and readers
keep the last good site.
"""

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from watchfiles import watch

from docs_gen.parts import GeneratorError, Problem
from docs_gen.serving.live import Live
from docs_gen.serving.server import listen

# Hidden files, and what Python and editors put beside a file
IGNORED = re.compile(r"\..*|__pycache__|.*~|.*\.(py[cod]|sw.)|.*___jb_...___|4913|#.*#")


class Built(Protocol):
    """
    ## What a build says of itself
    """

    @property
    def faults(self) -> list[Problem]:
        """What is so wrong that nothing was written"""

    @property
    def n_pages(self) -> int:
        """How many pages there are"""

    @property
    def seconds(self) -> float:
        """How long it took"""


def serve(
    build: Callable[[], Built],
    watched: Sequence[Path],
    out: Path,
    host: str = "127.0.0.1",
    port: int = 8000,
    *,
    say: Callable[[str], None] | None = None,
    stop: threading.Event | None = None,
) -> None:
    """
    Shows a site until Ctrl-C.

    * `build` writes the site into `out`, or leaves it as it was if there are faults
    * `watched` are the files and folders that it depends on
    * `port` is where to listen, or the next free one of nine more
    * `say` tells a line to the person, and `stop` ends everything without a keyboard
    """
    say = say or (lambda line: print(line, flush=True))
    live = Live()
    server = listen(live, host, port)
    # Readers are answered while a build is under way, too.
    threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
    try:
        if port not in (0, server.server_port):
            say(f"Port {port} is taken, so another one is used")
        say(f"http://{host}:{server.server_port}/ shows the site; Ctrl-C ends")
        for _ in changes(watched, out, stop):
            for line in rebuilt(build, out, live):
                say(line)
    except KeyboardInterrupt:
        say("")
    finally:
        live.end()
        server.shutdown()
        server.server_close()


def rebuilt(build: Callable[[], Built], out: Path, live: Live) -> Iterator[str]:
    """One build, and what is said of it"""
    try:
        built = build()
        yield from map(str, built.faults)
        if built.faults:
            yield f"Not built, faults: {len(built.faults)}. What is shown stays as it was"
        else:
            live.show(out)
            yield f"{built.n_pages} pages in {built.seconds:.1f} s"
    # A file may go away while it is read, as editors do when they save.
    except (GeneratorError, OSError) as e:
        yield f"Not built: {e}"


def changes(
    watched: Sequence[Path], out: Path, stop: threading.Event | None = None
) -> Iterator[None]:
    """Once when everything is watched, and then after each change that came to rest"""
    if missing := [path for path in watched if not path.exists()]:
        raise GeneratorError(f"there is no {missing[0]}")
    folders = [path.resolve() for path in watched if path.is_dir()]
    # An editor may put another file in the place of one, so one alone is looked at again and again.
    files = [path for path in watched if not path.is_dir()]
    before = None

    def is_wanted(_, path: str) -> bool:
        """Does a change of this file matter?"""
        return is_source(Path(path), folders, out.resolve())

    # An editor saves in several steps, so one waits until all is quiet. In between the wait returns
    # without a change, and the files that are alone are looked at.
    options = {"debounce": 400, "step": 60, "rust_timeout": 200, "yield_on_timeout": True}
    try:
        for found in watch(*folders, watch_filter=is_wanted, stop_event=stop, **options):
            now = [stamp(path) for path in files]
            if found or now != before:
                before = now
                yield
    except OSError as e:
        raise GeneratorError(f"the sources cannot be watched: {e}") from None


def is_source(path: Path, folders: Iterable[Path], out: Path) -> bool:
    """Is it a file that pages may be made of, in one of the folders, and not made itself?"""
    if path.is_relative_to(out):
        return False
    inside = [path.relative_to(folder).parts for folder in folders if path.is_relative_to(folder)]
    return any(not any(map(IGNORED.fullmatch, parts)) for parts in inside)


def stamp(path: Path) -> tuple[int, int] | None:
    """What differs when a file was written, or `None` if it is not there"""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
