r"""
# Event files

What TensorBoard's own reader finds in them, and what becomes of them when something fails.
"""

import html
import importlib
import logging
import math
import os
import re
import resource
import signal
import sys
import threading
from pathlib import Path

import numpy
import pytest
import torch
from torch import nn

from labnn.runs.samples import Sample, Span
from labnn.runs.tensorboard import EventFiles, available, buckets, new_name
from tests.runs.processes import fresh, run

# For the tests of what is written, and for none of the others
needs_tensorboard = pytest.mark.skipif(not available(), reason="tensorboard is not installed")
VALUES = {"loss.train": 3.5, "accuracy.train": 0.25, "lr": 0.125}


@pytest.fixture
def folder(tmp_path):
    """Where a run has its event files"""
    return tmp_path / "20260101-093000-1a2b" / "tensorboard"


@pytest.fixture
def events(folder):
    """Event files that nothing may go wrong with"""
    pytest.importorskip("tensorboard")
    errors = []
    files = EventFiles(folder, errors.append)
    yield files
    files.close()
    assert not errors


def read(folder):
    """What TensorBoard sees"""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    # By default it keeps few histograms and texts.
    sizes = dict.fromkeys(("scalars", "tensors", "histograms"), 0)
    found = EventAccumulator(str(folder), size_guidance=sizes, purge_orphaned_data=True)
    return found.Reload()


def scalars(folder, tag):
    """The points of a curve"""
    return [(event.step, event.value) for event in read(folder).Scalars(tag)]


def texts(folder):
    """What is said in the tab for texts"""
    return [
        (event.step, event.tensor_proto.string_val[0].decode())
        for event in read(folder).Tensors("samples")
    ]


def histogram(folder, tag):
    """The rows of the one histogram of a tensor: from, to and how many"""
    from tensorboard.util.tensor_util import make_ndarray

    (event,) = read(folder).Tensors(tag)
    return make_ndarray(event.tensor_proto)


def options(folder):
    """Options as the table of all runs has them, and the name of its row"""
    from tensorboard.plugins.hparams import metadata

    found = read(folder).SummaryMetadata(metadata.SESSION_START_INFO_TAG)
    start = metadata.parse_session_start_info_plugin_data(found.plugin_data.content)
    kinds = {name: value.WhichOneof("kind") for name, value in start.hparams.items()}
    return {name: getattr(start.hparams[name], kinds[name]) for name in kinds}, start.group_name


# What is written


def test_values_become_curves_over_the_updates(events, folder):
    events.scalars(1, VALUES)
    events.scalars(2, {"loss.train": 1.5, "loss.valid": 2.5})
    assert scalars(folder, "loss/train") == [(1, 3.5), (2, 1.5)]
    assert scalars(folder, "loss/valid") == [(2, 2.5)]
    assert sorted(read(folder).Tags()["scalars"]) == [
        "accuracy/train",
        "loss/train",
        "loss/valid",
        "lr",
    ]


def test_only_the_first_point_of_a_name_makes_a_group(events, folder):
    events.scalars(1, {"param.encoder.0.weight": 1.0})
    assert scalars(folder, "param/encoder.0.weight") == [(1, 1.0)]


def test_what_is_no_finite_number_is_seen_and_what_is_no_value_is_not(events, folder):
    events.scalars(1, {"a": math.nan, "b": math.inf, "c": None, "d": 1e300})
    events.scalars(2, {"c": None})
    events.scalars(3, {})
    assert sorted(read(folder).Tags()["scalars"]) == ["a", "b", "d"]
    ((step, value),) = scalars(folder, "a")
    assert step == 1 and math.isnan(value)
    assert scalars(folder, "b") == scalars(folder, "d") == [(1, math.inf)]


def test_a_sample_shows_what_was_right_and_what_was_not(events, folder):
    spans = [Span("given", "to "), Span("right", "b", "b"), Span("wrong", "a", "e")]
    events.samples(0, [Sample(spans), Sample([Span("given", "nobler\nin")])])
    ((step, text),) = texts(folder)
    assert step == 0
    assert text.split("\n")[2:] == ["    to [b]{a≠e}", "    nobler⏎in"]


HOSTILE = [
    "<script>alert(1)</script><b>bold</b>",
    "![](http://a.org/x.png) [a](http://a.org) <http://a.org>",
    "[right]: http://a.org",
    "</code></pre><img src=http://a.org/x.png>",
    "*a* **b** _c_ `d` ~~~ ``` # e &lt; &amp;",
    "    a | b\n    --|--",
    "- a",
    "",
]


# The package has a copy of a library that warns of itself.
@pytest.mark.filterwarnings("ignore::DeprecationWarning:tensorboard")
def test_a_sample_is_never_markup(events, folder):
    from tensorboard.plugin_util import markdown_to_safe_html

    samples = [Sample([Span("given", text)]) for text in HOSTILE]
    events.samples(1, samples)
    shown = markdown_to_safe_html(texts(folder)[0][1])
    assert set(re.findall(r"<\s*/?\s*(\w+)", shown)) == {"p", "pre", "code"}
    (code,) = re.findall(r"<pre><code>(.*?)</code></pre>", shown, re.DOTALL)
    lines = html.unescape(code).split("\n")
    assert lines[: len(HOSTILE) - 1] == [sample.signs() for sample in samples][:-1]


def test_half_a_character_does_not_end_a_run(events, folder):
    events.samples(1, [Sample([Span("given", "a\ud800b\x00")])])
    events.scalars(1, {"a\ud800": 1.0})
    events.hyper_parameters({"\ud800": "\ud800"})
    assert texts(folder)[0][1].endswith("    a?b\u2400")
    assert scalars(folder, "a?") == [(1, 1.0)]
    assert options(folder)[0] == {"?": "?"}


def test_histograms_are_of_weights_and_gradients(events, folder):
    model = nn.Sequential(nn.Linear(3, 5), nn.Linear(5, 2))
    nn.init.constant_(model[0].bias, 0.25)
    model[0].weight.grad = torch.arange(15.0).reshape(5, 3)
    events.histograms(7, model)
    named = {f"weights/{name}" for name, _ in model.named_parameters()}
    assert {*read(folder).Tags()["tensors"]} == named | {"gradients/0.weight"}
    rows = histogram(folder, "gradients/0.weight")
    # 15 numbers, of which each falls into a bucket of its own
    assert rows.shape == (30, 3)
    assert rows[:, 2].sum() == 15 and rows[:, 2].max() == 1
    assert rows[0, 0] == 0 and rows[-1, 1] == 14
    assert (rows[1:, 0] == rows[:-1, 1]).all()
    assert histogram(folder, "weights/0.bias")[-1].tolist() == [0.25, 0.25, 5]
    assert {event.step for event in read(folder).Tensors("weights/1.bias")} == {7}


def test_counts_of_a_histogram_are_those_of_numpy():
    values = torch.randn(997, generator=torch.Generator().manual_seed(3))
    rows = buckets(values)
    counts, edges = numpy.histogram(values.numpy(), 30)
    assert [row[2] for row in rows] == counts.tolist()
    assert numpy.allclose([row[0] for row in rows] + [rows[-1][1]], edges)


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16, torch.float16, torch.float64])
def test_a_histogram_leaves_out_what_is_not_finite(kind):
    values = torch.tensor([math.nan, 1, 2, math.inf, 2, -math.inf], dtype=kind)
    rows = buckets(values)
    assert (rows[0][0], rows[-1][1]) == (1, 2)
    assert sum(row[2] for row in rows) == 3
    assert buckets(values[:1]) == buckets(values[:0]) == []


def test_numbers_of_any_size_have_a_histogram():
    biggest = torch.finfo(torch.float32).max
    assert buckets(torch.tensor([biggest, -biggest])) == []
    for bound in (9e37, 1e-45):
        rows = buckets(torch.tensor([bound, -bound]))
        assert sum(row[2] for row in rows) == 2


def test_histograms_of_odd_tensors(events, folder):
    model = nn.Module()
    model.empty = nn.Parameter(torch.empty(0))
    model.scalar = nn.Parameter(torch.tensor(3.0))
    model.lost = nn.Parameter(torch.full((3,), math.nan))
    model.embedding = nn.Embedding(7, 2, sparse=True)
    model.embedding(torch.tensor([3, 3, 5])).sum().backward()
    events.histograms(1, model)
    found = {"weights/scalar", "weights/embedding.weight", "gradients/embedding.weight"}
    assert {*read(folder).Tags()["tensors"]} == found
    # Two of the rows were looked up, one of them twice.
    rows = histogram(folder, "gradients/embedding.weight")
    assert (rows[0, 0], rows[-1, 1], rows[:, 2].sum()) == (1, 2, 4)


def test_histograms_leave_the_model_as_it_is(events):
    model = nn.Linear(3, 2)
    model(torch.ones(3)).sum().backward()
    before = [p.detach().clone() for p in (*model.parameters(), model.weight.grad)]
    events.histograms(1, model)
    after = [*model.parameters(), model.weight.grad]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_options_are_in_the_same_run(events, folder):
    given = {"epochs": 2, "lr": 0.5, "is_a": True, "model": "lstm", "none": None}
    odd = {"prompt": ["a", 1], "seed": 2**60 + 1, "infinite": math.inf, "huge": 10**400}
    events.hyper_parameters(given | odd)
    found, row = options(folder)
    del given["none"]
    assert found == given | {name: str(value) for name, value in odd.items()}
    assert found["is_a"] is True
    assert row == "20260101-093000-1a2b"
    assert [path.parent for path in folder.rglob("*tfevents*")] == [folder]


def test_the_table_of_runs_has_every_run_with_its_own_options(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer
    from tensorboard.context import RequestContext
    from tensorboard.plugins.base_plugin import TBContext
    from tensorboard.plugins.hparams import api_pb2, backend_context, list_session_groups

    # Two runs have the same options, and the third has others.
    for name, given in (("a", {"x": 1}), ("b", {"x": 1}), ("c", {"y": "z"})):
        events = EventFiles(tmp_path / name / "tensorboard", pytest.fail)
        events.hyper_parameters(given)
        events.scalars(1, {"loss.valid": ord(name)})
        events.close()
    runs = plugin_event_multiplexer.EventMultiplexer().AddRunsFromDirectory(str(tmp_path)).Reload()
    provider = data_provider.MultiplexerDataProvider(runs, str(tmp_path))
    context = backend_context.Context(TBContext(data_provider=provider))
    request = api_pb2.ListSessionGroupsRequest(
        start_index=0, slice_size=9, allowed_statuses=[api_pb2.STATUS_UNKNOWN]
    )
    for name in ("x", "y"):
        request.col_params.add(hparam=name)
    experiment = context.experiment_from_metadata(
        RequestContext(), "", True, context.hparams_metadata(RequestContext(), ""), []
    )
    assert {info.name for info in experiment.hparam_infos} == {"x", "y"}
    found = list_session_groups.Handler(RequestContext(), context, "", request).run()
    rows = {}
    for group in found.session_groups:
        (metric,) = group.metric_values
        rows[group.name] = (*group.hparams, metric.name.tag, chr(int(metric.value)))
    assert rows == {name: (option, "loss/valid", name) for name, option in ("ax", "bx", "cy")}


# A run that is resumed


def test_an_update_that_is_made_again_is_there_once(folder, caplog):
    pytest.importorskip("tensorboard")
    caplog.set_level(logging.CRITICAL, "tensorboard")
    model = nn.Linear(3, 2)
    # The second process goes on after update 2, the third after update 4.
    for start, end, sign in ((0, 5, 1.0), (2, 6, 10.0), (4, 7, 100.0)):
        events = EventFiles(folder, pytest.fail, start + 1 if start else 0)
        events.hyper_parameters({"x": 1})
        if not start:
            events.samples(0, [])
        for step in range(start + 1, end + 1):
            events.scalars(step, {"loss.train": sign * step})
            events.samples(step, [])
            events.histograms(step, model)
        # The process is killed: nothing is closed.
        events.file.close()
    assert len(list(folder.iterdir())) == 3
    expected = [(1, 1), (2, 2), (3, 30), (4, 40), (5, 500), (6, 600), (7, 700)]
    assert scalars(folder, "loss/train") == expected
    assert options(folder)[0] == {"x": 1}
    # The reader for scripts never forgets a text or a histogram. The one of the pages does.
    from tensorboard.backend.event_processing import plugin_event_accumulator

    pages = plugin_event_accumulator.EventAccumulator(str(folder)).Reload()
    for tag, begin in (("loss/train", 1), ("samples", 0), ("weights/bias", 1)):
        assert [event.step for event in pages.Tensors(tag)] == [*range(begin, 8)]


def test_files_are_read_in_the_order_in_which_they_were_begun(tmp_path):
    names = []
    for _ in range(3):
        names.append(new_name(tmp_path))
        (tmp_path / names[-1]).touch()
    assert names == sorted(set(names))
    # As another writer calls it, and from a clock that was ahead
    (tmp_path / "events.out.tfevents.9000000000.host.123.0").touch()
    (tmp_path / "events.out.tfevents.what").touch()
    assert new_name(tmp_path) == "events.out.tfevents.9000000001"


# What goes wrong


def test_a_full_disk_is_one_line_and_no_end(folder):
    pytest.importorskip("tensorboard")
    errors = []
    events = EventFiles(folder, errors.append)
    events.scalars(1, VALUES)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        for step in range(2, 100):
            events.scalars(step, VALUES)
        events.samples(100, [])
        events.histograms(100, nn.Linear(2, 3))
        events.hyper_parameters({"x": 1})
        events.flush()
        events.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert errors == [f"{folder}: File too large; no more goes to TensorBoard"]
    # What came before can be read, the last whole record as well.
    found = scalars(folder, "loss/train")
    assert 3 < len(found) < 20 and found == [(step, 3.5) for step in range(1, len(found) + 1)]
    # The run can be resumed when there is room.
    again = EventFiles(folder, pytest.fail, 3)
    again.scalars(3, VALUES)
    again.close()
    assert scalars(folder, "loss/train") == [(1, 3.5), (2, 3.5), (3, 3.5)]


def test_a_folder_that_is_removed_is_one_line(folder):
    pytest.importorskip("tensorboard")
    errors = []
    events = EventFiles(folder, errors.append)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    events.scalars(1, VALUES)
    for _ in range(2):
        events.flush()
    events.scalars(2, VALUES)
    events.close()
    (line,) = errors
    assert "was removed" in line and str(folder) in line and "\n" not in line
    assert not folder.exists()


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    pytest.importorskip("tensorboard")
    errors = []
    (tmp_path / "tensorboard").write_text("a file")
    events = EventFiles(tmp_path / "tensorboard", errors.append, 3)
    events.scalars(1, VALUES)
    events.samples(1, [])
    events.histograms(1, nn.Linear(2, 3))
    events.hyper_parameters({"x": 1})
    events.flush()
    events.close()
    assert errors == [f"{tmp_path / 'tensorboard'}: File exists; no more goes to TensorBoard"]


def test_a_package_that_cannot_be_imported_is_one_line(folder, monkeypatch):
    pytest.importorskip("tensorboard")
    monkeypatch.setitem(sys.modules, "tensorboard.plugins.hparams.summary_v2", None)
    errors = []
    EventFiles(folder, errors.append).scalars(1, VALUES)
    (line,) = errors
    assert "hparams" in line and line.endswith("no more goes to TensorBoard")
    assert not folder.exists()


def test_nothing_is_written_after_the_end(events, folder):
    events.scalars(1, VALUES)
    events.close()
    events.scalars(2, VALUES)
    events.close()
    assert scalars(folder, "lr") == [(1, 0.125)]


def test_there_is_no_thread_that_could_hang(events):
    before = threading.active_count()
    events.scalars(1, VALUES)
    assert threading.active_count() == before


KILLED = """
import os, sys
from pathlib import Path
from labnn.runs.tensorboard import EventFiles

events = EventFiles(Path("tensorboard"), print)
events.scalars(1, {"a": 1.0})
child = os.fork()
if not child:
    # As a worker ends that loads data
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
events.scalars(2, {"a": 2.0})
os.kill(os.getpid(), 9)
"""


@needs_tensorboard
def test_a_fork_writes_nothing_and_a_killed_process_has_written_all(tmp_path):
    (tmp_path / "killed.py").write_text(KILLED)
    code, out, err = run(tmp_path / "killed.py", cwd=tmp_path)
    assert (code, out, err) == (-signal.SIGKILL, "", "")
    assert scalars(tmp_path / "tensorboard", "a") == [(1, 1.0), (2, 2.0)]


# What is imported, and when


def test_without_the_package_nothing_is_available(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    assert not available()


def test_a_folder_with_the_name_of_the_package_is_not_the_package(tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "tensorboard"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert not available()
    (tmp_path / "tensorboard").mkdir()
    assert not available()
    (tmp_path / "tensorboard" / "__init__.py").touch()
    # Folders are listed once and remembered.
    importlib.invalidate_caches()
    assert available()


LATE = """
import sys
from pathlib import Path
from labnn.runs.tensorboard import EventFiles, available

def packages():
    return {name.split(".")[0] for name in sys.modules} & {"tensorboard", "tensorflow", "google"}

assert not packages(), packages()
found = available()
assert found == (sys.argv[1] == "installed")
assert not packages(), packages()
if found:
    import torch
    from labnn.runs.samples import Sample, Span
    events = EventFiles(Path("tensorboard"), print, 3)
    events.scalars(3, {"loss.train": 1.0})
    events.samples(3, [Sample([Span("right", "a")])])
    events.histograms(3, torch.nn.Linear(2, 3))
    events.hyper_parameters({"x": 1})
    events.close()
    assert packages() == {"tensorboard", "google"}
"""


@pytest.mark.slow
@needs_tensorboard
def test_the_package_is_imported_late_and_silently_and_tensorflow_never(tmp_path):
    # One that is installed would be imported from here.
    (tmp_path / "tensorflow.py").write_text("print('noise')")
    (tmp_path / "late.py").write_text(LATE)
    found = fresh("-W", "error", tmp_path / "late.py", "installed", cwd=tmp_path)
    assert (found.code, found.out, found.err) == (0, "", "")
    assert [path.name.split(".")[2] for path in (tmp_path / "tensorboard").iterdir()] == [
        "tfevents"
    ]


# Looks for modules as before, except for one
WITHOUT = """
import sys

class Nowhere:
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] != "tensorboard":
            return self.finder.find_spec(name, path, target)

sys.meta_path[:] = [Nowhere(finder) for finder in sys.meta_path]
"""


@pytest.mark.slow
def test_a_process_without_the_package_imports_nothing_and_says_nothing(tmp_path):
    (tmp_path / "late.py").write_text(WITHOUT + LATE)
    found = fresh(tmp_path / "late.py", "missing", cwd=tmp_path)
    assert (found.code, found.out, found.err) == (0, "", "")
    assert sorted(os.listdir(tmp_path)) == ["late.py"]


def test_paths_may_be_relative(tmp_path, monkeypatch):
    pytest.importorskip("tensorboard")
    monkeypatch.chdir(tmp_path)
    events = EventFiles(Path("tensorboard"), pytest.fail)
    events.hyper_parameters({})
    events.close()
    assert options(tmp_path / "tensorboard") == ({}, tmp_path.name)
