r"""
# Masking Configs

A model that fills in hidden tokens needs two special tokens beside those of the text, and the
probabilities of [MLM](../transformers/mlm.html).

Experiments with masked language models start from these options.
"""

from labml.configs import option

from labnn.configs.text import TextTrainingConfigs
from labnn.configs.types import ConfigError, NonNegativeInt, PositiveInt, Probability
from labnn.transformers.mlm import MLM


class MaskedTextConfigs(TextTrainingConfigs):
    """
    ## MaskedTextConfigs

    A training on text of which tokens are hidden
    """

    # Size of the vocabulary: the tokens of the text and two special ones
    n_tokens: PositiveInt = "n_tokens_mlm"
    # The id that fills up short sequences
    padding_token: NonNegativeInt = "after_text"
    # The id that hides a token
    mask_token: NonNegativeInt = "after_padding"
    # Ids that are never hidden, beside the special ones
    no_mask_tokens: list[int] = "unknown_tokens"
    # Share of the tokens to predict
    masking_prob: Probability = 0.15
    # Share of those that become a random token
    randomize_prob: Probability = 0.1
    # Share of those that stay as they are
    no_change_prob: Probability = 0.1

    # What hides tokens
    mlm: MLM = "mlm_of_options"

    def prepare(self):
        """Ids that do not go together show before the run has left a trace."""
        super().prepare()
        _ = self.mlm

    def check(self):
        """Both shares are taken from the tokens to predict."""
        super().check()
        if self.randomize_prob + self.no_change_prob > 1:
            raise ConfigError(
                f"randomize_prob and no_change_prob are {self.randomize_prob} and "
                f"{self.no_change_prob}; they share the hidden tokens, so their sum is at most 1"
            )


@option(MaskedTextConfigs.n_tokens)
def n_tokens_mlm(c: MaskedTextConfigs) -> int:
    """The tokens of the text, padding and mask"""
    return c.tokenizer.n_tokens + 2


@option(MaskedTextConfigs.padding_token)
def after_text(c: MaskedTextConfigs) -> int:
    """The first id after those of the text"""
    return c.tokenizer.n_tokens


@option(MaskedTextConfigs.mask_token)
def after_padding(c: MaskedTextConfigs) -> int:
    """The second id after those of the text"""
    return c.tokenizer.n_tokens + 1


@option(MaskedTextConfigs.no_mask_tokens)
def unknown_tokens(c: MaskedTextConfigs) -> list:
    """There is nothing to learn from predicting that a word is not known."""
    unknown = c.tokenizer.unknown_token
    return [] if unknown is None else [unknown]


@option(MaskedTextConfigs.mlm)
def mlm_of_options(c: MaskedTextConfigs) -> MLM:
    """[The masking](../transformers/mlm.html)"""
    return MLM(
        padding_token=c.padding_token,
        mask_token=c.mask_token,
        no_mask_tokens=c.no_mask_tokens,
        n_tokens=c.n_tokens,
        masking_prob=c.masking_prob,
        randomize_prob=c.randomize_prob,
        no_change_prob=c.no_change_prob,
    )
