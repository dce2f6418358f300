r"""
# What May Change

A run that [goes on](resume.html) has its own options, and a person may give some of them other
values. Those that leave every step as it is are free. Any other one makes another run, and is
refused unless it is allowed by name. What was done cannot be undone: there cannot be fewer epochs
than have begun, nor other rounds in the middle of an epoch.

Where the place is wanted, it is the state of a [position](../configs/position.html), of which an
older checkpoint has less.
"""

from collections.abc import Iterable
from typing import Any

from labnn.configs.types import short

# Options that say when to validate, and the schedule whose rates hang on what is found then. It is
# not told of a validation that only the end has caused, so that the end is free.
FROM_VALID = {"eval_interval", "eval_at_start"}
JUDGING = "plateau"


def permit(name: str) -> str:
    """How a person lets an option change all the same"""
    return f"add --allow-change {name} (in code, allow_change=[{name!r}])"


def is_within(name: str, heads: Iterable[str]) -> bool:
    """Whether an option is named, or a config that it is in"""
    return any(name == head or name.startswith(f"{head}.") for head in heads)


def free(cls: type, now: dict[str, Any]) -> set[str]:
    """
    Options that may change without being allowed.

    * `cls` is the class of the configs, which lists them
    * `now` are all options
    """
    found = {*getattr(cls, "_free", ())}
    return found - FROM_VALID if now.get("optimizer.schedule") == JUDGING else found


def refused(changes: dict[str, tuple], run: str, may: Iterable[str]) -> list[str]:
    """
    A line for each option that may not change.

    * `changes` are options with their values before and now
    * `run` is its name
    * `may` are options, or configs that they are in, which may
    """
    return [
        f"{name} was {short(was)} in run {run} and is {short(is_)} now, which changes what is "
        f"learned; take it back, or {permit(name)}"
        for name, (was, is_) in changes.items()
        if not is_within(name, may)
    ]


def is_between_epochs(place: dict[str, Any] | None) -> bool:
    """Whether no epoch is in its middle; without a place nothing has begun."""
    if place is None:
        return True
    # A round that was left in its middle has begun, whatever the phase is.
    is_left = place.get("left", 0) > 0
    return place["round"] == 0 and place["phase"] in ("sample", "done") and not is_left


def n_begun(place: dict[str, Any]) -> int:
    """
    How many epochs have begun. A run that has ended between two of them may be asked for fewer: it
    is complete, and says so.
    """
    if not is_between_epochs(place):
        return place["epoch"] + 1
    return place["epoch"] if place["phase"] != "done" else 0
