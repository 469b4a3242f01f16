"""Clear records that share a resource with one of which nobody knows whether it arrived."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sync_world import LATER, QUICK, PlainRenderer, made, record, wait_no_longer

from fhir_backpain.client.client import FhirClient
from fhir_backpain.fhir.resource import MadeResource
from fhir_backpain.outbox.retry import RetryPolicy
from fhir_backpain.outbox.sqlite import SqliteStore
from fhir_backpain.record import SourceRecord
from fhir_backpain.sandbox.faults import FaultRule
from fhir_backpain.sync.push import Dispatcher
from fhir_backpain.sync.push_options import PushOptions, PushResult

Push = Callable[..., PushResult]
BUNDLE = {"method": "POST", "path": "^/fhir/?$"}
THERAPIST = made("Practitioner", "t1", {}).url


class TherapistRenderer(PlainRenderer):
    """All patients have the same therapist, of whom each record says the name."""

    def __call__(self, data: dict[str, Any]) -> list[MadeResource]:
        name = [{"family": data["therapist"]}]
        return [
            made("Practitioner", "t1", {"name": name}, shared=True),
            *super().__call__(data),
        ]


@pytest.fixture
def push(store: SqliteStore, client: FhirClient) -> Push:
    def run(*records: SourceRecord, retry: RetryPolicy = QUICK, **options: Any) -> PushResult:
        chosen = PushOptions(retry=retry, **{"patience": 5.0, **options})
        dispatcher = Dispatcher(store, client, TherapistRenderer(), options=chosen)
        dispatcher.append(records)
        return dispatcher.run_until_idle()

    return run


@pytest.fixture
def in_doubt(push: Push, fault: Callable[..., FaultRule], store: SqliteStore) -> None:
    """The therapist is called One, and then Two by a record whose answer was lost."""
    push(record("r1", "p1", therapist="One", at="2024-05-01"))
    fault("drop-after", times=1, **BUNDLE)
    lost = record("r2", "p2", therapist="Two", at="2024-06-01")
    push(lost, retry=LATER, patience=0.001)
    assert store.counts()["unclear"] == 1


def names(client: FhirClient) -> list[str]:
    """Return what the therapist was called, oldest first."""
    found = [entry["resource"]["name"][0]["family"] for entry in client.history(THERAPIST)]
    return found[::-1]


@pytest.mark.usefixtures("in_doubt")
@pytest.mark.parametrize("name", ["One", "Three"])
def test_what_a_later_record_says_is_written_over_what_an_unclear_one_has_left(
    push: Push, client: FhirClient, store: SqliteStore, name: str
) -> None:
    result = push(record("r3", "p3", therapist=name, at="2024-07-01"), patience=0.001)
    assert result.summary.records["sent"] == 1
    assert result.summary.records["conflict"] == 0
    assert names(client) == ["One", "Two", name]
    settle_what_is_unclear(store, push)
    assert names(client) == ["One", "Two", name]
    row = store.ledger(client.base_url, [THERAPIST])[THERAPIST]
    assert (row.version_id, row.key.id) == ("3", "r3")


@pytest.mark.usefixtures("in_doubt")
@pytest.mark.parametrize("name", ["Two", "Three"])
def test_what_an_earlier_record_says_does_not_replace_what_an_unclear_one_has_left(
    push: Push, client: FhirClient, store: SqliteStore, name: str
) -> None:
    result = push(record("r3", "p3", therapist=name, at="2024-05-15"), patience=0.001)
    assert result.summary.records["sent"] == 1
    settle_what_is_unclear(store, push)
    assert names(client) == ["One", "Two"]
    row = store.ledger(client.base_url, [THERAPIST])[THERAPIST]
    assert (row.version_id, row.key.id) == ("2", "r2")


@pytest.mark.usefixtures("in_doubt")
def test_what_nothing_of_ours_explains_is_still_not_overwritten(
    push: Push, client: FhirClient
) -> None:
    kind, resource_id = THERAPIST.split("/")
    theirs = made("Practitioner", "t1", {"name": [{"family": "Theirs"}]})
    client.put(kind, resource_id, theirs.text)
    result = push(record("r3", "p3", therapist="Three", at="2024-07-01"), patience=1.0)
    assert result.summary.records["conflict"] == 1
    assert names(client) == ["One", "Two", "Theirs"]


def settle_what_is_unclear(store: SqliteStore, push: Push) -> None:
    (unclear,) = store.entries(state="unclear")
    wait_no_longer(store)
    assert push().is_complete
    assert store.entry(unclear.id).state == "sent"
