r"""
# WikiText

Language models are compared on WikiText-2, which was made for
[Pointer Sentinel Mixture Models](https://arxiv.org/abs/1609.07843): articles that Wikipedia marks
as good or featured, cut into words, one paragraph or heading a line, with rare words as `<unk>`. It
is published in three parts, so that everybody trains and is judged on the same text. In published
counts of its tokens a line end is one of them,

$$n_{\text{tokens}} = n_{\text{words}} + n_{\text{lines}}$$

| part | lines | words | $n_{\text{tokens}}$ |
|---|---|---|---|
| train | 36,718 | 2,051,910 | 2,088,628 |
| valid | 3,760 | 213,886 | 217,646 |
| test | 4,358 | 241,211 | 245,569 |

A model learns from the first part, every choice is made by the second, and the third is read once,
at the end, when somebody asks for it. The
[whitespace tokenizer](../tokenizers/whitespace.html) counts in this way.

**Three names** of the files are common, and any folder that has one kind of them will do, also with
another corpus:

| files | what they are |
|---|---|
| `wiki.train.tokens`, `wiki.valid.tokens`, `wiki.test.tokens` | as published |
| `wiki.train.raw`, `wiki.valid.raw`, `wiki.test.raw` | as published, without `<unk>` |
| `train.txt`, `valid.txt`, `test.txt` | renamed by a preparation, `<unk>` perhaps as `[UNK]` |

A folder with files of two kinds is refused: which of them a run had read could not be seen later.

**Nothing is downloaded.** The address that the corpus was published at is gone, and Salesforce has
it on the Hugging Face hub, in another form: a row is a line, and blank rows have lost their line
ends. Whoever writes the files from there ends each row with exactly one.

[Corpora](corpora.html) makes these parts a corpus.
"""

import os
from pathlib import Path

from labnn.data.text_files import CorpusError, nearest, read_file

PARTS = ("train", "valid", "test")
# The names of the three files, one way a row
NAMINGS = [
    [naming.format(part) for part in PARTS]
    for naming in ("wiki.{}.tokens", "wiki.{}.raw", "{}.txt")
]
ORIGIN = (
    "WikiText-2 is by Salesforce Research: wikitext-2-v1 in Salesforce/wikitext on huggingface.co"
)


def find_parts(path: str | Path | None, *, option: str = "text.path") -> list[Path]:
    """
    ## The three parts

    The files of the training, the validation and the test part, which are not read yet.

    * `path` is the folder; `~` is the home folder
    * `option` is what the person set to name it, for errors
    """
    if path is None or not str(path).strip():
        raise CorpusError(
            f"{option} is not set; set {option}=FOLDER, one with {', '.join(NAMINGS[0])}; {ORIGIN}"
        )
    where = f"{option}={str(path)!r}"
    folder, entries = look(Path(path), where)
    names = naming(folder, entries, where)

    missing = [name for name in names if name not in entries]
    if missing:
        there = " and ".join(name for name in names if name in entries)
        raise CorpusError(
            f"{where}: the folder has {there}, but not {' and not '.join(missing)}; all three "
            f"are needed, or set text=file text.train=FILE text.valid=FILE; {ORIGIN}"
        )
    return [folder / name for name in names]


def read_part(path: Path, *, option: str = "text.path", encoding: str = "utf-8") -> str:
    """
    ## One part

    The text of a file that was found. A last line without a line end gets one, since it is a line
    like the others.
    """
    text = read_file(path, option, encoding)
    return text if text.endswith("\n") else text + "\n"


def look(path: Path, where: str) -> tuple[Path, list[str]]:
    """
    ## What is in a folder

    The folder without `~`, and the names in it, sorted.

    * `path` is what the person named
    * `where` begins each error
    """
    try:
        folder = path.expanduser()
        return folder, sorted(entry.name for entry in folder.iterdir())
    except FileNotFoundError:
        raise CorpusError(f"{where}: no such folder; {nearest(folder)}; {ORIGIN}") from None
    except NotADirectoryError:
        raise CorpusError(
            f"{where}: no folder, and there are three files to read; name the folder they are in"
        ) from None
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CorpusError(f"{where}: cannot be read ({reason}); name a folder that can") from None


def naming(folder: Path, entries: list[str], where: str) -> list[str]:
    """
    ## Which names the files have

    The three names of which at least one is there.

    * `folder` is where to look, and `entries` are the names in it
    * `where` begins each error
    """
    used = [names for names in NAMINGS if not {*names}.isdisjoint(entries)]
    if len(used) == 1:
        return used[0]
    if used:
        found = [name for names in used for name in names if name in entries]
        raise CorpusError(
            f"{where}: {', '.join(found)} are there, parts that are named in {len(used)} ways; "
            "leave those of one in the folder"
        )
    # Unpacking an archive often makes a folder in the folder.
    for entry in entries:
        if any(os.path.isfile(folder / entry / names[0]) for names in NAMINGS):
            raise CorpusError(
                f"{where}: no part is there, but in the folder {entry!r} in it; name that one"
            )
    looked = "; or ".join(", ".join(names) for names in NAMINGS)
    raise CorpusError(f"{where}: no part is there; looked for {looked}; {ORIGIN}")
