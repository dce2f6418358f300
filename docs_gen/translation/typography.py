r"""
# Typography

How Chinese is set when Latin words, numbers and code stand in it, as far as a machine can tell:
signs are full-width, a space parts Chinese from Latin, and none stands beside a full-width sign or
between two Chinese words. What machine translation leaves behind is found too.
"""

import re

from docs_gen.translation.pairs import HOLE
from docs_gen.translation.wrapping import HAN, SIGNS

LATIN = f"A-Za-z0-9\u00c0-\u024f\u0370-\u03ff{HOLE}"
# Each pattern finds where it is wrong, which is told after the words.
RULES = [
    (rf"[{HAN}]\s*[,;:!?]|[{HAN}]\.(?![A-Za-z0-9.])", "a sign of Chinese is full-width"),
    (rf"(?<![{HAN}\s])[,;:!?.]\s*[{HAN}]", "a sign of Chinese is full-width"),
    (rf"[{HAN}]\s*\(|\)\s*[{HAN}]", "brackets in Chinese are full-width"),
    (rf"[{HAN}]\"|\"[{HAN}]|[{HAN}]'|'[{HAN}]", "quotation marks in Chinese are “ ”"),
    (rf"[{HAN}][{LATIN}]|[{LATIN}%][{HAN}]", "no space between Chinese and Latin"),
    (rf"[ \t]+[{SIGNS}]|[{SIGNS}][ \t]+(?=\S)", "a space beside a full-width sign"),
    (rf"[{HAN}] +[{HAN}]", "a space between Chinese words"),
    (rf"[{HAN}]\.{{2,}}", "dots in Chinese are ……"),
    ("[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]", "full-width letter or digit"),
    (r"@@|_\^_|\ufffd", "left behind by a machine"),
]


def faults(text: str) -> list[str]:
    """What is wrong in some Chinese, the words of one paragraph"""
    found = []
    for pattern, what in RULES:
        for match in re.finditer(pattern, text):
            place = text[max(match.start() - 6, 0) : match.end() + 6].replace(HOLE, "`…`")
            found.append(f"{what}: {place.strip()}")
    return found
