r"""
# Word-Level Language Model

A transformer that reads a text from left to right learns to say which word comes next. This
experiment trains one on the words of Shakespeare, or on any other text, such as a folder with
WikiText-2:

```sh
python -m experiments.transformer_lm
python -m experiments.transformer_lm text=wikitext_2 text.path=FOLDER tokenizer=whitespace
```

[TransformerLM](../labnn/models/transformer_lm.html) is the network. The task is that of NVIDIA
NeMo's tutorial on language models. How a model is judged, and why a perplexity has to come with the
name of its tokens, is said by the [language model configs](../labnn/configs/language_model.html).

What is unlike the [masked language model](mlm.html), apart from the task, suits a large vocabulary
and a small text: one table for both ends of the model, which would otherwise be most of it, more
dropout, and weight decay.

**What it is worth.** Twelve epochs on the 245,569 tokens of WikiText-2's test part took 19 minutes
on two cores. They are judged on the 217,646 tokens of its validation part, the ends of lines
included; words that occur once in training are unknown, and 13 % of the tokens judged. Beside it
stand models that [count](https://en.wikipedia.org/wiki/Kneser-Ney_smoothing) the same tokens, and
the mixtures of both, whose weights were chosen on the other half of the text:

| model | perplexity |
|---|---|
| unigram | 438.0 |
| trigram, add-k | 1703.6 |
| trigram, Kneser-Ney | 189.5 |
| trigram, modified Kneser-Ney | 183.2 |
| this one | 146.0 |
| this one and Kneser-Ney | 128.5 |
| this one and modified Kneser-Ney | 127.2 |

```result
run: transformer_lm
show: loss, perplexity, samples
at: 960, 2880
```
"""

import torch
from labml.configs import option
from torch import nn

from labnn.configs.language_model import CausalTextConfigs
from labnn.configs.scores import Scores
from labnn.configs.transformer_text import TransformerTextConfigs
from labnn.models.transformer_lm import TransformerLM
from labnn.runs.command import command
from labnn.runs.launch import launch
from labnn.runs.samples import Sample, Span
from labnn.transformers.chosen import logits_at

# Next tokens that are shown for a prompt
N_SHOWN = 5


class Configs(CausalTextConfigs, TransformerTextConfigs):
    """
    ## Configurations

    Only what this experiment adds. The options of the text, of the task and of the training come
    from the classes that it extends.
    """

    # The options of `model` that the options under `transformer` are for
    _of_transformer = ("transformer_lm",)
    # Learned positions, unless another kind is chosen
    _positions = "learned"

    # The network
    model: nn.Module = "transformer_lm"
    # Texts to show next tokens for
    prompt: list[str] = [
        "Before we proceed any further, hear me",
        "You are all resolved rather to die than to",
        "First, you know Caius Marcius is chief enemy to the",
        "We are accounted poor citizens, the patricians",
    ]

    def forward_loss(self, batch) -> Scores:
        """
        ### Loss of a batch

        The targets are the next tokens. The causal mask is all that keeps the model from reading
        them.
        """
        data, target = batch
        target, positions = self.asked(target)
        logits = logits_at(self.model, data, positions)
        return self.score(logits, target)

    def sample(self):
        """
        ### Next tokens of the prompts

        The most probable tokens behind each prompt. What a model writes when it goes on from its
        own words is another matter.
        """
        unknown = [piece for text in self.prompt for _, piece in self.tokenizer.unknown(text)]
        reads = "nothing" if self.tokenizer.unknown_token is None else "the unknown token"
        self.tell_unknown(unknown, f"the model reads {reads} there")
        self._listener.on_sample([*map(self.told, self.prompt)])

    def told(self, text: str) -> Sample:
        """A prompt with its next tokens and their probabilities"""
        ids = self.context(text)
        # Without a token there is nothing to predict from.
        if not len(ids):
            return Sample([Span("given", text)])
        last = torch.tensor([len(ids) - 1], device=ids.device)
        with self.mixed_precision.autocast():
            logits = logits_at(self.model, ids.unsqueeze(-1), last)
        # No token has the ids that round the vocabulary up.
        tokens = self.tokenizer.tokens
        best = logits[0].float().softmax(dim=-1)[: len(tokens)].topk(min(N_SHOWN, len(tokens)))
        pairs = zip(best.values.tolist(), best.indices.tolist(), strict=True)
        shown = [f"{tokens[number]!r} {share:.1%}" for share, number in pairs]
        return Sample([Span("given", text), Span("predicted", f" → {', '.join(shown)}")])


@option(Configs.model)
def transformer_lm(c: Configs) -> nn.Module:
    """
    ## The network

    A [transformer](../labnn/models/transformer_lm.html) of the parts that the options have chosen.
    Windows have no padding, so it need not know of one.
    """
    model = TransformerLM(
        encoder=c.transformer.encoder,
        src_embed=c.transformer.src_embed,
        generator=c.transformer.generator,
    )
    return model.to(c.device)


# What this experiment changes from the defaults: the table that tells it from others.
OVERRIDES = {
    "tokenizer": "word",
    "min_count": 2,
    "batch_size": 16,
    "seq_len": 64,
    "epochs": 10,
    "d_model": 256,
    "transformer.n_layers": 4,
    "transformer.n_heads": 4,
    "transformer.max_len": 256,
    "transformer.ffn.d_ff": 1024,
    "transformer.ffn.activation": "GELU",
    "transformer.generator": "tied",
    "transformer.dropout_prob": 0.2,
    "transformer.embed_dropout_prob": 0.2,
    "optimizer": "AdamW",
    "optimizer.learning_rate": 1e-3,
    "optimizer.weight_decay": 0.01,
}


def main(overrides: dict | None = None, **resume) -> Configs:
    """
    ## Run

    * `overrides` are options by name, for instance `{"transformer.n_layers": 2}`
    * `resume` is `resume=RUN` for a run that goes on, and `allow_change=[...]`
    """
    return launch("transformer_lm", Configs, OVERRIDES, overrides, **resume)


if __name__ == "__main__":
    command("transformer_lm", Configs, OVERRIDES)
