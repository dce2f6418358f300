r"""
# Filling In

A masked language model says what stands at a place from both sides of it:

```sh
labnn fill 20261121 "to be or not to [MASK]"
```

The model has read `seq_len` tokens at a time, and a text may be longer: each mask gets a window of
its own, with the mask in the middle, and moved inside where the text ends. The windows of a text
have one length, so they go through the model side by side, and those that are the same go once.

Padding and the mask itself have a share of the probability, as any other token, but nobody asks for
them: they are left out of the answer, and what is left is not scaled up to one.

[Loading](load.html) finds model and vocabulary; any experiment with
[hidden tokens](../configs/masking.html) can be asked.
"""

from dataclasses import dataclass
from typing import Any

import torch

from labnn.configs.masking import MaskedTextConfigs
from labnn.configs.text import some
from labnn.runs.folders import RunError
from labnn.runs.load import load, locate, warn
from labnn.runs.plain_text import characters, table, typed_texts
from labnn.runs.samples import SIGNS, SPACE
from labnn.tokenizers.tokenizer import Tokenizer

MASK = "[MASK]"
# A character that is part of a word for every tokenizer
LETTER = "x"
# A space in an answer would not be seen.
VISIBLE = SIGNS | {ord(" "): SPACE}


def fill(words: list[str], options: dict[str, str]) -> tuple[dict, str]:
    """
    What the command answers. Raises `RunError`.

    * `words` are a run and a text; without a text, stdin has one in each line
    """
    top_k = whole_number(options.get("top_k", "5"))
    texts = words[1:] or typed_texts(f'labnn fill RUN "to be or {MASK}ot"')
    for number, text in enumerate(texts, 1):
        where = f"line {number} of stdin" if len(words) < 2 else "the text"
        if not text.strip():
            raise RunError(f"{where} is empty; write a text with {MASK} where a token is hidden")
        if MASK not in text:
            raise RunError(f"{where} has no {MASK}; write it where a token is hidden: {text!r:.80}")
    # Loading takes time, so the texts were looked at first.
    conf, name = load(locate(words[0]), checkpoint=options.get("checkpoint", "best"))
    if not isinstance(conf, MaskedTextConfigs):
        raise RunError(
            f"{words[0]}: {type(conf).__name__} is no masked language model, it has no mask_token; "
            "name a run of one, for instance of experiments.mlm"
        )
    answers = predictions(conf, texts, top_k)
    shown = "\n\n".join(map(in_words, answers))
    return answers[0] if len(answers) == 1 else {"texts": answers}, shown


def whole_number(text: str) -> int:
    """A number of predictions, from what was typed"""
    if not text.isascii() or not text.isdigit() or not int(text):
        raise RunError(f"top_k is {text!r:.40}; it takes a whole number, at least 1")
    return int(text)


def predictions(conf: Any, texts: list[str], top_k: int = 5) -> list[dict]:
    """
    For each text: the text with the best predictions, and for each mask its place, counted in
    tokens, and its predictions. Raises `RunError`.

    * `conf` is what `load` gives
    """
    tokenizer = conf.tokenizer
    no_text = {conf.padding_token, conf.mask_token, tokenizer.unknown_token}
    allowed = [number for number in range(tokenizer.n_tokens) if number not in no_text]
    if top_k > len(allowed):
        raise RunError(f"top_k is {top_k}, and the vocabulary has {len(allowed)} tokens of text")
    cut_texts = [cut(text, tokenizer, conf.mask_token) for text in texts]
    reads = MASK if tokenizer.unknown_token is None else "the unknown token"
    tell_unknown([piece for found in cut_texts for piece in found.unknown], reads)

    answers = []
    for found in cut_texts:
        masks = []
        rows = probabilities(conf, found.ids, found.positions)[:, allowed]
        if not rows.isfinite().all():
            raise RunError("the model predicts no numbers (NaN): its training has diverged")
        # Equally probable tokens stay in the order of the vocabulary.
        order = rows.argsort(dim=-1, descending=True, stable=True)[:, :top_k]
        for position, row, best in zip(found.positions, rows, order, strict=True):
            shares = [
                {"token": tokenizer.tokens[allowed[k]], "probability": float(row[k])}
                for k in best.tolist()
            ]
            found.pieces[position] = shares[0]["token"]
            masks.append({"position": position, "predictions": shares})
        answers.append({"text": "".join(found.pieces), "masks": masks})
    return answers


@dataclass
class Cut:
    """
    ## Cut

    A text with masks, cut into tokens
    """

    pieces: list[str]
    ids: torch.Tensor
    # Places of the masks
    positions: list[int]
    # Pieces that the vocabulary has not
    unknown: list[str]


def cut(text: str, tokenizer: Tokenizer, mask_token: int) -> Cut:
    """What stands between the masks is cut as any text, and a piece without an id is no mask."""
    text = characters(text)
    pieces, ids, positions, unknown = [], [], [], []
    *parts, last = text.split(MASK)
    for part in parts:
        # A tokenizer may give a word the space before it. Then the hidden word has it as well.
        is_own = tokenizer.split(part + LETTER)[-1] == f" {LETTER}"
        # Other white space before it, such as a line end, is no part of the word.
        before = part.removesuffix(" ") if is_own else part
        parts_of_text(before, tokenizer, mask_token, pieces, ids, unknown)
        positions.append(len(pieces))
        pieces.append(MASK)
        ids.append(mask_token)
    parts_of_text(last, tokenizer, mask_token, pieces, ids, unknown)
    return Cut(pieces, torch.tensor(ids), positions, unknown)


def parts_of_text(
    text: str, tokenizer: Tokenizer, mask_token: int, pieces: list, ids: list, unknown: list
) -> None:
    """Append what stands between two masks. Pieces that are not known are read, never dropped."""
    substitute = mask_token if tokenizer.unknown_token is None else None
    pieces += tokenizer.split(text)
    ids += tokenizer.encode(text, unknown=substitute).tolist()
    unknown += [piece for _, piece in tokenizer.unknown(text)]


def tell_unknown(pieces: list[str], reads: str) -> None:
    """One line about all pieces that the model does not know, and what it reads in their places"""
    if pieces:
        warn(f"not in the vocabulary: {some(pieces)}; the model reads {reads} there")


def probabilities(conf: Any, ids: torch.Tensor, positions: list[int]) -> torch.Tensor:
    r"""
    The probability of each token at some places of a text.

    * `ids` has shape `[n_pieces]`
    * `positions` are the places, in order
    * returns shape `[n_positions, n_tokens]`
    """
    length = min(conf.seq_len, len(ids))
    # The place is in the middle of its window, unless the text begins or ends before.
    starts = [min(max(place - length // 2, 0), len(ids) - length) for place in positions]
    # Windows that are the same go through the model once.
    columns = torch.tensor(sorted({*starts}))
    rows = []
    for chunk in columns.split(conf.batch_size):
        # Row by row the windows advance together.
        windows = ids[chunk + torch.arange(length).unsqueeze(-1)].to(conf.device)
        with torch.no_grad(), conf.mixed_precision.autocast():
            logits, _ = conf.model(windows)
        column = {start: number for number, start in enumerate(chunk.tolist())}
        rows += [
            logits[place - start, column[start]]
            for place, start in zip(positions, starts, strict=True)
            if start in column
        ]
    # Not every device has double precision.
    return torch.stack(rows).float().cpu().double().softmax(dim=-1)


def in_words(answer: dict) -> str:
    """An answer for a person: white space shows, and nothing talks to the terminal."""
    lines = [answer["text"].translate(SIGNS)]
    for mask in answer["masks"]:
        rows = [
            [share["token"].translate(VISIBLE), f"{share['probability']:.2%}".replace("%", " %")]
            for share in mask["predictions"]
        ]
        lines += ["", f"token {mask['position']}", *table(rows, right=(1,), indent="  ")]
    return "\n".join(lines)
