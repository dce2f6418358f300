import os

import pytest

from labnn.runs.folders import RunError
from labnn.runs.growing import cut, is_begun, no_links, synced_sizes


def write(folder, **texts):
    for name, text in texts.items():
        (folder / f"{name}.jsonl").write_text(text)


def test_what_was_written_later_is_cut_off(tmp_path):
    write(tmp_path, metrics="one\n", samples="a\n")
    sizes = synced_sizes(tmp_path)
    assert sizes == {"metrics.jsonl": 4, "samples.jsonl": 2}
    write(tmp_path, metrics="one\ntwo\nhal", samples="a\nb\n")
    cut(tmp_path, sizes, pytest.fail)
    assert (tmp_path / "metrics.jsonl").read_text() == "one\n"
    assert (tmp_path / "samples.jsonl").read_text() == "a\n"


def test_a_file_that_was_not_there_is_removed(tmp_path):
    sizes = synced_sizes(tmp_path)
    assert sizes == {"metrics.jsonl": 0, "samples.jsonl": 0} and not is_begun(tmp_path)
    write(tmp_path, metrics="one\n")
    assert is_begun(tmp_path)
    cut(tmp_path, sizes, pytest.fail)
    assert not [*tmp_path.iterdir()] and not is_begun(tmp_path)


def test_lines_that_are_lost_are_told(tmp_path):
    write(tmp_path, metrics="one\n")
    told = []
    cut(tmp_path, {"metrics.jsonl": 9, "samples.jsonl": 3}, told.append)
    assert len(told) == 2
    assert "metrics.jsonl has 4 bytes, and had 9: lines of it are lost" in told[0]
    assert (tmp_path / "metrics.jsonl").read_text() == "one\n"


def test_other_files_are_never_touched(tmp_path):
    """The sizes come from a checkpoint, which anybody can have made."""
    precious = tmp_path / "precious"
    precious.write_text("gold")
    run = tmp_path / "run"
    run.mkdir()
    cut(run, {str(precious): 1, "../precious": 1, "metrics.jsonl": 0}, pytest.fail)
    (run / "metrics.jsonl").symlink_to(precious)
    for size in (0, 1):
        with pytest.raises(RunError, match="metrics.jsonl is a link"):
            cut(run, {"metrics.jsonl": size}, pytest.fail)
    with pytest.raises(OSError), open(run / "metrics.jsonl", "ab", opener=no_links):
        pass
    os.unlink(run / "metrics.jsonl")
    (run / "metrics.jsonl").mkdir()
    with pytest.raises(RunError, match="or no file"):
        cut(run, {"metrics.jsonl": 1}, pytest.fail)
    assert precious.read_text() == "gold"
