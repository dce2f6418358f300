r"""
# Serve

Real files that change, a build that copies them, and a browser that is told of it. What counts as a
source is decided by path alone and tested without files.
"""

import os
import re
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue

import pytest

from docs_gen.parts import GeneratorError, Problem
from docs_gen.serving.serve import changes, is_source, serve, stamp
from tests.docs_gen.browser import Watched, browser

ROOT = Path(__file__).parents[3]
POLICY = "default-src 'none'; script-src 'self'; base-uri 'none'"
HEAD = (
    f'<head><meta http-equiv="Content-Security-Policy" content="{POLICY}"><title>x</title></head>'
)
SECONDS = 30


@dataclass
class Built:
    """What a small build says"""

    faults: list = field(default_factory=list)
    n_pages: int = 0
    seconds: float = 0.25


class Served:
    """A folder of texts that become pages, and the server that shows them"""

    def __init__(self, folder, **options):
        self.source, self.out = folder / "source", folder / "source/site"
        self.source.mkdir(exist_ok=True)
        self.said, self.stop, self.port = Queue(), threading.Event(), 0
        self.options = {"port": 0, "say": self.said.put, "stop": self.stop, **options}

    def build(self):
        """Copies all texts, unless one of them has a fault."""
        texts = {path: path.read_text() for path in sorted(self.source.glob("*.txt"))}
        bad = [Problem(path.name, 3, "a fault", "link") for path in texts if "bad" in texts[path]]
        if any("worse" in text for text in texts.values()):
            raise GeneratorError("the settings are wrong")
        if not bad:
            self.out.mkdir(exist_ok=True)
            for path, text in texts.items():
                (self.out / f"{path.stem}.html").write_text(f"<html>{HEAD}{text}</html>")
        return Built(bad, len(texts))

    def write(self, text, name="a.txt"):
        """Changes a source at once, so that no build sees half of it."""
        (self.source / ".new").write_text(text)
        (self.source / ".new").replace(self.source / name)

    def hear(self):
        """The next line on the terminal"""
        return self.said.get(timeout=SECONDS)

    def read(self, path="a.html"):
        """A page as the browser gets it"""
        url = f"http://127.0.0.1:{self.port}/{path}"
        with urllib.request.urlopen(url, timeout=SECONDS) as answer:
            return answer.read().decode()

    def __enter__(self):
        options = {"args": (self.build, [self.source], self.out), "kwargs": self.options}
        self.thread = threading.Thread(target=serve, daemon=True, **options)
        self.thread.start()
        self.first = [self.hear() for _ in range(1 if self.options["port"] == 0 else 2)]
        self.port = int(re.search(r"http://127\.0\.0\.1:(\d+)/ ", self.first[-1])[1])
        return self

    def __exit__(self, *error):
        self.stop.set()
        self.thread.join(SECONDS)
        assert not self.thread.is_alive()


@contextmanager
def served(folder, text="first", **options):
    """A server after its first build of one page"""
    with_page = Served(folder, **options)
    with_page.write(text)
    with with_page:
        yield with_page


FOLDERS = [Path("/home/.me/code"), Path("/home/.me/docs/.locale")]


@pytest.mark.parametrize(
    "path",
    ["code/a.py", "code/x/y/a.po", "code/a.swift", "code/sites/a", "docs/.locale/zh/a.po"],
)
def test_what_is_a_source(path):
    assert is_source(Path("/home/.me", path), FOLDERS, Path("/home/.me/code/site"))


@pytest.mark.parametrize(
    "path",
    ["code/.git/a", "code/x/.a.py.swp", "code/x/__pycache__/a.pyc", "code/a.pyc", "code/a.py~"]
    + ["code/site", "code/site/a.html", "code/x/.venv/a.py", "docs/a.py", "docs/.locale/.b/a"]
    + ["code/4913", "code/#a.py#", "code/.#a.py", "code/a.py.swp", "code/a.py___jb_tmp___"],
)
def test_what_is_no_source(path):
    assert not is_source(Path("/home/.me", path), FOLDERS, Path("/home/.me/code/site"))


def test_a_file_that_is_written_anew_has_another_stamp(tmp_path):
    path = tmp_path / "a"
    assert stamp(path) is None
    path.write_text("a")
    first = stamp(path)
    assert first == stamp(path)
    path.write_text("ab")
    second = stamp(path)
    os.utime(path, ns=(1, 1))
    assert len({first, second, stamp(path)}) == 3


def test_what_is_not_there_cannot_be_watched(tmp_path):
    with pytest.raises(GeneratorError, match="^there is no .*none$"):
        serve(Built, [tmp_path, tmp_path / "none"], tmp_path / "out", port=0, say=str)


@pytest.mark.slow
def test_a_change_is_built_shown_and_announced(tmp_path):
    with served(tmp_path) as site:
        assert site.hear() == "1 pages in 0.2 s" and "first" in site.read()
        with urllib.request.urlopen(f"http://localhost:{site.port}/-/changes") as stream:
            lines = iter(stream.readline, None)
            first = next(lines).decode()
            assert first.startswith("data: ") and f"live.js?{first[6:-1]}" in site.read()
            site.write("second")
            assert site.hear() == "1 pages in 0.2 s" and "second" in site.read()
            second = next(line.decode() for line in lines if b"data: " in line)
        assert second != first and f"live.js?{second[6:-1]}" in site.read()
        # Only what is served has the script.
        assert "live.js" not in (site.out / "a.html").read_text()
        site.write("new", "b.txt")
        assert site.hear() == "2 pages in 0.2 s" and "new" in site.read("b.html")


@pytest.mark.slow
def test_faults_are_told_and_readers_keep_the_last_good_site(tmp_path):
    with served(tmp_path) as site:
        site.hear()
        good = site.read()
        for text, lines in (
            ("bad", ["a.txt:3: a fault", "Not built, faults: 1. What is shown stays as it was"]),
            ("worse", ["Not built: the settings are wrong"]),
        ):
            site.write(text)
            assert [site.hear() for _ in lines] == lines
            assert site.read() == good
        # Even if something goes wrong with what was written.
        (site.out / "a.html").write_text("half a pa")
        assert site.read() == good
        site.write("mended")
        assert site.hear() == "1 pages in 0.2 s" and "mended" in site.read()


@pytest.mark.slow
def test_a_site_that_begins_with_a_fault_is_shown_once_that_is_mended(tmp_path):
    with served(tmp_path, "bad") as site:
        assert site.hear() == "a.txt:3: a fault" and site.hear().startswith("Not built")
        with pytest.raises(urllib.error.HTTPError, match="503") as raised:
            site.read()
        assert b"/-/live.js?0" in raised.value.read()
        raised.value.close()
        site.write("good")
        assert site.hear() == "1 pages in 0.2 s" and "good" in site.read()


@pytest.mark.slow
def test_what_a_build_writes_starts_no_other_build(tmp_path):
    with served(tmp_path) as site:
        site.hear()
        for name in ("site/more.html", ".hidden", "a.txt~", "__pycache__"):
            site.write("x", name)
        (site.source / ".git").mkdir()
        site.write("x", ".git/index")
        with pytest.raises(Empty):
            site.said.get(timeout=1)
        site.write("bad")
        assert site.hear() == "a.txt:3: a fault" and site.hear().startswith("Not built")


@pytest.mark.slow
@pytest.mark.parametrize("is_alone", [True, False])
def test_a_file_that_an_editor_replaces_is_followed(tmp_path, is_alone):
    source, stop, seen = tmp_path / "a.txt", threading.Event(), Queue()
    source.write_text("0")
    watched = [source] if is_alone else [tmp_path]

    def run():
        for _ in changes(watched, tmp_path / "out", stop):
            seen.put(source.read_text())

    thread = threading.Thread(target=run)
    thread.start()
    assert seen.get(timeout=SECONDS) == "0"
    for text in ("1", "22", "333"):
        (tmp_path / ".a.txt.new").write_text(text)
        (tmp_path / ".a.txt.new").rename(source)
        assert seen.get(timeout=SECONDS) == text
    stop.set()
    thread.join(SECONDS)
    assert not thread.is_alive() and seen.empty()


@pytest.mark.slow
def test_a_port_that_is_taken_is_told(tmp_path):
    (tmp_path / "other").mkdir()
    with served(tmp_path) as first:
        first.hear()
        with served(tmp_path / "other", "another", port=first.port) as second:
            assert second.first[0] == f"Port {first.port} is taken, so another one is used"
            assert second.hear() == "1 pages in 0.2 s"
            assert "another" in second.read() and "first" in first.read()


PROGRAM = """
import signal, sys
from pathlib import Path
from docs_gen.serving.serve import serve
from tests.docs_gen.serving.test_serve import Built
signal.signal(signal.SIGINT, signal.default_int_handler)
folder = Path(sys.argv[1])
serve(lambda: Built(n_pages=7), [folder], folder / "out", port=0)
"""


@pytest.mark.slow
def test_ctrl_c_is_a_good_end(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        address = re.search(r"http://\S+/", program.stdout.readline())[0]
        assert program.stdout.readline() == "7 pages in 0.2 s\n"
        # Somebody who listens does not hold it up.
        with urllib.request.urlopen(f"{address}-/changes") as stream:
            assert stream.readline().startswith(b"data: ")
            program.send_signal(signal.SIGINT)
            out, err = program.communicate(timeout=SECONDS)
    assert (program.returncode, out.strip(), err) == (0, "", "")


def sections(n_first, changed=""):
    """A long page; the first section has some lines."""
    rows = "<p>line</p>" * n_first
    rest = "".join(f'<section id="s-{n}"><p>{changed} {n}</p></section>' for n in range(200))
    return f'<section id="s-top">{rows}</section>{rest}'


SETTLED = """new Promise((done) => {
  const wait = setInterval(() => {
    if (document.readyState !== "complete" || history.state) return;
    clearInterval(wait);
    done();
  }, 20);
})"""


@pytest.mark.slow
def test_a_page_reloads_and_stays_at_its_place(tmp_path):
    with browser() as chromium, served(tmp_path, sections(3, "old")) as site:
        site.hear()
        with Watched(chromium) as watched:
            home = f"http://127.0.0.1:{site.port}/"
            page = watched.open(f"{home}a.html")
            page.evaluate("document.querySelector('#s-120').scrollIntoView()")
            top = "document.querySelector('#s-120').getBoundingClientRect().top"
            before, scrolled = page.evaluate(top), page.evaluate("scrollY")
            # A fault says nothing to the browser; the next good build does, with more above.
            site.write("bad")
            site.hear(), site.hear()
            site.write(sections(30, "new"))
            page.get_by_text("new 120").wait_for()
            page.evaluate(SETTLED)
            assert abs(page.evaluate(top) - before) < 2
            assert page.evaluate("scrollY") > scrolled + 300
            loads = [url for url in watched.asked if url.endswith("a.html")]
            assert len(loads) == 2
            # Nothing that the page needs was refused.
            assert [line for line in watched.said if "Content Security" in line] == []
            assert page.evaluate("watched.refused") == []
