r"""
# Text Files

Whatever a person names as training text is either read whole and faithfully, or refused with one
line that says what is wrong, where, and what to do. A model trains on anything: a picture read as
text, or a file cut short, would show only as a strange loss hours later.

* **Encoding.** UTF-8 unless another is named. A byte that does not fit is an error and is never
  replaced. A byte order mark at the start is removed.
* **Newlines.** Those of Windows (`\r\n`) and of old Macs (`\r`) become `\n`, so that one text gives
  the same ids on every system.
* **Folders.** The files in the folder itself whose names end in `.txt`, sorted by name; hidden ones
  (`.name`) are left out. Each loses its last newlines, and two empty lines stand between them:
  `DOCUMENT_BREAK`, which also separates the scenes of the corpus that ships with labnn.

[Corpora](corpora.html) cut such a text in two.
"""

import difflib
from pathlib import Path

# Three newlines in a row end a document.
DOCUMENT_BREAK = "\n\n\n"


class CorpusError(ValueError):
    """
    ## CorpusError

    What is wrong with a text, where it is, and what to do, in one line.
    """


def nearest(path: Path) -> str:
    """
    ## What may have been meant

    What to look at when `path` is not there: the names like it in its folder, or the part of the
    path that does exist.
    """
    folder = path.parent
    try:
        if path.is_symlink():
            return "it is a link to what is not there"
        while not folder.is_dir():
            folder = folder.parent
        if folder != path.parent:
            return f"the path exists as far as {folder.resolve()}"
        names = sorted(entry.name for entry in folder.iterdir())
    except OSError:
        return f"{folder} cannot be listed"
    close = difflib.get_close_matches(path.name, names, n=3)
    # The folder is named in full: a relative path is often right, but from another folder.
    return f"nearest in {folder.resolve()}: {', '.join(close) or 'nothing like it'}"


def decode(data: bytes, where: str, encoding: str) -> str:
    """
    ## From bytes to text

    The text of `data`, with plain newlines.

    * `where` begins each error: the option and the path
    * `encoding` is any name of an encoding that Python knows
    """
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise CorpusError(
            f"{where}: byte {error.object[error.start]:#04x} at offset {error.start} is not "
            f"{encoding}; set the file's own encoding, for instance text.encoding=latin-1"
        ) from None
    except UnicodeError as error:
        raise CorpusError(f"{where}: not {encoding} ({error}); set text.encoding") from None
    except (LookupError, ValueError):
        raise CorpusError(
            f"text.encoding={encoding!r} is no text encoding that Python knows; set one that it "
            "does, for instance utf-8, utf-16, latin-1 or cp1252"
        ) from None

    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    # No text has a NUL. Binary files do, and so does UTF-16 that is read as UTF-8.
    if "\0" in text:
        raise CorpusError(
            f"{where}: NUL at character {text.index(chr(0))}, so this is no text in {encoding}; "
            "name a text file, or its encoding, for instance text.encoding=utf-16"
        )
    if not text.strip():
        what = "nothing but white space" if text else "empty"
        raise CorpusError(f"{where}: the file is {what}; name a file with text, or remove this one")
    return text


def read_file(path: Path, option: str, encoding: str) -> str:
    """
    ## One file

    The text of the file at `path`, which was named by `option`.
    """
    # Quoted, since a name may hold a space or a newline.
    where = f"{option}={str(path)!r}"
    try:
        # Reading a pipe would wait for ever.
        if path.exists() and not path.is_file():
            raise CorpusError(f"{where}: neither a file nor a folder; name one of them")
        data = path.read_bytes()
    except FileNotFoundError:
        raise CorpusError(f"{where}: no such file or folder; {nearest(path)}") from None
    except CorpusError:
        raise
    except (OSError, ValueError) as error:
        # Not permitted, a loop of links, a name too long, a disk that fails: the reason says it.
        reason = getattr(error, "strerror", None) or error
        raise CorpusError(f"{where}: cannot be read ({reason}); name a file that can") from None
    return decode(data, where, encoding)


def read_text(path: str | Path, *, option: str = "text.path", encoding: str = "utf-8") -> str:
    """
    ## A file or a folder

    The text of a file, or of all `.txt` files of a folder.

    * `path` is the file or folder; `~` is the home folder
    * `option` is what the person set to name it, for the error
    * `encoding` is that of the file, or of all files
    """
    if not str(path).strip():
        raise CorpusError(f"{option} is empty; set {option}=FILE_OR_FOLDER")
    path = Path(path)
    try:
        path = path.expanduser()
        is_folder = path.is_dir()
        inside = sorted(path.iterdir()) if is_folder else []
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CorpusError(
            f"{option}={str(path)!r}: cannot be read ({reason}); name a file or folder that can"
        ) from None
    if not is_folder:
        return read_file(path, option, encoding)

    files = [f for f in inside if f.suffix.lower() == ".txt" and not f.name.startswith(".")]
    if not files:
        raise CorpusError(
            f"{option}={str(path)!r}: the folder has {len(inside)} entries and no .txt file; name "
            "a file, or a folder with .txt files in it"
        )
    texts = (read_file(file, option, encoding).rstrip("\n") for file in files)
    return DOCUMENT_BREAK.join(texts) + "\n"
