r"""
# Prompts

Texts of a person's own, of any length, as one batch. A text that is longer than a sequence goes
into several columns, and what is left of the last one is filled with padding, which a model is told
to ignore: nothing is cut off, and a short text gives the same predictions as without its filling.

A piece that is not in the vocabulary has no id. It is shown as it is, and `unknown` lists it, so
that a person can be told. In its place the model reads the unknown token of the tokenizer, and the
mask token where the tokenizer has none.

Training reads [windows](windows.html), which have no padding.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from labnn.tokenizers.tokenizer import Tokenizer


@dataclass
class Prompts:
    """
    ## Prompts

    What is shown and what is read: `pieces[n]` are the pieces of prompt `n`, and `ids` has them for
    the model. `columns[n]` says which columns of `ids` are theirs.
    """

    pieces: list[list[str]]
    ids: torch.Tensor
    columns: list[range]
    # Pieces without an id, each with the number of its prompt and its place there.
    unknown: list[tuple[int, int, str]]

    def rows(self, grid: torch.Tensor) -> list[torch.Tensor]:
        """
        What a tensor says about each prompt, without the padding.

        * `grid` has the axes of `ids`
        """
        flat = [grid[:, [*columns]].T.flatten() for columns in self.columns]
        return [row[: len(pieces)] for row, pieces in zip(flat, self.pieces, strict=True)]


def prompt_batch(
    tokenizer: Tokenizer,
    texts: Sequence[str],
    *,
    seq_len: int,
    padding_token: int,
    mask_token: int,
) -> Prompts:
    r"""
    ## From texts to a batch

    * `tokenizer` cuts the texts and knows the ids
    * `texts` are the prompts
    * `seq_len` is the number of tokens in a column
    * `padding_token` fills the last column of each prompt
    * `mask_token` stands for unknown pieces, if the tokenizer has nothing for them
    """
    pieces, columns, parts, unknown = [], [], [], []
    for number, text in enumerate(texts):
        pieces.append(tokenizer.split(text))
        unknown += [(number, place, piece) for place, piece in tokenizer.unknown(text)]
        substitute = None if tokenizer.unknown_token is not None else mask_token
        ids = torch.as_tensor(tokenizer.encode(text, unknown=substitute))
        # An empty prompt has a column as well, of nothing but padding.
        chunks = ids.split(seq_len)
        columns.append(range(len(parts), len(parts) + len(chunks)))
        parts += chunks
    # Padding is there first, and the texts are written over it, column by column.
    ids = torch.full((seq_len, len(parts)), padding_token)
    for column, chunk in enumerate(parts):
        ids[: len(chunk), column] = chunk
    return Prompts(pieces, ids, columns, unknown)
