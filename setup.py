"""
What labnn is called, what it needs, and what of it is installed.

`requirements.lock` pins one tested choice among the ranges given here.
"""

import ast
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent


def version() -> str:
    """`__version__` of `labnn/__init__.py`, read as text: nothing is installed yet to import."""
    for node in ast.parse((ROOT / "labnn" / "__init__.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == "__version__":
            return ast.literal_eval(node.value)
    raise ValueError("labnn/__init__.py has no __version__; add one, for instance '0.1.0'")


# The two of labml are exact: we guard their silent failures through private names.
INSTALL_REQUIRES = [
    "torch>=2.10",
    "labml==0.5.3",
    "labml-helpers==0.4.89",
    "numpy>=1.26",
    "einops>=0.8",
    "omegaconf>=2.3",
    "pyyaml>=6.0",
    "rich>=13.7",
    "safetensors>=0.5",
]

TENSORBOARD = ["tensorboard>=2.18"]

# The subword tokenizer, which is an option
SUBWORD = ["tokenizers>=0.22"]

# The generator of the site
DOCS = [
    "markdown-it-py>=4.0",
    "mdit-py-plugins>=0.5",
    "math-core>=0.9",
    "pygments>=2.19",
    "jinja2>=3.1",
    "markupsafe>=3.0",
    "babel>=2.17",
    "selectolax>=1.0",
    "imagesize>=1.4",
    "watchfiles>=1.1",
]

# Xdist spreads the tests over two processes. Tests read requirements with packaging and build a
# wheel with setuptools. Gitpython is labml's: they load it early to start many runs fast. Event
# files are read with TensorBoard. The site is looked at in a browser that playwright drives, with
# axe for who cannot see it, its pages are read with html5lib, and its font with fonttools, which
# unpacks it with brotli. Notes are searched for misspelt words with codespell. What a model
# generates is compared with transformers.
TEST = [
    *("pytest>=9.0", "pytest-xdist>=3.8", "packaging>=24.0", "setuptools>=77.0.3"),
    "gitpython>=3.1",
    *("playwright>=1.50", "axe-playwright-python>=0.1.4", "html5lib>=1.1"),
    *("codespell>=2.3", "fonttools>=4.55", "brotli>=1.1"),
    "transformers>=5.0",
    *TENSORBOARD,
    *SUBWORD,
    *DOCS,
]

EXTRAS = {
    "test": TEST,
    "dev": [*TEST, "ruff>=0.12"],
    # Another model's files, and data in other forms
    "hf": ["transformers>=5.0", "datasets>=4.0", "h5py>=3.12"],
    "tensorboard": TENSORBOARD,
    "subword": SUBWORD,
    "docs": DOCS,
}

PACKAGES = ("labnn", "experiments", "docs_gen")

setup(
    name="labnn",
    version=version(),
    description="Building blocks for language models, written from scratch and annotated",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    author="labnn developers",
    # The code, the corpus and the font that ship with it; the search of the site is MIT as well
    license="MIT AND CC-BY-2.5 AND OFL-1.1",
    license_files=[
        "LICENSE",
        "labnn/data/shakespeare/README.md",
        "docs_gen/theme/*.LICENSE.txt",
    ],
    classifiers=[
        "Intended Audience :: Education",
        "Intended Audience :: Science/Research",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
    ],
    python_requires=">=3.10",
    install_requires=INSTALL_REQUIRES,
    extras_require=EXTRAS,
    # Named one by one, so that no folder gets in by accident.
    packages=find_packages(include=[f"{name}{tail}" for name in PACKAGES for tail in ("", ".*")]),
    package_data={
        "labnn.data": ["shakespeare/*"],
        "docs_gen": ["theme/*", "locale/*/*"],
    },
    entry_points={"console_scripts": ["labnn = labnn.cli:main"]},
)
