r"""
# Models That Write

What a training has made of a language model, as the [loops of generation](../generation/index.html)
take it: a function that says what may come next, in the numbers and on the device of the training.
The model reads windows as long as those that it has learnt from, with a
[cache](../transformers/kv_cache.html) where it knows of one.

Tokens that are no text are never written: the unknown token, padding, and the rows that round the
vocabulary up. For a word that nobody knows there is nothing to show. With $z$ the logits,

$$z'_v = \begin{cases}
z_v & \text{if } v \text{ is text} \\
-\infty & \text{otherwise}
\end{cases}$$

| symbol | code | meaning |
|---|---|---|
| $z_v$ | `logits` | score of token $v$ as the next one |
| $v$ is text | `~is_no_text` | what the tokenizer has a text for |

The other tokens keep their scores, so that what is left shares what these had.
"""

import math
from collections.abc import Callable, Iterable, Iterator

import torch

from labnn.configs.language_model import CausalTextConfigs
from labnn.generation import (
    Sampler,
    beam_search,
    decode,
    greedy,
    make_generators,
    within,
    without_cache,
)
from labnn.generation.beam import check_length_penalty
from labnn.generation.checks import check_counts
from labnn.generation.decoding import Step
from labnn.tokenizers.tokenizer import Tokenizer
from labnn.transformers.chosen import last_positions, logits_at
from labnn.transformers.kv_cache import cached_step, takes_cache

# Half of a character, which the next token may complete
HALF = "\ufffd"


def step_of(conf: CausalTextConfigs) -> Step:
    """
    ## The step of a trained model

    * `conf` has the model, which is to be in evaluation mode
    """
    inner = within(plain_step(conf.model), seq_len=conf.seq_len)
    tokenizer = conf.tokenizer
    is_no_text = torch.arange(conf.n_tokens, device=conf.device) >= tokenizer.n_tokens
    if tokenizer.unknown_token is not None:
        is_no_text[tokenizer.unknown_token] = True

    def step(x, state, lengths):
        """Logits in single precision, where sums of probabilities are to be trusted"""
        with conf.mixed_precision.autocast():
            logits, state = inner(x, state, lengths)
        return logits.float().masked_fill(is_no_text, -math.inf), state

    return step


def plain_step(model: torch.nn.Module) -> Step:
    """
    ## With a cache or without

    A model of a person's own may know of no cache, or a part of it, and reads its text again for
    each token.
    """
    if takes_cache(model):
        return cached_step(model)

    def next_logits(ids: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """The last row of a batch is the last token of each text."""
        return logits_at(model, ids, last_positions(ids))

    return without_cache(next_logits)


class Writer:
    """
    ## Writer

    How a text is written on: by drawing tokens, by taking the best one each time, or by a search
    for the best text.
    """

    def __init__(
        self,
        *,
        n_tokens: int = 100,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float = 1.0,
        n_beams: int | None = None,
        length_penalty: float = 1.0,
        no_repeat: int | None = None,
        n_samples: int = 1,
        seed: int = 0,
    ):
        """
        Raises `ValueError` for numbers that make no sense.

        * `n_tokens` is how many tokens are written at most
        * `temperature`, `top_k` and `top_p` are those of [sampling](../generation/sampling.html); a
          temperature of 0 is [greedy](../generation/greedy.html)
        * `n_beams` and `length_penalty` are those of [beam search](../generation/beam.html); `None`
          draws
        * `no_repeat` is how long a row of tokens is that may [not come
          twice](../generation/no_repeat.html)
        * `n_samples` is how many texts there are to be, and `seed` what they hang on
        """
        check_counts(
            n_tokens=n_tokens,
            n_beams=n_beams,
            no_repeat=no_repeat,
            n_samples=n_samples,
            top_k=top_k,
        )
        if n_beams is not None and n_samples > n_beams:
            raise ValueError(
                f"n_samples is {n_samples}, and {n_beams} beams find {n_beams} texts: raise n_beams"
            )
        if n_beams is not None:
            check_length_penalty(length_penalty, n_tokens)
        self.sampling = {"temperature": temperature, "top_k": top_k, "top_p": top_p}
        self.n_tokens = n_tokens
        self.n_beams = n_beams
        self.length_penalty = length_penalty
        self.no_repeat = no_repeat
        self.n_samples = n_samples
        self.seed = seed
        self.chooser()

    def chooser(self) -> Callable[[torch.Tensor], torch.Tensor]:
        """What chooses a token, from the beginning of its random numbers"""
        if self.sampling["temperature"] == 0:
            return greedy
        generators = make_generators(self.seed, n_samples=self.n_samples)
        return Sampler(generators, **self.sampling)

    @property
    def is_streaming(self) -> bool:
        """Whether there is one text, whose tokens are final as soon as they are chosen"""
        return self.n_samples == 1 and self.n_beams is None

    def tokens(
        self, step: Step, ids: torch.Tensor, stop: int | None = None
    ) -> Iterator[torch.Tensor]:
        """
        The tokens of each step as they are chosen, one for each sample.

        * `step` is the model, as `step_of` makes it once for many texts
        * `ids` are those of the prompt, in a list, at least one
        * `stop` is the token that ends a text
        """
        return decode(
            step,
            ids.unsqueeze(-1),
            self.chooser(),
            n_new_tokens=self.n_tokens,
            n_samples=self.n_samples,
            stop_token=stop,
            no_repeat_ngram_size=self.no_repeat,
        )

    def texts(self, step: Step, ids: torch.Tensor, stop: int | None = None) -> list[list[int]]:
        """
        What is written behind a prompt, as ids; the best text first where it is searched for.

        * `step`, `ids` and `stop` are those of `tokens`
        """
        if self.n_beams is None:
            found = torch.stack([*self.tokens(step, ids, stop)])
        else:
            found, _ = beam_search(
                step,
                ids.unsqueeze(-1),
                n_beams=self.n_beams,
                n_new_tokens=self.n_tokens,
                length_penalty=self.length_penalty,
                n_returned=self.n_samples,
                stop_token=stop,
                no_repeat_ngram_size=self.no_repeat,
            )
        # Behind its end a text is filled up to the length of the longest.
        columns = found.T.tolist()
        return [
            column[: column.index(stop) + 1] if stop in column else column for column in columns
        ]


class Growing:
    """
    ## A text that grows

    Tokens are not always whole characters, and a tokenizer may write a token in another way at the
    beginning of a text. So what is new is what the tokens since the last whole character have more
    with those before them than these alone.
    """

    def __init__(self, tokenizer: Tokenizer, ids: torch.Tensor, tokens: Iterable[int] = ()):
        """
        * `ids` are those of the prompt, in a list
        * `tokens` are those that came behind it so far
        """
        self.tokenizer = tokenizer
        self.ids: list[int] = []
        # What came behind the prompt, as far as its characters are complete
        self.whole = ""
        # Tokens that are written already, at least one, and those that are not
        self.before, self.waiting = ids.tolist(), []
        for token in tokens:
            self.add(token)

    def pending(self) -> str:
        """What the waiting tokens are so far"""
        n_written = len(self.tokenizer.decode(self.before))
        return self.tokenizer.decode([*self.before, *self.waiting])[n_written:]

    def add(self, token: int) -> str:
        """Take another token. Returns the characters that are complete with it, perhaps none."""
        self.ids.append(token)
        self.waiting.append(token)
        new = self.pending()
        if new.endswith(HALF):
            return ""
        self.whole += new
        self.before, self.waiting = self.waiting, []
        return new

    def rest(self) -> str:
        """What is still held back at the end"""
        return self.pending() if self.waiting else ""

    @property
    def text(self) -> str:
        """All that came behind the prompt"""
        return self.whole + self.rest()
