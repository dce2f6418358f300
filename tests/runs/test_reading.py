import json
import os

import pytest

from labnn.runs.reading import MOST, Lines, content, is_count, opened, tree

# What can stand where a file should be
STRANGE = ["pipe", "folder", "link to a pipe", "link to a device", "link to a folder", "loop"]


def put(path, kind):
    """Something else in the place of a file"""
    path.unlink(missing_ok=True)
    other = path.with_name(f"{path.name}.other")
    if kind.endswith("pipe"):
        os.mkfifo(other if kind.startswith("link") else path)
    elif kind.endswith("folder"):
        (other if kind.startswith("link") else path).mkdir()
    if kind.startswith("link"):
        path.symlink_to("/dev/zero" if kind.endswith("device") else other)
    elif kind == "loop":
        path.symlink_to(path.name)


@pytest.mark.parametrize("kind", STRANGE)
def test_only_a_file_is_opened(tmp_path, kind):
    put(tmp_path / "a", kind)
    before = os.listdir("/proc/self/fd")
    for flags in (os.O_RDONLY, os.O_RDWR | os.O_CREAT, os.O_RDONLY | os.O_NOFOLLOW):
        with pytest.raises(OSError) as e:
            opened(tmp_path / "a", flags)
        assert e.value.filename in (tmp_path / "a", str(tmp_path / "a")) and e.value.strerror
    assert os.listdir("/proc/self/fd") == before


def test_a_link_to_a_file_is_followed_unless_it_is_not_wanted(tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to("file")
    assert content(tmp_path / "link") == b"x"
    with pytest.raises(OSError, match="it is a link; put a file there"):
        opened(tmp_path / "link", os.O_RDONLY | os.O_NOFOLLOW)


def test_no_more_is_read_than_there_may_be(tmp_path):
    (tmp_path / "a").write_bytes(b"12345")
    assert content(tmp_path / "a", 5) == b"12345"
    with pytest.raises(ValueError, match="^it has more than 4 bytes$"):
        content(tmp_path / "a", 4)
    # A file of a terabyte that takes no space
    os.truncate(tmp_path / "a", 1 << 40)
    with pytest.raises(ValueError, match="^it has more than 4,194,304 bytes$"):
        content(tmp_path / "a")


def test_whole_objects_are_given_and_others_are_counted(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"update": 1}\n[]\n\n\xff\n{"a": 1}\n{"update": 2, "a": NaN}\n{"update": 3}')
    lines = Lines(path)
    assert [line["update"] for line in lines] == [1, 2]
    assert (lines.n_damaged, lines.is_cut) == (4, True)
    assert [*lines.complaints(False)] == [
        f"{path} is damaged: 4 lines are not as a run writes them, and left out",
        f"{path} ends in the middle of a line, which is left out",
    ]
    assert len([*lines.complaints(True)]) == 1
    path.write_text("x\n")
    lines = Lines(path)
    assert [*lines] == [] and "1 line is not" in next(lines.complaints(True))


def test_an_absent_file_has_no_lines(tmp_path):
    lines = Lines(tmp_path / "a.jsonl")
    assert [*lines] == [] == [*lines.complaints(False)]


def test_a_line_without_an_end_ends_the_file(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"update": 1}\n')
    os.truncate(path, 1 << 40)
    lines = Lines(path)
    assert [*lines] == [{"update": 1}] and (lines.n_damaged, lines.is_cut) == (1, False)
    path.write_text(json.dumps({"update": 2, "a": "x" * (MOST - 100)}) + "\n")
    assert len([*Lines(path)]) == 1


@pytest.mark.parametrize("value", [-1, 1 << 63, 10**400, True, 1.0, "1", None, [1]])
def test_what_is_no_count(value):
    assert not is_count(value) and is_count(0) and is_count((1 << 63) - 1)


def test_a_tree_is_what_yaml_says():
    text = "a: [1, 2.5, null]\nb: &unused {c: text, d: 2026-11-21}\n"
    assert tree(text)["a"] == [1, 2.5, None] and tree(text)["b"]["c"] == "text"
    assert tree("") is None and tree("[" * 60 + "]" * 60)


def bomb():
    """Nine lines that unfold to a billion values"""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for n in range(1, 9):
        lines.append(f"a{n}: &a{n} [" + ", ".join([f"*a{n - 1}"] * 10) + "]")
    return "\n".join(lines)


@pytest.mark.parametrize(
    "text, says",
    [
        (bomb(), "*a0 in line 2 is an alias; write the value"),
        ("overrides: &a {x: *a}", "*a in line 1 is an alias"),
        ("a: &a {b: 1}\nc:\n  <<: *a", "*a in line 3 is an alias"),
        ("[" * 100_000, "it is nested deeper than 64 times"),
        ("{a: " * 65 + "}" * 65, "it is nested deeper than 64 times"),
        ("[" + "1," * 300_000 + "]", "it has more than 200,000 values"),
        ("a: [", "while parsing"),
        ("a: 0x" + "f" * 5000, "it has a number of 20,000 bits"),
        ("{0x" + "f" * 500 + ": 1}", "it has a number of 2,000 bits"),
        ("!!timestamp x", ""),
        ("!!bool x", ""),
        ("!!int ''", ""),
        ("1" + ":1" * 300 + ".5", "too large"),
        ("2026-99-99", ""),
        ("!!python/object/apply:os.getcwd []", "could not determine a constructor"),
    ],
)
def test_yaml_that_is_no_tree_is_refused(text, says):
    with pytest.raises(ValueError) as e:
        tree(text)
    assert str(e.value) and says in str(e.value)


def test_a_bomb_is_refused_before_it_is_built(monkeypatch):
    import yaml

    def build(*_):
        raise AssertionError("it was built")

    monkeypatch.setattr(yaml, "load", build)
    with pytest.raises(ValueError, match="alias"):
        tree(bomb())
