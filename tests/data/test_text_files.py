import os
import re

import pytest

from labnn.data import CorpusError
from labnn.data.text_files import DOCUMENT_BREAK, read_text


@pytest.fixture
def write(tmp_path):
    def write(data, name="a.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    return write


def complaint(path, **options):
    """The one line that refuses `path`."""
    with pytest.raises(CorpusError) as caught:
        read_text(path, **options)
    message = str(caught.value)
    assert "\n" not in message and isinstance(caught.value, ValueError)
    # What went wrong inside Python is no part of what a person sees.
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return message


@pytest.mark.parametrize(
    "data, text",
    [
        (b"to be\nor not\n", "to be\nor not\n"),
        (b"a\r\nb\rc\n\r\n", "a\nb\nc\n\n"),
        (b"\xef\xbb\xbfa\xef\xbb\xbf", "a\ufeff"),
        ("na\u00efve \u6f22 \U0001f600 e\u0301", "na\u00efve \u6f22 \U0001f600 e\u0301"),
        (b" \ta", " \ta"),
        (b"a\x1b\x0c", "a\x1b\x0c"),
    ],
)
def test_text_is_read_as_it_is_but_for_newlines_and_a_byte_order_mark(write, data, text):
    assert read_text(write(data)) == text
    assert read_text(str(write(data))) == text


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-16-le", "utf-8-sig", "cp1252"])
def test_other_encodings(write, encoding):
    assert read_text(write("na\u00efve\r\n".encode(encoding)), encoding=encoding) == "na\u00efve\n"


def test_the_home_folder(write, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write("text")
    assert read_text("~/a.txt") == "text"


def test_a_folder_is_its_text_files_in_the_order_of_their_names(write, tmp_path):
    write("second\r\n\r\n", "b.txt")
    write("first", "a.txt")
    write("third\n", "c.TXT")
    for other in ("z.md", ".hidden.txt", "txt", "inner/d.txt"):
        write("other", other)
    assert DOCUMENT_BREAK == "\n\n\n"
    assert read_text(tmp_path) == "first\n\n\nsecond\n\n\nthird\n"


def test_a_folder_without_text_files(write, tmp_path):
    write("other", "z.md")
    assert "1 entries and no .txt file; name a file" in complaint(tmp_path)


def test_the_file_of_a_folder_that_is_wrong_is_named(write, tmp_path):
    write("fine", "a.txt")
    write("", "b.txt")
    assert "b.txt': the file is empty" in complaint(tmp_path)


@pytest.mark.parametrize(
    "data, encoding, wrong",
    [
        (b"", "utf-8", "the file is empty; name a file with text"),
        (b"\xef\xbb\xbf", "utf-8", "the file is empty"),
        (b" \n\t\r\n", "utf-8", "the file is nothing but white space"),
        (
            b"caf\xe9 au lait",
            "utf-8",
            "byte 0xe9 at offset 3 is not utf-8; .*text.encoding=latin-1",
        ),
        (b"caf\xc3\xa9", "ascii", "byte 0xc3 at offset 3 is not ascii; .*text.encoding="),
        (b"ok \xe2\x82", "utf-8", "byte 0xe2 at offset 3"),
        (b"\x89PNG\r\n\x1a\n\0\0", "utf-8", "byte 0x89 at offset 0"),
        (b"GIF8\0\0", "utf-8", "NUL at character 4, .*text.encoding=utf-16"),
        ("text".encode("utf-16-le"), "utf-8", "NUL at character 1"),
        (b"abc", "utf-16", "is not utf-16"),
        (b"text", "utf-9", "text.encoding='utf-9' is no text encoding .*utf-8, utf-16"),
        (b"text", "base64", "text.encoding='base64' is no text encoding"),
        (b"text", "", "text.encoding='' is no text encoding"),
        (b"text", "a\0b", "is no text encoding"),
    ],
)
def test_what_is_no_text_is_refused(write, data, encoding, wrong):
    path = write(data)
    message = complaint(path, encoding=encoding)
    assert re.search(wrong, message)
    assert str(path) in message or "text.encoding" in message


def test_the_option_that_named_the_file_is_in_the_line(write):
    assert complaint(write(""), option="text.valid").startswith("text.valid='")


def test_a_missing_file_names_what_is_near(write, tmp_path):
    write("text", "hamlet.txt")
    message = complaint(tmp_path / "hamlt.txt")
    assert (
        f"hamlt.txt': no such file or folder; nearest in {tmp_path.resolve()}: hamlet.txt"
        in message
    )
    assert "nothing like it" in complaint(tmp_path / "zzz")


def test_a_missing_folder_names_what_exists(tmp_path):
    message = complaint(tmp_path / "no" / "such" / "file.txt")
    assert message.endswith(f"the path exists as far as {tmp_path.resolve()}")


def test_a_relative_path_is_explained_with_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert f"nearest in {tmp_path.resolve()}" in complaint("corpus.txt")
    assert f"as far as {tmp_path.resolve()}" in complaint("data/corpus.txt")


@pytest.mark.parametrize("path", ["", "  "])
def test_an_empty_path_is_not_the_working_folder(path):
    assert complaint(path) == "text.path is empty; set text.path=FILE_OR_FOLDER"


def test_links_that_lead_nowhere(tmp_path):
    (tmp_path / "loop.txt").symlink_to(tmp_path / "loop.txt")
    assert "cannot be read (Too many levels of symbolic links)" in complaint(tmp_path / "loop.txt")
    (tmp_path / "gone.txt").symlink_to(tmp_path / "nothing")
    assert "it is a link to what is not there" in complaint(tmp_path / "gone.txt")


def test_a_link_to_a_file_is_that_file(write, tmp_path):
    (tmp_path / "link.txt").symlink_to(write("text"))
    assert read_text(tmp_path / "link.txt") == "text"


def test_paths_that_no_system_takes(write):
    assert "cannot be read (Not a directory)" in complaint(write("text") / "inside.txt")
    assert "cannot be read (File name too long)" in complaint("x" * 1009)
    assert "cannot be read" in complaint("a\0b.txt")


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.txt")
    assert "neither a file nor a folder" in complaint(tmp_path / "pipe.txt")


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to the administrator")
def test_what_may_not_be_read(write, tmp_path):
    path = write("text", "closed/a.txt")
    path.chmod(0)
    assert "cannot be read (Permission denied)" in complaint(path)
    path.parent.chmod(0)
    assert "cannot be read (Permission denied)" in complaint(path)
    assert "cannot be read (Permission denied)" in complaint(path.parent)
    path.parent.chmod(0o700)
