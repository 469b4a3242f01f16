"""Follow-up and protocols against real counterparts: HAPI and HL7's validator."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest

from fhir_backpain.client.client import FhirClient
from fhir_backpain.errors import PermanentRemoteError
from fhir_backpain.fhir import json_text
from fhir_backpain.followup.achievement import achievements
from fhir_backpain.followup.plan_history import plan_histories
from fhir_backpain.followup.server_records import read_patient
from fhir_backpain.followup.trajectory import modalities_of, trajectories
from fhir_backpain.hl7.validator import Validator
from fhir_backpain.mapping.library import load_library
from fhir_backpain.mapping.mapper import Mapper, load_mapper
from fhir_backpain.outbox.sqlite import SqliteStore
from fhir_backpain.protocols.plan_definition import plan_definition
from fhir_backpain.protocols.protocol import load_protocols
from fhir_backpain.record import SourceRecord
from fhir_backpain.sync.push import Dispatcher
from tests.unit.followup.followup_world import read, year


@pytest.fixture(scope="module")
def mapper() -> Mapper:
    return load_mapper()


class IdsRefused(FhirClient):
    """The same server, which says that it assigns ids itself."""

    def capabilities(self) -> Any:
        found = super().capabilities()
        for rest in found.statement["rest"]:
            for resource in rest["resource"]:
                resource["updateCreate"] = False
        return found


def own_year() -> list[SourceRecord]:
    """Return the year of a patient of this test alone: the tests share the server."""
    value = f"followup-{uuid.uuid4()}"
    records = year()
    for record in records:
        record["patient"] = {"identifier": {"system": "https://clinic.example/mrn", "value": value}}
    return read(*records)


def sync(client: FhirClient, mapper: Mapper, folder: Path, *batches: list[SourceRecord]) -> None:
    """Send batches one after the other, as they arise over a year."""
    with SqliteStore(folder / "outbox.sqlite") as store:
        dispatcher = Dispatcher(store, client, mapper)
        for batch in batches:
            dispatcher.append(batch)
            result = dispatcher.run_until_idle()
            assert result.is_complete, f"{result} {result.summary.issues}"


def identifier(records: list[SourceRecord]) -> tuple[str, str]:
    found = records[0].data["patient"]["identifier"]
    return found["system"], found["value"]


@pytest.mark.parametrize("kind", [FhirClient, IdsRefused])
def test_a_plan_revised_three_times_reads_back_as_the_same_history(
    hapi: str, mapper: Mapper, tmp_path: Path, kind: type[FhirClient]
) -> None:
    records = own_year()
    with kind(hapi) as client:
        sync(client, mapper, tmp_path, *([one] for one in records))
        found = read_patient(client, mapper, identifier(records))
    modalities = modalities_of(mapper.library)
    assert found.issues == []
    (there,) = plan_histories(found.records, modalities)
    (here,) = plan_histories(records, modalities)
    assert there.to_json() == here.to_json()
    assert [len(version.changes or ()) for version in here.versions] == [0, 3, 2, 4]
    assert there.versions[1].changes is not None
    assert [change.words for change in there.versions[1].changes] == [
        "Garden again: target 20 -> 24",
        "exercise-therapy: frequency 2/week -> 3/week",
        "ibuprofen-200mg: dose 400 mg -> 600 mg",
    ]
    assert without_places(trajectories(found.records, mapper.library)) == without_places(
        trajectories(records, mapper.library)
    )
    assert [one.proposed for one in achievements(found.records, mapper.library)] == ["achieved"]


def without_places(found: Any) -> list[Any]:
    """Return trajectories without where their values were read, which differs."""
    told = [one.to_json() for one in found]
    for one in told:
        points = [*one["points"], one["baseline"], one["latest"], one["best"]]
        for point in points:
            if point is not None:
                point.pop("source", None)
    return told


def test_goals_of_plans_that_were_sent_at_once_are_told_as_they_are_now(
    hapi: str, mapper: Mapper, tmp_path: Path
) -> None:
    records = own_year()
    with FhirClient(hapi) as client:
        sync(client, mapper, tmp_path, records)
        found = read_patient(client, mapper, identifier(records))
    told = {issue.number for issue in found.issues}
    (there,) = plan_histories(found.records, modalities_of(mapper.library))
    changes = [change for version in there.versions for change in version.changes or ()]
    assert told == {6152}, [str(issue) for issue in found.issues]
    assert [one.words for one in changes if one.part == "goal"] == []
    assert [one.words for one in changes if one.part == "medication"] == [
        "ibuprofen-200mg: dose 400 mg -> 600 mg",
        "medication stopped: ibuprofen-200mg",
    ]


def test_a_patient_that_the_server_does_not_have_is_told(hapi: str, mapper: Mapper) -> None:
    with FhirClient(hapi) as client, pytest.raises(PermanentRemoteError) as error:
        read_patient(client, mapper, ("https://clinic.example/mrn", f"none-{uuid.uuid4()}"))
    assert [issue.number for issue in error.value.issues] == [6151]


@pytest.mark.parametrize("name", sorted(load_protocols(load_library())))
def test_a_protocol_is_a_valid_plan_definition(hl7_validator: Validator, name: str) -> None:
    library = load_library()
    resource = plan_definition(load_protocols(library)[name], library)
    found = hl7_validator.validate(json_text.dump(resource).encode())
    assert [str(issue) for issue in found if issue.is_error] == []


def test_the_validator_sees_a_wrong_plan_definition(hl7_validator: Validator) -> None:
    library = load_library()
    resource = plan_definition(load_protocols(library)["muscle-strain"], library)
    wrong = json_text.dump({**resource, "status": "proposed"}).encode()
    assert any(issue.is_error for issue in hl7_validator.validate(wrong))
