"""Sending to HAPI: the important rows of the fault matrix against a real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from fhir_backpain.client.client import FhirClient
from fhir_backpain.errors import AmbiguousRemoteError, ConflictError, PermanentRemoteError
from fhir_backpain.fhir.resource import MadeResource
from fhir_backpain.outbox.sqlite import SqliteStore
from fhir_backpain.record import SourceRecord
from fhir_backpain.sync.connection import strategy_for
from fhir_backpain.sync.messages import KEEPS_FAILING as PROBLEM
from fhir_backpain.sync.push import Dispatcher
from fhir_backpain.sync.push_options import PushOptions, PushResult
from tests.unit.sync.sync_world import QUICK, PlainRenderer, record


class OwnRenderer(PlainRenderer):
    """Ids and identifiers of this test alone: the tests share the server."""

    def __init__(self) -> None:
        super().__init__()
        self.prefix = uuid4().hex[:8]

    def __call__(self, data: dict[str, Any]) -> list[MadeResource]:
        renamed = {**data, "id": f"{self.prefix}-{data['id']}"}
        identifier = dict(data["patient"]["identifier"])
        identifier["value"] = f"{self.prefix}-{identifier['value']}"
        renamed["patient"] = {**data["patient"], "identifier": identifier}
        return [
            one._replace(text=json.dumps({**json.loads(one.text), "identifier": _own(one)}))
            for one in super().__call__(renamed)
        ]


def _own(one: MadeResource) -> list[dict[str, str]]:
    return [{"system": "https://clinic.example/ids", "value": one.id}]


@pytest.fixture
def renderer() -> OwnRenderer:
    return OwnRenderer()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with SqliteStore(tmp_path / "outbox.db") as opened:
        yield opened


class IdsRefused(FhirClient):
    """The same server, which says that it assigns ids itself; `lost` answers never come."""

    lost = 0

    def capabilities(self) -> Any:
        found = super().capabilities()
        for rest in found.statement["rest"]:
            for resource in rest["resource"]:
                resource["updateCreate"] = False
        return found

    def transaction(self, bundle: str) -> Any:
        reply = super().transaction(bundle)
        if self.lost:
            self.lost -= 1
            raise AmbiguousRemoteError(PROBLEM.issue("lost"))
        return reply


def push(store: SqliteStore, client: FhirClient, renderer: Any, *records: Any) -> PushResult:
    options = PushOptions(retry=QUICK, patience=30.0, bundle_size=20)
    dispatcher = Dispatcher(store, client, renderer, options=options)
    dispatcher.append(records)
    return dispatcher.run_until_idle()


def many(count: int = 30, patients: int = 6) -> list[SourceRecord]:
    return [record(f"r{n}", f"p{n % patients}", score=n) for n in range(count)]


def there(client: FhirClient, renderer: OwnRenderer, data: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the server holds of a record's resources, found by identifier."""
    found = []
    for one in renderer(data):
        criterion = ("identifier", f"https://clinic.example/ids|{one.id}")
        found += [entry["resource"] for entry in client.search(one.type, [criterion])]
    return found


def test_what_hapi_says_and_shows(hapi: str) -> None:
    with FhirClient(hapi) as client:
        capabilities, seen = client.capabilities(), client.preflight()
        strategy = strategy_for(capabilities, seen)
    assert (capabilities.release, seen.searching, seen.unknown_parameters) == (
        "R4", "exact", "refused",
    )  # fmt: skip
    assert strategy.mode == "transaction"
    assert strategy.words("Observation").startswith("PUT at our id")


@pytest.mark.parametrize("kind", [FhirClient, IdsRefused])
def test_each_identity_is_there_once_and_changes_in_place(
    hapi: str, store: SqliteStore, renderer: OwnRenderer, kind: type[FhirClient]
) -> None:
    with kind(hapi) as client:
        assert push(store, client, renderer, *many()).is_complete
        result = push(store, client, renderer, *many())
        assert result.summary.records["sent"] == 0
        changed = record("r7", "p1", score=700)
        assert push(store, client, renderer, changed).is_complete
        patient, observation = there(client, renderer, changed.data)
        assert observation["valueInteger"] == 700
        assert observation["meta"]["versionId"] == "2"
        assert observation["subject"]["reference"] == f"Patient/{patient['id']}"
        assert patient["meta"]["versionId"] == "1"
        own = patient["id"] == renderer(changed.data)[0].id
        assert own is (kind is FhirClient)


def test_rows_15_29_a_lost_answer_creates_nothing_twice(
    hapi: str, store: SqliteStore, renderer: OwnRenderer
) -> None:
    with IdsRefused(hapi) as client:
        for one in many():  # HAPI keeps the results of searches for a minute
            assert there(client, renderer, one.data) == []
        client.lost = 2
        assert push(store, client, renderer, *many()).is_complete
        for one in many():
            assert [held["meta"]["versionId"] for held in there(client, renderer, one.data)] == [
                "1", "1",
            ]  # fmt: skip


@pytest.mark.parametrize("kind", [FhirClient, IdsRefused])
def test_row_23_a_version_of_somebody_else_is_kept(
    hapi: str, store: SqliteStore, renderer: OwnRenderer, kind: type[FhirClient]
) -> None:
    with kind(hapi) as client:
        push(store, client, renderer, record("r1"), record("r2", "p2"))
        (_, held) = there(client, renderer, record("r1").data)
        held["valueInteger"] = 99
        client.put("Observation", held["id"], json.dumps(held, default=float))
        with pytest.raises(ConflictError) as caught:
            client.put("Observation", held["id"], json.dumps(held, default=float), if_match="1")
        assert caught.value.status in (409, 412)
        result = push(store, client, renderer, record("r1", score=2), record("r2", "p2", score=2))
        assert result.summary.records["conflict"] == 1
        assert result.summary.records["sent"] == 1
        assert there(client, renderer, record("r1").data)[1]["valueInteger"] == 99


@pytest.mark.parametrize("kind", [FhirClient, IdsRefused])
def test_row_33_what_was_deleted_stays_deleted(
    hapi: str, store: SqliteStore, renderer: OwnRenderer, kind: type[FhirClient]
) -> None:
    with kind(hapi) as client:
        push(store, client, renderer, record("r1"))
        (_, held) = there(client, renderer, record("r1").data)
        client.delete("Observation", held["id"])
        result = push(store, client, renderer, record("r1", score=2))
        assert result.summary.records["conflict"] == 1, str(result)
        with pytest.raises(PermanentRemoteError) as caught:
            client.read("Observation", held["id"])
        assert caught.value.status == 410


def test_row_24_several_matches_are_left_alone(
    hapi: str, store: SqliteStore, renderer: OwnRenderer
) -> None:
    with IdsRefused(hapi) as client:
        patient = json.loads(renderer(record("r1").data)[0].text)
        del patient["id"]
        for _ in range(2):
            client.create("Patient", json.dumps(patient))
        result = push(store, client, renderer, record("r1"), record("r2", "p2"))
        assert (result.summary.records["conflict"], result.summary.records["sent"]) == (1, 1)
        assert len(there(client, renderer, record("r1").data)) == 2


def test_row_26_the_record_at_fault_is_named(
    hapi: str, store: SqliteStore, renderer: OwnRenderer
) -> None:
    records = many()
    records[7].data["wrong"] = True
    with FhirClient(hapi) as client:
        result = push(store, client, renderer, *records)
    assert (result.summary.records["rejected"], result.summary.records["sent"]) == (1, 29)
    (issue,) = result.summary.issues
    assert issue.source is not None
    assert issue.source.line == 8
