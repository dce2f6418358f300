r"""
# Evaluating

How good a model is, on the validation part of its own text, on another part of it, or on all of
another text:

```sh
labnn eval 20261121
labnn eval 20261121 part=test
labnn eval 20261121 text.path=my.txt
```

It is the validation of the [training](../configs/training.html) itself, with the same masks: they
depend on the seed and the number of the batch alone. On its own text a run therefore gets the very
number that it has written at that checkpoint, but for rounding if it was
[compiled](../configs/compiling.html): here nothing is.

The perplexity is $e^{\text{loss}}$, where the loss is the mean over all tokens that are scored. A
[language model](../configs/language_model.html) scores each token of the part once; it tells the
loss in bits with `is_log_bits=true`, and with `is_log_per_word=true` the perplexity of a word.

**A third part.** A validation that has chosen options, or the best checkpoint, knows them better
than a new text would. [WikiText](../data/wikitext.html) has a part for tests that nothing is chosen
by. Any other text has none, and `part=test` is an error there. With `part` the options of `text`
say where the corpus is: `text.path=FOLDER part=test` reads it from another folder.

Other options of the run can be set as well, but for those that make another model. Nothing is
written.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from labnn.configs.text import TextTrainingConfigs, text_sum
from labnn.configs.training import TrainingConfigs
from labnn.configs.types import CommandLineText
from labnn.data.corpora import Corpus
from labnn.data.text_files import read_text
from labnn.runs import contents
from labnn.runs.folders import RunError
from labnn.runs.launch import default
from labnn.runs.load import described, imported, load, locate, rebuilt, warn
from labnn.runs.plain_text import number, strict, table
from labnn.runs.tracking import quiet, reset_tracker

ENCODING = "text.encoding"
# What each part of a text is called
PARTS = {"train": "training part", "valid": "validation part", "test": "test part"}
# What each score is of, in the order of the answer
NAMES = {
    "loss": "loss, nats per token",
    "bits": "loss, bits per token",
    "perplexity": "perplexity per token",
    "perplexity_per_word": "perplexity per word or line end",
}


def evaluate(words: list[str], options: dict[str, str]) -> tuple[dict, str]:
    """
    What the command answers. Raises `RunError`, and what the options and the text raise.

    * `options` are those of the run, `checkpoint`, and `part`
    """
    folder = locate(words[0])
    typed = {name: CommandLineText(value) for name, value in options.items()}
    checkpoint, part = str(typed.pop("checkpoint", "best")), typed.pop("part", None)
    is_whole = part is None and "text.path" in typed
    overrides, corpus = typed, None
    if part is not None:
        overrides, corpus = one_part(folder, typed, str(part))
    elif is_whole:
        overrides = whole_text(folder, typed)
    conf, name = load(folder, checkpoint=checkpoint, overrides=overrides)
    found, part = scores(conf), part or "valid"
    text = PARTS[part]
    if isinstance(conf, TextTrainingConfigs):
        text = f"{conf.text.source}, {'all of it' if is_whole else text}"
        # The sums in the folder are those of the run's own text.
        if typed.keys() == without_text(typed).keys():
            check_text(folder, corpus or conf.text, part)
    data = strict({**found, "checkpoint": name, "text": text})
    rows = [
        ["run", f"{folder}, checkpoint {name}"],
        ["text", text],
        *([told, number(data[score])] for score, told in NAMES.items() if score in data),
        ["accuracy", f"{found['accuracy']:.2%}".replace("%", " %")],
        ["tokens", f"{found['tokens']:,}"],
    ]
    return data, "\n".join(table(rows))


def without_text(typed: dict[str, Any]) -> dict[str, Any]:
    """The options that choose no text"""
    return {name: value for name, value in typed.items() if name.partition(".")[0] != "text"}


def validated(folder: Path, rest: dict[str, Any]) -> dict[str, Any]:
    """Options with a loader for the validation, which a run may have done without"""
    path, told = described(folder)
    recorded = contents.part(told, "overrides", dict)
    if recorded.get("valid_loader", "") is not None or "valid_loader" in rest:
        return rest
    return {**rest, "valid_loader": default(imported(told.get("entry"), path)(), "valid_loader")}


def one_part(folder: Path, typed: dict[str, Any], name: str) -> tuple[dict[str, Any], Corpus]:
    """
    Overrides that put a part of a text into the place of the validation part, and that text. So it
    is scored as the validation is. Raises `RunError` where there is no such part.

    * `typed` are options, those of the text among them
    * `name` is one of `PARTS`
    """
    if name not in PARTS:
        raise RunError(f"part is {name!r:.40}; it takes one of {', '.join(PARTS)}")
    conf, _ = rebuilt(folder, typed)
    if not isinstance(conf, TextTrainingConfigs):
        raise RunError(f"{type(conf).__name__} reads no text that has parts; leave part={name} out")
    corpus = conf.text
    if not getattr(corpus, name):
        raise RunError(
            f"{corpus.source}, the text {corpus.name}, has no {PARTS[name]}; leave part={name} "
            "out, or score all of a file, text.path=FILE"
        )
    rest = validated(folder, without_text(typed))
    return {**rest, "text": replace(corpus, valid=getattr(corpus, name))}, corpus


def whole_text(folder: Path, typed: dict[str, Any]) -> dict[str, Any]:
    """
    Overrides that make all of a file the validation part.

    * `typed` are those that name the file
    """
    rest = without_text(typed)
    free = ("text.path", ENCODING)
    others = [n for n, v in typed.items() if n not in rest and n not in free and v != "file"]
    if others:
        raise RunError(
            f"text.path is evaluated as a whole, and {', '.join(others)} would choose another "
            "text or a part of it; leave out the one or the other"
        )
    recorded = contents.part(described(folder)[1], "overrides", dict)
    # Another text is probably stored as the run's own.
    encoding = str(typed.get(ENCODING, recorded.get(ENCODING, "utf-8")))
    path = str(typed["text.path"])
    text = read_text(path, encoding=encoding)
    return {**validated(folder, rest), "text": Corpus("file", text, text, source=path)}


def check_text(folder: Path, corpus: Corpus, name: str) -> None:
    """
    Warn where the text of a run was changed after it: nobody would see it from the scores.

    * `name` is the part that was scored
    """
    known = contents.part(described(folder)[1], "data", dict)
    # A run has no sum of a part that it does not read, but that part comes with the others.
    for part in ("train", "valid") if name == "test" else (name,):
        now = text_sum(getattr(corpus, part))
        if known.get(f"{part}_sha256", now) != now:
            warn(f"{corpus.source} was changed after the run: its scores are of another text")
            return


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
    return {**means, "perplexity": conf.meter.perplexity(), "tokens": conf.meter.n_tokens}
