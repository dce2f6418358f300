import errno
import gzip
import json
import math
import os
import pickle
import random
import resource
import shutil
import signal
import struct
import subprocess
import tarfile
import zipfile
from collections import namedtuple
from io import BytesIO
from pathlib import Path

import pytest
import safetensors.torch
import torch

from labnn.configs.update import TrainingError
from labnn.runs import checkpoint, shelf
from labnn.runs.checkpoint import SaveError, load, newest, packed, save
from labnn.runs.manifest import (
    FILES,
    VERSION,
    CheckpointError,
    manifest,
    read_manifest,
    signed,
)
from tests.runs.test_packing import is_same

# Later versions of Python warn of a fork where there are threads; ours do nothing else before.
pytestmark = pytest.mark.filterwarnings("ignore:This process.*fork:DeprecationWarning")

ALL = (*FILES, "manifest.json")
Usage = namedtuple("Usage", "total used free")


def state(seed):
    """What a small training depends on"""
    torch.manual_seed(seed)
    model = torch.nn.Sequential(torch.nn.Embedding(101, 13), torch.nn.Linear(13, 101))
    model[1].weight = model[0].weight
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.arange(7)).square().mean().backward()
    optimizer.step()
    generator = random.Random(seed)
    return {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "random": {"torch": torch.get_rng_state(), "python": generator.getstate()},
        "position": {"epoch": seed, "phase": "train", "best": math.inf},
        "plain": (seed, None, [1.5, -0.0]),
    }


def contents(folder):
    """All that is in a folder"""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def holds(parent, seed):
    """Whether the newest checkpoint is a state, to the last bit"""
    return is_same(newest(parent, pytest.fail)[1], plain(seed))


def plain(seed):
    """A state with the plain kinds that come back"""
    given = state(seed)
    return {**given, "model": dict(given["model"])}


def refusal(work, *arguments, error=CheckpointError):
    """The one line of an error"""
    with pytest.raises(error) as e:
        work(*arguments)
    text = str(e.value)
    assert len(text.splitlines()) == 1 and text.isprintable() and len(text) < 700, text
    return text


@pytest.fixture(scope="module")
def shelves(tmp_path_factory):
    """The checkpoints 3 and 5"""
    parent = tmp_path_factory.mktemp("shelves") / "checkpoints"
    for seed in (3, 5):
        save(parent, str(seed), packed(state(seed)), {"update": seed})
    return parent


@pytest.fixture
def parent(shelves, tmp_path):
    """A copy of them"""
    return Path(shutil.copytree(shelves, tmp_path / "checkpoints"))


# What is written comes back.


def test_a_state_comes_back(parent):
    assert holds(parent, 5) and is_same(load(parent / "3"), plain(3))
    assert not is_same(plain(3), plain(5))
    assert read_manifest(parent / "5")["update"] == 5
    assert sorted(os.listdir(parent / "5")) == sorted(ALL)


def test_tied_weights_and_memory_of_their_own(parent):
    model = load(parent / "5")["model"]
    assert model["0.weight"] is model["1.weight"]
    tensors = [model["0.weight"], model["1.bias"]]
    # A tensor that torch makes begins at such an address, on which the order of sums may depend.
    assert all(tensor.data_ptr() % 64 == 0 for tensor in tensors)
    before = contents(parent)
    model["0.weight"].fill_(1)
    assert contents(parent) == before


def test_the_model_has_the_names_that_others_know(parent):
    found = safetensors.torch.load_file(parent / "5" / "model.safetensors")
    assert {*found} == {"0.weight", "1.bias"}


def test_a_part_can_be_loaded_without_the_rest(parent):
    (parent / "5" / "optimizer.safetensors").unlink()
    (parent / "5" / "rest.safetensors").write_bytes(b"")
    assert is_same(load(parent / "5", ("model",)), {"model": plain(5)["model"]})
    assert load(parent / "5", ("nothing",)) == {}
    for part in ("optimizer", "random"):
        assert "safetensors" in refusal(load, parent / "5", (part,))


def test_parts_of_any_name(tmp_path):
    given = {
        "$": {"$": 1},
        "rest": {"a": torch.ones(1)},
        "a": torch.zeros(1),
        "model": torch.ones(2),
    }
    save(tmp_path, "0", packed(given), {})
    assert is_same(load(tmp_path / "0"), given)


def test_what_cannot_be_saved_is_named():
    given = {"optimizer": {"state": {0: {"foo": object()}}}}
    text = refusal(packed, given, error=SaveError)
    assert text.startswith("the run cannot be saved: optimizer.state.0.foo is a object; ")
    text = refusal(packed, {"extra": [object()]}, error=SaveError)
    assert text.startswith("the run cannot be saved: extra.0 is a object; ")
    assert issubclass(SaveError, TrainingError)


def test_the_files_do_not_change_with_the_state():
    given = {"model": {"w": torch.zeros(3)}}
    files = packed(given)
    given["model"]["w"].fill_(1)
    assert safetensors.torch.load(files["model.safetensors"])["w"].eq(0).all()


def test_none_is_none(tmp_path):
    assert newest(tmp_path, pytest.fail) is None
    assert newest(tmp_path / "absent", pytest.fail) is None


def test_checkpoints_that_cannot_be_seen_are_no_reason_to_begin_anew(tmp_path):
    (tmp_path / "checkpoints").symlink_to(tmp_path / "disk" / "that" / "is" / "away")
    assert "cannot be read" in refusal(newest, tmp_path / "checkpoints", pytest.fail)
    text = refusal(save, tmp_path / "checkpoints", "1", packed({}), {}, error=SaveError)
    assert "there is no checkpoint yet" in text


# Damage is found.


def bit(data, rng, end=None):
    changed = bytearray(data)
    changed[rng.randrange(end or len(data))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def header_bit(data, rng):
    return bit(data, rng, 8 + int.from_bytes(data[:8], "little"))


def zeros(data, rng):
    start = rng.randrange(0, len(data), 4096)
    return data[:start] + bytes(len(data[start : start + 4096])) + data[start + 4096 :]


def exchange(data, rng):
    while True:
        changed = bytearray(data)
        one, other = rng.sample(range(len(data)), 2)
        changed[one], changed[other] = changed[other], changed[one]
        if changed != data:
            return bytes(changed)


# Ways to change the contents of a file, and how often each is tried with each file
CHANGES = {
    "bit": (bit, 11),
    "truncated": (lambda data, rng: data[: rng.randrange(1, len(data))], 5),
    "zeros": (zeros, 2),
    "exchanged": (exchange, 3),
    "appended": (lambda data, rng: data + rng.randbytes(rng.choice([1, 7, 4096])), 3),
    "appended zeros": (lambda data, rng: data + b"\0", 1),
    "doubled": (lambda data, rng: data + data, 1),
    "empty": (lambda data, rng: b"", 1),
    "noise": (lambda data, rng: rng.randbytes(len(data)), 1),
}


def as_missing(path):
    path.unlink()


def as_folder(path):
    path.unlink()
    path.mkdir()


def as_pipe(path):
    path.unlink()
    os.mkfifo(path)


def as_link(path):
    # What it leads to is right to the last byte, and nobody said that it stays so.
    os.rename(path, path.parent.parent / "elsewhere")
    path.symlink_to("../elsewhere")


def as_link_to_itself(path):
    path.unlink()
    path.symlink_to(path.name)


def as_another(path):
    other = path.parent.parent / "3" / path.name
    assert other.read_bytes() != path.read_bytes()
    data = other.read_bytes()
    path.unlink()
    path.write_bytes(data)


REPLACEMENTS = [as_missing, as_folder, as_pipe, as_link, as_link_to_itself, as_another]


def mutations():
    """The name of a file, and what is done to it at its path"""
    rng = random.Random(17)

    def writing(change):
        def work(path):
            data = path.read_bytes()
            changed = change(data, rng)
            assert changed != data
            path.write_bytes(changed)

        return work

    for file in ALL:
        for change, times in CHANGES.values():
            yield from ((file, writing(change)) for _ in range(times))
        if file.endswith(".safetensors"):
            yield from ((file, writing(header_bit)) for _ in range(10))
        yield from ((file, work) for work in REPLACEMENTS)


def test_200_kinds_of_damage_are_found(shelves, tmp_path):
    n_found = 0
    for number, (file, damage) in enumerate(mutations()):
        parent = shutil.copytree(shelves, tmp_path / str(number))
        damage(parent / "5" / file)
        told = []
        found = newest(parent, told.append)
        assert found[0] == "3" and is_same(found[1], plain(3)), (file, damage)
        (told,) = told
        assert len(told.splitlines()) == 1 and told.isprintable()
        if damage is as_another and file == "manifest.json":
            # A manifest that is whole: the first file differs from it.
            file = "state.json"
        path, _, reason = told.partition(" ")
        assert path == str(parent / "5" / file), told
        reason, _, done = reason.partition("; ")
        assert len(reason) >= len("is missing") and done == "taking the checkpoint before it"
        assert contents(parent / "3") == contents(shelves / "3")
        shutil.rmtree(parent)
        n_found += 1
    assert n_found >= 200


@pytest.mark.parametrize("kind", ["nothing", "file", "link", "manifest"])
def test_a_checkpoint_that_is_none_is_passed_over(parent, kind):
    folder = parent / "5"
    data = (folder / "manifest.json").read_bytes()
    shutil.rmtree(folder)
    if kind == "file":
        folder.write_bytes(data)
    elif kind == "link":
        folder.symlink_to("5")
    else:
        folder.mkdir()
        if kind == "manifest":
            (folder / "manifest.json").write_bytes(data)
    told = []
    assert newest(parent, told.append)[0] == "3" and len(told) == 1
    assert told[0].startswith(str(folder))


def test_two_files_of_a_checkpoint_that_are_exchanged_are_found(parent):
    one, other = parent / "5" / "model.safetensors", parent / "5" / "optimizer.safetensors"
    data = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(data)
    told = []
    assert newest(parent, told.append)[0] == "3" and len(told) == 1


@pytest.mark.parametrize("file", ALL)
def test_where_all_are_damaged_there_is_an_error_and_no_new_beginning(parent, file):
    (parent / "5" / file).write_bytes(b"")
    (parent / "3" / file).unlink()
    told = []
    text = refusal(newest, parent, told.append)
    assert len(told) == 1 and str(parent / "5" / file) in told[0]
    assert text.startswith(
        f"no checkpoint in {parent} is whole: {parent / '3' / file} is missing; "
    )


# The order in which things are brought to the disk


def recorded(monkeypatch, parent):
    """What the system is asked to do, as it comes, with sizes of the files at that time"""
    events = []

    def name(path):
        relative = os.path.relpath(path, parent)
        return str(parent.name) if relative == "." else relative

    def spy(module, function, told):
        real = getattr(module, function)

        def wrapper(*arguments, **options):
            events.append(told(*arguments))
            return real(*arguments, **options)

        monkeypatch.setattr(module, function, wrapper)

    def synced(number):
        path = os.readlink(f"/proc/self/fd/{number}")
        size = "" if os.path.isdir(path) else f" {os.fstat(number).st_size}"
        return f"fsync {name(path)}{size}"

    spy(os, "fsync", synced)
    spy(os, "rename", lambda one, other: f"rename {name(one)} {name(other)}")
    spy(os, "mkdir", lambda path, *_: f"mkdir {name(path)}")
    spy(shutil, "rmtree", lambda path, *_: f"rmtree {name(path)}")

    def opened(path, mode="r", *arguments, **options):
        events.append(f"write {name(path)}")
        return open(path, mode, *arguments, **options)

    monkeypatch.setattr(checkpoint, "open", opened, raising=False)
    return events


def test_each_thing_is_on_the_disk_before_the_next_depends_on_it(parent, monkeypatch):
    files = packed(state(7))
    info = {"update": 7}
    events = recorded(monkeypatch, parent)
    save(parent, "7", files, info)
    shelf.prune(parent, 2, pytest.fail)
    expected = ["mkdir .part-7"]
    for file, data in [*files.items(), ("manifest.json", manifest(files, info))]:
        expected += [f"write .part-7/{file}", f"fsync .part-7/{file} {len(data)}"]
    expected += ["fsync .part-7", "rename .part-7 7", "fsync checkpoints"]
    assert events == [*expected, "rename 3 .old-3", "rmtree .old-3"]


def test_folders_that_are_made_are_on_the_disk_as_well(tmp_path, monkeypatch):
    parent = tmp_path / "run" / "checkpoints"
    events = recorded(monkeypatch, parent)
    save(parent, "0", packed({}), {})
    made = ["mkdir ..", "fsync ../..", "mkdir checkpoints", "fsync .."]
    assert [e for e in events if e.startswith(("mkdir", "fsync .."))][:4] == made


def failing(monkeypatch, number, when=lambda fd: True):
    """`fsync` fails."""
    real = os.fsync

    def fsync(fd):
        if when(fd):
            raise OSError(number, os.strerror(number))
        real(fd)

    monkeypatch.setattr(os, "fsync", fsync)


def is_folder(fd):
    return os.path.isdir(os.readlink(f"/proc/self/fd/{fd}"))


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP])
def test_a_file_system_that_cannot_sync_folders_will_do(parent, monkeypatch, number):
    failing(monkeypatch, number, is_folder)
    save(parent, "7", packed(state(7)), {})
    assert holds(parent, 7)


FAILURES = {
    "a file": lambda fd: not is_folder(fd),
    "the folder": lambda fd: is_folder(fd) and os.readlink(f"/proc/self/fd/{fd}").endswith("7"),
    # The name was given already.
    "the parent": lambda fd: os.readlink(f"/proc/self/fd/{fd}").endswith("checkpoints"),
}


@pytest.mark.parametrize("what", FAILURES)
def test_a_disk_that_fails_leaves_nothing_behind(parent, monkeypatch, what):
    before = contents(parent)
    failing(monkeypatch, errno.EIO, FAILURES[what])
    text = refusal(save, parent, "7", packed(state(7)), {}, error=SaveError)
    assert text == (f"{parent / '7'} is not saved: Input/output error; checkpoint 5 is untouched")
    assert contents(parent) == before and sorted(os.listdir(parent)) == ["3", "5"]
    assert holds(parent, 5)


def test_no_checkpoint_is_replaced(parent):
    before = contents(parent)
    assert "Directory not empty" in refusal(save, parent, "5", packed({}), {}, error=SaveError)
    assert contents(parent) == before


def test_nothing_is_written_through_what_stands_in_the_way(parent, tmp_path):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "mine").write_text("mine")
    (parent / ".part-7").symlink_to(precious)
    save(parent, "7", packed(state(7)), {})
    assert holds(parent, 7) and not (parent / "7").is_symlink()
    assert contents(precious) == {"mine": b"mine"}


def test_what_cannot_be_moved_out_of_the_way_is_an_error(parent, monkeypatch):
    (parent / ".part-7").mkdir()
    (parent / ".part-7" / "model.safetensors").write_bytes(b"old")

    def refuse(path, *arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(shutil, "rmtree", refuse)
    assert "File exists" in refusal(save, parent, "7", packed({}), {}, error=SaveError)
    assert holds(parent, 5)


def test_who_interrupts_finds_no_half_of_a_checkpoint(parent, monkeypatch):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, "sync_folder", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save(parent, "7", packed(state(7)), {})
    assert sorted(os.listdir(parent)) == ["3", "5"]


def test_the_folder_of_the_checkpoints_may_be_a_link_or_go_away(parent, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(parent)
    save(link, "7", packed(state(7)), {})
    assert holds(link, 7) and holds(parent, 7)
    shutil.rmtree(parent)
    parent.parent.chmod(0o755)
    save(parent, "9", packed(state(9)), {})
    assert holds(link, 9)


# A process that is killed


def forked(work):
    """How a fork of this process ends that does `work`, and the text that it returns"""
    end, other = os.pipe()
    pid = os.fork()
    if not pid:
        # Whatever happens, this process does not go on with the tests.
        try:
            os.write(other, str(work()).encode())
            os._exit(0)
        except BaseException as e:
            os.write(other, f"{type(e).__name__}: {e}".encode())
        finally:
            os._exit(1)
    os.close(other)
    with open(end, "rb") as file:
        text = file.read().decode()
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), text


def die(*arguments, **options):
    os.kill(os.getpid(), signal.SIGKILL)


def before(module, function, of=None):
    """Die before a function is called, with such a name in the path"""

    def arrange():
        real = getattr(module, function)

        def wrapper(path, *arguments, **options):
            if of is None or of in str(path):
                die()
            return real(path, *arguments, **options)

        setattr(module, function, wrapper)

    return arrange


def after(module, function, of=None):
    """Die after it"""

    def arrange():
        real = getattr(module, function)

        def wrapper(path, *arguments, **options):
            real(path, *arguments, **options)
            if of is None or of in str(path):
                die()

        setattr(module, function, wrapper)

    return arrange


def half(file):
    """Die in the middle of a file"""

    def arrange():
        real = checkpoint.write_file

        def wrapper(path, data):
            if path.name == file:
                path.write_bytes(data[: len(data) // 2])
                die()
            real(path, data)

        checkpoint.write_file = wrapper

    return arrange


def half_removed():
    """Die in the middle of the removal of a folder"""

    def rmtree(path):
        os.unlink(Path(path) / "manifest.json")
        os.unlink(Path(path) / "model.safetensors")
        die()

    shutil.rmtree = rmtree


# Where the process dies, and which checkpoint is the newest then
POINTS = {
    "before anything": (before(checkpoint, "make_folder"), 5),
    "before the folder": (before(os, "mkdir"), 5),
    "after the folder": (after(os, "mkdir"), 5),
    **{f"half of {file}": (half(file), 5) for file in ALL},
    "before the manifest": (before(checkpoint, "write_file", "manifest.json"), 5),
    "after the manifest": (after(checkpoint, "write_file", "manifest.json"), 5),
    "before the folder is synced": (before(checkpoint, "sync_folder", ".part-7"), 5),
    "before the name": (before(os, "rename"), 5),
    "after the name": (after(os, "rename"), 7),
    "after all is on the disk": (after(checkpoint, "save"), 7),
    "before an old one loses its name": (before(os, "rename", "checkpoints/2"), 7),
    "after an old one has lost its name": (after(os, "rename", "checkpoints/2"), 7),
    "while an old one is taken away": (half_removed, 7),
    "between two old ones": (before(os, "rename", "checkpoints/3"), 7),
    "before the second is taken away": (before(shutil, "rmtree", ".old-3"), 7),
    "after all": (lambda: None, 7),
}


@pytest.mark.parametrize("point", POINTS)
def test_a_process_that_is_killed_leaves_the_old_or_the_new_state(parent, point):
    arrange, expected = POINTS[point]
    save(parent, "2", packed(state(2)), {"update": 2})
    assert holds(parent, 5)

    def work():
        arrange()
        checkpoint.save(parent, "7", packed(state(7)), {"update": 7})
        shelf.prune(parent, 2, pytest.fail)
        # Only one of the points is here: each of the others was reached.
        if point == "after all":
            die()
        return "the end"

    assert forked(work) == (-signal.SIGKILL, "")
    assert holds(parent, expected)
    # Each one with a name is whole, and none of those that are to stay has gone.
    for name in shelf.names(parent):
        assert is_same(load(parent / name), plain(int(name)))
    assert "5" in shelf.names(parent)
    assert len(os.listdir(parent)) >= 2
    # The run comes to the same update again.
    name = shelf.free_name(parent, 7)
    assert name == ("7" if expected == 5 else "7.1")
    save(parent, name, packed(state(8)), {"update": 7})
    shelf.prune(parent, 2, pytest.fail)
    assert sorted(os.listdir(parent)) == ["5" if expected == 5 else "7", name]
    assert holds(parent, 8)


# A disk that is full


def test_a_limit_on_the_size_of_files_is_told(parent):
    before = contents(parent)

    def work():
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        save(parent, "7", packed(state(7)), {})

    code, text = forked(work)
    needed = int(1.2 * sum(map(len, packed(state(7)).values())))
    assert code == 1 and text.startswith(
        f"SaveError: {parent / '7'} is not saved: File too large, it needs {needed:,} bytes, "
    )
    assert text.endswith(" bytes are free; make room, checkpoint 5 is untouched")
    assert contents(parent) == before and sorted(os.listdir(parent)) == ["3", "5"]


def test_where_there_is_no_room_nothing_is_written(parent, monkeypatch):
    needed = int(1.2 * sum(map(len, packed(state(7)).values())))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**6, 10**6, needed - 1))
    events = recorded(monkeypatch, parent)
    text = refusal(save, parent, "7", packed(state(7)), {}, error=SaveError)
    assert text == (
        f"{parent / '7'} is not saved: No space left on device, it needs {needed:,} bytes, "
        f"{needed - 1:,} bytes are free; make room, checkpoint 5 is untouched"
    )
    assert not [e for e in events if not e.startswith("rmtree")]
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**6, 10**6, needed + 1))
    save(parent, "7", packed(state(7)), {})
    assert holds(parent, 7)


def test_a_file_system_that_does_not_tell_its_size_will_do(parent, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(0, 0, 0))
    save(parent, "7", packed(state(7)), {})
    assert holds(parent, 7)


def test_what_a_killed_process_left_makes_room(parent, monkeypatch):
    (parent / ".part-6").mkdir()
    (parent / ".part-6" / "model.safetensors").write_bytes(b"half")

    def usage(path):
        return Usage(10**9, 0, 10**9 if not (parent / ".part-6").exists() else 0)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    save(parent, "7", packed(state(7)), {})
    assert holds(parent, 7)


def test_the_first_checkpoint_that_does_not_fit_says_that_there_is_none(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(9, 9, 0))
    text = refusal(save, tmp_path, "0", packed({}), {}, error=SaveError)
    assert text.endswith("make room, there is no checkpoint yet")


@pytest.fixture
def small_disk(tmp_path):
    """A real disk of 3 MB"""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)]
    if os.geteuid() or shutil.which("mount") is None:
        pytest.skip("only root can mount a disk")
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def large(seed):
    """A state of about 1 MB"""
    torch.manual_seed(seed)
    return {"model": {"w": torch.randn(500, 500)}}


@pytest.mark.parametrize("is_foreseen", [True, False])
def test_a_real_disk_that_is_full(small_disk, monkeypatch, is_foreseen):
    parent = small_disk / "checkpoints"
    if not is_foreseen:
        monkeypatch.setattr(checkpoint, "MARGIN", 0)
    for seed in (1, 2):
        save(parent, str(seed), packed(large(seed)), {})
    (small_disk / "other").write_bytes(bytes(500_000))
    before = contents(parent)
    text = refusal(save, parent, "3", packed(large(3)), {}, error=SaveError)
    assert "No space left on device, it needs " in text
    assert "bytes are free; make room, checkpoint 2 is untouched" in text
    assert contents(parent) == before and sorted(os.listdir(parent)) == ["1", "2"]
    assert is_same(newest(parent, pytest.fail)[1], large(2))
    (small_disk / "other").unlink()
    shutil.rmtree(parent / "1")
    save(parent, "3", packed(large(3)), {})
    assert is_same(newest(parent, pytest.fail)[1], large(3))


def test_a_disk_that_becomes_read_only(small_disk):
    parent = small_disk / "checkpoints"
    for seed in (1, 2):
        save(parent, str(seed), packed(state(seed)), {})
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    text = refusal(save, parent, "3", packed(state(3)), {}, error=SaveError)
    assert text.endswith("3 is not saved: Read-only file system; checkpoint 2 is untouched")
    assert holds(parent, 2)
    told = []
    shelf.prune(parent, 1, told.append)
    assert len(told) == 1 and told[0].endswith("cannot be taken away: Read-only file system")
    text = refusal(shelf.set_aside, parent, "1")
    assert text.endswith("2 cannot be renamed: Read-only file system")


# What others have made


class Bomb:
    """Whoever loads it leaves a file behind."""

    def __init__(self, canary):
        self.canary = str(canary)

    def __reduce__(self):
        return (os.mkdir, (self.canary,))


def entry(shape, start, end, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


def tensors(header, data=b"", length=None):
    """A file of tensors with any header"""
    header = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def archive(kind, canary):
    """Files that other programs unpack"""
    file = BytesIO()
    if kind == "tar":
        with tarfile.open(fileobj=file, mode="w") as tar:
            tar.addfile(tarfile.TarInfo("../../canary"))
    else:
        with zipfile.ZipFile(file, "w") as outer:
            outer.writestr("../../canary", "x")
            outer.writestr("data.pkl", pickle.dumps(Bomb(canary)))
    return file.getvalue()


def torch_file(canary):
    file = BytesIO()
    torch.save({"w": Bomb(canary)}, file)
    return file.getvalue()


W = entry([2], 0, 8)
EIGHT = bytes(8)

# What stands in model.safetensors, with the sum that the manifest says
WRONG_TENSORS = {
    "pickle": lambda canary: pickle.dumps(Bomb(canary)),
    "old pickle": lambda canary: pickle.dumps(Bomb(canary), protocol=0),
    "pt": torch_file,
    "tar": lambda canary: archive("tar", canary),
    "zip": lambda canary: archive("zip", canary),
    "gzip": lambda canary: gzip.compress(bytes(10**6)),
    "html": b"<!DOCTYPE html><html><body>404</body></html>",
    "elf": b"\x7fELF" + bytes(200),
    "empty": b"",
    "short": b"\x01\0\0",
    "no header": EIGHT,
    "2^63": tensors({"w": W}, EIGHT, 2**63),
    "2^64": tensors({"w": W}, EIGHT, 2**64 - 1),
    "past the end": tensors({"w": W}, EIGHT, 4096),
    "no json": tensors(b"{'w': 1}"),
    "list": tensors([W], EIGHT),
    "null": tensors(None, EIGHT),
    "number": tensors(7, EIGHT),
    "entry is list": tensors({"w": [W]}, EIGHT),
    "entry is code": tensors({"w": "__import__('os').mkdir('canary')"}, EIGHT),
    "invalid utf-8": tensors(b'{"\xff": 1}'),
    "half a pair": tensors(b'{"w\\ud800": %s}' % json.dumps(W).encode(), EIGHT),
    "nan": tensors(b'{"w": NaN}'),
    "twice": tensors(b'{"w": %b, "w": %b}' % ((json.dumps(W).encode(),) * 2), EIGHT),
    "deep": tensors(b"[" * 10**6),
    "deep metadata": tensors(b'{"__metadata__": %b1%b}' % (b"[" * 500, b"]" * 500)),
    "metadata": tensors({"__metadata__": {"format": 1}, "w": W}, EIGHT),
    "overlap": tensors({"w": W, "v": entry([2], 4, 12)}, bytes(12)),
    "same place": tensors({"w": W, "v": W}, EIGHT),
    "hole": tensors({"w": W, "v": entry([2], 12, 20)}, bytes(20)),
    "out of range": tensors({"w": entry([2], 8, 16)}, EIGHT),
    "backwards": tensors({"w": entry([2], 8, 0)}, EIGHT),
    "more bytes": tensors({"w": W}, bytes(12)),
    "fewer bytes": tensors({"w": W}, bytes(4)),
    "huge shape": tensors({"w": entry([2**40, 2**40], 0, 8)}, EIGHT),
    "huge and empty": tensors({"w": entry([0, 2**64 - 1], 0, 0)}),
    "terabyte": tensors({"w": entry([2**38], 0, 2**40)}, EIGHT),
    "negative": tensors({"w": entry([-2], 0, 8)}, EIGHT),
    "fraction": tensors({"w": entry([2.0], 0, 8)}, EIGHT),
    "unknown type": tensors({"w": entry([2], 0, 8, "O")}, EIGHT),
    "type without torch": tensors({"w": entry([8], 0, 8, "F8_E8M0")}, EIGHT),
    "odd bits": tensors({"w": entry([3], 0, 2, "F4")}, bytes(2)),
    "another name": tensors({"v": W}, EIGHT),
    "escape": tensors({"\x1b[2J\n": entry([2], 0, 9)}, bytes(9)),
}

GIVEN = {"$": "tensor", "name": "w"}
# What stands in state.json
WRONG_TREES = {
    "tree pickle": lambda canary: pickle.dumps(Bomb(canary)),
    "tree empty": b"",
    "tree list": [],
    "tree number": 7,
    "tree null": None,
    "tree text": "model",
    "tree utf-16": json.dumps({"model": 1}).encode("utf-16"),
    "tree invalid utf-8": b'{"model": "\xff"}',
    "tree nan": b'{"model": NaN}',
    "tree infinite": b'{"model": -Infinity}',
    "tree too large": b'{"model": 1e999}',
    "tree digits": b'{"model": ' + b"9" * 10**5 + b"}",
    "tree twice": b'{"model": 1, "model": 2}',
    "tree deep": b'{"model": ' + b"[" * 10**5,
    "tree deep tuples": b'{"model": %b1%b}' % (b'{"$": "tuple", "items": [' * 100, b"]}" * 100),
    "tree code": {"model": {"$": "eval", "value": "__import__('os').mkdir('canary')"}},
    "tree module": {"model": {"$": "os.mkdir", "items": ["canary"]}},
    "tree reduce": {"model": {"$": "__reduce__", "name": "w"}},
    "tree kind is list": {"model": {"$": [1, 2]}},
    "tree kind is null": {"model": {"$": None, "name": "w"}},
    "tree absent": {"model": {"$": "tensor", "name": "x" * 10**5}},
    "tree name is list": {"model": {"$": "tensor", "name": ["w"]}},
    "tree name is path": {"model": {"$": "tensor", "name": "../../w"}},
    "tree more fields": {"model": {**GIVEN, "device": "meta"}},
    "tree float": {"model": {"$": "float", "value": "1" * 10**5}},
    "tree float text": {"model": {"$": "float", "value": "one"}},
    "tree tuple text": {"model": {"$": "tuple", "items": "text"}},
    "tree pairs": {"model": {"$": "dict", "items": [[1]]}},
    "tree key list": {"model": {"$": "dict", "items": [[[1], 2]]}},
    "tree key twice": {"model": {"$": "dict", "items": [[1, 2], [1, 3]]}},
    "tree escape": {"model": {"$": "\x1b]0;title\x07\n"}},
}


def listing(files=(), **changes):
    """A manifest with a right sum over other contents"""

    def change(data):
        content = json.loads(manifest(data, {}))
        del content["sha256"]
        content["files"].update(files)
        return signed({**content, **changes})

    return change


OTHER = {"bytes": 1, "sha256": "0"}
WRONG_MANIFESTS = {
    "manifest path": listing(files={"../../x": OTHER}),
    "manifest root": listing(files={"/etc/passwd": OTHER}),
    "manifest version": listing(version=2),
    "manifest old": listing(version=0),
    "manifest negative": listing(files={"state.json": {"bytes": -1, "sha256": "0"}}),
    "manifest huge": listing(files={"state.json": {"bytes": 10**400, "sha256": "0"}}),
    "manifest best": listing(best={"a": 1}),
    "manifest list": lambda files: b"[]",
    "manifest pickle": lambda files: pickle.dumps(["x"]),
}


def link(folder):
    (folder / "state.json").unlink()
    (folder / "state.json").symlink_to("/etc/passwd")


def link_manifest(folder):
    (folder / "manifest.json").unlink()
    (folder / "manifest.json").symlink_to("/etc/passwd")


def device(folder):
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").symlink_to("/dev/zero")


def sparse(folder):
    os.truncate(folder / "model.safetensors", 10_000_000_000)


def sparse_manifest(folder):
    os.truncate(folder / "manifest.json", 10_000_000_000)


def pipe(folder):
    (folder / "manifest.json").unlink()
    os.mkfifo(folder / "manifest.json")


PLACES = [link, link_manifest, device, sparse, sparse_manifest, pipe]
FOREIGN = [*WRONG_TENSORS, *WRONG_TREES, *WRONG_MANIFESTS, *(work.__name__ for work in PLACES)]


def forged(folder, kind, canary):
    """A checkpoint that is wrong, all sums of which are right"""
    files = packed({"model": {"w": torch.ones(2)}})
    wrong = {**WRONG_TENSORS, **WRONG_TREES}.get(kind)
    file = "model.safetensors" if kind in WRONG_TENSORS else "state.json"
    if kind in WRONG_TENSORS or kind in WRONG_TREES:
        wrong = wrong(canary) if callable(wrong) else wrong
        files[file] = wrong if isinstance(wrong, bytes) else json.dumps(wrong).encode()
    folder.mkdir(parents=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    made = WRONG_MANIFESTS.get(kind, lambda files: manifest(files, {}))(files)
    (folder / "manifest.json").write_bytes(made)
    for place in PLACES:
        if place.__name__ == kind:
            place(folder)


def test_there_are_more_than_60_of_them_and_the_right_one_is_taken(tmp_path):
    assert len({*FOREIGN}) == len(FOREIGN) >= 60
    forged(tmp_path / "1", None, None)
    assert is_same(load(tmp_path / "1"), {"model": {"w": torch.ones(2)}})


@pytest.mark.parametrize("kind", FOREIGN)
def test_what_others_have_made_is_refused_and_not_run(tmp_path, monkeypatch, kind):
    canary = tmp_path / "canary"
    monkeypatch.chdir(tmp_path)
    parent = tmp_path / "a" / "b" / "checkpoints"
    forged(parent / "1", kind, canary)
    text = refusal(newest, parent, pytest.fail)
    # One of another labnn is not damaged.
    is_whole = kind in ("manifest version", "manifest old")
    start = "" if is_whole else f"no checkpoint in {parent} is whole: "
    assert text.startswith(f"{start}{parent / '1'}/")
    assert not [*tmp_path.rglob("*canary*")]


def test_none_of_them_takes_much_memory(tmp_path):
    for kind in FOREIGN:
        forged(tmp_path / kind / "1", kind, tmp_path / "canary")

    def work():
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + 100_000_000
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        for kind in FOREIGN:
            refusal(newest, tmp_path / kind, pytest.fail)
        # The limit is one.
        try:
            bytes(200_000_000)
        except MemoryError:
            return "the end"

    assert forked(work) == (0, "the end")


@pytest.mark.parametrize("kind", ["pickle", "old pickle", "pt", "tree pickle"])
def test_the_bombs_are_bombs(tmp_path, kind):
    canary = tmp_path / "canary"
    data = {**WRONG_TENSORS, **WRONG_TREES}[kind](canary)
    if kind == "pt":
        torch.load(BytesIO(data), weights_only=False)
    else:
        pickle.loads(data)
    assert canary.exists()


def test_a_checkpoint_of_another_labnn_is_not_passed_over(tmp_path):
    parent = tmp_path / "checkpoints"
    for name in ("1", "2"):
        save(parent, name, packed({"model": {}, "optimizer": {}}), {"update": int(name)})
    content = json.loads((parent / "2" / "manifest.json").read_text())
    content.pop("sha256")
    (parent / "2" / "manifest.json").write_bytes(signed({**content, "version": VERSION + 1}))
    warnings = []
    with pytest.raises(CheckpointError, match="use the labnn that wrote it"):
        newest(parent, warnings.append)
    assert not warnings
