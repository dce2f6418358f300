r"""
# Arguments

What is typed and what a build gets of it.
"""

from pathlib import Path

from docs_gen.pages.arguments import arguments, options
from docs_gen.pages.project import Options


def read(text):
    return options(arguments().parse_args(text.split()))


def test_what_is_not_typed_has_its_default():
    assert read("build a -o b") == Options([Path("a")], exclude=[])


def test_everything_can_be_typed():
    text = "build a b -o c --exclude x --exclude y --locale l --records r --name N"
    assert read(text + " --base-url https://a.example --aliases m.json") == Options(
        [Path("a"), Path("b")],
        exclude=["x", "y"],
        locale=Path("l"),
        results=Path("r"),
        aliases=Path("m.json"),
        name="N",
        base_url="https://a.example",
    )


def test_translators_give_less():
    assert read("i18n lint a --locale l") == Options([Path("a")], exclude=[], locale=Path("l"))


def test_no_option_is_known_to_one_command_only_by_accident():
    for command in ("build", "serve"):
        assert arguments().parse_args([command, "a", "-o", "b"]).records is None
