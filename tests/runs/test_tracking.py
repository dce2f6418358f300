import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from labml import logger, monit, tracker
from labml.internal.tracker import tracker_singleton
from labml.internal.tracker.writers import Writer

from labnn.configs.position import Position
from labnn.runs.tracking import (
    MetricsFile,
    Plain,
    TrackerState,
    add_writer,
    quiet,
    remove_writer,
    reset_tracker,
    strict,
)
from tests.runs.processes import folder, only_run, records
from tests.runs.processes import mlm as run_mlm


@pytest.fixture(autouse=True)
def silent():
    with quiet():
        yield


@pytest.fixture
def metrics(tmp_path):
    reset_tracker()
    metrics = MetricsFile(tmp_path / "metrics.jsonl", Position())
    add_writer(metrics)
    yield metrics
    remove_writer(metrics)
    metrics.close()


def lines(metrics):
    return records(metrics.file.name)


def test_each_save_is_a_line(metrics):
    tracker.add("a", 1)
    tracker.save()
    metrics.position.updates = 1
    tracker.add_global_step(7)
    tracker.save({"a": 2.5, "b": -3})
    assert lines(metrics) == [
        {"update": 0, "step": 0, "a": 1.0},
        {"update": 1, "step": 7, "a": 2.5, "b": -3.0},
    ]
    text = Path(metrics.file.name).read_text()
    assert text.splitlines()[0] == '{"update": 0, "step": 0, "a": 1.0}'


def test_a_line_is_on_disk_before_the_file_is_closed(metrics):
    for n in range(5):
        tracker.save("a", n)
        # `lines` opens the file once more; nothing was flushed by hand.
        assert [line["a"] for line in lines(metrics)] == list(range(n + 1))


def test_values_of_one_save_are_averaged_and_numbers_of_all_kinds_are_taken(metrics):
    values = [1, 2.0, np.float32(3), np.int64(4), torch.tensor(5.0), torch.tensor([6.0, 8.0])]
    for number, value in enumerate(values):
        tracker.add(f"v{number}", value)
    tracker.add("half", torch.tensor(0.5, dtype=torch.bfloat16).float())
    tracker.add({"twice": 1.0})
    tracker.add({"twice": 2.0})
    tracker.add("array", np.array([[1.0, 2.0], [3.0, 6.0]]))
    tracker.save()
    (line,) = lines(metrics)
    assert [line[f"v{number}"] for number in range(6)] == [1, 2, 3, 4, 5, 7]
    assert (line["half"], line["twice"], line["array"]) == (0.5, 1.5, 3)


def test_numbers_keep_all_their_digits(metrics):
    values = [math.pi, 1e-300, 2**53 - 1, 0.1 + 0.2]
    for value in values:
        tracker.save("a", value)
    assert [line["a"] for line in lines(metrics)] == values


def test_what_is_not_a_number_is_null(metrics):
    for value in (math.nan, math.inf, -math.inf, torch.tensor(math.nan)):
        tracker.save("a", value)
    assert [line["a"] for line in lines(metrics)] == [None] * 4
    assert [strict(value) for value in (1.5, math.nan, -math.inf)] == [1.5, None, None]


def test_the_saves_of_a_validation_become_one_line(metrics):
    tracker.save("a", 1)
    metrics.is_collecting = True
    with tracker.namespace("valid"):
        for value in (1.0, 2.0, 6.0):
            tracker.save("loss.", value)
    tracker.save("only once", 5)
    assert len(lines(metrics)) == 1
    metrics.end_collecting(11)
    assert lines(metrics)[1:] == [{"update": 0, "step": 11, "loss.valid": 3.0, "only once": 5.0}]
    assert metrics.last["loss.valid"] == 3.0
    # The next one starts with nothing, and one without a value leaves no line.
    metrics.is_collecting = True
    metrics.end_collecting(12)
    assert len(lines(metrics)) == 2


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_validation_that_is_not_a_number_is_null(metrics, value):
    metrics.is_collecting = True
    for one in (1.0, value, -value):
        tracker.save("a", one)
    metrics.end_collecting(1)
    assert lines(metrics) == [{"update": 0, "step": 1, "a": None}]


def test_a_second_run_knows_nothing_of_the_first(tmp_path, metrics):
    tracker.set_scalar("named.*", True)
    tracker.set_global_step(41)
    tracker.add("left over", 1)
    namespace = tracker.namespace("train")
    namespace.__enter__()
    # An experiment in labml's own form names a file for its indicators.
    tracker_singleton().save_indicators(tmp_path / "indicators.yaml")
    before = (tmp_path / "indicators.yaml").read_text()
    for _ in range(2):
        reset_tracker()
        assert tracker.get_global_step() == 0
        second = MetricsFile(tmp_path / "second.jsonl", Position())
        add_writer(second)
        tracker.save("loss.", 2)
        second.close()
    assert lines(metrics) == []
    assert lines(second) == [{"update": 0, "step": 0, "loss": 2.0}] * 2
    assert (tmp_path / "indicators.yaml").read_text() == before


def test_a_writer_that_was_removed_gets_nothing(metrics):
    remove_writer(metrics)
    tracker.save("a", 1)
    # Once more does no harm: labml forgets its writers at the start of an experiment.
    remove_writer(metrics)
    assert lines(metrics) == []


def test_the_file_stays_open_after_the_end_of_a_loop_of_labml(metrics):
    tracker.save("a", 1)
    tracker_singleton().finish_loop()
    tracker.save("a", 2)
    assert [line["a"] for line in lines(metrics)] == [1, 2]


def test_it_is_a_writer_of_labml(metrics):
    assert isinstance(metrics, Writer)


def test_labml_says_nothing_while_it_is_quiet(capsys):
    with quiet():
        logger.log("said by labml")
        with monit.section("prepared"):
            pass
    assert capsys.readouterr().out == ""


def test_labml_speaks_again_after_it_was_quiet(capsys):
    with quiet(Plain()):
        with pytest.raises(KeyError), quiet():
            raise KeyError("lost")
        logger.log("heard")
    assert capsys.readouterr().out == "heard\n"


def test_what_code_says_with_the_logger_of_labml_is_plain_text(capsys):
    from labml.logger import Text

    with quiet(Plain()):
        logger.log("one ", ("two", Text.success), is_new_line=False)
        logger.log([(" three", [Text.danger, Text.key])])
        with monit.section("prepared"):
            pass
    assert capsys.readouterr().out == "one two three\n"


@pytest.mark.slow
def test_the_metrics_of_a_run(tmp_path):
    cwd = folder(tmp_path / "here")
    assert run_mlm(cwd, {"epochs": 2}).code == 0
    found = records(only_run(cwd) / "metrics.jsonl")
    train = ["loss.train", "accuracy.train", "lr", "grad_norm", "tokens_per_s"]
    valid = ["loss.valid", "accuracy.valid"]
    # Three updates, on two windows, two and one, then one validation, twice
    expected = [train, train, train, valid] * 2
    assert [[*line] for line in found] == [["update", "step", *keys] for keys in expected]
    assert [line["update"] for line in found] == [1, 2, 3, 3, 4, 5, 6, 6]
    assert [line["step"] for line in found] == [22, 44, 55, 55, 77, 99, 110, 110]
    assert all(type(line["update"]) is type(line["step"]) is int for line in found)
    rates = [line["lr"] for line in found if "lr" in line]
    assert rates == pytest.approx([14**-0.5 * (n + 1) * 2000**-1.5 for n in range(6)])
    # In full precision
    assert len(json.dumps(found[0]["loss.train"])) > 12


def test_what_was_not_saved_before_a_validation_is_a_line_of_its_own(metrics):
    tracker.add("loss.train", 2.0)
    metrics.begin_collecting()
    tracker.save({"loss.valid": 3.0})
    tracker.add("loss.valid", 5.0)
    # A validation that goes on has begun before.
    metrics.begin_collecting()
    tracker.save()
    assert metrics.end_collecting(7) == {"loss.valid": 4.0}
    assert lines(metrics) == [
        {"update": 0, "step": 0, "loss.train": 2.0},
        {"update": 0, "step": 7, "loss.valid": 4.0},
    ]


def test_a_file_goes_on_with_what_it_had(metrics, tmp_path):
    metrics.position.updates = 3
    metrics.is_collecting = True
    tracker.save({"loss.valid": 2.0})
    other = MetricsFile(tmp_path / "other.jsonl", Position(updates=3))
    other.load_state_dict(json.loads(json.dumps(metrics.state_dict())))
    remove_writer(metrics)
    add_writer(other)
    tracker.save({"loss.valid": 4.0})
    assert other.end_collecting(7) == {"loss.valid": 3.0}
    assert lines(other) == [{"update": 3, "step": 7, "loss.valid": 3.0}]
    remove_writer(other)
    other.close()


def test_values_that_were_added_and_not_saved_go_on(metrics):
    tracker.add_global_step(5)
    tracker.add("loss.", torch.tensor(2.0))
    tracker.add("loss.", 3.0)
    with tracker.namespace("train"):
        tracker.add("rate.", 1.0)
    state = TrackerState().state_dict()
    reset_tracker()
    add_writer(metrics)
    TrackerState().load_state_dict(state)
    tracker.add("loss.", 7.0)
    tracker.save()
    assert lines(metrics) == [{"update": 0, "step": 5, "loss": 4.0, "rate.train": 1.0}]


def test_followers_hear_every_line(metrics):
    heard = []
    metrics.followers.append(lambda update, values: heard.append((update, values)))
    metrics.position.updates = 2
    tracker.save({"a": 1.5})
    assert heard == [(2, {"a": 1.5})]


def test_a_disk_that_is_full_is_one_line(metrics):
    full = open("/dev/full", "ab", buffering=0)
    metrics.file.close()
    metrics.file = full
    with pytest.raises(OSError, match="No space left on device; make room and resume") as e:
        tracker.save({"a": 1.0})
    assert e.value.filename == str(metrics.path)
