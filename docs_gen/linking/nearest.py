r"""
# Nearest Names

What somebody may have meant who wrote a name that does not exist. The last part counts most, since
one looks for `mha.html`, or for `forward`, and is mistaken about the folder or the class.
"""

import re
from collections.abc import Callable, Iterable
from difflib import SequenceMatcher, get_close_matches

N_SHOWN = 3
# Every address of a page ends so, which makes no two of them more alike.
ENDING = re.compile(r"(/index)?\.html$")


def nearest(wrong: str, known: Iterable[str]) -> list[str]:
    """At most three of the known names, the likeliest first"""
    by_last: dict[str, list[str]] = {}
    for name in known:
        by_last.setdefault(last(name), []).append(name)
    # The last parts are few and short, so that thousands of names take milliseconds.
    likely = get_close_matches(last(wrong), by_last, n=4 * N_SHOWN, cutoff=0.5)
    rated = []
    # The last part counts twice as much as the whole; of equals the shorter name is likelier.
    for part in likely:
        weight = 2 * SequenceMatcher(a=part, b=last(wrong)).ratio()
        for name in by_last[part]:
            rated.append((-weight - SequenceMatcher(a=name, b=wrong).ratio(), len(name), name))
    return [name for *_, name in sorted(rated)[:N_SHOWN]]


def last(name: str) -> str:
    """What counts most: `forward` of `MultiHeadAttention.forward`, `mha` of `layers/mha.html`"""
    return re.split(r"[./]", ENDING.sub("", name))[-1].lower()


def suggestion(wrong: str, known: Iterable[str], shown: Callable[[str], str] = str) -> str:
    """
    The end of the line that tells what is wrong, empty where nothing is near.

    * `shown` is how a name would be written where that line belongs
    """
    names = [shown(name) for name in nearest(wrong, known)]
    return f"; did you mean {listed(names)}?" if names else ""


def listed(names: list[str]) -> str:
    """Names in a sentence: `a, b or c`"""
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))
