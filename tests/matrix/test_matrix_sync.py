"""The rows of the fault matrix that concern sending, each over every store.

OK means: every record ends sent or in a final state that a person can act on; there is one live
resource for each identity; no older version lands after a newer one; the content on the server is
what was mapped last.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from fhir_backpain.client.client import FhirClient
from fhir_backpain.errors import AmbiguousRemoteError, PermanentRemoteError, RemoteError
from fhir_backpain.outbox.entry import State
from fhir_backpain.outbox.opening import open_store
from fhir_backpain.outbox.retry import RetryPolicy
from fhir_backpain.outbox.sqlite import SqliteStore
from fhir_backpain.outbox.store import Store
from fhir_backpain.record import SourceRecord
from fhir_backpain.sandbox.faults import FaultRule
from fhir_backpain.sandbox.server import SandboxServer
from fhir_backpain.sync.messages import KEEPS_FAILING as PROBLEM
from fhir_backpain.sync.push import Dispatcher
from fhir_backpain.sync.push_options import PushOptions, PushResult
from tests.awkward_server import AwkwardServer
from tests.matrix.tcp_proxy import Fault, TcpProxy
from tests.store.store_records import HandClock
from tests.unit.sync.sync_world import QUICK, PlainRenderer, made, record

ROOT = Path(__file__).parents[2]
KILLED_WORKER = ROOT / "tests/acceptance/kill_sync_worker.py"
WORKER = "tests.matrix.matrix_worker"
BUNDLE: dict[str, Any] = {"method": "POST", "path": "^/fhir/?$"}
DEADLINE = 60.0

Opener = Callable[[], Store]
AddFault = Callable[..., FaultRule]
Versions = dict[str, list[dict[str, Any]]]


def many(count: int, patients: int = 5) -> list[SourceRecord]:
    return [record(f"r{n}", f"p{n % patients}", score=n) for n in range(count)]


def states(store: Store) -> dict[State, int]:
    return {state: count for state, count in store.counts().items() if count}


def push(store: Store, client: FhirClient, *records: SourceRecord, **options: Any) -> PushResult:
    """Append records and push them, as a new process would each time."""
    chosen = PushOptions(**{"retry": QUICK, "patience": 5.0, **options})
    dispatcher = Dispatcher(store, client, PlainRenderer(), options=chosen)
    dispatcher.append(records)
    return dispatcher.run_until_idle()


def history(server: SandboxServer) -> Versions:
    """Return the contents of all versions of each resource, oldest first; None where deleted."""
    found: Versions = {}
    with FhirClient(server.base_url) as client:
        for entry in client.history(parameters=[("_count", "200")]):
            resource = entry.get("resource")
            url = entry["request"]["url"]
            found.setdefault(url, []).insert(0, resource)
    return found


def assert_ok(store: Store, server: SandboxServer, records: int, patients: int) -> None:
    """Everything is sent, each resource was written once and holds what was mapped."""
    assert states(store) == {"sent": records}
    versions = history(server)
    assert Counter(url.partition("/")[0] for url in versions) == {
        "Observation": records,
        "Patient": patients,
    }
    assert {len(each) for each in versions.values()} == {1}
    for entry in store.entries(limit=1000):
        for one in PlainRenderer()(store.data(entry.id)):
            held = versions[one.url][-1]
            assert {name: held[name] for name in json.loads(one.text)} == json.loads(one.text)


def worker(place: str, base_url: str, count: int, mode: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", WORKER, place, base_url, str(count), mode],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def wait_until(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE
    while not reached():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.01)


def scores(versions: Versions) -> list[list[int]]:
    """Return the scores of each observation's versions."""
    return [
        [version["valueInteger"] for version in each]
        for url, each in versions.items()
        if url.startswith("Observation/")
    ]


# Processes that end, or stand still


def killed(place: str, server: SandboxServer, count: int) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, str(KILLED_WORKER), place, server.base_url, str(count)],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def finish(place: str, server: SandboxServer, count: int) -> dict[str, Any]:
    process = killed(place, server, count)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    result: dict[str, Any] = json.loads(output)
    return result


def bare(versions: Versions) -> Versions:
    return {
        url: [{name: part for name, part in one.items() if name != "meta"} for one in each]
        for url, each in versions.items()
    }


def test_row_01_kills_at_random_moments_change_nothing(place: str, tmp_path: Path) -> None:
    """Leases of the dead are free at once: the last run would not wait for them to end."""
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    moments, count, kills = random.Random(seed), 240, 8
    with SandboxServer() as calm_server:
        calm = finish(str(tmp_path / "calm.db"), calm_server, count)
        expected = bare(history(calm_server))
    assert calm["complete"]

    killed_under_way = 0
    with SandboxServer() as server:
        # Slow enough that a kill meets every phase: before, within and after a bundle.
        server.faults.add(FaultRule("delay", {"seconds": 0.15}, **BUNDLE))
        for _ in range(kills):
            process = killed(place, server, count)
            time.sleep(moments.uniform(0.3, 1.2))
            process.kill()
            process.communicate()
            killed_under_way += process.returncode == -signal.SIGKILL
        server.faults.clear()
        finish(place, server, count)
        found = bare(history(server))

    assert killed_under_way > kills // 2, f"seed {seed}: the kills came too late"
    assert found.keys() == expected.keys()
    for url, versions in found.items():
        assert versions[-1] == expected[url][-1], f"seed {seed}: {url} differs"
        texts = [json.dumps(version, sort_keys=True) for version in versions]
        assert all(one != two for one, two in itertools.pairwise(texts)), f"seed {seed}: {url}"
        if url.startswith("Observation/"):
            assert len(versions) == 1, f"seed {seed}: {url} was written more than once"
    store = open_store(place)
    assert states(store) == {"sent": count}
    store.close()


def test_row_02_a_kill_after_the_commit_is_read_back(
    place: str, server: SandboxServer, fault: AddFault
) -> None:
    fault("drip", {"bytes": 1, "seconds": 0.5}, **BUNDLE, times=1)
    process = worker(place, server.base_url, 8, "push")
    wait_until(lambda: len(history(server)) == 16)  # committed; the answer is still dripping
    process.kill()
    process.communicate()
    server.faults.clear()
    again = worker(place, server.base_url, 8, "push")
    output, _ = again.communicate(timeout=DEADLINE)
    assert json.loads(output)["complete"]
    assert {len(versions) for versions in history(server).values()} == {1}  # nothing went twice


def test_row_03_sigterm_finishes_what_is_under_way(
    place: str, opened: Opener, server: SandboxServer, fault: AddFault
) -> None:
    slow = fault("delay", {"seconds": 0.3}, **BUNDLE)
    store = opened()
    store.append(many(60), server.base_url, "scores-1")
    process = worker(place, server.base_url, 0, "serve")
    wait_until(lambda: slow.seen >= 1)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=30)
    assert (process.returncode, output) == (0, "stopped\n")
    found = states(store)
    assert set(found) <= {"sent", "queued"}
    assert found["queued"] > 0
    assert not any(entry.leased for entry in store.entries(limit=100))
    arrived = [url for url in history(server) if url.startswith("Observation/")]
    assert len(arrived) == found.get("sent", 0)


@pytest.mark.parametrize("mode", ["stop-rendering", "stop-sending"])
@pytest.mark.parametrize("before", [[], [7]])
def test_row_04_a_worker_that_stood_still_past_its_lease_overwrites_nothing(
    place: str, opened: Opener, server: SandboxServer, mode: str, before: list[int]
) -> None:
    from tests.acceptance.kill_sync_worker import ScoreRenderer, records

    def newer(score: int) -> SourceRecord:
        (one,) = records(1)
        return SourceRecord({**one.data, "score": score}, one.location)

    store = opened()
    with FhirClient(server.base_url) as client:
        options = PushOptions(retry=QUICK, patience=20)
        dispatcher = Dispatcher(store, client, ScoreRenderer(), options=options)
        dispatcher.append([newer(score) for score in before])
        dispatcher.run_until_idle()
        process = worker(place, server.base_url, 1, mode)
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        assert [entry.leased for entry in store.entries()][-1]
        assert dispatcher.run_until_idle().is_complete  # once the lease has ended
        dispatcher.append([newer(9)])
        assert dispatcher.run_until_idle().is_complete
        process.send_signal(signal.SIGCONT)
        process.communicate(timeout=DEADLINE)
    assert process.returncode == 0
    assert scores(history(server)) == [[*before, 0, 9]]
    assert set(states(store)) == {"sent"}


def test_row_05_two_dispatchers_send_each_record_once(
    opened: Opener, client: FhirClient, server: SandboxServer
) -> None:
    options = PushOptions(retry=QUICK, lease_limit=7)
    both = [Dispatcher(opened(), client, PlainRenderer(), options=options) for _ in range(2)]
    both[0].append(many(120, 20))
    results: list[PushResult] = []
    threads = [
        threading.Thread(target=lambda one=one: results.append(one.run_until_idle()))
        for one in both
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store = opened()
    assert sum(result.summary.records["sent"] for result in results) == 120
    assert {len(store.attempts(entry.id)) for entry in store.entries(limit=200)} == {1}
    assert_ok(store, server, 120, 20)


def test_row_09_a_lost_notification_is_made_up_for_by_looking(
    opened: Opener, client: FhirClient, server: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, other = opened(), opened()
    monkeypatch.setattr(store, "watch", lambda *_: nullcontext())  # every notification is lost
    dispatcher = Dispatcher(store, client, PlainRenderer(), options=PushOptions(retry=QUICK))
    thread = threading.Thread(target=dispatcher.run_forever, args=(0.05,))
    thread.start()
    try:
        other.append(many(5), client.base_url, "mapping-1")
        wait_until(lambda: states(other) == {"sent": 5})
    finally:
        dispatcher.stop()
        thread.join()
    assert_ok(other, server, 5, 5)


# The way to the server


@pytest.mark.parametrize(
    ("host", "hours"),
    [("127.0.0.1", 24), ("no-such-host.invalid", 2)],  # looking up takes a while
)
def test_row_13_a_day_without_the_server_loses_nothing(store: Store, host: str, hours: int) -> None:
    """No cap counts what never reached the server; waits are those of the policy."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        clock, waits = HandClock(), list[float]()

        def pause(seconds: float) -> None:
            waits.append(seconds)
            clock.pass_seconds(seconds)

        options = PushOptions(patience=hours * 3600.0)
        with FhirClient(f"http://{host}:{port}/fhir", deadline=20) as client:
            dispatcher = Dispatcher(
                store, client, PlainRenderer(), server="clinic", options=options,
                monotonic=clock.steady, pause=pause, random=lambda: 0.5,
            )  # fmt: skip
            dispatcher.append(many(5))
            result = dispatcher.run_until_idle()
    assert (result.reason, result.queued) == ("unreachable", 5)
    assert hours * 3600.0 - 300.0 <= sum(waits) <= hours * 3600.0
    assert len(waits) > hours * 10
    assert max(waits) <= 300.0
    assert {entry.attempts for entry in store.entries()} == {0}
    with SandboxServer() as server, FhirClient(server.base_url) as there:
        again = Dispatcher(store, there, PlainRenderer(), server="clinic")
        assert again.run_until_idle().is_complete
        assert_ok(store, server, 5, 5)


def through(proxy: TcpProxy, store: Store, **settings: Any) -> tuple[PushResult, int]:
    """Push through a proxy; return the result and how many transactions were sent."""
    sent: list[str] = []

    class Counting(FhirClient):
        def transaction(self, bundle: str) -> Any:
            sent.append(bundle)
            return super().transaction(bundle)

    with Counting(proxy.base_url, **{"deadline": 10.0, **settings}) as client:
        return push(store, client, *many(12)), len(sent)


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param("reset-before", id="row-14-reset-before-the-request"),
        pytest.param("lose-answer", id="row-15-answer-lost"),
        pytest.param("truncate", id="row-16-answer-truncated"),
    ],
)
def test_rows_14_15_16_a_broken_connection_changes_nothing(
    store: Store, server: SandboxServer, kind: Any
) -> None:
    with TcpProxy(server.base_url) as proxy:
        proxy.fault = Fault(kind)
        result, sent = through(proxy, store)
        assert proxy.fault.met == 1
    assert result.is_complete
    assert result.summary.resources["Observation", "created"] == 12
    assert_ok(store, server, 12, 5)
    assert sent == 1 or kind == "reset-before"  # what had arrived was not sent again


def test_row_17_a_slow_drip_ends_at_the_deadline(store: Store, server: SandboxServer) -> None:
    """No read timeout fires: a byte comes every now and then."""
    with TcpProxy(server.base_url) as proxy:
        proxy.fault = Fault("drip")
        result, _ = through(proxy, store, timeout=20.0, deadline=0.5)
        assert proxy.fault.met == 1
    assert result.is_complete
    assert_ok(store, server, 12, 5)
    outcomes = [attempt.outcome for attempt in store.attempts(store.entries()[0].id)]
    assert "FBP-6006" in str(outcomes[0])


def test_row_18_nothing_is_sent_to_a_server_that_cannot_prove_itself(store: Store) -> None:
    """It speaks no TLS at all here; wrong certificates and hosts: the tests of the client."""
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    received.append(connection.recv(65536))
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        with FhirClient(f"https://127.0.0.1:{listener.getsockname()[1]}/fhir") as client:
            result = push(store, client, *many(3), patience=0.2)
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()
    assert (result.reason, result.queued) == ("unreachable", 3)
    assert "FBP-6004" in str(result)
    assert received
    assert not any(b"GET" in data or b"POST" in data or b"p1" in data for data in received)


# What the server says


@pytest.fixture
def hand(tmp_path: Path) -> Iterator[tuple[SqliteStore, HandClock]]:
    """A store and the clock that it, and the sending, go by."""
    clock = HandClock()
    with SqliteStore(tmp_path / "hand.db", clock=clock) as store:
        yield store, clock


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("told", "low", "high"),
    [
        ("120", 120.0, 132.0),
        ("Wed, 01 May 2199 12:00:00 GMT", 3600.0, 3960.0),  # absurd: at most the cap
        ("99999999999", 3600.0, 3960.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 1.0, 2.0),
        ("soon", 1.0, 2.0),
        (None, 1.0, 2.0),
    ],
)
def test_row_19_no_request_comes_earlier_than_the_server_allows(
    hand: tuple[SqliteStore, HandClock], client: FhirClient, fault: AddFault,
    monkeypatch: pytest.MonkeyPatch, status: int, told: str | None, low: float, high: float,
) -> None:  # fmt: skip
    store, clock = hand
    headers = {"Retry-After": told} if told else {}
    fault("status", {"status": status, "headers": headers}, **BUNDLE, times=1)
    asked: list[float] = []
    real = client.transaction

    def noting(bundle: str) -> Any:
        asked.append(clock.steady())
        return real(bundle)

    monkeypatch.setattr(client, "transaction", noting)
    options = PushOptions(retry=RetryPolicy(base=2.0), patience=90_000.0)
    dispatcher = Dispatcher(
        store, client, PlainRenderer(), options=options,
        monotonic=clock.steady, pause=clock.pass_seconds,
    )  # fmt: skip
    dispatcher.append(many(6))
    assert dispatcher.run_until_idle().is_complete
    assert low <= asked[1] - asked[0] <= high + 0.1


def test_row_19_within_a_batch_only_the_throttled_entry_is_tried_again(
    store: Store, client: FhirClient, fault: AddFault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fhir_backpain.sync.connection.mode_of", lambda _: "batch")
    sent: list[int] = []
    real = client.batch

    def noting(bundle: str, **settings: Any) -> Any:
        sent.append(len(json.loads(bundle)["entry"]))
        return real(bundle, **settings)

    monkeypatch.setattr(client, "batch", noting)
    settings = {"index": 5, "status": 429, "headers": {"Retry-After": "1"}}
    rule = fault("entry", settings, **BUNDLE, times=1)
    result = push(store, client, *many(10, 1))
    assert (result.is_complete, rule.fired, sent) == (True, 1, [11, 1])
    assert [len(store.attempts(entry.id)) for entry in store.entries()].count(2) == 1


@pytest.mark.parametrize(
    "settings",
    [
        {"status": 500, "apply": True},
        {"status": 500, "apply": False},
        {"status": 502, "body": "<html>", "apply": True},
        {"status": 504, "apply": True},
        {"status": 200, "apply": True, "body": "<html>welcome</html>"},
        {"status": 200, "apply": False, "body": "<html>sign in</html>"},
        {"status": 200, "apply": True, "body": ""},
        {"status": 200, "apply": False, "body": ""},
    ],
)
def test_row_20_an_answer_that_proves_nothing_is_read_back(
    store: Store, client: FhirClient, server: SandboxServer, fault: AddFault,
    settings: dict[str, Any],
) -> None:  # fmt: skip
    rule = fault("status", settings, **BUNDLE, times=2)
    result = push(store, client, *many(40))
    assert rule.fired == 2
    assert result.is_complete
    assert_ok(store, server, 40, 5)


def refusal(status: int, text: str, code: str = "processing") -> dict[str, Any]:
    issue = {"severity": "error", "code": code, "diagnostics": text}
    return {
        "status": status,
        "body": json.dumps({"resourceType": "OperationOutcome", "issue": [issue]}),
        "headers": {"Content-Type": "application/fhir+json"},
    }


@pytest.mark.parametrize("status", [400, 422])
def test_row_21_a_refused_record_is_rejected_after_one_try(
    store: Store, client: FhirClient, fault: AddFault, status: int
) -> None:
    rule = fault("status", refusal(status, "code is missing", "required"), **BUNDLE)
    result = push(store, client, record("r1"))
    assert (rule.seen, states(store)) == (1, {"rejected": 1})
    (entry,) = store.entries()
    assert entry.outcome is not None
    assert entry.outcome["issue"][0]["code"] == "required"
    assert "code is missing" in entry.outcome["issue"][0]["details"]["text"]
    assert [attempt.status for attempt in store.attempts(entry.id)] == [status]
    assert not result.is_complete


def test_row_21_what_depends_on_a_refused_record_is_held(store: Store, client: FhirClient) -> None:
    push(store, client, record("r1", problem="refused"), record("r2", focus=True), record("r3"))
    assert states(store) == {"sent": 1, "rejected": 1, "held": 1}
    result = push(store, client, record("r1", problem="fine"))
    assert states(store) == {"superseded": 1, "sent": 3}
    assert result.is_complete


@pytest.mark.parametrize("status", [409, 412])
def test_row_23_another_version_on_the_server_is_not_overwritten(
    store: Store, client: FhirClient, server: SandboxServer, fault: AddFault, status: int
) -> None:
    fault("conflict-status", {"status": status})
    push(store, client, record("r1", family="Mine"))
    other = made("Patient", "p1", {"name": [{"family": "Theirs"}]})
    client.put("Patient", other.id, other.text)
    result = push(store, client, record("r1", family="Changed"), record("r2", "p2"))
    assert result.summary.records["conflict"] == 1
    assert states(store) == {"sent": 2, "conflict": 1}
    assert (client.read("Patient", other.id).resource or {})["name"] == [{"family": "Theirs"}]
    (entry,) = store.entries(state="conflict")
    assert "FBP-6056" in str(entry.outcome)
    # A newer version of the record is no reason to overwrite it either; a person is.
    push(store, client, record("r1", family="Newer"))
    assert states(store) == {"sent": 2, "superseded": 1, "conflict": 1}
    store.replay(store.entries(state="conflict")[0].id)
    assert push(store, client).is_complete
    assert (client.read("Patient", other.id).resource or {})["name"] == [{"family": "Newer"}]
    assert len(history(server)[other.url]) == 3


def test_row_23_another_version_that_says_the_same_is_taken_for_ours(
    store: Store, client: FhirClient, server: SandboxServer
) -> None:
    """The source may export what came back to it from the server."""
    push(store, client, record("r1", family="Mine"))
    said = PlainRenderer()(record("r1", family="Theirs").data)[0]
    client.put(said.type, said.id, said.text)
    result = push(store, client, record("r1", family="Theirs"))
    assert result.is_complete
    assert states(store) == {"sent": 2}
    assert len(history(server)[said.url]) == 2
    # From now on the version that is there is known.
    assert push(store, client, record("r1", family="Newer")).is_complete
    assert len(history(server)[said.url]) == 3


@pytest.mark.parametrize("status", [409, 412])
def test_row_23_a_race_between_writers_is_run_again(
    store: Store, client: FhirClient, server: SandboxServer, fault: AddFault, status: int
) -> None:
    """HAPI answers 409 to two writes that meet, too: no version explains it."""
    fault("status", refusal(status, "constraint violated", "conflict"), **BUNDLE, times=1)
    result = push(store, client, record("r1"))
    assert result.is_complete
    assert_ok(store, server, 1, 1)


class KeyedRenderer(PlainRenderer):
    """As its parent, each resource with a business identifier."""

    def __call__(self, data: dict[str, Any]) -> list[Any]:
        return [
            one._replace(text=json.dumps({**json.loads(one.text), "identifier": identifier(one)}))
            for one in super().__call__(data)
        ]


def identifier(one: Any) -> list[dict[str, str]]:
    return [{"system": "https://clinic.example/ids", "value": one.id}]


AWKWARD: list[dict[str, Any]] = [
    {},
    {"transactions": False},
    {"conditional_create": True},
    {"conditional_create": True, "transactions": False},
    {"conditional_update": True},
    {"conditional_update": True, "transactions": False},
    {"tells_client_ids": False},
    {"tells_client_ids": False, "transactions": False},
    {"client_ids": True, "limit_status": 400},
    {"client_ids": True, "versions": False},
    {"posts_searches": False, "ignores_unknown_parameters": False},
]
EVERY_AWKWARD = pytest.mark.parametrize(
    "traits", AWKWARD, ids=lambda traits: "+".join(traits) or "plain"
)


@pytest.fixture(params=[KeyedRenderer, PlainRenderer], ids=["identifiers", "tags"])
def renderer(request: pytest.FixtureRequest) -> PlainRenderer:
    made_one: PlainRenderer = request.param()
    return made_one


def push_awkward(
    store: Store, server: AwkwardServer, *records: SourceRecord, renderer: Any = None, **more: Any
) -> PushResult:
    """Push with a new client, so that nothing is known but what the outbox keeps."""
    options = PushOptions(**{"retry": QUICK, "patience": 3.0, **more})
    with FhirClient(server.base_url, deadline=10) as client:
        dispatcher = Dispatcher(
            store, client, renderer or KeyedRenderer(), server="awkward", options=options
        )
        dispatcher.append(records)
        return dispatcher.run_until_idle()


@EVERY_AWKWARD
def test_an_awkward_server_holds_each_identity_once(
    store: Store, traits: dict[str, Any], renderer: PlainRenderer
) -> None:
    with AwkwardServer(**traits) as server:
        result = push_awkward(store, server, *many(60, 9), renderer=renderer)
        assert result.is_complete, str(result)
        assert len(server.live("Patient")) == 9
        observations = server.live("Observation")
        patients = {f"Patient/{one['id']}" for one in server.live("Patient")}
        assert sorted(one["valueInteger"] for one in observations) == list(range(60))
        assert {one["subject"]["reference"] for one in observations} == patients
        assert len(patients) == 9
        # Unchanged: nothing is sent. Changed: the same resource, another version.
        before = len(server.requests)
        push_awkward(store, server, *many(60, 9), renderer=renderer)
        assert len(server.requests) == before
        push_awkward(store, server, record("r7", "p7", score=700), renderer=renderer)
        assert len(server.live("Observation")) == 60
        assert sorted(one["valueInteger"] for one in server.live("Observation"))[-1] == 700
        push_awkward(store, server, record("r7", "p7", score=701, family="Other"))
        changed = [one for one in server.live("Patient") if one["name"][0]["family"] == "Other"]
        assert len(changed) == 1
        assert states(store)["sent"] == 62


@pytest.mark.parametrize("transactions", [True, False])
def test_row_23_an_awkward_server_keeps_what_somebody_else_wrote(
    store: Store, transactions: bool
) -> None:
    with AwkwardServer(transactions=transactions) as server:
        push_awkward(store, server, record("r1"))
        (mine,) = server.live("Observation")
        server.edit(f"Observation/{mine['id']}", valueInteger=99)
        result = push_awkward(store, server, record("r1", score=2))
        assert result.summary.records["conflict"] == 1
        assert [one["valueInteger"] for one in server.live("Observation")] == [99]


@pytest.mark.parametrize(
    "traits",
    [
        {"conditional_update": True},
        {"conditional_update": True, "transactions": False},
        {"conditional_create": True},
        {},
        {"transactions": False},
    ],
)
def test_row_24_an_identity_that_several_resources_have_is_left_alone(
    store: Store, traits: dict[str, Any]
) -> None:
    with AwkwardServer(**traits) as server, FhirClient(server.base_url) as client:
        patient = KeyedRenderer()(record("r1").data)[0]
        for _ in range(2):
            client.create("Patient", patient.text)
        before = server.live("Patient")
        result = push_awkward(store, server, record("r1"), record("r2", "p2"))
        assert states(store) == {"conflict": 1, "sent": 1}
        assert [issue.number for issue in result.summary.issues] == [6058]
        assert [one for one in server.live("Patient") if one in before] == before
        assert len(server.live("Observation")) == 1


def test_row_25_a_server_that_passes_criteria_over_is_not_written_by_them(store: Store) -> None:
    with AwkwardServer(ignores_identifier=True, conditional_update=True) as server:
        with FhirClient(server.base_url) as client:
            client.create("Patient", '{"resourceType":"Patient"}')
        writes = len(server.requests)
        result = push_awkward(store, server, *many(3))
        assert (result.reason, result.queued) == ("refused", 3)
        assert "FBP-6057" in str(result)
        later = server.requests[writes:]
        assert {method for method, path, _ in later if "_search" not in path} == {"GET"}


def test_row_25_with_ids_of_ours_no_search_decides(
    store: Store, client: FhirClient, server: SandboxServer, fault: AddFault
) -> None:
    fault("ignore-search-parameters", {"names": ["*"]})
    assert push(store, client, *many(10)).is_complete
    assert_ok(store, server, 10, 5)


def test_row_26_a_transaction_names_the_record_at_fault_and_the_rest_goes_through(
    store: Store, client: FhirClient
) -> None:
    records = many(20)
    records[7].data["wrong"] = True
    result = push(store, client, *records)
    assert states(store) == {"sent": 19, "rejected": 1}
    (issue,) = result.summary.issues
    assert issue.source is not None
    assert (issue.source.file, issue.source.line, issue.source.record) == ("records.jsonl", 8, "r7")
    assert issue.expression == "Observation.performer[0].reference"


@pytest.mark.parametrize("limit", [25, 4, 1])
@pytest.mark.parametrize("status", [400, 413])
def test_row_27_the_limit_of_bundles_is_learned_and_remembered(
    store: Store, client: FhirClient, server: SandboxServer, fault: AddFault, limit: int,
    status: int, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    fault("bundle-limit", {"entries": limit, "status": status}, **BUNDLE)
    sent: list[list[str]] = []
    real = client.transaction

    def noting(bundle: str) -> Any:
        sent.append([entry["request"]["url"] for entry in json.loads(bundle)["entry"]])
        return real(bundle)

    monkeypatch.setattr(client, "transaction", noting)
    assert push(
        store, client, *many(60, 30), record("r99", "p1", problem="pain", focus=True)
    ).is_complete
    assert len(history(server)) == 92
    first = [url for bundle in sent if len(bundle) <= limit for url in bundle]
    position = {url: index for index, url in enumerate(first)}
    for url, versions in history(server).items():  # a patient comes before what is about them
        subject = versions[0].get("subject")
        assert subject is None or position[subject["reference"]] < position[url]
    sent.clear()
    assert push(store, client, *(record(f"r{n}", f"q{n}") for n in range(30))).is_complete
    assert max(map(len, sent)) <= limit


def test_row_27_a_limit_that_the_server_tells_is_kept_from_the_start(store: Store) -> None:
    with AwkwardServer(client_ids=True, tells_limit=True) as server:
        assert push_awkward(store, server, *many(60, 30)).is_complete
        sizes = [
            len(json.loads(body)["entry"])
            for method, path, body in server.requests
            if method == "POST" and path == "/fhir"
        ]
    assert max(sizes) <= 25


@pytest.mark.parametrize(
    ("kind", "settings"),
    [("omit-entries", {"indexes": [0, 3]}), ("reverse-entries", {})],
)
@pytest.mark.parametrize("mode", ["transaction", "batch"])
def test_row_28_only_what_an_answer_proves_counts(
    store: Store, client: FhirClient, server: SandboxServer, fault: AddFault, kind: str,
    settings: dict[str, Any], mode: str, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("fhir_backpain.sync.connection.mode_of", lambda _: mode)
    fault(kind, settings, **BUNDLE, times=2)
    assert push(store, client, *many(40)).is_complete
    assert_ok(store, server, 40, 5)


def test_row_28_a_mixed_batch_answer_marks_each_entry_for_itself(
    store: Store, client: FhirClient, fault: AddFault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fhir_backpain.sync.connection.mode_of", lambda _: "batch")
    fault("entry", {"index": 3, "status": 422}, **BUNDLE, times=1)
    fault("entry", {"index": 4, "status": 503}, **BUNDLE, times=1)
    push(store, client, *many(10, 1))
    assert states(store) == {"sent": 9, "rejected": 1}


class LosingClient(FhirClient):
    """Loses the answers of its first writes, after the server has taken them."""

    left = 2

    def _lose(self, reply: Any) -> Any:
        if self.left:
            self.left -= 1
            raise AmbiguousRemoteError(PROBLEM.issue("lost"))
        return reply

    def transaction(self, bundle: str) -> Any:
        return self._lose(super().transaction(bundle))

    def create(self, *arguments: Any, **settings: Any) -> Any:
        return self._lose(super().create(*arguments, **settings))

    def put_where(self, *arguments: Any, **settings: Any) -> Any:
        return self._lose(super().put_where(*arguments, **settings))


@pytest.mark.parametrize(
    "traits",
    [
        {"search_lag": 1.0},
        {"search_lag": 1.0, "transactions": False},
        {"search_lag": 1.0, "conditional_create": True},
        {"search_lag": 1.0, "conditional_update": True},
        {"search_seconds": 0.1},
    ],
)
def test_row_29_a_search_that_misses_what_was_written_creates_nothing_twice(
    store: Store, traits: dict[str, Any], renderer: PlainRenderer
) -> None:
    with AwkwardServer(**traits) as server:
        options = PushOptions(retry=QUICK, patience=20.0, search_lag=1.5)
        with LosingClient(server.base_url) as client:
            dispatcher = Dispatcher(store, client, renderer, server="awkward", options=options)
            dispatcher.append(many(6, 3))
            result = dispatcher.run_until_idle()
        assert result.is_complete, str(result)
        assert len(server.live("Patient")) == 3
        assert sorted(one["valueInteger"] for one in server.live("Observation")) == [
            0,
            1,
            2,
            3,
            4,
            5,
        ]


def test_row_29_a_stale_search_of_the_sandbox_decides_nothing(
    store: Store, client: FhirClient, server: SandboxServer, fault: AddFault
) -> None:
    fault("stale-search", {"seconds": 3600})
    fault("drop-after", **BUNDLE, times=1)
    assert push(store, client, *many(10)).is_complete
    assert_ok(store, server, 10, 5)


@pytest.mark.parametrize(
    "url", ["https://elsewhere.example/fhir?page=2", "http://127.0.0.1:1/fhir?page=2", "?_count=2"]
)
def test_row_30_a_next_link_that_leads_astray_makes_the_pages_incomplete(
    client: FhirClient, fault: AddFault, server: SandboxServer, url: str
) -> None:
    for number in range(5):
        client.put("Patient", f"p{number}", f'{{"resourceType":"Patient","id":"p{number}"}}')
    fault("next-link", {"url": f"{server.base_url}/Patient{url}" if url[0] == "?" else url})
    with pytest.raises(PermanentRemoteError) as caught:
        list(client.search("Patient", [("_count", "2")], in_url=True))
    assert caught.value.issues[0].number == 6015
    server.faults.clear()
    assert len(list(client.search("Patient", [("_count", "2")]))) == 5


# Deleted, many, twice


def test_row_33_what_was_deleted_on_the_server_is_not_brought_back(
    store: Store, client: FhirClient, server: SandboxServer
) -> None:
    push(store, client, record("r1"))
    url = made("Observation", "p1 r1", {}).url
    client.delete(*url.split("/"))
    result = push(store, client, record("r1", score=2), record("r2", "p2"))
    assert states(store) == {"sent": 2, "conflict": 1}
    assert result.summary.issues[0].code == "deleted"
    assert history(server)[url][-1] is None
    # Nor by a retry whose answer was lost.
    store.replay(store.entries(state="conflict")[0].id)
    push(store, client)
    assert states(store) == {"sent": 2, "conflict": 1}
    with pytest.raises(RemoteError) as caught:
        client.read(*url.split("/"))
    assert caught.value.status == 410


@pytest.mark.parametrize("transactions", [True, False])
def test_row_33_an_awkward_server_keeps_its_tombstones(store: Store, transactions: bool) -> None:
    with AwkwardServer(transactions=transactions) as server:
        push_awkward(store, server, record("r1"))
        (mine,) = server.live("Observation")
        server.remove(f"Observation/{mine['id']}")
        result = push_awkward(store, server, record("r1", score=2))
        assert result.summary.records["conflict"] == 1, str(result)
        assert server.live("Observation") == []


@pytest.mark.slow
def test_row_35_a_backlog_is_worked_off_in_bounded_memory_and_by_turns(
    place: str, opened: Opener, client: FhirClient
) -> None:
    """One patient has nearly all of 100,000 records; the others do not wait for that."""
    store, backlog = opened(), 100_000
    noisy = (record(f"r{n}", "noisy", score=n) for n in range(backlog - 50))
    quiet = (record(f"r{n}", f"quiet{n}", score=n) for n in range(50))
    store.append(noisy, client.base_url, "mapping-1")
    store.append(quiet, client.base_url, "mapping-1")
    tracemalloc.start()
    try:

        class FirstRounds:
            def advanced(self, done: int, total: int, rate: float) -> None:
                if done >= 150:
                    dispatcher.stop()

        options = PushOptions(retry=QUICK, lease_limit=100, bundle_size=50)
        dispatcher = Dispatcher(
            store, client, PlainRenderer(), options=options, progress=FirstRounds()
        )
        result = dispatcher.run_until_idle()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert result.queued + result.summary.records["sent"] == backlog
    sent = store.entries(state="sent", limit=1000)
    assert {entry.key.patient_value for entry in sent} >= {f"quiet{n}" for n in range(50)}
    assert len(sent) < 500
    assert peak < 30_000_000  # a record of the backlog has some 700 bytes


def test_row_36_the_same_identity_comes_once_in_a_bundle(
    store: Store, client: FhirClient, server: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[list[str]] = []
    real = client.transaction

    def noting(bundle: str) -> Any:
        sent.append([entry["request"]["url"] for entry in json.loads(bundle)["entry"]])
        return real(bundle)

    monkeypatch.setattr(client, "transaction", noting)
    names = [record(f"r{n}", at=f"2024-05-0{n + 1}", family=f"Name{n}") for n in range(4)]
    again = record("r3", at="2024-05-04", family="Name4")
    assert push(store, client, *names, again).is_complete
    assert all(len(set(urls)) == len(urls) for urls in sent)
    patient = history(server)[made("Patient", "p1", {}).url]
    assert [version["name"][0]["family"] for version in patient] == ["Name4"]
