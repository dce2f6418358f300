r"""
# Language Model Configs

A language model learns to predict each token from those before it. Training reads
[windows](../data/windows.html), whose targets are the tokens one further. Validation reads
[windows that overlap](../data/scored_windows.html), so that each token of the text counts once.

**Two losses.** A model may be trained with [label smoothing](../losses/label_smoothing.html). What
is told of it, in training and in validation, is the plain
[cross-entropy](../losses/cross_entropy.html): its exponential is the
[perplexity](../losses/perplexity.html), and that of a smoothed loss is nothing that a text has.
With $S$ the sum over all scored tokens, $n$ their number and $w$ the number of words and line ends,

$$\text{perplexity} = e^{S / n}
\qquad
\text{per word} = e^{S / w}
\qquad
\text{bits} = \frac{S}{n \ln 2}$$

Numbers per token can be compared where the tokens are the same, numbers per word where the text is.

The size of the vocabulary is rounded up to a multiple of 8, which matrix products prefer. No text
has the tokens at its end, and a smoothed loss gives them nothing, so the model learns to leave them
out.

[Training configs with a text](text.html) have everything else.
"""

from typing import Any, Literal

import torch
from labml.configs import option

from labnn.configs.scores import Meter, Scores, with_counts
from labnn.configs.text import TextTrainingConfigs
from labnn.configs.types import ConfigError, NonNegativeInt, PositiveInt, Probability
from labnn.data.scored_windows import ScoredWindows
from labnn.losses import bits, cross_entropy, per_word, smoothed_cross_entropy
from labnn.tokenizers import SubwordTokenizer, WhitespaceTokenizer
from labnn.tokenizers.whitespace import MARKERS
from labnn.transformers.chosen import labelled

# The target of positions that are not scored; no text has it.
IGNORED = -1
LINE_END = "\n"


class LanguageMeter(Meter):
    """
    ## LanguageMeter

    Scores of many batches, with what is told of a language model
    """

    def __init__(self, *, n_words: int | None = None, has_bits: bool = False):
        """
        * `n_words` is the number of words and line ends in what is scored; `None` tells nothing of
          words
        * `has_bits` tells the loss in bits as well
        """
        super().__init__()
        self._n_words, self._has_bits = n_words, has_bits

    def names(self) -> list[str]:
        """What `means` tells"""
        optional = {"perplexity_per_word": self._n_words, "bits": self._has_bits}
        return ["loss", "accuracy", "perplexity", *(name for name in optional if optional[name])]

    def state_dict(self) -> dict:
        """The sums, without what is told of them"""
        return {name: value for name, value in super().state_dict().items() if name[0] != "_"}

    def means(self) -> dict[str, float]:
        """Loss and accuracy of a token, and its perplexity, all of one sum"""
        found = super().means()
        if not found:
            return found
        found["perplexity"] = self.perplexity()
        if self._n_words:
            found["perplexity_per_word"] = per_word(self.loss, self._n_words)
        if self._has_bits:
            found["bits"] = bits(self.loss, self.n_tokens)
        return found


class CausalTextConfigs(TextTrainingConfigs):
    """
    ## CausalTextConfigs

    A training on text whose next tokens are predicted
    """

    # What is told of a validation leaves every step as it is.
    _free = (*TextTrainingConfigs._free, "is_log_bits", "is_log_per_word")
    # Words that training has never met are unknown, or the scores would say nothing of other text.
    _word_parts = ("train",)

    # Size of the vocabulary
    n_tokens: PositiveInt = "n_tokens_lm"
    # Batches to judge by; none skips validation
    valid_loader: Any = "scored_windows"
    # Tokens that each window of the validation scores, after the first one; 0 are all of them
    predict_last_k: NonNegativeInt = 0
    # Share of the probability that training takes from the right token
    label_smoothing: Probability = 0.0
    # Who gets it: the whole vocabulary, or only the others
    label_smoothing_mass: Literal["vocabulary", "others"] = "vocabulary"
    # Track the loss of the validation in bits, too
    is_log_bits: bool = False
    # Track the perplexity of a word; none does so for subwords
    is_log_per_word: bool | None = None

    # Scores of the validation
    meter: Meter = "language_meter"

    def check(self):
        """A window cannot score more tokens than it has."""
        super().check()
        if self.predict_last_k > self.seq_len:
            raise ConfigError(
                f"predict_last_k is {self.predict_last_k}, above seq_len, {self.seq_len}; a window "
                "scores as many tokens as it has, or fewer"
            )

    def prepare(self):
        """The vocabulary is known, and the model has to have all of it."""
        super().prepare()
        if self.n_tokens < self.tokenizer.n_tokens:
            raise ConfigError(
                f"n_tokens is {self.n_tokens}, and the text has {self.tokenizer.n_tokens} tokens; "
                "leave it out"
            )
        # Other tokenizers would learn to spell the mark, and tell that no word is unknown.
        marks = [mark for mark in MARKERS if mark in self.text.train]
        if marks and not isinstance(self.tokenizer, WhitespaceTokenizer):
            self._listener.warn(
                f"the text marks unknown words as {marks[0]}, which the "
                f"{self.tokenizer.type} tokenizer takes for text; set tokenizer=whitespace"
            )
        if isinstance(self.meter, LanguageMeter):
            self._tracked = tuple(f"{name}.valid" for name in self.meter.names())

    def score(self, logits: torch.Tensor, target: torch.Tensor) -> Scores:
        r"""
        ### Scores of a batch

        The loss is smoothed in training only. Where it is, the plain one is computed beside it to
        be told of, which takes one more walk through the logits and no gradient.

        * `logits` has a score for each token of the vocabulary, in the axes of `target` and one
          more
        * `target` has the tokens that came, and `IGNORED`
        """
        is_smoothed = self.mode.is_train and self.label_smoothing
        with torch.set_grad_enabled(torch.is_grad_enabled() and not is_smoothed):
            nll, _ = cross_entropy(logits, target, ignore=IGNORED)
        if not is_smoothed:
            return with_counts(nll, logits, target, IGNORED)
        # The rows beyond the tokenizer are no tokens, and get nothing of the share.
        loss, _ = smoothed_cross_entropy(
            logits,
            target,
            label_smoothing=self.label_smoothing,
            mass=self.label_smoothing_mass,
            ignore=IGNORED,
            n_classes=self.tokenizer.n_tokens,
        )
        return with_counts(loss, logits, target, IGNORED, nll)

    def asked(self, target: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """
        ### What the model is asked

        Targets, and their positions in the batch as a list; `None` for all. A window that overlaps
        the one before it has few that are scored, and logits are large. The
        [list](../transformers/chosen.html#labelled) has them in the order of the batch, and then a
        few that are `IGNORED`.

        * `target` is that of a batch, sequence first
        """
        # Windows to learn from score all of their targets.
        if self.mode.is_train:
            return target, None
        positions = labelled(target, ignore=IGNORED)
        return target.flatten()[positions], positions

    def reads_unknown(self) -> str:
        """What stands for a piece of a prompt that the vocabulary lacks"""
        return "nothing" if self.tokenizer.unknown_token is None else "the unknown token"

    def context(self, text: str) -> torch.Tensor:
        """
        ### What stands before the next token

        The ids of a prompt, from the start of a line on, as many as fit into a window. Pieces that
        no id stands for are left out.
        """
        before = [] if (start := line_end(self)) is None else [start]
        missing = -1 if self.tokenizer.unknown_token is None else None
        ids = self.tokenizer.encode(text, unknown=missing)
        known = torch.tensor([*before, *ids[ids >= 0].tolist()], dtype=torch.int64)
        return known[-self.seq_len :].to(self.device)

    def summary(self) -> str:
        """What the perplexity is, of which tokens, and how many words were not known"""
        means, rest = self.meter.means(), super().summary()
        if "perplexity" not in means:
            return rest
        kind = self.tokenizer.type
        parts = [f"perplexity {means['perplexity']:.1f} per token of the {kind} tokenizer"]
        if "perplexity_per_word" in means:
            parts.append(f"{means['perplexity_per_word']:.1f} per word or line end")
        if "bits" in means:
            parts.append(f"{means['bits']:.3f} bits per token")
        first = f"{', '.join(parts)}, over {self.meter.n_tokens:,} tokens of the validation part"
        return "; ".join(filter(None, (first, self.unknown_share(), rest)))

    def unknown_share(self) -> str:
        """How much of the validation part is unknown, and easier to predict than what it was"""
        unknown, targets = self.tokenizer.unknown_token, self.meter.targets
        if unknown is None or not isinstance(targets, torch.Tensor):
            return ""
        n, n_all, kind = int(targets[unknown]), self.meter.n_tokens, "tokens"
        # A line end is never unknown, and no word.
        if isinstance(self.tokenizer, WhitespaceTokenizer):
            n_all, kind = n_all - int(targets[self.tokenizer.end_of_line_token]), "words"
        return f"{n:,} of the {n_all:,} {kind} are unknown, {n / max(n_all, 1):.1%}"


def line_end(c: CausalTextConfigs) -> int | None:
    """The token that ends a line, if there is one: a text begins where a line has ended."""
    return c.tokenizer.ids.get(LINE_END)


@option(CausalTextConfigs.n_tokens)
def n_tokens_lm(c: CausalTextConfigs) -> int:
    """The tokens of the text, rounded up to a multiple of 8"""
    return -(-c.tokenizer.n_tokens // 8) * 8


@option(CausalTextConfigs.valid_loader)
def scored_windows(c: CausalTextConfigs) -> ScoredWindows:
    """Windows in which each token of the text is scored once"""
    return ScoredWindows(
        c.tokenizer.encode(c.text.valid),
        seq_len=c.seq_len,
        batch_size=c.batch_size,
        predict_last_k=c.predict_last_k or c.seq_len,
        ignore=IGNORED,
        before=line_end(c),
        name="valid",
    )


@option(CausalTextConfigs.meter)
def language_meter(c: CausalTextConfigs) -> LanguageMeter:
    """Perplexity, and what else is asked for"""
    is_cut = isinstance(c.tokenizer, SubwordTokenizer)
    is_told = is_cut if c.is_log_per_word is None else c.is_log_per_word
    # A line end is a token of the sum, so it is counted with the words. Other windows leave out
    # what fills none, and nobody has counted the words of that.
    is_whole = isinstance(c.valid_loader, ScoredWindows)
    n_words = len(c.text.valid.split()) + c.text.valid.count(LINE_END) if is_told else None
    return LanguageMeter(n_words=n_words if is_whole else None, has_bits=c.is_log_bits)
