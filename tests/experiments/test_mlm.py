import math
import re

import pytest
import torch
from labml.configs import option
from torch import nn

from experiments import mlm
from labnn.configs.overrides import names
from labnn.configs.types import ConfigError
from labnn.runs.launch import launch, prepared
from labnn.runs.tracking import reset_tracker
from tests.runs.processes import TINY, folder, only_run, records

# Names that people type, whatever changes behind them
NAMES = {
    *(
        "batch_size",
        "seq_len",
        "epochs",
        "inner_iterations",
        "d_model",
        "seed",
        "device",
        "precision",
    ),
    *("transformer.n_heads", "transformer.n_layers", "transformer.ffn.d_ff", "transformer.encoder"),
    *("transformer.src_embed", "transformer.generator"),
    *("transformer.n_src_vocab", "transformer.n_tgt_vocab"),
    *("optimizer.optimizer", "optimizer.learning_rate", "update_batches", "grad_norm_clip"),
    *("masking_prob", "randomize_prob", "no_change_prob", "no_mask_tokens"),
    *("n_tokens", "mask_token", "padding_token", "prompt", "tokenizer", "model"),
    *("text", "text.path", "text.train", "text.valid"),
    *("is_log_model_params_grads", "is_log_model_activations"),
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working directory"""
    cwd = folder(tmp_path / "here")
    monkeypatch.chdir(cwd)
    return cwd


def ready(overrides=None, cls=mlm.Configs, phase="train"):
    """Configs of a run that has not begun, in front of a phase"""
    reset_tracker()
    conf, values = prepared(cls, mlm.OVERRIDES, TINY | (overrides or {}))
    conf._set_values(values)
    conf.prepare()
    conf.position.phase = phase
    return conf


def samples(cwd, name="mlm"):
    """The samples of a run, each a list of prompts, each a list of spans"""
    lines = records(only_run(cwd, name) / "samples.jsonl")
    return [[sample["spans"] for sample in line["samples"]] for line in lines]


def text_of(spans):
    """The prompt that spans were made of"""
    return "".join(span["text"] if span["kind"] == "given" else span["truth"] for span in spans)


def test_options_and_defaults_are_those_that_are_known():
    assert {*names(mlm.Configs())} >= NAMES
    assert mlm.OVERRIDES == {
        "batch_size": 64,
        "seq_len": 32,
        "epochs": 1024,
        "inner_iterations": 1,
        "d_model": 128,
        "transformer.ffn.d_ff": 256,
        "transformer.n_heads": 8,
        "transformer.n_layers": 6,
        "optimizer": "Noam",
        "optimizer.learning_rate": 1.0,
    }
    conf = mlm.Configs()
    assert (conf.masking_prob, conf.randomize_prob, conf.no_change_prob) == (0.15, 0.1, 0.1)
    assert len(conf.prompt) == 10 and "patricians" in conf.prompt[1]
    assert conf.grad_norm_clip == 1.0


def test_special_tokens_come_after_those_of_the_text(here):
    conf = ready()
    n = conf.tokenizer.n_tokens
    assert (conf.padding_token, conf.mask_token, conf.n_tokens) == (n, n + 1, n + 2)
    assert conf.transformer.n_src_vocab == conf.transformer.n_tgt_vocab == n + 2
    assert conf.no_mask_tokens == [] and ready({"tokenizer": "word", "seq_len": 2}).no_mask_tokens


def test_the_loss_is_that_of_the_hidden_characters(here):
    conf = ready({"transformer.dropout_prob": 0.0})
    batch = next(iter(conf.train_loader))
    before = batch[0].clone()
    scores = conf.forward_loss(batch)
    assert torch.equal(batch[0], before)
    # The same once more, by hand
    masked, labels = conf.mlm(batch[0], generator=conf.position.generator())
    hidden = labels != conf.padding_token
    assert 0 < int(scores.n_tokens) == int(hidden.sum()) < hidden.numel() / 2
    assert (masked[~hidden] == before[~hidden]).all()
    logits = conf.model(masked)[0]
    chosen = logits.log_softmax(-1).gather(-1, before.unsqueeze(-1)).squeeze(-1)
    assert scores.loss.item() == pytest.approx(-chosen[hidden].sum().item(), rel=1e-4)
    assert int(scores.n_correct) == int((logits.argmax(-1) == before)[hidden].sum())
    # A model that knows nothing is about as good as a guess.
    mean = scores.loss.item() / int(scores.n_tokens)
    assert mean == pytest.approx(math.log(conf.n_tokens), abs=1.5)


def test_masks_belong_to_the_place_and_those_of_a_validation_stay(here):
    conf = ready({"transformer.dropout_prob": 0.0})
    batch = next(iter(conf.train_loader))

    def loss(**place):
        for name, value in place.items():
            setattr(conf.position, name, value)
        # What was drawn elsewhere changes nothing.
        torch.rand(7)
        return conf.forward_loss(batch).loss.item()

    first = loss(phase="train", epoch=0, batch=0)
    assert loss() == first
    assert loss(epoch=1) != first != loss(epoch=0, batch=1)
    valid = loss(phase="valid", epoch=0, batch=0)
    assert loss(epoch=5) == valid != first
    assert loss(batch=1) != valid


def test_prompts_are_shown_whole(here, capsys):
    # Shorter than a window of 11 characters, as long, longer, many times as long, and empty
    prompts = ["to be", "to be or no", "to be or not", "that is the question. " * 4, "", "t"]
    mlm.main(TINY | {"prompt": prompts, "epochs": 2})
    found = samples(here)
    assert [[text_of(spans) for spans in sample] for sample in found] == [prompts] * 3
    hidden = [sum(s["kind"] != "given" for spans in sample for s in spans) for sample in found]
    assert all(0 < n < sum(map(len, prompts)) / 2 for n in hidden)
    out = capsys.readouterr().out
    shown = [line for line in out.splitlines() if line.startswith("  ")]
    plain = re.sub(r"\[(.)\]|\{.≠(.)\}", r"\1\2", shown[3].replace("⏎", "\n"))
    assert plain == "  " + prompts[3]


def test_characters_that_are_not_known_are_shown_and_reported(here, capsys):
    prompts = ["to be é or not", "ÿ" * 3, "".join(map(chr, range(0x400, 0x450)))]
    mlm.main(TINY | {"prompt": prompts})
    assert [text_of(spans) for spans in samples(here)[0]] == prompts
    out = capsys.readouterr().out
    (warning,) = [line for line in out.splitlines() if line.startswith("warning")]
    assert "'é', 'ÿ', 'Ѐ'" in warning and "…; the model reads [MASK] there" in warning
    # However many there are
    assert len(warning) < 250
    # Nobody can be asked to predict them.
    kinds = {span["kind"] for span in samples(here)[0][1]}
    assert kinds == {"given"}


def test_words_have_a_token_for_those_that_are_not_known(here, capsys):
    folder(here, (here / "text.txt").read_text() * 3)
    options = {"tokenizer": "word", "seq_len": 3, "prompt": ["to be or nothing"]}
    conf = mlm.main(TINY | options)
    assert [text_of(spans) for spans in samples(here)[0]] == options["prompt"]
    pieces = [s["truth"] for line in samples(here) for s in line[0] if s["kind"] != "given"]
    assert pieces and all(piece in conf.tokenizer.tokens for piece in pieces)
    warning = "in the prompts: ' nothing'; the model reads the unknown token there"
    assert warning in capsys.readouterr().out


class Always(nn.Module):
    """Always predicts one token"""

    def __init__(self, token, n_tokens):
        super().__init__()
        self.token, self.n_tokens = token, n_tokens
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        logits = torch.zeros(*x.shape, self.n_tokens)
        logits[..., self.token] = 1
        return logits + self.weight * logits, None


def test_special_tokens_that_are_predicted_are_stars(here, capsys):
    class Configs(mlm.Configs):
        model: nn.Module = "mask_everywhere"

    @option(Configs.model)
    def mask_everywhere(c: Configs):
        return Always(c.mask_token, c.n_tokens)

    launch("mlm", Configs, mlm.OVERRIDES, TINY)
    spans = [s for sample in samples(here)[0] for s in sample if s["kind"] != "given"]
    assert spans and {(s["kind"], s["text"]) for s in spans} == {("wrong", "*")}
    assert "{*≠" in capsys.readouterr().out


def test_dropout_is_for_training_only(here, capsys):
    seen = []

    class Configs(mlm.Configs):
        def forward_loss(self, batch):
            seen.append((self.position.phase, self.model.training, torch.is_grad_enabled()))
            return super().forward_loss(batch)

        def sample(self):
            seen.append((self.position.phase, self.model.training, torch.is_grad_enabled()))
            super().sample()

    launch("mlm", Configs, mlm.OVERRIDES, TINY | {"transformer.dropout_prob": 0.5})
    expected = [("sample", False, False), *[("train", True, True)] * 3, ("valid", False, False)]
    assert seen == [*expected, ("sample", False, False)]


def test_padding_changes_no_prediction(here):
    conf = ready()
    conf.model.eval()
    ids = torch.as_tensor(conf.tokenizer.encode("to be")).unsqueeze(-1)
    padded = torch.full((11, 1), conf.padding_token)
    padded[:5] = ids
    with torch.no_grad():
        assert torch.allclose(conf.model(padded)[0][:5], conf.model(ids)[0], atol=1e-5)


def test_sizes_that_do_not_go_together_are_refused_for_this_model_only(here, capsys):
    class Configs(mlm.Configs):
        pass

    @option(Configs.model)
    def constant(c: Configs):
        return Always(0, c.n_tokens)

    wrong = {"seq_len": 13, "transformer.max_len": 11}
    with pytest.raises(ConfigError, match="seq_len is 13, above transformer.max_len, 11"):
        mlm.main(TINY | wrong)
    with pytest.raises(ConfigError, match="transformer.n_heads is 3"):
        mlm.main(TINY | {"transformer.n_heads": 3})
    launch("constant", Configs, mlm.OVERRIDES, TINY | wrong | {"model": "constant"})


@pytest.mark.parametrize(
    "options",
    [
        {"precision": "bf16"},
        {"transformer.encoder": "post_norm", "transformer.src_embed": "learned"},
        {"transformer.ffn.activation": "GELU", "transformer.ffn.is_gated": True},
        {"update_batches": 2, "optimizer": "SGD", "optimizer.learning_rate": 0.1},
        {"train_loader": "sequential_train_windows", "grad_norm_clip": 0},
    ],
)
def test_other_options_train_as_well(here, capsys, options):
    mlm.main(TINY | options)
    lines = records(only_run(here) / "metrics.jsonl")
    assert all(line.get("loss.train", line.get("loss.valid")) < 7 for line in lines)
    assert "warning" not in capsys.readouterr().out


@pytest.mark.slow
def test_it_can_learn(here, capsys):
    # Whoever sees both sides of a hidden letter can know it.
    folder(here, "abcde" * 240)
    conf = mlm.main(
        TINY
        | {
            "prompt": ["abcde" * 4],
            "masking_prob": 0.3,
            "transformer.src_embed": "learned",
            "transformer.dropout_prob": 0.0,
            "d_model": 28,
            "batch_size": 7,
            "epochs": 12,
            "optimizer": "Adam",
            "optimizer.learning_rate": 0.01,
        }
    )
    lines = records(only_run(here) / "metrics.jsonl")
    valid = [line for line in lines if "loss.valid" in line]
    assert valid[0]["loss.valid"] > valid[-1]["loss.valid"]
    assert valid[-1]["accuracy.valid"] > 0.8
    # The end tells what that is worth.
    summary = re.search(
        r"accuracy on (\d+) tokens of the validation part: ([\d.]+); "
        r"always predicting '(\w)', the most frequent one: ([\d.]+)\n",
        capsys.readouterr().out,
    )
    assert float(summary[2]) == pytest.approx(valid[-1]["accuracy.valid"], abs=1e-3)
    assert int(summary[1]) == conf.meter.n_tokens and 0.1 < float(summary[4]) < 0.4
    kinds = [span["kind"] for span in samples(here)[-1][0]]
    assert kinds.count("right") > kinds.count("wrong")
