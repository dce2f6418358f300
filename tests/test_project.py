r"""
# Project

What is around the code: requirements and their lock, what is shipped, the Makefile and `.ci/run`.
"""

import ast
import importlib
import importlib.metadata
import os
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import warnings
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from setuptools import Distribution

import labnn
from tests.programs import needs_program

ROOT = Path(__file__).parent.parent
CORPUS = "labnn/data/shakespeare"
TARGETS = {"help", "mlm", "test", "quick", "docs", "bench"}
# Packages of this repository
OWN = {"labnn", "experiments", "docs_gen", "tests", "benchmarks", "scripts"}
# Packages that are imported by another name than they are installed
INSTALLED_AS = {"yaml": "pyyaml", "git": "gitpython", "markdown_it": "markdown-it-py"}
# What a build of torch with CUDA asks for by itself
CUDA = re.compile(r"(nvidia|cuda)-|triton$")
# Paths of somebody's machine, and hosts that packages come from
MACHINE = re.compile(
    r"(?<![\w.])/(work|root|Users)/|/opt/(wheels|pypi)|\b(pypi|npmjs|debian|pythonhosted)[.]org"
)
ENVIRONMENTS = [
    {"python_version": f"3.{minor}", "python_full_version": f"3.{minor}.1", "sys_platform": system}
    for minor in (10, 11, 12, 13)
    for system in ("linux", "darwin", "win32")
]


def repository():
    """Every file that a commit would hold, by its path from the root."""
    git = shutil.which("git")
    if git and (ROOT / ".git").exists():
        listed = run([git, "ls-files", "-z", "-co", "--exclude-standard"], ROOT).split("\0")
        return sorted({name for name in listed if name and (ROOT / name).is_file()})
    # A copy without git may hold what was built in it.
    built = re.compile(
        r"(.*/)?(\.venv|\.git|\.\w+_cache|__pycache__|[^/]+\.egg-info)/|(build|dist|logs|site|data)/"
    )
    files = (p.relative_to(ROOT).as_posix() for p in ROOT.rglob("*") if p.is_file())
    return sorted(name for name in files if not built.match(name))


def run(command, folder, **environment):
    """What a command prints. A make around this one must not be heard in it."""
    kept = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "ARGS")}
    done = subprocess.run(
        command, cwd=folder, env=kept | environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def name_of(requirement):
    return canonicalize_name(Requirement(requirement).name)


@pytest.fixture(scope="module")
def project():
    """What `setup.py` tells setuptools."""
    seen = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        patch.setattr("setuptools.setup", lambda **options: seen.update(options))
        exec(compile((ROOT / "setup.py").read_text(), "setup.py", "exec"), {"__file__": "setup.py"})
    # Setuptools accepts them.
    Distribution(seen)
    return seen


def all_requirements(project):
    yield from project["install_requires"]
    for extra in project["extras_require"].values():
        yield from extra


# Requirements and their lock


def lock():
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def pins(environment):
    """The one version of each package in an environment."""
    found = {}
    for pin in lock():
        if pin.marker is None or pin.marker.evaluate(environment):
            name = canonicalize_name(pin.name)
            assert name not in found, f"{name} has two versions in {environment}"
            (specifier,) = pin.specifier
            assert specifier.operator == "==" and "*" not in specifier.version, str(pin)
            found[name] = specifier.version
    return found


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda e: " ".join(e.values()))
def test_the_lock_agrees_with_setup(project, environment):
    locked, wrong = pins(environment), []
    extras = project["extras_require"]
    for text in (*project["install_requires"], *extras["test"], *extras["dev"]):
        version = locked.get(name_of(text))
        if version is None or not Requirement(text).specifier.contains(version):
            wrong.append(f"{text} has {version}")
    assert not wrong, wrong
    assert locked["torch"] == "2.13.0"


def test_the_lock_holds_what_its_packages_need():
    environment, missing = {}, []
    locked = pins(environment)
    for name, version in locked.items():
        try:
            package = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        # Of another version we do not know the needs.
        if package.version.split("+")[0] != version:
            continue
        for need in map(Requirement, package.requires or ()):
            asked = need.marker is None or need.marker.evaluate({"extra": ""})
            found = locked.get(canonicalize_name(need.name))
            if not asked or CUDA.match(need.name) or (found and need.specifier.contains(found)):
                continue
            missing.append(f"{name} needs {need}")
    assert not missing, missing


def test_labml_is_exact_and_torch_is_not(project):
    assert {"labml==0.5.3", "labml-helpers==0.4.89", "torch>=2.10"} < {*project["install_requires"]}
    assert project["python_requires"] == ">=3.10"
    extras = {"test", "docs", "hf", "tensorboard", "subword", "dev"}
    assert extras == project["extras_require"].keys()


def third_party(folder):
    """The packages that the files of a folder import, each with one of these files."""
    found = {}
    # A script finds those beside it by their bare names.
    own = OWN | {path.stem for path in (ROOT / folder).glob("*.py")}
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module]
            for name in {name.split(".")[0] for name in names} - sys.stdlib_module_names - own:
                name = canonicalize_name(INSTALLED_AS.get(name, name))
                found[name] = path.relative_to(ROOT).as_posix()
    return found


@pytest.mark.slow
@pytest.mark.parametrize("folder", sorted(OWN))
def test_what_is_imported_is_required(project, folder):
    if folder == "tests":
        named = {*project["install_requires"], *project["extras_require"]["test"]}
    else:
        named = {*all_requirements(project)}
    named = {name_of(text) for text in named}
    missing = {name: file for name, file in third_party(folder).items() if name not in named}
    assert not missing, f"setup.py does not name {missing}"


def test_the_readme_gives_a_reason_for_each_dependency(project):
    lines, missing = (ROOT / "README.md").read_text(encoding="utf-8").splitlines(), []
    for name in sorted({name_of(text) for text in all_requirements(project)}):
        word = re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])", re.IGNORECASE)
        rests = [word.sub("", line) for line in lines if word.search(line)]
        if not any(len(re.findall(r"[^\W\d_]{2,}", rest)) >= 3 for rest in rests):
            missing.append(name)
    assert not missing, f"README.md does not say in one line what these are for: {missing}"


# What is in the repository and what is shipped


def test_no_file_knows_the_machine_that_it_was_written_on():
    wrong = []
    for name in repository():
        try:
            text = (ROOT / name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if found := MACHINE.search(line):
                wrong.append(f"{name}:{number}: {found[0]}")
    assert not wrong, "\n".join(wrong)


def test_a_path_of_a_machine_is_found():
    for text in ("cd /wo" + "rk/main", '"/ro' + 'ot/x"', "https://py" + "pi.org/project"):
        assert MACHINE.search(text)
    assert not MACHINE.search("https://a.org/work/1 and net/work/ and ~/work")


def test_the_console_script_is_a_function(project):
    (script,) = project["entry_points"]["console_scripts"]
    name, module, function = re.fullmatch(r"(\w+) = ([\w.]+):(\w+)", script).groups()
    assert name == "labnn"
    assert callable(getattr(importlib.import_module(module), function))


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A copy of the repository, since a build writes beside what it builds."""
    folder = tmp_path_factory.mktemp("project") / "a copy"
    for name in repository():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def wheel(source, tmp_path_factory):
    out = tmp_path_factory.mktemp("wheel")
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--wheel-dir", out]
    run([sys.executable, "-m", "pip", "wheel", *options, "."], source)
    (built,) = out.iterdir()
    return built


@pytest.mark.slow
def test_the_wheel_holds_all_pages_and_the_corpus_and_no_tests(wheel):
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    folders = ("labnn/", "experiments/", "docs_gen/")
    pages = {n for n in repository() if n.startswith(folders) and n.endswith(".py")}
    assert pages <= names
    assert {f"{CORPUS}/shakespeare.txt.gz", f"{CORPUS}/README.md"} <= names
    theme = {n for n in repository() if n.startswith(("docs_gen/theme/", "docs_gen/locale/"))}
    assert len(theme) > 10 and theme <= names
    assert all(name.startswith(folders) for name in names), names
    # The corpus is about half of it.
    assert wheel.stat().st_size < 1_200_000


@pytest.mark.slow
def test_the_wheel_says_what_it_needs(wheel, project):
    files = zipfile.ZipFile(wheel)
    (folder,) = {n.split("/")[0] for n in files.namelist() if ".dist-info/" in n}
    metadata = files.read(f"{folder}/METADATA").decode()
    assert f"\nVersion: {labnn.__version__}\n" in metadata
    assert "\nRequires-Python: >=3.10\n" in metadata
    needs = re.findall(r"^Requires-Dist: (.*)$", metadata, re.MULTILINE)
    plain = {need for need in needs if "extra ==" not in need}
    assert {*map(Requirement, plain)} == {*map(Requirement, project["install_requires"])}
    assert "labnn = labnn.cli:main" in files.read(f"{folder}/entry_points.txt").decode()
    assert any(n.startswith(folder) and n.endswith("LICENSE") for n in files.namelist())


@pytest.mark.slow
def test_the_corpus_of_the_wheel_can_be_read(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path / "installed")
    code = "from labnn.data import corpora as c; print(c.__file__, len(c.shakespeare().train))"
    printed = run([sys.executable, "-c", code], tmp_path, PYTHONPATH=str(tmp_path / "installed"))
    assert printed.startswith(str(tmp_path))
    assert int(printed.split()[-1]) > 900_000


@pytest.mark.slow
def test_the_source_package_holds_what_a_build_needs_and_no_tests(source, tmp_path):
    code = f"from setuptools import build_meta; build_meta.build_sdist({str(tmp_path)!r})"
    run([sys.executable, "-c", code], source)
    (built,) = tmp_path.iterdir()
    with tarfile.open(built) as files:
        names = {name.partition("/")[2] for name in files.getnames()}
    assert {"setup.py", "LICENSE", "README.md", f"{CORPUS}/shakespeare.txt.gz"} <= names
    assert not any(name.startswith("tests") for name in names)


# The Makefile and `.ci/run`


def program(path, text):
    """A program that stands in for one that takes minutes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.fixture
def built(tmp_path):
    """A folder in which the Makefile finds its environment, whose Python prints its arguments."""
    folder = tmp_path / "a folder"
    program(folder / ".venv/bin/python", 'for a; do printf "<%s>" "$a"; done; echo')
    for name in ("Makefile", "setup.py", "requirements.lock"):
        shutil.copyfile(ROOT / name, folder / name)
    (folder / ".venv/installed").touch()
    return folder


def make(folder, *arguments):
    return run([needs_program("make"), "--no-print-directory", *arguments], folder)


def test_each_target_has_a_line_of_help():
    printed = make(ROOT, "help")
    lines = dict(re.findall(r"^make (\w+) +(.+)$", printed, re.MULTILINE))
    assert lines.keys() == TARGETS
    assert all(len(text.split()) >= 3 for text in lines.values())
    assert make(ROOT) == printed


def test_each_target_sets_up_the_environment_with_the_lock(tmp_path):
    for name in ("Makefile", "setup.py", "requirements.lock"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    (tmp_path / "benchmarks").mkdir()
    for target in TARGETS - {"help"}:
        planned = make(tmp_path, "--dry-run", target)
        installs = re.findall(r"^.* pip install .*$", planned, re.MULTILINE)
        assert len(installs) == 2
        assert all("--constraint requirements.lock" in line for line in installs)
        assert "-m venv .venv" in planned and "touch .venv/installed" in planned


def test_the_demonstration_yields_to_given_options(built):
    assert make(built, "mlm", "MLM_DEMO=epochs=3 a.b=5").splitlines() == [
        "<-m><experiments.mlm><epochs=3><a.b=5>",
        "",
        "All 1,024 epochs: .venv/bin/python -m experiments.mlm",
    ]
    given = "ARGS=epochs=1 text.path='my text.txt' --b=7"
    assert make(built, "mlm", "MLM_DEMO=epochs=3 b=5 path=2", given).splitlines() == [
        "<-m><experiments.mlm><path=2><epochs=1><text.path=my text.txt><--b=7>",
        "",
        "All 1,024 epochs: .venv/bin/python -m experiments.mlm epochs=1 text.path='my text.txt' "
        "--b=7",
    ]


def test_quick_leaves_the_slow_tests_out(built):
    spread = "<-n><2><--dist><loadfile>"
    quick = f"<-m><pytest><-m><not slow>{spread}<-k><name>\n"
    assert make(built, "quick", "ARGS=-k name") == quick
    assert make(built, "test") == f"<-m><pytest>{spread}\n"
    assert make(built, "test", "SPREAD=") == "<-m><pytest>\n"


def test_benchmarks_run_one_by_one_and_their_absence_is_said(built):
    with pytest.raises(AssertionError, match="^bench: there are no benchmarks yet\n"):
        make(built, "bench")
    (built / "benchmarks").mkdir()
    for name in ("b.py", "a.py", "__init__.py"):
        (built / "benchmarks" / name).touch()
    assert make(built, "bench").split() == [
        "benchmarks/a.py", "<benchmarks/a.py>", "benchmarks/b.py", "<benchmarks/b.py>"
    ]  # fmt: skip
    # One whose peer is not installed says so with 2, and the others go on.
    program(built / ".venv/bin/python", 'echo "$1"; test "$1" = benchmarks/b.py || exit 2')
    assert make(built, "bench").split() == ["benchmarks/a.py"] * 2 + ["benchmarks/b.py"] * 2
    program(built / ".venv/bin/python", 'test "$1" = benchmarks/b.py')
    with pytest.raises(AssertionError):
        make(built, "bench")


def test_the_site_is_of_all_pages_with_translations_and_records(built):
    asked = "<labnn><experiments><docs_gen><-o><site><--locale><locale><--records>"
    assert make(built, "docs", "ARGS=--keep-going") == (
        f"<-m><docs_gen><build>{asked}<experiments/results><--keep-going>\n"
    )


def test_an_old_python_is_refused_in_one_line(built):
    (built / ".venv/installed").unlink()
    program(built / ".venv/bin/python", "exit 1")
    old = built / "old"
    program(old, 'echo "labnn needs Python 3.10" >&2; exit 1')
    with pytest.raises(AssertionError, match="^labnn needs Python 3.10\n"):
        make(built, "test", "PYTHON='./old'")


def test_ci_installs_what_is_missing_and_runs_all_tests(tmp_path):
    bash = needs_program("bash")
    assert os.access(ROOT / ".ci/run", os.X_OK)
    script = tmp_path / "a folder/.ci/run"
    script.parent.mkdir(parents=True)
    text = (ROOT / ".ci/run").read_text()
    listed = re.search(r"^programs=\(.*?\)$", text, re.MULTILINE | re.DOTALL)[0]
    tools = tmp_path / "tools"
    program(tools / "make", 'echo "$CI $PWD make $*"')
    program(tools / "apt-get", 'echo "apt-get $*"')
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    tests = f"true {script.parent.parent} make test\n"

    script.write_text(text.replace(listed, "programs=()"))
    assert run([bash, script], tmp_path, PATH=path) == tests
    script.write_text(text.replace(listed, "programs=(sh:there no-such-program:one nor-this:two)"))
    printed = run([bash, script], tmp_path, PATH=path)
    assert re.fullmatch(r"apt-get update.*\napt-get install.* one two\n", printed[: -len(tests)])
    assert printed.endswith(tests)

    program(tools / "apt-get", "exit 100")
    with pytest.raises(AssertionError) as failed:
        run([bash, script], tmp_path, PATH=path)
    assert "make test" not in str(failed.value)
    script.write_text(text.replace(listed, "programs=()"))
    program(tools / "make", "exit 3")
    with pytest.raises(AssertionError):
        run([bash, script], tmp_path, PATH=path)


# What tests may rely on


@pytest.mark.parametrize("ci, outcome", [("", pytest.skip), ("true", pytest.fail)])
def test_a_missing_program_skips_and_fails_under_ci(monkeypatch, tmp_path, ci, outcome):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CI", ci)
    either = (pytest.skip.Exception, pytest.fail.Exception)
    with pytest.raises(either, match="^firefox or chromium is not installed$") as raised:
        needs_program("firefox", "chromium")
    assert raised.type is outcome.Exception
    program(tmp_path / "chromium", "exit 0")
    assert needs_program("firefox", "chromium") == str(tmp_path / "chromium")


def test_a_warning_is_an_error_unless_it_is_about_labml():
    for module in ("labml", "labml.experiment", "labml_helpers.device", "git.repo"):
        warnings.warn_explicit("old", DeprecationWarning, "page.py", 1, module=module)
    for module in ("labnn.layers", "experiments.mlm", "labmlish", "torch.nn"):
        with pytest.raises(DeprecationWarning):
            warnings.warn_explicit("old", DeprecationWarning, "page.py", 1, module=module)


def test_a_test_cannot_reach_the_network():
    with pytest.raises(RuntimeError, match="no network"):
        socket.create_connection(("example.org", 80), timeout=1)
    with socket.socket() as end, pytest.raises(RuntimeError, match="no network"):
        end.settimeout(1)
        # An address that is reserved for documentation
        end.connect(("192.0.2.1", 80))
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=1).close()
