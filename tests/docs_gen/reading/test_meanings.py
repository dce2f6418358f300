r"""
# Meanings

What a name means in scopes that are built by hand, one within the other.
"""

import ast

import pytest

from docs_gen.reading.meanings import UNKNOWN, Meaning, Scope


def nested():
    """A module, a class in it, a method of it, a comprehension in that"""
    module = Scope("module", "m")
    kind = Scope("class", "m.A", module)
    method = Scope("function", "m.A.f", kind)
    return module, kind, method, Scope("comprehension", "m.A.f", method)


def meaning(scope, text):
    return scope.meaning(ast.parse(text, mode="eval").body)


def test_only_modules_and_classes_define_variables():
    module, kind, method, inner = scopes = nested()
    for scope in scopes:
        scope.bind("x")
    assert [scope.bound["x"].target for scope in scopes] == ["m.x", "m.A.x", "", ""]


def test_a_class_is_seen_from_its_body_alone():
    module, kind, method, inner = nested()
    kind.bind("x")
    assert kind.look("x") == Meaning("m.A.x")
    assert method.look("x") is None and inner.look("x") is None
    module.bind("x")
    assert method.look("x") == inner.look("x") == Meaning("m.x")
    assert Scope("class", "m.A.B", kind).look("x") == Meaning("m.x")


def test_inner_names_hide_outer_ones():
    module, _, method, inner = nested()
    module.bind("x")
    method.bind("x")
    assert inner.look("x") == UNKNOWN and module.look("x") == Meaning("m.x")


def test_shared_names_are_those_of_the_scope_that_they_are_shared_with():
    module, _, method, inner = nested()
    method.bind("x")
    inner.shared["x"] = module
    assert inner.look("x") is None
    module.bind("x")
    assert inner.look("x") == Meaning("m.x")
    # What the file says stands, whatever a function may do later.
    inner.bind("x")
    assert inner.look("x") == Meaning("m.x") and "x" not in inner.bound
    inner.shared["y"] = module
    inner.bind("y")
    assert module.look("y") == UNKNOWN


def test_members_of_what_has_a_meaning():
    module, *_ = nested()
    module.bind("a", Meaning("b.c"))
    assert meaning(module, "a") == "b.c" and meaning(module, "a.d.e") == "b.c.d.e"
    assert meaning(module, "f.d") == meaning(module, "a().d") == meaning(module, "a[0].d") == ""
    assert module.meaning(None) == ""


def test_super_is_about_the_class_of_the_method():
    module, kind, method, inner = nested()
    assert meaning(method, "super().f") == meaning(inner, "super().f") == "m.A.super().f"
    assert meaning(Scope("function", "m.A.f.g", method), "super().f") == "m.A.super().f"
    assert meaning(module, "super().f") == meaning(kind, "super().f") == ""
    module.bind("B", Meaning("n.B"))
    assert meaning(method, "super(B, self).f") == "n.B.super().f"
    module.bind("super")
    assert meaning(method, "super().f") == ""


def test_after_an_import_of_everything_any_name_may_be_of_the_file():
    module, _, method, _ = nested()
    assert meaning(method, "x.y") == ""
    module.has_star = True
    assert meaning(method, "x.y") == "m.x.y"
    method.bind("x")
    assert meaning(method, "x.y") == ""


@pytest.mark.parametrize(
    "annotation, kind",
    [("A", "m.A"), ("'A'", "m.A"), ("A | None", "m.A"), ("'A | None'", "m.A"), ("n.B", "o.B")]
    + [("list[A]", ""), ("A | n.B", ""), ("'A |'", ""), ("None", ""), ("3", "")],
)
def test_an_annotation_may_be_a_class(annotation, kind):
    module, *_ = nested()
    module.bind("A")
    module.bind("n", Meaning("o"))
    assert module.kind_of(ast.parse(annotation, mode="eval").body) == kind


def test_without_an_annotation_there_is_no_class():
    assert Scope("module", "m").kind_of(None) == ""


def test_the_innermost_scope_of_a_kind():
    module, kind, method, inner = nested()
    assert inner.within("function") is method and inner.within("module") is module
    assert method.within("class") is kind and module.within("class") is module
