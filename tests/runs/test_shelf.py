import os
import shutil
from pathlib import Path

import pytest

from labnn.runs.manifest import FILES, CheckpointError, manifest
from labnn.runs.shelf import free_name, hide, names, order, prune, remove, set_aside, sweep


def shelf(parent, *found, **best):
    """Checkpoints without contents; `_9="8"` says that the best until 9 is 8."""
    parent.mkdir(exist_ok=True)
    for name in found:
        (parent / name).mkdir()
        info = {"best": best.get("_" + name.replace(".", "_"))}
        (parent / name / "manifest.json").write_bytes(manifest(dict.fromkeys(FILES, b""), info))
        (parent / name / "state.json").write_bytes(b"x")
    return parent


def pruned(parent, keep):
    """What is left, and what was told"""
    told = []
    prune(parent, keep, told.append)
    return sorted(os.listdir(parent)), told


def test_checkpoints_are_sorted_by_number(tmp_path):
    shelf(tmp_path, "10.10", "9", "11", "10.2", "0", "10", "10.1", "100")
    assert names(tmp_path) == ["0", "9", "10", "10.1", "10.2", "10.10", "11", "100"]
    assert order("10") < order("10.1") < order("10.2") < order("11")


OTHERS = [
    ".part-9",
    ".old-9",
    "9.",
    ".9",
    "9.0",
    "9.01",
    "09",
    "+9",
    "-9",
    "9 ",
    "9\n",
    "9.1.1",
    "9e1",
    "٩",
    "best",
    "9-copy",
]


def test_what_has_another_name_is_no_checkpoint(tmp_path):
    shelf(tmp_path, "9")
    for name in OTHERS:
        (tmp_path / name).mkdir()
    assert names(tmp_path) == ["9"]


def test_where_there_is_no_folder_there_is_no_checkpoint(tmp_path):
    assert names(tmp_path / "absent") == names(tmp_path) == []
    assert free_name(tmp_path / "absent", 7) == "7"


def test_checkpoints_that_cannot_be_seen_are_not_taken_for_none(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    (tmp_path / "away").symlink_to("/mnt/away")
    with pytest.raises(CheckpointError, match="file cannot be read: Not a directory"):
        names(tmp_path / "file")
    with pytest.raises(CheckpointError, match="away cannot be read: No such file"):
        names(tmp_path / "away")

    def refuse(folder):
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(os, "listdir", refuse)
    with pytest.raises(CheckpointError) as e:
        names(tmp_path)
    assert str(e.value) == f"{tmp_path} cannot be read: Permission denied"
    # A run that goes on is told when it saves.
    assert free_name(tmp_path, 7) == "7"
    told = []
    prune(tmp_path, 2, told.append)
    assert told == [str(e.value)]


def test_a_link_to_a_folder_is_a_folder(tmp_path):
    shelf(tmp_path / "real", "3", "4", "5")
    (tmp_path / "link").symlink_to("real")
    assert names(tmp_path / "link") == ["3", "4", "5"]
    assert pruned(tmp_path / "link", 2) == (["4", "5"], [])


def test_a_free_name_is_free(tmp_path):
    assert free_name(tmp_path, 9) == "9"
    shelf(tmp_path, "9", "10", "10.1", "10.7")
    assert [free_name(tmp_path, update) for update in (0, 9, 10, 11)] == ["0", "9.1", "10.8", "11"]
    shutil.rmtree(tmp_path / "10")
    assert order(free_name(tmp_path, 10)) > order("10.7")


def test_the_newest_stay(tmp_path):
    shelf(tmp_path, "0", "9", "10", "10.1", "11")
    assert pruned(tmp_path, 2) == (["10.1", "11"], [])
    assert pruned(tmp_path, 3) == (["10.1", "11"], [])


def test_where_all_are_kept_only_leftovers_go(tmp_path):
    shelf(tmp_path, "0", "9", "10", "10.1", "11", ".old-8")
    assert pruned(tmp_path, -1) == (["0", "10", "10.1", "11", "9"], [])


def test_the_best_of_each_of_the_newest_stays(tmp_path):
    shelf(tmp_path, *map(str, range(9)), _8="4", _7="2", _6="1", _4="0")
    assert pruned(tmp_path, 2) == (["2", "4", "7", "8"], [])


def test_a_damaged_manifest_takes_nothing_else_along(tmp_path):
    shelf(tmp_path, "1", "2", "3", "4", _4="1", _3="2")
    (tmp_path / "4" / "manifest.json").write_bytes(b"")
    assert pruned(tmp_path, 2) == (["2", "3", "4"], [])


def test_leftovers_go_and_the_rest_is_left_alone(tmp_path):
    shelf(tmp_path, "1", "2", "3")
    for name in (".part-4", ".part-4.1", ".old-1", ".old-1~1", ".old-1~22"):
        shelf(tmp_path, name)
    others = [".part-", ".old-x", ".part-04", ".old-1~", ".git", "notes.txt", *OTHERS[2:]]
    for name in others:
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine").write_text("")
    assert pruned(tmp_path, 2) == (sorted(["2", "3", *others]), [])
    assert all((tmp_path / name / "mine").is_file() for name in others)


def test_a_file_or_a_link_in_the_place_of_a_checkpoint_goes_and_its_end_stays(tmp_path):
    precious = shelf(tmp_path / "precious", "5")
    parent = shelf(tmp_path / "checkpoints", "3", "4")
    (parent / "1").symlink_to(precious)
    (parent / "2").write_text("")
    (parent / ".part-7").symlink_to(precious)
    (parent / ".old-7").symlink_to("/nowhere")
    assert pruned(parent, 2) == (["3", "4"], [])
    assert names(precious) == ["5"] and (precious / "5" / "state.json").is_file()


def test_a_checkpoint_loses_its_name_first(tmp_path):
    shelf(tmp_path, "1", "2")
    hide(tmp_path, "1")
    assert names(tmp_path) == ["2"] and (tmp_path / ".old-1" / "state.json").is_file()


def test_a_name_can_be_lost_again(tmp_path):
    for _ in range(3):
        shelf(tmp_path, "1")
        hide(tmp_path, "1")
    assert sorted(os.listdir(tmp_path)) == [".old-1", ".old-1~1", ".old-1~2"]
    assert sweep(tmp_path) == [] and os.listdir(tmp_path) == []


def test_what_is_newer_than_where_a_run_goes_on_is_set_aside(tmp_path):
    shelf(tmp_path, "9", "10", "10.1", "11", "100")
    set_aside(tmp_path, "10")
    assert names(tmp_path) == ["9", "10"]
    assert pruned(tmp_path, 2) == (["10", "9"], [])


def test_what_cannot_be_set_aside_is_an_error(tmp_path, monkeypatch):
    shelf(tmp_path, "9", "10")

    def refuse(*paths):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(CheckpointError) as e:
        set_aside(tmp_path, "9")
    assert str(e.value) == f"{tmp_path / '10'} cannot be renamed: Read-only file system"


def stubborn(monkeypatch, *stuck):
    """Folders that cannot be taken away"""
    rmtree = shutil.rmtree

    def refuse(path, *arguments, **options):
        if Path(path).name in stuck:
            raise PermissionError(13, "Permission denied", str(path))
        rmtree(path, *arguments, **options)

    monkeypatch.setattr(shutil, "rmtree", refuse)


def test_what_cannot_be_taken_away_only_warns(tmp_path, monkeypatch):
    shelf(tmp_path, "1", "2", "3", "4", "5")
    stubborn(monkeypatch, ".old-1")
    left, told = pruned(tmp_path, 2)
    assert left == [".old-1", "4", "5"]
    assert told == [f"1 old checkpoint(s) in {tmp_path} cannot be taken away: Permission denied"]
    # Neither that one nor its name is in the way of others.
    shelf(tmp_path, "1", "6")
    assert pruned(tmp_path, 2)[0] == [".old-1", "5", "6"]


def test_what_cannot_lose_its_name_only_warns(tmp_path, monkeypatch):
    shelf(tmp_path, "1", "2", "3", "4")
    rename = os.rename

    def refuse(one, other):
        if Path(one).name == "1":
            raise PermissionError(13, "Permission denied")
        rename(one, other)

    monkeypatch.setattr(os, "rename", refuse)
    left, told = pruned(tmp_path, 2)
    assert left == ["1", "3", "4"] and len(told) == 1


@pytest.mark.skipif(shutil.which("chattr") is None or os.geteuid() != 0, reason="needs chattr")
def test_a_real_folder_that_cannot_be_taken_away_only_warns(tmp_path):
    shelf(tmp_path, "1", "2", "3", "4")
    stuck = tmp_path / "1" / "state.json"
    if os.system(f"chattr +i {stuck} 2>/dev/null"):
        pytest.skip("the file system has no such attribute")
    try:
        left, told = pruned(tmp_path, 2)
        assert left == [".old-1", "3", "4"] and len(told) == 1 and "not permitted" in told[0]
    finally:
        os.system(f"chattr -i {tmp_path}/*1/state.json {tmp_path}/.old-1/state.json 2>/dev/null")
    assert pruned(tmp_path, 2) == (["3", "4"], [])


def test_removing_what_is_not_there_is_no_error(tmp_path):
    remove(tmp_path / "absent")
    assert len(sweep(tmp_path / "absent")) == 1
