r"""
# Samples

What a model predicts for a prompt, piece by piece, kept apart from how it is shown: a
[terminal](console.html) uses colours, a file signs, and `samples.jsonl` the kinds themselves.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from labnn.runs.growing import no_links

# A prediction may be white space, which must neither vanish nor break the line.
LINE_END, SPACE = "⏎", "␣"
# Nor may a character move the cursor, or talk to the terminal.
SIGNS = {number: chr(0x2400 + number) for number in range(32)}
SIGNS |= dict.fromkeys([*range(0x7F, 0xA0), 0x2028, 0x2029], "\ufffd") | {ord("\n"): LINE_END}

Kind = Literal["given", "right", "wrong"]


@dataclass
class Span:
    """
    ## A piece of a prompt

    `given` was to be read; `right` and `wrong` were hidden, with what the model said as `text` and
    what stood there as `truth`.
    """

    kind: Kind
    text: str
    truth: str = ""


@dataclass
class Sample:
    """
    ## A prompt with predictions

    Its pieces in order; those that were given are as long as they can be.
    """

    spans: list[Span]

    def to_dict(self) -> dict:
        """Plain data for a JSON file"""
        return asdict(self)

    def signs(self, unequal: str = "≠") -> str:
        """As plain text: `[e]` was hidden and is right, `{a≠e}` is wrong and should be e."""
        text = "".join(
            {
                "given": span.text,
                "right": f"[{span.text}]",
                "wrong": f"{{{span.text}{unequal}{span.truth}}}",
            }[span.kind]
            for span in self.spans
        )
        return text.translate(SIGNS)

    def styled(self, styles: dict[str, str]) -> list[tuple[str, str]]:
        """
        As pieces with styles. A colour does not show on white space, so spaces that were hidden get
        a sign.

        * `styles` has one for each kind
        """
        hidden = SIGNS | {ord(" "): SPACE}
        return [
            (span.text.translate(SIGNS if span.kind == "given" else hidden), styles[span.kind])
            for span in self.spans
        ]


def append(path: Path, update: int, step: int, samples: list[Sample]) -> None:
    """
    A line of `samples.jsonl`. Half a character, which UTF-8 has not, becomes the escape that JSON
    has for it.
    """
    line = {"update": update, "step": step, "samples": [sample.to_dict() for sample in samples]}
    with open(path, "a", encoding="utf-8", errors="backslashreplace", opener=no_links) as file:
        file.write(json.dumps(line, ensure_ascii=False) + "\n")


def filled(
    pieces: Sequence[str], is_hidden: Iterable, predicted: Iterable, tokens: Sequence[str]
) -> Sample:
    r"""
    A prompt with what the model said in the place of what was hidden from it.

    * `pieces` is a prompt, cut up
    * `is_hidden` says of each piece whether the model had to predict it
    * `predicted` has the ids that it predicted
    * `tokens` are the texts of the ids; an id beyond them is a special token, shown as `*`
    """
    spans: list[Span] = []
    for piece, hidden, token in zip(pieces, is_hidden, predicted, strict=True):
        is_special = int(token) >= len(tokens)
        said = "*" if is_special else tokens[int(token)]
        if hidden:
            is_right = said == piece and not is_special
            spans.append(Span("right" if is_right else "wrong", said, piece))
        elif spans and spans[-1].kind == "given":
            spans[-1].text += piece
        else:
            spans.append(Span("given", piece))
    return Sample(spans)
