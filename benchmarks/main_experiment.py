r"""
# The Main Experiment against labml_nn

    python benchmarks/main_experiment.py [steps] [n_steps=20] [n_rounds=15] [seed=0]
    python benchmarks/main_experiment.py epochs  [n_epochs=2] [seed=0]

What is measured: the masked language model on the shipped Shakespeare with the whole loop around
it. Against what: `labml_nn.transformers.mlm.experiment` of labml_nn 0.4.137 with its own configs,
loop, data loader, metrics and tracker. Both have batches of 64 windows of 32 characters, 128
features, 256 inside, 8 heads, 6 layers, dropout 0.1, Noam at 1.0, and gradients clipped at 1.

**How fairness is kept.** Each side is a process of its own, which stops at its [gate](_sides.html):
`step` is wrapped on both sides in the same way, which costs microseconds a step. They take turns.
Both write to a folder of their own, and what they print goes to the null device. The peer reads
the text of our package as its `tiny_shakespeare.txt`, whose nine tenths train there as here. Its
writers are `screen` and `file`: labml's defaults would keep no metrics, and ours keeps them.
`characters=N` takes the first N of the text, to try the script.

* `steps` cuts the training part of the first epoch into turns; sampling is before it and is run.
  `epochs` has everything: a turn is an epoch with its samples, its validation and its checkpoint.
* `epochs` judges both models by one function after each turn, while the clock stands: windows of
  the validation text in its order, masked by fixed draws (seed and number of the batch), without
  dropout; the sum of $-\log p$ at masked tokens by their number. The ids of both are the same, the
  rank of a character, then padding, then mask, so both see the same tensors.
* What is compiled in the first step is in the turns that are not counted of `steps`, and in the
  first epoch of `epochs`.
* Peak memory is that of the process until the end of the turn, before anything is judged.

**Patches.** labml 0.5.3 lacks five functions that labml_nn calls. They are replaced by the nearest
thing that does as much work: `tracker.add(name, module)` is labml's `store_model_indicators`,
`save_checkpoint` is `torch.save` of the weights, `add_pytorch_models` is not called, and
`tracker.debug` and `tracker.set_text`, which kept nothing here, do nothing.
"""

import gzip
import importlib
import os
import random
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from _sides import N_WARM_UP, Gate, Side, header, leave, need, options, table, take_turns

ROOT = Path(__file__).parent.parent
SHIPPED = ROOT / "labnn" / "data" / "shakespeare" / "shakespeare.txt.gz"
BATCH_SIZE, SEQ_LEN = 64, 32
# Batches of an epoch that are all alike
N_BATCHES = 480
PEER = "labml_nn 0.4.137"
# Our sides, and the options of each
OURS = {
    "labnn, fp32": {"precision": "fp32"},
    "labnn, fp32, compiled": {"precision": "fp32", "compile": True},
    "labnn, bf16": {"precision": "bf16"},
    "labnn, bf16, compiled": {"precision": "bf16", "compile": True},
}
# What the experiment of the peer sets, with the word for the optimizer that its configs want
SETTINGS = {
    "batch_size": BATCH_SIZE,
    "seq_len": SEQ_LEN,
    "epochs": 1024,
    "inner_iterations": 1,
    "d_model": 128,
    "transformer.ffn.d_ff": 256,
    "transformer.n_heads": 8,
    "transformer.n_layers": 6,
    "optimizer.optimizer": "Noam",
    "optimizer.learning_rate": 1.0,
}


def enter(place: str) -> None:
    """What a side writes is in a folder of its own; labml has files in the home folder as well."""
    os.chdir(place)
    os.environ["HOME"] = place
    sys.path.insert(0, str(ROOT))


def gated(cls: type, method: str, gate: Gate, is_counted: Any) -> None:
    """
    Make a method of a class wait at the gate before it does its work.

    * `is_counted` is asked with the configs: validation uses `step` as well, and is no step here
    """
    work = getattr(cls, method)

    def wrapped(self: Any, *arguments: Any) -> Any:
        """The method of the class, behind a gate"""
        if is_counted(self):
            gate()
        return work(self, *arguments)

    setattr(cls, method, wrapped)


def peer(connection: Any, place: str, mode: str, seed: int) -> None:
    """The side of labml_nn"""
    enter(place)
    import torch
    from labml import experiment, lab, tracker
    from labml.utils.pytorch import store_model_indicators

    add = tracker.add
    tracker.debug = tracker.set_text = lambda *_: None
    tracker.add = lambda *words: (
        store_model_indicators(words[1], model_name=words[0])
        if isinstance(words[-1], torch.nn.Module)
        else add(*words)
    )
    # By its name alone: the peer is no requirement of this project.
    Configs = importlib.import_module("labml_nn.transformers.mlm.experiment").Configs

    torch.manual_seed(seed)
    random.seed(seed)
    conf = Configs()
    experiment.save_checkpoint = lambda: torch.save(conf.model.state_dict(), "model.pth")
    lab.configure({"path": place, "data_path": "data", "check_repo_dirty": False})
    experiment.create(uuid="peer", name="mlm", writers={"screen", "file"})
    experiment.configs(conf, SETTINGS)
    method = {"steps": "step", "epochs": "run_step"}[mode]
    gate = Gate(connection, lambda: judged(mode, conf.model, place))
    gated(Configs, method, gate, lambda c: mode == "epochs" or c.mode.is_train)
    with experiment.start():
        # It would be built in the first step, within the clock; ours is there before the loop.
        _ = conf.optimizer
        conf.run()


def ours(connection: Any, place: str, mode: str, seed: int, options: dict, n_chars: int) -> None:
    """A side of ours, as `python -m experiments.mlm` runs it with some options"""
    enter(place)
    from experiments import mlm
    from labnn.runs.launch import launch

    found = {}
    overrides = {**options, "seed": seed}
    if n_chars:
        overrides |= {"text": "file", "text.path": str(Path(place) / "data/tiny_shakespeare.txt")}
    method = {"steps": "step", "epochs": "run_step"}[mode]
    gate = Gate(connection, lambda: judged(mode, found["conf"].model, place))

    def is_counted(conf: Any) -> bool:
        """Also remembers the configs, which `launch` keeps until the end"""
        found["conf"] = conf
        return mode == "epochs" or conf.mode.is_train

    gated(mlm.Configs, method, gate, is_counted)
    launch("mlm", mlm.Configs, mlm.OVERRIDES, overrides)


def judged(mode: str, model: Any, place: str) -> dict[str, float]:
    """The loss of a masked token of the validation text, in the same way for both sides"""
    if mode == "steps":
        return {}
    import torch
    from torch.nn import functional as F

    from labnn.data.windows import Windows
    from labnn.tokenizers import CharacterTokenizer
    from labnn.transformers.mlm import MLM

    text = (Path(place) / "data" / "tiny_shakespeare.txt").read_text()
    tokenizer = CharacterTokenizer.from_text(text)
    padding, n_tokens = tokenizer.n_tokens, tokenizer.n_tokens + 2
    mlm = MLM(padding_token=padding, mask_token=padding + 1, n_tokens=n_tokens)
    ids = tokenizer.encode(text[int(len(text) * 0.9) :])
    windows = Windows(ids, seq_len=SEQ_LEN, batch_size=BATCH_SIZE, is_shuffled=False)
    was_training, total, count = model.training, 0.0, 0
    model.eval()
    with torch.no_grad():
        for number, (data, _) in enumerate(windows):
            masked, labels = mlm(data, generator=torch.Generator().manual_seed(number))
            logits = model(masked)[0].flatten(0, 1).float()
            labels = labels.flatten()
            total += float(F.cross_entropy(logits, labels, ignore_index=padding, reduction="sum"))
            count += int((labels != padding).sum())
    model.train(was_training)
    return {"loss": total / count}


def sides(place: Path, text: bytes, mode: str, seed: int, n_chars: int) -> list[Side]:
    """Processes with a folder each, built one after the other"""
    found = []
    for number, (name, overrides) in enumerate([(PEER, None), *OURS.items()]):
        folder = place / str(number)
        (folder / "data").mkdir(parents=True)
        (folder / "data" / "tiny_shakespeare.txt").write_bytes(text)
        if overrides is None:
            found.append(Side(name, peer, str(folder), mode, seed))
        else:
            found.append(Side(name, ours, str(folder), mode, seed, overrides, n_chars))
    return found


def steps(found: list[Side], n_rounds: int, n_steps: int) -> None:
    """Print the table of turns of some steps."""
    print(table(found, take_turns(found, n_rounds, n_steps), BATCH_SIZE * SEQ_LEN))


def epochs(found: list[Side], n_epochs: int) -> None:
    """Print a line for each epoch of each side."""
    print(f"{'':30}{'epoch':>6}{'seconds':>9}{'valid loss':>12}{'peak MB':>9}{'ratio':>8}")
    for epoch in range(n_epochs):
        first = None
        for side in found:
            report = side.turn(1)
            first = first or report["seconds"]
            print(
                f"{side.name:30}{epoch + 1:6}{report['seconds']:9.1f}{report['loss']:12.4f}"
                f"{report['peak'] / 1e6:9.0f}{first / report['seconds']:7.2f}x",
                flush=True,
            )


def main() -> None:
    """Measure what the first word asks for."""
    words = sys.argv[1:]
    mode = words.pop(0) if words and "=" not in words[0] else "steps"
    if mode not in ("steps", "epochs"):
        leave(f"{mode!r} is not understood; it is steps or epochs")
    asked = options(words, n_steps=20, n_rounds=15, n_epochs=2, seed=0, characters=0)
    n_steps = asked["n_steps"] * (N_WARM_UP + asked["n_rounds"])
    if mode == "steps" and n_steps > N_BATCHES:
        leave(f"{n_steps} steps, warm-up included, are more than the {N_BATCHES} of an epoch")
    need("labml_nn", "--no-deps labml-nn==0.4.137")
    print(header("labml", "labml_nn", "labnn"), flush=True)
    text = gzip.decompress(SHIPPED.read_bytes())
    text = text[: asked["characters"] or len(text)]
    place, found = Path(tempfile.mkdtemp()), []
    try:
        found = sides(place, text, mode, asked["seed"], asked["characters"])
        if mode == "steps":
            steps(found, asked["n_rounds"], asked["n_steps"])
        else:
            epochs(found, asked["n_epochs"])
    finally:
        for side in found:
            side.close()
        shutil.rmtree(place)


if __name__ == "__main__":
    main()
