r"""
# Images

An image of a [note](notes.html) lies in the tree beside the source, and travels with the site. Its
size is read from the file, so that a page keeps the room for it and nothing moves when it comes.
"""

import os
import re
from io import BytesIO
from pathlib import Path, PurePosixPath
from urllib.parse import quote, unquote, urlsplit

import imagesize

from docs_gen.parts import Module

# The first element of a drawing, and the size of what it shows
DRAWING = re.compile(r"<(?:\w+:)?svg\b[^>]*>")
NUMBER = r"\s*(\d+(?:\.\d+)?|\.\d+)\s*"
BOX = re.compile(rf"""\sviewBox\s*=\s*["'][^"']*?[\s,]{NUMBER}[\s,]{NUMBER}["']""")
KINDS = (".svg", ".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif")


class Images:
    """
    ## The images of a site

    `files` are those that were asked for: where each lies, by its path in the site.
    """

    def __init__(self):
        """Nothing is asked for yet."""
        self.files: dict[str, Path] = {}

    def find(self, module: Module, src: str) -> dict[str, str]:
        """
        The attributes of an image that a note of `module` shows; `src` leads there from its page.

        Raises `ValueError` with one line if it is elsewhere, missing, or nothing that a page shows.
        """
        parts = urlsplit(src)
        if parts.scheme or parts.netloc:
            raise ValueError(f"the image {src} is on another host; put a copy into the tree")
        path, depth = Path(module.source.path), module.source.url.count("/")
        found = Path(os.path.normpath(path.parent / unquote(parts.path)))
        # The folder that the package is in
        top = path.parents[depth]
        if not found.is_relative_to(top) or found.suffix.lower() not in KINDS:
            raise ValueError(f"the image {src} is no {' '.join(KINDS)} below {top}")
        if not found.is_file():
            raise ValueError(f"there is no image {found}")
        width, height = size(found)
        if min(width, height) < 1:
            raise ValueError(f"the image {found} does not say how large it is")
        name = PurePosixPath("static/images", found.relative_to(top).as_posix())
        self.files[str(name)] = found
        # From the page up to its edition, and out of that
        src = quote("../" * (depth + 1) + str(name))
        return {"src": src, "width": str(round(width)), "height": str(round(height))}


def size(file: Path) -> tuple[float, float]:
    """How large an image is in pixels; nothing less than 1 if it does not say so"""
    data = file.read_bytes()
    if file.suffix.lower() != ".svg":
        return measured(data)
    # What is in a drawing has a width as well, so that only its first element is asked.
    tag = DRAWING.search(data.decode(errors="replace"))
    found = measured(tag[0].encode()) if tag else (0, 0)
    box = BOX.search(tag[0]) if tag and min(found) < 1 else None
    return (float(box[1]), float(box[2])) if box else found


def measured(data: bytes) -> tuple[float, float]:
    """The size that the head of an image gives; of a drawing it may be a share of the page."""
    try:
        return imagesize.get(BytesIO(data))
    except ValueError:
        return 0, 0
