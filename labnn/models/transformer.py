r"""
# Transformer Model

What the transformers of this package have in common. A table gives each token of a text a vector,
an encoder lets the vectors read each other, and a projection makes a score for each token of the
vocabulary of what they have become. Which position may read which is all that a task adds,

$$z = \operatorname{Generator}(\operatorname{Encoder}(\operatorname{Embeddings}(x), M))$$

| symbol | code | meaning |
|---|---|---|
| $x$ | `x` | ids of the text |
| $M$ | `mask(x)` | who may read whom; a method of the task |
| $z$ | `logits` | one score per position and token of the vocabulary |

The parts are the [embeddings](../transformers/embeddings.html), the
[encoder](../transformers/encoder.html) and the [generator](../transformers/generator.html). They
come from outside, made, so any module with the same shapes can take the place of one.

**Not all positions.** A loss seldom asks about every position. Where the
[positions](../transformers/chosen.html) are given, the last layer is computed for them alone, and
only they are projected to the vocabulary, which is the largest product of a small model.

The tasks are [predicting what is hidden](transformer_mlm.html), from both sides, and
[predicting what comes next](transformer_lm.html), from what came before.
"""

import torch
from torch import nn

from labnn.transformers.chosen import check_positions, run_at
from labnn.transformers.masks import padding_mask


class TransformerModel(nn.Module):
    r"""
    ## TransformerModel

    Texts of a batch differ in length, and the short ones are filled up with padding. No task reads
    that, so a text has the same predictions alone and in front of padding. A class for a task
    defines `mask`.
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

    def mask(self, x: torch.Tensor) -> torch.Tensor | None:
        r"""
        What each position may read, for each class to say. `None` is everything.

        `x` has shape `[seq_len, batch_size]`
        """
        raise NotImplementedError(
            f"{type(self).__name__} has no mask: define which positions its task may read, or take "
            "TransformerMLM or TransformerLM"
        )

    def text_mask(self, x: torch.Tensor) -> torch.Tensor | None:
        r"""
        Which positions are text and not padding. `None` where all are, as in windows of a longer
        text: without a mask attention does less.

        `x` has shape `[seq_len, batch_size]`
        """
        if self.padding_token is None:
            return None
        is_text = padding_mask(x, self.padding_token)
        # On another device we do not ask, since the processor would have to wait for the answer.
        return None if is_text.device.type == "cpu" and is_text.all() else is_text

    def compile(self, *args, **options) -> None:
        """
        [Compile](../transformers/compiled.html) the layers of the encoder. Embedding, last
        normalization and generator stay as they are. The arguments are those of `torch.compile`.
        """
        self.encoder.compile(*args, **options)

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

        # Each position has now read what the mask lets it read. Without positions the features keep
        # the axes of `x`; with them there is one row for each.
        features = run_at(self.encoder, self.src_embed(x), self.mask(x), positions)
        return self.generator(features), None
