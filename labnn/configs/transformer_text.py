r"""
# Transformers on Text

What experiments share that train a transformer on [text](text.html), whatever its task: the options
under `transformer`, and the check that the sizes of model and text go together.

An experiment derives its configs from this class and from that of its task:

```python
class Configs(MaskedTextConfigs, TransformerTextConfigs):
    _of_transformer = ("transformer_mlm",)
    model: nn.Module = "transformer_mlm"
```

Its option for the model puts together the parts that the
[transformer configs](transformer.html) have chosen.
"""

from labml.configs import option

from labnn.configs.text import TextTrainingConfigs
from labnn.configs.transformer import ADDED, TransformerConfigs
from labnn.configs.types import ConfigError, PositiveInt


class TransformerTextConfigs(TextTrainingConfigs):
    """
    ## TransformerTextConfigs

    A training on text whose model has the parts of a transformer
    """

    # Size of the vocabulary that the model has
    n_tokens: PositiveInt
    # The parts of the model
    transformer: TransformerConfigs = "transformer_options"

    # The options of `model` that are made of these parts. A model of another option has other
    # parts, of which we know nothing.
    _of_transformer = ()
    # The positions of a transformer that is told none
    _positions = "sinusoidal"

    def check(self):
        """Values that do not go together"""
        super().check()
        if self._chosen("model") not in self._of_transformer:
            return
        self.transformer.check()
        if self.transformer.d_model != self.d_model:
            raise ConfigError(
                f"transformer.d_model is {self.transformer.d_model} and d_model is {self.d_model}; "
                "set d_model alone"
            )
        # Other positions have no table, and no longest sequence.
        has_table = self.transformer.positions in ADDED
        if has_table and self.seq_len > self.transformer.max_len:
            raise ConfigError(
                f"seq_len is {self.seq_len}, above transformer.max_len, {self.transformer.max_len}"
            )

    def prepare(self):
        """The text is known, and the vocabularies have to hold it."""
        super().prepare()
        self.transformer.check_vocabulary(self.n_tokens)


@option(TransformerTextConfigs.transformer)
def transformer_options(c: TransformerTextConfigs) -> TransformerConfigs:
    """
    ## Options of the transformer

    Sizes that hang on the text are asked for only when needed: the text has to be read first.
    """
    conf = TransformerConfigs()
    conf.set_default(TransformerConfigs.d_model, func=lambda: c.d_model)
    conf.set_default(TransformerConfigs.positions, c._positions)
    conf.set_default(TransformerConfigs.n_src_vocab, func=lambda: c.n_tokens)
    conf.set_default(TransformerConfigs.n_tgt_vocab, func=lambda: c.n_tokens)
    return conf
