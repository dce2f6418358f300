r"""
# Perplexity

A [loss](cross_entropy.html) of 4.6 nats says little to most people. Perplexity says the same as a
number of choices: a model with perplexity 100 is as unsure, on average, as if it had to guess among
100 tokens that are equally likely. It is the exponential of the mean loss of a token, and what has
been left out of many a report is which mean, which base and which token,

$$\begin{aligned}
\text{perplexity} &= e^{S / n} = 2^{B} \\
B &= \frac{S}{n \ln 2}
\end{aligned}$$

| symbol | code | meaning |
|---|---|---|
| $S$ | `nll` | sum of $-\log p$ of all tokens of the text, in nats |
| $n$ | `n` | number of these tokens |
| $B$ | `bits(nll, n)` | mean loss in bits: yes-or-no questions a token |

**Which mean.** All tokens count the same. The mean of the means of batches gives tokens of a small
last batch more weight, and the mean of the perplexities of batches, even if weighted by their
sizes, is larger than that of the text. So the functions take what can be added, a sum and a count.

**Which base.** The base of the logarithm and that of the power cancel: perplexity is the same from
nats and from bits. A loss is not, so its unit has to be said.

**Which token.** A tokenizer that cuts words into pieces makes more tokens of a text, each easier to
guess. [Can you compare perplexity across different
segmentations?](https://sjmielke.com/comparing-perplexities.htm) answers that the sum $S$ can be
compared where the text is the same and every piece of it is scored, so a number per word divides by
the words of the text, whatever the tokens were.

The sum must be that of plain cross-entropy: [smoothed](label_smoothing.html) losses are larger, and
their exponential is nothing that a text has.
"""

import math

import torch


def perplexity(nll: float | torch.Tensor, n: int | torch.Tensor) -> float:
    r"""
    ## Perplexity

    * `nll` is the sum $S$ of the losses of the scored tokens, in nats
    * `n` is the number of scored tokens

    Returns $e^{S / n}$, a number of equally likely choices for each token: 1 is certainty, and the
    size of the vocabulary is what guessing gives. Beyond the range of a float it is infinite.
    """
    try:
        return math.exp(mean_loss(nll, n))
    except OverflowError:
        return math.inf


def bits(nll: float | torch.Tensor, n: int | torch.Tensor) -> float:
    r"""
    ## Bits

    * `nll` is the sum $S$ of the losses of the scored tokens, in nats
    * `n` is the number of scored tokens; with the number of characters, or bytes, of the text this
      is bits per character, or per byte

    Returns the mean loss $B$ in bits a token.
    """
    # A nat is $1 / \ln 2$ bits, about 1.44.
    return mean_loss(nll, n) / math.log(2)


def per_word(nll: float | torch.Tensor, n_words: int | torch.Tensor) -> float:
    r"""
    ## Perplexity per word

    * `nll` is the sum $S$ of the losses of all tokens, pieces of words or not, in nats
    * `n_words` is the number of words of the same text

    Returns $e^{S / n_{\text{words}}}$, a number of equally likely choices for each word. It is
    the perplexity of a token to the power of the tokens in a word, so a model that cuts each word
    in two and has perplexity 10 has 100 per word.

    Whether the end of a line is a word is for the caller to say, and to say along with the number:
    where the tokens of $S$ include line ends, so should the words. A model that writes an
    unknown-word token for rare words has scored another, easier text.
    """
    return perplexity(nll, n_words)


def mean_loss(nll: float | torch.Tensor, n: int | torch.Tensor) -> float:
    """
    ## The mean, in double precision

    In nats a token. Nothing has a mean where there is nothing to score, and a sum below zero is a
    log-likelihood whose sign was not turned.
    """
    total = float(nll.detach() if isinstance(nll, torch.Tensor) else nll)
    count = float(n)
    if not 0 < count < math.inf:
        raise ValueError(
            f"a mean over {n} tokens or words does not exist: score at least one, and give how many"
        )
    # Rounding may leave a model that is certain a trace below zero.
    if total / count < -1e-6:
        raise ValueError(
            f"the sum of -log p is {total}, but it is never below zero: give the loss and not the "
            "log-likelihood"
        )
    return total / count
