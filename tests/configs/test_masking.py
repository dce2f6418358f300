import pytest
import torch
from labml.configs import option
from torch import nn

from labnn.configs.masking import MaskedTextConfigs
from labnn.configs.scores import Scores, score
from labnn.configs.types import ConfigError
from tests.configs.tiny import Lines, make

TEXT = "the cat sat on the mat and the dog sat on the log\n" * 29
SEQ_LEN, BATCH_SIZE, D_MODEL, N_CHARACTERS = 7, 5, 11, 14


class Filler(MaskedTextConfigs):
    """Fills in from the mean of the window."""

    d_model: int = D_MODEL
    model: nn.Module = "mean"

    def forward_loss(self, batch) -> Scores:
        data, _ = batch
        masked, labels = self.mlm(data, generator=self.position.generator(data.device))
        return score(self.model(masked), labels, ignore=self.padding_token)


class Mean(nn.Module):
    def __init__(self, n_tokens, d_model):
        super().__init__()
        self.embedding, self.linear = nn.Embedding(n_tokens, d_model), nn.Linear(d_model, n_tokens)

    def forward(self, x):
        features = self.embedding(x)
        return self.linear(features + features.mean(dim=0))


@option(Filler.model)
def mean(c: Filler) -> nn.Module:
    return Mean(c.n_tokens, c.d_model).to(c.device)


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "text.txt"
    file.write_text(TEXT)
    return file


def on(path, **overrides):
    sizes = {"seq_len": SEQ_LEN, "batch_size": BATCH_SIZE, "epochs": 2}
    return make(Filler, {"text": "file", "text.path": path, **sizes, **overrides})


def test_two_special_tokens_follow_those_of_the_text(path):
    conf = on(path)
    assert conf.tokenizer.n_tokens == N_CHARACTERS == len(set(TEXT))
    found = (conf.padding_token, conf.mask_token, conf.n_tokens, conf.no_mask_tokens)
    assert found == (N_CHARACTERS, N_CHARACTERS + 1, N_CHARACTERS + 2, [])


def test_an_unknown_word_is_never_hidden(path):
    conf = on(path, tokenizer="word", min_count=30)
    unknown = conf.tokenizer.unknown_token
    assert conf.no_mask_tokens == [unknown]
    ids = torch.full((SEQ_LEN, BATCH_SIZE), unknown)
    ids[0] = 0
    masked, labels = conf.mlm(ids)
    assert torch.equal(masked[1:], ids[1:]) and (labels[1:] == conf.padding_token).all()
    assert unknown not in conf.mlm.ordinary


def test_the_masking_has_the_options(path):
    shares = {"masking_prob": 0.4, "randomize_prob": 0.3, "no_change_prob": 0.2}
    conf = on(path, **shares, no_mask_tokens=[3, 5])
    for name, value in {**shares, "no_mask_tokens": [3, 5], "n_tokens": N_CHARACTERS + 2}.items():
        assert getattr(conf.mlm, name) == value
    defaults = on(path).mlm
    found = (defaults.masking_prob, defaults.randomize_prob, defaults.no_change_prob)
    assert found == (0.15, 0.1, 0.1)


@pytest.mark.parametrize("key", ["masking_prob", "randomize_prob", "no_change_prob"])
@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_a_share_outside_of_0_to_1_is_refused_when_it_is_set(path, key, value):
    with pytest.raises(ConfigError, match=f"{key} is .*from 0 to 1"):
        on(path, **{key: value})


def test_shares_of_more_than_all_are_refused_before_the_text_is_read(path):
    conf = on(path, randomize_prob=0.6, no_change_prob=0.5)
    with pytest.raises(ConfigError, match="randomize_prob and no_change_prob are 0.6 and 0.5"):
        conf.run()
    assert "text" not in conf._Configs__cached
    on(path, randomize_prob=0.5, no_change_prob=0.5).check()


@pytest.mark.parametrize(
    "overrides, wrong",
    [
        ({"mask_token": 99}, "mask_token has id 99, outside the vocabulary"),
        ({"padding_token": 99}, "padding_token has id 99, outside the vocabulary"),
        ({"mask_token": 3, "padding_token": 3}, "are both 3"),
        ({"n_tokens": N_CHARACTERS}, "outside the vocabulary"),
        ({"no_mask_tokens": [99]}, "no_mask_tokens has id 99"),
    ],
)
def test_ids_that_do_not_go_together_are_refused_before_the_first_update(path, overrides, wrong):
    conf = on(path, **overrides)
    before = Lines()
    with pytest.raises(ConfigError, match=wrong) as caught:
        conf.run()
    assert "\n" not in str(caught.value) and not before.lines


def hidden(conf, phase, epoch, batch):
    """What the model would be asked for at a place"""
    place = conf.position
    place.epoch, place.phase, place.batch = epoch, phase, batch
    data, _ = next(conf.valid_loader.batches(0, batch))
    return conf.mlm(data, generator=place.generator())[1].tolist()


def test_masks_in_training_depend_on_seed_epoch_and_batch(path):
    places = [(epoch, batch) for epoch in range(3) for batch in range(3)]
    masks = [hidden(on(path, seed=s), "train", *place) for s in (0, 1) for place in places]
    again = [hidden(on(path, seed=s), "train", *place) for s in (0, 1) for place in places]
    assert masks == again and len({str(m) for m in masks}) == len(masks)


def test_masks_in_validation_are_the_same_in_every_epoch(path):
    conf = on(path)
    first = [hidden(conf, "valid", 0, batch) for batch in range(3)]
    assert [hidden(conf, "valid", 7, batch) for batch in range(3)] == first
    assert len({str(m) for m in first}) == 3


@pytest.mark.parametrize("tokenizer", ["character", "word"])
def test_it_trains(path, tokenizer):
    conf = on(path, tokenizer=tokenizer, **{"optimizer.learning_rate": 0.03, "epochs": 5})
    saved = Lines()
    conf.run()
    losses = saved.column("loss.train")
    n = len(losses) // 4
    assert sum(losses[-n:]) < 0.97 * sum(losses[:n]) and len(saved.column("loss.valid")) == 5
