r"""
# Live

What is shown of a folder, and what a page becomes while it is served.
"""

import threading

import pytest

from docs_gen.serving.live import Live, lively, relaxed

POLICY = "default-src 'none'; script-src 'self'; img-src 'self' data:; base-uri 'none'"
PAGE = (
    '<!doctype html>\n<html><head>\n<meta charset="utf-8">\n'
    f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
    "<title>x</title>\n{head}<body><p>变 &lt;/head> </head></p>{rest}</body></html>\n"
)
HTML = PAGE.format(head="</head>", rest="").encode()


def test_a_page_gets_the_script_and_what_it_needs():
    expected = PAGE.format(head='<script src="/-/live.js?12ab" defer></script>\n</head>', rest="")
    expected = expected.replace(POLICY, f"{POLICY}; connect-src 'self'")
    assert lively(HTML, "12ab").decode() == expected


def test_a_page_without_a_head_gets_it_at_the_end():
    assert lively(b"<p>x</p>", "0") == b'<p>x</p><script src="/-/live.js?0" defer></script>\n'


def test_only_the_policy_of_the_page_is_changed_and_odd_bytes_stay():
    html = HTML.replace(b"</body>", HTML + b"\xff\r\n</body>")
    found = lively(html, "0")
    assert found.count(b"connect-src") == found.count(b"live.js") == 1
    assert (
        found.replace(b"; connect-src 'self'", b"").replace(
            b'<script src="/-/live.js?0" defer></script>\n', b""
        )
        == html
    )


@pytest.mark.parametrize(
    "policy, expected",
    [
        ("default-src 'none'", "default-src 'none'; script-src 'self'; connect-src 'self'"),
        ("script-src 'none'", "script-src 'self'; connect-src 'self'"),
        ("script-src a.js 'self';", "script-src a.js 'self'; connect-src 'self'"),
        (" connect-src  'none' ;; ", "connect-src 'self'; script-src 'self'"),
        ("", "script-src 'self'; connect-src 'self'"),
    ],
)
def test_a_policy_lets_scripts_of_the_site_ask_the_server(policy, expected):
    assert relaxed(policy) == expected
    assert relaxed(expected) == expected


def test_what_is_shown_is_what_was_there_at_that_time(tmp_path):
    live = Live()
    assert live.site == ({}, "0")
    (tmp_path / "a").mkdir()
    (tmp_path / "a/b.html").write_bytes(b"1")
    live.show(tmp_path)
    files, first = live.site
    assert files == {"a/b.html": b"1"} and first != "0"
    (tmp_path / "a/b.html").write_bytes(b"2")
    assert live.site == ({"a/b.html": b"1"}, first)
    live.show(tmp_path)
    assert live.site[0] == {"a/b.html": b"2"} and live.site[1] != first
    (tmp_path / "a/b.html").write_bytes(b"1")
    live.show(tmp_path)
    assert live.site[1] == first


def test_a_version_tells_names_and_contents_apart(tmp_path):
    versions = set()
    for number, files in enumerate(({"a": "bc"}, {"ab": "c"}, {"a": "b", "c": ""}, {"a": ""}, {})):
        folder = tmp_path / str(number)
        folder.mkdir()
        for name, content in files.items():
            (folder / name).write_text(content)
        live = Live()
        live.show(folder)
        versions.add(live.site[1])
    assert len(versions) == 5


def test_hidden_files_and_links_are_not_shown(tmp_path):
    site, other = tmp_path / "site", tmp_path / "other"
    for folder in (site / ".git", other):
        folder.mkdir(parents=True)
        (folder / "secret.txt").write_text("secret")
    (site / ".env").write_text("secret")
    (site / "a.html").write_text("a")
    (site / "file.txt").symlink_to(other / "secret.txt")
    (site / "folder").symlink_to(other)
    (site / "broken").symlink_to(tmp_path / "none")
    live = Live()
    live.show(site)
    assert live.site[0] == {"a.html": b"a"}


def test_whoever_waits_hears_of_another_version(tmp_path):
    live = Live()
    # A version that has passed already is told at once, and the same one not before the time.
    assert live.wait("old", 60) == live.wait("0", 0.01) == "0"
    heard = []
    waiting = threading.Thread(target=lambda: heard.append(live.wait("0", 60)))
    waiting.start()
    (tmp_path / "a.html").write_text("a")
    live.show(tmp_path)
    waiting.join(30)
    assert heard == [live.site[1]] != ["0"]


def test_at_the_end_nobody_waits():
    live = Live()
    waiting = threading.Thread(target=live.wait, args=("0", 60))
    waiting.start()
    live.end()
    waiting.join(30)
    assert not waiting.is_alive() and live.wait("0", 60) == "0"
