r"""
# Scores

How good predictions were, as sums, in which every token counts the same.

A mean over batches weighs a token by the size of the batch that it came in: the last batch of an
epoch is smaller, and masked batches have different numbers of labels. Sums can be added, and
divided once at the end,

$$\text{loss} = \frac{\sum_b \sum_{t \in b} -\log p(t)}{\sum_b |b|}$$

with $b$ the batches, $|b|$ the number of tokens in $b$ that are scored, and $p(t)$ the probability
that the model gives token $t$.

The [training step](training.html) adds up what `forward_loss` of an experiment returns.
"""

import math
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from labnn.losses import perplexity


@dataclass
class Scores:
    """
    ## Scores

    The scores of one batch: `loss` is a sum with a gradient, the others are counts. `targets` says
    how often each token was to be predicted, where that is known. `nll` is the sum that is told as
    the loss, where the model is trained with another one.
    """

    loss: torch.Tensor
    n_correct: torch.Tensor | int
    n_tokens: torch.Tensor | int
    targets: torch.Tensor | None = None
    nll: torch.Tensor | None = None


def score(logits: torch.Tensor, targets: torch.Tensor, ignore: int) -> Scores:
    r"""
    Cross-entropy, and how often the likeliest token is the right one, as sums.

    The loss is torch's and not [ours](../losses/cross_entropy.html), which is the same but for
    rounding. Ours spares a walk through the logits, which counts with a vocabulary of thousands of
    words. Here a batch has a few hundred labels and the vocabulary a few dozen characters, so the
    time is that of the calls: torch has one for the loss and one for its gradient.

    * `logits` are those of a batch, or of a list of positions; their last axis are the tokens
    * `targets` are the ids, in the same shape without that axis
    * `ignore` is the target of positions that are not scored
    """
    # Half precision has eleven bits at most: a sum over a batch needs more.
    loss = F.cross_entropy(
        logits.flatten(0, -2).float(), targets.flatten(), ignore_index=ignore, reduction="sum"
    )
    return with_counts(loss, logits, targets, ignore)


def with_counts(
    loss: torch.Tensor,
    logits: torch.Tensor,
    targets: torch.Tensor,
    ignore: int,
    nll: torch.Tensor | None = None,
) -> Scores:
    r"""
    What is counted, beside a loss of one's own.

    * `loss` is the sum to train with
    * `logits`, `targets` and `ignore` are those of `score`
    * `nll` is the sum to tell of, if it is another one
    """
    is_scored = targets != ignore
    hits = (logits.argmax(dim=-1) == targets) & is_scored
    # `counts` has shape `[n_tokens]`
    counts = torch.bincount(targets[is_scored], minlength=logits.shape[-1])
    return Scores(loss, hits.sum(), is_scored.sum(), counts, nll)


class Meter:
    """
    ## Meter

    The scores of many batches
    """

    def __init__(self):
        """Nothing was scored yet."""
        self.reset()

    def reset(self) -> None:
        """Forget what was added."""
        self.loss, self.n_correct, self.n_tokens = 0.0, 0, 0
        self.targets: torch.Tensor | int = 0

    def add(self, scores: Scores) -> None:
        """Add one batch, in double precision, whatever the device has."""
        loss = scores.loss if scores.nll is None else scores.nll
        self.loss += float(loss.detach())
        self.n_correct += int(scores.n_correct)
        self.n_tokens += int(scores.n_tokens)
        if scores.targets is not None:
            # Sums from a checkpoint may be on another device.
            if isinstance(self.targets, torch.Tensor):
                self.targets = self.targets.to(scores.targets.device)
            self.targets = self.targets + scores.targets

    def state_dict(self) -> dict:
        """The sums"""
        return dict(vars(self))

    def load_state_dict(self, state: dict) -> None:
        """Go on from these sums."""
        vars(self).update(state)

    def means(self) -> dict[str, float]:
        """Loss and accuracy of a token; nothing where no token was scored"""
        if not self.n_tokens:
            return {}
        return {
            "loss": self.loss / self.n_tokens,
            "accuracy": self.n_correct / self.n_tokens,
        }

    def perplexity(self) -> float:
        """
        The [perplexity](../losses/perplexity.html) of a token. A loss of a person's own that is
        below zero is no cross-entropy, and has none.
        """
        try:
            return perplexity(self.loss, self.n_tokens)
        except ValueError:
            return math.nan

    def constant(self) -> tuple[int, float] | None:
        """
        The best single answer in hindsight, and its accuracy: what a model has to beat. `None`
        where targets were not counted.
        """
        if not isinstance(self.targets, torch.Tensor) or not self.n_tokens:
            return None
        return int(self.targets.argmax()), int(self.targets.max()) / self.n_tokens
