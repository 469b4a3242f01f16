"""Names and pointers while a record is traced."""

from __future__ import annotations

from fhir_backpain.mapping.trace.scope import Found, Scope, escape

DATA = {"a": {"b~/c": 1, "list": [{"x": 2}]}}
ROOT = Found(DATA, "")


def test_a_step_of_a_pointer_is_escaped() -> None:
    assert escape("b~/c") == "b~0~1c"
    assert ROOT.step("a").step("b~/c") == Found(1, "/a/b~0~1c")


def test_what_is_missing_has_no_value_and_no_pointers() -> None:
    scope = Scope(ROOT, {})
    for path in ("z", "a.z", "a.list.x", "z.z.z"):
        assert scope.find(path).value is None
        assert scope.find(path).pointers == ()
    assert list(scope.find("z").items()) == []
    assert list(scope.find("a").items()) == []


def test_a_name_comes_before_a_field() -> None:
    (item,) = Scope(ROOT, {}).find("=a.list").items()
    scope = Scope(ROOT, {}).with_name("a", item)
    assert scope.find("a.x") == Found(2, "/a/list/0/x")
    assert scope.only({}).find("a.list").pointer == "/a/list"
