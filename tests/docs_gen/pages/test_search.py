import gzip
import importlib.util
import io
import json
import re
import subprocess
import tarfile
from pathlib import Path

import pytest

from docs_gen.pages import theme
from docs_gen.pages.search import Entry, Page, common, entries, index, parts
from docs_gen.parts import Definition, Module, Section, Source

ROOT = Path(__file__).parents[3]
THEME = ROOT / "docs_gen" / "theme"


def made(**sections):
    """A module of sections `anchor=(name, first, last)`, and the definitions that are here"""
    defined = {
        "MASK": ("variable", 3),
        "Attention": ("class", 5),
        "Attention.n_heads": ("variable", 6),
        "Attention.scale": ("variable", 7),
        "attend": ("function", 9),
    }
    return Module(
        Source("labnn.mha", "labnn/mha.py", "labnn/mha.html", ""),
        (),
        tuple(
            Section("code", anchor.replace("_", "-"), name, "", (), tuple(range(first, last + 1)))
            for anchor, (name, first, last) in sections.items()
        ),
        {name: Definition(name, kind, line, 0, line) for name, (kind, line) in defined.items()},
    )


def rows(*given):
    """Rows of a page as it gives them to its template"""
    return [dict(zip(("anchor", "name", "note"), row, strict=True)) for row in given]


def loaded(script):
    """The table that a browser would see"""
    match = re.fullmatch(r"window\.DOCS_INDEX=(.*);\n", script, re.DOTALL)
    return json.loads(match[1])


# Entries


def test_a_section_is_found_by_what_is_defined_in_it():
    module = made(page_top=("", 1, 4), Attention=("Attention", 5, 5), s_1a2b3c=("", 6, 9))
    given = rows(
        ("page-top", "", '<h1 id="h-attention">Attention</h1>\n<p>Looks back.</p>'),
        ("Attention", "Attention", '<h2 id="h-heads">Heads</h2><p>Many.</p>'),
        ("s-1a2b3c", "", ""),
    )
    assert entries(module, given) == (
        Entry("page-top", "labnn.mha", "Attention", "Looks back.", ("MASK",)),
        Entry("Attention", "Attention", "Heads", "Many."),
        Entry("s-1a2b3c", "", "", "", ("Attention.n_heads", "Attention.scale", "attend")),
    )


def test_every_definition_is_in_one_entry():
    module = made(page_top=("", 1, 4), Attention=("Attention", 5, 6), attend=("attend", 7, 9))
    given = rows(*((s.anchor, s.name, "") for s in module.sections))
    found = [n for e in entries(module, given) for n in (e.symbol, *e.names) if n]
    assert sorted(found) == sorted([*module.definitions, "labnn.mha"])


def test_a_section_with_nothing_to_find_is_left_out():
    module = made(page_top=("", 1, 2), s_000000=("", 2, 2))
    given = rows(("page-top", "", "<p>Text</p>"), ("s-000000", "", "\n"))
    assert [entry.anchor for entry in entries(module, given)] == ["page-top"]


def test_a_heading_within_a_note_is_a_place_of_its_own():
    html = '<p>Before</p><h2 id="h-one">One</h2>\n<p>First</p><h3 id="h-two">T<em>w</em>o</h3>'
    assert parts("s-1", html) == [
        Entry("s-1", text="Before"),
        Entry("h-one", heading="One", text="First"),
        Entry("h-two", heading="Two"),
    ]


@pytest.mark.parametrize("before", ["", "\n", '<div lang="en" class="untranslated">'])
def test_a_heading_that_begins_a_note_belongs_to_the_section(before):
    html = f'{before}<h2 id="h-one">One</h2></div><p>First</p><h2 id="h-two">Two</h2><p>Second</p>'
    assert parts("Attention", html) == [
        Entry("Attention", heading="One", text="First"),
        Entry("h-two", heading="Two", text="Second"),
    ]


def test_a_page_without_sections_of_its_own_is_indexed_by_its_rows():
    module = made()
    given = rows(("page-top", "", '<h1 id="h-x">Empty</h1>'))
    assert entries(module, given) == (Entry("page-top", "labnn.mha", "Empty"),)


# The index


def test_the_index_is_a_script_of_pages_and_their_entries():
    page = Page(
        "labnn/mha.html",
        "Attention",
        (
            Entry("page-top", "labnn.mha", "Attention", "Looks back.", ("MASK",)),
            Entry("Attention", "Attention"),
            Entry("s-1a2b3c", text="Many."),
        ),
        1.23456,
    )
    other = Page("a.html", "Another", (Entry("s-1", heading="A", names=("one", "two")),))
    assert loaded(index(iter([page, other]))) == [
        # The title of the first is its heading.
        [["labnn/mha.html", "", 1.235, 3], ["a.html", "Another", 1, 1]],
        [],
        ["page-top", "", "s-1a2b3c", "s-1"],
        ["labnn.mha", "Attention", "", ""],
        ["Attention", "", "", "A"],
        ["Looks back.", "", "Many.", ""],
        ["", "", "", ""],
        ["MASK", "", "", "one two"],
    ]


def test_an_index_may_be_of_nothing():
    assert loaded(index([])) == [[], []]
    assert loaded(index([Page("a.html", "A", ())])) == [[["a.html", "A", 1, 0]], []]


@pytest.mark.parametrize(
    "text", ["</script><script>alert(1)", "a\u2028b\u2029c", "\"'\\\n\0", "<!--"]
)
def test_texts_cannot_leave_the_script(text):
    script = index([Page("a.html", text, (Entry("s-1", text, text, text, (text,)),))])
    assert not set("<\u2028\u2029\0") & set(script)
    assert script.count("\n") == 1
    assert loaded(script)[2:] == [["s-1"], [text], [text], [text], [""], [text]]


def test_a_word_of_many_texts_is_common():
    every = [Entry("s-1", text=f"of it word{n % 60}") for n in range(600)]
    every[0] = Entry("s-1", text="of of of it " + "seldom " * 20)
    assert common(every) == ["it", "of"]


def test_a_site_of_few_sections_has_no_common_words():
    assert common([Entry("s-1", text="of")] * 12) == []
    assert common([Entry("s-1", text="of")] * 13) == ["of"]


def test_common_words_are_left_out_where_nobody_sees_them():
    long = "word " * 40 + "of it seldom"
    every = [Entry("s-1", text=long), *[Entry("s-2", text="of it")] * 30]
    _, words, *fields = loaded(index([Page("a.html", "A", tuple(every))]))
    assert words == ["it", "of"]
    assert fields[3][:2] == [("word " * 40)[:29] + "…", "of it"]
    assert fields[4][:2] == ["seldom", ""]


def test_words_of_the_other_fields_are_not_kept_again():
    text = "word " * 40 + "MultiHeadAttention n_heads heading seldom"
    entry = Entry("s-1", "MultiHeadAttention", "A Heading", text, ("MultiHeadAttention.n_heads",))
    _, words, *fields = loaded(index([Page("a.html", "A", (entry,))]))
    assert (words, fields[4]) == ([], ["seldom"])


def test_an_index_is_the_same_each_time_it_is_made():
    module = made(page_top=("", 1, 9))
    made_of = [entries(module, rows(("page-top", "", "<p>b a c " * 80))) for _ in range(2)]
    first, second = (index([Page("a.html", "A", one)]) for one in made_of)
    assert first == second


# What is loaded when somebody searches


def script():
    """The script that makes the theme's copy of MiniSearch"""
    path = ROOT / "scripts" / "vendor_minisearch.py"
    spec = importlib.util.spec_from_file_location("vendor_minisearch", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def release(path, **files):
    """A release in the form of npm"""
    with tarfile.open(path, "w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return path


MIT = "Copyright 1999 A Person\n\nPermission is hereby granted, free of charge, to any person\n"


def test_the_library_is_shipped_with_its_licence():
    code = (THEME / "minisearch.js").read_text(encoding="utf-8")
    header, rest = code.split("\n", 1)
    licence = (THEME / "minisearch.LICENSE.txt").read_text(encoding="utf-8")
    owner = re.search("^Copyright .*$", licence, re.MULTILINE)[0]
    assert header == (f"/*! MiniSearch 7.2.0, {owner}. MIT License: see minisearch.LICENSE.txt */")
    assert "Permission is hereby granted, free of charge" in licence
    # In one line, with local names of one letter
    assert re.search(r"\)\.MiniSearch=\w\(\)", rest) and "sourceMappingURL" not in rest
    assert len(rest.split("\n")) == 2 and "/*" not in rest


def test_what_a_search_loads_besides_its_index_is_small():
    # Eight thousand was the aim; the library alone takes six.
    scripts = (theme.static()[name] for name in ("search.js", "minisearch.js"))
    assert sum(len(gzip.compress(script, 9)) for script in scripts) <= 9_900


def test_a_release_becomes_the_files_of_the_theme(tmp_path):
    code = "const  a = 1 ;\n"
    files = {"dist/umd/index.js": code, "LICENSE.txt": MIT, "package.json": '{"version": "1.2.3"}'}
    made = script().vendored(release(tmp_path / "x.tgz", **files), {code: "const a=1;"}.get)
    assert made == {
        "minisearch.js": "/*! MiniSearch 1.2.3, Copyright 1999 A Person. MIT License: see "
        "minisearch.LICENSE.txt */\nconst a=1;\n",
        "minisearch.LICENSE.txt": MIT,
    }


def test_terser_gets_the_code_and_gives_it_back(tmp_path, monkeypatch):
    # In place of the real one, which would come from npm
    program = tmp_path / "npx"
    program.write_text("#!/bin/sh\ntr a-z A-Z\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert script().terser("code();\n") == "CODE();\n"
    program.write_text("#!/bin/sh\nexit 3\n")
    with pytest.raises(subprocess.CalledProcessError, match="3"):
        script().terser("code();\n")


@pytest.mark.parametrize("licence", ["", "Copyright 1999 A Person\nAll rights reserved", MIT[24:]])
def test_another_licence_is_not_taken_for_this_one(tmp_path, licence):
    files = {"dist/umd/index.js": "", "LICENSE.txt": licence, "package.json": '{"version": "1"}'}
    with pytest.raises(SystemExit, match="not the licence"):
        script().vendored(release(tmp_path / "x.tgz", **files))


def lines_of_the_script():
    return (THEME / "search.js").read_text(encoding="utf-8").split("\n")


def test_comments_of_the_script_stand_alone_so_that_they_can_be_left_out():
    assert [line for line in lines_of_the_script() if line.lstrip().startswith("// ")]
    assert not [line for line in lines_of_the_script() if re.search(r"\S.*\s//|/\*", line)]


def test_the_script_takes_no_text_for_html():
    code = "\n".join(lines_of_the_script())
    assert not re.search(r"(inner|outer|insertAdjacent)HTML|document\.write|\beval\b", code)
