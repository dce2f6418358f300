r"""
# Transformer Language Model

A language model gives a probability to a whole text by predicting each token from those before it,

$$\begin{aligned}
p(x) &= \prod_i p(x_{i + 1} \mid x_0, \dots, x_i) \\
p(x_{i + 1} = v \mid x_0, \dots, x_i) &= \operatorname{softmax}_v(z_i) \\
z &= \operatorname{Generator}(\operatorname{Encoder}(\operatorname{Embeddings}(x), M))
\end{aligned}$$

| symbol | code | meaning |
|---|---|---|
| $x_i$ | `x[i]` | id at position $i$ |
| $z_i$ | `logits[i]` | one score per token of the vocabulary, for what follows position $i$ |
| $M$ | `mask` | which positions each position may read: itself and those before it |

The network reads a text once and predicts at every position of it at the same time. That is honest
only if no position sees what it is asked for: the causal mask hides everything behind it, in
every layer. One leak would be enough, since a model that may copy its target learns nothing else.

[Generating Wikipedia by Summarizing Long Sequences](https://arxiv.org/abs/1801.10198) leaves the
encoder of a transformer out and keeps the decoder, whose self-attention is masked. Without an
encoder to attend to, a layer of a decoder is a layer of an encoder with a mask, so the blocks
here are the same as in [TransformerMLM](transformer_mlm.html): the
[embeddings](../transformers/embeddings.html), the [encoder](../transformers/encoder.html) and the
[generator](../transformers/generator.html), which may share the table of the embeddings. The
[masks](../transformers/masks.html) make the difference.

Targets are the tokens one further, as [windows](../data/windows.html) have them.
"""

import torch
from torch import nn

from labnn.transformers.chosen import check_positions, run_at
from labnn.transformers.masks import causal_mask, combine_masks, padding_mask


class TransformerLM(nn.Module):
    r"""
    ## TransformerLM

    The logits of a position depend on it and on what came before, so a longer text has the logits
    of a shorter one at its beginning.
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
        # The causal mask of the longest text so far. It is no buffer: those are copied between
        # processes, each of which may have met texts of another length.
        self.longest_causal: torch.Tensor | None = None

    def causal(self, seq_len: int, device: torch.device) -> torch.Tensor:
        r"""
        The causal mask, made once for many batches.

        * `device` is where the ids are
        * returns shape `[seq_len, seq_len, 1]`
        """
        longest = self.longest_causal
        if longest is None or len(longest) < seq_len or longest.device != device:
            # A tensor of inference mode could never be part of a training step later on.
            with torch.inference_mode(False):
                longest = self.longest_causal = causal_mask(seq_len, device)
        # Who may read whom does not depend on how long the text is: a corner is a mask as well.
        return longest[:seq_len, :seq_len]

    def mask(self, x: torch.Tensor) -> torch.Tensor:
        r"""
        What each position may read: nothing behind it, and no padding.

        `x` has shape `[seq_len, batch_size]`
        """
        causal = self.causal(len(x), x.device)
        if self.padding_token is None:
            return causal
        readable = padding_mask(x, self.padding_token)
        # Windows of a text have no padding, and the causal mask alone is one for all sequences. On
        # another device we do not ask, since the processor would have to wait for the answer.
        if readable.device.type == "cpu" and readable.all():
            return causal
        return combine_masks(causal, readable)

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

        # Each position has now read the text up to itself. Without positions the features keep
        # the axes of `x`; with them there is one row for each.
        features = run_at(self.encoder, self.src_embed(x), self.mask(x), positions)
        return self.generator(features), None
