r"""
# Transformer for Masked Language Modelling

A language model that reads from left to right never learns to use what comes after a word.
[BERT](https://arxiv.org/abs/1810.04805) hides some tokens of a text instead and predicts them from
both sides,

$$\begin{aligned}
p(x_i = v \mid \tilde{x}) &= \operatorname{softmax}_v(z_i) \\
M_{ij} &= [\tilde{x}_j \ne \text{padding}]
\end{aligned}$$

| symbol | code | meaning |
|---|---|---|
| $\tilde{x}$ | `x` | ids of the text, some of them hidden |
| $x_i$ | none | what stood at position $i$ before |
| $z_i$ | `logits[i]` | one score per token of the vocabulary, for what is hidden at position $i$ |
| $M_{ij}$ | `mask(x)` | whether position $i$ may read position $j$ |

There is no causal mask: every position may read every other one. $M$ is the same for all positions
$i$, so it has one row.

The network is [the one](transformer.html) that other tasks have as well. What is hidden and what is
asked for is the business of [MLM](../transformers/mlm.html). A
[language model](transformer_lm.html) reads from left to right.
"""

import torch

from labnn.models.transformer import TransformerModel


class TransformerMLM(TransformerModel):
    r"""
    ## TransformerMLM

    The loss is taken at the hidden tokens only, about one in seven, so the model is asked about
    their positions alone.
    """

    def mask(self, x: torch.Tensor) -> torch.Tensor | None:
        r"""
        What each position may read: all of the text on both of its sides, and no padding.

        `x` has shape `[seq_len, batch_size]`
        """
        return self.text_mask(x)
