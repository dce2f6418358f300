r"""
# Command Line

What can be done with annotated Python, one command each:

    python -m docs_gen build labnn experiments -o site
    python -m docs_gen serve labnn experiments -o site
    python -m docs_gen check labnn experiments
    python -m docs_gen i18n update|status|lint labnn experiments --locale locale

`build` writes a [site](pages/site.html), `serve` writes it anew whenever a file changes, `check`
says what is wrong or missing and writes nothing, and `i18n` is for
[translators](translation/i18n.html).

The exit code is 0 if all is well, 1 for faults in what is shown, and 2 for a mistake in the
command.
"""

import argparse
import sys
from collections.abc import Sequence

# Whoever has the library need not have what the generator stands on.
try:
    from docs_gen.pages import output, site, theme
    from docs_gen.pages.arguments import arguments, options
    from docs_gen.pages.check import check
    from docs_gen.parts import GeneratorError
    from docs_gen.reading import parse, source
    from docs_gen.serving import serve
    from docs_gen.translation import i18n, languages, progress, review
except ModuleNotFoundError as e:
    print(f"docs_gen: {e.name} is not installed; pip install 'labnn[docs]'", file=sys.stderr)
    sys.exit(2)


def make(given: argparse.Namespace) -> int:
    """`build`: all or nothing, unless it is to keep going; only a folder of its own is taken."""
    output.written(given.out)
    built = site.build(options(given))
    faults = built.faults
    if faults and not given.keep_going:
        more = f"; {len(faults) - 1} more, --keep-going lists them" if len(faults) > 1 else ""
        print(f"{faults[0]}{more}", file=sys.stderr)
        return 1
    for fault in faults:
        print(fault, file=sys.stderr)
    output.write(given.out, built.files)
    print(f"{built.n_pages} pages in {given.out}, {built.seconds:.1f} s")
    return 1 if faults else 0


def live(given: argparse.Namespace) -> int:
    """`serve`: a build that has faults leaves the site as it was."""

    def rebuild() -> site.Built:
        """One build"""
        built = site.build(options(given))
        if given.keep_going:
            for fault in built.faults:
                print(fault, file=sys.stderr)
            built.problems = []
        if not built.faults:
            output.write(given.out, built.files)
        return built

    # A folder that holds something else is refused before anything is watched.
    output.written(given.out)
    further = (given.locale, given.records, given.aliases, theme.FOLDER)
    watched = [*given.paths, *(path for path in further if path)]
    serve.serve(rebuild, watched, given.out, port=given.port)
    return 0


def look(given: argparse.Namespace) -> int:
    """`check`: everything that is wrong or missing, a line each"""
    built, found = check(
        options(given),
        only_faults=given.faults,
        with_results=given.results,
        released=given.released,
    )
    for what in found:
        print(what)
    print(f"{built.n_pages} pages, {len(found)} problems", file=sys.stderr)
    return 1 if found else 0


def translate(given: argparse.Namespace) -> int:
    """`i18n`: for translators"""
    if given.locale is None:
        raise GeneratorError("name the folder of translations, --locale FOLDER")
    modules = [parse.parse(s) for s in source.find(given.paths, given.exclude)]
    codes = languages.found(given.locale)
    text, problems = "", []
    if given.action == "update":
        text = i18n.update(modules, given.locale, codes, given.page)
    elif given.action == "status":
        text, problems = progress.status(modules, given.locale, codes, given.min, given.json)
    else:
        problems = review.lint(modules, given.locale, codes)
    print(text, end="\n" if text else "")
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


# Each does what was asked for, and returns the exit code.
COMMANDS = {"build": make, "serve": live, "check": look, "i18n": translate}


def main(words: Sequence[str] | None = None) -> int:
    """Do what was typed. A mistake of the person is told in one line, and the code is 2."""
    given = arguments().parse_args(words)
    try:
        return COMMANDS[given.command](given)
    except GeneratorError as e:
        print(f"docs_gen: {e}", file=sys.stderr)
        return 2
    # What a shell gives for a program that Ctrl-C has ended
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
