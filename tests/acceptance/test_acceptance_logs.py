"""Canaries: records full of texts that nobody else would write, and everything that can be told.

Every text of the records that is no code or date is a canary of its own. They are mapped,
refused, sent, met by every kind of trouble, pulled and posted, with logs at debug level; then no
log, metric, audit line, standard error or error body holds one of them.
"""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from fhir_backpain.client.client import FhirClient
from fhir_backpain.clinic.clinic import Clinic
from fhir_backpain.errors import BackpainError
from fhir_backpain.fhir import json_text
from fhir_backpain.gateway.app import create_app
from fhir_backpain.gateway.settings import GatewaySettings
from fhir_backpain.mapping.mapper import Mapper, load_mapper
from fhir_backpain.outbox.sqlite import SqliteStore
from fhir_backpain.sandbox.faults import FaultRule
from fhir_backpain.sandbox.server import SandboxServer
from fhir_backpain.sync import push
from fhir_backpain.telemetry.log_output import LogSettings, logging_to
from fhir_backpain.validation.record import RecordChecker
from tests.command import Ran, Run

OUTBOX = "fhir-backpain-outbox.sqlite"
BUNDLES: dict[str, Any] = {"method": "POST", "path": "^/fhir/?$"}
TROUBLE = ("drop-before", "drop-after", "truncate")
Record = dict[str, Any]


@pytest.fixture(scope="module")
def mapper() -> Mapper:
    return load_mapper()


class Canaries:
    """Puts canaries into records, wherever records with them are still good."""

    def __init__(self, mapper: Mapper) -> None:
        library = mapper.library
        self._mapper = mapper
        self._checker = RecordChecker(library.vocabulary, library.ranges, library.instruments)
        self._numbers = itertools.count(1)
        self.made: list[str] = []

    def new(self) -> str:
        self.made.append(f"Kanarie{next(self._numbers):04}x")
        return self.made[-1]

    def fill(self, record: Record) -> Record:
        for holder, key in [*_leaves(record)]:
            old, new = holder[key], self.new()
            if isinstance(old, str):
                # An identifier's system is the clinic's, the same for all: no value of a patient.
                if key in ("system", "source", "record"):
                    self.made.pop()
                    continue
                holder[key] = new
            else:
                holder[key] = json_text.parse(f"7.{731_000 + len(self.made)}")
                self.made[-1] = str(holder[key])
            if not self._is_good(record):
                holder[key] = old
                self.made.pop()
        return record

    def _is_good(self, record: Record) -> bool:
        if any(issue.is_error for issue in self._checker.check(record)):
            return False
        try:
            self._mapper(record)
        except BackpainError:
            return False
        return True

    def found_in(self, text: str) -> list[str]:
        return [one for one in self.made if one in text]


def _leaves(node: Any) -> Iterator[tuple[Any, Any]]:
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        if isinstance(value, (dict, list)):
            yield from _leaves(value)
        elif not isinstance(value, bool) and value is not None:
            yield node, key


@pytest.fixture(scope="module")
def canaries(mapper: Mapper) -> Canaries:
    return Canaries(mapper)


@pytest.fixture(scope="module")
def records(canaries: Canaries) -> list[Record]:
    """One record of each type, each of a patient of its own, all that can be a canary being one."""
    clinic = [json_text.parse(json_text.dump(one)) for one in
              Clinic(seed=11, patients=4, start=date(2024, 1, 8)).records()]  # fmt: skip
    richest = {
        kind: max((one for one in clinic if one["record"] == kind), key=lambda one: len(str(one)))
        for kind in ("assessment", "care-plan", "observation")
    }
    filled = [canaries.fill(record) for record in richest.values()]
    assert len(canaries.made) > 25
    return filled


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "all.log"


@pytest.fixture
def told(run: Run, log: Path) -> Callable[..., str]:
    """Run a command with a full log; return what it told others: its standard error."""

    def command(*arguments: str | Path, code: int | None = None, logs: bool = True) -> str:
        options = ("--log", log, "--log-level", "debug") if logs else ()
        ran: Ran = run(*arguments, *options)
        assert code is None or ran.code == code, ran.err
        return ran.err

    return command


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    with SandboxServer() as running:
        yield running


def write(path: Path, *records: Record) -> Path:
    path.write_text("".join(f"{json_text.dump(one)}\n" for one in records), encoding="utf-8")
    return path


def wrong(canaries: Canaries, records: list[Record]) -> list[str]:
    """Return lines that are refused: codes, dates, types and JSON that are canaries.

    Names of fields are not: they are the clinic's program's, and have to be told to be put right.
    """
    lines = []
    for record in records:
        for key in ("assessed_at", "written_at", "observed_at", "patient", "status", "measure"):
            if key in record:
                lines.append(json_text.dump({**record, key: canaries.new()}))
        lines.append(json_text.dump({**record, "paim": canaries.new()}))
        lines.append(json_text.dump(record) + canaries.new())
        lines.append(json_text.dump(record)[:-40] + canaries.new())
        lines.append(f'{{"x":"{canaries.new()}","x":{canaries.new()}}}')
    return lines


def echo(canaries: Canaries, record: Record) -> dict[str, Any]:
    """Return a refusal in which the server repeats a record that it was sent."""
    sent = canaries.found_in(json_text.dump(record))
    assert len(sent) > 5
    issue = {"severity": "error", "code": "value", "diagnostics": " / ".join(sent)}
    outcome = {"resourceType": "OperationOutcome", "issue": [issue]}
    headers = {"Content-Type": "application/fhir+json"}
    return {"status": 422, "headers": headers, "body": json.dumps(outcome)}


def tables(outbox: Path) -> str:
    """Return all of the audit trail, and of the attempts what is shown of them."""
    with SqliteStore(outbox) as store:
        return "\n".join(map(repr, store.trail()))


def test_bad_records_are_refused_without_their_values(
    told: Callable[..., str], canaries: Canaries, records: list[Record], tmp_path: Path,
    log: Path, server: SandboxServer,
) -> None:  # fmt: skip
    bad = tmp_path / "bad.ndjson"
    bad.write_text("\n".join([*wrong(canaries, records), json_text.dump(records[0])]), "utf-8")
    text = told("map", bad, "--max-issues", "9999", logs=False, code=1)
    text += told("validate", bad, "--max-issues", "9999", logs=False, code=1)
    text += told("sync", bad, "--max-issues", "9999", "--server", server.base_url, code=1)
    text += told("status", "--json", logs=False)
    assert "FBP-" in text
    assert canaries.found_in(text + log.read_text()) == []


def test_every_way_to_fail_tells_no_value(
    told: Callable[..., str], run: Run, canaries: Canaries, records: list[Record],
    tmp_path: Path, log: Path, server: SandboxServer,
) -> None:  # fmt: skip
    feed = write(tmp_path / "feed.ndjson", *records)
    sync = ("sync", feed, "--server", server.base_url, "--patience")
    texts = []
    for record in records:
        server.faults.clear()
        server.faults.add(FaultRule("status", echo(canaries, record), **BUNDLES))
        one = write(tmp_path / "one.ndjson", record)
        texts.append(told("sync", one, *sync[2:], "5", code=4))
    server.faults.clear()
    texts.append(told("outbox", "replay", "--state", "rejected", "--because",
                      f"{canaries.made[0]} {canaries.made[-1]}", logs=False, code=2))  # fmt: skip
    texts.append(told("outbox", "replay", "--state", "rejected", "--because", "it is put right",
                      logs=False, code=0))  # fmt: skip
    for status in (500, 503, 401, 409):
        server.faults.clear()
        failure = {**echo(canaries, records[0]), "status": status}
        server.faults.add(FaultRule("status", failure, **BUNDLES))
        # The record alone: a server that tells of others than it was sent is not ours to silence.
        one = write(tmp_path / "one.ndjson", records[0])
        texts.append(told("sync", one, *sync[2:], "0", "--outbox", "alone.sqlite"))
    for kind in TROUBLE:
        server.faults.clear()
        server.faults.add(FaultRule(kind, **BUNDLES))
        texts.append(told(*sync, "0"))
    server.faults.clear()
    # The plan refers to a record that is not sent here.
    texts.append(told(*sync, "90", code=4))
    for text in texts:
        assert canaries.found_in(text) == [], text

    # Both sides change; what was written by another holds canaries too.
    edit_all(server, canaries)
    again = [{**record, "test_data": False} for record in records]
    texts.append(told("sync", write(tmp_path / "more.ndjson", *again), *sync[2:], "5", code=4))
    # What a person has to decide on is named by the record's own id: pull has no other name for it.
    ids = {record["id"] for record in records}
    for who in ("ask", "server"):
        text = told("pull", "--server", server.base_url, "--on-conflict", who, "--state", who,
                    "--to", f"ndjson:{who}.ndjson")  # fmt: skip
        assert set(canaries.found_in(text)) <= ids
    texts.append(told("outbox", "discard", "--state", "conflict", logs=False))
    listed = run("outbox", "list")
    shown = [run("outbox", "show", line.split()[0]) for line in listed.out.splitlines()]
    texts += [one.err for one in (listed, *shown)]
    texts += [one.out for one in map(run_with(run), (
        ("status", "--metrics"), ("outbox", "audit"), ("outbox", "audit", "--json"),
        ("outbox", "audit", "--as", "fhir")))]  # fmt: skip
    texts += [tables(tmp_path / OUTBOX), log.read_text()]
    for text in texts:
        assert canaries.found_in(text) == [], text
    # All of it was really told of.
    events = [json.loads(line) for line in log.read_text().splitlines()]
    assert {"started", "bundle", "settled", "trouble", "pushed", "exchange", "pulled",
            "delivered", "ended"} <= {event["event"] for event in events}  # fmt: skip
    states = {event["state"] for event in events if event["event"] == "settled"}
    assert {"sent", "rejected", "unclear", "conflict"} <= states
    # Only who asks for the data gets them.
    data = run("outbox", "show", listed.out.split()[0], "--data")
    assert canaries.found_in(data.out)
    assert canaries.found_in(data.err) == []


def run_with(run: Run) -> Callable[[tuple[str, ...]], Ran]:
    return lambda arguments: run(*arguments)


def edit_all(server: SandboxServer, canaries: Canaries) -> None:
    """Change what the server holds, as others would."""
    with FhirClient(server.base_url) as client:
        for kind in ("Observation", "CarePlan", "Condition", "Goal"):
            for entry in [*client.search(kind)]:
                resource = entry["resource"]
                resource["note" if kind != "Patient" else "contact"] = [{"text": canaries.new()}]
                resource["identifier"] = [
                    *resource.get("identifier", []), {"value": canaries.new()}
                ]  # fmt: skip
                client.put(kind, resource["id"], json_text.dump(resource))


@pytest.mark.parametrize("form", ["json", "text"])
def test_an_unexpected_fault_shows_places_and_no_values(
    told: Callable[..., str], monkeypatch: pytest.MonkeyPatch, canaries: Canaries,
    records: list[Record], tmp_path: Path, log: Path, server: SandboxServer, form: str,
) -> None:  # fmt: skip
    def fail(secret: str) -> None:
        name = f"local {secret}"
        try:
            raise KeyError(name)
        except KeyError as error:
            raise ExceptionGroup(name, [ValueError(name)]) from error

    monkeypatch.setenv("FHIR_BACKPAIN_DEBUG", "1")
    monkeypatch.setattr(push, "make_jobs", lambda *_: fail(canaries.made[0]))
    feed = write(tmp_path / "feed.ndjson", *records)
    text = told("sync", feed, "--server", server.base_url, "--log-form", form, code=70)
    logged = log.read_text()
    assert canaries.found_in(text + logged) == []
    for word in ("ExceptionGroup", "ValueError", "KeyError", "test_acceptance_logs:"):
        assert word in text
        assert word in logged


def test_the_gateway_answers_and_logs_no_value(
    canaries: Canaries, records: list[Record], mapper: Mapper, tmp_path: Path, log: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    settings = GatewaySettings("http://127.0.0.1:9/fhir", tmp_path / OUTBOX, max_body=200_000)
    json_type = {"Content-Type": "application/json"}
    with (
        SqliteStore(settings.outbox) as store,
        logging_to(LogSettings(str(log), "debug")),
    ):
        api = create_app(settings, store=store, mapper=mapper).test_client()
        bodies = []
        path = "/api/v1/records"
        for line in wrong(canaries, records):
            for where in (path, f"{path}?partial=true", f"{path}/$dry-run"):
                answer = api.post(where, data=line.encode(), headers=json_type)
                assert answer.status_code >= 400
                bodies.append(answer.text)
        good = json_text.dump(records[0]).encode()
        secret = canaries.made[0]
        large = b"[" + b",".join([good] * (1 + 210_000 // len(good))) + b"]"
        bodies += [
            api.post(path, data=large, headers=json_type).text,
            api.post(path, data=good, headers={"Content-Type": f"text/{secret}"}).text,
            api.post(f"{path}?{secret}={secret}", data=good, headers=json_type).text,
            api.open(path, method=secret, data=good).text,
            api.get(f"/{secret}").text,
            api.get(f"/api/v1/deliveries/{secret}").text,
            api.get(path, headers={"X-Request-Id": f"{secret} {secret}", "Accept": secret}).text,
            api.get(f"/api/v1/deliveries?after={secret}", headers={"Authorization": secret}).text,
        ]
        taken = api.post(path, data=good, headers=json_type)
        assert taken.status_code == 202
        metrics = api.get("/metrics")
        assert metrics.status_code == 200
        bodies += [taken.text, metrics.text]
    logged = log.read_text()
    assert logging.getLogger("fhir_backpain").level == logging.NOTSET
    captured = capfd.readouterr()
    for text in [*bodies, logged, captured.err, captured.out, tables(tmp_path / OUTBOX)]:
        assert canaries.found_in(text) == []
    requests = [json.loads(line) for line in logged.splitlines()]
    assert {one["status"] for one in requests if one["event"] == "request"} >= {200, 202, 400}
