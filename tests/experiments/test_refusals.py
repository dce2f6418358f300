import math

import pytest
import torch
from torch import nn

from experiments import mlm
from labnn.configs.types import ConfigError
from labnn.configs.update import TrainingError
from labnn.runs.launch import launch
from tests.runs.processes import TINY, WORDS


@pytest.fixture
def place(tmp_path, monkeypatch):
    (tmp_path / "text.txt").write_text(WORDS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "overrides, wrong",
    [
        ({"n_tokens": 5}, "n_tokens"),
        ({"no_mask_tokens": [99]}, "99"),
        ({"padding_token": 3, "mask_token": 3}, "mask_token"),
        ({"transformer.n_tgt_vocab": 5}, "transformer.n_tgt_vocab is 5, and there are"),
        ({"transformer.n_src_vocab": 5}, "transformer.n_src_vocab is 5, and there are"),
        ({"transformer.d_model": 32}, "transformer.d_model is 32 and d_model is 14"),
    ],
)
def test_sizes_that_do_not_go_together_leave_no_trace(place, overrides, wrong):
    with pytest.raises(ConfigError, match=wrong):
        mlm.main({**TINY, **overrides})
    assert not (place / "logs").exists()


class NoScores(mlm.Configs):
    def forward_loss(self, batch):
        return self.model(batch[0])[0].sum()


def test_a_loss_that_is_no_scores_is_named(place):
    with pytest.raises(ConfigError, match="NoScores.forward_loss gave a Tensor"):
        launch("no_scores", NoScores, mlm.OVERRIDES, TINY)


class Poisoned(mlm.Configs):
    def prepare(self):
        super().prepare()
        weight = next(self.model.parameters())
        weight.register_hook(lambda grad: torch.full_like(grad, math.nan))


def test_half_precision_does_not_skip_for_ever(place):
    with pytest.raises(TrainingError, match="however small the loss is scaled"):
        launch("poisoned", Poisoned, mlm.OVERRIDES, {**TINY, "precision": "fp16", "epochs": 99})
    run = next((place / "logs" / "poisoned").iterdir())
    # A step that was skipped is no update.
    assert (run / "metrics.jsonl").read_text().count("loss.train") == 0


def test_a_mistake_in_the_code_of_a_person_is_no_mistake_in_the_options(place, capsys):
    from labnn.runs.exits import guarded

    class Broken(mlm.Configs):
        def forward_loss(self, batch):
            logits, _ = nn.Identity()(batch[0])
            return logits

    code = guarded(lambda: launch("broken", Broken, mlm.OVERRIDES, TINY))
    error = capsys.readouterr().err
    assert code == 1 and "ValueError: too many values to unpack" in error
    assert "LABNN_TRACEBACK=1" in error
