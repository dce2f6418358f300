import pytest

from labnn.configs.position import Position
from labnn.runs.telling import Teller
from tests.configs.tiny import Tiny, begin, make


def teller(capsys, overrides=None, asked=()):
    conf = begin(make(Tiny, overrides))
    found = Teller({*asked})
    found.conf = conf
    return found


def test_the_beginning_says_what_is_run(tmp_path, capsys):
    conf = begin(make(Tiny))
    found = Teller(set())
    found.begin(conf, tmp_path / "tiny" / "20260101")
    n = sum(p.numel() for p in conf.model.parameters())
    line = f"tiny 20260101: {n:,} parameters, 6 batches an epoch, on {conf.device} in fp32\n"
    assert capsys.readouterr().out == line


def test_what_the_data_lacks_is_told_at_the_beginning(tmp_path, capsys):
    class Lacking(Tiny):
        """Words that are not known"""

        def overview(self):
            return "3 words are unknown"

    Teller(set()).begin(begin(make(Lacking)), tmp_path / "tiny" / "20260101")
    first, second = capsys.readouterr().out.splitlines()
    assert "parameters" in first and second == "3 words are unknown"


def test_a_round_has_the_mean_of_its_losses(capsys):
    found = teller(capsys)
    for loss in (1.0, 2.0, 6.0):
        found.update(loss)
    found.round_end(Position(epoch=0, phase="valid"), 77, {"loss.train": 6.0, "loss.valid": 2.5})
    out = capsys.readouterr().out
    assert out.startswith("epoch 1  step 77  loss.train 3  loss.valid 2.5  ")
    # The next round begins anew.
    assert found.losses == [0.0, 0]


def test_a_round_that_goes_on_has_the_losses_from_before(capsys):
    first, second = teller(capsys), teller(capsys)
    first.update(1.0)
    second.load_state_dict(first.state_dict())
    second.update(4.0)
    second.round_end(Position(epoch=0, phase="valid"), 7, {})
    assert "loss.train 2.5 " in capsys.readouterr().out
    # What was handed over is a copy.
    assert first.losses == [1.0, 1]


@pytest.mark.parametrize(
    "place, share",
    [
        (Position(phase="train", batch=3), 3 / 6 / 2),
        (Position(phase="valid", batch=1), 6 / 6 / 2),
        (Position(epoch=1, phase="sample"), 1 / 2),
        (Position(epoch=1, phase="train", batch=6), 1.0),
    ],
)
def test_the_share_that_is_done_is_counted_in_training_batches(capsys, place, share):
    assert teller(capsys, {"epochs": 2})._share(place) == pytest.approx(share)


def test_a_warning_comes_once(capsys):
    found = teller(capsys)
    for text in ("odd", "odd", "odder"):
        found.warn(text)
    assert capsys.readouterr().out == "warning: odd\nwarning: odder\n"


def test_what_was_asked_for_and_is_not_read_is_told_once(capsys):
    found = teller(capsys, {"update_batches": 3, "grad_norm_clip": 2.0}, asked=["update_batches"])
    found.update(1.0)
    found.update(1.0)
    out = capsys.readouterr().out
    assert out == "warning: nothing reads update_batches: no effect in this run\n"
