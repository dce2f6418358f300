r"""
# Style

The annotation guide, as far as a machine can read it.
"""

import ast
import io
import re
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
WIDTH, PAGE, FUNCTION = 100, 300, 60


def complaints(source: str):
    lines = source.split("\n")
    tree = ast.parse(source)

    if len(lines) > PAGE:
        yield 1, f"a page has at most {PAGE} lines, this one has {len(lines)}"
    if not (ast.get_docstring(tree) or "").startswith("# "):
        yield 1, "a page starts with a docstring whose first line is a `# Title`"
    for number, line in enumerate(lines, 1):
        if len(line) > WIDTH and "](http" not in line:
            yield number, f"longer than {WIDTH} characters"

    for node in ast.walk(tree):
        if not isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            continue
        doc = ast.get_docstring(node, clean=False)
        name = getattr(node, "name", "the page")
        if doc is None:
            if not name.startswith("__"):
                yield getattr(node, "lineno", 1), f"{name} has no docstring"
        else:
            written = lines[node.body[0].lineno - 1].lstrip()
            if (
                re.search(
                    r"[$\\]", "\n".join(lines[node.body[0].lineno - 1 : node.body[0].end_lineno])
                )
                and written[0] != "r"
            ):
                yield (
                    node.body[0].lineno,
                    f'the docstring of {name} has math, so it must be raw: r"""',
                )
        if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno > FUNCTION:
            yield node.lineno, f"{name} is longer than {FUNCTION} lines"

    comments = {}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            alone = token.line.lstrip().startswith("#")
            comments[token.start[0]] = token.string
            if not alone:
                yield (
                    token.start[0],
                    "a comment goes above its code: the page cannot show one beside it",
                )
    for number, text in comments.items():
        if text.strip() == "#" and (number - 1 not in comments or number + 1 not in comments):
            yield number, "a bare `#` says nothing"
        if re.search(r"\b(TODO|FIXME|XXX)\b", text):
            yield number, "no TODO on a page"

    # Math may run over several lines of one comment, so a comment is judged as a whole.
    for number in sorted(comments):
        if number - 1 not in comments:
            end = next(n for n in range(number, len(lines) + 2) if n not in comments)
            if "".join(comments[n] for n in range(number, end)).count("$") % 2:
                yield number, "an unclosed `$`"


PAGES = sorted(
    p
    for top in ("labnn", "experiments", "docs_gen")
    for p in (ROOT / top).rglob("*.py")
    if p.read_text().strip()
)


@pytest.mark.parametrize("path", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_page(path):
    found = [f"{path.name}:{line}: {what}" for line, what in complaints(path.read_text())]
    assert not found, "\n".join(found)


# Words of TeX, and pieces of words in examples
KNOWN_WORDS = "multline,ot"


def spelling(folder, *names):
    """What a list of common mistakes finds"""
    words = [sys.executable, "-m", "codespell_lib", "--ignore-words-list", KNOWN_WORDS, *names]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True).stdout


def test_words_are_spelt_as_others_do():
    skipped = "*.js,*.woff2,*.gz,*.json,*.po,__pycache__"
    wrong = spelling(ROOT, "--skip", skipped, "labnn", "experiments", "docs_gen", "README.md")
    assert not wrong, wrong


def test_a_misspelt_word_is_found(tmp_path):
    (tmp_path / "page.py").write_text("# This is recieved\n")
    assert "received" in spelling(tmp_path, "page.py")
