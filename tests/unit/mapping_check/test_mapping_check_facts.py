"""Conditions that can never hold, and those that can."""

from __future__ import annotations

import pytest

from fhir_backpain.mapping.check.facts import facts_of, never_holds
from fhir_backpain.mapping.codegen import root_scope
from fhir_backpain.mapping.source_shape import record_shape
from fhir_backpain.outcome import MappingLocation

HERE = MappingLocation("m.map.yaml", 3)
SCOPE = root_scope(record_shape("observation"))


@pytest.mark.parametrize(
    "condition",
    [
        "measure is missing",
        "measure is not present",
        "note is present and note is missing",
        "note is present and note is not present",
        "note is not missing and note is missing",
        "status is final and status is amended",
        "status is final and status is missing",
        "status is final and status is not final",
        "status is not final and note is present and status is final",
        "test_data is true and test_data is false",
        "status is final or amended and status is preliminary",
        "status is final or amended and status is not amended or final",
        "status is final or amended and status is missing",
    ],
)
def test_a_condition_that_never_holds_says_why(condition: str) -> None:
    assert never_holds(condition, SCOPE, HERE)


@pytest.mark.parametrize(
    "condition",
    [
        "measure is present",
        "note is missing",
        "note is not present",
        "note is present and score is missing",
        "status is final",
        "status is final and status is present",
        "status is not final and status is not amended",
        "status is not final and status is amended",
        "status is final and note is missing",
        "status is final or amended and status is amended or preliminary",
        "status is final or amended and status is not final",
        "status is final or amended and status is present",
        "test_data is true and encounter.status is finished",
    ],
)
def test_a_condition_that_can_hold_is_left_alone(condition: str) -> None:
    assert never_holds(condition, SCOPE, HERE) is None


def test_what_is_known_to_be_there_cannot_be_asked_to_be_missing() -> None:
    inside = SCOPE.with_facts(facts_of("note is present", SCOPE, HERE))
    assert never_holds("note is missing", inside, HERE) == "'note' is always there"


@pytest.mark.parametrize(
    ("condition", "there"),
    [
        ("note is present", {"note"}),
        ("note is not missing and score is present", {"note", "score"}),
        ("status is final", {"status"}),
        ("status is not final", set()),
        ("note is missing", set()),
    ],
)
def test_the_facts_of_a_condition_are_what_it_says_is_there(
    condition: str, there: set[str]
) -> None:
    assert facts_of(condition, SCOPE, HERE) == there
