r"""
# Masked Language Modelling

A model that sees both sides of a word cannot learn by predicting the next one: it would see the
answer.
[BERT: Pre-training of Deep Bidirectional Transformers](https://arxiv.org/abs/1810.04805)
hides some tokens instead and asks for those alone. The mask token never occurs in real text, so
section 3.1 masks only most of the selected tokens: it swaps some for random ones and keeps others.
An ordinary token is treated in one of four ways, with

$$\begin{aligned}
P(\text{masked}) &= p \, (1 - r - c) \\
P(\text{random}) &= p \, r \\
P(\text{kept}) &= p \, c \\
P(\text{not selected}) &= 1 - p
\end{aligned}$$

| symbol | code | meaning |
|---|---|---|
| $p$ | `masking_prob` | chance that an ordinary token is selected, to be predicted |
| $r$ | `randomize_prob` | share of the selected that become a random ordinary token |
| $c$ | `no_change_prob` | share of the selected that stay as they are |

**Departure.** We draw random tokens from the ordinary ones only: padding or a mask in the middle of
a text would teach nothing. A random token may be the original again, by chance.

**Departure.** Where nothing would be selected, one position is, so that every batch has a loss.

[TransformerMLM](../models/transformer_mlm.html) is a network that learns from what is hidden here.
"""

from collections.abc import Iterable

import torch


class MLM:
    r"""
    ## MLM

    One uniform number $u$ a position decides everything, because $[0, 1)$ is cut into intervals:
    $u < p$ selects, $u < p \, r$ randomizes, and where in $[0, p \, r)$ it fell names the token.

    The trap is to draw "random?" and "kept?" separately. Both come true for $r \, c$ of the
    selected tokens, and one overwrites the other. Where random wins, the shares are

    $$\begin{aligned}
    \text{masked} &= (1 - r)(1 - c) \\
    \text{random} &= r \\
    \text{kept} &= c \, (1 - r)
    \end{aligned}$$

    which turns BERT's 80/10/10 into 81/10/9. Fates that exclude each other need one number.
    """

    def __init__(
        self,
        *,
        padding_token: int,
        mask_token: int,
        no_mask_tokens: Iterable[int] = (),
        n_tokens: int,
        masking_prob: float = 0.15,
        randomize_prob: float = 0.1,
        no_change_prob: float = 0.1,
    ):
        r"""
        * `padding_token` fills batches, and the labels where nothing is to be predicted
        * `mask_token` is what hides a token
        * `no_mask_tokens` are further tokens to leave alone: they are neither selected nor drawn
        * `n_tokens` is the size of the vocabulary, special tokens included
        * `masking_prob` is $p$, `randomize_prob` is $r$ and `no_change_prob` is $c$
        """
        no_mask_tokens = list(no_mask_tokens)
        check_probabilities(masking_prob, randomize_prob, no_change_prob)
        check_tokens(padding_token, mask_token, no_mask_tokens, n_tokens)

        self.padding_token = padding_token
        self.mask_token = mask_token
        self.no_mask_tokens = no_mask_tokens
        self.n_tokens = n_tokens
        self.masking_prob = masking_prob
        self.randomize_prob = randomize_prob
        self.no_change_prob = no_change_prob

        # A table answers "may this token be selected?" in one look-up, however many are special.
        #
        # `self.is_ordinary` has shape `[n_tokens]`
        self.is_ordinary = torch.ones(n_tokens, dtype=torch.bool)
        self.is_ordinary[[padding_token, mask_token, *no_mask_tokens]] = False
        # The same tokens as a list, to draw random ones from.
        #
        # `self.ordinary` has shape `[n_ordinary]`
        self.ordinary = self.is_ordinary.nonzero().squeeze(-1)
        if not len(self.ordinary):
            raise ValueError(
                f"all {n_tokens} tokens are padding, mask or no_mask_tokens, so none is left to "
                f"predict: raise n_tokens or shorten no_mask_tokens"
            )

    def __call__(
        self, x: torch.Tensor, generator: torch.Generator | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        r"""
        * `x` are token ids: any shape, any integer type
        * `generator` makes the draws repeatable, for validation say. The numbers are drawn on its
          device and then moved to that of `x`, so a generator of the CPU gives the same masks on
          every device. Without one, the global generator of the device of `x` draws.

        Returns the masked ids and the labels, both like `x`, which is not modified. Labels are the
        original token where one is to be predicted, and padding elsewhere.
        """
        self.check_type(x)
        # Torch cannot index with small integers nor compare unsigned ones, so everything between
        # the borders is done with wide ones.
        #
        # `flat` has shape `[n_positions]`
        flat = x.reshape(-1).long()
        self.check_range(flat)

        # The tables follow the ids to their device once, not in every call.
        self.is_ordinary = self.is_ordinary.to(x.device)
        self.ordinary = self.ordinary.to(x.device)

        # Writing by index touches the selected positions only, here 15 % of all.
        index, share = self.select(flat, generator)
        tokens = flat[index]

        labels = torch.full_like(flat, self.padding_token)
        labels[index] = tokens
        masked = flat.clone()
        masked[index] = self.replace(tokens, share)

        return masked.view(x.shape).to(x.dtype), labels.view(x.shape).to(x.dtype)

    def select(
        self, flat: torch.Tensor, generator: torch.Generator | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        r"""
        Which positions are to be predicted, and for each the number in $[0, 1)$ that decides its
        fate. At least one is selected where any can be, because the mean loss over no position is
        not a number.

        * `flat` has shape `[n_positions]`
        * `index` has shape `[n_selected]`
        * `share` has shape `[n_selected]`
        """
        # Doubles carry 53 random bits. The 24 of a `float32` leave only 250,000 values below
        # $p \, r = 0.015$, too few to draw evenly from a vocabulary of 30,000.
        draws = torch.rand(
            len(flat) + 1,
            generator=generator,
            dtype=torch.float64,
            device=flat.device if generator is None else generator.device,
        ).to(flat.device)
        draws, spare = draws[:-1], draws[-1:]

        # Of the positions with an ordinary token, those below $p$ are selected.
        #
        # `selectable` has shape `[n_positions]`
        selectable = self.is_ordinary.index_select(0, flat)
        index = (selectable & (draws < self.masking_prob)).nonzero().squeeze(-1)
        # Given that $u < p$, the quotient $u / p$ is uniform again.
        share = draws[index] / self.masking_prob

        # Short or padded batches may come out empty. The smallest of equally distributed numbers is
        # equally likely to be anywhere; the spare number decides its fate, as its own is too large.
        if not len(index) and selectable.any():
            index = draws.masked_fill(~selectable, 2.0).argmin(dim=0, keepdim=True)
            share = spare

        return index, share

    def replace(self, tokens: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
        r"""
        What the model sees in place of the selected tokens.

        * `tokens` has shape `[n_selected]`
        * `share` has shape `[n_selected]`
        * returns shape `[n_selected]`
        """
        # Of the shares, $[0, r)$ randomizes, $[r, r + c)$ keeps and $[r + c, 1)$ masks.
        is_random = share < self.randomize_prob
        is_masked = share >= self.randomize_prob + self.no_change_prob
        replaced = tokens.masked_fill(is_masked, self.mask_token)

        # Given that it fell below $r$, the quotient by $r$ is uniform once more and counts through
        # the ordinary tokens. A device that multiplies by $1 / r$ may round up to their number.
        n_ordinary = len(self.ordinary)
        choice = (share[is_random] / self.randomize_prob * n_ordinary).long()
        replaced[is_random] = self.ordinary[choice.clamp_(max=n_ordinary - 1)]

        return replaced

    def check_type(self, x: torch.Tensor) -> None:
        """Refuse what is not integers, or too small for a random token: it would wrap around."""
        if x.is_floating_point() or x.is_complex() or x.dtype == torch.bool:
            raise ValueError(f"token ids are integers, these are {x.dtype}: convert with x.long()")
        if self.n_tokens - 1 > torch.iinfo(x.dtype).max:
            raise ValueError(f"{x.dtype} cannot hold {self.n_tokens} tokens: convert with x.long()")

    def check_range(self, flat: torch.Tensor) -> None:
        r"""
        Refuse ids outside the vocabulary. A negative one would count from the end of the table.

        * `flat` has shape `[n_positions]`
        """
        if not len(flat):
            return
        low, high = (int(end) for end in flat.aminmax())
        if low < 0 or high >= self.n_tokens:
            raise ValueError(
                f"token id {low if low < 0 else high} is outside the vocabulary, which is 0 to "
                f"{self.n_tokens - 1}: were these ids made by another tokenizer?"
            )


def check_probabilities(masking_prob: float, randomize_prob: float, no_change_prob: float) -> None:
    """
    ## Probabilities that are none are refused

    A NaN fails every comparison, so it is refused as well.
    """
    named = dict(
        masking_prob=masking_prob, randomize_prob=randomize_prob, no_change_prob=no_change_prob
    )
    for name, value in named.items():
        if not 0.0 <= value <= 1.0:
            raise ValueError(f"{name} is a probability and must be from 0 to 1, not {value}")
    if randomize_prob + no_change_prob > 1.0:
        raise ValueError(
            f"randomize_prob + no_change_prob is {randomize_prob} + {no_change_prob}: they are "
            f"shares of the selected tokens, so lower one until their sum is at most 1"
        )


def check_tokens(padding: int, mask: int, no_mask_tokens: list[int], n_tokens: int) -> None:
    """
    ## Special tokens have ids of their own

    What is outside the vocabulary is refused, and so are a mask and a padding that are the same.
    """
    named = [("padding_token", padding), ("mask_token", mask)]
    named += [("no_mask_tokens", token) for token in no_mask_tokens]
    for name, token in named:
        if not 0 <= token < n_tokens:
            raise ValueError(
                f"{name} has id {token}, outside the vocabulary: n_tokens is {n_tokens} and must "
                f"count the special tokens too"
            )
    if padding == mask:
        raise ValueError(
            f"padding_token and mask_token are both {mask}: give each an id of its own, or masked "
            f"positions would count as padding"
        )
