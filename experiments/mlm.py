r"""
# Masked Language Model

A transformer that sees both sides of a hidden character learns to fill it in. This experiment
trains one on the characters of Shakespeare and shows what it predicts for ten lines of Coriolanus.

[BERT: Pre-training of Deep Bidirectional Transformers](https://arxiv.org/abs/1810.04805) is where
the task comes from; [MLM](../labnn/transformers/mlm.html) hides the tokens and
[TransformerMLM](../labnn/models/transformer_mlm.html) is the network. The options and their values
are those of labml's experiment of the same name.

After one epoch the model has 28 % of the hidden characters right, after two 41 %, where always
saying "space" gives 15.5 % (the README has the losses, times and the machine). The warm-up of the
rate alone takes four epochs. A hundred epochs are run with

```sh
python -m experiments.mlm epochs=100
```

and `--help` lists everything that can be set. This is what they gave, with predictions after 1, 10
and 100 of them:

```result
run: mlm
show: loss, accuracy, samples
at: 485, 4850, 48500
```
"""

from labml.configs import option
from torch import nn

from labnn.configs.masking import MaskedTextConfigs
from labnn.configs.scores import Scores, score
from labnn.configs.transformer_text import TransformerTextConfigs
from labnn.configs.types import PositiveInt
from labnn.data.prompts import prompt_batch
from labnn.models.transformer_mlm import TransformerMLM
from labnn.runs.command import command
from labnn.runs.launch import launch
from labnn.runs.samples import filled
from labnn.transformers.chosen import labelled, logits_at


class Configs(MaskedTextConfigs, TransformerTextConfigs):
    """
    ## Configurations

    Only what this experiment adds. The options of the text, of its masking and of the training come
    from the classes that it extends.
    """

    # Passes over the training part
    epochs: PositiveInt = 1024
    # Number of features of a token vector
    d_model: PositiveInt = 128

    # The options of `model` that the options under `transformer` are for
    _of_transformer = ("transformer_mlm",)
    # The network
    model: nn.Module = "transformer_mlm"

    # Texts to show predictions for
    prompt: list[str] = [
        "Before we proceed any further, hear me speak.",
        "We are accounted poor citizens; the patricians good.",
        "What authority surfeits on would relieve us; if they would yield",
        "us but the superfluity, while it were wholesome, we might guess",
        "they relieved us humanely; but they think we are too dear: the",
        "leanness that afflicts us, the object of our misery, is as an",
        "inventory to particularize their abundance; our sufferance is a",
        "gain to them.--Let us revenge this with our pikes ere we become",
        "rakes: for the gods know I speak this in hunger for bread, not in",
        "thirst for revenge.",
    ]

    def forward_loss(self, batch) -> Scores:
        """
        ### Loss of a batch

        The next tokens, which come with the windows, are for models that read from left to right.
        """
        data, _ = batch
        masked, labels = self.mlm(data, generator=self.position.generator(data.device))
        # Only hidden tokens are predicted, so the model is asked about them alone.
        positions = labelled(labels, ignore=self.padding_token)
        logits = logits_at(self.model, masked, positions)
        return score(logits, labels.flatten()[positions], ignore=self.padding_token)

    def sample(self):
        """
        ### Predictions for the prompts

        The same path as training: prompts are hidden by the same rules and padded with the same id.
        """
        prompts = prompt_batch(
            self.tokenizer,
            self.prompt,
            seq_len=self.seq_len,
            padding_token=self.padding_token,
            mask_token=self.mask_token,
        )
        reads = "[MASK]" if self.tokenizer.unknown_token is None else "the unknown token"
        unknown = [piece for *_, piece in prompts.unknown]
        self.tell_unknown(unknown, f"the model reads {reads} there")
        ids = prompts.ids.to(self.device)
        masked, labels = self.mlm(ids, generator=self.position.generator(ids.device))
        with self.mixed_precision.autocast():
            logits, _ = self.model(masked)
        predicted = logits.argmax(dim=-1)

        # Labels are padding wherever nothing was hidden, so they tell what was.
        is_hidden = labels != self.padding_token
        truths = map(self.tokenizer.look_up, self.prompt)
        said = prompts.rows(is_hidden), prompts.rows(predicted)
        rows = zip(prompts.pieces, truths, *said, strict=True)
        self._listener.on_sample([filled(*row, self.tokenizer.tokens) for row in rows])


@option(Configs.model)
def transformer_mlm(c: Configs) -> nn.Module:
    """
    ## The network

    A [transformer](../labnn/models/transformer_mlm.html) of the parts that the options have chosen.
    """
    model = TransformerMLM(
        encoder=c.transformer.encoder,
        src_embed=c.transformer.src_embed,
        generator=c.transformer.generator,
        padding_token=c.padding_token,
    )
    return model.to(c.device)


# What this experiment changes from the defaults: the table that tells it from others.
OVERRIDES = {
    "batch_size": 64,
    "seq_len": 32,
    "epochs": 1024,
    "inner_iterations": 1,
    "d_model": 128,
    "transformer.ffn.d_ff": 256,
    "transformer.n_heads": 8,
    "transformer.n_layers": 6,
    "optimizer": "Noam",
    "optimizer.learning_rate": 1.0,
}


def main(overrides: dict | None = None, **resume) -> Configs:
    """
    ## Run

    * `overrides` are options by name, for instance `{"transformer.n_layers": 4}`
    * `resume` is `resume=RUN` for a run that goes on, and `allow_change=[...]`
    """
    return launch("mlm", Configs, OVERRIDES, overrides, **resume)


if __name__ == "__main__":
    command("mlm", Configs, OVERRIDES)
