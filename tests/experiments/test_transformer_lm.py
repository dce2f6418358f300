import math
import os
import re
import signal

import pytest
import torch

from experiments import transformer_lm
from labnn.configs.generating import step_of
from labnn.configs.overrides import names
from labnn.configs.types import ConfigError
from labnn.data.text_files import CorpusError
from labnn.runs import checkpoint, shelf
from labnn.runs.dry_run import dry_run
from labnn.runs.evaluate import evaluate, scores
from labnn.runs.folders import RunError
from labnn.runs.generate import generate
from labnn.runs.interrupts import Terminated
from labnn.runs.launch import launch, prepared
from labnn.runs.load import load
from labnn.runs.tracking import reset_tracker
from tests.runs.killing import alike
from tests.runs.processes import folder, only_run, records

NAME = "transformer_lm"
# Lines of seven words, and their ends
TEXT = "the cat sat on the mat again\nthe dog sat on the log again\n" * 11
SEQ_LEN = 7
TINY = {
    "text": "file",
    "text.path": "text.txt",
    "text.valid_fraction": 0.3,
    "tokenizer": "whitespace",
    "d_model": 14,
    "transformer.n_layers": 2,
    "transformer.n_heads": 2,
    "transformer.ffn.d_ff": 11,
    "transformer.max_len": 13,
    "seq_len": SEQ_LEN,
    "batch_size": 3,
    "epochs": 1,
    "prompt": ["the cat sat on", "the dog"],
}
STILL = {"transformer.dropout_prob": 0.0, "transformer.embed_dropout_prob": 0.0}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working directory with a text in it"""
    cwd = folder(tmp_path / "here", TEXT)
    monkeypatch.chdir(cwd)
    return cwd


def ready(overrides=None, cls=transformer_lm.Configs, phase="train"):
    """Configs of a run that has not begun, in front of a phase"""
    reset_tracker()
    conf, values = prepared(cls, transformer_lm.OVERRIDES, TINY | (overrides or {}))
    conf._set_values(values)
    conf.check()
    conf.prepare()
    conf.position.phase = phase
    return conf


def train(overrides=None):
    return transformer_lm.main(TINY | (overrides or {}))


def lines(cwd):
    return records(only_run(cwd, NAME) / "metrics.jsonl")


def test_the_options_that_people_type_are_there():
    assert {*names(transformer_lm.Configs())} >= {
        *("text", "text.path", "text.train", "text.valid", "tokenizer", "min_count", "max_size"),
        *("is_lower", "subword.kind", "subword.size", "predict_last_k", "label_smoothing"),
        *("label_smoothing_mass", "transformer.generator", "transformer.src_embed", "prompt"),
        *("transformer.attn_dropout_prob", "transformer.embed_dropout_prob"),
        *("transformer.ffn.dropout_prob", "is_log_bits", "is_log_per_word", "n_tokens"),
    }
    assert not {"mask_token", "masking_prob"} & {*names(transformer_lm.Configs())}


def test_the_shipped_corpus_and_words_are_the_default():
    conf, values = prepared(transformer_lm.Configs, transformer_lm.OVERRIDES, {})
    conf._set_values(values)
    assert conf.text.name == "shakespeare" and conf.tokenizer.type == "word"
    assert conf.tokenizer.n_tokens <= conf.n_tokens < conf.tokenizer.n_tokens + 8
    prompts = [conf.tokenizer.unknown(text) for text in conf.prompt]
    assert not any(prompts)


def test_a_dry_run_leaves_nothing(here, capsys):
    conf = dry_run(NAME, transformer_lm.Configs, transformer_lm.OVERRIDES, TINY)
    out = capsys.readouterr().out
    n_parameters = sum(p.numel() for p in conf.model.parameters())
    assert f"parameters  {n_parameters:,}\n" in out and "warning" not in out
    assert sorted(p.name for p in here.iterdir()) == ["text.txt"]


def test_a_run_tells_perplexity_and_how_the_model_goes_on(here, capsys):
    conf = train()
    valid = lines(here)[-1]
    assert valid["perplexity.valid"] == math.exp(valid["loss.valid"])
    assert "perplexity.train" not in lines(here)[0]
    out = capsys.readouterr().out
    found = re.search(r"perplexity ([\d.]+) per token of the whitespace tokenizer, over (\d+)", out)
    assert float(found[1]) == pytest.approx(valid["perplexity.valid"], abs=0.06)
    # Every token of the part, the first one included
    assert int(found[2]) == len(conf.tokenizer.encode(conf.text.valid))
    shown = records(only_run(here, NAME) / "samples.jsonl")[-1]["samples"]
    assert [sample["spans"][0]["text"] for sample in shown] == TINY["prompt"]
    assert [[span["kind"] for span in sample["spans"]] for sample in shown] == (
        [["given", "predicted"]] * len(TINY["prompt"])
    )
    assert f"  perplexity.valid {valid['perplexity.valid']:.4g}  accuracy.valid" in out
    assert "samples: what was given→what the model writes behind it" in out
    # What the command writes with the same numbers
    for sample in shown:
        prompt, written = (span["text"] for span in sample["spans"])
        words = [str(only_run(here, NAME)), prompt]
        answer, pieces = generate(words, {"n_tokens": "20", "top_p": "0.9"})
        assert "".join(pieces) and len(answer["tokens"]) == 20
        assert answer["text"] == prompt + written


def test_no_position_sees_what_it_is_asked_for(here):
    conf = ready()
    conf.model.eval()
    (data, _), *_ = conf.train_loader
    with torch.no_grad():
        before, _ = conf.model(data)
        for place in range(1, SEQ_LEN):
            other = data.clone()
            other[place] = (data[place] + 1) % conf.tokenizer.n_tokens
            after, _ = conf.model(other)
            torch.testing.assert_close(after[:place], before[:place])
            assert not torch.allclose(after[place], before[place])


def test_a_window_of_training_scores_all_of_its_next_tokens(here):
    conf = ready(STILL)
    data, target = next(iter(conf.train_loader))
    found = conf.forward_loss((data, target))
    logits, _ = conf.model(data)
    chosen = logits.log_softmax(-1).gather(-1, target.unsqueeze(-1))
    assert int(found.n_tokens) == target.numel()
    assert found.loss.item() == pytest.approx(-chosen.sum().item(), rel=1e-5)
    torch.testing.assert_close(data[1:], target[:-1])


@pytest.mark.parametrize("last", [0, 1, 3, SEQ_LEN])
def test_a_validation_scores_each_token_once(here, last):
    conf = ready({"predict_last_k": last})
    conf.model.eval()
    # Token by token: where its window begins follows from the number of the token alone.
    ids = [1, *conf.tokenizer.encode(conf.text.valid).tolist()]
    step, total, n_hits = last or SEQ_LEN, 0.0, 0
    for number in range(1, len(ids)):
        start = max(0, math.ceil((number - SEQ_LEN) / step)) * step
        start = min(start, len(ids) - 1 - SEQ_LEN)
        context = torch.tensor(ids[start:number]).unsqueeze(-1)
        with torch.no_grad():
            last_logits = conf.model(context)[0][-1, 0].double()
        total -= last_logits.log_softmax(-1)[ids[number]].item()
        n_hits += int(last_logits.argmax() == ids[number])
    found = scores(conf)
    assert found["tokens"] == len(ids) - 1
    assert found["loss"] == pytest.approx(total / (len(ids) - 1), rel=1e-6)
    assert found["accuracy"] == n_hits / (len(ids) - 1)
    assert found["perplexity"] == pytest.approx(math.exp(total / (len(ids) - 1)), rel=1e-5)


def test_longer_contexts_change_the_score_and_not_the_count(here):
    found = [scores(ready({"predict_last_k": k})) for k in (0, 1)]
    assert found[0]["tokens"] == found[1]["tokens"] and found[0]["loss"] != found[1]["loss"]


@pytest.mark.slow
def test_accumulated_batches_are_one_large_batch(here):
    # Windows in batches of three, the last one narrower: its tokens count as much as the others.
    options = STILL | {
        "optimizer": "SGD",
        "optimizer.learning_rate": 0.3,
        "train_loader": "sequential_train_windows",
        "label_smoothing": 0.1,
    }
    n_windows = ready(options).train_loader.n_windows
    assert n_windows % 3
    parts = train(options | {"update_batches": -(-n_windows // 3)})
    (run,) = (here / "logs" / NAME).iterdir()
    run.rename(here / "parts")
    whole = train(options | {"batch_size": n_windows})
    for ours, theirs in zip(parts.model.parameters(), whole.model.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)
    ours, theirs = records(here / "parts" / "metrics.jsonl")[0], lines(here)[0]
    for name in ("loss.train", "accuracy.train", "grad_norm"):
        assert ours[name] == pytest.approx(theirs[name], rel=1e-5)
    first = ready(options).model
    assert not torch.equal(next(first.parameters()), next(whole.model.parameters()))


def test_the_tied_table_is_there_once(here):
    conf = train()
    model = conf.model
    table = model.src_embed.token_embed.weight
    assert model.generator.projection.weight is table
    held = [p for group in conf.optimizer.param_groups for p in group["params"]]
    assert len(held) == len({id(p) for p in held}) == len(list(model.parameters()))
    assert sum(p is table for p in held) == 1
    parent = only_run(here, NAME) / "checkpoints"
    stored = (parent / shelf.names(parent)[-1] / "model.safetensors").stat().st_size
    n_bytes = sum(p.numel() * p.element_size() for p in model.parameters())
    # Beside the numbers a file has a head, which is smaller than the table.
    assert n_bytes <= stored < n_bytes + 5000
    state = checkpoint.load(parent / shelf.names(parent)[-1], ("model",))["model"]
    torch.testing.assert_close(state["generator.projection.weight"], table.detach())
    untied = ready({"transformer.generator": "linear"}).model
    more = sum(p.numel() for p in untied.parameters()) - sum(p.numel() for p in model.parameters())
    assert more == table.numel()


class Stopping(transformer_lm.Configs):
    """Gets a signal in the middle of a batch, as often as it is told"""

    _stops = []

    def step(self, batch, batch_idx):
        place = f"{self.position.phase} {self.position.epoch} {self.position.batch}"
        if place in self._stops:
            self._stops.remove(place)
            os.kill(os.getpid(), signal.SIGTERM)
        super().step(batch, batch_idx)


@pytest.mark.parametrize(
    "stops, more",
    [
        (["train 0 1", "train 1 2"], {}),
        pytest.param(["valid 0 1", "valid 1 0"], {"is_log_bits": True}, marks=pytest.mark.slow),
        pytest.param(
            ["train 0 3"], {"update_batches": 2, "label_smoothing": 0.1}, marks=pytest.mark.slow
        ),
    ],
)
def test_a_run_goes_on_bit_by_bit(here, stops, more, capsys):
    options = TINY | {"epochs": 2, "predict_last_k": 2} | more
    Stopping._stops = []
    launch("whole", Stopping, transformer_lm.OVERRIDES, options)
    Stopping._stops, resume = [*stops], None
    for _ in stops:
        with pytest.raises(Terminated):
            launch("parts", Stopping, transformer_lm.OVERRIDES, options, resume=resume)
        options, resume = {}, "auto"
    launch("parts", Stopping, transformer_lm.OVERRIDES, options, resume=resume)
    assert not Stopping._stops
    alike(only_run(here, "whole"), only_run(here, "parts"))


@pytest.mark.slow
def test_an_evaluation_has_the_number_of_the_run(here):
    train({"is_log_bits": True})
    data, _ = evaluate([only_run(here, NAME).name], {})
    valid = lines(here)[-1]
    for name in ("loss", "accuracy", "perplexity"):
        assert data[name] == valid[f"{name}.valid"]
    # Another text, and a longer context for each token
    (here / "other.txt").write_text("the cat sat on the sofa\n" * 5)
    data, _ = evaluate(
        [only_run(here, NAME).name], {"text.path": "other.txt", "predict_last_k": "1"}
    )
    assert data["tokens"] == 35 and data["loss"] > 0


@pytest.mark.slow
def test_an_evaluation_tells_what_each_number_is_of(here):
    train()
    asked = {"is_log_bits": "true", "is_log_per_word": "true"}
    data, text = evaluate([only_run(here, NAME).name], asked)
    rows = dict(re.split("  +", line) for line in text.splitlines())
    assert len({len(line) - len(line.split("  ")[-1].lstrip()) for line in text.splitlines()}) == 1
    names = {
        "loss, nats per token": data["loss"],
        "loss, bits per token": data["loss"] / math.log(2),
        "perplexity per token": math.exp(data["loss"]),
        # Every word and every line end is a token.
        "perplexity per word or line end": math.exp(data["loss"]),
    }
    assert [*rows] == ["run", "text", *names, "accuracy", "tokens"]
    for name, value in names.items():
        assert rows[name] == f"{value:.4g}"
    assert data["bits"] == pytest.approx(names["loss, bits per token"])
    assert data["perplexity_per_word"] == data["perplexity"]


@pytest.mark.slow
def test_a_test_part_is_scored_token_by_token_as_the_validation_is(here):
    place = here / "wiki"
    place.mkdir()
    texts = {"train": TEXT, "valid": TEXT[:60], "test": "the cat sat on the sofa\n" * 5}
    for part, text in texts.items():
        (place / f"{part}.txt").write_text(text)
    train({"text": "wikitext_2", "text.path": str(place), "valid_loader": None})
    run = only_run(here, NAME).name
    asked = {"part": "test", "predict_last_k": "3", "is_log_per_word": "true"}
    data, _ = evaluate([run], asked)
    # Six words and a line end, five times, whatever the length of a window
    assert data["tokens"] == 35 and data["text"] == f"{place}, test part"
    assert data["perplexity_per_word"] == data["perplexity"] == math.exp(data["loss"])
    rest = {"predict_last_k": "3", "is_log_per_word": "true"}
    whole, _ = evaluate([run], {"text.path": str(place / "test.txt"), **rest})
    assert {**whole, "text": ""} == {**data, "text": ""}


@pytest.mark.slow
@pytest.mark.parametrize("was, now", [("tied", "linear"), ("linear", "tied")])
def test_a_run_goes_on_with_the_tables_that_it_had(here, was, now):
    train({"transformer.generator": was})
    name = only_run(here, NAME).name
    with pytest.raises(RunError, match=f"transformer.generator was '{was}' and is '{now}'") as one:
        load(only_run(here, NAME), overrides={"transformer.generator": now})
    with pytest.raises(RunError, match="are one tensor in ") as other:
        transformer_lm.main(
            {"epochs": 2, "transformer.generator": now},
            resume=name,
            allow_change=["transformer.generator"],
        )
    for caught in (one, other):
        assert "\n" not in str(caught.value)
        assert str(caught.value).endswith("; leave transformer.generator as it was")


@pytest.mark.parametrize("naming", ["wiki.{}.tokens", "{}.txt"])
def test_it_reads_the_layout_of_wikitext(here, naming):
    place = here / "wiki"
    place.mkdir()
    for part, n in (("train", 11), ("valid", 3), ("test", 2)):
        (place / naming.format(part)).write_text(" \n = Title = \n the cat <unk> @-@ sat .\n" * n)
    parts = {"text": "wikitext_2", "text.path": str(place), "text.valid_fraction": 0.1}
    conf = train(parts)
    assert conf.text.name == "wikitext_2" and " <unk>" not in conf.tokenizer.tokens
    # Three lines of nine words in all
    assert conf.meter.n_tokens == 3 * (9 + 3)
    assert conf.unknown_share() == "3 of the 27 words are unknown, 11.1%"


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"tokenizer": "subword", "subword.size": 262, "is_log_bits": True},
        {"tokenizer": "subword", "subword.kind": "unigram", "subword.size": 300},
        {"tokenizer": "word", "min_count": 2},
        {"tokenizer": "character"},
        {"is_lower": True, "max_size": 9, "prompt": ["The Cat sat"]},
        {"precision": "bf16"},
        {"transformer.src_embed": "sinusoidal", "transformer.encoder": "post_norm"},
        {"transformer.ffn.activation": "GELUTanh", "transformer.ffn.is_gated": True},
        {"label_smoothing": 0.1, "label_smoothing_mass": "others", "update_batches": 2},
        {"transformer.attn_dropout_prob": 0.0, "transformer.generator": "linear"},
        {"valid_loader": "valid_windows"},
    ],
)
def test_other_options_train_as_well(here, capsys, options):
    conf = train(options)
    valid = lines(here)[-1]
    assert valid["loss.valid"] < 8
    is_cut = options.get("tokenizer") == "subword"
    assert ("perplexity_per_word.valid" in valid) == is_cut
    assert ("bits.valid" in valid) == ("is_log_bits" in options)
    if is_cut:
        n_words = len(conf.text.valid.split()) + conf.text.valid.count("\n")
        total = valid["loss.valid"] * conf.meter.n_tokens
        assert valid["perplexity_per_word.valid"] == pytest.approx(math.exp(total / n_words))
    assert "warning" not in capsys.readouterr().out


@pytest.mark.slow
def test_prompts_with_unknown_words_are_told(here, capsys):
    train({"prompt": ["the zebra sat", ""]})
    out = capsys.readouterr().out
    assert "in the prompts: ' zebra'; the model reads the unknown token there" in out
    assert "  the zebra sat→" in out
    train({"prompt": ["q"], "tokenizer": "character"})
    assert "in the prompts: 'q'; the model reads nothing there" in capsys.readouterr().out


@pytest.mark.parametrize(
    "overrides, wrong",
    [
        ({"predict_last_k": 8}, "predict_last_k is 8, above seq_len, 7; a window"),
        ({"predict_last_k": -1}, "predict_last_k is -1, it takes a whole number at least 0"),
        ({"label_smoothing": 1.5}, "label_smoothing is 1.5, it takes a number from 0 to 1"),
        ({"label_smoothing_mass": "all"}, "it takes one of vocabulary, others"),
        ({"n_tokens": 5}, "n_tokens is 5, and the text has 10 tokens; leave it out"),
        ({"transformer.n_tgt_vocab": 24}, "n_src_vocab is 16 and transformer.n_tgt_vocab is 24"),
        ({"transformer.d_model": 12}, "transformer.d_model is 12 and d_model is 14"),
        ({"seq_len": 17}, "seq_len is 17, above transformer.max_len, 13"),
        ({"max_size": 2}, "max_size=2 has no room for a piece of text"),
        ({"min_count": 99}, "no piece of the text occurs min_count=99 times"),
        ({"tokenizer": "subword", "subword.size": 99}, "n_tokens=99 is too small"),
        ({"tokenizer": "subword", "subword.kind": "bpr"}, "one of bpe, unigram"),
        ({"transformer.generator": "tie"}, "did you mean tied"),
    ],
)
def test_what_does_not_go_together_is_one_line_and_leaves_no_trace(here, overrides, wrong):
    with pytest.raises(ConfigError, match=re.escape(wrong)) as caught:
        train(overrides)
    assert "\n" not in str(caught.value) and not (here / "logs").exists()


def test_a_missing_part_of_wikitext_is_named(here):
    (here / "wiki.train.tokens").write_text(TEXT)
    with pytest.raises((ConfigError, CorpusError), match="not wiki.valid.tokens") as caught:
        transformer_lm.main({"text": "wikitext_2", "text.path": "."})
    assert "\n" not in str(caught.value) and not (here / "logs").exists()


@pytest.mark.slow
def test_it_can_learn(here):
    # After the first word of a line the rest is known.
    conf = train(
        STILL
        | {
            "d_model": 28,
            "epochs": 25,
            "batch_size": 5,
            "optimizer.learning_rate": 0.01,
            "prompt": ["the cat sat on the"],
        }
    )
    found = [line for line in lines(here) if "loss.valid" in line]
    assert found[0]["perplexity.valid"] > found[-1]["perplexity.valid"]
    assert found[-1]["accuracy.valid"] > 0.85 and found[-1]["perplexity.valid"] < 1.7
    assert "the→ mat" in conf.told(step_of(conf), "the cat sat on the").signs()
