r"""
# MiniSearch, as it is shipped

Makes `docs_gen/theme/minisearch.js` and its licence from a release of
[MiniSearch](https://github.com/lucaong/minisearch), which is the search in the browser:

    npm pack minisearch@7.2.0
    pip install rjsmin
    python scripts/vendor_minisearch.py minisearch-7.2.0.tgz

The code is that of the release without its comments and spaces. Nothing of it is changed.
"""

import argparse
import json
import re
import tarfile
from pathlib import Path

import rjsmin

THEME = Path(__file__).resolve().parent.parent / "docs_gen" / "theme"
HEADER = "/*! MiniSearch {version}, {owner}. MIT License: see minisearch.LICENSE.txt */\n"


def members(tarball: Path, *names: str) -> list[str]:
    """The texts of some files of a release"""
    with tarfile.open(tarball, "r:gz") as tar:
        return [tar.extractfile(f"package/{name}").read().decode() for name in names]


def vendored(tarball: Path) -> dict[str, str]:
    """The files for the theme by their names"""
    code, licence, package = members(tarball, "dist/umd/index.js", "LICENSE.txt", "package.json")
    owner = re.search(r"^Copyright .+$", licence, re.MULTILINE)
    if owner is None or "Permission is hereby granted, free of charge" not in licence:
        raise SystemExit("this is not the licence that the header of the file names")
    header = HEADER.format(version=json.loads(package)["version"], owner=owner[0])
    return {
        "minisearch.js": header + rjsmin.jsmin(code) + "\n",
        "minisearch.LICENSE.txt": licence.strip() + "\n",
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Make the theme's copy of MiniSearch.")
    parser.add_argument("tarball", type=Path, help="a release as npm packs it")
    for name, text in vendored(parser.parse_args().tarball).items():
        (THEME / name).write_text(text, encoding="utf-8")
        print(f"{name}: {len(text.encode()):,} bytes")
