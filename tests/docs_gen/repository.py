"""
The site of this repository, made once for all tests that look at it.
"""

from functools import cache
from pathlib import Path

from docs_gen.pages import output, site
from docs_gen.pages.project import Options

ROOT = Path(__file__).parents[2]
PATHS = ("labnn", "experiments", "docs_gen")
# What `make docs` says besides the folder to write to
WORDS = (*PATHS, "--locale", "locale", "--records", "experiments/results")


def options():
    """What a build of this repository is made from"""
    locale, results = ROOT / "locale", ROOT / "experiments" / "results"
    return Options([ROOT / path for path in PATHS], locale=locale, results=results)


@cache
def built():
    """The site, in memory"""
    return site.build(options())


@cache
def pages():
    """The HTML of each page by its path in the site"""
    return {path: text for path, text in built().files.items() if path.endswith(".html")}


def written(folder):
    """The site in a folder, faults or not"""
    output.write(folder, built().files)
    return folder
