"""What a record no longer makes is taken back together with what takes its place."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import pytest
from sync_world import QUICK, made, record

from fhir_backpain.client.client import FhirClient
from fhir_backpain.errors import AmbiguousRemoteError, MappingFailed
from fhir_backpain.fhir.json_text import dump
from fhir_backpain.fhir.resource import MadeResource
from fhir_backpain.outbox.sqlite import SqliteStore
from fhir_backpain.record import SourceRecord
from fhir_backpain.sandbox.faults import FaultRule
from fhir_backpain.sandbox.server import SandboxServer
from fhir_backpain.sync.messages import HELD as PROBLEM
from fhir_backpain.sync.push import Dispatcher
from fhir_backpain.sync.push_options import PushOptions, PushResult
from fhir_backpain.sync.retirement import entered_in_error, is_entered_in_error

Fault = Callable[..., FaultRule]
BUNDLE = {"method": "POST", "path": "^/fhir/?$"}
VERIFICATION = {
    "coding": [
        {
            "system": "http://terminology.hl7.org/CodeSystem/condition-ver-status",
            "code": "entered-in-error",
            "display": "Entered in Error",
        }
    ]
}


class PartsRenderer:
    """A patient that all records share, and for each part (``Type name``) a resource of its own."""

    version = "parts-1"

    def __call__(self, data: dict[str, Any]) -> list[MadeResource]:
        patient = made("Patient", data["patient"]["identifier"]["value"], {}, shared=True)
        if data.get("unusable"):
            raise MappingFailed(PROBLEM.issue("no"))
        resources = [patient] if data["parts"] else []
        for part in data["parts"]:
            kind, _, name = part.partition(" ")
            bare = made(kind, f"{data['id']} {name}", {})
            whole = {**json.loads(bare.text), **content(kind, data, patient.url)}
            resources.append(MadeResource(kind, bare.id, dump(whole)))
        return resources


def content(kind: str, data: dict[str, Any], patient: str) -> dict[str, Any]:
    subject = {"reference": patient}
    if kind == "Observation":
        value = {"value": data["score"]}
        return {"status": "final", "subject": subject, "valueQuantity": value}
    if kind == "Condition":
        return {"clinicalStatus": {"text": "active"}, "subject": subject}
    if kind == "Goal":
        return {"lifecycleStatus": "active", "subject": subject}
    if kind == "Provenance":
        return {"target": [subject], "recorded": "2024-05-01T00:00:00Z"}
    return {"status": "active", "subject": subject}


def exam(*parts: str, name: str = "r1", **extra: Any) -> SourceRecord:
    return record(name, parts=list(parts), **extra)


Push = Callable[..., PushResult]


@pytest.fixture
def push(store: SqliteStore, client: FhirClient) -> Push:
    """Append records and push them, as a new process would each time."""

    def run(*records: SourceRecord, renderer: Any = None, **options: Any) -> PushResult:
        chosen = PushOptions(retry=QUICK, patience=2.0, **options)
        dispatcher = Dispatcher(store, client, renderer or PartsRenderer(), options=chosen)
        dispatcher.append(records)
        return dispatcher.run_until_idle()

    return run


def url_of(part: str, name: str = "r1") -> str:
    kind, _, rest = part.partition(" ")
    return made(kind, f"{name} {rest}", {}).url


def there(client: FhirClient, part: str, name: str = "r1") -> dict[str, Any] | None:
    """Return what the server holds, None where it was deleted."""
    entries = list(client.history(url_of(part, name)))
    resource: dict[str, Any] | None = entries[0].get("resource")
    return resource


def statuses(client: FhirClient, *parts: str) -> list[str | None]:
    return [found["status"] if (found := there(client, part)) else None for part in parts]


def retired(result: PushResult) -> dict[str, int]:
    found = result.summary.to_json()["resources"]
    return {kind: counts["retired"] for kind, counts in found.items() if counts["retired"]}


def watched(client: FhirClient, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Return a list to which each transaction that is sent is added."""
    bundles: list[dict[str, Any]] = []
    real = client.transaction

    def sending(bundle: str) -> Any:
        bundles.append(json.loads(bundle, parse_float=Decimal))
        return real(bundle)

    monkeypatch.setattr(client, "transaction", sending)
    return bundles


def requests(bundle: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    asked = [entry["request"] for entry in bundle["entry"]]
    return [(one["method"], one["url"], one.get("ifMatch")) for one in asked]


def test_a_corrected_side_retires_the_old_observation_in_the_same_transaction(
    push: Push, client: FhirClient, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(exam("Observation left", "Provenance", score=Decimal("1.50")))
    bundles = watched(client, monkeypatch)
    result = push(exam("Observation right", "Provenance", score=Decimal("1.50")))
    assert (result.is_complete, retired(result)) == (True, {"Observation": 1})
    assert result.summary.resources["Observation", "created"] == 1
    assert "retired" in result.summary.to_table().splitlines()[0]
    (bundle,) = bundles
    assert requests(bundle) == [
        ("PUT", url_of("Observation right"), None),
        ("PUT", url_of("Observation left"), 'W/"1"'),
    ]
    old = bundle["entry"][1]["resource"]
    assert str(old["valueQuantity"]["value"]) == "1.50"
    assert "meta" not in old
    assert statuses(client, "Observation left", "Observation right") == [
        "entered-in-error", "final",
    ]  # fmt: skip
    again = push(exam("Observation right", "Provenance", score=Decimal("1.50")))
    assert (again.summary.records["unchanged"], len(bundles)) == (1, 1)
    row = store.ledger(client.base_url, [url_of("Observation left")])[url_of("Observation left")]
    assert (row.retired, row.version_id) == ("entered-in-error", "2")
    assert store.ledger_size(client.base_url) == 4
    changed = push(exam("Observation right", "Provenance", score=2))
    assert (retired(changed), len(list(client.history(row.url)))) == ({}, 2)


def test_what_is_made_again_is_written_again(
    push: Push, client: FhirClient, store: SqliteStore
) -> None:
    push(exam("Observation left"))
    push(exam("Observation right"))
    result = push(exam("Observation left"))
    assert result.summary.to_json()["resources"]["Observation"] == {
        "created": 0, "updated": 1, "unchanged": 0, "older": 0, "retired": 1,
    }  # fmt: skip
    assert statuses(client, "Observation left", "Observation right") == [
        "final", "entered-in-error",
    ]  # fmt: skip
    live = store.ledger_of(client.base_url, [store.entries()[0].key])
    assert [row.url for row in live] == [url_of("Observation left")]


def test_a_record_may_retire_everything_and_shared_resources_stay(
    push: Push, client: FhirClient, store: SqliteStore
) -> None:
    push(exam("Observation left", "Observation right"), exam("Observation left", name="r2"))
    result = push(exam())
    assert (result.is_complete, retired(result)) == (True, {"Observation": 2})
    assert result.summary.records["sent"] == 1
    assert client.count("Patient") == 1
    other = there(client, "Observation left", "r2")
    assert other is not None
    assert other["status"] == "final"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("Observation", {"status": "entered-in-error"}),
        ("QuestionnaireResponse", {"status": "entered-in-error"}),
        ("CarePlan", {"status": "entered-in-error"}),
        ("ServiceRequest", {"status": "entered-in-error"}),
        ("MedicationRequest", {"status": "entered-in-error"}),
        ("CareTeam", {"status": "entered-in-error"}),
        ("Encounter", {"status": "entered-in-error"}),
        ("Goal", {"lifecycleStatus": "entered-in-error"}),
        ("Condition", {"clinicalStatus": None, "verificationStatus": VERIFICATION}),
    ],
)
def test_each_type_says_in_its_own_way_that_it_was_an_error(
    push: Push, client: FhirClient, kind: str, expected: dict[str, Any]
) -> None:
    push(exam(f"{kind} one", "Observation stays"))
    result = push(exam("Observation stays"))
    assert retired(result) == {kind: 1}
    found = there(client, f"{kind} one")
    assert found is not None
    assert {name: found.get(name) for name in expected} == expected
    assert is_entered_in_error(found)


def test_a_type_without_such_a_status_is_deleted(
    push: Push, client: FhirClient, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(exam("Observation one", "Provenance"))
    bundles = watched(client, monkeypatch)
    result = push(exam("Observation one"))
    assert requests(bundles[0]) == [("DELETE", url_of("Provenance"), 'W/"1"')]
    assert (retired(result), there(client, "Provenance")) == ({"Provenance": 1}, None)
    assert store.ledger_size(client.base_url) == 2
    assert url_of("Provenance") not in set(store.ledger_urls(client.base_url))
    again = push(exam("Observation one", "Provenance"))
    assert again.summary.resources["Provenance", "created"] == 1
    assert there(client, "Provenance") is not None


def test_an_abated_condition_keeps_to_its_invariants() -> None:
    condition = {
        "resourceType": "Condition",
        "meta": {"versionId": "3", "profile": ["http://example.org/p"]},
        "clinicalStatus": {"text": "resolved"},
        "abatementDateTime": "2024",
        "_abatementDateTime": {"id": "a"},
        "code": {"text": "pain"},
    }
    assert entered_in_error(condition) == {
        "resourceType": "Condition",
        "meta": {"profile": ["http://example.org/p"]},
        "code": {"text": "pain"},
        "verificationStatus": VERIFICATION,
    }
    assert not is_entered_in_error(condition)
    assert "_status" not in (
        entered_in_error({"resourceType": "Observation", "_status": {"id": "x"}}) or {}
    )


@pytest.mark.parametrize("gone", ["deleted", "entered-in-error"])
def test_what_is_gone_already_is_not_written(
    push: Push, client: FhirClient, store: SqliteStore, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    push(exam("Observation left", "Observation stays"))
    kind, name = url_of("Observation left").split("/")
    if gone == "deleted":
        client.delete(kind, name)
    else:
        client.put(kind, name, json.dumps({**there_is(client), "status": gone}))
    bundles = watched(client, monkeypatch)
    result = push(exam("Observation stays", score=2))
    assert (result.is_complete, retired(result)) == (True, {"Observation": 1})
    assert [url for _, url, _ in requests(bundles[0])] == [url_of("Observation stays")]
    url = url_of("Observation left")
    assert store.ledger(client.base_url, [url])[url].retired == gone


def there_is(client: FhirClient) -> dict[str, Any]:
    found = there(client, "Observation left")
    assert found is not None
    return found


def test_deletion_can_be_chosen(push: Push, client: FhirClient, store: SqliteStore) -> None:
    push(exam("Observation left"))
    result = push(exam("Observation right"), retire="delete")
    assert (result.is_complete, retired(result)) == (True, {"Observation": 1})
    assert statuses(client, "Observation left", "Observation right") == [None, "final"]
    assert store.ledger_size(client.base_url) == client.count("Observation") + 1
    again = push(exam("Observation left"), retire="delete")
    assert again.is_complete
    assert statuses(client, "Observation left", "Observation right") == ["final", None]


@pytest.mark.parametrize("mode", ["transaction", "batch", "put"])
def test_what_cannot_be_deleted_is_marked(
    push: Push, client: FhirClient, fault: Fault, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setattr("fhir_backpain.sync.connection.mode_of", lambda _: mode)
    push(exam("Observation left", "Observation stays"))
    if mode == "put":
        fault("status", {"status": 409}, method="DELETE")
    else:
        # The transaction has the new observation, the old one, and no more; a batch has the old
        # one in a request of its own.
        index, nth = (1, 1) if mode == "transaction" else (0, 2)
        fault("entry", {"index": index, "status": 409}, **BUNDLE, nth=nth)
    changed = exam("Observation right", "Observation stays")
    result = push(changed, retire="delete")
    assert (result.is_complete, retired(result)) == (True, {"Observation": 1})
    assert statuses(client, "Observation left", "Observation right") == [
        "entered-in-error", "final",
    ]  # fmt: skip


def test_what_the_record_dropped_can_be_kept(push: Push, client: FhirClient) -> None:
    push(exam("Observation left"))
    result = push(exam("Observation right"), retire="keep")
    assert (result.is_complete, retired(result)) == (True, {})
    assert statuses(client, "Observation left", "Observation right") == ["final", "final"]


@pytest.mark.parametrize("retire", ["entered-in-error", "delete"])
@pytest.mark.parametrize("status", [409, 412])
def test_what_someone_changes_meanwhile_is_not_overwritten(
    push: Push,
    client: FhirClient,
    store: SqliteStore,
    fault: Fault,
    monkeypatch: pytest.MonkeyPatch,
    retire: str,
    status: int,
) -> None:
    push(exam("Observation left"), exam("Observation one", name="r2"))
    fault("conflict-status", {"status": status}, **BUNDLE)
    real = client.transaction

    def late(bundle: str) -> Any:
        """Send after someone else has written."""
        kind, name = url_of("Observation left").split("/")
        client.put(kind, name, json.dumps({**there_is(client), "status": "amended"}))
        return real(bundle)

    monkeypatch.setattr(client, "transaction", late)
    changed = (exam("Observation right"), exam("Observation two", name="r2"))
    result = push(*changed, retire=retire)
    counts = {state: count for state, count in store.counts().items() if count}
    assert counts == {"sent": 3, "conflict": 1}
    assert result.summary.issues[0].code == "conflict"
    assert there_is(client)["status"] == "amended"
    assert list(client.search("Observation", [("_id", url_of("Observation right")[12:])])) == []
    monkeypatch.undo()
    (conflict,) = store.entries(state="conflict")
    store.replay(conflict.id)
    assert push(retire=retire).is_complete
    after = there(client, "Observation left")
    assert (after and after["status"]) == (None if retire == "delete" else "entered-in-error")


@pytest.mark.parametrize("retire", ["entered-in-error", "delete"])
@pytest.mark.parametrize("kind", ["drop-before", "drop-after"])
def test_a_lost_answer_retires_once(
    push: Push, client: FhirClient, store: SqliteStore, fault: Fault, kind: str, retire: str
) -> None:
    push(exam("Observation left", "Observation more"))
    fault(kind, **BUNDLE, times=1)
    result = push(exam("Observation right"), retire=retire)
    assert result.is_complete
    assert result.summary.records["sent"] == 1
    assert result.summary.to_json()["resources"]["Observation"] == {
        "created": 1, "updated": 0, "unchanged": 0, "older": 0, "retired": 2,
    }  # fmt: skip
    assert len(list(client.history(url_of("Observation left")))) == 2
    assert len(list(client.history(url_of("Observation right")))) == 1
    assert store.ledger_size(client.base_url) == sum(map(client.count, ("Patient", "Observation")))


@pytest.mark.parametrize("retire", ["entered-in-error", "delete"])
def test_a_record_that_only_lost_resources_counts_as_sent_after_a_lost_answer(
    push: Push, fault: Fault, retire: str
) -> None:
    push(exam("Observation left", "Observation more"))
    fault("drop-after", **BUNDLE, times=1)
    result = push(exam("Observation left"), retire=retire)
    assert (result.summary.records["sent"], retired(result)) == (1, {"Observation": 1})


def test_what_a_lost_version_brought_is_retired_by_the_next(
    store: SqliteStore, client: FhirClient, push: Push, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(exam("Observation left"))
    real = client.transaction

    def lost(bundle: str) -> Any:
        real(bundle)
        raise AmbiguousRemoteError(PROBLEM.issue("lost"))

    monkeypatch.setattr(client, "transaction", lost)
    options = PushOptions(retry=QUICK, patience=0.0)
    dispatcher = Dispatcher(store, client, PartsRenderer(), options=options)
    dispatcher.append([exam("Observation right")])
    dispatcher.run_until_idle()
    assert store.counts()["unclear"] == 1
    monkeypatch.undo()
    # Nobody knows that the right side is there: the ledger does not have it.
    result = push(exam("Observation left", score=2))
    assert (result.is_complete, retired(result)) == (True, {"Observation": 1})
    assert statuses(client, "Observation left", "Observation right") == [
        "final", "entered-in-error",
    ]  # fmt: skip
    assert store.ledger_size(client.base_url) == 3
    assert len(list(client.history(url_of("Observation right")))) == 2


def test_a_version_that_cannot_be_mapped_retires_nothing(push: Push, client: FhirClient) -> None:
    push(exam("Observation left"))
    result = push(exam(unusable=True))
    assert result.summary.records["rejected"] == 1
    assert statuses(client, "Observation left") == ["final"]


def test_a_refused_version_retires_nothing(
    push: Push, client: FhirClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for mode in ("transaction", "batch", "put"):
        monkeypatch.setattr("fhir_backpain.sync.connection.mode_of", lambda _, mode=mode: mode)
        push(exam("Observation left"))
        result = push(exam("Observation right"), renderer=Dangling())
        assert result.summary.records["rejected"] == 1
        assert statuses(client, "Observation left") == ["final"]


class Dangling(PartsRenderer):
    """Its observations refer to what is nowhere."""

    version = "dangling"

    def __call__(self, data: dict[str, Any]) -> list[MadeResource]:
        resources = super().__call__(data)
        bad = {**json.loads(resources[-1].text), "performer": [{"reference": "Practitioner/none"}]}
        last = resources[-1]
        return [*resources[:-1], MadeResource(last.type, last.id, json.dumps(bad))]


def test_many_records_retire_in_bundles_of_the_given_size(
    push: Push, client: FhirClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def records(*parts: str) -> Iterable[SourceRecord]:
        return [exam(*parts, name=f"r{n}", patient=f"p{n % 7}") for n in range(40)]

    push(*records("Observation a", "Observation b", "CarePlan c"))
    bundles = watched(client, monkeypatch)
    result = push(*records("Observation a", "Observation d"), bundle_size=10)
    assert retired(result) == {"Observation": 40, "CarePlan": 40}
    assert max(len(bundle["entry"]) for bundle in bundles) <= 10
    for bundle in bundles:
        order = [if_match is not None for _, _, if_match in requests(bundle)]
        assert order == sorted(order)
    assert len(bundles) == 14  # three entries for each record, three records in each bundle


def test_a_server_without_versions_is_written_to_without_a_condition(
    push: Push, client: FhirClient, server: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = client.read

    def unversioned(*where: str) -> Any:
        reply = real(*where)
        assert reply.resource is not None
        reply.resource.pop("meta")
        return reply

    push(exam("Observation left"))
    monkeypatch.setattr(client, "read", unversioned)
    bundles = watched(client, monkeypatch)
    assert push(exam("Observation right")).is_complete
    assert requests(bundles[0])[1] == ("PUT", url_of("Observation left"), None)
