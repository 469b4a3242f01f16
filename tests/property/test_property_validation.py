"""Mutated resources: the validator never fails, and its two judges never contradict each other."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fhir_backpain.fhir import json_text
from fhir_backpain.outcome import Issue
from fhir_backpain.validation.resource.validator import BuiltInValidator
from tests.golden.case import cases

VALIDATOR = BuiltInValidator()
WALKER = BuiltInValidator()
GOLDEN = [json_text.parse(json_text.dump(one)) for case in cases() if case.release == "R4"
          for one in case.expected()]  # fmt: skip
FURTHER = {"contained", "modifierExtension", "_status", "reference", "url", "valueString", "x"}
NAMES = sorted({name for one in GOLDEN for name in one} | FURTHER)

leaves = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 2**40), st.just(Decimal("1.10")), st.text(max_size=6),
    st.sampled_from(["2024-03-04", "2024", "final", "#a", "Patient/1", "http://a.example", "x y"]),
)  # fmt: skip
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)
    ),
    max_leaves=6,
)


def places(node: Any) -> Iterator[tuple[Any, str | int]]:
    """Yield every (owner, name or index) of a tree."""
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for name, value in list(items):
        yield node, name
        if isinstance(value, dict | list):
            yield from places(value)


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a golden output with one to three changes at random places."""
    resource: dict[str, Any] = copy.deepcopy(draw(st.sampled_from(GOLDEN)))
    for _ in range(draw(st.integers(1, 3))):
        found = list(places(resource))
        if not found:
            break
        owner, name = draw(st.sampled_from(found))
        kind = draw(st.sampled_from(["replace", "drop", "add", "repeat"]))
        if kind == "drop":
            del owner[name]
        elif kind == "repeat" and isinstance(owner, list):
            owner.append(copy.deepcopy(owner[int(name)]))
        elif kind == "add" and isinstance(owner, dict):
            owner[draw(st.sampled_from(NAMES))] = draw(values)
        else:
            owner[name] = draw(values)
    return resource


def walked_through(resource: dict[str, Any]) -> list[Issue]:
    """Return what the walk alone says."""
    return WALKER._all(resource, ())


for good in GOLDEN * 6:  # so that plans are made for all of their shapes
    VALIDATOR.validate(json_text.parse(json_text.dump(good)))


@given(mutated())
def test_a_mutated_resource_gives_issues_and_never_a_failure(resource: dict[str, Any]) -> None:
    before = copy.deepcopy(resource)
    issues = VALIDATOR.validate(resource)
    assert resource == before
    assert all(issue.number // 100 in (40,) and issue.next_step for issue in issues)
    assert VALIDATOR.validate(resource) == issues


@given(mutated())
def test_what_is_told_quickly_is_what_the_walk_tells(resource: dict[str, Any]) -> None:
    found = walked_through(resource)
    assert VALIDATOR.quick(resource) in (None, found)
    assert VALIDATOR.validate(resource) == found
    assert BuiltInValidator().validate(resource) == found


@given(st.sampled_from(GOLDEN))
def test_the_quick_look_is_sure_of_what_the_walk_finds_good(resource: dict[str, Any]) -> None:
    # Else every good resource would be walked through, and slowly.
    assert VALIDATOR.quick(resource) == walked_through(resource)


@given(values)
def test_any_json_gives_issues(value: Any) -> None:
    assert VALIDATOR.validate(value)
