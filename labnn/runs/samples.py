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

Kind = Literal["given", "right", "wrong", "predicted"]
# What their signs mean, where there are no colours
LEGEND = "samples: [right] {said≠true}, anything else was given"
GOES_ON = "samples: what was given→what the model writes behind it"


@dataclass
class Span:
    """
    ## A piece of a prompt

    `given` was to be read; `right` and `wrong` were hidden, with what the model said as `text` and
    what stood there as `truth`. `predicted` is what a model says where nothing was hidden.
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
        """
        As plain text: `[e]` was hidden and is right, `{a≠e}` is wrong and should be e. Behind `→`
        is what the model writes.
        """
        text = "".join(
            {
                "given": span.text,
                "predicted": f"→{span.text}",
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
        signs = dict.fromkeys(("right", "wrong"), SIGNS | {ord(" "): SPACE})
        return [
            (span.text.translate(signs.get(span.kind, SIGNS)), styles[span.kind])
            for span in self.spans
        ]


def legend(samples: Iterable[Sample]) -> str:
    """The line that says what the signs of some samples mean"""
    kinds = {span.kind for sample in samples for span in sample.spans}
    return GOES_ON if kinds & {"predicted", "right", "wrong"} == {"predicted"} else LEGEND


def append(path: Path, update: int, step: int, samples: list[Sample]) -> None:
    """
    A line of `samples.jsonl`. Half a character, which UTF-8 has not, becomes the escape that JSON
    has for it.
    """
    line = {"update": update, "step": step, "samples": [sample.to_dict() for sample in samples]}
    with open(path, "a", encoding="utf-8", errors="backslashreplace", opener=no_links) as file:
        file.write(json.dumps(line, ensure_ascii=False) + "\n")


def filled(
    pieces: Sequence[str],
    ids: Iterable,
    is_hidden: Iterable,
    predicted: Iterable,
    tokens: Sequence[str],
) -> Sample:
    r"""
    A prompt with what the model said in the place of what was hidden from it. Ids are compared, and
    not texts: half a character has no text of its own.

    * `pieces` is a prompt, cut up
    * `ids` are those of the pieces, $-1$ for one that the vocabulary lacks, which is never right
    * `is_hidden` says of each piece whether the model had to predict it
    * `predicted` has the ids that it predicted
    * `tokens` are the texts of the ids; an id beyond them is a special token, shown as `*`
    """
    spans: list[Span] = []
    for piece, truth, hidden, token in zip(pieces, ids, is_hidden, predicted, strict=True):
        number = int(token)
        if hidden:
            said = tokens[number] if number < len(tokens) else "*"
            spans.append(Span("right" if number == int(truth) else "wrong", said, piece))
        elif spans and spans[-1].kind == "given":
            spans[-1].text += piece
        else:
            spans.append(Span("given", piece))
    return Sample(spans)
