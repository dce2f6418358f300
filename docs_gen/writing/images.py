r"""
# Images

An image of a note lies in the tree beside the source, and travels with the site. Its size is read
from the file, so that a page keeps the room for it and nothing moves when it comes.
"""

import os
from pathlib import Path, PurePosixPath
from urllib.parse import quote, unquote, urlsplit

import imagesize

from docs_gen.parts import Module

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
        width, height = imagesize.get(found)
        if min(width, height) < 1:
            raise ValueError(f"the image {found} does not say how large it is")
        name = PurePosixPath("static/images", found.relative_to(top).as_posix())
        self.files[str(name)] = found
        size = {"width": str(round(width)), "height": str(round(height))}
        # From the page up to its edition, and out of that
        return {"src": quote("../" * (depth + 1) + str(name)), **size}
