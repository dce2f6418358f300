r"""
# Corpora

A corpus is text in two parts: what the model learns from, and what it is judged by. The first
part of the characters trains, nine tenths by default, and the rest validates,

$$n_{\text{train}} = \lfloor (1 - f) \, n \rfloor$$

The cut is made once and at one place, not by drawing lines at random: neighbouring lines share
names and phrases, and a model that has seen both sides of a line would be judged by its memory.

| symbol | code | meaning |
|---|---|---|
| $n$ | `len(text)` | number of characters |
| $f$ | `valid_fraction` | the share that validates |

There are four sources:

* `shakespeare`: eight plays, 1.1 million characters, part of the package and so there without a
  network. The file `README.md` beside them says where they come from and under which licence.
* `tiny_shakespeare`: the file that
  [char-rnn](https://github.com/karpathy/char-rnn/tree/master/data/tinyshakespeare) made common, for
  comparison with published results.
* `wikitext_2`: a folder with [WikiText-2](wikitext.html), which comes in parts and is not
  cut, with a third part for tests.
* `text_file`: a person's own text.
"""

import gzip
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

from labnn.data.download import cache_folder, download
from labnn.data.text_files import CorpusError, decode, read_text
from labnn.data.wikitext import find_parts, read_part

# What ships with the package, and the download, which is known to the last byte.
SHAKESPEARE = Path(__file__).parent / "shakespeare" / "shakespeare.txt.gz"
TINY_SHAKESPEARE_URL = (
    "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt"
)
TINY_SHAKESPEARE_BYTES = 1_115_394
TINY_SHAKESPEARE_SHA256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"


@dataclass(frozen=True)
class Corpus:
    """
    ## Corpus

    `train` and `valid` are the two parts, `name` is what the option is called, and `source` says
    where the text was, for a person who reads about the run later. The text itself is left out of
    what is printed.

    `read_test` gives a third part that nothing is chosen by. It is called when somebody asks for
    `test`, and a training never does.
    """

    name: str
    train: str = field(repr=False)
    valid: str = field(repr=False)
    source: str
    read_test: Callable[[], str] | None = field(default=None, repr=False, compare=False)

    @cached_property
    def test(self) -> str:
        """
        The third part, empty where a corpus has none. Raises `CorpusError` if it cannot be read.
        """
        return "" if self.read_test is None else self.read_test()


def cut(text: str, source: str, valid_fraction: float = 0.1) -> tuple[str, str]:
    """
    ## The cut

    The part that trains and the part that validates. Neither may be empty.
    """
    if not 0 < valid_fraction < 1:
        raise CorpusError(f"valid_fraction={valid_fraction} has to be between 0 and 1")
    n_train = int(len(text) * (1 - valid_fraction))
    if not 0 < n_train < len(text):
        raise CorpusError(
            f"{source}: {len(text)} characters are too few for a training and a validation part; "
            "name a longer text"
        )
    return text[:n_train], text[n_train:]


def unpack(packed: Path) -> str:
    """
    ## A compressed file of the package

    Whatever is wrong with it, it is the installation that has to be mended.
    """
    try:
        # A file that is cut or changed fails its checksum. An empty one has none to fail.
        text = gzip.decompress(packed.read_bytes()).decode("ascii")
        if not text:
            raise EOFError("it is empty")
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise CorpusError(
            f"{packed}: the corpus of the package cannot be read ({error}); install labnn again"
        ) from None
    return text


def shakespeare() -> Corpus:
    """
    ## Shakespeare

    The eight plays that ship with labnn, Coriolanus first. Sixty-five characters occur; two empty
    lines stand between scenes.
    """
    text = unpack(SHAKESPEARE)
    return Corpus("shakespeare", *cut(text, "shakespeare"), source="labnn/data/shakespeare")


def tiny_shakespeare(
    path: str | Path | None = None,
    cache_dir: str | Path | None = None,
    url: str = TINY_SHAKESPEARE_URL,
    *,
    encoding: str = "utf-8",
) -> Corpus:
    """
    ## Tiny Shakespeare

    * `path` is a copy of the file, which is used as it is
    * `cache_dir` is where the download is kept, by default `cache_folder()`
    * `url` is where it comes from, if it is not in the cache
    * `encoding` is that of the copy
    """
    if path is not None:
        text = read_text(path, encoding=encoding)
        return Corpus("tiny_shakespeare", *cut(text, str(path)), source=str(path))

    kept = Path(cache_dir or cache_folder()) / "tinyshakespeare.txt"
    data = download(
        url,
        kept,
        n_bytes=TINY_SHAKESPEARE_BYTES,
        sha256=TINY_SHAKESPEARE_SHA256,
        remedy="set text.path to a copy of the file, or text=shakespeare, which needs no network",
    )
    text = decode(data, str(kept), "utf-8")
    return Corpus("tiny_shakespeare", *cut(text, url), source=url)


def wikitext_2(path: str | Path | None, *, encoding: str = "utf-8") -> Corpus:
    """
    ## WikiText-2

    * `path` is the folder with the three files
    * `encoding` is that of all three; the published ones are UTF-8
    """
    train, valid, test = find_parts(path)
    return Corpus(
        "wikitext_2",
        read_part(train, encoding=encoding),
        read_part(valid, encoding=encoding),
        source=str(path),
        read_test=partial(read_part, test, encoding=encoding),
    )


def text_file(
    path: str | Path | None = None,
    *,
    train: str | Path | None = None,
    valid: str | Path | None = None,
    encoding: str = "utf-8",
    valid_fraction: float = 0.1,
) -> Corpus:
    """
    ## A person's own text

    * `path` is a text file, or a folder of `.txt` files, to be cut
    * `train` and `valid` are two such texts that are cut already, instead of `path`
    * `encoding` is that of all files
    * `valid_fraction` is the part of `path` that validates
    """
    if path is not None and (train is not None or valid is not None):
        raise CorpusError("text.path is cut in two; set it, or text.train and text.valid, not both")
    if path is not None:
        text = read_text(path, encoding=encoding)
        return Corpus("file", *cut(text, f"text.path={path}", valid_fraction), source=str(path))

    if train is None and valid is None:
        raise CorpusError(
            "no text is named; set text.path=FILE_OR_FOLDER, or text.train=FILE and text.valid=FILE"
        )
    if train is None or valid is None:
        given, missing = ("valid", "train") if train is None else ("train", "valid")
        raise CorpusError(
            f"text.{given} is set and text.{missing} is not; set both, or text.path alone"
        )
    return Corpus(
        "file",
        read_text(train, option="text.train", encoding=encoding),
        read_text(valid, option="text.valid", encoding=encoding),
        source=f"{train}, {valid}",
    )
