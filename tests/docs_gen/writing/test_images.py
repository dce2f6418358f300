r"""
# Images

Real files of some bytes each, in a tree and outside of it.
"""

import struct
import zlib

import pytest

from docs_gen.parts import Module, Source
from docs_gen.writing.images import Images

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="70" height="30"></svg>'


def png(width, height):
    """The smallest file that is one, all black"""

    def chunk(name, data):
        check = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + check

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    rows = chunk(b"IDAT", zlib.compress((b"\0" * (width + 1)) * height))
    return b"\x89PNG\r\n\x1a\n" + header + rows + chunk(b"IEND", b"")


@pytest.fixture
def module(tmp_path):
    """The page of `tree/package/inner/a.py`, with images around it"""
    inner = tmp_path / "tree" / "package" / "inner"
    inner.mkdir(parents=True)
    (inner / "a b.svg").write_text(SVG)
    (inner.parent / "b.png").write_bytes(png(5, 3))
    (tmp_path / "tree" / "c.svg").write_text(SVG)
    (tmp_path / "outside.svg").write_text(SVG)
    (inner / "secret.txt").write_text("secret")
    (inner / "odd.svg").write_text("<svg/>")
    source = Source("package.inner.a", str(inner / "a.py"), "package/inner/a.html", "")
    return Module(source, (), (), {})


def test_an_image_travels_with_the_site(module, tmp_path):
    images = Images()
    assert images.find(module, "a%20b.svg") == {
        "src": "../../../static/images/package/inner/a%20b.svg",
        "width": "70",
        "height": "30",
    }
    assert images.find(module, "../b.png")["width"] == "5"
    assert images.find(module, "../../c.svg")["src"] == "../../../static/images/c.svg"
    assert images.files == {
        "static/images/package/inner/a b.svg": tmp_path / "tree/package/inner/a b.svg",
        "static/images/package/b.png": tmp_path / "tree/package/b.png",
        "static/images/c.svg": tmp_path / "tree/c.svg",
    }


@pytest.mark.parametrize(
    "src, what",
    [
        ("https://a.example/b.png", "another host"),
        ("//a.example/b.png", "another host"),
        ("data:image/png,x", "another host"),
        ("../../../outside.svg", "is no .svg"),
        ("secret.txt", "is no .svg"),
        ("../none.png", "there is no image"),
        ("odd.svg", "how large"),
    ],
)
def test_what_is_no_image_of_the_tree_is_refused(module, src, what):
    images = Images()
    with pytest.raises(ValueError, match=what) as e:
        images.find(module, src)
    assert "\n" not in str(e.value)
    assert not images.files


@pytest.mark.parametrize(
    "text, size",
    [
        ('<svg viewBox="0 0 70 30"><rect width="5" height="5"/></svg>', ("70", "30")),
        ("<svg viewBox='-1,-2.5, 70.4 ,1.9'/>", ("70", "2")),
        (
            '<?xml version="1.0"?>\n<!-- a -->\n<svg\n  width="100%"\n viewBox = "0 0 8 9">',
            ("8", "9"),
        ),
        ('<svg width="70" viewBox="0 0 7 3"/>', ("7", "3")),
        ('<svg width="2in" height="96" viewBox="0 0 7 3"/>', ("192", "96")),
        ('<svg viewBox="0 0 0 3"/>', None),
        ('<svg viewBox="0 0 3"/>', None),
        ('<svg viewBox="a b c d"/>', None),
        ('<g viewBox="0 0 7 3"/>', None),
        ('<svg/><svg viewBox="0 0 7 3"/>', None),
        ("", None),
    ],
)
def test_a_drawing_may_tell_its_size_by_what_it_shows(module, tmp_path, text, size):
    (tmp_path / "tree/package/inner/box.svg").write_text(text)
    if size is None:
        with pytest.raises(ValueError, match="how large"):
            Images().find(module, "box.svg")
    else:
        found = Images().find(module, "box.svg")
        assert (found["width"], found["height"]) == size
