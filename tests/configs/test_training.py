import collections
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from labml.configs import option
from labml_helpers.train_valid import BatchIndex
from torch import nn
from torch.nn import functional as F

from experiments import mlm
from labnn.configs.position import Position, states
from labnn.configs.scores import Scores
from labnn.configs.training import TrainingConfigs, n_tokens_in, to_device
from labnn.configs.types import ConfigError
from labnn.configs.update import TrainingError
from tests.configs.test_position import same
from tests.configs.tiny import (
    D_MODEL,
    N_TOKENS,
    PAD,
    SEQ_LEN,
    Diary,
    Lines,
    Reader,
    Tiny,
    begin,
    equal,
    make,
    steps,
    unequal_batches,
    weights,
)

ROOT = Path(__file__).parent.parent.parent
# More batches than make whole updates, in rounds that cut through updates
N_BATCHES, UPDATE_BATCHES, ROUNDS = 7, 3, 2


class Exact(Tiny):
    """In double precision, and notes the state of the model in each forward pass"""

    model: nn.Module = "double"
    _seen = ()

    def forward_loss(self, batch):
        data, target = batch
        logits, _ = self.model(data)
        self._seen = (*self._seen, (self.position.phase, self.model.training, logits.dtype))
        return exact_scores(logits, target)

    def sample(self):
        logits, _ = self.model(torch.ones(SEQ_LEN, 1, dtype=torch.long))
        self._seen = (*self._seen, (self.position.phase, self.model.training, logits.dtype))


def exact_scores(logits, target):
    loss = F.cross_entropy(
        logits.flatten(0, 1), target.flatten(), ignore_index=PAD, reduction="sum"
    )
    is_scored = target != PAD
    hits = (logits.argmax(-1) == target) & is_scored
    return Scores(loss, hits.sum(), is_scored.sum())


@option(Exact.model)
def double(c: Exact) -> nn.Module:
    return Reader(c.dropout_prob).double()


@option(Exact.model)
def single(c: Exact) -> nn.Module:
    return Reader(c.dropout_prob)


def means(model, batches):
    """Loss and accuracy of a token of all batches together"""
    model.eval()
    total = [exact_scores(model(x)[0], y) for x, y in batches]
    n = sum(int(s.n_tokens) for s in total)
    return sum(s.loss.item() for s in total) / n, sum(int(s.n_correct) for s in total) / n


def train(overrides=None, cls=Tiny, listener=None):
    """A run, and the lines that it saved"""
    conf = make(cls, overrides, listener)
    lines = Lines()
    conf.run()
    return conf, lines


def test_the_mode_is_right_in_every_phase():
    conf, _ = train({"epochs": 2, "dropout_prob": 0.5}, Exact)
    assert {mode[:2] for mode in conf._seen} == {
        ("sample", False),
        ("train", True),
        ("valid", False),
    }
    assert conf._seen[0][0] == conf._seen[-1][0] == "sample"


def test_a_step_by_itself_sets_the_mode_as_well():
    conf = begin(make(Exact))
    index = BatchIndex(1, 1)
    index.reset(1, 1)
    for is_train in (True, False):
        with conf.mode.update(is_train=is_train), torch.set_grad_enabled(is_train):
            conf.model.train(not is_train)
            conf.step(conf.train_loader[0], index)
    assert [is_train for _, is_train, _ in conf._seen] == [True, False]


def test_dropout_is_off_in_validation_and_on_in_training():
    conf = begin(make(Exact, {"dropout_prob": 0.5}), "valid")
    lines, before = Lines(), torch.get_rng_state()
    for _ in range(2):
        conf.position.batch = 0
        conf.phase("valid")
    first, second = lines.lines
    assert first == second and torch.equal(torch.get_rng_state(), before)
    loss, accuracy = means(conf.model, conf.valid_loader)
    assert first["loss.valid"] == pytest.approx(loss, rel=1e-12)
    assert first["accuracy.valid"] == accuracy

    without, _ = means(conf.model, conf.train_loader[:1])
    conf.position.phase, conf.position.batch = "train", 0
    with conf.mode.update(is_train=True):
        conf.phase("train")
    assert lines.column("loss.train")[0] != pytest.approx(without, rel=1e-6)
    assert not torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    "precision, dtype",
    [("fp32", torch.float32), ("bf16", torch.bfloat16), ("fp16", torch.float16)],
)
def test_the_precision_is_that_of_every_forward_pass_of_the_step(precision, dtype):
    conf, lines = train({"precision": precision, "model": "single"}, Exact)
    assert {seen[2] for seen in conf._seen if seen[0] != "sample"} == {dtype}
    assert all(p.dtype == torch.float32 for p in conf.model.parameters())
    assert all(math.isfinite(loss) for loss in lines.column("loss.train"))


def test_half_precision_learns_about_what_single_precision_learns():
    losses = [
        train({"precision": p, "epochs": 3, "optimizer.learning_rate": 0.03})[1].column(
            "loss.valid"
        )
        for p in ("fp32", "bf16", "fp16")
    ]
    for other in losses[1:]:
        assert other == pytest.approx(losses[0], rel=0.02)


@pytest.mark.parametrize("update_batches", [1, 2, UPDATE_BATCHES, N_BATCHES, 11])
@pytest.mark.parametrize("n_rounds", [1, ROUNDS])
def test_accumulated_batches_are_one_large_batch(update_batches, n_rounds):
    diary = Diary()
    overrides = {
        "optimizer": "SGD",
        "optimizer.learning_rate": 0.3,
        "n_train": N_BATCHES,
        "update_batches": update_batches,
        "inner_iterations": n_rounds,
        "epochs": 2,
        "grad_norm_clip": 0.5,
    }
    conf, lines = train(overrides, Exact, diary)

    torch.manual_seed(0)
    twin = Reader().double()
    optimizer = torch.optim.SGD(twin.parameters(), lr=0.3, momentum=0.5)
    batches, expected = conf.train_loader, []
    for _ in range(2):
        for first in range(0, N_BATCHES, update_batches):
            parts = batches[first : first + update_batches]
            x, y = (torch.cat(p, dim=1) for p in zip(*parts, strict=True))
            scores = exact_scores(twin(x)[0], y)
            loss = scores.loss / scores.n_tokens
            optimizer.zero_grad()
            loss.backward()
            norm = nn.utils.clip_grad_norm_(twin.parameters(), 0.5)
            optimizer.step()
            expected.append((loss.item(), (scores.n_correct / scores.n_tokens).item(), norm.item()))
    for ours, theirs in zip(conf.model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)

    # What is left at the end of an epoch makes an update as well, and each is counted once.
    n_updates = 2 * math.ceil(N_BATCHES / update_batches)
    assert diary.notes.count(("update",)) == n_updates == len(expected)
    names = ("loss.train", "accuracy.train", "grad_norm")
    found = zip(*(lines.column(name) for name in names), strict=True)
    for ours, theirs in zip(found, expected, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-6)


@pytest.mark.parametrize("clip, is_clipped", [(0.0, False), (0.01, True), (1e9, False)])
def test_clipping_is_torchs_and_zero_does_not_clip(clip, is_clipped):
    overrides = {"optimizer": "SGD", "optimizer.learning_rate": 1.0, "optimizer.momentum": 0.0}
    conf = begin(make(Exact, {**overrides, "grad_norm_clip": clip, "n_train": 1}))
    before, batch = weights(conf.model), conf.train_loader[0]
    with conf.mode.update(is_train=True):
        conf.phase("train")
    moved = [a - b for a, b in zip(before, weights(conf.model), strict=True)]

    twin = Reader().double()
    twin.load_state_dict(dict(zip(twin.state_dict(), before, strict=True)))
    scores = exact_scores(twin(batch[0])[0], batch[1])
    (scores.loss / scores.n_tokens).backward()
    norm = nn.utils.clip_grad_norm_(twin.parameters(), clip or math.inf)
    for ours, p in zip(moved, twin.parameters(), strict=True):
        torch.testing.assert_close(ours, p.grad)
    total = torch.cat([m.flatten() for m in moved]).norm()
    assert (total < 0.99 * norm) == is_clipped


def test_the_global_step_counts_tokens():
    conf, lines = train({"epochs": 2, "update_batches": 2, "n_train": 5})
    sizes = [x.numel() for x, _ in conf.train_loader]
    ends = [sum(sizes[:2]), sum(sizes[:4]), sum(sizes)]
    expected = [*ends, *(sum(sizes) + end for end in ends)]
    assert [line["step"] for line in lines.lines if "loss.train" in line] == expected
    assert [line["step"] for line in lines.lines if "loss.valid" in line] == [
        ends[-1],
        expected[-1],
    ]
    assert steps() == 2 * sum(sizes)


def test_what_an_update_tracks():
    conf, lines = train(
        {"optimizer": "Noam", "optimizer.warmup": 3, "optimizer.learning_rate": 0.5}
    )
    assert set(lines.lines[0]) == {
        "step",
        "loss.train",
        "accuracy.train",
        "lr",
        "grad_norm",
        "tokens_per_s",
    }
    rates = [0.5 * D_MODEL**-0.5 * min(t**-0.5, t * 3**-1.5) for t in range(1, 7)]
    assert lines.column("lr") == pytest.approx(rates)
    assert all(0 < speed < math.inf for speed in lines.column("tokens_per_s"))


def test_validation_counts_each_token_once():
    conf, lines = train({"n_valid": 5, "epochs": 2}, Exact)
    loss, accuracy = means(conf.model, conf.valid_loader)
    line = lines.lines[-1]
    assert line["loss.valid"] == pytest.approx(loss, rel=1e-12)
    assert line["accuracy.valid"] == accuracy
    # The mean of the means of the batches is something else.
    each = [means(conf.model, [batch])[0] for batch in conf.valid_loader]
    assert sum(each) / len(each) != pytest.approx(loss, rel=1e-3)


def blank(batch):
    return batch[0], torch.full_like(batch[1], PAD)


@pytest.mark.parametrize("update_batches", [1, 2])
def test_a_batch_without_a_scored_token_spoils_nothing(update_batches):
    good = unequal_batches(3, seed=1)
    overrides = {
        "train_loader": [blank(good[0]), *good, blank(good[0])],
        "valid_loader": [blank(good[0]), *good],
        "update_batches": update_batches,
    }
    conf, lines = train(overrides, Exact)
    assert all(p.isfinite().all() for p in conf.model.parameters())
    assert lines.lines[-1]["loss.valid"] == pytest.approx(means(conf.model, good)[0])
    if update_batches == 1:
        # There is an update, without a loss.
        assert "loss.train" not in lines.lines[0] and lines.lines[0]["grad_norm"] == 0


def test_a_validation_without_a_scored_token_says_nothing():
    blanks = [blank(batch) for batch in unequal_batches(2, seed=1)]
    conf, lines = train({"valid_loader": blanks})
    assert not lines.column("loss.valid")


class Poisoned(Exact):
    """Goes wrong in the second epoch"""

    where: str = "loss"
    value: float = math.nan

    def forward_loss(self, batch):
        scores = super().forward_loss(batch)
        place = self.position
        if (place.phase, place.epoch, place.batch) == ("train", 1, 3):
            if self.where == "loss":
                scores.loss = scores.loss * self.value
            else:
                self.model.linear.bias.register_hook(lambda grad: grad * self.value)
        return scores


class Keeper(Diary):
    """Keeps the weights of the last update"""

    def on_update(self):
        super().on_update()
        self.kept = weights(self.conf.model)


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("where", ["loss", "gradient"])
@pytest.mark.parametrize("update_batches", [1, 2])
def test_a_number_that_is_none_stops_before_the_update(value, where, update_batches):
    keeper = Keeper()
    conf = make(Poisoned, {"where": where, "value": value, "epochs": 3}, keeper)
    conf._set_values({"update_batches": update_batches})
    what = "the loss is" if where == "loss" else "the gradient of linear.bias is not finite"
    with pytest.raises(TrainingError, match=f"{what}.*at epoch 2, batch 4, step ") as caught:
        conf.run()
    # Every token that was read is counted.
    tokens = sum(x.numel() for x, _ in conf.train_loader)
    tokens += sum(x.numel() for x, _ in conf.train_loader[:4])
    assert f"step {tokens:,}" in str(caught.value) and "\n" not in str(caught.value)
    assert keeper.notes.count(("update",)) == (6 + 3) // update_batches
    assert equal(weights(conf.model), keeper.kept)
    assert keeper.notes[-1] == ("end", "TrainingError")


class Overflowing(Tiny):
    """Half precision overflows once"""

    def forward_loss(self, batch):
        scores = super().forward_loss(batch)
        if (self.position.phase, self.position.batch) == ("train", 1):
            scores.loss.register_hook(lambda grad: grad * math.inf)
        return scores


def test_an_overflow_of_half_precision_is_told_and_is_no_update():
    diary = Diary()
    conf, lines = train({"precision": "fp16", "n_train": 7}, Overflowing, diary)
    # The scale with which a run begins may be too large as well.
    assert set(diary.warnings) == {"fp16 overflowed: updates are skipped until the scale fits"}
    n_updates = 7 - len(diary.warnings)
    assert diary.notes.count(("update",)) == len(lines.column("lr")) == n_updates > 0
    # The tokens were read all the same.
    assert steps() == sum(x.numel() for x, _ in conf.train_loader)


def test_statistics_of_parameters_at_the_last_batch_of_an_epoch():
    conf, lines = train({"is_log_model_params_grads": True, "epochs": 2, "inner_iterations": 2})
    names = {
        f"{kind}.model.{name}.{what}"
        for kind in ("param", "grad")
        for name, _ in conf.model.named_parameters()
        for what in ("mean", "l1", "l2")
    }
    updates = [line for line in lines.lines if "lr" in line]
    assert [names <= set(line) for line in updates] == ([False] * 5 + [True]) * 2
    assert not any(names & set(line) for line in updates[:5])


def test_statistics_of_gradients_are_those_of_the_update():
    conf, lines = train({"is_log_model_params_grads": True, "n_train": 1, "model": "double"}, Exact)
    torch.manual_seed(0)
    twin = Reader().double()
    x, y = conf.train_loader[0]
    scores = exact_scores(twin(x)[0], y)
    (scores.loss / scores.n_tokens).backward()
    nn.utils.clip_grad_norm_(twin.parameters(), 1.0)
    for name, p in twin.named_parameters():
        # The weights are those before the step.
        assert lines.lines[0][f"param.model.{name}.l1"] == pytest.approx(p.abs().mean().item())
        l2 = p.grad.pow(2).mean().sqrt().item()
        assert lines.lines[0][f"grad.model.{name}.l2"] == pytest.approx(l2)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_statistics_of_activations_at_the_last_batch_of_an_epoch(precision):
    overrides = {"is_log_model_activations": True, "epochs": 2, "precision": precision}
    conf, lines = train(overrides)
    names = {
        f"module.model.{name}.{what}"
        for name in ("embedding", "dropout", "linear", "full.0")
        for what in ("mean", "var")
    }
    updates = [line for line in lines.lines if "lr" in line]
    assert [names <= set(line) for line in updates] == ([False] * 5 + [True]) * 2
    assert not any("module" in name for line in lines.lines if "lr" not in line for name in line)
    # The same run without them has the same losses.
    plain = train({"epochs": 2, "precision": precision})[1]
    assert plain.column("loss.train") == lines.column("loss.train")


def test_nothing_of_the_kind_is_tracked_by_default():
    _, lines = train()
    assert not any(n.startswith(("module", "param", "grad.")) for line in lines.lines for n in line)


def test_a_training_without_a_loss_says_what_is_missing():
    class Empty(TrainingConfigs):
        model: nn.Module = "one"
        train_loader: list = [(torch.ones(2, 1),)]

    @option(Empty.model)
    def one(c: Empty) -> nn.Module:
        return nn.Linear(1, 1)

    with pytest.raises(NotImplementedError, match=r"Empty needs forward_loss\(batch\), or a step"):
        make(Empty).run()


Pair = collections.namedtuple("Pair", "ids names")


@pytest.mark.parametrize(
    "wrap",
    [
        lambda x: (x, "name"),
        lambda x: [x, 3],
        lambda x: Pair(x, ["name"]),
        lambda x: {"ids": x, "name": None},
        lambda x: (x, [x, {"more": x}]),
    ],
)
def test_batches_of_any_form_go_to_the_device(wrap):
    x = torch.ones(SEQ_LEN, 3)
    moved = to_device(wrap(x), torch.device("meta"))
    assert type(moved) is type(wrap(x)) and n_tokens_in(moved) == SEQ_LEN * 3
    found = []

    def look(part):
        if isinstance(part, torch.Tensor):
            found.append(part.device.type)
        elif isinstance(part, (list, tuple, dict)):
            for inner in part.values() if isinstance(part, dict) else part:
                look(inner)

    look(moved)
    assert set(found) == {"meta"} and len(found) == repr(wrap(x)).count("tensor(")
    assert to_device(x, torch.device("meta")).is_meta and n_tokens_in(x) == SEQ_LEN * 3


def test_the_same_seed_has_the_same_losses_and_another_one_has_not():
    overrides = {"dropout_prob": 0.3, "epochs": 2}
    first = train({**overrides, "seed": 3})
    torch.rand(7)
    again = train({**overrides, "seed": 3})
    other = train({**overrides, "seed": 4})
    for name in ("loss.train", "loss.valid", "grad_norm"):
        assert first[1].column(name) == again[1].column(name) != other[1].column(name)
    assert equal(weights(first[0].model), weights(again[0].model))


def test_the_first_weights_are_the_same_whatever_is_read_before():
    drawn = []
    for names in ((), ("train_loader",), ("optimizer",), ("update", "device"), ("valid_loader",)):
        conf = make(Tiny, {"seed": 5})
        for name in names:
            torch.rand(len(drawn) + 1)
            getattr(conf, name)
        drawn.append(weights(conf.model))
    assert all(equal(drawn[0], other) for other in drawn)
    assert not equal(drawn[0], weights(make(Tiny, {"seed": 6}).model))


def test_dropout_is_the_same_whatever_the_model_draws_when_it_is_made():
    class Wasteful(Tiny):
        model: nn.Module = "wasteful"

    @option(Wasteful.model)
    def wasteful(c: Wasteful) -> nn.Module:
        model = Reader(c.dropout_prob)
        torch.rand(17)
        return model

    losses = [train({"dropout_prob": 0.3}, c)[1].column("loss.train") for c in (Tiny, Wasteful)]
    assert losses[0] == losses[1]


@pytest.mark.parametrize("other", [{"valid_loader": None}, {"n_valid": 5}, {"inner_iterations": 3}])
def test_validation_changes_nothing_in_training(other):
    overrides = {"dropout_prob": 0.3, "epochs": 2}
    losses = [train({**overrides, **o})[1].column("loss.train") for o in ({}, other)]
    assert losses[0] == losses[1]


TEXT = "the cat sat on the mat and the dog sat on the log\n" * 29
SMALL = {
    "text": "file",
    "d_model": 16,
    "seq_len": 8,
    "batch_size": 17,
    "epochs": 2,
    "transformer.n_layers": 1,
    "transformer.n_heads": 2,
    "transformer.ffn.d_ff": 16,
    "optimizer": "Noam",
    "optimizer.warmup": 5,
    "prompt": ["the dog sat"],
}


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(TEXT)
    return {**SMALL, "text.path": path}


def test_data_masks_validation_and_samples_leave_the_global_generators_alone(small):
    conf = begin(make(mlm.Configs, small))
    before = states()
    for loader in (conf.train_loader, conf.valid_loader):
        data, _ = next(iter(loader))
        conf.mlm(data, generator=conf.position.generator())
    conf.position.phase = "valid"
    conf.phase("valid")
    conf.position.phase = "sample"
    conf.phase("sample")
    assert same(states(), before)


@pytest.mark.parametrize("other", [{"valid_loader": None}, {"prompt": ["the", "cat sat on" * 5]}])
def test_samples_and_validation_change_nothing_in_training(small, other):
    losses = [train({**small, **o}, mlm.Configs)[1].column("loss.train") for o in ({}, other)]
    assert losses[0] == losses[1] and len(losses[0]) == 2 * 10


def test_an_experiment_is_subclassed_in_a_few_lines(small):
    class Mine(mlm.Configs):
        model: nn.Module = "bag"

    @option(Mine.model)
    def bag(c: Mine) -> nn.Module:
        return Reader_(c.n_tokens, c.d_model)

    # The transformer would refuse this number of features for its heads, and is not there.
    diary = Diary()
    overrides = {"tokenizer": "word", "d_model": 13, "masking_prob": 0.4}
    conf, lines = train({**small, **overrides}, Mine, diary)
    assert conf.model.linear.weight.shape == (conf.tokenizer.n_tokens + 2, 13)
    assert len(lines.column("loss.valid")) == 2 and len(diary.samples) == 3
    assert "bag" not in mlm.Configs()._choices("model")


class Reader_(nn.Module):
    def __init__(self, n_tokens, d_model):
        super().__init__()
        self.embedding, self.linear = nn.Embedding(n_tokens, d_model), nn.Linear(d_model, n_tokens)

    def forward(self, x):
        return self.linear(self.embedding(x).cumsum(0)), None


@pytest.mark.parametrize(
    "overrides, wrong",
    [
        ({"transformer.n_heads": 3}, "transformer.n_heads is 3, which does not divide"),
        ({"d_model": 15}, "which does not divide transformer.d_model, 15"),
        ({"seq_len": 8, "transformer.max_len": 7}, "seq_len is 8, above transformer.max_len, 7"),
        ({"transformer.ffn.d_model": 3}, "transformer.ffn.d_model is 3"),
        ({"optimizer.beta2": 1.0}, "optimizer.beta2 is 1"),
        ({"device": "cuda:7"}, "device is cuda:7"),
    ],
)
def test_what_does_not_go_together_is_refused_before_data_is_read(small, overrides, wrong):
    conf = make(mlm.Configs, {**small, **overrides})
    with pytest.raises(ConfigError, match=wrong):
        conf.run()
    assert not {"text", "tokenizer", "train_loader"} & set(conf._Configs__cached)


def test_it_can_fit():
    # Targets follow from the token at the same place.
    _, lines = train({"epochs": 30, "optimizer.learning_rate": 0.05})
    assert lines.column("loss.train")[0] == pytest.approx(math.log(N_TOKENS), abs=1.0)
    assert lines.column("loss.train")[-1] < 0.1 and lines.column("accuracy.train")[-1] == 1.0


PROGRAM = """
import sys, torch
torch.set_num_threads(1)
from tests.configs.test_training import train
print(train({"dropout_prob": 0.3, "epochs": 2, "seed": 3})[1].column("loss.train"))
"""


@pytest.mark.slow
def test_another_process_has_the_same_losses():
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "7"}
    out = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=env, cwd=ROOT, capture_output=True, text=True
    )
    ours = train({"dropout_prob": 0.3, "epochs": 2, "seed": 3})[1].column("loss.train")
    assert out.stdout.strip() == str(ours), out.stderr


def test_a_position_is_part_of_the_options():
    conf = make(Tiny, {"seed": 9})
    assert conf.position == Position(9)


def test_a_validation_alone_needs_no_optimizer_and_no_text_to_learn_from():
    # More updates than the schedule has, of which a training would complain
    options = {"optimizer.schedule": "cosine_annealing", "optimizer.total_updates": 1}
    conf = make(Tiny, options)
    conf.position.phase = "valid"
    conf.phase("valid")
    assert conf.meter.means()["loss"] > 0
    computed = [n for n in ("scheduler", "train_loader", "update") if conf._is_computed(n)]
    assert not computed and not conf._nested("optimizer")._is_computed("optimizer")
