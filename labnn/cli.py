r"""
# The labnn Command

What there is to run, for a person who has just installed labnn.
"""

import importlib.util
import pkgutil
import sys

from labnn import __version__


def experiments() -> list[str]:
    """The experiments that are installed, by the names that `python -m` takes"""
    spec = importlib.util.find_spec("experiments")
    if spec is None:
        return []
    return sorted(
        f"experiments.{module.name}"
        for module in pkgutil.iter_modules(spec.submodule_search_locations)
        if not module.ispkg
    )


def main(arguments: list[str] | None = None) -> int:
    """Print the version, or how to begin. Returns the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments in (["--version"], ["version"]):
        print(f"labnn {__version__}")
        return 0
    if arguments and arguments not in (["--help"], ["-h"]):
        wrong = " ".join(arguments)
        print(f"error: labnn has no command {wrong!r}; labnn --help lists all", file=sys.stderr)
        return 2
    print("usage: labnn [--version]\n\nexperiments, each with --help:")
    for name in experiments():
        print(f"  python -m {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
