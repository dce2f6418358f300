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
on two cores:

```sh
python -m experiments.transformer_lm text=file text.train=test.txt text.valid=valid.txt \
  tokenizer=whitespace epochs=12 optimizer.schedule=cosine_annealing optimizer.warmup=200 \
  optimizer.weight_decay=0.1 transformer.dropout_prob=0.3 transformer.embed_dropout_prob=0.3
```

They are judged on the 217,646 tokens of its validation part, the ends of lines included; words that
occur once in training are unknown, and 13 % of the tokens judged. Beside it stand models that
[count](https://en.wikipedia.org/wiki/Kneser-Ney_smoothing) the same tokens, and the mixtures of
both, whose weights were chosen on the other half of the text:

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

**What it writes.** At this perplexity the model knows which words go together, and not yet what it
is talking about:

```sh
labnn generate RUN "In the second half of the season , he" \
  n_tokens=60 temperature=0.8 top_p=0.8 stop='\n'
```

> In the second half of the season , he was named as a 19 consecutive weeks , and the third straight
> year , and played a 4 – 10 team , ERA for the game . He was also known for the sixth season . He
> was the first five consecutive seasons . He was a row in the league team , the first pitcher
> pitcher to win the
"""

from labml.configs import option
from torch import nn

from labnn.configs.generating import Growing, Step, Writer, step_of
from labnn.configs.language_model import CausalTextConfigs
from labnn.configs.scores import Scores
from labnn.configs.transformer_text import TransformerTextConfigs
from labnn.configs.types import PositiveInt
from labnn.models.transformer_lm import TransformerLM
from labnn.runs.command import command
from labnn.runs.launch import launch
from labnn.runs.samples import Sample, Span
from labnn.transformers.chosen import logits_at


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
    # Texts to go on from
    prompt: list[str] = [
        "Before we proceed any further, hear me",
        "You are all resolved rather to die than to",
        "First, you know Caius Marcius is chief enemy to the",
        "We are accounted poor citizens, the patricians",
    ]
    # Tokens that are written behind each of them
    n_written: PositiveInt = 20

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
        ### How the model goes on

        Each prompt with what the model [writes](../labnn/configs/generating.html) behind it, drawn
        from the nucleus. The draws are the same each time, so what changes is the model.
        """
        unknown = [piece for text in self.prompt for _, piece in self.tokenizer.unknown(text)]
        self.tell_unknown(unknown, f"the model reads {self.reads_unknown()} there")
        step = step_of(self)
        self._listener.on_sample([self.told(step, text) for text in self.prompt])

    def told(self, step: Step, text: str) -> Sample:
        """A prompt and what comes behind it"""
        ids = self.context(text)
        # Without a token there is nothing to go on from.
        if not len(ids):
            return Sample([Span("given", text)])
        (tokens,) = Writer(n_tokens=self.n_written, top_p=0.9).texts(step, ids)
        return Sample(
            [Span("given", text), Span("predicted", Growing(self.tokenizer, ids, tokens).text)]
        )


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
