r"""
# Console

What a person sees of a run: on a terminal one line that is alive, elsewhere a log.

The live line has place, loss, learning rate, tokens per second, and time left. For a log other
things are good: no escape codes, no carriage returns, whole lines, and not too many of them. Lines
that come often are held to a pace, so that two minutes leave at most 20 KB however fast the rounds
are; what is left out here is in `metrics.jsonl` and `samples.jsonl`.

Colours and the live line are [rich](https://rich.readthedocs.io)'s, which honours `NO_COLOR`.
"""

import sys
import time
from typing import TextIO

from rich.console import Console as RichConsole
from rich.live import Live
from rich.text import Text

from labnn.configs.position import Position
from labnn.runs.plain_text import duration, say
from labnn.runs.samples import Sample, legend

# Predictions in colours
STYLES = {"given": "dim", "right": "bold green", "wrong": "bold red", "predicted": "bold"}
# Seconds between lines of one kind in a log
PACE = {"progress": 30.0, "round": 5.0, "samples": 30.0}


class Console:
    """
    ## Console

    The terminal or the log of one run
    """

    def __init__(self):
        """The stream is looked up when a run starts: tests and notebooks replace it."""
        is_terminal = getattr(sys.stdout, "isatty", bool)()
        self.rich = RichConsole(
            file=tolerant(sys.stdout) if is_terminal else sys.stdout,
            highlight=False,
            soft_wrap=True,
        )
        # A dumb terminal takes no escape codes.
        self.is_live = is_terminal and not self.rich.is_dumb_terminal
        self.has_colours = self.is_live and not self.rich.no_color
        self.live: Live | None = None
        self.is_muted = False
        self.begun = time.monotonic()
        # How much of the run was done before: one that is resumed does not begin with nothing.
        self.share_before: float | None = None
        # When lines of each kind were written last
        self.printed: dict[str, float] = {}
        self.is_legend_shown = False

    def line(self, text: str, style: str = "") -> None:
        """A line that is always shown"""
        if self.is_muted:
            return
        if self.is_live:
            self.rich.print(Text(text, style=style))
        else:
            say(text)

    def warn(self, text: str) -> None:
        """Something to know that does not stop the run"""
        self.line(f"warning: {text}", style="yellow")

    def is_due(self, kind: str) -> bool:
        """Whether a log may have another line of a kind; a terminal has room for all."""
        now = time.monotonic()
        if not self.is_live and now - self.printed.get(kind, -1e9) < PACE[kind]:
            return False
        self.printed[kind] = now
        return True

    def progress(self, position: Position, total: int, share: float, values: dict) -> None:
        """
        How far a phase is.

        * `total` is the number of batches of the phase
        * `share` is how much of the whole run is done
        * `values` is what was tracked last
        """
        if self.is_muted:
            return
        if self.live is None and self.is_live:
            self.live = Live(console=self.rich, auto_refresh=False, transient=True)
            self.live.start()
        now = time.monotonic()
        if self.share_before is None:
            self.share_before = share
        # A terminal is redrawn four times a second, whatever the speed.
        if now - self.printed.get("progress", self.begun) < (
            0.25 if self.is_live else PACE["progress"]
        ):
            return
        self.printed["progress"] = now
        done = share - self.share_before
        left = duration((now - self.begun) / done * (1 - share)) if done > 0 else "?"
        text = (
            f"epoch {position.epoch + 1} {position.phase} {position.batch}/{total}  {left} left"
            f"{shown(values, position.phase)}"
        )
        if self.live is not None:
            self.live.update(Text(text, no_wrap=True, overflow="ellipsis"), refresh=True)
        else:
            self.line(text)

    def round_end(self, position: Position, step: int, values: dict, is_last: bool) -> None:
        """The line of a round"""
        if self.is_due("round") or is_last:
            names = ("loss.train", "loss.valid", "perplexity.valid", "accuracy.valid")
            found = "  ".join(f"{name} {values[name]:.4g}" for name in names if name in values)
            passed = duration(time.monotonic() - self.begun)
            self.line(f"epoch {position.epoch + 1}  step {step:,}  {found}  {passed}")

    def samples(self, samples: list[Sample], is_last: bool = False) -> None:
        """Prompts with predictions, in colours where there are any"""
        if self.is_muted or not (self.is_due("samples") or is_last):
            return
        if self.has_colours:
            for sample in samples:
                self.rich.print(Text.assemble("  ", *sample.styled(STYLES)))
            return
        if not self.is_legend_shown:
            self.line(legend(samples))
            self.is_legend_shown = True
        for sample in samples:
            self.line("  " + sample.signs())

    def close(self) -> None:
        """The live line goes away."""
        if self.live is not None:
            self.live.stop()
            self.live = None


def tolerant(stream: TextIO) -> TextIO:
    """The same terminal, with a `?` for what its encoding has not"""
    try:
        number, encoding = stream.fileno(), stream.encoding
    except (AttributeError, OSError):
        return stream
    return open(number, "w", encoding=encoding, errors="replace", closefd=False)


def shown(values: dict, phase: str) -> str:
    """
    Loss, rate, speed and accuracy, as far as they are known; a narrow terminal cuts off the end.
    """
    names = {
        f"loss.{phase}": "  loss {:.4g}",
        "lr": "  lr {:.3g}",
        "tokens_per_s": "  {:,.0f} tokens/s",
        f"accuracy.{phase}": "  accuracy {:.3f}",
    }
    return "".join(form.format(values[name]) for name, form in names.items() if name in values)
