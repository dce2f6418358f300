r"""
# Foreign Notes

Most code was not written for this, and its [docstrings](docstrings.html) are in other dialects:
fields, directives and roles of Sphinx, sections as the guides of Google and NumPy have them,
sessions with the prompt of Python. Read as Markdown, all of that runs together into one paragraph.
So what cannot be mistaken is written as the Markdown that was meant: [spans](spans.html) of text,
[literals](literals.html), and the lines around them. All else stays as it is, and so does a note
that is Markdown already.
"""

import re
from collections.abc import Iterator, Sequence
from textwrap import dedent, indent

from docs_gen.reading.literals import CODE, FENCE, SESSION, deeper, fence, fenced, session
from docs_gen.reading.spans import spans

# Labels of sections: those below which each item has a name, and those of plain text
LISTS = "Args|Arguments|Parameters|Params|Other Parameters|Keyword Args|Keyword Arguments"
LISTS += "|Attributes|Returns|Return|Yields|Raises|Warns|Methods|Inputs|Outputs|Shape"
TEXTS = "Examples|Example|Notes|Note|Warnings|Warning|See Also|References|Usage"
LABEL = re.compile(rf"({LISTS}|{TEXTS})::?")
# `x (int): what it is`, `x : int`
NAMES = r"\*{0,2}\w[\w.]*(?:, ?\*{0,2}\w+)*"
ITEM = re.compile(rf"({NAMES})(?: ?(\(.*?\)))?( ?):(?:\s+(.*))?")
FIELDS = "param|parameter|arg|argument|key|keyword|var|ivar|cvar|type|vartype"
FIELDS += "|returns?|rtype|raises?|yields?"
FIELD = re.compile(rf" {{0,3}}:({FIELDS})(?: ([^:]+))?:\s*(.*)")
DIRECTIVE = re.compile(r" {0,3}\.\. ([a-z][a-z-]*)::\s*(.*)")
# Most notes have nothing of all this.
HINT = re.compile(
    rf"^\s*(>>> |\.\. |:[a-z]+[ :]|({LISTS}|{TEXTS})(::?$|\n\s*---))|:`|>`_|::$", re.M
)


def markdown(note: str) -> str:
    """A docstring as Markdown"""
    return "\n".join(block(note.split("\n"))).strip("\n") if HINT.search(note) else note


def block(lines: Sequence[str]) -> Iterator[str]:
    """The lines of a note, or of a part of one that is indented"""
    texts: list[str] = []
    at = 0
    while at < len(lines):
        end, made = special(lines, at)
        if end == at:
            texts.append(lines[at])
            at += 1
        else:
            # What is marked may go on in the next line, so texts are changed as a whole.
            yield from changed(texts)
            texts, at = [], end
            yield from made
    yield from changed(texts)


def changed(texts: Sequence[str]) -> list[str]:
    """Lines of text with what is marked in them"""
    return spans("\n".join(texts)).split("\n") if texts else []


def special(lines: Sequence[str], at: int) -> tuple[int, list[str]]:
    """What begins in a line and is no text: the line after it, and its Markdown"""
    line, after = lines[at], deeper(lines, at)
    body = dedent("\n".join(lines[at + 1 : after])).split("\n") if after > at + 1 else []
    label = LABEL.fullmatch(line.rstrip(":") + ":")
    if FENCE.match(line):
        return fenced(lines, at)
    if SESSION.match(line):
        return session(lines, at)
    # A label is underlined, or ends with a colon and has lines that are indented.
    if label and at + 1 < len(lines) and re.fullmatch(r"-{3,}", lines[at + 1]):
        after = underlined(lines, at + 2)
        return after, section(label[1], lines[at + 2 : after])
    if label and line.endswith(":") and body:
        return after, section(label[1], body)
    if found := DIRECTIVE.fullmatch(line):
        return after, directive(found[1], found[2], body)
    if found := FIELD.fullmatch(line):
        return after, field(found, body)
    # Two colons announce a literal.
    if line.endswith("::") and body:
        return after, [*changed([line[:-1]]), *fence("text", body)]
    return at, []


def underlined(lines: Sequence[str], at: int) -> int:
    """Where a section ends whose title is underlined: at the next such title"""
    ends = (n for n in range(at, len(lines) - 1) if re.fullmatch(r"-{3,}|={3,}", lines[n + 1]))
    return next(ends, len(lines))


def section(name: str, body: Sequence[str]) -> list[str]:
    """Part of a docstring under a label"""
    made = items(body) if re.fullmatch(LISTS, name) else block(body)
    return ["", f"**{name}**", "", *made]


def items(body: Sequence[str]) -> Iterator[str]:
    """Arguments and the like, each of which becomes a bullet"""
    at = 0
    while at < len(body):
        end, found = deeper(body, at), ITEM.fullmatch(body[at])
        inner = dedent("\n".join(body[at + 1 : end])).split("\n") if end > at + 1 else []
        if found:
            name, kind, blank, said = found.groups()
            # NumPy's guide has the type after ` : `, and all else below.
            kind, said = (f"({said})", "") if blank and said and inner else (kind, said)
            yield from bullet(f"`{name}`" + (f" {kind}" if kind else ""), said or "", inner)
        elif inner and re.fullmatch(NAMES, body[at]):
            yield from bullet(f"`{body[at]}`", "", inner)
        else:
            # What is no item ends the list.
            yield from ["", *block(body[at:end])]
        at = end


def field(found: re.Match, body: Sequence[str]) -> list[str]:
    """`:param int x: what it is`"""
    kind, name, said = found.groups()
    *types, name = (name or "").split(" ")
    label = f"`{name}`" if name else kind
    if name and kind in ("type", "vartype", "raise", "raises"):
        label = f"{kind} {label}"
    return bullet(label + (f" ({' '.join(types)})" if types else ""), said, body)


def bullet(label: str, said: str, body: Sequence[str]) -> list[str]:
    """An item of a list, with what is said of it"""
    text = indent("\n".join(block([said, *body])).strip("\n"), "  ")
    return f"* {label}: {text.lstrip()}".split("\n")


def directive(name: str, said: str, body: Sequence[str]) -> list[str]:
    """`.. note:: something`, with more below"""
    if name in CODE:
        return fence(said or "python", body)
    if name == "math":
        tex = [line for line in [said, *body] if line.strip() and not line.startswith(":")]
        return ["", "$$", *tex, "$$", ""]
    title = re.sub(r"^version", "version ", name).replace("-", " ").capitalize()
    text = "\n".join(block([said, *body])).strip("\n")
    return ["", *f"**{title}.** {text}".split("\n"), ""]
