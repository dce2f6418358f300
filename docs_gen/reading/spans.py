r"""
# Spans

What other dialects mark [within a text](foreign.html): equations, names with their role and links
with their address, all between single backticks. As Markdown they would be code.
"""

import re

MATHS = re.compile(r":math:`([^`]+)`")
# A role and a name, which may be short for an address that comes after it
ROLE = re.compile(r"(?<![\w`:]):[a-z]+(?:[:+-][a-z]+)*:`[~!]?([^`<]+?)(?:\s*<[^`>]*>)?`")
LINK = re.compile(r"`([^`<]+?)\s*<(https?://[^`>\s]+)>`__?")


def spans(text: str) -> str:
    """A text as Markdown"""
    text = MATHS.sub(lambda found: f"${' '.join(found[1].split())}$", text)
    return LINK.sub(r"[\1](\2)", ROLE.sub(r"`\1`", text))
