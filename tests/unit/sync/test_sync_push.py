"""Pushing to a real sandbox server, with and without faults."""

from __future__ import annotations

import json
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sync_world import LATER, QUICK, PlainRenderer, made, record, wait_no_longer

from fhir_backpain.client.client import FhirClient
from fhir_backpain.errors import AmbiguousRemoteError, SettingsError
from fhir_backpain.outbox.retry import RetryPolicy
from fhir_backpain.outbox.sqlite import SqliteStore
from fhir_backpain.record import SourceRecord
from fhir_backpain.sandbox.faults import FaultRule
from fhir_backpain.sandbox.server import SandboxServer
from fhir_backpain.sync.messages import HELD as PROBLEM
from fhir_backpain.sync.push import Dispatcher
from fhir_backpain.sync.push_options import PushOptions, PushResult

Fault = Callable[..., FaultRule]
BUNDLE = {"method": "POST", "path": "^/fhir/?$"}


def many(count: int, patients: int = 5) -> list[SourceRecord]:
    return [record(f"r{n}", f"p{n % patients}", score=n) for n in range(count)]


def versions(client: FhirClient) -> Counter[str]:
    """Return the number of versions by resource type."""
    entries = client.history(parameters=[("_count", "200")])
    return Counter(entry["resource"]["resourceType"] for entry in entries)


def held(client: FhirClient, kind: str, name: str) -> dict[str, Any]:
    return client.read(kind, made(kind, name, {}).id).resource or {}


def states(store: SqliteStore) -> dict[str, int]:
    return {state: count for state, count in store.counts().items() if count}


def test_everything_arrives_once(dispatcher: Dispatcher, client: FhirClient) -> None:
    dispatcher.append(many(30))
    result = dispatcher.run_until_idle()
    assert result.is_complete
    assert result.summary.records["sent"] == 30
    assert result.summary.to_json()["resources"] == {
        "Observation": {"created": 30, "updated": 0, "unchanged": 0, "older": 0, "retired": 0},
        "Patient": {"created": 5, "updated": 0, "unchanged": 25, "older": 0, "retired": 0},
    }
    assert versions(client) == {"Observation": 30, "Patient": 5}


def test_a_second_run_sends_nothing(
    dispatcher: Dispatcher, client: FhirClient, fault: Fault
) -> None:
    dispatcher.append(many(10))
    dispatcher.run_until_idle()
    watched = fault("delay", {"seconds": 0}, **BUNDLE)
    dispatcher.append(many(10))
    result = dispatcher.run_until_idle()
    assert (result.summary.records["unchanged"], watched.seen) == (10, 0)


def test_a_new_mapping_sends_what_it_changes(
    store: SqliteStore, client: FhirClient, dispatcher: Dispatcher, fault: Fault
) -> None:
    dispatcher.append(many(10))
    dispatcher.run_until_idle()
    watched = fault("delay", {"seconds": 0}, **BUNDLE)
    second = Dispatcher(store, client, PlainRenderer("mapping-2"))
    second.append(many(10))
    result = second.run_until_idle()
    assert (result.summary.records["unchanged"], watched.seen) == (10, 0)
    assert [one.status for one in second.append(many(10))] == ["unchanged"] * 10


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
@pytest.mark.parametrize("runs", [1, 3])
def test_the_latest_record_wins_whatever_the_order(
    dispatcher: Dispatcher, client: FhirClient, order: tuple[int, ...], runs: int
) -> None:
    ages = ["2024-05-01", "2024-05-02T00:30:00+02:00", "2024-05-02"]
    records = [record(f"r{n}", at=ages[n], family=f"Name{n}") for n in range(3)]
    for batch in [[records[n]] for n in order] if runs == 3 else [[records[n] for n in order]]:
        dispatcher.append(batch)
        result = dispatcher.run_until_idle()
        assert result.is_complete
    assert held(client, "Patient", "p1")["name"] == [{"family": "Name2"}]


def test_older_versions_of_a_shared_resource_are_counted(
    dispatcher: Dispatcher, client: FhirClient
) -> None:
    dispatcher.append([record("r1", at="2024-06-01", family="New")])
    dispatcher.run_until_idle()
    dispatcher.append([record("r2", at="2024-05-01", family="Old")])
    result = dispatcher.run_until_idle()
    assert result.summary.resources["Patient", "older"] == 1
    assert result.summary.records["sent"] == 1
    # A correction of the record itself counts, whatever time it names.
    dispatcher.append([record("r1", at="2024-04-01", family="Corrected")])
    dispatcher.run_until_idle()
    assert held(client, "Patient", "p1")["name"] == [{"family": "Corrected"}]


def test_a_record_that_says_little_of_a_patient_keeps_no_older_one_from_telling(
    dispatcher: Dispatcher, client: FhirClient
) -> None:
    dispatcher.append([record("r1", at="2024-06-01", family="?", silent=True)])
    dispatcher.run_until_idle()
    dispatcher.append([record("r2", at="2024-05-01", family="Told")])
    dispatcher.run_until_idle()
    assert held(client, "Patient", "p1")["name"] == [{"family": "Told"}]
    dispatcher.append([record("r1", at="2024-06-01", score=2, family="?", silent=True)])
    dispatcher.run_until_idle()
    assert held(client, "Patient", "p1")["name"] == [{"family": "Told"}]


def test_an_unchanged_resource_counts_as_of_its_latest_record(
    dispatcher: Dispatcher, client: FhirClient
) -> None:
    for name, at, family in (("r1", "2024-01-01", "A"), ("r2", "2024-05-01", "A")):
        dispatcher.append([record(name, at=at, family=family)])
        dispatcher.run_until_idle()
    dispatcher.append([record("r3", at="2024-03-01", family="B")])
    dispatcher.run_until_idle()
    assert held(client, "Patient", "p1")["name"] == [{"family": "A"}]


def test_a_record_that_cannot_be_mapped_is_rejected_with_its_place(
    store: SqliteStore, client: FhirClient
) -> None:
    class Failing(PlainRenderer):
        def __call__(self, data: dict[str, Any]) -> list[Any]:
            if data["id"] == "r2":
                raise SettingsError(PROBLEM.issue("no"))
            return super().__call__(data)

    dispatcher = Dispatcher(store, client, Failing())
    dispatcher.append(many(4))
    result = dispatcher.run_until_idle()
    assert states(store) == {"sent": 3, "rejected": 1}
    assert result.summary.issues[0].source is not None
    assert result.summary.issues[0].source.line == 3


def test_a_deleted_resource_is_not_brought_back_by_a_retry(
    dispatcher: Dispatcher, store: SqliteStore, client: FhirClient
) -> None:
    (receipt,) = dispatcher.append([record("r1")])
    dispatcher.run_until_idle()
    client.delete("Observation", made("Observation", "p1 r1", {}).id)
    store.replay(receipt.id)
    result = dispatcher.run_until_idle()
    assert states(store) == {"conflict": 1}
    assert result.summary.issues[0].code == "deleted"
    client.put(
        "Observation",
        (restored := made("Observation", "p1 r1", {"status": "final"})).id,
        restored.text,
    )
    store.replay(receipt.id)
    dispatcher.run_until_idle()
    assert states(store) == {"sent": 1}
    assert held(client, "Observation", "p1 r1")["valueInteger"] == 1


def test_a_replay_restores_what_was_changed_on_the_server(
    dispatcher: Dispatcher, store: SqliteStore, client: FhirClient
) -> None:
    (receipt,) = dispatcher.append([record("r1", family="Mine")])
    dispatcher.run_until_idle()
    other = made("Patient", "p1", {"name": [{"family": "Other"}]})
    client.put("Patient", other.id, other.text)
    store.replay(receipt.id)
    assert dispatcher.run_until_idle().summary.resources["Patient", "updated"] == 1
    assert held(client, "Patient", "p1")["name"] == [{"family": "Mine"}]


@pytest.mark.parametrize("split", [{"bundle_size": 2}, {"lease_limit": 1}])
@pytest.mark.parametrize("corrected", [False, True])
def test_what_may_have_arrived_is_not_undone_by_an_older_record(
    store: SqliteStore, client: FhirClient, fault: Fault, split: dict[str, Any], corrected: bool
) -> None:
    """The second attempt splits what went together: the older record must not win meanwhile."""
    fault("drop-after", times=1, **BUNDLE)
    options = PushOptions(retry=LATER, patience=0.001)
    first = Dispatcher(store, client, PlainRenderer(), options=options)
    first.append([record("r1", family="Old"), record("r2", family="New", at="2024-06-01")])
    first.run_until_idle()
    assert states(store) == {"unclear": 2}
    wait_no_longer(store)
    if corrected:
        first.append([record("r2", family="Newer", at="2024-06-01")])
    options = PushOptions(retry=QUICK, **split)
    result = Dispatcher(store, client, PlainRenderer(), options=options).run_until_idle()
    assert result.is_complete
    assert versions(client) == {"Observation": 2, "Patient": 1 + corrected}
    assert held(client, "Patient", "p1")["name"] == [{"family": "Newer" if corrected else "New"}]


def test_no_record_overtakes_an_earlier_one_of_its_patient_that_is_tried_again(
    store: SqliteStore, client: FhirClient, fault: Fault
) -> None:
    """Another patient's success does not let the rest of this one's records go."""
    fault("drop-before", times=1, **BUNDLE)
    fault("delay", {"seconds": 0.05}, **BUNDLE)
    options = PushOptions(retry=QUICK, bundle_size=2, in_flight=2)
    dispatcher = Dispatcher(store, client, PlainRenderer(), options=options)
    dispatcher.append([record(f"r{n}", patient) for patient in ("p1", "p2") for n in range(4)])
    assert dispatcher.run_until_idle().is_complete
    written = [entry["resource"]["id"] for entry in client.history(parameters=[("_count", "200")])][
        ::-1
    ]
    for patient in ("p1", "p2"):
        ids = [made("Observation", f"{patient} r{n}", {}).id for n in range(4)]
        assert sorted(ids, key=written.index) == ids


def test_no_record_overtakes_one_that_was_to_go_together_with_a_patient_who_waits(
    store: SqliteStore, client: FhirClient, fault: Fault
) -> None:
    """Two to a Bundle: q1 q2, q3 p1, p2 p3. The first waits, so the second is not sent either."""
    options = PushOptions(bundle_size=2, in_flight=1, retry=QUICK)
    dispatcher = Dispatcher(store, client, PlainRenderer(), options=options)
    dispatcher.append([record("q0", "q"), record("p0", "p")])
    assert dispatcher.run_until_idle().is_complete
    fault("status", {"status": 409}, times=2, **BUNDLE)  # both together, then the first alone
    dispatcher.append([record(f"q{n}", "q") for n in (1, 2, 3)])
    dispatcher.append([record(f"p{n}", "p") for n in (1, 2, 3)])
    assert dispatcher.run_until_idle().is_complete
    entries = client.history("Observation", parameters=[("_count", "200")])
    written = [entry["resource"]["id"] for entry in entries][::-1]
    for patient in ("q", "p"):
        ids = [made("Observation", f"{patient} {patient}{n}", {}).id for n in (1, 2, 3)]
        assert sorted(ids, key=written.index) == ids


def test_a_record_larger_than_a_bundle_goes_in_order_of_dependency(
    store: SqliteStore, client: FhirClient
) -> None:
    options = PushOptions(bundle_size=1, retry=QUICK)
    dispatcher = Dispatcher(store, client, PlainRenderer(), options=options)
    dispatcher.append([record("r1", problem="pain", focus=True)])
    assert dispatcher.run_until_idle().is_complete
    assert versions(client) == {"Patient": 1, "Condition": 1, "Observation": 1}


def test_an_unreachable_server_keeps_everything_queued(store: SqliteStore) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}/fhir"
        options = PushOptions(retry=QUICK, patience=0.2)
        with FhirClient(url) as client:
            dispatcher = Dispatcher(store, client, PlainRenderer(), options=options)
            dispatcher.append(many(5))
            result = dispatcher.run_until_idle()
    assert (result.reason, result.queued) == ("unreachable", 5)
    assert "server unreachable, 5 queued" in str(result)
    assert result.issues[0].code == "transient"
    assert states(store) == {"queued": 5}


def test_a_long_retry_after_ends_the_run_at_once(
    dispatcher: Dispatcher, store: SqliteStore, fault: Fault
) -> None:
    rule = fault("status", {"status": 429, "headers": {"Retry-After": "600"}}, **BUNDLE)
    dispatcher.append(many(5))
    result = dispatcher.run_until_idle()
    assert (result.reason, result.queued, rule.seen) == ("waiting", 5, 1)


@pytest.mark.parametrize("status", [401, 403, 302])
def test_a_closed_door_rejects_nothing(
    dispatcher: Dispatcher, store: SqliteStore, fault: Fault, status: int
) -> None:
    rule = fault("status", {"status": status}, **BUNDLE)
    dispatcher.append(many(5))
    result = dispatcher.run_until_idle()
    assert (result.reason, result.queued, rule.seen) == ("refused", 5, 1)
    assert states(store) == {"queued": 5}


def refusal(text: str) -> dict[str, Any]:
    """Return the settings of a fault: 422 with this text."""
    issue = {"severity": "error", "code": "processing", "diagnostics": text}
    return {
        "status": 422,
        "body": json.dumps({"resourceType": "OperationOutcome", "issue": [issue]}),
        "headers": {"Content-Type": "application/fhir+json"},
    }


def test_a_server_that_refuses_every_record_stops_the_run(
    dispatcher: Dispatcher, store: SqliteStore, server: SandboxServer, fault: Fault
) -> None:
    fault("status", refusal("Ids of clients are not taken: Patient/17."), **BUNDLE)
    dispatcher.append(many(300, 40))
    result = dispatcher.run_until_idle()
    assert (result.reason, result.queued) == ("refused", 280)
    assert states(store) == {"rejected": 20, "queued": 280}
    assert not any(entry.leased for entry in store.entries(limit=300))
    (issue,) = result.issues
    assert issue.number == 6055
    assert "Ids of clients are not taken" in issue.text
    assert "280 queued" in str(result)
    # Trying again costs no further record; once the server takes one, it gets them all.
    assert dispatcher.run_until_idle().reason == "refused"
    assert states(store) == {"rejected": 20, "queued": 280}
    server.faults.clear()
    assert dispatcher.run_until_idle().reason == "idle"
    assert states(store) == {"rejected": 20, "sent": 280}


def test_a_server_that_takes_one_record_may_refuse_all_others(
    dispatcher: Dispatcher, store: SqliteStore
) -> None:
    wrong = [record(f"r{n}", f"p{n}", wrong=True) for n in range(1, 41)]
    dispatcher.append([record("r0"), *wrong])
    result = dispatcher.run_until_idle()
    assert (result.reason, states(store)) == ("idle", {"sent": 1, "rejected": 40})


def test_records_that_are_refused_for_different_reasons_are_all_tried(
    dispatcher: Dispatcher, store: SqliteStore, fault: Fault
) -> None:
    fault("status", refusal("One reason."), **BUNDLE, probability=0.5, seed=3)
    fault("status", refusal("The other reason."), **BUNDLE)
    dispatcher.append(many(60, 60))
    result = dispatcher.run_until_idle()
    assert (result.reason, states(store)) == ("idle", {"rejected": 60})


def test_a_record_on_which_the_server_always_fails_is_given_up(
    store: SqliteStore, client: FhirClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = client.transaction

    def failing_on_nine(bundle: str) -> Any:
        if '"valueInteger": 9}' in bundle:
            raise AmbiguousRemoteError(PROBLEM.issue("broken"), status=500)
        return real(bundle)

    monkeypatch.setattr(client, "transaction", failing_on_nine)
    options = PushOptions(retry=RetryPolicy(base=0.01, cap=0.02, max_faults=3), patience=0.1)
    dispatcher = Dispatcher(store, client, PlainRenderer(), options=options)
    dispatcher.append([record("r1", "p1"), record("r2", "bad", score=9), record("r3", "p2")])
    for number in range(4, 14):  # new work in each run shows that the server is alive
        dispatcher.append([record(f"r{number}", "p3")])
        dispatcher.run_until_idle()
    assert states(store) == {"sent": 12, "rejected": 1}
    (entry,) = store.entries(state="rejected")
    assert (entry.key.id, entry.faults) == ("r2", 3)


def test_an_outage_with_500_rejects_nothing(store: SqliteStore, client: FhirClient) -> None:
    def failing(bundle: str) -> Any:
        raise AmbiguousRemoteError(PROBLEM.issue("down"), status=500)

    client.transaction = failing  # type: ignore[method-assign]
    options = PushOptions(retry=RetryPolicy(base=0.001, cap=0.002, max_faults=2), patience=0.4)
    dispatcher = Dispatcher(store, client, PlainRenderer(), options=options)
    dispatcher.append(many(3))
    result = dispatcher.run_until_idle()
    assert (result.reason, result.queued) == ("unreachable", 3)
    assert max(len(store.attempts(entry.id)) for entry in store.entries()) > 2


def test_running_forever_takes_up_new_work_until_it_is_stopped(
    dispatcher: Dispatcher, store: SqliteStore
) -> None:
    sent: list[int] = []

    def on_result(result: PushResult) -> None:
        sent.append(result.summary.records["sent"])
        if len(sent) == 3:
            dispatcher.stop()
        dispatcher.append([record(f"r{len(sent)}")])

    dispatcher.append([record("r0")])
    dispatcher.run_forever(0.01, on_result)
    assert sent == [1, 1, 1]
    assert store.counts()["queued"] == 1


def test_patients_data_stay_away_from_public_servers(store: SqliteStore) -> None:
    with FhirClient("https://hapi.fhir.org/baseR4") as public:
        dispatcher = Dispatcher(store, public, PlainRenderer())
        with pytest.raises(SettingsError) as caught:
            dispatcher.append([record("r1", test_data=False)])
    assert caught.value.issues[0].source is not None
    assert store.counts()["queued"] == 0


def test_values_of_the_record_stay_out_of_issues(
    dispatcher: Dispatcher, store: SqliteStore, fault: Fault
) -> None:
    outcome = {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": "value", "diagnostics": "bad name Canaryson here"}],
    }
    settings = {
        "status": 422,
        "body": json.dumps(outcome),
        "headers": {"Content-Type": "application/fhir+json"},
    }
    fault("status", settings, **BUNDLE)
    dispatcher.append([record("r1", family="Canaryson")])
    result = dispatcher.run_until_idle()
    assert "bad name [value] here" in result.summary.issues[0].text
    assert "Canaryson" not in str(result.summary.issues) + json.dumps(store.entries()[0].outcome)


def test_stop_gives_back_what_was_not_sent(
    dispatcher: Dispatcher, store: SqliteStore, fault: Fault
) -> None:
    dispatcher.append(many(5))
    dispatcher.stop()
    result = dispatcher.run_until_idle()
    assert (result.reason, result.queued) == ("stopped", 5)
    assert not any(entry.leased for entry in store.entries())


def test_progress_is_told(store: SqliteStore, client: FhirClient) -> None:
    seen: list[tuple[int, int]] = []

    class Watcher:
        def advanced(self, done: int, total: int, rate: float) -> None:
            seen.append((done, total))
            assert rate >= 0

    options = PushOptions(bundle_size=5)
    dispatcher = Dispatcher(store, client, PlainRenderer(), options=options, progress=Watcher())
    dispatcher.append(many(20))
    dispatcher.run_until_idle()
    assert seen[-1] == (20, 20)
    assert seen == sorted(seen)
    assert len(seen) > 1


@pytest.fixture(params=["batch", "put"])
def lesser_client(
    request: pytest.FixtureRequest, client: FhirClient, server: SandboxServer
) -> Iterator[FhirClient]:
    """A client of the same server that says it offers less."""
    statement = dict(client.capabilities().statement)
    (rest,) = statement["rest"]
    offered = [item for item in rest["interaction"] if item["code"] == request.param]
    statement["rest"] = [{**rest, "interaction": offered}]
    server.faults.add(
        FaultRule(
            "status",
            {
                "status": 200,
                "body": json.dumps(statement),
                "headers": {"Content-Type": "application/fhir+json"},
            },
            path="metadata$",
        )
    )
    with FhirClient(server.base_url) as other:
        yield other


def test_servers_without_transactions_are_served(
    store: SqliteStore, lesser_client: FhirClient, server: SandboxServer
) -> None:
    options = PushOptions(retry=QUICK, in_flight=1)
    dispatcher = Dispatcher(store, lesser_client, PlainRenderer(), options=options)
    server.faults.add(FaultRule("drop-after", method="P(OS|U)T", nth=2))
    records = many(12)
    records[5].data["wrong"] = True
    dispatcher.append(records)
    result = dispatcher.run_until_idle()
    assert states(store) == {"sent": 11, "rejected": 1}
    assert result.summary.issues[0].source is not None
    assert result.summary.issues[0].source.line == 6
    assert versions(lesser_client) == {"Observation": 11, "Patient": 5}
