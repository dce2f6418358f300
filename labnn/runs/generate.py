r"""
# Writing On

A language model goes on from a prompt, token by token, and the text appears as it is written:

```sh
labnn generate 20261121 "Before we proceed" n_tokens=100 top_p=0.9
```

| option | meaning |
|---|---|
| `n_tokens` | how many tokens there are to be at most, 100 |
| `temperature` | below 1 the probable becomes more probable; 0 takes the best token each time |
| `top_k`, `top_p` | draw from the `k` best tokens only, or from the best that have a share `p` |
| `n_beams`, `length_penalty` | search for the best text as a whole instead of drawing |
| `no_repeat` | how long a row of tokens is that may not come twice |
| `stop` | the token that ends a text; `\n` is a line end |
| `n_samples`, `seed` | how many texts, and what their chances hang on |

What they do is on the pages of [generation](../generation/index.html). The same seed writes the
same text again, alone or beside others. A text that is longer than a window of the training goes on
with [half a window](../generation/window.html) in view.

[Loading](load.html) finds model and vocabulary.
"""

from collections.abc import Iterator
from typing import Any

import torch

from labnn.configs.generating import Growing, Writer, step_of
from labnn.configs.language_model import CausalTextConfigs
from labnn.runs.fill import tell_unknown
from labnn.runs.folders import RunError
from labnn.runs.load import load, locate
from labnn.runs.plain_text import characters, typed_texts
from labnn.runs.samples import SIGNS

# Every option with the type of its values
OPTIONS: dict[str, type] = {
    "n_tokens": int,
    "temperature": float,
    "top_k": int,
    "top_p": float,
    "n_beams": int,
    "length_penalty": float,
    "no_repeat": int,
    "n_samples": int,
    "seed": int,
    "stop": str,
    "checkpoint": str,
}
# Options of chance, which a search has nothing of
OF_CHANCE = ("temperature", "top_k", "top_p", "seed")
# A line end is a character that may be shown.
VISIBLE = {number: sign for number, sign in SIGNS.items() if number != ord("\n")}


def generate(words: list[str], options: dict[str, str]) -> tuple[dict, Iterator[str]]:
    """
    What the command answers: an object that is whole when all pieces of the text have come. Raises
    `RunError`.

    * `words` are a run and a prompt; without a prompt, stdin has one in each line
    """
    values = checked(options)
    checkpoint, stop = values.pop("checkpoint", "best"), values.pop("stop", None)
    try:
        writer = Writer(**values)
    except ValueError as e:
        raise RunError(str(e)) from None
    prompts = words[1:] or typed_texts('labnn generate RUN "to be or"')
    prompts = [characters(prompt) for prompt in prompts]
    conf, _ = load(locate(words[0]), checkpoint=checkpoint)
    if not isinstance(conf, CausalTextConfigs):
        raise RunError(
            f"{words[0]}: {type(conf).__name__} is no language model that writes; name a run of "
            "one, for instance of experiments.transformer_lm"
        )
    found: dict[str, Any] = {}
    cut = [(prompt, context(conf, prompt)) for prompt in prompts]
    return found, pieces(conf, cut, writer, stop_token(conf, stop), found)


def checked(options: dict[str, str]) -> dict[str, Any]:
    """Options as values. Raises `RunError` for one that says nothing, or not what it should."""
    values = {}
    for name, text in options.items():
        kind = OPTIONS[name]
        try:
            values[name] = kind(text)
        except ValueError:
            what = "a whole number" if kind is int else "a number"
            raise RunError(f"{name} is {text!r:.40}; it takes {what}") from None
    chance = [name for name in OF_CHANCE if name in options]
    if "n_beams" in options and chance:
        raise RunError(
            f"n_beams searches for the best text, and {', '.join(chance)} would draw one; leave "
            "out the one or the other"
        )
    if "length_penalty" in options and "n_beams" not in options:
        raise RunError("length_penalty is for a search; add n_beams=4, or leave it out")
    if values.get("temperature") == 0 and {"top_k", "top_p", "seed", "n_samples"} & options.keys():
        raise RunError(
            "temperature=0 takes the best token each time; leave out top_k, top_p, seed and "
            "n_samples"
        )
    return values


def stop_token(conf: CausalTextConfigs, text: str | None) -> int | None:
    """The id of the token that ends a text. Raises `RunError` where there is none."""
    if text is None:
        return None
    text = text.replace("\\n", "\n")
    # Tokenizers of words give a word the space before it, and none at the start of a line, where
    # few words stand.
    for token in (f" {text}", text):
        number = conf.tokenizer.ids.get(token)
        # The unknown token is never written, so nothing would stop there.
        if number is not None and number != conf.tokenizer.unknown_token:
            return number
    raise RunError(
        f"stop is {text!r:.40}, which the model never writes; name one token of the "
        f"{conf.tokenizer.type} tokenizer"
    )


def context(conf: CausalTextConfigs, prompt: str) -> torch.Tensor:
    """The ids of a prompt, with a word about what the model does not know. Raises `RunError`."""
    tell_unknown([piece for _, piece in conf.tokenizer.unknown(prompt)], conf.reads_unknown())
    ids = conf.context(prompt)
    if not len(ids):
        raise RunError(f"the prompt {prompt!r:.40} has no token; write what is to be continued")
    return ids


def pieces(
    conf: CausalTextConfigs,
    prompts: list[tuple[str, torch.Tensor]],
    writer: Writer,
    stop: int | None,
    found: dict[str, Any],
) -> Iterator[str]:
    """
    The texts piece by piece, each as soon as it is known, with an empty line between two.

    * `prompts` are texts with their ids
    * `found` gets what there is to know of the texts in the end
    """
    texts: list[dict] = []
    step = step_of(conf)
    try:
        for prompt, ids in prompts:
            if texts:
                yield "\n\n"
            if writer.is_streaming:
                growing = Growing(conf.tokenizer, ids)
                yield shown(prompt)
                for token in writer.tokens(step, ids, stop):
                    yield shown(growing.add(int(token)))
                yield shown(growing.rest())
                texts.append(told(conf, prompt, growing))
                continue
            for number, tokens in enumerate(writer.texts(step, ids, stop)):
                growing = Growing(conf.tokenizer, ids, tokens)
                texts.append(told(conf, prompt, growing))
                yield ("\n\n" if number else "") + shown(texts[-1]["text"])
    except ValueError as e:
        raise RunError(str(e)) from None
    found |= texts[0] if len(texts) == 1 else {"texts": texts}


def told(conf: CausalTextConfigs, prompt: str, growing: Growing) -> dict:
    """A text for a program"""
    tokens = [conf.tokenizer.tokens[number] for number in growing.ids]
    return {"prompt": prompt, "text": prompt + growing.text, "tokens": tokens}


def shown(text: str) -> str:
    """A text for a terminal, which no character of it may talk to"""
    return text.translate(VISIBLE)
