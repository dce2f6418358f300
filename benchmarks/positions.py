r"""
# Perplexity beyond the Training Length

    python benchmarks/positions.py [n_updates=1500] [seq_len=64] [seed=0]

What is measured: what the four ways to tell a model where a token stands are worth for texts that
are longer than any that it has learnt from. Four models that differ in `transformer.positions`
alone learn from the same windows of `seq_len` characters of the shipped corpus, in the same order.
Then each reads the validation part in windows that are 1, 2, 4, 8 and 16 times as long. What is
printed is

$$\exp \frac{1}{n} \sum_i -\log p(x_{i + 1} \mid x_s, \dots, x_i)$$

| symbol | meaning |
|---|---|
| $n$ | characters that are predicted: the validation part, but for what fills no longest window |
| $x_s$ | the first character of the window |

Windows do not overlap, so a longer one has fewer characters that are predicted from little: a model
that goes on as well behind the training length as before it gets better from left to right.

One seed is one seed: differences of a per cent or two between rows say nothing.
"""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from _sides import header, options

sys.path.insert(0, str(Path(__file__).parent.parent))
KINDS = ("sinusoidal", "learned", "rotary", "alibi")
FACTORS = (1, 2, 4, 8, 16)
# Four layers of 128 features
OVERRIDES = {
    "tokenizer": "character",
    "batch_size": 32,
    "d_model": 128,
    "transformer.n_layers": 4,
    "transformer.n_heads": 4,
    "transformer.ffn.d_ff": 512,
    "transformer.dropout_prob": 0.1,
    "transformer.embed_dropout_prob": 0.1,
    "optimizer.learning_rate": 1e-3,
    "epochs": 1000,
    "valid_loader": None,
    "checkpoint.interval": 1_000_000,
    "prompt": [],
}


def trained(kind: str, n_updates: int, seq_len: int, seed: int) -> Any:
    """The configs of a model that has learnt, with its texts"""
    from experiments import transformer_lm

    longest = {"transformer.max_len": seq_len * FACTORS[-1], "transformer.positions": kind}
    told = {"max_updates": n_updates, "seq_len": seq_len, "seed": seed}
    return transformer_lm.main(OVERRIDES | longest | told)


def perplexity(conf: Any, seq_len: int, longest: int) -> float:
    """
    Of the validation part in windows

    * `seq_len` is the length of these windows, and `longest` that of the longest of all
    """
    import torch

    from labnn.losses import cross_entropy, perplexity

    ids = torch.from_numpy(conf.tokenizer.encode(conf.text.valid))
    n_predicted = (len(ids) - 1) // longest * longest
    windows = ids[:n_predicted].view(-1, seq_len).T
    targets = ids[1 : n_predicted + 1].view(-1, seq_len).T
    total, count = 0.0, 0
    conf.model.eval()
    # As many characters at a time, however long the windows are
    n_columns = max(1, 4096 // seq_len)
    with torch.no_grad():
        for x, y in zip(
            windows.split(n_columns, dim=1), targets.split(n_columns, dim=1), strict=True
        ):
            nll, n = cross_entropy(conf.model(x)[0], y)
            total, count = total + float(nll), count + int(n)
    return perplexity(total, count)


def main() -> None:
    """Train, judge, and print a row for each kind."""
    given = options(sys.argv[1:], n_updates=1500, seq_len=64, seed=0)
    lengths = [given["seq_len"] * factor for factor in FACTORS]
    print(header("labnn"), flush=True)
    print(f"{'':12}" + "".join(f"{length:>10}" for length in lengths), flush=True)
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        for kind in KINDS:
            # What the run tells is not asked for.
            own, sys.stdout = sys.stdout, open(os.devnull, "w")
            try:
                conf = trained(kind, given["n_updates"], given["seq_len"], given["seed"])
            finally:
                sys.stdout = own
            row = [perplexity(conf, length, lengths[-1]) for length in lengths]
            print(f"{kind:12}" + "".join(f"{value:10.2f}" for value in row), flush=True)


if __name__ == "__main__":
    main()
