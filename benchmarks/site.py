r"""
# What the Site Costs

    python benchmarks/site.py

The site of this repository against its budgets: how long it takes to build, what a reader has to
load, and how a slow phone fares with it. Times are medians of five tries. A page is opened in
Chromium at a quarter of the speed of this machine's processor, from a server on this machine, so
the network costs nothing; what it costs elsewhere follows from the sizes, which are those after
gzip.

*Cold* is a build by a new process into an empty folder. A *long task* keeps a page from answering
for more than 50 ms; the table has the sum of all. Times are those of a machine that has nothing
else to do, or they say little.
"""

import gzip
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from _sides import leave, need

from docs_gen.pages import output, site
from docs_gen.pages.project import Options, Project

ROOT = Path(__file__).parent.parent
PATHS, LOCALE, RECORDS = ("labnn", "experiments", "docs_gen"), "locale", "experiments/results"
N_TRIES, SLOWER = 5, 4
MHA = "en/labnn/transformers/mha.html"
OPENED = ("en/index.html", MHA, "zh/experiments/mlm.html")
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
# Runs before the page does.
WATCH = """
window.seen = { painted: 0, busy: 0, moved: 0 };
const watch = (type, add) => new PerformanceObserver((list) => list.getEntries().forEach(add))
  .observe({ type, buffered: true });
watch("largest-contentful-paint", (entry) => { seen.painted = entry.startTime; });
watch("longtask", (entry) => { seen.busy += entry.duration; });
watch("layout-shift", (entry) => { if (!entry.hadRecentInput) seen.moved += entry.value; });
"""
READY = """() => new Promise((done) => {
  const start = performance.now();
  const form = document.querySelector("form");
  new MutationObserver(() => form.dataset.search && done(performance.now() - start))
    .observe(form, { attributes: true });
  document.querySelector("#search-input").focus();
})"""


def row(what: str, value: float, unit: str, budget: float) -> None:
    """One line of the table"""
    digits = 3 if budget < 1 else 1
    over = "  over" if value > budget else ""
    print(f"{what:44}{value:10.{digits}f} {unit:4}{budget:10,g}{over}", flush=True)


# Building


def options() -> Options:
    """What `make docs` builds from"""
    paths = [ROOT / path for path in PATHS]
    return Options(paths, locale=ROOT / LOCALE, results=ROOT / RECORDS)


def cold(folder: Path) -> float:
    """Seconds of a build by a new process"""
    command = [sys.executable, "-m", "docs_gen", "build", *PATHS, "--keep-going"]
    command += ["--locale", LOCALE, "--records", RECORDS, "-o", str(folder)]
    begun = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if not folder.is_dir():
        leave(f"the site was not built: {done.stderr.strip()}")
    return time.perf_counter() - begun


def page_times() -> Iterator[float]:
    """Seconds that each page takes, in every language"""
    project = Project(options())
    # What pages share is no page's own.
    assert project.code
    for edition in site.every(project):
        begun = time.perf_counter()
        for _ in site.edition_pages(edition):
            yield time.perf_counter() - begun
            begun = time.perf_counter()


def building(place: Path, n_pages: int) -> None:
    """How long it takes"""
    seconds = statistics.median(cold(place / f"cold-{number}") for number in range(N_TRIES))
    row("whole site, cold", seconds, "s", 8)
    row(f"a page of {n_pages}, everything included", seconds / n_pages * 1e3, "ms", 40)
    row("the page that takes longest, by itself", max(page_times()) * 1e3, "ms", 250)


# Weighing


def weighing(files: dict[str, str | bytes]) -> None:
    """What a reader loads, in thousands of bytes"""
    packed = {
        name: (content.encode() if isinstance(content, str) else content)
        for name, content in files.items()
    }
    sizes = {
        name: len(data if name.endswith(".woff2") else gzip.compress(data, 9)) / 1e3
        for name, data in packed.items()
    }
    pages = {name: size for name, size in sizes.items() if name.endswith(".html")}
    first = sum(sizes[f"static/{name}"] for name in ("site.css", "site.js", "early.js"))
    font = sizes["static/math.woff2"]
    row("HTML, middle", statistics.median(pages.values()), "kB", 12)
    row(f"HTML, largest: {max(pages, key=pages.get)}", max(pages.values()), "kB", 30)
    row("styles and scripts that are loaded at once", first, "kB", 10)
    row("font of the maths", font, "kB", 64)
    row("first visit, of multi-head attention", sizes[MHA] + first + font, "kB", 90)
    search = sum(sizes[f"static/{name}"] for name in ("search.js", "minisearch.js"))
    row("search, when it is used", search, "kB", 8)
    for code in ("en", "zh"):
        row(f"its index, {code}", sizes[f"static/index-{code}.js"], "kB", 80)


# Opening


class Quiet(SimpleHTTPRequestHandler):
    """A server that says nothing"""

    def log_message(self, *args: object) -> None:
        """Nothing"""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a folder on this machine"""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def slow(chromium, address: str, measure: Callable) -> list:
    """What is measured on a page that a slow phone opens for the first time, some times"""
    found = []
    for _ in range(N_TRIES):
        context = chromium.new_context(**PHONE)
        context.add_init_script(WATCH)
        page = context.new_page()
        client = context.new_cdp_session(page)
        client.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        page.goto(address, wait_until="load")
        page.wait_for_timeout(1000)
        found.append(measure(page))
        context.close()
    return found


def opening(chromium, host: str) -> None:
    """How a slow phone fares"""
    for path in OPENED:
        tries = slow(chromium, f"{host}/{path}", lambda page: page.evaluate("seen"))
        seen = {name: statistics.median(each[name] for each in tries) for name in tries[0]}
        row(f"{path}: painted", seen["painted"], "ms", 800)
        row(f"{path}: long tasks", seen["busy"], "ms", 200)
        row(f"{path}: moved", seen["moved"], "", 0.01)
    ready = slow(chromium, f"{host}/{MHA}", lambda page: page.evaluate(READY))
    row("search ready after it was begun", statistics.median(ready), "ms", 500)


def main() -> None:
    """Print the table."""
    need("playwright", "playwright")
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not program:
        leave("there is no chromium here; CHROMIUM may name it")
    from playwright.sync_api import sync_playwright

    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python", end=" ")
    print(f"{platform.python_version()}, {time.strftime('%Y-%m-%d')}")
    print(f"load before: {os.getloadavg()[0]:.2f}\n\n{'':44}{'measured':>10}{'budget':>15}")
    built = site.build(options())
    with tempfile.TemporaryDirectory() as place:
        building(Path(place), built.n_pages)
        weighing(built.files)
        output.write(Path(place) / "site", built.files)
        with sync_playwright() as playwright, served(Path(place) / "site") as host:
            chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
            opening(chromium, host)
            chromium.close()


if __name__ == "__main__":
    main()
