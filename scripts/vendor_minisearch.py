r"""
# MiniSearch, as it is shipped

Makes `docs_gen/theme/minisearch.js` and its licence from a release of
[MiniSearch](https://github.com/lucaong/minisearch), which is the search in the browser:

    npm pack minisearch@7.2.0
    python scripts/vendor_minisearch.py minisearch-7.2.0.tgz

The code is that of the release, made smaller by [terser](https://terser.org), which leaves out
comments and spaces and gives local names one letter. It comes from npm, and only this script needs
it.
"""

import argparse
import json
import re
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

THEME = Path(__file__).resolve().parent.parent / "docs_gen" / "theme"
HEADER = "/*! MiniSearch {version}, {owner}. MIT License: see minisearch.LICENSE.txt */\n"


def members(tarball: Path, *names: str) -> list[str]:
    """The texts of some files of a release"""
    with tarfile.open(tarball, "r:gz") as tar:
        return [tar.extractfile(f"package/{name}").read().decode() for name in names]


def terser(code: str) -> str:
    """A script that does the same in fewer signs"""
    command = ["npx", "--yes", "terser@5", "--compress", "passes=3", "--mangle"]
    return subprocess.run(command, input=code, stdout=subprocess.PIPE, text=True, check=True).stdout


def vendored(tarball: Path, smaller: Callable[[str], str] = terser) -> dict[str, str]:
    """The files for the theme by their names"""
    code, licence, package = members(tarball, "dist/umd/index.js", "LICENSE.txt", "package.json")
    owner = re.search(r"^Copyright .+$", licence, re.MULTILINE)
    if owner is None or "Permission is hereby granted, free of charge" not in licence:
        raise SystemExit("this is not the licence that the header of the file names")
    header = HEADER.format(version=json.loads(package)["version"], owner=owner[0])
    return {
        "minisearch.js": header + smaller(code).strip() + "\n",
        "minisearch.LICENSE.txt": licence.strip() + "\n",
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Make the theme's copy of MiniSearch.")
    parser.add_argument("tarball", type=Path, help="a release as npm packs it")
    for name, text in vendored(parser.parse_args().tarball).items():
        (THEME / name).write_text(text, encoding="utf-8")
        print(f"{name}: {len(text.encode()):,} bytes")
