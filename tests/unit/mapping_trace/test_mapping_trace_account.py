"""What became of each leaf of a record, and of a run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fhir_backpain.mapping.declaration import Ignored
from fhir_backpain.mapping.library import Library
from fhir_backpain.mapping.mapper import Mapper
from fhir_backpain.mapping.trace.account import LeafAccount, RecordAccount, RunAccount
from fhir_backpain.mapping.trace.tracer import Tracer
from tests.records import assessment, care_plan, observation
from tests.unit.mapping_trace.conftest import Declare

NOTED = "a: =note\nb: {=when: test_data is true, c: d}"


@pytest.fixture
def account(library: Library, declare: Declare) -> Any:
    """Account for an observation whose mapping reads note and test_data, and ignores site."""

    def of(data: dict[str, Any]) -> RecordAccount:
        declaration = declare(NOTED)
        ignored = (Ignored("site", "not asked for", declaration.location),)
        declaration = replace(declaration, ignored=ignored)
        trace = Tracer(library, {"observation": [declaration]}).trace(data)
        return RecordAccount.of(data, trace, [declaration])

    return of


def by_path(account: RecordAccount) -> dict[str, LeafAccount]:
    return {leaf.path: leaf for leaf in account.leaves}


def test_each_leaf_has_one_of_five_states(account: Any) -> None:
    data = observation(note="n", test_data=False, site="back", score=1)
    found = by_path(account(data))
    assert {path: leaf.state for path, leaf in found.items()} == {
        "record": "identity",
        "id": "identity",
        "source": "identity",
        "patient.identifier.system": "identity",
        "patient.identifier.value": "identity",
        "observed_at": "unmapped",
        "measure": "unmapped",
        "note": "mapped",
        "test_data": "condition",
        "site": "ignored",
        "score": "unmapped",
    }
    assert [origin.path for origin in found["note"].destinations] == ["Observation.a"]
    assert [origin.path for origin in found["id"].destinations] == ["Observation.id"]
    assert found["test_data"].reason == "test_data is true"
    assert found["site"].reason == "not asked for"


def test_totals_and_json(account: Any) -> None:
    made = account(observation(note="n", test_data=False, site="back"))
    assert made.totals == {
        "mapped": 1,
        "identity": 5,
        "condition": 1,
        "ignored": 1,
        "unmapped": 2,
    }
    assert made.has_unmapped
    shown = made.to_json()
    assert (shown["record"], shown["totals"]) == ("observation", made.totals)
    leaves = {leaf["path"]: leaf for leaf in shown["leaves"]}
    assert leaves["site"] == {
        "pointer": "/site",
        "path": "site",
        "state": "ignored",
        "reason": "not asked for",
    }
    assert leaves["note"]["destinations"][0]["path"] == "Observation.a"
    assert "n" not in {str(value) for value in leaves["note"].values()}


def test_leaves_of_lists_have_their_own_pointers_and_one_path(shipped: Mapper) -> None:
    scores = [{"measure": "odi", "score": 1}, {"measure": "peg", "missing_reason": "unknown"}]
    data = assessment(scores=scores)
    made = RecordAccount.of(data, shipped.trace(data), shipped.declarations("assessment"))
    measures = [leaf for leaf in made.leaves if leaf.path == "scores[].measure"]
    assert [leaf.pointer for leaf in measures] == ["/scores/0/measure", "/scores/1/measure"]
    assert [leaf.state for leaf in measures] == ["mapped", "mapped"]
    assert not made.has_unmapped


def test_what_is_only_a_reference_key_is_identity_with_its_destinations(shipped: Mapper) -> None:
    data = care_plan(addresses=[{"cause": "lumbar-strain"}])
    made = RecordAccount.of(data, shipped.trace(data), shipped.declarations("care-plan"))
    leaf = by_path(made)["addresses[].cause"]
    assert leaf.state == "identity"
    assert "CarePlan.addresses[0].identifier.value" in {o.path for o in leaf.destinations}


def test_a_run_sums_by_record_type_and_schema_path(account: Any) -> None:
    run = RunAccount()
    run.add(account(observation(note="n", site="back")))
    run.add(account(observation(note="m", score=2)))
    assert run.records == 2
    assert run.unmapped == {
        ("observation", "measure"): 2,
        ("observation", "observed_at"): 2,
        ("observation", "score"): 1,
    }
    assert run.has_unmapped
    shown = run.to_json()
    assert {"record": "observation", "path": "note", "mapped": 2} in shown["paths"]
    assert {"record": "observation", "path": "score", "count": 1} in shown["unmapped"]
    assert shown["totals"] == run.totals


def test_lost_values_become_issues_that_name_places_only(account: Any) -> None:
    run = RunAccount()
    run.add(account(observation(score=123456)))
    issues = {issue.text for issue in run.issues()}
    assert "'score' of 'observation': 1 of 1 values are in no resource." in issues
    assert all(issue.is_error and issue.next_step for issue in run.issues())
    assert not any("123456" in str(issue) for issue in run.issues())


def test_a_run_does_not_grow_with_its_records(account: Any) -> None:
    run = RunAccount()
    run.add(account(observation(note="n")))
    paths = len(run.to_json()["paths"])
    for number in range(20):
        run.add(account(observation(note=f"n{number}", id=f"R-{number}")))
    assert len(run.to_json()["paths"]) == paths


def test_an_empty_run_lost_nothing() -> None:
    run = RunAccount()
    assert not run.has_unmapped
    assert run.issues() == []
    assert run.to_json()["paths"] == []
