r"""
# Record

    labnn record 20261121 experiments/results/mlm

A run leaves megabytes, of which the repository keeps one file, `record.json`: its
[summary](summary.html), and the modules that it used, so that a page that shows the run can say
whether the code has changed since. They are found by following imports from the page of the
experiment, without importing anything; a package's own page counts only if it imports something
itself. What else is in the file is told
with [the check of it](../../docs_gen/records/results.html).
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from docs_gen.records import results
from labnn.runs import contents, folders
from labnn.runs.folders import RunError, replace
from labnn.runs.plain_text import shown
from labnn.runs.reading import content
from labnn.runs.summary import summary, written

# The folder that the packages are in
ROOT = Path(__file__).parent.parent.parent
PACKAGES = ("labnn", "experiments")


def record(words: list[str], options: dict[str, str]) -> tuple[dict, str]:
    """`labnn record RUN DIR`: what was written, for a program and for a person"""
    folder, target = folders.find(words[0]), Path(words[1])
    check_target(target)
    data, damaged = summary(folder)
    if data["state"] == "running":
        raise RunError(f"run {folder.name} is still running; record it when it is over")
    info = contents.info(folder)
    data["modules"] = modules(info.get("entry"), info.get("python_file"))
    target.mkdir(parents=True, exist_ok=True)
    path = target / "record.json"
    # Half of a character becomes the escape that JSON has for it.
    replace(path, text := written(data) + "\n")
    # The sums are those of today: a file that was changed since is not what the run has used.
    newer = [name for name, m in data["modules"].items() if is_newer(ROOT / m["path"], folder)]
    lines = [str(path), *(f"damaged: {shown(line)}" for line in damaged)]
    if newer:
        lines.append(f"warning: changed after the run began: {', '.join(newer)}")
    size = len(text.encode("utf-8", "backslashreplace"))
    found = {"path": str(path), "bytes": size, "newer": newer, "damaged": damaged}
    return found, "\n".join(lines)


def check_target(target: Path) -> None:
    """A folder is taken that is new or empty, or has a record and nothing else."""
    if target.exists() and not target.is_dir():
        raise RunError(f"{target} is a file; name a folder for the record")
    names = [p.name for p in target.iterdir()] if target.exists() else []
    other = sorted(name for name in names if name != "record.json" and name[0] != ".")
    if other:
        raise RunError(f"{target} holds {other[0]}, which is no record; name a new folder")
    if (target / "record.json").is_symlink():
        raise RunError(f"{target}/record.json is a link; remove it, or name a new folder")
    if "record.json" in names:
        known = folders.read_json(target / "record.json").get("format")
        if not str(known).startswith("labnn record"):
            raise RunError(f"{target}/record.json is no record of labnn; name a new folder")


def is_newer(path: Path, folder: Path) -> bool:
    """Whether a file was written after a run had written what it was to run"""
    return path.stat().st_mtime > (folder / "run.yaml").stat().st_mtime


def modules(entry: str | None, python_file: str | None) -> dict:
    """
    The pages of labnn and of the experiments that a run has used, with their checksums. Raises
    `RunError` for a page that is no Python.
    """
    name = str(entry or "").partition(":")[0]
    # An experiment of a person's own is not in the repository, but what it imports may be.
    todo = [name] if name.split(".")[0] in PACKAGES else [*imported("", Path(python_file or ""))]
    found: dict[str, dict] = {}
    seen = set()
    while todo:
        name = todo.pop()
        path = source(name)
        if path is None or name in seen:
            continue
        seen.add(name)
        names = [*imported(name, path)]
        todo += names
        if names or path.name != "__init__.py":
            relative = path.relative_to(ROOT).as_posix()
            found[name] = {"path": relative, "sha256": results.digest(path)}
    return dict(sorted(found.items()))


def source(name: str) -> Path | None:
    """The file of a module of ours, or `None`"""
    parts = name.split(".")
    if parts[0] not in PACKAGES or not all(map(str.isidentifier, parts)):
        return None
    path = ROOT.joinpath(*parts)
    files = (path / "__init__.py", path.with_suffix(".py"))
    return next((file for file in files if file.is_file()), None)


def imported(module: str, path: Path) -> Iterator[str]:
    """What a file imports of our packages, anywhere in it: modules, and names in modules"""
    try:
        # The file of an experiment of one's own is named by the run, and may be anything by now.
        tree = ast.parse(content(path))
    except OSError:
        return
    except (SyntaxError, ValueError, RecursionError, MemoryError) as e:
        raise RunError(f"{path} is no Python, so its imports are not known: {e}") from None
    own = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            # Each dot but the first leads one package out.
            above = own[: len(own) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        for name in names:
            if name.split(".")[0] in PACKAGES:
                # To import a module is to import the packages around it.
                yield from (".".join(name.split(".")[: n + 1]) for n in range(name.count(".") + 1))
