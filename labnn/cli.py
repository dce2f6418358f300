r"""
# The labnn Command

Runs are looked at, and what they learned is used, by one program:

```sh
labnn show 20261121
labnn fill 20261121 "to be or not to [MASK]"
```

A command takes words and options, which are written as `name=value`, and prints text, or one JSON
object with `--json`. Those that only read what a run has written answer at once, because they do
without torch.

What the commands do is on the pages of [runs](runs/index.html).
"""

import difflib
import importlib
import importlib.util
import pkgutil
import sys
from collections import deque
from dataclasses import dataclass

from labnn import __version__
from labnn.runs.exits import guarded
from labnn.runs.folders import RunError
from labnn.runs.plain_text import say, say_json, say_pieces


@dataclass(frozen=True)
class Command:
    """
    ## Command

    What help needs to know of a command without importing it. Its function gets words and options,
    and returns an object for `--json`, and a text.
    """

    # Its function, as `module:function`. The text may come in pieces; the object is then whole when
    # all of them have come.
    entry: str
    # What it takes, as the user types it
    usage: str
    # How many words it takes
    n_least: int
    n_most: int
    # The options that it knows; `None` leaves that to the function
    options: tuple[str, ...] | None
    # What it is for
    text: str
    # What its options do, where their names do not say it
    more: str = ""


# What every command takes
FLAGS = ("--json", "--help", "-h")
# As many words as a person likes
MANY = 1_000_000
# The end of every help text
WORDS = """RUN is the name of a run, any beginning of it that no other run has, a path,
or auto for the newest run. --json prints one JSON object instead of text."""
GENERATE = """options, with what they are without being named:
  n_tokens=100      tokens to write at most
  temperature=1     below 1 the probable becomes more probable; 0 takes the best
  top_k, top_p=1    draw from so many tokens, or from the best with such a share
  n_beams           search for the best text with so many beams instead
  length_penalty=1  above 1 such a search favours long texts
  no_repeat         length of what may not come twice, in tokens
  n_samples=1       how many texts
  seed=0            another one gives other texts
  stop              the token that ends a text; \\n is a line end
  checkpoint=best   or a number, or latest"""
# All commands, in the order of the help text
COMMANDS = {
    "runs": Command(
        "labnn.runs.looking:runs", "[EXPERIMENT]", 0, 1, (), "list the runs under logs/"
    ),
    "show": Command("labnn.runs.looking:show", "RUN", 1, 1, (), "what a run was, and how it went"),
    "compare": Command(
        "labnn.runs.comparing:compare", "RUN RUN ...", 2, MANY, (), "what differs between runs"
    ),
    "report": Command(
        "labnn.runs.report:report", "RUN [out=FILE]", 1, 1, ("out",), "a run as one HTML file"
    ),
    "record": Command(
        "labnn.runs.record:record", "RUN DIR", 2, 2, (), "a small copy of a run, to be kept"
    ),
    "fill": Command(
        "labnn.runs.fill:fill",
        'RUN "to be or [MASK]ot" [top_k=5] [checkpoint=best]',
        1,
        2,
        ("top_k", "checkpoint"),
        "predict hidden tokens",
    ),
    "generate": Command(
        "labnn.runs.generate:generate",
        'RUN "to be or" [n_tokens=100] [name=value ...]',
        1,
        2,
        (
            *("n_tokens", "temperature", "top_k", "top_p", "n_beams", "length_penalty"),
            *("no_repeat", "n_samples", "seed", "stop", "checkpoint"),
        ),
        "go on from a text, as a language model",
        GENERATE,
    ),
    "eval": Command(
        "labnn.runs.evaluate:evaluate",
        "RUN [part=test] [text.path=FILE] [checkpoint=best] [name=value ...]",
        1,
        1,
        None,
        "loss, perplexity and accuracy; part is train, valid or test",
    ),
    "export": Command(
        "labnn.runs.export:export",
        "RUN DIR [checkpoint=best]",
        2,
        2,
        ("checkpoint",),
        "weights, sizes and tokenizer, for other programs",
    ),
}


def experiments() -> list[str]:
    """The experiments that are installed, by the names that `python -m` takes"""
    spec = importlib.util.find_spec("experiments")
    if spec is None:
        return []
    return sorted(
        f"experiments.{module.name}"
        for module in pkgutil.iter_modules(spec.submodule_search_locations)
        if not module.ispkg
    )


def help_text() -> str:
    """All commands and all experiments"""
    lines = ["usage: labnn COMMAND [WORDS] [name=value ...] [--json]", ""]
    for name, command in COMMANDS.items():
        lines.append(f"  labnn {name} {command.usage}")
        lines.append(f"      {command.text}")
    lines += ["  labnn --version", "", WORDS, "", "experiments, each with --help:"]
    return "\n".join([*lines, *(f"  python -m {name}" for name in experiments())])


def split(arguments: list[str]) -> tuple[list[str], dict[str, str], set[str]]:
    """
    Words, options and flags. An option has a name before its first `=`; after `--` all are words.
    Raises `RunError`.
    """
    words, options, flags = [], {}, set()
    rest = iter(arguments)
    for argument in rest:
        name, is_option, value = argument.partition("=")
        name = name.removeprefix("--")
        if argument == "--":
            words += rest
        elif argument in FLAGS:
            flags.add(argument)
        elif is_option and all(map(str.isidentifier, name.split("."))):
            if options.get(name, value) != value:
                raise RunError(f"{name} is given twice, as {options[name]} and as {value}")
            options[name] = value
        # A text may begin with a dash, and `-` alone is a word.
        elif argument.startswith("-") and " " not in argument and argument != "-":
            raise RunError(
                f"{argument} is no argument; write name=value, --json or --help, and -- before a "
                "word that begins with -"
            )
        else:
            words.append(argument)
    return words, options, flags


def check(name: str, words: list[str], options: dict[str, str]) -> None:
    """Raises `RunError` for words or options that a command does not take."""
    command = COMMANDS[name]
    for option in options:
        if command.options is not None and option not in command.options:
            known = ", ".join(command.options)
            raise RunError(
                f"labnn {name} has no option {option}; "
                + (f"its options are {known}; " if known else "it has none; ")
                + "write -- before a word that holds ="
            )
    if not command.n_least <= len(words) <= command.n_most:
        given = " ".join(map(repr, words)) or "no words"
        raise RunError(f"usage: labnn {name} {command.usage}; given: {given}")


def answer(name: str, arguments: list[str]) -> None:
    """Do what a command says and print what it gives. Raises `RunError`."""
    command = COMMANDS[name]
    words, options, flags = split(arguments)
    if flags & {"--help", "-h"}:
        parts = (f"usage: labnn {name} {command.usage} [--json]", command.text, command.more, WORDS)
        say("\n\n".join(filter(None, parts)))
        return
    check(name, words, options)
    # Only now is the page of the command imported, and torch with it where it needs that.
    module, _, function = command.entry.partition(":")
    data, text = getattr(importlib.import_module(module), function)(words, options)
    if isinstance(text, str):
        text = [text]
    if "--json" in flags:
        # What is still to come belongs to the object.
        deque(text, maxlen=0)
        say_json(data)
    else:
        say_pieces(text)


def unknown(name: str) -> str:
    """The error for a name that is no command"""
    if name.startswith("-"):
        return f"{name!r} stands where a command should; write labnn COMMAND, then all else"
    near = difflib.get_close_matches(name, COMMANDS, 1)
    hint = f"did you mean {near[0]}?" if near else "labnn --help lists all"
    return f"labnn has no command {name!r}; {hint}"


def main(arguments: list[str] | None = None) -> int:
    """Run a command. Returns the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments in (["--version"], ["version"]):
        return guarded(lambda: say(f"labnn {__version__}"))
    # `labnn help show` is `labnn show --help`.
    if arguments[:1] == ["help"] and len(arguments) > 1:
        arguments = [arguments[1], "--help"]
    if not arguments or arguments[0] in ("--help", "-h", "help"):
        return guarded(lambda: say(help_text()))
    name, *rest = arguments
    if name not in COMMANDS:
        print(f"error: {unknown(name)}", file=sys.stderr)
        return 2
    return guarded(lambda: answer(name, rest))


if __name__ == "__main__":
    sys.exit(main())
