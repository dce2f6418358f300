r"""
# Transformer for Masked Language Modelling

A language model that reads from left to right never learns to use what comes after a word.
[BERT](https://arxiv.org/abs/1810.04805) hides some tokens of a text instead and predicts them from
both sides. The network for that is an encoder between a table of token vectors and a projection
back to tokens,

$$z = \operatorname{Generator}(\operatorname{Encoder}(\operatorname{Embeddings}(x), M))$$

| symbol | code | meaning |
|---|---|---|
| $x$ | `x` | ids of the text, some of them hidden |
| $M$ | `mask` | which positions are text and not padding |
| $z$ | `logits` | one score per position and token of the vocabulary |

There is no causal mask: every position may read every other one. Padding, where there is some, may
not be read, so that a text has the same predictions alone and in a batch with longer ones.

Its parts are the [embeddings](../transformers/embeddings.html), the
[encoder](../transformers/encoder.html) and the [generator](../transformers/generator.html). What is
hidden and what is asked for is the business of [MLM](../transformers/mlm.html).
"""

import torch
from torch import nn

from labnn.transformers.chosen import check_positions, run_at
from labnn.transformers.masks import padding_mask


class TransformerMLM(nn.Module):
    r"""
    ## TransformerMLM

    The loss is taken at the hidden tokens only, about one in seven. Where their
    [positions](../transformers/chosen.html) are given, the last layer is computed for them alone,
    and only they are projected to the vocabulary.
    """

    def __init__(
        self,
        *,
        encoder: nn.Module,
        src_embed: nn.Module,
        generator: nn.Module,
        padding_token: int | None = None,
    ):
        r"""
        * `encoder` is called with the features and a mask
        * `src_embed` turns ids into features
        * `generator` turns features into logits
        * `padding_token` is the id that fills up short texts; `None` means that there is none
        """
        super().__init__()

        self.encoder = encoder
        self.src_embed = src_embed
        self.generator = generator
        self.padding_token = padding_token

    def forward(
        self, x: torch.Tensor, positions: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, None]:
        r"""
        * `x` has shape `[seq_len, batch_size]`
        * `positions` lists the positions that are asked for, as integers: position `i` of sequence
          `b` is number `i * batch_size + b`. `None` asks for all of them

        Returns the logits, and `None` for the state that recurrent models have.
        """
        check_positions(positions)

        mask = None if self.padding_token is None else padding_mask(x, self.padding_token)
        # Windows of a text have no padding, and without a mask attention does less. On another
        # device we do not ask, since the processor would have to wait for the answer.
        if mask is not None and mask.device.type == "cpu" and mask.all():
            mask = None
        # Each position has now read the text on both of its sides. Without positions the features
        # keep the axes of `x`; with them there is one row for each.
        features = run_at(self.encoder, self.src_embed(x), mask, positions)
        return self.generator(features), None
