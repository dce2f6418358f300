r"""
# The Probability of Each Token

    python benchmarks/token_probabilities.py RUN out=FILE.npz [checkpoint=best]

What a run of `experiments.transformer_lm` gives to each token of its validation text, in the order
of the text, for [n-grams](ngrams.html) to be mixed with: `probabilities`, and the `tokens`. The
windows are those of the run's own validation, so the perplexity that is printed is that of
`labnn eval RUN`.
"""

import sys
from pathlib import Path

import numpy as np
from _sides import check_out, leave


def main() -> None:
    """Read the run, score its validation text, and keep what came out."""
    words = [word for word in sys.argv[1:] if "=" not in word]
    named = dict(word.split("=", 1) for word in sys.argv[1:] if "=" in word)
    if len(words) != 1 or not {"out"} <= named.keys() <= {"out", "checkpoint"}:
        leave("this needs a run and a file to write: RUN out=FILE.npz [checkpoint=NAME]")

    sys.path.insert(0, str(Path(__file__).parent.parent))
    check_out(named["out"])
    import torch

    from labnn.configs.language_model import IGNORED
    from labnn.losses.cross_entropy import token_losses
    from labnn.runs.folders import RunError
    from labnn.runs.load import load, locate
    from labnn.transformers.chosen import logits_at

    try:
        conf, _ = load(locate(words[0]), checkpoint=named.get("checkpoint", "best"))
    except RunError as e:
        leave(str(e))
    losses, tokens = [], []
    with torch.no_grad(), conf.mode.update(is_train=False):
        for data, target in conf.valid_loader:
            wanted, positions = conf.asked(target)
            logits = logits_at(conf.model, data.to(conf.device), positions.to(conf.device))
            # A window after the other, each from its start: the order of the text.
            place, column = positions // target.shape[1], positions % target.shape[1]
            order = (column * len(target) + place).argsort()
            order = order[wanted[order] != IGNORED]
            tokens.append(wanted[order])
            losses.append(token_losses(logits.cpu()[order], tokens[-1]))
    nll, ids = torch.cat(losses).double().numpy(), torch.cat(tokens).numpy()
    print(f"{len(ids):,} tokens, perplexity {np.exp(nll.mean()):.2f}")
    np.savez_compressed(named["out"], probabilities=np.exp(-nll), tokens=ids)


if __name__ == "__main__":
    main()
