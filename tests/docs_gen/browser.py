r"""
# A browser

Chromium, and pages that remember what went wrong on them: what they asked other hosts for, what
they said in the console, and what the content policy refused.
"""

import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from tests.programs import needs_program

# axe fetches the style sheets of a page by itself, which the content policy refuses.
AXE = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "preload": False,
}
# Runs before the page does.
WATCH = """
window.watched = { refused: [], moved: 0, colours: [] };
document.addEventListener("securitypolicyviolation", (event) =>
  watched.refused.push(`${event.violatedDirective} ${event.blockedURI}`));
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) watched.moved += entry.value;
}).observe({ type: "layout-shift", buffered: true });
const look = () => {
  if (document.body) {
    const colour = getComputedStyle(document.body).backgroundColor;
    if (!watched.colours.includes(colour)) watched.colours.push(colour);
  }
  requestAnimationFrame(look);
};
look();
"""


@contextmanager
def browser():
    """Chromium of the system"""
    program = needs_program("chromium", "chromium-browser", "google-chrome")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield chromium
        chromium.close()


class Watched:
    """A page, in `page`, and what went wrong on it"""

    def __init__(self, chromium, width=1280, height=800, **options):
        self.context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        self.context.add_init_script(WATCH)
        self.page = self.context.new_page()
        self.asked, self.said, self.failed = [], [], []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("requestfailed", lambda request: self.failed.append(request.url))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on(
            "console",
            lambda said: self.said.append(said.text) if said.type in ("error", "warning") else None,
        )

    def open(self, url):
        """Go there, and wait for what is loaded with it."""
        self.page.goto(url, wait_until="load")
        return self.page

    def faults(self, home):
        """All that went wrong; `home` begins the addresses of the site."""
        elsewhere = [url for url in self.asked if not url.startswith((home, "data:"))]
        refused = self.page.evaluate("watched.refused")
        return [*elsewhere, *self.said, *self.failed, *refused]

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.context.close()


class Quiet(SimpleHTTPRequestHandler):
    """A server that says nothing"""

    def log_message(self, *args):
        pass


@contextmanager
def served(folder):
    """The address of a folder on this machine"""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def complaints(page, rules=None):
    """What axe finds, by all rules or by options that name some, in one line each"""
    found = Axe().run(page, options=AXE | (rules or {})).response["violations"]
    return [f"{v['id']}: {node['target']} {node['any'][:1]}" for v in found for node in v["nodes"]]


@contextmanager
def views(chromium):
    """A function that gives a watched page; all are closed at the end."""
    opened = []

    def new(**options):
        opened.append(Watched(chromium, **options))
        return opened[-1]

    yield new
    for watched in opened:
        watched.context.close()
