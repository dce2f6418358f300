r"""
# Label Smoothing

Cross-entropy is never satisfied: it falls as long as the right token gets a larger lead, so a model
that knows its training text goes on to become certain of it. Section 7 of
[Rethinking the Inception Architecture](https://arxiv.org/abs/1512.00567) takes a share $\epsilon$
from the right token and gives it to all tokens alike. The lead that is best is then finite.

$$\begin{aligned}
\text{loss} &= -\sum_v q_v \log p_v \\
  &= (1 - s) \, (-\log p_y) + s \, \frac{1}{C} \sum_{v < C} -\log p_v \\
q_v &= (1 - s) \, [v = y] + \frac{s}{C} \, [v < C]
\end{aligned}$$

| symbol | code | meaning |
|---|---|---|
| $p_v$ | `log_p.exp()` | what the model says of token $v$ |
| $q_v$ | none | what it should say; never laid out in memory |
| $y$ | `targets` | the token that came |
| $C$ | `n_classes` | number of tokens that share the mass |
| $\epsilon$ | `label_smoothing` | mass that is taken from the right token |
| $s$ | `share` | mass of the uniform part: $\epsilon$, or $\epsilon \, C / (C - 1)$ |

There are two conventions, both called label smoothing by $\epsilon$. With `mass="vocabulary"` all
$C$ tokens share $\epsilon$, the right one too, which keeps $1 - \epsilon + \epsilon / C$: the
paper's, and torch's. With `mass="others"` it keeps $1 - \epsilon$, and each of the others gets
$\epsilon / (C - 1)$, as in
[fairseq](https://github.com/facebookresearch/fairseq/blob/f7c559cf2e519f90f1a80b93c005901da7d1cbb8/fairseq/criterions/label_smoothed_cross_entropy.py)
today. The second is the first with a slightly larger $\epsilon$, so one formula serves both.

This is a loss to train with. Its least value is the entropy of $q$ and not zero, so its
exponential is no [perplexity](perplexity.html): evaluation takes
[cross-entropy](cross_entropy.html).
"""

import torch
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from labnn.losses.cross_entropy import CrossEntropy, as_rows, check_form

MASSES = ("vocabulary", "others")


class SmoothedCrossEntropy(torch.autograd.Function):
    r"""
    ## SmoothedCrossEntropy

    As in `CrossEntropy` of the [other page](cross_entropy.html), the gradient is what the model
    says less what it should say, $p_v - q_v$. The uniform part of $q$ is one number for a slice of
    the result.
    """

    @staticmethod
    def forward(
        ctx,
        logits: torch.Tensor,
        targets: torch.Tensor,
        is_scored: torch.Tensor,
        share: float,
        n_classes: int,
    ) -> torch.Tensor:
        r"""
        * `logits` has shape `[n_positions, n_tokens]`
        * `targets` has shape `[n_positions]`
        * `is_scored` has shape `[n_positions]`
        """
        log_p = F.log_softmax(logits, dim=-1)
        ctx.save_for_backward(log_p, targets, is_scored)
        ctx.share, ctx.n_classes = share, n_classes

        # $\log p_y$, and the mean of $\log p_v$ over the tokens that share the mass.
        #
        # `at_target` has shape `[n_positions]`
        at_target = log_p.gather(-1, targets.unsqueeze(-1)).squeeze(-1)
        over_all = log_p[:, :n_classes].mean(dim=-1)
        losses = -(1 - share) * at_target - share * over_all
        return losses.masked_fill(~is_scored, 0.0).sum()

    @staticmethod
    @once_differentiable
    def backward(ctx, upstream: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        r"""
        `upstream` is the gradient of the sum, one number.
        """
        log_p, targets, is_scored = ctx.saved_tensors

        # $p_v - s / C - (1 - s) [v = y]$, step by step in one piece of memory.
        #
        # `gradient` has shape `[n_positions, n_tokens]`
        gradient = log_p.exp()
        gradient[:, : ctx.n_classes] -= ctx.share / ctx.n_classes
        of_target = torch.full_like(gradient[:, :1], ctx.share - 1)
        gradient.scatter_add_(-1, targets.unsqueeze(-1), of_target)
        gradient.mul_((upstream * is_scored).unsqueeze(-1))
        return gradient, None, None, None, None


def smoothed_cross_entropy(
    logits: torch.Tensor,
    targets: torch.Tensor,
    *,
    label_smoothing: float,
    mass: str = "vocabulary",
    ignore: int | None = None,
    n_classes: int | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    r"""
    ## Smoothed cross-entropy of a batch

    * `logits`, `targets` and `ignore` are those of [cross-entropy](cross_entropy.html)
    * `label_smoothing` is $\epsilon$; at 0 this is cross-entropy
    * `mass` says who shares it: the whole `"vocabulary"`, or the `"others"`
    * `n_classes` is $C$, the number of tokens that exist. `None` takes all that have a logit

    Returns the sum of the losses of the scored positions, in nats, and their number.

    A vocabulary that is rounded up to a multiple of 8 has a few rows at its end that no text asks
    for. With `None` they take part as they do in torch, so that the model is taught to expect them
    now and then. With the size of the tokenizer as `n_classes` they get nothing, and learn to be
    improbable. So do tokens that a model rules out with a logit of $-\infty$: anywhere before
    `n_classes` one makes the loss infinite, since it should have some probability.
    """
    check_form(logits, targets)
    n_tokens = logits.shape[-1]
    n_classes = n_tokens if n_classes is None else n_classes
    share = uniform_share(label_smoothing, mass=mass, n_classes=n_classes, n_tokens=n_tokens)

    rows, targets, is_scored = as_rows(logits, targets, ignore, n_classes)
    # No share of an infinite mean is nothing, but a product of the two would be NaN.
    if share == 0:
        loss = CrossEntropy.apply(rows, targets, is_scored)
    else:
        loss = SmoothedCrossEntropy.apply(rows, targets, is_scored, share, n_classes)
    return loss, is_scored.sum()


def uniform_share(label_smoothing: float, *, mass: str, n_classes: int, n_tokens: int) -> float:
    r"""
    ## The share of the uniform part

    In $(1 - s) \, [v = y] + s / C$ the right token has $1 - s + s / C$. For that to be
    $1 - \epsilon$, the share is $s = \epsilon \, C / (C - 1)$, and $s / C$ is the
    $\epsilon / (C - 1)$ of each of the others. Options that leave no such distribution are refused.
    """
    if mass not in MASSES:
        raise ValueError(f"mass is {mass!r}, but it is one of {' and '.join(map(repr, MASSES))}")
    if not 0 <= label_smoothing <= 1:
        raise ValueError(
            f"label_smoothing is {label_smoothing}, but it is a share: give a number from 0 to 1"
        )
    # The others need at least one other.
    least = 2 if mass == "others" else 1
    if not least <= n_classes <= n_tokens:
        raise ValueError(
            f"n_classes is {n_classes}, but with mass={mass!r} and {n_tokens} logits a position it "
            f"is a number from {least} to {n_tokens}"
        )
    if mass == "vocabulary":
        return float(label_smoothing)
    return label_smoothing * n_classes / (n_classes - 1)
