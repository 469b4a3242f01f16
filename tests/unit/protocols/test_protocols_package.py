"""The PlanDefinitions of the FHIR package: what they propose is what a draft proposes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from fhir_backpain.artifacts.finder import profiles_folder
from fhir_backpain.fhir import json_text
from fhir_backpain.mapping.library import load_library
from fhir_backpain.mapping.mapper import Mapper, load_mapper
from fhir_backpain.outcome import MappingLocation
from fhir_backpain.protocols.case import Case
from fhir_backpain.protocols.condition import read_condition
from fhir_backpain.protocols.draft import Draft, apply
from fhir_backpain.protocols.plan_definition import plan_definition
from tests.unit.protocols.protocols_world import (
    OF_PROTOCOL,
    assessment,
    drafted,
    earlier_plan,
    shipped,
    source,
)

DRAFTS = Path(__file__).parent / "drafts"
LIBRARY = load_library()
NAMES = sorted(OF_PROTOCOL)
TRIED = earlier_plan("exercise-therapy", "physical-therapy")
MILD = [{"site": "low-back", "scale": "pain-nrs", "score": 2}]
CASES: list[tuple[dict[str, Any], tuple[dict[str, Any], ...]]] = [
    ({}, ()),
    ({}, (TRIED,)),
    ({"pain": {"onset": "2026-02-20", "ratings": MILD}}, ()),
    ({"scores": [{"measure": "startback-risk", "level": "low"}]}, (TRIED,)),
]


@cache
def mapper() -> Mapper:
    return load_mapper()


def packaged(name: str) -> dict[str, Any]:
    file = profiles_folder() / "package" / f"PlanDefinition-backpain-{name}.json"
    found: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return found


def codes(action: dict[str, Any]) -> set[str]:
    return {one["code"] for concept in action.get("code", ()) for one in concept["coding"]}


def proposed_by_package(definition: dict[str, Any], case: Case) -> Iterator[str]:
    """Yield the codes of each action whose conditions all hold: what any engine would do."""
    _, *steps = definition["action"][0]["action"]
    for step in steps:
        for action in step.get("action", ()):
            texts = [one["expression"]["expression"][2:-1] for one in action["condition"]]
            place = MappingLocation("package", 1)
            if all(read_condition(text, place, LIBRARY).holds(case) for text in texts):
                yield from codes(action)


def proposed_by_draft(draft: Draft) -> set[str]:
    made = [json_text.parse(one.text) for one in mapper()(draft.record)]
    kinds = ("code", "medicationCodeableConcept")
    return {
        coding["code"]
        for one in made
        if one["resourceType"] in ("ServiceRequest", "MedicationRequest")
        for kind in kinds
        for coding in one.get(kind, {}).get("coding", ())
    }


@pytest.mark.parametrize("name", NAMES)
def test_the_package_has_each_protocol_as_it_is(name: str) -> None:
    said = plan_definition(shipped()[name], LIBRARY)
    found = packaged(name)
    assert {key: found[key] for key in said} == json.loads(json.dumps(said))
    assert (found["status"], found["experimental"]) == ("draft", True)
    assert found.keys() - said.keys() == {"publisher"}


def test_the_package_has_no_other_protocol() -> None:
    there = (profiles_folder() / "package").glob("PlanDefinition-*.json")
    assert sorted(file.stem.removeprefix("PlanDefinition-backpain-") for file in there) == NAMES


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("said", "plans"), CASES, ids=["plain", "tried", "mild", "low"])
def test_a_draft_proposes_what_the_package_does(
    name: str, said: dict[str, Any], plans: tuple[dict[str, Any], ...]
) -> None:
    draft = drafted(LIBRARY, name, *plans, **said)
    data = json_text.parse(json.dumps({**assessment(**OF_PROTOCOL[name]), **said}))
    case = Case(data, plans, LIBRARY.ranges)
    expected = proposed_by_draft(draft)
    assert expected
    assert set(proposed_by_package(packaged(name), case)) == expected


@pytest.mark.parametrize("name", NAMES)
def test_a_golden_assessment_gives_the_golden_draft(name: str) -> None:
    read = {
        file.stem: json_text.parse(file.read_bytes()) for file in (DRAFTS / name).glob("*.json")
    }
    made = apply(shipped()[name], source(read["assessment"]), LIBRARY)
    assert made.record == read["draft"]
    assert not made.stops


@pytest.mark.parametrize("name", NAMES)
def test_a_red_flag_leaves_the_urgent_referral_of_the_package(name: str) -> None:
    draft = drafted(LIBRARY, name, red_flags=[{"flag": "fever", "present": True}])
    stop = packaged(name)["action"][0]["action"][0]
    assert proposed_by_draft(draft) == codes(stop)
    (request,) = (
        json_text.parse(one.text) for one in mapper()(draft.record) if one.type == "ServiceRequest"
    )
    assert request["priority"] == stop["priority"] == "urgent"
