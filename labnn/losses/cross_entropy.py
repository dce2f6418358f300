r"""
# Cross-Entropy

A model scores every token of the vocabulary, and the text says which one came. The loss of that
position is $-\log p_y$, where $p$ is the softmax of the scores: 0 if the model was certain of the
token, $\log n$ if it found $n$ tokens equally likely, and without limit if it was certain of
another one. Put into one expression, that is a log-sum-exp,

$$-\log p_y = \log \sum_v e^{z_v - m} - (z_y - m)
\qquad
m = \max_v z_v$$

| symbol | code | meaning |
|---|---|---|
| $z_v$ | `logits` | score of token $v$ |
| $y$ | `targets` | the token that came |
| $m$ | `largest` | any number gives the same loss; this one is safe |
| $p_v$ | `log_p.exp()` | probability of token $v$ |

Subtracting $m$ changes nothing on paper. In `float32`, $e^z$ is infinite from $z = 89$ on, and
where all scores are below $-104$ every term is zero, with an infinite logarithm.
With $m$ the largest term is $e^0 = 1$, so the sum lies between 1 and the number of tokens. What
underflows beside a 1 would not have been seen in the sum either.
[Accurate Computation of the Log-Sum-Exp and Softmax Functions](https://arxiv.org/abs/1909.03469)
finds that the shift costs no accuracy.

The loss of a batch is a sum, and comes with the number of tokens in it. Batches of different sizes
can then be added and divided once, which [perplexity](perplexity.html) relies on.
[Label smoothing](label_smoothing.html) asks for a little less than certainty.
"""

import torch
from torch.autograd.function import once_differentiable
from torch.nn import functional as F


def token_losses(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    r"""
    ## The formula, step by step

    The equation of the page, for each position by itself. It is here to be read, to check the fast
    form against, and for whoever wants the loss of single tokens.

    * `logits` has shape `[n_positions, n_tokens]`
    * `targets` has shape `[n_positions]`
    * returns shape `[n_positions]`
    """
    wide = logits.to(torch.promote_types(logits.dtype, torch.float32))

    # $m$ comes in twice and cancels, so it needs no gradient: `detach` spares the way back.
    #
    # `largest` has shape `[n_positions, 1]`
    largest = wide.detach().amax(dim=-1, keepdim=True)
    shifted = wide - largest

    # Had we added $m$ again, a large one would round away the digits of the logarithm.
    #
    # `log_sum` has shape `[n_positions]`
    log_sum = shifted.exp().sum(dim=-1).log()
    at_target = shifted.gather(-1, targets.long().unsqueeze(-1)).squeeze(-1)
    return log_sum - at_target


class CrossEntropy(torch.autograd.Function):
    r"""
    ## CrossEntropy

    The same as a sum, with torch's fused log-softmax, and with the gradient worked out on paper:

    $$\frac{\partial (-\log p_y)}{\partial z_v} = p_v - [v = y]$$

    Each score is pushed down by the probability that it took, and that of the right token up by
    one. Left to itself, torch would fill a tensor of the size of the logits with zeros and one
    entry a position, and then read it again to subtract it. With a vocabulary of thousands of words
    that is where most of the time of a loss goes, so we write the result at once. The price is that
    this gradient is a constant to torch: whoever needs the gradient of a gradient takes
    `token_losses`.
    """

    @staticmethod
    def forward(
        ctx, logits: torch.Tensor, targets: torch.Tensor, is_scored: torch.Tensor
    ) -> torch.Tensor:
        r"""
        * `logits` has shape `[n_positions, n_tokens]`
        * `targets` has shape `[n_positions]`
        * `is_scored` has shape `[n_positions]`
        """
        # The equation again, in one walk through memory.
        #
        # `log_p` has shape `[n_positions, n_tokens]`
        log_p = F.log_softmax(logits, dim=-1)
        ctx.save_for_backward(log_p, targets, is_scored)

        losses = -log_p.gather(-1, targets.unsqueeze(-1)).squeeze(-1)
        # A product with zero would not do: it turns an infinite loss into NaN.
        return losses.masked_fill(~is_scored, 0.0).sum()

    @staticmethod
    @once_differentiable
    def backward(ctx, upstream: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        r"""
        `upstream` is the gradient of the sum, one number.
        """
        log_p, targets, is_scored = ctx.saved_tensors

        # $p_v - [v = y]$, in the only new piece of memory of this size.
        #
        # `gradient` has shape `[n_positions, n_tokens]`
        gradient = log_p.exp()
        gradient.scatter_add_(-1, targets.unsqueeze(-1), -torch.ones_like(gradient[:, :1]))
        gradient.mul_((upstream * is_scored).unsqueeze(-1))
        return gradient, None, None


def cross_entropy(
    logits: torch.Tensor, targets: torch.Tensor, *, ignore: int | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    r"""
    ## Cross-entropy of a batch

    * `logits` are scores $z$, with any axes before the last one, which is the vocabulary
    * `targets` are the tokens that came, in the same axes without the last one
    * `ignore` is the target of positions that are not scored, padding for instance; it need not be
      in the vocabulary. `None` scores every position

    Returns the sum of $-\log p_y$ over the scored positions, in nats, and their number. The sum has
    a gradient, and is in `float32`, or in `float64` where the logits are. Where nothing is scored,
    sum, gradient and number are zero.
    """
    rows, targets, is_scored = as_rows(logits, targets, ignore)
    return CrossEntropy.apply(rows, targets, is_scored), is_scored.sum()


def as_rows(
    logits: torch.Tensor, targets: torch.Tensor, ignore: int | None, n_classes: int | None = None
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    r"""
    ## Batches as lists of positions

    Position and batch mean nothing to a loss, so their axes become one. `n_classes` is the number
    of tokens that may be a target, all of the vocabulary if it is `None`.

    * `rows` has shape `[n_positions, n_tokens]`
    * `flat` has shape `[n_positions]`
    * `is_scored` has shape `[n_positions]`
    """
    check_form(logits, targets)
    n_tokens = logits.shape[-1]
    # Half precision has eleven bits at most, and ends at 65,504: a sum over a batch needs more.
    wide = logits.to(torch.promote_types(logits.dtype, torch.float32))
    rows = wide.reshape(-1, n_tokens)

    flat = targets.reshape(-1).long()
    is_scored = torch.ones_like(flat, dtype=torch.bool) if ignore is None else flat != ignore
    # Only where it is free. On other devices the answer would wait for all that is still to be
    # computed, and their own kernels stop at a wrong index.
    if flat.device.type == "cpu":
        check_range(flat[is_scored], n_tokens if n_classes is None else n_classes)

    # What is ignored may be -1, but a look-up needs some token: its loss is erased afterwards.
    flat = flat.masked_fill(~is_scored, 0)
    return rows, flat, is_scored


def check_form(logits: torch.Tensor, targets: torch.Tensor) -> None:
    """
    ## Types and axes that do not belong together are refused

    Torch takes targets that are floats for probabilities of classes, and would go on.
    """
    if not logits.is_floating_point():
        raise ValueError(
            f"logits are {logits.dtype}, but scores are floats: give what the model returned"
        )
    if targets.is_floating_point() or targets.is_complex() or targets.dtype == torch.bool:
        raise ValueError(
            f"targets are {targets.dtype}, but token ids are integers: convert with targets.long()"
        )
    if not logits.ndim or targets.shape != logits.shape[:-1]:
        raise ValueError(
            f"targets have shape {list(targets.shape)} and logits {list(logits.shape)}: give one "
            "target for each position, in the axes of the logits without the last"
        )


def check_range(scored: torch.Tensor, n_classes: int) -> None:
    """
    ## Targets outside the vocabulary are refused

    A mark such as -100 that was not named with `ignore` is found here, too.

    * `scored` has shape `[n_scored]`
    """
    if not len(scored):
        return
    low, high = (int(end) for end in scored.aminmax())
    if low < 0 or high >= n_classes:
        raise ValueError(
            f"target {low if low < 0 else high} is not among the tokens 0 to {n_classes - 1}: give "
            "ignore= if it marks positions that are not scored"
        )
