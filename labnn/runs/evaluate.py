r"""
# Evaluating

How good a model is, on the validation part of its own text or on all of another one:

```sh
labnn eval 20261121
labnn eval 20261121 text.path=my.txt
```

It is the validation of the [training](../configs/training.html) itself, with the same masks: they
depend on the seed and the number of the batch alone. On its own text a run therefore gets the very
number that it has written at that checkpoint. The perplexity is $e^{\text{loss}}$, where the loss
is the mean over all tokens that are scored.

Other options of the run can be set as well, but for those that make another model. Nothing is
written.
"""

import math
from pathlib import Path
from typing import Any

from labnn.configs.text import TextTrainingConfigs, text_sum
from labnn.configs.training import TrainingConfigs
from labnn.configs.types import CommandLineText
from labnn.data.corpora import Corpus
from labnn.data.text_files import read_text
from labnn.runs.contents import part
from labnn.runs.folders import RunError
from labnn.runs.load import described, load, locate, warn
from labnn.runs.plain_text import number, strict, table
from labnn.runs.tracking import quiet, reset_tracker

ENCODING = "text.encoding"


def evaluate(words: list[str], options: dict[str, str]) -> tuple[dict, str]:
    """
    What the command answers. Raises `RunError`, and what the options and the text raise.

    * `options` are those of the run, and `checkpoint`
    """
    folder = locate(words[0])
    typed = {name: CommandLineText(value) for name, value in options.items()}
    checkpoint = str(typed.pop("checkpoint", "best"))
    overrides = whole_text(folder, typed) if "text.path" in typed else typed
    conf, name = load(folder, checkpoint=checkpoint, overrides=overrides)
    found = scores(conf)
    # The sum in the folder is that of the run's own text.
    if not any(option.partition(".")[0] == "text" for option in typed):
        check_text(folder, conf)
    text = evaluated(conf, typed)
    data = strict({**found, "checkpoint": name, "text": text})
    accuracy = found["accuracy"]
    rows = [
        ["run", f"{folder}, checkpoint {name}"],
        ["text", text],
        ["loss", number(data["loss"])],
        ["perplexity", number(data["perplexity"])],
        ["accuracy", f"{accuracy:.2%}".replace("%", " %")],
        ["tokens", f"{found['tokens']:,}"],
    ]
    return data, "\n".join(table(rows))


def whole_text(folder: Path, typed: dict[str, Any]) -> dict[str, Any]:
    """
    Overrides that make all of a file the validation part.

    * `typed` are those that name the file
    """
    rest = {name: value for name, value in typed.items() if name.partition(".")[0] != "text"}
    free = ("text.path", ENCODING)
    others = [n for n, v in typed.items() if n not in rest and n not in free and v != "file"]
    if others:
        raise RunError(
            f"text.path is evaluated as a whole, and {', '.join(others)} would choose another "
            "text or a part of it; leave out the one or the other"
        )
    recorded = part(described(folder)[1], "overrides", dict)
    # Another text is probably stored as the run's own.
    encoding = str(typed.get(ENCODING, recorded.get(ENCODING, "utf-8")))
    path = str(typed["text.path"])
    text = read_text(path, encoding=encoding)
    # A run without a validation has no loader for one.
    if recorded.get("valid_loader", "") is None and "valid_loader" not in rest:
        rest["valid_loader"] = "valid_windows"
    return {**rest, "text": Corpus("file", text, text, source=path)}


def check_text(folder: Path, conf: Any) -> None:
    """Warn where the text of a run was changed after it: nobody would see it from the scores."""
    known = part(described(folder)[1], "data", dict).get("valid_sha256")
    if known is None or not isinstance(conf, TextTrainingConfigs):
        return
    if text_sum(conf.text.valid) != known:
        warn(f"{conf.text.source} was changed after the run: its scores are of another text")


def scores(conf: Any) -> dict[str, Any]:
    """
    Loss, accuracy, perplexity and the number of tokens that were scored. Raises `RunError`.

    * `conf` is what `load` gives
    """
    kind = type(conf)
    is_own = not isinstance(conf, TrainingConfigs) or kind.step is not TrainingConfigs.step
    nothing = f"{kind.__name__} has a step of its own that scores nothing; give it a forward_loss"
    if not isinstance(conf, TrainingConfigs):
        raise RunError(nothing)
    if conf.valid_loader is None:
        raise RunError("the run has no validation part; name a text, text.path=FILE")
    # What is tracked goes nowhere.
    with quiet():
        reset_tracker()
        conf.init()
        conf.position.phase, conf.position.batch = "valid", 0
        conf.phase("valid")
        reset_tracker()
    means = conf.meter.means()
    if not means:
        hidden = "no token of the text was scored; give it a longer text, or another seed"
        raise RunError(nothing if is_own else hidden)
    return {**means, "perplexity": perplexity(means["loss"]), "tokens": conf.meter.n_tokens}


def perplexity(loss: float) -> float:
    """How many tokens a model hesitates between that has this loss"""
    try:
        return math.exp(loss)
    except OverflowError:
        return math.inf


def evaluated(conf: Any, typed: dict[str, Any]) -> str:
    """What the scores are about"""
    if not isinstance(conf, TextTrainingConfigs):
        return "validation part"
    if "text.path" in typed:
        return f"{conf.text.source}, all of it"
    return f"{conf.text.source}, validation part"
