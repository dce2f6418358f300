r"""
# Check

Everything that is wrong or missing in a project, without writing a site: what would stop a
[build](site.html), and on demand what would not. A note can be missing, or its maths read badly; a
page can show a run whose code [has changed](../records/provenance.html) since; and what an earlier
release [promised](../linking/anchors.html) can be gone.
"""

from pathlib import Path

from docs_gen.linking import aliases, anchors
from docs_gen.pages.project import Options
from docs_gen.pages.site import Built, build
from docs_gen.parts import GeneratorError, Module, Problem
from docs_gen.records import blocks
from docs_gen.writing import maths
from docs_gen.writing.notes import READ


def check(
    options: Options,
    *,
    only_faults: bool = False,
    with_results: bool = False,
    released: Path | None = None,
) -> tuple[Built, list[str]]:
    """
    What was built, which nobody writes, and a line for each problem. Raises `GeneratorError`.

    * `only_faults` leaves out notes that are missing or poor
    * `with_results` is for runs whose code has changed since
    * `released` is the `anchors.json` of a release
    """
    built = build(options)
    project = built.project
    problems = built.faults if only_faults else built.problems
    if not only_faults:
        problems = sorted({*problems, *(p for m in project.modules for p in poor_maths(m))})
    found = [str(problem) for problem in problems]
    if with_results and options.results:
        for run, modules in blocks.stale(options.results, project.root):
            found.append(f"{options.results / run}: code changed since: {', '.join(modules)}")
    # What was promised has to be there: where aliases lead to, and what a release had.
    found += aliases.astray(project.moved, built.anchors)
    if released:
        try:
            text = released.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as e:
            raise GeneratorError(f"{released} cannot be read: {e}") from None
        found += anchors.gone(anchors.read(text, str(released)), built.anchors, project.moved)
    return built, found


def poor_maths(module: Module) -> list[Problem]:
    """Equations of a file that convert, and read badly all the same"""
    found = []
    for section in module.sections:
        for token in READ.parse(section.note):
            for part in [token, *(token.children or [])]:
                if part.type.startswith("math") or part.type == "amsmath":
                    line = module.line_of(section, part.content)
                    found += [
                        Problem(module.source.path, line, what) for what in lint(part.content)
                    ]
    return found


def lint(tex: str) -> list[str]:
    """What reads badly in an equation; one that does not convert is told elsewhere."""
    try:
        return maths.lint(tex)
    except ValueError:
        return []
