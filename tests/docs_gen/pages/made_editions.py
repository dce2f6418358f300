"""
Editions of a small project.
"""

from docs_gen.pages.edition import Edition
from docs_gen.pages.project import Options, Project
from docs_gen.translation import catalogs, languages
from tests.docs_gen.made_sites import write

FILES = {
    "pack/__init__.py": '"""\n# *The* pack\n\nOf [A](in/a.html) and `x`\nand $y$.\n"""\n',
    "pack/in/__init__.py": '"""\n# Inner\n\nSome of [`pack`].\n\n[B](b.html), [A](a.html)\n"""\n',
    "pack/in/a.py": '"""\n# A\n"""\n\nclass Thing:\n    """A thing"""\n',
    "pack/in/b.py": '"""\n# B\n\nLast\n"""\n\nif __name__ == "__main__":\n    pass\n',
}
CHINESE = 'msgid ""\nmsgstr ""\n\nmsgid "# Inner"\nmsgstr "# 内"\n\nmsgid "# B"\nmsgstr "# 乙"\n'


def project_in(tmp_path):
    """A project of two packages, one page of which is translated"""
    write(tmp_path, FILES | {"locale/zh/pack.in.po": CHINESE, "locale/zh/pack.in.b.po": CHINESE})
    return Project(Options([tmp_path / "pack"], locale=tmp_path / "locale"))


def edition_of(project, code="en"):
    known = [languages.language(name) for name in ("en", "zh")]
    folders = [project.options.locale] if code != "en" else []
    return Edition(project, catalogs.Catalogs(code, folders), known)
