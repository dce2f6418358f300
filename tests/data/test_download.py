import hashlib
import http.server
import os
import re
import stat
import threading
from pathlib import Path

import pytest

from labnn.data import CorpusError
from labnn.data.download import cache_folder, download, write_whole

RIGHT = b"To be, or not to be\n" * 9973


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers by path: the file, a part of it, another file, or nothing."""

    def do_GET(self):
        self.server.asked.append(self.path)
        if self.path == "/hang-up":
            self.close_connection = True
            return
        if self.path == "/missing":
            self.send_error(404)
            return
        length = len(RIGHT) + (10**15 if self.path == "/endless" else 0)
        self.send_response(200)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        wrong = b"x" * len(RIGHT)
        body = {"/cut-off": RIGHT[:5000], "/wrong": wrong, "/endless": RIGHT + b"more"}
        self.wfile.write(body.get(self.path, RIGHT))
        self.close_connection = True

    def log_message(self, *arguments):
        """Say nothing in the test's output."""


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.asked = []
        server.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def get(url, path):
    return download(
        url,
        path,
        n_bytes=len(RIGHT),
        sha256=hashlib.sha256(RIGHT).hexdigest(),
        remedy="set text.path to a copy",
    )


def complaint(url, path):
    with pytest.raises(CorpusError) as caught:
        get(url, path)
    assert "\n" not in str(caught.value) and "set text.path to a copy" in str(caught.value)
    return str(caught.value)


def test_a_complete_file_is_kept_under_its_name_alone(server, tmp_path):
    path = tmp_path / "deep" / "folder" / "text.txt"
    assert get(server.url + "/right", path) == RIGHT == path.read_bytes()
    assert os.listdir(path.parent) == ["text.txt"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_what_is_there_is_not_fetched_again(server, tmp_path):
    get(server.url + "/right", tmp_path / "text.txt")
    assert get(server.url + "/right", tmp_path / "text.txt") == RIGHT
    assert server.asked == ["/right"]


@pytest.mark.parametrize(
    "page, wrong",
    [
        ("/cut-off", "broke off after 5,000 of 199,460 bytes; try again"),
        ("/wrong", "another file than expected"),
        ("/endless", "another file than expected"),
        ("/missing", "the download failed .*404"),
        ("/hang-up", "the download failed .*closed connection"),
    ],
)
def test_a_wrong_answer_leaves_nothing(server, tmp_path, page, wrong):
    # Some versions of Python report a short answer themselves.
    wrong += "|IncompleteRead" if page == "/cut-off" else ""
    assert re.search(wrong, complaint(server.url + page, tmp_path / "text.txt"))
    assert os.listdir(tmp_path) == []
    # The next try is not harmed.
    assert get(server.url + "/right", tmp_path / "text.txt") == RIGHT


@pytest.mark.parametrize("damaged", [b"", RIGHT[:5000], b"x" + RIGHT[1:], RIGHT + b"x"])
def test_a_damaged_file_in_the_cache_is_never_used(server, tmp_path, damaged):
    (tmp_path / "text.txt").write_bytes(damaged)
    complaint(server.url + "/missing", tmp_path / "text.txt")
    assert get(server.url + "/right", tmp_path / "text.txt") == RIGHT
    assert (tmp_path / "text.txt").read_bytes() == RIGHT


def test_without_a_network(server, tmp_path):
    # The port of a server that has ended refuses.
    server.shutdown()
    server.server_close()
    message = complaint(server.url + "/right", tmp_path / "new" / "text.txt")
    assert "the download failed" in message and "refused" in message
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "url", ["nonsense", "http://", "gopher://127.0.0.1/a", "http://127.0.0.1:x/"]
)
def test_what_is_no_address(url, tmp_path):
    assert "the download failed" in complaint(url, tmp_path / "text.txt")


def test_a_cache_that_cannot_be_written(server, tmp_path):
    (tmp_path / "file").write_text("in the way")
    message = complaint(server.url + "/right", tmp_path / "file" / "text.txt")
    assert "cannot be kept" in message and "set LABNN_CACHE" in message
    (tmp_path / "text.txt").mkdir()
    assert "cannot be kept" in complaint(server.url + "/right", tmp_path / "text.txt")
    assert sorted(os.listdir(tmp_path)) == ["file", "text.txt"]


def test_a_write_that_fails_leaves_what_was_there(tmp_path):
    path = tmp_path / "text.txt"
    path.write_bytes(b"old")
    with pytest.raises(TypeError):
        write_whole(path, None)
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["text.txt"]


def test_where_the_cache_is(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    monkeypatch.setenv("LABNN_CACHE", "/own")
    assert cache_folder() == Path("/own")
    monkeypatch.setenv("LABNN_CACHE", "~/own")
    assert cache_folder() == Path("/home/somebody/own")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LABNN_CACHE", "here")
    assert cache_folder() == Path.cwd() / "here"
    monkeypatch.setenv("LABNN_CACHE", "")
    assert cache_folder() == Path("/xdg/labnn")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_folder() == Path("/home/somebody/.cache/labnn")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path("/home/somebody/.cache/labnn")
    # What `~` becomes for a user whom the system does not know
    monkeypatch.setenv("HOME", "~")
    with pytest.raises(CorpusError, match="set LABNN_CACHE"):
        cache_folder()
