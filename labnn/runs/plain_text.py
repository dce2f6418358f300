r"""
# Plain Text

What the [commands](../cli.html) print: tables, times, sizes, and JSON. A table should not be
wider than the terminal; in a pipe nothing is cut, whatever the width.

The width of a text is counted in cells of a terminal by [rich](https://rich.readthedocs.io), for
which neither a Chinese letter nor an accent has the width one.
"""

import json
import math
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.cells import cell_len, set_cell_size

from labnn.runs.folders import RunError

GAP = "  "
UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def screen() -> int | None:
    """The width of the terminal that is printed on, or `None` where there is none"""
    is_terminal = getattr(sys.stdout, "isatty", bool)()
    return shutil.get_terminal_size().columns if is_terminal else None


def table(rows: Sequence[Sequence[str]], right: Iterable[int] = (), indent: str = "") -> list[str]:
    """
    Lines with aligned columns.

    * `right` are the columns whose texts end at one place, as numbers should
    """
    right = {*right}
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = []
        for number, (text, width) in enumerate(zip(row, widths, strict=True)):
            blank = " " * (width - cell_len(text))
            cells.append(blank + text if number in right else text + blank)
        lines.append((indent + GAP.join(cells)).rstrip())
    return lines


def fits(lines: Iterable[str], width: int | None) -> bool:
    """Whether lines have room on a terminal"""
    return width is None or max(map(cell_len, lines), default=0) <= width


def cropped(text: str, width: int) -> str:
    """A text with its middle left out where it is too long"""
    if cell_len(text) <= width:
        return text
    head = (width - 3) // 2
    tail = set_cell_size(text[::-1], width - 3 - head)[::-1]
    return f"{set_cell_size(text, head)}...{tail}"


def beginnings(names: Sequence[str], least: int = 8) -> list[str]:
    """The shortest beginning of each name that no other name has, the whole where there is none"""
    order = sorted({*names})
    found = {}
    # In order a name shares most with the one before it, or the one after.
    for before, name, after in zip([""] + order, order, [*order[1:], ""], strict=False):
        shared = max(common(name, before), common(name, after))
        found[name] = name[: max(least, shared + 1)]
    return [found[name] for name in names]


def common(a: str, b: str) -> int:
    """How many characters two texts have in common from the start"""
    return next(
        (place for place, (x, y) in enumerate(zip(a, b, strict=False)) if x != y),
        min(len(a), len(b)),
    )


def shown(value: Any) -> str:
    """A value in one line, as it is typed"""
    return printable(
        value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
    )


def printable(text: str) -> str:
    """A line end or an escape code in a file must not become one on the terminal."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
    )


def number(value: float | None) -> str:
    """A measured number, in four digits"""
    return "-" if value is None else f"{value:.4g}"


def age(seconds: float | None) -> str:
    """A time in its largest unit: 5 min, 3 h, 2 d"""
    if seconds is None:
        return "-"
    for size, unit in UNITS:
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return "now"


def duration(seconds: float) -> str:
    """A time as a clock has it: 1:02:03, or 2:03"""
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def n_bytes(size: float) -> str:
    """A size in two or three digits: 12 B, 3.4 kB, 56 MB"""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 999.5:
            break
        size, unit = size / 1000, "TB"
    return f"{size:.0f} {unit}" if unit == "B" or size >= 99.5 else f"{size:.2g} {unit}"


def strict(value: Any) -> Any:
    """A value as JSON has it: finite numbers, and texts for what it does not know"""
    if isinstance(value, dict):
        return {str(key): strict(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [strict(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, (str, int, type(None))) else str(value)


def say(text: str, end: str = "\n") -> None:
    """Print plain text. A stream that cannot show a sign gets a question mark, not an error."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(text.encode(encoding, "replace").decode(encoding), end=end, flush=True)


def say_pieces(pieces: Iterable[str]) -> None:
    """Print a text as it comes, and end its last line."""
    is_begun = False
    try:
        for piece in pieces:
            is_begun = True
            say(piece, end="")
    finally:
        # An error stands in a line of its own.
        if is_begun:
            say("")


def say_json(data: Any) -> None:
    """Print one object in one line. JSON has a form for each sign that a stream cannot show."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(data, allow_nan=False)
    print(text, flush=True)


def characters(text: str) -> str:
    """What was typed, where bytes that are no characters have a sign: nobody could print them."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def typed_texts(example: str) -> list[str]:
    """
    The lines of stdin. Raises `RunError` where a person would have to type them.

    * `example` is a command with a text
    """
    if sys.stdin is None or sys.stdin.isatty():
        command, _, _ = example.partition(' "')
        raise RunError(
            f"there is no text; write it behind the run, {example}, or send a file with one in "
            f"each line, {command} < FILE"
        )
    try:
        text = sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as e:
        raise RunError(f"stdin: byte {e.start} is not UTF-8; send texts in UTF-8") from None
    # Other signs that Python takes for line ends may be tokens.
    lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
    if lines == [""]:
        raise RunError("stdin is empty; send texts, one in each line")
    return lines
