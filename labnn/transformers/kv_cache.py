r"""
# Cache of Keys and Values

A language model writes one token at a time. Read anew for each, a text of $n$ tokens costs about
$n / 2$ times as much as it does once, and all but one of its positions give what they gave before:
no position reads what comes after it. [Fast Transformer
Decoding](https://arxiv.org/abs/1911.02150), section 2, spells out what everybody does. Each layer
keeps the keys and values of the text, and only new tokens pass through it,

$$\begin{aligned}
y_n &= \operatorname{Attention}\big(q_n, \; (K, k_n), \; (V, v_n)\big) \\
\text{bytes} &= 2 \, n_{\text{layers}} \cdot n \cdot b \cdot d_{\text{model}} \cdot s
\end{aligned}$$

| symbol | code | meaning |
|---|---|---|
| $q_n$, $k_n$, $v_n$ | `key`, `value` | of the new token in one layer |
| $K$, $V$ | `keys`, `values` | of all tokens before it |
| $n$ | `length` | tokens so far |
| $b$ | `batch_size` | texts that are written side by side |
| $s$ | `element_size()` | bytes of a number: 4 in `float32` |

A model of 12 layers with 768 features keeps 72 KiB a token in `float32`, and 72 MiB for a text of
1,024 tokens. Memory is taken ahead, for 64 tokens at least, and doubled when it is full. A text of
more than half of that has less than twice what it needs; while it is doubled the old half is there
as well.

**Prompts of different lengths** are filled up on the left. All texts then end in the same row: a
new token is written to one row for all, and the next one is predicted there. Filled up on the
right, each would have an end of its own, and padding in its middle from the next token on. What
stands before a text is hidden by the mask, and places are counted from where it begins, so each
text gets what it gets alone.

[Multi-head attention](mha.html) extends the cache, the [encoder](encoder.html) hands it to its
layers, and the [language model](../models/transformer_lm.html) is given it by the caller. The
[fused encoder](fused_encoder.html) does the same with fewer steps.
"""

import inspect
from collections.abc import Callable

import torch
from einops import rearrange
from torch import nn

from labnn.transformers.chosen import last_positions
from labnn.transformers.masks import causal_mask, combine_masks

# Tokens that there is room for at first
ROOM = 64


class LayerCache:
    r"""
    ## LayerCache

    The keys and values of one layer, with room for more behind them.
    """

    def __init__(self, text: "KeyValueCache"):
        r"""
        * `text` knows how long the text is and where its tokens stand
        """
        self.text = text
        self.keys: torch.Tensor | None = None
        self.values: torch.Tensor | None = None

    def extend(self, key: torch.Tensor, value: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        r"""
        Keeps what is new, and returns what there is of the whole text.

        * `key` has shape `[seq_len, batch_size, n_heads, d_k]`
        * `value` has shape `[seq_len, batch_size, n_heads, d_k]`
        """
        start, length = self.text.start, self.text.length
        if self.keys is None or len(self.keys) < length:
            self.keys, self.values = self.roomier(self.keys, key), self.roomier(self.values, value)
        # A copy of what is new alone. `torch.cat` would copy the whole text for each token.
        self.keys[start:length] = key
        self.values[start:length] = value
        return self.keys[:length], self.values[:length]

    def roomier(self, kept: torch.Tensor | None, new: torch.Tensor) -> torch.Tensor:
        r"""
        Memory for more rows, with what was kept. Twice as many each time, so that a text of $n$
        tokens is copied less than twice in all.

        * `new` has shape `[seq_len, batch_size, n_heads, d_k]`
        """
        n_rows = max(ROOM, self.text.length)
        if kept is not None:
            n_rows = max(n_rows, 2 * len(kept))
        # Memory of inference mode could not be written to outside of it.
        with torch.inference_mode(False):
            memory = new.new_empty(n_rows, *new.shape[1:])
        if kept is not None:
            memory[: len(kept)] = kept
        return memory

    def select(self, indices: torch.Tensor, text: "KeyValueCache") -> "LayerCache":
        r"""
        What there is of some of the texts.

        * `indices` has shape `[n_selected]`
        * `text` is the cache that the result is for
        """
        selected = LayerCache(text)
        if self.keys is not None:
            for name in ("keys", "values"):
                kept = getattr(self, name)
                with torch.inference_mode(False):
                    memory = kept.new_empty(len(kept), len(indices), *kept.shape[2:])
                # The room behind the text has nothing to be copied.
                memory[: text.length] = kept[: text.length].index_select(1, indices)
                setattr(selected, name, memory)
        return selected


class KeyValueCache:
    r"""
    ## KeyValueCache

    What a model keeps of a batch of texts. It grows with each call of the model:

    ```python
    cache = KeyValueCache()
    logits, _ = model(prompt, cache=cache)
    logits, _ = model(next_token, cache=cache)
    ```
    """

    def __init__(self, *, n_padding: torch.Tensor | None = None):
        r"""
        * `n_padding` is the number of rows before each text of the batch, `[batch_size]`; `None`
          for none
        """
        self.n_padding = n_padding
        # The new tokens are rows from `start` up to `length`.
        self.start = self.length = 0
        self.n_texts: int | None = None
        # Which rows are text, `[length, batch_size]`; `None` as long as all are.
        self.is_text: torch.Tensor | None = None
        # The places of the new tokens and of all, counted from where a text begins
        self.places: torch.Tensor | None = None
        self.key_places: torch.Tensor | None = None
        self.layers: list[LayerCache] = []

    def begin(self, x: torch.Tensor, padding_token: int | None = None) -> torch.Tensor | None:
        r"""
        New tokens come. Returns the mask for them, which lets each read the text up to itself, and
        no padding. `None` lets it read everything.

        * `x` has shape `[seq_len, batch_size]`
        * `padding_token` is the id that fills up texts; `None` means that there is none
        """
        self.check(x)
        self.n_texts = x.shape[1]
        self.start, self.length = self.length, self.length + len(x)

        rows = torch.arange(self.length, device=x.device).unsqueeze(-1)
        self.key_places = rows
        if self.n_padding is not None:
            # Padding has no place. It gets one that every table has.
            self.key_places = (rows - self.n_padding).clamp(min=0)
        self.places = self.key_places[self.start :]

        self.note_padding(x, rows[self.start :], padding_token)
        is_text = None if self.is_text is None else rearrange(self.is_text, "j b -> 1 j b")
        # A single token is the last one, and may read all there is.
        if len(x) == 1:
            return is_text
        return combine_masks(causal_mask(len(x), x.device, n_before=self.start), is_text)

    def note_padding(self, x: torch.Tensor, rows: torch.Tensor, padding_token: int | None) -> None:
        r"""
        Remembers which of the new tokens are padding, once there is some.

        * `x` has shape `[seq_len, batch_size]`
        * `rows` has shape `[seq_len, 1]`
        """
        if self.n_padding is None and padding_token is None:
            return
        is_text = torch.ones_like(x, dtype=torch.bool)
        if self.n_padding is not None:
            is_text &= rows >= self.n_padding
        if padding_token is not None:
            is_text &= x != padding_token
        if self.is_text is None and is_text.all():
            return
        before = self.is_text
        if before is None:
            before = is_text.new_ones(self.start, is_text.shape[1])
        self.is_text = torch.cat([before, is_text])

    def check(self, x: torch.Tensor) -> None:
        r"""
        What would go wrong later, or silently, is refused.

        * `x` has shape `[seq_len, batch_size]`
        """
        if torch.is_grad_enabled():
            raise ValueError(
                "a cache of keys and values has no gradient, and gradients are enabled: call the "
                "model under torch.no_grad(), or without a cache"
            )
        n_texts = self.n_texts
        if n_texts is None and self.n_padding is not None:
            n_texts = len(self.n_padding)
        if n_texts is not None and x.shape[1] != n_texts:
            raise ValueError(
                f"the ids have {x.shape[1]} sequences and the cache has {n_texts}: give each "
                "sequence its next tokens, or choose sequences with select"
            )

    def of_layers(self, n_layers: int) -> list[LayerCache]:
        """One part for each of `n_layers` layers"""
        if not self.layers:
            self.layers = [LayerCache(self) for _ in range(n_layers)]
        if len(self.layers) != n_layers:
            raise ValueError(
                f"the cache is of a model with {len(self.layers)} layers, and this one has "
                f"{n_layers}: give each model a cache of its own"
            )
        return self.layers

    def select(self, indices: torch.Tensor) -> "KeyValueCache":
        r"""
        A cache of some of the texts, in another order, some perhaps several times, as a beam search
        wants them. This one stays as it is.

        * `indices` has shape `[n_selected]`
        """
        selected = KeyValueCache()
        selected.start, selected.length = self.start, self.length
        selected.n_texts = len(indices)
        if self.n_padding is not None:
            selected.n_padding = self.n_padding[indices]
        if self.is_text is not None:
            selected.is_text = self.is_text[:, indices]
        selected.layers = [layer.select(indices, selected) for layer in self.layers]
        return selected

    @property
    def n_bytes(self) -> int:
        """The memory of all keys and values, with the room for more"""
        memory = [m for layer in self.layers for m in (layer.keys, layer.values) if m is not None]
        return sum(m.numel() * m.element_size() for m in memory)


def takes_cache(model: nn.Module) -> bool:
    """
    ## Whether a model and its parts know of a cache

    A part of a person's own may train well and know of none. Then the text has to be read again for
    each token.
    """

    def takes(part: nn.Module | None, name: str) -> bool:
        """A part that is not there takes everything."""
        return part is None or name in inspect.signature(part.forward).parameters

    encoder, src_embed = (getattr(model, name, None) for name in ("encoder", "src_embed"))
    layers = [*getattr(encoder, "layers", ())]
    layers += [getattr(layer, "self_attn", None) for layer in layers]
    placed = (src_embed, getattr(src_embed, "positional_encoding", None))
    return all(takes(part, "cache") for part in (model, encoder, *layers)) and all(
        takes(part, "places") for part in placed
    )


def cached_step(model: Callable) -> Callable:
    r"""
    ## A model for the loops of generation

    Returns a [step](../generation/decoding.html), a function of new ids, of the state, which is
    `None` at first and a `KeyValueCache` from then on, and of the lengths of the texts. It returns
    the logits of what follows the last row, `[batch_size, n_tokens]`, and the state.

    * `model` is called with ids, the positions that are asked for, and `cache`. One that has a form
      with [fewer steps](fused_encoder.html) is taken in it, with the weights as they are now
    """
    model = model.fused() if hasattr(model, "fused") else model

    def step(
        x: torch.Tensor, state: KeyValueCache | None, lengths: torch.Tensor
    ) -> tuple[torch.Tensor, KeyValueCache]:
        r"""
        * `x` has shape `[seq_len, batch_size]`
        * `lengths` has shape `[batch_size]`
        """
        if state is None:
            n_padding = len(x) - lengths
            state = KeyValueCache(n_padding=n_padding if n_padding.any() else None)
        # Of a prompt only the last row is asked about: logits are large.
        return model(x, last_positions(x), cache=state)

    return step
