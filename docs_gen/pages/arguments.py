r"""
# Arguments

What may be typed after `python -m docs_gen`, and the [`Options`] that a build makes of it. What
each command does is told with the [command line](../__main__.html).
"""

import argparse
from pathlib import Path

from docs_gen.pages.project import Options


def arguments() -> argparse.ArgumentParser:
    """A parser of four commands, which share what several of them need"""
    parser = argparse.ArgumentParser(
        prog="python -m docs_gen", description="Annotated Python as a website."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    build = commands.add_parser("build", help="write the site")
    live = commands.add_parser("serve", help="write the site anew whenever a file changes")
    check = commands.add_parser("check", help="say what is wrong or missing, and write nothing")
    translate = commands.add_parser("i18n", help="update, count and check translations")
    translate.add_argument("action", choices=("update", "status", "lint"))
    # What several commands share, their help lists first.
    for command in (build, live, check, translate):
        add_sources(command)
    for command in (build, live):
        command.add_argument("-o", "--out", type=Path, required=True, help="folder of the site")
    for command in (build, live, check):
        add_pages(command)
        command.add_argument(
            "--keep-going", action="store_true", help="list all faults, and build what is left"
        )
    live.add_argument("--port", type=int, default=8000, help="where the site is served")
    check.add_argument("--faults", action="store_true", help="only what would stop a build")
    check.add_argument("--results", action="store_true", help="also runs whose code has changed")
    check.add_argument("--released", type=Path, help="anchors.json whose anchors must be there")
    translate.add_argument("--page", action="append", default=[], help="a page, by module name")
    translate.add_argument("--min", type=int, default=0, help="percent that complete pages need")
    translate.add_argument("--json", action="store_true", help="the status as JSON")
    return parser


def add_sources(command: argparse.ArgumentParser) -> None:
    """What is read by each command"""
    command.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="packages or files")
    command.add_argument("--exclude", action="append", default=[], help="pattern of files to skip")
    command.add_argument("--locale", type=Path, help="folder of translations, one a language")


def add_pages(command: argparse.ArgumentParser) -> None:
    """What is needed by those that make pages"""
    command.add_argument("--records", type=Path, help="folder of the records of runs")
    command.add_argument("--name", default="", help="of the site; else the first page's title")
    command.add_argument("--base-url", default="", help="where it will stand, for search engines")
    command.add_argument("--aliases", type=Path, help="JSON of anchors that moved")


def options(given: argparse.Namespace) -> Options:
    """The options of a build; a command that makes no pages has been asked for fewer."""
    return Options(
        given.paths,
        exclude=given.exclude,
        locale=given.locale,
        results=getattr(given, "records", None),
        aliases=getattr(given, "aliases", None),
        name=getattr(given, "name", ""),
        base_url=getattr(given, "base_url", ""),
    )
