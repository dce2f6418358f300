r"""
The corpus that ships with labnn: its bytes, its form, and that the file beside it tells the truth.
"""

import collections
import hashlib
import re
from pathlib import Path

import pytest

import labnn.data
from labnn.data import shakespeare
from labnn.data.text_files import DOCUMENT_BREAK

FOLDER = Path(labnn.data.__file__).parent / "shakespeare"
PACKED = (FOLDER / "shakespeare.txt.gz").read_bytes()
README = (FOLDER / "README.md").read_text(encoding="utf-8")
SHA256 = "dc2712647fedf0fc74b03c262592148e68099342000f84c6f66dea31419f62b0"
N_CHARACTERS, N_LINES, N_SCENES, N_SPEECHES = 1_103_191, 40_822, 181, 7_674


@pytest.fixture(scope="module")
def text():
    corpus = shakespeare()
    return corpus.train + corpus.valid


@pytest.fixture(scope="module")
def speeches(text):
    """Each speech as its speaker and its lines."""
    blocks = [
        b.split("\n") for scene in text[:-1].split(DOCUMENT_BREAK) for b in scene.split("\n\n")
    ]
    return [(speaker, lines) for speaker, *lines in blocks]


def test_the_bytes(text):
    assert hashlib.sha256(text.encode("ascii")).hexdigest() == SHA256
    assert len(text) == N_CHARACTERS and text.count("\n") == N_LINES


def test_the_header_holds_no_time_and_no_name():
    # RFC 1952: two bytes of magic, the method, no flags (so no name), and four bytes of time.
    assert PACKED[:8] == b"\x1f\x8b\x08\x00\0\0\0\0"


def test_sixty_five_characters_and_none_of_them_strange(text):
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    assert set(text) == set(letters + "\n !\"'(),-.:;?") and len(set(text)) == 65


def test_scenes_stand_apart(text):
    assert "\n" * 4 not in text and text.endswith(".\n") and not text.startswith("\n")
    assert len(text.split(DOCUMENT_BREAK)) == N_SCENES


def test_every_speech_is_a_speaker_and_lines(speeches):
    assert len(speeches) == N_SPEECHES
    for speaker, lines in speeches:
        assert re.fullmatch(r"[A-Z][A-Z', ]+[A-Z]:", speaker)
        assert lines and all(lines)
        # No speaker, heading or direction is left within a speech.
        for line in lines:
            assert not re.search(r"\b[A-Z]{2}", line), line
            assert not re.search(r"\b(Exeunt|Exit|Re-enter|Alarum|Flourish|Sennet)\b", line), line


def test_no_speaker_is_a_heading(speeches):
    counts = collections.Counter(speaker for speaker, _ in speeches)
    assert not re.search(r"\b(ACT|SCENE|SONG|PROLOGUE|EPILOGUE|END|ENTER)\b", " ".join(counts))
    assert counts["MENENIUS:"] == 164 and counts["CLEOPATRA:"] == 204 and counts["VIOLA:"] == 122
    assert len(counts) == 263


def test_spaces_and_punctuation_are_tidy(text):
    for wrong in (r"  ", r"^ | $", r" [,;:.!?]", r"[,;:.!?]{2}", r"---", r" --|-- ", r"[a-z][A-Z]"):
        assert not re.search(wrong, text, re.MULTILINE), wrong
    # Two of them are marks of a quotation in another.
    assert len(re.findall(r"''", text)) == 2
    assert max(map(len, text.split("\n"))) <= 72


def test_the_plays_are_there_in_order_and_coriolanus_comes_first(text):
    assert text.startswith(
        "FIRST CITIZEN:\nBefore we proceed any further, hear me speak.\n\nALL:\n"
    )
    places = [
        text.index(line)
        for line in (
            "We are accounted poor citizens; the patricians good.",
            "Now is the winter of our discontent\nMade glorious summer by this sun",
            "O, beware, my lord, of jealousy;",
            "A sad tale's best for winter",
            "Age cannot wither her, nor custom stale\nHer infinite variety",
            "This royal throne of kings, this scepter'd isle",
            "Some rise by sin, and some by virtue fall",
            "If music be the food of love, play on",
        )
    ]
    assert places == sorted(places)


def test_the_file_beside_it_tells_the_truth(text):
    assert SHA256 in README and hashlib.sha256(PACKED).hexdigest() in README
    assert f"{N_CHARACTERS:,} characters in {N_LINES:,} lines" in README
    assert f"{N_SCENES} scenes" in README
    # The plays follow each other: titles, scenes, speeches, characters.
    scenes = text[:-1].split(DOCUMENT_BREAK)
    rows = re.findall(r"^\| \d \| [^|]+ \| `\w+_gut.txt` \| (.*) \| (.*) \| (.*) \|$", README, re.M)
    assert len(rows) == 8
    for row in rows:
        n_scenes, n_speeches, n_characters = (int(number.replace(",", "")) for number in row)
        play, scenes = scenes[:n_scenes], scenes[n_scenes:]
        assert sum(scene.count("\n\n") + 1 for scene in play) == n_speeches
        assert len(DOCUMENT_BREAK.join(play)) + 1 == n_characters
    assert not scenes


def test_the_licence_and_the_authors_are_named():
    for needed in (
        "Open Knowledge Foundation",
        "creativecommons.org/licenses/by/2.5/",
        "Open Shakespeare",
        "Rufus Pollock",
        "public domain",
        "f393d09d07ea4d0e19957838046b3601ad09e0a5bd1c5ad0454240eacff393be",
    ):
        assert needed in " ".join(README.split())
