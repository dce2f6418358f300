r"""
# Live

A site that shows itself to the person who writes it. It is held in memory as the last good build
left it: a request can name a file of that and nothing else on the machine, and a build that is
under way or fails changes nothing for a reader.

Each page gets one script more, whose address has the version of the site in it. The script listens
to `/-/changes`; when another version is announced there, the page loads itself anew and goes back
to the place that was read. Files on disk never know of this.

[The server](server.html) answers with what is here.
"""

import hashlib
import re
import threading
from pathlib import Path

POLICY = re.compile(r"(<meta [^>]*Content-Security-Policy[^>]* content=\")([^\"]*)", re.IGNORECASE)

# A hidden page holds no connection, of which a browser has few for one host. The place is where the
# section at the top of the window is, so that a note which grows above it moves nothing.
SCRIPT = """(() => {
  const version = new URL(document.currentScript.src).search.slice(1);
  const top = (section) => section.getBoundingClientRect().top;
  const reload = () => {
    const sections = [...document.querySelectorAll("section[id]")];
    const section = sections.find((one) => one.getBoundingClientRect().bottom > 0);
    const place = { id: section?.id, top: section && top(section), y: scrollY };
    history.replaceState({ place }, "");
    history.scrollRestoration = "manual";
    location.reload();
  };
  addEventListener("load", () => {
    const place = history.state?.place;
    if (!place) return;
    const section = place.id && document.getElementById(place.id);
    const y = section && place.y ? scrollY + top(section) - place.top : place.y;
    scrollTo({ top: y, behavior: "instant" });
    history.replaceState(null, "");
    history.scrollRestoration = "auto";
  });
  let changes;
  const listen = () => {
    changes?.close();
    if (document.hidden) return;
    changes = new EventSource("/-/changes");
    changes.onmessage = (event) => event.data !== version && reload();
  };
  addEventListener("pageshow", listen);
  addEventListener("pagehide", () => changes?.close());
  document.addEventListener("visibilitychange", listen);
})();
"""


class Live:
    """
    ## Live

    The site that is shown, and the wait for the next one.
    """

    def __init__(self):
        """Nothing is shown at first, and the version of nothing is `0`."""
        # Files by path and version, together, as a request may come while they change
        self.site: tuple[dict[str, bytes], str] = ({}, "0")
        self.is_over = False
        self.changed = threading.Condition()

    def show(self, folder: Path) -> None:
        """From now on shows what is in a folder; hidden files and links are no part of it."""
        files = {}
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if not re.search(r"(^|/)\.", name) and path.is_file() and not path.is_symlink():
                files[name] = path.read_bytes()
        digest = hashlib.blake2b(digest_size=9)
        for name, content in files.items():
            digest.update(f"{name}\0{len(content)}\0".encode("utf-8", "surrogateescape") + content)
        with self.changed:
            self.site = files, digest.hexdigest()
            self.changed.notify_all()

    def end(self) -> None:
        """Lets all who wait go."""
        with self.changed:
            self.is_over = True
            self.changed.notify_all()

    def wait(self, version: str, seconds: float) -> str:
        """Another version than this one as soon as there is one, or the same after some seconds"""
        with self.changed:
            self.changed.wait_for(lambda: self.is_over or self.site[1] != version, seconds)
            return self.site[1]


def lively(html: bytes, version: str) -> bytes:
    """A page with the script that reloads it, and a policy that lets the script do it"""
    text = html.decode("utf-8", "surrogateescape")
    text = POLICY.sub(lambda found: found[1] + relaxed(found[2]), text, count=1)
    script = f'<script src="/-/live.js?{version}" defer></script>\n'
    before, mark, after = text.partition("</head>")
    text = f"{before}{script}{mark}{after}" if mark else text + script
    return text.encode("utf-8", "surrogateescape")


def relaxed(policy: str) -> str:
    """A policy by which scripts of the site may run, and ask the server"""
    rules = {words[0]: words[1:] for rule in policy.split(";") if (words := rule.split())}
    for name in ("script-src", "connect-src"):
        own = [word for word in rules.get(name, []) if word not in ("'none'", "'self'")]
        rules[name] = [*own, "'self'"]
    return "; ".join(" ".join([name, *words]) for name, words in rules.items())
