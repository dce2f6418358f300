r"""
# Curve Blocks

A formula is seen at once when it is drawn. A note draws one by a fence that has the numbers, so
that no code of a project runs to make its pages, and a reader of the source has them too:

    ```curve
    show: lr
    update: 0 50 100 150
    cosine: 1 .75
      .25 0
    ```

`show` is one of the [curves](exhibits.html) that a run may have, `update` are the places from left
to right, and each other word names a curve and has a value for each of them. The first is solid,
and a second one dashed.
"""

import math

import yaml

from docs_gen.records.blocks import known
from docs_gen.records.curves import COLOURS, Curve, figure
from docs_gen.records.exhibits import CURVES, FROM_ZERO, titles
from docs_gen.records.shown import Say


def curve(fence: str, ident: str = "curve", say: Say = str) -> str:
    """
    The HTML of a fence. Raises `ValueError`, one line, for what cannot be drawn.

    * `ident` begins the ids, and no other drawing of the page may have it
    * `say` translates the words of the interface
    """
    show, updates, values = read(fence)
    curves = [
        Curve(name, kind, [*zip(updates, values[name], strict=True)])
        for name, kind in zip(values, COLOURS, strict=False)
    ]
    drawing = figure(ident, titles(say)[show], curves, show in FROM_ZERO, say)
    return f'<div class="run-block">\n{drawing}</div>'


def read(fence: str) -> tuple[str, list[int], dict[str, list[float]]]:
    """What is shown, the updates, and the values of each curve. Raises `ValueError`."""
    try:
        # All values are texts to this loader.
        told = yaml.load(fence, Loader=yaml.BaseLoader)
    except (yaml.YAMLError, RecursionError) as e:
        raise ValueError(f"a curve block is no YAML: {' '.join(str(e).split())}") from None
    if not isinstance(told, dict) or not {"show", "update"} <= told.keys():
        raise ValueError("a curve block says what it shows and where: show: lr, and update: 0 1 2")
    show = str(told.pop("show"))
    known(show, CURVES, "no curve that can be shown")
    updates = [*map(place, words(told.pop("update")))]
    if not updates or any(a >= b for a, b in zip(updates, updates[1:], strict=False)):
        raise ValueError("update: the numbers of updates have to grow from one to the next")
    if not 1 <= len(told) <= len(COLOURS):
        raise ValueError(f"a curve block has 1 to {len(COLOURS)} curves, and this {len(told)}")
    values = {str(name): [number(str(name), n) for n in words(told[name])] for name in told}
    for name, numbers in values.items():
        if len(numbers) != len(updates):
            raise ValueError(f"{name}: {len(numbers)} values for {len(updates)} updates")
    return show, updates, values


def words(value: object) -> list[str]:
    """Numbers between blanks or line ends"""
    return value.split() if isinstance(value, str) else []


def place(word: str) -> int:
    """The number of an update. Raises `ValueError`."""
    if not (word.isascii() and word.isdecimal()):
        raise ValueError(f"update: {word} is no number of an update")
    return int(word)


def number(name: str, word: str) -> float:
    """A value of a curve, which can be drawn. Raises `ValueError`."""
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{name}: {word} is no number that can be drawn")
    return value
