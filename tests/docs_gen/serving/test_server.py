r"""
# Server

A real server on a port of this machine, asked by a client that sends exactly what it is told to.
"""

import http.client
import re
import socket
import threading
from contextlib import contextmanager

import pytest

from docs_gen.parts import GeneratorError
from docs_gen.serving import server as page
from docs_gen.serving.live import SCRIPT, Live
from docs_gen.serving.server import listen

FILES = {
    "index.html": "<html><head></head><p>home</p></html>",
    "en/index.html": "<html><head></head><p>en</p></html>",
    "en/名 前.html": "<p>name</p>",
    "en/code.py": "x = 1",
    "static/math.woff2": "font",
    "static/site.js": "1",
    "static/other.MJS": "2",
    "static/a.svg": "<svg/>",
    "static/site.css": "p {}",
    "empty": "",
}


def made(folder):
    """A site in a folder that has something else as well"""
    site = folder / "site"
    for name, content in FILES.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(content)
    (folder / "secret.txt").write_text("secret")
    live = Live()
    live.show(site)
    return live


@pytest.fixture
def live(tmp_path):
    return made(tmp_path)


@contextmanager
def running(live, port=0):
    """A server, until the end of the block"""
    server = listen(live, "127.0.0.1", port)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        live.end()
        server.shutdown()
        server.server_close()
        thread.join(30)


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    with running(made(tmp_path_factory.mktemp("server"))) as port:
        yield port


def ask(port, path, method="GET", host="localhost"):
    """Status, headers and content of one answer"""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    client.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for name in [host] if isinstance(host, str) else host:
        client.putheader("Host", name)
    client.endheaders()
    answer = client.getresponse()
    content = answer.read()
    client.close()
    return answer.status, answer.headers, content


def connected(port):
    """A connection on which nothing was said yet"""
    return socket.create_connection(("127.0.0.1", port), timeout=30)


@pytest.mark.parametrize(
    "path, kind, content",
    [
        ("/en/code.py", "application/octet-stream", "x = 1"),
        ("/static/math.woff2", "font/woff2", "font"),
        ("/static/site.js", "text/javascript; charset=utf-8", "1"),
        ("/static/other.MJS?a#b", "text/javascript; charset=utf-8", "2"),
        ("/static/a.svg", "image/svg+xml; charset=utf-8", "<svg/>"),
        ("/static/site.css", "text/css; charset=utf-8", "p {}"),
        ("/empty", "application/octet-stream", ""),
    ],
)
def test_a_file_is_sent_as_it_is_with_its_kind(port, path, kind, content):
    status, headers, found = ask(port, path)
    assert (status, headers["Content-Type"], found.decode()) == (200, kind, content)
    assert headers["Cache-Control"] == "no-store" and headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize(
    "path, text",
    [
        ("/", "<p>home</p>"),
        ("/index.html?q=1", "<p>home</p>"),
        ("/en/", "<p>en</p>"),
        ("/en/%E5%90%8D%20%E5%89%8D.html", "<p>name</p>"),
    ],
)
def test_a_page_is_sent_with_the_script_that_reloads_it(port, path, text):
    status, headers, content = ask(port, path)
    assert status == 200 and headers["Content-Type"] == "text/html; charset=utf-8"
    assert text in content.decode()
    script = re.search(r'<script src="(/-/live.js\?[0-9a-f]+)" defer>', content.decode())
    status, headers, script = ask(port, script[1])
    assert status == 200 and headers["Content-Type"].startswith("text/javascript")
    assert script.decode() == SCRIPT


def test_a_head_is_an_answer_without_content(port):
    for path in ("/", "/none", "/-/live.js"):
        expected = ask(port, path)
        status, headers, content = ask(port, path, "HEAD")
        assert (status, content) == (expected[0], b"")
        assert headers["Content-Length"] == str(len(expected[2]))
    assert ask(port, "/-/changes", "HEAD")[0] == 200


def test_nothing_can_be_changed(port):
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert ask(port, "/", method)[0] == 501


@pytest.mark.parametrize(
    "path",
    ["/none", "/en", "/static/", "/static", "/../secret.txt", "/%2e%2e/secret.txt", "/-/", "/-"]
    + ["/en/../../secret.txt", "/..%2fsecret.txt", "/%5c..%5csecret.txt", "//etc/passwd", "*"]
    + ["/etc/passwd", "/%00", "/%ff", "/en/./index.html", "http://localhost/", "x", "/<b>x</b>"],
)
def test_what_is_no_file_of_the_site_is_not_there(port, path):
    status, headers, content = ask(port, path)
    if path == "/en":
        assert (status, headers["Location"], content) == (302, "/en/", b"")
        return
    assert status == 404 and b"secret" not in content.replace(b"secret.txt", b"")
    # No list of what else is there, no markup of the request, and a page that waits
    assert b"site.css" not in content and b"<b>" not in content and b"/-/live.js" in content


def test_before_the_first_good_build_a_page_waits_for_it():
    with running(Live()) as port:
        status, _, content = ask(port, "/")
        assert status == 503 and b"/-/live.js?0" in content and b"terminal" in content


def test_only_names_of_this_machine_are_answered(port):
    for host in ("localhost", "LocalHost:8000", "127.0.0.1", "127.0.0.1:80", "[::1]", "[::1]:1"):
        assert ask(port, "/", host=host)[0] == 200, host
    wrong = ["example.org", "localhost.example.org", "example.org:80@localhost", "", "127.0.0.2"]
    wrong += ["127.0.0.1.nip.io", "localhost:", "localhost:8a", "::1", "127x0x0x1", "0.0.0.0"]
    for host in [*wrong, [], ["localhost", "example.org"], ["localhost", "localhost"]]:
        for path in ("/", "/-/changes", "/-/live.js", "/none"):
            status, _, content = ask(port, path, host=host)
            assert status == 403 and b"home" not in content, host


def test_the_stream_tells_the_version_now_and_then_each_other_one(live, tmp_path):
    with running(live) as port, connected(port) as client:
        client.sendall(b"GET /-/changes HTTP/1.1\r\nHost: localhost\r\n\r\n")
        stream = client.makefile("r", encoding="utf-8")
        head = "".join(iter(stream.readline, "\n"))
        assert "200 OK" in head and "Content-Type: text/event-stream\n" in head
        assert "no-store" in head and "Content-Length" not in head
        first = live.site[1]
        assert stream.readline() == f"data: {first}\n" and stream.readline() == "\n"
        (tmp_path / "site/index.html").write_text("new")
        live.show(tmp_path / "site")
        assert live.site[1] != first and stream.readline() == f"data: {live.site[1]}\n"
        live.end()
        assert stream.read() == "\n"


def test_a_stream_without_news_says_that_it_is_there(port, monkeypatch):
    monkeypatch.setattr(page, "SECONDS", 0.01)
    with connected(port) as client:
        client.sendall(b"GET /-/changes HTTP/1.1\r\nHost: localhost\r\n\r\n")
        stream = client.makefile("r", encoding="utf-8")
        while stream.readline() != "\n":
            pass
        assert re.fullmatch(r"data: \w+\n", stream.readline())
        assert [stream.readline() for _ in range(5)] == ["\n", ":\n", "\n", ":\n", "\n"]


def test_a_browser_that_goes_away_leaves_nothing_on_the_terminal(live, capsys, monkeypatch):
    monkeypatch.setattr(page, "SECONDS", 0.01)
    with running(live) as port:
        before = {*threading.enumerate()}
        with connected(port) as client:
            client.sendall(b"GET /-/changes HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert client.recv(10)
            streams = {*threading.enumerate()} - before
        assert streams
        # The thread of the stream ends by itself when it learns of this.
        for thread in streams:
            thread.join(30)
            assert not thread.is_alive()
    assert capsys.readouterr() == ("", "")


def test_one_connection_serves_several_requests(port):
    client = http.client.HTTPConnection("localhost", port, timeout=30)
    for _ in range(3):
        client.request("GET", "/static/site.css")
        assert client.getresponse().read() == b"p {}"
    client.close()


def test_a_port_that_is_taken_is_left_to_who_has_it(live):
    with running(live) as first, running(live, first) as second:
        assert first < second <= first + 9
        assert ask(first, "/")[0] == ask(second, "/")[0] == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "", "example.org", "::", "192.168.0.1"])
def test_other_machines_are_not_listened_to(live, host):
    with pytest.raises(GeneratorError, match="no name of this machine alone"):
        listen(live, host, 0)


@pytest.mark.parametrize("port", [-1, 65536, 70000])
def test_a_port_that_is_none(live, port):
    with pytest.raises(GeneratorError, match=f"^port {port} cannot be used: [^\n]+$"):
        listen(live, "127.0.0.1", port)
