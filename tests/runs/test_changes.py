import pytest

from labnn.configs.position import UNBEGUN
from labnn.configs.training import TrainingConfigs
from labnn.runs.changes import free, is_between_epochs, is_within, n_begun, permit, refused


def place(epoch=0, round_=0, phase="sample", **others):
    return {"epoch": epoch, "round": round_, "phase": phase, "batch": 0} | others


def test_an_option_is_within_its_configs():
    assert is_within("text.path", ["text"]) and is_within("text", ["text"])
    assert not is_within("texts.path", ["text"]) and not is_within("text", ["text.path"])


def test_a_line_names_both_values_and_how_to_have_it_all_the_same():
    changes = {"epochs": (1, 2), "d_model": (3, 5), "text.path": ("a", "b")}
    assert refused(changes, "r", ["epochs", "text"]) == [
        f"d_model was 3 in run r and is 5 now, which changes what is learned; take it back, or "
        f"{permit('d_model')}"
    ]


def test_when_to_validate_is_free_unless_rates_follow_from_it():
    now = {"optimizer.schedule": "cosine"}
    assert {"eval_interval", "eval_at_start", "epochs"} <= free(TrainingConfigs, now)
    found = free(TrainingConfigs, now | {"optimizer.schedule": "plateau"})
    assert "epochs" in found and not found & {"eval_interval", "eval_at_start"}


@pytest.mark.parametrize(
    "where, is_between, begun",
    [
        (place(), True, 0),
        (place(2), True, 2),
        (place(2, phase="train"), False, 3),
        (place(2, phase="valid"), False, 3),
        (place(2, 1), False, 3),
        (place(2, left=0), True, 2),
        (place(2, left=5), False, 3),
        (place(0, left=-1), True, 0),
        (place(2, phase="done"), True, 0),
        (place(2, phase="done", left=5), False, 3),
        (place(2, 1, phase="done"), False, 3),
        (place(2, phase="done", left=UNBEGUN), True, 0),
        (place(2, left=UNBEGUN), True, 2),
    ],
)
def test_a_place_says_which_epoch_has_begun(where, is_between, begun):
    assert is_between_epochs(where) == is_between
    assert n_begun(where) == begun


def test_before_the_first_checkpoint_nothing_has_begun():
    assert is_between_epochs(None)
