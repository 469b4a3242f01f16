"""Versions whose answers were lost, and newer versions that took their place meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sync_world import LATER, QUICK, PlainRenderer, made, record, wait_no_longer

from fhir_backpain.client.client import FhirClient
from fhir_backpain.errors import AmbiguousRemoteError, RemoteError, TransientRemoteError
from fhir_backpain.fhir.json_text import dump
from fhir_backpain.outbox.entry import Settlement
from fhir_backpain.outbox.sqlite import SqliteStore
from fhir_backpain.record import SourceRecord
from fhir_backpain.sandbox.faults import FaultRule
from fhir_backpain.sync.delivery_report import RecordFate
from fhir_backpain.sync.messages import HELD as PROBLEM
from fhir_backpain.sync.prepared import Prepared
from fhir_backpain.sync.push import Dispatcher
from fhir_backpain.sync.push_options import PushOptions, PushResult
from fhir_backpain.sync.retirement import RetirePolicy
from fhir_backpain.sync.tombstone import tombstone

Fault = Callable[..., FaultRule]
Push = Callable[..., PushResult]
BUNDLE = {"method": "POST", "path": "^/fhir/?$"}
SERVER = "https://fhir.example/r4"
PATIENT = made("Patient", "p1", {}).url
OBSERVATION = made("Observation", "p1 r1", {}).url


@pytest.fixture
def push(store: SqliteStore, client: FhirClient) -> Push:
    """Append records and push them, as a new process would each time."""

    def run(*records: SourceRecord, **options: Any) -> PushResult:
        chosen = PushOptions(**{"retry": QUICK, "patience": 5.0, **options})
        dispatcher = Dispatcher(store, client, PlainRenderer(), options=chosen)
        dispatcher.append(records)
        return dispatcher.run_until_idle()

    return run


@pytest.fixture
def lose(push: Push, fault: Fault, store: SqliteStore) -> Callable[..., None]:
    """Push something whose answer does not come, and no more."""

    def run(one: SourceRecord, **options: Any) -> None:
        fault("drop-after", times=1, **BUNDLE)
        push(one, patience=0.001, retry=LATER, **options)
        assert store.counts()["unclear"] == 1
        wait_no_longer(store)

    return run


def removed(one: SourceRecord) -> SourceRecord:
    return SourceRecord(tombstone(one.data), one.location)


def test_what_a_lost_version_left_in_a_shared_resource_is_noted(
    push: Push, lose: Callable[..., None], store: SqliteStore, client: FhirClient
) -> None:
    push(record("r0", family="One"))
    lost = record("r1", family="Two", at="2024-06-01")
    lose(lost)
    assert push(removed(lost)).is_complete
    row = store.ledger(client.base_url, [PATIENT])[PATIENT]
    assert (row.version_id, row.key.id) == ("2", "r1")
    assert push(record("r2", family="Old")).summary.resources["Patient", "older"] == 1
    assert push(record("r3", family="Three", at="2024-07-01")).is_complete
    assert client.read(*PATIENT.split("/")).version_id == "3"


@pytest.mark.parametrize("retire", ["delete", "entered-in-error"])
def test_a_record_comes_back_that_a_lost_version_had_taken_back(
    push: Push, lose: Callable[..., None], client: FhirClient, retire: RetirePolicy
) -> None:
    push(record("r1"))
    lose(removed(record("r1")), retire=retire)
    assert push(record("r1", score=2), retire=retire).is_complete
    there = client.read(*OBSERVATION.split("/")).resource or {}
    assert (there["status"], there["valueInteger"]) == ("final", 2)


def test_a_deletion_whose_answer_was_lost_is_noted_even_where_the_creation_was_not(
    push: Push, lose: Callable[..., None], store: SqliteStore, client: FhirClient
) -> None:
    lose(record("r1"))
    lose(removed(record("r1")), retire="delete")
    assert push(retire="delete").is_complete
    assert store.ledger(client.base_url, [OBSERVATION])[OBSERVATION].retired == "deleted"


@pytest.mark.parametrize("retire", ["delete", "entered-in-error"])
def test_what_was_taken_back_and_a_lost_version_brought_again_is_taken_back_again(
    push: Push,
    lose: Callable[..., None],
    store: SqliteStore,
    client: FhirClient,
    retire: RetirePolicy,
) -> None:
    push(record("r1"))
    push(removed(record("r1")), retire=retire)
    lose(record("r1"), retire=retire)
    assert push(removed(record("r1")), retire=retire).is_complete
    told = [entry["request"]["method"] for entry in client.history(OBSERVATION)]
    assert told == ["DELETE" if retire == "delete" else "PUT", "PUT"] * 2
    row = store.ledger(client.base_url, [OBSERVATION])[OBSERVATION]
    assert row.retired == ("deleted" if retire == "delete" else retire)
    last = next(iter(client.history(OBSERVATION))).get("resource")
    assert (last and (last["status"], last["meta"]["versionId"])) == (
        None if retire == "delete" else (retire, "4")
    )


def test_what_was_taken_back_and_another_has_brought_again_waits_for_a_person(
    push: Push, lose: Callable[..., None], store: SqliteStore, client: FhirClient
) -> None:
    push(record("r1"))
    push(removed(record("r1")))
    store.append([record("r1")], client.base_url, "mapping-1")
    (leased,) = store.lease(client.base_url, "w", 1, 60)
    store.settle(client.base_url, [Settlement(leased.entry.id, leased.token, "unclear")])
    theirs = {**(client.read(*OBSERVATION.split("/")).resource or {}), "status": "amended"}
    client.put(*OBSERVATION.split("/"), dump(theirs))
    result = push(removed(record("r1")))
    assert result.summary.records["conflict"] == 1
    assert "the server holds version 3, 2 was expected" in result.summary.issues[0].text
    assert (client.read(*OBSERVATION.split("/")).resource or {})["status"] == "amended"
    (conflict,) = store.entries(state="conflict")
    store.replay(conflict.id)
    assert push().is_complete
    assert (client.read(*OBSERVATION.split("/")).resource or {})["status"] == "entered-in-error"


@pytest.mark.parametrize(
    ("kind", "status", "counts"),
    [
        (AmbiguousRemoteError, 500, True),
        (TransientRemoteError, 503, False),
        (AmbiguousRemoteError, None, False),
    ],
)
def test_a_busy_server_has_not_failed(
    store: SqliteStore, kind: type[RemoteError], status: int | None, counts: bool
) -> None:
    store.append([record("r1")], SERVER, "m")
    (leased,) = store.lease(SERVER, "w", 1, 60)
    error = kind(PROBLEM.issue("no"), status=status)
    assert RecordFate(Prepared.of(leased, []), "unclear", error).is_server_fault is counts


def test_a_version_that_was_replaced_while_it_was_leased_is_not_given_back(
    store: SqliteStore,
) -> None:
    store.append([record("r1", score=1)], SERVER, "m")
    (leased,) = store.lease(SERVER, "w", 9, 60)
    store.append([record("r1", score=2)], SERVER, "m")
    store.release(SERVER, [leased.token])
    assert store.entry(leased.entry.id).state == "superseded"
    (again,) = store.lease(SERVER, "w", 9, 60)
    assert (again.data["score"], again.read_back) == (2, False)


@pytest.mark.parametrize("state", ["queued", "unclear"])
def test_a_version_takes_over_the_place_of_one_that_was_leased(
    store: SqliteStore, state: Any
) -> None:
    store.append([record("r1", score=1), record("r2")], SERVER, "m")
    (leased,) = store.lease(SERVER, "w", 1, 60)
    store.append([record("r1", score=2)], SERVER, "m")
    store.settle(SERVER, [Settlement(leased.entry.id, leased.token, state)])
    again = store.lease(SERVER, "w", 9, 60)
    assert [(one.entry.key.id, one.read_back) for one in again] == [
        ("r1", state == "unclear"),
        ("r2", False),
    ]
