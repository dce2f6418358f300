r"""
# Signs

Files may hold characters that no page may: HTML has no control characters but the ends of lines
and tabs, and a browser shows nothing for them. A reader should see that they are there, and so each
becomes its picture, `␛` for what begins a colour on a terminal; [notes](docstrings.html) have them
from the beginning, [code](../writing/code.html) when it is written.
"""

# Unicode has a picture of each control character of ASCII, in the same order.
PICTURES = {code: chr(0x2400 + code) for code in range(32) if chr(code) not in "\t\n"}
PICTURES[0x7F] = "\N{SYMBOL FOR DELETE}"
# The others, and what will never be a character
REST = [*range(0x80, 0xA0), *range(0xFDD0, 0xFDF0)]
REST += [plane << 16 | last for plane in range(17) for last in (0xFFFE, 0xFFFF)]
PICTURES |= dict.fromkeys(REST, "\N{REPLACEMENT CHARACTER}")


def visible(text: str) -> str:
    """A text as a page can show it, letter for letter"""
    return text if text.isprintable() else text.translate(PICTURES)
