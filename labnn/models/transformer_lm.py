r"""
# Transformer Language Model

A language model gives a probability to a whole text by predicting each token from those before it,

$$\begin{aligned}
p(x) &= \prod_i p(x_{i + 1} \mid x_0, \dots, x_i) \\
p(x_{i + 1} = v \mid x_0, \dots, x_i) &= \operatorname{softmax}_v(z_i) \\
M_{ij} &= [j \le i] \, [x_j \ne \text{padding}]
\end{aligned}$$

| symbol | code | meaning |
|---|---|---|
| $x_i$ | `x[i]` | id at position $i$ |
| $z_i$ | `logits[i]` | one score per token of the vocabulary, for what follows position $i$ |
| $M_{ij}$ | `mask(x)` | whether position $i$ may read position $j$ |

The network reads a text once and predicts at every position of it at the same time. That is honest
only if no position sees what it is asked for: the causal mask hides everything behind it, in
every layer. One leak would be enough, since a model that may copy its target learns nothing else.

[Generating Wikipedia by Summarizing Long Sequences](https://arxiv.org/abs/1801.10198) leaves the
encoder of a transformer out and keeps the decoder, whose self-attention is masked. Without an
encoder to attend to, a layer of a decoder is a layer of an encoder with a mask, so this is
[the network](transformer.html) that [masked language modelling](transformer_mlm.html) has, and the
[masks](../transformers/masks.html) make the difference. The
[generator](../transformers/generator.html) may share the table of the embeddings.

To write a text, the model is given a [cache](../transformers/kv_cache.html) and reads each token
once. Targets are the tokens one further, as [windows](../data/windows.html) have them.
"""

import torch

from labnn.models.transformer import TransformerModel
from labnn.transformers.chosen import check_positions
from labnn.transformers.fused_encoder import FusedEncoder, can_fuse
from labnn.transformers.kv_cache import KeyValueCache
from labnn.transformers.masks import causal_mask, combine_masks


class TransformerLM(TransformerModel):
    r"""
    ## TransformerLM

    The logits of a position depend on it and on what came before, so a longer text has the logits
    of a shorter one at its beginning.
    """

    # The causal mask of the longest text so far. It is no buffer: those are copied between
    # processes, each of which may have met texts of another length.
    longest_causal: torch.Tensor | None = None

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
        # Without padding the causal mask is one for all sequences.
        return combine_masks(self.causal(len(x), x.device), self.text_mask(x))

    def forward(
        self,
        x: torch.Tensor,
        positions: torch.Tensor | None = None,
        *,
        cache: KeyValueCache | None = None,
    ) -> tuple[torch.Tensor, KeyValueCache | None]:
        r"""
        * `x` has shape `[seq_len, batch_size]`
        * `positions` lists the positions that are asked for, as integers: position `i` of sequence
          `b` is number `i * batch_size + b`. `None` asks for all of them
        * `cache` is what was kept of the text before `x`; it gets what there is to keep of `x`

        Returns the logits, and the cache.
        """
        if cache is None:
            return super().forward(x, positions)
        check_positions(positions)
        mask = cache.begin(x, self.padding_token)
        features = self.encoder(self.src_embed(x, cache.places), mask, positions, cache=cache)
        return self.generator(features), cache

    def fused(self) -> "TransformerLM":
        """
        The same model for generation, with [fewer steps](../transformers/fused_encoder.html) and
        with a copy of the weights as they are now. One of other parts is returned as it is.
        """
        if not can_fuse(self.encoder):
            return self
        model = TransformerLM(
            encoder=FusedEncoder(self.encoder),
            src_embed=self.src_embed,
            generator=self.generator,
            padding_token=self.padding_token,
        )
        return model.train(self.training)
