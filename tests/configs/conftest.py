import pytest
from labml import lab
from labml.internal.computer import configs as computer

from labnn.runs.tracking import quiet


@pytest.fixture
def silent():
    """labml prints what it prepares."""
    with quiet():
        yield


@pytest.fixture
def lab_folder(tmp_path, monkeypatch, silent):
    """labml writes into a folder of its own and into the home of the user."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(computer, "_internal", None)
    lab.configure({"path": str(tmp_path), "check_repo_dirty": False})
    return tmp_path
