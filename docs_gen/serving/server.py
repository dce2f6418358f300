r"""
# Server

Answers a browser on this machine with a [live site](live.html), by the server of the standard
library. Only requests under this machine's own names are answered: a page of another host, whose
name was made to point here, asks for that other name.

What may be asked for are the paths of the site, `/-/live.js`, which reloads a page, and
`/-/changes`, a stream of server-sent events with the version of the site, now and whenever it
changes.
"""

import errno
import os
import re
import socketserver
import sys
from functools import partial
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath
from urllib.parse import quote, unquote

from docs_gen.parts import GeneratorError
from docs_gen.serving.live import SCRIPT, Live, lively

NAMES = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?", re.IGNORECASE)
# What the system believes about suffixes differs from one machine to the next.
KINDS = {
    **{".css": "text/css", ".txt": "text/plain", ".xml": "text/xml", ".json": "application/json"},
    **{".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript"},
    **{".svg": "image/svg+xml", ".png": "image/png", ".gif": "image/gif", ".webp": "image/webp"},
    **{".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".avif": "image/avif", ".woff2": "font/woff2"},
}
ALWAYS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
ALWAYS |= {"Cross-Origin-Resource-Policy": "same-origin"}
NOTE = "<!doctype html><html lang=en><head><title>{0}</title></head><h1>{0}</h1><p>{1}</p></html>"
EMPTY = "It is being built, or its sources have faults: the terminal says which."
# A stream says this often that it is there, by which it learns that the browser is not.
SECONDS = 15.0


class Handler(BaseHTTPRequestHandler):
    """
    ## One connection of a browser
    """

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "docs_gen", ""
    # A connection on which nothing is asked any more is closed.
    timeout = 60

    def __init__(self, *args, live: Live):
        """The rest is as the server says it."""
        self.live = live
        super().__init__(*args)

    def do_GET(self) -> None:
        """Answers whoever asks by a name of this machine"""
        hosts = self.headers.get_all("Host") or []
        path = unquote(re.split("[?#]", self.path)[0]).removeprefix("/")
        if len(hosts) != 1 or not NAMES.fullmatch(hosts[0].strip()):
            self.answer(403, b"Ask for localhost or 127.0.0.1\n", ".txt")
        elif path == "-/changes":
            self.changes()
        elif path == "-/live.js":
            self.answer(200, SCRIPT.encode(), ".js")
        else:
            self.file(path + "index.html" if path.endswith("/") or not path else path)

    do_HEAD = do_GET

    def file(self, path: str) -> None:
        """A file of the site, or a page that says why there is none and waits for it as well"""
        files, version = self.live.site
        status, content, suffix = 200, files.get(path), PurePosixPath(path).suffix.lower()
        if content is None and f"{path}/index.html" in files:
            # Relative links of a folder's page need the slash.
            return self.answer(302, b"", ".txt", Location=quote(f"/{path}/"))
        if content is None:
            status = 404 if files else 503
            title, why = ("Not found", f"No {path} here") if files else ("No site yet", EMPTY)
            content, suffix = NOTE.format(title, escape(why)).encode(), ".html"
        if suffix == ".html":
            content = lively(content, version)
        self.answer(status, content, suffix)

    def answer(self, status: int, content: bytes, suffix: str, **more: str) -> None:
        """Sends everything at once"""
        kind = KINDS.get(suffix, "application/octet-stream")
        text = "; charset=utf-8" if re.search("text|json|svg", kind) else ""
        self.head(status, kind + text, {"Content-Length": str(len(content)), **more})
        if self.command != "HEAD":
            self.wfile.write(content)

    def head(self, status: int, kind: str, more: dict[str, str]) -> None:
        """The first lines of an answer"""
        self.send_response(status)
        for name, value in {"Content-Type": kind, **ALWAYS, **more}.items():
            self.send_header(name, value)
        self.end_headers()

    def changes(self) -> None:
        """Tells the version of the site, now and when it changes, until one of both goes away"""
        self.close_connection = True
        self.head(200, "text/event-stream", {"Connection": "close"})
        if self.command == "HEAD":
            return
        told, now = "", self.live.site[1]
        while not self.live.is_over:
            line = f"data: {now}\n\n" if now != told else ":\n\n"
            self.wfile.write(line.encode())
            told, now = now, self.live.wait(now, SECONDS)

    def log_message(self, *args) -> None:
        """The terminal is for what is wrong with the sources."""


class Server(ThreadingHTTPServer):
    """
    ## The server

    It ends at once, whoever is still connected.
    """

    # On Windows this would take a port away from who has it.
    allow_reuse_address = os.name != "nt"

    def server_bind(self) -> None:
        """Without the name of the host, which would be looked up"""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]

    def handle_error(self, *args) -> None:
        """A browser that goes away is no fault."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(*args)


def listen(live: Live, host: str, port: int) -> Server:
    """A server at the port or, if that is taken, one of the nine after it"""
    if host not in ("127.0.0.1", "localhost"):
        raise GeneratorError(f"{host} is no name of this machine alone; use 127.0.0.1")
    for number in range(port, port + 10):
        try:
            return Server((host, number), partial(Handler, live=live))
        except (OSError, OverflowError) as e:
            if getattr(e, "errno", None) != errno.EADDRINUSE:
                raise GeneratorError(f"port {number} cannot be used: {e}") from None
    raise GeneratorError(f"the ports {port} to {port + 9} are all taken; choose another")
