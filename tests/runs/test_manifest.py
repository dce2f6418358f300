import hashlib
import json
import math
import os
import random
import subprocess
import sys

import pytest

from labnn.runs.folders import RunError
from labnn.runs.manifest import (
    FILES,
    MAX_MANIFEST,
    CheckpointError,
    checked,
    line,
    manifest,
    parse,
    read,
    read_manifest,
    signed,
)
from tests.runs.processes import ROOT

INFO = {
    "update": 485,
    "step": 9933,
    "best": "480",
    "metrics": {"loss.train": 3.25, "ä": 1e-7, "n": 3},
    "is_done": False,
}
CONTENTS = {file: file.encode() * 7 for file in FILES}


@pytest.fixture
def folder(tmp_path):
    """A checkpoint, as far as a manifest cares"""
    for file, data in CONTENTS.items():
        (tmp_path / file).write_bytes(data)
    (tmp_path / "manifest.json").write_bytes(manifest(CONTENTS, INFO))
    return tmp_path


def refusal(work, *arguments):
    """The one line of an error"""
    with pytest.raises(CheckpointError) as e:
        work(*arguments)
    text = str(e.value)
    assert len(text.splitlines()) == 1 and text.isprintable() and len(text) < 600
    return text


def test_a_manifest_has_what_it_was_given_and_the_files(folder):
    found = read_manifest(folder)
    assert {key: found[key] for key in INFO} == INFO and found["version"] == 1
    assert {*found} == {*INFO, "version", "files"}
    for file, data in CONTENTS.items():
        digest = hashlib.sha256(data).hexdigest()
        assert found["files"][file] == {"bytes": len(data), "sha256": digest}
        assert checked(folder, file, found["files"]) == data


def test_an_error_is_a_mistake_with_a_run():
    assert issubclass(CheckpointError, RunError)


def test_each_byte_of_a_manifest_counts(folder):
    path = folder / "manifest.json"
    data = path.read_bytes()
    rng = random.Random(3)
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 1 << rng.randrange(8)
        path.write_bytes(changed)
        text = refusal(read_manifest, folder)
        assert text.startswith(f"{path} is damaged: ")


def test_a_manifest_in_another_form_is_refused(folder):
    path = folder / "manifest.json"
    data = path.read_bytes()
    content = json.loads(data)
    others = [
        json.dumps(content).encode(),
        json.dumps(dict([*content.items()][::-1]), indent=1).encode() + b"\n",
        json.dumps(content, sort_keys=True, indent=2).encode() + b"\n",
        json.dumps(content, sort_keys=True, indent=1, ensure_ascii=False).encode() + b"\n",
        data[:-1],
        data + b"\n",
        data.replace(b"\n", b"\r\n"),
        b" " + data,
        b"\xef\xbb\xbf" + data,
        data.decode().encode("utf-16"),
        data.replace(b"485", b"4_85"),
        data.replace(b"485", b"485.0"),
        data.replace(b"3.25", b"325e-2"),
        data.replace(b'"step"', b'"update": 485, "step"'),
        *(data[:length] for length in range(0, len(data), 37)),
    ]
    for other in others:
        assert other != data
        path.write_bytes(other)
        assert str(path) in refusal(read_manifest, folder)
    path.write_bytes(json.dumps(content, sort_keys=True, indent=1).encode() + b"\n")
    assert read_manifest(folder) == {k: v for k, v in content.items() if k != "sha256"}


def test_a_number_that_is_none_is_null(folder):
    metrics = {"loss.train": math.nan, "a": [math.inf, 1.5, {"b": -math.inf}], "c": (2,)}
    (folder / "manifest.json").write_bytes(manifest(CONTENTS, {**INFO, "metrics": metrics}))
    expected = {"loss.train": None, "a": [None, 1.5, {"b": None}], "c": [2]}
    assert read_manifest(folder)["metrics"] == expected


def test_what_is_told_cannot_replace_the_files(folder):
    told = {"version": 7, "files": {}, "sha256": "0", "metrics": {9: 1, 10: 2}}
    (folder / "manifest.json").write_bytes(manifest(CONTENTS, told))
    found = read_manifest(folder)
    assert found["version"] == 1 and found["metrics"] == {"9": 1, "10": 2}


def change(**changes):
    """A manifest with a right sum that is another one"""
    content = json.loads(manifest(CONTENTS, INFO))
    del content["sha256"]
    return signed({**content, **changes})


LISTED = json.loads(manifest(CONTENTS, INFO))["files"]
SIGNED = {
    "version 2": change(version=2),
    "version 'two\\n'": change(version="two\n"),
    "version True": change(version=True),
    "version None": change(version=None),
    "should list": change(files={**LISTED, "../../x": LISTED["state.json"]}),
    "should list model": change(files={"state.json": LISTED["state.json"]}),
    "should list model.safetensors": change(files=[*FILES]),
    "no size and sum of state.json": change(files={**LISTED, "state.json": [3, "x"]}),
    "no size and sum of rest.safetensors": change(
        files={**LISTED, "rest.safetensors": {"bytes": True, "sha256": "x"}}
    ),
    "no size and sum of model.safetensors": change(
        files={**LISTED, "model.safetensors": {"bytes": 3, "sha256": None}}
    ),
    "update is a str": change(update="485"),
    "best is a list": change(best=["485"]),
    "metrics is a NoneType": change(metrics=None),
    "is_done is a int": change(is_done=1),
}


@pytest.mark.parametrize("words", SIGNED)
def test_a_right_sum_is_not_enough(folder, words):
    (folder / "manifest.json").write_bytes(SIGNED[words])
    assert words in refusal(read_manifest, folder)


DAMAGED = {
    "no sum": b"{}",
    "no sum ": b"[]",
    "no sum  ": b"null\n",
    "another one": b'{"sha256": {"a": []}}',
    "Expecting value": b"",
    "Expecting value ": b"\0" * 4096,
    "can't decode": b'{"a": "\xff"}',
    "NaN is not JSON": b'{"a": NaN}',
    "-Infinity is not JSON": b'{"a": -Infinity}',
    "too large": b'{"a": 1e999}',
    "twice": b'{"a": 1, "a": 1}',
    "digits": b'{"a": ' + b"9" * 5000 + b"}",
    "recursion": b"[" * 100_000,
    "another one ": b'{"sha256": "\\u001b[2J"}',
}


@pytest.mark.parametrize("words", DAMAGED)
def test_what_is_no_manifest_is_refused(folder, words):
    (folder / "manifest.json").write_bytes(DAMAGED[words])
    assert words.strip() in refusal(read_manifest, folder)


def test_a_manifest_of_any_depth_is_refused(folder):
    # Some versions of Python read what is deeper than what they write.
    for depth in (*range(950, 1000), 2_000, 5_000, 50_000):
        data = b'{"sha256": 1, "a": ' + b"[" * depth + b"]" * depth + b"}"
        (folder / "manifest.json").write_bytes(data)
        assert " is damaged: " in refusal(read_manifest, folder)


def test_a_manifest_that_is_huge_is_not_read(folder):
    with open(folder / "manifest.json", "wb") as file:
        file.truncate(MAX_MANIFEST + 1)
    assert refusal(read_manifest, folder).endswith("has 16,777,217 bytes, which is no manifest")


def test_a_file_of_another_size_is_not_read(folder):
    listed = read_manifest(folder)["files"]
    path = folder / "model.safetensors"
    with open(path, "r+b") as file:
        file.truncate(10_000_000_000)
    assert refusal(checked, folder, path.name, listed) == (
        f"{path} has 10,000,000,000 bytes, not {len(CONTENTS[path.name])}"
    )


def test_a_file_with_another_sum_is_refused(folder):
    listed = read_manifest(folder)["files"]
    (folder / "state.json").write_bytes(CONTENTS["state.json"][::-1])
    text = refusal(checked, folder, "state.json", listed)
    assert text == f"{folder / 'state.json'} is damaged: its sum is another one"


@pytest.mark.parametrize("listed", [{}, {"a": None}, {"a": 3}, {"a": {"bytes": 1.0, "sha256": ""}}])
def test_a_file_that_is_not_listed_is_not_read(tmp_path, listed):
    (tmp_path / "a").write_bytes(b"1")
    assert "no size and sum of a" in refusal(checked, tmp_path, "a", listed)


def test_only_files_are_read(tmp_path):
    (tmp_path / "file").write_bytes(b"abc")
    assert read(tmp_path / "file") == read(tmp_path / "file", 3) == b"abc"
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "far").symlink_to("/etc/passwd")
    (tmp_path / "self").symlink_to("self")
    for name, words in {
        "pipe": "is no file",
        "folder": "is no file",
        "link": "cannot be read: it is a link",
        "far": "cannot be read: it is a link",
        "self": "cannot be read: it is a link",
        "absent": "is missing",
        "absent/file": "is missing",
        "file/file": "cannot be read: Not a directory",
        "a" * 300: "cannot be read: File name too long",
    }.items():
        assert refusal(read, tmp_path / name) == f"{tmp_path / name} {words}"
    assert "is no file" in refusal(read, ROOT.__class__("/dev/zero"))


def test_a_disk_that_fails_is_told(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"abc")

    def fail(*arguments):
        raise OSError(5, "Input/output error")

    n_open = len(os.listdir("/proc/self/fd"))
    with monkeypatch.context() as patch:
        patch.setattr(os, "fstat", fail)
        assert refusal(read, tmp_path / "file").endswith("cannot be read: Input/output error")
    assert len(os.listdir("/proc/self/fd")) == n_open


def test_json_is_strict():
    assert parse(b'{"a": [1, 1.5, "\\u00e4", null, -0.0]}', ValueError) == {
        "a": [1, 1.5, "ä", None, -0.0]
    }
    for text in (b"{'a': 1}", b"[1,]", b"", b"1 2", b"\xfe\xff\x001", b"Infinity", b"-1e400"):
        with pytest.raises(KeyError):
            parse(text, KeyError)


def test_what_others_say_becomes_one_line():
    assert line("a\n b\x1b[2J\x00c") == "a b?[2J?c"
    assert len(line("x" * 1000)) == 200


def test_these_pages_do_without_torch():
    done = subprocess.run(
        [sys.executable, "-c", "import labnn.runs.shelf, sys; print(*sys.modules)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    loaded = done.stdout.split()
    assert "labnn.runs.manifest" in loaded and not {"torch", "numpy", "labml"} & {*loaded}
