"""A patient's records from a server: goals of their time, and what cannot be told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from followup_world import DAYS, goal, observation, plan, read, year

from fhir_backpain.client.client import FhirClient
from fhir_backpain.errors import PermanentRemoteError
from fhir_backpain.fhir import json_text
from fhir_backpain.followup.messages import PATIENT_UNKNOWN
from fhir_backpain.followup.server_records import ServerRecords, read_patient
from fhir_backpain.mapping.mapper import Mapper, load_mapper
from fhir_backpain.outbox.sqlite import SqliteStore
from fhir_backpain.sandbox.server import SandboxServer
from fhir_backpain.sync.push import Dispatcher

P_1 = ("https://clinic.example/mrn", "P-1")


@pytest.fixture(scope="module")
def mapper() -> Mapper:
    return load_mapper()


@pytest.fixture
def client() -> Iterator[FhirClient]:
    with SandboxServer() as server, FhirClient(server.base_url) as opened:
        yield opened


class WithoutHistory(FhirClient):
    """The same server, which keeps no history."""

    def history(self, *_: Any, **__: Any) -> Iterator[dict[str, Any]]:
        raise PermanentRemoteError(PATIENT_UNKNOWN.issue("No history here."), status=405)
        yield {}


def send(client: FhirClient, mapper: Mapper, folder: Path, *records: dict[str, Any]) -> None:
    """Send records one after the other, as they arise."""
    with SqliteStore(folder / "outbox.sqlite") as store:
        dispatcher = Dispatcher(store, client, mapper)
        for record in read(*records):
            dispatcher.append([record])
            assert dispatcher.run_until_idle().is_complete


def targets(found: ServerRecords) -> dict[str, list[Any]]:
    return {
        one.data["id"]: [each.get("target") for each in one.data.get("goals", ())]
        for one in found.records
        if one.data["record"] == "care-plan"
    }


def test_each_plan_has_the_goals_of_its_time(
    client: FhirClient, mapper: Mapper, tmp_path: Path
) -> None:
    send(client, mapper, tmp_path, *year())
    found = read_patient(client, mapper, P_1)
    assert found.issues == []
    assert targets(found) == {"P-1": [20], "P-2": [24], "P-3": [24], "P-4": [24]}
    expected = {one.data["id"]: mapper.normal_form(one.data) for one in read(*year())}
    assert {one.data["id"]: one.data for one in found.records} == expected
    assert {one.location.file for one in found.records} == {client.base_url}


def test_the_last_plan_has_its_goal_as_it_is_now(
    client: FhirClient, mapper: Mapper, tmp_path: Path
) -> None:
    plans = [plan("P-1", DAYS[0], goals=[goal(target=20)]),
             plan("P-2", DAYS[1], revision_of="P-1", goals=[goal(target=24)])]  # fmt: skip
    send(client, mapper, tmp_path, *plans)
    (made,) = (one for one in mapper(read(plans[0])[0].data) if one.type == "Goal")
    held = client.read("Goal", made.id).resource or {}
    held["target"][0]["detailQuantity"]["value"] = 30
    client.put("Goal", made.id, json_text.dump(held))
    assert targets(read_patient(client, mapper, P_1)) == {"P-1": [20], "P-2": [30]}


def test_without_a_history_goals_are_told_as_now_with_a_warning(
    client: FhirClient, mapper: Mapper, tmp_path: Path
) -> None:
    send(client, mapper, tmp_path, *year())
    with WithoutHistory(client.base_url) as mute:
        found = read_patient(mute, mapper, P_1)
    assert targets(found) == {"P-1": [24], "P-2": [24], "P-3": [24], "P-4": [24]}
    assert [(one.number, one.severity) for one in found.issues] == [(6152, "warning")] * 4
    assert {one.source.record for one in found.issues if one.source} == {"P-1", "P-2", "P-3", "P-4"}


def test_other_patients_and_other_makers_are_left_out(
    client: FhirClient, mapper: Mapper, tmp_path: Path
) -> None:
    other = observation("O-9", DAYS[0], score=12)
    other["patient"] = {"identifier": {"system": P_1[0], "value": "P-2"}}
    mine = observation("O-1", DAYS[0], score=44)
    send(client, mapper, tmp_path, mine, other)
    (patient,) = (one.id for one in mapper(read(mine)[0].data) if one.type == "Patient")
    stranger = {
        "resourceType": "Observation", "status": "final", "code": {"text": "of somebody else"},
        "subject": {"reference": f"Patient/{patient}"},
    }  # fmt: skip
    client.create("Observation", json_text.dump(stranger))
    found = read_patient(client, mapper, P_1)
    assert [one.data["id"] for one in found.records] == ["O-1"]
    assert found.issues == []


def test_an_element_that_no_record_carries_is_told(
    client: FhirClient, mapper: Mapper, tmp_path: Path
) -> None:
    mine = observation("O-1", DAYS[0], score=44)
    send(client, mapper, tmp_path, mine)
    (made,) = (one for one in mapper(read(mine)[0].data) if one.type == "Observation")
    held = client.read("Observation", made.id).resource or {}
    client.put("Observation", made.id, json_text.dump({**held, "issued": "2026-01-05T10:00:00Z"}))
    found = read_patient(client, mapper, P_1)
    assert [one.data["id"] for one in found.records] == ["O-1"]
    assert [one.expression for one in found.issues] == ["Observation.issued"]


@pytest.mark.parametrize("is_empty", [True, False])
def test_an_unknown_patient_is_told(
    client: FhirClient, mapper: Mapper, tmp_path: Path, is_empty: bool
) -> None:
    if not is_empty:
        send(client, mapper, tmp_path, observation("O-1", DAYS[0], score=44))
    with pytest.raises(PermanentRemoteError) as error:
        read_patient(client, mapper, (P_1[0], "P-9"))
    assert [issue.number for issue in error.value.issues] == [6151]
    assert "P-9" not in str(error.value)
